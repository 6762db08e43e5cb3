#include "status/report.h"

#include "base/assert.h"

/* Longer than the messages and names that are shown. */
#define TEXT_BYTES 512u

/* One look-up for each figure of the screen: the document is small and read once. */
struct screen {
    const struct sfe_json *document;
    struct sfe_builder *out;
};

static struct sfe_slice figure(const struct screen *screen, uint32_t object, const char *name)
{
    uint32_t value = sfe_json_member(screen->document, object, sfe_slice_text(name));

    return value == SFE_JSON_NONE ? SFE_TEXT("?") : sfe_json_raw(screen->document, value);
}

static bool is_true(const struct screen *screen, uint32_t object, const char *name)
{
    uint32_t value = sfe_json_member(screen->document, object, sfe_slice_text(name));

    return value != SFE_JSON_NONE && sfe_json_kind(screen->document, value) == SFE_JSON_TRUE;
}

static uint64_t number(const struct screen *screen, uint32_t object, const char *name)
{
    struct sfe_slice text = figure(screen, object, name);
    uint64_t value = 0;

    for (size_t i = 0; i < text.size && text.bytes[i] >= '0' && text.bytes[i] <= '9'; i++) {
        value = value * 10u + (uint64_t)(text.bytes[i] - '0');
    }
    return value;
}

/* Text is shown as it was before it became JSON, but for what a terminal would obey. */
static void add_text(const struct screen *screen, uint32_t value)
{
    uint8_t memory[TEXT_BYTES];
    char shown[TEXT_BYTES];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));

    sfe_json_add_text(screen->document, value, &text);
    sfe_printable(shown, sizeof(shown), sfe_builder_slice(&text));
    sfe_builder_add_text(screen->out, shown);
}

static void add_field(const struct screen *screen, uint32_t object, const char *label,
                      const char *name)
{
    const uint32_t value = sfe_json_member(screen->document, object, sfe_slice_text(name));

    sfe_builder_add_text(screen->out, label);
    if (value != SFE_JSON_NONE && sfe_json_kind(screen->document, value) == SFE_JSON_STRING) {
        add_text(screen, value);
    } else {
        sfe_builder_add(screen->out, figure(screen, object, name));
    }
}

static void add_size(const struct screen *screen, uint64_t bytes)
{
    if (bytes >= 10u * 1024u * 1024u) {
        sfe_builder_format(screen->out, "%llu MiB", (unsigned long long)(bytes >> 20));
    } else if (bytes >= 10u * 1024u) {
        sfe_builder_format(screen->out, "%llu KiB", (unsigned long long)(bytes >> 10));
    } else {
        sfe_builder_format(screen->out, "%llu B", (unsigned long long)bytes);
    }
}

static void add_error(const struct screen *screen, uint32_t object, const char *name)
{
    uint32_t err = sfe_json_member(screen->document, object, sfe_slice_text(name));

    if (err == SFE_JSON_NONE || sfe_json_kind(screen->document, err) != SFE_JSON_OBJECT) {
        return;
    }
    add_field(screen, err, "\n      last error: ", "code");
    add_field(screen, err, " ", "message");
}

static void add_masked(const struct screen *screen, uint32_t link)
{
    uint32_t masked = sfe_json_member(screen->document, link, SFE_TEXT("masked"));

    if (masked == SFE_JSON_NONE ||
        number(screen, masked, "named") + number(screen, masked, "numbers") +
                number(screen, masked, "tracks") + number(screen, masked, "authentication") ==
            0) {
        return;
    }
    add_field(screen, masked, "\n      masked: named members ", "named");
    add_field(screen, masked, ", card numbers ", "numbers");
    add_field(screen, masked, ", magnetic stripes ", "tracks");
    add_field(screen, masked, ", verification values and PINs ", "authentication");
}

