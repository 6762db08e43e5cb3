/* A site's devices and tills as one MQTT 3.1.1 publisher. Message k is of sender k mod (devices +
 * tills), its own number k / (devices + tills) + 1: who knows the count knows every identity. */
#ifndef SFE_TESTS_LOAD_DEVICES_H
#define SFE_TESTS_LOAD_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOW_MAX 4096u
#define OUT_BYTES  (1024u * 1024u)

struct plan {
    uint16_t port;
    uint64_t devices;
    uint64_t tills;
    uint64_t count; /* Messages in all; 0: until stopped. */
    uint64_t rate;  /* A second; 0: as fast as the broker takes them. */
    uint64_t payload_bytes;
    uint64_t window; /* Unacknowledged at most. */
    uint64_t first;  /* Number of the first message, to go on where another run ended. */
};

struct publisher {
    const struct plan *plan;
    int socket;            /* -1: not connected. */
    bool is_greeted;       /* CONNACK came. */
    uint64_t next;         /* Messages begun. */
    uint64_t acknowledged; /* All below are acknowledged (in order), counted from 0. */
    uint64_t reconnects;
    bool acked[WINDOW_MAX * 2u]; /* By message number modulo. */
    uint8_t in[4096];
    size_t in_size;
    uint8_t out[OUT_BYTES];
    size_t out_size;
    size_t out_sent;
};

void publisher_open(struct publisher *publisher, const struct plan *plan);
bool publisher_is_connected(const struct publisher *publisher);
/* Connects, waits for CONNACK and sends again what was not acknowledged. False: not now. */
bool publisher_connect(struct publisher *publisher);
bool publisher_has_room(const struct publisher *publisher);
void publisher_publish(struct publisher *publisher, uint64_t number);
/* Moves bytes both ways; waits at most `wait_ms` for the broker. */
void publisher_turn(struct publisher *publisher, int wait_ms);
void publisher_close(struct publisher *publisher);

/* The payload of message `number`; returns its size. `topic` gets the topic. */
size_t message_write(const struct plan *plan, uint64_t number, char *topic, size_t topic_capacity,
                     char *payload, size_t payload_capacity);

#endif
