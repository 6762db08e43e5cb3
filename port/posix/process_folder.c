#include "port/process.h"
#include "posix.h"

#include "base/assert.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES_MAX 1024u

static int compare(const struct dirent **one, const struct dirent **other)
{
    return strcmp((*one)->d_name, (*other)->d_name);
}

static bool is_wanted(const char *name, const char *suffix)
{
    size_t size = strlen(name);
    size_t suffix_size = strlen(suffix);
    return name[0] != '.' && size > suffix_size && strcmp(name + size - suffix_size, suffix) == 0;
}

enum sfe_code sfe_process_list_files(const char *directory, const char *suffix,
                                     struct sfe_builder *names, struct sfe_error *err)
{
    struct dirent **entries = NULL;
    SFE_ASSERT(directory != NULL && suffix != NULL);
    int count = scandir(directory, &entries, NULL, compare);
    if (count < 0) {
        int cause = errno;
        if (cause == ENOENT || cause == ENOTDIR) {
            return SFE_OK;
        }
        return sfe_fail_os(err, sfe_posix_file_code(cause), cause, "cannot list '%s'", directory);
    }
    for (int i = 0; i < count; i++) {
        if (is_wanted(entries[i]->d_name, suffix)) {
            sfe_builder_add_text(names, entries[i]->d_name);
            sfe_builder_add_byte(names, '\0');
        }
        free(entries[i]);
    }
    free(entries);
    return names->overflowed ? sfe_fail(err, SFE_E_TOO_LARGE, "too many files in '%s'", directory)
                             : SFE_OK;
}

enum sfe_code sfe_process_add_absolute_path(const char *path, struct sfe_builder *out,
                                            struct sfe_error *err)
{
    char folder[PATH_BYTES_MAX];
    SFE_ASSERT(path != NULL);
    if (path[0] != '/') {
        if (getcwd(folder, sizeof(folder)) == NULL) {
            return sfe_fail_os(err, SFE_E_STORAGE, errno, "cannot tell the working directory");
        }
        sfe_builder_add_text(out, folder);
        sfe_builder_add_text(out, "/");
    }
    sfe_builder_add_text(out, path);
    return SFE_OK;
}
