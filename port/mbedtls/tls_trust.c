/* Reads whom we trust and who we are. */
#include "port/process.h"
#include "tls.h"

#include "base/assert.h"
#include "base/secret.h"

#include <mbedtls/error.h>
#include <mbedtls/version.h>
#include <stdlib.h>

#define IS_VERSION_3 (MBEDTLS_VERSION_NUMBER >= 0x03000000)
/* The bundles of systems have some 220 kB. */
#define FILE_BYTES_MAX   (1024u * 1024u)
#define SYSTEM_FILE      "/etc/ssl/certs/ca-certificates.crt"
#define SYSTEM_FILE_ELSE "/etc/ssl/cert.pem"

typedef enum sfe_code (*read_file)(const char *path, struct sfe_builder *content,
                                   struct sfe_error *err);

struct file {
    struct sfe_builder content; /* A NUL follows it: without one mbedTLS does not look for PEM. */
};

static void make_file(struct file *file, size_t capacity)
{
    file->content = sfe_builder_make(malloc(capacity + 1u), capacity);
}

static enum sfe_code open_file(struct file *file, const char *path, read_file read,
                               struct sfe_error *err)
{
    enum sfe_code code;

    make_file(file, FILE_BYTES_MAX);
    if (file->content.bytes == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for '%s'", path);
    }
    code = read(path, &file->content, err);
    file->content.bytes[code == SFE_OK ? file->content.size : 0] = '\0';
    return code;
}

static void close_file(struct file *file)
{
    if (file->content.bytes != NULL) {
        sfe_wipe(file->content.bytes, file->content.capacity + 1u);
    }
    free(file->content.bytes);
}

static enum sfe_code fail_file(struct sfe_error *err, const char *path, int result,
                               const char *what)
{
    char why[96] = "";

    if (result > 0) {
        return sfe_fail(err, SFE_E_CONFIG, "%d certificates in '%s' cannot be read", result, path);
    }
    mbedtls_strerror(result, why, sizeof(why));
    return sfe_fail(err, SFE_E_CONFIG, "no %s (PEM) in '%s': %s", what, path, why);
}

static enum sfe_code read_certificates(mbedtls_x509_crt *certificates, const char *path,
                                       bool is_strict, struct sfe_error *err)
{
    struct file file;
    enum sfe_code code = open_file(&file, path, sfe_process_read_file, err);

    if (code == SFE_OK) {
        int result =
            mbedtls_x509_crt_parse(certificates, file.content.bytes, file.content.size + 1);

        /* A system's bundle may hold a certificate of a kind that we cannot read. */
        if (result < 0 || (result > 0 && is_strict)) {
            code = fail_file(err, path, result, "certificate");
        }
    }
    close_file(&file);
    return code;
}

int tls_fill_random(void *entropy, unsigned char *bytes, size_t size)
{
    const struct sfe_entropy *self = entropy;
    struct sfe_error ignored;

    return self->fill(self->context, bytes, size, &ignored) == SFE_OK ? 0 : -1;
}

void tls_identity_init(struct tls_identity *identity, const struct sfe_entropy *entropy)
{
    mbedtls_x509_crt_init(&identity->trusted);
    mbedtls_x509_crt_init(&identity->own);
    mbedtls_pk_init(&identity->key);
    identity->has_own = false;
    identity->entropy = *entropy;
}

void tls_identity_free(struct tls_identity *identity)
{
    mbedtls_x509_crt_free(&identity->trusted);
    mbedtls_x509_crt_free(&identity->own);
    mbedtls_pk_free(&identity->key);
}

static int parse_key(struct tls_identity *identity, const struct sfe_builder *content)
{
#if IS_VERSION_3
    return mbedtls_pk_parse_key(&identity->key, content->bytes, content->size + 1, NULL, 0,
                                tls_fill_random, &identity->entropy);
#else
    return mbedtls_pk_parse_key(&identity->key, content->bytes, content->size + 1, NULL, 0);
#endif
}

