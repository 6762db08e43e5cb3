#include "salesforce/refresh.h"

#include "base/arena.h"
#include "base/assert.h"
#include "salesforce/org.h"

#include <stdio.h>

/* A disk that is full or read-only stays so for a while. */
#define KEEP_AGAIN_NS UINT64_C(10000000000)

size_t refresh_memory_bytes(void)
{
    return sfe_arena_cost(sizeof(struct refresh));
}

/* The next line of `rest`, without blanks around it. */
static struct sfe_slice take_line(struct sfe_slice *rest)
{
    size_t end = 0;
    size_t begin = 0;

    while (end < rest->size && rest->bytes[end] != '\n') {
        end++;
    }
    struct sfe_slice line = sfe_slice_part(*rest, 0, end);
    *rest = sfe_slice_part(*rest, end < rest->size ? end + 1 : end, rest->size);
    while (line.size > 0 && line.bytes[line.size - 1] <= ' ') {
        line.size--;
    }
    while (begin < line.size && line.bytes[begin] <= ' ') {
        begin++;
    }
    return sfe_slice_part(line, begin, line.size);
}

static bool is_plain(struct sfe_slice line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (line.bytes[i] <= ' ' || line.bytes[i] >= 127) {
            return false;
        }
    }
    return true;
}

static enum sfe_code add_family(struct refresh *refresh, struct sfe_slice line,
                                const struct sfe_crypto *crypto, struct sfe_error *err)
{
    if (refresh->count == REFRESH_FAMILIES_MAX) {
        return sfe_fail(err, SFE_E_CONFIG, "more than %u lines", REFRESH_FAMILIES_MAX);
    }
    if (!is_plain(line) || line.size > REFRESH_TOKEN_BYTES_MAX) {
        return sfe_fail(err, SFE_E_CONFIG,
                        "line %u is no refresh token: up to %u letters, digits and signs",
                        refresh->count + 1u, REFRESH_TOKEN_BYTES_MAX);
    }
    struct refresh_token *family = &refresh->families[refresh->count];
    enum sfe_code code = refresh_token_open(family, line, crypto, err);
    if (code != SFE_OK) {
        return code;
    }
    refresh->count++; /* Closed with the others from now on. */
    for (uint32_t i = 0; i + 1 < refresh->count; i++) {
        if (strcmp(refresh->families[i].name, family->name) == 0) {
            return sfe_fail(err, SFE_E_CONFIG, "a line stands twice");
        }
    }
    return SFE_OK;
}

enum sfe_code refresh_open(struct sfe_slice lines, const struct sfe_crypto *crypto,
                           struct sfe_arena *arena, struct refresh **refresh, struct sfe_error *err)
{
    struct refresh *opened = sfe_arena_take(arena, sizeof(*opened), err);
    enum sfe_code code = opened == NULL ? SFE_E_NO_MEMORY : SFE_OK;

    *refresh = NULL;
    while (code == SFE_OK && lines.size > 0) {
        struct sfe_slice line = take_line(&lines);
        code = line.size == 0 ? SFE_OK : add_family(opened, line, crypto, err);
    }
    if (code == SFE_OK && opened->count == 0) {
        code = sfe_fail(err, SFE_E_CONFIG, "there is no token in it");
    }
    if (code != SFE_OK) {
        refresh_close(opened, crypto);
        return sfe_within(err, "auth.refresh_token");
    }
    *refresh = opened;
    return SFE_OK;
}

/* A file that is damaged for good leaves the operator's own token: it may be refused, and then the
 * next one has its turn. */
static enum sfe_code load(struct refresh *refresh, const struct sfe_org_options *options,
                          struct sfe_error *err)
{
    for (uint32_t i = 0; i < refresh->count; i++) {
        enum sfe_code code =
            refresh_token_load(&refresh->families[i], options->crypto, options->storage, err);
        if (code == SFE_E_CORRUPT) {
            sfe_log_error(options->log, SFE_ERROR, "a refresh token is lost", err);
        } else if (code != SFE_OK) {
            return code;
        }
    }
    refresh->is_loaded = true;
    return SFE_OK;
}

enum sfe_code refresh_take(struct refresh *refresh, const struct sfe_org_options *options,
                           struct sfe_slice *token, struct sfe_error *err)
{
    SFE_ASSERT(!atomic_load(&refresh->is_keeping));
    if (options->storage == NULL) {
        return sfe_fail(err, SFE_E_NOT_READY,
                        "a refresh token is for one user alone: the running agent");
    }
    if (!refresh->is_loaded && load(refresh, options, err) != SFE_OK) {
        return err->code;
    }
    *token = sfe_secret_reveal(&refresh->families[refresh->at].value);
    return SFE_OK;
}

void refresh_renew(struct refresh *refresh, const struct sfe_secret *token)
{
    struct refresh_token *family = &refresh->families[refresh->at];
    struct sfe_error err;

    SFE_ASSERT(!atomic_load(&refresh->is_keeping));
    if (sfe_slice_equal(sfe_secret_reveal(token), sfe_secret_reveal(&family->value))) {
        return; /* The same again: nothing was rotated. */
    }
    enum sfe_code code = sfe_secret_set(&family->value, sfe_secret_reveal(token), &err);
    SFE_ASSERT(code == SFE_OK); /* The log-in took no longer one. */
    atomic_store(&refresh->has_failed, false);
    atomic_store(&refresh->is_keeping, true);
}

bool refresh_next(struct refresh *refresh)
{
    SFE_ASSERT(refresh->count > 0);
    refresh->is_refused[refresh->at] = true;
    for (uint32_t i = 0; i < refresh->count; i++) {
        if (!refresh->is_refused[i]) {
            refresh->at = i;
            return true;
        }
    }
    refresh->at = (refresh->at + 1u) % refresh->count; /* One a try: no storm. */
    return false;
}

void refresh_worked(struct refresh *refresh)
{
    refresh->is_refused[refresh->at] = false;
}

uint32_t refresh_left(const struct refresh *refresh)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < refresh->count; i++) {
        left += refresh->is_refused[i] ? 0u : 1u;
    }
    return left;
}

uint64_t refresh_keep(struct refresh *refresh, const struct sfe_org_options *options,
                      uint64_t now_ns, bool *has_tried, struct sfe_error *err)
{
    *has_tried = false;
    if (!atomic_load(&refresh->is_keeping)) {
        return UINT64_MAX;
    }
    if (now_ns < refresh->keep_ns) {
        return refresh->keep_ns;
    }
    *has_tried = true;
    enum sfe_code code = refresh_token_save(&refresh->families[refresh->at], options->crypto,
                                            options->entropy, options->storage, err);
    if (code == SFE_OK) {
        atomic_store(&refresh->has_failed, false);
        atomic_store(&refresh->is_keeping, false);
        return UINT64_MAX;
    }
    refresh->keep_ns = now_ns + KEEP_AGAIN_NS;
    atomic_store(&refresh->has_failed, true);
    return refresh->keep_ns;
}

void refresh_close(struct refresh *refresh, const struct sfe_crypto *crypto)
{
    for (uint32_t i = 0; refresh != NULL && i < refresh->count; i++) {
        refresh_token_close(&refresh->families[i], crypto);
    }
    if (refresh != NULL) {
        refresh->count = 0;
    }
}
