/* By which way a host is reached: proxy, interface, our own certificate. */
#include "exchange.h"

#include "base/assert.h"

static CURLcode set_text(CURL *easy, CURLoption option, const char *text)
{
    return text == NULL ? CURLE_OK : curl_easy_setopt(easy, option, text);
}

/* The key is lent, not copied: it must not stay behind in memory that nobody wipes. */
static CURLcode set_own_certificate(CURL *easy, const struct sfe_http_route *route)
{
    struct curl_blob key = {NULL, route->key_pem.size, CURL_BLOB_NOCOPY};
    const void *bytes = route->key_pem.bytes;
    if (route->cert_file == NULL) {
        return CURLE_OK;
    }
    SFE_ASSERT(route->key_pem.size != 0);
    memcpy(&key.data, &bytes, sizeof(key.data)); /* curl only reads it. */
    CURLcode result = curl_easy_setopt(easy, CURLOPT_SSLCERT, route->cert_file);
    return result != CURLE_OK ? result : curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
}

/* Every request goes through a tunnel, so that the proxy sees the host's name and nothing else. */
static CURLcode set_proxy(CURL *easy, const struct sfe_http_route *route, const char *ca_file)
{
    static const struct {
        CURLoption option;
        long value;
    } constants[] = {
        {CURLOPT_HTTPPROXYTUNNEL, 1},
        {CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC},
        {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
    };
    CURLcode result = curl_easy_setopt(easy, CURLOPT_PROXY, route->proxy_url);
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]) && result == CURLE_OK; i++) {
        result = curl_easy_setopt(easy, constants[i].option, constants[i].value);
    }
    result = result ? result : set_text(easy, CURLOPT_PROXYUSERNAME, route->proxy_username);
    result = result ? result : set_text(easy, CURLOPT_PROXYPASSWORD, route->proxy_password);
    if (result == CURLE_OK && ca_file != NULL && strncmp(route->proxy_url, "https://", 8) == 0) {
        result = curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, ca_file);
    }
    return result;
}

CURLcode exchange_set_route(CURL *easy, const struct sfe_http_route *route, const char *ca_file)
{
    static const struct sfe_http_route straight = {.cert_file = NULL};
    CURLcode result;
    if (route == NULL) {
        route = &straight;
    }
    /* Nothing from the environment: what goes through a proxy is configured or does not. */
    result = route->proxy_url == NULL ? curl_easy_setopt(easy, CURLOPT_PROXY, "")
                                      : set_proxy(easy, route, ca_file);
    result = result ? result
                    : curl_easy_setopt(easy, CURLOPT_NOPROXY,
                                       route->no_proxy == NULL ? "" : route->no_proxy);
    result = result ? result : set_text(easy, CURLOPT_INTERFACE, route->interface);
    return result ? result : set_own_certificate(easy, route);
}
