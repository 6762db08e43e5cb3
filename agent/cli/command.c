#include "cli/command.h"

#include "base/assert.h"
#include "cli/arguments.h"
#include "cli/print.h"

#define AT(member) offsetof(struct sfe_arguments, member)

static const struct sfe_option OPTIONS[] = {
    {'c', true, "config", "FILE", "the configuration (default " SFE_CLI_DEFAULT_CONFIG ")",
     AT(config)},
    {'s', true, "state", "DIRECTORY", "the state directory, instead of the configuration's",
     AT(state)},
    {'j', true, "json", NULL, "for scripts", AT(json)},
    {'t', true, "topic", "TOPIC", "the topic of the sample", AT(topic)},
    {'p', true, "payload", "TEXT", "the payload of the sample", AT(payload)},
    {'f', true, "payload-file", "FILE", "the file that holds the payload", AT(payload_file)},
    {'E', false, "event-id", "TEXT", "the user property event-id of the sample", AT(event_id)},
    {'R', false, "retained", NULL, "the sample comes as a retained message", AT(retained)},
    {'A', false, "answer", "TEXT",
     "what servers of outputs of type http answer, such as a JSON object", AT(answer)},
    {'e', true, "explain", NULL, "show each step of the mapping", AT(explain)},
    {'T', false, "test", NULL, "may be said: login only tries, and keeps nothing", AT(test)},
    {'F', false, "from", "NUMBER", "the first sequence number", AT(from)},
    {'n', true, "count", "NUMBER", "show so many at most", AT(count)},
    {'U', false, "to", "NUMBER", "the last sequence number", AT(to)},
    {'m', false, "format", "NAME",
     "ndjson (default), csv, or raw: payloads, a line end behind each", AT(format)},
    {'w', false, "out", "FILE", "write to this new file, not to standard output", AT(out)},
    {'X', false, "force", NULL, "replace what is there", AT(force)},
    {'D', false, "damaged", NULL, "the damaged places, with their bytes, not the events",
     AT(damaged)},
    {'i', false, "id", "TEXT", "names this gateway", AT(id)},
    {'b', false, "broker", "URL", "the broker, such as mqtt://127.0.0.1:1883", AT(broker)},
    {'o', false, "filter", "FILTER", "the topics to take, such as plant/+/telemetry", AT(filter)},
    {'l', false, "login-url", "URL", "where the org logs in", AT(login_url)},
    {'k', false, "client-id", "TEXT", "the consumer key of the org's app", AT(client_id)},
    {'u', false, "username", "TEXT", "the org's user that the agent acts as", AT(username)},
    {'K', false, "key-file", "FILE", "the private key of the app's certificate", AT(key_file)},
    {'O', false, "object", "NAME", "the object that gets the records", AT(object)},
    {'x', false, "external-id", "NAME", "its external ID field", AT(external_id)},
    {'a', false, "at", "STAGES", "some of accepted,durable,batched,answered,dead (default all)",
     AT(at)},
    {'I', false, "input", "NAME", "only what came by this input", AT(input)},
    {'S', false, "stream", "NAME", "only what is in this stream", AT(stream)},
    {'Q', false, "output", "NAME", "only what this output takes", AT(output)},
    {'M', false, "topic", "FILTER", "only topics that match, such as plant/+/telemetry",
     AT(topics)},
    {'Y', false, "payload", NULL, "show the payloads, masked as they are on flash",
     AT(shows_payload)},
    {'W', false, "follow", NULL, "wait for the next event, or for what is to come of this one",
     AT(follow)},
    {'V', false, "interval", "DURATION", "how often to look, such as 5s (default 1s)",
     AT(interval)},
    {'B', false, "within", "DURATION", "how long it may take, such as 30s (default 10m)",
     AT(within)},
    {'Z', false, "stay", NULL, "the agent does not end, but takes in again", AT(stay)},
    {'P', false, "print", NULL, "the configuration in force, with its defaults", AT(print)},
    {'d', false, "write", "FOLDER", "write there what to deploy to the org", AT(write)},
    {0, false, NULL, NULL, NULL, 0},
};

