/* sfedge bundle: what somebody who helps has to know of this gateway, in one tar file: no payload
 * of an event, and no secret. What cannot be had says why in its place. */
#include "cli/command.h"

#include "base/arena.h"
#include "base/json_writer.h"
#include "base/ustar.h"
#include "cli/print.h"
#include "cli/redact.h"
#include "cli/state.h"
#include "doctor/doctor.h"
#include "port/process.h"
#include "control/control.h"

#include <inttypes.h>

#define TEXT_BYTES_MAX   (4u * 1024u * 1024u)
#define BUNDLE_BYTES_MAX (5u * 1024u * 1024u)
#define ARENA_BYTES_MAX  (64u * 1024u * 1024u)
#define NANOSECONDS      1000000000

struct bundle {
    const struct sfe_arguments *arguments;
    struct state state;
    struct sfe_arena *arena;
    struct sfe_builder text; /* Of the file at hand. */
    struct sfe_builder archive;
    uint64_t unix_s;
};

static const char explanation[] =
    "What stands here, made by sfedge bundle for whoever helps:\n\n"
    "config.json   the configuration in force, files of conf.d in it; secrets, names of users,\n"
    "              headers and bodies of requests are \"removed\". Constants that a mapping\n"
    "              writes stand there: look before you pass it on.\n"
    "status.json   what sfedge status --json says of the running agent\n"
    "metrics.txt   what /metrics says\n"
    "doctor.json   what doctor finds of clock and flash; the network is not asked\n"
    "state.txt     the files of the state directory, with their sizes in bytes\n"
    "version.txt   the version\n\n"
    "No event is here. The log is where the service manager keeps it: journalctl -u sfedge\n";

/* The file at hand is done; where it failed it says why. */
static void finish_file(struct bundle *bundle, const char *name, enum sfe_code code,
                        const struct sfe_error *err)
{
    if (code != SFE_OK || bundle->text.overflowed) {
        sfe_builder_rewind(&bundle->text, 0);
        sfe_builder_format(&bundle->text, "not there: %s\n",
                           code == SFE_OK ? "it is too large" : err->message);
    }
    sfe_ustar_add_file(&bundle->archive, name, sfe_builder_slice(&bundle->text), bundle->unix_s);
    sfe_builder_rewind(&bundle->text, 0);
}

static void add_text(struct bundle *bundle, const char *name, const char *text)
{
    sfe_builder_add_text(&bundle->text, text);
    finish_file(bundle, name, SFE_OK, NULL);
}

static void add_config(struct bundle *bundle)
{
    uint8_t *memory;
    struct sfe_builder printed;
    struct sfe_error err;
    enum sfe_code code = SFE_E_NO_MEMORY;

    memory = sfe_arena_take(bundle->arena, TEXT_BYTES_MAX, &err);
    if (memory != NULL) {
        printed = sfe_builder_make(memory, TEXT_BYTES_MAX);
        code = sfe_config_print(bundle->arguments->config, bundle->arena, &printed, &err);
        if (code == SFE_OK) {
            code = redact_add(sfe_builder_slice(&printed), bundle->arena, &bundle->text, &err);
        }
    }
    finish_file(bundle, "sfedge/config.json", code, &err);
}

static void add_answer(struct bundle *bundle, const char *name, struct sfe_slice question)
{
    struct sfe_error err;
    const enum sfe_code code =
        state_ask(&bundle->state, question, STATE_WAIT_NS, &bundle->text, &err);

    finish_file(bundle, name, code, &err);
}

static bool add_entry(void *visitor, const char *name, uint64_t size)
{
    struct bundle *bundle = visitor;

    sfe_builder_format(&bundle->text, "%12" PRIu64 " %s\n", size, name);
    return true;
}

static void add_listing(struct bundle *bundle)
{
    const struct sfe_storage *storage = &bundle->state.platform.storage;
    struct sfe_error err;
    uint64_t total = 0;
    uint64_t available = 0;
    enum sfe_code code = storage->space(storage->context, &total, &available, &err);

    if (code == SFE_OK) {
        sfe_builder_format(&bundle->text, "%12" PRIu64 " total\n%12" PRIu64 " available\n", total,
                           available);
        code = storage->list(storage->context, add_entry, bundle, &err);
    }
    finish_file(bundle, "sfedge/state.txt", code, &err);
}

