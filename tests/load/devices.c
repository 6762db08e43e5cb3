/* Publishes what a site's devices and tills would: QoS 1 over one MQTT 3.1.1 connection, through
 * broker restarts, until every message has its PUBACK. Prints how many of each it published, as
 * JSON, so that an audit knows what to expect. */
#include "load/devices.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t is_stopping;

static void on_stop(int number)
{
    (void)number;
    is_stopping = 1;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static uint64_t number_option(int argc, char **argv, const char *name, uint64_t otherwise)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return strtoull(argv[i + 1], NULL, 10);
        }
    }
    return otherwise;
}

/* How many may have been published by now: all at once without a rate. */
static uint64_t allowed(const struct plan *plan, uint64_t elapsed_ms)
{
    uint64_t by_rate;

    if (is_stopping) {
        return 0;
    }
    if (plan->rate == 0) {
        return plan->count;
    }
    by_rate = elapsed_ms * plan->rate / 1000u + 1u;
    return plan->count != 0 && by_rate > plan->count ? plan->count : by_rate;
}

static void publish_due(struct publisher *publisher, uint64_t limit)
{
    while (publisher->next < limit && publisher_has_room(publisher)) {
        publisher_publish(publisher, publisher->next);
        publisher->next++;
    }
}

static void report(const struct publisher *publisher)
{
    const struct plan *plan = publisher->plan;

    printf("{\"published\":%llu,\"devices\":%llu,\"tills\":%llu,\"reconnects\":%llu}\n",
           (unsigned long long)publisher->next, (unsigned long long)plan->devices,
           (unsigned long long)plan->tills, (unsigned long long)publisher->reconnects);
    (void)fflush(stdout);
}

static int run(struct publisher *publisher, uint64_t duration_ms, uint64_t patience_ms)
{
    uint64_t begun_ms = now_ms();
    uint64_t moved_ms = begun_ms;
    uint64_t acknowledged = 0;

    for (;;) {
        uint64_t elapsed_ms = now_ms() - begun_ms;
        bool over = is_stopping || (duration_ms != 0 && elapsed_ms >= duration_ms);
        uint64_t limit = over ? 0 : allowed(publisher->plan, elapsed_ms);
        if (publisher->acknowledged != acknowledged) {
            acknowledged = publisher->acknowledged;
            moved_ms = now_ms();
        }
        bool all_sent =
            over || (publisher->plan->count != 0 && publisher->next >= publisher->plan->count);
        if (all_sent && publisher->acknowledged == publisher->next) {
            return 0;
        }
        if (publisher->next != publisher->acknowledged && now_ms() - moved_ms > patience_ms) {
            (void)fprintf(stderr, "devices: no PUBACK for %llu ms\n",
                          (unsigned long long)patience_ms);
            return 1;
        }
        if (!publisher_is_connected(publisher) && !publisher_connect(publisher)) {
            (void)poll(NULL, 0, 50);
            continue;
        }
        publish_due(publisher, limit);
        publisher_turn(publisher, publisher->plan->rate == 0 ? 100 : 5);
    }
}

int main(int argc, char **argv)
{
    static struct publisher publisher;
    struct plan plan = {
        .port = (uint16_t)number_option(argc, argv, "--port", 1883),
        .devices = number_option(argc, argv, "--devices", 20),
        .tills = number_option(argc, argv, "--tills", 0),
        .count = number_option(argc, argv, "--count", 0),
        .rate = number_option(argc, argv, "--rate", 0),
        .payload_bytes = number_option(argc, argv, "--bytes", 200),
        .window = number_option(argc, argv, "--window", 500),
        .first = number_option(argc, argv, "--first", 0),
    };
    int code;

    (void)signal(SIGTERM, on_stop);
    (void)signal(SIGINT, on_stop);
    (void)signal(SIGPIPE, SIG_IGN);
    if (plan.devices + plan.tills == 0 || plan.window == 0 || plan.window > WINDOW_MAX ||
        (plan.count == 0 && plan.rate == 0)) {
        (void)fprintf(stderr,
                      "usage: sfedge-devices --port P [--devices N] [--tills N] [--count N] "
                      "[--rate N/s] [--seconds N] [--bytes N] [--window N] [--first N]\n");
        return 64;
    }
    publisher_open(&publisher, &plan);
    code = run(&publisher, number_option(argc, argv, "--seconds", 0) * 1000u,
               number_option(argc, argv, "--patience", 60) * 1000u);
    report(&publisher);
    publisher_close(&publisher);
    return code;
}
