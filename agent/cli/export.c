/* sfedge stream export and dead export: events, letters and damaged bytes into a file, or to
 * standard output. They only read, beside a running agent or without one; an event at a time is in
 * memory. */
#include "cli/command.h"

#include "base/arena.h"
#include "cli/arguments.h"
#include "cli/export_damage.h"
#include "cli/print.h"
#include "cli/show.h"
#include "cli/state.h"
#include "port/process.h"
#include "stream/settled.h"

#include <inttypes.h>

#define DEAD "dead"

typedef enum sfe_code (*line_maker)(const struct sfe_event *event, struct sfe_builder *line,
                                    struct sfe_error *err);

struct exporter {
    const struct sfe_arguments *arguments;
    const char *stream;
    struct state state;
    struct state_walk walk;
    struct sfe_builder line;
    struct sfe_output_file *file;
    line_maker make;
    const char *header;               /* First line; NULL: none. */
    const struct sfe_cursor *settled; /* What it has passed is left out; NULL: nothing is. */
    uint64_t from;
    uint64_t to;
    uint64_t count;
    struct export_damage damage;
};

static enum sfe_code read_format(struct exporter *exporter, struct sfe_error *err)
{
    const char *format = exporter->arguments->format;

    if (format == NULL || strcmp(format, "ndjson") == 0) {
        exporter->make = show_json;
    } else if (strcmp(format, "raw") == 0) {
        exporter->make = show_raw;
    } else if (strcmp(format, "csv") == 0) {
        exporter->make = show_csv;
        exporter->header = SHOW_CSV_HEADER;
    } else {
        return sfe_fail(err, SFE_E_USAGE, "--format is ndjson, raw or csv");
    }
    return SFE_OK;
}

static enum sfe_code read_words(struct exporter *exporter, struct sfe_error *err)
{
    const struct sfe_arguments *arguments = exporter->arguments;
    const bool has_range = arguments->from != NULL || arguments->to != NULL;

    exporter->from = 1;
    exporter->to = UINT64_MAX;
    if ((arguments->from != NULL && !arguments_number(arguments->from, &exporter->from)) ||
        (arguments->to != NULL && !arguments_number(arguments->to, &exporter->to))) {
        return sfe_fail(err, SFE_E_USAGE, "--from and --to are numbers");
    }
    if (arguments->json && arguments->out == NULL) {
        return sfe_fail(err, SFE_E_USAGE, "--json tells of a file: it needs --out");
    }
    if (arguments->damaged && (has_range || arguments->format != NULL)) {
        return sfe_fail(err, SFE_E_USAGE, "--damaged takes no --from, --to and --format");
    }
    return read_format(exporter, err);
}

static enum sfe_code find_stream(void *visitor, const char *name, struct sfe_error *err)
{
    struct exporter *exporter = visitor;

    (void)err;
    exporter->count += strcmp(exporter->stream, name) == 0 ? 1u : 0u;
    return SFE_OK;
}

static enum sfe_code open_state(struct exporter *exporter, struct sfe_error *err)
{
    enum sfe_code code = state_open(exporter->arguments, &exporter->state, err);

    if (code == SFE_OK) {
        code = state_each(&exporter->state, find_stream, exporter, err);
    }
    if (code == SFE_OK && exporter->count == 0) {
        code = sfe_fail(err, SFE_E_NOT_FOUND, "there is no stream \"%.64s\"", exporter->stream);
    }
    exporter->count = 0;
    if (code != SFE_OK) {
        return code;
    }
    uint8_t *memory = sfe_arena_take(exporter->state.arena, SHOW_BYTES_MAX, err);
    if (memory == NULL) {
        return err->code;
    }
    exporter->line = sfe_builder_make(memory, SHOW_BYTES_MAX);
    return SFE_OK;
}

static enum sfe_code write_events(struct exporter *exporter, struct sfe_error *err)
{
    struct sfe_event event;
    enum sfe_code code = SFE_OK;

