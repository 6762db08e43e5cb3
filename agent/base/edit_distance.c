#include "base/edit_distance.h"

#include "base/assert.h"

#define ROW_SIZE (SFE_EDIT_DISTANCE_BYTES_MAX + 1u)

static uint8_t lower(uint8_t byte)
{
    return (uint8_t)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* One row of the table: `rows[i % 3]` holds the distances of the first i bytes of a to all
 * beginnings of b. */
static void fill_row(uint32_t rows[3][ROW_SIZE], struct sfe_slice a, struct sfe_slice b, size_t i)
{
    uint32_t *row = rows[i % 3];
    const uint32_t *above = rows[(i + 2) % 3];
    const uint32_t *two_above = rows[(i + 1) % 3];
    uint8_t byte = lower(a.bytes[i - 1]);

    SFE_ASSERT(i >= 1 && i <= a.size);
    row[0] = (uint32_t)i;
    for (size_t j = 1; j <= b.size; j++) {
        uint8_t other = lower(b.bytes[j - 1]);
        row[j] = least(above[j], row[j - 1]) + 1;
        row[j] = least(row[j], above[j - 1] + (byte == other ? 0u : 1u));
        if (i > 1 && j > 1 && byte == lower(b.bytes[j - 2]) && lower(a.bytes[i - 2]) == other) {
            row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
}

uint32_t sfe_edit_distance(struct sfe_slice a, struct sfe_slice b)
{
    uint32_t rows[3][ROW_SIZE];

    if (a.size > SFE_EDIT_DISTANCE_BYTES_MAX || b.size > SFE_EDIT_DISTANCE_BYTES_MAX) {
        return UINT32_MAX;
    }
    for (size_t j = 0; j <= b.size; j++) {
        rows[0][j] = (uint32_t)j;
    }
    for (size_t i = 1; i <= a.size; i++) {
        fill_row(rows, a, b, i);
    }
    return rows[a.size % 3][b.size];
}
