#include "config/spelling.h"

#include "base/limits.h"
#include "config/quantity.h"

#define IDENTIFIER_BYTES_MAX  128u
#define HOST_BYTES_MAX        253u
#define SECRET_NAME_BYTES_MAX 128u
#define INTERFACE_BYTES_MAX   45u

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool has_byte(struct sfe_slice text, uint8_t byte)
{
    return text.size != 0 && memchr(text.bytes, byte, text.size) != NULL;
}

static struct sfe_slice from(struct sfe_slice text, size_t begin)
{
    return sfe_slice_part(text, begin, text.size);
}

/* Takes the part before `stop` off the front of *rest; false behind the last one. */
static bool take_part(struct sfe_slice *rest, uint8_t stop, struct sfe_slice *part)
{
    size_t size = 0;

    if (rest->bytes == NULL) {
        return false;
    }
    while (size < rest->size && rest->bytes[size] != stop) {
        size++;
    }
    *part = sfe_slice_part(*rest, 0, size);
    *rest = size < rest->size ? from(*rest, size + 1) : (struct sfe_slice){NULL, 0};
    return true;
}

bool spelling_is_name(struct sfe_slice text)
{
    if (text.size == 0 || text.size > SFE_NAME_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.bytes[i];
        bool is_good = (byte >= 'a' && byte <= 'z') || is_digit(byte) || byte == '_' || byte == '-';
        if (!is_good) {
            return false;
        }
    }
    return true;
}

static bool is_plain_identifier(struct sfe_slice text)
{
    if (text.size == 0 || text.size > IDENTIFIER_BYTES_MAX || !is_letter(text.bytes[0])) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (!is_letter(text.bytes[i]) && !is_digit(text.bytes[i]) && text.bytes[i] != '_') {
            return false;
        }
    }
    return true;
}

bool spelling_is_identifier(struct sfe_slice text, uint32_t dots)
{
    struct sfe_slice rest = text;
    struct sfe_slice part;
    uint32_t parts = 0;

    while (take_part(&rest, '.', &part)) {
        parts++;
        if (parts > dots + 1 || !is_plain_identifier(part)) {
            return false;
        }
    }
    return parts != 0;
}

bool spelling_is_pointer(struct sfe_slice text)
{
    if (text.size == 0 || text.bytes[0] != '/') {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        bool is_last = i + 1 == text.size;
        if (text.bytes[i] == '~' &&
            (is_last || (text.bytes[i + 1] != '0' && text.bytes[i + 1] != '1'))) {
            return false;
        }
        if (text.bytes[i] == '\0') {
            return false;
        }
    }
    return true;
}

bool spelling_is_version(struct sfe_slice text)
{
    uint64_t number = 0;

    if (text.size < 5 || text.size > 6 || text.bytes[0] != 'v' || text.bytes[1] == '0') {
        return false;
    }
    return sfe_slice_equal(from(text, text.size - 2), SFE_TEXT(".0")) &&
           quantity_read_whole(sfe_slice_part(text, 1, text.size - 3), &number) && number >= 50;
}

static bool begins_with(struct sfe_slice text, const char *begin)
{
    return text.size >= strlen(begin) && memcmp(text.bytes, begin, strlen(begin)) == 0;
}

static bool is_word_of(struct sfe_slice text, const char *more)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.bytes[i];
        if (!is_letter(byte) && !is_digit(byte) && (byte == 0 || strchr(more, byte) == NULL)) {
            return false;
        }
    }
    return text.size != 0;
}

bool spelling_is_secret_reference(struct sfe_slice text)
{
    struct sfe_slice name = from(text, text.size < 4 ? text.size : 4);

    if (begins_with(text, "env:")) {
        return name.size <= SECRET_NAME_BYTES_MAX && is_word_of(name, "_") &&
               !is_digit(name.bytes[0]);
    }
    name = from(text, text.size < 11 ? text.size : 11);
    return begins_with(text, "credential:") && name.size <= SECRET_NAME_BYTES_MAX &&
           is_word_of(name, "._-") && name.bytes[0] != '.';
}

bool spelling_is_host_pattern(struct sfe_slice text)
{
    return text.size <= HOST_BYTES_MAX && is_word_of(text, "._:/[]-");
}

bool spelling_is_interface(struct sfe_slice text)
{
    return text.size <= INTERFACE_BYTES_MAX && is_word_of(text, "._:-");
}

