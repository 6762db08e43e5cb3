#include "salesforce/org_parts.h"

#include "base/assert.h"
#include "base/backoff.h"
#include "base/learned_clock.h"

#include <stdio.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)
#define BASE_NS   SECOND_NS
#define CAP_NS    (300 * SECOND_NS)
/* Where a human must act: often enough to notice, too seldom to be a storm (3,600 log-ins an hour
 * are the limit). */
#define HUMAN_BASE_NS (60 * SECOND_NS)
#define HUMAN_CAP_NS  (900 * SECOND_NS)
#define QUOTA_NS      (900 * SECOND_NS)
/* A clock that is further off than this is wrong for an assertion of 3 minutes. */
#define CLOCK_OFF_S 60

static uint64_t random_of(const struct sfe_org *org)
{
    struct sfe_error err;
    uint64_t random = 0;

    if (org->options.entropy->fill(org->options.entropy->context, &random, sizeof(random), &err) !=
        SFE_OK) {
        random = sfe_org_now_ns(org) * 0x9e3779b97f4a7c15u; /* Jitter need not be secret. */
    }
    return random;
}

static uint64_t delay_ns(const struct sfe_org *org, enum sfe_retry retry)
{
    switch (retry) {
    case SFE_RETRY_AFTER_HUMAN: {
        uint64_t delay = HUMAN_BASE_NS;
        for (uint32_t i = 1; i < org->failures && delay < HUMAN_CAP_NS; i++) {
            delay *= 2;
        }
        return delay < HUMAN_CAP_NS ? delay : HUMAN_CAP_NS;
    }
    case SFE_RETRY_AFTER_QUOTA:
        return QUOTA_NS;
    default:
        return sfe_backoff_ns(org->failures, BASE_NS, CAP_NS, random_of(org));
    }
}

static void login_failed(struct sfe_org *org, const struct sfe_error *err, int64_t retry_after_s)
{
    uint64_t wait_ns;

    org->failures++;
    wait_ns = delay_ns(org, err->retry);
    if (retry_after_s > 0 && retry_after_s < 86400 &&
        (uint64_t)retry_after_s * SECOND_NS > wait_ns) {
        wait_ns = (uint64_t)retry_after_s * SECOND_NS;
    }
    org->login_ns = sfe_org_now_ns(org) + wait_ns;
    sfe_mutex_lock(org->mutex);
    org->facts.last_error = *err;
    sfe_mutex_unlock(org->mutex);
    SFE_LOG(org->options.log, err->retry == SFE_RETRY_AFTER_HUMAN ? SFE_ERROR : SFE_WARNING,
            "cannot log in to the org", sfe_text("connection", org->options.name),
            sfe_text("code", err->api_code), sfe_text("why", err->message),
            sfe_ms("again_in_ms", wait_ns));
}

void org_learn_time(struct sfe_org *org, const struct sfe_http_answer *answer)
{
    if (answer->date_unix_s > 0) {
        org->org_minus_monotonic_s =
            answer->date_unix_s - (int64_t)(sfe_org_now_ns(org) / SECOND_NS);
        org->knows_time = true;
        if (org->options.learned != NULL) {
            (void)sfe_learned_clock_learn(org->options.learned, answer->date_unix_s);
        }
    }
}

static int64_t org_time_s(const struct sfe_org *org)
{
    return org->org_minus_monotonic_s + (int64_t)(sfe_org_now_ns(org) / SECOND_NS);
}

/* The time to sign with. False where no clock can be trusted. */
static bool find_time(const struct sfe_org *org, int64_t *unix_s)
{
    const struct sfe_clock *clock = org->options.clock;
    int64_t unix_ns = 0;
    bool is_set = clock->wall_ns(clock->context, &unix_ns) != SFE_CLOCK_UNSET;

    *unix_s = unix_ns / (int64_t)SECOND_NS;
    if (org->knows_time && (!is_set || org->trusts_org_time)) {
        *unix_s = org_time_s(org);
        return true;
    }
    return is_set;
}

