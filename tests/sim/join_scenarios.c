/* Orders that wait for confirmations, on flash whose power is cut at every call that changes
 * something: what a cut leaves goes on to its end, on copies, while the run itself goes on. Clocks
 * are unset after each boot, and are set wrongly at times. In each state every order that was
 * acknowledged is delivered (once in effect) or late, never both, and none before its confirmation
 * was durable. */
#include "base/arena.h"
#include "join/join.h"
#include "output/output.h"
#include "sim/storage.h"
#include "state.h"
#include "stream/cursor.h"
#include "stream/reader.h"
#include "stream/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS          160u
#define SEQUENCES     1024u
#define STREAMS       4u
#define ORDERS        0u
#define CONFIRMATIONS 1u
#define LATE          2u
#define DEAD          3u
#define SLOTS         2u
#define SLOT_EVENTS   3u
#define WINDOW        24u
#define KEEP          8u
#define SECOND_NS     UINT64_C(1000000000)
#define WITHIN_NS     (5u * SECOND_NS)
#define SEGMENT       (64u * 1024u)
#define EVENT_BYTES   4096u
#define ARENA_BYTES   (8u * 1024u * 1024u)
#define CURSORS       3u
#define TURNS_MAX     4000u

static const char *const names[STREAMS] = {"orders", "paid", "late", "dead"};

/* What the world outside knows. */
struct books {
    uint16_t keys[2][SEQUENCES]; /* Staged under that sequence. */
    uint64_t told[2];            /* All up to here were acknowledged. */
    bool is_ordered[KEYS];       /* Acknowledged. */
    bool is_confirmed[KEYS];     /* The same of a confirmation. */
    bool is_delivered[KEYS];
    uint32_t next_key;
};

struct slot {
    uint16_t keys[SLOT_EVENTS];
    uint32_t count;
    bool is_sent;
};

struct site {
    struct sim_run *run;
    struct sim_world world;
    struct sim_storage *storage;
    struct sfe_storage port;
    struct sfe_clock clock;
    struct sfe_entropy entropy;
    struct sfe_arena *arena;
    struct sfe_cursor_log *log;
    struct sfe_stream *streams[STREAMS];
    struct sfe_stream_reader *readers[STREAMS];
    struct sfe_join *join;
    struct sfe_output *output;
    struct sfe_target target;
    struct sfe_target_host host;
    struct slot slots[SLOTS];
    struct books books;
    bool has_late; /* A stream of late ones; otherwise they are dead letters. */
};

struct tester {
    struct site *site;
    struct sim_random random;
};

static uint16_t key_of(const struct sim_run *run, struct sfe_slice payload)
{
    char text[EVENT_BYTES];

    (void)snprintf(text, sizeof(text), "%.*s", (int)payload.size, (const char *)payload.bytes);
    const char *found = strstr(text, "{\"o\":");
    SIM_CHECK(run, found != NULL, "an event that is none of ours: %s", text);
    return (uint16_t)strtoul(found + 5, NULL, 10);
}

/* The target: it acts when it is sent something, and its answer comes later or never. */

static void bind(void *context, const struct sfe_target_host *host)
{
    ((struct site *)context)->host = *host;
}

static bool is_ready(void *context, uint64_t now_ns, uint64_t *until_ns)
{
    (void)context;
    (void)now_ns;
    *until_ns = UINT64_MAX;
    return true;
}

static enum sfe_code offer(void *context, uint32_t number, struct sfe_event *event, int64_t time_ns,
                           struct sfe_lane *lane, uint64_t *order_key, struct sfe_error *err)
{
    struct site *site = context;
    struct slot *slot = &site->slots[number];

    (void)time_ns;
    (void)lane;
    (void)err;
    *order_key = 0;
    if (slot->count == SLOT_EVENTS) {
        return SFE_E_FULL;
    }
    slot->keys[slot->count++] = key_of(site->run, event->payload);
    return SFE_OK;
}

static enum sfe_code send(void *context, uint32_t number, struct sfe_error *err)
{
    struct site *site = context;
    struct slot *slot = &site->slots[number];

    (void)err;
    slot->is_sent = true;
    for (uint32_t i = 0; i < slot->count; i++) {
        SIM_CHECK(site->run, site->books.is_confirmed[slot->keys[i]],
                  "order %u goes before its confirmation", slot->keys[i]);
        site->books.is_delivered[slot->keys[i]] = true;
    }
    return SFE_OK;
}

static void abandon(void *context, uint32_t number)
{
    ((struct site *)context)->slots[number].count = 0;
}

