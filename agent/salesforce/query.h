/* Asks one query of an org again and again, page by page (API sheet, section 2), and hands each
 * page over whole: the next one is not asked for before that is taken (event/feed.h). So memory is
 * one page, and an org that answers faster than flash writes waits.
 *
 * With `after` a run asks for what is not older than the last record taken: a query must be in the
 * order of that field, so that whatever ends a run in the middle, the next one goes on there.
 * Without it each run asks for all. Cloud thread, but for the feed, which has one channel.
 */
#ifndef SFE_SALESFORCE_QUERY_H
#define SFE_SALESFORCE_QUERY_H

#include "event/feed.h"
#include "salesforce/org.h"

struct sfe_arena;
struct sfe_query;

/* Where the last place goes in the text of a query. */
#define SFE_QUERY_AFTER "{after}"

struct sfe_query_options {
    const char *connection; /* Borrowed, as all pointers here. */
    const char *input;
    struct sfe_org *org;
    const char *text;
    const char *after; /* A field; NULL: each run asks for all. */
    bool with_deleted; /* Records in the recycle bin as well: queryAll. */
    uint64_t every_ns; /* From the end of a run to the next one. */
    enum sfe_org_need need;
    uint32_t answer_bytes_max;
    const struct sfe_http *http; /* To wake the cloud thread. */
    const struct sfe_entropy *entropy;
    struct sfe_log *log;
    void (*on_change)(void *owner); /* The edge thread has something to look at. Cloud thread. */
    void *owner;
};

/* Opens it; nothing is asked for before the feed is started. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code sfe_query_open(const struct sfe_query_options *options,
                                          struct sfe_arena *arena, struct sfe_query **query,
                                          struct sfe_feed *feed, struct sfe_error *err);

/* What it takes from the arena. Pure. */
size_t sfe_query_memory_bytes(uint32_t answer_bytes_max);

/* Does what is due; returns the next turn (UINT64_MAX: woken by an answer, or by the feed). */
uint64_t sfe_query_turn(struct sfe_query *query, uint64_t now_ns);

/* True once it has stopped: what was under way is given up, and comes again. */
bool sfe_query_is_quiet(const struct sfe_query *query);

/* NULL is allowed. Nobody else runs. */
void sfe_query_close(struct sfe_query *query);

#endif
