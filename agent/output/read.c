/* Events of the stream into the window, one by one. */
#include "output/output_parts.h"

/* True when the event `sequence` was settled before the last start; the reader then stands behind
 * all of its range. */
static bool skip_known(struct sfe_output *output, uint64_t sequence)
{
    uint64_t end = settle_end_of_known(output->settle, sequence);

    if (end == 0) {
        return false;
    }
    output->window.next_sequence = end;
    output->has_settled = true;
    sfe_stream_reader_seek(output->options.reader, end);
    return true;
}

enum output_read output_read(struct sfe_output *output, struct window_entry **entry,
                             struct sfe_event *event, int64_t *time_ns)
{
    struct sfe_stream_reader *reader = output->options.reader;
    struct sfe_stream_place stands = {0, 0};
    struct sfe_error err;
    uint64_t durable = sfe_stream_durable(output->options.stream);

    if (durable < output->window.next_sequence) {
        return OUTPUT_READ_END;
    }
    enum sfe_code code = sfe_stream_reader_next(reader, event, time_ns, &stands, &err);
    if (code == SFE_E_END) {
        /* What was durable before the call and did not come. */
        *entry = output_pass_gap(output, durable + 1);
        return *entry == NULL ? OUTPUT_READ_END : OUTPUT_READ_GAP;
    }
    if (code != SFE_OK) {
        sfe_log_error(output->options.log, SFE_ERROR, "cannot read events from flash", &err);
        return OUTPUT_READ_FAILED;
    }
    if (event->sequence < output->window.next_sequence) {
        return OUTPUT_READ_ON;
    }
    *entry = output_pass_gap(output, event->sequence);
    if (*entry != NULL) {
        /* The window may be full: the event comes again. */
        sfe_stream_reader_seek(reader, event->sequence);
        return OUTPUT_READ_GAP;
    }
    if (output->options.wait == NULL && skip_known(output, event->sequence)) {
        return OUTPUT_READ_ON;
    }
    *entry = window_add(&output->window, event->sequence, stands, *time_ns);
    return OUTPUT_READ_EVENT;
}
