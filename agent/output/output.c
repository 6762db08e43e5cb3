#include "output/output.h"

#include "base/arena.h"
#include "base/assert.h"
#include "output/dead_letter.h"
#include "output/output_parts.h"

#include <stdio.h>
#include <string.h>

/* Different reasons kept with their words; more than differ at once in practice. */
#define REASONS_MAX 1024u

static enum sfe_code fetch(void *context, uint32_t slot, uint32_t place_in_slot,
                           struct sfe_event *event, int64_t *time_ns, struct sfe_error *err)
{
    struct sfe_output *output = context;

    SFE_ASSERT(slot < output->slot_total);
    SFE_ASSERT(place_in_slot < output->slots[slot].count);
    const struct window_entry *entry =
        &output->window.entries[output->slots[slot].entries[place_in_slot]];
    return output_fetch(output, entry, event, time_ns, err);
}

static uint32_t attempts(void *context, uint32_t slot, uint32_t place_in_slot)
{
    const struct sfe_output *output = context;

    SFE_ASSERT(slot < output->slot_total);
    SFE_ASSERT(place_in_slot < output->slots[slot].count);
    return output->window.entries[output->slots[slot].entries[place_in_slot]].attempts + 1;
}

/* Where to begin: where the cursor stood, but never beyond what is durable. A stream that lost its
 * newest events gives their sequences out again. */
static void make_start(const struct sfe_output_options *options, struct sfe_cursor *start)
{
    uint64_t end = sfe_stream_durable(options->stream) + 1;

    memset(start, 0, sizeof(*start));
    if (options->cursor != NULL) {
        *start = *options->cursor;
    } else {
        struct sfe_stream_facts facts;
        sfe_stream_facts(options->stream, &facts);
        start->sequence = facts.first_sequence;
    }
    start->sequence = start->sequence == 0 ? 1 : start->sequence;
    if (start->sequence > end) {
        SFE_LOG(options->log, SFE_WARNING, "the cursor stood beyond the stream; set back",
                sfe_text("output", options->name), sfe_count("cursor", start->sequence),
                sfe_count("end", end));
        start->sequence = end;
    }
    while (start->range_count > 0 && start->ranges[start->range_count - 1].end > end) {
        start->range_count--;
    }
    int length = snprintf(start->name, sizeof(start->name), "%s/%s", options->name,
                          sfe_stream_name(options->stream));
    SFE_ASSERT(length > 0 && (size_t)length < sizeof(start->name));
}

/* Events of all slots together. */
static size_t slot_events(const struct sfe_output_options *options)
{
    return (size_t)options->slot_count * options->slot_events_max + options->large_slot_events;
}

static uint32_t slot_total(const struct sfe_output_options *options)
{
    return options->slot_count + (options->large_slot_events != 0 ? 1u : 0u);
}

static uint32_t reasons_max(const struct sfe_output_options *options)
{
    const size_t events = slot_events(options);

    return events < REASONS_MAX ? (uint32_t)events : REASONS_MAX;
}

size_t sfe_output_memory_bytes(const struct sfe_output_options *options)
{
    return sfe_arena_cost(sizeof(struct sfe_output)) +
           2 * sfe_lane_memory_bytes(options->window_events) +
           sfe_arena_cost(slot_events(options) * sizeof(uint32_t)) +
           sfe_arena_cost(slot_total(options) * sizeof(struct output_slot)) +
           sfe_arena_cost(DEAD_LETTER_ANNOTATION_BYTES) +
           sfe_reasons_memory_bytes(reasons_max(options)) +
           output_answers_memory_bytes(options, slot_events(options)) +
           window_memory_bytes(options->window_events) + settle_memory_bytes();
}

static enum sfe_code open_slots(struct sfe_output *output, struct sfe_arena *arena,
                                struct sfe_error *err)
{
    const uint32_t events = output->options.slot_events_max;
    uint32_t *entries =
        sfe_arena_take(arena, slot_events(&output->options) * sizeof(*entries), err);

    output->slot_total = slot_total(&output->options);
    output->slots = sfe_arena_take(arena, output->slot_total * sizeof(*output->slots), err);
    if (entries == NULL || output->slots == NULL) {
        return SFE_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < output->slot_total; i++) {
        output->slots[i].entries = entries + (size_t)i * events;
        output->slots[i].events_max =
            i < output->options.slot_count ? events : output->options.large_slot_events;
    }
    return SFE_OK;
}

static enum sfe_code open_reasons(struct sfe_output *output, struct sfe_arena *arena,
                                  struct sfe_error *err)
{
    uint8_t *annotation = sfe_arena_take(arena, DEAD_LETTER_ANNOTATION_BYTES, err);

    output->reasons = sfe_reasons_open(reasons_max(&output->options), arena, err);
    if (annotation == NULL || output->reasons == NULL) {
        return SFE_E_NO_MEMORY;
    }
    output->annotation = sfe_builder_make(annotation, DEAD_LETTER_ANNOTATION_BYTES);
    return SFE_OK;
}

static enum sfe_code open_parts(struct sfe_output *output, struct sfe_arena *arena,
                                struct sfe_error *err)
{
    struct sfe_cursor start;

    make_start(&output->options, &start);
    output->lane = sfe_lane_open(output->options.window_events, arena, err);
    output->parents = sfe_lane_open(output->options.window_events, arena, err);
    if (output->lane == NULL || output->parents == NULL ||
        open_slots(output, arena, err) != SFE_OK || open_reasons(output, arena, err) != SFE_OK ||
        output_open_answers(output, slot_events(&output->options), arena, err) != SFE_OK) {
        return SFE_E_NO_MEMORY;
    }
    enum sfe_code code =
        window_open(&output->window, output->options.window_events, start.sequence, arena, err);
    if (code == SFE_OK) {
        code = settle_open(&start, arena, &output->settle, err);
    }
    return code;
}

