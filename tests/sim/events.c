#include "events.h"

#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

#define SERIAL_BYTES 8u
#define KEPT_MIN     256u

struct sim_events {
    bool is_light;
    uint32_t capacity;
    struct sfe_slice *payloads;
};

struct sim_events *sim_events_open(bool is_light)
{
    struct sim_events *events = calloc(1, sizeof(*events));

    if (events == NULL) {
        abort();
    }
    events->is_light = is_light;
    return events;
}

void sim_events_close(struct sim_events *events)
{
    if (events == NULL) {
        return;
    }
    for (uint32_t i = 0; i < events->capacity; i++) {
        free((void *)(uintptr_t)events->payloads[i].bytes);
    }
    free(events->payloads);
    free(events);
}

static void reach(struct sim_events *events, uint32_t serial)
{
    uint32_t capacity = events->capacity == 0 ? KEPT_MIN : events->capacity;

    while (capacity <= serial) {
        capacity *= 2u;
    }
    if (capacity == events->capacity) {
        return;
    }
    struct sfe_slice *more = realloc(events->payloads, capacity * sizeof(*more));
    if (more == NULL) {
        abort();
    }
    memset(more + events->capacity, 0, (capacity - events->capacity) * sizeof(*more));
    events->payloads = more;
    events->capacity = capacity;
}

static uint32_t draw_size(const struct sim_events *events, struct sim_random *random)
{
    const uint32_t kind = sim_random_below(random, 100);

    if (kind < 70) {
        return 8u + sim_random_below(random, 200);
    }
    if (kind < 93 || events->is_light) {
        return 500u + sim_random_below(random, events->is_light && kind < 93 ? 400 : 3000);
    }
    return 6000u + sim_random_below(random, EVENT_BYTES_MAX - 6000u);
}

struct sfe_slice sim_events_payload(struct sim_events *events, uint32_t serial)
{
    struct sim_random random = sim_random_make(serial, 7);

    reach(events, serial);
    struct sfe_slice *kept = &events->payloads[serial];
    if (kept->bytes == NULL) {
        const uint32_t size = draw_size(events, &random);
        uint8_t *payload = calloc(1, size + sizeof(uint64_t));
        if (payload == NULL) {
            abort();
        }
        memcpy(payload, &serial, sizeof(serial));
        sim_random_fill(&random, payload + SERIAL_BYTES, size - SERIAL_BYTES);
        *kept = sfe_slice_make(payload, size);
    }
    return *kept;
}

struct sfe_slice sim_events_topic(uint32_t serial)
{
    static const char *const topics[] = {"pos/1/sale", "pos/2/sale", "pos/3/sale", "p"};

    return sfe_slice_text(topics[serial % 4u]);
}
