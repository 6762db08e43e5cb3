/* Who may send over HTTP: the secrets of each identity, a line each, and what its scope asks for.
 */
#include "compile/parts.h"

#include "config/same.h"

static bool is_printable(struct sfe_slice secret)
{
    for (size_t i = 0; i < secret.size; i++) {
        if (secret.bytes[i] <= ' ' || secret.bytes[i] >= 0x7f) {
            return false;
        }
    }
    return secret.size != 0;
}

/* False: there is more than may be good at once, or a line that nobody can send. */
static bool split_lines(struct sfe_compiled_identity *compiled)
{
    struct sfe_slice rest = compiled->text;
    uint32_t count = 0;

    while (rest.size != 0) {
        size_t size = 0;
        size_t end;

        while (size < rest.size && rest.bytes[size] != '\n') {
            size++;
        }
        end = size != 0 && rest.bytes[size - 1] == '\r' ? size - 1u : size;
        if (count == SFE_IDENTITY_SECRETS_MAX || !is_printable(sfe_slice_part(rest, 0, end))) {
            return false;
        }
        compiled->secrets[count++] = sfe_slice_part(rest, 0, end);
        rest = sfe_slice_part(rest, size + 1u, rest.size);
    }
    return true;
}

/* By which kind of secret it is known does not matter: one secret is one sender's. */
static const char *who_has(const struct compiler *compiler, const struct sfe_compiled *compiled,
                           uint32_t before, struct sfe_slice secret)
{
    for (uint32_t i = 0; i < before; i++) {
        for (uint32_t k = 0; k < SFE_IDENTITY_SECRETS_MAX; k++) {
            const struct sfe_slice other = compiled->identities[i].secrets[k];

            if (secret.size != 0 && sfe_slice_equal(secret, other)) {
                return compiler->config->identities[i].name;
            }
        }
    }
    return NULL;
}

static void check_secrets(struct compiler *compiler, struct sfe_compiled *compiled, uint32_t index)
{
    const struct sfe_config_identity *identity = &compiler->config->identities[index];
    struct sfe_error err;

    if (!split_lines(&compiled->identities[index])) {
        (void)sfe_fail(&err, SFE_E_CONFIG,
                       "identity \"%s\": its secret is to be one line, or two while one takes the "
                       "other's place, each without a space or an empty line",
                       identity->name);
        compile_report(compiler, &identity->place, &err);
        return;
    }
    for (uint32_t k = 0; k < SFE_IDENTITY_SECRETS_MAX; k++) {
        const char *other =
            who_has(compiler, compiled, index, compiled->identities[index].secrets[k]);

        if (other != NULL) {
            (void)sfe_fail(&err, SFE_E_CONFIG,
                           "identity \"%s\" has the secret of identity \"%s\": which of them sends "
                           "could not be told",
                           identity->name, other);
            compile_report(compiler, &identity->place, &err);
            return;
        }
    }
}

enum sfe_code compile_identities(struct compiler *compiler, struct sfe_compiled *compiled,
                                 struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    for (uint32_t i = 0; i < compiler->config->identity_count && code == SFE_OK; i++) {
        const struct sfe_config_identity *identity = &compiler->config->identities[i];
        struct sfe_compiled_identity *own = &compiled->identities[i];

        if (!compiled->without_secrets) {
            code = compile_identity_secret(compiler, identity, &own->text, err);
            check_secrets(compiler, compiled, i);
        }
        if (code == SFE_OK) {
            code = compile_admission(compiler, identity->where, identity->where_count, &own->where,
                                     err);
        }
    }
    return code;
}

bool sfe_compiled_same_identities(const struct sfe_compiled *a, const struct sfe_compiled *b)
{
    bool is_same = sfe_config_same_identities(a->config, b->config);

    for (uint32_t i = 0; is_same && i < a->config->identity_count; i++) {
        is_same = sfe_slice_equal(a->identities[i].text, b->identities[i].text);
    }
    return is_same;
}
