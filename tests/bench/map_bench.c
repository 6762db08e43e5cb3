/* What one event costs on its way through: encode into a frame, decode, parse, map. A payload of
 * about 200 bytes, six fields, and ten fields behind a condition. Prints nanoseconds an event; the
 * first argument is the number of frames. */
#include "base/arena.h"
#include "base/limits.h"
#include "flow/map.h"
#include "flow/where.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DEVICES      64u
#define FRAME_EVENTS 256u
#define TOKENS_MAX   256u

struct bench {
    struct sfe_event events[FRAME_EVENTS];
    char topics[DEVICES][40];
    char payloads[FRAME_EVENTS][256];
    uint8_t frame[FRAME_EVENTS * 512];
    uint8_t records[256 * 1024];
    struct sfe_json_token tokens[TOKENS_MAX];
    struct sfe_event_encoder encoder;
    struct sfe_event_decoder decoder;
    const struct sfe_map *map;
    struct sfe_where *where; /* NULL: all are taken. */
};

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "map_bench: %s failed\n", what);
    exit(1);
}

static void make_events(struct bench *bench)
{
    for (unsigned i = 0; i < FRAME_EVENTS; i++) {
        char *topic = bench->topics[i % DEVICES];
        int size = snprintf(bench->payloads[i], sizeof(bench->payloads[i]),
                            "{\"id\":\"press%u-%u\",\"ts\":1764000123456,\"temperature\":71.4,"
                            "\"vibration\":0.08,\"state\":\"RUN\",\"operator\":\"shift-2\","
                            "\"pressure\":{\"value\":101.325,\"unit\":\"kPa\"},"
                            "\"firmware\":\"2.3.1-build.4711\",\"alarm\":false}",
                            i % DEVICES, 88123 + i);
        snprintf(topic, sizeof(bench->topics[0]), "plant/press-%u/telemetry", i % DEVICES);
        bench->events[i] = (struct sfe_event){
            .clock_quality = SFE_CLOCK_SYNCED,
            .received_ns = INT64_C(1764000123456789000) + (int64_t)i * 25000,
            .source = SFE_TEXT("readings"),
            .topic = sfe_slice_text(topic),
            .payload = sfe_slice_make(bench->payloads[i], (size_t)size),
        };
    }
}

/* The first six fields alone, or all ten. */
static const struct sfe_map *compile(struct sfe_arena *arena, uint32_t field_count)
{
    static const struct sfe_map_field fields[] = {
        {.name = "ReadingId__c", .from = "{/id}"},
        {.name = "Device__r.Serial__c", .from = "{topic.1}"},
        {.name = "At__c", .from = "/ts", .type = SFE_MAP_DATETIME, .unit = SFE_TIME_MS},
        {.name = "Temperature__c", .from = "/temperature", .type = SFE_MAP_DOUBLE},
        {.name = "Pressure__c", .from = "/pressure/value", .type = SFE_MAP_DOUBLE},
        {.name = "State__c", .from = "/state"},
        {.name = "Vibration__c", .from = "/vibration", .type = SFE_MAP_DOUBLE},
        {.name = "Operator__c", .from = "{agent}/{/operator}"},
        {.name = "Firmware__c", .from = "/firmware", .type = SFE_MAP_STRING},
        {.name = "Alarm__c", .from = "/alarm", .type = SFE_MAP_BOOLEAN},
    };
    const struct sfe_map_options options = {"Reading__c", "ReadingId__c", NULL, fields,
                                            field_count,  "store-42",     false};
    struct sfe_map *map = NULL;
    struct sfe_error err;
    uint32_t bad_field = 0;
    if (sfe_map_compile(&options, arena, &map, &bad_field, &err) != SFE_OK) {
        fail(err.message);
    }
    return map;
}

/* Takes half of the events: those of devices with an even number. */
static struct sfe_where *compile_where(struct sfe_arena *arena)
{
    static const struct sfe_where_node nodes[] = {
        {SFE_WHERE_ALL, 4, NULL, NULL},
        {SFE_WHERE_MATCHES, 2, "topic", "\"^plant/press-[0-9]*[02468]/\""},
        {SFE_WHERE_GT, 3, "/temperature", "70"},
        {SFE_WHERE_EQ, 4, "/state", "\"RUN\""},
    };
    struct sfe_where *where = NULL;
    struct sfe_error err;
    uint32_t bad_node = 0;
    if (sfe_where_compile(nodes, 4, arena, &where, &bad_node, &err) != SFE_OK) {
        fail(err.message);
    }
    return where;
}

