/* A file that appears whole or not at all: written beside its place, synced, and then renamed. */
#include "port/process.h"
#include "posix.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTPUT_MODE    0600
#define PATH_BYTES_MAX 1024u
#define PART_SUFFIX    ".part"

struct sfe_output_file {
    int fd;
    bool is_standard;
    bool holds_place; /* An empty file of ours stands at `path`, so that nobody else makes one. */
    char path[PATH_BYTES_MAX];
    char part[PATH_BYTES_MAX + sizeof(PART_SUFFIX)];
};

/* Only a plain file is ever replaced: a device would be gone. */
static enum sfe_code check_place(const char *path, struct sfe_error *err)
{
    struct stat status;

    if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        return sfe_fail(err, SFE_E_REFUSED, "'%s' is no plain file: it is not replaced", path);
    }
    return SFE_OK;
}

static enum sfe_code take_place(struct sfe_output_file *file, struct sfe_error *err)
{
    int fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, OUTPUT_MODE);

    if (fd < 0 && errno == EEXIST) {
        return sfe_fail(err, SFE_E_REFUSED, "'%s' exists already", file->path);
    }
    if (fd < 0) {
        return sfe_fail_os(err, sfe_posix_file_code(errno), errno, "cannot make '%s'", file->path);
    }
    (void)close(fd);
    file->holds_place = true;
    return SFE_OK;
}

static enum sfe_code open_part(struct sfe_output_file *file, bool may_replace,
                               struct sfe_error *err)
{
    const int how = may_replace ? O_TRUNC : O_EXCL;

    file->fd =
        open(file->part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | how, OUTPUT_MODE);
    if (file->fd < 0 && errno == EEXIST) {
        return sfe_fail(err, SFE_E_REFUSED, "'%s' exists already: another one is being written",
                        file->part);
    }
    return file->fd >= 0 ? SFE_OK
                         : sfe_fail_os(err, sfe_posix_file_code(errno), errno, "cannot make '%s'",
                                       file->part);
}

static enum sfe_code open_file(struct sfe_output_file *file, const char *path, bool may_replace,
                               struct sfe_error *err)
{
    int length = snprintf(file->path, sizeof(file->path), "%s", path);

    if (length < 0 || (size_t)length >= sizeof(file->path)) {
        file->path[0] = '\0';
        return sfe_fail(err, SFE_E_USAGE, "the path is longer than %u bytes", PATH_BYTES_MAX - 1u);
    }
    length = snprintf(file->part, sizeof(file->part), "%s%s", path, PART_SUFFIX);
    SFE_ASSERT(length > 0 && (size_t)length < sizeof(file->part));
    enum sfe_code code = may_replace ? check_place(path, err) : take_place(file, err);
    return code == SFE_OK ? open_part(file, may_replace, err) : code;
}

enum sfe_code sfe_process_open_output(const char *path, bool may_replace,
                                      struct sfe_output_file **file, struct sfe_error *err)
{
    struct sfe_output_file *made = calloc(1, sizeof(*made));

    *file = NULL;
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory for a file");
    }
    made->fd = -1;
    made->is_standard = path == NULL;
    enum sfe_code code = SFE_OK;
    if (path == NULL) {
        made->fd = STDOUT_FILENO;
    } else {
        code = open_file(made, path, may_replace, err);
    }
    if (code != SFE_OK) {
        sfe_process_abandon_output(made);
        return code;
    }
    *file = made;
    return SFE_OK;
}

static enum sfe_code fail_write(const struct sfe_output_file *file, struct sfe_error *err)
{
    return sfe_fail_os(err, sfe_posix_file_code(errno), errno, "cannot write '%s'",
                       file->is_standard ? "standard output" : file->part);
}

enum sfe_code sfe_process_write_output(struct sfe_output_file *file, struct sfe_slice bytes,
                                       struct sfe_error *err)
{
    while (bytes.size > 0) {
        ssize_t written = write(file->fd, bytes.bytes, bytes.size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return fail_write(file, err);
        }
        bytes = sfe_slice_part(bytes, (size_t)written, bytes.size);
    }
    return SFE_OK;
}

static enum sfe_code sync_folder(const struct sfe_output_file *file, struct sfe_error *err)
{
    char folder[PATH_BYTES_MAX];
    const char *slash = strrchr(file->path, '/');
    size_t size = slash == NULL ? 0 : (size_t)(slash - file->path);

    if (slash != NULL && size == 0) {
        size = 1; /* The root directory. */
    }
    memcpy(folder, size == 0 ? "." : file->path, size == 0 ? 1 : size);
    folder[size == 0 ? 1 : size] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        const int cause = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return sfe_fail_os(err, sfe_posix_file_code(cause), cause, "cannot write '%s'", folder);
    }
    (void)close(fd);
    return SFE_OK;
}

enum sfe_code sfe_process_finish_output(struct sfe_output_file *file, struct sfe_error *err)
{
    enum sfe_code code = SFE_OK;

    if (file->is_standard) {
        free(file);
        return SFE_OK;
    }
    if (fsync(file->fd) != 0) {
        code = fail_write(file, err);
    }
    if (code == SFE_OK && rename(file->part, file->path) != 0) {
        code = sfe_fail_os(err, sfe_posix_file_code(errno), errno, "cannot make '%s'", file->path);
    }
    if (code != SFE_OK) {
        sfe_process_abandon_output(file);
        return code;
    }
    (void)close(file->fd);
    code = sync_folder(file, err);
    free(file);
    return code;
}

void sfe_process_abandon_output(struct sfe_output_file *file)
{
    if (file == NULL) {
        return;
    }
    if (!file->is_standard && file->fd >= 0) {
        (void)close(file->fd);
        (void)unlink(file->part);
    }
    if (file->holds_place) {
        (void)unlink(file->path);
    }
    free(file);
}
