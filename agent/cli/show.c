#include "cli/show.h"

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/time_format.h"
#include "cli/print.h"
#include "port/process.h"

#include <inttypes.h>
#include <stdio.h>

#define TIME_BYTES            40u
#define ANNOTATION_TOKENS_MAX 128u
#define ID_DIGITS             32u

/* Of an event that came before the clock was set, the time is not known here. */
static void time_text(const struct sfe_event *event, char text[TIME_BYTES])
{
    struct sfe_builder out = sfe_builder_make(text, TIME_BYTES - 1u);

    if (event->clock_quality == SFE_CLOCK_UNSET) {
        sfe_builder_add_text(&out, "clock-unset");
    } else {
        sfe_time_add_datetime(&out, event->received_ns);
    }
    text[out.size] = '\0';
}

static void id_text(const struct sfe_event *event, char text[ID_DIGITS + 1u])
{
    struct sfe_builder out = sfe_builder_make(text, ID_DIGITS);

    sfe_event_add_identity(event, &out);
    text[out.size] = '\0';
}

void show_line(const struct sfe_event *event)
{
    char time[TIME_BYTES];
    char source[64];
    char topic[256];
    char payload[512];

    time_text(event, time);
    sfe_printable(source, sizeof(source), event->source);
    sfe_printable(topic, sizeof(topic), event->topic);
    sfe_printable(payload, sizeof(payload), event->payload);
    sfe_cli_print("%" PRIu64 " %s %s %s %s\n", event->sequence, time,
                  source[0] == '\0' ? "-" : source, topic, payload);
}

/* The text of one member of the annotation; "" where there is none. */
static void annotation_text(const struct sfe_json *json, const char *name, char *text,
                            size_t capacity)
{
    uint8_t memory[512];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    uint32_t token =
        json->count == 0 ? SFE_JSON_NONE : sfe_json_member(json, 0, sfe_slice_text(name));

    text[0] = '\0';
    if (token != SFE_JSON_NONE && sfe_json_kind(json, token) == SFE_JSON_STRING) {
        sfe_json_add_text(json, token, &out);
        sfe_printable(text, capacity, sfe_builder_slice(&out));
    }
}

void show_letter_line(const struct sfe_event *event)
{
    struct sfe_json_token tokens[ANNOTATION_TOKENS_MAX];
    struct sfe_json json = {.count = 0};
    struct sfe_error ignored;
    char time[TIME_BYTES];
    char output[64];
    char stream[64];
    char reason[64];
    char message[320];

    if (sfe_json_parse(event->annotation, 0, tokens, ANNOTATION_TOKENS_MAX, &json, &ignored) !=
        SFE_OK) {
        json.count = 0;
    }
    time_text(event, time);
    annotation_text(&json, "output", output, sizeof(output));
    annotation_text(&json, "stream", stream, sizeof(stream));
    if (stream[0] == '\0') {
        annotation_text(&json, "input", stream, sizeof(stream));
    }
    annotation_text(&json, "reason", reason, sizeof(reason));
    annotation_text(&json, "message", message, sizeof(message));
    sfe_cli_print("%" PRIu64 " %s %s%s%s %s: %s\n", event->sequence, time,
                  stream[0] == '\0' ? "-" : stream, output[0] == '\0' ? "" : " -> ", output, reason,
                  message);
}

static void print_named(const char *name, struct sfe_slice text)
{
    sfe_cli_print("%-10s ", name);
    sfe_process_print(text);
    sfe_cli_print("\n");
}

void show_whole(const struct sfe_event *event)
{
    char time[TIME_BYTES];
    char id[ID_DIGITS + 1u];
    char topic[512];

    time_text(event, time);
    id_text(event, id);
    sfe_printable(topic, sizeof(topic), event->topic);
    sfe_cli_print("%-10s %" PRIu64 "\n%-10s %s\n%-10s %s\n%-10s %s\n", "number", event->sequence,
                  "time", time, "id", id, "topic", topic);
    print_named("source", event->source);
    if (event->sender.size != 0) {
        print_named("identity", event->sender);
    }
    if (event->annotation.size != 0) {
        print_named("why", event->annotation);
    }
    if (sfe_utf8_valid(event->payload)) {
        print_named("payload", event->payload);
    } else {
        sfe_cli_print("%-10s %zu bytes, not text; --json shows them in base64\n", "payload",
                      event->payload.size);
    }
}

