/* What the time of day was at boot, for the last boots: it turns monotonic stamps of events taken
 * before the clock was set into times, after a restart of the board too.
 *
 * One small file, "boots.table", replaced whole. The bytes: FORMAT.md.
 */
#ifndef SFE_STREAM_BOOT_TIMES_H
#define SFE_STREAM_BOOT_TIMES_H

#include "base/error.h"
#include "port/storage.h"

#define SFE_BOOT_TIMES_MAX 16u

struct sfe_boot_time {
    uint8_t boot_id[16];
    int64_t wall_minus_monotonic_ns;
};

/* The newest first. */
struct sfe_boot_times {
    int64_t seen_ns; /* Unix time: the newest that was vouched for; 0: none. */
    uint32_t count;
    struct sfe_boot_time items[SFE_BOOT_TIMES_MAX];
};

/* Reads the table; one that is not there or is damaged is empty: then such events keep what they
 * have. SFE_E_STORAGE. */
SFE_MUST_USE enum sfe_code sfe_boot_times_load(const struct sfe_storage *storage,
                                               struct sfe_boot_times *times, struct sfe_error *err);

/* Writes the table with `boot` in front, and `seen_ns`, durably. *times stays as it is, so that
 * others may read it meanwhile. Flash thread. */
SFE_MUST_USE enum sfe_code sfe_boot_times_save(const struct sfe_storage *storage,
                                               const struct sfe_boot_times *times,
                                               const struct sfe_boot_time *boot, int64_t seen_ns,
                                               struct sfe_error *err);

/* NULL: nothing is known of that boot. */
const struct sfe_boot_time *sfe_boot_times_find(const struct sfe_boot_times *times,
                                                const uint8_t boot_id[16]);

#endif
