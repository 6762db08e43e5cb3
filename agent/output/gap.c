/* What is missing of a stream, as an event of its own: which events, how many, and why. Its
 * identity is its first sequence, so that one that has grown until it is tried again replaces
 * itself. */
#include "output/output_parts.h"

#include "base/assert.h"
#include "base/json_writer.h"

static const char *why(const struct sfe_output *output, const struct window_entry *entry)
{
    const struct window_trouble *gap = window_known_trouble(&output->window, entry);
    struct sfe_stream_facts facts;

    if (gap->gap_damaged >= gap->gap_events) {
        return "damage";
    }
    sfe_stream_facts(output->options.stream, &facts);
    return entry->sequence < facts.dropped_end ? "drop-oldest" : "drop-newest";
}

static struct sfe_slice make_payload(struct sfe_output *output, const struct window_entry *entry)
{
    struct sfe_builder builder = sfe_builder_make(output->gap_bytes, sizeof(output->gap_bytes));
    struct sfe_json_writer json = sfe_json_writer_make(&builder);
    const struct window_trouble *gap = window_known_trouble(&output->window, entry);

    sfe_json_begin_object(&json, NULL);
    sfe_json_begin_object(&json, "gap");
    sfe_json_put_text(&json, "stream", sfe_slice_text(sfe_stream_name(output->options.stream)));
    sfe_json_put_u64(&json, "first", entry->sequence);
    sfe_json_put_u64(&json, "last", gap->gap_end - 1u);
    sfe_json_put_u64(&json, "events", gap->gap_events);
    sfe_json_put_u64(&json, "damaged", gap->gap_damaged);
    sfe_json_put_text(&json, "why", sfe_slice_text(why(output, entry)));
    sfe_json_end_object(&json);
    sfe_json_end_object(&json);
    SFE_ASSERT(!builder.overflowed);
    return sfe_builder_slice(&builder);
}

static struct sfe_hash128 identity_of(const struct sfe_output *output,
                                      const struct window_entry *entry)
{
    const struct sfe_slice parts[] = {
        SFE_TEXT("gap"),
        sfe_slice_text(output->options.agent_id),
        sfe_slice_text(sfe_stream_name(output->options.stream)),
        sfe_slice_make(&entry->sequence, sizeof(entry->sequence)),
    };

    return sfe_hash128(parts, sizeof(parts) / sizeof(parts[0]));
}

enum sfe_code output_fetch(struct sfe_output *output, const struct window_entry *entry,
                           struct sfe_event *event, int64_t *time_ns, struct sfe_error *err)
{
    if (!entry->is_gap) {
        return sfe_stream_reader_fetch(output->options.reader, entry->place, entry->sequence, event,
                                       time_ns, err);
    }
    *event = (struct sfe_event){
        .sequence = entry->sequence,
        .received_ns = entry->arrival_ns,
        .clock_quality = SFE_CLOCK_COASTING,
        .topic = sfe_slice_text(sfe_stream_name(output->options.stream)),
        .payload = make_payload(output, entry),
        .identity_kind = SFE_IDENTITY_GIVEN,
        .identity = identity_of(output, entry),
    };
    *time_ns = entry->arrival_ns;
    return SFE_OK;
}

static int64_t wall_ns(const struct sfe_output *output)
{
    const struct sfe_clock *clock = output->options.clock;
    int64_t unix_ns = 0;

    (void)clock->wall_ns(clock->context, &unix_ns);
    return unix_ns;
}

/* What the reader has counted as damaged since this was last asked. */
static uint64_t new_damage(struct sfe_output *output)
{
    const uint64_t damaged = sfe_stream_reader_damaged(output->options.reader);
    const uint64_t more = damaged - output->damaged;

    output->damaged = damaged;
    return more;
}

struct gap_facts {
    uint64_t end, events, damaged; /* As of window_trouble. */
};

static void make_gap(const struct sfe_output *output, struct window_entry *entry,
                     struct gap_facts facts)
{
    struct window_trouble *gap = window_trouble(&output->window, entry);

    gap->gap_end = facts.end;
    gap->gap_events = facts.events;
    gap->gap_damaged = facts.damaged < facts.events ? facts.damaged : facts.events;
    entry->is_gap = true;
}

struct window_entry *output_pass_gap(struct sfe_output *output, uint64_t end)
{
    const uint64_t begin = output->window.next_sequence;
    const struct sfe_stream_place nowhere = {0, 0};

    if (end <= begin) {
        return NULL;
    }
    const uint64_t events = settle_count_unknown(output->settle, begin, end);
    const uint64_t damaged = new_damage(output);
    struct window_entry *entry = NULL;

    output->facts.gaps += events;
    output->has_settled = true;
    if (output->options.gaps && events != 0) {
        entry = window_add(&output->window, begin, nowhere, wall_ns(output));
        make_gap(output, entry, (struct gap_facts){end, events, damaged});
    }
    output->window.next_sequence = end;
    return entry;
}

/* Is the event of a waiting entry gone as well? */
static bool is_gone(struct sfe_output *output, const struct window_entry *entry)
{
    struct sfe_event event;
    struct sfe_error err;
    int64_t time_ns = 0;

    return entry->state == ENTRY_WAITING && !entry->is_gap &&
           output_fetch(output, entry, &event, &time_ns, &err) == SFE_E_NOT_FOUND;
}

bool output_lose(struct sfe_output *output, struct window_entry *entry, bool is_damaged)
{
    const struct window *window = &output->window;
    uint32_t place = window_place(window, entry);

    output->facts.gaps++;
    if (!output->options.gaps) {
        output_settle_entry(output, entry);
        return true;
    }
    make_gap(output, entry, (struct gap_facts){entry->sequence + 1u, 1, is_damaged ? 1 : 0});
    struct window_trouble *gap = window_trouble(window, entry);
    entry->state = ENTRY_WAITING;
    entry->order_key = 0;
    entry->attempts = 0;
    entry->due_ns = 0;
    output->has_changed = true;
    for (place++; place < window->count && !is_damaged; place++) {
        struct window_entry *next = window_at(window, place);
        if (next->sequence != gap->gap_end || !is_gone(output, next)) {
            break;
        }
        output->facts.gaps++;
        output_settle_entry(output, next);
        gap->gap_end++;
        gap->gap_events++;
    }
    return false;
}