static void add_files(const struct screen *screen, uint32_t link)
{
    uint32_t files = sfe_json_member(screen->document, link, SFE_TEXT("files"));

    if (files == SFE_JSON_NONE) {
        return;
    }
    add_field(screen, files, "\n      files: waiting ", "waiting");
    add_field(screen, files, ", done ", "done");
    add_field(screen, files, ", failed ", "failed");
    add_field(screen, files, ", refused rows ", "refused_rows");
    if (number(screen, files, "grown_after") != 0) {
        add_field(screen, files, ", GROWN AFTER THEIR END ", "grown_after");
    }
    if (sfe_json_kind(screen->document, sfe_json_member(screen->document, files,
                                                        SFE_TEXT("current"))) == SFE_JSON_STRING) {
        add_field(screen, files, "\n      at line ", "line");
        add_field(screen, files, " of ", "current");
    }
}

static void add_runs(const struct screen *screen, uint32_t link)
{
    uint32_t runs = sfe_json_member(screen->document, link, SFE_TEXT("runs"));

    if (runs == SFE_JSON_NONE) {
        return;
    }
    add_field(screen, runs, "\n      runs ", "ended");
    add_field(screen, runs, ", failed ", "failed");
    if (number(screen, runs, "ended") != 0) {
        add_field(screen, runs, ", the last one of ", "records");
        add_field(screen, runs, " records ", "last_s_ago");
        sfe_builder_add_text(screen->out, " s ago");
    }
    if (sfe_json_kind(screen->document, sfe_json_member(screen->document, runs,
                                                        SFE_TEXT("next_in_s"))) == SFE_JSON_NULL) {
        sfe_builder_add_text(screen->out, ", one is under way");
    } else {
        add_field(screen, runs, ", the next one in ", "next_in_s");
        sfe_builder_add_text(screen->out, " s");
    }
}

static void add_ask(const struct screen *screen, uint32_t link)
{
    static const char *const names[] = {"not_found", "bad_question", "busy",
                                        "budget",    "unavailable",  "timeout",
                                        "failed",    "refused",      "lost"};
    const uint32_t ask = sfe_json_member(screen->document, link, SFE_TEXT("ask"));

    if (ask == SFE_JSON_NONE) {
        return;
    }
    add_field(screen, ask, "\n      answers of ", "input");
    add_field(screen, ask, ": questions ", "questions");
    add_field(screen, ask, ", under way ", "under_way");
    add_field(screen, ask, ", ok ", "ok");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (number(screen, ask, names[i]) != 0) {
            sfe_builder_format(screen->out, ", %s ", names[i]);
            add_field(screen, ask, "", names[i]);
        }
    }
}

static void add_link(const struct screen *screen, uint32_t link)
{
    add_field(screen, link, "\n  ", "connection");
    sfe_builder_add_text(screen->out,
                         is_true(screen, link, "connected") ? "  connected" : "  NOT CONNECTED");
    if (is_true(screen, link, "blocked")) {
        sfe_builder_add_text(screen->out, ", held back (a stream is full)");
    }
    add_field(screen, link, "  received ", "received");
    add_field(screen, link, ", acknowledged ", "acknowledged");
    add_field(screen, link, ", waiting for flash ", "unacknowledged");
    add_field(screen, link, ", reconnects ", "reconnects");
    add_masked(screen, link);
    add_files(screen, link);
    add_runs(screen, link);
    add_ask(screen, link);
    add_error(screen, link, "last_error");
}

/* Inputs that have a place in a channel. */
static void add_channel(const struct screen *screen, uint32_t input)
{
    if (sfe_json_member(screen->document, input, SFE_TEXT("place")) == SFE_JSON_NONE) {
        return;
    }
    add_field(screen, input, "\n      ", "name");
    add_field(screen, input, "  taken ", "accepted");
    add_field(screen, input, ", stands at ", "place");
    add_field(screen, input, ", repeats ", "repeats");
    add_field(screen, input, ", gaps ", "gaps");
}

