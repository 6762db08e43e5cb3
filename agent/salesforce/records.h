/* The target that upserts records by external ID through sObject Collections (API sheet, 3.1), 200
 * a Collections and up to five of them in one Composite call (3.2): allOrNone off, a parent's
 * records before its children's, each record's own result settles its event. Or through Composite
 * Graph (3.3): all records of an event or none of them. Maps that update or
 * delete go record by record, 24 in a Composite. Cloud thread.
 */
#ifndef SFE_SALESFORCE_RECORDS_H
#define SFE_SALESFORCE_RECORDS_H

#include "base/limits.h"
#include "flow/map.h"
#include "flow/where.h"
#include "output/target.h"
#include "salesforce/org.h"

enum sfe_records_api {
    SFE_RECORDS_AUTO,        /* What fits into one Collections goes so, more as a Composite. */
    SFE_RECORDS_COLLECTIONS, /* One Collections a call. */
    SFE_RECORDS_COMPOSITE,   /* A Composite always. */
    SFE_RECORDS_GRAPH        /* A Composite Graph: each event all or none. */
};

enum sfe_records_action {
    SFE_RECORDS_UPSERT, /* Or, of a platform event: publish. */
    SFE_RECORDS_UPDATE, /* Only what is there. */
    SFE_RECORDS_DELETE  /* What is gone is done. */
};

/* What is done with the records of a map. */
struct sfe_records_verb {
    enum sfe_records_action action;
    bool missing_is_done; /* Of an update of what is not there; otherwise it is dead. */
};

struct sfe_records_options {
    struct sfe_org *org;         /* Borrowed, as all pointers here. */
    struct sfe_map *const *maps; /* Parents before children; or one platform event, alone. */
    uint32_t map_count;
    struct sfe_records_verb verbs[SFE_RECORDS_PER_OUTPUT_MAX]; /* Of each map. */
    struct sfe_where *where;             /* Which events are taken; NULL: all. */
    const struct sfe_template *order_by; /* NULL: the first record's external ID. */
    uint32_t slot_count;
    uint32_t slot_events_max;
    uint32_t records_max; /* Of one Collections; at most 200. Graphs do not look at it. */
    enum sfe_records_api api;
    bool compress;
    bool names_parents;     /* Records name their parents by external ID: a request's are sorted. */
    bool keeps_results;     /* What the org says of each record is wanted as an answer. */
    enum sfe_org_need need; /* Which of the day's calls it may use. */
    struct sfe_log *log;
};

/* How many Collections, or graphs, one call holds at most. */
static inline uint32_t sfe_records_parts_max(enum sfe_records_api api)
{
    switch (api) {
    case SFE_RECORDS_COLLECTIONS:
        return 1;
    case SFE_RECORDS_GRAPH:
        return SFE_GRAPHS_MAX;
    case SFE_RECORDS_AUTO:
    case SFE_RECORDS_COMPOSITE:
    default:
        return SFE_COLLECTIONS_MAX;
    }
}

/* How many events a slot takes at most: by their records, or by their graphs. */
static inline uint32_t sfe_records_slot_events_max(enum sfe_records_api api, uint32_t records_max)
{
    return sfe_records_parts_max(api) * (api == SFE_RECORDS_GRAPH ? 1u : records_max);
}

/* What a target with these options takes from the arena. Pure. */
size_t sfe_records_memory_bytes(const struct sfe_records_options *options);

/* Memory from `arena`: per slot a request body and an answer buffer. */
SFE_MUST_USE enum sfe_code sfe_records_open(const struct sfe_records_options *options,
                                            struct sfe_arena *arena, struct sfe_target *target,
                                            struct sfe_error *err);
/* Ends what is in flight: that is unknown then. The org is still open. */
void sfe_records_close(struct sfe_target *target);

/* What a verdict of this target says as `id_hash` of a record with this external ID. Pure. */
uint64_t sfe_records_hash_id(struct sfe_slice external_id);

#endif
