/* sfedge-org: opens everything in order, serves, and closes it in reverse. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "options.h"
#include "server.h"

#define EXIT_USAGE  64
#define EXIT_OS     71
#define EXIT_CONFIG 78

static int complain(int code, const char *what, const char *why)
{
    (void)fprintf(stderr, "sfedge-org: %s: %s\n", what, why);
    return code;
}

static int load_objects(struct org *org)
{
    struct buffer text = {NULL, 0, 0};
    struct sfe_json json;
    struct sfe_error err;
    const char *path = org->options.objects_file;
    int code = 0;
    const char *problem = buffer_read_file(&text, path);
    if (problem != NULL) {
        code = complain(EXIT_CONFIG, path, problem);
    } else if (org_parse(org, buffer_slice(&text), &json, &err) != SFE_OK ||
               schema_load(&org->schema, &org->table.pool, &json, &err) != SFE_OK) {
        (void)fprintf(stderr, "sfedge-org: %s:%u:%u: %s%s%s\n", path, err.line, err.column,
                      err.pointer, err.pointer[0] == '\0' ? "" : ": ", err.message);
        code = EXIT_CONFIG;
    }
    buffer_close(&text);
    return code;
}

static int load_faults(struct org *org)
{
    const char *spec = org->options.faults;
    if (spec == NULL) {
        return 0;
    }
    struct buffer text = {NULL, 0, 0};
    struct sfe_json json;
    struct sfe_error err;
    int code = 0;
    const char *problem = NULL;
    if (spec[0] == '@') {
        problem = buffer_read_file(&text, spec + 1);
    } else {
        buffer_add_text(&text, spec);
    }
    if (problem != NULL) {
        code = complain(EXIT_CONFIG, spec, problem);
    } else if (org_parse(org, buffer_slice(&text), &json, &err) != SFE_OK ||
               faults_load(&org->faults, &json, 0, &err) != SFE_OK) {
        code = complain(EXIT_CONFIG, "--faults", err.message);
    }
    buffer_close(&text);
    return code;
}

static int load_secrets(struct org *org)
{
    const struct options *options = &org->options;
    struct buffer *secret = &org->sessions.client_secret;
    org->sessions.lifetime_ms = options->token_lifetime_ms;
    if (options->certificate_file != NULL) {
        const char *problem = jwt_verifier_open(&org->sessions, options->certificate_file);
        if (problem != NULL) {
            return complain(EXIT_CONFIG, options->certificate_file, problem);
        }
    }
    org->sessions.refresh.rotates = options->rotate_refresh_tokens;
    if (options->refresh_token_file != NULL) {
        const char *problem = refresh_load(&org->sessions.refresh, options->refresh_token_file);
        if (problem != NULL) {
            return complain(EXIT_CONFIG, options->refresh_token_file, problem);
        }
    }
    if (options->client_secret_file != NULL) {
        const char *problem = buffer_read_file(secret, options->client_secret_file);
        while (secret->size != 0 && secret->bytes[secret->size - 1] <= ' ') {
            secret->size--;
        }
        if (problem != NULL || secret->size == 0) {
            return complain(EXIT_CONFIG, options->client_secret_file,
                            problem != NULL ? problem : "is empty");
        }
    }
    return 0;
}

static int serve(struct org *org)
{
    struct tls_server *tls = NULL;
    const char *problem = NULL;
    int code = 0;
    if (org->options.tls_certificate_file != NULL) {
        org->is_tls = true;
        problem =
            tls_server_open(&tls, org->options.tls_certificate_file, org->options.tls_key_file);
    }
    if (problem == NULL && org->options.tls_client_ca_file != NULL) {
        problem = tls_server_ask(tls, org->options.tls_client_ca_file);
    }
    if (problem != NULL) {
        code = complain(EXIT_CONFIG, org->options.tls_certificate_file, problem);
    } else {
        problem = server_run(org, tls);
        code = problem == NULL ? 0 : complain(EXIT_OS, "cannot serve", problem);
    }
    tls_server_close(tls);
    return code;
}

static int write_audit(const struct org *org)
{
    if (org->options.audit_file == NULL) {
        return 0;
    }
    struct buffer text = {NULL, 0, 0};
    audit_write(&org->audit, &org->schema, &org->faults, NULL, AUDIT_COUNTS, &text);
    bool written = buffer_write_file(&text, org->options.audit_file);
    buffer_close(&text);
    return written ? 0 : complain(EXIT_OS, org->options.audit_file, "cannot be written");
}

static void org_close(struct org *org)
{
    jwt_verifier_close(&org->sessions);
    batch_close(&org->batch);
    query_close(org);
    bulk_close(&org->bulk);
    cometd_close(&org->cometd);
    schema_close(&org->schema);
    table_close(&org->table);
    buffer_close(&org->inflated);
    buffer_close(&org->deflated);
    buffer_close(&org->answers);
    buffer_close(&org->scratch);
    free(org->tokens);
    free(org);
}

int main(int count, char *arguments[])
{
    struct options options;
    enum options_result result = options_read(&options, count, arguments);
    if (result != OPTIONS_RUN) {
        return result == OPTIONS_SHOWN ? 0 : EXIT_USAGE;
    }
    /* Blocked before all else: a signal during the start ends the loop as soon as it begins. */
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    struct org *org = memory_take(sizeof *org);
    memset(org, 0, sizeof *org);
    org->options = options;
    org->batch.schema = &org->schema;
    org->batch.table = &org->table;
    org->batch.faults = &org->faults;
    org->batch.contention = &org->contention;
    org->batch.bad_field_in_record = options.bad_field_in_record;
    org->bulk.hold = BULK_STATES;
    org->bulk.fail_after = BULK_NEVER;
    org->bulk.abort_after = BULK_NEVER;
    cometd_open(&org->cometd);
    org->table.on_change = bus_change;
    org->table.owner = &org->cometd.bus;
    int code = load_objects(org);
    code = code != 0 ? code : load_secrets(org);
    code = code != 0 ? code : load_faults(org);
    code = code != 0 ? code : serve(org);
    code = code != 0 ? code : write_audit(org);
    org_close(org);
    return code;
}
