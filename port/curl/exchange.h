/* One request under way, as the files of port/curl share it. Private to this folder; the cloud
 * thread only. */
#ifndef SFE_CURL_EXCHANGE_H
#define SFE_CURL_EXCHANGE_H

#include "port/clock.h"
#include "port/http.h"

#include <curl/curl.h>
#include <stdatomic.h>

/* Room for an IMF-fixdate or a count of seconds. */
#define EXCHANGE_FIELD_BYTES 40u

struct sfe_http_exchange {
    CURL *easy; /* Kept from one request to the next, as is the exchange. */
    struct curl_slist *headers;
    struct sfe_builder *answer_body;
    uint64_t body_size;
    const struct sfe_http_body *upload; /* NULL: the body was at hand. */
    const struct sfe_http_sink *sink;   /* NULL: none. */
    struct sfe_builder *cookies;        /* NULL: nobody asks. */
    uint64_t begun_ns;
    struct sfe_slice once; /* A body that goes out once; `body_size` of it have gone. */
    bool is_once;
    size_t header_bytes; /* Of the answer so far. */
    bool is_over_bound;
    bool upload_failed;
    bool is_under_way;                      /* In the multi handle. */
    char retry_after[EXCHANGE_FIELD_BYTES]; /* As it came; the Date beside it may be needed to read
                                               it. */
    char date[EXCHANGE_FIELD_BYTES];
    struct sfe_http_answer answer;
    char error_text[CURL_ERROR_SIZE];
    struct sfe_http_exchange *next; /* In `idle` or `active`. */
};

struct http {
    CURLM *multi;
    struct sfe_clock clock;
    atomic_bool woken; /* Set by any thread before it wakes curl_multi_poll, cleared by poll. */
    struct sfe_http_exchange *idle;
    struct sfe_http_exchange *active;
};

/* Prepares `exchange` for `request`: options, headers, body. On failure the headers are wiped and
 * gone. */
enum sfe_code exchange_set(struct sfe_http_exchange *exchange,
                           const struct sfe_http_request *request, struct sfe_error *err);

/* Sets by which way the host is reached; NULL: straight. */
CURLcode exchange_set_route(CURL *easy, const struct sfe_http_route *route, const char *ca_file);

/* Wipes and frees the headers, which hold a bearer token. */
void exchange_wipe(struct sfe_http_exchange *exchange);

/* The callbacks of curl for the answer's headers and body. */
size_t answer_take_header(char *bytes, size_t one, size_t size, void *context);
size_t answer_take_body(char *bytes, size_t one, size_t size, void *context);

/* The callback of curl for a body that is read as it goes. */
size_t exchange_read_body(char *bytes, size_t one, size_t size, void *context);

/* Fills in what became of the exchange, curl's `result` in our words. `wall_s` is the time on our
 * clock. */
void answer_finish(struct sfe_http_exchange *exchange, CURLcode result, int64_t wall_s);

#endif
