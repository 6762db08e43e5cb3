/* What an org is made of; shared by the files of this module only. Cloud thread, but for `facts`.
 */
#ifndef SFE_SALESFORCE_ORG_PARTS_H
#define SFE_SALESFORCE_ORG_PARTS_H

#include "port/thread.h"
#include "salesforce/budget.h"
#include "salesforce/limits.h"
#include "salesforce/meter.h"
#include "salesforce/oauth.h"
#include "salesforce/org.h"
#include "salesforce/refresh.h"

#define ORG_URL_BYTES_MAX 1024u

struct sfe_org {
    struct sfe_http_owner login_owner; /* First: the tag of the log-in's exchange. */
    struct sfe_org_options options;
    struct sfe_key *key;       /* NULL: no JWT is signed. */
    struct refresh *refresh;   /* NULL: another flow. */
    struct sfe_secret renewed; /* A refresh token of the answer at hand. */

    struct sfe_mutex *mutex; /* Guards facts: cloud writes, any thread reads. */
    struct sfe_org_facts facts;

    struct sfe_secret token;         /* As it came. */
    struct sfe_secret authorization; /* "Bearer " and the token, as it is sent. */
    char instance_url[OAUTH_URL_BYTES_MAX];
    uint64_t token_number; /* Counts tokens: a late 401 for an old one must not drop the new one. */
    bool has_token;
    bool has_worked; /* The token has been accepted by some request. */
    uint64_t pause_until_ns;

    /* The log-in. */
    bool is_wanted;
    bool is_under_way;
    bool has_stopped;
    bool is_keeping;     /* There is a token, to be used once its refresh token is durable. */
    bool is_asking_time; /* What is under way only asks what time it is. */
    struct sfe_http_exchange *exchange;
    uint64_t login_ns; /* Not before. */
    uint32_t failures; /* In a row; a token that never worked counts. */
    struct sfe_builder form;
    struct sfe_builder answer_body;

    /* The day's calls and bytes, and the rate. */
    struct budget budget;
    struct meter meter;
    uint32_t held_back;           /* A bit for each need. */
    uint32_t slowed;              /* The same. */
    struct sfe_http_owner *large; /* Whose large body a metered link carries; NULL: none. */
    struct sfe_http_body upload;  /* It, counted as it flows. */
    const struct sfe_http_body *whole_upload;
    struct sfe_http_sink sink;
    const struct sfe_http_sink *whole_sink;
    uint64_t guessed_bytes;                /* Charged to the meter alone. */
    bool has_calls;                        /* What flash had of them is added. */
    uint8_t calls_bytes[BUDGET_BYTES_MAX]; /* For flash; guarded by the mutex, as the size. */
    size_t calls_size;                     /* 0: nothing is to be kept. */

    struct limits limits; /* Where `reads_limits` says so. */

    /* The org's clock, from the Date of its answers. */
    bool knows_time;
    bool trusts_org_time; /* An assertion was refused as too old: the org's clock is used from then
                             on. */
    int64_t org_minus_monotonic_s;
};

/* Begins the log-in when it is wanted and due. Returns the next turn. */
uint64_t org_login_turn(struct sfe_org *org, uint64_t now_ns);

/* Takes the answer to a log-in: on_answer of `login_owner`. */
void org_login_answered(struct sfe_http_owner *owner, const struct sfe_http_answer *answer);

/* Learns the org's clock from any answer of its. */
void org_learn_time(struct sfe_org *org, const struct sfe_http_answer *answer);

/* Counts a call that was begun; one that costs none of the allowance is a log-in. */
void org_count_call(struct sfe_org *org, enum sfe_org_need need);
void org_count_login(struct sfe_org *org);

/* Prepares a request for a metered link: its pace, its time, its large bodies. SFE_E_FULL: another
 * large one is under way. */
enum sfe_code org_measure(struct sfe_org *org, struct sfe_http_request *request,
                          struct sfe_error *err);

/* The request of `owner`, measured before, was begun; is over (NULL: no answer comes, or it could
 * not begin). */
void org_charge_begin(struct sfe_org *org, const struct sfe_http_request *request,
                      struct sfe_http_owner *owner);
void org_charge_end(struct sfe_org *org, struct sfe_http_owner *owner,
                    const struct sfe_http_answer *answer);

/* Keeps the count, where it is due. Flash thread. */
void org_keep_calls(struct sfe_org *org);

/* Drops the token; the next log-in waits when this one never worked. */
void org_drop_token(struct sfe_org *org, uint64_t now_ns);

#endif
