/* Regular expressions in time linear in the text: compiled once into a table of steps that are all
 * followed at once, character by character. No backtracking, no recursion, no heap.
 *
 * The language is that of RE2 (its syntax page) without classes by name, flags, captures, \b and
 * \x: characters (UTF-8), `.` (all but a line feed), [a-z] [^…], \d \w \s \D \W \S, \t \n \r \f \v,
 * a backslash before punctuation, ( ) and (?: ), |, * + ? {n} {n,} {n,m}, ^ and $ for the ends of
 * the text. An expression is looked for anywhere in the text. `?` behind a repetition changes
 * nothing here and is allowed.
 *
 * Bounds: 256 steps, 128 ranges, 16 groups within each other. Pure; any thread.
 */
#ifndef SFE_FLOW_PATTERN_H
#define SFE_FLOW_PATTERN_H

#include "base/bytes.h"

struct sfe_arena;

#define FLOW_PATTERN_STEPS_MAX  256u
#define FLOW_PATTERN_RANGES_MAX 128u
#define FLOW_PATTERN_GROUPS_MAX 16u

enum flow_pattern_op {
    FLOW_PATTERN_CHARACTER,   /* `first`. */
    FLOW_PATTERN_SET,         /* `count` ranges from `first` on; or all but these. */
    FLOW_PATTERN_BEGIN,       /* At the text's begin. */
    FLOW_PATTERN_END,         /* At its end. */
    FLOW_PATTERN_SPLIT,       /* On at `x` and at `y`. */
    FLOW_PATTERN_ALTERNATIVE, /* The same, of a group that is not closed yet. */
    FLOW_PATTERN_JUMP,        /* On at `x`. */
    FLOW_PATTERN_FOUND
};

struct flow_pattern_step {
    uint8_t op; /* enum flow_pattern_op */
    bool is_negated;
    uint16_t count;
    int16_t x; /* Relative to the step itself, so that steps can be moved and copied. */
    int16_t y;
    uint32_t first;
};

struct flow_pattern_range {
    uint32_t low;
    uint32_t high;
};

struct flow_pattern {
    const struct flow_pattern_step *steps;
    const struct flow_pattern_range *ranges;
    uint32_t step_count;
};

/* Compiles into the arena. SFE_E_CONFIG with what is wrong and where, SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code flow_pattern_compile(struct sfe_slice text, struct sfe_arena *arena,
                                                struct flow_pattern *pattern,
                                                struct sfe_error *err);

/* True where the expression is found in `text`. At most text.size times the steps; bytes that are
 * no UTF-8 count as U+FFFD. */
bool flow_pattern_is_in(const struct flow_pattern *pattern, struct sfe_slice text);

/* Reads the character at the front of `text` (not empty); its size is returned. */
size_t flow_pattern_character(struct sfe_slice text, uint32_t *character);

#endif
