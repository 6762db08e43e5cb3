#include "status/top.h"

#include "base/arena.h"
#include "cli/arguments.h"
#include "cli/print.h"
#include "cli/state.h"
#include "config/quantity.h"
#include "port/process.h"
#include "port/terminal.h"
#include "control/control.h"

#define TOKENS_MAX   16384u
#define CONTROL_C    3
#define CURSOR_HOME  "\x1b[H"
#define CLEAR_LINE   "\x1b[K"
#define CLEAR_BELOW  "\x1b[J"
#define SECOND_NS    UINT64_C(1000000000)
#define INTERVAL_MIN (SECOND_NS / 10u)
#define INTERVAL_MAX (3600u * SECOND_NS)

/* One status document and when it came. */
struct sample {
    struct sfe_builder text;
    struct sfe_json_token *tokens;
    struct sfe_json json;
    uint64_t taken_ns;
};

struct view {
    const struct sfe_arguments *arguments;
    struct state state;
    struct sfe_terminal *terminal; /* NULL: lines. */
    struct sample samples[2];
    uint32_t newest;
    struct sfe_builder text;
    struct sfe_builder screen;
    uint64_t interval_ns;
    uint64_t left; /* Views that are still to be shown. */
};

static uint64_t now_ns(const struct view *view)
{
    return sfe_clock_monotonic_ns(&view->state.platform.clock);
}

static enum sfe_code read_arguments(struct view *view, struct sfe_error *err)
{
    const struct sfe_arguments *arguments = view->arguments;

    view->interval_ns = SECOND_NS;
    view->left = UINT64_MAX;
    if (arguments->interval != NULL &&
        (!quantity_read_duration(sfe_slice_text(arguments->interval), &view->interval_ns) ||
         view->interval_ns < INTERVAL_MIN || view->interval_ns > INTERVAL_MAX)) {
        return sfe_fail(err, SFE_E_USAGE, "--interval is a duration, 100ms to 1h");
    }
    if (arguments->count != NULL &&
        (!arguments_number(arguments->count, &view->left) || view->left == 0)) {
        return sfe_fail(err, SFE_E_USAGE, "--count is a number from 1");
    }
    return SFE_OK;
}

static enum sfe_code take_memory(struct view *view, struct sfe_error *err)
{
    struct sfe_arena *arena = view->state.arena;
    uint8_t *text = sfe_arena_take(arena, 2u * SFE_CONTROL_BYTES_MAX, err);
    uint8_t *screen = sfe_arena_take(arena, 2u * SFE_CONTROL_BYTES_MAX, err);

    for (uint32_t i = 0; i < 2u; i++) {
        struct sample *sample = &view->samples[i];
        uint8_t *memory = sfe_arena_take(arena, SFE_CONTROL_BYTES_MAX, err);
        sample->tokens = sfe_arena_take(arena, TOKENS_MAX * sizeof(*sample->tokens), err);
        if (memory == NULL || sample->tokens == NULL) {
            return err->code;
        }
        sample->text = sfe_builder_make(memory, SFE_CONTROL_BYTES_MAX);
    }
    if (text == NULL || screen == NULL) {
        return err->code;
    }
    view->text = sfe_builder_make(text, 2u * SFE_CONTROL_BYTES_MAX);
    view->screen = sfe_builder_make(screen, 2u * SFE_CONTROL_BYTES_MAX);
    return SFE_OK;
}

/* Asks the agent once more. On failure the newest sample is what it was. */
static enum sfe_code take_sample(struct view *view, struct sfe_error *err)
{
    struct sample *sample = &view->samples[1u - view->newest];

    sfe_builder_rewind(&sample->text, 0);
    enum sfe_code code = state_ask(&view->state, SFE_TEXT("{\"ask\":\"status\"}\n"), STATE_WAIT_NS,
                                   &sample->text, err);
    if (code == SFE_OK) {
        code = sfe_json_parse(sfe_builder_slice(&sample->text), 0, sample->tokens, TOKENS_MAX,
                              &sample->json, err);
    }
    if (code == SFE_OK) {
        sample->taken_ns = now_ns(view);
        view->newest = 1u - view->newest;
    }
    return code;
}

