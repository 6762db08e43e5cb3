/* sfedge stream ls, cat, verify: they only read, beside a running agent or without one. And stream
 * forget, which writes, and takes the lock of the state directory. */
#include "cli/command.h"

#include "base/arena.h"
#include "base/json_writer.h"
#include "cli/arguments.h"
#include "cli/export_damage.h"
#include "cli/print.h"
#include "cli/show.h"
#include "cli/state.h"
#include "port/process.h"
#include "stream/settled.h"

#include <inttypes.h>

#define CONFIG_BYTES_MAX (64u * 1024u * 1024u)

struct lister {
    const struct sfe_arguments *arguments;
    const struct state *state;
    const char *only; /* One stream; NULL: all. */
    uint32_t told;
    uint32_t damaged;
    uint32_t places; /* Of the stream at hand. */
};

static uint64_t backlog_of(const struct sfe_cursor *cursor,
                           const struct sfe_stream_walk_facts *facts)
{
    const uint64_t begin = cursor == NULL || cursor->sequence < facts->first_sequence
                               ? facts->first_sequence
                               : cursor->sequence;
    uint64_t backlog = begin < facts->end_sequence ? facts->end_sequence - begin : 0;

    for (uint32_t i = 0; cursor != NULL && i < cursor->range_count; i++) {
        const uint64_t settled = cursor->ranges[i].end - cursor->ranges[i].begin;
        backlog = backlog > settled ? backlog - settled : 0;
    }
    return backlog;
}

struct standing {
    struct sfe_slice output;
    const struct sfe_cursor *cursor; /* NULL: it begins at the beginning. */
    bool is_former;                  /* No longer in the configuration: its cursor is kept. */
};

static void tell_output(const struct standing *standing, const struct sfe_stream_walk_facts *facts,
                        struct sfe_json_writer *writer)
{
    const uint64_t backlog = backlog_of(standing->cursor, facts);
    const uint64_t at =
        standing->cursor == NULL ? facts->first_sequence : standing->cursor->sequence;

    if (writer == NULL) {
        sfe_cli_print("  %s %-20.*s %" PRIu64 " unsettled, at %" PRIu64 "\n",
                      standing->is_former ? "former output" : "output", (int)standing->output.size,
                      (const char *)standing->output.bytes, backlog, at);
        return;
    }
    sfe_json_begin_object(writer, NULL);
    sfe_json_put_text(writer, "output", standing->output);
    sfe_json_put_u64(writer, "unsettled", backlog);
    sfe_json_put_u64(writer, "cursor", at);
    sfe_json_put_bool(writer, "former", standing->is_former);
    sfe_json_end_object(writer);
}

static bool reads(const struct sfe_config *config, const struct sfe_config_output *output,
                  const char *stream)
{
    for (uint32_t from = 0; from < output->from_count; from++) {
        if (strcmp(config->streams[output->from[from]].name, stream) == 0) {
            return true;
        }
    }
    return output->waits.key != NULL &&
           strcmp(config->streams[output->waits.stream].name, stream) == 0;
}

static bool is_configured(const struct sfe_config *config, struct sfe_slice output,
                          const char *stream)
{
    for (uint32_t i = 0; i < config->output_count; i++) {
        if (sfe_slice_equal(output, sfe_slice_text(config->outputs[i].name)) &&
            reads(config, &config->outputs[i], stream)) {
            return true;
        }
    }
    return false;
}

/* Those whose cursors are kept, and which the configuration does not have. */
static void tell_former(const struct lister *lister, const char *stream,
                        const struct sfe_stream_walk_facts *facts, struct sfe_json_writer *writer)
{
    const struct sfe_cursor *cursor = sfe_cursor_log_at(lister->state->cursors, 0);

    for (uint32_t i = 0; cursor != NULL; cursor = sfe_cursor_log_at(lister->state->cursors, ++i)) {
        const char *slash = strchr(cursor->name, '/');
        if (slash == NULL || strcmp(slash + 1, stream) != 0) {
            continue;
        }
        const struct standing standing = {
            sfe_slice_make(cursor->name, (size_t)(slash - cursor->name)), cursor, true};
        if (!is_configured(lister->state->config, standing.output, stream)) {
            tell_output(&standing, facts, writer);
        }
    }
}

/* Every output of the configuration that reads the stream, with what it has not settled; then
 * former ones. */
