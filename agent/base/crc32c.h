/* CRC-32C (Castagnoli polynomial, RFC 3720 section 12.1), with the CPU's instruction where there is
 * one. Pure; any thread. */
#ifndef SFE_BASE_CRC32C_H
#define SFE_BASE_CRC32C_H

#include "base/bytes.h"

/* Continues checksum `crc` (0 to begin; a salt is simply a begin other than 0) over `slice`.
 * sfe_crc32c(0, "123456789") is 0xE3069283. */
uint32_t sfe_crc32c(uint32_t crc, struct sfe_slice slice);

#endif