static const struct sfe_command COMMANDS[] = {
    {"run", "run the agent in the foreground; SIGTERM ends it in order", "c", sfe_cli_run, NULL},
    {"check", "check the configuration as run would, up to the first connection", "cjP",
     sfe_cli_check, NULL},
    {"init", "ask a few questions and write a configuration that works", "csibolkuKOxj",
     sfe_cli_init, NULL},
    {"try", "show the requests that a sample message becomes; nothing is sent", "ctpfeERAj",
     sfe_cli_try, "[-]"},
    {"doctor", "look at clock, flash, broker and org, and say what to mend", "cj", sfe_cli_doctor,
     NULL},
    {"login", "log in to the org as the agent would; say who, where, what to mend", "cTj",
     sfe_cli_login, "[CONNECTION]"},
    {"plan", "compare what is mapped with the org's own description of its objects", "cdXj",
     sfe_cli_plan, "[CONNECTION]"},
    {"status", "show what the running agent does: links, backlog, rates, last errors", "csj",
     sfe_cli_status, NULL},
    {"top", "watch rates, backlog, retries and errors of the running agent; q quits", "csVnj",
     sfe_cli_top, NULL},
    {"tap", "watch events pass, from the moment they are accepted to their answer", "csaISQMYnj",
     sfe_cli_tap, NULL},
    {"trace", "show one event's way: received, durable, answered, settled or dead", "csMWj",
     sfe_cli_trace, "[EVENT]"},
    {"bundle", "write a tar file for whoever helps: state and configuration, no secrets", "cwX",
     sfe_cli_bundle, NULL},
    {"reload", "make the running agent take its configuration anew, whole or not at all", "csj",
     sfe_cli_reload, NULL},
    {"drain", "take nothing more in, deliver what is there, then end the running agent", "csBZj",
     sfe_cli_drain, NULL},
    {"stream ls", "list the streams on flash and where each output stands", "csj",
     sfe_cli_stream_ls, NULL},
    {"stream cat", "show the events that a stream holds", "csFnj", sfe_cli_stream_cat, "STREAM"},
    {"stream verify", "read all that is on flash and report damage", "csj", sfe_cli_stream_verify,
     "[STREAM]"},
    {"stream forget", "give up the cursor of a former output; the agent must be stopped", "c",
     sfe_cli_stream_forget, "OUTPUT/STREAM"},
    {"stream export", "write the events of a stream, or its damaged bytes, to a file", "csFUmwXDj",
     sfe_cli_stream_export, "STREAM"},
    {"dead ls", "list the dead letters", "csFnj", sfe_cli_dead_ls, NULL},
    {"dead show", "show dead letters whole, with their reason and payload", "csj",
     sfe_cli_dead_show, "NUMBER ..."},
    {"dead export", "write the dead letters to a file", "csFUmwXj", sfe_cli_dead_export, NULL},
    {"dead retry", "put dead letters (7, 7-9, all) back; the agent must be stopped", "cj",
     sfe_cli_dead_retry, "NUMBER ..."},
    {"dead drop", "give dead letters (7, 7-9, all) up; the agent must be stopped", "cj",
     sfe_cli_dead_drop, "NUMBER ..."},
    {"errors", "tell what is done about Salesforce's error codes, or about one", "", sfe_cli_errors,
     "[CODE]"},
    {"schema", "print the JSON Schema of the configuration file", "", sfe_cli_schema, NULL},
    {"manual", "print a manual page: 8 is sfedge, 5 is sfedge.json", "", sfe_cli_manual, "[8|5]"},
    {"completion", "print the completion of a shell", "", sfe_cli_completion, "bash"},
    {"version", "print the version", "", sfe_cli_version, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static const struct sfe_exit_code EXIT_CODES[] = {
    {0, "well"},
    {64, "usage: the command line is wrong"},
    {65, "data: something that was read is not what it should be"},
    {69, "unavailable: no agent, no network, or the other side refused"},
    {70, "internal: a mistake of this program"},
    {74, "storage: flash or a file failed"},
    {75, "try again"},
    {77, "permission: the system or the org said no"},
    {78, "configuration"},
    {0, NULL},
};

const struct sfe_command *sfe_cli_commands(void)
{
    return COMMANDS;
}

const struct sfe_option *sfe_cli_options(void)
{
    return OPTIONS;
}

const struct sfe_exit_code *sfe_cli_exit_codes(void)
{
    return EXIT_CODES;
}

const struct sfe_option *sfe_cli_option(char key)
{
    const struct sfe_option *option = OPTIONS;

    while (option->name != NULL && option->key != key) {
        option++;
    }
    SFE_ASSERT(option->name != NULL);
    return option;
}

static int print_help(void)
{
    sfe_cli_print("usage: sfedge COMMAND [OPTION ...]\n\n");
    for (const struct sfe_command *command = COMMANDS; command->name != NULL; command++) {
        sfe_cli_print("  %-13s %s\n", command->name, command->summary);
    }
    sfe_cli_print("\n\"sfedge help COMMAND\" names its options. Exit codes:\n\n");
    for (const struct sfe_exit_code *code = EXIT_CODES; code->meaning != NULL; code++) {
        sfe_cli_print("  %2d %s\n", code->code, code->meaning);
    }
    return 0;
}

static int print_command_help(const struct sfe_command *command)
{
    sfe_cli_print("usage: sfedge %s%s%s%s\n\n%s\n", command->name,
                  command->options[0] == '\0' ? "" : " [OPTION ...]",
                  command->operands == NULL ? "" : " ",
                  command->operands == NULL ? "" : command->operands, command->summary);
    for (const char *key = command->options; *key != '\0'; key++) {
        const struct sfe_option *option = sfe_cli_option(*key);
        const char letter[] = {'-', option->key, ',', ' ', '\0'};
        const bool has_argument = option->argument != NULL;
        const int width = 24 - (int)strlen(option->name) - 1;
        sfe_cli_print("%s  %s--%s %-*s %s\n", key == command->options ? "\n" : "",
                      option->has_letter ? letter : "    ", option->name, width,
                      has_argument ? option->argument : "", option->help);
    }
    return 0;
}

static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* The command at the front of `words`, and how many words its name takes. */
static const struct sfe_command *find_command(char *const *words, uint32_t *taken)
{
    for (const struct sfe_command *command = COMMANDS; command->name != NULL; command++) {
        const char *blank = strchr(command->name, ' ');
        if (blank == NULL && strcmp(command->name, words[0]) == 0) {
            *taken = 1;
            return command;
        }
        const size_t size = blank == NULL ? 0 : (size_t)(blank - command->name);
        if (blank != NULL && words[1] != NULL && strlen(words[0]) == size &&
            strncmp(command->name, words[0], size) == 0 && strcmp(blank + 1, words[1]) == 0) {
            *taken = 2;
            return command;
        }
    }
    return NULL;
}

static int refuse_command(const char *word, const char *second)
{
    second = second == NULL || second[0] == '-' ? NULL : second;
    sfe_cli_print_error("sfedge: there is no command \"%s%s%s\"; see sfedge help\n", word,
                        second == NULL ? "" : " ", second == NULL ? "" : second);
    return sfe_code_exit(SFE_E_USAGE);
}

static int help(char *const *words)
{
    uint32_t taken = 0;

    if (words[0] == NULL) {
        return print_help();
    }
    const struct sfe_command *command = find_command(words, &taken);
    return command == NULL ? refuse_command(words[0], words[1]) : print_command_help(command);
}

int sfe_cli_main(int argc, char **argv)
{
    static char version[] = "version";
    struct sfe_arguments arguments = {.config = SFE_CLI_DEFAULT_CONFIG};
    uint32_t taken = 0;

    SFE_ASSERT(argc >= 0);
    if (argc < 2) {
        (void)print_help();
        return sfe_code_exit(SFE_E_USAGE);
    }
    if (is_help(argv[1])) {
        return help(argv + 2);
    }
    if (strcmp(argv[1], "--version") == 0) {
        argv[1] = version;
    }
    const struct sfe_command *command = find_command(argv + 1, &taken);
    if (command == NULL) {
        return refuse_command(argv[1], argv[2]);
    }
    char **words = argv + 1 + taken;
    if (words[0] != NULL && is_help(words[0]) && words[0][0] == '-') {
        return print_command_help(command);
    }
    if (!arguments_read(command, words, &arguments)) {
        return sfe_code_exit(SFE_E_USAGE);
    }
    return command->run(&arguments);
}
