/* A log-in of our own at an org, beside the agent's, and requests one after the other: what the
 * looks at an org share. Main thread; every function blocks. */
#ifndef SFE_DOCTOR_SESSION_H
#define SFE_DOCTOR_SESSION_H

#include "base/json_reader.h"
#include "doctor/finding.h"
#include "run/org_options.h"

struct session {
    struct sfe_http_owner owner; /* First: the tag of the exchange. */
    const struct sfe_doctor_options *options;
    const struct sfe_config_connection *connection;
    struct sfe_org *org;
    struct sfe_builder body; /* Of the last answer. */
    struct sfe_json_token *tokens;
    uint32_t token_count;
    struct sfe_http_answer answer;
    bool is_answered;
    int64_t skew_s; /* The org's clock minus ours, by its last Date. */
    bool knows_skew;
    struct sfe_org_options org_options;
};

/* What the answers need, at most. */
struct session_bounds {
    size_t answer_bytes;
    uint32_t tokens;
};

/* Looks the org of connection `index` up and opens it; NULL where that fails, or may not be
 * tried beside the agent: a refresh token (told). The memory is the arena's;
 * sfe_org_close(session->org) ends it. */
struct session *session_enter(const struct sfe_doctor_options *options, uint32_t index,
                              struct session_bounds bounds);

/* Lets the org log in, once: its first failure ends it. */
SFE_MUST_USE enum sfe_code session_log_in(struct session *session, struct sfe_error *err);

/* Tells why the log-in failed, and what to do. */
void session_tell_login(const struct session *session, const struct sfe_error *err);

/* GET; the answer is in session->body. SFE_E_API with HTTP status and API code where the org
 * refuses. */
SFE_MUST_USE enum sfe_code session_get(struct session *session, const char *path,
                                       struct sfe_error *err);

#endif
