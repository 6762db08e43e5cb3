#include "options.h"

#include <stdio.h>

#ifndef SFE_VERSION
#define SFE_VERSION "0.1.0"
#endif

#define PORT_MAX 65535u

static const char HELP[] =
    "sfedge-org: a simulated Salesforce org, to try and test sfedge against\n"
    "\n"
    "usage: sfedge-org --objects FILE [options]\n"
    "\n"
    "  --objects FILE             objects and fields (see README.md)\n"
    "  --listen ADDRESS           IPv4 address to listen on (127.0.0.1)\n"
    "  --port N                   port to listen on; 0 takes a free one (0)\n"
    "  --port-file FILE           where the port is written once it listens\n"
    "  --control-port N           a further port, on 127.0.0.1, for /control/ only\n"
    "  --audit-file FILE          where the audit is written at the end\n"
    "  --tls-cert FILE            serve TLS with this certificate (PEM)\n"
    "  --tls-key FILE             and this key (PEM)\n"
    "  --tls-client-ca FILE       ask clients for a certificate that hangs on this one\n"
    "  --client-id ID             consumer key of the app\n"
    "  --username NAME            integration user\n"
    "  --certificate FILE         the app's certificate or public key (PEM): JWT bearer flow\n"
    "  --audience URL             what \"aud\" must be (https://login.salesforce.com)\n"
    "  --client-secret-file FILE  the app's secret: client credentials flow\n"
    "  --refresh-token-file FILE  refresh tokens, one family a line: refresh token flow\n"
    "  --rotate-refresh-tokens    each use gives another one and ends the one before\n"
    "  --token-lifetime TIME      life of a session, such as 500ms, 90s, 15m, 2h (2h)\n"
    "  --api-limit N              API calls allowed (1000000)\n"
    "  --faults JSON|@FILE        faults from the start (see README.md)\n"
    "  --gzip-answers             compress answers over 1 kB for clients that accept it\n"
    "  --bad-field-in-record      a wrong field fails its record, not the whole call\n"
    "  --help, --version\n";

struct text_row {
    const char *name;
    size_t offset;
};

static const struct text_row TEXTS[] = {
    {"--objects", offsetof(struct options, objects_file)},
    {"--listen", offsetof(struct options, listen)},
    {"--port-file", offsetof(struct options, port_file)},
    {"--audit-file", offsetof(struct options, audit_file)},
    {"--tls-cert", offsetof(struct options, tls_certificate_file)},
    {"--tls-key", offsetof(struct options, tls_key_file)},
    {"--tls-client-ca", offsetof(struct options, tls_client_ca_file)},
    {"--client-id", offsetof(struct options, client_id)},
    {"--username", offsetof(struct options, username)},
    {"--certificate", offsetof(struct options, certificate_file)},
    {"--audience", offsetof(struct options, audience)},
    {"--client-secret-file", offsetof(struct options, client_secret_file)},
    {"--refresh-token-file", offsetof(struct options, refresh_token_file)},
    {"--faults", offsetof(struct options, faults)}};

/* Reads digits off the front of `text`; NULL where there are none or too many. */
static const char *read_digits(const char *text, uint64_t *value)
{
    *value = 0;
    const char *at = text;
    while (*at >= '0' && *at <= '9') {
        if (*value > UINT64_MAX / 100) {
            return NULL;
        }
        *value = *value * 10 + (uint64_t)(*at - '0');
        at++;
    }
    return at == text ? NULL : at;
}

static bool read_number(const char *text, uint64_t max, uint64_t *value)
{
    const char *end = read_digits(text, value);
    return end != NULL && *end == '\0' && *value <= max;
}

