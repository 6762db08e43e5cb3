#include "compile/parts.h"

#include "base/arena.h"
#include "base/assert.h"
#include "port/process.h"

#include <stdio.h>
#include <string.h>

/* A private key of 8192 bits in PEM takes some 6.5 kB. */
#define SECRET_BYTES_MAX 8192u
#define PATH_BYTES_MAX   512u
/* A chain of some certificates, or the authorities of senders. */
#define CERTIFICATES_BYTES_MAX (32u * 1024u)

/* One secret of a connection and where it is: one of the two, or none. */
struct wish {
    const char *key; /* In the configuration, without "_file". */
    const char *file;
    const char *reference; /* "env:NAME", "credential:NAME". */
    bool is_line;          /* A line's end behind it is not part of it. */
    struct sfe_slice *secret;
};

static enum sfe_code read_environment(const char *name, struct sfe_builder *content,
                                      struct sfe_error *err)
{
    const char *value = sfe_process_environment(name);

    if (value == NULL || value[0] == '\0') {
        return sfe_fail(err, SFE_E_NOT_FOUND, "the environment variable %s is not set", name);
    }
    sfe_builder_add_text(content, value);
    return content->overflowed
               ? sfe_fail(err, SFE_E_TOO_LARGE, "the environment variable %s is too long", name)
               : SFE_OK;
}

static enum sfe_code read_credential(const char *name, struct sfe_builder *content,
                                     struct sfe_error *err)
{
    const char *folder = sfe_process_environment("CREDENTIALS_DIRECTORY");
    char path[PATH_BYTES_MAX];
    int length;

    if (folder == NULL) {
        return sfe_fail(err, SFE_E_NOT_FOUND,
                        "the service manager gives no credentials; LoadCredential=%s:FILE does",
                        name);
    }
    length = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "the path of credential %s is too long", name);
    }
    return sfe_process_read_secret(path, content, err);
}

static enum sfe_code read_wish(const struct wish *wish, struct sfe_builder *content,
                               struct sfe_error *err)
{
    static const char environment[] = "env:";
    static const char credential[] = "credential:";

    if (wish->reference == NULL) {
        return sfe_process_read_secret(wish->file, content, err);
    }
    if (strncmp(wish->reference, environment, sizeof(environment) - 1) == 0) {
        return read_environment(wish->reference + sizeof(environment) - 1, content, err);
    }
    SFE_ASSERT(strncmp(wish->reference, credential, sizeof(credential) - 1) == 0);
    return read_credential(wish->reference + sizeof(credential) - 1, content, err);
}

static void trim_line_end(struct sfe_builder *content)
{
    while (content->size > 0 && (content->bytes[content->size - 1] == '\n' ||
                                 content->bytes[content->size - 1] == '\r')) {
        content->bytes[--content->size] = '\0';
    }
}

/* Whose secret it is. */
struct owner {
    const char *kind;
    const char *name;
    const struct sfe_config_place *place;
};

static enum sfe_code grant_to(struct compiler *compiler, const struct owner *owner,
                              const struct wish *wish, struct sfe_error *err)
{
    uint8_t *memory;
    struct sfe_builder content;

    if (wish->file == NULL && wish->reference == NULL) {
        return SFE_OK;
    }
    memory = sfe_arena_take(compiler->arena, SECRET_BYTES_MAX + 1, err);
    if (memory == NULL) {
        return err->code;
    }
    content = sfe_builder_make(memory, SECRET_BYTES_MAX);
    if (read_wish(wish, &content, err) == SFE_OK) {
        if (wish->is_line) {
            trim_line_end(&content);
        }
        *wish->secret = sfe_builder_slice(&content);
        if (content.size != 0) {
            return SFE_OK;
        }
        (void)sfe_fail(err, SFE_E_CONFIG, "it is empty");
    }
    (void)sfe_within(err, "%s \"%s\": cannot use its %s%s", owner->kind, owner->name, wish->key,
                     wish->file == NULL ? "" : "_file");
    compile_report(compiler, owner->place, err);
    return SFE_OK;
}

static enum sfe_code grant(struct compiler *compiler,
                           const struct sfe_config_connection *connection, const struct wish *wish,
                           struct sfe_error *err)
{
    const struct owner owner = {"connection", connection->name, &connection->place};

    return grant_to(compiler, &owner, wish, err);
}

/* Keeps what a file holds, so that a reload sees when it has been renewed. */
static enum sfe_code keep_certificates(struct compiler *compiler,
                                       const struct sfe_config_input *input, const char *key,
                                       struct sfe_slice *kept, struct sfe_error *err)
{
    const bool is_own = strcmp(key, "cert_file") == 0;
    const char *path = is_own ? input->http.tls_cert_file : input->http.tls_client_ca_file;
    struct sfe_builder content;
    uint8_t *memory;

