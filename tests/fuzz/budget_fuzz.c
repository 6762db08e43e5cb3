/* Any bytes as the kept counts of API calls and bytes: it is taken or not, and what is taken is
 * forgotten after a day. With an odd first byte the checksum is put right. */
#include "base/crc32c.h"
#include "salesforce/budget.h"

#include <stdlib.h>
#include <string.h>

#define DAYS_NS (2u * UINT64_C(86400000000000))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t bytes[BUDGET_BYTES_MAX];
    struct budget budget;
    size_t whole = size > 0 ? size - 1 : 0;

    whole = whole < sizeof(bytes) ? whole : sizeof(bytes);
    if (whole > 0) {
        memcpy(bytes, data + 1, whole);
    }
    if (whole > 4 && (data[0] & 1u) != 0) {
        struct sfe_builder end = sfe_builder_make(bytes + whole - 4, 4);
        sfe_builder_add_u32le(&end, sfe_crc32c(0, sfe_slice_make(bytes, whole - 4)));
    }
    budget_open(&budget, 100, 1000000, 10, 0);
    bool is_taken = budget_read(&budget, sfe_slice_make(bytes, whole), 1764000000);
    if (!is_taken && (budget_used(&budget, 0) != 0 || budget_used_bytes(&budget, 0) != 0)) {
        abort();
    }
    if (budget_used(&budget, DAYS_NS) != 0 || budget_used_bytes(&budget, DAYS_NS) != 0) {
        abort();
    }
    return 0;
}
