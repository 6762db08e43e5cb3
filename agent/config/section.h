/* Walks the sections of the file by the table of keys: which keys are there, doubled, unknown or
 * missing. Main thread. */
#ifndef SFE_CONFIG_SECTION_H
#define SFE_CONFIG_SECTION_H

#include "config/load.h"

/* Reads the root and all sections in it into load->config. Mistakes are recorded; a failure ends
 * the walk. */
void section_read_all(struct config_load *load);

/* Lets the walk read `token`, an object, as `section` into `base`. */
void section_add_job(struct config_load *load, enum config_section section, uint32_t token,
                     void *base);

/* Appends the stream of dead letters where it is not declared. */
void section_add_dead_stream(struct config_load *load);

#endif
