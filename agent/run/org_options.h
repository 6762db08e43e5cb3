/* From the configuration to an org's options; the agent and the doctor share it. Main thread. */
#ifndef SFE_RUN_ORG_OPTIONS_H
#define SFE_RUN_ORG_OPTIONS_H

#include "port/platform.h"
#include "compile/compile.h"
#include "salesforce/org.h"

/* The options of connection number `connection`, which is an org. Everything is borrowed. */
struct sfe_org_options sfe_org_options_of(const struct sfe_compiled *compiled, uint32_t connection,
                                          const struct sfe_platform *platform, struct sfe_log *log);

#endif
