#include "status/report.h"

#include "base/json_writer.h"
#include "base/time_format.h"

static void put_time(struct sfe_json_writer *writer, const char *name, int64_t unix_ns)
{
    uint8_t memory[32];
    struct sfe_builder text = sfe_builder_make(memory, sizeof(memory));

    if (unix_ns == 0) {
        sfe_json_put_null(writer, name);
        return;
    }
    sfe_time_add_datetime(&text, unix_ns);
    sfe_json_put_text(writer, name, sfe_builder_slice(&text));
}

static void put_error(struct sfe_json_writer *writer, const char *name, const struct sfe_error *err)
{
    if (err->code == SFE_OK) {
        sfe_json_put_null(writer, name);
        return;
    }
    sfe_json_begin_object(writer, name);
    sfe_json_put_text(writer, "code", sfe_slice_text(sfe_code_name(err->code)));
    sfe_json_put_text(writer, "message", sfe_slice_text(err->message));
    if (err->api_code[0] != '\0') {
        sfe_json_put_text(writer, "api_code", sfe_slice_text(err->api_code));
    }
    if (err->http_status != 0) {
        sfe_json_put_u64(writer, "http_status", err->http_status);
    }
    sfe_json_end_object(writer);
}

static void put_guard(struct sfe_json_writer *writer, const struct sfe_card_guard_facts *guard)
{
    sfe_json_begin_object(writer, "masked");
    sfe_json_put_u64(writer, "named", guard->named);
    sfe_json_put_u64(writer, "numbers", guard->numbers);
    sfe_json_put_u64(writer, "tracks", guard->tracks);
    sfe_json_put_u64(writer, "authentication", guard->authentication);
    sfe_json_end_object(writer);
}

static void put_files(struct sfe_json_writer *writer, const struct sfe_source_files *files)
{
    sfe_json_begin_object(writer, "files");
    if (files->current == NULL) {
        sfe_json_put_null(writer, "current");
    } else {
        sfe_json_put_text(writer, "current", sfe_slice_text(files->current));
    }
    sfe_json_put_u64(writer, "line", files->line);
    sfe_json_put_u64(writer, "waiting", files->waiting);
    sfe_json_put_u64(writer, "done", files->done);
    sfe_json_put_u64(writer, "failed", files->failed);
    sfe_json_put_u64(writer, "refused_rows", files->refused);
    sfe_json_put_u64(writer, "grown_after", files->grown_after);
    sfe_json_end_object(writer);
}

static void put_ask(struct sfe_json_writer *writer, const struct sfe_source_ask *ask)
{
    sfe_json_begin_object(writer, "ask");
    sfe_json_put_text(writer, "input", sfe_slice_text(ask->input));
    sfe_json_put_u64(writer, "questions", ask->questions);
    sfe_json_put_u64(writer, "under_way", ask->under_way);
    sfe_json_put_u64(writer, "ok", ask->answered);
    sfe_json_put_u64(writer, "not_found", ask->not_found);
    sfe_json_put_u64(writer, "bad_question", ask->bad_question);
    sfe_json_put_u64(writer, "busy", ask->busy);
    sfe_json_put_u64(writer, "budget", ask->budget);
    sfe_json_put_u64(writer, "unavailable", ask->unavailable);
    sfe_json_put_u64(writer, "timeout", ask->timeout);
    sfe_json_put_u64(writer, "failed", ask->failed);
    sfe_json_put_u64(writer, "refused", ask->refused);
    sfe_json_put_u64(writer, "lost", ask->lost);
    sfe_json_end_object(writer);
}

static void put_seconds(struct sfe_json_writer *writer, const char *name, uint64_t begin_ns,
                        uint64_t end_ns)
{
    if (begin_ns == 0 || end_ns == 0) {
        sfe_json_put_null(writer, name);
    } else {
        sfe_json_put_u64(writer, name, end_ns > begin_ns ? (end_ns - begin_ns) / 1000000000u : 0);
    }
}

static void put_runs(struct sfe_json_writer *writer, const struct sfe_feed_runs *runs,
                     uint64_t now_ns)
{
    sfe_json_begin_object(writer, "runs");
    sfe_json_put_u64(writer, "ended", runs->ended);
    sfe_json_put_u64(writer, "failed", runs->failed);
    sfe_json_put_u64(writer, "records", runs->records);
    put_seconds(writer, "last_s_ago", runs->last_ns, now_ns);
    put_seconds(writer, "next_in_s", now_ns, runs->next_ns);
    sfe_json_end_object(writer);
}

