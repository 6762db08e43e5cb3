/* The same org without a network, and a bulk target with its journal on flash in memory. */
#ifndef SFE_TESTS_BULK_WORLD_H
#define SFE_TESTS_BULK_WORLD_H

#include "unit/salesforce/salesforce_world.h"

#include "bulk/parts.h"
#include "unit/stream/memory_storage.h"

#define JOB "7505e0000000001AAA"
#define JOB_OPEN(state)                                                                            \
    "{\"id\":\"" JOB "\",\"state\":\"" state "\",\"contentUrl\":\"x\",\"apiVersion\":62.0}"
#define SALES_DONE   "\"sf__Id\",\"sf__Created\",\"SaleId__c\",\"Total__c\"\n"
#define SALES_FAILED "\"sf__Id\",\"sf__Error\",\"SaleId__c\",\"Total__c\"\n"

struct bulk_world {
    struct world *world;
    struct memory_storage *memory;
    struct sfe_bulk_journal *journal;
    struct sfe_bulk *bulk;
    uint32_t noted;
    uint64_t sequence;
};

static inline void bulk_noted(void *owner)
{
    ((struct bulk_world *)owner)->noted++;
}

static inline void bulk_durable(void *owner)
{
    (void)owner;
}

static inline void bulk_world_compile(struct world *world)
{
    static const struct sfe_map_field sale[] = {
        {.name = "SaleId__c", .from = "/sale"},
        {.name = "Total__c", .from = "/total", .is_optional = true, .type = SFE_MAP_DOUBLE}};
    static const struct sfe_map_field line[] = {
        {.name = "LineId__c", .from = "{/sale}-{item:/no}"},
        {.name = "PosSale__r.SaleId__c", .from = "/sale"},
    };
    const struct sfe_map_options options[2] = {
        {.object = "PosSale__c",
         .external_id = "SaleId__c",
         .fields = sale,
         .field_count = 2,
         .agent_id = "a"},
        {.object = "PosLine__c",
         .external_id = "LineId__c",
         .each = "/lines",
         .fields = line,
         .field_count = 2,
         .agent_id = "a"},
    };
    uint32_t bad = 0;

    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(
            sfe_map_compile(&options[i], world->arena, &world->maps[i], &bad, &world->err), SFE_OK);
    }
}

/* The agent starts; the org is logged in to. */
static inline void bulk_world_start(struct bulk_world *own, uint32_t map_count, bool has_other)
{
    struct world *world = own->world;
    const struct sfe_bulk_journal_options journal = {.storage = &own->memory->storage,
                                                     .output = "sales",
                                                     .stream = "pos",
                                                     .events_max = 100,
                                                     .on_noted = bulk_noted,
                                                     .on_durable = bulk_durable,
                                                     .owner = own};

    assert_int_equal(sfe_bulk_journal_open(&journal, world->arena, &own->journal, &world->err),
                     SFE_OK);
    const struct sfe_bulk_options options = {.name = "sales",
                                             .org = world->org,
                                             .maps = world->maps,
                                             .map_count = map_count,
                                             .records_max = 100,
                                             .has_other = has_other,
                                             .journal = own->journal,
                                             .entropy = &world->entropy};
    assert_int_equal(sfe_bulk_open(&options, world->arena, &own->bulk, &world->err), SFE_OK);
    sfe_bulk_target(own->bulk, &world->target);
    world->is_bulk = true;
    const struct sfe_target_host host = {world, world_fetch, world_attempts, world_finished};
    world->target.bind(world->target.context, &host);
    own->sequence = 0;
}

static inline int bulk_setup(void **state)
{
    struct bulk_world *own = test_calloc(1, sizeof(*own));

    own->world = world_make();
    own->memory = memory_storage_open(1);
    bulk_world_compile(own->world);
    own->world->lane = sfe_lane_open(1000, own->world->arena, &own->world->err);
    sfe_lane_begin(own->world->lane);
    world_log_in(own->world);
    bulk_world_start(own, 1, false);
    *state = own;
    return 0;
}

