#include "output/pressure.h"

#include "base/assert.h"

/* After the last lock among our own requests. */
#define LANES_NS (UINT64_C(60) * 1000000000u)
/* The least batch and the step back to the whole one, as parts of it. */
#define EVENTS_PARTS 8u

void pressure_open(struct pressure *pressure, uint32_t slots, uint32_t events)
{
    SFE_ASSERT(slots > 0 && events > 0);
    *pressure = (struct pressure){
        .slots = slots, .events = events, .in_flight_max = slots, .events_max = events};
}

static void fall(struct pressure *pressure, uint32_t in_flight_max)
{
    const uint32_t least = pressure->events / EVENTS_PARTS + 1;
    const uint32_t half = pressure->events_max / 2;

    pressure->in_flight_max = in_flight_max > 0 ? in_flight_max : 1;
    if (pressure->events_max > least) {
        pressure->events_max = half > least ? half : least;
    }
}

static void recover(struct pressure *pressure)
{
    const uint32_t step = pressure->events / EVENTS_PARTS + 1;

    pressure->in_flight_max += pressure->in_flight_max < pressure->slots;
    pressure->events_max = pressure->events - pressure->events_max > step
                               ? pressure->events_max + step
                               : pressure->events;
}

void pressure_answered(struct pressure *pressure, uint64_t now_ns, uint32_t locked, uint32_t count,
                       bool had_company)
{
    const bool has_lanes = pressure_wants_lanes(pressure, now_ns);

    SFE_ASSERT(count > 0 && locked <= count);
    if (locked > 0 && had_company) {
        pressure->lanes_until_ns = now_ns + LANES_NS;
    }
    /* Of a few events that all come again, nothing follows. */
    const bool is_many = locked >= pressure->events / EVENTS_PARTS + 1;
    const bool is_much = has_lanes ? locked >= count - locked : had_company && locked > count / 8;
    if (is_many && is_much) {
        /* With lanes the others hold most of it: slowly. Without, it is most likely ourselves. */
        fall(pressure, has_lanes ? pressure->in_flight_max - 1 : pressure->in_flight_max / 2);
    } else if (locked < count / 4 + 1) {
        recover(pressure);
    }
}

bool pressure_wants_lanes(const struct pressure *pressure, uint64_t now_ns)
{
    return pressure->slots > 1 && now_ns < pressure->lanes_until_ns;
}
