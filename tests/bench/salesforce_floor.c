/* The floor of delivery: ready-made bodies, compressed beforehand, sent by libcurl with nothing
 * else done. salesforce_floor URL TOKEN_FILE CA_FILE composite|collections|bulk COUNT IN_FLIGHT
 * RECORDS: URL ends behind the version, RECORDS are those of one request or job. The records are
 * those that salesforce.py lets the agent make. Prints seconds, CPU and calls as JSON.
 *
 * A bulk job takes the same calls as the agent's, polls as late as it does (1 s after the close,
 * then twice as long each time), and one job is under way at a time. */
#include <curl/curl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define LANES_MAX   16u
#define COLLECTION  200u
#define RECORD_MAX  400u
#define ANSWER_MAX  4096u
#define DEVICES     100u
#define JOB_ID_MAX  32u
#define BEGIN_MS    1795478400000ull
#define GZIP_BITS   (15 + 16)
#define GZIP_MEMORY 8

enum kind { COMPOSITE, COLLECTIONS, BULK };

struct body {
    unsigned char *bytes;
    size_t size;
};

struct answer {
    char text[ANSWER_MAX]; /* Its beginning. */
    size_t size;
};

struct lane {
    CURL *easy;
    struct answer answer;
};

struct floor {
    const char *url;
    const char *ca_file;
    enum kind kind;
    struct curl_slist *json_headers;
    struct curl_slist *plain_headers;
    struct curl_slist *csv_headers;
    struct body *bodies;
    unsigned long body_count;
    unsigned long calls;
    struct lane lanes[LANES_MAX];
};

static _Noreturn void give_up(const char *why)
{
    (void)fprintf(stderr, "salesforce_floor: %s\n", why);
    exit(1);
}

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static size_t take(char *bytes, size_t size, size_t count, void *owner)
{
    struct answer *answer = owner;
    size_t room = sizeof(answer->text) - 1u - answer->size;
    size_t kept = size * count < room ? size * count : room;

    memcpy(answer->text + answer->size, bytes, kept);
    answer->size += kept;
    answer->text[answer->size] = '\0';
    return size * count;
}

/* A growing text; the bodies are made before anything is measured. */
struct text {
    char *bytes;
    size_t size;
    size_t capacity;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
    va_list arguments;
    int size;

    if (text->capacity - text->size < RECORD_MAX) {
        text->capacity = text->capacity * 2u + 65536u;
        text->bytes = realloc(text->bytes, text->capacity);
        if (text->bytes == NULL) {
            give_up("no memory");
        }
    }
    va_start(arguments, format);
    size = vsnprintf(text->bytes + text->size, text->capacity - text->size, format, arguments);
    va_end(arguments);
    text->size += size > 0 ? (size_t)size : 0;
}

static void write_time(char *out, size_t capacity, uint64_t milliseconds)
{
    time_t at = (time_t)(milliseconds / 1000u);
    struct tm tm;
    size_t size;

    (void)gmtime_r(&at, &tm);
    size = strftime(out, capacity, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out + size, capacity - size, ".%03uZ", (unsigned)(milliseconds % 1000u));
}

/* The reading of one message of sfedge-devices, as tests/load/message.c makes it. */
static void add_record(struct text *text, unsigned long number, enum kind kind)
{
    unsigned long device = number % DEVICES;
    unsigned long sequence = number / DEVICES + 1u;
    char at[40];

    write_time(at, sizeof(at), BEGIN_MS + sequence * 250u + device);
    if (kind == BULK) {
        add(text, "d%03lu-%lu,d%03lu,%lu,%lu.%lu,%s,C\n", device, sequence, device, sequence,
            20u + sequence % 60u, sequence % 10u, at);
        return;
    }
    add(text,
        "{\"attributes\":{\"type\":\"DeviceReading__c\"},\"ReadingId__c\":\"d%03lu-%lu\","
        "\"DeviceId__c\":\"d%03lu\",\"Seq__c\":%lu,\"Value__c\":%lu.%lu,\"At__c\":\"%s\","
        "\"Unit__c\":\"C\"}",
        device, sequence, device, sequence, 20u + sequence % 60u, sequence % 10u, at);
}

