#include "status/top.h"

#include "base/assert.h"
#include "base/json_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CELL_BYTES 320u
#define NO_RATE    UINT64_MAX

static uint32_t member(const struct sfe_json *json, uint32_t object, const char *name)
{
    return object == SFE_JSON_NONE ? SFE_JSON_NONE
                                   : sfe_json_member(json, object, sfe_slice_text(name));
}

static uint64_t number(const struct sfe_json *json, uint32_t object, const char *name)
{
    const uint32_t token = member(json, object, name);
    uint64_t value = 0;

    if (token == SFE_JSON_NONE) {
        return 0;
    }
    struct sfe_slice text = sfe_json_raw(json, token);
    for (size_t i = 0; i < text.size && text.bytes[i] >= '0' && text.bytes[i] <= '9'; i++) {
        value = value * 10u + (uint64_t)(text.bytes[i] - '0');
    }
    return value;
}

static bool is_true(const struct sfe_json *json, uint32_t object, const char *name)
{
    const uint32_t token = member(json, object, name);

    return token != SFE_JSON_NONE && sfe_json_kind(json, token) == SFE_JSON_TRUE;
}

static struct sfe_slice text_of(const struct sfe_json *json, uint32_t object, const char *name)
{
    const uint32_t token = member(json, object, name);

    return token == SFE_JSON_NONE ? SFE_TEXT("") : sfe_json_raw(json, token);
}

/* The element of list `list` in the document before that has the same name, and the same stream. */
static uint32_t find_before(const struct sfe_top *top, uint32_t element, const char *list,
                            const char *name)
{
    const uint32_t array = member(top->before, 0, list);
    uint32_t at = array == SFE_JSON_NONE ? array : sfe_json_first(top->before, array);

    while (at != SFE_JSON_NONE &&
           !(sfe_slice_equal(text_of(top->before, at, name), text_of(top->now, element, name)) &&
             sfe_slice_equal(text_of(top->before, at, "stream"),
                             text_of(top->now, element, "stream")))) {
        at = sfe_json_next(top->before, array, at);
    }
    return at;
}

/* Tenths a second. NO_RATE where there is nothing to compare with: the agent was started again. */
static uint64_t rate(const struct sfe_top *top, uint32_t element, uint32_t before,
                     const char *counter)
{
    const uint64_t now = number(top->now, element, counter);
    const uint64_t then = number(top->before, before, counter);

    SFE_ASSERT(top->elapsed_ns != 0);
    if (before == SFE_JSON_NONE || now < then || now - then > UINT64_MAX / 10000000000u) {
        return NO_RATE;
    }
    return (now - then) * 10000000000u / top->elapsed_ns;
}

static void add_rate(char cell[24], uint64_t tenths)
{
    int length = tenths == NO_RATE
                     ? snprintf(cell, 24, "-")
                     : snprintf(cell, 24, "%" PRIu64 ".%u", tenths / 10u, (unsigned)(tenths % 10u));
    SFE_ASSERT(length > 0 && length < 24);
}

static void add_bytes(char cell[24], uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;

    while (bytes >= 10u * 1024u && unit < 4u) {
        bytes /= 1024u;
        unit++;
    }
    int length = snprintf(cell, 24, "%" PRIu64 " %s", bytes, units[unit]);
    SFE_ASSERT(length > 0);
}

static void add_age(char cell[24], uint64_t age_s)
{
    int length = age_s < 600u     ? snprintf(cell, 24, "%" PRIu64 "s", age_s)
                 : age_s < 36000u ? snprintf(cell, 24, "%" PRIu64 "m", age_s / 60u)
                                  : snprintf(cell, 24, "%" PRIu64 "h", age_s / 3600u);
    SFE_ASSERT(length > 0);
}

/* Adds a line, cut to the width. Names and states are ASCII; reasons are made so. */
static void add_line(const struct sfe_top *top, struct sfe_builder *out, const char *line)
{
    struct sfe_slice text = sfe_slice_text(line);

    if (top->columns != 0) {
        text = sfe_slice_part(text, 0, top->columns);
    }
    sfe_builder_add(out, text);
    sfe_builder_add_byte(out, '\n');
}

static void name_cell(const struct sfe_top *top, uint32_t element, const char *name, char cell[33])
{
    sfe_printable(cell, 33, text_of(top->now, element, name));
}

static void add_reason(const struct sfe_top *top, uint32_t element, const char *name,
                       struct sfe_builder *out)
{
    const uint32_t why = member(top->now, element, name);
    char code[32];
    char message[232];
    char line[CELL_BYTES];

