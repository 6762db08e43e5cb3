/* One Salesforce org: its address, its token, what it says of our allowance. One log-in at a time,
 * whoever asks. Cloud thread; facts: any thread.
 *
 * OAuth 2.0, JWT bearer (RFC 7523), client credentials or a refresh token (API sheet, section 1).
 * Access tokens live in memory only; a refresh token that the org rotates is kept on flash.
 */
#ifndef SFE_SALESFORCE_ORG_H
#define SFE_SALESFORCE_ORG_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "port/clock.h"
#include "port/crypto.h"
#include "port/entropy.h"
#include "port/http.h"
#include "port/storage.h"

struct sfe_arena;
struct sfe_org;

/* Who asks for a call. */
enum sfe_org_need {
    SFE_ORG_ORDINARY,  /* Leaves the reserve alone. */
    SFE_ORG_PRIORITY,  /* Of a stream with a priority. */
    SFE_ORG_PAST_SHARE /* The operator lets it go beyond this gateway's part. */
};

struct sfe_org_options {
    const char *name; /* Of the connection. Borrowed, as all pointers here. */
    const char *login_url;
    const char *api_version;
    const char *client_id;
    const char *username;
    const char *audience;
    struct sfe_slice key_pem; /* Borrowed for the call of open only. */
    const char *ca_file;      /* NULL: system store. */
    uint32_t connect_timeout_ms;
    uint32_t request_timeout_ms;
    const struct sfe_http *http;
    const struct sfe_clock *clock;
    struct sfe_learned_clock *learned; /* Told what time the org says it is; NULL: nobody is. */
    const struct sfe_entropy *entropy;
    const struct sfe_crypto *crypto;
    struct sfe_log *log;
    /* Not empty: the client credentials flow, without a key; or of the app of refresh tokens. */
    struct sfe_slice client_secret;
    /* Not empty: the refresh token flow. A line each; borrowed for the call of open only. */
    struct sfe_slice refresh_tokens;
    const struct sfe_storage *storage; /* Where they are kept. NULL: no refresh is tried. */
    void (*on_keep)(void *owner); /* Cloud has something for sfe_org_keep. NULL: nobody asks. */
    void *owner;
    uint32_t daily_calls;        /* This gateway's part of the org's; 0: as many as there are. */
    uint64_t daily_bytes;        /* Both directions, log-ins too; 0: any number. */
    uint32_t calls_per_minute;   /* 0: any number. */
    uint32_t bytes_per_second;   /* Both directions; 0: as fast as it goes. */
    uint32_t reserve_percent;    /* Of the day's, kept for streams with a priority; below 100. */
    bool reads_limits;           /* Asks now and then for what else the org counts. */
    struct sfe_http_route route; /* By which way the org is reached. */
};

#define SFE_ORG_LIMITS_MAX 5u

/* One of the org's allocations. */
struct sfe_org_limit {
    const char *name; /* As the org names it; static. */
    uint64_t max;
    uint64_t left;
};

struct sfe_org_facts {
    bool has_token;
    uint64_t logins;
    uint64_t api_calls;  /* Requests that count against the allowance, since open. */
    uint64_t sent_bytes; /* On the wire, before TLS; log-ins too. */
    uint64_t received_bytes;
    uint64_t api_used; /* From Sforce-Limit-Info; 0: not heard yet. */
    uint64_t api_limit;
    uint64_t calls_of_day; /* Begun in the last 24 hours, runs before this one included where there
                              is a part of its own. */
    uint64_t daily_calls;  /* That part; 0: none. */
    uint64_t calls_forecast; /* Of a day, if the last hour goes on. */
    uint64_t bytes_of_day;   /* As the calls, both directions. */
    uint64_t daily_bytes;    /* 0: no bound. */
    uint64_t calls_end_s; /* At this rate the part's calls, or the org's, end in so many seconds; 0:
                             they last the day. */
    struct sfe_org_limit limits[SFE_ORG_LIMITS_MAX];
    uint32_t limit_count;         /* 0: not asked yet. */
    bool is_held_back;            /* Somebody waits for the day's calls or bytes. */
    bool is_slowed;               /* Somebody waits for its turn on a metered link. */
    struct sfe_error last_error;  /* Of the last log-in; code SFE_OK: it succeeded. */
    bool is_waiting_for_clock;    /* No JWT can be signed before somebody tells the time. */
    uint32_t refresh_tokens;      /* How many were given; 0: another flow. */
    uint32_t refresh_tokens_left; /* Of these, how many the org has not refused. */
};

/* Opens the org and reads its key; asks nothing of anybody yet. SFE_E_CRYPTO: the key cannot be
 * used. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_org_open(const struct sfe_org_options *options,
                                        struct sfe_arena *arena, struct sfe_org **org,
                                        struct sfe_error *err);

/* What an org takes from the arena, with or without refresh tokens. */
size_t sfe_org_memory_bytes(bool has_refresh_tokens);

