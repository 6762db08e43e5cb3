/* A record compiled and an event mapped in one line, for the tests of flow/. */
#ifndef SFE_TESTS_UNIT_FLOW_FIXTURE_H
#define SFE_TESTS_UNIT_FLOW_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/arena.h"
#include "flow/map.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

#define FIXTURE_TOKENS  4096u
#define FIXTURE_TIME_NS INT64_C(1764000123456789000) /* 2025-11-24T16:02:03.456Z */

struct fixture {
    struct sfe_arena *arena;
    struct sfe_event event;
    struct sfe_map_subject subject;
    struct sfe_error err;
    struct sfe_builder out;
    struct sfe_builder id;
    uint32_t bad_field;
    uint8_t out_memory[64 * 1024];
    uint8_t id_memory[256];
    struct sfe_json_token tokens[FIXTURE_TOKENS];
};

static struct fixture fixture;

static inline int fixture_open(void **state)
{
    (void)state;
    memset(&fixture, 0, sizeof(fixture));
    return sfe_arena_open(1024 * 1024, &fixture.arena, &fixture.err) == SFE_OK ? 0 : -1;
}

static inline int fixture_close(void **state)
{
    (void)state;
    sfe_arena_close(fixture.arena);
    return 0;
}

static inline void fixture_event_bytes(const void *payload, size_t size)
{
    fixture.event = (struct sfe_event){
        .sequence = 42,
        .received_ns = FIXTURE_TIME_NS,
        .source = SFE_TEXT("readings"),
        .topic = SFE_TEXT("plant/p1/telemetry"),
        .payload = sfe_slice_make(payload, size),
    };
    sfe_map_subject_make(&fixture.event, FIXTURE_TIME_NS, fixture.tokens, FIXTURE_TOKENS,
                         &fixture.subject);
}

static inline void fixture_event(const char *payload)
{
    fixture_event_bytes(payload, strlen(payload));
}

static inline void fixture_forget_output(void)
{
    fixture.out = sfe_builder_make(fixture.out_memory, sizeof(fixture.out_memory));
    fixture.id = sfe_builder_make(fixture.id_memory, sizeof(fixture.id_memory));
    memset(fixture.out_memory, 0, 4096);
    memset(fixture.id_memory, 0, sizeof(fixture.id_memory));
}

static inline const char *fixture_text(void)
{
    return (const char *)fixture.out_memory;
}

#endif