const char *sfe_output_state_name(enum sfe_output_state state)
{
    switch (state) {
    case SFE_OUTPUT_IDLE:
        return "idle";
    case SFE_OUTPUT_MOVING:
        return "moving";
    case SFE_OUTPUT_WAITING:
        return "waiting";
    case SFE_OUTPUT_STOPPED:
        return "stopped";
    }
    return "unknown";
}

enum sfe_code sfe_output_open(const struct sfe_output_options *options, struct sfe_arena *arena,
                              struct sfe_output **output, struct sfe_error *err)
{
    struct sfe_output *opened = sfe_arena_take(arena, sizeof(*opened), err);

    SFE_ASSERT(!options->gaps || options->agent_id != NULL);
    SFE_ASSERT(options->wait == NULL || options->within_ns == 0);
    SFE_ASSERT(options->slot_count > 0);
    SFE_ASSERT(options->slot_events_max > 0);
    SFE_ASSERT(options->slot_events_max <= options->window_events);
    SFE_ASSERT(options->large_slot_events <= options->window_events);
    *output = NULL;
    if (opened == NULL) {
        return err->code;
    }
    opened->options = *options;
    enum sfe_code code = open_parts(opened, arena, err);
    opened->options.cursor = NULL; /* It was copied. */
    if (code != SFE_OK) {
        return code;
    }
    opened->has_changed = true;
    opened->opened_ns = sfe_clock_monotonic_ns(options->clock);
    opened->opened_end = sfe_stream_durable(options->stream);
    pressure_open(&opened->pressure, options->slot_count, options->slot_events_max);
    opened->damaged = sfe_stream_reader_damaged(options->reader);
    opened->facts.cursor = opened->window.next_sequence;
    settle_publish_cursor(opened->settle, &opened->window);
    sfe_stream_reader_seek(options->reader, opened->window.next_sequence);
    const struct sfe_target_host host = {opened, fetch, attempts, output_finish_slot};
    options->target->bind(options->target->context, &host);
    *output = opened;
    return SFE_OK;
}

static enum sfe_output_state state_of(const struct sfe_output *output)
{
    bool has_work = output->window.count > 0 ||
                    sfe_stream_durable(output->options.stream) >= output->window.next_sequence;

    if (output->pace.state == PACE_STOPPED || output->is_stuck) {
        return SFE_OUTPUT_STOPPED;
    }
    if (!has_work) {
        return SFE_OUTPUT_IDLE;
    }
    if (output->pace.state == PACE_WAITING || output->owing > 0 || output->facts.is_kept_full ||
        (!output->target_is_ready && output->in_flight == 0)) {
        return SFE_OUTPUT_WAITING;
    }
    return SFE_OUTPUT_MOVING;
}

static void publish(struct sfe_output *output)
{
    struct sfe_output_facts *facts = &output->facts;
    bool has_settled = output->has_settled;

    output->has_settled = false;
    if (has_settled) {
        settle_publish_cursor(output->settle, &output->window);
    }
    facts->state = state_of(output);
    facts->in_flight = output->in_flight;
    facts->cursor = window_base(&output->window);
    facts->oldest_ns = output->window.count == 0 ? 0 : window_at(&output->window, 0)->arrival_ns;
    settle_publish_facts(output->settle, facts);
    if (has_settled && output->options.on_settled != NULL) {
        output->options.on_settled(output->options.owner);
    }
}

uint64_t sfe_output_turn(struct sfe_output *output, uint64_t now_ns)
{
    output->now_ns = now_ns;
    uint64_t bury_ns = output_expire_turn(output);
    bury_ns = sfe_clock_earlier_ns(bury_ns, output_wait_turn(output));
    bury_ns = sfe_clock_earlier_ns(bury_ns, output_bury_turn(output));
    bury_ns = sfe_clock_earlier_ns(bury_ns, output_answer_turn(output));
    (void)window_pass(&output->window);
    const uint64_t before = (uint64_t)output->dying + output->owing;
    uint64_t deliver_ns = output_deliver_turn(output);
    /* A target may have ended a slot at once; and letters of what could not be mapped were written.
     */
    (void)window_pass(&output->window);
    if ((uint64_t)output->dying + output->owing > before) {
        bury_ns = now_ns; /* Else nobody looks at it before something else is due. */
    }
    publish(output);
    return sfe_clock_earlier_ns(bury_ns, deliver_ns);
}

void sfe_output_stop(struct sfe_output *output)
{
    if (output->is_stopping) {
        return;
    }
    output->is_stopping = true;
    for (uint32_t i = 0; i < output->slot_total; i++) {
        if (output->slots[i].state == SLOT_FILLING) {
            output_abandon_slot(output, i);
        }
    }
}

bool sfe_output_is_quiet(const struct sfe_output *output)
{
    /* A letter or an answer that is on its way to flash would be written again after the next
     * start. */
    return output->in_flight == 0 && output->buried == 0 && output_has_told_all(output);
}

void sfe_output_cursor(struct sfe_output *output, struct sfe_cursor *cursor)
{
    settle_cursor(output->settle, cursor);
}

void sfe_output_facts(struct sfe_output *output, struct sfe_output_facts *facts)
{
    settle_facts(output->settle, facts);
    uint64_t durable = sfe_stream_durable(output->options.stream);
    facts->backlog = durable >= facts->cursor ? durable + 1 - facts->cursor : 0;
}

const struct sfe_output_wait *sfe_output_wait(const struct sfe_output *output)
{
    return output->options.wait;
}

void sfe_output_close(struct sfe_output *output)
{
    if (output != NULL) {
        settle_close(output->settle);
        output->settle = NULL;
    }
}