    if (why == SFE_JSON_NONE || sfe_json_kind(top->now, why) != SFE_JSON_OBJECT) {
        return;
    }
    sfe_printable(code, sizeof(code), text_of(top->now, why, "code"));
    sfe_printable(message, sizeof(message), text_of(top->now, why, "message"));
    if (snprintf(line, sizeof(line), "  %s: %s", code, message) > 0) {
        add_line(top, out, line);
    }
}

static void add_link(const struct sfe_top *top, uint32_t link, struct sfe_builder *out)
{
    char line[CELL_BYTES];
    char name[33];
    char in[24];
    const bool is_connected = is_true(top->now, link, "connected");
    const char *state = !is_connected                        ? "NOT CONNECTED"
                        : is_true(top->now, link, "blocked") ? "held back: a stream is full"
                                                             : "connected";

    name_cell(top, link, "connection", name);
    add_rate(in, rate(top, link, find_before(top, link, "links", "connection"), "received"));
    if (snprintf(line, sizeof(line), "%-16.16s %9s %9" PRIu64 " %9" PRIu64 " %s", name, in,
                 number(top->now, link, "unacknowledged"), number(top->now, link, "reconnects"),
                 state) > 0) {
        add_line(top, out, line);
    }
    if (!is_connected) {
        add_reason(top, link, "last_error", out);
    }
}

static void add_input(const struct sfe_top *top, uint32_t input, struct sfe_builder *out)
{
    char line[CELL_BYTES];
    char name[33];
    char in[24];

    name_cell(top, input, "name", name);
    add_rate(in, rate(top, input, find_before(top, input, "inputs", "name"), "accepted"));
    if (snprintf(line, sizeof(line), "%-16.16s %9s %9" PRIu64, name, in,
                 number(top->now, input, "accepted")) > 0) {
        add_line(top, out, line);
    }
}

static void add_stream(const struct sfe_top *top, uint32_t stream, struct sfe_builder *out)
{
    const uint32_t before = find_before(top, stream, "streams", "name");
    const bool is_full = is_true(top->now, stream, "full");
    char line[CELL_BYTES];
    char name[33];
    char in[24];
    char kept[24];
    char flash[24];
    const uint64_t written = rate(top, stream, before, "written_bytes");
    const char *state = !is_full                                ? "-"
                        : is_true(top->now, stream, "dropping") ? "FULL: drops"
                                                                : "FULL";

    name_cell(top, stream, "name", name);
    add_rate(in, rate(top, stream, before, "durable_sequence"));
    add_bytes(kept, number(top->now, stream, "flash_bytes"));
    add_bytes(flash, written == NO_RATE ? 0 : written / 10u);
    if (snprintf(line, sizeof(line), "%-16.16s %9s %9" PRIu64 " %9s %9s/s %7" PRIu64 " %s", name,
                 in, number(top->now, stream, "events"), kept, flash,
                 number(top->now, stream, "dropped"), state) > 0) {
        add_line(top, out, line);
    }
    add_reason(top, stream, "failure", out);
}

static void add_org(const struct sfe_top *top, uint32_t org, struct sfe_builder *out)
{
    char line[CELL_BYTES];
    char name[33];
    char state[33];
    char calls[24];

    name_cell(top, org, "connection", name);
    name_cell(top, org, "state", state);
    add_rate(calls, rate(top, org, find_before(top, org, "orgs", "connection"), "api_calls"));
    if (snprintf(line, sizeof(line), "%-16.16s %9s %9" PRIu64 " %9" PRIu64 " %s", name, calls,
                 number(top->now, org, "api_used_today"), number(top->now, org, "api_limit"),
                 state) > 0) {
        add_line(top, out, line);
    }
    if (!is_true(top->now, org, "logged_in")) {
        add_reason(top, org, "last_error", out);
    }
}

static void add_output(const struct sfe_top *top, uint32_t output, struct sfe_builder *out)
{
    char line[CELL_BYTES];
    char name[33];
    char stream[33];
    char state[33];
    char rate_out[24];
    char age[24];

    name_cell(top, output, "name", name);
    name_cell(top, output, "stream", stream);
    name_cell(top, output, "state", state);
    add_rate(rate_out, rate(top, output, find_before(top, output, "outputs", "name"), "delivered"));
    add_age(age, number(top->now, output, "oldest_age_s"));
    if (snprintf(line, sizeof(line),
                 "%-13.13s %-10.10s %7s %7" PRIu64 " %6s %6" PRIu64 " %5" PRIu64 " %6" PRIu64 " %s",
                 name, stream, rate_out, number(top->now, output, "backlog"), age,
                 number(top->now, output, "in_flight"), number(top->now, output, "dead"),
                 number(top->now, output, "retried"), state) > 0) {
        add_line(top, out, line);
    }
    if (strcmp(state, "waiting") == 0 || strcmp(state, "stopped") == 0) {
        add_reason(top, output, "last_error", out);
    }
}

