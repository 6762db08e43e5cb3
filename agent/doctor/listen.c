#include "doctor/finding.h"

#include "base/assert.h"
#include "base/time_format.h"

#include <inttypes.h>
#include <stdio.h>

#define PATIENCE_NS UINT64_C(2000000000)
#define SECOND_NS   INT64_C(1000000000)
#define DAY_S       INT64_C(86400)
#define SOON_DAYS   30

static void on_ready(void *owner, struct sfe_socket *socket, unsigned events)
{
    bool *is_over = owner;

    (void)socket;
    (void)events;
    *is_over = true;
}

/* Does somebody answer there? */
static bool is_answered(const struct sfe_doctor_options *options,
                        const struct sfe_config_http *http)
{
    const struct sfe_poller *poller = &options->platform->poller;
    const uint64_t until_ns = sfe_clock_monotonic_ns(&options->platform->clock) + PATIENCE_NS;
    struct sfe_socket *stream = NULL;
    struct sfe_error ignored;
    bool is_over = false;
    bool is_standing = false;

    if (poller->connect(poller->context, http->host, http->port, &stream, &ignored) != SFE_OK) {
        return false;
    }
    poller->watch(poller->context, stream, SFE_POLL_WRITE, on_ready, &is_over);
    while (!is_over && sfe_clock_monotonic_ns(&options->platform->clock) < until_ns &&
           poller->wait(poller->context, until_ns, &ignored) == SFE_OK) {
    }
    is_standing = poller->connected(poller->context, stream);
    poller->close(poller->context, stream);
    return is_standing;
}

/* Senders that check it, as they should, are gone the day it ends. */
static void look_at_certificate(const struct sfe_doctor_options *options, uint32_t index)
{
    const struct sfe_config_input *input = &options->config->inputs[index];
    const struct sfe_tls_server_options *tls = &options->compiled->inputs[index].tls;
    const struct sfe_clock *clock = &options->platform->clock;
    struct sfe_finding finding = {
        .level = SFE_FINDING_WARN, .check = "tls", .subject = input->name};
    char text[128] = "";
    struct sfe_builder day = sfe_builder_make(text, sizeof(text) - 1u);
    int64_t until_s = 0;
    int64_t now_ns = 0;
    struct sfe_error err;

    (void)snprintf(finding.setting, sizeof(finding.setting), "/inputs/%s/tls/cert_file",
                   input->name);
    if (sfe_tls_server_check(tls, &until_s, &err) != SFE_OK) {
        finding.level = SFE_FINDING_FAIL;
        finding.code = err.code;
        finding_tell(options, &finding, err.message, "name a certificate (PEM) and its own key");
        return;
    }
    (void)clock->wall_ns(clock->context, &now_ns);
    const int64_t days = (until_s - now_ns / SECOND_NS) / DAY_S;
    if (until_s <= now_ns / SECOND_NS) {
        (void)snprintf(text, sizeof(text), "its certificate has ended");
    } else if (days < SOON_DAYS) {
        (void)snprintf(text, sizeof(text), "its certificate ends in %" PRId64 " days", days);
    } else {
        sfe_time_add_date(&day, until_s * SECOND_NS);
        finding_ok(options, "tls", input->name, "key and certificate fit, good until %s", text);
        return;
    }
    finding_tell(options, &finding, text,
                 "renew it, and `sfedge reload`: without it senders send nothing");
}

void sfe_doctor_listen(const struct sfe_doctor_options *options, uint32_t index)
{
    const struct sfe_config_input *input = &options->config->inputs[index];
    const struct sfe_config_http *http = &input->http;
    const struct sfe_poller *poller = &options->platform->poller;
    struct sfe_finding finding = {
        .level = SFE_FINDING_FAIL, .check = "input", .subject = input->name};
    struct sfe_socket *listener = NULL;
    struct sfe_error err;

    SFE_ASSERT(input->type == SFE_INPUT_HTTP);
    if (http->tls_cert_file != NULL && options->compiled->inputs[index].tls.cert.size != 0) {
        look_at_certificate(options, index);
    }
    if (poller->listen(poller->context, http->host, http->port, &listener, &err) == SFE_OK) {
        poller->close(poller->context, listener);
        finding_ok(options, "input", input->name, "%s is free to be listened at", http->listen);
        return;
    }
    if (is_answered(options, http)) {
        finding_ok(options, "input", input->name,
                   "%s is listened at: by the agent, where `sfedge status` says connected",
                   http->listen);
        return;
    }
    finding.code = err.code;
    (void)snprintf(finding.setting, sizeof(finding.setting), "/inputs/%s/listen", input->name);
    finding_tell(options, &finding, err.message,
                 "name an address of this device and a port that is free (ss -ltn shows those in "
                 "use; below 1024 a service needs CAP_NET_BIND_SERVICE)");
}
