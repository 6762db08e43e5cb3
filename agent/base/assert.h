/* Assertions on our own invariants; they stay on in release builds.
 *
 * Never for data from a device, a file, flash, the network, the org or the configuration: that is
 * checked and becomes an error. A failed assertion writes one line to the log sink and aborts; the
 * supervisor starts us again, and recovery is the same path as after a power cut. Any thread.
 */
#ifndef SFE_BASE_ASSERT_H
#define SFE_BASE_ASSERT_H

#include <stdint.h>

/* Reports the broken invariant `text` at `file`:`line` and ends the process. */
_Noreturn void sfe_assert_failed(const char *file, uint32_t line, const char *text);

#define SFE_ASSERT(condition)                                                                      \
    ((condition) ? (void)0 : sfe_assert_failed(__FILE__, (uint32_t)__LINE__, #condition))

#endif
