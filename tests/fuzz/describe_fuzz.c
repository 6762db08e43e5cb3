/* Whatever is taken for an object's description: it is read to its end or refused with the reason,
 * its fields have names, and what is planned by it can be written as metadata. */
#include "base/arena.h"
#include "salesforce/org_metadata.h"

#include <stdio.h>
#include <stdlib.h>

#define TOKENS_MAX  4096u
#define ARENA_BYTES (256u * 1024u)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sfe_map_field FIELDS[] = {
    {.name = "ReadingId__c", .from = "{id}"},
    {.name = "Kind__c", .constant = "\"A\""},
    {.name = "Parent__r.Key__c", .from = "/parent", .type = SFE_MAP_STRING},
};
static const struct sfe_map_options WANTED = {
    .object = "X__c", .external_id = "ReadingId__c", .fields = FIELDS, .field_count = 3};

static void demand(bool fact, const char *text)
{
    if (!fact) {
        (void)fprintf(stderr, "not so: %s\n", text);
        abort();
    }
}

static void on_finding(void *reader, const struct sfe_plan_finding *finding)
{
    const uint32_t *count = reader;

    demand(finding->field <= *count, "a finding is of a field or of the record");
    demand(sfe_utf8_valid(sfe_slice_text(finding->fix)), "a fix is UTF-8");
    demand(strlen(finding->message) != 0, "a finding says what");
}

static void write_metadata(const struct sfe_plan_record *record, struct sfe_arena *arena)
{
    static uint8_t memory[65536];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    struct sfe_metadata *metadata = NULL;
    struct sfe_error err;

    demand(sfe_metadata_open(record, 1, arena, &metadata, &err) == SFE_OK, "there is memory");
    for (uint32_t i = 0; i < sfe_metadata_object_count(metadata); i++) {
        demand(strchr(sfe_metadata_object_name(metadata, i), '/') == NULL, "no path is made");
        sfe_metadata_add_object(metadata, i, &out);
    }
    sfe_metadata_add_permissions(metadata, &out);
    sfe_metadata_add_package(metadata, "v62.0", &out);
    demand(!out.overflowed, "the files have a bound");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfe_json_token tokens[TOKENS_MAX];
    uint32_t count = WANTED.field_count;
    const struct sfe_plan_listener listener = {tokens, TOKENS_MAX, on_finding, &count};
    const struct sfe_slice text = sfe_slice_make(data, size);
    struct sfe_plan_record record;
    struct sfe_arena *arena = NULL;
    struct sfe_error err;

    demand(sfe_arena_open(ARENA_BYTES, &arena, &err) == SFE_OK, "there is memory");
    demand(sfe_plan_open(&WANTED, arena, &record, &err) == SFE_OK, "there is memory");
    enum sfe_code code = sfe_plan_read(&record, text, &listener, &err);
    demand(code == SFE_OK || code == SFE_E_PROTOCOL || code == SFE_E_TOO_LARGE, "a known code");
    if (code == SFE_OK && record.fields[2].is_found) {
        code = sfe_plan_read_parent(&record, 2, text, &listener, &err);
        demand(code == SFE_OK, "it was read before");
    }
    write_metadata(&record, arena);
    sfe_arena_close(arena);
    return 0;
}
