#include "cli/trace.h"

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "cli/arguments.h"
#include "cli/print.h"
#include "cli/state.h"
#include "port/process.h"
#include "control/control.h"
#include "status/note.h"

#define TOKENS_MAX 64u

struct tap {
    const struct sfe_arguments *arguments;
    uint64_t left; /* Notes that are still to be shown. */
    struct sfe_error *err;
    enum sfe_code code; /* Why it ended early. */
};

/* What the agent says instead of following. */
static enum sfe_code take_refusal(const struct sfe_json *json, struct sfe_error *err)
{
    const uint32_t refused = sfe_json_member(json, 0, SFE_TEXT("refused"));
    char why[128];

    if (refused == SFE_JSON_NONE) {
        return SFE_OK;
    }
    sfe_printable(why, sizeof(why), sfe_json_raw(json, refused));
    return sfe_fail(err, SFE_E_REFUSED, "the agent refuses: %s", why);
}

static void print_note(const struct sfe_arguments *arguments, const struct sfe_json *json,
                       struct sfe_slice line)
{
    uint8_t memory[2048];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));

    if (arguments->json) {
        sfe_process_print(line);
        sfe_process_print(SFE_TEXT("\n"));
    } else {
        sfe_note_add_text(json, 0, &text);
        sfe_process_print(sfe_builder_slice(&text));
    }
}

static bool visit(void *visitor, struct sfe_slice line)
{
    struct tap *tap = visitor;
    struct sfe_json_token tokens[TOKENS_MAX];
    struct sfe_json json;

    tap->code = sfe_json_parse(line, 0, tokens, TOKENS_MAX, &json, tap->err);
    if (tap->code == SFE_OK) {
        tap->code = take_refusal(&json, tap->err);
    }
    if (tap->code != SFE_OK) {
        return false;
    }
    if (sfe_json_member(&json, 0, SFE_TEXT("following")) != SFE_JSON_NONE) {
        sfe_cli_print_error("following; Ctrl-C ends it\n");
        return true;
    }
    print_note(tap->arguments, &json, line);
    if (sfe_json_member(&json, 0, SFE_TEXT("stage")) != SFE_JSON_NONE) {
        tap->left--;
    }
    return tap->left != 0;
}

static void put(struct sfe_json_writer *writer, const char *name, const char *text)
{
    if (text != NULL) {
        sfe_json_put_text(writer, name, sfe_slice_text(text));
    }
}

static enum sfe_code make_question(const struct sfe_arguments *arguments, struct sfe_builder *out,
                                   struct sfe_error *err)
{
    struct sfe_json_writer writer = sfe_json_writer_make(out);

    if (arguments->at != NULL && sfe_note_read_stages(sfe_slice_text(arguments->at)) == 0) {
        return sfe_fail(err, SFE_E_USAGE,
                        "--at %.40s: it is some of accepted,durable,batched,answered,dead",
                        arguments->at);
    }
    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "ask", SFE_TEXT("tap"));
    put(&writer, "at", arguments->at);
    put(&writer, "input", arguments->input);
    put(&writer, "stream", arguments->stream);
    put(&writer, "output", arguments->output);
    put(&writer, "topic", arguments->topics);
    sfe_json_put_bool(&writer, "payload", arguments->shows_payload);
    sfe_json_end_object(&writer);
    sfe_builder_add_byte(out, '\n');
    return out->overflowed ? sfe_fail(err, SFE_E_USAGE, "the names are too long") : SFE_OK;
}

/* Follows one event from what is known on. */
struct follow {
    const struct sfe_arguments *arguments;
    struct sfe_error *err;
    enum sfe_code code;
    struct trace_found event; /* Sequence 0: the next one that comes. */
};

/* The agent follows from here on: what it told before is looked up, so that nothing falls between.
 */
static bool begin(struct follow *follow)
{
    if (follow->arguments->word_count == 0) {
        sfe_cli_print_error("following; Ctrl-C ends it\n");
        return true;
    }
    follow->code =
        trace_show(follow->arguments, follow->arguments->words[0], &follow->event, follow->err);
    return follow->code == SFE_OK && follow->event.open != 0;
}