static void answer(struct site *site, uint32_t number)
{
    static const struct sfe_verdict done[SLOT_EVENTS];
    const struct sfe_slot_result result = {
        .slot = number,
        .outcome = SFE_SLOT_ANSWERED,
        .verdicts = done,
        .count = site->slots[number].count,
        .retry_after_s = -1,
    };

    if (site->slots[number].is_sent) {
        site->slots[number] = (struct slot){.count = 0};
        site->host.finished(site->host.context, &result);
    }
}

static void on_settled(void *owner)
{
    (void)owner;
}

static void open_streams(struct site *site)
{
    struct sfe_stream_recovery recovery;
    struct sfe_error err = {.code = SFE_OK};

    enum sfe_code code = sfe_cursor_log_open(&site->port, &site->entropy, CURSORS, STREAMS,
                                             site->arena, &site->log, &err);
    for (uint32_t i = 0; i < STREAMS && code == SFE_OK; i++) {
        const struct sfe_cursor_mark *mark = sfe_cursor_log_mark(site->log, names[i]);
        const struct sfe_stream_options options = {
            .storage = &site->port,
            .clock = &site->clock,
            .entropy = &site->entropy,
            .name = names[i],
            .quota_bytes = 16u * SEGMENT,
            .segment_bytes = SEGMENT,
            .event_bytes_max = EVENT_BYTES,
            .known_durable = mark == NULL ? 0 : mark->durable,
        };
        code = sfe_stream_open(&options, site->arena, &site->streams[i], &recovery, &err);
        if (code == SFE_OK) {
            code = sfe_stream_reader_open(site->streams[i], site->arena, &site->readers[i], &err);
        }
    }
    SIM_CHECK(site->run, code == SFE_OK, "cannot be opened: %s", err.message);
}

static void open_join(struct site *site)
{
    char cursors[SFE_JOIN_CURSORS][SFE_CURSOR_NAME_BYTES];
    struct sfe_template *key = NULL;
    struct sfe_error err;

    SIM_CHECK(site->run, sfe_template_compile("{/o}", "store", site->arena, &key, &err) == SFE_OK,
              "no key");
    sfe_join_cursor_names("crm", names[ORDERS], names[CONFIRMATIONS], cursors);
    const struct sfe_join_options options = {
        .output = "crm",
        .orders = site->streams[ORDERS],
        .stream = site->streams[CONFIRMATIONS],
        .reader = site->readers[CONFIRMATIONS],
        .key = key,
        .their_key = key,
        .within_ns = WITHIN_NS,
        .orders_max = WINDOW,
        .keep = KEEP,
        .cursor = sfe_cursor_log_find(site->log, cursors[0]),
        .decided = sfe_cursor_log_find(site->log, cursors[1]),
        .clock = &site->clock,
        .on_settled = on_settled,
    };
    SIM_CHECK(site->run, sfe_join_open(&options, site->arena, &site->join, &err) == SFE_OK,
              "no join: %s", err.message);
}

static void open_output(struct site *site)
{
    struct sfe_error err;
    const struct sfe_output_options options = {
        .name = "crm",
        .stream = site->streams[ORDERS],
        .reader = site->readers[ORDERS],
        .dead = site->streams[DEAD],
        .late = site->has_late ? site->streams[LATE] : NULL,
        .answer_bytes_max = site->has_late ? EVENT_BYTES : 0,
        .target = &site->target,
        .cursor = sfe_cursor_log_find(site->log, "crm/orders"),
        .slot_count = SLOTS,
        .slot_events_max = SLOT_EVENTS,
        .batch_age_ns = SECOND_NS,
        .window_events = WINDOW,
        .wait = sfe_join_wait(site->join),
        .clock = &site->clock,
        .entropy = &site->entropy,
        .on_settled = on_settled,
    };

    site->target = (struct sfe_target){site, bind, is_ready, offer, send, abandon, NULL};
    memset(site->slots, 0, sizeof(site->slots));
    SIM_CHECK(site->run, sfe_output_open(&options, site->arena, &site->output, &err) == SFE_OK,
              "no output: %s", err.message);
}

static void begin(struct site *site, struct sim_run *run, struct sim_storage *storage,
                  const struct books *books, uint64_t seed)
{
    struct sfe_error err;

    *site = (struct site){.run = run, .storage = storage, .has_late = run->seed % 2u == 0};
    site->books = *books;
    sim_world_begin(&site->world, seed);
    sim_storage_port(storage, &site->port);
    sim_clock(&site->world, &site->clock);
    sim_entropy(&site->world, &site->entropy);
    SIM_CHECK(run, sfe_arena_open(ARENA_BYTES, &site->arena, &err) == SFE_OK, "no memory");
    open_streams(site);
    open_join(site);
    open_output(site);
}

