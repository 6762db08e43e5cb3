#include "posix.h"
#include "real_platform.h"

#include "base/assert.h"
#include "base/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILE_MODE      0600
#define SHARED_MODE    0640
#define PARTS_PER_CALL 64u
#define PAGE_BYTES_MAX 65536u

struct directory {
    int fd;
    mode_t mode; /* Of files that are made. */
};

struct sfe_file {
    int fd;
};

enum sfe_code sfe_posix_file_code(int os_errno)
{
    switch (os_errno) {
    case ENOSPC:
    case EDQUOT:
        return SFE_E_NO_SPACE;
    case ENOENT:
        return SFE_E_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return SFE_E_PERMISSION;
    default:
        return SFE_E_STORAGE;
    }
}

static enum sfe_code fail(struct sfe_error *err, int os_errno, const char *what)
{
    return sfe_fail_os(err, sfe_posix_file_code(os_errno), os_errno, "%s", what);
}

static enum sfe_code fail_name(struct sfe_error *err, int os_errno, const char *what,
                               const char *name)
{
    return sfe_fail_os(err, sfe_posix_file_code(os_errno), os_errno, "%s '%s'", what, name);
}

static bool is_plain(const char *name)
{
    return name != NULL && name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL &&
           strlen(name) <= NAME_MAX;
}

static enum sfe_code storage_open(void *context, const char *name, enum sfe_storage_open how,
                                  struct sfe_file **file, struct sfe_error *err)
{
    static const int flags[] = {[SFE_STORAGE_READ] = O_RDONLY,
                                [SFE_STORAGE_WRITE] = O_RDWR,
                                [SFE_STORAGE_CREATE] = O_RDWR | O_CREAT | O_EXCL};
    const struct directory *directory = context;
    SFE_ASSERT(is_plain(name));
    *file = NULL;
    struct sfe_file *made = malloc(sizeof(*made));
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory to open '%s'", name);
    }
    made->fd = openat(directory->fd, name, flags[how] | O_CLOEXEC | O_NOFOLLOW, directory->mode);
    if (made->fd < 0) {
        int cause = errno;
        free(made);
        return fail_name(err, cause, "cannot open", name);
    }
    *file = made;
    return SFE_OK;
}

static void storage_close(void *context, struct sfe_file *file)
{
    (void)context;
    if (file == NULL) {
        return;
    }
    SFE_ASSERT(file->fd >= 0);
    (void)close(file->fd); /* What matters was synced; Linux closes even where it reports EINTR. */
    free(file);
}

static enum sfe_code storage_read(void *context, struct sfe_file *file, uint64_t offset,
                                  void *bytes, size_t size, size_t *got, struct sfe_error *err)
{
    (void)context;
    unsigned char *place = bytes;
    *got = 0;
    while (*got < size) {
        ssize_t count = pread(file->fd, place + *got, size - *got, (off_t)(offset + *got));
        if (count == 0) {
            break;
        }
        if (count < 0 && errno != EINTR) {
            return fail(err, errno, "cannot read");
        }
        *got += count < 0 ? 0 : (size_t)count;
    }
    return SFE_OK;
}

/* Writes the whole of `vectors`, which it uses up. */
static enum sfe_code write_vectors(int fd, uint64_t offset, struct iovec *vectors, size_t count,
                                   struct sfe_error *err)
{
    while (count > 0) {
        if (vectors->iov_len == 0) {
            vectors++;
            count--;
            continue;
        }
        ssize_t written = pwritev(fd, vectors, (int)count, (off_t)offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return fail(err, written == 0 ? ENOSPC : errno, "cannot write");
        }
        offset += (uint64_t)written;
        size_t left = (size_t)written;
        while (count > 0 && left >= vectors->iov_len) {
            left -= vectors->iov_len;
            vectors++;
            count--;
        }
        if (left > 0) {
            vectors->iov_base = (unsigned char *)vectors->iov_base + left;
            vectors->iov_len -= left;
        }
    }
    return SFE_OK;
}

