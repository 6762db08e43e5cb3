/* The manual pages, made from the tables of commands, options and keys, in the macros of man(7);
 * and the error catalogue. */
#include "cli/command.h"

#include "base/arena.h"
#include "cli/print.h"
#include "config/schema_table.h"
#include "port/process.h"
#include "salesforce/catalogue.h"

#define PAGE_BYTES_MAX (512u * 1024u)

/* Text in which roff sees no requests and no escapes. */
static void add(struct sfe_builder *out, const char *text)
{
    if (text[0] == '.' || text[0] == '\'') {
        sfe_builder_add_text(out, "\\&");
    }
    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            sfe_builder_add_text(out, "\\e");
        } else if (*text == '-') {
            sfe_builder_add_text(out, "\\-");
        } else {
            sfe_builder_add_byte(out, (uint8_t)*text);
        }
    }
}

static void add_option(const struct sfe_option *option, struct sfe_builder *out)
{
    sfe_builder_add_text(out, ".TP\n.B ");
    if (option->has_letter) {
        sfe_builder_format(out, "\\-%c\\fR, \\fB", option->key);
    }
    sfe_builder_add_text(out, "\\-\\-");
    add(out, option->name);
    if (option->argument != NULL) {
        sfe_builder_add_text(out, " \\fI");
        add(out, option->argument);
        sfe_builder_add_text(out, "\\fR");
    }
    sfe_builder_add_text(out, "\n");
    add(out, option->help);
    sfe_builder_add_text(out, "\n");
}

static void add_command(const struct sfe_command *command, struct sfe_builder *out)
{
    sfe_builder_add_text(out, ".TP\n.B sfedge ");
    add(out, command->name);
    if (command->options[0] != '\0') {
        sfe_builder_add_text(out, " \\fR[\\fIOPTION\\fR ...]");
    }
    if (command->operands != NULL) {
        sfe_builder_add_text(out, " \\fI");
        add(out, command->operands);
        sfe_builder_add_text(out, "\\fR");
    }
    sfe_builder_add_text(out, "\n");
    add(out, command->summary);
    sfe_builder_add_text(out, ".\n");
    sfe_builder_add_text(out, command->options[0] == '\0' ? "" : ".RS\n");
    for (const char *key = command->options; *key != '\0'; key++) {
        add_option(sfe_cli_option(*key), out);
    }
    sfe_builder_add_text(out, command->options[0] == '\0' ? "" : ".RE\n");
}

static void add_surroundings(struct sfe_builder *out)
{
    sfe_builder_add_text(out,
                         ".SH ENVIRONMENT\n.TP\n.BR NOTIFY_SOCKET , WATCHDOG_USEC\n"
                         "Where a service manager listens, and how often it wants to hear that "
                         "all threads run; sd_notify(3).\n.TP\n.B CREDENTIALS_DIRECTORY\n"
                         "Where \"credential:NAME\" is looked for; LoadCredential= sets it.\n");
    sfe_builder_add_text(out, ".SH FILES\n.TP\n.I ");
    add(out, SFE_CLI_DEFAULT_CONFIG);
    sfe_builder_add_text(out, "\nThe configuration.\n.TP\n.I /etc/default/sfedge\nVariables for "
                              "\"env:NAME\", read by the service manager.\n.TP\n"
                              ".I /var/lib/sfedge\nThe streams on flash, unless agent.state names "
                              "another place. Deleting it gives up what is not delivered yet.\n");
    sfe_builder_add_text(out, ".SH SEE ALSO\n.BR sfedge.json (5)\n");
}