/* Does what is due: begins the log-in when somebody needs a token and its back-off is over. Returns
 * the next turn (UINT64_MAX: woken by an answer). A JWT is never signed with a clock known to be
 * wrong: then the time is learned from the Date header of the org's own answer. */
uint64_t sfe_org_turn(struct sfe_org *org, uint64_t now_ns);

/* Makes durable what the org gave in place of a refresh token, before that is used, and the count
 * of calls: returns when to do so again. Flash thread. */
uint64_t sfe_org_keep(struct sfe_org *org, uint64_t now_ns);

/* Begins no log-in any more: whoever comes after it has the refresh tokens. Cloud thread. */
void sfe_org_stop(struct sfe_org *org);

/* False while an answer is under way or to be kept that would be missed. Cloud thread. */
bool sfe_org_is_quiet(const struct sfe_org *org);

/* True when requests may be begun now; otherwise asks for a log-in and says when to ask again. */
bool sfe_org_is_ready(struct sfe_org *org, uint64_t now_ns, uint64_t *until_ns);

/* True when the day's calls and bytes, and the rate of a metered link, allow a new batch now;
 * otherwise says when to ask again. One that was begun is ended. */
bool sfe_org_may_call(struct sfe_org *org, enum sfe_org_need need, uint64_t now_ns,
                      uint64_t *until_ns);

/* True where the day's calls are used so far that the cheapest way is worth waiting for. */
bool sfe_org_is_scarce(struct sfe_org *org, enum sfe_org_need need);

/* One request of sfe_org_begin. */
struct sfe_org_request {
    const char *method;
    const char *path;
    struct sfe_slice body;
    bool is_gzip;
    struct sfe_builder *answer_body;
    struct sfe_http_owner *owner;
    enum sfe_org_need need;
    const char *content_type;           /* Of the body; NULL: JSON. */
    const struct sfe_http_body *upload; /* Instead of `body`; NULL: none. */
    const struct sfe_http_sink *sink;   /* For the body of a 2xx; NULL: none. */
    uint64_t stream_bytes; /* About so much goes through `upload` or `sink`: it may take longer. */
    struct sfe_slice cookie;     /* Value of the header Cookie; empty: none. */
    struct sfe_builder *cookies; /* As that of port/http.h. */
    uint32_t hold_ms; /* The org may hold its answer so long; 0: the connection's limit counts. */
    bool is_free;     /* Does not count against the allowance. */
    bool is_once;     /* As that of port/http.h. */
};

/* Begins a request to `path` (below instance_url, "/services/data/…") with the token and a JSON
 * body (`is_gzip`: compressed). `owner` gets the answer. Body and answer buffer are borrowed until
 * then. SFE_E_AGAIN: not ready. SFE_E_FULL: a metered link has another large body under way. */
SFE_MUST_USE enum sfe_code sfe_org_begin(struct sfe_org *org, const struct sfe_org_request *request,
                                         struct sfe_error *err);

/* To be called with every answer to a request begun above: keeps the books (allowance, clock) and
 * drops the token on 401 INVALID_SESSION_ID, once for all that were in flight with it. */
void sfe_org_answered(struct sfe_org *org, const struct sfe_http_answer *answer);

/* The answer to the request of `owner` said in its own words that the session has ended: the token
 * is dropped, once for all that were in flight with it. */
void sfe_org_session_ended(struct sfe_org *org, const struct sfe_http_owner *owner);

/* Ends the request of `owner` that is under way, if one is; no answer follows. Whether the org has
 * acted on it is unknown. */
void sfe_org_cancel(struct sfe_org *org, struct sfe_http_owner *owner);

/* True once the org refuses further calls until its allowance returns (REQUEST_LIMIT_EXCEEDED): set
 * by the caller's verdict, ends with time. */
void sfe_org_pause(struct sfe_org *org, uint64_t until_ns);

/* "v62.0"; lives as long as the org. */
/* The monotonic time it goes by. */
uint64_t sfe_org_now_ns(const struct sfe_org *org);

/* "v62.0". */
const char *sfe_org_api_version(const struct sfe_org *org);
/* Facts for `status`. Any thread. */
void sfe_org_facts(struct sfe_org *org, struct sfe_org_facts *facts);
/* True where this device's clock was refused, and log-ins are signed with the org's time. */
bool sfe_org_trusts_org_time(const struct sfe_org *org);
/* Where requests go once there is a token ("https://acme.my.salesforce.com"); "" before. */
const char *sfe_org_instance_url(const struct sfe_org *org);
/* Wipes the token. NULL is allowed. */
void sfe_org_close(struct sfe_org *org);

#endif
