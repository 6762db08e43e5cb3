/* What to deploy to an org so that it fits the mapping, as files of the Metadata API: an object
 * file for each object that is missing or lacks fields, a permission set with what the agent's user
 * needs, and package.xml. Deployed as a folder (sf project deploy start --metadata-dir) or as a
 * zip. Pure; any thread.
 */
#ifndef SFE_SALESFORCE_ORG_METADATA_H
#define SFE_SALESFORCE_ORG_METADATA_H

#include "salesforce/org_plan.h"

/* Name of the permission set. */
#define SFE_METADATA_PERMISSION_SET "sfedge"

struct sfe_metadata; /* What is mapped, put together from all records of one org. */

/* Puts the records together, once each has been compared; copied into the arena. SFE_E_NO_MEMORY.
 */
SFE_MUST_USE enum sfe_code sfe_metadata_open(const struct sfe_plan_record *records, uint32_t count,
                                             struct sfe_arena *arena,
                                             struct sfe_metadata **metadata, struct sfe_error *err);

/* True where there is anything that a deployment can make good. */
bool sfe_metadata_is_needed(const struct sfe_metadata *metadata);

/* Objects that a file is written for: their number, and the name of each. */
uint32_t sfe_metadata_object_count(const struct sfe_metadata *metadata);
const char *sfe_metadata_object_name(const struct sfe_metadata *metadata, uint32_t index);

/* The files' content: objects/NAME.object, permissionsets/sfedge.permissionset, package.xml.
 * `api_version` as "v62.0". Overflow is the builder's. */
void sfe_metadata_add_object(const struct sfe_metadata *metadata, uint32_t index,
                             struct sfe_builder *out);
void sfe_metadata_add_permissions(const struct sfe_metadata *metadata, struct sfe_builder *out);
void sfe_metadata_add_package(const struct sfe_metadata *metadata, const char *api_version,
                              struct sfe_builder *out);

#endif
