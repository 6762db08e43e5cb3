#include "cli/command.h"

#include "base/arena.h"
#include "cli/examine.h"
#include "cli/print.h"

#define CONFIG_BYTES_MAX (64u * 1024u * 1024u)
#define LOOK_BYTES_MAX   ((SFE_CONNECTIONS_MAX + SFE_OUTPUTS_MAX) * 1024u * 1024u)

/* What is looked at; NULL connection: all, with the rest of the site. */
struct patient {
    const struct sfe_arguments *arguments;
    struct examination examination;
    const char *connection;
    bool only_login;
    const struct sfe_config *config;
    struct sfe_compiled compiled;
    struct sfe_platform platform;
    bool has_state;
    bool has_secrets;
    struct sfe_doctor_options options;
};

static void tell_secrets(struct patient *patient)
{
    const struct sfe_config *config = patient->config;
    struct sfe_finding finding = {.level = SFE_FINDING_OK,
                                  .check = "secrets",
                                  .subject = "",
                                  .message = "all can be read, and not by others"};

    for (uint32_t i = 0; i < config->connection_count; i++) {
        if (patient->compiled.connections[i].secret.size != 0) {
            examine_tell(&patient->examination, &finding);
            return;
        }
    }
}

/* The state directory where there is one; else any, for clock and network. */
static enum sfe_code open_platform(struct patient *patient, struct sfe_error *err)
{
    const char *state = patient->config->agent.state;
    struct sfe_finding finding = {.level = SFE_FINDING_WARN,
                                  .check = "flash",
                                  .subject = state,
                                  .fix = "sfedge run makes it; or make it, and give it to the "
                                         "agent's user",
                                  .setting = "/agent/state"};
    enum sfe_code code =
        patient->only_login ? SFE_E_NOT_FOUND : sfe_platform_open(state, &patient->platform, err);

    patient->has_state = code == SFE_OK;
    if (code == SFE_OK) {
        return code;
    }
    if (!patient->only_login) {
        finding.level = code == SFE_E_NOT_FOUND ? SFE_FINDING_WARN : SFE_FINDING_FAIL;
        finding.code = code == SFE_E_NOT_FOUND ? SFE_OK : code;
        sfe_printable(finding.message, sizeof(finding.message), sfe_slice_text(err->message));
        examine_tell(&patient->examination, &finding);
    }
    return sfe_platform_open("/", &patient->platform, err);
}

/* Without their secrets, nobody lets us in. */
static bool needs_secret(const struct sfe_config_connection *connection)
{
    return connection->type == SFE_CONNECTION_SALESFORCE || connection->mqtt.password_file != NULL;
}

static bool is_asked(const struct patient *patient, const struct sfe_config_connection *connection)
{
    if (!patient->has_secrets && needs_secret(connection)) {
        return false;
    }
    return patient->connection == NULL || strcmp(patient->connection, connection->name) == 0;
}

static void look_at_servers(struct patient *patient)
{
    const struct sfe_config *config = patient->config;

    for (uint32_t i = 0; i < config->output_count; i++) {
        if (config->outputs[i].type == SFE_OUTPUT_HTTP && patient->has_secrets &&
            patient->connection == NULL && !patient->only_login) {
            sfe_doctor_server(&patient->options, i);
        }
    }
}

/* Those that have no connection. */
static void look_at_inputs(struct patient *patient)
{
    const struct sfe_config *config = patient->config;

    for (uint32_t i = 0; i < config->input_count; i++) {
        if (config->inputs[i].type == SFE_INPUT_HTTP) {
            sfe_doctor_listen(&patient->options, i);
        } else if (config->inputs[i].type == SFE_INPUT_FILES) {
            sfe_doctor_files(&patient->options, i);
        }
    }
}

static void look(struct patient *patient)
{
    const struct sfe_config *config = patient->config;

    if (!patient->only_login) {
        sfe_doctor_clock(&patient->options);
    }
    if (patient->has_state) {
        sfe_doctor_flash(&patient->options);
    }
    for (uint32_t i = 0; i < config->connection_count; i++) {
        if (!is_asked(patient, &config->connections[i])) {
            continue;
        }
        if (config->connections[i].type == SFE_CONNECTION_SALESFORCE) {
            sfe_doctor_org(&patient->options, i, !patient->only_login);
        } else if (!patient->only_login) {
            sfe_doctor_broker(&patient->options, i);
        }
    }
    if (patient->connection == NULL && !patient->only_login) {
        look_at_inputs(patient);
    }
    look_at_servers(patient);
}

static void ignore_mistake(void *reader, const struct sfe_error *mistake)
{
    (void)reader;
    (void)mistake; /* It has been told. */
}

/* Where mistakes are all in the secrets, what needs none can be looked at all the same. */
static enum sfe_code compile(struct patient *patient, struct sfe_arena *arena,
                             struct sfe_error *err)
{
    enum sfe_code code = sfe_compile(patient->config, arena, examine_mistake, &patient->examination,
                                     &patient->compiled, err);

    patient->has_secrets = code == SFE_OK;
    if (code == SFE_E_CONFIG) {
        patient->compiled.without_secrets = true;
        code = sfe_compile(patient->config, arena, ignore_mistake, NULL, &patient->compiled, err);
    }
    return code;
}

static enum sfe_code examine(struct patient *patient, struct sfe_arena *arena,
                             struct sfe_error *err)
{
    enum sfe_code code = sfe_config_load(patient->arguments->config, arena, examine_mistake,
                                         &patient->examination, &patient->config, err);

    if (code == SFE_OK) {
        code = compile(patient, arena, err);
    }
    if (code != SFE_OK) {
        return code;
    }
    if (patient->has_secrets && !patient->only_login) {
        tell_secrets(patient);
    }
    code = open_platform(patient, err);
    if (code == SFE_OK) {
        patient->options = (struct sfe_doctor_options){.config = patient->config,
                                                       .compiled = &patient->compiled,
                                                       .platform = &patient->platform,
                                                       .arena = arena,
                                                       .report = examine_tell,
                                                       .reader = &patient->examination};
        look(patient);
        sfe_platform_close(&patient->platform);
    }
    sfe_compiled_wipe(&patient->compiled);
    return code;
}

static int run(struct patient *patient, const char *command)
{
    struct sfe_arena *arena = NULL;
    struct sfe_error err;
    enum sfe_code code = sfe_arena_open(CONFIG_BYTES_MAX + LOOK_BYTES_MAX, &arena, &err);

    patient->examination.json = patient->arguments->json;
    examine_begin(&patient->examination);
    if (code == SFE_OK) {
        code = examine(patient, arena, &err);
    }
    if (code == SFE_OK && patient->connection != NULL && patient->examination.told == 0) {
        code = sfe_fail(&err, SFE_E_USAGE, "there is no connection of that name");
    }
    int exit_code = examine_end(&patient->examination);
    sfe_arena_close(arena);
    return code == SFE_OK || exit_code != 0 ? exit_code : sfe_cli_fail(command, &err);
}

int sfe_cli_doctor(const struct sfe_arguments *arguments)
{
    struct patient patient = {.arguments = arguments};

    return run(&patient, "doctor");
}

int sfe_cli_login(const struct sfe_arguments *arguments)
{
    struct patient patient = {.arguments = arguments, .only_login = true};

    if (arguments->word_count != 0) {
        patient.connection = arguments->words[0];
    }
    return run(&patient, "login");
}
