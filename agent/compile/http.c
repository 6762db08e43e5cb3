/* What an output of type http is made of: its address, its headers, its body. */
#include "compile/parts.h"

#include "base/arena.h"
#include "base/assert.h"

static enum sfe_code make_node(struct compiler *compiler, const struct sfe_config_node *written,
                               struct sfe_shape_node *node, uint64_t *tables, struct sfe_error *err)
{
    _Static_assert((int)SFE_SHAPE_VALUE == (int)SFE_NODE_VALUE, "the same kinds");
    node->kind = (enum sfe_shape_kind)written->kind;
    node->name = written->name;
    node->next = written->next;
    if (written->kind != SFE_NODE_VALUE) {
        return SFE_OK;
    }
    return compile_field(compiler, &written->field, &node->field, tables, err);
}

/* *shape stays NULL where there is nothing, or a mistake, which is reported. */
static enum sfe_code compile_tree(struct compiler *compiler, const struct sfe_config_tree *tree,
                                  struct sfe_shape **shape, uint64_t *tables, struct sfe_error *err)
{
    uint32_t bad_node = 0;

    if (tree->count == 0) {
        return SFE_OK;
    }
    struct sfe_shape_node *nodes =
        sfe_arena_take(compiler->arena, tree->count * sizeof(*nodes), err);
    enum sfe_code code = nodes == NULL ? SFE_E_NO_MEMORY : SFE_OK;
    for (uint32_t i = 0; i < tree->count && code == SFE_OK; i++) {
        code = make_node(compiler, &tree->nodes[i], &nodes[i], tables, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    code = sfe_shape_compile(nodes, tree->count, compiler->config->agent.id, compiler->arena, shape,
                             &bad_node, err);
    if (code == SFE_E_CONFIG) {
        compile_report(compiler, &tree->nodes[bad_node].field.place, err);
        return SFE_OK;
    }
    return code;
}

/* Plain text, where the body is text alone. */
static const char *text_of(const struct sfe_config_http_output *http)
{
    return http->body.count == 1 && http->body.nodes[0].is_text ? http->body.nodes[0].field.from
                                                                : NULL;
}

enum sfe_code compile_http_output(struct compiler *compiler, const struct sfe_config_output *output,
                                  struct sfe_compiled_output *compiled, struct sfe_error *err)
{
    const struct sfe_config_http_output *http = &output->http;
    const char *text = text_of(http);
    enum sfe_code code = compile_text(compiler, http->path, &http->url_place, &compiled->path, err);

    if (code == SFE_OK && text != NULL) {
        code = compile_text(compiler, text, &http->body.nodes[0].field.place, &compiled->body_text,
                            err);
    } else if (code == SFE_OK) {
        code = compile_tree(compiler, &http->body, &compiled->body, &compiled->tables, err);
    }
    return code == SFE_OK
               ? compile_tree(compiler, &http->headers, &compiled->headers, &compiled->tables, err)
               : code;
}