static const char *level_name(enum sfe_finding_level level)
{
    return level == SFE_FINDING_OK ? "ok" : level == SFE_FINDING_WARN ? "warn" : "fail";
}

/* One finding a line. */
static void add_finding(void *reader, const struct sfe_finding *finding)
{
    struct bundle *bundle = reader;
    struct sfe_json_writer writer = sfe_json_writer_make(&bundle->text);

    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "level", sfe_slice_text(level_name(finding->level)));
    sfe_json_put_text(&writer, "check", sfe_slice_text(finding->check));
    sfe_json_put_text(&writer, "subject", sfe_slice_text(finding->subject));
    sfe_json_put_text(&writer, "message", sfe_slice_text(finding->message));
    sfe_json_put_text(&writer, "fix", sfe_slice_text(finding->fix));
    sfe_json_end_object(&writer);
    sfe_builder_add_byte(&bundle->text, '\n');
}

static void add_findings(struct bundle *bundle)
{
    const struct sfe_doctor_options options = {
        .config = bundle->state.config,
        .compiled = &bundle->state.compiled,
        .platform = &bundle->state.platform,
        .arena = bundle->arena,
        .report = add_finding,
        .reader = bundle,
    };

    sfe_doctor_clock(&options);
    sfe_doctor_flash(&options);
    finish_file(bundle, "sfedge/doctor.json", SFE_OK, NULL);
}

static enum sfe_code write_archive(const struct bundle *bundle, struct sfe_error *err)
{
    struct sfe_output_file *file = NULL;
    enum sfe_code code;

    if (bundle->archive.overflowed) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "the bundle is too large");
    }
    code = sfe_process_open_output(bundle->arguments->out, bundle->arguments->force, &file, err);
    if (code != SFE_OK) {
        return code;
    }
    code = sfe_process_write_output(file, sfe_builder_slice(&bundle->archive), err);
    if (code != SFE_OK) {
        sfe_process_abandon_output(file);
        return code;
    }
    return sfe_process_finish_output(file, err);
}

static enum sfe_code open_bundle(struct bundle *bundle, struct sfe_error *err)
{
    enum sfe_code code = sfe_arena_open(ARENA_BYTES_MAX, &bundle->arena, err);
    const struct sfe_clock *clock = &bundle->state.platform.clock;
    int64_t wall_ns = 0;
    uint8_t *text;
    uint8_t *archive;

    if (code == SFE_OK) {
        code = state_open(bundle->arguments, &bundle->state, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    text = sfe_arena_take(bundle->arena, TEXT_BYTES_MAX, err);
    archive = sfe_arena_take(bundle->arena, BUNDLE_BYTES_MAX, err);
    if (text == NULL || archive == NULL) {
        return err->code;
    }
    bundle->text = sfe_builder_make(text, TEXT_BYTES_MAX);
    bundle->archive = sfe_builder_make(archive, BUNDLE_BYTES_MAX);
    (void)clock->wall_ns(clock->context, &wall_ns);
    bundle->unix_s = wall_ns < 0 ? 0 : (uint64_t)(wall_ns / NANOSECONDS);
    return SFE_OK;
}

int sfe_cli_bundle(const struct sfe_arguments *arguments)
{
    struct bundle bundle = {.arguments = arguments};
    struct sfe_error err;
    enum sfe_code code = SFE_OK;

    if (arguments->out == NULL) {
        (void)sfe_fail(&err, SFE_E_USAGE, "it needs --out FILE");
        return sfe_cli_fail("bundle", &err);
    }
    code = open_bundle(&bundle, &err);
    if (code == SFE_OK) {
        add_text(&bundle, "sfedge/README.txt", explanation);
        add_text(&bundle, "sfedge/version.txt", "sfedge " SFE_VERSION "\n");
        add_config(&bundle);
        add_answer(&bundle, "sfedge/status.json", SFE_TEXT("{\"ask\":\"status\"}\n"));
        add_answer(&bundle, "sfedge/metrics.txt", SFE_TEXT("{\"ask\":\"metrics\"}\n"));
        add_findings(&bundle);
        add_listing(&bundle);
        sfe_ustar_add_end(&bundle.archive);
        code = write_archive(&bundle, &err);
    }
    state_close(&bundle.state);
    sfe_arena_close(bundle.arena);
    return code == SFE_OK ? 0 : sfe_cli_fail("bundle", &err);
}
