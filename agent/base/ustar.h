/* Writes a tar archive of plain files (POSIX.1-1988 ustar), as any tar reads it. Pure; any thread.
 */
#ifndef SFE_BASE_USTAR_H
#define SFE_BASE_USTAR_H

#include "base/bytes.h"

#define SFE_USTAR_BLOCK_BYTES 512u
/* Of a file's name, with its folders. */
#define SFE_USTAR_NAME_BYTES_MAX 99u
/* Of a file: eleven octal digits. */
#define SFE_USTAR_FILE_BYTES_MAX ((UINT64_C(1) << 33) - 1u)

/* Adds a file (mode 0600, of nobody in particular), with what fills its last block. `unix_s`: when
 * it was changed. */
void sfe_ustar_add_file(struct sfe_builder *out, const char *name, struct sfe_slice content,
                        uint64_t unix_s);

/* Adds the two empty blocks that end the archive. */
void sfe_ustar_add_end(struct sfe_builder *out);

#endif
