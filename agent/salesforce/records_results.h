/* What the org said of each record of a slot, until its events are over: for outputs that pass
 * answers on. Bounded; an event of which something found no room says so. Cloud thread. */
#ifndef SFE_SALESFORCE_RECORDS_RESULTS_H
#define SFE_SALESFORCE_RECORDS_RESULTS_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "flow/map.h"

#include <stdbool.h>

struct sfe_arena;
struct sfe_json_writer;

/* An ID of a record (18), the UUID of a platform event (36), the beginning of an error's code. */
#define RECORDS_RESULT_BYTES 44u

enum records_result_kind {
    RECORDS_RESULT_WRITTEN, /* Nobody knows whether it is new. */
    RECORDS_RESULT_CREATED,
    RECORDS_RESULT_UPDATED,
    RECORDS_RESULT_PUBLISHED, /* The text is the event's UUID. */
    RECORDS_RESULT_FAILED     /* The text is the error's code. */
};

struct records_result {
    uint16_t event;
    uint8_t map;
    uint8_t kind; /* enum records_result_kind */
    char text[RECORDS_RESULT_BYTES];
};

struct records_results {
    struct records_result *all; /* NULL: none are kept. */
    uint32_t capacity;
    uint32_t count;
    uint16_t first_lost; /* Of this event and those behind it something found no room. */
};

/* What it takes from the arena for a slot of so many events. Pure. */
size_t records_results_memory_bytes(uint32_t slot_events_max);

SFE_MUST_USE enum sfe_code records_results_open(struct records_results *results,
                                                uint32_t slot_events_max, struct sfe_arena *arena,
                                                struct sfe_error *err);

/* The slot is empty. */
void records_results_clear(struct records_results *results);

/* Notes one. Where none are kept it does nothing. */
void records_results_note(struct records_results *results, uint32_t event, uint32_t map,
                          enum records_result_kind kind, struct sfe_slice text);

/* The same by `body`, the org's word on a record that was written: {"id":"…","created":true}; or
 * where it was published: the UUID stands in its list of errors. */
void records_results_take(struct records_results *results, uint32_t event, uint32_t map,
                          const struct sfe_json *json, uint32_t body);

/* Adds what is known of one event: "records":[{"object":"X__c","id":"…","created":true},…]. */
void records_results_add(const struct records_results *results, uint32_t event,
                         struct sfe_map *const *maps, struct sfe_json_writer *writer);

#endif
