/* A folder that others put files into, and that is not ours alone: it may lie on any file system,
 * and hold links, pipes, devices and names of any kind. Only regular files of it are ever opened,
 * and nothing is followed out of it. Chosen by the linker.
 *
 * A `part` is a folder inside it that we keep (NULL: the folder itself). Names and parts are plain:
 * no '/', not "." or "..". Every function may block as long as the medium does. Errors:
 * SFE_E_NOT_FOUND, SFE_E_PERMISSION, SFE_E_NO_SPACE, SFE_E_STORAGE. Each thread has a folder, file
 * or list of its own, or takes turns.
 */
#ifndef SFE_PORT_FOLDER_H
#define SFE_PORT_FOLDER_H

#include "base/bytes.h"
#include "base/error.h"

/* NAME_MAX of Linux and the end. */
#define SFE_FOLDER_NAME_BYTES 256u

struct sfe_folder;
struct sfe_folder_file;
struct sfe_folder_list;

/* What tells a change; times are the file system's and may be of any clock. */
struct sfe_folder_entry {
    uint64_t size;
    uint64_t inode;
    int64_t modified_ns;
    int64_t changed_ns; /* A rename changes this too. */
};

/* Opens and closes the folder at `path`, which may be a link. */
SFE_MUST_USE enum sfe_code sfe_folder_open(const char *path, struct sfe_folder **folder,
                                           struct sfe_error *err);
void sfe_folder_close(struct sfe_folder *folder); /* NULL is allowed. */

/* SFE_E_NOT_FOUND also where it is no regular file. */
SFE_MUST_USE enum sfe_code sfe_folder_look(struct sfe_folder *folder, const char *part,
                                           const char *name, struct sfe_folder_entry *entry,
                                           struct sfe_error *err);

/* Walks the names in no order. The next name is copied to `name` of SFE_FOLDER_NAME_BYTES;
 * SFE_E_END behind the last. Nothing is said of the kinds of files: see sfe_folder_look. */
SFE_MUST_USE enum sfe_code sfe_folder_begin_list(struct sfe_folder *folder, const char *part,
                                                 struct sfe_folder_list **list,
                                                 struct sfe_error *err);
SFE_MUST_USE enum sfe_code sfe_folder_next(struct sfe_folder_list *list, char *name,
                                           struct sfe_error *err);
void sfe_folder_end_list(struct sfe_folder_list *list); /* NULL is allowed. */

/* Opens a regular file to read; SFE_E_NOT_FOUND where it is none. A pipe is not waited for. */
SFE_MUST_USE enum sfe_code sfe_folder_open_file(struct sfe_folder *folder, const char *name,
                                                struct sfe_folder_file **file,
                                                struct sfe_error *err);
SFE_MUST_USE enum sfe_code sfe_folder_look_at_file(struct sfe_folder_file *file,
                                                   struct sfe_folder_entry *entry,
                                                   struct sfe_error *err);
/* *got is short only at the end of the file. */
SFE_MUST_USE enum sfe_code sfe_folder_read(struct sfe_folder_file *file, uint64_t offset,
                                           void *bytes, size_t size, size_t *got,
                                           struct sfe_error *err);
void sfe_folder_close_file(struct sfe_folder_file *file); /* NULL is allowed. */

/* Makes a part (mode 0750); one that is there is left as it is. */
SFE_MUST_USE enum sfe_code sfe_folder_make(struct sfe_folder *folder, const char *part,
                                           struct sfe_error *err);
/* Moves a file of the folder into `part` as `to`, which nothing has there by now. */
SFE_MUST_USE enum sfe_code sfe_folder_move(struct sfe_folder *folder, const char *name,
                                           const char *part, const char *to, struct sfe_error *err);
/* Writes `content` to `name` (mode 0640), whatever is there, and makes the content durable. */
SFE_MUST_USE enum sfe_code sfe_folder_put(struct sfe_folder *folder, const char *part,
                                          const char *name, struct sfe_slice content,
                                          struct sfe_error *err);
SFE_MUST_USE enum sfe_code sfe_folder_remove(struct sfe_folder *folder, const char *part,
                                             const char *name, struct sfe_error *err);
/* Makes what was moved, put and removed there durable. */
SFE_MUST_USE enum sfe_code sfe_folder_sync(struct sfe_folder *folder, const char *part,
                                           struct sfe_error *err);

#endif
