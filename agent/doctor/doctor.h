/* Looks at what a site needs (clock, flash, brokers, orgs) and says what to mend.
 *
 * Each look ends in findings. Nothing of the agent's is disturbed: a running agent keeps its links,
 * its session at the broker and its files. Main thread; every function may block for seconds.
 */
#ifndef SFE_DOCTOR_DOCTOR_H
#define SFE_DOCTOR_DOCTOR_H

#include "base/log.h"
#include "config/config.h"
#include "port/platform.h"
#include "compile/compile.h"

enum sfe_finding_level { SFE_FINDING_OK, SFE_FINDING_WARN, SFE_FINDING_FAIL };

struct sfe_finding {
    enum sfe_finding_level level;
    const char *check;   /* "clock", "flash", "dns", "route", "tls", "broker", … */
    const char *subject; /* A connection, a host, a directory; "" where there is only one. */
    enum sfe_code code;  /* Why it is a failure; SFE_OK else. */
    char message[320];   /* What was found. */
    char fix[224];       /* What to do; "" where nothing is to be done. */
    char setting[192];   /* JSON pointer of the setting to change, or "". */
    const char *file;    /* Where that is, with its line; NULL: not said. */
    uint32_t line;
};

/* Called for each finding; it lives for the call. */
typedef void (*sfe_doctor_report)(void *reader, const struct sfe_finding *finding);

struct sfe_doctor_options {
    const struct sfe_config *config;
    const struct sfe_compiled *compiled;
    const struct sfe_platform *platform;
    struct sfe_arena *arena; /* 1 MiB for each org; SFE_PLAN_BYTES_MAX for one that is planned. */
    struct sfe_log *log;
    sfe_doctor_report report;
    void *reader;
};

/* Is this device's clock set, and by whom? */
void sfe_doctor_clock(const struct sfe_doctor_options *options);

/* The state directory, which the platform was opened on: room, time of a sync, may it be written
 * to? */
void sfe_doctor_flash(const struct sfe_doctor_options *options);

/* The brokers of connection `index`: the way there, TLS and how long the certificates are good,
 * CONNACK, and whether the inputs' topic filters are allowed. As a client of another name than the
 * agent's, and part of no shared subscription. */
void sfe_doctor_broker(const struct sfe_doctor_options *options, uint32_t index);

/* Where input `index`, of type http, listens: is the address free, or does somebody listen there
 * already, such as the running agent? And how long is its certificate good? */
void sfe_doctor_listen(const struct sfe_doctor_options *options, uint32_t index);

/* The folder of input `index`, of type files: may files be taken from it, and moved? Writes and
 * removes a file there whose name begins with a dot. */
void sfe_doctor_files(const struct sfe_doctor_options *options, uint32_t index);

/* The server of output `index`, of type http: the way there, and TLS. No event is sent. */
void sfe_doctor_server(const struct sfe_doctor_options *options, uint32_t index);

/* The log-in of org `index`: the way there, with its proxy, OAuth, clocks; then, with `with_api`,
 * the API and its allowance. */
void sfe_doctor_org(const struct sfe_doctor_options *options, uint32_t index, bool with_api);

#define SFE_PLAN_BYTES_MAX (32u * 1024u * 1024u)

/* Where the plan's metadata goes. */
struct sfe_plan_output {
    const char *folder; /* NULL: nowhere. */
    bool may_replace;   /* Files that are there. */
};

/* Compares what is written to org `index` with what the org says of its objects; every mistake is
 * told with its place in the configuration. Writes, where told to, what has to be deployed so that
 * the org fits: all files or none. */
void sfe_doctor_plan(const struct sfe_doctor_options *options, uint32_t index,
                     const struct sfe_plan_output *output);

#endif
