#include "output/output_parts.h"

#include "base/assert.h"

/* After reading flash or beginning a request failed. */
#define AGAIN_NS 1000000000u
/* An event that cannot be read for so long is taken for damaged. */
#define UNREAD_NS (UINT64_C(600) * 1000000000u)
/* So many that cannot be read in one walk: the medium is away, not one block bad. */
#define UNREAD_MAX 4u
/* Instead of a slot: the parent's row is locked, its events wait for the oldest of them. */
#define RESTING UINT32_MAX

/* One walk over the window and on into the stream, with the order keys held on the way. */
struct walk {
    struct sfe_output *output;
    struct output_slot *slot; /* The one being filled; NULL: none yet. */
    uint32_t held;            /* Due entries whose key was held. */
    uint32_t unread;          /* Events that could not be read again. */
    uint64_t due_ns;
    bool is_large;   /* The large slot alone is filled. */
    bool is_blocked; /* No slot, or nothing more may be offered: the walk is over. */
};

static uint32_t slot_number(const struct walk *walk)
{
    return (uint32_t)(walk->slot - walk->output->slots);
}

/* Do children of a parent go in one slot? A large batch takes what it can. */
static bool in_lanes(const struct walk *walk)
{
    return walk->output->has_lanes && !walk->is_large;
}

/* Sends the slot. A target may finish it before `send` returns. */
static void send_slot(struct walk *walk)
{
    struct sfe_output *output = walk->output;
    const struct sfe_target *target = output->options.target;
    struct output_slot *slot = walk->slot;
    struct sfe_error err;

    SFE_ASSERT(slot->state == SLOT_FILLING && slot->count > 0);
    if (!output_may_send(output)) {
        walk->is_blocked = true;
        return;
    }
    slot->state = SLOT_SENT;
    slot->epoch = output->pace.epoch;
    slot->had_company = output->in_flight > 0;
    output->in_flight++;
    output->facts.requests++;
    slot->sent_ns = output->now_ns;
    if (slot->request != output->facts.requests) { /* Told already, where it could not be sent. */
        slot->request = output->facts.requests;
        output_tell_batched(output, slot);
    }
    enum sfe_code code = target->send(target->context, slot_number(walk), &err);
    if (code == SFE_OK) {
        walk->slot = NULL;
        return;
    }
    slot->state = SLOT_FILLING;
    output->in_flight--;
    output->facts.requests--;
    walk->is_blocked = true;
    walk->due_ns = sfe_clock_earlier_ns(walk->due_ns, output->now_ns + AGAIN_NS);
    if (code != SFE_E_AGAIN) {
        output->facts.last_error = err;
        sfe_log_error(output->options.log, SFE_WARNING, "cannot begin a request", &err);
    }
}

static bool slot_takes(const struct output_slot *slot, uint32_t split_limit)
{
    uint32_t limit = split_limit != 0 && split_limit < slot->limit ? split_limit : slot->limit;

    return slot->count < limit;
}

/* Makes sure that there is a slot with room for an event of `split_limit` (0: any). */
static bool have_slot(struct walk *walk, uint32_t split_limit)
{
    struct sfe_output *output = walk->output;

    if (walk->slot != NULL && !slot_takes(walk->slot, split_limit)) {
        send_slot(walk);
    }
    if (walk->is_blocked || walk->slot != NULL) {
        return !walk->is_blocked;
    }
    if (in_lanes(walk)) {
        return false; /* Its lane was sent just now; other lanes may have room. */
    }
    if (output_may_send(output)) {
        walk->slot = output_find_slot(output, walk->is_large, SLOT_EMPTY);
    }
    if (walk->slot == NULL) {
        walk->is_blocked = true;
        return false;
    }
    output_begin_slot(output, walk->slot);
    return true;
}

static void put_in_slot(struct walk *walk, struct window_entry *entry)
{
    struct output_slot *slot = walk->slot;

    SFE_ASSERT(slot->count < slot->limit);
    slot->entries[slot->count++] = window_index(&walk->output->window, entry);
    slot->state = SLOT_FILLING;
    slot->offered_ns = sfe_clock_earlier_ns(slot->offered_ns, entry->offered_ns);
    if (entry->split_limit != 0 && entry->split_limit < slot->limit) {
        slot->limit = entry->split_limit;
    }
    entry->slot = (uint16_t)slot_number(walk);
    entry->state = ENTRY_IN_SLOT;
    entry->is_locked = false;
}