static enum sfe_code begin_exchange(struct sfe_org *org, const char *method, const char *path,
                                    struct sfe_error *err)
{
    static const struct sfe_http_header form_header = {
        "Content-Type", {(const uint8_t *)"application/x-www-form-urlencoded", 33}};
    char url[ORG_URL_BYTES_MAX];
    size_t login_size = strlen(org->options.login_url);

    while (login_size > 0 && org->options.login_url[login_size - 1] == '/') {
        login_size--;
    }
    int length =
        snprintf(url, sizeof(url), "%.*s%s", (int)login_size, org->options.login_url, path);
    if (length < 0 || (size_t)length >= sizeof(url)) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "login_url is too long");
    }
    struct sfe_http_request request = {
        .method = method,
        .url = url,
        .headers = &form_header,
        .header_count = org->form.size > 0 ? 1 : 0,
        .body = sfe_builder_slice(&org->form),
        .ca_file = org->options.ca_file,
        .connect_timeout_ms = org->options.connect_timeout_ms,
        .total_timeout_ms = org->options.request_timeout_ms,
        .answer_body = &org->answer_body,
        .tag = &org->login_owner,
        .route = &org->options.route,
    };
    sfe_builder_rewind(&org->answer_body, 0);
    enum sfe_code code = org_measure(org, &request, err);
    if (code == SFE_OK) {
        code = org->options.http->begin(org->options.http->context, &request, &org->exchange, err);
    }
    if (code == SFE_OK) {
        org_count_login(org);
        org_charge_begin(org, &request, &org->login_owner);
    }
    return code;
}

static void set_waiting(struct sfe_org *org, bool is_waiting)
{
    bool has_changed = false;

    sfe_mutex_lock(org->mutex);
    has_changed = org->facts.is_waiting_for_clock != is_waiting;
    org->facts.is_waiting_for_clock = is_waiting;
    sfe_mutex_unlock(org->mutex);
    if (has_changed && is_waiting) {
        SFE_LOG(org->options.log, SFE_WARNING,
                "the clock is unset: the org is asked for the time before any log-in",
                sfe_text("connection", org->options.name));
    }
}

static enum sfe_code begin_refresh(struct sfe_org *org, struct sfe_error *err)
{
    struct oauth_refresh refresh = {.client_id = org->options.client_id,
                                    .client_secret = org->options.client_secret};

    if (refresh_take(org->refresh, &org->options, &refresh.token, err) != SFE_OK ||
        oauth_add_refresh_form(&refresh, &org->form, err) != SFE_OK) {
        return err->code;
    }
    return begin_exchange(org, "POST", "/services/oauth2/token", err);
}

static enum sfe_code begin_login(struct sfe_org *org, struct sfe_error *err)
{
    const struct sfe_entropy *entropy = org->options.entropy;
    struct oauth_claims claims = {
        .client_id = org->options.client_id,
        .username = org->options.username,
        .audience = org->options.audience,
    };

    sfe_builder_rewind(&org->form, 0);
    if (org->refresh != NULL) {
        org->is_asking_time = false;
        return begin_refresh(org, err);
    }
    if (org->options.client_secret.size != 0) {
        org->is_asking_time = false; /* Nothing is signed: no clock is needed. */
        if (oauth_add_secret_form(org->options.client_id, org->options.client_secret, &org->form,
                                  err) != SFE_OK) {
            return err->code;
        }
        return begin_exchange(org, "POST", "/services/oauth2/token", err);
    }
    org->is_asking_time = !find_time(org, &claims.now_unix_s);
    set_waiting(org, org->is_asking_time);
    if (org->is_asking_time) {
        return begin_exchange(org, "GET", "/services/data/", err);
    }
    enum sfe_code code = entropy->fill(entropy->context, claims.id, sizeof(claims.id), err);
    if (code == SFE_OK) {
        code = oauth_add_form(&claims, org->options.crypto, org->key, &org->form, err);
    }
    if (code == SFE_OK) {
        code = begin_exchange(org, "POST", "/services/oauth2/token", err);
    }
    return code;
}