static void tell_outputs(const struct lister *lister, const char *stream,
                         const struct sfe_stream_walk_facts *facts, struct sfe_json_writer *writer)
{
    const struct sfe_config *config = lister->state->config;
    char name[SFE_CURSOR_NAME_BYTES];

    if (config == NULL) {
        return;
    }
    for (uint32_t i = 0; i < config->output_count; i++) {
        if (!reads(config, &config->outputs[i], stream)) {
            continue;
        }
        struct sfe_builder text = sfe_builder_make(name, sizeof(name) - 1u);
        sfe_builder_format(&text, "%s/%s", config->outputs[i].name, stream);
        name[text.size] = '\0';
        const struct standing standing = {sfe_slice_text(config->outputs[i].name),
                                          sfe_cursor_log_find(lister->state->cursors, name), false};
        tell_output(&standing, facts, writer);
    }
    tell_former(lister, stream, facts, writer);
}

static void put_facts(struct sfe_json_writer *writer, const char *name,
                      const struct sfe_stream_walk_facts *facts)
{
    sfe_json_put_text(writer, "stream", sfe_slice_text(name));
    sfe_json_put_u64(writer, "events", facts->events);
    sfe_json_put_u64(writer, "first", facts->first_sequence);
    sfe_json_put_u64(writer, "next", facts->end_sequence);
    sfe_json_put_u64(writer, "segments", facts->segments);
    sfe_json_put_u64(writer, "flash_bytes", facts->file_bytes);
    sfe_json_put_u64(writer, "encrypted", facts->sealed);
    sfe_json_put_u64(writer, "locked", facts->locked);
}

static void print_list_json(struct lister *lister, const char *name,
                            const struct sfe_stream_walk_facts *facts)
{
    uint8_t memory[3072];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    struct sfe_json_writer writer = sfe_json_writer_make(&out);

    sfe_builder_add_text(&out, lister->told == 0 ? "" : ",\n");
    sfe_json_begin_object(&writer, NULL);
    put_facts(&writer, name, facts);
    sfe_json_begin_array(&writer, "outputs");
    tell_outputs(lister, name, facts, &writer);
    sfe_json_end_array(&writer);
    sfe_json_end_object(&writer);
    sfe_process_print(sfe_builder_slice(&out));
}

static enum sfe_code list_one(void *visitor, const char *name, struct sfe_error *err)
{
    struct lister *lister = visitor;
    struct sfe_stream_walk_facts facts;
    struct state_walk walk = {.arena = NULL};
    enum sfe_code code = state_walk_open(lister->state, name, &walk, err);

    if (code == SFE_OK) {
        sfe_stream_walk_facts(walk.walk, &facts);
        if (lister->arguments->json) {
            print_list_json(lister, name, &facts);
        } else {
            sfe_cli_print("%-16s %" PRIu64 " events on flash (%" PRIu64 " to %" PRIu64
                          "), %u segments, %" PRIu64 " KiB\n",
                          name, facts.events, facts.first_sequence, facts.end_sequence - 1u,
                          (unsigned)facts.segments, facts.file_bytes >> 10);
            tell_outputs(lister, name, &facts, NULL);
        }
        lister->told++;
    }
    state_walk_close(&walk);
    return code;
}

int sfe_cli_stream_ls(const struct sfe_arguments *arguments)
{
    struct state state = {.arena = NULL};
    struct lister lister = {.arguments = arguments, .state = &state};
    struct sfe_error err;
    enum sfe_code code = state_open(arguments, &state, &err);

    if (code == SFE_OK) {
        sfe_cli_print("%s", arguments->json ? "{\"streams\":[" : "");
        code = state_each(&state, list_one, &lister, &err);
        sfe_cli_print("%s", arguments->json ? "]}\n" : "");
    }
    state_close(&state);
    return code == SFE_OK ? 0 : sfe_cli_fail("stream ls", &err);
}

static bool is_damaged(const struct sfe_stream_walk_facts *facts)
{
    return facts->lost != 0 || facts->damaged_places != 0 || facts->end_is_damaged ||
           facts->headless != 0 || facts->quarantined != 0;
}

static void print_verdict(const struct lister *lister, const char *name,
                          const struct sfe_stream_walk_facts *facts)
{
    uint8_t memory[1024];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    struct sfe_json_writer writer = sfe_json_writer_make(&out);

    if (!lister->arguments->json) {
        if (facts->locked != 0) {
            sfe_cli_print("%-16s %" PRIu64 " events are encrypted and their key is not at hand: "
                          "their bytes are as they were written\n",
                          name, facts->locked);
        }
        sfe_cli_print("%-16s %s: %" PRIu64 " events in %u segments, %" PRIu64
                      " lost in %u damaged places%s, %u files without a header, %u put aside, "
                      "%" PRIu64 " bytes at the end not acknowledged\n",
                      name, is_damaged(facts) ? "DAMAGED" : "good", facts->events,
                      (unsigned)facts->segments, facts->lost, (unsigned)facts->damaged_places,
                      facts->end_is_damaged ? " and at the end" : "", (unsigned)facts->headless,
                      (unsigned)facts->quarantined, facts->torn_bytes);
        return;
    }
    sfe_json_begin_object(&writer, NULL);
    put_facts(&writer, name, facts);
    sfe_json_put_bool(&writer, "good", !is_damaged(facts));
    sfe_json_put_u64(&writer, "lost", facts->lost);
    sfe_json_put_u64(&writer, "damaged_places", facts->damaged_places);
    sfe_json_put_bool(&writer, "end_is_damaged", facts->end_is_damaged);
    sfe_json_put_u64(&writer, "headless", facts->headless);
    sfe_json_put_u64(&writer, "quarantined", facts->quarantined);
    sfe_json_put_u64(&writer, "torn_bytes", facts->torn_bytes);
    sfe_json_end_object(&writer);
    /* The object was begun in front of its places. */
    sfe_cli_print("],");
    sfe_process_print(sfe_slice_part(sfe_builder_slice(&out), 1, out.size));
}

