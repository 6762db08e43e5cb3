/* Makes one document of several files: the members of agent, connections, streams, inputs and
 * outputs stand side by side, whichever file they come from. Pure; main thread. */
#ifndef SFE_CONFIG_MERGE_H
#define SFE_CONFIG_MERGE_H

#include "config/load.h"

/* A file's own tokens, and where its text begins in the text of all. */
struct merge_file {
    struct sfe_json json;
    uint32_t begin;
};

/* Fills `tokens` with the tokens of all `files`, whose roots are objects; there is room for all of
 * them. What two files say of the same key is put together where both values are objects, and left
 * as a repeated key otherwise. Returns the number of tokens. */
uint32_t merge_files(const struct merge_file *files, uint32_t count, struct sfe_json_token *tokens);

#endif
