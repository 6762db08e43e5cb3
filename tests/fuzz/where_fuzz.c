/* Any payload before conditions of each kind: it is taken, skipped or cannot be judged, and
 * explaining says the same. */
#include "base/arena.h"
#include "flow/where.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TOKENS_MAX 1024u

static const struct sfe_where_node nodes[] = {
    {SFE_WHERE_ANY, 13, NULL, NULL},      {SFE_WHERE_ALL, 5, NULL, NULL},
    {SFE_WHERE_GT, 3, "/a", "80.5"},      {SFE_WHERE_LE, 4, "/a", "9007199254740993"},
    {SFE_WHERE_NE, 5, "/b/0", "null"},    {SFE_WHERE_NOT, 9, NULL, NULL},
    {SFE_WHERE_ALL, 9, NULL, NULL},       {SFE_WHERE_LT, 8, "/c", "\"m\\u00e9\""},
    {SFE_WHERE_EXISTS, 9, "/d", "false"}, {SFE_WHERE_MATCHES, 10, "/c", "\"^(a|b+)*c$\""},
    {SFE_WHERE_EQ, 11, "/c", "\"x\""},    {SFE_WHERE_EQ, 12, "/a", "-1e-3"},
    {SFE_WHERE_EQ, 13, "topic", "\"t\""},
};

#define NODE_COUNT (sizeof(nodes) / sizeof(nodes[0]))

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfe_json_token tokens[TOKENS_MAX];
    uint8_t memory[256];
    struct sfe_event event = {.topic = SFE_TEXT("u"), .payload = sfe_slice_make(data, size)};
    struct sfe_where_step step = {.found = sfe_builder_make(memory, sizeof(memory))};
    struct sfe_map_subject subject;
    struct sfe_where *where = NULL;
    struct sfe_arena *arena = NULL;
    struct sfe_error err;
    uint32_t bad_node = 0;
    require(sfe_arena_open(65536, &arena, &err) == SFE_OK);
    require(sfe_where_compile(nodes, NODE_COUNT, arena, &where, &bad_node, &err) == SFE_OK);
    sfe_map_subject_make(&event, 0, tokens, TOKENS_MAX, &subject);
    err.message[0] = '\0';
    const enum sfe_code code = sfe_where_judge(where, &subject, &err);
    require(code == SFE_OK || code == SFE_E_SKIPPED || code == SFE_E_UNMAPPED);
    require(code != SFE_E_UNMAPPED || err.message[0] != '\0');
    require(subject.is_json || code == SFE_E_UNMAPPED);
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        sfe_where_explain(where, i, &subject, &step);
        require(i != 0 || step.code == code);
        require(!step.found.overflowed);
    }
    sfe_arena_close(arena);
    return 0;
}
