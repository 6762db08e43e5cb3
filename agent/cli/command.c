#include "cli/command.h"

#include "base/assert.h"
#include "cli/print.h"
#include "port/process.h"

#include <string.h>

static const struct sfe_command COMMANDS[] = {
    {"run", "run the agent in the foreground; SIGTERM ends it in order", "c", sfe_cli_run},
    {"check", "check the configuration as run would, up to the first connection", "cj",
     sfe_cli_check},
    {"status", "show what the running agent does: links, backlog, rates, last errors", "csj",
     sfe_cli_status},
    {"reload", "make the running agent take its configuration file anew, whole or not at all",
     "csj", sfe_cli_reload},
    {"schema", "print the JSON Schema of the configuration file", "", sfe_cli_schema},
    {"version", "print the version", "", sfe_cli_version},
    {NULL, NULL, NULL, NULL},
};

const struct sfe_command *sfe_cli_commands(void)
{
    return COMMANDS;
}

static int print_help(void)
{
    sfe_cli_print("usage: sfedge COMMAND [OPTION ...]\n\n");
    for (const struct sfe_command *command = COMMANDS; command->name != NULL; command++) {
        sfe_cli_print("  %-9s %s\n", command->name, command->summary);
    }
    sfe_cli_print("\n  -c, --config FILE      the configuration (default %s)\n"
                  "  -s, --state DIRECTORY  the state directory of a running agent\n"
                  "  -j, --json             for scripts\n\n"
                  "exit codes: 0 well, 64 usage, 65 data, 69 unavailable, 70 internal, 74 storage, "
                  "75 try again,\n            77 permission, 78 configuration\n",
                  SFE_CLI_DEFAULT_CONFIG);
    return 0;
}

static const struct sfe_command *find_command(const char *name)
{
    for (const struct sfe_command *command = COMMANDS; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0) {
            return command;
        }
    }
    return NULL;
}

/* 0 when `text` is no option we know. */
static char option_letter(const char *text)
{
    static const struct {
        const char *text;
        char letter;
    } OPTIONS[] = {{"-c", 'c'},      {"--config", 'c'}, {"-s", 's'},
                   {"--state", 's'}, {"-j", 'j'},       {"--json", 'j'}};

    for (size_t i = 0; i < sizeof(OPTIONS) / sizeof(OPTIONS[0]); i++) {
        if (strcmp(OPTIONS[i].text, text) == 0) {
            return OPTIONS[i].letter;
        }
    }
    return 0;
}

static bool read_arguments(const struct sfe_command *command, char **words,
                           struct sfe_arguments *arguments)
{
    for (; *words != NULL; words++) {
        char letter = option_letter(*words);
        if (letter == 0 || strchr(command->options, letter) == NULL) {
            sfe_cli_print_error("sfedge %s: it does not take \"%s\"; see sfedge help\n",
                                command->name, *words);
            return false;
        }
        if (letter == 'j') {
            arguments->json = true;
            continue;
        }
        if (words[1] == NULL) {
            sfe_cli_print_error("sfedge %s: %s needs a value\n", command->name, *words);
            return false;
        }
        words++;
        if (letter == 'c') {
            arguments->config = *words;
        } else {
            arguments->state = *words;
        }
    }
    return true;
}

int sfe_cli_main(int argc, char **argv)
{
    struct sfe_arguments arguments = {.config = SFE_CLI_DEFAULT_CONFIG};
    const struct sfe_command *command;

    SFE_ASSERT(argc >= 0);
    if (argc < 2) {
        (void)print_help();
        return sfe_code_exit(SFE_E_USAGE);
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        return print_help();
    }
    command = find_command(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    if (command == NULL) {
        sfe_cli_print_error("sfedge: there is no command \"%s\"; see sfedge help\n", argv[1]);
        return sfe_code_exit(SFE_E_USAGE);
    }
    if (!read_arguments(command, argv + 2, &arguments)) {
        return sfe_code_exit(SFE_E_USAGE);
    }
    return command->run(&arguments);
}