static void end(struct site *site)
{
    sfe_output_close(site->output);
    sfe_join_close(site->join);
    site->readers[CONFIRMATIONS] = NULL;
    for (uint32_t i = 0; i < STREAMS; i++) {
        sfe_stream_reader_close(site->readers[i]);
        sfe_stream_close(site->streams[i]);
    }
    sfe_cursor_log_close(site->log);
    sfe_arena_close(site->arena);
    sim_storage_close(site->storage);
}

static void stage(struct site *site, uint32_t stream, uint16_t key)
{
    char payload[32];
    const int size = snprintf(payload, sizeof(payload), "{\"o\":%u}", key);
    int64_t wall_ns = 0;
    const enum sfe_clock_quality quality = site->clock.wall_ns(site->clock.context, &wall_ns);
    const struct sfe_event event = {
        .clock_quality = (uint8_t)quality,
        .received_ns = quality == SFE_CLOCK_UNSET ? (int64_t)site->world.now_ns : wall_ns,
        .topic = SFE_TEXT("pos/1"),
        .payload = sfe_slice_make(payload, (size_t)size),
    };
    uint64_t sequence = 0;
    struct sfe_error err;

    if (sfe_stream_stage(site->streams[stream], &event, &sequence, &err) == SFE_OK) {
        SIM_CHECK(site->run, sequence < SEQUENCES, "a scenario is too long");
        site->books.keys[stream][sequence] = key;
    }
}

/* What is durable is acknowledged. */
static void note_durable(struct site *site, uint32_t stream)
{
    struct books *books = &site->books;
    const uint64_t durable = sfe_stream_durable(site->streams[stream]);

    for (uint64_t i = books->told[stream] + 1u; i <= durable; i++) {
        const uint16_t key = books->keys[stream][i];
        if (stream == ORDERS) {
            books->is_ordered[key] = true;
        } else {
            books->is_confirmed[key] = true;
        }
    }
    books->told[stream] = durable > books->told[stream] ? durable : books->told[stream];
}

static void commit(struct site *site)
{
    struct sfe_error err;

    for (uint32_t i = 0; i < STREAMS; i++) {
        const enum sfe_code code = sfe_stream_commit(site->streams[i], site->world.now_ns, &err);
        SIM_CHECK(site->run, code == SFE_OK, "cannot commit: %s", err.message);
        if (i <= CONFIRMATIONS) {
            note_durable(site, i);
        }
    }
}

/* As the flash turn does: those of the join first. */
static void save(struct site *site)
{
    struct sfe_cursor cursors[CURSORS];
    struct sfe_cursor_mark marks[STREAMS] = {{.durable = 0}};
    struct sfe_error err;

    sfe_join_take_cursors(site->join, cursors);
    sfe_output_cursor(site->output, &cursors[SFE_JOIN_CURSORS]);
    for (uint32_t i = 0; i < STREAMS; i++) {
        (void)snprintf(marks[i].stream, sizeof(marks[i].stream), "%s", names[i]);
        marks[i].durable = sfe_stream_durable(site->streams[i]);
    }
    if (sfe_cursor_log_save(site->log, cursors, CURSORS, marks, STREAMS, &err) != SFE_OK) {
        return;
    }
    sfe_join_saved(site->join);
    SIM_CHECK(site->run,
              sfe_stream_release(site->streams[ORDERS], cursors[SFE_JOIN_CURSORS].sequence, &err) ==
                      SFE_OK &&
                  sfe_stream_release(site->streams[CONFIRMATIONS], cursors[0].sequence, &err) ==
                      SFE_OK,
              "cannot release: %s", err.message);
}

static bool is_settled(const struct site *site)
{
    struct sfe_cursor cursor;

    sfe_output_cursor(site->output, &cursor);
    return cursor.sequence > sfe_stream_durable(site->streams[ORDERS]);
}

/* Nothing more comes: all that waits goes or becomes late. */
static void settle_all(struct site *site)
{
    for (uint32_t i = 0; !is_settled(site); i++) {
        SIM_CHECK(site->run, i < TURNS_MAX, "an order is never settled");
        (void)sfe_output_turn(site->output, site->world.now_ns);
        answer(site, i % SLOTS);
        commit(site);
        save(site);
        sim_world_pass(&site->world, SECOND_NS / 4u);
    }
}