    if (path == NULL) {
        return SFE_OK;
    }
    memory = sfe_arena_take(compiler->arena, CERTIFICATES_BYTES_MAX, err);
    if (memory == NULL) {
        return err->code;
    }
    content = sfe_builder_make(memory, CERTIFICATES_BYTES_MAX);
    if (sfe_process_read_file(path, &content, err) == SFE_OK) {
        if (content.size != 0) {
            *kept = sfe_builder_slice(&content);
            return SFE_OK;
        }
        (void)sfe_fail(err, SFE_E_CONFIG, "it is empty");
    }
    (void)sfe_within(err, "input \"%s\": cannot use its tls.%s", input->name, key);
    compile_report(compiler, &input->place, err);
    return SFE_OK;
}

/* What could not be read is reported already. */
static void check_listener(struct compiler *compiler, const struct sfe_config_input *input,
                           const struct sfe_tls_server_options *tls)
{
    const bool is_whole = tls->cert.size != 0 && tls->key.size != 0 &&
                          (input->http.tls_client_ca_file == NULL || tls->client_ca.size != 0);
    int64_t until_s;
    struct sfe_error err;

    if (is_whole && sfe_tls_server_check(tls, &until_s, &err) != SFE_OK) {
        (void)sfe_within(&err, "input \"%s\": tls", input->name);
        compile_report(compiler, &input->place, &err);
    }
}

enum sfe_code compile_input(struct compiler *compiler, const struct sfe_config_input *input,
                            struct sfe_compiled_input *compiled, struct sfe_error *err)
{
    const struct owner owner = {"input", input->name, &input->place};
    const struct wish wishes[] = {
        {"auth.bearer", input->http.bearer_file, input->http.bearer, true, &compiled->secret},
        {"auth.hmac", input->http.hmac_file, input->http.hmac, true, &compiled->secret},
        {"tls.key", input->http.tls_key_file, input->http.tls_key, false, &compiled->tls.key},
    };
    enum sfe_code code = SFE_OK;

    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]) && code == SFE_OK; i++) {
        code = grant_to(compiler, &owner, &wishes[i], err);
    }
    if (code == SFE_OK) {
        code = keep_certificates(compiler, input, "cert_file", &compiled->tls.cert, err);
    }
    if (code == SFE_OK) {
        code = keep_certificates(compiler, input, "client_ca_file", &compiled->tls.client_ca, err);
    }
    if (code == SFE_OK) {
        check_listener(compiler, input, &compiled->tls);
    }
    return code;
}

enum sfe_code compile_identity_secret(struct compiler *compiler,
                                      const struct sfe_config_identity *identity,
                                      struct sfe_slice *text, struct sfe_error *err)
{
    const struct owner owner = {"identity", identity->name, &identity->place};
    const struct wish bearer = {"bearer", identity->bearer_file, identity->bearer, true, text};
    const struct wish hmac = {"hmac", identity->hmac_file, identity->hmac, true, text};
    const enum sfe_code code = grant_to(compiler, &owner, &bearer, err);

    return code == SFE_OK ? grant_to(compiler, &owner, &hmac, err) : code;
}

/* Certificates are no secrets, but must be there. */
static enum sfe_code check_certificate(struct compiler *compiler, const struct owner *owner,
                                       const char *key, const char *path, struct sfe_error *err)
{
    uint8_t memory[1];
    struct sfe_builder content = sfe_builder_make(memory, sizeof(memory));
    enum sfe_code code = path == NULL ? SFE_OK : sfe_process_read_file(path, &content, err);

    if (code != SFE_OK && code != SFE_E_TOO_LARGE) {
        (void)sfe_within(err, "%s \"%s\": cannot use tls.%s", owner->kind, owner->name, key);
        compile_report(compiler, owner->place, err);
    } else if (path != NULL && code == SFE_OK && content.size == 0) {
        (void)sfe_fail(err, SFE_E_CONFIG, "%s \"%s\": the file of tls.%s is empty", owner->kind,
                       owner->name, key);
        compile_report(compiler, owner->place, err);
    }
    return SFE_OK;
}

/* "a,b,c" in the arena. */
static enum sfe_code join_no_proxy(struct compiler *compiler, const char *const *hosts,
                                   uint32_t count, char **joined, struct sfe_error *err)
{
    size_t size = 1;
    struct sfe_builder out;
    void *memory;

    if (count == 0) {
        return SFE_OK;
    }
    for (uint32_t i = 0; i < count; i++) {
        size += strlen(hosts[i]) + 1;
    }
    memory = sfe_arena_take(compiler->arena, size, err);
    if (memory == NULL) {
        return err->code;
    }
    out = sfe_builder_make(memory, size - 1);
    for (uint32_t i = 0; i < count; i++) {
        sfe_builder_add_text(&out, i == 0 ? "" : ",");
        sfe_builder_add_text(&out, hosts[i]);
    }
    SFE_ASSERT(!out.overflowed);
    *joined = memory;
    return SFE_OK;
}

