#include "config/check_inputs.h"

#include "config/spelling.h"

#include <stdio.h>

#define URL_BYTES_MAX 128u

static bool is_ipv4(struct sfe_slice host)
{
    uint32_t parts = 1;
    uint32_t number = 0;
    uint32_t digits = 0;

    for (size_t i = 0; i < host.size; i++) {
        const uint8_t byte = host.bytes[i];
        if (byte == '.' && digits != 0) {
            parts++;
            number = 0;
            digits = 0;
        } else if (byte >= '0' && byte <= '9' && digits < 3) {
            number = number * 10u + (uint32_t)(byte - '0');
            digits++;
        } else {
            return false;
        }
        if (number > 255) {
            return false;
        }
    }
    return parts == 4 && digits != 0;
}

/* Of one in brackets the system says what it is worth. */
static bool is_address(struct sfe_slice host)
{
    return is_ipv4(host) || (host.size != 0 && memchr(host.bytes, ':', host.size) != NULL);
}

/* Beyond loopback what comes is encrypted, and senders are known. */
static void check_exposed(struct config_load *load, const struct sfe_config_http *http,
                          uint32_t token)
{
    if (http->tls_cert_file == NULL) {
        load_mistake(load, token,
                     "what comes to %s is not encrypted; allowed: 127.0.0.0/8 and ::1, elsewhere "
                     "with \"tls\", or with \"plain\": true in this input",
                     http->host);
    } else if (http->is_open && http->tls_client_ca_file == NULL) {
        load_mistake(load, token,
                     "everybody who reaches %s may send; allowed: 127.0.0.0/8 and ::1, elsewhere "
                     "with another \"auth\" than none, with \"client_ca_file\" in tls, or with "
                     "\"plain\": true in this input",
                     http->host);
    }
}

/* Takes an address and a port apart; false, and reported, where it is none. */
static bool read_address(struct config_load *load, const char *listen, uint32_t token,
                         const char **host, uint16_t *port)
{
    char text[URL_BYTES_MAX];
    struct spelling_url url = {{NULL, 0}, {NULL, 0}, 0};
    const int length = snprintf(text, sizeof(text), "http://%s", listen);

    if (length < 0 || (size_t)length >= sizeof(text) ||
        spelling_read_url(sfe_slice_text(text), &url) != NULL || url.port == 0 ||
        !is_address(url.host) || text[length - 1] == '/') {
        load_mistake(load, token,
                     "that is no address and port; allowed: such as \"127.0.0.1:8088\", "
                     "\"0.0.0.0:8088\" or \"[::1]:8088\"");
        return false;
    }
    *host = load_keep(load, url.host);
    *port = url.port;
    return *host != NULL;
}

static void check_listen(struct config_load *load, struct sfe_config_http *http, uint32_t token)
{
    if (read_address(load, http->listen, token, &http->host, &http->port) && !http->plain &&
        !spelling_is_loopback(sfe_slice_text(http->host))) {
        check_exposed(load, http, token);
    }
}

static const char *path_problem(struct sfe_slice path)
{
    if (path.size < 2 || path.bytes[0] != '/') {
        return "a path begins with / and goes on";
    }
    for (size_t i = 0; i < path.size; i++) {
        const uint8_t byte = path.bytes[i];
        if (byte <= ' ' || byte > '~' || byte == '+' || byte == '#' || byte == '?' || byte == '$') {
            return "a path has no space, +, #, ? or $";
        }
    }
    return NULL;
}

static void check_path(struct config_load *load, struct sfe_config_input *input, uint32_t token)
{
    const char *problem = path_problem(sfe_slice_text(input->http.path));

    if (problem != NULL) {
        load_mistake(load, token, "%s; allowed: such as \"/pos/sales\"", problem);
        return;
    }
    input->topic = input->http.path + 1;
}

/* Each listens for itself. */
static void check_alone(struct config_load *load, uint32_t index, uint32_t token)
{
    const struct sfe_config_input *inputs = load->config->inputs;

    for (uint32_t i = 0; i < index; i++) {
        if (inputs[i].type == SFE_INPUT_HTTP && inputs[i].http.port != 0 &&
            inputs[i].http.port == inputs[index].http.port &&
            strcmp(inputs[i].http.host, inputs[index].http.host) == 0) {
            load_mistake(load, token, "input \"%s\" listens there too; allowed: a port of its own",
                         inputs[i].name);
            return;
        }
    }
}