static void print_place(void *owner, const struct sfe_stream_damage *damage)
{
    struct lister *lister = owner;
    uint8_t memory[512];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    struct sfe_json_writer writer = sfe_json_writer_make(&out);

    lister->places++;
    if (!lister->arguments->json) {
        sfe_cli_print("  %s: %" PRIu64 " bytes from offset %" PRIu64 " on (%s), %" PRIu64
                      " events from %" PRIu64 " on%s\n",
                      damage->file, damage->bytes, damage->offset, export_damage_kind(damage->kind),
                      damage->lost, damage->first_sequence,
                      damage->is_put_aside ? ", put aside earlier" : "");
        return;
    }
    sfe_builder_add_text(&out, lister->places == 1u ? "" : ",");
    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "file", sfe_slice_text(damage->file));
    sfe_json_put_text(&writer, "kind", sfe_slice_text(export_damage_kind(damage->kind)));
    sfe_json_put_u64(&writer, "offset", damage->offset);
    sfe_json_put_u64(&writer, "bytes", damage->bytes);
    sfe_json_put_u64(&writer, "first_sequence", damage->first_sequence);
    sfe_json_put_u64(&writer, "lost", damage->lost);
    sfe_json_put_bool(&writer, "put_aside", damage->is_put_aside);
    sfe_json_end_object(&writer);
    sfe_process_print(sfe_builder_slice(&out));
}

/* Decodes every event as well: what checks may still be no event. */
static enum sfe_code verify_one(void *visitor, const char *name, struct sfe_error *err)
{
    struct lister *lister = visitor;
    struct sfe_stream_walk_facts facts;
    struct state_walk walk = {.on_damage = print_place, .owner = lister};
    struct sfe_event event;

    if (lister->only != NULL && strcmp(lister->only, name) != 0) {
        return SFE_OK;
    }
    lister->places = 0;
    if (lister->arguments->json) {
        sfe_cli_print("%s{\"places\":[", lister->told == 0 ? "" : ",\n");
    }
    enum sfe_code code = state_walk_open(lister->state, name, &walk, err);
    while (code == SFE_OK) {
        code = sfe_stream_walk_next(walk.walk, &event, err);
    }
    if (code == SFE_E_END) {
        code = SFE_OK;
        sfe_stream_walk_facts(walk.walk, &facts);
        facts.lost += facts.undecodable;
        print_verdict(lister, name, &facts);
        lister->told++;
        lister->damaged += is_damaged(&facts) ? 1u : 0u;
    } else if (lister->arguments->json) {
        sfe_cli_print("]}");
    }
    state_walk_close(&walk);
    return code;
}

int sfe_cli_stream_verify(const struct sfe_arguments *arguments)
{
    struct state state = {.arena = NULL};
    struct lister lister = {.arguments = arguments,
                            .state = &state,
                            .only = arguments->word_count == 0 ? NULL : arguments->words[0]};
    struct sfe_error err;
    enum sfe_code code = state_open(arguments, &state, &err);

    if (code == SFE_OK) {
        sfe_cli_print("%s", arguments->json ? "{\"streams\":[" : "");
        code = state_each(&state, verify_one, &lister, &err);
        sfe_cli_print("%s", arguments->json ? "]}\n" : "");
    }
    if (code == SFE_OK && lister.only != NULL && lister.told == 0) {
        code = sfe_fail(&err, SFE_E_NOT_FOUND, "there is no stream \"%s\"", lister.only);
    }
    if (code == SFE_OK && lister.damaged != 0) {
        code = sfe_fail(&err, SFE_E_CORRUPT, "%u streams are damaged", (unsigned)lister.damaged);
    }
    state_close(&state);
    return code == SFE_OK ? 0 : sfe_cli_fail("stream verify", &err);
}