static bool read_duration(const char *text, uint64_t *milliseconds)
{
    static const struct {
        const char *unit;
        uint64_t milliseconds;
    } UNITS[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    uint64_t number = 0;
    const char *unit = read_digits(text, &number);
    for (size_t i = 0; unit != NULL && i < sizeof UNITS / sizeof UNITS[0]; i++) {
        if (strcmp(unit, UNITS[i].unit) == 0 && number <= 1000000000u) {
            *milliseconds = number * UNITS[i].milliseconds;
            return number != 0;
        }
    }
    return false;
}

static bool read_text_option(struct options *options, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        if (strcmp(name, TEXTS[i].name) == 0) {
            memcpy((uint8_t *)options + TEXTS[i].offset, &value, sizeof value);
            return true;
        }
    }
    return false;
}

/* 1 taken, 0 unknown, -1 wrong value. */
static int read_valued_option(struct options *options, const char *name, const char *value)
{
    uint64_t number = 0;
    if (strcmp(name, "--port") == 0 || strcmp(name, "--control-port") == 0) {
        if (!read_number(value, PORT_MAX, &number)) {
            return -1;
        }
        *(name[2] == 'p' ? &options->port : &options->control_port) = (uint16_t)number;
        return 1;
    }
    if (strcmp(name, "--api-limit") == 0) {
        return read_number(value, UINT32_MAX, &options->api_limit) ? 1 : -1;
    }
    if (strcmp(name, "--token-lifetime") == 0) {
        return read_duration(value, &options->token_lifetime_ms) ? 1 : -1;
    }
    return read_text_option(options, name, value) ? 1 : 0;
}

static bool read_switch(struct options *options, const char *name)
{
    if (strcmp(name, "--gzip-answers") == 0) {
        options->gzip_answers = true;
    } else if (strcmp(name, "--rotate-refresh-tokens") == 0) {
        options->rotate_refresh_tokens = true;
    } else if (strcmp(name, "--bad-field-in-record") == 0) {
        options->bad_field_in_record = true;
    } else {
        return false;
    }
    return true;
}

static enum options_result wrong(const char *what, const char *name)
{
    (void)fprintf(stderr, "sfedge-org: %s%s; see sfedge-org --help\n", name, what);
    return OPTIONS_WRONG;
}

static enum options_result check(const struct options *options)
{
    if (options->objects_file == NULL) {
        return wrong(" is needed", "--objects");
    }
    if ((options->tls_certificate_file == NULL) != (options->tls_key_file == NULL)) {
        return wrong(" go together", "--tls-cert and --tls-key");
    }
    if (options->tls_client_ca_file != NULL && options->tls_certificate_file == NULL) {
        return wrong(" needs --tls-cert", "--tls-client-ca");
    }
    if (options->certificate_file == NULL && options->client_secret_file == NULL &&
        options->refresh_token_file == NULL) {
        return wrong(" is needed: nobody could log in",
                     "--certificate, --client-secret-file or --refresh-token-file");
    }
    if (options->client_id == NULL ||
        (options->certificate_file != NULL && options->username == NULL)) {
        return wrong(" are needed for a log-in", "--client-id and --username");
    }
    return OPTIONS_RUN;
}

enum options_result options_read(struct options *options, int count, char *const arguments[])
{
    *options = (struct options){.listen = "127.0.0.1",
                                .audience = "https://login.salesforce.com",
                                .token_lifetime_ms = 2 * 3600 * 1000,
                                .api_limit = 1000000};
    for (int i = 1; i < count; i++) {
        const char *name = arguments[i];
        if (strcmp(name, "--help") == 0) {
            (void)fputs(HELP, stdout);
            return OPTIONS_SHOWN;
        }
        if (strcmp(name, "--version") == 0) {
            (void)puts("sfedge-org " SFE_VERSION);
            return OPTIONS_SHOWN;
        }
        if (read_switch(options, name)) {
            continue;
        }
        struct options probe = *options;
        if (read_valued_option(&probe, name, "1ms") == 0) {
            return wrong(": no such option", name);
        }
        if (i + 1 == count) {
            return wrong(" needs a value", name);
        }
        if (read_valued_option(options, name, arguments[++i]) < 0) {
            return wrong(": the value is wrong", name);
        }
    }
    return check(options);
}
