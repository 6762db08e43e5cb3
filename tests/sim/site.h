/* The whole agent, its three turns, between a simulated broker and a simulated org, on a medium
 * that fails and under power cuts; what is sent and what must come of it is the scenario's. */
#ifndef SFE_TESTS_SIM_SITE_H
#define SFE_TESTS_SIM_SITE_H

#include "agent_states.h"
#include "base/arena.h"
#include "run/parts.h"
#include "sim/mqtt.h"

#define SITE_TURNS   5u
#define SITE_STREAMS 4u

struct site_trouble {
    uint32_t crash_permille; /* A turn ends in one: power or process. */
    uint32_t org_permille;
    uint32_t away_permille;    /* The org goes, or comes back. */
    uint32_t break_permille;   /* The broker's connection breaks. */
    uint32_t storage_permille; /* Calls to the medium fail. */
    uint32_t clock_permille;   /* Someone sets the clock. */
    uint64_t capacity;         /* Of the medium; 0: endless. */
};

struct site;

struct site_plan {
    const char *config_text;
    sim_broker_content content;
    struct sim_org_options org; /* But for its world and owner, which is the site. */
    /* Which event a payload is of, by its first bytes; UINT32_MAX: none that was sent. */
    uint32_t (*number_of)(const char *text);
    bool (*must_die)(uint32_t number);
    void (*on_crash)(void *owner);            /* NULL: nothing to do. */
    bool (*is_done)(const struct site *site); /* With what no broker sends; NULL: always. */
    void *owner;
    uint32_t look_skip_permille; /* Of the changes of flash, after which no crash is looked at. */
    bool has_journal;            /* Of bulk jobs: two files, written in turn. */
    bool passes_on;              /* Answers, to its third and fourth stream. */
    struct site_trouble worst;   /* Of all that comes. */
};

struct site {
    const struct site_plan *plan;
    struct sim_run *run;
    struct sim_world world;
    struct sim_random random;
    struct agent_states states;
    const struct site_trouble *trouble;
    struct sim_storage *storage;
    struct sim_net *net;
    struct sim_mqtt *mqtt;
    struct sim_broker *broker;
    struct sim_org *org;
    bool is_away;
    struct sfe_platform platform;
    struct sfe_arena *arena; /* NULL: the agent is not running. */
    struct sfe_setup setup;
    struct sfe_agent *agent;
    uint64_t durable[SITE_STREAMS];
    uint64_t cursor;
    struct sim_turn turns[SITE_TURNS];
    bool is_dead[SIM_BROKER_MESSAGES_MAX];
};

/* Starts it on an empty medium. */
struct site *site_open(struct sim_run *run, const struct site_plan *plan);
void site_close(struct site *site);

/* From now on this goes wrong. */
void site_set_trouble(struct site *site, const struct site_trouble *trouble);

/* One turn of everything, and what must hold after each. */
void site_turn(struct site *site);

/* Nothing fails any more: everything comes to rest. Then `is_dead` holds which events are dead
 * letters; each had to die, and says why. */
void site_settle(struct site *site);

#endif
