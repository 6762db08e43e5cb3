/* How outputs go, and how large that makes them: for who opens them and who says what they take.
 * Pure. */
#ifndef SFE_RUN_OUTPUTS_H
#define SFE_RUN_OUTPUTS_H

#include "config/config.h"
#include "output/output.h"
#include "salesforce/records.h"

/* Does it go by ingest jobs: never, for a backlog beside its records, or always? */
enum agent_bulk_use { AGENT_BULK_NEVER, AGENT_BULK_BESIDE, AGENT_BULK_ALWAYS };
enum agent_bulk_use agent_bulk_use(const struct sfe_config_output *output);

/* What an output's target is opened with, as far as its memory is concerned. */
struct sfe_records_options agent_records_options(const struct sfe_config *config,
                                                 const struct sfe_config_output *output);

/* Fills in the slots, the window and their times. */
void agent_output_sizes(const struct sfe_config *config, const struct sfe_config_output *output,
                        bool is_rehearsal, struct sfe_output_options *sizes);

/* Does it go record by record at all? */
bool agent_has_records(const struct sfe_config_output *output, bool is_rehearsal);

/* What jobs of so many records take from an output's arena, target and journal; and what those of
 * this output take. */
size_t agent_job_memory_bytes(uint32_t records_max);
size_t agent_bulk_memory_bytes(const struct sfe_config_output *output);

#endif
