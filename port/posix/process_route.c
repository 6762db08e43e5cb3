#include "port/process.h"

#include "base/assert.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NUMERIC_BYTES 64u
#define ANY_PORT      "9" /* Discard; nothing is sent there. */

static void write_numeric(const struct sockaddr *address, char text[NUMERIC_BYTES])
{
    const socklen_t size = address->sa_family == AF_INET6 ? (socklen_t)sizeof(struct sockaddr_in6)
                                                          : (socklen_t)sizeof(struct sockaddr_in);

    if (getnameinfo(address, size, text, NUMERIC_BYTES, NULL, 0, NI_NUMERICHOST) != 0) {
        text[0] = '\0';
    }
}

static bool is_internet(const struct ifaddrs *entry)
{
    return entry->ifa_addr != NULL &&
           (entry->ifa_addr->sa_family == AF_INET || entry->ifa_addr->sa_family == AF_INET6);
}

/* The first entry of an address, or of an interface with an address of `family`. */
static const struct ifaddrs *find_entry(const struct ifaddrs *list, const char *wanted, int family)
{
    for (const struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next) {
        char numeric[NUMERIC_BYTES];
        if (!is_internet(entry) || entry->ifa_addr->sa_family != family) {
            continue;
        }
        write_numeric(entry->ifa_addr, numeric);
        if (strcmp(entry->ifa_name, wanted) == 0 || strcmp(numeric, wanted) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* Binds to `interface`; false where it is none of ours. */
static bool bind_to(int fd, const char *interface, int family, const struct ifaddrs *list)
{
    const struct addrinfo hints = {
        .ai_family = family, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST};
    const struct ifaddrs *entry = NULL;
    struct addrinfo *address = NULL;
    bool is_bound = false;

    if (getaddrinfo(interface, NULL, &hints, &address) == 0) {
        is_bound = bind(fd, address->ai_addr, address->ai_addrlen) == 0;
        freeaddrinfo(address);
        return is_bound;
    }
    entry = find_entry(list, interface, family);
    return entry != NULL && bind(fd, entry->ifa_addr,
                                 family == AF_INET6 ? (socklen_t)sizeof(struct sockaddr_in6)
                                                    : (socklen_t)sizeof(struct sockaddr_in)) == 0;
}

/* Lets the kernel choose our address for `target`; nothing is sent. */
static enum sfe_code choose(const struct addrinfo *target, const char *interface,
                            const struct ifaddrs *list, char chosen[NUMERIC_BYTES],
                            struct sfe_error *err)
{
    struct sockaddr_storage ours;
    socklen_t size = sizeof(ours);
    enum sfe_code code = SFE_OK;
    int fd = socket(target->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return sfe_fail_os(err, SFE_E_NETWORK, errno, "no socket");
    }
    if (interface != NULL && !bind_to(fd, interface, target->ai_family, list)) {
        code = sfe_fail(err, SFE_E_NOT_FOUND, "no interface or address of ours is called '%s'",
                        interface);
    } else if (connect(fd, target->ai_addr, target->ai_addrlen) != 0 ||
               getsockname(fd, (struct sockaddr *)&ours, &size) != 0) {
        code = sfe_fail_os(err, SFE_E_NETWORK, errno, "no way there");
    } else {
        write_numeric((const struct sockaddr *)&ours, chosen);
    }
    (void)close(fd);
    return code;
}

static enum sfe_code route(const struct addrinfo *target, const char *interface,
                           const struct ifaddrs *list, struct sfe_builder *out,
                           struct sfe_error *err)
{
    char chosen[NUMERIC_BYTES] = "";
    enum sfe_code code = choose(target, interface, list, chosen, err);
    const struct ifaddrs *entry = NULL;

    if (code == SFE_OK) {
        sfe_builder_add_text(out, chosen);
        entry = find_entry(list, chosen, target->ai_family);
    }
    if (entry != NULL) {
        sfe_builder_format(out, " (%s)", entry->ifa_name);
    }
    return code;
}

enum sfe_code sfe_process_route(const char *host, const char *interface, struct sfe_builder *out,
                                struct sfe_error *err)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    struct ifaddrs *list = NULL;
    enum sfe_code code = SFE_E_NETWORK;

    SFE_ASSERT(host != NULL);
    int failed = getaddrinfo(host, ANY_PORT, &hints, &found);
    if (failed != 0) {
        return sfe_fail(err, SFE_E_NETWORK, "cannot find host '%s': %s", host,
                        gai_strerror(failed));
    }
    if (getifaddrs(&list) != 0) {
        list = NULL;
    }
    for (const struct addrinfo *target = found; target != NULL && code != SFE_OK;
         target = target->ai_next) {
        code = route(target, interface, list, out, err);
    }
    freeifaddrs(list);
    freeaddrinfo(found);
    return code;
}
