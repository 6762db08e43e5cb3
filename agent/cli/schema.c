#include "cli/command.h"

#include "base/arena.h"
#include "cli/print.h"
#include "config/schema_table.h"
#include "port/process.h"

#define SCHEMA_BYTES_MAX (256u * 1024u)

int sfe_cli_schema(const struct sfe_arguments *arguments)
{
    struct sfe_arena *arena = NULL;
    struct sfe_error err;
    uint8_t *memory = NULL;
    enum sfe_code code = sfe_arena_open(SCHEMA_BYTES_MAX, &arena, &err);

    (void)arguments;
    if (code == SFE_OK) {
        memory = sfe_arena_take(arena, SCHEMA_BYTES_MAX, &err);
    }
    if (memory != NULL) {
        struct sfe_builder out = sfe_builder_make(memory, SCHEMA_BYTES_MAX);
        sfe_config_add_schema(&out);
        sfe_process_print(sfe_builder_slice(&out));
    }
    sfe_arena_close(arena);
    return memory == NULL ? sfe_cli_fail("schema", &err) : 0;
}
