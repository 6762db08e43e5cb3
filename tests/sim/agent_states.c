#include "agent_states.h"

#include "base/arena.h"
#include "stream/cursor.h"
#include "stream/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_BYTES   (64u * 1024u)
#define EVENT_BYTES_MAX 4096u
#define CURSORS_MAX     4u
#define MARKS_MAX       4u
#define ARENA_BYTES     (4u * 1024u * 1024u)
#define DRAWN_STATES    3u
#define CURSOR_NAME     "sales/sales"
#define SALES_QUOTA     (256u * 1024u)
#define DEAD_QUOTA      (1024u * 1024u)
#define ANSWERS_QUOTA   (8u * 1024u * 1024u)

/* Where the events are, by their numbers, in what a crash left. */
struct found {
    bool is_waiting[SIM_BROKER_MESSAGES_MAX]; /* To be delivered: the cursor has not passed it. */
    bool is_dead[SIM_BROKER_MESSAGES_MAX];
    bool is_answered[SIM_BROKER_MESSAGES_MAX]; /* As delivered, or as dead. */
};

/* A medium after a crash, and what opens it. */
struct remains {
    const struct agent_states *states;
    struct sim_world world;
    struct sfe_storage port;
    struct sfe_clock clock;
    struct sfe_entropy entropy;
    struct sfe_arena *arena;
    struct sfe_cursor_log *log;
};

static bool has_passed(const struct sfe_cursor *cursor, uint64_t sequence)
{
    if (cursor == NULL || sequence < cursor->sequence) {
        return cursor != NULL;
    }
    for (uint32_t i = 0; i < cursor->range_count; i++) {
        if (sequence >= cursor->ranges[i].begin && sequence < cursor->ranges[i].end) {
            return true;
        }
    }
    return false;
}

static uint32_t letter_value(char letter)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(letters, letter);

    return letter == '\0' || at == NULL ? 0 : (uint32_t)(at - letters);
}

/* The first bytes of a text in base64. */
static void decode(const char *text, char out[25])
{
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t bits = 0;
        for (uint32_t k = 0; k < 4; k++) {
            bits = bits << 6 | letter_value(text[4u * i + k]);
        }
        out[3u * i] = (char)(bits >> 16 & 0xffu);
        out[3u * i + 1u] = (char)(bits >> 8 & 0xffu);
        out[3u * i + 2u] = (char)(bits & 0xffu);
    }
    out[24] = '\0';
}

uint32_t agent_states_answered(const struct sfe_event *event)
{
    static const char plain[] = "\"payload\":";
    static const char encoded[] = "\"payload_base64\":\"";
    char text[EVENT_BYTES_MAX + 64u] = "";
    char decoded[25];
    unsigned number = UINT32_MAX;

    sfe_printable(text, sizeof(text), event->payload);
    const char *at = strstr(text, plain);
    if (at != NULL) {
        at += sizeof(plain) - 1u;
    } else if ((at = strstr(text, encoded)) != NULL) {
        decode(at + sizeof(encoded) - 1u, decoded);
        at = decoded;
    }
    return at != NULL && sscanf(at, "{\"id\":\"E-%u\"", &number) == 1 ? number : UINT32_MAX;
}

/* An answer is never there before what it tells of. */
static uint32_t answered_number(const struct agent_states *states, const char *stream,
                                const struct sfe_event *event)
{
    const uint32_t number = agent_states_answered(event);

    SIM_CHECK(states->run, number < sim_broker_published(states->broker),
              "an answer to no event in %s", stream);
    SIM_CHECK(states->run, states->must_die(number) == (strcmp(stream, "refused") == 0),
              "the answer to event %u is in %s", (unsigned)number, stream);
    SIM_CHECK(states->run, states->must_die(number) || sim_org_has(states->org, number),
              "event %u is answered, and the org does not have it", (unsigned)number);
    return number;
}

static uint32_t number_of(const struct agent_states *states, const struct sfe_event *event)
{
    char text[64];
    unsigned number = 0;

    sfe_printable(text, sizeof(text), sfe_slice_part(event->payload, 0, 32));
    SIM_CHECK(states->run,
              sscanf(text, "{\"id\":\"E-%u\"", &number) == 1 &&
                  number < sim_broker_published(states->broker),
              "an event that no device sent: %s", text);
    return number;
}