static void put_identities(struct sfe_json_writer *writer, const struct sfe_source_facts *source)
{
    if (source->identity_count == 0) {
        return;
    }
    sfe_json_put_u64(writer, "unknown_senders", source->unknown_senders);
    sfe_json_begin_array(writer, "identities");
    for (uint32_t i = 0; i < source->identity_count; i++) {
        sfe_json_begin_object(writer, NULL);
        sfe_json_put_text(writer, "name", sfe_slice_text(source->identities[i].name));
        sfe_json_put_u64(writer, "accepted", source->identities[i].accepted);
        sfe_json_put_u64(writer, "refused", source->identities[i].refused);
        sfe_json_end_object(writer);
    }
    sfe_json_end_array(writer);
}

static void put_links(struct sfe_json_writer *writer, const struct sfe_status *status)
{
    sfe_json_begin_array(writer, "links");
    for (uint32_t i = 0; i < status->link_count; i++) {
        const struct sfe_source_facts *source = &status->links[i].source;
        const struct sfe_intake_facts *intake = &status->links[i].intake;
        sfe_json_begin_object(writer, NULL);
        sfe_json_put_text(writer, "connection", sfe_slice_text(source->connection));
        sfe_json_put_bool(writer, "connected", source->is_connected);
        sfe_json_put_bool(writer, "blocked", source->is_blocked);
        sfe_json_put_u64(writer, "received", source->received);
        sfe_json_put_u64(writer, "acknowledged", source->acknowledged);
        sfe_json_put_u64(writer, "unacknowledged", source->unacknowledged);
        sfe_json_put_u64(writer, "reconnects", source->reconnects);
        sfe_json_put_u64(writer, "accepted", intake->accepted);
        sfe_json_put_u64(writer, "empty", intake->empty);
        sfe_json_put_u64(writer, "retained_ignored", intake->retained_ignored);
        sfe_json_put_u64(writer, "too_large", intake->too_large);
        sfe_json_put_u64(writer, "unmatched", intake->unmatched);
        sfe_json_put_u64(writer, "not_admitted", intake->not_admitted);
        put_guard(writer, &intake->guard);
        put_identities(writer, source);
        if (source->has_runs) {
            put_runs(writer, &source->runs, status->monotonic_ns);
        }
        if (source->has_files) {
            put_files(writer, &source->files);
        }
        if (source->has_ask) {
            put_ask(writer, &source->ask);
        }
        put_error(writer, "last_error", &source->last_error);
        sfe_json_end_object(writer);
    }
    sfe_json_end_array(writer);
}

static void put_inputs(struct sfe_json_writer *writer, const struct sfe_status *status)
{
    sfe_json_begin_array(writer, "inputs");
    for (uint32_t i = 0; i < status->input_count; i++) {
        const struct sfe_status_input *input = &status->inputs[i];
        sfe_json_begin_object(writer, NULL);
        sfe_json_put_text(writer, "name", sfe_slice_text(input->facts.name));
        sfe_json_put_text(writer, "connection", sfe_slice_text(input->connection));
        sfe_json_put_u64(writer, "accepted", input->facts.accepted);
        if (input->has_channel) {
            sfe_json_put_text(writer, "place", sfe_feed_place_slice(&input->channel.place));
            sfe_json_put_u64(writer, "repeats", input->channel.repeats);
            sfe_json_put_u64(writer, "gaps", input->channel.gaps);
        }
        sfe_json_end_object(writer);
    }
    sfe_json_end_array(writer);
}

/* Where on flash the newest damaged place is. */
static void put_damage(struct sfe_json_writer *writer, const struct sfe_status_stream *stream)
{
    const struct sfe_stream_facts *facts = &stream->facts;

    sfe_json_put_u64(writer, "damaged_places", facts->damaged_places);
    if (facts->damaged_places == 0) {
        sfe_json_put_null(writer, "damage");
        return;
    }
    sfe_json_begin_object(writer, "damage");
    sfe_json_put_u64(writer, "segment", facts->damaged_segment);
    sfe_json_put_u64(writer, "offset", facts->damaged_offset);
    sfe_json_end_object(writer);
}