static void add_collection(struct text *text, unsigned long first, unsigned long count)
{
    add(text, "{\"allOrNone\":false,\"records\":[");
    for (unsigned long i = first; i < first + count; i++) {
        add(text, "%s", i == first ? "" : ",");
        add_record(text, i, COLLECTIONS);
    }
    add(text, "]}");
}

static void add_composite(struct text *text, unsigned long first, unsigned long count)
{
    add(text, "{\"allOrNone\":false,\"collateSubrequests\":false,\"compositeRequest\":[");
    for (unsigned long done = 0; done < count; done += COLLECTION) {
        unsigned long part = count - done < COLLECTION ? count - done : COLLECTION;
        add(text,
            "%s{\"method\":\"PATCH\",\"url\":\"/services/data/v62.0/composite/sobjects/"
            "DeviceReading__c/ReadingId__c\",\"referenceId\":\"r%lu\",\"body\":",
            done == 0 ? "" : ",", done / COLLECTION);
        add_collection(text, first + done, part);
        add(text, "}");
    }
    add(text, "]}");
}

static struct body pack(const struct text *text)
{
    z_stream stream;
    struct body body;

    memset(&stream, 0, sizeof(stream));
    if (deflateInit2(&stream, 1, Z_DEFLATED, GZIP_BITS, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
        give_up("zlib does not start");
    }
    size_t bound = deflateBound(&stream, text->size);
    body.bytes = malloc(bound);
    if (body.bytes == NULL) {
        give_up("no memory");
    }
    stream.next_in = (unsigned char *)text->bytes;
    stream.avail_in = (uInt)text->size;
    stream.next_out = body.bytes;
    stream.avail_out = (uInt)bound;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) {
        give_up("a body cannot be compressed");
    }
    body.size = bound - stream.avail_out;
    (void)deflateEnd(&stream);
    return body;
}

static struct body copy(const struct text *text)
{
    struct body body = {malloc(text->size), text->size};

    if (body.bytes == NULL) {
        give_up("no memory");
    }
    memcpy(body.bytes, text->bytes, text->size);
    return body;
}

static void make_bodies(struct floor *floor, unsigned long count, unsigned long records)
{
    struct text text = {NULL, 0, 0};

    floor->body_count = (count + records - 1u) / records;
    floor->bodies = calloc(floor->body_count, sizeof(*floor->bodies));
    if (floor->bodies == NULL) {
        give_up("no memory");
    }
    for (unsigned long i = 0; i < floor->body_count; i++) {
        unsigned long first = i * records;
        unsigned long part = count - first < records ? count - first : records;
        text.size = 0;
        if (floor->kind == COMPOSITE) {
            add_composite(&text, first, part);
        } else if (floor->kind == COLLECTIONS) {
            add_collection(&text, first, part);
        } else {
            add(&text, "ReadingId__c,DeviceId__c,Seq__c,Value__c,At__c,Unit__c\n");
            for (unsigned long n = first; n < first + part; n++) {
                add_record(&text, n, BULK);
            }
        }
        /* The agent streams its uploads from flash, as they are. */
        floor->bodies[i] = floor->kind == BULK ? copy(&text) : pack(&text);
    }
    free(text.bytes);
}

