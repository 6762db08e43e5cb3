#include "status/metrics.h"

#include "base/assert.h"

#include <inttypes.h>

/* What stands before the parts: two dozen series with their help. */
#define FIXED_BYTES (12u * 1024u)
/* HELP and TYPE of all families of parts. */
#define FAMILY_BYTES (12u * 1024u)
/* Series of one part, most of them an output's: 19, of 60 bytes of name, 100 of labels with names
 * of 32 bytes, and 21 of number. */
#define PART_BYTES      4096u
#define NANOSECONDS     UINT64_C(1000000000)
#define DAYS_OF_SECONDS UINT64_C(86400)

enum kind { GAUGE, COUNTER };

/* A family, and where its number stands in the structure of a part. */
struct family {
    const char *name; /* Behind "sfedge_" and the part's own word. */
    enum kind kind;
    const char *help;
    size_t offset;
    size_t size; /* Of a bool, a uint32_t or a uint64_t. */
};

#define AT(structure, member) offsetof(structure, member), sizeof(((const structure *)NULL)->member)

static const struct family link_families[] = {
    {"connected", GAUGE, "1: the source is connected, or listens.",
     AT(struct sfe_status_link, source.is_connected)},
    {"blocked", GAUGE, "1: it holds something back because a stream is full.",
     AT(struct sfe_status_link, source.is_blocked)},
    {"received_total", COUNTER, "Messages taken from the wire.",
     AT(struct sfe_status_link, source.received)},
    {"acknowledged_total", COUNTER, "Messages acknowledged, all of them durable.",
     AT(struct sfe_status_link, source.acknowledged)},
    {"unacknowledged", GAUGE, "Messages taken that wait for flash.",
     AT(struct sfe_status_link, source.unacknowledged)},
    {"reconnects_total", COUNTER, "Times the connection was made again.",
     AT(struct sfe_status_link, source.reconnects)},
    {"too_large_total", COUNTER, "Messages over event_max, to the dead letters.",
     AT(struct sfe_status_link, intake.too_large)},
    {"unmatched_total", COUNTER, "Messages that no input takes, to the dead letters.",
     AT(struct sfe_status_link, intake.unmatched)},
    {"not_admitted_total", COUNTER, "Messages that the input's admit does not take.",
     AT(struct sfe_status_link, intake.not_admitted)},
    {"card_numbers_masked_total", COUNTER, "Card numbers that were masked.",
     AT(struct sfe_status_link, intake.guard.numbers)},
};

static const struct family input_families[] = {
    {"accepted_total", COUNTER, "Events taken.", AT(struct sfe_status_input, facts.accepted)},
};

static const struct family stream_families[] = {
    {"flash_bytes", GAUGE, "What its files take.", AT(struct sfe_status_stream, facts.flash_bytes)},
    {"quota_bytes", GAUGE, "What they may take.", AT(struct sfe_status_stream, quota_bytes)},
    {"staged_events", GAUGE, "Events taken and not durable yet.",
     AT(struct sfe_status_stream, facts.staged_events)},
    {"written_events_total", COUNTER, "Events made durable.",
     AT(struct sfe_status_stream, facts.written_events)},
    {"written_bytes_total", COUNTER, "Bytes written to its files.",
     AT(struct sfe_status_stream, facts.written_bytes)},
    {"payload_bytes_total", COUNTER, "Payload of the events made durable.",
     AT(struct sfe_status_stream, facts.payload_bytes)},
    {"syncs_total", COUNTER, "Times its file was synced.",
     AT(struct sfe_status_stream, facts.syncs)},
    {"refused_total", COUNTER, "Times it had no room.",
     AT(struct sfe_status_stream, facts.refused)},
    {"full", GAUGE, "1: its quota is used up.", AT(struct sfe_status_stream, facts.is_full)},
    {"failing", GAUGE, "1: the last write failed, and is tried again.",
     AT(struct sfe_status_stream, facts.is_failing)},
    {"dropped_events_total", COUNTER, "Events dropped by its when_full.",
     AT(struct sfe_status_stream, facts.dropped_events)},
    {"thinned_events_total", COUNTER, "Events that its thin did not keep.",
     AT(struct sfe_status_stream, thin.thinned)},
    {"damaged_places", GAUGE, "Damaged places on flash, met since the start.",
     AT(struct sfe_status_stream, facts.damaged_places)},
};