static void put_streams(struct sfe_json_writer *writer, const struct sfe_status *status)
{
    sfe_json_begin_array(writer, "streams");
    for (uint32_t i = 0; i < status->stream_count; i++) {
        const struct sfe_status_stream *stream = &status->streams[i];
        const struct sfe_stream_facts *facts = &stream->facts;
        sfe_json_begin_object(writer, NULL);
        sfe_json_put_text(writer, "name", sfe_slice_text(stream->name));
        sfe_json_put_u64(writer, "events", facts->durable_sequence + 1u - facts->first_sequence);
        sfe_json_put_u64(writer, "first_sequence", facts->first_sequence);
        sfe_json_put_u64(writer, "durable_sequence", facts->durable_sequence);
        sfe_json_put_u64(writer, "staged_events", facts->staged_events);
        sfe_json_put_u64(writer, "flash_bytes", facts->flash_bytes);
        sfe_json_put_u64(writer, "quota_bytes", stream->quota_bytes);
        sfe_json_put_u64(writer, "in_per_minute", stream->rate_per_minute);
        sfe_json_put_u64(writer, "payload_bytes", facts->payload_bytes);
        sfe_json_put_u64(writer, "written_bytes", facts->written_bytes);
        sfe_json_put_u64(writer, "syncs", facts->syncs);
        sfe_json_put_u64(writer, "refused", facts->refused);
        sfe_json_put_bool(writer, "reserve", facts->has_reserve);
        sfe_json_put_bool(writer, "full", facts->is_full);
        sfe_json_put_bool(writer, "dropping", facts->is_dropping);
        sfe_json_put_u64(writer, "dropped", facts->dropped_events);
        sfe_json_put_u64(writer, "dropped_bytes", facts->dropped_bytes);
        sfe_json_put_bool(writer, "thinning", stream->thin.is_thinning);
        sfe_json_put_u64(writer, "thinned", stream->thin.thinned);
        put_damage(writer, stream);
        put_error(writer, "failure", &facts->failure);
        sfe_json_end_object(writer);
    }
    sfe_json_end_array(writer);
}

static const char *org_state(const struct sfe_org_facts *facts)
{
    if (facts->has_token) {
        return "logged in";
    }
    return facts->is_waiting_for_clock ? "waiting for the clock" : "not logged in";
}

/* As the org names them, and once it has told. */
static void put_limits(struct sfe_json_writer *writer, const struct sfe_org_facts *facts)
{
    if (facts->limit_count == 0) {
        return;
    }
    sfe_json_begin_object(writer, "limits");
    for (uint32_t i = 0; i < facts->limit_count; i++) {
        sfe_json_begin_object(writer, facts->limits[i].name);
        sfe_json_put_u64(writer, "max", facts->limits[i].max);
        sfe_json_put_u64(writer, "left", facts->limits[i].left);
        sfe_json_end_object(writer);
    }
    sfe_json_end_object(writer);
}

static void put_orgs(struct sfe_json_writer *writer, const struct sfe_status *status)
{
    sfe_json_begin_array(writer, "orgs");
    for (uint32_t i = 0; i < status->org_count; i++) {
        const struct sfe_org_facts *facts = &status->orgs[i].facts;
        sfe_json_begin_object(writer, NULL);
        sfe_json_put_text(writer, "connection", sfe_slice_text(status->orgs[i].connection));
        sfe_json_put_bool(writer, "logged_in", facts->has_token);
        sfe_json_put_text(writer, "state", sfe_slice_text(org_state(facts)));
        sfe_json_put_u64(writer, "logins", facts->logins);
        sfe_json_put_u64(writer, "api_calls", facts->api_calls);
        sfe_json_put_u64(writer, "api_used_today", facts->api_used);
        sfe_json_put_u64(writer, "api_limit", facts->api_limit);
        sfe_json_put_u64(writer, "daily_calls", facts->daily_calls);
        sfe_json_put_u64(writer, "calls_of_day", facts->calls_of_day);
        sfe_json_put_u64(writer, "calls_forecast", facts->calls_forecast);
        if (facts->calls_end_s != 0) {
            sfe_json_put_u64(writer, "calls_end_s", facts->calls_end_s);
        }
        put_limits(writer, facts);
        sfe_json_put_bool(writer, "held_back", facts->is_held_back);
        sfe_json_put_bool(writer, "slowed", facts->is_slowed);
        sfe_json_put_u64(writer, "daily_bytes", facts->daily_bytes);
        sfe_json_put_u64(writer, "bytes_of_day", facts->bytes_of_day);
        sfe_json_put_u64(writer, "sent_bytes", facts->sent_bytes);
        sfe_json_put_u64(writer, "received_bytes", facts->received_bytes);
        if (facts->refresh_tokens != 0) {
            sfe_json_put_u64(writer, "refresh_tokens", facts->refresh_tokens);
            sfe_json_put_u64(writer, "refresh_tokens_left", facts->refresh_tokens_left);
        }
        put_error(writer, "last_error", &facts->last_error);
        sfe_json_end_object(writer);
    }
    sfe_json_end_array(writer);
}

