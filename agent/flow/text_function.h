/* What stands behind | in a part of a template: {/name|trim|upper}. Compiled once, then pure.
 *
 *   trim                without blanks (space, tab, CR, LF) around it
 *   upper, lower        A-Z alone; other letters stay
 *   digits              its digits 0-9, nothing else
 *   slice:FROM:COUNT    characters from FROM (0 the first, -1 the last) on; without COUNT to the
 * end pad:WIDTH:FILL      FILL (default 0) in front, to so many characters replace:THIS:THAT   each
 * THIS; without THAT it is taken out split:AT:N          the N-th piece between AT, from 0 (-1: the
 * last); none: no value
 *
 * A backslash takes the next character of an argument as it is: replace:\::- . Characters are those
 * of UTF-8.
 */
#ifndef SFE_FLOW_TEXT_FUNCTION_H
#define SFE_FLOW_TEXT_FUNCTION_H

#include "base/bytes.h"
#include "base/error.h"

struct sfe_arena;
struct flow_function;

struct flow_functions {
    const struct flow_function *list; /* In the order in which they are applied. */
    uint32_t count;
};

/* Most text that goes in or comes out of one. */
#define FLOW_FUNCTION_BYTES_MAX 1024u

/* `text` is all behind the first |. Copies what it keeps into the arena. SFE_E_CONFIG says what is
 * wrong and what was meant; SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code flow_functions_compile(struct sfe_slice text, struct sfe_arena *arena,
                                                  struct flow_functions *functions,
                                                  struct sfe_error *err);

/* Applies all to `text` and adds what comes out to `out`. *is_absent: nothing does. SFE_E_UNMAPPED:
 * the text is, or becomes, too long. */
SFE_MUST_USE enum sfe_code flow_functions_apply(const struct flow_functions *functions,
                                                struct sfe_slice text, struct sfe_builder *out,
                                                bool *is_absent, struct sfe_error *err);

#endif
