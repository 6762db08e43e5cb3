/* Any bytes from broker and client, cut anywhere, while streams fill and empty and writes block:
 * the gate holds its invariants, and never answers more than it took. The first byte chooses MQTT 5
 * or 3.1.1, and whether TLS lies between gate and broker. */
#define SOCKET_BYTES (32u * 1024u)
#include "unit/input/gate_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENT_BYTES_MAX 512u

static void demand(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

/* One step of the script: an operation, a size, and that many bytes. */
static void do_step(struct input_world *world, uint8_t operation, struct sfe_slice bytes)
{
    switch (operation % 6u) {
    case 0:
        world->client.read_step = bytes.size + 1;
        send_bytes(&world->client, bytes);
        break;
    case 1:
        world->sales.room = bytes.size;
        world->readings.room = bytes.size / 2;
        world->dead.room = bytes.size;
        break;
    case 2:
        world->client.write_room = bytes.size % 2u == 0 ? SIZE_MAX : bytes.size;
        world->broker.write_room = bytes.size % 3u == 0 ? SIZE_MAX : bytes.size;
        break;
    default:
        world->broker.read_step = operation / 4u + 1u;
        send_bytes(&world->broker, bytes);
        break;
    }
}

/* A broken connection is taken up again; sometimes the client is the one who speaks first. */
static void begin_again(struct input_world *world, uint8_t choice)
{
    bool is_old = (choice & 1u) != 0;

    world->client_waits = true;
    pump(world);
    if ((choice & 4u) == 0) {
        send_bytes(&world->client, is_old ? SFE_TEXT(CONNECT_3) : SFE_TEXT(CONNECT_5));
    }
    world->broker.is_standing = true;
    if ((choice & 2u) != 0) {
        SEND(&world->broker, "ho");
    }
    send_bytes(&world->broker, is_old ? SFE_TEXT(CONNACK_3) : SFE_TEXT(CONNACK_5));
    pump(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfe_reader script = sfe_reader_make(sfe_slice_make(data, size));
    void *state = NULL;
    struct input_world *world;
    struct gate *gate;
    struct sfe_tls_session session = {0};
    const struct sfe_tls tls = fake_tls(&session);
    uint8_t choice = sfe_reader_u8(&script);
    const struct gate_options options = {
        .is_tls = (choice & 2u) != 0,
        .receive_maximum = 4,
        .event_bytes_max = EVENT_BYTES_MAX,
        .tls = &tls,
        .tls_session = &session,
    };

    (void)world_open(&state);
    world = state;
    gate = world_gate_with(world, &options);
    while (script.rest.size >= 2) {
        uint8_t operation = sfe_reader_u8(&script);
        size_t length = sfe_reader_u8(&script);
        struct gate_facts facts;

        if (!world->client.is_open) {
            begin_again(world, choice);
        }
        length = length < script.rest.size ? length : script.rest.size;
        do_step(world, operation, sfe_reader_take(&script, length));
        pump(world);
        world->sales.durable = world->sales.staged;
        (void)gate_turn(gate);
        pump(world);
        gate_facts(gate, &facts);
        demand(facts.acknowledged + facts.unacknowledged <= facts.received);
        demand(facts.unacknowledged <= 4);
        world->broker.written_size = 0;
        world->client.written_size = 0;
    }
    gate_close(gate);
    (void)world_close(&state);
    return 0;
}