static enum sfe_code storage_write(void *context, struct sfe_file *file, uint64_t offset,
                                   const struct sfe_slice *parts, size_t part_count,
                                   struct sfe_error *err)
{
    (void)context;
    SFE_ASSERT(parts != NULL || part_count == 0);
    while (part_count > 0) {
        struct iovec vectors[PARTS_PER_CALL];
        size_t count = part_count < PARTS_PER_CALL ? part_count : PARTS_PER_CALL;
        uint64_t size = 0;
        for (size_t i = 0; i < count; i++) {
            union {
                const uint8_t *from;
                void *base; /* pwritev does not write there, but its type says it might. */
            } part = {.from = parts[i].bytes};
            vectors[i] = (struct iovec){.iov_base = part.base, .iov_len = parts[i].size};
            size += parts[i].size;
        }
        enum sfe_code code = write_vectors(file->fd, offset, vectors, count, err);
        if (code != SFE_OK) {
            return code;
        }
        offset += size;
        parts += count;
        part_count -= count;
    }
    return SFE_OK;
}

static enum sfe_code storage_size(void *context, struct sfe_file *file, uint64_t *size,
                                  struct sfe_error *err)
{
    (void)context;
    struct stat status;
    *size = 0;
    if (fstat(file->fd, &status) != 0) {
        return fail(err, errno, "cannot tell the size");
    }
    *size = (uint64_t)status.st_size;
    return SFE_OK;
}

/* For file systems that cannot keep space: what has been written with zeros is kept. */
static enum sfe_code fill_with_zeros(struct sfe_file *file, uint64_t size, struct sfe_error *err)
{
    static const uint8_t zeros[4096];
    uint64_t end = 0;
    enum sfe_code code = storage_size(NULL, file, &end, err);
    while (code == SFE_OK && end < size) {
        size_t count = size - end < sizeof(zeros) ? (size_t)(size - end) : sizeof(zeros);
        struct sfe_slice part = sfe_slice_make(zeros, count);
        code = storage_write(NULL, file, end, &part, 1, err);
        end += count;
    }
    return code;
}

static enum sfe_code storage_allocate(void *context, struct sfe_file *file, uint64_t size,
                                      struct sfe_error *err)
{
    (void)context;
    SFE_ASSERT(size > 0);
    int failed;
    do {
        failed = fallocate(file->fd, 0, 0, (off_t)size);
    } while (failed != 0 && errno == EINTR);
    if (failed == 0) {
        return SFE_OK;
    }
    if (errno == EOPNOTSUPP || errno == ENOSYS) {
        return fill_with_zeros(file, size, err);
    }
    return fail(err, errno, "cannot keep space");
}

static enum sfe_code storage_truncate(void *context, struct sfe_file *file, uint64_t size,
                                      struct sfe_error *err)
{
    (void)context;
    int failed;
    do {
        failed = ftruncate(file->fd, (off_t)size);
    } while (failed != 0 && errno == EINTR);
    return failed == 0 ? SFE_OK : fail(err, errno, "cannot cut");
}

static enum sfe_code storage_sync(void *context, struct sfe_file *file, struct sfe_error *err)
{
    (void)context;
    int failed;
    do {
        failed = fdatasync(file->fd); /* EINTR comes before anything was given up. */
    } while (failed != 0 && errno == EINTR);
    return failed == 0 ? SFE_OK : fail(err, errno, "cannot sync");
}

static enum sfe_code storage_rename(void *context, const char *from, const char *to,
                                    struct sfe_error *err)
{
    const struct directory *directory = context;
    SFE_ASSERT(is_plain(from));
    SFE_ASSERT(is_plain(to));
    if (renameat(directory->fd, from, directory->fd, to) != 0) {
        return fail_name(err, errno, "cannot rename", from);
    }
    return SFE_OK;
}

static enum sfe_code storage_remove(void *context, const char *name, struct sfe_error *err)
{
    const struct directory *directory = context;
    SFE_ASSERT(is_plain(name));
    if (unlinkat(directory->fd, name, 0) != 0) {
        return fail_name(err, errno, "cannot remove", name);
    }
    return SFE_OK;
}

static enum sfe_code storage_sync_directory(void *context, struct sfe_error *err)
{
    const struct directory *directory = context;
    int failed;
    do {
        failed = fsync(directory->fd);
    } while (failed != 0 && errno == EINTR);
    return failed == 0 ? SFE_OK : fail(err, errno, "cannot sync the directory");
}

