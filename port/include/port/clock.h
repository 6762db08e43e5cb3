/* Time as the platform knows it. A struct of functions: the simulated platform replaces it. Any
 * thread. */
#ifndef SFE_PORT_CLOCK_H
#define SFE_PORT_CLOCK_H

#include <stdint.h>

enum sfe_clock_quality {
    SFE_CLOCK_UNSET, /* Before the build's date: the board has no clock battery and no network yet.
                      */
    SFE_CLOCK_COASTING, /* Plausible, but nothing says it is synchronised. */
    SFE_CLOCK_SYNCED    /* The system says it is synchronised (NTP). */
};

struct sfe_clock {
    void *context;
    /* Never goes back; counts through suspend. */
    uint64_t (*monotonic_ns)(void *context);
    /* Writes nanoseconds since 1970 always, and says how far to trust them. */
    enum sfe_clock_quality (*wall_ns)(void *context, int64_t *unix_ns);
    /* Differs after each boot, so that monotonic stamps of different boots can be told apart. */
    void (*boot_id)(void *context, uint8_t id[16]);
};

static inline uint64_t sfe_clock_monotonic_ns(const struct sfe_clock *clock)
{
    return clock->monotonic_ns(clock->context);
}

/* The earlier of two times; a turn that waits for several things is due then. */
static inline uint64_t sfe_clock_earlier_ns(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

#endif
