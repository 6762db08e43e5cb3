#include "base/crc32c.h"

#include "base/crc32c_table.h"
#include "base/words.h"

#if defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

#if defined(__ARM_FEATURE_CRC32)

static uint32_t update(uint32_t crc, const uint8_t *bytes, size_t size)
{
    for (; size >= 8; bytes += 8, size -= 8) {
        crc = __crc32cd(crc, sfe_word_load(bytes));
    }
    for (; size > 0; bytes++, size--) {
        crc = __crc32cb(crc, *bytes);
    }
    return crc;
}

#else

static uint32_t update_by_table(uint32_t crc, const uint8_t *bytes, size_t size)
{
    for (; size >= 8; bytes += 8, size -= 8) {
        uint64_t word = sfe_word_load(bytes) ^ crc;
        crc = crc32c_table[7][word & 0xFFu] ^ crc32c_table[6][(word >> 8) & 0xFFu] ^
              crc32c_table[5][(word >> 16) & 0xFFu] ^ crc32c_table[4][(word >> 24) & 0xFFu] ^
              crc32c_table[3][(word >> 32) & 0xFFu] ^ crc32c_table[2][(word >> 40) & 0xFFu] ^
              crc32c_table[1][(word >> 48) & 0xFFu] ^ crc32c_table[0][word >> 56];
    }
    for (; size > 0; bytes++, size--) {
        crc = crc >> 8 ^ crc32c_table[0][(crc ^ *bytes) & 0xFFu];
    }
    return crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t
update_by_instruction(uint32_t crc, const uint8_t *bytes, size_t size)
{
    uint64_t wide = crc;

    for (; size >= 8; bytes += 8, size -= 8) {
        wide = __builtin_ia32_crc32di(wide, sfe_word_load(bytes));
    }
    crc = (uint32_t)wide;
    for (; size > 0; bytes++, size--) {
        crc = __builtin_ia32_crc32qi(crc, *bytes);
    }
    return crc;
}

#endif

static uint32_t update(uint32_t crc, const uint8_t *bytes, size_t size)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) {
        return update_by_instruction(crc, bytes, size);
    }
#endif
    return update_by_table(crc, bytes, size);
}

#endif

uint32_t sfe_crc32c(uint32_t crc, struct sfe_slice slice)
{
    return ~update(~crc, slice.bytes, slice.size);
}