static void add_damage(const struct screen *screen, uint32_t stream)
{
    uint32_t damage = sfe_json_member(screen->document, stream, SFE_TEXT("damage"));

    if (damage == SFE_JSON_NONE || sfe_json_kind(screen->document, damage) != SFE_JSON_OBJECT) {
        return;
    }
    add_field(screen, stream, "\n      DAMAGED places on flash ", "damaged_places");
    add_field(screen, damage, ", the last in segment ", "segment");
    add_field(screen, damage, " at offset ", "offset");
}

static void add_stream(const struct screen *screen, uint32_t stream)
{
    add_field(screen, stream, "\n  ", "name");
    add_field(screen, stream, "  kept ", "events");
    sfe_builder_add_text(screen->out, " events, ");
    add_size(screen, number(screen, stream, "flash_bytes"));
    sfe_builder_add_text(screen->out, " of ");
    add_size(screen, number(screen, stream, "quota_bytes"));
    add_field(screen, stream, ", in the last minute ", "in_per_minute");
    if (is_true(screen, stream, "full")) {
        sfe_builder_add_text(screen->out, is_true(screen, stream, "dropping")
                                              ? "  FULL: what comes is dropped"
                                              : "  FULL: taking stopped");
    }
    if (number(screen, stream, "thinned") != 0) {
        add_field(screen, stream, ", thinned ", "thinned");
    }
    if (number(screen, stream, "dropped") != 0) {
        add_field(screen, stream, ", dropped ", "dropped");
    }
    add_damage(screen, stream);
    add_error(screen, stream, "failure");
}

static void add_limits(const struct screen *screen, uint32_t org)
{
    const uint32_t limits = sfe_json_member(screen->document, org, SFE_TEXT("limits"));

    if (limits == SFE_JSON_NONE) {
        return;
    }
    const uint32_t storage = sfe_json_member(screen->document, limits, SFE_TEXT("DataStorageMB"));
    if (storage != SFE_JSON_NONE) {
        add_field(screen, storage, ", storage left ", "left");
        add_field(screen, storage, " of ", "max");
        sfe_builder_add_text(screen->out, " MB");
    }
}

static void add_org(const struct screen *screen, uint32_t org)
{
    add_field(screen, org, "\n  ", "connection");
    add_field(screen, org, "  ", "state");
    add_field(screen, org, "  calls since start ", "api_calls");
    if (number(screen, org, "api_limit") != 0) {
        add_field(screen, org, ", used today ", "api_used_today");
        add_field(screen, org, " of ", "api_limit");
    }
    add_field(screen, org, ", ours in 24 h ", "calls_of_day");
    if (number(screen, org, "daily_calls") != 0) {
        add_field(screen, org, " of ", "daily_calls");
    }
    add_field(screen, org, ", at this rate ", "calls_forecast");
    if (number(screen, org, "calls_end_s") != 0) {
        const uint64_t minutes = number(screen, org, "calls_end_s") / 60;
        sfe_builder_format(screen->out, " (used up in %u h %02u min)", (unsigned)(minutes / 60),
                           (unsigned)(minutes % 60));
    }
    add_limits(screen, org);
    sfe_builder_add_text(screen->out, ", bytes in 24 h ");
    add_size(screen, number(screen, org, "bytes_of_day"));
    if (number(screen, org, "daily_bytes") != 0) {
        sfe_builder_add_text(screen->out, " of ");
        add_size(screen, number(screen, org, "daily_bytes"));
    }
    if (is_true(screen, org, "held_back")) {
        sfe_builder_add_text(screen->out, "  HELD BACK until the day has more");
    }
    if (number(screen, org, "refresh_tokens") != 0) {
        add_field(screen, org, ", refresh tokens left ", "refresh_tokens_left");
        add_field(screen, org, " of ", "refresh_tokens");
    }
    add_error(screen, org, "last_error");
}