static void add_program_page(struct sfe_builder *out)
{
    sfe_builder_add_text(out, ".TH SFEDGE 8 \"\" \"sfedge " SFE_VERSION "\"\n"
                              ".SH NAME\nsfedge \\- edge agent between a site and Salesforce\n"
                              ".SH SYNOPSIS\n.B sfedge\n.I COMMAND\n[\\fIOPTION\\fR ...]\n"
                              ".SH DESCRIPTION\n"
                              "Takes events from MQTT, keeps them on flash until they are "
                              "delivered, and writes them to Salesforce. An event is acknowledged "
                              "to its sender only after it is on flash.\n"
                              ".SH COMMANDS\n");
    for (const struct sfe_command *command = sfe_cli_commands(); command->name != NULL; command++) {
        add_command(command, out);
    }
    sfe_builder_add_text(out, ".SH EXIT STATUS\nAs in sysexits(3).\n");
    for (const struct sfe_exit_code *code = sfe_cli_exit_codes(); code->meaning != NULL; code++) {
        sfe_builder_format(out, ".TP\n.B %d\n", code->code);
        add(out, code->meaning);
        sfe_builder_add_text(out, "\n");
    }
    sfe_builder_add_text(
        out, ".SH SIGNALS\n.TP\n.B SIGHUP\nAs sfedge reload; how it ended is in the log and in "
             "sfedge status.\n.TP\n.BR SIGTERM \" or \" SIGINT\nAn orderly end, within "
             "agent.stop_timeout.\n");
    add_surroundings(out);
}

static void add_config_page(struct sfe_builder *out)
{
    sfe_builder_add_text(out,
                         ".TH SFEDGE.JSON 5 \"\" \"sfedge " SFE_VERSION "\"\n"
                         ".SH NAME\nsfedge.json \\- configuration of sfedge\n"
                         ".SH DESCRIPTION\nOne JSON file; // comments are allowed. Files named "
                         "in it are relative to it. \\fBsfedge check\\fR names every mistake "
                         "in it, \\fBsfedge schema\\fR prints its JSON Schema, and "
                         "\\fBsfedge try\\fR shows what a message becomes.\n"
                         ".SH KEYS\n");
    sfe_config_add_manual(out);
    sfe_builder_add_text(out, ".SH SEE ALSO\n.BR sfedge (8)\n");
}

/* Prints what `add_page` adds for `word`; false there: no such page. */
static int print_page(const char *command, const char *word,
                      bool (*add_page)(const char *word, struct sfe_builder *out))
{
    struct sfe_arena *arena = NULL;
    struct sfe_error err;
    enum sfe_code code = sfe_arena_open(PAGE_BYTES_MAX, &arena, &err);
    uint8_t *memory = code == SFE_OK ? sfe_arena_take(arena, PAGE_BYTES_MAX, &err) : NULL;
    struct sfe_builder out = sfe_builder_make(memory, memory == NULL ? 0 : PAGE_BYTES_MAX);

    if (memory == NULL) {
        code = err.code;
    } else if (!add_page(word, &out)) {
        code = sfe_fail(&err, SFE_E_USAGE, "there are pages in sections 8 and 5");
    }
    if (code == SFE_OK && out.overflowed) {
        code = sfe_fail(&err, SFE_E_TOO_LARGE, "the page does not fit");
    }
    if (code == SFE_OK) {
        sfe_process_print(sfe_builder_slice(&out));
    }
    sfe_arena_close(arena);
    return code == SFE_OK ? 0 : sfe_cli_fail(command, &err);
}

static bool add_section(const char *section, struct sfe_builder *out)
{
    if (strcmp(section, "8") == 0) {
        add_program_page(out);
    } else if (strcmp(section, "5") == 0) {
        add_config_page(out);
    } else {
        return false;
    }
    return true;
}

int sfe_cli_manual(const struct sfe_arguments *arguments)
{
    return print_page("manual", arguments->word_count == 0 ? "8" : arguments->words[0],
                      add_section);
}

/* A code that is not in the table is answered with what is done about such. */
static bool add_errors(const char *code, struct sfe_builder *out)
{
    if (code[0] == '\0') {
        sfe_catalogue_add(out);
    } else {
        (void)sfe_catalogue_add_code(sfe_slice_text(code), out);
    }
    return true;
}

int sfe_cli_errors(const struct sfe_arguments *arguments)
{
    return print_page("errors", arguments->word_count == 0 ? "" : arguments->words[0], add_errors);
}
