#include "input/http_signed.h"

#include "base/assert.h"
#include "input/http_auth.h"

#define SECOND_NS INT64_C(1000000000)
/* A sender that changes its key signs with the old one as well. */
#define SIGNATURES_MAX 4u

/* The seconds that the text says; -1: it says none. The limit is the year 2262. */
static int64_t read_seconds(struct sfe_slice text)
{
    int64_t seconds = 0;

    if (text.size == 0 || text.size > HTTP_AUTH_TIME_BYTES_MAX) {
        return -1;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return -1;
        }
        seconds = seconds * 10 + (text.bytes[i] - '0');
    }
    return seconds <= INT64_MAX / SECOND_NS ? seconds : -1;
}

/* The next "name=value" of a list with commas. False behind the last one. */
static bool next_pair(struct sfe_slice *rest, struct sfe_slice *name, struct sfe_slice *value)
{
    size_t end = 0;
    size_t at = 0;

    if (rest->size == 0) {
        return false;
    }
    while (end < rest->size && rest->bytes[end] != ',') {
        end++;
    }
    while (at < end && rest->bytes[at] != '=') {
        at++;
    }
    *name = sfe_slice_part(*rest, 0, at);
    *value = sfe_slice_part(*rest, at < end ? at + 1u : end, end - (at < end ? at + 1u : end));
    *rest = sfe_slice_part(*rest, end + 1u, rest->size);
    return true;
}

/* "t=1492774577,v1=5257a8…,v1=…": what else stands there is let pass. A time that stands twice is
 * none: which of them is signed? */
static bool is_signed_in_one(const struct http_signed_rules *rules, const struct sfe_crypto *crypto,
                             const struct http_head *head, uint8_t *body, struct sfe_slice *time)
{
    struct sfe_slice rest = head->signature;
    struct sfe_slice name;
    struct sfe_slice value;
    uint32_t times = 0;
    uint32_t signatures = 0;

    while (next_pair(&rest, &name, &value)) {
        if (sfe_slice_equal(name, SFE_TEXT("t"))) {
            *time = value;
            times++;
        }
    }
    rest = head->signature;
    while (times == 1 && read_seconds(*time) >= 0 && signatures < SIGNATURES_MAX &&
           next_pair(&rest, &name, &value)) {
        if (!sfe_slice_equal(name, SFE_TEXT("v1"))) {
            continue;
        }
        signatures++;
        if (http_auth_signature(crypto, rules->key, *time, value, body, (size_t)head->body_bytes)) {
            return true;
        }
    }
    return false;
}

static enum sfe_code judge_time(const struct http_signed_rules *rules,
                                const struct sfe_clock *clock, struct sfe_slice time,
                                struct sfe_error *err)
{
    const int64_t seconds = read_seconds(time);
    int64_t now_ns = 0;
    const enum sfe_clock_quality quality = clock->wall_ns(clock->context, &now_ns);

    SFE_ASSERT(seconds >= 0);
    if (quality == SFE_CLOCK_UNSET) {
        return http_refuse(err, 503, "our clock is not set yet; send the request again later");
    }
    const int64_t then_ns = seconds * SECOND_NS;
    const uint64_t apart_ns = now_ns < 0         ? UINT64_MAX
                              : then_ns < now_ns ? (uint64_t)(now_ns - then_ns)
                                                 : (uint64_t)(then_ns - now_ns);
    if (apart_ns <= rules->window_ns) {
        return SFE_OK;
    }
    if (quality != SFE_CLOCK_SYNCED) {
        return http_refuse(err, 503,
                           "the time of sending is too far from ours, which may be wrong; send the "
                           "request again later");
    }
    return http_refuse(err, 401, "the time of sending is too far from ours");
}

static bool is_signed(const struct http_signed_rules *rules, const struct sfe_crypto *crypto,
                      const struct http_head *head, uint8_t *body, struct sfe_slice *time)
{
    const bool has_time = rules->names.time != NULL;

    if (has_time &&
        http_same_word(sfe_slice_text(rules->names.time), sfe_slice_text(rules->names.signature))) {
        return is_signed_in_one(rules, crypto, head, body, time);
    }
    *time = head->time;
    return (!has_time || read_seconds(*time) >= 0) &&
           http_auth_signature(crypto, rules->key, *time, head->signature, body,
                               (size_t)head->body_bytes);
}

static enum sfe_code judge(const struct http_signed_rules *rules, bool is_good,
                           const struct sfe_clock *clock, struct sfe_slice time,
                           struct sfe_error *err)
{
    const bool has_time = rules->names.time != NULL;

    if (!is_good) {
        return http_refuse(err, 401,
                           has_time ? "the signature or its time is missing or wrong"
                                    : "the signature is missing or wrong");
    }
    return has_time ? judge_time(rules, clock, time, err) : SFE_OK;
}

enum sfe_code http_signed_check(const struct http_signed_rules *rules,
                                const struct sfe_crypto *crypto, const struct sfe_clock *clock,
                                const struct http_head *head, uint8_t *body, struct sfe_error *err)
{
    struct sfe_slice time = {NULL, 0};
    const bool is_good = is_signed(rules, crypto, head, body, &time);

    return judge(rules, is_good, clock, time, err);
}

enum sfe_code http_signed_identify(const struct http_signed_rules *rules,
                                   const struct http_signers *signers, const struct http_head *head,
                                   uint8_t *body, uint32_t *signer, struct sfe_error *err)
{
    struct http_signed_rules with = *rules;
    struct sfe_slice time = {NULL, 0};

    *signer = HTTP_NOBODY;
    for (uint32_t i = 0; i < signers->count; i++) {
        for (uint32_t k = 0; k < SFE_IDENTITY_SECRETS_MAX; k++) {
            struct sfe_slice its_time = {NULL, 0};

            with.key = signers->identities[i].keys[k];
            if (with.key.size != 0 && is_signed(&with, signers->crypto, head, body, &its_time)) {
                *signer = i;
                time = its_time;
            }
        }
    }
    return judge(rules, *signer != HTTP_NOBODY, signers->clock, time, err);
}