static void add_bulk(const struct screen *screen, uint32_t output)
{
    uint32_t bulk = sfe_json_member(screen->document, output, SFE_TEXT("bulk"));

    if (bulk == SFE_JSON_NONE ||
        sfe_json_member(screen->document, bulk, SFE_TEXT("job")) == SFE_JSON_NONE) {
        return;
    }
    add_field(screen, bulk, "\n    bulk job ", "job");
    add_field(screen, bulk, "  ", "state");
    add_field(screen, bulk, ", rows ", "rows");
    add_field(screen, bulk, ", seconds ", "age_s");
}

static void add_waits(const struct screen *screen, uint32_t output)
{
    const uint32_t waits = sfe_json_member(screen->document, output, SFE_TEXT("waits"));

    if (waits == SFE_JSON_NONE) {
        return;
    }
    add_field(screen, waits, ", waiting ", "waiting");
    add_field(screen, waits, ", late ", "late");
    add_field(screen, waits, ", confirmations kept ", "confirmations");
    if (number(screen, waits, "unusable") != 0) {
        add_field(screen, waits, ", unusable ", "unusable");
    }
    const uint32_t full = sfe_json_member(screen->document, waits, SFE_TEXT("full"));
    if (full != SFE_JSON_NONE && sfe_json_kind(screen->document, full) == SFE_JSON_TRUE) {
        sfe_builder_add_text(screen->out, ", FULL: reads no further (keep)");
    }
}

static void add_output(const struct screen *screen, uint32_t output)
{
    add_field(screen, output, "\n  ", "name");
    add_field(screen, output, " <- ", "stream");
    add_field(screen, output, "  ", "state");
    add_field(screen, output, ", backlog ", "backlog");
    if (number(screen, output, "oldest") !=
        0) { /* null: there is none, or its time is not known. */
        add_field(screen, output, " (oldest ", "oldest");
        sfe_builder_add_text(screen->out, ")");
    }
    add_field(screen, output, ", delivered ", "delivered");
    add_field(screen, output, ", in the last minute ", "out_per_minute");
    if (number(screen, output, "skipped") != 0) {
        add_field(screen, output, ", skipped ", "skipped");
    }
    add_field(screen, output, ", dead ", "dead");
    if (number(screen, output, "answers") != 0) {
        add_field(screen, output, ", answers passed on ", "answers");
    }
    add_field(screen, output, ", retried ", "retried");
    add_waits(screen, output);
    add_bulk(screen, output);
    add_error(screen, output, "last_error");
}

static void add_section(const struct screen *screen, const char *title, const char *name,
                        void (*add)(const struct screen *screen, uint32_t object))
{
    uint32_t list = sfe_json_member(screen->document, 0, sfe_slice_text(name));

    if (list == SFE_JSON_NONE || sfe_json_length(screen->document, list) == 0) {
        return;
    }
    sfe_builder_add_text(screen->out, title);
    for (uint32_t child = sfe_json_first(screen->document, list); child != SFE_JSON_NONE;
         child = sfe_json_next(screen->document, list, child)) {
        add(screen, child);
    }
}

static void add_wear(const struct screen *screen)
{
    const uint32_t wear = sfe_json_member(screen->document, 0, SFE_TEXT("wear"));

    if (wear == SFE_JSON_NONE) {
        return;
    }
    sfe_builder_add_text(screen->out, "\nflash wear: ");
    add_size(screen, number(screen, wear, "written_bytes"));
    sfe_builder_add_text(screen->out, " written since the start, ");
    add_size(screen, number(screen, wear, "bytes_per_day"));
    sfe_builder_add_text(screen->out, " a day at the present rate");
    if (number(screen, wear, "average_bytes_per_day") != 0) {
        sfe_builder_add_text(screen->out, ", ");
        add_size(screen, number(screen, wear, "average_bytes_per_day"));
        sfe_builder_add_text(screen->out, " a day on average");
    }
    add_field(screen, wear, ", syncs per 1,000 events ", "syncs_per_thousand_events");
    if (number(screen, wear, "life_days") != 0) {
        add_field(screen, wear, ", lasts ", "life_days");
        sfe_builder_add_text(screen->out, " days");
    }
}

