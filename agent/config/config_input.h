/* What the configuration says of inputs; a part of config.h. */
#ifndef SFE_CONFIG_CONFIG_INPUT_H
#define SFE_CONFIG_CONFIG_INPUT_H

#include "config/condition.h"
#include "config/place.h"

#include <stdbool.h>
#include <stdint.h>

enum sfe_input_type {
    SFE_INPUT_MQTT,
    SFE_INPUT_HTTP,
    SFE_INPUT_FILES,
    SFE_INPUT_SALESFORCE_EVENTS,
    SFE_INPUT_SALESFORCE_QUERY,
    SFE_INPUT_MQTT_ASK
};
enum sfe_stale_replay { SFE_STALE_EARLIEST, SFE_STALE_LATEST };
enum sfe_retained { SFE_RETAINED_TAKE, SFE_RETAINED_IGNORE };
enum sfe_identity_rule { SFE_IDENTITY_BY_CONTENT, SFE_IDENTITY_BY_ARRIVAL };

enum sfe_config_format { SFE_FORMAT_CSV, SFE_FORMAT_JSON, SFE_FORMAT_NDJSON };
enum sfe_config_delimiter {
    SFE_DELIMITER_COMMA,
    SFE_DELIMITER_SEMICOLON,
    SFE_DELIMITER_TAB,
    SFE_DELIMITER_PIPE
};
enum sfe_config_complete { SFE_COMPLETE_SETTLED, SFE_COMPLETE_MARKER };
enum sfe_config_encoding { SFE_ENCODING_UTF_8, SFE_ENCODING_WINDOWS_1252 };

/* A folder of files for one input. */
struct sfe_config_files {
    const char *directory;
    const char *pattern; /* Default: "*." and the format. */
    enum sfe_config_format format;
    enum sfe_config_complete complete; /* Default settled. */
    uint64_t settle_ns;                /* `settle`; default 5s. */
    enum sfe_config_delimiter delimiter;
    enum sfe_config_encoding encoding;
    const char *const *columns; /* None: the first line names them. */
    uint32_t column_count;
    const char *done;         /* Folders inside; default "done". */
    const char *failed;       /* Default "failed". */
    uint32_t keep_done;       /* Files; default 1000. */
    uint64_t keep_done_bytes; /* Default 64MiB. */
};

/* A query that is asked again and again for one input. */
struct sfe_config_query {
    const char *text;
    uint64_t every_ns; /* `every`; default 15m. */
    const char *after; /* A field; NULL: each run brings all. */
    bool with_deleted; /* Default false. */
};

/* An HTTP server of our own for one input. */
struct sfe_config_http {
    const char *listen; /* "127.0.0.1:8088", "[::1]:8088" */
    const char *host;   /* Of it, an address. */
    uint16_t port;
    const char *path;
    bool plain; /* Unencrypted, or open to everybody, beyond loopback. */
    /* `tls`. Without cert_file: none; of the two keys one is set. */
    const char *tls_cert_file;
    const char *tls_key_file;
    const char *tls_key;            /* "env:NAME" or "credential:NAME". */
    const char *tls_client_ca_file; /* NULL: no certificates of senders. */
    /* Who may send. Secrets are files, or "env:NAME" or "credential:NAME"; one of the seven is
     * set. */
    const char *bearer_file;
    const char *bearer;
    const char *hmac_file; /* Key of an HMAC-SHA256 of the body. */
    const char *hmac;
    bool by_identity;                /* `auth`.`identities`: those of the configuration. */
    bool is_open;                    /* `auth`.`none`: everybody. */
    const char *const *client_names; /* `client_certificate`: of whose certificates one is shown. */
    uint32_t client_name_count;
    const char *hmac_header;           /* Default "X-Signature". */
    const char *hmac_timestamp_header; /* NULL: none is asked for. */
    uint64_t hmac_window_ns;           /* Default 5m. */
    const char *identity;              /* `identity`: pointer; NULL: Idempotency-Key, or content. */
    uint32_t request_bytes_max;        /* `request_max`; default 256KiB. */
    uint64_t request_timeout_ns;       /* `request_timeout`; default 30s. */
    uint32_t connections;              /* `connections`; default 8. */
    uint32_t rate;                     /* `rate`: requests a second of one address; default 100. */
};

/* A sender that HTTP inputs with `auth`.`identities` know: what it shows, and what it may send. */
struct sfe_config_identity {
    const char *name;
    struct sfe_config_place place;
    /* One way is set. Secrets are files, or "env:NAME" or "credential:NAME", of one line or two. */
    const char *bearer_file;
    const char *bearer;
    const char *hmac_file;
    const char *hmac;
    const char *const *certificates; /* Names, or "sha256:" and a fingerprint in small letters. */
    uint32_t certificate_count;
    const char *const *inputs; /* Names; none: all that ask for identities. */
    uint32_t input_count;
    const char *const *streams; /* Names; none: all. */
    uint32_t stream_count;
    const struct sfe_config_condition *where; /* As `admit` of an input. */
    uint32_t where_count;                     /* 0: every event. */
};

#endif
