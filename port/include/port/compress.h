/* gzip of request bodies (RFC 1952); chosen by the linker. */
#ifndef SFE_PORT_COMPRESS_H
#define SFE_PORT_COMPRESS_H

#include "base/bytes.h"
#include "base/error.h"

struct sfe_gzip;

/* Makes a compressor that reuses its memory (about 256 KiB). NULL when memory is short. One thread.
 */
struct sfe_gzip *sfe_gzip_open(void);
void sfe_gzip_close(struct sfe_gzip *gzip);

/* Adds `input` compressed to `output` as one gzip member. SFE_E_TOO_LARGE when it does not fit;
 * output is then as before. */
SFE_MUST_USE enum sfe_code sfe_gzip_add(struct sfe_gzip *gzip, struct sfe_slice input,
                                        struct sfe_builder *output, struct sfe_error *err);

#endif
