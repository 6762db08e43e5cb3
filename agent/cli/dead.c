/* sfedge dead ls and show only read, beside a running agent or without one; retry and drop take the
 * lock of the state directory. */
#include "cli/command.h"

#include "base/arena.h"
#include "cli/arguments.h"
#include "cli/print.h"
#include "cli/show.h"
#include "cli/state.h"
#include "port/process.h"
#include "run/agent.h"
#include "run/letters.h"
#include "stream/settled.h"

#include <inttypes.h>

#define CONFIG_BYTES_MAX (64u * 1024u * 1024u)
#define DEAD             "dead"

enum layout { LAYOUT_LINE, LAYOUT_WHOLE, LAYOUT_JSON };

/* Which letters, and how they are shown. */
struct viewer {
    struct state state;
    struct state_walk walk;
    struct sfe_builder scratch;
    enum layout layout;
    uint64_t shown;
};

static enum sfe_code viewer_open(const struct sfe_arguments *arguments, struct viewer *viewer,
                                 struct sfe_error *err)
{
    enum sfe_code code = state_open(arguments, &viewer->state, err);

    if (code != SFE_OK) {
        return code;
    }
    uint8_t *memory = sfe_arena_take(viewer->state.arena, SHOW_BYTES_MAX, err);
    if (memory == NULL) {
        return err->code;
    }
    viewer->scratch = sfe_builder_make(memory, SHOW_BYTES_MAX);
    return state_walk_open(&viewer->state, DEAD, &viewer->walk, err);
}

static void viewer_close(struct viewer *viewer)
{
    state_walk_close(&viewer->walk);
    state_close(&viewer->state);
}

static enum sfe_code show(struct viewer *viewer, const struct sfe_event *event,
                          struct sfe_error *err)
{
    viewer->shown++;
    switch (viewer->layout) {
    case LAYOUT_JSON:
        if (show_json(event, &viewer->scratch, err) != SFE_OK) {
            return err->code;
        }
        sfe_process_print(sfe_builder_slice(&viewer->scratch));
        return SFE_OK;
    case LAYOUT_WHOLE:
        sfe_cli_print("%s", viewer->shown == 1u ? "" : "\n");
        show_whole(event);
        return SFE_OK;
    case LAYOUT_LINE:
        break;
    }
    show_letter_line(event);
    return SFE_OK;
}

/* Shows the unsettled letters from `first` to `last`, `count` at most. */
static enum sfe_code show_range(struct viewer *viewer, uint64_t first, uint64_t last,
                                uint64_t count, struct sfe_error *err)
{
    const struct sfe_cursor *settled =
        sfe_cursor_log_find(viewer->state.cursors, SFE_CURSOR_BY_HAND);
    struct sfe_event event;
    enum sfe_code code = SFE_OK;

    sfe_stream_walk_seek(viewer->walk.walk, first);
    while (code == SFE_OK && count > 0) {
        code = sfe_stream_walk_next(viewer->walk.walk, &event, err);
        if (code == SFE_OK && event.sequence > last) {
            break;
        }
        if (code == SFE_OK && !sfe_settled_has(settled, event.sequence)) {
            code = show(viewer, &event, err);
            count--;
        }
    }
    return code == SFE_E_END ? SFE_OK : code;
}

int sfe_cli_dead_ls(const struct sfe_arguments *arguments)
{
    struct viewer viewer = {.layout = arguments->json ? LAYOUT_JSON : LAYOUT_LINE};
    uint64_t from = 1;
    uint64_t count = UINT64_MAX;
    struct sfe_error err;
    enum sfe_code code = SFE_OK;

    if ((arguments->from != NULL && !arguments_number(arguments->from, &from)) ||
        (arguments->count != NULL && !arguments_number(arguments->count, &count))) {
        code = sfe_fail(&err, SFE_E_USAGE, "--from and --count are numbers");
    }
    if (code == SFE_OK) {
        code = viewer_open(arguments, &viewer, &err);
    }
    if (code == SFE_OK) {
        code = show_range(&viewer, from, UINT64_MAX, count, &err);
    }
    if (code == SFE_OK) {
        code = state_walk_tell_locked(&viewer.walk, &err);
    }
    viewer_close(&viewer);
    return code == SFE_OK ? 0 : sfe_cli_fail("dead ls", &err);
}

/* "7", "7-9" or "all". */
static enum sfe_code read_numbers(const char *word, uint64_t *first, uint64_t *last,
                                  struct sfe_error *err)
{
    char shown[32];

    if (strcmp(word, "all") == 0) {
        *first = 1;
        *last = UINT64_MAX;
        return SFE_OK;
    }
    if (arguments_range(word, first, last)) {
        return SFE_OK;
    }
    sfe_printable(shown, sizeof(shown), sfe_slice_text(word));
    return sfe_fail(err, SFE_E_USAGE, "\"%s\" is no number, no range such as 7-9, and not \"all\"",
                    shown);
}

int sfe_cli_dead_show(const struct sfe_arguments *arguments)
{
    struct viewer viewer = {.layout = arguments->json ? LAYOUT_JSON : LAYOUT_WHOLE};
    struct sfe_error err;
    enum sfe_code code = viewer_open(arguments, &viewer, &err);

    for (uint32_t i = 0; i < arguments->word_count && code == SFE_OK; i++) {
        uint64_t first = 0;
        uint64_t last = 0;
        code = read_numbers(arguments->words[i], &first, &last, &err);
        if (code == SFE_OK) {
            code = show_range(&viewer, first, last, UINT64_MAX, &err);
        }
    }
    if (code == SFE_OK) {
        code = state_walk_tell_locked(&viewer.walk, &err);
    }
    if (code == SFE_OK && viewer.shown == 0) {
        code = sfe_fail(&err, SFE_E_NOT_FOUND, "there is no such dead letter");
    }
    viewer_close(&viewer);
    return code == SFE_OK ? 0 : sfe_cli_fail("dead show", &err);
}

