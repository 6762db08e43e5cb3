/* Values that name other parts of the file, and lists: connections, streams, texts. What is wrong
 * is recorded as a mistake. Main thread. */
#ifndef SFE_CONFIG_REFERENCE_H
#define SFE_CONFIG_REFERENCE_H

#include "config/load.h"

/* Each reads `token` into the row's place in `base`. An index counts the entries of the section
 * in the order of the file; the stream "dead" exists undeclared and is then the last one. */
void reference_read_connection(struct config_load *load, const struct config_key *row,
                               uint32_t token, void *base);
void reference_read_stream(struct config_load *load, const struct config_key *row, uint32_t token,
                           void *base);
void reference_read_streams(struct config_load *load, const struct config_key *row, uint32_t token,
                            void *base);
void reference_read_texts(struct config_load *load, const struct config_key *row, uint32_t token,
                          void *base);

#endif