static void prepare(const struct floor *floor, struct lane *lane)
{
    if (lane->easy == NULL) {
        lane->easy = curl_easy_init();
    }
    lane->answer.size = 0;
    curl_easy_setopt(lane->easy, CURLOPT_CAINFO, floor->ca_file);
    curl_easy_setopt(lane->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(lane->easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(lane->easy, CURLOPT_WRITEDATA, &lane->answer);
}

static void send_body(struct floor *floor, struct lane *lane, const struct body *body)
{
    char url[512];

    (void)snprintf(url, sizeof(url), "%s/composite%s", floor->url,
                   floor->kind == COMPOSITE ? "" : "/sobjects/DeviceReading__c/ReadingId__c");
    prepare(floor, lane);
    curl_easy_setopt(lane->easy, CURLOPT_URL, url);
    curl_easy_setopt(lane->easy, CURLOPT_CUSTOMREQUEST,
                     floor->kind == COMPOSITE ? "POST" : "PATCH");
    curl_easy_setopt(lane->easy, CURLOPT_HTTPHEADER, floor->json_headers);
    curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->size);
    curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDS, body->bytes);
    floor->calls++;
}

static struct lane *finished(CURLM *multi, struct floor *floor)
{
    int left;
    CURLMsg *message = curl_multi_info_read(multi, &left);
    long status = 0;

    if (message == NULL) {
        return NULL;
    }
    curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
    if (message->data.result != CURLE_OK || status != 200) {
        (void)fprintf(stderr, "status %ld: ", status);
        give_up(curl_easy_strerror(message->data.result));
    }
    for (unsigned i = 0; i < LANES_MAX; i++) {
        if (floor->lanes[i].easy == message->easy_handle) {
            return &floor->lanes[i];
        }
    }
    return NULL;
}

static void run_requests(struct floor *floor, unsigned in_flight)
{
    CURLM *multi = curl_multi_init();
    unsigned long next = 0;
    unsigned long done = 0;

    for (unsigned i = 0; i < in_flight && next < floor->body_count; i++) {
        send_body(floor, &floor->lanes[i], &floor->bodies[next++]);
        curl_multi_add_handle(multi, floor->lanes[i].easy);
    }
    while (done < floor->body_count) {
        int running;
        struct lane *lane;
        (void)curl_multi_perform(multi, &running);
        while ((lane = finished(multi, floor)) != NULL) {
            done++;
            curl_multi_remove_handle(multi, lane->easy);
            if (next < floor->body_count) {
                send_body(floor, lane, &floor->bodies[next++]);
                curl_multi_add_handle(multi, lane->easy);
            }
        }
        if (done < floor->body_count) {
            (void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
        }
    }
}

static void call(struct floor *floor, const char *method, const char *path, const struct body *body)
{
    struct lane *lane = &floor->lanes[0];
    char url[512];
    long status = 0;

    (void)snprintf(url, sizeof(url), "%s/jobs/ingest%s", floor->url, path);
    prepare(floor, lane);
    curl_easy_setopt(lane->easy, CURLOPT_URL, url);
    curl_easy_setopt(lane->easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(lane->easy, CURLOPT_HTTPHEADER,
                     strcmp(method, "PUT") == 0 ? floor->csv_headers : floor->plain_headers);
    if (body == NULL) {
        curl_easy_setopt(lane->easy, CURLOPT_HTTPGET, 1L);
    } else {
        curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->size);
        curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDS, body->bytes);
    }
    floor->calls++;
    if (curl_easy_perform(lane->easy) != CURLE_OK) {
        give_up("a call failed");
    }
    curl_easy_getinfo(lane->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299) {
        give_up(lane->answer.text);
    }
}

static struct body body_of(const char *text)
{
    return (struct body){(unsigned char *)(uintptr_t)text, strlen(text)};
}

static void read_id(const struct floor *floor, char id[JOB_ID_MAX])
{
    const char *begin = strstr(floor->lanes[0].answer.text, "\"id\":\"");
    size_t size = begin == NULL ? 0 : strcspn(begin + 6, "\"");

    if (size == 0 || size >= JOB_ID_MAX) {
        give_up("no job id");
    }
    memcpy(id, begin + 6, size);
    id[size] = '\0';
}

