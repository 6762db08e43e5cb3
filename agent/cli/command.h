/* The subcommands: one table behind dispatch, help, completion and the manual page. Main thread. */
#ifndef SFE_CLI_COMMAND_H
#define SFE_CLI_COMMAND_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdbool.h>

#define SFE_CLI_DEFAULT_CONFIG "/etc/sfedge/sfedge.json"

/* What stood on the command line behind the command's name. Texts are NULL where not given. */
struct sfe_arguments {
    const char *config; /* --config FILE, -c FILE; default SFE_CLI_DEFAULT_CONFIG. */
    const char *state;  /* --state DIRECTORY; NULL: from the configuration. */
    bool json;          /* --json */
    bool print;         /* --print */
    bool explain;
    bool retained;
    bool test;
    bool force;
    bool damaged;
    const char *topic;
    const char *payload;
    const char *payload_file;
    const char *event_id;
    const char *answer;
    const char *from;
    const char *count;
    const char *to;
    const char *format;
    const char *out;
    const char *id;
    const char *broker;
    const char *filter;
    const char *login_url;
    const char *client_id;
    const char *username;
    const char *key_file;
    const char *object;
    const char *external_id;
    const char *write;
    const char *at;
    const char *input;
    const char *stream;
    const char *output;
    const char *topics;
    const char *interval;
    const char *within;
    bool shows_payload;
    bool follow;
    bool stay;
    const char *const *words; /* Operands, in their order. */
    uint32_t word_count;
};

/* One option; a command names those it takes by their keys. */
struct sfe_option {
    char key;             /* Its letter as well, where `has_letter`. */
    bool has_letter;      /* -c beside --config. */
    const char *name;     /* Without its hyphens. */
    const char *argument; /* "FILE"; NULL: a flag. */
    const char *help;     /* One phrase. */
    size_t offset;        /* Of the bool or text in struct sfe_arguments. */
};

struct sfe_command {
    const char *name;    /* One word or two: "check", "stream ls". */
    const char *summary; /* One line. */
    const char *options; /* Keys of the options it takes: c config, s state, j json, … */
    /* Runs the command; what it prints goes to standard output, mistakes to standard error. Returns
     * the exit code. */
    int (*run)(const struct sfe_arguments *arguments);
    const char *operands; /* "NAME", "[NAME]" (may be left out), "NAME ..." (one or more); NULL:
                             none. */
};

/* The tables, in the order of the help; end with a NULL name. */
const struct sfe_command *sfe_cli_commands(void);
const struct sfe_option *sfe_cli_options(void);

/* The option of that key. The key is one of the table's. */
const struct sfe_option *sfe_cli_option(char key);

/* The exit codes, one line each, for help and manual; ends with a NULL meaning. */
struct sfe_exit_code {
    int code;
    const char *meaning;
};
const struct sfe_exit_code *sfe_cli_exit_codes(void);

/* Finds and runs the command of argv. Returns the exit code: sysexits(3), documented in the manual
 * page. */
int sfe_cli_main(int argc, char **argv);

/* The commands. */
int sfe_cli_run(const struct sfe_arguments *arguments);
int sfe_cli_bundle(const struct sfe_arguments *arguments);
int sfe_cli_check(const struct sfe_arguments *arguments);
int sfe_cli_status(const struct sfe_arguments *arguments);
int sfe_cli_top(const struct sfe_arguments *arguments);
int sfe_cli_tap(const struct sfe_arguments *arguments);
int sfe_cli_trace(const struct sfe_arguments *arguments);
int sfe_cli_stream_forget(const struct sfe_arguments *arguments);
int sfe_cli_reload(const struct sfe_arguments *arguments);
int sfe_cli_drain(const struct sfe_arguments *arguments);
int sfe_cli_errors(const struct sfe_arguments *arguments);
int sfe_cli_schema(const struct sfe_arguments *arguments);
int sfe_cli_version(const struct sfe_arguments *arguments);
int sfe_cli_try(const struct sfe_arguments *arguments);
int sfe_cli_doctor(const struct sfe_arguments *arguments);
int sfe_cli_plan(const struct sfe_arguments *arguments);
int sfe_cli_login(const struct sfe_arguments *arguments);
int sfe_cli_stream_ls(const struct sfe_arguments *arguments);
int sfe_cli_stream_cat(const struct sfe_arguments *arguments);
int sfe_cli_stream_verify(const struct sfe_arguments *arguments);
int sfe_cli_stream_export(const struct sfe_arguments *arguments);
int sfe_cli_dead_ls(const struct sfe_arguments *arguments);
int sfe_cli_dead_show(const struct sfe_arguments *arguments);
int sfe_cli_dead_export(const struct sfe_arguments *arguments);
int sfe_cli_dead_retry(const struct sfe_arguments *arguments);
int sfe_cli_dead_drop(const struct sfe_arguments *arguments);
int sfe_cli_init(const struct sfe_arguments *arguments);
int sfe_cli_manual(const struct sfe_arguments *arguments);
int sfe_cli_completion(const struct sfe_arguments *arguments);

#endif