static int check_pair(struct tls_identity *identity)
{
#if IS_VERSION_3
    return mbedtls_pk_check_pair(&identity->own.pk, &identity->key, tls_fill_random,
                                 &identity->entropy);
#else
    return mbedtls_pk_check_pair(&identity->own.pk, &identity->key);
#endif
}

static enum sfe_code read_own(struct tls_identity *identity, const struct sfe_tls_options *options,
                              struct sfe_error *err)
{
    struct file file;
    enum sfe_code code = read_certificates(&identity->own, options->cert_file, true, err);

    if (code != SFE_OK) {
        return code;
    }
    code = open_file(&file, options->key_file, sfe_process_read_secret, err);
    if (code == SFE_OK) {
        int result = parse_key(identity, &file.content);

        if (result != 0) {
            code = fail_file(err, options->key_file, result, "private key");
        } else if (check_pair(identity) != 0) {
            code = sfe_fail(err, SFE_E_CONFIG, "the key in '%s' is not that of '%s'",
                            options->key_file, options->cert_file);
        }
    }
    identity->has_own = code == SFE_OK;
    close_file(&file);
    return code;
}

enum sfe_code tls_read_files(struct tls_identity *identity, const struct sfe_tls_options *options,
                             struct sfe_error *err)
{
    enum sfe_code code;

    SFE_ASSERT((options->cert_file == NULL) == (options->key_file == NULL));
    if (options->ca_file != NULL) {
        code = read_certificates(&identity->trusted, options->ca_file, true, err);
    } else {
        code = read_certificates(&identity->trusted, SYSTEM_FILE, false, err);
        if (code == SFE_E_NOT_FOUND) {
            code = read_certificates(&identity->trusted, SYSTEM_FILE_ELSE, false, err);
        }
        if (code != SFE_OK) {
            (void)sfe_within(err, "no certificates of the system; name some by \"ca_file\"");
        }
    }
    if (code == SFE_OK && options->cert_file != NULL) {
        code = read_own(identity, options, err);
    }
    return code;
}

/* With the NUL behind it that mbedTLS looks for. */
static enum sfe_code copy_bytes(struct file *file, struct sfe_slice bytes, struct sfe_error *err)
{
    make_file(file, bytes.size);
    if (file->content.bytes == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a certificate or a key");
    }
    sfe_builder_add(&file->content, bytes);
    file->content.bytes[file->content.size] = '\0';
    return SFE_OK;
}

static enum sfe_code parse_certificates(mbedtls_x509_crt *certificates, struct sfe_slice bytes,
                                        const char *what, struct sfe_error *err)
{
    struct file file;
    enum sfe_code code = copy_bytes(&file, bytes, err);

    if (code == SFE_OK) {
        const int result =
            mbedtls_x509_crt_parse(certificates, file.content.bytes, file.content.size + 1);
        code = result == 0 ? SFE_OK : fail_file(err, what, result, "certificate");
    }
    close_file(&file);
    return code;
}

enum sfe_code tls_read_bytes(struct tls_identity *identity,
                             const struct sfe_tls_server_options *options, struct sfe_error *err)
{
    struct file file;
    enum sfe_code code = parse_certificates(&identity->own, options->cert, "cert_file", err);

    if (code == SFE_OK && options->client_ca.size != 0) {
        code = parse_certificates(&identity->trusted, options->client_ca, "client_ca_file", err);
    }
    if (code != SFE_OK) {
        return code;
    }
    code = copy_bytes(&file, options->key, err);
    if (code == SFE_OK) {
        const int result = parse_key(identity, &file.content);

        if (result != 0) {
            code = fail_file(err, "key", result, "private key");
        } else if (check_pair(identity) != 0) {
            code = sfe_fail(err, SFE_E_CONFIG, "the key is not that of the certificate");
        }
    }
    identity->has_own = code == SFE_OK;
    close_file(&file);
    return code;
}
