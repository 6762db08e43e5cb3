#include "config/check_http_output.h"

#include "config/check_field.h"
#include "config/spelling.h"

/* Those that the client makes itself, or that keys of their own are for. */
static const char *const own_headers[] = {
    "Host",    "Content-Length", "Transfer-Encoding", "Connection",    "Expect",

    "Upgrade", "Trailer",        "Content-Type",      "Authorization", "Proxy-Authorization"};

static uint32_t blamed(const struct config_load *load, uint32_t object, const char *key)
{
    const uint32_t value = load_member(load, object, key);

    return value == SFE_JSON_NONE ? object : value;
}

static bool same_word(const char *a, const char *b)
{
    size_t i = 0;

    for (; a[i] != '\0' && b[i] != '\0'; i++) {
        if (((unsigned)a[i] | 0x20u) != ((unsigned)b[i] | 0x20u)) {
            return false;
        }
    }
    return a[i] == b[i];
}

static bool is_own_header(const char *name)
{
    for (size_t i = 0; i < sizeof(own_headers) / sizeof(own_headers[0]); i++) {
        if (same_word(own_headers[i], name)) {
            return true;
        }
    }
    return false;
}

/* A token of RFC 9110, section 5.6.2. */
static bool is_header_name(const char *name)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return name != NULL && name[0] != '\0' && strlen(name) <= 64 &&
           strspn(name, allowed) == strlen(name);
}

static void check_header_name(struct config_load *load, const char *name, uint32_t token)
{
    if (!is_header_name(name)) {
        load_mistake(load, token, "that is no name of a header; allowed: letters, digits and -");
    } else if (is_own_header(name)) {
        load_mistake(load, token,
                     "the header %s is not for the configuration; allowed: others (\"auth\" and "
                     "\"content_type\" have keys of their own)",
                     name);
    }
}

/* Spaces and control bytes, and what would begin a fragment. */
static const char *path_problem(struct sfe_slice path)
{
    for (size_t i = 0; i < path.size; i++) {
        if (path.bytes[i] <= ' ' || path.bytes[i] > '~' || path.bytes[i] == '#') {
            return "a url has no spaces, no #, and bytes beyond ASCII percent-encoded only";
        }
    }
    return NULL;
}

static void check_plain(struct config_load *load, const struct sfe_config_http_output *http,
                        const struct spelling_url *url, uint32_t entry)
{
    const uint32_t tls = load_member(load, entry, "tls");

    if (!sfe_slice_equal(url->scheme, SFE_TEXT("http"))) {
        return;
    }
    if (!http->plain && !spelling_is_loopback(url->host)) {
        load_mistake(load, blamed(load, entry, "url"),
                     "what goes to %.*s is not encrypted; allowed: localhost, 127.0.0.0/8 and "
                     "::1, elsewhere https://, or \"plain\": true in this output",
                     (int)(url->host.size < 80 ? url->host.size : 80),
                     (const char *)url->host.bytes);
    }
    if (tls != SFE_JSON_NONE) {
        load_mistake(load, tls, "\"tls\" has no effect on http://; allowed: with https://");
    }
}

static void check_url(struct config_load *load, struct sfe_config_http_output *http, uint32_t entry)
{
    const struct sfe_slice text = sfe_slice_text(http->url);
    const char *host = strstr(http->url, "://");
    struct spelling_url url = {{NULL, 0}, {NULL, 0}, 0};
    size_t base_size = text.size;

    if (host != NULL) {
        base_size = (size_t)(host - http->url) + 3u + strcspn(host + 3, "/?#");
    }
    const struct sfe_slice base = sfe_slice_part(text, 0, base_size);
    const struct sfe_slice path = sfe_slice_part(text, base_size, text.size);
    const char *problem = spelling_read_url(base, &url);
    if (problem == NULL && !sfe_slice_equal(url.scheme, SFE_TEXT("https")) &&
        !sfe_slice_equal(url.scheme, SFE_TEXT("http"))) {
        problem = "no such scheme";
    }
    if (memchr(base.bytes, '@', base.size) != NULL) {
        problem = "a url with a name or password";
    } else if (memchr(base.bytes, '{', base.size) != NULL) {
        problem = "the host is fixed; only path and query may hold {...}";
    }
    problem = problem == NULL ? path_problem(path) : problem;
    if (problem != NULL) {
        load_mistake(load, blamed(load, entry, "url"),
                     "%s; allowed: such as \"https://host:8443/orders/{/id}\"", problem);
        return;
    }
    http->base = load_keep(load, base);
    http->path = path.size == 0 ? "/" : load_keep(load, path);
    check_plain(load, http, &url, entry);
}

static void check_headers(struct config_load *load, const struct sfe_config_http_output *http,
                          uint32_t entry)
{
    const struct sfe_config_tree *tree = &http->headers;

    if (tree->count != 0 && tree->nodes[0].kind != SFE_NODE_OBJECT) {
        load_mistake(load, blamed(load, entry, "headers"),
                     "found no object; allowed: {\"Name\": value, ...}");
        return;
    }
    for (uint32_t i = 1; i < tree->count; i++) {
        if (tree->nodes[i].kind != SFE_NODE_VALUE || tree->nodes[i].next != i + 1u) {
            load_mistake(load, tree->nodes[i].token,
                         "a header is one value; allowed: text, a "
                         "number, or an object that has \"from\"");
            return;
        }
        check_header_name(load, tree->nodes[i].name, tree->nodes[i].token);
        if (tree->nodes[i].name != NULL && http->identity_header != NULL &&
            same_word(tree->nodes[i].name, http->identity_header)) {
            load_mistake(load, tree->nodes[i].token,
                         "the header holds the event's identity; allowed: another name here, or "
                         "in \"identity_header\"");
        }
    }
    if (http->identity_header != NULL) {
        check_header_name(load, http->identity_header, blamed(load, entry, "identity_header"));
    }
}

