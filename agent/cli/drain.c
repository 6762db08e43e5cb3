/* drain: asks again and again, for the agent drains only as long as somebody does. */
#include "cli/command.h"

#include "base/arena.h"
#include "base/json_reader.h"
#include "cli/print.h"
#include "cli/state.h"
#include "config/quantity.h"
#include "control/control.h"
#include "port/process.h"

#include <stdio.h>
#include <string.h>

#define TOKENS_MAX 4096u
#define SECOND_NS  UINT64_C(1000000000)
#define STEP_NS    (SECOND_NS / 5u)
/* Less than the lease that the agent gives. */
#define ANSWER_NS (8u * SECOND_NS)
/* Longer than any orderly end. */
#define END_NS     (15u * 60u * SECOND_NS)
#define WITHIN_NS  (600u * SECOND_NS)
#define WITHIN_MAX (7u * 24u * 3600u * SECOND_NS)

struct drain {
    const struct sfe_arguments *arguments;
    struct state state;
    struct sfe_builder document;
    struct sfe_json_token *tokens;
    struct sfe_json json;
    uint64_t within_ns;
    uint64_t told; /* Events left, as told last. */
    char outcome[16];
};

static uint64_t now_ns(const struct drain *drain)
{
    return sfe_clock_monotonic_ns(&drain->state.platform.clock);
}

static struct sfe_slice text_of(const struct drain *drain, uint32_t object, const char *name)
{
    const uint32_t token = sfe_json_member(&drain->json, object, sfe_slice_text(name));

    return token == SFE_JSON_NONE ? SFE_TEXT("") : sfe_json_raw(&drain->json, token);
}

static uint64_t number_of(const struct drain *drain, uint32_t object, const char *name)
{
    const struct sfe_slice text = text_of(drain, object, name);
    uint64_t value = 0;

    for (size_t i = 0; i < text.size && text.bytes[i] >= '0' && text.bytes[i] <= '9'; i++) {
        value = value * 10u + (uint64_t)(text.bytes[i] - '0');
    }
    return value;
}

/* `more` is a member of the question, or "". */
static enum sfe_code ask(struct drain *drain, const char *more, struct sfe_error *err)
{
    char question[128];
    struct sfe_builder outcome = sfe_builder_make(drain->outcome, sizeof(drain->outcome) - 1u);
    enum sfe_code code;

    (void)snprintf(question, sizeof(question), "{\"ask\":\"drain\",\"within_ms\":%llu%s%s}\n",
                   (unsigned long long)(drain->within_ns / 1000000u),
                   drain->arguments->stay ? ",\"stay\":true" : "", more);
    sfe_builder_rewind(&drain->document, 0);
    code = state_ask(&drain->state, sfe_slice_text(question), ANSWER_NS, &drain->document, err);
    if (code == SFE_OK) {
        code = sfe_json_parse(sfe_builder_slice(&drain->document), 0, drain->tokens, TOKENS_MAX,
                              &drain->json, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    const uint32_t token = sfe_json_member(&drain->json, 0, SFE_TEXT("drain"));
    if (token == SFE_JSON_NONE || sfe_json_kind(&drain->json, token) != SFE_JSON_STRING) {
        return sfe_fail(err, SFE_E_PROTOCOL, "this agent cannot drain: it is of another version");
    }
    sfe_json_add_text(&drain->json, token, &outcome);
    drain->outcome[outcome.size] = '\0';
    return SFE_OK;
}

static bool is_outcome(const struct drain *drain, const char *outcome)
{
    return strcmp(drain->outcome, outcome) == 0;
}

static void show_progress(struct drain *drain)
{
    const uint64_t left = number_of(drain, 0, "left");

    if (!drain->arguments->json && left != drain->told) {
        sfe_cli_print("%llu left\n", (unsigned long long)left);
    }
    drain->told = left;
}

static void print_part(const struct drain *drain, uint32_t object, const char *name,
                       const char *before)
{
    const uint32_t token = sfe_json_member(&drain->json, object, sfe_slice_text(name));
    uint8_t memory[256];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));

    if (token != SFE_JSON_NONE && sfe_json_kind(&drain->json, token) == SFE_JSON_STRING) {
        sfe_json_add_text(&drain->json, token, &text);
        sfe_cli_print("%s%.*s", before, (int)text.size, (const char *)memory);
    }
}

static void show_left(const struct drain *drain)
{
    const uint32_t list = sfe_json_member(&drain->json, 0, SFE_TEXT("outputs"));

    if (drain->arguments->json) {
        sfe_process_print(sfe_builder_slice(&drain->document));
        return;
    }
    for (uint32_t child = list == SFE_JSON_NONE ? SFE_JSON_NONE
                                                : sfe_json_first(&drain->json, list);
         child != SFE_JSON_NONE; child = sfe_json_next(&drain->json, list, child)) {
        sfe_cli_print("%8llu left", (unsigned long long)number_of(drain, child, "left"));
        print_part(drain, child, "output", "  ");
        print_part(drain, child, "stream", "/");
        print_part(drain, child, "state", "  ");
        print_part(drain, child, "error", ": ");
        sfe_cli_print("\n");
    }
}

