/* What is written tells how long the flash will last. Pure arithmetic; any thread. */
#ifndef SFE_STATUS_WEAR_H
#define SFE_STATUS_WEAR_H

#include <stdint.h>

struct sfe_wear_facts {
    uint64_t written_bytes; /* To flash since the start, with what is known of metadata. */
    uint64_t last_minute_bytes;
    uint64_t syncs;         /* Since the start. */
    uint64_t events;        /* Made durable since the start. */
    uint64_t payload_bytes; /* Of them. */
    uint64_t uptime_ns;
    uint64_t flash_bytes;  /* Size of the medium; 0: not said. */
    uint64_t flash_cycles; /* Times each of its cells can be written. */
};

struct sfe_wear {
    uint64_t syncs_per_thousand_events;  /* Rounded up; 0: no events yet. */
    uint64_t bytes_per_thousand_payload; /* Written for each 1,000 bytes of payload; likewise. */
    uint64_t bytes_per_day;              /* As in the last minute. */
    uint64_t average_bytes_per_day;      /* Since the start; 0: not known before an hour. */
    uint64_t life_days; /* At the average, with cells that wear alike; 0: not known. */
};

/* The most that life_days says: longer than anything lasts. */
#define SFE_WEAR_DAYS_MAX UINT64_C(1000000)

/* Fills in `wear`. */
void sfe_wear_project(const struct sfe_wear_facts *facts, struct sfe_wear *wear);

#endif
