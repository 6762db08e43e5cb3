/* Events that wait for something from elsewhere (wait.h): they are read into the window whether the
 * target is ready or not, and held there until whoever judges them says what becomes of them. */
#include "output/output_parts.h"

#include "base/assert.h"

/* So many are read in one turn. */
#define READ_EVENTS 256u
/* After reading flash failed. */
#define AGAIN_NS UINT64_C(1000000000)

/* It was settled in the last run. It takes its room as it did then, so that no more is read beyond
 * what is not settled than there is room for. */
static void judge_known(struct sfe_output *output, struct window_entry *entry,
                        struct sfe_event *event)
{
    const struct sfe_output_wait *wait = output->options.wait;
    struct sfe_error err;
    const enum sfe_code code = wait->judge(wait->context, event, output->facts.cursor, true, &err);

    output_settle_entry(output, entry);
    if (code == SFE_E_SKIPPED) {
        window_drop_last(&output->window);
    }
}

static void judge(struct sfe_output *output, struct window_entry *entry, struct sfe_event *event,
                  int64_t time_ns)
{
    const struct sfe_output_wait *wait = output->options.wait;
    struct sfe_error err;
    const enum sfe_code code = wait->judge(wait->context, event, output->facts.cursor, false, &err);

    if (code == SFE_OK) {
        output->has_changed = true;
    } else if (code == SFE_E_AGAIN) {
        entry->state = ENTRY_HELD;
        output->facts.held++;
    } else if (code == SFE_E_SKIPPED) {
        output->facts.skipped++;
        output_settle_entry(output, entry);
        window_drop_last(&output->window);
    } else {
        output_condemn(output, entry, &err);
        output_bury(output, entry, event, time_ns);
    }
}

/* Reads on. Returns when to do so again. */
static uint64_t read_on(struct sfe_output *output, struct sfe_wait_view *view)
{
    for (uint32_t i = 0; i < READ_EVENTS; i++) {
        struct window_entry *entry = NULL;
        struct sfe_event event;
        int64_t time_ns = 0;
        if (window_is_full(&output->window)) {
            view->is_full = true;
            return UINT64_MAX; /* Whoever settles something wakes us. */
        }
        switch (output_read(output, &entry, &event, &time_ns)) {
        case OUTPUT_READ_END:
            view->has_read_all = true;
            return UINT64_MAX;
        case OUTPUT_READ_FAILED:
            return output->now_ns + AGAIN_NS;
        case OUTPUT_READ_ON:
            break;
        case OUTPUT_READ_GAP:
            output->has_changed = true;
            break;
        case OUTPUT_READ_EVENT:
            if (settle_end_of_known(output->settle, event.sequence) != 0) {
                judge_known(output, entry, &event);
            } else {
                judge(output, entry, &event, time_ns);
            }
            break;
        }
    }
    return output->now_ns;
}

static struct window_entry *let_off(struct sfe_output *output, uint64_t sequence)
{
    struct window_entry *entry = window_find(&output->window, sequence);

    SFE_ASSERT(entry != NULL && entry->state == ENTRY_HELD && output->facts.held > 0);
    output->facts.held--;
    entry->state = ENTRY_WAITING;
    entry->due_ns = 0;
    output->has_changed = true;
    return entry;
}

static void go(void *context, uint64_t sequence)
{
    (void)let_off(context, sequence);
}

static void late(void *context, uint64_t sequence)
{
    struct sfe_output *output = context;
    struct window_entry *entry = let_off(output, sequence);
    struct sfe_error err;

    output->facts.late++;
    if (output->options.late != NULL) {
        output_owe_late(output, entry);
        return;
    }
    (void)sfe_fail(&err, SFE_E_TIMEOUT, "what it waited for did not come in time");
    err.retry = SFE_RETRY_NEVER;
    output_condemn(output, entry, &err);
}

/* Where all room is taken by events that wait, or came after one, nothing more is read. */
static void note_bound(struct sfe_output *output)
{
    const bool is_full = window_is_full(&output->window) && output->facts.held > 0;

    if (is_full == output->facts.is_kept_full) {
        return;
    }
    output->facts.is_kept_full = is_full;
    if (is_full) {
        SFE_LOG(output->options.log, SFE_WARNING,
                "an output reads no further: too many events since one that waits",
                sfe_text("output", output->options.name), sfe_count("waiting", output->facts.held));
    } else {
        SFE_LOG(output->options.log, SFE_INFO, "an output whose events wait reads on",
                sfe_text("output", output->options.name));
    }
}

uint64_t output_wait_turn(struct sfe_output *output)
{
    const struct sfe_output_wait *wait = output->options.wait;
    const struct sfe_wait_host host = {output, go, late};
    struct sfe_wait_view view = {.now_ns = output->now_ns, .base = output->facts.cursor};

    if (wait == NULL || output->is_stopping) {
        return UINT64_MAX;
    }
    const uint64_t read_ns = read_on(output, &view);
    const uint64_t wait_ns = wait->turn(wait->context, &view, &host);
    note_bound(output);
    return sfe_clock_earlier_ns(read_ns, wait_ns);
}