static const struct family org_families[] = {
    {"logged_in", GAUGE, "1: it has given us a token.", AT(struct sfe_status_org, facts.has_token)},
    {"logins_total", COUNTER, "Log-ins.", AT(struct sfe_status_org, facts.logins)},
    {"api_calls_total", COUNTER, "Requests that count against its allowance.",
     AT(struct sfe_status_org, facts.api_calls)},
    {"api_used_calls", GAUGE, "Calls of all its clients in 24 hours, by its own word; 0: unknown.",
     AT(struct sfe_status_org, facts.api_used)},
    {"api_limit_calls", GAUGE, "Calls it allows all its clients in 24 hours; 0: unknown.",
     AT(struct sfe_status_org, facts.api_limit)},
    {"day_calls", GAUGE, "Calls of this gateway in the last 24 hours.",
     AT(struct sfe_status_org, facts.calls_of_day)},
    {"day_limit_calls", GAUGE, "Calls that this gateway may make in 24 hours; 0: no bound.",
     AT(struct sfe_status_org, facts.daily_calls)},
    {"held_back", GAUGE, "1: somebody waits for the day's calls or bytes.",
     AT(struct sfe_status_org, facts.is_held_back)},
    {"sent_bytes_total", COUNTER, "Bytes sent, before TLS.",
     AT(struct sfe_status_org, facts.sent_bytes)},
    {"received_bytes_total", COUNTER, "Bytes received, before TLS.",
     AT(struct sfe_status_org, facts.received_bytes)},
};

static const struct family output_families[] = {
    {"backlog_events", GAUGE, "Durable events not settled yet.",
     AT(struct sfe_status_output, facts.backlog)},
    {"held_events", GAUGE, "Events that wait for something from elsewhere.",
     AT(struct sfe_status_output, facts.held)},
    {"in_flight_requests", GAUGE, "Requests sent and not answered.",
     AT(struct sfe_status_output, facts.in_flight)},
    {"delivered_events_total", COUNTER, "Events delivered.",
     AT(struct sfe_status_output, facts.delivered)},
    {"skipped_events_total", COUNTER, "Events that its where does not take.",
     AT(struct sfe_status_output, facts.skipped)},
    {"dead_events_total", COUNTER, "Events that became dead letters.",
     AT(struct sfe_status_output, facts.dead)},
    {"late_events_total", COUNTER, "Events that waited for too long.",
     AT(struct sfe_status_output, facts.late)},
    {"retried_events_total", COUNTER, "Events to be sent again.",
     AT(struct sfe_status_output, facts.retried)},
    {"requests_total", COUNTER, "Requests sent.", AT(struct sfe_status_output, facts.requests)},
    {"gap_events_total", COUNTER, "Events that were no longer there, or damaged.",
     AT(struct sfe_status_output, facts.gaps)},
};

/* Escapes as the format has it: \\, \" and line ends. */
static void add_label(struct sfe_builder *out, const char *name, const char *value)
{
    sfe_builder_format(out, "%s=\"", name);
    for (const char *byte = value; *byte != '\0'; byte++) {
        if (*byte == '\n') {
            sfe_builder_add_text(out, "\\n");
            continue;
        }
        if (*byte == '\\' || *byte == '"') {
            sfe_builder_add_byte(out, '\\');
        }
        sfe_builder_add_byte(out, (uint8_t)*byte);
    }
    sfe_builder_add_byte(out, '"');
}

static void add_heading(struct sfe_builder *out, const char *part, const struct family *family)
{
    sfe_builder_format(out, "# HELP sfedge_%s%s %s\n# TYPE sfedge_%s%s %s\n", part, family->name,
                       family->help, part, family->name,
                       family->kind == COUNTER ? "counter" : "gauge");
}

static uint64_t number_at(const void *base, const struct family *family)
{
    const uint8_t *place = (const uint8_t *)base + family->offset;
    uint64_t wide = 0;
    uint32_t narrow = 0;
    bool flag = false;

    if (family->size == sizeof(wide)) {
        memcpy(&wide, place, sizeof(wide));
        return wide;
    }
    if (family->size == sizeof(narrow)) {
        memcpy(&narrow, place, sizeof(narrow));
        return narrow;
    }
    SFE_ASSERT(family->size == sizeof(flag));
    memcpy(&flag, place, sizeof(flag));
    return flag ? 1u : 0u;
}

