#include "compile/parts.h"

#include "base/arena.h"
#include "port/process.h"

#include <stdio.h>
#include <string.h>

#define ZONES_FOLDER    "/usr/share/zoneinfo/"
#define ZONE_PATH_BYTES 128u
#define ZONE_FILE_BYTES 16384u

/* "Europe/Berlin", "UTC": what POSIX writes has an offset, or < in front. */
static bool is_name(const char *text)
{
    return strpbrk(text, "<,") == NULL &&
           (strchr(text, '/') != NULL || strpbrk(text, "0123456789") == NULL);
}

/* Nothing but names below the folder. */
static bool is_clean(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        const bool is_letter = (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z');
        if (!is_letter && (*c < '0' || *c > '9') && strchr("_-+/", *c) == NULL) {
            return false;
        }
    }
    return name[0] != '/' && name[0] != '\0' && strlen(name) < ZONE_PATH_BYTES / 2;
}

/* The rule at the end of a file of zone data, between two newlines (RFC 9636, section 3.3). */
static struct sfe_slice footer_of(struct sfe_slice file)
{
    size_t begin;
    size_t end = file.size;

    if (end < 2 || file.bytes[end - 1] != '\n' || file.bytes[0] != 'T') {
        return sfe_slice_make(NULL, 0);
    }
    end--;
    for (begin = end; begin > 0 && file.bytes[begin - 1] != '\n';) {
        begin--;
    }
    return sfe_slice_part(file, begin, end - begin);
}

enum sfe_code compile_zone(struct compiler *compiler, const char *written, const char **zone,
                           struct sfe_error *err)
{
    char path[ZONE_PATH_BYTES];

    *zone = written;
    if (written == NULL || !is_name(written)) {
        return SFE_OK;
    }
    if (!is_clean(written)) {
        return sfe_fail(err, SFE_E_CONFIG, "\"%.48s\" is not the name of a time zone", written);
    }
    uint8_t *memory = sfe_arena_take(compiler->arena, ZONE_FILE_BYTES + 1, err);
    if (memory == NULL) {
        return err->code;
    }
    struct sfe_builder file = sfe_builder_make(memory, ZONE_FILE_BYTES);
    (void)snprintf(path, sizeof(path), ZONES_FOLDER "%s", written);
    const enum sfe_code code = sfe_process_read_file(path, &file, err);
    const struct sfe_slice footer = footer_of(sfe_builder_slice(&file));
    if (code != SFE_OK || footer.size == 0) {
        return sfe_fail(err, SFE_E_CONFIG,
                        "this machine knows no time zone \"%.48s\"; write its rule, such as "
                        "CET-1CEST,M3.5.0,M10.5.0/3",
                        written);
    }
    memmove(memory, footer.bytes, footer.size);
    memory[footer.size] = '\0';
    *zone = (const char *)memory;
    return SFE_OK;
}
