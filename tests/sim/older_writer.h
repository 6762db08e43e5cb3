/* Simulated flash that writes segments as agents did before a header said how large its frames may
 * be. */
#ifndef SFE_TESTS_SIM_OLDER_WRITER_H
#define SFE_TESTS_SIM_OLDER_WRITER_H

#include "sim/storage.h"

/* As sim_storage_port. */
void older_writer_port(struct sim_storage *storage, struct sfe_storage *port);

#endif
