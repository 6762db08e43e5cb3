#include "port/folder.h"

#include "base/assert.h"
#include "posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART_MODE 0750
#define FILE_MODE 0640

_Static_assert(SFE_FOLDER_NAME_BYTES > NAME_MAX, "every name fits");

struct sfe_folder {
    int fd;
};

struct sfe_folder_file {
    int fd;
};

struct sfe_folder_list {
    DIR *entries;
};

static enum sfe_code fail(struct sfe_error *err, int os_errno, const char *what, const char *name)
{
    return sfe_fail_os(err, sfe_posix_file_code(os_errno), os_errno, "%s '%s'", what, name);
}

static enum sfe_code fail_memory(struct sfe_error *err)
{
    return sfe_fail(err, SFE_E_NO_MEMORY, "no memory to open a folder or file");
}

static bool is_plain(const char *name)
{
    return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static enum sfe_code open_directory(int at, const char *path, int *fd, struct sfe_error *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (at == AT_FDCWD ? 0 : O_NOFOLLOW);

    *fd = openat(at, path, flags);
    return *fd < 0 ? fail(err, errno, "cannot open directory", path) : SFE_OK;
}

/* A descriptor of the part that is to be closed. */
static enum sfe_code open_part(const struct sfe_folder *folder, const char *part, int *fd,
                               struct sfe_error *err)
{
    SFE_ASSERT(part == NULL || is_plain(part));
    return open_directory(folder->fd, part == NULL ? "." : part, fd, err);
}

static void describe(const struct stat *status, struct sfe_folder_entry *entry)
{
    *entry = (struct sfe_folder_entry){
        .size = (uint64_t)status->st_size,
        .inode = (uint64_t)status->st_ino,
        .modified_ns =
            (int64_t)status->st_mtim.tv_sec * 1000000000 + (int64_t)status->st_mtim.tv_nsec,
        .changed_ns =
            (int64_t)status->st_ctim.tv_sec * 1000000000 + (int64_t)status->st_ctim.tv_nsec,
    };
}

enum sfe_code sfe_folder_open(const char *path, struct sfe_folder **folder, struct sfe_error *err)
{
    struct sfe_folder *made = malloc(sizeof(*made));
    enum sfe_code code;

    *folder = NULL;
    if (made == NULL) {
        return fail_memory(err);
    }
    code = open_directory(AT_FDCWD, path, &made->fd, err);
    if (code != SFE_OK) {
        free(made);
        return code;
    }
    *folder = made;
    return SFE_OK;
}

void sfe_folder_close(struct sfe_folder *folder)
{
    if (folder != NULL) {
        (void)close(folder->fd);
        free(folder);
    }
}

static enum sfe_code look(int fd, const char *name, struct sfe_folder_entry *entry,
                          struct sfe_error *err)
{
    struct stat status;

    if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return fail(err, errno, "cannot look at", name);
    }
    if (!S_ISREG(status.st_mode)) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "'%s' is no regular file", name);
    }
    describe(&status, entry);
    return SFE_OK;
}

enum sfe_code sfe_folder_look(struct sfe_folder *folder, const char *part, const char *name,
                              struct sfe_folder_entry *entry, struct sfe_error *err)
{
    int fd = -1;
    enum sfe_code code;

    SFE_ASSERT(is_plain(name));
    if (part == NULL) {
        return look(folder->fd, name, entry, err);
    }
    code = open_part(folder, part, &fd, err);
    if (code == SFE_OK) {
        code = look(fd, name, entry, err);
        (void)close(fd);
    }
    return code;
}

enum sfe_code sfe_folder_begin_list(struct sfe_folder *folder, const char *part,
                                    struct sfe_folder_list **list, struct sfe_error *err)
{
    struct sfe_folder_list *made = malloc(sizeof(*made));
    int fd = -1;
    enum sfe_code code;

    *list = NULL;
    if (made == NULL) {
        return fail_memory(err);
    }
    /* Opened anew: a duplicate would share its place with the last list. */
    code = open_part(folder, part, &fd, err);
    if (code != SFE_OK) {
        free(made);
        return code;
    }
    made->entries = fdopendir(fd);
    if (made->entries == NULL) {
        int cause = errno;
        (void)close(fd);
        free(made);
        return fail(err, cause, "cannot list", part == NULL ? "." : part);
    }
    *list = made;
    return SFE_OK;
}

enum sfe_code sfe_folder_next(struct sfe_folder_list *list, char *name, struct sfe_error *err)
{
    const struct dirent *entry;
    int length;

    do {
        errno = 0;
        entry = readdir(list->entries);
        if (entry == NULL) {
            return errno == 0 ? SFE_E_END : fail(err, errno, "cannot list", ".");
        }
    } while (!is_plain(entry->d_name));
    length = snprintf(name, SFE_FOLDER_NAME_BYTES, "%s", entry->d_name);
    SFE_ASSERT(length > 0 && (size_t)length < SFE_FOLDER_NAME_BYTES);
    return SFE_OK;
}

void sfe_folder_end_list(struct sfe_folder_list *list)
{
    if (list != NULL) {
        (void)closedir(list->entries);
        free(list);
    }
}

