#include "status/note.h"

#include "base/assert.h"
#include "base/json_writer.h"
#include "base/time_format.h"

#include <inttypes.h>
#include <string.h>

const char *const sfe_note_stages[SFE_WATCH_STAGES] = {
    [SFE_WATCH_ACCEPTED] = "accepted", [SFE_WATCH_DURABLE] = "durable",
    [SFE_WATCH_BATCHED] = "batched",   [SFE_WATCH_ANSWERED] = "answered",
    [SFE_WATCH_DEAD] = "dead",
};

static const char *const outcomes[SFE_WATCH_OUTCOMES] = {
    [SFE_WATCH_NOTHING] = "",        [SFE_WATCH_DONE] = "done", [SFE_WATCH_RETRY] = "retry",
    [SFE_WATCH_REFUSED] = "refused", [SFE_WATCH_AWAY] = "away", [SFE_WATCH_SMALLER] = "smaller",
    [SFE_WATCH_STOPPED] = "stopped",
};

unsigned sfe_note_read_stages(struct sfe_slice list)
{
    unsigned stages = 0;
    size_t begin = 0;

    if (list.size == 0) {
        return (1u << SFE_WATCH_STAGES) - 1u;
    }
    for (size_t end = 0; end <= list.size; end++) {
        unsigned found = 0;
        if (end != list.size && list.bytes[end] != ',') {
            continue;
        }
        for (unsigned stage = 0; stage < SFE_WATCH_STAGES; stage++) {
            if (sfe_slice_equal(sfe_slice_part(list, begin, end - begin),
                                sfe_slice_text(sfe_note_stages[stage]))) {
                found = 1u << stage;
            }
        }
        if (found == 0) {
            return 0;
        }
        stages |= found;
        begin = end + 1u;
    }
    return stages;
}

static void put_text(struct sfe_json_writer *writer, const char *name, const char *text)
{
    if (text[0] != '\0') {
        sfe_json_put_text(writer, name, sfe_slice_text(text));
    }
}

static void put_number(struct sfe_json_writer *writer, const char *name, uint64_t number)
{
    if (number != 0) {
        sfe_json_put_u64(writer, name, number);
    }
}

static void put_time(struct sfe_json_writer *writer, int64_t unix_ns)
{
    uint8_t memory[40];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));

    if (unix_ns != 0) {
        sfe_time_add_datetime(&text, unix_ns);
        sfe_json_put_text(writer, "time", sfe_builder_slice(&text));
    }
}

static void put_members(struct sfe_json_writer *writer, const struct sfe_watch_entry *entry)
{
    put_time(writer, entry->time_ns);
    sfe_json_put_text(writer, "stage", sfe_slice_text(sfe_note_stages[entry->stage]));
    sfe_json_put_text(writer, "stream", sfe_slice_text(entry->stream));
    sfe_json_put_u64(writer, "sequence", entry->sequence);
    put_text(writer, "output", entry->output);
    put_number(writer, "segment", entry->segment);
    put_number(writer, "try", entry->attempt);
    put_number(writer, "request", entry->request);
    put_text(writer, "outcome", outcomes[entry->outcome]);
    put_text(writer, "record_id", entry->record_id);
    if (entry->stage == SFE_WATCH_ANSWERED) {
        sfe_json_put_u64(writer, "took_ms", entry->took_ns / 1000000u);
    }
    put_number(writer, "dead_sequence", entry->dead_sequence);
    put_number(writer, "http_status", entry->http_status);
    put_text(writer, "code", entry->code == 0 ? "" : sfe_code_name((enum sfe_code)entry->code));
    put_text(writer, "api_code", entry->api_code);
    put_text(writer, "message", entry->message);
}

/* What is not text goes out in base64. Text that was cut may end inside a character. */
static void put_payload(struct sfe_json_writer *writer, struct sfe_slice payload)
{
    for (size_t cut = 0; cut < 4u && cut < payload.size; cut++) {
        struct sfe_slice text = sfe_slice_part(payload, 0, payload.size - cut);
        if (sfe_utf8_valid(text)) {
            sfe_json_put_text(writer, "payload", text);
            return;
        }
    }
    sfe_json_put_text(writer, "payload_base64", SFE_TEXT(""));
    if (!writer->out->overflowed) {
        writer->out->size--;
        sfe_builder_add_base64(writer->out, payload);
        sfe_builder_add_byte(writer->out, '"');
    }
}

