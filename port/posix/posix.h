/* What the files of port/posix share. Private to this folder. */
#ifndef SFE_POSIX_POSIX_H
#define SFE_POSIX_POSIX_H

#include "base/error.h"

#include <stdint.h>
#include <time.h>

/* The monotonic time of port/clock.h (CLOCK_BOOTTIME). Any thread; async-signal-safe. */
uint64_t sfe_posix_now_ns(void);

/* How long to sleep until `until_ns` (UINT64_MAX: for ever), at most SFE_POSIX_NAP_NS. The kernel's
 * sleeps stand still while the machine is suspended and sfe_posix_now_ns does not, so a long wait
 * is cut in naps: after a suspend a waiter is late by one nap at most. */
#define SFE_POSIX_NAP_NS (60u * UINT64_C(1000000000))
uint64_t sfe_posix_nap_ns(uint64_t until_ns);

/* The code for a failed system call on files: SFE_E_NO_SPACE, SFE_E_NOT_FOUND, SFE_E_PERMISSION,
 * else SFE_E_STORAGE. */
enum sfe_code sfe_posix_file_code(int os_errno);

#endif
