/* The floor of delivery: bare sObject Collections requests by libcurl, 200 readings each, four in
 * flight, nothing else done. post_floor URL TOKEN COUNT: URL of the upsert resource; prints seconds
 * and CPU as JSON. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define LANES      4
#define RECORDS    200u
#define BODY_BYTES (128u * 1024u)

struct lane {
    CURL *easy;
    char body[BODY_BYTES];
};

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static size_t discard(char *bytes, size_t size, size_t count, void *owner)
{
    (void)bytes;
    (void)owner;
    return size * count;
}

static void fill(struct lane *lane, unsigned long first)
{
    int used = snprintf(lane->body, BODY_BYTES, "{\"allOrNone\":false,\"records\":[");

    for (unsigned long i = first; i < first + RECORDS; i++) {
        used +=
            snprintf(lane->body + used, BODY_BYTES - (size_t)used,
                     "%s{\"attributes\":{\"type\":\"DeviceReading__c\"},\"ReadingId__c\":\"f-%lu\","
                     "\"DeviceId__c\":\"d%03lu\",\"Seq__c\":%lu,\"Value__c\":21.5,"
                     "\"At__c\":\"2026-11-24T00:00:00.123Z\",\"Unit__c\":\"C\"}",
                     i == first ? "" : ",", i, i % 100u, i / 100u + 1u);
    }
    used += snprintf(lane->body + used, BODY_BYTES - (size_t)used, "]}");
    curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)used);
    curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDS, lane->body);
}

static struct lane *finished(CURLM *multi, struct lane *lanes)
{
    int left;
    CURLMsg *message = curl_multi_info_read(multi, &left);
    long status = 0;

    if (message == NULL) {
        return NULL;
    }
    curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
    if (message->data.result != CURLE_OK || status != 200) {
        (void)fprintf(stderr, "post_floor: result %d, status %ld\n", (int)message->data.result,
                      status);
        exit(1);
    }
    for (int i = 0; i < LANES; i++) {
        if (lanes[i].easy == message->easy_handle) {
            return &lanes[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static struct lane lanes[LANES];
    struct curl_slist *headers = NULL;
    CURLM *multi;
    char line[512];
    unsigned long count = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    unsigned long next = 0;
    unsigned long done = 0;
    double begun;
    struct rusage usage;

    if (count == 0) {
        (void)fprintf(stderr, "usage: post_floor URL TOKEN COUNT\n");
        return 64;
    }
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", argv[2]);
    headers = curl_slist_append(headers, line);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    begun = seconds();
    for (int i = 0; i < LANES && next < count; i++, next += RECORDS) {
        lanes[i].easy = curl_easy_init();
        curl_easy_setopt(lanes[i].easy, CURLOPT_URL, argv[1]);
        curl_easy_setopt(lanes[i].easy, CURLOPT_CUSTOMREQUEST, "PATCH");
        curl_easy_setopt(lanes[i].easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(lanes[i].easy, CURLOPT_WRITEFUNCTION, discard);
        fill(&lanes[i], next);
        curl_multi_add_handle(multi, lanes[i].easy);
    }
    while (done < count) {
        int running;
        struct lane *lane;
        (void)curl_multi_perform(multi, &running);
        while ((lane = finished(multi, lanes)) != NULL) {
            done += RECORDS;
            curl_multi_remove_handle(multi, lane->easy);
            if (next < count) {
                fill(lane, next);
                next += RECORDS;
                curl_multi_add_handle(multi, lane->easy);
            }
        }
        if (done < count) {
            (void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
        }
    }
    (void)getrusage(RUSAGE_SELF, &usage);
    printf("{\"seconds\":%.3f,\"cpu\":%.3f}\n", seconds() - begun,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6);
    return 0;
}