static void add_section(const struct sfe_top *top, const char *heading, const char *list,
                        void (*add)(const struct sfe_top *top, uint32_t element,
                                    struct sfe_builder *out),
                        struct sfe_builder *out)
{
    const uint32_t array = member(top->now, 0, list);

    if (array == SFE_JSON_NONE || sfe_json_length(top->now, array) == 0) {
        return;
    }
    add_line(top, out, heading);
    for (uint32_t at = sfe_json_first(top->now, array); at != SFE_JSON_NONE;
         at = sfe_json_next(top->now, array, at)) {
        add(top, at, out);
    }
}

void sfe_top_add_text(const struct sfe_top *top, struct sfe_builder *out)
{
    char line[CELL_BYTES];
    char name[33];
    char version[33];
    char memory[24];
    char room[24];

    name_cell(top, 0, "agent", name);
    name_cell(top, 0, "version", version);
    add_bytes(memory, number(top->now, 0, "memory_bytes"));
    add_bytes(room, number(top->now, 0, "flash_available_bytes"));
    if (snprintf(line, sizeof(line),
                 "sfedge %s  agent %s  up %" PRIu64 " s  RSS %s  flash free %s%s", version, name,
                 number(top->now, 0, "uptime_s"), memory, room,
                 is_true(top->now, 0, "stopping") ? "  STOPPING" : "") > 0) {
        add_line(top, out, line);
    }
    add_section(top, "LINK                  IN/s   WAITING RECONNECT STATE", "links", add_link,
                out);
    add_section(top, "INPUT                 IN/s    EVENTS", "inputs", add_input, out);
    add_section(top, "STREAM                IN/s    EVENTS  ON FLASH     WRITTEN DROPPED STATE",
                "streams", add_stream, out);
    add_section(top, "ORG                CALLS/s     TODAY     LIMIT STATE", "orgs", add_org, out);
    add_section(top, "OUTPUT        FROM         OUT/s BACKLOG OLDEST FLIGHT  DEAD RETRIES STATE",
                "outputs", add_output, out);
}

/* Which counter of which list rises how fast. */
static const struct {
    const char *list;
    const char *name;
    const char *counter;
    const char *rate;
} rates[] = {
    {"links", "connection", "received", "in_per_s"},
    {"inputs", "name", "accepted", "in_per_s"},
    {"streams", "name", "durable_sequence", "in_per_s"},
    {"streams", "name", "written_bytes", "flash_bytes_per_s"},
    {"orgs", "connection", "api_calls", "calls_per_s"},
    {"outputs", "name", "delivered", "out_per_s"},
    {"outputs", "name", "retried", "retries_per_s"},
};

#define RATES (sizeof(rates) / sizeof(rates[0]))

static void put_element(const struct sfe_top *top, size_t first, uint32_t element,
                        struct sfe_json_writer *writer)
{
    const uint32_t before = find_before(top, element, rates[first].list, rates[first].name);
    char cell[24];

    sfe_json_begin_object(writer, NULL);
    sfe_json_put_text(writer, rates[first].name, text_of(top->now, element, rates[first].name));
    if (member(top->now, element, "stream") != SFE_JSON_NONE) {
        sfe_json_put_text(writer, "stream", text_of(top->now, element, "stream"));
    }
    for (size_t i = first; i < RATES && strcmp(rates[i].list, rates[first].list) == 0; i++) {
        const uint64_t tenths = rate(top, element, before, rates[i].counter);
        add_rate(cell, tenths);
        sfe_json_put_raw(writer, rates[i].rate,
                         tenths == NO_RATE ? SFE_TEXT("null") : sfe_slice_text(cell));
    }
    sfe_json_end_object(writer);
}

void sfe_top_add_json(const struct sfe_top *top, struct sfe_builder *out)
{
    struct sfe_json_writer writer = sfe_json_writer_make(out);

    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_u64(&writer, "interval_ms", top->elapsed_ns / 1000000u);
    sfe_json_begin_object(&writer, "rates");
    for (size_t i = 0; i < RATES; i++) {
        const uint32_t array = member(top->now, 0, rates[i].list);
        if (array == SFE_JSON_NONE || (i != 0 && strcmp(rates[i].list, rates[i - 1u].list) == 0)) {
            continue;
        }
        sfe_json_begin_array(&writer, rates[i].list);
        for (uint32_t at = sfe_json_first(top->now, array); at != SFE_JSON_NONE;
             at = sfe_json_next(top->now, array, at)) {
            put_element(top, i, at, &writer);
        }
        sfe_json_end_array(&writer);
    }
    sfe_json_end_object(&writer);
    sfe_json_put_raw(&writer, "status", sfe_json_raw(top->now, 0));
    sfe_json_end_object(&writer);
    sfe_builder_add_byte(out, '\n');
}
