#include "exchange.h"
#include "real_platform.h"

#include "base/assert.h"

#include <stdlib.h>

#define NS_PER_MS  1000000u
#define NS_PER_S   1000000000
#define NAP_MS_MAX 60000u

static void unlink_exchange(struct sfe_http_exchange **list, struct sfe_http_exchange *exchange)
{
    while (*list != exchange) {
        SFE_ASSERT(*list != NULL);
        list = &(*list)->next;
    }
    *list = exchange->next;
    exchange->next = NULL;
}

static struct sfe_http_exchange *take_idle(struct http *http)
{
    struct sfe_http_exchange *exchange = http->idle;
    if (exchange != NULL) {
        http->idle = exchange->next;
        exchange->next = NULL;
        return exchange;
    }
    exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL) {
        return NULL;
    }
    exchange->easy = curl_easy_init();
    if (exchange->easy == NULL) {
        free(exchange);
        return NULL;
    }
    return exchange;
}

static void put_idle(struct http *http, struct sfe_http_exchange *exchange)
{
    exchange_wipe(exchange);
    exchange->answer_body = NULL;
    exchange->next = http->idle;
    http->idle = exchange;
}

static enum sfe_code begin(void *context, const struct sfe_http_request *request,
                           struct sfe_http_exchange **exchange, struct sfe_error *err)
{
    struct http *http = context;
    SFE_ASSERT(request->answer_body != NULL);
    *exchange = NULL;
    struct sfe_http_exchange *made = take_idle(http);
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a request");
    }
    enum sfe_code code = exchange_set(made, request, err);
    if (code == SFE_OK) {
        CURLMcode result = curl_multi_add_handle(http->multi, made->easy);
        if (result != CURLM_OK) {
            code = sfe_fail(err, SFE_E_NO_MEMORY, "cannot begin a request: %s",
                            curl_multi_strerror(result));
        }
    }
    if (code != SFE_OK) {
        put_idle(http, made);
        return code;
    }
    made->is_under_way = true;
    made->begun_ns = sfe_clock_monotonic_ns(&http->clock);
    made->next = http->active;
    http->active = made;
    *exchange = made;
    return SFE_OK;
}

/* Takes the exchange out of curl's hands and of the list of active ones. */
static void end(struct http *http, struct sfe_http_exchange *exchange)
{
    SFE_ASSERT(exchange->is_under_way);
    CURLMcode result = curl_multi_remove_handle(http->multi, exchange->easy);
    SFE_ASSERT(result == CURLM_OK);
    exchange->is_under_way = false;
    unlink_exchange(&http->active, exchange);
}

static void cancel(void *context, struct sfe_http_exchange *exchange)
{
    struct http *http = context;
    SFE_ASSERT(exchange != NULL);
    end(http, exchange);
    put_idle(http, exchange);
}

static void finish(struct http *http, CURL *easy, CURLcode result, sfe_http_visit visit,
                   void *visitor)
{
    char *owner = NULL;
    int64_t unix_ns = 0;
    CURLcode got = curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
    SFE_ASSERT(got == CURLE_OK && owner != NULL);
    struct sfe_http_exchange *exchange = (void *)owner;
    (void)http->clock.wall_ns(http->clock.context, &unix_ns);
    answer_finish(exchange, result, unix_ns / NS_PER_S);
    exchange->answer.duration_ns = sfe_clock_monotonic_ns(&http->clock) - exchange->begun_ns;
    end(http, exchange);
    visit(visitor, &exchange->answer);
    put_idle(http,
             exchange); /* Only now: the visitor may begin another, which must not take this one. */
}

/* Visits all that are finished; true where there was one. */
static bool finish_all(struct http *http, sfe_http_visit visit, void *visitor)
{
    bool any = false;
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            finish(http, message->easy_handle, message->data.result, visit, visitor);
            any = true;
        }
    }
    return any;
}

static int nap_ms(const struct http *http, uint64_t until_ns)
{
    uint64_t now_ns = sfe_clock_monotonic_ns(&http->clock);
    if (until_ns <= now_ns) {
        return 0;
    }
    uint64_t left_ms = (until_ns - now_ns - 1) / NS_PER_MS + 1;
    return (int)(left_ms < NAP_MS_MAX ? left_ms : NAP_MS_MAX);
}

static enum sfe_code poll(void *context, uint64_t until_ns, sfe_http_visit visit, void *visitor,
                          struct sfe_error *err)
{
    struct http *http = context;
    for (;;) {
        int running = 0;
        CURLMcode result = curl_multi_perform(http->multi, &running);
        if (result != CURLM_OK) {
            break;
        }
        if (finish_all(http, visit, visitor) || atomic_exchange(&http->woken, false)) {
            return SFE_OK;
        }
        int wait_ms = nap_ms(http, until_ns);
        if (wait_ms == 0) {
            return SFE_OK;
        }
        result = curl_multi_poll(http->multi, NULL, 0, wait_ms, NULL);
        if (result != CURLM_OK) {
            break;
        }
    }
    return sfe_fail(err, SFE_E_NETWORK, "cannot move HTTP requests on");
}

static void wake(void *context)
{
    struct http *http = context;
    if (!atomic_exchange(&http->woken, true)) {
        (void)curl_multi_wakeup(http->multi);
    }
}

enum sfe_code sfe_curl_http_open(const struct sfe_clock *clock, struct sfe_http *http,
                                 struct sfe_error *err)
{
    SFE_ASSERT(clock->monotonic_ns != NULL);
    *http = (struct sfe_http){.context = NULL};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return sfe_fail(err, SFE_E_UNSUPPORTED, "cannot begin with HTTP");
    }
    struct http *made = calloc(1, sizeof(*made));
    if (made != NULL) {
        made->multi = curl_multi_init();
    }
    if (made == NULL || made->multi == NULL) {
        free(made);
        curl_global_cleanup();
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for HTTP");
    }
    made->clock = *clock;
    atomic_init(&made->woken, false);
    *http = (struct sfe_http){
        .context = made, .begin = begin, .poll = poll, .cancel = cancel, .wake = wake};
    return SFE_OK;
}

void sfe_curl_http_close(struct sfe_http *http)
{
    struct http *made = http->context;
    if (made == NULL) {
        return;
    }
    while (made->active != NULL) {
        cancel(made, made->active);
    }
    while (made->idle != NULL) {
        struct sfe_http_exchange *exchange = made->idle;
        made->idle = exchange->next;
        curl_easy_cleanup(exchange->easy);
        free(exchange);
    }
    (void)curl_multi_cleanup(made->multi);
    free(made);
    curl_global_cleanup();
    http->context = NULL;
}
