#include "doctor/route.h"

#include "config/spelling.h"
#include "port/process.h"

#include <stdio.h>

#define WAIT_NS          UINT64_C(10000000000)
#define PROXY_PORT       1080u /* curl's, where the url names none; */
#define PROXY_PORT_HTTPS 443u  /* and for a proxy of https. */
#define IPV4_BITS        32u

static uint8_t to_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

static bool is_same(struct sfe_slice left, struct sfe_slice right)
{
    if (left.size != right.size) {
        return false;
    }
    for (size_t i = 0; i < left.size; i++) {
        if (to_lower(left.bytes[i]) != to_lower(right.bytes[i])) {
            return false;
        }
    }
    return true;
}

/* Reads digits up to `max` from the front of *text. */
static bool take_number(struct sfe_slice *text, uint32_t max, uint32_t *number)
{
    size_t size = 0;

    *number = 0;
    while (size < text->size && text->bytes[size] >= '0' && text->bytes[size] <= '9' && size < 3u) {
        *number = *number * 10u + (uint32_t)(text->bytes[size] - '0');
        size++;
    }
    *text = sfe_slice_part(*text, size, text->size);
    return size != 0 && *number <= max;
}

static bool take_byte(struct sfe_slice *text, uint8_t byte)
{
    if (text->size == 0 || text->bytes[0] != byte) {
        return false;
    }
    *text = sfe_slice_part(*text, 1, text->size);
    return true;
}

static bool take_ipv4(struct sfe_slice *text, uint32_t *address)
{
    uint32_t part = 0;

    *address = 0;
    for (int i = 0; i < 4; i++) {
        if ((i != 0 && !take_byte(text, '.')) || !take_number(text, UINT8_MAX, &part)) {
            return false;
        }
        *address = (*address << 8) | part;
    }
    return true;
}

static bool is_within(struct sfe_slice host, struct sfe_slice network)
{
    uint32_t address = 0;
    uint32_t begin = 0;
    uint32_t bits = 0;

    if (!take_ipv4(&host, &address) || host.size != 0 || !take_ipv4(&network, &begin) ||
        !take_byte(&network, '/') || !take_number(&network, IPV4_BITS, &bits) ||
        network.size != 0 || bits == 0) {
        return false;
    }
    return ((address ^ begin) >> (IPV4_BITS - bits)) == 0;
}

static struct sfe_slice without_last_dot(struct sfe_slice name)
{
    return name.size != 0 && name.bytes[name.size - 1u] == '.'
               ? sfe_slice_part(name, 0, name.size - 1u)
               : name;
}

static bool is_below(struct sfe_slice host, struct sfe_slice entry)
{
    uint32_t address = 0;
    struct sfe_slice rest = host;

    if (take_ipv4(&rest, &address) && rest.size == 0) {
        return false; /* An address is below no name. */
    }
    return host.size > entry.size && host.bytes[host.size - entry.size - 1u] == '.' &&
           is_same(sfe_slice_part(host, host.size - entry.size, entry.size), entry);
}

const char *route_exempts(const struct sfe_config_salesforce *config, const char *host)
{
    const struct sfe_slice name = without_last_dot(sfe_slice_text(host));

    for (uint32_t i = 0; i < config->no_proxy_count; i++) {
        struct sfe_slice entry = without_last_dot(sfe_slice_text(config->no_proxy[i]));
        (void)take_byte(&entry, '.');
        if (entry.size > 2u && take_byte(&entry, '[')) {
            entry.size--; /* An IPv6 address in brackets. */
        }
        if (entry.size != 0 &&
            (is_same(name, entry) || is_below(name, entry) || is_within(name, entry))) {
            return config->no_proxy[i];
        }
    }
    return NULL;
}

bool route_look(const struct sfe_doctor_options *options,
                const struct sfe_config_connection *connection, const char *host, const char *key)
{
    const char *interface =
        connection->type == SFE_CONNECTION_SALESFORCE ? connection->salesforce.interface : NULL;
    struct sfe_finding finding = {.level = SFE_FINDING_FAIL, .check = "route", .subject = host};
    char from[96] = "";
    struct sfe_builder text = sfe_builder_make(from, sizeof(from) - 1u);
    struct sfe_error err;

    finding_setting(finding.setting, sizeof(finding.setting), connection->name, key);
    if (!finding_lookup(options, host, finding.setting)) {
        return false;
    }
    finding.code = sfe_process_route(host, interface, &text, &err);
    if (finding.code == SFE_OK) {
        finding_ok(
            options, "route", host, "leaves from %s%s%s%s", from,
            interface == NULL ? "" : ", as interface says: ", interface == NULL ? "" : interface,
            interface == NULL ? ", as the routes of this device say" : "");
        return true;
    }
    if (interface != NULL) {
        finding_setting(finding.setting, sizeof(finding.setting), connection->name, "interface");
    }
    finding_tell(options, &finding, err.message,
                 interface == NULL ? "check the network of this device (ip route)"
                                   : "name an interface or an address that this device has (ip "
                                     "address), and that leads there");
    return false;
}

