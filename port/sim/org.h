/* A Salesforce org inside the process, behind an HTTP client that loses requests and answers: it
 * gives tokens, upserts by external ID through Collections, Composite and jobs of Bulk API 2.0, and
 * keeps books of its own. Jobs take their time, in any order of rows, and go on while the agent is
 * down; they may fail or be aborted half way, or be gone before their results are read. */
#ifndef SFE_PORT_SIM_ORG_H
#define SFE_PORT_SIM_ORG_H

#include "port/http.h"
#include "sim/world.h"

#define SIM_ORG_ROWS_MAX 4096u

struct sim_org;

/* External IDs end in "-NUMBER". `refuses`: a validation rule that no repeat changes. Both are told
 * what the value field holds; without one, the number again. */
struct sim_org_options {
    struct sim_world *world;
    const char *external_id; /* Field. */
    const char *value;       /* Field of a whole number; NULL: none. */
    bool (*refuses)(void *owner, uint32_t number, uint32_t value);
    void (*applied)(void *owner, uint32_t number, uint32_t value, bool is_new);
    void *owner;
};

struct sim_org *sim_org_open(const struct sim_org_options *options);
void sim_org_close(struct sim_org *org); /* NULL is allowed. */
void sim_org_port(struct sim_org *org, struct sfe_http *http);

/* Of 1000 requests so many go wrong, in ways drawn. */
void sim_org_trouble(struct sim_org *org, uint32_t permille);
/* Nothing reaches it. */
void sim_org_away(struct sim_org *org, bool is_away);
/* The agent is gone; what it has sent may still be done. */
void sim_org_forget(struct sim_org *org);

bool sim_org_has(const struct sim_org *org, uint32_t number);
/* Of a row that it has: what was written last. */
uint32_t sim_org_value(const struct sim_org *org, uint32_t number);
/* Within `applied`: it is written by a bulk job that was made before sim_org_forget. */
bool sim_org_is_old_work(const struct sim_org *org);
/* Bulk jobs that were processed to an end. */
uint64_t sim_org_jobs(const struct sim_org *org);
uint64_t sim_org_requests(const struct sim_org *org);
/* Monotonic time at which the next answer is due; UINT64_MAX: none is. */
uint64_t sim_org_due_ns(const struct sim_org *org);

#endif
