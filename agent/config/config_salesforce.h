/* A connection of type salesforce, as it is configured; part of config.h. Read-only once loaded;
 * any thread. */
#ifndef SFE_CONFIG_CONFIG_SALESFORCE_H
#define SFE_CONFIG_CONFIG_SALESFORCE_H

#include <stdbool.h>
#include <stdint.h>

enum sfe_auth_flow { SFE_AUTH_JWT_BEARER, SFE_AUTH_CLIENT_CREDENTIALS, SFE_AUTH_REFRESH_TOKEN };

struct sfe_config_salesforce {
    const char *login_url;   /* Without a slash at the end. */
    const char *api_version; /* "v62.0". */
    enum sfe_auth_flow flow; /* `auth`.`flow`. */
    const char *client_id;   /* `auth`.`client_id`: the consumer key. */
    const char *username;    /* With jwt-bearer only, as audience and key. */
    const char *audience;    /* Default: login_url. */
    const char *key_file;
    const char *ca_file;         /* `tls`.`ca_file`; NULL: the system's. */
    uint64_t connect_timeout_ns; /* `connect_timeout`; default 15s. */
    uint64_t request_timeout_ns; /* `request_timeout`; default 120s. */
    bool compress;               /* `compress`; default true: bodies over 1 KiB are sent as gzip. */
    /* Secrets are files, or "env:NAME" or "credential:NAME"; of each pair at most one is set. */
    const char *key;
    const char *client_secret_file; /* Not with jwt-bearer. */
    const char *client_secret;
    const char *refresh_token_file; /* With refresh-token only. */
    const char *refresh_token;
    uint32_t daily_calls;      /* `daily_calls`; default 0: no part of its own. */
    uint32_t daily_reserve;    /* `daily_reserve`, percent; default 10. */
    uint64_t daily_bytes;      /* `daily_bytes`; default 0: no bound, as of the next two. */
    uint32_t calls_per_minute; /* `calls_per_minute`. */
    uint64_t bytes_per_second; /* `bytes_per_second`; fits 32 bits. */
    const char *cert_file;     /* `tls`.`cert_file`: our own certificate; NULL: none. */
    const char *cert_key_file;
    const char *cert_key;
    const char *proxy_url; /* `proxy`.`url`; NULL: straight. */
    const char *proxy_username;
    const char *proxy_password_file;
    const char *proxy_password;
    const char *const *no_proxy; /* Hosts, domains and networks that are reached straight. */
    uint32_t no_proxy_count;
    const char *interface; /* NULL: any. */
};

#endif
