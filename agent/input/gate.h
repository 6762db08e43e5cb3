/* The gate: relays one MQTT connection, and takes its incoming messages itself.
 *
 * The platform's MQTT client connects to the gate on loopback, the gate to the broker. Everything
 * passes, in both directions, but PUBLISH from the broker: it goes to the intake, and the
 * gate answers it when its events are durable. Nothing else answers it. While a message waits for
 * room, all else overtakes it. Edge thread; all memory is taken at open.
 *
 * The connection to the broker may be secured: the gate is where TLS ends, so that the client needs
 * none.
 *
 * The promise: a PUBACK leaves only on the connection on which its message came, in the order of
 * arrival, and after the durable sequence of every stream that took the message has reached it.
 */
#ifndef SFE_INPUT_GATE_H
#define SFE_INPUT_GATE_H

#include "input/intake.h"
#include "input/mqtt_taker.h"
#include "port/poller.h"
#include "port/tls.h"

struct gate;

struct gate_options {
    const char *host; /* The broker. Borrowed, as all pointers here. */
    uint16_t port;
    bool is_tls; /* The connection to the broker is secured by `tls_session`. */
    uint16_t
        receive_maximum; /* As the client's CONNECT says; what a broker sends beyond it waits. */
    uint32_t event_bytes_max;
    struct sfe_intake *intake;          /* NULL, and no taker: no message may come. */
    const struct sfe_mqtt_taker *taker; /* Instead of an intake; NULL: none. */
    struct sfe_poller *poller;
    const struct sfe_tls *tls;           /* NULL: never secured. */
    struct sfe_tls_session *tls_session; /* The gate's until gate_close. */
};

struct gate_facts {
    bool is_connected; /* The broker has accepted the client. */
    bool is_blocked;   /* The message at hand waits for room in a stream. */
    uint64_t received;
    uint64_t acknowledged;
    uint64_t unacknowledged;
};

/* What a gate takes from the arena. Pure. */
size_t gate_memory_bytes(uint32_t event_bytes_max, uint16_t receive_maximum);

/* Listens on loopback; *port is where the client must connect to. */
SFE_MUST_USE enum sfe_code gate_open(const struct gate_options *options, struct sfe_arena *arena,
                                     struct gate **gate, uint16_t *port, struct sfe_error *err);

/* The next connection goes to this broker instead. `host` is borrowed. */
void gate_use(struct gate *gate, const char *host, uint16_t port, bool is_tls);

/* Releases acknowledgements and tries a message again that waits for room. True while one waits. */
bool gate_turn(struct gate *gate);

/* Takes no message any more; what is taken is still acknowledged. */
void gate_stop(struct gate *gate);

/* True when nothing taken is left unacknowledged. */
bool gate_is_quiet(const struct gate *gate);

void gate_facts(const struct gate *gate, struct gate_facts *facts);

/* Ends the connection that stands, if one does: `reason` (MQTT 5, section 2.4; 0: in order) is told
 * to the broker, *why is kept unless there is a reason already. */
void gate_end(struct gate *gate, uint8_t reason, const struct sfe_error *why);

/* Why a connection ended or was refused first since gate_forget_reason; code SFE_OK: none did. */
const struct sfe_error *gate_reason(const struct gate *gate);
void gate_forget_reason(struct gate *gate);

/* Says goodbye to the broker, and closes connection and listener. */
void gate_close(struct gate *gate);

#endif