/* SFE_E_AGAIN: a signal came. */
static enum sfe_code wait(struct drain *drain, struct sfe_error *err)
{
    const struct sfe_poller *poller = &drain->state.platform.poller;
    const uint64_t until_ns = now_ns(drain) + STEP_NS;

    while (now_ns(drain) < until_ns) {
        if (poller->wait(poller->context, until_ns, err) != SFE_OK) {
            return err->code;
        }
        if ((sfe_process_signals() & SFE_SIGNAL_STOP) != 0) {
            return SFE_E_AGAIN;
        }
    }
    return SFE_OK;
}

/* Until the agent has let go of its directory, or another one runs in it. */
static enum sfe_code wait_for_end(struct drain *drain, struct sfe_error *err)
{
    const uint64_t until_ns = now_ns(drain) + END_NS;
    enum sfe_code code = SFE_OK;

    while (now_ns(drain) < until_ns) {
        if (sfe_process_claim_directory(drain->state.directory, err) == SFE_OK) {
            return SFE_OK;
        }
        if (ask(drain, ",\"look\":true", err) == SFE_OK && is_outcome(drain, "none")) {
            return sfe_fail(err, SFE_E_REFUSED, "the agent has ended, and another was started");
        }
        code = wait(drain, err);
        if (code != SFE_OK) {
            return code == SFE_E_AGAIN ? sfe_fail(err, SFE_E_TIMEOUT, "not waited for its end")
                                       : code;
        }
    }
    return sfe_fail(err, SFE_E_TIMEOUT, "the agent does not end");
}

static enum sfe_code cancel(struct drain *drain, struct sfe_error *err)
{
    const enum sfe_code code = ask(drain, ",\"cancel\":true", err);

    if (code != SFE_OK) {
        return code;
    }
    return is_outcome(drain, "cancelled")
               ? sfe_fail(err, SFE_E_TIMEOUT, "cancelled; the agent takes in again")
               : sfe_fail(err, SFE_E_TIMEOUT, "too late to cancel: the agent is stopping");
}

static enum sfe_code run(struct drain *drain, struct sfe_error *err)
{
    enum sfe_code code = ask(drain, "", err);

    while (code == SFE_OK && is_outcome(drain, "waits")) {
        show_progress(drain);
        code = wait(drain, err);
        if (code == SFE_E_AGAIN) {
            return cancel(drain, err);
        }
        code = code == SFE_OK ? ask(drain, "", err) : code;
    }
    if (code != SFE_OK) {
        return code;
    }
    const bool is_empty = is_outcome(drain, "empty");
    if (!is_empty && !is_outcome(drain, "time")) {
        return sfe_fail(err, SFE_E_REFUSED, "the agent is stopping already");
    }
    show_left(drain);
    if (!drain->arguments->stay) {
        code = wait_for_end(drain, err);
    }
    if (code == SFE_OK && !is_empty) {
        return sfe_fail(err, SFE_E_TIMEOUT,
                        "the time is over; what is left stays on flash and goes on from there");
    }
    return code;
}

static enum sfe_code read_within(struct drain *drain, struct sfe_error *err)
{
    const char *within = drain->arguments->within;

    drain->within_ns = WITHIN_NS;
    if (within != NULL && (!quantity_read_duration(sfe_slice_text(within), &drain->within_ns) ||
                           drain->within_ns > WITHIN_MAX)) {
        return sfe_fail(err, SFE_E_USAGE, "--within is a duration, such as 10m, up to 7d");
    }
    return SFE_OK;
}

static void ignore_wake(void *context)
{
    (void)context;
}

int sfe_cli_drain(const struct sfe_arguments *arguments)
{
    struct drain drain = {.arguments = arguments};
    struct sfe_error err;
    enum sfe_code code = read_within(&drain, &err);

    if (code == SFE_OK) {
        code = state_open(arguments, &drain.state, &err);
    }
    if (code == SFE_OK) {
        uint8_t *memory = sfe_arena_take(drain.state.arena, SFE_CONTROL_BYTES_MAX, &err);
        drain.tokens = sfe_arena_take(drain.state.arena, TOKENS_MAX * sizeof(*drain.tokens), &err);
        code = memory == NULL || drain.tokens == NULL ? err.code : SFE_OK;
        drain.document = sfe_builder_make(memory, memory == NULL ? 0 : SFE_CONTROL_BYTES_MAX);
    }
    if (code == SFE_OK) {
        sfe_process_catch_signals(ignore_wake, NULL); /* Looked at between two questions. */
        code = run(&drain, &err);
    }
    state_close(&drain.state);
    if (code == SFE_OK && !arguments->json) {
        sfe_cli_print("all is delivered\n");
    }
    return code == SFE_OK ? 0 : sfe_cli_fail("drain", &err);
}