void sfe_note_put(const struct sfe_watch_entry *entry, struct sfe_json_writer *writer)
{
    SFE_ASSERT(entry->stage < SFE_WATCH_STAGES && entry->outcome < SFE_WATCH_OUTCOMES);
    sfe_json_begin_object(writer, NULL);
    put_members(writer, entry);
    sfe_json_end_object(writer);
}

void sfe_note_add(const struct sfe_watch_entry *entry, const uint8_t *text, struct sfe_builder *out)
{
    struct sfe_json_writer writer = sfe_json_writer_make(out);

    SFE_ASSERT(entry->stage <= SFE_WATCH_STAGES && entry->outcome < SFE_WATCH_OUTCOMES);
    sfe_json_begin_object(&writer, NULL);
    if (entry->missed != 0) {
        sfe_json_put_u64(&writer, "not_shown", entry->missed);
    }
    if (entry->stage < SFE_WATCH_STAGES) {
        put_members(&writer, entry);
        if (entry->has_event) {
            put_text(&writer, "input", entry->input);
            sfe_json_put_text(&writer, "topic", sfe_slice_make(text, entry->topic_bytes));
            sfe_json_put_u64(&writer, "payload_bytes", entry->payload_bytes);
        }
        if (entry->shown_bytes != 0) {
            put_payload(&writer, sfe_slice_make(text + entry->topic_bytes, entry->shown_bytes));
        }
    }
    sfe_json_end_object(&writer);
    sfe_builder_add_byte(out, '\n');
}

/* One look-up for each thing that a line says. */
struct line {
    const struct sfe_json *json;
    uint32_t object;
    struct sfe_builder *out;
};

static struct sfe_slice member(const struct line *line, const char *name)
{
    const uint32_t token = sfe_json_member(line->json, line->object, sfe_slice_text(name));

    return token == SFE_JSON_NONE ? (struct sfe_slice){NULL, 0} : sfe_json_raw(line->json, token);
}

/* Adds `before`, the member made printable, and `after`, where there is such a member. */
static void add(const struct line *line, const char *before, const char *name, const char *after)
{
    const uint32_t token = sfe_json_member(line->json, line->object, sfe_slice_text(name));
    char shown[512];

    if (token == SFE_JSON_NONE) {
        return;
    }
    sfe_builder_add_text(line->out, before);
    struct sfe_slice raw = sfe_json_raw(line->json, token);
    /* What does not fit one line is cut. */
    if (memchr(raw.bytes, '\\', raw.size) != NULL) {
        uint8_t memory[1024];
        struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));
        sfe_json_add_text(line->json, token, &text);
        sfe_printable(shown, sizeof(shown), sfe_builder_slice(&text));
    } else {
        sfe_printable(shown, sizeof(shown), raw);
    }
    sfe_builder_add_text(line->out, shown);
    sfe_builder_add_text(line->out, after);
}

static void pad(struct sfe_builder *out, size_t begin, size_t width)
{
    while (out->size - begin < width) {
        sfe_builder_add_byte(out, ' ');
    }
}

void sfe_note_add_text(const struct sfe_json *json, uint32_t object, struct sfe_builder *out)
{
    const struct line line = {json, object, out};

    add(&line, "… ", "not_shown", " not shown\n");
    if (member(&line, "stage").size == 0) {
        return;
    }
    const size_t begin = out->size;
    if (member(&line, "time").size == 0) {
        sfe_builder_add_text(out, "clock-unset             ");
    }
    add(&line, "", "time", "");
    add(&line, " ", "stage", "");
    pad(out, begin, 33);
    add(&line, " ", "stream", "");
    add(&line, ":", "sequence", "");
    add(&line, " -> ", "output", "");
    add(&line, " from ", "input", "");
    add(&line, " segment ", "segment", "");
    add(&line, " try ", "try", "");
    add(&line, " request ", "request", "");
    add(&line, " ", "outcome", "");
    add(&line, " ", "record_id", "");
    add(&line, " dead:", "dead_sequence", "");
    add(&line, " after ", "took_ms", " ms");
    add(&line, " ", "code", "");
    add(&line, " ", "api_code", "");
    add(&line, " HTTP ", "http_status", "");
    add(&line, ": ", "message", "");
    add(&line, " | ", "topic", "");
    add(&line, " ", "payload_bytes", " B");
    add(&line, " ", "payload", "");
    add(&line, " base64 ", "payload_base64", "");
    sfe_builder_add_byte(out, '\n');
}
