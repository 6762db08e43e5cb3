#include "join/join_parts.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/limits.h"
#include "port/thread.h"
#include "stream/settled.h"

#include <stdio.h>

size_t sfe_join_memory_bytes(uint32_t orders_max, uint32_t keep)
{
    return sfe_arena_cost(sizeof(struct sfe_join)) + sfe_arena_cost(JOIN_KEY_BYTES) +
           sfe_arena_cost(SFE_JSON_TOKENS_MAX * sizeof(struct sfe_json_token)) +
           join_table_memory_bytes(orders_max) + join_table_memory_bytes(orders_max + keep);
}

void sfe_join_cursor_names(const char *output, const char *orders, const char *stream,
                           char names[SFE_JOIN_CURSORS][SFE_CURSOR_NAME_BYTES])
{
    const int first = snprintf(names[0], SFE_CURSOR_NAME_BYTES, "%s/%s", output, stream);
    const int second = snprintf(names[1], SFE_CURSOR_NAME_BYTES, "%s+%s", output, orders);

    SFE_ASSERT(first > 0 && (size_t)first < SFE_CURSOR_NAME_BYTES);
    SFE_ASSERT(second > 0 && (size_t)second < SFE_CURSOR_NAME_BYTES);
}

/* Where the confirmations' cursor stood, but never beyond what is durable. */
static uint64_t start_of(const struct sfe_join_options *options)
{
    const uint64_t end = sfe_stream_durable(options->stream) + 1u;
    struct sfe_stream_facts facts;

    sfe_stream_facts(options->stream, &facts);
    uint64_t start = options->cursor == NULL ? facts.first_sequence : options->cursor->sequence;
    start = start == 0 ? 1u : start;
    return start < end ? start : end;
}

static void set_cursors(struct sfe_join *join)
{
    const struct sfe_join_options *options = &join->options;
    char names[SFE_JOIN_CURSORS][SFE_CURSOR_NAME_BYTES];
    const uint64_t end = sfe_stream_durable(options->orders) + 1u;

    sfe_join_cursor_names(options->output, sfe_stream_name(options->orders),
                          sfe_stream_name(options->stream), names);
    if (options->decided != NULL) {
        join->decided = *options->decided;
    }
    while (join->decided.range_count > 0 &&
           join->decided.ranges[join->decided.range_count - 1u].end > end) {
        join->decided.range_count--; /* The stream has lost its end: these will be others. */
    }
    join->decided.sequence = 0;
    memcpy(join->decided.name, names[1], sizeof(names[1]));
    join->next_sequence = start_of(options);
    join->published.cursors[0].sequence = join->next_sequence;
    memcpy(join->published.cursors[0].name, names[0], sizeof(names[0]));
    join->published.cursors[1] = join->decided;
    /* What is known from a run that was not closed in order may not be durable. */
    join->has_noted = join->decided.range_count > 0;
}

/* Orders of the last run that no confirmation was found for, and that are passed by now. */
static void make_room(struct sfe_join *join, uint64_t base)
{
    struct join_item *order = join_table_front(&join->orders);

    while (order != NULL) {
        struct join_item *next = join_table_next(&join->orders, order);
        if (order->is_settled && order->sequence < base) {
            join_table_remove(&join->orders, order);
        }
        order = next;
    }
}

static enum sfe_code judge(void *context, struct sfe_event *event, uint64_t base, bool is_settled,
                           struct sfe_error *err)
{
    struct sfe_join *join = context;
    struct sfe_hash128 key;
    enum sfe_code code =
        join_find_key(join, event, join->options.takes, join->options.key, &key, err);

    if (code != SFE_OK) {
        return code;
    }
    if (join_table_is_full(&join->orders)) {
        make_room(join, base);
    }
    struct join_item *order = join_add(join, &join->orders, &key, event);
    order->order = join->order_before;
    order->is_settled = is_settled;
    join->order_before = event->sequence;
    if (sfe_settled_has(&join->decided, event->sequence)) {
        if (is_settled) {
            join_table_remove(&join->orders, order);
            return SFE_OK;
        }
        order->is_decided = true;
        join->deciding++;
        return SFE_E_AGAIN;
    }
    struct join_item *confirmation = join_table_find(&join->confirmations, &key);
    if (confirmation == NULL || !join_is_in_time(join, order, confirmation)) {
        return SFE_E_AGAIN;
    }
    join_confirm(join, confirmation, event->sequence);
    join_table_remove(&join->orders, order);
    return SFE_OK;
}