/* Offers the event once. True when its entry's fate is known for this walk; false when the slot
 * must be sent first. */
static bool offer_once(struct walk *walk, struct window_entry *entry, struct sfe_event *event,
                       int64_t time_ns)
{
    struct sfe_output *output = walk->output;
    const struct sfe_target *target = output->options.target;
    struct sfe_error err;
    uint64_t order_key = entry->order_key;
    enum sfe_code code = target->offer(target->context, slot_number(walk), event, time_ns,
                                       output->lane, &order_key, &err);

    entry->order_key = order_key;
    if (entry->offered_ns == 0) {
        entry->offered_ns = output->now_ns;
    }
    if (code == SFE_OK) {
        put_in_slot(walk, entry);
        return true;
    }
    if (code == SFE_E_FULL && walk->slot->count > 0) {
        return false;
    }
    if (code == SFE_E_SKIPPED) {
        output->facts.skipped++;
        output_settle_entry(output, entry);
        return true;
    }
    if (code == SFE_E_FULL) {
        code = sfe_fail(&err, SFE_E_TOO_LARGE, "the event does not fit into a request");
    }
    (void)sfe_lane_claim(output->lane, order_key);
    if (code == SFE_E_UNMAPPED || code == SFE_E_SYNTAX || code == SFE_E_TOO_LARGE) {
        output_condemn(output, entry, &err);
        if (entry->state == ENTRY_DYING) {
            output_bury(output, entry, event, time_ns);
        }
    } else if (code == SFE_E_AGAIN) {
        walk->held++;
    } else {
        entry->due_ns = output->now_ns + AGAIN_NS;
        walk->due_ns = sfe_clock_earlier_ns(walk->due_ns, entry->due_ns);
    }
    return true;
}

/* The entry's event cannot be read. Others of other keys go on, or one bad block would stop them
 * all. */
static void put_off_unread(struct walk *walk, struct window_entry *entry)
{
    struct sfe_output *output = walk->output;
    struct window_trouble *trouble = window_trouble(&output->window, entry);

    if (trouble->unread_ns == 0) {
        trouble->unread_ns = output->now_ns;
    }
    if (output->now_ns - trouble->unread_ns >= UNREAD_NS) {
        (void)output_lose(output, entry, true);
        return;
    }
    walk->due_ns = sfe_clock_earlier_ns(walk->due_ns, output->now_ns + AGAIN_NS);
    walk->unread++;
    if (entry->order_key == 0) {
        walk->is_blocked = true; /* Nobody knows what may overtake it: every walk ends here. */
        return;
    }
    entry->due_ns = output->now_ns + AGAIN_NS;
    walk->is_blocked = walk->unread >= UNREAD_MAX;
    (void)sfe_lane_claim(output->lane, entry->order_key);
}

/* The medium was away for a while, no more. */
static void read_again(const struct sfe_output *output, struct window_entry *entry)
{
    if (entry->has_trouble) {
        window_trouble(&output->window, entry)->unread_ns = 0;
    }
}

/* Reads the entry's event again and offers it, to a second slot when the first is full. */
static void offer_entry(struct walk *walk, struct window_entry *entry)
{
    struct sfe_output *output = walk->output;
    struct sfe_event event;
    struct sfe_error err;
    int64_t time_ns = 0;
    bool is_over = false;

    while (!is_over && have_slot(walk, entry->split_limit)) {
        enum sfe_code code = output_fetch(output, entry, &event, &time_ns, &err);
        if (code == SFE_OK) {
            read_again(output, entry);
            is_over = offer_once(walk, entry, &event, time_ns);
        } else if (code == SFE_E_NOT_FOUND) {
            is_over = output_lose(output, entry, false);
            continue; /* A gap is offered in its place. */
        } else {
            sfe_log_error(output->options.log, SFE_ERROR, "cannot read events from flash", &err);
            put_off_unread(walk, entry);
            is_over = true;
        }
        if (!is_over && !walk->is_blocked) {
            send_slot(walk);
        }
    }
}

/* The slot with the least in it, so that parents are spread evenly; NULL: all are sent. */
static struct output_slot *find_emptiest(const struct sfe_output *output)
{
    struct output_slot *found = NULL;