/* Only of a refusal: then the file says something else than what runs. */
static void add_reload(const struct screen *screen)
{
    uint32_t reload = sfe_json_member(screen->document, 0, SFE_TEXT("last_reload"));

    if (reload == SFE_JSON_NONE || sfe_json_kind(screen->document, reload) != SFE_JSON_OBJECT ||
        is_true(screen, reload, "ok")) {
        return;
    }
    add_field(screen, reload, "\nreload refused ", "time");
    add_field(screen, reload, ", mistakes: ", "mistakes");
    add_field(screen, reload, "; ", "pointer");
    add_field(screen, reload, " ", "message");
}

/* Of one that is good nothing is said. */
static void add_trial(const struct screen *screen)
{
    const uint32_t trial = sfe_json_member(screen->document, 0, SFE_TEXT("trial"));

    if (trial == SFE_JSON_NONE || sfe_json_kind(screen->document, trial) != SFE_JSON_OBJECT) {
        return;
    }
    const struct sfe_slice state = figure(screen, trial, "state");
    if (sfe_slice_equal(state, SFE_TEXT("trying"))) {
        add_field(screen, trial, "\na new configuration is on trial, seconds left: ", "left_s");
        add_field(screen, trial, ", not connected: ", "missing");
    } else if (sfe_slice_equal(state, SFE_TEXT("returned"))) {
        add_field(screen, trial,
                  "\nTHE CONFIGURATION FILE DID NOT CONNECT, the last good one runs; "
                  "since ",
                  "time");
        add_field(screen, trial, ", not connected: ", "missing");
    }
}

enum sfe_code sfe_report_add_text(const struct sfe_json *document, struct sfe_builder *out,
                                  struct sfe_error *err)
{
    struct screen screen = {document, out};

    SFE_ASSERT(document->count != 0);
    if (sfe_json_kind(document, 0) != SFE_JSON_OBJECT ||
        sfe_json_member(document, 0, SFE_TEXT("outputs")) == SFE_JSON_NONE) {
        return sfe_fail(err, SFE_E_SYNTAX, "this is not a status document");
    }
    add_field(&screen, 0, "sfedge ", "version");
    add_field(&screen, 0, "  agent ", "agent");
    add_field(&screen, 0, "  up ", "uptime_s");
    sfe_builder_add_text(out, " s, memory ");
    add_size(&screen, number(&screen, 0, "memory_bytes"));
    sfe_builder_add_text(out, ", flash free ");
    add_size(&screen, number(&screen, 0, "flash_available_bytes"));
    if (number(&screen, 0, "quota_bytes") != 0) {
        sfe_builder_add_text(out, ", streams take ");
        add_size(&screen, number(&screen, 0, "quota_used_bytes"));
        sfe_builder_add_text(out, " of ");
        add_size(&screen, number(&screen, 0, "quota_bytes"));
    }
    if (is_true(&screen, 0, "draining")) {
        sfe_builder_add_text(out, ", draining: nothing is taken in");
    }
    if (is_true(&screen, 0, "stopping")) {
        sfe_builder_add_text(out, ", stopping");
    }
    add_wear(&screen);
    add_reload(&screen);
    add_trial(&screen);
    add_section(&screen, "\nlinks", "links", add_link);
    add_section(&screen, "", "inputs", add_channel);
    add_section(&screen, "\nstreams", "streams", add_stream);
    add_section(&screen, "\norgs", "orgs", add_org);
    add_section(&screen, "\noutputs", "outputs", add_output);
    sfe_builder_add_byte(out, '\n');
    return out->overflowed ? sfe_fail(err, SFE_E_TOO_LARGE, "the status does not fit") : SFE_OK;
}
