/* What an output of type mqtt publishes, compiled. Main thread. */
#ifndef SFE_RUN_COMPILE_MESSAGE_H
#define SFE_RUN_COMPILE_MESSAGE_H

#include "run/compile_parts.h"

/* What is wrong is reported. SFE_E_NO_MEMORY. */
SFE_MUST_USE enum sfe_code compile_message(struct compiler *compiler,
                                           const struct sfe_config_output *output,
                                           struct sfe_compiled_output *output_compiled,
                                           struct sfe_error *err);

#endif
