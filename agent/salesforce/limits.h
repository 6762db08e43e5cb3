/* What else the org counts, for `status`: GET limits (API sheet, section 2), some minutes old at
 * the source. A call itself, so it is asked a minute after the first log-in, when what waited has
 * gone, and then once an hour; once a day where this gateway's own part of the calls is small; and
 * not while somebody waits for calls. Cloud thread.
 */
#ifndef SFE_SALESFORCE_LIMITS_H
#define SFE_SALESFORCE_LIMITS_H

#include "base/arena.h"
#include "base/json_reader.h"
#include "salesforce/org.h"

struct limits {
    struct sfe_http_owner owner; /* First: the tag of its exchange. */
    struct sfe_org *org;
    struct sfe_builder answer_body;
    struct sfe_json_token *tokens;
    uint64_t due_ns; /* 0: there was no log-in yet. */
    bool is_under_way;
    bool is_storage_full; /* As it was told last. */
};

size_t limits_memory_bytes(void);

SFE_MUST_USE enum sfe_code limits_open(struct limits *limits, struct sfe_org *org,
                                       struct sfe_arena *arena, struct sfe_error *err);

/* Asks when it is due. Returns the next turn. */
uint64_t limits_turn(struct limits *limits, uint64_t now_ns);

/* Reads the answer's figures of those that matter here; how many were found. Pure. */
uint32_t limits_read(struct sfe_slice body, struct sfe_json_token *tokens,
                     struct sfe_org_limit found[SFE_ORG_LIMITS_MAX]);

/* Ends the exchange that is under way. */
void limits_close(struct limits *limits);

#endif
