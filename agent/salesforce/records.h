/* The target that upserts records by external ID through sObject Collections (API sheet, 3.1): 200
 * a request, allOrNone off, a parent's records before its children's, each record's own result
 * settles its event. Cloud thread.
 */
#ifndef SFE_SALESFORCE_RECORDS_H
#define SFE_SALESFORCE_RECORDS_H

#include "flow/map.h"
#include "flow/where.h"
#include "output/target.h"
#include "salesforce/org.h"

struct sfe_records_options {
    struct sfe_org *org;         /* Borrowed, as all pointers here. */
    struct sfe_map *const *maps; /* Parents before children. */
    uint32_t map_count;
    struct sfe_where *where;             /* Which events are taken; NULL: all. */
    const struct sfe_template *order_by; /* NULL: the first record's external ID. */
    uint32_t slot_count;
    uint32_t slot_events_max;
    uint32_t records_max; /* Of one request; at most 200. */
    bool compress;
    struct sfe_log *log;
};

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