    if (exporter->header != NULL) {
        code = sfe_process_write_output(exporter->file, sfe_slice_text(exporter->header), err);
    }
    sfe_stream_walk_seek(exporter->walk.walk, exporter->from);
    while (code == SFE_OK) {
        code = sfe_stream_walk_next(exporter->walk.walk, &event, err);
        if (code == SFE_OK && event.sequence > exporter->to) {
            break;
        }
        if (code != SFE_OK ||
            (exporter->settled != NULL && sfe_settled_has(exporter->settled, event.sequence))) {
            continue;
        }
        code = exporter->make(&event, &exporter->line, err);
        if (code == SFE_OK) {
            code =
                sfe_process_write_output(exporter->file, sfe_builder_slice(&exporter->line), err);
            exporter->count++;
        }
    }
    return code == SFE_E_END ? SFE_OK : code;
}

/* Most of it is told while the walk is opened; the walk meets what checks and makes no events. */
static enum sfe_code write_damage(struct exporter *exporter, struct sfe_error *err)
{
    struct sfe_event event;
    enum sfe_code code = SFE_OK;

    while (code == SFE_OK && exporter->damage.failure.code == SFE_OK) {
        code = sfe_stream_walk_next(exporter->walk.walk, &event, err);
    }
    exporter->count = exporter->damage.count;
    if (exporter->damage.failure.code != SFE_OK) {
        *err = exporter->damage.failure;
        return err->code;
    }
    return code == SFE_E_END ? SFE_OK : code;
}

static enum sfe_code write_all(struct exporter *exporter, struct sfe_error *err)
{
    const struct sfe_arguments *arguments = exporter->arguments;
    enum sfe_code code =
        sfe_process_open_output(arguments->out, arguments->force, &exporter->file, err);

    if (code != SFE_OK) {
        return code;
    }
    if (arguments->damaged) {
        exporter->damage = (struct export_damage){.storage = &exporter->state.platform.storage,
                                                  .stream = exporter->stream,
                                                  .file = exporter->file,
                                                  .scratch = &exporter->line};
        exporter->walk.on_damage = export_damage_tell;
        exporter->walk.owner = &exporter->damage;
    }
    code = state_walk_open(&exporter->state, exporter->stream, &exporter->walk, err);
    if (code == SFE_OK) {
        code = arguments->damaged ? write_damage(exporter, err) : write_events(exporter, err);
    }
    if (code != SFE_OK) {
        sfe_process_abandon_output(exporter->file);
        return code;
    }
    return sfe_process_finish_output(exporter->file, err);
}

static void tell_count(const struct exporter *exporter, const char *what, bool is_good)
{
    const struct sfe_arguments *arguments = exporter->arguments;

    if (arguments->json) {
        sfe_cli_print("{\"%s\":%" PRIu64 ",\"ok\":%s}\n", what, exporter->count,
                      is_good ? "true" : "false");
    } else if (arguments->out != NULL) {
        sfe_cli_print("%" PRIu64 " %s written to %s\n", exporter->count, what, arguments->out);
    }
}

static int run(struct exporter *exporter, const char *command, const char *what)
{
    struct sfe_error err;
    enum sfe_code code = read_words(exporter, &err);

    if (code == SFE_OK) {
        code = open_state(exporter, &err);
    }
    if (code == SFE_OK && strcmp(exporter->stream, DEAD) == 0 && what[0] == 'l') {
        exporter->settled = sfe_cursor_log_find(exporter->state.cursors, SFE_CURSOR_BY_HAND);
    }
    if (code == SFE_OK) {
        code = write_all(exporter, &err);
    }
    if (code == SFE_OK) {
        /* What could be read is written; the rest is said. */
        code = state_walk_tell_locked(&exporter->walk, &err);
        tell_count(exporter, what, code == SFE_OK);
    }
    state_walk_close(&exporter->walk);
    state_close(&exporter->state);
    return code == SFE_OK ? 0 : sfe_cli_fail(command, &err);
}

int sfe_cli_stream_export(const struct sfe_arguments *arguments)
{
    struct exporter exporter = {.arguments = arguments, .stream = arguments->words[0]};

    return run(&exporter, "stream export", arguments->damaged ? "places" : "events");
}

int sfe_cli_dead_export(const struct sfe_arguments *arguments)
{
    struct exporter exporter = {.arguments = arguments, .stream = DEAD};

    return run(&exporter, "dead export", "letters");
}
