/* Reads one value of the file into its place in the typed configuration, as its row of the table
 * says. Main thread. */
#ifndef SFE_CONFIG_VALUE_H
#define SFE_CONFIG_VALUE_H

#include "config/load.h"

/* Reads `token` into `base`; what is wrong with it is recorded as a mistake. Not for kinds with
 * sections inside. */
void value_read(struct config_load *load, const struct config_key *row, uint32_t token, void *base);

/* Stores the row's default into `base`. */
void value_default(struct config_load *load, const struct config_key *row, void *base);

/* Stores a JSON value's text, quotes included; NULL after a failure. */
const char *value_keep_json(struct config_load *load, uint32_t token);

/* Keeps the path `name`, taken from the folder of `file`; NULL after a failure. */
const char *value_path(struct config_load *load, const char *file, struct sfe_slice name);

/* Stores a pointer or a number in the row's place. */
void value_store_pointer(const struct config_key *row, void *base, const void *pointer);
void value_store_number(const struct config_key *row, void *base, uint64_t number);

/* Records "found ...; allowed: ..." with what else is to be said, or NULL. */
void value_mistake(struct config_load *load, const struct config_key *row, uint32_t token,
                   const char *reason);

#endif
