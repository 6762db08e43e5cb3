/* What an input of type mqtt-ask answers from: its table and key, or its query; and its map. */
#include "compile/parts.h"

#include "flow/lookup.h"

static enum sfe_code compile_table(struct compiler *compiler, const struct sfe_config_ask *ask,
                                   struct sfe_compiled_ask *compiled, struct sfe_error *err)
{
    const enum sfe_code code = compile_lookup(compiler, ask->table, &compiled->table, err);

    if (code == SFE_E_CONFIG) {
        compile_report(compiler, &ask->table_place, err);
        return SFE_OK;
    }
    if (compiled->table != NULL) {
        compiled->tables = compiled->table->digest;
    }
    return code;
}

static enum sfe_code compile_query(struct compiler *compiler, const struct sfe_config_ask *ask,
                                   struct sfe_compiled_ask *compiled, struct sfe_error *err)
{
    if (ask->query == NULL) {
        return SFE_OK;
    }
    const enum sfe_code code = sfe_soql_compile(ask->query, compiler->config->agent.id,
                                                compiler->arena, &compiled->query, err);
    if (code == SFE_E_CONFIG) {
        compile_report(compiler, &ask->query_place, err);
        return SFE_OK;
    }
    return code;
}

enum sfe_code compile_ask(struct compiler *compiler, const struct sfe_config_ask *ask,
                          struct sfe_compiled_ask *compiled, struct sfe_error *err)
{
    enum sfe_code code = compile_table(compiler, ask, compiled, err);

    if (code == SFE_OK) {
        code = compile_text(compiler, ask->key, &ask->key_place, &compiled->key, err);
    }
    if (code == SFE_OK) {
        code = compile_query(compiler, ask, compiled, err);
    }
    if (code == SFE_OK && ask->map.field_count != 0) {
        code = compile_record(compiler, &ask->map, &compiled->map, &compiled->tables, err);
    }
    return code;
}
