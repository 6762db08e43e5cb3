/* What really happened in the org: counts, repeats, order. Read by tests; the agent cannot see it.
 */
#ifndef SFE_TESTS_ORG_AUDIT_H
#define SFE_TESTS_ORG_AUDIT_H

#include "buffer.h"
#include "faults.h"
#include "schema.h"

struct audit {
    uint64_t requests;  /* All but those to /control/. */
    uint64_t api_calls; /* Those that count against the limit. */
    uint64_t logins;
    uint64_t logins_refused;
    uint64_t refreshes;      /* Refresh tokens that were taken. */
    uint64_t refresh_reuses; /* Of those that had ended: a family each time. */
    uint64_t unauthorized;   /* Answers 401. */
    uint64_t connections;
    uint64_t collections;         /* Lists of records taken, alone or within a composite call. */
    uint64_t body_bytes_received; /* As on the wire. */
    uint64_t body_bytes;          /* Uncompressed. */
    uint64_t answer_bytes;
    uint64_t records;        /* Records in all calls, good or bad. */
    uint64_t records_failed; /* Answered with an error of their own. */
    uint64_t records_a_call_max;
};

/* Notes that `record` was created: was it in the order of its key? */
void order_note(struct object *object, const struct record *record, struct pool *pool);

/* What the audit lists of each record. */
enum audit_lists { AUDIT_COUNTS, AUDIT_IDS, AUDIT_TIMES };

/* Writes the audit as JSON. With `object` only that one; with AUDIT_IDS the external IDs too, with
 * AUDIT_TIMES also when each was created. */
void audit_write(const struct audit *audit, const struct schema *schema,
                 const struct faults *faults, const struct object *object, enum audit_lists lists,
                 struct buffer *out);

#endif
