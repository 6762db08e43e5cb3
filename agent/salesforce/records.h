/* The target that upserts records by external ID through sObject Collections (API sheet, 3.1), 200
 * a Collections and up to five of them in one Composite call (3.2): allOrNone off, a parent's
 * records before its children's, each record's own result settles its event. Cloud thread.
 */
#ifndef SFE_SALESFORCE_RECORDS_H
#define SFE_SALESFORCE_RECORDS_H

#include "base/limits.h"
#include "flow/map.h"
#include "output/target.h"
#include "salesforce/org.h"

enum sfe_records_api {
    SFE_RECORDS_AUTO,        /* What fits into one Collections goes so, more as a Composite. */
    SFE_RECORDS_COLLECTIONS, /* One Collections a call. */
    SFE_RECORDS_COMPOSITE    /* A Composite always. */
};

struct sfe_records_options {
    struct sfe_org *org;         /* Borrowed, as all pointers here. */
    struct sfe_map *const *maps; /* Parents before children. */
    uint32_t map_count;
    const struct sfe_template *order_by; /* NULL: the first record's external ID. */
    uint32_t slot_count;
    uint32_t slot_events_max;
    uint32_t records_max; /* Of one Collections; at most 200. */
    enum sfe_records_api api;
    bool compress;
    struct sfe_log *log;
};

/* How many Collections one call holds at most. */
static inline uint32_t sfe_records_parts_max(enum sfe_records_api api)
{
    return api == SFE_RECORDS_COLLECTIONS ? 1u : SFE_COLLECTIONS_MAX;
}

/* What a target with these options takes from the arena. Pure. */
size_t sfe_records_memory_bytes(const struct sfe_records_options *options);

/* Memory from `arena`: per slot a request body and an answer buffer. */
SFE_MUST_USE enum sfe_code sfe_records_open(const struct sfe_records_options *options,
                                            struct sfe_arena *arena, struct sfe_target *target,
                                            struct sfe_error *err);
/* Ends what is in flight: that is unknown then. The org is still open. */
void sfe_records_close(struct sfe_target *target);

#endif
