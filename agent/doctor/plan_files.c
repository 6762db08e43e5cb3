#include "doctor/plan_files.h"

#include "base/arena.h"
#include "base/assert.h"
#include "port/process.h"
#include "salesforce/org_metadata.h"

#include <stdio.h>

#define PATH_BYTES 1024u
/* package.xml and the permission set. */
#define OTHER_FILES 2u
/* Nothing has more than some 600 bytes a field. */
#define FIELD_BYTES    1024u
#define DOCUMENT_BYTES 8192u

struct writing {
    const struct sfe_doctor_options *options;
    const struct plan_set *set;
    const struct sfe_plan_output *output;
    const struct sfe_metadata *metadata;
    struct sfe_builder document;
    struct sfe_output_file **files;
    uint32_t count;  /* Of them that there will be. */
    uint32_t opened; /* And that are open. */
};

static void make_path(const char *folder, const char *name, char path[PATH_BYTES])
{
    int length = snprintf(path, PATH_BYTES, "%s/%s", folder, name);

    if (length < 0 || (size_t)length >= PATH_BYTES) {
        path[0] = '\0'; /* Refused when it is opened. */
    }
}

/* Name of file `index` below the folder: the objects' first. */
static void name_file(const struct writing *writing, uint32_t index, char name[PATH_BYTES])
{
    const uint32_t objects = writing->count - OTHER_FILES;
    int length = index < objects
                     ? snprintf(name, PATH_BYTES, "objects/%s.object",
                                sfe_metadata_object_name(writing->metadata, index))
                     : snprintf(name, PATH_BYTES, "%s",
                                index == objects ? "permissionsets/" SFE_METADATA_PERMISSION_SET
                                                   ".permissionset"
                                                 : "package.xml");
    SFE_ASSERT(length > 0 && (size_t)length < PATH_BYTES);
}

static enum sfe_code write_file(struct writing *writing, uint32_t index, struct sfe_error *err)
{
    const uint32_t objects = writing->count - OTHER_FILES;
    struct sfe_builder *document = &writing->document;

    sfe_builder_rewind(document, 0);
    if (index < objects) {
        sfe_metadata_add_object(writing->metadata, index, document);
    } else if (index == objects) {
        sfe_metadata_add_permissions(writing->metadata, document);
    } else {
        sfe_metadata_add_package(writing->metadata, writing->set->api_version, document);
    }
    if (document->overflowed) {
        return sfe_fail(err, SFE_E_TOO_LARGE, "a file of the metadata is too large");
    }
    return sfe_process_write_output(writing->files[index], sfe_builder_slice(document), err);
}

static enum sfe_code make_folders(const struct writing *writing, struct sfe_error *err)
{
    char path[PATH_BYTES];
    enum sfe_code code = SFE_OK;

    if (writing->count > OTHER_FILES) {
        make_path(writing->output->folder, "objects", path);
        code = sfe_process_make_directory(path, err);
    }
    if (code == SFE_OK) {
        make_path(writing->output->folder, "permissionsets", path);
        code = sfe_process_make_directory(path, err);
    }
    return code;
}

/* Opens every file before the first one is let stand: one that is there refuses all. */
static enum sfe_code write_files(struct writing *writing, struct sfe_error *err)
{
    char name[PATH_BYTES];
    char path[PATH_BYTES];
    enum sfe_code code = make_folders(writing, err);

    for (uint32_t i = 0; i < writing->count && code == SFE_OK; i++) {
        name_file(writing, i, name);
        make_path(writing->output->folder, name, path);
        code = sfe_process_open_output(path, writing->output->may_replace, &writing->files[i], err);
        writing->opened += code == SFE_OK ? 1u : 0u;
        if (code == SFE_OK) {
            code = write_file(writing, i, err);
        }
    }
    for (uint32_t i = 0; i < writing->opened; i++) {
        if (code == SFE_OK) {
            code = sfe_process_finish_output(writing->files[i], err);
        } else {
            sfe_process_abandon_output(writing->files[i]);
        }
    }
    return code;
}

static enum sfe_code open_writing(struct writing *writing, struct sfe_error *err)
{
    struct sfe_arena *arena = writing->options->arena;
    size_t capacity = DOCUMENT_BYTES;

    writing->count = sfe_metadata_object_count(writing->metadata) + OTHER_FILES;
    for (uint32_t i = 0; i < writing->set->count; i++) {
        capacity += FIELD_BYTES * (2u * writing->set->records[i].wanted->field_count + 1u);
    }
    uint8_t *memory = sfe_arena_take(arena, capacity, err);
    writing->files = sfe_arena_take(arena, writing->count * sizeof(struct sfe_output_file *), err);
    writing->document = sfe_builder_make(memory, memory == NULL ? 0 : capacity);
    return memory == NULL || writing->files == NULL ? SFE_E_NO_MEMORY : SFE_OK;
}

void plan_write(const struct sfe_doctor_options *options, const struct plan_set *set,
                const struct sfe_plan_output *output)
{
    struct writing writing = {.options = options, .set = set, .output = output};
    struct sfe_finding finding = {
        .level = SFE_FINDING_FAIL, .check = "write", .subject = output->folder};
    struct sfe_metadata *metadata = NULL;
    struct sfe_error err;
    enum sfe_code code =
        sfe_metadata_open(set->records, set->count, options->arena, &metadata, &err);

    if (code == SFE_OK && !sfe_metadata_is_needed(metadata)) {
        finding_ok(options, "write", output->folder, "nothing to deploy, nothing written");
        return;
    }
    writing.metadata = metadata;
    if (code == SFE_OK) {
        code = open_writing(&writing, &err);
    }
    if (code == SFE_OK) {
        code = write_files(&writing, &err);
    }
    if (code != SFE_OK) {
        finding.code = code;
        finding_tell(options, &finding, err.message,
                     code == SFE_E_REFUSED ? "name another folder, or say --force" : "");
        return;
    }
    finding_ok(options, "write", output->folder,
               "package.xml, %u objects, permission set " SFE_METADATA_PERMISSION_SET
               ": look through them, then sf project deploy start --metadata-dir, and assign the "
               "permission set to the user",
               (unsigned)(writing.count - OTHER_FILES));
}
