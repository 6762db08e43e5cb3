/* The one error type: recorded and returned in one act, with context added on the way up.
 *
 * A `struct sfe_error` lives in the caller's frame and is never NULL. A function that fails says
 * `return sfe_fail(err, SFE_E_..., "...")`. Expected outcomes (full, end, again) are codes without
 * a text: nothing is recorded for them. Values from outside that go into `message` are clipped and
 * made printable; payloads and secrets never go in. Any thread; an error is not shared.
 */
#ifndef SFE_BASE_ERROR_H
#define SFE_BASE_ERROR_H

#include <stdint.h>

#define SFE_MUST_USE __attribute__((warn_unused_result))
#define SFE_PRINTF(format_index, first_index)                                                      \
    __attribute__((format(printf, format_index, first_index)))

enum sfe_code {
    SFE_OK = 0,
    /* Expected outcomes: no text is recorded. */
    SFE_E_FULL,    /* No room now; the caller holds its acknowledgement back and comes again. */
    SFE_E_END,     /* Nothing (more) to read. */
    SFE_E_AGAIN,   /* Would block, or must wait for something else first. */
    SFE_E_SKIPPED, /* Looked at, and not wanted. */
    /* Failures: a text is recorded. */
    SFE_E_SYNTAX,      /* Bytes that do not parse. */
    SFE_E_CONFIG,      /* The configuration is wrong. */
    SFE_E_UNMAPPED,    /* An event that cannot become a record. */
    SFE_E_TOO_LARGE,   /* Over a stated limit. */
    SFE_E_REFUSED,     /* The other side said no. */
    SFE_E_STORAGE,     /* A storage call failed. */
    SFE_E_NO_SPACE,    /* The medium or the quota is full. */
    SFE_E_CORRUPT,     /* Stored bytes that do not check, or a newer format. */
    SFE_E_NETWORK,     /* No connection, or it broke. */
    SFE_E_TIMEOUT,     /* Nothing came in time. */
    SFE_E_TLS,         /* The peer could not be trusted. */
    SFE_E_PROTOCOL,    /* The other side broke its protocol. */
    SFE_E_AUTH,        /* Log-in failed. */
    SFE_E_API,         /* Salesforce answered with an error. */
    SFE_E_NO_MEMORY,   /* Memory given at open did not suffice. */
    SFE_E_NOT_READY,   /* Too early: clock unset, entropy missing. */
    SFE_E_NOT_FOUND,   /* A named thing does not exist. */
    SFE_E_UNSUPPORTED, /* Not in this build or not on this platform. */
    SFE_E_USAGE,       /* The command line is wrong. */
    SFE_E_PERMISSION,  /* The system said no. */
    SFE_E_CRYPTO       /* A key or signature could not be used. */
};

/* What to do next about an error; decided where the error is known, never by reading its text. */
enum sfe_retry {
    SFE_RETRY_NEVER,       /* Dead letter. */
    SFE_RETRY_LATER,       /* Same request after a back-off. */
    SFE_RETRY_AFTER_LOGIN, /* Token refused: refresh once, then again. */
    SFE_RETRY_ALONE,       /* A race: this record again, apart from its neighbours. */
    SFE_RETRY_LOCKED,      /* A row or its parent is locked: again, one request for a parent. */
    SFE_RETRY_SMALLER,     /* Refused as a whole: split. */
    SFE_RETRY_AWAY,        /* The target is away, whoever asks: wait for it. */
    SFE_RETRY_AFTER_QUOTA, /* The allowance is used up: wait for it. */
    SFE_RETRY_AFTER_HUMAN  /* Stop this target, say what to do, probe now and then. */
};

struct sfe_error {
    enum sfe_code code;   /* Same as the value returned. */
    enum sfe_retry retry; /* SFE_RETRY_NEVER until who knows says otherwise. */
    int os_errno;         /* 0 where no system call is behind it. */
    uint16_t http_status; /* 0 where no HTTP answer is behind it. */
    uint32_t line;        /* 1-based; 0 where there is no text. */
    uint32_t column;      /* 1-based, in bytes; 0 where there is no text. */
    char api_code[56];    /* "UNABLE_TO_LOCK_ROW", "invalid_grant". */
    char pointer[96];     /* RFC 6901, into the document named in `where`. */
    char where[96];       /* "sfedge.json", "upsert PosSale__c", "sales-000123.seg". */
    char message[224];    /* One sentence; context in front of cause. */
};

/* Records a failure and returns `code`. The rest of *err is reset. */
enum sfe_code sfe_fail(struct sfe_error *err, enum sfe_code code, const char *format, ...)
    SFE_PRINTF(3, 4);

/* Records a failure of a system call: as sfe_fail, with `os_errno` and its name in the message. */
enum sfe_code sfe_fail_os(struct sfe_error *err, enum sfe_code code, int os_errno,
                          const char *format, ...) SFE_PRINTF(4, 5);

/* Adds where in which document the mistake stands. Returns err->code. */
enum sfe_code sfe_error_at(struct sfe_error *err, const char *where, const char *pointer,
                           uint32_t line, uint32_t column);

/* Adds what an API answered and what to do about it. Returns err->code. */
enum sfe_code sfe_error_api(struct sfe_error *err, uint16_t http_status, const char *api_code,
                            enum sfe_retry retry);

/* Puts context in front of the message: "cannot load X: <cause>". Returns err->code. */
enum sfe_code sfe_within(struct sfe_error *err, const char *format, ...) SFE_PRINTF(2, 3);

/* The stable name of a code, "SFE-STORAGE"; it appears in logs, `status` and dead letters. */
const char *sfe_code_name(enum sfe_code code);

/* The sysexits(3) code a command ends with after `code`: 0, 64, 65, 69, 70, 74, 75, 77, 78. */
int sfe_code_exit(enum sfe_code code);

#endif