static void check_auth(struct config_load *load, const struct sfe_config_http *http, uint32_t entry)
{
    const uint32_t auth = load_member(load, entry, "auth");
    const uint32_t none =
        auth == SFE_JSON_NONE || sfe_json_kind(&load->json, auth) != SFE_JSON_OBJECT
            ? SFE_JSON_NONE
            : load_member(load, auth, "none");

    if (none != SFE_JSON_NONE && !http->is_open) {
        load_mistake(load, none, "found false; allowed: true, or one of the others");
    }
    if (http->client_name_count != 0 && http->tls_client_ca_file == NULL) {
        load_mistake(load, auth,
                     "\"client_certificate\" needs an authority; allowed: with "
                     "\"client_ca_file\" in the tls of this input");
    }
}

static void check_known(struct config_load *load, const struct sfe_config_http *http,
                        uint32_t entry)
{
    const uint32_t auth = load_member(load, entry, "auth");
    const uint32_t token =
        auth == SFE_JSON_NONE || sfe_json_kind(&load->json, auth) != SFE_JSON_OBJECT
            ? SFE_JSON_NONE
            : load_member(load, auth, "identities");

    if (token != SFE_JSON_NONE && !http->by_identity) {
        load_mistake(load, token, "found false; allowed: true, or one of the others");
    } else if (http->by_identity && load->config->identity_count == 0) {
        load_mistake(load, token,
                     "there are no identities; allowed: with some in \"identities\" "
                     "of the file");
    }
}

/* What it is offered under stands in status/health.h. */
static void place_health(struct config_load *load)
{
    struct sfe_config_input *inputs = NULL;

    memcpy(&inputs, &load->config->inputs, sizeof(inputs));
    for (uint32_t i = 0; i < load->config->input_count; i++) {
        if (inputs[i].type == SFE_INPUT_HEALTH) {
            inputs[i].connection = UINT32_MAX;
            inputs[i].topic = "sfedge/health";
        }
    }
}

void check_watch(struct config_load *load)
{
    struct sfe_config_watch *watch = &load->config->watch;
    const uint32_t section = load_member(load, 0, "watch");
    uint32_t token;

    place_health(load);
    if (watch->listen == NULL) {
        return;
    }
    token = load_member(load, section, "listen");
    if (!read_address(load, watch->listen, token, &watch->host, &watch->port)) {
        return;
    }
    if (!watch->plain && !spelling_is_loopback(sfe_slice_text(watch->host))) {
        load_mistake(load, token,
                     "everybody who reaches %s may look; allowed: 127.0.0.0/8 and ::1, elsewhere "
                     "with \"plain\": true in \"watch\"",
                     watch->host);
    }
    for (uint32_t i = 0; i < load->config->input_count; i++) {
        const struct sfe_config_input *input = &load->config->inputs[i];
        if (input->type == SFE_INPUT_HTTP && input->http.host != NULL &&
            input->http.port == watch->port && strcmp(input->http.host, watch->host) == 0) {
            load_mistake(load, token, "input \"%s\" listens there; allowed: a port of its own",
                         input->name);
        }
    }
}

void check_http_inputs(struct config_load *load)
{
    struct sfe_config_input *inputs = NULL;
    uint32_t object;
    uint32_t key = load_named_first(load, "inputs", &object);

    memcpy(&inputs, &load->config->inputs, sizeof(inputs));
    for (uint32_t i = 0; key != SFE_JSON_NONE && i < load->config->input_count; i++) {
        struct sfe_config_input *input = &inputs[i];
        if (input->type == SFE_INPUT_HTTP) {
            input->connection = UINT32_MAX;
            if (input->http.listen != NULL) {
                check_listen(load, &input->http, load_member(load, key + 1, "listen"));
                check_alone(load, i, load_member(load, key + 1, "listen"));
            }
            if (input->http.path != NULL) {
                check_path(load, input, load_member(load, key + 1, "path"));
            }
            check_auth(load, &input->http, key + 1);
            check_known(load, &input->http, key + 1);
        }
        key = sfe_json_next(&load->json, object, key);
    }
}