static void run_job(struct floor *floor, const struct body *csv)
{
    const struct body create = body_of(
        "{\"object\":\"DeviceReading__c\",\"operation\":\"upsert\",\"externalIdFieldName\":"
        "\"ReadingId__c\",\"contentType\":\"CSV\",\"lineEnding\":\"LF\",\"columnDelimiter\":"
        "\"COMMA\"}");
    const struct body complete = body_of("{\"state\":\"UploadComplete\"}");
    char id[JOB_ID_MAX];
    char path[96];
    unsigned wait_s = 1;

    call(floor, "POST", "", &create);
    read_id(floor, id);
    (void)snprintf(path, sizeof(path), "/%s/batches", id);
    call(floor, "PUT", path, csv);
    (void)snprintf(path, sizeof(path), "/%s", id);
    call(floor, "PATCH", path, &complete);
    do {
        (void)sleep(wait_s);
        wait_s = wait_s < 60 ? wait_s * 2u : 60;
        call(floor, "GET", path, NULL);
    } while (strstr(floor->lanes[0].answer.text, "\"JobComplete\"") == NULL);
    (void)snprintf(path, sizeof(path), "/%s/successfulResults/", id);
    call(floor, "GET", path, NULL);
    (void)snprintf(path, sizeof(path), "/%s", id);
    call(floor, "DELETE", path, NULL);
}

static void read_token(const char *path, char *line, size_t capacity)
{
    static const char begin[] = "Authorization: Bearer ";
    FILE *file = fopen(path, "r");

    (void)snprintf(line, capacity, "%s", begin);
    if (file == NULL ||
        fgets(line + sizeof(begin) - 1u, (int)(capacity - sizeof(begin)), file) == NULL) {
        give_up("no token");
    }
    (void)fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
}

static struct curl_slist *headers(const char *authorization, const char *type, bool is_packed)
{
    struct curl_slist *list = curl_slist_append(NULL, authorization);

    list = curl_slist_append(list, type);
    list = curl_slist_append(list, "Expect:");
    return is_packed ? curl_slist_append(list, "Content-Encoding: gzip") : list;
}

int main(int argc, char **argv)
{
    static struct floor floor;
    struct rusage before;
    struct rusage after;
    char authorization[600];

    if (argc != 8) {
        (void)fprintf(stderr,
                      "usage: salesforce_floor URL TOKEN_FILE CA_FILE composite|collections|"
                      "bulk COUNT IN_FLIGHT RECORDS\n");
        return 64;
    }
    const unsigned long count = strtoul(argv[5], NULL, 10);
    const unsigned long in_flight = strtoul(argv[6], NULL, 10);
    const unsigned long records = strtoul(argv[7], NULL, 10);
    if (count == 0 || in_flight == 0 || in_flight > LANES_MAX || records == 0) {
        give_up("a number is wrong");
    }
    floor.url = argv[1];
    floor.ca_file = argv[3];
    floor.kind = strcmp(argv[4], "bulk") == 0        ? BULK
                 : strcmp(argv[4], "composite") == 0 ? COMPOSITE
                                                     : COLLECTIONS;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    read_token(argv[2], authorization, sizeof(authorization));
    floor.json_headers = headers(authorization, "Content-Type: application/json", true);
    floor.plain_headers = headers(authorization, "Content-Type: application/json", false);
    floor.csv_headers = headers(authorization, "Content-Type: text/csv; charset=UTF-8", false);
    make_bodies(&floor, count, records);
    (void)getrusage(RUSAGE_SELF, &before);
    const double begun = seconds();
    if (floor.kind == BULK) {
        for (unsigned long i = 0; i < floor.body_count; i++) {
            run_job(&floor, &floor.bodies[i]);
        }
    } else {
        run_requests(&floor, (unsigned)in_flight);
    }
    const double took = seconds() - begun;
    (void)getrusage(RUSAGE_SELF, &after);
    const double cpu = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec +
                                after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
                       (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec +
                                after.ru_stime.tv_usec - before.ru_stime.tv_usec) *
                           1e-6;
    printf("{\"seconds\":%.3f,\"cpu\":%.3f,\"calls\":%lu}\n", took, cpu, floor.calls);
    return 0;
}
