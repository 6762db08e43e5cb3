/* The tables of slicing by eight, for CPUs without the instruction. */
#ifndef SFE_BASE_CRC32C_TABLE_H
#define SFE_BASE_CRC32C_TABLE_H

#include <stdint.h>

extern const uint32_t crc32c_table[8][256];

#endif