/* The job under way, and what jobs have cost. */
static void put_bulk(struct sfe_json_writer *writer, const struct sfe_status_output *output)
{
    const struct sfe_bulk_facts *bulk = &output->bulk;

    if (!output->has_bulk) {
        return;
    }
    sfe_json_begin_object(writer, "bulk");
    sfe_json_put_u64(writer, "jobs", bulk->jobs);
    sfe_json_put_u64(writer, "api_calls", bulk->calls);
    sfe_json_put_text(writer, "state", sfe_slice_text(bulk->state));
    if (bulk->job[0] != '\0') {
        sfe_json_put_text(writer, "job", sfe_slice_text(bulk->job));
        sfe_json_put_u64(writer, "rows", bulk->rows);
        sfe_json_put_u64(writer, "age_s", output->job_age_ns / 1000000000u);
    }
    sfe_json_end_object(writer);
}

static void put_file(struct sfe_json_writer *writer, const struct sfe_status_output *output)
{
    if (!output->has_file) {
        return;
    }
    sfe_json_begin_object(writer, "file");
    sfe_json_put_u64(writer, "bytes", output->file.active_bytes);
    sfe_json_put_u64(writer, "closed", output->file.closed);
    sfe_json_put_u64(writer, "removed", output->file.removed);
    sfe_json_put_u64(writer, "removed_bytes", output->file.removed_bytes);
    sfe_json_end_object(writer);
}

static void put_join(struct sfe_json_writer *writer, const struct sfe_status_output *output)
{
    if (!output->has_join) {
        return;
    }
    sfe_json_begin_object(writer, "waits");
    sfe_json_put_u64(writer, "waiting", output->facts.held);
    sfe_json_put_u64(writer, "late", output->facts.late);
    sfe_json_put_u64(writer, "confirmations", output->join.confirmations);
    sfe_json_put_u64(writer, "early", output->join.early);
    sfe_json_put_u64(writer, "unread", output->join.backlog);
    sfe_json_put_u64(writer, "unusable", output->join.unusable);
    sfe_json_put_bool(writer, "full", output->facts.is_kept_full || output->join.is_full);
    sfe_json_end_object(writer);
}

/* 0 where there is none, or the clock was put back. */
static uint64_t age_s(const struct sfe_status *status, int64_t since_ns)
{
    return since_ns == 0 || since_ns > status->now_ns
               ? 0
               : (uint64_t)(status->now_ns - since_ns) / 1000000000u;
}

static void put_outputs(struct sfe_json_writer *writer, const struct sfe_status *status)
{
    sfe_json_begin_array(writer, "outputs");
    for (uint32_t i = 0; i < status->output_count; i++) {
        const struct sfe_status_output *output = &status->outputs[i];
        const struct sfe_output_facts *facts = &output->facts;
        sfe_json_begin_object(writer, NULL);
        sfe_json_put_text(writer, "name", sfe_slice_text(output->name));
        sfe_json_put_text(writer, "stream", sfe_slice_text(output->stream));
        sfe_json_put_text(writer, "state", sfe_slice_text(sfe_output_state_name(facts->state)));
        sfe_json_put_u64(writer, "cursor", facts->cursor);
        sfe_json_put_u64(writer, "backlog", facts->backlog);
        put_time(writer, "oldest", facts->oldest_ns);
        sfe_json_put_u64(writer, "oldest_age_s", age_s(status, facts->oldest_ns));
        sfe_json_put_u64(writer, "in_flight", facts->in_flight);
        sfe_json_put_u64(writer, "delivered", facts->delivered);
        sfe_json_put_u64(writer, "out_per_minute", output->rate_per_minute);
        sfe_json_put_u64(writer, "skipped", facts->skipped);
        sfe_json_put_u64(writer, "dead", facts->dead);
        if (facts->answers != 0) {
            sfe_json_put_u64(writer, "answers", facts->answers);
        }
        sfe_json_put_u64(writer, "retried", facts->retried);
        sfe_json_put_u64(writer, "requests", facts->requests);
        sfe_json_put_u64(writer, "gaps", facts->gaps);
        put_join(writer, output);
        put_bulk(writer, output);
        put_file(writer, output);
        put_error(writer, "last_error", &facts->last_error);
        sfe_json_end_object(writer);
    }
    sfe_json_end_array(writer);
}