static enum sfe_code visit_all(DIR *entries, sfe_storage_visit visit, void *visitor,
                               struct sfe_error *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(entries);
        if (entry == NULL) {
            return errno == 0 ? SFE_OK : fail(err, errno, "cannot list");
        }
        struct stat status;
        if (!is_plain(entry->d_name) ||
            fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode)) {
            continue;
        }
        if (!visit(visitor, entry->d_name, (uint64_t)status.st_size)) {
            return SFE_OK;
        }
    }
}

static enum sfe_code storage_list(void *context, sfe_storage_visit visit, void *visitor,
                                  struct sfe_error *err)
{
    const struct directory *directory = context;
    /* Opened anew: a duplicate would share its place in the directory with the last list. */
    int fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail(err, errno, "cannot list");
    }
    DIR *entries = fdopendir(fd);
    if (entries == NULL) {
        int cause = errno;
        (void)close(fd);
        return fail(err, cause, "cannot list");
    }
    enum sfe_code code = visit_all(entries, visit, visitor, err);
    (void)closedir(entries);
    return code;
}

static enum sfe_code storage_space(void *context, uint64_t *total, uint64_t *available,
                                   struct sfe_error *err)
{
    const struct directory *directory = context;
    struct statvfs status;
    *total = 0;
    *available = 0;
    if (fstatvfs(directory->fd, &status) != 0) {
        return fail(err, errno, "cannot tell the free space");
    }
    *total = (uint64_t)status.f_blocks * status.f_frsize;
    *available = (uint64_t)status.f_bavail * status.f_frsize;
    return SFE_OK;
}

static void storage_traits(void *context, struct sfe_storage_traits *traits)
{
    const struct directory *directory = context;
    struct statvfs status;
    traits->page_bytes = SFE_PAGE_BYTES;
    if (fstatvfs(directory->fd, &status) == 0 && status.f_frsize > SFE_PAGE_BYTES &&
        status.f_frsize <= PAGE_BYTES_MAX) {
        traits->page_bytes = (uint32_t)status.f_frsize;
    }
}

static enum sfe_code open_directory(const char *directory, mode_t mode, struct sfe_storage *storage,
                                    struct sfe_error *err)
{
    SFE_ASSERT(directory != NULL);
    *storage = (struct sfe_storage){.context = NULL};
    struct directory *made = malloc(sizeof(*made));
    if (made == NULL) {
        return sfe_fail(err, SFE_E_NO_MEMORY, "no memory to open '%s'", directory);
    }
    made->mode = mode;
    made->fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (made->fd < 0) {
        int cause = errno;
        free(made);
        return fail_name(err, cause, "cannot open directory", directory);
    }
    *storage = (struct sfe_storage){.context = made,
                                    .open = storage_open,
                                    .close = storage_close,
                                    .read = storage_read,
                                    .write = storage_write,
                                    .allocate = storage_allocate,
                                    .truncate = storage_truncate,
                                    .size = storage_size,
                                    .sync = storage_sync,
                                    .rename = storage_rename,
                                    .remove = storage_remove,
                                    .sync_directory = storage_sync_directory,
                                    .list = storage_list,
                                    .space = storage_space,
                                    .traits = storage_traits};
    return SFE_OK;
}

void sfe_posix_storage_close(struct sfe_storage *storage)
{
    struct directory *directory = storage->context;
    if (directory == NULL) {
        return;
    }
    (void)close(directory->fd);
    free(directory);
    storage->context = NULL;
}

enum sfe_code sfe_posix_storage_open(const char *directory, struct sfe_storage *storage,
                                     struct sfe_error *err)
{
    return open_directory(directory, FILE_MODE, storage, err);
}

enum sfe_code sfe_storage_open_shared(const char *path, struct sfe_storage *storage,
                                      struct sfe_error *err)
{
    return open_directory(path, SHARED_MODE, storage, err);
}

void sfe_storage_close_shared(struct sfe_storage *storage)
{
    sfe_posix_storage_close(storage);
}