static void publish(struct sfe_join *join)
{
    const struct join_item *front = join_table_front(&join->confirmations);
    const uint64_t base = front == NULL ? join->next_sequence : front->sequence;
    struct join_published *published = &join->published;
    const uint64_t durable = sfe_stream_durable(join->options.stream);
    const bool has_passed = decided_pass(&join->decided, join->view.base);
    const bool has_changed =
        has_passed || join->has_noted || base != published->cursors[0].sequence;

    SFE_ASSERT(base >= published->cursors[0].sequence);
    sfe_mutex_lock(join->mutex);
    published->facts = (struct sfe_join_facts){
        .cursor = base,
        .backlog = durable >= join->next_sequence ? durable + 1u - join->next_sequence : 0,
        .confirmations = join->confirmations.count,
        .early = join->early,
        .unusable = join->unusable,
        .is_full = join->is_full,
    };
    if (has_changed) {
        published->cursors[0].sequence = base;
        published->cursors[1] = join->decided;
        published->version++;
        join->noted_version = join->has_noted ? published->version : join->noted_version;
        join->has_noted = false;
    }
    sfe_mutex_unlock(join->mutex);
    if (has_changed) {
        join->options.on_settled(join->options.owner);
    }
}

static uint64_t turn(void *context, const struct sfe_wait_view *view,
                     const struct sfe_wait_host *host)
{
    struct sfe_join *join = context;

    join->view = *view;
    join->host = host;
    const uint64_t read_ns = join_confirmations_turn(join);
    const uint64_t late_ns = join_late_turn(join);
    publish(join);
    join->host = NULL;
    return sfe_clock_earlier_ns(read_ns, late_ns);
}

static enum sfe_code open_parts(struct sfe_join *join, struct sfe_arena *arena,
                                struct sfe_error *err)
{
    const struct sfe_join_options *options = &join->options;
    uint8_t *key = sfe_arena_take(arena, JOIN_KEY_BYTES, err);

    join->tokens = sfe_arena_take(arena, SFE_JSON_TOKENS_MAX * sizeof(*join->tokens), err);
    if (key == NULL || join->tokens == NULL) {
        return SFE_E_NO_MEMORY;
    }
    join->key = sfe_builder_make(key, JOIN_KEY_BYTES);
    enum sfe_code code = join_table_open(&join->orders, options->orders_max, arena, err);
    if (code == SFE_OK) {
        code =
            join_table_open(&join->confirmations, options->orders_max + options->keep, arena, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    join->mutex = sfe_mutex_open();
    return join->mutex == NULL ? sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a mutex") : SFE_OK;
}

enum sfe_code sfe_join_open(const struct sfe_join_options *options, struct sfe_arena *arena,
                            struct sfe_join **join, struct sfe_error *err)
{
    struct sfe_join *opened = sfe_arena_take(arena, sizeof(*opened), err);

    SFE_ASSERT(options->within_ns > 0 && options->keep > 0 && options->orders_max > 0);
    *join = NULL;
    if (opened == NULL) {
        return err->code;
    }
    opened->options = *options;
    opened->wait = (struct sfe_output_wait){opened, judge, turn};
    const enum sfe_code code = open_parts(opened, arena, err);
    if (code != SFE_OK) {
        return code;
    }
    set_cursors(opened);
    opened->options.cursor = NULL; /* They were copied. */
    opened->options.decided = NULL;
    sfe_stream_reader_seek(options->reader, opened->next_sequence);
    *join = opened;
    return SFE_OK;
}

const struct sfe_output_wait *sfe_join_wait(const struct sfe_join *join)
{
    return &join->wait;
}

struct sfe_join *sfe_join_of(const struct sfe_output_wait *wait)
{
    return wait->context;
}

const struct sfe_stream *sfe_join_stream(const struct sfe_join *join)
{
    return join->options.stream;
}

void sfe_join_take_cursors(struct sfe_join *join, struct sfe_cursor cursors[SFE_JOIN_CURSORS])
{
    sfe_mutex_lock(join->mutex);
    memcpy(cursors, join->published.cursors, sizeof(join->published.cursors));
    join->published.taken = join->published.version;
    sfe_mutex_unlock(join->mutex);
}

void sfe_join_saved(struct sfe_join *join)
{
    sfe_mutex_lock(join->mutex);
    join->published.saved = join->published.taken;
    sfe_mutex_unlock(join->mutex);
}

void sfe_join_facts(struct sfe_join *join, struct sfe_join_facts *facts)
{
    sfe_mutex_lock(join->mutex);
    *facts = join->published.facts;
    sfe_mutex_unlock(join->mutex);
}

void sfe_join_close(struct sfe_join *join)
{
    if (join != NULL) {
        sfe_stream_reader_close(join->options.reader);
        sfe_mutex_close(join->mutex);
        join->mutex = NULL;
    }
}