static size_t encode_frame(struct bench *bench)
{
    struct sfe_builder body = sfe_builder_make(bench->frame, sizeof(bench->frame));
    sfe_event_encoder_begin(&bench->encoder);
    for (unsigned i = 0; i < FRAME_EVENTS; i++) {
        if (sfe_event_encode(&bench->encoder, &bench->events[i], &body) != SFE_OK) {
            fail("encode");
        }
    }
    return body.size;
}

static void decode_frame(struct bench *bench, size_t size)
{
    struct sfe_event event;
    struct sfe_error err;
    sfe_event_decoder_begin(&bench->decoder, sfe_slice_make(bench->frame, size), 1);
    for (unsigned i = 0; i < FRAME_EVENTS; i++) {
        if (sfe_event_decode(&bench->decoder, &event, &err) != SFE_OK) {
            fail("decode");
        }
    }
}

static size_t map_frame(struct bench *bench, size_t size, bool with_record)
{
    struct sfe_builder out = sfe_builder_make(bench->records, sizeof(bench->records));
    struct sfe_map_subject subject;
    struct sfe_event event;
    struct sfe_error err;
    sfe_event_decoder_begin(&bench->decoder, sfe_slice_make(bench->frame, size), 1);
    while (sfe_event_decode(&bench->decoder, &event, &err) == SFE_OK) {
        uint8_t id_memory[SFE_EXTERNAL_ID_BYTES_MAX + 1];
        struct sfe_builder id = sfe_builder_make(id_memory, sizeof(id_memory));
        sfe_map_subject_make(&event, event.received_ns, bench->tokens, TOKENS_MAX, &subject);
        if (bench->where != NULL && sfe_where_judge(bench->where, &subject, &err) != SFE_OK) {
            continue;
        }
        if (with_record &&
            sfe_map_add_record(bench->map, &subject, 0, 0, &out, &id, &err) != SFE_OK) {
            fail(err.message);
        }
    }
    return out.size;
}

int main(int argument_count, char **arguments)
{
    static struct bench bench;
    struct sfe_arena *arena = NULL;
    struct sfe_error err;
    const unsigned long frames = argument_count > 1 ? strtoul(arguments[1], NULL, 10) : 2000;
    const double events = (double)frames * FRAME_EVENTS;
    size_t size = 0;
    size_t record_bytes = 0;
    double times[6];
    if (frames == 0 || sfe_arena_open(1024 * 1024, &arena, &err) != SFE_OK) {
        return 1;
    }
    make_events(&bench);
    bench.map = compile(arena, 6);
    times[0] = now_ns();
    for (unsigned long i = 0; i < frames; i++) {
        size = encode_frame(&bench);
    }
    times[1] = now_ns();
    for (unsigned long i = 0; i < frames; i++) {
        decode_frame(&bench, size);
    }
    times[2] = now_ns();
    for (unsigned long i = 0; i < frames; i++) {
        map_frame(&bench, size, false);
    }
    times[3] = now_ns();
    for (unsigned long i = 0; i < frames; i++) {
        record_bytes = map_frame(&bench, size, true);
    }
    times[4] = now_ns();
    bench.map = compile(arena, 10);
    bench.where = compile_where(arena);
    for (unsigned long i = 0; i < frames; i++) {
        (void)map_frame(&bench, size, true);
    }
    times[5] = now_ns();
    printf("payload %zu bytes, in the frame %zu, record %zu\n", bench.events[0].payload.size,
           size / FRAME_EVENTS, record_bytes / FRAME_EVENTS);
    printf("encode %.0f ns/event\n", (times[1] - times[0]) / events);
    printf("decode %.0f ns/event\n", (times[2] - times[1]) / events);
    printf("decode + parse + identity %.0f ns/event\n", (times[3] - times[2]) / events);
    printf("decode + parse + identity + record %.0f ns/event\n", (times[4] - times[3]) / events);
    printf("decode + parse + identity + condition + ten fields of every other %.0f ns/event\n",
           (times[5] - times[4]) / events);
    sfe_arena_close(arena);
    return 0;
}