struct attempt {
    bool is_ready;
};

static void on_ready(void *owner, struct sfe_socket *socket, unsigned events)
{
    struct attempt *attempt = owner;

    (void)socket;
    (void)events;
    attempt->is_ready = true;
}

/* TCP, and nothing said. */
static enum sfe_code connect_to(const struct sfe_platform *platform, const char *host,
                                uint16_t port, struct sfe_error *err)
{
    const struct sfe_poller *poller = &platform->poller;
    const uint64_t until_ns = sfe_clock_monotonic_ns(&platform->clock) + WAIT_NS;
    struct sfe_socket *stream = NULL;
    struct attempt attempt = {.is_ready = false};
    enum sfe_code code = poller->connect(poller->context, host, port, &stream, err);

    if (code != SFE_OK) {
        return code;
    }
    poller->watch(poller->context, stream, SFE_POLL_WRITE, on_ready, &attempt);
    while (code == SFE_OK && !attempt.is_ready) {
        code = sfe_clock_monotonic_ns(&platform->clock) >= until_ns
                   ? sfe_fail(err, SFE_E_TIMEOUT, "no connection within 10 s")
                   : poller->wait(poller->context, until_ns, err);
    }
    if (code == SFE_OK && !poller->connected(poller->context, stream)) {
        uint8_t byte = 0;
        size_t count = 0;
        code = poller->read(poller->context, stream, &byte, 1, &count, err) == SFE_IO_FAILED
                   ? err->code
                   : sfe_fail(err, SFE_E_NETWORK, "no connection");
    }
    poller->close(poller->context, stream);
    return code;
}

static bool look_at_proxy(const struct sfe_doctor_options *options,
                          const struct sfe_config_connection *connection, const char *host,
                          const struct spelling_url *url)
{
    const uint16_t usual =
        sfe_slice_equal(url->scheme, SFE_TEXT("https")) ? PROXY_PORT_HTTPS : PROXY_PORT;
    const uint16_t port = url->port == 0 ? usual : url->port;
    struct sfe_finding finding = {
        .level = SFE_FINDING_FAIL, .check = "proxy", .subject = connection->name};
    char proxy[ROUTE_HOST_BYTES];
    char message[320];
    struct sfe_error err;

    sfe_printable(proxy, sizeof(proxy), url->host);
    if (!route_look(options, connection, proxy, "proxy/url")) {
        return false;
    }
    finding.code = connect_to(options->platform, proxy, port, &err);
    if (finding.code == SFE_OK) {
        finding_ok(options, "proxy", connection->name,
                   "%.100s:%u answers; it is used for %.100s, as proxy.url says", proxy,
                   (unsigned)port, host);
        return true;
    }
    finding_setting(finding.setting, sizeof(finding.setting), connection->name, "proxy/url");
    int length = snprintf(message, sizeof(message), "the proxy for %.80s does not answer: %s", host,
                          err.message);
    finding_tell(options, &finding, length < 0 ? "" : message,
                 "check proxy.url, and that the proxy runs; or name the host in proxy.no_proxy");
    return false;
}

bool route_look_proxy(const struct sfe_doctor_options *options,
                      const struct sfe_config_connection *connection, const char *host)
{
    const struct sfe_config_salesforce *config = &connection->salesforce;
    const char *of_environment = sfe_process_environment("https_proxy");
    struct spelling_url url;
    const char *entry = NULL;

    if (config->proxy_url == NULL) {
        finding_ok(options, "proxy", connection->name, "none: proxy.url names none%s",
                   of_environment == NULL ? ""
                                          : "; that of the environment (https_proxy) is not used");
        return route_look(options, connection, host, "login_url");
    }
    entry = route_exempts(config, host);
    if (entry != NULL) {
        finding_ok(options, "proxy", connection->name,
                   "none for %.100s: proxy.no_proxy names %.100s", host, entry);
        return route_look(options, connection, host, "login_url");
    }
    if (spelling_read_url(sfe_slice_text(config->proxy_url), &url) != NULL) {
        return false; /* The configuration has been checked: not so. */
    }
    return look_at_proxy(options, connection, host, &url);
}