static bool is_text(const struct sfe_json *json, const char *name, const char *text)
{
    const uint32_t token = sfe_json_member(json, 0, sfe_slice_text(name));

    return token != SFE_JSON_NONE && sfe_json_text_equal(json, token, sfe_slice_text(text));
}

/* True where the note is of the event; of the next one that comes, where none is known. */
static bool is_of_event(struct follow *follow, const struct sfe_json *json)
{
    const uint32_t stream = sfe_json_member(json, 0, SFE_TEXT("stream"));
    const uint32_t number = sfe_json_member(json, 0, SFE_TEXT("sequence"));
    char digits[24];
    uint64_t sequence = 0;

    if (stream == SFE_JSON_NONE || number == SFE_JSON_NONE) {
        return false;
    }
    sfe_printable(digits, sizeof(digits), sfe_json_raw(json, number));
    if (!arguments_number(digits, &sequence)) {
        return false;
    }
    const bool has_come = is_text(json, "stage", "accepted") || is_text(json, "stage", "dead");
    if (follow->event.sequence == 0 && has_come) {
        follow->event.sequence = sequence;
        sfe_printable(follow->event.stream, sizeof(follow->event.stream),
                      sfe_json_raw(json, stream));
    }
    return sequence == follow->event.sequence && is_text(json, "stream", follow->event.stream);
}

static bool visit_note(void *visitor, struct sfe_slice line)
{
    struct follow *follow = visitor;
    struct sfe_json_token tokens[TOKENS_MAX];
    struct sfe_json json;

    follow->code = sfe_json_parse(line, 0, tokens, TOKENS_MAX, &json, follow->err);
    if (follow->code != SFE_OK) {
        return false;
    }
    follow->code = take_refusal(&json, follow->err);
    if (follow->code != SFE_OK) {
        return false;
    }
    if (sfe_json_member(&json, 0, SFE_TEXT("following")) != SFE_JSON_NONE) {
        return begin(follow);
    }
    if (!is_of_event(follow, &json)) {
        return true;
    }
    print_note(follow->arguments, &json, line);
    if (is_text(&json, "outcome", "done") || is_text(&json, "stage", "dead")) {
        follow->event.open--;
    }
    return follow->event.open != 0;
}

enum sfe_code trace_follow(const struct sfe_arguments *arguments, struct sfe_error *err)
{
    struct follow follow = {.arguments = arguments, .err = err, .event = {.open = 1}};
    struct sfe_arguments asked = {.topics = arguments->topics};
    struct state state = {.arena = NULL};
    uint8_t memory[SFE_CONTROL_QUESTION_BYTES];
    struct sfe_builder question = sfe_builder_make(memory, sizeof(memory));
    enum sfe_code code = make_question(&asked, &question, err);

    if (code == SFE_OK) {
        code = state_open(arguments, &state, err);
    }
    if (code == SFE_OK) {
        code = state_follow(&state, sfe_builder_slice(&question), visit_note, &follow, err);
        code = code == SFE_OK ? follow.code : code;
    }
    state_close(&state);
    return code;
}

int sfe_cli_tap(const struct sfe_arguments *arguments)
{
    struct state state = {.arena = NULL};
    uint8_t memory[SFE_CONTROL_QUESTION_BYTES];
    struct sfe_builder question = sfe_builder_make(memory, sizeof(memory));
    struct sfe_error err;
    struct tap tap = {arguments, UINT64_MAX, &err, SFE_OK};
    enum sfe_code code = make_question(arguments, &question, &err);

    if (code == SFE_OK && arguments->count != NULL &&
        (!arguments_number(arguments->count, &tap.left) || tap.left == 0)) {
        code = sfe_fail(&err, SFE_E_USAGE, "--count is a number from 1");
    }
    if (code == SFE_OK) {
        code = state_open(arguments, &state, &err);
    }
    if (code == SFE_OK) {
        code = state_follow(&state, sfe_builder_slice(&question), visit, &tap, &err);
        code = code == SFE_OK ? tap.code : code;
    }
    state_close(&state);
    return code == SFE_OK ? 0 : sfe_cli_fail("tap", &err);
}
