#include "cli/arguments.h"

#include "base/assert.h"
#include "cli/print.h"

static bool takes(const struct sfe_command *command, const struct sfe_option *option)
{
    return strchr(command->options, option->key) != NULL;
}

/* The option that `word` is for this command; *value is what stands behind its '='. NULL: none. */
static const struct sfe_option *find_option(const struct sfe_command *command, const char *word,
                                            const char **value)
{
    *value = NULL;
    for (const struct sfe_option *option = sfe_cli_options(); option->name != NULL; option++) {
        const size_t size = strlen(option->name);
        if (!takes(command, option)) {
            continue;
        }
        if (word[1] != '-') {
            if (option->has_letter && word[1] == option->key && word[2] == '\0') {
                return option;
            }
            continue;
        }
        if (strncmp(word + 2, option->name, size) == 0 &&
            (word[2 + size] == '\0' || word[2 + size] == '=')) {
            *value = word[2 + size] == '=' ? word + 3 + size : NULL;
            return option;
        }
    }
    return NULL;
}

static void set(struct sfe_arguments *arguments, const struct sfe_option *option, const char *value)
{
    char *place = (char *)arguments + option->offset;

    if (option->argument == NULL) {
        const bool given = true;
        memcpy(place, &given, sizeof(given));
    } else {
        SFE_ASSERT(value != NULL);
        memcpy(place, &value, sizeof(value));
    }
}

static uint32_t operands_max(const struct sfe_command *command)
{
    if (command->operands == NULL) {
        return 0;
    }
    return strstr(command->operands, "...") != NULL ? UINT32_MAX : 1u;
}

static bool check_operands(const struct sfe_command *command, const struct sfe_arguments *arguments)
{
    if (command->operands != NULL && command->operands[0] != '[' && arguments->word_count == 0) {
        sfe_cli_print_error("sfedge %s: it needs %s; see sfedge help %s\n", command->name,
                            command->operands, command->name);
        return false;
    }
    return true;
}

static bool refuse(const struct sfe_command *command, const char *word)
{
    sfe_cli_print_error("sfedge %s: it does not take \"%s\"; see sfedge help %s\n", command->name,
                        word, command->name);
    return false;
}

/* Takes the option at the front of `*words`, and its value where that is the next word. */
static bool take_option(const struct sfe_command *command, char ***words,
                        struct sfe_arguments *arguments)
{
    const char *word = **words;
    const char *value = NULL;
    const struct sfe_option *option = find_option(command, word, &value);

    if (option == NULL || (option->argument == NULL && value != NULL)) {
        return refuse(command, word);
    }
    if (option->argument != NULL && value == NULL) {
        if ((*words)[1] == NULL) {
            sfe_cli_print_error("sfedge %s: %s needs a value: %s\n", command->name, word,
                                option->argument);
            return false;
        }
        (*words)++;
        value = **words;
    }
    set(arguments, option, value);
    return true;
}

bool arguments_read(const struct sfe_command *command, char **words,
                    struct sfe_arguments *arguments)
{
    /* Operands move to the front of the words: those have been read. */
    char **operands = words;
    bool are_options = true;

    arguments->words = (const char *const *)words;
    for (; *words != NULL; words++) {
        const char *word = *words;
        if (are_options && strcmp(word, "--") == 0) {
            are_options = false;
        } else if (are_options && word[0] == '-' && word[1] != '\0') {
            if (!take_option(command, &words, arguments)) {
                return false;
            }
        } else if (arguments->word_count == operands_max(command)) {
            return refuse(command, word);
        } else {
            operands[arguments->word_count++] = *words;
        }
    }
    return check_operands(command, arguments);
}

bool arguments_number(const char *text, uint64_t *number)
{
    *number = 0;
    if (text[0] == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || *number > (UINT64_MAX - 9u) / 10u) {
            return false;
        }
        *number = *number * 10u + (uint64_t)(*text - '0');
    }
    return true;
}

bool arguments_range(const char *text, uint64_t *first, uint64_t *last)
{
    char begin[24];
    const char *hyphen = strchr(text, '-');
    const size_t size = hyphen == NULL ? strlen(text) : (size_t)(hyphen - text);

    if (size >= sizeof(begin)) {
        return false;
    }
    memcpy(begin, text, size);
    begin[size] = '\0';
    if (!arguments_number(begin, first) || *first == 0) {
        return false;
    }
    *last = *first;
    return hyphen == NULL || (arguments_number(hyphen + 1, last) && *last >= *first);
}
