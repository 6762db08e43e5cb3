/* Log-ins and access tokens. */
#ifndef SFE_TESTS_ORG_SESSIONS_H
#define SFE_TESTS_ORG_SESSIONS_H

#include "buffer.h"
#include "refresh.h"

#define SESSIONS_MAX 256u
#define TOKEN_BYTES  112u
#define JWT_IDS_MAX  256u

struct session {
    char token[TOKEN_BYTES];
    uint64_t ends_ms; /* Monotonic; 0 is dead. */
    uint32_t family;  /* Of refresh tokens, from 1 on; 0: of another flow. */
};

struct jwt_verifier; /* The certificate's public key. */

struct sessions {
    struct session sessions[SESSIONS_MAX]; /* The oldest makes room. */
    uint32_t next;
    uint64_t lifetime_ms;
    struct jwt_verifier *verifier; /* Owned; NULL: the flow is off. */
    struct buffer client_secret;   /* Empty: the flow is off. */
    struct refresh_tokens refresh; /* None: the flow is off. */
    uint64_t jwt_ids[JWT_IDS_MAX]; /* Hashes of the "jti" seen last. */
    uint32_t jwt_id_next;
    uint64_t hour_began_ms; /* Log-ins are limited to 3,600 an hour and user. */
    uint32_t logins_this_hour;
};

/* Makes a token and returns its session. */
const struct session *session_open(struct sessions *sessions, uint32_t family);

/* Ends the sessions of one family of refresh tokens. */
void sessions_end_family(struct sessions *sessions, uint32_t family);

/* True where `token` is alive. */
bool session_alive(const struct sessions *sessions, struct sfe_slice token);

/* Ends one session; false if there is none of that token. */
bool session_end(struct sessions *sessions, struct sfe_slice token);

/* Ends all; returns how many were alive. */
uint32_t sessions_end_all(struct sessions *sessions);

/* Loads a certificate or public key in PEM. NULL, or what is wrong. */
const char *jwt_verifier_open(struct sessions *sessions, const char *path);
void jwt_verifier_close(struct sessions *sessions);

/* Checks an RS256 signature. */
bool jwt_verify(struct jwt_verifier *verifier, struct sfe_slice message,
                struct sfe_slice signature);

/* Fills with random bytes of the system. */
void random_fill(void *bytes, size_t size);

#endif
