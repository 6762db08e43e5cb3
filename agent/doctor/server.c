/* The server of an output of type http: is it reached, and trusted? No event is sent, and nothing
 * that would say who we are but our certificate. */
#include "doctor/finding.h"

#include "base/arena.h"
#include "base/assert.h"
#include "run/http_options.h"

#include <stdio.h>

#define ANSWER_BYTES (64u * 1024u)
#define WAIT_NS      (UINT64_C(60) * 1000000000u)
#define URL_BYTES    512u

struct look {
    struct sfe_http_owner owner; /* First: the tag of the exchange. */
    struct sfe_http_answer answer;
    bool is_answered;
};

static void on_own_answer(struct sfe_http_owner *owner, const struct sfe_http_answer *answer)
{
    struct look *look = (struct look *)owner;

    look->answer = *answer;
    look->is_answered = true;
}

static void on_answer(void *visitor, const struct sfe_http_answer *answer)
{
    struct sfe_http_owner *owner = answer->tag;

    (void)visitor;
    owner->on_answer(owner, answer);
}

/* One GET of the host's root. */
static enum sfe_code ask(const struct sfe_doctor_options *options,
                         const struct sfe_http_target_options *target, struct look *look,
                         struct sfe_error *err)
{
    const struct sfe_http *http = &options->platform->http;
    const struct sfe_clock *clock = &options->platform->clock;
    const uint64_t until_ns = sfe_clock_monotonic_ns(clock) + WAIT_NS;
    uint8_t *memory = sfe_arena_take(options->arena, ANSWER_BYTES, err);
    struct sfe_builder body = sfe_builder_make(memory, ANSWER_BYTES);
    char url[URL_BYTES];
    const int length = snprintf(url, sizeof(url), "%s/", target->base);

    if (memory == NULL) {
        return err->code;
    }
    if (length < 0 || (size_t)length >= sizeof(url)) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "the address is too long");
    }
    const struct sfe_http_request request = {
        .method = "GET",
        .url = url,
        .ca_file = target->ca_file,
        .connect_timeout_ms = target->connect_timeout_ms,
        .total_timeout_ms = target->connect_timeout_ms + 10000u,
        .answer_body = &body,
        .tag = &look->owner,
        .route = &target->route,
    };
    enum sfe_code code = http->begin(http->context, &request, &look->owner.exchange, err);
    const bool is_begun = code == SFE_OK;
    while (code == SFE_OK && !look->is_answered) {
        code = sfe_clock_monotonic_ns(clock) < until_ns
                   ? http->poll(http->context, until_ns, on_answer, NULL, err)
                   : sfe_fail(err, SFE_E_TIMEOUT, "no answer within 60 s");
    }
    if (is_begun && !look->is_answered) {
        http->cancel(http->context, look->owner.exchange);
    }
    return code;
}

void sfe_doctor_server(const struct sfe_doctor_options *options, uint32_t index)
{
    const struct sfe_config_output *output = &options->config->outputs[index];
    const struct sfe_http_target_options target =
        sfe_http_options_of(options->compiled, index, options->platform);
    struct sfe_finding finding = {
        .level = SFE_FINDING_FAIL, .check = "server", .subject = output->name};
    struct look look = {.owner = {.on_answer = on_own_answer}};
    struct sfe_error err;

    finding.code = ask(options, &target, &look, &err);
    /* Whatever it says: somebody who is trusted has answered. */
    if (finding.code == SFE_OK && look.answer.status != 0) {
        finding_ok(options, "server", output->name,
                   "%.100s answers (HTTP %u to a GET of /)%s; nothing was sent", target.base,
                   (unsigned)look.answer.status,
                   strncmp(target.base, "https:", 6) == 0 ? ", and its certificate is trusted"
                                                          : "");
        return;
    }
    if (finding.code == SFE_OK) {
        err = look.answer.err;
        finding.code = err.code;
    }
    (void)snprintf(finding.setting, sizeof(finding.setting), "/outputs/%s/%s", output->name,
                   finding.code == SFE_E_TLS ? "tls" : "url");
    finding_tell(options, &finding, err.message,
                 finding.code == SFE_E_TLS
                     ? "give tls.ca_file the certificate of the server's authority"
                     : "check url, the network, a proxy, and that the server runs");
}
