#include "cli/export_damage.h"

#include "base/json_writer.h"

/* A multiple of three: base64 of the parts is that of the whole. */
#define PART_BYTES 768u

const char *export_damage_kind(enum sfe_stream_damage_kind kind)
{
    switch (kind) {
    case SFE_DAMAGE_HEADER:
        return "header";
    case SFE_DAMAGE_BYTES:
        return "bytes";
    case SFE_DAMAGE_SEAL:
        return "seal";
    case SFE_DAMAGE_EVENTS:
        return "events";
    }
    return "unknown";
}

/* The file, as far as it can be had. */
struct source {
    const struct sfe_storage *storage;
    struct sfe_file *file; /* NULL: it is gone, or cannot be opened. */
    uint64_t unreadable;   /* Bytes; they stand as zeros. */
};

static void read_part(struct source *source, uint64_t offset, uint8_t *bytes, size_t size)
{
    struct sfe_error ignored;
    size_t got = 0;

    if (source->file == NULL ||
        source->storage->read(source->storage->context, source->file, offset, bytes, size, &got,
                              &ignored) != SFE_OK) {
        got = 0;
    }
    memset(bytes + got, 0, size - got);
    source->unreadable += size - got;
}

static enum sfe_code write_content(struct export_damage *export, struct source *source,
                                   const struct sfe_stream_damage *damage, struct sfe_error *err)
{
    uint8_t part[PART_BYTES];
    uint8_t text[PART_BYTES / 3u * 4u];
    const uint64_t end = damage->offset + damage->bytes;
    enum sfe_code code = SFE_OK;

    for (uint64_t offset = damage->offset; offset < end && code == SFE_OK; offset += sizeof(part)) {
        struct sfe_builder out = sfe_builder_make(text, sizeof(text));
        const size_t size = end - offset < sizeof(part) ? (size_t)(end - offset) : sizeof(part);
        read_part(source, offset, part, size);
        sfe_builder_add_base64(&out, sfe_slice_make(part, size));
        code = sfe_process_write_output(export->file, sfe_builder_slice(&out), err);
    }
    return code;
}

static void put_place(const struct export_damage *export, const struct sfe_stream_damage *damage)
{
    struct sfe_json_writer writer = sfe_json_writer_make(export->scratch);

    sfe_builder_rewind(export->scratch, 0);
    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "stream", sfe_slice_text(export->stream));
    sfe_json_put_text(&writer, "file", sfe_slice_text(damage->file));
    sfe_json_put_bool(&writer, "put_aside", damage->is_put_aside);
    sfe_json_put_text(&writer, "kind", sfe_slice_text(export_damage_kind(damage->kind)));
    sfe_json_put_u64(&writer, "offset", damage->offset);
    sfe_json_put_u64(&writer, "bytes", damage->bytes);
    if (damage->first_sequence != 0) {
        sfe_json_put_u64(&writer, "first_sequence", damage->first_sequence);
    }
    sfe_json_put_u64(&writer, "lost", damage->lost);
    /* The object goes on. */
    sfe_builder_add_text(export->scratch, ",\"content_base64\":\"");
}

static enum sfe_code write_place(struct export_damage *export,
                                 const struct sfe_stream_damage *damage, struct sfe_error *err)
{
    const struct sfe_storage *storage = export->storage;
    struct source source = {.storage = storage};
    struct sfe_error ignored;

    if (storage->open(storage->context, damage->file, SFE_STORAGE_READ, &source.file, &ignored) !=
        SFE_OK) {
        source.file = NULL;
    }
    put_place(export, damage);
    enum sfe_code code =
        sfe_process_write_output(export->file, sfe_builder_slice(export->scratch), err);
    if (code == SFE_OK) {
        code = write_content(export, &source, damage, err);
    }
    storage->close(storage->context, source.file);
    sfe_builder_rewind(export->scratch, 0);
    sfe_builder_format(export->scratch, "\",\"unreadable\":%llu}\n",
                       (unsigned long long)source.unreadable);
    return code == SFE_OK
               ? sfe_process_write_output(export->file, sfe_builder_slice(export->scratch), err)
               : code;
}

void export_damage_tell(void *owner, const struct sfe_stream_damage *damage)
{
    struct export_damage *export = owner;

    if (export->failure.code != SFE_OK) {
        return;
    }
    if (write_place(export, damage, &export->failure) == SFE_OK) {
        export->failure.code = SFE_OK;
        export->count++;
    }
}
