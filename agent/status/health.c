#include "status/health.h"

#include "base/arena.h"
#include "base/json_writer.h"
#include "base/time_format.h"

/* Two dozen numbers, and one line of trouble, each byte of which may be escaped as six. */
#define REPORT_BYTES_MAX 8192u
#define RECEIPTS         2u
#define NANOSECONDS      UINT64_C(1000000000)
/* After a start links are made first: else each start would report that nothing is connected. */
#define FIRST_NS (30u * NANOSECONDS)

struct health {
    struct sfe_health_options options;
    uint64_t due_ns;
    uint64_t made;
    uint64_t missed;
    bool is_stopping;
    bool has_begun;
    uint8_t report[REPORT_BYTES_MAX];
};

static const char *quality_name(enum sfe_clock_quality quality)
{
    switch (quality) {
    case SFE_CLOCK_SYNCED:
        return "synchronised";
    case SFE_CLOCK_UNSET:
        return "not set";
    default:
        return "set";
    }
}

static void put_outputs(const struct sfe_status *status, struct sfe_json_writer *writer)
{
    uint64_t backlog = 0;
    uint64_t delivered = 0;
    uint64_t dead = 0;
    uint64_t held_up = 0;
    uint64_t age_ns = 0;

    for (uint32_t i = 0; i < status->output_count; i++) {
        const struct sfe_output_facts *facts = &status->outputs[i].facts;
        backlog += facts->backlog;
        delivered += facts->delivered;
        dead += facts->dead;
        held_up += facts->state == SFE_OUTPUT_WAITING || facts->state == SFE_OUTPUT_STOPPED;
        if (facts->oldest_ns != 0 && facts->oldest_ns < status->now_ns &&
            (uint64_t)(status->now_ns - facts->oldest_ns) > age_ns) {
            age_ns = (uint64_t)(status->now_ns - facts->oldest_ns);
        }
    }
    sfe_json_put_u64(writer, "backlog", backlog);
    sfe_json_put_u64(writer, "oldest_age_s", age_ns / NANOSECONDS);
    sfe_json_put_u64(writer, "delivered", delivered);
    sfe_json_put_u64(writer, "dead", dead);
    sfe_json_put_u64(writer, "outputs_held_up", held_up);
}

static void put_sources(const struct sfe_status *status, struct sfe_json_writer *writer)
{
    uint64_t connected = 0;

    for (uint32_t i = 0; i < status->link_count; i++) {
        connected += status->links[i].source.is_connected;
    }
    sfe_json_put_u64(writer, "sources", status->link_count);
    sfe_json_put_u64(writer, "sources_connected", connected);
}

static void put_orgs(const struct sfe_status *status, struct sfe_json_writer *writer)
{
    uint64_t calls = 0;
    uint64_t used = 0;
    uint64_t limit = 0;

    for (uint32_t i = 0; i < status->org_count; i++) {
        calls += status->orgs[i].facts.calls_of_day;
        used += status->orgs[i].facts.api_used;
        limit += status->orgs[i].facts.api_limit;
    }
    sfe_json_put_u64(writer, "api_calls_of_day", calls);
    sfe_json_put_u64(writer, "api_used", used);
    sfe_json_put_u64(writer, "api_limit", limit);
}

static void put_flash(const struct sfe_status *status, struct sfe_json_writer *writer)
{
    uint64_t used = 0;
    uint64_t dropped = 0;
    struct sfe_wear wear;

    sfe_wear_project(&status->wear, &wear);
    for (uint32_t i = 0; i < status->stream_count; i++) {
        used += status->streams[i].facts.flash_bytes;
        dropped += status->streams[i].facts.dropped_events;
    }
    sfe_json_put_u64(writer, "dropped", dropped);
    sfe_json_put_u64(writer, "flash_used_bytes", used);
    sfe_json_put_u64(writer, "flash_available_bytes", status->flash_available_bytes);
    sfe_json_put_u64(writer, "flash_written_bytes", status->wear.written_bytes);
    sfe_json_put_u64(writer, "flash_life_days", wear.life_days);
}

void sfe_health_add(const struct sfe_status *status, struct sfe_slice trouble,
                    enum sfe_clock_quality quality, struct sfe_builder *out)
{
    struct sfe_json_writer writer = sfe_json_writer_make(out);
    uint8_t memory[32];
    struct sfe_builder time = sfe_builder_make(memory, sizeof(memory));

    sfe_time_add_datetime(&time, status->now_ns);
    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "agent", sfe_slice_text(status->agent_id));
    sfe_json_put_text(&writer, "version", sfe_slice_text(SFE_VERSION));
    sfe_json_put_text(&writer, "time", sfe_builder_slice(&time));
    sfe_json_put_text(&writer, "clock", sfe_slice_text(quality_name(quality)));
    sfe_json_put_u64(&writer, "uptime_s", status->uptime_ns / NANOSECONDS);
    sfe_json_put_bool(&writer, "ready", trouble.size == 0);
    sfe_json_put_text(&writer, "trouble", trouble);
    put_sources(status, &writer);
    put_outputs(status, &writer);
    put_flash(status, &writer);
    put_orgs(status, &writer);
    sfe_json_put_u64(&writer, "memory_bytes", status->memory_bytes);
    sfe_json_end_object(&writer);
}

/* Nobody waits for an answer: what has no room is given up. */
static void report(struct health *self)
{
    struct sfe_builder out = sfe_builder_make(self->report, sizeof(self->report));
    struct sfe_receipt receipts[RECEIPTS];
    struct sfe_error ignored;
    uint32_t count = 0;

    self->options.add(self->options.owner, &out);
    struct sfe_message message = {
        .topic = SFE_TEXT(SFE_HEALTH_TOPIC),
        .payload = sfe_builder_slice(&out),
        .payload_bytes = out.size,
    };
    if (!out.overflowed && sfe_intake_accept(self->options.intake, &message, receipts, RECEIPTS,
                                             &count, &ignored) == SFE_OK) {
        self->made++;
    } else {
        self->missed++;
    }
}

static uint64_t turn(void *context, uint64_t now_ns)
{
    struct health *self = context;

    if (self->is_stopping) {
        return UINT64_MAX;
    }
    if (!self->has_begun) {
        self->has_begun = true;
        self->due_ns =
            now_ns + (self->options.every_ns < FIRST_NS ? self->options.every_ns : FIRST_NS);
    }
    if (now_ns >= self->due_ns) {
        report(self);
        self->due_ns = now_ns + self->options.every_ns;
    }
    return self->due_ns;
}

static void stop(void *context)
{
    ((struct health *)context)->is_stopping = true;
}

static bool is_quiet(void *context)
{
    (void)context;
    return true;
}

static void facts(void *context, struct sfe_source_facts *facts)
{
    const struct health *self = context;

    *facts = (struct sfe_source_facts){
        .connection = self->options.input,
        .is_connected = true,
        .received = self->made + self->missed,
        .acknowledged = self->made,
    };
}

static void close(void *context)
{
    (void)context;
}

size_t sfe_health_memory_bytes(void)
{
    return sfe_arena_cost(sizeof(struct health));
}

enum sfe_code sfe_health_open(const struct sfe_health_options *options, struct sfe_arena *arena,
                              struct sfe_source *source, struct sfe_error *err)
{
    struct health *self = sfe_arena_take(arena, sizeof(*self), err);

    if (self == NULL) {
        return err->code;
    }
    self->options = *options;
    *source = (struct sfe_source){self, turn, stop, is_quiet, facts, close, NULL};
    return SFE_OK;
}
