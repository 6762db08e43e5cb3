/* How single values must be spelled: names, topic filters, pointers, versions, urls. Pure; any
 * thread. */
#ifndef SFE_CONFIG_SPELLING_H
#define SFE_CONFIG_SPELLING_H

#include "base/bytes.h"

/* A name that may become part of a file name: [a-z0-9_-], 1 to SFE_NAME_BYTES_MAX bytes. */
bool spelling_is_name(struct sfe_slice text);

/* A name in Salesforce: a letter, then letters, digits and '_'. `dots` of them may follow, each
 * behind a '.'. */
bool spelling_is_identifier(struct sfe_slice text, uint32_t dots);

/* A JSON pointer (RFC 6901) that is not the root. */
bool spelling_is_pointer(struct sfe_slice text);

/* "v50.0" or later. */
bool spelling_is_version(struct sfe_slice text);

/* "env:NAME" (an environment variable) or "credential:NAME" (of the service manager). */
bool spelling_is_secret_reference(struct sfe_slice text);

/* A network interface or an IP address: 1 to 45 letters, digits and . _ : - */
bool spelling_is_interface(struct sfe_slice text);

/* A host, a domain or a network as curl's list of hosts without proxy has them: 1 to 253 letters,
 * digits and . _ : / [ ] - */
bool spelling_is_host_pattern(struct sfe_slice text);

/* Bytes below 0x20, or DEL. */
bool spelling_has_control(struct sfe_slice text);

/* What is wrong with a topic filter (MQTT 5, sections 4.7 and 4.8.2); NULL: nothing. */
const char *spelling_topic_problem(struct sfe_slice filter);

struct spelling_url {
    struct sfe_slice scheme;
    struct sfe_slice host; /* An IPv6 address without its brackets. */
    uint16_t port;         /* 0: not given. */
};

/* Takes scheme://host[:port][/] apart. What is wrong with it, or NULL. The scheme is filled even
 * then, where there is one. */
const char *spelling_read_url(struct sfe_slice text, struct spelling_url *url);

/* 127.0.0.0/8, ::1 or localhost. */
bool spelling_is_loopback(struct sfe_slice host);

#endif
