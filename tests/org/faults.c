#include "faults.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

/* In the order of enum fault_kind. */
static const char *const NAMES[FAULT_COUNT] = {
    "token_expired", "limit",       "status_429", "status_500",        "status_502",
    "status_503",    "html_200",    "html_503",   "cut_before_commit", "cut_after_commit",
    "truncated",     "timeout",     "slow",       "row_lock",          "wrong_count",
    "halted",        "event_limit", "down",       "contention",        "outside_lock",
    "events_lost"};

const char *fault_name(enum fault_kind kind)
{
    SFE_ASSERT(kind < FAULT_COUNT);
    return NAMES[kind];
}

static bool read_double(const struct sfe_json *json, uint32_t token, double *value)
{
    char text[40];
    struct sfe_slice raw = sfe_json_raw(json, token);
    if (sfe_json_kind(json, token) != SFE_JSON_NUMBER || raw.size >= sizeof text) {
        return false;
    }
    memcpy(text, raw.bytes, raw.size);
    text[raw.size] = '\0';
    *value = strtod(text, NULL);
    return *value >= 0 && *value <= 1e15;
}

static enum sfe_code read_place(const struct sfe_json *json, uint32_t token, struct fault *fault,
                                struct sfe_error *err)
{
    static const char *const PLACES[] = {"data", "token", "any", "events"};
    for (unsigned i = 0; i < 4; i++) {
        if (sfe_json_kind(json, token) == SFE_JSON_STRING &&
            sfe_json_text_equal(json, token, sfe_slice_text(PLACES[i]))) {
            fault->place = (enum fault_place)i;
            return SFE_OK;
        }
    }
    return sfe_fail(err, SFE_E_CONFIG,
                    "\"on\" must be \"data\", \"token\", \"events\" or "
                    "\"any\"");
}

static enum sfe_code read_member(const struct sfe_json *json, uint32_t key, struct fault *fault,
                                 struct sfe_error *err)
{
    if (sfe_json_text_equal(json, key, SFE_TEXT("on"))) {
        return read_place(json, key + 1, fault, err);
    }
    double value = 0;
    if (!read_double(json, key + 1, &value)) {
        return sfe_fail(err, SFE_E_CONFIG, "a fault's members are numbers, but for \"on\"");
    }
    if (sfe_json_text_equal(json, key, SFE_TEXT("probability"))) {
        if (value > 1) {
            return sfe_fail(err, SFE_E_CONFIG, "probability must be 0 to 1");
        }
        fault->probability = value;
    } else if (sfe_json_text_equal(json, key, SFE_TEXT("count"))) {
        fault->left = (uint64_t)value;
    } else if (sfe_json_text_equal(json, key, SFE_TEXT("skip"))) {
        fault->skip = (uint64_t)value;
    } else if (sfe_json_text_equal(json, key, SFE_TEXT("seconds"))) {
        fault->delay_ms = (uint64_t)(value * 1000);
    } else if (sfe_json_text_equal(json, key, SFE_TEXT("ms"))) {
        fault->delay_ms = (uint64_t)value;
    } else if (sfe_json_text_equal(json, key, SFE_TEXT("record_us"))) {
        fault->record_us = (uint64_t)value;
    } else if (sfe_json_text_equal(json, key, SFE_TEXT("retry_after"))) {
        fault->retry_after_s = (int64_t)value;
    } else {
        return sfe_fail(
            err, SFE_E_CONFIG,
            "a fault has probability, count, skip, seconds, ms, record_us, retry_after, on");
    }
    return SFE_OK;
}

