/* The completion of bash(1), made from the tables of commands and options. */
#include "cli/command.h"

#include "cli/print.h"

/* The first words, each once. */
static void print_first_words(void)
{
    const char *last = "";
    size_t last_size = 0;

    for (const struct sfe_command *command = sfe_cli_commands(); command->name != NULL; command++) {
        const char *blank = strchr(command->name, ' ');
        const size_t size = blank == NULL ? strlen(command->name) : (size_t)(blank - command->name);
        /* Commands of one group stand together. */
        if (size != last_size || strncmp(command->name, last, size) != 0) {
            sfe_cli_print("%.*s ", (int)size, command->name);
        }
        last = command->name;
        last_size = size;
    }
    sfe_cli_print("help");
}

/* The second words behind `group`. */
static void print_second_words(const char *group, size_t size)
{
    for (const struct sfe_command *command = sfe_cli_commands(); command->name != NULL; command++) {
        if (strncmp(command->name, group, size) == 0 && command->name[size] == ' ') {
            sfe_cli_print("%s ", command->name + size + 1);
        }
    }
}

static void print_groups(void)
{
    const char *last = "";
    size_t last_size = 0;

    for (const struct sfe_command *command = sfe_cli_commands(); command->name != NULL; command++) {
        const char *blank = strchr(command->name, ' ');
        const size_t size = blank == NULL ? 0 : (size_t)(blank - command->name);
        if (size == 0 || (size == last_size && strncmp(command->name, last, size) == 0)) {
            continue;
        }
        sfe_cli_print("    \"%.*s\") words=\"", (int)size, command->name);
        print_second_words(command->name, size);
        sfe_cli_print("\" ;;\n");
        last = command->name;
        last_size = size;
    }
}

static void print_options(void)
{
    for (const struct sfe_command *command = sfe_cli_commands(); command->name != NULL; command++) {
        sfe_cli_print("    \"%s\"*) words=\"", command->name);
        for (const char *key = command->options; *key != '\0'; key++) {
            sfe_cli_print("--%s ", sfe_cli_option(*key)->name);
        }
        if (command->operands != NULL && strcmp(command->name, "completion") == 0) {
            sfe_cli_print("%s", command->operands);
        }
        sfe_cli_print("\" ;;\n");
    }
}

/* Options whose value is a file or a directory. */
static void print_file_options(void)
{
    bool is_first = true;

    for (const struct sfe_option *option = sfe_cli_options(); option->name != NULL; option++) {
        if (option->argument == NULL ||
            (strcmp(option->argument, "FILE") != 0 && strcmp(option->argument, "DIRECTORY") != 0)) {
            continue;
        }
        sfe_cli_print("%s--%s", is_first ? "" : "|", option->name);
        if (option->has_letter) {
            sfe_cli_print("|-%c", option->key);
        }
        is_first = false;
    }
}

int sfe_cli_completion(const struct sfe_arguments *arguments)
{
    if (strcmp(arguments->words[0], "bash") != 0) {
        struct sfe_error err;
        (void)sfe_fail(&err, SFE_E_USAGE, "there is completion for bash only");
        return sfe_cli_fail("completion", &err);
    }
    sfe_cli_print("# bash completion of sfedge; to be sourced, or kept in\n"
                  "# /usr/share/bash-completion/completions/sfedge\n"
                  "_sfedge()\n{\n"
                  "  local current=\"${COMP_WORDS[COMP_CWORD]}\" words=\"\"\n"
                  "  case \"${COMP_WORDS[COMP_CWORD-1]}\" in\n    ");
    print_file_options();
    sfe_cli_print(")\n      mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
                  "      return ;;\n  esac\n"
                  "  case \"${COMP_WORDS[*]:1:COMP_CWORD-1}\" in\n    \"\") words=\"");
    print_first_words();
    sfe_cli_print("\" ;;\n");
    print_groups();
    print_options();
    sfe_cli_print("  esac\n"
                  "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
                  "}\ncomplete -o filenames -F _sfedge sfedge\n");
    return 0;
}