/* Puts the text on the screen: as many lines as it has, and no scrolling. */
static void draw(struct view *view, uint32_t rows)
{
    struct sfe_slice text = sfe_builder_slice(&view->text);
    uint32_t line = 0;

    sfe_builder_rewind(&view->screen, 0);
    sfe_builder_add_text(&view->screen, CURSOR_HOME);
    for (size_t i = 0; i < text.size && line + 1u < rows; i++) {
        if (text.bytes[i] == '\n') {
            sfe_builder_add_text(&view->screen, CLEAR_LINE "\r\n");
            line++;
        } else {
            sfe_builder_add_byte(&view->screen, text.bytes[i]);
        }
    }
    sfe_builder_add_text(&view->screen, CLEAR_BELOW "q quits");
    sfe_process_print(sfe_builder_slice(&view->screen));
}

static void show(struct view *view)
{
    const struct sample *now = &view->samples[view->newest];
    const struct sample *before = &view->samples[1u - view->newest];
    uint32_t rows = 0;
    struct sfe_top top = {.before = &before->json, .now = &now->json};

    top.elapsed_ns = now->taken_ns > before->taken_ns ? now->taken_ns - before->taken_ns : 1u;
    sfe_builder_rewind(&view->text, 0);
    if (view->terminal != NULL) {
        sfe_terminal_size(view->terminal, &top.columns, &rows);
        sfe_top_add_text(&top, &view->text);
        draw(view, rows);
    } else if (view->arguments->json) {
        sfe_top_add_json(&top, &view->text);
        sfe_process_print(sfe_builder_slice(&view->text));
    } else {
        sfe_top_add_text(&top, &view->text);
        sfe_builder_add_byte(&view->text, '\n');
        sfe_process_print(sfe_builder_slice(&view->text));
    }
}

static void show_absence(struct view *view, const struct sfe_error *err)
{
    uint32_t columns = 0;
    uint32_t rows = 0;

    sfe_terminal_size(view->terminal, &columns, &rows);
    sfe_builder_rewind(&view->text, 0);
    sfe_builder_add(&view->text, sfe_slice_part(sfe_slice_text(err->message), 0, columns));
    sfe_builder_add_byte(&view->text, '\n');
    draw(view, rows);
}

/* False: the person, or a signal, wants it to end. */
static bool wait(struct view *view, struct sfe_error *err)
{
    const uint64_t until_ns = now_ns(view) + view->interval_ns;
    const struct sfe_poller *poller = &view->state.platform.poller;

    for (uint64_t at_ns = now_ns(view); at_ns < until_ns; at_ns = now_ns(view)) {
        if (view->terminal == NULL) {
            if (poller->wait(poller->context, until_ns, err) != SFE_OK) {
                return false;
            }
            continue;
        }
        const int key =
            sfe_terminal_key(view->terminal, (uint32_t)((until_ns - at_ns) / 1000000u) + 1u);
        if (key == 'q' || key == 'Q' || key == CONTROL_C || key < 0 ||
            (sfe_process_signals() & SFE_SIGNAL_STOP) != 0) {
            return false;
        }
    }
    return true;
}

/* An agent that ends is waited for by a person, and an error for a script. */
static enum sfe_code watch(struct view *view, struct sfe_error *err)
{
    enum sfe_code code = take_sample(view, err);

    while (code == SFE_OK && view->left > 0 && wait(view, err)) {
        enum sfe_code taken = take_sample(view, err);
        if (taken == SFE_OK) {
            show(view);
            view->left--;
        } else if (view->terminal != NULL) {
            show_absence(view, err);
        } else {
            code = taken;
        }
    }
    return code;
}

static void ignore_wake(void *context)
{
    (void)context;
}

int sfe_cli_top(const struct sfe_arguments *arguments)
{
    struct view view = {.arguments = arguments};
    struct sfe_error err;
    struct sfe_error no_terminal;
    enum sfe_code code = read_arguments(&view, &err);

    if (code == SFE_OK) {
        code = state_open(arguments, &view.state, &err);
    }
    if (code == SFE_OK) {
        code = take_memory(&view, &err);
    }
    if (code == SFE_OK && !arguments->json &&
        sfe_terminal_open(&view.terminal, &no_terminal) == SFE_OK) {
        /* So that the terminal is given back whatever ends us in order. */
        sfe_process_catch_signals(ignore_wake, NULL);
    }
    if (code == SFE_OK) {
        code = watch(&view, &err);
    }
    sfe_terminal_close(view.terminal);
    state_close(&view.state);
    return code == SFE_OK ? 0 : sfe_cli_fail("top", &err);
}