/* The agent is gone and comes again; what was not durable may be lost. */
static inline void bulk_world_crash(struct bulk_world *own, uint32_t map_count)
{
    sfe_bulk_close(own->bulk);
    sfe_bulk_journal_close(own->journal);
    memory_cut(own->memory);
    memory_restart(own->memory);
    own->world->place_count[0] = 0;
    sfe_lane_begin(own->world->lane);
    bulk_world_start(own, map_count, false);
}

static inline int bulk_teardown(void **state)
{
    struct bulk_world *own = *state;
    void *world = own->world;

    sfe_bulk_close(own->bulk);
    sfe_bulk_journal_close(own->journal);
    memory_storage_close(own->memory);
    (void)world_teardown(&world);
    test_free(own);
    return 0;
}

static inline enum sfe_code bulk_world_offer(struct bulk_world *own, const char *payload)
{
    struct world *world = own->world;
    struct sfe_event event = {.sequence = ++own->sequence,
                              .payload = sfe_slice_text(payload),
                              .topic = SFE_TEXT("pos/7/sale")};

    world->order_key = 0;
    enum sfe_code code = world->target.offer(world->target.context, 0, &event, NOW_S, world->lane,
                                             &world->order_key, &world->err);
    if (code == SFE_OK) {
        world->payloads[world->payload_count] = payload;
        world->places[0][world->place_count[0]++] = world->payload_count++;
    }
    return code;
}

/* Turns until a call is made, at most so many; flash keeps up. The call's number. */
static inline uint32_t bulk_world_next(struct bulk_world *own)
{
    struct world *world = own->world;
    const uint32_t before = world->call_count;
    uint64_t until_ns = 0;

    for (uint32_t i = 0; i < 200 && world->call_count == before; i++) {
        (void)world->target.is_ready(world->target.context, world->now_ns, &until_ns);
        (void)sfe_bulk_journal_flash_turn(own->journal, world->now_ns);
        world->now_ns += SECOND;
    }
    assert_int_equal(world->call_count, before + 1);
    return before;
}

/* The next call is `method` of a path that ends in `tail`. */
static inline uint32_t bulk_world_expect(struct bulk_world *own, const char *method,
                                         const char *tail)
{
    const uint32_t number = bulk_world_next(own);
    const struct call *call = world_call(own->world, number);
    const size_t size = strlen(call->url);

    assert_string_equal(call->method, method);
    assert_true(size >= strlen(tail));
    assert_string_equal(call->url + size - strlen(tail), tail);
    return number;
}

static inline void bulk_world_answer(struct bulk_world *own, const char *method, const char *tail,
                                     uint16_t status, const char *body)
{
    world_reply(own->world, bulk_world_expect(own, method, tail), status, body);
}

/* Until the job is closed and the org has it. */
static inline void bulk_world_close_job(struct bulk_world *own)
{
    bulk_world_answer(own, "POST", "/jobs/ingest", 200, JOB_OPEN("Open"));
    bulk_world_answer(own, "PUT", JOB "/batches", 201, "");
    bulk_world_answer(own, "PATCH", JOB, 200, JOB_OPEN("UploadComplete"));
}

static inline void bulk_world_send(struct bulk_world *own)
{
    assert_int_equal(world_send(own->world, 0), SFE_OK);
}

static inline enum sfe_verdict_kind bulk_world_verdict(const struct bulk_world *own, uint32_t event)
{
    return own->world->verdicts[event].kind;
}

/* No turn makes a call. */
static inline void bulk_world_rests(struct bulk_world *own)
{
    struct world *world = own->world;
    const uint32_t before = world->call_count;
    uint64_t until_ns = 0;

    for (uint32_t i = 0; i < 20; i++) {
        (void)world->target.is_ready(world->target.context, world->now_ns, &until_ns);
        (void)sfe_bulk_journal_flash_turn(own->journal, world->now_ns);
        world->now_ns += 60 * SECOND;
    }
    assert_int_equal(world->call_count, before);
}

#endif