/* One kind of part: all its families, each for all parts. */
struct parts {
    const char *word; /* With '_' behind it. */
    const struct family *families;
    size_t family_count;
    const void *first;
    size_t stride;
    uint32_t count;
    void (*add_labels)(const void *parts, uint32_t index, struct sfe_builder *out);
};

static void add_parts(const struct parts *parts, struct sfe_builder *out)
{
    for (size_t k = 0; k < parts->family_count && parts->count != 0; k++) {
        const struct family *family = &parts->families[k];
        add_heading(out, parts->word, family);
        for (uint32_t i = 0; i < parts->count; i++) {
            sfe_builder_format(out, "sfedge_%s%s{", parts->word, family->name);
            parts->add_labels(parts->first, i, out);
            sfe_builder_format(
                out, "} %" PRIu64 "\n",
                number_at((const uint8_t *)parts->first + i * parts->stride, family));
        }
    }
}

/* A connection may have more than one source, and an input the name of a connection. */
static void add_link_labels(const void *parts, uint32_t index, struct sfe_builder *out)
{
    const struct sfe_status_link *links = parts;
    uint32_t before = 0;

    for (uint32_t i = 0; i < index; i++) {
        before += strcmp(links[i].source.connection, links[index].source.connection) == 0;
    }
    add_label(out, "connection", links[index].source.connection);
    sfe_builder_format(out, ",source=\"%u\"", before + 1u);
}

static void add_input_labels(const void *parts, uint32_t index, struct sfe_builder *out)
{
    add_label(out, "input", ((const struct sfe_status_input *)parts)[index].facts.name);
}

static void add_stream_labels(const void *parts, uint32_t index, struct sfe_builder *out)
{
    add_label(out, "stream", ((const struct sfe_status_stream *)parts)[index].name);
}

static void add_org_labels(const void *parts, uint32_t index, struct sfe_builder *out)
{
    add_label(out, "connection", ((const struct sfe_status_org *)parts)[index].connection);
}

static void add_output_labels(const void *parts, uint32_t index, struct sfe_builder *out)
{
    const struct sfe_status_output *output = &((const struct sfe_status_output *)parts)[index];

    add_label(out, "output", output->name);
    sfe_builder_add_byte(out, ',');
    add_label(out, "stream", output->stream);
}

/* Numbers that stand in no structure as they are shown. */
static void add_states(const struct sfe_status *status, struct sfe_builder *out)
{
    static const struct family family = {"state", GAUGE,
                                         "1 beside the state that the output is in.", 0, 0};

    for (uint32_t i = 0; i < status->output_count; i++) {
        if (i == 0) {
            add_heading(out, "output_", &family);
        }
        for (uint32_t k = 0; k < SFE_OUTPUT_STATES; k++) {
            sfe_builder_add_text(out, "sfedge_output_state{");
            add_output_labels(status->outputs, i, out);
            sfe_builder_format(out, ",state=\"%s\"} %d\n",
                               sfe_output_state_name((enum sfe_output_state)k),
                               (uint32_t)status->outputs[i].facts.state == k);
        }
    }
}

static void add_ages(const struct sfe_status *status, struct sfe_builder *out)
{
    static const struct family family = {"oldest_age_seconds", GAUGE,
                                         "Age of the oldest event not settled; 0: there is none.",
                                         0, 0};

    for (uint32_t i = 0; i < status->output_count; i++) {
        const int64_t since_ns = status->outputs[i].facts.oldest_ns;
        const bool has_age = since_ns != 0 && since_ns <= status->now_ns;
        if (i == 0) {
            add_heading(out, "output_", &family);
        }
        sfe_builder_add_text(out, "sfedge_output_oldest_age_seconds{");
        add_output_labels(status->outputs, i, out);
        sfe_builder_format(out, "} %" PRIu64 "\n",
                           has_age ? (uint64_t)(status->now_ns - since_ns) / NANOSECONDS : 0u);
    }
}

static void add_one(struct sfe_builder *out, const struct family *family, uint64_t number)
{
    add_heading(out, "", family);
    sfe_builder_format(out, "sfedge_%s %" PRIu64 "\n", family->name, number);
}

/* Left out where it is not known: 0 would be wrong. */
static void add_known(struct sfe_builder *out, const char *name, const char *help, uint64_t number)
{
    if (number != 0) {
        add_one(out, &(struct family){name, GAUGE, help, 0, 0}, number);
    }
}

