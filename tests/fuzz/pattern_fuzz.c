/* Any text as a regular expression, and any text to look for it in, behind the first zero byte: it
 * compiles within its bounds or is refused in words, and looking ends. */
#include "base/arena.h"
#include "flow/pattern.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void look(const struct flow_pattern *pattern, struct sfe_slice text)
{
    require(pattern->step_count > 0 && pattern->step_count <= FLOW_PATTERN_STEPS_MAX);
    for (uint32_t i = 0; i < pattern->step_count; i++) {
        const struct flow_pattern_step *step = &pattern->steps[i];
        const bool has_two = step->op == FLOW_PATTERN_SPLIT;
        require(step->op != FLOW_PATTERN_ALTERNATIVE);
        if (has_two || step->op == FLOW_PATTERN_JUMP) {
            const int64_t x = (int64_t)i + step->x;
            const int64_t y = (int64_t)i + (has_two ? step->y : 0);
            require(x >= 0 && x < pattern->step_count && y >= 0 && y < pattern->step_count);
        }
    }
    const bool is_in = flow_pattern_is_in(pattern, text);
    require(is_in == flow_pattern_is_in(pattern, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size == 0 ? NULL : memchr(data, 0, size);
    const size_t expression_bytes = zero == NULL ? size : (size_t)(zero - data);
    struct flow_pattern pattern;
    struct sfe_arena *arena = NULL;
    struct sfe_error err;
    require(sfe_arena_open(16384, &arena, &err) == SFE_OK);
    const enum sfe_code code =
        flow_pattern_compile(sfe_slice_make(data, expression_bytes), arena, &pattern, &err);
    if (code == SFE_OK) {
        const size_t begin = zero == NULL ? size : expression_bytes + 1u;
        look(&pattern, sfe_slice_part(sfe_slice_make(data, size), begin, 4096));
    } else {
        require(code == SFE_E_CONFIG && err.message[0] != '\0');
    }
    sfe_arena_close(arena);
    return 0;
}
