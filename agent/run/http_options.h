/* From the configuration to the options of an HTTP target; the agent and the doctor share it. Main
 * thread. */
#ifndef SFE_RUN_HTTP_OPTIONS_H
#define SFE_RUN_HTTP_OPTIONS_H

#include "target/http.h"
#include "port/platform.h"
#include "compile/compile.h"

/* The options of output number `output`, which is of type http. Everything is borrowed. */
struct sfe_http_target_options sfe_http_options_of(const struct sfe_compiled *compiled,
                                                   uint32_t output,
                                                   const struct sfe_platform *platform);

#endif
