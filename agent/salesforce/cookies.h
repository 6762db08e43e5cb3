/* The cookies of one session with one host: whatever it sets comes back with every request
 * (RFC 6265). Attributes are of no use here: one address, one path, one session; only an end of a
 * cookie is heeded (Max-Age of 0 or less, or an empty value). Cloud thread. */
#ifndef SFE_SALESFORCE_COOKIES_H
#define SFE_SALESFORCE_COOKIES_H

#include "base/bytes.h"

#define COOKIES_BYTES_MAX 3072u

struct cookies {
    char text[COOKIES_BYTES_MAX]; /* "name=value; name=value" */
    size_t size;
};

/* Takes values of Set-Cookie, a line each. False: one found no room. */
bool cookies_take(struct cookies *cookies, struct sfe_slice lines);

/* The value of the header Cookie; empty: there is none. */
static inline struct sfe_slice cookies_slice(const struct cookies *cookies)
{
    return sfe_slice_make(cookies->text, cookies->size);
}

static inline void cookies_forget(struct cookies *cookies)
{
    cookies->size = 0;
}

#endif
