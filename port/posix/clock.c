#include "posix.h"
#include "real_platform.h"

#include "base/assert.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timex.h>
#include <unistd.h>

/* No clock that stands before the program was built can be right: CMakeLists.txt says when. */
#ifndef SFE_BUILD_UNIX_S
#define SFE_BUILD_UNIX_S 1735689600 /* 2025-01-01 */
#endif

#define NS_PER_S 1000000000u

/* Touched by systemd-timesyncd; it tells where a seccomp filter keeps adjtimex(2) from us. */
#define TIMESYNC_FILE "/run/systemd/timesync/synchronized"
#define BOOT_ID_FILE  "/proc/sys/kernel/random/boot_id"

static uint64_t read_ns(clockid_t id)
{
    struct timespec now = {0, 0};
    int failed = clock_gettime(id, &now);
    SFE_ASSERT(failed == 0);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t sfe_posix_now_ns(void)
{
    return read_ns(CLOCK_BOOTTIME);
}

uint64_t sfe_posix_nap_ns(uint64_t until_ns)
{
    uint64_t now_ns = sfe_posix_now_ns();
    if (until_ns <= now_ns) {
        return 0;
    }
    uint64_t left_ns = until_ns - now_ns;
    return left_ns < SFE_POSIX_NAP_NS ? left_ns : SFE_POSIX_NAP_NS;
}

static uint64_t monotonic_ns(void *context)
{
    (void)context;
    return sfe_posix_now_ns();
}

static bool ask_synchronised(void)
{
    struct timex state;
    memset(&state, 0, sizeof(state)); /* modes 0 only reads, and needs no privilege. */
    int result = adjtimex(&state);
    if (result < 0) {
        return access(TIMESYNC_FILE, F_OK) == 0;
    }
    return result != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

/* Asking takes a kernel lock and some microseconds, and every event is stamped: one answer serves a
 * second. It is the kernel's own state that is kept here, so there is one for all clocks. */
static bool is_synchronised(void)
{
    static atomic_uint kept; /* The second of the answer, from 1, and the answer as lowest bit. */
    unsigned second = (unsigned)(sfe_posix_now_ns() / NS_PER_S) + 1u;
    unsigned last = atomic_load_explicit(&kept, memory_order_relaxed);
    if (last >> 1 == second) {
        return (last & 1u) != 0;
    }
    bool answer = ask_synchronised();
    atomic_store_explicit(&kept, second << 1 | (answer ? 1u : 0u), memory_order_relaxed);
    return answer;
}

static enum sfe_clock_quality wall_ns(void *context, int64_t *unix_ns)
{
    (void)context;
    SFE_ASSERT(unix_ns != NULL);
    struct timespec now = {0, 0};
    int failed = clock_gettime(CLOCK_REALTIME, &now);
    SFE_ASSERT(failed == 0);
    *unix_ns = (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
    if ((int64_t)now.tv_sec < SFE_BUILD_UNIX_S) {
        return SFE_CLOCK_UNSET;
    }
    return is_synchronised() ? SFE_CLOCK_SYNCED : SFE_CLOCK_COASTING;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Reads a UUID's text, dashes anywhere. False when it is none. */
static bool parse_uuid(const char *text, size_t size, uint8_t id[16])
{
    size_t digits = 0;
    for (size_t i = 0; i < size && digits < 32; i++) {
        int value = hex_value(text[i]);
        if (value < 0 && text[i] != '-') {
            return false;
        }
        if (value >= 0) {
            unsigned high = digits % 2 == 0 ? 0u : (unsigned)id[digits / 2] << 4;
            id[digits / 2] = (uint8_t)((high | (unsigned)value) & 0xffu);
            digits++;
        }
    }
    return digits == 32;
}

static void boot_id(void *context, uint8_t id[16])
{
    (void)context;
    char text[64];
    ssize_t size = -1;
    int fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        size = read(fd, text, sizeof(text));
        (void)close(fd);
    }
    if (size > 0 && parse_uuid(text, (size_t)size, id)) {
        return;
    }
    /* Hidden from us (ProcSubset=pid): an id of this process alone is still never that of another
     * boot. */
    if (getrandom(id, 16, GRND_NONBLOCK) != 16) {
        uint64_t parts[2] = {read_ns(CLOCK_REALTIME), read_ns(CLOCK_BOOTTIME) ^ (uint64_t)getpid()};
        memcpy(id, parts, sizeof(parts));
    }
}

void sfe_posix_clock(struct sfe_clock *clock)
{
    SFE_ASSERT(clock != NULL);
    *clock = (struct sfe_clock){
        .context = NULL, .monotonic_ns = monotonic_ns, .wall_ns = wall_ns, .boot_id = boot_id};
}
