#include "cli/command.h"

#include "base/arena.h"
#include "base/json_reader.h"
#include "cli/print.h"
#include "cli/state.h"
#include "port/process.h"
#include "control/control.h"

#include <string.h>

#define TOKENS_MAX 16384u
/* Longer than any stop_timeout: what goes may take so long to end. */
#define WAIT_NS (15u * 60u * UINT64_C(1000000000))

static void copy_text(const struct sfe_json *json, uint32_t object, const char *name, char *text,
                      size_t capacity)
{
    struct sfe_builder out = sfe_builder_make(text, capacity - 1);
    uint32_t token = sfe_json_member(json, object, sfe_slice_text(name));

    if (token != SFE_JSON_NONE && sfe_json_kind(json, token) == SFE_JSON_STRING) {
        sfe_json_add_text(json, token, &out);
    }
    text[out.size] = '\0';
}

static uint32_t number(const struct sfe_json *json, uint32_t object, const char *name)
{
    uint32_t token = sfe_json_member(json, object, sfe_slice_text(name));
    struct sfe_slice text = token == SFE_JSON_NONE ? SFE_TEXT("") : sfe_json_raw(json, token);
    uint32_t value = 0;

    for (size_t i = 0; i < text.size && text.bytes[i] >= '0' && text.bytes[i] <= '9'; i++) {
        value = value * 10u + (uint32_t)(text.bytes[i] - '0');
    }
    return value;
}

static void print_mistake(const struct sfe_json *json, uint32_t object)
{
    struct sfe_error mistake = {.code = SFE_E_CONFIG};

    copy_text(json, object, "file", mistake.where, sizeof(mistake.where));
    copy_text(json, object, "pointer", mistake.pointer, sizeof(mistake.pointer));
    copy_text(json, object, "message", mistake.message, sizeof(mistake.message));
    mistake.line = number(json, object, "line");
    mistake.column = number(json, object, "column");
    sfe_cli_print_mistake(NULL, &mistake);
}

/* SFE_OK: it was taken. */
static enum sfe_code read_answer(struct sfe_slice document, bool is_silent, struct sfe_arena *arena,
                                 struct sfe_error *err)
{
    struct sfe_json json;
    struct sfe_json_token *tokens = sfe_arena_take(arena, TOKENS_MAX * sizeof(*tokens), err);
    enum sfe_code code =
        tokens == NULL ? err->code : sfe_json_parse(document, 0, tokens, TOKENS_MAX, &json, err);

    if (code != SFE_OK) {
        return code;
    }
    uint32_t ok = sfe_json_member(&json, 0, SFE_TEXT("ok"));
    if (ok != SFE_JSON_NONE && sfe_json_kind(&json, ok) == SFE_JSON_TRUE) {
        return SFE_OK;
    }
    uint32_t list = sfe_json_member(&json, 0, SFE_TEXT("mistakes"));
    uint32_t child = list == SFE_JSON_NONE ? SFE_JSON_NONE : sfe_json_first(&json, list);
    for (; child != SFE_JSON_NONE && !is_silent; child = sfe_json_next(&json, list, child)) {
        print_mistake(&json, child);
    }
    return sfe_fail(err, SFE_E_CONFIG, "refused; the agent goes on with what it had");
}

int sfe_cli_reload(const struct sfe_arguments *arguments)
{
    struct state state = {.arena = NULL};
    struct sfe_builder document = {0};
    struct sfe_error err;
    enum sfe_code code = state_open(arguments, &state, &err);

    if (code == SFE_OK) {
        uint8_t *memory = sfe_arena_take(state.arena, SFE_CONTROL_BYTES_MAX, &err);
        code = memory == NULL ? err.code : SFE_OK;
        document = sfe_builder_make(memory, memory == NULL ? 0 : SFE_CONTROL_BYTES_MAX);
    }
    if (code == SFE_OK) {
        code = state_ask(&state, SFE_TEXT("{\"ask\":\"reload\"}\n"), WAIT_NS, &document, &err);
    }
    if (code == SFE_OK && arguments->json) {
        sfe_process_print(sfe_builder_slice(&document));
        sfe_process_print(SFE_TEXT("\n"));
    }
    if (code == SFE_OK) {
        code = read_answer(sfe_builder_slice(&document), arguments->json, state.arena, &err);
    }
    state_close(&state);
    if (code == SFE_OK && !arguments->json) {
        sfe_cli_print("reloaded\n");
    }
    return code == SFE_OK ? 0 : sfe_cli_fail("reload", &err);
}