/* One of the two that change something. */
struct deed {
    const char *command;
    const char *done; /* "put back", "dropped". */
    enum sfe_code (*act)(struct sfe_letters *letters, uint64_t sequence, struct sfe_error *err);
    uint64_t count;
    uint64_t refused;
};

static enum sfe_code do_range(struct deed *deed, struct sfe_letters *letters, uint64_t first,
                              uint64_t last, struct sfe_error *err)
{
    for (uint64_t sequence = first; sequence <= last; sequence++) {
        const uint64_t asked = sequence;
        enum sfe_code code = sfe_letters_next(letters, &sequence, err);
        if (code == SFE_E_END || (code == SFE_OK && sequence > last)) {
            /* A single number that is not there is a mistake; within a range it is none. */
            return first == last
                       ? sfe_fail(err, SFE_E_NOT_FOUND, "there is no dead letter %" PRIu64, asked)
                       : SFE_OK;
        }
        if (code == SFE_OK) {
            code = deed->act(letters, sequence, err);
        }
        if (code == SFE_E_UNSUPPORTED) {
            /* It stays where it is; the others can go. */
            sfe_cli_print_error("sfedge %s: %s\n", deed->command, err->message);
            deed->refused++;
        } else if (code != SFE_OK) {
            return code;
        } else {
            deed->count++;
        }
        if (sequence == UINT64_MAX) {
            break;
        }
    }
    return SFE_OK;
}

static enum sfe_code do_all(struct deed *deed, const struct sfe_arguments *arguments,
                            struct sfe_letters *letters, struct sfe_error *err)
{
    struct sfe_error failure;
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < arguments->word_count && code == SFE_OK; i++) {
        uint64_t first = 0;
        uint64_t last = 0;
        code = read_numbers(arguments->words[i], &first, &last, &failure);
        if (code == SFE_OK) {
            code = do_range(deed, letters, first, last, &failure);
        }
    }
    /* What was done before a failure counts. */
    enum sfe_code saved = sfe_letters_save(letters, err);
    if (saved != SFE_OK) {
        deed->count = 0;
        return saved;
    }
    if (code != SFE_OK) {
        *err = failure;
    } else if (deed->refused != 0) {
        code = sfe_fail(err, SFE_E_UNSUPPORTED, "%" PRIu64 " dead letters stay", deed->refused);
    }
    return code;
}

static enum sfe_code open_letters(struct deed *deed, const struct sfe_arguments *arguments,
                                  const struct sfe_compiled *compiled, struct sfe_error *err)
{
    const struct sfe_config *config = compiled->config;
    struct sfe_platform platform;
    struct sfe_letters *letters = NULL;
    struct sfe_letters_options options = {
        .config = config, .platform = &platform, .compiled = compiled};
    enum sfe_code code = sfe_process_claim_directory(config->agent.state, err);

    if (code == SFE_E_REFUSED) {
        return sfe_fail(err, SFE_E_REFUSED,
                        "an agent works in %.120s: this version does it only while it is stopped",
                        config->agent.state);
    }
    if (code == SFE_OK) {
        code = sfe_platform_open(config->agent.state, &platform, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    code = sfe_arena_open(sfe_agent_memory_bytes_max(config), &options.arena, err);
    if (code == SFE_OK) {
        code = sfe_letters_open(&options, &letters, err);
    }
    if (code == SFE_OK) {
        code = do_all(deed, arguments, letters, err);
    }
    sfe_letters_close(letters);
    sfe_arena_close(options.arena);
    sfe_platform_close(&platform);
    return code;
}

static int run(struct deed *deed, const struct sfe_arguments *arguments)
{
    const struct sfe_config *config = NULL;
    struct sfe_compiled compiled = {.config = NULL};
    struct sfe_arena *arena = NULL;
    struct sfe_error err;
    enum sfe_code code = sfe_arena_open(CONFIG_BYTES_MAX, &arena, &err);

    if (code == SFE_OK) {
        code =
            sfe_config_load(arguments->config, arena, sfe_cli_print_mistake, NULL, &config, &err);
    }
    if (code == SFE_OK) {
        code = sfe_compile_keys(config, arena, sfe_cli_print_mistake, NULL, &compiled, &err);
    }
    if (code == SFE_OK) {
        code = open_letters(deed, arguments, &compiled, &err);
    }
    sfe_compiled_wipe(&compiled);
    sfe_arena_close(arena);
    if (arguments->json) {
        sfe_cli_print("{\"done\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"ok\":%s}\n", deed->count,
                      deed->refused, code == SFE_OK ? "true" : "false");
    } else if (deed->count != 0) {
        sfe_cli_print("%" PRIu64 " %s\n", deed->count, deed->done);
    }
    return code == SFE_OK ? 0 : sfe_cli_fail(deed->command, &err);
}

int sfe_cli_dead_retry(const struct sfe_arguments *arguments)
{
    struct deed deed = {"dead retry", "put back", sfe_letters_retry, 0, 0};

    return run(&deed, arguments);
}

int sfe_cli_dead_drop(const struct sfe_arguments *arguments)
{
    struct deed deed = {"dead drop", "dropped", sfe_letters_drop, 0, 0};

    return run(&deed, arguments);
}