static enum sfe_code read_fault(const struct sfe_json *json, uint32_t token, struct fault *fault,
                                struct sfe_error *err)
{
    *fault = (struct fault){.is_on = true,
                            .probability = 1,
                            .left = UINT64_MAX,
                            .retry_after_s = -1,
                            .happened = fault->happened};
    switch (sfe_json_kind(json, token)) {
    case SFE_JSON_TRUE:
        return SFE_OK;
    case SFE_JSON_FALSE:
    case SFE_JSON_NULL:
        fault->is_on = false;
        return SFE_OK;
    case SFE_JSON_NUMBER: {
        double count = 0;
        if (!read_double(json, token, &count) || (double)(uint64_t)count < count) {
            return sfe_fail(err, SFE_E_CONFIG, "a bare number is how often: a whole number");
        }
        fault->left = (uint64_t)count;
        return SFE_OK;
    }
    case SFE_JSON_OBJECT:
        break;
    default:
        return sfe_fail(err, SFE_E_CONFIG, "a fault is true, false, a count or an object");
    }
    enum sfe_code code = SFE_OK;
    for (uint32_t key = sfe_json_first(json, token); key != SFE_JSON_NONE && code == SFE_OK;
         key = sfe_json_next(json, token, key)) {
        code = read_member(json, key, fault, err);
    }
    return code;
}

static enum fault_kind kind_of(const struct sfe_json *json, uint32_t key)
{
    unsigned kind = 0;
    while (kind < FAULT_COUNT && !sfe_json_text_equal(json, key, sfe_slice_text(NAMES[kind]))) {
        kind++;
    }
    return (enum fault_kind)kind;
}

enum sfe_code faults_load(struct faults *faults, const struct sfe_json *json, uint32_t token,
                          struct sfe_error *err)
{
    struct faults fresh = *faults;
    if (sfe_json_kind(json, token) != SFE_JSON_OBJECT) {
        return sfe_fail(err, SFE_E_CONFIG, "faults are an object: {\"status_503\":{\"count\":1}}");
    }
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        fresh.kinds[i] = (struct fault){.happened = faults->kinds[i].happened};
    }
    for (uint32_t key = sfe_json_first(json, token); key != SFE_JSON_NONE;
         key = sfe_json_next(json, token, key)) {
        double seed = 0;
        enum fault_kind kind = kind_of(json, key);
        char shown[64];
        sfe_printable(shown, sizeof shown, sfe_json_raw(json, key));
        enum sfe_code code = SFE_OK;
        if (sfe_json_text_equal(json, key, SFE_TEXT("seed")) && read_double(json, key + 1, &seed)) {
            fresh.random = (uint64_t)seed;
        } else if (kind != FAULT_COUNT) {
            code = read_fault(json, key + 1, &fresh.kinds[kind], err);
        } else {
            return sfe_fail(err, SFE_E_CONFIG, "no fault is called \"%s\"", shown);
        }
        if (code != SFE_OK) {
            return sfe_within(err, "%s", shown);
        }
    }
    *faults = fresh;
    return SFE_OK;
}

/* splitmix64 (Steele, Lea, Flood): uniform in [0, 1). */
static double draw(struct faults *faults)
{
    faults->random += 0x9E3779B97F4A7C15u;
    uint64_t z = faults->random;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return (double)(z >> 11) / 9007199254740992.0;
}

bool faults_happens(struct faults *faults, enum fault_kind kind)
{
    struct fault *fault = &faults->kinds[kind];
    if (!fault->is_on || fault->left == 0) {
        return false;
    }
    if (fault->skip > 0) {
        fault->skip--;
        return false;
    }
    if (fault->probability < 1 && draw(faults) >= fault->probability) {
        return false;
    }
    fault->left -= fault->left != UINT64_MAX;
    fault->happened++;
    return true;
}

enum fault_kind faults_draw(struct faults *faults, enum fault_place place)
{
    for (unsigned i = 0; i <= FAULT_TIMEOUT; i++) {
        const struct fault *fault = &faults->kinds[i];
        if (fault->is_on && (fault->place == place || fault->place == FAULT_ON_ANY) &&
            faults_happens(faults, (enum fault_kind)i)) {
            return (enum fault_kind)i;
        }
    }
    return FAULT_NONE;
}