static void add_build(const struct sfe_status *status, struct sfe_builder *out)
{
    static const struct family family = {"build_info", GAUGE,
                                         "1; the labels say which gateway and version.", 0, 0};

    add_heading(out, "", &family);
    sfe_builder_add_text(out, "sfedge_build_info{");
    add_label(out, "agent", status->agent_id);
    sfe_builder_add_byte(out, ',');
    add_label(out, "version", SFE_VERSION);
    sfe_builder_add_text(out, "} 1\n");
}

static void add_memory(const struct sfe_status *status, struct sfe_builder *out)
{
    add_known(out, "memory_anonymous_bytes", "Anonymous memory in use (RssAnon).",
              status->memory_bytes);
    add_known(out, "memory_resident_bytes", "Memory in use, with the program's pages (VmRSS).",
              status->resident_bytes);
    add_known(out, "memory_heap_bytes", "Given out by malloc; libraries take nearly all of it.",
              status->heap_bytes);
    add_known(out, "memory_arena_bytes", "Taken by the agent at the start, by its configuration.",
              status->arena_bytes);
}

static void add_flash(const struct sfe_status *status, struct sfe_builder *out)
{
    struct sfe_wear wear;

    sfe_wear_project(&status->wear, &wear);
    add_known(out, "flash_size_bytes", "Of the file system of the state directory.",
              status->flash_total_bytes);
    if (status->flash_total_bytes != 0) {
        add_one(out,
                &(struct family){"flash_available_bytes", GAUGE, "Free for the agent there.", 0, 0},
                status->flash_available_bytes);
    }
    add_known(out, "flash_quota_bytes", "Of all streams together.", status->quota_bytes);
    add_one(out,
            &(struct family){"flash_written_bytes_total", COUNTER,
                             "Bytes written, in whole pages, with what is known of metadata.", 0,
                             0},
            status->wear.written_bytes);
    add_one(out, &(struct family){"flash_syncs_total", COUNTER, "Syncs of files and folder.", 0, 0},
            status->wear.syncs);
    add_known(out, "flash_life_seconds", "How long the flash lasts at the average since the start.",
              wear.life_days * DAYS_OF_SECONDS);
}

static void add_reload(const struct sfe_status *status, struct sfe_builder *out)
{
    if (status->reload.when_ns <= 0) {
        return;
    }
    add_one(out,
            &(struct family){"reload_last_timestamp_seconds", GAUGE,
                             "When the configuration was last to be reloaded.", 0, 0},
            (uint64_t)status->reload.when_ns / NANOSECONDS);
    add_one(
        out,
        &(struct family){"reload_last_successful", GAUGE, "1: it was; 0: it was refused.", 0, 0},
        status->reload.is_done ? 1u : 0u);
}

static void add_agent(const struct sfe_status *status, struct sfe_slice trouble,
                      struct sfe_builder *out)
{
    add_build(status, out);
    add_one(out, &(struct family){"uptime_seconds", GAUGE, "Since the start.", 0, 0},
            status->uptime_ns / NANOSECONDS);
    add_one(
        out,
        &(struct family){"ready", GAUGE, "1: what waits moves; /readyz says what does not.", 0, 0},
        trouble.size == 0 ? 1u : 0u);
    add_memory(status, out);
    add_flash(status, out);
    add_reload(status, out);
}

#define FAMILIES(table) (table), sizeof(table) / sizeof((table)[0])

void sfe_metrics_add(const struct sfe_status *status, struct sfe_slice trouble,
                     struct sfe_builder *out)
{
    const struct parts parts[] = {
        {"source_", FAMILIES(link_families), status->links, sizeof(*status->links),
         status->link_count, add_link_labels},
        {"input_", FAMILIES(input_families), status->inputs, sizeof(*status->inputs),
         status->input_count, add_input_labels},
        {"stream_", FAMILIES(stream_families), status->streams, sizeof(*status->streams),
         status->stream_count, add_stream_labels},
        {"org_", FAMILIES(org_families), status->orgs, sizeof(*status->orgs), status->org_count,
         add_org_labels},
        {"output_", FAMILIES(output_families), status->outputs, sizeof(*status->outputs),
         status->output_count, add_output_labels},
    };

    add_agent(status, trouble, out);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        add_parts(&parts[i], out);
    }
    add_states(status, out);
    add_ages(status, out);
}

size_t sfe_metrics_bytes_max(uint32_t parts)
{
    return FIXED_BYTES + FAMILY_BYTES + (size_t)parts * PART_BYTES;
}
