#include "port/process.h"
#include "posix.h"

#include "base/assert.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHERS_MASK    0007u
#define PARENT_MODE    0755
#define DIRECTORY_MODE 0700
#define LOCK_MODE      0600
#define NEW_FILE_MODE  0644
#define LOCK_NAME      "lock"
#define PATH_BYTES_MAX 1024u

/* Reads up to the end. What is read of a file that is refused is wiped: it may be a secret. */
static enum sfe_code read_all(int fd, const char *path, struct sfe_builder *content,
                              struct sfe_error *err)
{
    size_t begin = content->size;
    enum sfe_code code = SFE_OK;
    for (;;) {
        uint8_t beyond;
        size_t room = sfe_builder_room(content);
        ssize_t count =
            read(fd, room > 0 ? content->bytes + content->size : &beyond, room > 0 ? room : 1);
        if (count == 0) {
            return SFE_OK;
        }
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            code = sfe_fail_os(err, SFE_E_STORAGE, errno, "cannot read '%s'", path);
            break;
        }
        if (room == 0) {
            code = sfe_fail(err, SFE_E_TOO_LARGE, "'%s' is larger than %zu bytes", path,
                            content->capacity - begin);
            break;
        }
        content->size += (size_t)count;
    }
    sfe_wipe(content->bytes + begin, content->size - begin);
    sfe_builder_rewind(content, begin);
    return code;
}

static enum sfe_code read_file(const char *path, bool secret, struct sfe_builder *content,
                               struct sfe_error *err)
{
    struct stat status;
    SFE_ASSERT(path != NULL);
    SFE_ASSERT(!content->overflowed);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return sfe_fail_os(err, sfe_posix_file_code(errno), errno, "cannot open '%s'", path);
    }
    enum sfe_code code = SFE_OK;
    if (fstat(fd, &status) != 0) {
        code = sfe_fail_os(err, SFE_E_STORAGE, errno, "cannot read '%s'", path);
    } else if (secret && (status.st_mode & OTHERS_MASK) != 0) {
        code =
            sfe_fail(err, SFE_E_PERMISSION,
                     "'%s' holds a secret and is open to all users (mode %03o); use chmod o=", path,
                     (unsigned)status.st_mode & 0777u);
    } else {
        code = read_all(fd, path, content, err);
    }
    (void)close(fd);
    return code;
}

enum sfe_code sfe_process_read_file(const char *path, struct sfe_builder *content,
                                    struct sfe_error *err)
{
    return read_file(path, false, content, err);
}

enum sfe_code sfe_process_read_secret(const char *path, struct sfe_builder *content,
                                      struct sfe_error *err)
{
    return read_file(path, true, content, err);
}

static enum sfe_code write_whole(int fd, struct sfe_slice content, const char *path,
                                 struct sfe_error *err)
{
    while (content.size > 0) {
        ssize_t written = write(fd, content.bytes, content.size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return sfe_fail_os(err, sfe_posix_file_code(errno), errno, "cannot write '%s'", path);
        }
        content = sfe_slice_part(content, (size_t)written, content.size);
    }
    if (fsync(fd) != 0) {
        return sfe_fail_os(err, sfe_posix_file_code(errno), errno, "cannot write '%s'", path);
    }
    return SFE_OK;
}

enum sfe_code sfe_process_create_file(const char *path, struct sfe_slice content,
                                      struct sfe_error *err)
{
    SFE_ASSERT(path != NULL);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, NEW_FILE_MODE);
    if (fd < 0 && errno == EEXIST) {
        return sfe_fail(err, SFE_E_REFUSED, "'%s' exists already", path);
    }
    if (fd < 0) {
        return sfe_fail_os(err, sfe_posix_file_code(errno), errno, "cannot make '%s'", path);
    }
    enum sfe_code code = write_whole(fd, content, path, err);
    (void)close(fd);
    if (code != SFE_OK) {
        (void)unlink(path); /* Half a file would be taken for a whole one. */
    }
    return code;
}

enum sfe_code sfe_process_remove_file(const char *path, struct sfe_error *err)
{
    SFE_ASSERT(path != NULL);
    return unlink(path) == 0
               ? SFE_OK
               : sfe_fail_os(err, sfe_posix_file_code(errno), errno, "cannot remove '%s'", path);
}

static enum sfe_code make_one(const char *path, mode_t mode, struct sfe_error *err)
{
    struct stat status;
    if (mkdir(path, mode) == 0) {
        return SFE_OK;
    }
    int cause = errno;
    /* A parent that exists may answer EACCES or EROFS rather than EEXIST. */
    if (stat(path, &status) == 0) {
        cause = S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
    }
    return cause == 0 ? SFE_OK
                      : sfe_fail_os(err, sfe_posix_file_code(cause), cause,
                                    "cannot make directory '%s'", path);
}

enum sfe_code sfe_process_make_directory(const char *path, struct sfe_error *err)
{
    char part[PATH_BYTES_MAX];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof(part)) {
        return sfe_fail(err, SFE_E_STORAGE, "the directory's name has %zu bytes", size);
    }
    for (size_t i = 1; i < size; i++) {
        if (path[i] != '/' || path[i - 1] == '/') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        enum sfe_code code = make_one(part, PARENT_MODE, err);
        if (code != SFE_OK) {
            return code;
        }
    }
    return make_one(path, DIRECTORY_MODE, err);
}

enum sfe_code sfe_process_claim_directory(const char *path, struct sfe_error *err)
{
    SFE_ASSERT(path != NULL);
    enum sfe_code code = sfe_process_make_directory(path, err);
    if (code != SFE_OK) {
        return code;
    }
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return sfe_fail_os(err, sfe_posix_file_code(errno), errno, "cannot open '%s'", path);
    }
    int fd = openat(directory, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    int cause = errno;
    (void)close(directory);
    if (fd < 0) {
        return sfe_fail_os(err, sfe_posix_file_code(cause), cause, "cannot lock '%s'", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return SFE_OK; /* The descriptor stays open on purpose: it is the lock. */
    }
    cause = errno;
    (void)close(fd);
    if (cause == EWOULDBLOCK) {
        return sfe_fail(err, SFE_E_REFUSED, "another sfedge works in '%s'", path);
    }
    return sfe_fail_os(err, sfe_posix_file_code(cause), cause, "cannot lock '%s'", path);
}

/* The number behind `name` in text of "Name:  123 kB" lines; 0 where it does not stand. */
static uint64_t find_number(const char *text, const char *name)
{
    const char *place = strstr(text, name);
    uint64_t number = 0;
    if (place == NULL) {
        return 0;
    }
    place += strlen(name);
    while (*place == ' ' || *place == '\t') {
        place++;
    }
    while (*place >= '0' && *place <= '9') {
        number = number * 10 + (uint64_t)(*place - '0');
        place++;
    }
    return number;
}

/* A line of /proc/self/status in bytes. */
static uint64_t find_status(const char *name)
{
    char text[3072];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t size = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    if (size <= 0) {
        return 0;
    }
    text[size] = '\0';
    return find_number(text, name) * 1024u;
}

uint64_t sfe_process_memory_bytes(void)
{
    return find_status("\nRssAnon:");
}

uint64_t sfe_process_resident_bytes(void)
{
    return find_status("\nVmRSS:");
}

uint64_t sfe_process_heap_bytes(void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
    const struct mallinfo2 facts = mallinfo2();
    return (uint64_t)facts.uordblks + (uint64_t)facts.hblkhd;
#else
    return 0;
#endif
}
