#include "run/open_events.h"
#include "run/trial.h"
#include "run/waits.h"

#include "base/assert.h"
#include "base/learned_clock.h"
#include "target/file.h"

#include <stdio.h>
#include <string.h>

/* A snapshot costs a page and a sync; what a crash within this time makes us send again changes
 * nothing. */
#define SAVE_SPACING_NS 100000000u
/* Without anything settled: what was durable is noted this often, so that damage can be told from a
 * torn tail. */
#define MARK_SPACING_NS 10000000000u
#define SAVE_AGAIN_NS   1000000000u
/* A page an hour. */
#define NOTE_SPACING_NS (UINT64_C(3600) * 1000000000u)

static uint64_t commit_streams(struct sfe_agent *agent, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;

    for (uint32_t i = 0; i < agent->set.stream_count; i++) {
        struct sfe_stream *stream = agent->set.streams[i].stream;
        struct sfe_error err;
        if (sfe_stream_due_ns(stream, now_ns) <= now_ns &&
            sfe_stream_commit(stream, now_ns, &err) != SFE_OK) {
            (void)sfe_within(&err, "stream \"%s\"", sfe_stream_name(stream));
            sfe_log_error(agent->log, SFE_ERROR, "cannot write to flash; taking stops, tried again",
                          &err);
        }
        due_ns = sfe_clock_earlier_ns(due_ns, sfe_stream_due_ns(stream, now_ns));
    }
    return due_ns;
}

/* The lowest cursor over the outputs that read stream `index`, from the scratch of the last
 * snapshot. */
static bool lowest_cursor(const struct sfe_agent *agent, uint32_t index, uint64_t *sequence)
{
    bool found = false;

    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        if (agent->set.outputs[i].stream_index != index) {
            continue;
        }
        if (!found || agent->cursors[i].sequence < *sequence) {
            *sequence = agent->cursors[i].sequence;
        }
        found = true;
    }
    return agent_lowest_join_cursor(agent, index, found, sequence);
}

static void release_settled(struct sfe_agent *agent, uint64_t now_ns)
{
    for (uint32_t i = 0; i < agent->set.stream_count; i++) {
        struct agent_stream *stream = &agent->set.streams[i];
        uint64_t sequence = 0;
        struct sfe_error err;
        if (!lowest_cursor(agent, i, &sequence) || sequence <= stream->released) {
            continue;
        }
        const uint64_t floor = agent_release_floor(agent, i, sequence, now_ns);
        if (floor < sequence) {
            agent->release_again_ns = now_ns + SAVE_AGAIN_NS;
            sequence = floor;
        }
        if (sequence <= stream->released) {
            continue;
        }
        if (sfe_stream_release(stream->stream, sequence, &err) != SFE_OK) {
            sfe_log_error(agent->log, SFE_WARNING, "cannot give flash back; tried again", &err);
            /* A full stream takes and settles nothing that would bring us here again. */
            atomic_store(&agent->has_settled, true);
            agent->save_again_ns = now_ns + SAVE_AGAIN_NS;
            continue;
        }
        stream->released = sequence;
    }
}

/* What was held back until places were kept; by the snapshot that is durable. */
static uint64_t release_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    if (agent->release_again_ns == 0) {
        return UINT64_MAX;
    }
    if (now_ns >= agent->release_again_ns) {
        agent->release_again_ns = 0;
        release_settled(agent, now_ns);
    }
    return agent->release_again_ns == 0 ? UINT64_MAX : agent->release_again_ns;
}

static bool has_unmarked(const struct sfe_agent *agent)
{
    for (uint32_t i = 0; i < agent->set.stream_count; i++) {
        if (sfe_stream_durable(agent->set.streams[i].stream) != agent->set.streams[i].marked) {
            return true;
        }
    }
    return false;
}

