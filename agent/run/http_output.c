/* Outputs that make HTTP requests. */
#include "run/http_options.h"
#include "run/output_kind.h"
#include "run/outputs.h"

#include "base/arena.h"
#include "base/assert.h"

#include <string.h>

#define NS_PER_MS 1000000u

static const char *const methods[] = {
    [SFE_HTTP_POST] = "POST",     [SFE_HTTP_PUT] = "PUT", [SFE_HTTP_PATCH] = "PATCH",
    [SFE_HTTP_DELETE] = "DELETE", [SFE_HTTP_GET] = "GET",
};

static struct sfe_http_auth auth_of(const struct sfe_config_http_auth *config,
                                    struct sfe_slice secret)
{
    struct sfe_http_auth auth = {.scheme = SFE_HTTP_OPEN, .secret = secret};

    if (config->password != NULL || config->password_file != NULL) {
        auth.scheme = SFE_HTTP_BASIC;
        auth.user = config->user;
    } else if (config->bearer != NULL || config->bearer_file != NULL) {
        auth.scheme = SFE_HTTP_BEARER;
    } else if (config->key != NULL || config->key_file != NULL) {
        auth.scheme = SFE_HTTP_KEY;
        auth.header = config->key_header;
    } else if (config->hmac != NULL || config->hmac_file != NULL) {
        auth.scheme = SFE_HTTP_HMAC;
        auth.header = config->hmac_header;
        auth.timestamp_header = config->timestamp_header;
    }
    return auth;
}

/* Hundreds first, so that a single status has the last word. */
static void settle_list(struct sfe_http_settle *settle, const struct sfe_config_statuses *list,
                        bool hundreds, enum sfe_http_fate fate)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct sfe_slice status = sfe_slice_text(list->texts[i]);
        if ((status.bytes[1] == 'x') == hundreds) {
            const bool is_status = sfe_http_settle_set(settle, status, fate);
            SFE_ASSERT(is_status); /* The configuration was checked. */
        }
    }
}

static void make_settle(const struct sfe_config_http_output *http, struct sfe_http_settle *settle)
{
    sfe_http_settle_make(settle);
    for (unsigned pass = 0; pass < 2; pass++) {
        settle_list(settle, &http->done, pass == 0, SFE_HTTP_DONE);
        settle_list(settle, &http->retry, pass == 0, SFE_HTTP_EVENT_AGAIN);
        settle_list(settle, &http->dead, pass == 0, SFE_HTTP_DEAD);
    }
}

static enum sfe_http_body_kind body_kind(const struct sfe_config_http_output *http)
{
    if (http->body.count == 0) {
        return http->method == SFE_HTTP_GET || http->method == SFE_HTTP_DELETE ? SFE_HTTP_NOTHING
                                                                               : SFE_HTTP_PAYLOAD;
    }
    return http->body.count == 1 && http->body.nodes[0].is_text ? SFE_HTTP_TEXT : SFE_HTTP_SHAPE;
}

static struct sfe_http_route route_of(const struct sfe_config_http_output *http,
                                      const struct sfe_compiled_output *compiled)
{
    struct sfe_http_route route = {
        .cert_file = http->cert_file,
        .key_pem = compiled->tls_key,
        .proxy_url = http->proxy_url,
        .proxy_username = http->proxy_username,
        .no_proxy = compiled->no_proxy,
        .interface = http->interface,
    };

    if (compiled->proxy_password.size != 0) {
        memcpy(&route.proxy_password, &compiled->proxy_password.bytes,
               sizeof(route.proxy_password));
    }
    return route;
}

/* As far as memory is concerned. */
static struct sfe_http_target_options sizes_of(const struct sfe_config_output *output)
{
    return (struct sfe_http_target_options){.slot_count = output->requests_in_flight,
                                            .slot_events_max = output->http.batch_events};
}

struct sfe_http_target_options sfe_http_options_of(const struct sfe_compiled *compiled,
                                                   uint32_t index,
                                                   const struct sfe_platform *platform)
{
    const struct sfe_config_output *output = &compiled->config->outputs[index];
    const struct sfe_config_http_output *http = &output->http;
    const struct sfe_compiled_output *own = &compiled->outputs[index];
    struct sfe_http_target_options options = sizes_of(output);

    SFE_ASSERT(output->type == SFE_OUTPUT_HTTP);
    options.name = output->name;
    options.method = methods[http->method];
    options.base = http->base;
    options.path = own->path;
    options.body_kind = body_kind(http);
    options.shape = own->body;
    options.text = own->body_text;
    options.headers = own->headers;
    options.content_type = http->content_type;
    options.identity_header =
        strcmp(http->identity_header, "none") == 0 ? NULL : http->identity_header;
    options.auth = auth_of(&http->auth, own->secret);
    make_settle(http, &options.settle);
    options.where = own->where;
    options.order_by = own->order_by;
    options.is_lines = http->batch_format == SFE_HTTP_BATCH_LINES;
    options.rate = http->rate;
    options.rate_every_ns = http->rate_every_ns;
    options.ca_file = http->ca_file;
    options.route = route_of(http, own);
    options.connect_timeout_ms = (uint32_t)(http->connect_timeout_ns / NS_PER_MS);
    options.request_timeout_ms = (uint32_t)(http->request_timeout_ns / NS_PER_MS);
    options.http = &platform->http;
    options.clock = &platform->clock;
    options.crypto = &platform->crypto;
    return options;
}

static void http_sizes(const struct sfe_config *config, const struct sfe_config_output *output,
                       bool is_rehearsal, struct sfe_output_options *sizes)
{
    (void)config;
    (void)is_rehearsal;
    sizes->slot_count = output->requests_in_flight;
    sizes->slot_events_max = output->http.batch_events;
    sizes->batch_age_ns = output->batch_age_ns;
    sizes->window_events = SFE_WINDOW_EVENTS;
}

static size_t http_bytes(const struct sfe_config *config, const struct sfe_config_output *output)
{
    const struct sfe_http_target_options options = sizes_of(output);

    (void)config;
    return sfe_arena_cost(sizeof(struct sfe_target)) + sfe_http_target_memory_bytes(&options);
}

static size_t http_library_bytes(const struct sfe_config *config,
                                 const struct sfe_config_output *output)
{
    (void)config;
    return agent_http_library_bytes(output->http.base, output->http.proxy_url,
                                    output->requests_in_flight);
}

static enum sfe_code open_http(struct sfe_agent *agent, const struct agent_set *set,
                               struct agent_output *output, struct sfe_error *err)
{
    struct sfe_target *target = sfe_arena_take(output->arena, sizeof(*target), err);

    if (target == NULL) {
        return err->code;
    }
    const struct sfe_http_target_options options =
        sfe_http_options_of(set->compiled, output->config_index, agent->platform);
    const enum sfe_code code = sfe_http_target_open(&options, output->arena, target, err);
    if (code == SFE_OK) {
        output->target = target;
    }
    return code;
}

static void close_http(struct agent_output *output)
{
    if (output->target != NULL) {
        sfe_http_target_close(output->target);
    }
}

const struct agent_output_kind agent_http_output = {
    .sizes = http_sizes,
    .memory_bytes = http_bytes,
    .library_bytes = http_library_bytes,
    .open = open_http,
    .close = close_http,
};
