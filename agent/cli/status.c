#include "cli/command.h"

#include "base/arena.h"
#include "base/json_reader.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "config/config.h"
#include "port/platform.h"
#include "port/process.h"
#include "run/control.h"
#include "status/report.h"

#include <stdio.h>

#define ARENA_BYTES_MAX (64u * 1024u * 1024u)
#define TOKENS_MAX      16384u
#define WAIT_NS         5000000000u

enum sfe_code sfe_cli_state_directory(const struct sfe_arguments *arguments,
                                      struct sfe_arena *arena, const char **state,
                                      struct sfe_error *err)
{
    const struct sfe_config *config = NULL;
    enum sfe_code code;

    if (arguments->state != NULL) {
        *state = arguments->state;
        return SFE_OK;
    }
    code = sfe_config_load(arguments->config, arena, sfe_cli_print_mistake, NULL, &config, err);
    if (code == SFE_OK) {
        *state = config->agent.state;
    }
    return code;
}

enum sfe_code sfe_cli_ask(const char *state, const char *request, uint64_t wait_ns,
                          struct sfe_builder *document, struct sfe_error *err)
{
    struct sfe_platform platform;
    char path[512];
    int length = snprintf(path, sizeof(path), "%s/%s", state, SFE_CONTROL_SOCKET);
    enum sfe_code code;

    if (length < 0 || (size_t)length >= sizeof(path)) {
        return sfe_fail(err, SFE_E_CONFIG, "the path of the state directory is too long");
    }
    code = sfe_platform_open(state, &platform, err);
    if (code != SFE_OK) {
        return sfe_within(err, "cannot look into %s", state);
    }
    code = sfe_control_request(&platform.poller, path, request,
                               sfe_clock_monotonic_ns(&platform.clock) + wait_ns, document, err);
    sfe_platform_close(&platform);
    if (code == SFE_E_NOT_FOUND) {
        return sfe_fail(err, SFE_E_NETWORK, "no agent is running on %s", state);
    }
    return code;
}

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
    struct sfe_arena *arena = NULL;
    const char *state = NULL;
    struct sfe_builder document = {0};
    struct sfe_error err;
    enum sfe_code code = sfe_arena_open(ARENA_BYTES_MAX, &arena, &err);

    if (code != SFE_OK) {
        return sfe_cli_fail("status", &err);
    }
    code = sfe_cli_state_directory(arguments, arena, &state, &err);
    if (code == SFE_OK) {
        uint8_t *memory = sfe_arena_take(arena, SFE_CONTROL_BYTES_MAX, &err);
        code = memory == NULL ? err.code : SFE_OK;
        document = sfe_builder_make(memory, memory == NULL ? 0 : SFE_CONTROL_BYTES_MAX);
    }
    if (code == SFE_OK) {
        code = sfe_cli_ask(state, "status", WAIT_NS, &document, &err);
    }
    if (code == SFE_OK && arguments->json) {
        sfe_process_print(sfe_builder_slice(&document));
        sfe_process_print(SFE_TEXT("\n"));
    } else if (code == SFE_OK) {
        code = print_text(sfe_builder_slice(&document), arena, &err);
    }
    sfe_arena_close(arena);
    return code == SFE_OK ? 0 : sfe_cli_fail("status", &err);
}
