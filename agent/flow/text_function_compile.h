/* Compiled functions of text, for the two files that know them. */
#ifndef SFE_FLOW_TEXT_FUNCTION_COMPILE_H
#define SFE_FLOW_TEXT_FUNCTION_COMPILE_H

#include "base/bytes.h"

#include <stdbool.h>

enum flow_function_kind {
    FLOW_FUNCTION_TRIM,
    FLOW_FUNCTION_UPPER,
    FLOW_FUNCTION_LOWER,
    FLOW_FUNCTION_DIGITS,
    FLOW_FUNCTION_SLICE,
    FLOW_FUNCTION_PAD,
    FLOW_FUNCTION_REPLACE,
    FLOW_FUNCTION_SPLIT
};

struct flow_function {
    enum flow_function_kind kind;
    int32_t number;          /* FROM of slice, N of split. */
    uint32_t count;          /* COUNT of slice, WIDTH of pad. */
    bool has_count;          /* Of slice. */
    struct sfe_slice first;  /* FILL, THIS, AT. */
    struct sfe_slice second; /* THAT. */
};

#endif