bool spelling_has_control(struct sfe_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < 0x20 || text.bytes[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

/* "$share/name/filter": takes the filter out. */
static const char *open_share(struct sfe_slice *filter)
{
    struct sfe_slice rest = *filter;
    struct sfe_slice part;

    if (!take_part(&rest, '/', &part) || !sfe_slice_equal(part, SFE_TEXT("$share"))) {
        return NULL;
    }
    if (!take_part(&rest, '/', &part) || part.size == 0 || has_byte(part, '+') ||
        has_byte(part, '#')) {
        return "a shared subscription is \"$share/name/filter\"";
    }
    *filter = rest;
    return NULL;
}

const char *spelling_topic_problem(struct sfe_slice filter)
{
    const char *problem = open_share(&filter);
    struct sfe_slice rest = filter;
    struct sfe_slice level;

    if (problem != NULL) {
        return problem;
    }
    if (filter.size == 0) {
        return "a topic filter is not empty";
    }
    if (filter.size > SFE_TOPIC_BYTES_MAX) {
        return "a topic filter has at most 65535 bytes";
    }
    while (take_part(&rest, '/', &level)) {
        if (has_byte(level, '\0')) {
            return "a topic filter holds no NUL";
        }
        if (has_byte(level, '#') && (level.size != 1 || rest.bytes != NULL)) {
            return "# stands alone in the last level";
        }
        if (has_byte(level, '+') && level.size != 1) {
            return "+ stands alone in its level";
        }
    }
    return NULL;
}

/* Of an IPv6 address in brackets, and of all other hosts. */
static bool is_address_byte(uint8_t byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F') ||
           byte == ':' || byte == '.';
}

static bool is_host_byte(uint8_t byte)
{
    return is_letter(byte) || is_digit(byte) || byte == '.' || byte == '-' || byte == '_';
}

static bool is_host(struct sfe_slice host, bool is_bracketed)
{
    if (host.size == 0 || host.size > HOST_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < host.size; i++) {
        if (is_bracketed ? !is_address_byte(host.bytes[i]) : !is_host_byte(host.bytes[i])) {
            return false;
        }
    }
    return true;
}

static const char *read_port(struct sfe_slice text, uint16_t *port)
{
    uint64_t number = 0;

    if (text.size == 0) {
        return NULL;
    }
    if (text.bytes[0] != ':' || !quantity_read_whole(from(text, 1), &number) || number == 0 ||
        number > UINT16_MAX) {
        return "the port is a number from 1 to 65535";
    }
    *port = (uint16_t)number;
    return NULL;
}

static const char *read_authority(struct sfe_slice text, struct spelling_url *url)
{
    bool is_bracketed = text.size != 0 && text.bytes[0] == '[';
    struct sfe_slice rest = is_bracketed ? from(text, 1) : text;
    struct sfe_slice port;

    if (has_byte(text, '@')) {
        return "user names and passwords do not go into a url";
    }
    url->host = sfe_slice_part(rest, 0, 0);
    (void)take_part(&rest, is_bracketed ? ']' : ':', &url->host);
    if (!is_host(url->host, is_bracketed)) {
        return "the host's name is not valid";
    }
    port = from(text, url->host.size + (is_bracketed ? 1u : 0u));
    if (is_bracketed) {
        if (port.size == 0) {
            return "the address is not closed by ]";
        }
        port = from(port, 1);
    }
    return read_port(port, &url->port);
}

const char *spelling_read_url(struct sfe_slice text, struct spelling_url *url)
{
    struct sfe_slice rest = text;

    *url = (struct spelling_url){{NULL, 0}, {NULL, 0}, 0};
    if (!take_part(&rest, ':', &url->scheme) || rest.size < 2 || rest.bytes[0] != '/' ||
        rest.bytes[1] != '/') {
        url->scheme = (struct sfe_slice){NULL, 0};
        return "a url begins with its scheme and ://";
    }
    rest = from(rest, 2);
    if (rest.size != 0 && rest.bytes[rest.size - 1] == '/') {
        rest.size--;
    }
    if (has_byte(rest, '/') || has_byte(rest, '?') || has_byte(rest, '#')) {
        return "the url ends with its host or port";
    }
    return read_authority(rest, url);
}

static bool is_loopback_address(struct sfe_slice host)
{
    struct sfe_slice rest = host;
    struct sfe_slice part;
    uint32_t parts = 0;
    uint64_t number = 0;

    while (take_part(&rest, '.', &part)) {
        if (part.size > 3 || !quantity_read_whole(part, &number) || number > 255) {
            return false;
        }
        if (parts == 0 && number != 127) {
            return false;
        }
        parts++;
    }
    return parts == 4;
}

bool spelling_is_loopback(struct sfe_slice host)
{
    return sfe_slice_equal(host, SFE_TEXT("localhost")) || sfe_slice_equal(host, SFE_TEXT("::1")) ||
           is_loopback_address(host);
}