static void took_token(struct sfe_org *org)
{
    struct sfe_error err;
    struct sfe_builder bearer =
        sfe_builder_make(org->authorization.bytes, org->authorization.capacity);

    sfe_secret_wipe(&org->authorization);
    sfe_builder_add(&bearer, SFE_TEXT("Bearer "));
    sfe_builder_add(&bearer, sfe_secret_reveal(&org->token));
    SFE_ASSERT(!bearer.overflowed);
    org->authorization.size = bearer.size;
    sfe_secret_wipe(&org->token);
    org->has_token = true;
    org->has_worked = false;
    org->is_wanted = false;
    org->token_number++;
    memset(&err, 0, sizeof(err));
    sfe_mutex_lock(org->mutex);
    org->facts.has_token = true;
    org->facts.logins++;
    org->facts.last_error = err;
    sfe_mutex_unlock(org->mutex);
    SFE_LOG(org->options.log, SFE_INFO, "logged in to the org",
            sfe_text("connection", org->options.name), sfe_text("instance", org->instance_url));
}

/* Once its refresh token is durable; or where flash refuses it: what is delivered frees flash. */
static bool may_use(const struct refresh *refresh)
{
    return !atomic_load(&refresh->is_keeping) || atomic_load(&refresh->has_failed);
}

static bool may_begin(const struct sfe_org *org)
{
    return !org->has_token && org->is_wanted && !org->is_under_way && !org->is_keeping &&
           !org->has_stopped && (org->refresh == NULL || !atomic_load(&org->refresh->is_keeping));
}

uint64_t org_login_turn(struct sfe_org *org, uint64_t now_ns)
{
    struct sfe_error err;

    if (org->is_keeping && may_use(org->refresh)) {
        org->is_keeping = false;
        took_token(org);
        return now_ns; /* Who waits for it has had its turn. */
    }
    if (!may_begin(org)) {
        return UINT64_MAX;
    }
    if (now_ns < org->login_ns) {
        return org->login_ns;
    }
    if (begin_login(org, &err) == SFE_OK) {
        org->is_under_way = true;
        return UINT64_MAX;
    }
    sfe_wipe(org->form.bytes, org->form.capacity);
    err.retry = err.code == SFE_E_CRYPTO ? SFE_RETRY_AFTER_HUMAN : SFE_RETRY_LATER;
    login_failed(org, &err, -1);
    return org->login_ns;
}

/* An assertion was refused as too old: when the org's clock differs from ours, it is the one that
 * counts. */
static bool may_trust_org_time(struct sfe_org *org)
{
    const struct sfe_clock *clock = org->options.clock;
    int64_t unix_ns = 0;

    if (!org->knows_time || org->trusts_org_time) {
        return false;
    }
    (void)clock->wall_ns(clock->context, &unix_ns);
    int64_t off_s = org_time_s(org) - unix_ns / (int64_t)SECOND_NS;
    if (off_s <= CLOCK_OFF_S && off_s >= -CLOCK_OFF_S) {
        return false;
    }
    SFE_LOG(org->options.log, SFE_WARNING, "this device's clock is wrong; the org's is used",
            sfe_text("connection", org->options.name),
            sfe_count("seconds_off", (uint64_t)(off_s < 0 ? -off_s : off_s)));
    org->trusts_org_time = true;
    return true;
}

/* The org ended a family of refresh tokens; the next one has its turn at once. */
static bool may_use_next(struct sfe_org *org)
{
    if (org->refresh == NULL) {
        return false;
    }
    bool has_next = refresh_next(org->refresh);
    sfe_mutex_lock(org->mutex);
    org->facts.refresh_tokens_left = refresh_left(org->refresh);
    sfe_mutex_unlock(org->mutex);
    if (has_next) {
        SFE_LOG(org->options.log, SFE_WARNING,
                "the org ended a refresh token; the next one is used: put a new one into "
                "auth.refresh_token_file",
                sfe_text("connection", org->options.name),
                sfe_count("left", refresh_left(org->refresh)));
    }
    return has_next;
}