/* Only after a snapshot is durable may the events it settles be deleted. */
static void save_cursors(struct sfe_agent *agent, uint64_t now_ns)
{
    struct sfe_error err;

    atomic_store(&agent->has_settled, false);
    const uint32_t joined = agent_take_join_cursors(agent); /* Before those of their outputs. */
    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        sfe_output_cursor(agent->set.outputs[i].output, &agent->cursors[i]);
    }
    for (uint32_t i = 0; i < agent->set.stream_count; i++) {
        struct sfe_stream *stream = agent->set.streams[i].stream;
        int length = snprintf(agent->marks[i].stream, sizeof(agent->marks[i].stream), "%s",
                              sfe_stream_name(stream));
        SFE_ASSERT(length > 0 && (size_t)length < sizeof(agent->marks[i].stream));
        agent->marks[i].durable = sfe_stream_durable(stream);
    }
    if (sfe_cursor_log_save(agent->cursor_log, agent->cursors, agent->set.output_count + joined,
                            agent->marks, agent->set.stream_count, &err) != SFE_OK) {
        sfe_log_error(agent->log, SFE_ERROR, "cannot save the cursors; tried again", &err);
        atomic_store(&agent->has_settled, true);
        agent->save_again_ns = now_ns + SAVE_AGAIN_NS;
        return;
    }
    for (uint32_t i = 0; i < agent->set.stream_count; i++) {
        agent->set.streams[i].marked = agent->marks[i].durable;
    }
    agent_joins_saved(agent);
    agent->saved_ns = now_ns;
    release_settled(agent, now_ns);
}

static uint64_t save_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    uint64_t due_ns;

    if (atomic_load(&agent->has_settled)) {
        due_ns = agent->saved_ns + SAVE_SPACING_NS;
    } else if (has_unmarked(agent)) {
        due_ns = agent->saved_ns + MARK_SPACING_NS;
    } else {
        return UINT64_MAX;
    }
    if (due_ns < agent->save_again_ns) {
        due_ns = agent->save_again_ns;
    }
    if (due_ns > now_ns) {
        return due_ns;
    }
    save_cursors(agent, now_ns);
    return atomic_load(&agent->has_settled) ? now_ns + SAVE_SPACING_NS : UINT64_MAX;
}

/* What an org gave in place of a refresh token. */
static uint64_t keep_tokens(struct sfe_agent *agent, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;

    for (uint32_t i = 0; i < agent->set.org_count; i++) {
        due_ns = sfe_clock_earlier_ns(due_ns, sfe_org_keep(agent->set.orgs[i].org, now_ns));
    }
    return due_ns;
}

/* What is to be noted of bulk jobs. */
static uint64_t note_jobs(struct sfe_agent *agent, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;

    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        if (agent->set.outputs[i].journal != NULL) {
            due_ns = sfe_clock_earlier_ns(
                due_ns, sfe_bulk_journal_flash_turn(agent->set.outputs[i].journal, now_ns));
        }
    }
    return due_ns;
}

/* Lines for the files of outputs. */
static uint64_t write_files(struct sfe_agent *agent, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;

    for (uint32_t i = 0; i < agent->set.output_count; i++) {
        if (agent->set.outputs[i].file != NULL) {
            due_ns = sfe_clock_earlier_ns(
                due_ns, sfe_file_output_flash_turn(agent->set.outputs[i].file, now_ns));
        }
    }
    return due_ns;
}

/* What sources keep beside their events. */
static void keep_sources(struct sfe_agent *agent)
{
    for (uint32_t i = 0; i < agent->set.source_count; i++) {
        const struct sfe_source *source = &agent->set.sources[i].source;
        if (source->keep != NULL) {
            source->keep(source->context);
        }
    }
}

/* Everything staged goes to flash, and what was settled is noted; then this thread has nothing left
 * to do. */
static void end_flash(struct sfe_agent *agent, uint64_t now_ns)
{
    struct sfe_error err;

    for (uint32_t i = 0; i < agent->set.stream_count; i++) {
        if (sfe_stream_commit(agent->set.streams[i].stream, now_ns, &err) != SFE_OK) {
            sfe_log_error(agent->log, SFE_ERROR, "cannot write to flash at the end", &err);
        }
    }
    (void)note_jobs(agent, now_ns);
    (void)agent_keep_places(agent, now_ns, true);
    save_cursors(agent, now_ns);
    (void)keep_tokens(agent, now_ns);
    (void)agent_trial_keep(agent, now_ns);
    atomic_store(&agent->flash_is_done, true);
    agent->platform->poller.wake(agent->platform->poller.context);
}

