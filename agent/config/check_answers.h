/* What no table says of on_done, on_dead and waits: where answers go, and where they go on from
 * there. Main thread. */
#ifndef SFE_CONFIG_CHECK_ANSWERS_H
#define SFE_CONFIG_CHECK_ANSWERS_H

#include "config/load.h"

/* Records what is wrong with them: answers among the dead letters or less protected than what they
 * answer, and loops. */
void check_answers(struct config_load *load);

#endif