/* Marks in `is_there` the events of a stream that `cursor` has not passed; NULL: all. */
static void read_stream(struct remains *remains, const char *name, uint64_t quota_bytes,
                        const struct sfe_cursor *cursor, bool *is_there)
{
    struct sim_run *run = remains->states->run;
    const struct sfe_cursor_mark *mark = sfe_cursor_log_mark(remains->log, name);
    const struct sfe_stream_options options = {
        .storage = &remains->port,
        .clock = &remains->clock,
        .entropy = &remains->entropy,
        .name = name,
        .quota_bytes = quota_bytes,
        .segment_bytes = SEGMENT_BYTES,
        .event_bytes_max = EVENT_BYTES_MAX,
        .known_durable = mark == NULL ? 0 : mark->durable,
    };
    struct sfe_stream_recovery recovery;
    struct sfe_stream *stream = NULL;
    struct sfe_stream_reader *reader = NULL;
    struct sfe_event event;
    struct sfe_error err;
    int64_t time_ns;

    enum sfe_code code = sfe_stream_open(&options, remains->arena, &stream, &recovery, &err);
    if (code == SFE_OK) {
        code = sfe_stream_reader_open(stream, remains->arena, &reader, &err);
    }
    SIM_CHECK(run, code == SFE_OK, "%s cannot be opened after a crash: %s", name, err.message);
    while (sfe_stream_reader_next(reader, &event, &time_ns, NULL, &err) == SFE_OK) {
        const bool is_answer = name[0] == 'i' || name[0] == 'r';
        const uint32_t number = is_answer ? answered_number(remains->states, name, &event)
                                          : number_of(remains->states, &event);
        is_there[number] = is_there[number] || !has_passed(cursor, event.sequence);
    }
    sfe_stream_reader_close(reader);
    sfe_stream_close(stream);
}

static void check(const struct agent_states *states, const struct found *found)
{
    for (uint32_t i = 0; i < sim_broker_published(states->broker); i++) {
        if (!sim_broker_is_acknowledged(states->broker, i) || found->is_waiting[i]) {
            continue;
        }
        SIM_CHECK(states->run, !states->passes_on || found->is_answered[i],
                  "event %u was settled before its answer was durable", (unsigned)i);
        SIM_CHECK(states->run,
                  states->must_die(i) ? found->is_dead[i] : sim_org_has(states->org, i),
                  "event %u was acknowledged, and after a crash it is neither waiting nor %s",
                  (unsigned)i, states->must_die(i) ? "a dead letter" : "in the org");
    }
}

/* Takes `left`. */
static void look_at(struct agent_states *states, struct sim_storage *left, uint64_t seed)
{
    struct found *found = calloc(1, sizeof(*found));
    struct remains remains = {.states = states};
    struct sfe_error err;

    if (found == NULL) {
        abort();
    }
    sim_world_begin(&remains.world, seed);
    sim_storage_port(left, &remains.port);
    sim_clock(&remains.world, &remains.clock);
    sim_entropy(&remains.world, &remains.entropy);
    enum sfe_code code = sfe_arena_open(ARENA_BYTES, &remains.arena, &err);
    if (code == SFE_OK) {
        code = sfe_cursor_log_open(&remains.port, &remains.entropy, CURSORS_MAX, MARKS_MAX,
                                   remains.arena, &remains.log, &err);
    }
    SIM_CHECK(states->run, code == SFE_OK, "the cursors cannot be read: %s", err.message);
    read_stream(&remains, "sales", SALES_QUOTA, sfe_cursor_log_find(remains.log, CURSOR_NAME),
                found->is_waiting);
    read_stream(&remains, "dead", DEAD_QUOTA, NULL, found->is_dead);
    if (states->passes_on) {
        read_stream(&remains, "invoiced", ANSWERS_QUOTA, NULL, found->is_answered);
        read_stream(&remains, "refused", ANSWERS_QUOTA, NULL, found->is_answered);
    }
    check(states, found);
    states->run->crash_states++;
    sfe_cursor_log_close(remains.log);
    sfe_arena_close(remains.arena);
    sim_storage_close(left);
    free(found);
}

static void on_change(void *owner)
{
    struct agent_states *states = owner;

    if (sim_random_chance(&states->random, states->skip_permille)) {
        return;
    }
    for (uint32_t i = 0; i < DRAWN_STATES + 2u; i++) {
        const uint64_t seed = sim_random_next(&states->random);
        struct sim_cut cut = {.kind = SIM_CUT_DRAWN};
        if (i >= DRAWN_STATES) {
            cut = (struct sim_cut){SIM_CUT_CHOSEN, i == DRAWN_STATES ? 0 : UINT64_MAX};
        }
        look_at(states, sim_storage_after(states->storage, cut, seed), seed);
    }
}

void agent_states_watch(struct agent_states *states)
{
    sim_storage_watch(states->storage, on_change, states);
}