/* After cloud pauses nothing more is settled: what was, is noted before this thread pauses too. */
static bool pause_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    const unsigned number = atomic_load(&agent->pause_number);

    if (number % 2u == 0 || atomic_load(&agent->cloud_paused_at) != number) {
        return false;
    }
    if (atomic_load(&agent->flash_paused_at) != number) {
        if (atomic_load(&agent->has_settled)) {
            save_cursors(agent, now_ns);
        }
        (void)keep_tokens(agent, now_ns); /* Whoever comes next reads them. */
        (void)agent_keep_places(agent, now_ns, true);
        agent->release_again_ns = 0; /* The snapshot is of outputs that may go. */
    }
    return agent_keep_pause(agent, &agent->flash_paused_at);
}

static void save_boot(struct sfe_agent *agent, int64_t wall_ns, int64_t seen_ns)
{
    const struct sfe_clock *clock = &agent->platform->clock;
    struct sfe_boot_time boot;
    struct sfe_error err;

    clock->boot_id(clock->context, boot.boot_id);
    boot.wall_minus_monotonic_ns = wall_ns - (int64_t)sfe_clock_monotonic_ns(clock);
    if (sfe_boot_times_save(&agent->platform->storage, &agent->boot_times, &boot, seen_ns, &err) !=
        SFE_OK) {
        sfe_log_error(agent->log, SFE_WARNING, "cannot note when this boot was", &err);
    }
}

static bool boot_is_known(const struct sfe_agent *agent)
{
    const struct sfe_clock *clock = &agent->platform->clock;
    uint8_t boot_id[16];

    clock->boot_id(clock->context, boot_id);
    return sfe_boot_times_find(&agent->boot_times, boot_id) != NULL;
}

/* What is known of the time goes to flash: when this boot was, as soon as that is known, and what
 * time it surely is, then and once an hour. Not having it costs the times of events that were taken
 * before, if the board restarts, and a clock that goes back is not noticed: no reason to try again
 * at once. */
static void note_boot(struct sfe_agent *agent, uint64_t now_ns)
{
    const bool may_be_due = agent->learned != NULL && now_ns >= agent->note_again_ns;
    int64_t wall_ns = 0;
    int64_t sure_ns = 0;

    if (agent->boot_is_noted && !may_be_due) {
        return;
    }
    const struct sfe_clock *clock = &agent->platform->clock;
    if (clock->wall_ns(clock->context, &wall_ns) == SFE_CLOCK_UNSET) {
        return;
    }
    if (may_be_due && sfe_learned_clock_is_sure(agent->learned, &sure_ns)) {
        agent->note_again_ns = now_ns + NOTE_SPACING_NS;
        save_boot(agent, wall_ns, sure_ns);
    } else if (!agent->boot_is_noted && !boot_is_known(agent)) {
        save_boot(agent, wall_ns, agent->boot_times.seen_ns);
    }
    agent->boot_is_noted = true;
}

uint64_t sfe_agent_flash_turn(struct sfe_agent *agent, uint64_t now_ns)
{
    uint64_t due_ns;

    if (atomic_load(&agent->flash_may_end)) {
        if (!atomic_load(&agent->flash_is_done)) {
            end_flash(agent, now_ns);
        }
        return UINT64_MAX;
    }
    if (pause_turn(agent, now_ns)) {
        return UINT64_MAX;
    }
    note_boot(agent, now_ns);
    due_ns = commit_streams(agent, now_ns);
    due_ns = sfe_clock_earlier_ns(due_ns, note_jobs(agent, now_ns));
    due_ns = sfe_clock_earlier_ns(due_ns, write_files(agent, now_ns));
    due_ns = sfe_clock_earlier_ns(due_ns, keep_tokens(agent, now_ns));
    due_ns = sfe_clock_earlier_ns(due_ns, agent_keep_places(agent, now_ns, false));
    keep_sources(agent);
    due_ns = sfe_clock_earlier_ns(due_ns, agent_trial_keep(agent, now_ns));
    due_ns = sfe_clock_earlier_ns(due_ns, save_turn(agent, now_ns));
    due_ns = sfe_clock_earlier_ns(due_ns, release_turn(agent, now_ns));
    for (uint32_t i = 0; i < agent->set.stream_count; i++) {
        sfe_stream_share(agent->set.streams[i].stream);
    }
    return due_ns;
}
