/* gzip of request bodies (RFC 1952), those we send and those we take; chosen by the linker. */
#ifndef SFE_PORT_COMPRESS_H
#define SFE_PORT_COMPRESS_H

#include "base/bytes.h"
#include "base/error.h"

struct sfe_gzip;
struct sfe_gunzip;

/* Makes a compressor that reuses its memory (about 256 KiB). NULL when memory is short. One thread.
 */
struct sfe_gzip *sfe_gzip_open(void);
void sfe_gzip_close(struct sfe_gzip *gzip);

/* Adds `input` compressed to `output` as one gzip member. SFE_E_TOO_LARGE when it does not fit;
 * output is then as before. */
SFE_MUST_USE enum sfe_code sfe_gzip_add(struct sfe_gzip *gzip, struct sfe_slice input,
                                        struct sfe_builder *output, struct sfe_error *err);

/* Makes a decompressor that reuses its memory (about 48 KiB). NULL when memory is short. One
 * thread. */
struct sfe_gunzip *sfe_gunzip_open(void);
void sfe_gunzip_close(struct sfe_gunzip *gunzip); /* NULL is allowed. */

/* Adds what `input`, one gzip member, holds to `output`; it stops where that is full. Errors:
 * SFE_E_TOO_LARGE (it does not fit), SFE_E_PROTOCOL (it is no whole member, or not one alone),
 * SFE_E_NO_MEMORY; output is then as before, but for the bytes behind its end. */
SFE_MUST_USE enum sfe_code sfe_gunzip_add(struct sfe_gunzip *gunzip, struct sfe_slice input,
                                          struct sfe_builder *output, struct sfe_error *err);

#endif
