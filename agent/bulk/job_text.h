/* The description with which an ingest job is created (API sheet, section 4). Pure; any thread. */
#ifndef SFE_BULK_JOB_TEXT_H
#define SFE_BULK_JOB_TEXT_H

#include "flow/map.h"

/* Adds that of a job for the records of `map`: JSON, below 1 KiB. */
void bulk_job_add_text(const struct sfe_map *map, struct sfe_builder *out);

#endif