static void check_tree(struct config_load *load, const struct sfe_config_tree *tree)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct sfe_config_node *node = &tree->nodes[i];
        if (node->kind == SFE_NODE_VALUE &&
            sfe_json_kind(&load->json, node->token) == SFE_JSON_OBJECT) {
            check_field(load, &node->field, node->token);
        }
    }
}

static void check_body(struct config_load *load, const struct sfe_config_http_output *http,
                       uint32_t entry)
{
    const bool is_text = http->body.count == 1 && http->body.nodes[0].is_text;
    const bool has_none =
        http->method == SFE_HTTP_GET || (http->method == SFE_HTTP_DELETE && http->body.count == 0);

    if (http->method == SFE_HTTP_GET && http->body.count != 0) {
        load_mistake(load, blamed(load, entry, "body"),
                     "a GET has no body; allowed: with another \"method\"");
    }
    if (http->batch_events > 1 && has_none) {
        load_mistake(load, blamed(load, entry, "batch_events"),
                     "without a body there is no batch; allowed: 1");
    } else if (http->batch_events > 1 && is_text) {
        load_mistake(load, blamed(load, entry, "batch_events"),
                     "plain text makes no batch; allowed: with a \"body\" that is an object or a "
                     "list, or with none");
    }
}

/* "409" or "4xx". */
static bool is_status(const char *text)
{
    return strlen(text) == 3 && text[0] >= '1' && text[0] <= '5' &&
           (strcmp(text + 1, "xx") == 0 ||
            (text[1] >= '0' && text[1] <= '9' && text[2] >= '0' && text[2] <= '9'));
}

static bool has_status(const struct sfe_config_statuses *statuses, const char *text)
{
    for (uint32_t i = 0; i < statuses->count; i++) {
        if (strcmp(statuses->texts[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static void check_settle(struct config_load *load, const struct sfe_config_http_output *http,
                         uint32_t entry)
{
    const struct sfe_config_statuses *const lists[] = {&http->done, &http->retry, &http->dead};
    const uint32_t settle = blamed(load, entry, "settle");

    for (size_t i = 0; i < 3; i++) {
        for (uint32_t k = 0; k < lists[i]->count; k++) {
            const char *text = lists[i]->texts[k];
            if (!is_status(text)) {
                load_mistake(load, settle,
                             "\"%.20s\" is no status; allowed: such as \"409\" or \"4xx\"", text);
            } else if ((i > 0 && has_status(lists[0], text)) ||
                       (i > 1 && has_status(lists[1], text))) {
                load_mistake(load, settle, "\"%s\" stands in two lists; allowed: in one", text);
            }
        }
    }
}

/* Keys of `auth` that say nothing without another. */
static void check_auth(struct config_load *load, const struct sfe_config_http_output *http,
                       uint32_t entry)
{
    const uint32_t auth = load_member(load, entry, "auth");
    const bool has_key = http->auth.key != NULL || http->auth.key_file != NULL;
    const bool has_hmac = http->auth.hmac != NULL || http->auth.hmac_file != NULL;
    const struct {
        const char *key;
        const char *name;
        bool is_used;
        const char *with;
    } headers[] = {{"key_header", http->auth.key_header, has_key, "key"},
                   {"hmac_header", http->auth.hmac_header, has_hmac, "hmac"},
                   {"timestamp_header", http->auth.timestamp_header, has_hmac, "hmac"}};

    if (auth == SFE_JSON_NONE || sfe_json_kind(&load->json, auth) != SFE_JSON_OBJECT) {
        return;
    }
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        const uint32_t token = load_member(load, auth, headers[i].key);
        if (token != SFE_JSON_NONE && !headers[i].is_used) {
            load_mistake(load, token, "\"%s\" has no effect here; allowed: with \"%s\"",
                         headers[i].key, headers[i].with);
        } else if (token != SFE_JSON_NONE && headers[i].name != NULL) {
            check_header_name(load, headers[i].name, token);
        }
    }
}

/* Headers that only some ways to log in have. */
static void default_headers(struct sfe_config_http_auth *auth)
{
    if (auth->key_header == NULL && (auth->key != NULL || auth->key_file != NULL)) {
        auth->key_header = "X-Api-Key";
    }
    if (auth->hmac_header == NULL && (auth->hmac != NULL || auth->hmac_file != NULL)) {
        auth->hmac_header = "X-Signature";
    }
}

void check_http_outputs(struct config_load *load)
{
    struct sfe_config_output *outputs = NULL;
    uint32_t object;
    uint32_t key = load_named_first(load, "outputs", &object);

    memcpy(&outputs, &load->config->outputs, sizeof(outputs));
    for (uint32_t i = 0; key != SFE_JSON_NONE && i < load->config->output_count; i++) {
        struct sfe_config_http_output *http = &outputs[i].http;
        if (outputs[i].type == SFE_OUTPUT_HTTP) {
            outputs[i].connection = UINT32_MAX;
            if (http->url != NULL) {
                check_url(load, http, key + 1);
            }
            check_headers(load, http, key + 1);
            check_tree(load, &http->headers);
            check_tree(load, &http->body);
            check_body(load, http, key + 1);
            check_settle(load, http, key + 1);
            check_auth(load, http, key + 1);
            default_headers(&http->auth);
        }
        key = sfe_json_next(&load->json, object, key);
    }
}