static void put_payload(struct sfe_json_writer *writer, const struct sfe_event *event)
{
    if (sfe_utf8_valid(event->payload)) {
        sfe_json_put_text(writer, "payload", event->payload);
        return;
    }
    sfe_json_put_text(writer, "payload_base64", SFE_TEXT(""));
    if (!writer->out->overflowed) {
        writer->out->size--;
        sfe_builder_add_base64(writer->out, event->payload);
        sfe_builder_add_byte(writer->out, '"');
    }
}

static enum sfe_code end_line(const struct sfe_event *event, const struct sfe_builder *line,
                              struct sfe_error *err)
{
    return line->overflowed
               ? sfe_fail(err, SFE_E_TOO_LARGE, "event %" PRIu64 " is too large to be shown",
                          event->sequence)
               : SFE_OK;
}

enum sfe_code show_json(const struct sfe_event *event, struct sfe_builder *line,
                        struct sfe_error *err)
{
    struct sfe_json_writer writer = sfe_json_writer_make(line);
    char time[TIME_BYTES];
    char id[ID_DIGITS + 1u];

    time_text(event, time);
    id_text(event, id);
    sfe_builder_rewind(line, 0);
    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_u64(&writer, "sequence", event->sequence);
    if (event->clock_quality != SFE_CLOCK_UNSET) {
        sfe_json_put_text(&writer, "time", sfe_slice_text(time));
    }
    sfe_json_put_text(&writer, "id", sfe_slice_text(id));
    sfe_json_put_text(&writer, "source", event->source);
    if (event->sender.size != 0) {
        sfe_json_put_text(&writer, "identity", event->sender);
    }
    sfe_json_put_text(&writer, "topic", event->topic);
    sfe_json_put_bool(&writer, "excerpt", (event->flags & SFE_EVENT_EXCERPT) != 0);
    if (event->annotation.size != 0) {
        sfe_json_put_raw(&writer, "why", event->annotation);
    }
    put_payload(&writer, event);
    sfe_json_end_object(&writer);
    sfe_builder_add_byte(line, '\n');
    return end_line(event, line, err);
}

/* In quotes, a quote inside twice. */
static void add_quoted(struct sfe_builder *line, struct sfe_slice text)
{
    sfe_builder_add_byte(line, '"');
    while (text.size > 0) {
        const uint8_t *quote = memchr(text.bytes, '"', text.size);
        const size_t size = quote == NULL ? text.size : (size_t)(quote - text.bytes) + 1u;
        sfe_builder_add(line, sfe_slice_part(text, 0, size));
        if (quote != NULL) {
            sfe_builder_add_byte(line, '"');
        }
        text = sfe_slice_part(text, size, text.size);
    }
    sfe_builder_add_byte(line, '"');
}

enum sfe_code show_csv(const struct sfe_event *event, struct sfe_builder *line,
                       struct sfe_error *err)
{
    const bool is_set = event->clock_quality != SFE_CLOCK_UNSET;
    char time[TIME_BYTES];
    char id[ID_DIGITS + 1u];

    time_text(event, time);
    id_text(event, id);
    sfe_builder_rewind(line, 0);
    sfe_builder_format(line, "%" PRIu64 ",%s,%s,", event->sequence, is_set ? time : "", id);
    add_quoted(line, event->source);
    sfe_builder_add_byte(line, ',');
    add_quoted(line, event->topic);
    sfe_builder_add_text(line, (event->flags & SFE_EVENT_EXCERPT) != 0 ? ",true," : ",false,");
    add_quoted(line, event->annotation);
    if (sfe_utf8_valid(event->payload)) {
        sfe_builder_add_text(line, ",,");
        add_quoted(line, event->payload);
    } else {
        sfe_builder_add_text(line, ",base64,");
        sfe_builder_add_base64(line, event->payload);
    }
    sfe_builder_add_text(line, "\r\n");
    return end_line(event, line, err);
}

enum sfe_code show_raw(const struct sfe_event *event, struct sfe_builder *line,
                       struct sfe_error *err)
{
    sfe_builder_rewind(line, 0);
    sfe_builder_add(line, event->payload);
    sfe_builder_add_byte(line, '\n');
    return end_line(event, line, err);
}