/* What came instead of the refresh token goes to flash first. */
static void renew(struct sfe_org *org)
{
    if (org->refresh == NULL || org->renewed.size == 0) {
        return;
    }
    refresh_renew(org->refresh, &org->renewed);
    sfe_secret_wipe(&org->renewed);
    if (atomic_load(&org->refresh->is_keeping) && org->options.on_keep != NULL) {
        org->options.on_keep(org->options.owner);
    }
}

static void logged_in(struct sfe_org *org, const char *instance_url)
{
    size_t size = strlen(instance_url);

    SFE_ASSERT(size < sizeof(org->instance_url));
    memcpy(org->instance_url, instance_url, size + 1);
    if (org->refresh == NULL) {
        took_token(org);
        return;
    }
    refresh_worked(org->refresh);
    sfe_mutex_lock(org->mutex);
    org->facts.refresh_tokens_left = refresh_left(org->refresh);
    sfe_mutex_unlock(org->mutex);
    org->is_keeping = true; /* The turn takes it. */
}

static void read_login(struct sfe_org *org, const struct sfe_http_answer *answer)
{
    struct oauth_grant grant = {.token = &org->token,
                                .refresh_token = org->refresh == NULL ? NULL : &org->renewed};
    struct sfe_error err;
    enum sfe_code code = oauth_read_answer(answer->status, answer->content_type,
                                           sfe_builder_slice(&org->answer_body),
                                           org->options.login_url, &grant, &err);

    renew(org);
    if (code == SFE_OK) {
        logged_in(org, grant.instance_url);
    } else if ((grant.cause == OAUTH_CLOCK && may_trust_org_time(org)) ||
               (grant.cause == OAUTH_TOKEN_ENDED && may_use_next(org))) {
        org->login_ns = 0;
    } else {
        login_failed(org, &err, answer->retry_after_s);
    }
}

void org_login_answered(struct sfe_http_owner *owner, const struct sfe_http_answer *answer)
{
    struct sfe_org *org = (struct sfe_org *)owner;
    struct sfe_error err;

    SFE_ASSERT(org->is_under_way);
    org->is_under_way = false;
    org->exchange = NULL;
    org_learn_time(org, answer);
    org_charge_end(org, &org->login_owner, answer);
    sfe_wipe(org->form.bytes, org->form.capacity);
    if (answer->code != SFE_OK) {
        err = answer->err;
        if (org->is_asking_time) {
            (void)sfe_within(&err, "waiting for the clock, which is unset");
        }
        err.retry = SFE_RETRY_LATER;
        login_failed(org, &err, answer->retry_after_s);
    } else if (!org->is_asking_time) {
        read_login(org, answer);
    } else if (org->knows_time) {
        org->login_ns = 0;
    } else {
        (void)sfe_fail(&err, SFE_E_NOT_READY,
                       "waiting for the clock, which is unset: the org did not tell the time");
        err.retry = SFE_RETRY_LATER;
        login_failed(org, &err, answer->retry_after_s);
    }
    sfe_wipe(org->answer_body.bytes, org->answer_body.capacity);
}

void org_drop_token(struct sfe_org *org, uint64_t now_ns)
{
    SFE_ASSERT(org->has_token);
    sfe_secret_wipe(&org->authorization);
    org->has_token = false;
    org->is_wanted = true;
    if (org->has_worked) {
        org->failures = 0;
        org->login_ns = now_ns;
    } else {
        org->failures++;
        org->login_ns = now_ns + sfe_backoff_ns(org->failures, BASE_NS, CAP_NS, random_of(org));
    }
    sfe_mutex_lock(org->mutex);
    org->facts.has_token = false;
    sfe_mutex_unlock(org->mutex);
}
