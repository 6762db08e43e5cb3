/* The floor of events: a bare CometD long poll by libcurl that takes nothing in and keeps nothing.
 * events_floor URL TOKEN CA CHANNEL FIELD: URL of the endpoint; CA "-": none. Prints "ready" once
 * it is subscribed, then for each event when it was there, in seconds since 1970, and its FIELD. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BODY_BYTES (4u * 1024u * 1024u)
#define ID_BYTES   64u

struct poller {
    CURL *easy;
    const char *channel;
    char field[80]; /* As it stands in JSON, up to its value. */
    char client[ID_BYTES];
    char *body;
    size_t size;
};

static size_t take(char *bytes, size_t size, size_t count, void *owner)
{
    struct poller *poller = owner;

    (void)size;
    if (count >= BODY_BYTES - poller->size) {
        return 0;
    }
    memcpy(poller->body + poller->size, bytes, count);
    poller->size += count;
    poller->body[poller->size] = '\0';
    return count;
}

static void post(struct poller *poller, const char *messages)
{
    long status = 0;
    CURLcode code;

    poller->size = 0;
    poller->body[0] = '\0';
    curl_easy_setopt(poller->easy, CURLOPT_COPYPOSTFIELDS, messages);
    code = curl_easy_perform(poller->easy);
    curl_easy_getinfo(poller->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status != 200 || strstr(poller->body, "\"successful\":true") == NULL) {
        (void)fprintf(stderr, "events_floor: %s, status %ld: %.300s\n", curl_easy_strerror(code),
                      status, poller->body);
        exit(1);
    }
}

static void print_events(const struct poller *poller)
{
    const size_t length = strlen(poller->field);
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    for (const char *at = strstr(poller->body, poller->field); at != NULL;
         at = strstr(at, poller->field)) {
        at += length;
        printf("%lld.%09ld %.*s\n", (long long)now.tv_sec, now.tv_nsec, (int)strcspn(at, "\""), at);
    }
    (void)fflush(stdout);
}

static void handshake(struct poller *poller)
{
    const char *id;

    post(poller, "[{\"channel\":\"/meta/handshake\",\"id\":\"1\",\"version\":\"1.0\","
                 "\"supportedConnectionTypes\":[\"long-polling\"],\"ext\":{\"replay\":true}}]");
    id = strstr(poller->body, "\"clientId\":\"");
    if (id == NULL) {
        exit(1);
    }
    id += strlen("\"clientId\":\"");
    (void)snprintf(poller->client, sizeof(poller->client), "%.*s", (int)strcspn(id, "\""), id);
}

static void subscribe(struct poller *poller)
{
    char text[512];

    (void)snprintf(text, sizeof(text),
                   "[{\"channel\":\"/meta/subscribe\",\"id\":\"2\",\"clientId\":\"%s\","
                   "\"subscription\":\"%s\",\"ext\":{\"replay\":{\"%s\":-1}}}]",
                   poller->client, poller->channel, poller->channel);
    post(poller, text);
}

static void set_up(struct poller *poller, char **argv)
{
    char line[1024];
    struct curl_slist *headers = NULL;

    poller->easy = curl_easy_init();
    poller->body = malloc(BODY_BYTES);
    poller->channel = argv[4];
    (void)snprintf(poller->field, sizeof(poller->field), "\"%s\":\"", argv[5]);
    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", argv[2]);
    headers = curl_slist_append(headers, line);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    if (poller->easy == NULL || poller->body == NULL || headers == NULL) {
        exit(70);
    }
    curl_easy_setopt(poller->easy, CURLOPT_URL, argv[1]);
    curl_easy_setopt(poller->easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(poller->easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(poller->easy, CURLOPT_WRITEDATA, poller);
    curl_easy_setopt(poller->easy, CURLOPT_COOKIEFILE, "");
    if (strcmp(argv[3], "-") != 0) {
        curl_easy_setopt(poller->easy, CURLOPT_CAINFO, argv[3]);
    }
}

int main(int argc, char **argv)
{
    struct poller poller = {0};
    char text[256];

    if (argc != 6) {
        (void)fprintf(stderr, "usage: events_floor URL TOKEN CA CHANNEL FIELD\n");
        return 64;
    }
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    set_up(&poller, argv);
    handshake(&poller);
    (void)snprintf(text, sizeof(text),
                   "[{\"channel\":\"/meta/connect\",\"id\":\"3\",\"clientId\":\"%s\","
                   "\"connectionType\":\"long-polling\"}]",
                   poller.client);
    post(&poller, text);
    subscribe(&poller);
    puts("ready");
    (void)fflush(stdout);
    for (;;) { /* Until it is ended. */
        post(&poller, text);
        print_events(&poller);
    }
}
