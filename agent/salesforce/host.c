#include "salesforce/host.h"

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

static bool equal_without_case(struct sfe_slice one, struct sfe_slice other)
{
    if (one.size != other.size) {
        return false;
    }
    for (size_t i = 0; i < one.size; i++) {
        if (lower(one.bytes[i]) != lower(other.bytes[i])) {
            return false;
        }
    }
    return true;
}

static bool begins_with(struct sfe_slice text, struct sfe_slice begin)
{
    return text.size >= begin.size &&
           equal_without_case(sfe_slice_part(text, 0, begin.size), begin);
}

/* `host` is `domain`, or a name below it. */
static bool is_within(struct sfe_slice host, struct sfe_slice domain)
{
    if (domain.size == 0 || host.size < domain.size) {
        return false;
    }
    size_t begin = host.size - domain.size;
    return equal_without_case(sfe_slice_part(host, begin, host.size), domain) &&
           (begin == 0 || host.bytes[begin - 1] == '.');
}

static bool is_digits(struct sfe_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return false;
        }
    }
    return text.size != 0;
}

static bool is_host_byte(uint8_t byte, bool is_bracketed)
{
    uint8_t small = lower(byte);
    bool is_digit = byte >= '0' && byte <= '9';

    if (is_bracketed) {
        return is_digit || (small >= 'a' && small <= 'f') || byte == ':' || byte == '.';
    }
    return is_digit || (small >= 'a' && small <= 'z') || byte == '-' || byte == '.' || byte == '_';
}

/* Nothing, or a colon and digits. */
static bool is_port(struct sfe_slice text)
{
    return text.size == 0 ||
           (text.bytes[0] == ':' && is_digits(sfe_slice_part(text, 1, text.size)));
}

/* What stands behind http:// or https://; empty where neither does. */
static struct sfe_slice authority_of(struct sfe_slice url)
{
    if (begins_with(url, SFE_TEXT("https://"))) {
        return sfe_slice_part(url, 8, url.size);
    }
    return sfe_slice_part(url, begins_with(url, SFE_TEXT("http://")) ? 7 : url.size, url.size);
}

struct sfe_slice host_of_url(struct sfe_slice url)
{
    static const struct sfe_slice none = {NULL, 0};
    struct sfe_slice rest = authority_of(url);
    bool is_bracketed = rest.size != 0 && rest.bytes[0] == '[';
    size_t begin = is_bracketed ? 1u : 0u;
    size_t end = begin;

    while (end < rest.size && is_host_byte(rest.bytes[end], is_bracketed)) {
        end++;
    }
    struct sfe_slice host = sfe_slice_part(rest, begin, end - begin);
    if (is_bracketed && (end == rest.size || rest.bytes[end++] != ']')) {
        return none;
    }
    return is_port(sfe_slice_part(rest, end, rest.size)) ? host : none;
}

static bool is_loopback(struct sfe_slice host)
{
    struct sfe_slice rest = sfe_slice_part(host, host.size < 4 ? host.size : 4, host.size);

    if (equal_without_case(host, SFE_TEXT("localhost")) || sfe_slice_equal(host, SFE_TEXT("::1"))) {
        return true;
    }
    for (size_t i = 0; i < rest.size; i++) {
        if ((rest.bytes[i] < '0' || rest.bytes[i] > '9') && rest.bytes[i] != '.') {
            return false; /* 127.example.com is a name like any other. */
        }
    }
    return rest.size != 0 && begins_with(host, SFE_TEXT("127."));
}

bool host_is_of_org(struct sfe_slice instance_url, struct sfe_slice login_url)
{
    static const char *const domains[] = {"salesforce.com", "force.com", "salesforce.mil",
                                          "sfcrmproducts.cn"};
    struct sfe_slice host = host_of_url(instance_url);

    if (host.size == 0 || (begins_with(instance_url, SFE_TEXT("http://")) &&
                           !begins_with(login_url, SFE_TEXT("http://")))) {
        return false;
    }
    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
        if (is_within(host, sfe_slice_text(domains[i]))) {
            return true;
        }
    }
    return is_within(host, host_of_url(login_url)) || is_loopback(host);
}