    for (uint32_t i = 0; i < output->options.slot_count; i++) {
        struct output_slot *slot = &output->slots[i];
        if (slot->state != SLOT_SENT && (found == NULL || slot->count < found->count)) {
            found = slot;
        }
    }
    return found;
}

/* Makes the slot in which children of the entry's parent go the one at hand. False when it is under
 * way, or the parent rests. */
static bool enter_lane(struct walk *walk, const struct window_entry *entry)
{
    struct sfe_output *output = walk->output;
    struct output_slot *slot = NULL;
    uint32_t number = 0;

    if (entry->parent_key != 0 && sfe_lane_find(output->parents, entry->parent_key, &number)) {
        slot = number == RESTING || output->slots[number].state == SLOT_SENT
                   ? NULL
                   : &output->slots[number];
    } else {
        slot = find_emptiest(output);
    }
    if (slot != NULL && slot->state == SLOT_EMPTY) {
        output_begin_slot(output, slot);
    }
    walk->slot = slot;
    return slot != NULL;
}

static void keep_lane(struct sfe_output *output, const struct window_entry *entry)
{
    if (output->has_lanes && entry->state == ENTRY_IN_SLOT && entry->parent_key != 0) {
        sfe_lane_give(output->parents, entry->parent_key, entry->slot);
    }
}

/* Parents of what is in slots have theirs before any other entry is looked at. */
static void keep_lanes(struct sfe_output *output)
{
    sfe_lane_begin(output->parents);
    for (uint32_t i = 0; i < output->options.slot_count; i++) {
        for (uint32_t k = 0; k < output->slots[i].count; k++) {
            keep_lane(output, &output->window.entries[output->slots[i].entries[k]]);
        }
    }
}

static void find_keys(struct walk *walk, struct window_entry *entry, struct sfe_event *event,
                      int64_t time_ns)
{
    const struct sfe_target *target = walk->output->options.target;

    entry->has_keys = true;
    target->find_keys(target->context, event, time_ns, &entry->order_key, &entry->parent_key);
}

/* An event that cannot be read goes in any lane: that is where it comes to light. A gap is of no
 * parent. */
static void fetch_keys(struct walk *walk, struct window_entry *entry)
{
    struct sfe_event event;
    struct sfe_error err;
    int64_t time_ns = 0;

    if (!entry->has_keys && !entry->is_gap &&
        sfe_stream_reader_fetch(walk->output->options.reader, entry->place, entry->sequence, &event,
                                &time_ns, &err) == SFE_OK) {
        find_keys(walk, entry, &event, time_ns);
    }
}

/* An entry that is due, where parents have lanes. Whatever becomes of it, it is not overtaken. */
static void offer_in_lane(struct walk *walk, struct window_entry *entry)
{
    struct sfe_lane *lane = walk->output->lane;

    fetch_keys(walk, entry);
    if (!sfe_lane_is_held(lane, entry->order_key) && enter_lane(walk, entry)) {
        offer_entry(walk, entry);
    }
    keep_lane(walk->output, entry);
    if (entry->state == ENTRY_WAITING) {
        walk->held++;
        (void)sfe_lane_claim(lane, entry->order_key);
    }
}

/* An entry that waits for a lock, and is not due. What is of the same parent would meet the same
 * lock, and then keep this one waiting for as long as its request takes: it rests until the oldest
 * is due, and all go together then. True where that is so, and this one may go too. */
static bool rest_parent(struct walk *walk, struct window_entry *entry)
{
    struct sfe_output *output = walk->output;
    uint32_t number = 0;

    fetch_keys(walk, entry);
    if (entry->parent_key == 0) {
        return false;
    }
    if (!sfe_lane_find(output->parents, entry->parent_key, &number)) {
        sfe_lane_give(output->parents, entry->parent_key, RESTING);
        return false;
    }
    return number != RESTING && output->slots[number].state == SLOT_FILLING;
}

/* Not before its time, but for that. */
static bool is_early(struct walk *walk, struct window_entry *entry)
{
    return entry->due_ns > walk->output->now_ns &&
           !(in_lanes(walk) && entry->is_locked && rest_parent(walk, entry));
}

