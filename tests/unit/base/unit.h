/* What the unit tests of base/ share: cmocka in the order it needs, and slices compared. */
#ifndef SFE_TESTS_UNIT_BASE_UNIT_H
#define SFE_TESTS_UNIT_BASE_UNIT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/bytes.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline void assert_slice(struct sfe_slice slice, const char *expected)
{
    if (!sfe_slice_equal(slice, sfe_slice_text(expected))) {
        fail_msg("\"%.*s\" is not \"%s\"", (int)slice.size, (const char *)slice.bytes, expected);
    }
}

static inline void assert_built(const struct sfe_builder *builder, const char *expected)
{
    assert_false(builder->overflowed);
    assert_slice(sfe_builder_slice(builder), expected);
}

#endif