static void put_wear(struct sfe_json_writer *writer, const struct sfe_wear_facts *facts)
{
    struct sfe_wear wear;

    sfe_wear_project(facts, &wear);
    sfe_json_begin_object(writer, "wear");
    sfe_json_put_u64(writer, "written_bytes", facts->written_bytes);
    sfe_json_put_u64(writer, "syncs", facts->syncs);
    sfe_json_put_u64(writer, "events", facts->events);
    sfe_json_put_u64(writer, "syncs_per_thousand_events", wear.syncs_per_thousand_events);
    sfe_json_put_u64(writer, "bytes_per_thousand_payload_bytes", wear.bytes_per_thousand_payload);
    sfe_json_put_u64(writer, "bytes_per_day", wear.bytes_per_day);
    sfe_json_put_u64(writer, "average_bytes_per_day", wear.average_bytes_per_day);
    sfe_json_put_u64(writer, "life_days", wear.life_days);
    sfe_json_end_object(writer);
}

static uint64_t used_bytes(const struct sfe_status *status)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < status->stream_count; i++) {
        bytes += status->streams[i].facts.flash_bytes;
    }
    return bytes;
}

static void put_reload(struct sfe_json_writer *writer, const struct sfe_status_reload *reload)
{
    if (reload->when_ns == 0) {
        sfe_json_put_null(writer, "last_reload");
        return;
    }
    sfe_json_begin_object(writer, "last_reload");
    put_time(writer, "time", reload->when_ns);
    sfe_json_put_bool(writer, "ok", reload->is_done);
    sfe_json_put_u64(writer, "mistakes", reload->mistakes);
    if (reload->arena_bytes != 0) {
        sfe_json_put_u64(writer, "arena_bytes", reload->arena_bytes);
    }
    if (reload->mistakes != 0) {
        sfe_json_put_text(writer, "file", sfe_slice_text(reload->first.where));
        sfe_json_put_u64(writer, "line", reload->first.line);
        sfe_json_put_text(writer, "pointer", sfe_slice_text(reload->first.pointer));
        sfe_json_put_text(writer, "message", sfe_slice_text(reload->first.message));
    }
    sfe_json_end_object(writer);
}

static void put_trial(struct sfe_json_writer *writer, const struct sfe_status_trial *trial)
{
    if (trial->state == NULL) {
        return;
    }
    sfe_json_begin_object(writer, "trial");
    sfe_json_put_text(writer, "state", sfe_slice_text(trial->state));
    put_time(writer, "time", trial->when_ns);
    sfe_json_put_u64(writer, "left_s", trial->left_ns / 1000000000u);
    sfe_json_put_text(writer, "missing", sfe_slice_text(trial->missing));
    sfe_json_end_object(writer);
}

void sfe_report_add(const struct sfe_status *status, struct sfe_builder *out)
{
    struct sfe_json_writer writer = sfe_json_writer_make(out);

    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "agent", sfe_slice_text(status->agent_id));
    sfe_json_put_text(&writer, "version", sfe_slice_text(SFE_VERSION));
    put_time(&writer, "time", status->now_ns);
    sfe_json_put_u64(&writer, "uptime_s", status->uptime_ns / 1000000000u);
    sfe_json_put_bool(&writer, "stopping", status->is_stopping);
    if (status->is_draining) {
        sfe_json_put_bool(&writer, "draining", true);
    }
    sfe_json_put_u64(&writer, "memory_bytes", status->memory_bytes);
    sfe_json_put_u64(&writer, "resident_bytes", status->resident_bytes);
    sfe_json_put_u64(&writer, "heap_bytes", status->heap_bytes);
    sfe_json_put_u64(&writer, "arena_bytes", status->arena_bytes);
    sfe_json_put_u64(&writer, "flash_total_bytes", status->flash_total_bytes);
    sfe_json_put_u64(&writer, "flash_available_bytes", status->flash_available_bytes);
    sfe_json_put_u64(&writer, "quota_bytes", status->quota_bytes);
    sfe_json_put_u64(&writer, "quota_used_bytes", used_bytes(status));
    put_wear(&writer, &status->wear);
    put_links(&writer, status);
    put_inputs(&writer, status);
    put_streams(&writer, status);
    put_orgs(&writer, status);
    put_outputs(&writer, status);
    put_reload(&writer, &status->reload);
    put_trial(&writer, &status->trial);
    sfe_json_end_object(&writer);
}
