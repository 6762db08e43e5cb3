/* What the configuration says of outputs of type http: part of outputs.h, which includes it. */
#ifndef SFE_CONFIG_HTTP_OUTPUT_H
#define SFE_CONFIG_HTTP_OUTPUT_H

#include "config/place.h"

#include <stdbool.h>
#include <stdint.h>

struct sfe_config_node; /* outputs.h. */

/* clang-format off */
enum sfe_http_method {
    SFE_HTTP_POST, SFE_HTTP_PUT, SFE_HTTP_PATCH, SFE_HTTP_DELETE, SFE_HTTP_GET
};
enum sfe_http_batch { SFE_HTTP_BATCH_ARRAY, SFE_HTTP_BATCH_LINES };
/* clang-format on */

/* Objects, lists and values, as they stand in the file. */
struct sfe_config_tree {
    const struct sfe_config_node *nodes; /* NULL: nothing is said. */
    uint32_t count;
};

/* Statuses ("409", "4xx") of one list of `settle`. */
struct sfe_config_statuses {
    const char *const *texts;
    uint32_t count;
};

struct sfe_config_http_auth {
    const char *user, *password, *password_file; /* Basic. */
    const char *bearer, *bearer_file;
    const char *key, *key_file, *key_header;
    const char *hmac, *hmac_file, *hmac_header, *timestamp_header;
};

/* Secrets: "env:NAME" or "credential:NAME", or a file; NULL: none. */
struct sfe_config_http_output {
    enum sfe_http_method method; /* `method`; default POST. */
    const char *url;             /* As in the file. */
    struct sfe_config_place url_place;
    const char *base; /* Scheme, host and port of `url`. */
    const char *path; /* The rest of it, a template; begins with '/' or '?'. */
    bool plain;
    struct sfe_config_tree body; /* A lone text is plain text; nothing: the payload. */
    struct sfe_config_tree headers;
    const char *content_type;    /* NULL: by the body. */
    const char *identity_header; /* `identity_header`; default Idempotency-Key; "none". */
    struct sfe_config_http_auth auth;
    struct sfe_config_statuses done, retry, dead; /* `settle`. */
    uint32_t batch_events;                        /* Default 1. */
    enum sfe_http_batch batch_format;
    uint32_t rate; /* Requests in `rate_every_ns`; 0: no limit. */
    uint64_t rate_every_ns;
    uint64_t connect_timeout_ns, request_timeout_ns;
    const char *ca_file, *cert_file, *cert_key, *cert_key_file;
    const char *proxy_url, *proxy_username, *proxy_password, *proxy_password_file;
    const char *const *no_proxy;
    uint32_t no_proxy_count;
    const char *interface;
};

#endif