static void visit_entry(struct walk *walk, struct window_entry *entry)
{
    struct sfe_lane *lane = walk->output->lane;

    if (entry->state == ENTRY_SETTLED) {
        return;
    }
    if (entry->state != ENTRY_WAITING) {
        (void)sfe_lane_claim(lane, entry->order_key);
    } else if (is_early(walk, entry)) {
        (void)sfe_lane_claim(lane, entry->order_key);
        walk->due_ns = sfe_clock_earlier_ns(walk->due_ns, entry->due_ns);
    } else if (sfe_lane_is_held(lane, entry->order_key)) {
        walk->held++;
    } else if (walk->is_large && entry->split_limit != 0) {
        (void)sfe_lane_claim(lane, entry->order_key); /* It was told to go in smaller company. */
        walk->held++;
    } else if (in_lanes(walk)) {
        offer_in_lane(walk, entry);
    } else {
        offer_entry(walk, entry);
    }
}

/* Reads one event and offers it. False at the end of what is durable, or when reading fails. */
static bool take_event(struct walk *walk)
{
    struct sfe_output *output = walk->output;
    struct window_entry *entry = NULL;
    struct sfe_event event;
    int64_t time_ns = 0;

    switch (output_read(output, &entry, &event, &time_ns)) {
    case OUTPUT_READ_END:
        return false;
    case OUTPUT_READ_FAILED:
        walk->due_ns = sfe_clock_earlier_ns(walk->due_ns, output->now_ns + AGAIN_NS);
        return false;
    case OUTPUT_READ_ON:
        return true;
    case OUTPUT_READ_GAP:
        if (in_lanes(walk)) {
            offer_in_lane(walk, entry);
        } else {
            offer_entry(walk, entry);
        }
        return true;
    case OUTPUT_READ_EVENT:
        break;
    }
    if (output_is_late(output, entry)) {
        walk->due_ns = output->now_ns; /* It is given up in the next turn. */
        return true;
    }
    if (in_lanes(walk)) {
        find_keys(walk, entry, &event, time_ns);
        offer_in_lane(walk, entry);
        return true;
    }
    if (!offer_once(walk, entry, &event, time_ns)) {
        send_slot(walk);
        if (!walk->is_blocked) {
            offer_entry(walk, entry);
        }
    }
    return true;
}

/* True where a slot that is not full shall wait for company no longer. */
static bool is_due(const struct walk *walk, uint64_t due_ns)
{
    const struct sfe_output *output = walk->output;
    bool holds_up_others = walk->held > 0 && output->in_flight == 0 && !output->options.is_costly;

    return walk->is_large || output_is_resuming(output) || due_ns <= output->now_ns ||
           walk->slot->count == walk->slot->limit || holds_up_others ||
           /* A lane with little in it would be shut for as long as one that is full. */
           (window_is_full(&output->window) && !in_lanes(walk));
}

/* A slot that is not full waits for company, unless that would hold up others or take too long. */
static void end_slot(struct walk *walk)
{
    const struct output_slot *slot = walk->slot;
    const uint64_t age_ns = walk->output->options.batch_age_ns;

    if (slot == NULL || slot->count == 0 || walk->is_blocked) {
        return;
    }
    uint64_t due_ns =
        slot->offered_ns > UINT64_MAX - age_ns ? UINT64_MAX : slot->offered_ns + age_ns;
    if (is_due(walk, due_ns)) {
        send_slot(walk);
    } else {
        walk->due_ns = sfe_clock_earlier_ns(walk->due_ns, due_ns);
    }
}

static void end_walk(struct walk *walk)
{
    struct sfe_output *output = walk->output;

    if (!in_lanes(walk)) {
        end_slot(walk);
        return;
    }
    for (uint32_t i = 0; i < output->options.slot_count; i++) {
        if (output->slots[i].state == SLOT_FILLING) {
            walk->slot = &output->slots[i];
            end_slot(walk);
        }
    }
}

/* Too few events can go together, as when all are of a few keys: the backlog is none for a large
 * batch. */
static void give_up_large(struct walk *walk)
{
    struct sfe_output *output = walk->output;
    struct output_slot *slot = walk->slot;

    if (slot != NULL && slot->count >= output_large_from(output)) {
        return;
    }
    if (slot != NULL && slot->count > 0) {
        output_abandon_slot(output, slot_number(walk));
    }
    walk->slot = NULL;
    output->is_catching_up = false;
    output->large_sequence = output->window.next_sequence + output_large_from(output);
    output->has_changed = output->window.count > 0;
}

