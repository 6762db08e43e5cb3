#include "cli/command.h"

#include "base/arena.h"
#include "base/json_reader.h"
#include "cli/print.h"
#include "cli/state.h"
#include "port/process.h"
#include "control/control.h"
#include "status/report.h"

#define TOKENS_MAX 16384u

static enum sfe_code print_text(struct sfe_slice document, struct sfe_arena *arena,
                                struct sfe_error *err)
{
    struct sfe_json json;
    struct sfe_json_token *tokens = sfe_arena_take(arena, TOKENS_MAX * sizeof(*tokens), err);
    uint8_t *memory = sfe_arena_take(arena, SFE_CONTROL_BYTES_MAX, err);
    struct sfe_builder out;
    enum sfe_code code;

    if (tokens == NULL || memory == NULL) {
        return err->code;
    }
    out = sfe_builder_make(memory, SFE_CONTROL_BYTES_MAX);
    code = sfe_json_parse(document, 0, tokens, TOKENS_MAX, &json, err);
    if (code == SFE_OK) {
        code = sfe_report_add_text(&json, &out, err);
    }
    if (code == SFE_OK) {
        sfe_process_print(sfe_builder_slice(&out));
    }
    return code;
}

int sfe_cli_status(const struct sfe_arguments *arguments)
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
        code =
            state_ask(&state, SFE_TEXT("{\"ask\":\"status\"}\n"), STATE_WAIT_NS, &document, &err);
    }
    if (code == SFE_OK && arguments->json) {
        sfe_process_print(sfe_builder_slice(&document));
        sfe_process_print(SFE_TEXT("\n"));
    } else if (code == SFE_OK) {
        code = print_text(sfe_builder_slice(&document), state.arena, &err);
    }
    state_close(&state);
    return code == SFE_OK ? 0 : sfe_cli_fail("status", &err);
}
