/* What `doctor` and `login` share: findings told as they come, and the worst kept. */
#ifndef SFE_CLI_EXAMINE_H
#define SFE_CLI_EXAMINE_H

#include "cli/command.h"
#include "doctor/doctor.h"

struct examination {
    bool json;
    uint32_t told;
    uint32_t warnings;
    uint32_t failures;
    enum sfe_code code; /* Of the first failure. */
};

/* Prints one finding: "ok    clock: …", with its fix below; in JSON one element of a list. Fits
 * sfe_doctor_report; `reader` is a struct examination. */
void examine_tell(void *reader, const struct sfe_finding *finding);

/* The same of a mistake in the configuration; fits sfe_config_report. */
void examine_mistake(void *reader, const struct sfe_error *mistake);

/* Begins and ends what is printed; the end returns the exit code: that of the first failure. */
void examine_begin(const struct examination *examination);
int examine_end(const struct examination *examination);

#endif
