/* Any question before a query: read by another reader of its quotes, what comes out has the shape
 * of what the operator wrote, with a number or a text at each value's place. */
#include "base/arena.h"
#include "flow/number.h"
#include "flow/soql.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TOKENS_MAX 1024u
#define OUT_BYTES  16384u

static const char query[] = "SELECT Id FROM A WHERE B = '{/a}' AND C LIKE '{/b}%' AND D > {/c} "
                            "AND E = '{payload}'";
/* Outside of quotes and numbers. */
static const char shape[] = "SELECT Id FROM A WHERE B = '' AND C LIKE '' AND D > # AND E = ''";

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Leaves texts in quotes, and the one number, out. */
static void check_shape(struct sfe_slice made)
{
    const char *expected = shape;
    size_t i = 0;

    while (i < made.size) {
        if (*expected == '#') {
            const size_t begin = i;
            while (i < made.size && made.bytes[i] != ' ') {
                i++;
            }
            require(flow_is_number(sfe_slice_part(made, begin, i - begin)));
            expected++;
            continue;
        }
        require(made.bytes[i] == (uint8_t)*expected);
        expected++;
        if (made.bytes[i++] != '\'') {
            continue;
        }
        while (i < made.size && made.bytes[i] != '\'') {
            require(made.bytes[i] >= 0x20u);
            i += made.bytes[i] == '\\' ? 2u : 1u;
        }
        require(i < made.size && *expected == '\'');
        expected++;
        i++;
    }
    require(*expected == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfe_json_token tokens[TOKENS_MAX];
    static uint8_t memory[OUT_BYTES];
    struct sfe_event event = {.topic = SFE_TEXT("ask/t"), .payload = sfe_slice_make(data, size)};
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    struct sfe_map_subject subject;
    struct sfe_soql *soql = NULL;
    struct sfe_arena *arena = NULL;
    struct sfe_error err;

    require(sfe_arena_open(65536, &arena, &err) == SFE_OK);
    require(sfe_soql_compile(query, "x", arena, &soql, &err) == SFE_OK);
    sfe_map_subject_make(&event, 0, tokens, TOKENS_MAX, &subject);
    const enum sfe_code code = sfe_soql_add(soql, &subject, &out, &err);
    require(code == SFE_OK || code == SFE_E_UNMAPPED);
    require(code == SFE_OK || out.size == 0);
    if (code == SFE_OK) {
        check_shape(sfe_builder_slice(&out));
    }
    sfe_arena_close(arena);
    return 0;
}