static enum sfe_code compile_salesforce(struct compiler *compiler,
                                        const struct sfe_config_connection *connection,
                                        struct sfe_compiled_connection *compiled,
                                        struct sfe_error *err)
{
    const struct sfe_config_salesforce *salesforce = &connection->salesforce;
    const struct owner owner = {"connection", connection->name, &connection->place};
    const struct wish wishes[] = {
        {"key", salesforce->key_file, salesforce->key, false, &compiled->secret},
        {"client_secret", salesforce->client_secret_file, salesforce->client_secret, true,
         &compiled->secret},
        {"refresh_token", salesforce->refresh_token_file, salesforce->refresh_token, true,
         &compiled->refresh_tokens},
        {"tls.key", salesforce->cert_key_file, salesforce->cert_key, false, &compiled->tls_key},
        {"proxy.password", salesforce->proxy_password_file, salesforce->proxy_password, true,
         &compiled->proxy_password},
    };
    enum sfe_code code = SFE_OK;

    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]) && code == SFE_OK; i++) {
        code = grant(compiler, connection, &wishes[i], err);
    }
    if (code == SFE_OK) {
        code = check_certificate(compiler, &owner, "ca_file", salesforce->ca_file, err);
    }
    if (code == SFE_OK) {
        code = check_certificate(compiler, &owner, "cert_file", salesforce->cert_file, err);
    }
    return code == SFE_OK ? join_no_proxy(compiler, salesforce->no_proxy,
                                          salesforce->no_proxy_count, &compiled->no_proxy, err)
                          : code;
}

enum sfe_code compile_connection(struct compiler *compiler,
                                 const struct sfe_config_connection *connection,
                                 struct sfe_compiled_connection *compiled, struct sfe_error *err)
{
    const struct wish password = {"password", connection->mqtt.password_file,
                                  connection->mqtt.password, true, &compiled->secret};

    return connection->type == SFE_CONNECTION_MQTT
               ? grant(compiler, connection, &password, err)
               : compile_salesforce(compiler, connection, compiled, err);
}

/* A secret that goes into a header is one line. */
static void check_header_secret(struct compiler *compiler, const struct owner *owner,
                                struct sfe_slice secret)
{
    struct sfe_error err;

    for (size_t i = 0; i < secret.size; i++) {
        if (secret.bytes[i] < ' ' || secret.bytes[i] == 0x7f) {
            (void)sfe_fail(&err, SFE_E_CONFIG,
                           "%s \"%s\": the secret of auth has more than one line, or a control "
                           "character",
                           owner->kind, owner->name);
            compile_report(compiler, owner->place, &err);
            return;
        }
    }
}

enum sfe_code compile_output_secrets(struct compiler *compiler,
                                     const struct sfe_config_output *output,
                                     struct sfe_compiled_output *compiled, struct sfe_error *err)
{
    const struct sfe_config_http_output *http = &output->http;
    const struct sfe_config_http_auth *auth = &http->auth;
    const struct owner owner = {"output", output->name, &output->place};
    const struct wish wishes[] = {
        {"auth.password", auth->password_file, auth->password, true, &compiled->secret},
        {"auth.bearer", auth->bearer_file, auth->bearer, true, &compiled->secret},
        {"auth.key", auth->key_file, auth->key, true, &compiled->secret},
        {"auth.hmac", auth->hmac_file, auth->hmac, true, &compiled->secret},
        {"tls.key", http->cert_key_file, http->cert_key, false, &compiled->tls_key},
        {"proxy.password", http->proxy_password_file, http->proxy_password, true,
         &compiled->proxy_password},
    };
    enum sfe_code code = SFE_OK;

    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]) && code == SFE_OK; i++) {
        code = grant_to(compiler, &owner, &wishes[i], err);
    }
    if (code == SFE_OK && auth->hmac == NULL && auth->hmac_file == NULL) {
        check_header_secret(compiler, &owner, compiled->secret);
    }
    if (code == SFE_OK) {
        code = check_certificate(compiler, &owner, "ca_file", http->ca_file, err);
    }
    if (code == SFE_OK) {
        code = check_certificate(compiler, &owner, "cert_file", http->cert_file, err);
    }
    return code == SFE_OK ? join_no_proxy(compiler, http->no_proxy, http->no_proxy_count,
                                          &compiled->no_proxy, err)
                          : code;
}
