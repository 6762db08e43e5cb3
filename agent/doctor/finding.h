/* Findings in the making; for the files of this module. */
#ifndef SFE_DOCTOR_FINDING_H
#define SFE_DOCTOR_FINDING_H

#include "doctor/doctor.h"

/* A finding that all is well, with its message. */
void finding_ok(const struct sfe_doctor_options *options, const char *check, const char *subject,
                const char *format, ...) SFE_PRINTF(4, 5);

/* Reports a warning (code SFE_OK) or a failure; `message` may hold " -> " and what to do, which
 * then is the fix where `fix` is NULL. */
void finding_tell(const struct sfe_doctor_options *options, const struct sfe_finding *finding,
                  const char *message, const char *fix);

/* Looks up `host`; false where it has no address (told). */
bool finding_lookup(const struct sfe_doctor_options *options, const char *host,
                    const char *setting);

/* Writes "/connections/NAME/KEY" to `setting`; `capacity` as in struct sfe_finding. */
void finding_setting(char *setting, size_t capacity, const char *connection, const char *key);

#endif