/* What may have to wait is read elsewhere. */
static bool may_read(struct walk *walk)
{
    const struct sfe_output *output = walk->output;

    return !walk->is_blocked && output->options.wait == NULL && !window_is_full(&output->window) &&
           (in_lanes(walk) || have_slot(walk, 0));
}

static void walk_window(struct walk *walk)
{
    struct sfe_output *output = walk->output;

    output_mind_lanes(output);
    sfe_lane_begin(output->lane);
    walk->is_large = output_wants_large(output);
    output->is_catching_up = walk->is_large;
    keep_lanes(output);
    walk->slot = in_lanes(walk) ? NULL : output_find_slot(output, walk->is_large, SLOT_FILLING);
    for (uint32_t i = 0, count = output->window.count; i < count && !walk->is_blocked; i++) {
        visit_entry(walk, window_at(&output->window, i));
    }
    while (may_read(walk) && take_event(walk)) {
    }
    if (!walk->is_blocked && output_is_resuming(output)) {
        output_give_up_resuming(output, walk->slot, walk->due_ns);
    } else if (!walk->is_blocked && walk->is_large) {
        give_up_large(walk);
    }
    end_walk(walk);
}

static bool has_new(const struct sfe_output *output)
{
    /* What may have to wait is read elsewhere. */
    return output->options.wait == NULL && !window_is_full(&output->window) &&
           sfe_stream_durable(output->options.stream) >= output->window.next_sequence;
}

/* When there is nothing to walk for: the time of the next turn; otherwise 0. */
static uint64_t idle_until(const struct sfe_output *output, uint64_t ready_ns)
{
    bool has_work = output->window.count > 0 || has_new(output);

    if (output->is_stopping) {
        return ready_ns;
    }
    if (output_is_held_up(output)) {
        return UINT64_MAX;
    }
    if (!output->target_is_ready) {
        return has_work || output->in_flight > 0 ? ready_ns : UINT64_MAX;
    }
    if (!output_may_send(output)) {
        return has_work && output->in_flight == 0 ? output->pace.hold_until_ns : UINT64_MAX;
    }
    const bool is_large = output_wants_large(output);
    if (output_find_slot(output, is_large, SLOT_FILLING) == NULL &&
        output_find_slot(output, is_large, SLOT_EMPTY) == NULL) {
        return UINT64_MAX; /* An answer will wake us. */
    }
    return 0;
}

static uint64_t deliver(struct sfe_output *output, uint64_t ready_ns)
{
    struct walk walk = {.output = output, .due_ns = UINT64_MAX};
    uint64_t idle_ns = idle_until(output, ready_ns);
    if (idle_ns != 0) {
        return idle_ns;
    }
    if (!output->has_changed && !has_new(output) && output->now_ns < output->next_due_ns) {
        return output->next_due_ns;
    }
    output->has_changed = false;
    walk_window(&walk);
    /* What changed in the walk itself may have made room for more. */
    output->next_due_ns = output->has_changed && !walk.is_blocked ? output->now_ns : walk.due_ns;
    /* A slot that failed at once has begun a pause: nobody else wakes us at its end. */
    idle_ns = idle_until(output, ready_ns);
    return idle_ns == 0 ? output->next_due_ns : sfe_clock_earlier_ns(idle_ns, output->next_due_ns);
}

uint64_t output_deliver_turn(struct sfe_output *output)
{
    const struct sfe_target *target = output->options.target;
    uint64_t ready_ns = UINT64_MAX;

    const bool was_ready = output->target_is_ready;
    output->target_is_ready = target->is_ready(target->context, output->now_ns, &ready_ns);
    /* What it held back it may take now. */
    output->has_changed = output->has_changed || (output->target_is_ready && !was_ready);
    const uint32_t in_flight = output->in_flight;
    uint64_t due_ns = deliver(output, ready_ns);
    if (output->in_flight > in_flight && output->options.large_use != NULL) {
        return output->now_ns; /* A large batch is sent in many steps: the first is due. */
    }
    return sfe_clock_earlier_ns(due_ns, ready_ns); /* The target may have something of its own. */
}
