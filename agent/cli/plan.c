#include "cli/command.h"

#include "base/arena.h"
#include "cli/examine.h"
#include "cli/print.h"

#define CONFIG_BYTES_MAX (64u * 1024u * 1024u)

struct comparison {
    const struct sfe_arguments *arguments;
    const char *connection; /* NULL: all orgs. */
    struct examination examination;
    const struct sfe_config *config;
    struct sfe_compiled compiled;
    struct sfe_platform platform;
};

static bool is_asked(const struct comparison *comparison, uint32_t index)
{
    const struct sfe_config_connection *connection = &comparison->config->connections[index];

    return connection->type == SFE_CONNECTION_SALESFORCE &&
           (comparison->connection == NULL ||
            strcmp(comparison->connection, connection->name) == 0);
}

/* Files of two orgs would be mixed in one folder. */
static enum sfe_code check_asked(const struct comparison *comparison, struct sfe_error *err)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < comparison->config->connection_count; i++) {
        count += is_asked(comparison, i) ? 1u : 0u;
    }
    if (count == 0) {
        return sfe_fail(err, SFE_E_USAGE, "there is no Salesforce connection%s",
                        comparison->connection == NULL ? "" : " of that name");
    }
    if (count > 1u && comparison->arguments->write != NULL) {
        return sfe_fail(err, SFE_E_USAGE,
                        "there are several orgs: name the connection to write "
                        "for");
    }
    return SFE_OK;
}

/* Each org has memory of its own: descriptions are large. */
static enum sfe_code compare(struct comparison *comparison, struct sfe_error *err)
{
    const struct sfe_plan_output output = {comparison->arguments->write,
                                           comparison->arguments->force};
    struct sfe_doctor_options options = {.config = comparison->config,
                                         .compiled = &comparison->compiled,
                                         .platform = &comparison->platform,
                                         .report = examine_tell,
                                         .reader = &comparison->examination};

    for (uint32_t i = 0; i < comparison->config->connection_count; i++) {
        if (!is_asked(comparison, i)) {
            continue;
        }
        enum sfe_code code = sfe_arena_open(SFE_PLAN_BYTES_MAX, &options.arena, err);
        if (code != SFE_OK) {
            return code;
        }
        sfe_doctor_plan(&options, i, &output);
        sfe_arena_close(options.arena);
    }
    return SFE_OK;
}

static enum sfe_code open_and_compare(struct comparison *comparison, struct sfe_arena *arena,
                                      struct sfe_error *err)
{
    enum sfe_code code = sfe_config_load(comparison->arguments->config, arena, examine_mistake,
                                         &comparison->examination, &comparison->config, err);

    if (code == SFE_OK) {
        code = check_asked(comparison, err);
    }
    if (code == SFE_OK) {
        code = sfe_compile(comparison->config, arena, examine_mistake, &comparison->examination,
                           &comparison->compiled, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    /* Clock and network only: the agent's state is not touched. */
    code = sfe_platform_open("/", &comparison->platform, err);
    if (code == SFE_OK) {
        code = compare(comparison, err);
        sfe_platform_close(&comparison->platform);
    }
    sfe_compiled_wipe(&comparison->compiled);
    return code;
}

int sfe_cli_plan(const struct sfe_arguments *arguments)
{
    struct comparison comparison = {.arguments = arguments,
                                    .connection =
                                        arguments->word_count == 0 ? NULL : arguments->words[0],
                                    .examination = {.json = arguments->json}};
    struct sfe_arena *arena = NULL;
    struct sfe_error err;
    enum sfe_code code = sfe_arena_open(CONFIG_BYTES_MAX, &arena, &err);

    examine_begin(&comparison.examination);
    if (code == SFE_OK) {
        code = open_and_compare(&comparison, arena, &err);
    }
    int exit_code = examine_end(&comparison.examination);
    sfe_arena_close(arena);
    return code == SFE_OK || exit_code != 0 ? exit_code : sfe_cli_fail("plan", &err);
}
