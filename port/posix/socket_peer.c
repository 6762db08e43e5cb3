/* Whose process is at the other end of a connection on this machine.
 *
 * UNIX sockets say so themselves. For loopback TCP the kernel's table of sockets (proc_net_tcp)
 * names the owner of each: the peer's row has our addresses the other way round. It is read through
 * /proc/self, which stays visible where the rest of /proc is hidden (ProcSubset=pid). */
#include "socket.h"

#include "base/assert.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_BYTES 512
/* Fields of a row: "sl: local remote state tx:rx tr:when retransmit uid ..." */
#define FIELD_LOCAL  1u
#define FIELD_REMOTE 2u
#define FIELD_UID    7u

struct row {
    char local[48];
    char remote[48];
};

/* The kernel prints an address as host-order words of the network-order bytes. */
static void print_ipv4(char text[48], const struct sockaddr_in *address)
{
    int size = snprintf(text, 48, "%08" PRIX32 ":%04X", (uint32_t)address->sin_addr.s_addr,
                        (unsigned)ntohs(address->sin_port));
    SFE_ASSERT(size > 0 && size < 48);
}

/* As an IPv6 socket that speaks to an IPv4 one is listed (::ffff:a.b.c.d). */
static void print_mapped(char text[48], const struct sockaddr_in *address)
{
    int size = snprintf(text, 48, "0000000000000000%08" PRIX32 "%08" PRIX32 ":%04X", htonl(0xffffu),
                        (uint32_t)address->sin_addr.s_addr, (unsigned)ntohs(address->sin_port));
    SFE_ASSERT(size > 0 && size < 48);
}

/* Does the row name `wanted`, and does it belong to us? `line` is taken apart. */
static bool is_our_row(char *line, const struct row *wanted)
{
    char *rest = line;
    const char *word = NULL;
    for (unsigned field = 0; field <= FIELD_UID; field++) {
        do {
            word = strsep(&rest, " \n");
        } while (word != NULL && *word == '\0');
        if (word == NULL) {
            return false;
        }
        if ((field == FIELD_LOCAL && strcmp(word, wanted->local) != 0) ||
            (field == FIELD_REMOTE && strcmp(word, wanted->remote) != 0)) {
            return false;
        }
    }
    char ours[16];
    int size = snprintf(ours, sizeof(ours), "%" PRIuMAX, (uintmax_t)geteuid());
    SFE_ASSERT(size > 0 && (size_t)size < sizeof(ours));
    return strcmp(word, ours) == 0;
}

static bool is_ours_in(const char *table, const struct row *wanted)
{
    char line[LINE_BYTES];
    bool found = false;
    FILE *rows = fopen(table, "re");
    if (rows == NULL) {
        return false;
    }
    while (!found && fgets(line, sizeof(line), rows) != NULL) {
        found = is_our_row(line, wanted);
    }
    (void)fclose(rows);
    return found;
}

static bool is_ours_tcp(int fd)
{
    union {
        struct sockaddr_in ipv4;
        struct sockaddr any;
    } here, there;
    socklen_t here_size = sizeof(here);
    socklen_t there_size = sizeof(there);
    struct row wanted;
    if (getsockname(fd, &here.any, &here_size) != 0 ||
        getpeername(fd, &there.any, &there_size) != 0 || here.any.sa_family != AF_INET) {
        return false;
    }
    print_ipv4(wanted.local, &there.ipv4);
    print_ipv4(wanted.remote, &here.ipv4);
    if (is_ours_in("/proc/self/net/tcp", &wanted)) {
        return true;
    }
    print_mapped(wanted.local, &there.ipv4);
    print_mapped(wanted.remote, &here.ipv4);
    return is_ours_in("/proc/self/net/tcp6", &wanted);
}

static bool is_ours_local(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    memset(&peer, 0, sizeof(peer));
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return false;
    }
    return peer.uid == geteuid() || peer.uid == 0;
}

bool socket_peer_is_ours(int fd, enum socket_state listener)
{
    SFE_ASSERT(fd >= 0);
    return listener == SOCKET_LISTENER_LOCAL ? is_ours_local(fd) : is_ours_tcp(fd);
}