/* Every order that was acknowledged ended in one way. */
static void check(struct site *site)
{
    const uint32_t stream = site->has_late ? LATE : DEAD;
    bool is_late[KEYS] = {false};
    struct sfe_event event;
    struct sfe_error err;
    int64_t time_ns = 0;

    sfe_stream_reader_seek(site->readers[stream], 1);
    while (sfe_stream_reader_next(site->readers[stream], &event, &time_ns, NULL, &err) == SFE_OK) {
        is_late[key_of(site->run, event.payload)] = true;
    }
    for (uint32_t key = 0; key < KEYS; key++) {
        SIM_CHECK(site->run, !is_late[key] || !site->books.is_delivered[key],
                  "order %u is late and delivered", (unsigned)key);
        SIM_CHECK(site->run,
                  !site->books.is_ordered[key] || is_late[key] || site->books.is_delivered[key],
                  "order %u is neither late nor delivered", (unsigned)key);
    }
}

static void confirm_some(struct site *site, struct sim_random *random)
{
    const uint32_t key = sim_random_below(random, site->books.next_key + 2u);

    /* Some never are, some twice, some before their orders. */
    if (key < KEYS && key % 4u != 3u) {
        stage(site, CONFIRMATIONS, (uint16_t)key);
    }
}

static void step(struct site *site, struct sim_random *random)
{
    struct books *books = &site->books;

    switch (sim_random_below(random, 12)) {
    case 0:
    case 1:
        if (books->next_key < KEYS) {
            stage(site, ORDERS, (uint16_t)books->next_key++);
        }
        break;
    case 2:
    case 3:
        confirm_some(site, random);
        break;
    case 4:
    case 5:
        commit(site);
        break;
    case 6:
    case 7:
        save(site);
        break;
    case 8:
        answer(site, sim_random_below(random, SLOTS));
        break;
    case 9:
        sim_world_pass(&site->world, sim_random_below(random, 2000) * UINT64_C(1000000));
        if (sim_random_chance(random, 100)) {
            sim_world_set_clock(&site->world);
        }
        break;
    default:
        (void)sfe_output_turn(site->output, site->world.now_ns);
        break;
    }
}

/* The power comes back after `cut`. */
static void look_after(struct tester *tester, struct sim_cut cut)
{
    struct site *site = tester->site;
    const uint64_t seed = sim_random_next(&tester->random);
    struct sim_random random = sim_random_make(seed, 5);
    struct site *copy = malloc(sizeof(*copy));

    if (copy == NULL) {
        abort();
    }
    begin(copy, site->run, sim_storage_after(site->storage, cut, seed), &site->books, seed);
    /* What was staged and not acknowledged may be there as well. */
    note_durable(copy, ORDERS);
    note_durable(copy, CONFIRMATIONS);
    for (uint32_t i = sim_random_below(&random, 24); i > 0; i--) {
        step(copy, &random);
    }
    if (sim_random_chance(&random, 300)) { /* Once more. */
        struct sim_storage *left =
            sim_storage_after(copy->storage, (struct sim_cut){.kind = SIM_CUT_DRAWN}, seed + 1u);
        const struct books books = copy->books;
        end(copy);
        begin(copy, site->run, left, &books, seed + 2u);
        note_durable(copy, ORDERS);
        note_durable(copy, CONFIRMATIONS);
    }
    settle_all(copy);
    check(copy);
    end(copy);
    free(copy);
    site->run->crash_states++;
}

static void on_change(void *owner)
{
    struct tester *tester = owner;
    const uint32_t unsynced = sim_storage_unsynced(tester->site->storage);

    look_after(tester, (struct sim_cut){SIM_CUT_CHOSEN, 0});
    if (unsynced > 0) {
        look_after(tester, (struct sim_cut){SIM_CUT_CHOSEN, UINT64_MAX});
        look_after(tester, (struct sim_cut){.kind = SIM_CUT_DRAWN});
    }
    look_after(tester, (struct sim_cut){.kind = SIM_CUT_KILL});
}

static void play_join(struct sim_run *run)
{
    struct site *site = malloc(sizeof(*site));
    const struct books none = {.next_key = 0};
    struct tester tester = {.site = site, .random = sim_random_make(run->seed, 3)};
    struct sim_random random = sim_random_make(run->seed, 4);

    if (site == NULL) {
        abort();
    }
    begin(site, run, sim_storage_open(run->seed), &none, run->seed);
    sim_storage_watch(site->storage, on_change, &tester);
    for (uint32_t i = 0; i < run->steps; i++) {
        step(site, &random);
    }
    sim_storage_watch(site->storage, NULL, NULL);
    settle_all(site);
    check(site);
    end(site);
    free(site);
}

const struct sim_scenario sim_join_scenarios[] = {{"join", play_join, 400, 1}};
const uint32_t sim_join_scenario_count = sizeof(sim_join_scenarios) / sizeof(sim_join_scenarios[0]);
