/* The command line. */
#ifndef SFE_TESTS_ORG_OPTIONS_H
#define SFE_TESTS_ORG_OPTIONS_H

#include "org.h"

enum options_result { OPTIONS_RUN, OPTIONS_SHOWN, OPTIONS_WRONG };

/* Reads the command line. OPTIONS_SHOWN: help or version was printed. OPTIONS_WRONG: the mistake
 * was. */
enum options_result options_read(struct options *options, int count, char *const arguments[]);

#endif
