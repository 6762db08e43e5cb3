#include "supervise/watchdog.h"

#include "base/arena.h"
#include "base/assert.h"
#include "port/clock.h"
#include "port/process.h"

#include <stdatomic.h>
#include <string.h>

/* One ping may be late by as much, and the next still comes in time. */
#define ROUNDS_PER_LIMIT 3u
/* The state that the manager shows is no older than this. */
#define ROUND_NS (UINT64_C(10) * 1000000000u)
/* What the last page on flash, and saying goodbye, may take beyond the time to stop. */
#define STOP_MARGIN_NS (UINT64_C(30) * 1000000000u)
#define STATE_BYTES    512u

struct sfe_watchdog {
    struct sfe_watchdog_options options;
    atomic_uint round; /* Written by edge. */
    /* The last round in which each has ended a turn; written by that thread. */
    atomic_uint passed[SFE_WATCHDOG_THREADS];
    /* Edge thread. */
    uint64_t next_ns; /* When the next round begins. */
    bool is_asking;   /* A round has begun and not every thread has answered. */
    bool is_ready;    /* The manager knows that we run. */
    bool is_reloading;
    bool is_stopping;
    char state[STATE_BYTES]; /* As last told. */
};

size_t sfe_watchdog_memory_bytes(void)
{
    return sfe_arena_cost(sizeof(struct sfe_watchdog));
}

enum sfe_code sfe_watchdog_open(const struct sfe_watchdog_options *options, struct sfe_arena *arena,
                                struct sfe_watchdog **watchdog, struct sfe_error *err)
{
    struct sfe_watchdog *opened = sfe_arena_take(arena, sizeof(*opened), err);

    SFE_ASSERT(options->ask != NULL && options->wake != NULL && options->add_state != NULL);
    if (opened == NULL) {
        return err->code;
    }
    opened->options = *options;
    *watchdog = opened;
    return SFE_OK;
}

void sfe_watchdog_pass(struct sfe_watchdog *watchdog, enum sfe_watchdog_thread thread)
{
    const unsigned round = atomic_load(&watchdog->round);

    SFE_ASSERT(thread < SFE_WATCHDOG_THREADS);
    if (atomic_exchange(&watchdog->passed[thread], round) != round) {
        watchdog->options.wake(watchdog->options.context);
    }
}

static bool all_have_passed(struct sfe_watchdog *watchdog)
{
    const unsigned round = atomic_load(&watchdog->round);

    for (uint32_t i = 0; i < SFE_WATCHDOG_THREADS; i++) {
        if (atomic_load(&watchdog->passed[i]) != round) {
            return false;
        }
    }
    return true;
}

static void add_line(struct sfe_builder *message, const char *line)
{
    sfe_builder_add_text(message, message->size == 0 ? "" : "\n");
    sfe_builder_add_text(message, line);
}

/* Only what has changed: the manager writes nothing down for a ping alone. */
static void add_state(struct sfe_watchdog *watchdog, struct sfe_builder *message)
{
    char text[STATE_BYTES];
    struct sfe_builder state = sfe_builder_make(text, sizeof(text) - 1);

    watchdog->options.add_state(watchdog->options.context, &state);
    text[state.size] = '\0';
    /* One that is too long is told as far as it goes. */
    if (strcmp(text, watchdog->state) != 0) {
        memcpy(watchdog->state, text, state.size + 1);
        add_line(message, "STATUS=");
        sfe_builder_add_text(message, text);
    }
}

static void tell(struct sfe_watchdog *watchdog)
{
    char text[STATE_BYTES + 64];
    struct sfe_builder message = sfe_builder_make(text, sizeof(text) - 1);

    if (!watchdog->is_ready) {
        /* The end of a reload says it as well, not before. */
        watchdog->is_ready = true;
        if (!watchdog->is_reloading) {
            add_line(&message, "READY=1");
        }
    }
    if (watchdog->options.limit_ns != 0) {
        add_line(&message, "WATCHDOG=1");
    }
    add_state(watchdog, &message);
    SFE_ASSERT(!message.overflowed);
    text[message.size] = '\0';
    if (message.size != 0) {
        sfe_process_notify(text);
    }
}

static uint64_t spacing_ns(const struct sfe_watchdog *watchdog)
{
    const uint64_t third_ns = watchdog->options.limit_ns / ROUNDS_PER_LIMIT;

    return third_ns != 0 && third_ns < ROUND_NS ? third_ns : ROUND_NS;
}

uint64_t sfe_watchdog_turn(struct sfe_watchdog *watchdog, uint64_t now_ns)
{
    if (!watchdog->options.is_watched || watchdog->is_stopping) {
        return UINT64_MAX;
    }
    if (watchdog->is_asking) {
        if (!all_have_passed(watchdog)) {
            return UINT64_MAX; /* Whoever passes wakes us. */
        }
        watchdog->is_asking = false;
        tell(watchdog);
    }
    if (now_ns >= watchdog->next_ns) {
        watchdog->next_ns = now_ns + spacing_ns(watchdog);
        watchdog->is_asking = true;
        atomic_fetch_add(&watchdog->round, 1u);
        watchdog->options.ask(watchdog->options.context);
        return UINT64_MAX;
    }
    return watchdog->next_ns;
}

void sfe_watchdog_stop(struct sfe_watchdog *watchdog, uint64_t limit_ns)
{
    char text[96];
    struct sfe_builder message = sfe_builder_make(text, sizeof(text) - 1);

    watchdog->is_stopping = true;
    if (!watchdog->options.is_watched) {
        return;
    }
    sfe_builder_format(&message, "STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=%llu",
                       (unsigned long long)((limit_ns + STOP_MARGIN_NS) / 1000u));
    SFE_ASSERT(!message.overflowed);
    text[message.size] = '\0';
    sfe_process_notify(text);
}

void sfe_watchdog_begin_reload(struct sfe_watchdog *watchdog)
{
    watchdog->is_reloading = true;
    if (watchdog->options.is_watched) {
        sfe_process_notify("RELOADING=1");
    }
}

void sfe_watchdog_end_reload(struct sfe_watchdog *watchdog)
{
    watchdog->is_reloading = false;
    if (watchdog->options.is_watched) {
        sfe_process_notify("READY=1");
    }
}
