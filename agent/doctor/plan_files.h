/* The files of a plan; for the files of this module. */
#ifndef SFE_DOCTOR_PLAN_FILES_H
#define SFE_DOCTOR_PLAN_FILES_H

#include "doctor/finding.h"
#include "salesforce/org_plan.h"

/* All records that go to one org, compared. */
struct plan_set {
    const struct sfe_plan_record *records;
    uint32_t count;
    const char *connection;
    const char *api_version;
};

/* Writes what has to be deployed below output->folder: all files, or none where one is there and
 * may not be replaced. Tells what it did. */
void plan_write(const struct sfe_doctor_options *options, const struct plan_set *set,
                const struct sfe_plan_output *output);

#endif