enum sfe_code sfe_folder_open_file(struct sfe_folder *folder, const char *name,
                                   struct sfe_folder_file **file, struct sfe_error *err)
{
    struct sfe_folder_file *made = malloc(sizeof(*made));
    struct stat status;

    SFE_ASSERT(is_plain(name));
    *file = NULL;
    if (made == NULL) {
        return fail_memory(err);
    }
    made->fd = openat(folder->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (made->fd < 0) {
        int cause = errno;
        free(made);
        /* A link (ELOOP), a socket (ENXIO): of no concern to us. */
        return cause == ELOOP || cause == ENXIO
                   ? sfe_fail(err, SFE_E_NOT_FOUND, "'%s' is no regular file", name)
                   : fail(err, cause, "cannot open", name);
    }
    if (fstat(made->fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        sfe_folder_close_file(made);
        return sfe_fail(err, SFE_E_NOT_FOUND, "'%s' is no regular file", name);
    }
    *file = made;
    return SFE_OK;
}

enum sfe_code sfe_folder_look_at_file(struct sfe_folder_file *file, struct sfe_folder_entry *entry,
                                      struct sfe_error *err)
{
    struct stat status;

    if (fstat(file->fd, &status) != 0) {
        return sfe_fail_os(err, SFE_E_STORAGE, errno, "cannot look at the open file");
    }
    describe(&status, entry);
    return SFE_OK;
}

enum sfe_code sfe_folder_read(struct sfe_folder_file *file, uint64_t offset, void *bytes,
                              size_t size, size_t *got, struct sfe_error *err)
{
    unsigned char *place = bytes;

    *got = 0;
    while (*got < size) {
        ssize_t count = pread(file->fd, place + *got, size - *got, (off_t)(offset + *got));
        if (count == 0) {
            break;
        }
        if (count < 0 && errno != EINTR) {
            return sfe_fail_os(err, SFE_E_STORAGE, errno, "cannot read");
        }
        *got += count < 0 ? 0 : (size_t)count;
    }
    return SFE_OK;
}

void sfe_folder_close_file(struct sfe_folder_file *file)
{
    if (file != NULL) {
        (void)close(file->fd);
        free(file);
    }
}

enum sfe_code sfe_folder_make(struct sfe_folder *folder, const char *part, struct sfe_error *err)
{
    SFE_ASSERT(is_plain(part));
    if (mkdirat(folder->fd, part, PART_MODE) != 0 && errno != EEXIST) {
        return fail(err, errno, "cannot make directory", part);
    }
    return SFE_OK;
}

enum sfe_code sfe_folder_move(struct sfe_folder *folder, const char *name, const char *part,
                              const char *to, struct sfe_error *err)
{
    int fd = -1;
    enum sfe_code code = open_part(folder, part, &fd, err);

    SFE_ASSERT(is_plain(name) && is_plain(to));
    if (code != SFE_OK) {
        return code;
    }
    if (renameat(folder->fd, name, fd, to) != 0) {
        code = fail(err, errno, "cannot move", name);
    }
    (void)close(fd);
    return code;
}

static enum sfe_code write_all(int fd, struct sfe_slice content, const char *name,
                               struct sfe_error *err)
{
    size_t done = 0;

    while (done < content.size) {
        ssize_t count = write(fd, content.bytes + done, content.size - done);
        if (count < 0 && errno != EINTR) {
            return fail(err, errno, "cannot write", name);
        }
        done += count < 0 ? 0 : (size_t)count;
    }
    return fsync(fd) == 0 ? SFE_OK : fail(err, errno, "cannot sync", name);
}

enum sfe_code sfe_folder_put(struct sfe_folder *folder, const char *part, const char *name,
                             struct sfe_slice content, struct sfe_error *err)
{
    int directory = -1;
    int fd;
    enum sfe_code code = open_part(folder, part, &directory, err);

    SFE_ASSERT(is_plain(name));
    if (code != SFE_OK) {
        return code;
    }
    fd = openat(directory, name,
                O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                FILE_MODE);
    code = fd < 0 ? fail(err, errno, "cannot make", name) : write_all(fd, content, name, err);
    if (fd >= 0) {
        (void)close(fd);
    }
    (void)close(directory);
    return code;
}

enum sfe_code sfe_folder_remove(struct sfe_folder *folder, const char *part, const char *name,
                                struct sfe_error *err)
{
    int fd = -1;
    enum sfe_code code = open_part(folder, part, &fd, err);

    SFE_ASSERT(is_plain(name));
    if (code != SFE_OK) {
        return code;
    }
    if (unlinkat(fd, name, 0) != 0) {
        code = fail(err, errno, "cannot remove", name);
    }
    (void)close(fd);
    return code;
}

enum sfe_code sfe_folder_sync(struct sfe_folder *folder, const char *part, struct sfe_error *err)
{
    int fd = -1;
    enum sfe_code code = open_part(folder, part, &fd, err);
    int failed;

    if (code != SFE_OK) {
        return code;
    }
    do {
        failed = fsync(fd);
    } while (failed != 0 && errno == EINTR);
    /* Some network file systems cannot sync a directory: there a rename is as durable as it gets.
     */
    if (failed != 0 && errno != EINVAL) {
        code = fail(err, errno, "cannot sync directory", part == NULL ? "." : part);
    }
    (void)close(fd);
    return code;
}