/* The numbers of --from and --count. */
static enum sfe_code read_bounds(const struct sfe_arguments *arguments, uint64_t *from,
                                 uint64_t *count, struct sfe_error *err)
{
    *from = 1;
    *count = UINT64_MAX;
    if ((arguments->from != NULL && !arguments_number(arguments->from, from)) ||
        (arguments->count != NULL && !arguments_number(arguments->count, count))) {
        return sfe_fail(err, SFE_E_USAGE, "--from and --count are numbers");
    }
    return SFE_OK;
}

static enum sfe_code cat_events(const struct sfe_arguments *arguments, struct sfe_stream_walk *walk,
                                struct sfe_builder *scratch, struct sfe_error *err)
{
    struct sfe_event event;
    uint64_t from = 0;
    uint64_t count = 0;
    enum sfe_code code = read_bounds(arguments, &from, &count, err);

    if (code == SFE_OK) {
        sfe_stream_walk_seek(walk, from);
    }
    for (; code == SFE_OK && count > 0; count--) {
        code = sfe_stream_walk_next(walk, &event, err);
        if (code == SFE_OK && arguments->json) {
            code = show_json(&event, scratch, err);
            sfe_process_print(code == SFE_OK ? sfe_builder_slice(scratch) : SFE_TEXT(""));
        } else if (code == SFE_OK) {
            show_line(&event);
        }
    }
    return code == SFE_E_END ? SFE_OK : code;
}

static enum sfe_code cat(const struct sfe_arguments *arguments, const struct state *state,
                         struct sfe_error *err)
{
    struct state_walk walk = {.arena = NULL};
    uint8_t *memory = sfe_arena_take(state->arena, SHOW_BYTES_MAX, err);
    struct sfe_builder scratch = sfe_builder_make(memory, memory == NULL ? 0 : SHOW_BYTES_MAX);

    if (memory == NULL) {
        return err->code;
    }
    enum sfe_code code = state_walk_open(state, arguments->words[0], &walk, err);
    if (code == SFE_OK) {
        code = cat_events(arguments, walk.walk, &scratch, err);
    }
    if (code == SFE_OK) {
        code = state_walk_tell_locked(&walk, err);
    }
    state_walk_close(&walk);
    return code;
}

struct search {
    const char *name;
    bool is_found;
};

static enum sfe_code compare_name(void *visitor, const char *name, struct sfe_error *err)
{
    struct search *search = visitor;

    (void)err;
    search->is_found = search->is_found || strcmp(search->name, name) == 0;
    return SFE_OK;
}

int sfe_cli_stream_cat(const struct sfe_arguments *arguments)
{
    struct state state = {.arena = NULL};
    struct search search = {arguments->words[0], false};
    struct sfe_error err;
    enum sfe_code code = state_open(arguments, &state, &err);

    if (code == SFE_OK) {
        code = state_each(&state, compare_name, &search, &err);
    }
    if (code == SFE_OK && !search.is_found) {
        code = sfe_fail(&err, SFE_E_NOT_FOUND, "there is no stream \"%.64s\"", search.name);
    }
    if (code == SFE_OK) {
        code = cat(arguments, &state, &err);
    }
    state_close(&state);
    return code == SFE_OK ? 0 : sfe_cli_fail("stream cat", &err);
}

/* What the configuration has would begin at the oldest event again. */
static enum sfe_code check_former(const struct sfe_config *config, const char *name,
                                  struct sfe_error *err)
{
    const char *slash = strchr(name, '/');

    if (slash == NULL) {
        return sfe_fail(err, SFE_E_USAGE, "\"%.130s\" is no OUTPUT/STREAM", name);
    }
    if (is_configured(config, sfe_slice_make(name, (size_t)(slash - name)), slash + 1)) {
        return sfe_fail(err, SFE_E_REFUSED, "output \"%.*s\" is in the configuration",
                        (int)(slash - name), name);
    }
    return SFE_OK;
}

int sfe_cli_stream_forget(const struct sfe_arguments *arguments)
{
    struct state state = {.arena = NULL};
    const char *name = arguments->words[0];
    struct sfe_error err;
    /* The lock first: what an agent saves last must be read. */
    enum sfe_code code = state_claim(arguments, &err);

    if (code == SFE_OK) {
        code = state_open(arguments, &state, &err);
    }
    if (code == SFE_OK) {
        code = check_former(state.config, name, &err);
    }
    if (code == SFE_OK) {
        code = sfe_cursor_log_forget(state.cursors, name, &err);
    }
    state_close(&state);
    if (code == SFE_OK) {
        sfe_cli_print("forgotten: %s\n", name);
    }
    return code == SFE_OK ? 0 : sfe_cli_fail("stream forget", &err);
}
