/* Which streams have files. */
#include "stream/segment.h"
#include "stream/walk.h"

struct names {
    char items[SFE_STREAMS_MAX + 1u][SFE_NAME_BYTES_MAX + 1u];
    uint32_t count;
};

static bool visit_name(void *visitor, const char *name, uint64_t size)
{
    struct names *names = visitor;
    char stream[SFE_NAME_BYTES_MAX + 1u];
    uint32_t number = 0;

    (void)size;
    /* A stream's name may hold hyphens itself: any part before one may be it. */
    for (const char *hyphen = strchr(name, '-'); hyphen != NULL; hyphen = strchr(hyphen + 1, '-')) {
        const size_t length = (size_t)(hyphen - name);
        if (length == 0 || length > SFE_NAME_BYTES_MAX) {
            continue;
        }
        memcpy(stream, name, length);
        stream[length] = '\0';
        if (!segment_number_of(name, stream, SEGMENT_SUFFIX, &number) &&
            !segment_number_of(name, stream, SEGMENT_BAD_SUFFIX, &number)) {
            continue;
        }
        for (uint32_t i = 0; i < names->count; i++) {
            if (strcmp(names->items[i], stream) == 0) {
                return true;
            }
        }
        memcpy(names->items[names->count++], stream, length + 1u);
        break;
    }
    return names->count < SFE_STREAMS_MAX + 1u;
}

enum sfe_code sfe_stream_walk_names(const struct sfe_storage *storage,
                                    void (*visit)(void *visitor, const char *name), void *visitor,
                                    struct sfe_error *err)
{
    struct names names = {.count = 0};
    enum sfe_code code = storage->list(storage->context, visit_name, &names, err);

    for (uint32_t i = 0; i < names.count && code == SFE_OK; i++) {
        visit(visitor, names.items[i]);
    }
    return code;
}
