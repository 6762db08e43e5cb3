/* Asks an org for the description of each object that is written to, and compares. */
#include "base/arena.h"
#include "base/assert.h"
#include "doctor/plan_files.h"
#include "doctor/session.h"
#include "salesforce/org_plan.h"

#include <stdio.h>

/* Descriptions of standard objects have some 100 KiB to some MiB. */
#define ANSWER_BYTES_MAX (8u * 1024u * 1024u)
/* Of one field alone: a picklist of 1,000 values has 11,000. */
#define TOKENS_MAX   65536u
#define PATH_BYTES   256u
#define OBJECT_BYTES 128u

/* One record of an output, with its place in the configuration. */
struct planned {
    const struct sfe_config_record *record;
    struct sfe_map_options options;
};

struct planning {
    struct session *session;
    const struct sfe_doctor_options *options;
    struct planned *planned;
    struct sfe_plan_record *records;
    uint32_t count;
    uint32_t at; /* The one that is compared. */
    bool is_cut; /* A description could not be had. */
};

static void set_place(const struct planning *planning, struct sfe_finding *finding,
                      const struct sfe_config_place *place)
{
    finding->file = place->file == NULL ? planning->options->config->path : place->file;
    finding->line = place->line;
    sfe_printable(finding->setting, sizeof(finding->setting), sfe_slice_text(place->pointer));
}

static void on_finding(void *reader, const struct sfe_plan_finding *told)
{
    const struct planning *planning = reader;
    const struct sfe_config_record *record = planning->planned[planning->at].record;
    const bool is_field = told->field < record->field_count;
    char subject[OBJECT_BYTES * 2u];
    struct sfe_finding finding = {.level = told->is_failure ? SFE_FINDING_FAIL : SFE_FINDING_WARN,
                                  .check = "plan",
                                  .subject = subject,
                                  .code = told->is_failure ? SFE_E_CONFIG : SFE_OK};

    int length = snprintf(subject, sizeof(subject), "%.100s%s%.100s", record->object,
                          is_field ? "." : "", is_field ? record->fields[told->field].name : "");
    SFE_ASSERT(length >= 0);
    set_place(planning, &finding, is_field ? &record->fields[told->field].place : &record->place);
    finding_tell(planning->options, &finding, told->message, told->fix);
}

/* A name of the API can stand in a path; another one is the name of no object. */
static bool is_name(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        const bool is_letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
        if (!is_letter && !(*at >= '0' && *at <= '9') && *at != '_') {
            return false;
        }
    }
    return name[0] != '\0' && strlen(name) < OBJECT_BYTES;
}

/* SFE_E_NOT_FOUND: the org has no such object, or not for this user. */
static enum sfe_code describe(struct session *session, const char *object, struct sfe_error *err)
{
    char path[PATH_BYTES];

    if (!is_name(object)) {
        return sfe_fail(err, SFE_E_NOT_FOUND, "no name of an object");
    }
    int length = snprintf(path, sizeof(path), "/services/data/%s/sobjects/%s/describe",
                          sfe_org_api_version(session->org), object);
    SFE_ASSERT(length > 0 && (size_t)length < sizeof(path));
    enum sfe_code code = session_get(session, path, err);
    const bool is_unknown = code == SFE_E_API && (err->http_status == 404 ||
                                                  strcmp(err->api_code, "INVALID_TYPE") == 0 ||
                                                  strncmp(err->api_code, "INSUFFICIENT", 12) == 0);
    return is_unknown ? SFE_E_NOT_FOUND : code;
}

static void tell_trouble(struct planning *planning, const char *object, const struct sfe_error *err)
{
    struct sfe_finding finding = {
        .level = SFE_FINDING_FAIL, .check = "plan", .subject = object, .code = err->code};

    planning->is_cut = true;
    finding_tell(planning->options, &finding, err->message,
                 err->code == SFE_E_TOO_LARGE
                     ? "the object is larger than this command takes: compare it by hand"
                     : "try again; sfedge doctor looks at the org's API and its allowance");
}

/* The parent of each reference, by its own description. */
static void compare_parents(struct planning *planning, const struct sfe_plan_listener *listener)
{
    struct sfe_plan_record *record = &planning->records[planning->at];
    const struct sfe_builder *body = &planning->session->body;
    struct sfe_error err;

    for (uint32_t i = 0; i < record->wanted->field_count; i++) {
        const char *parent = record->fields[i].facts.parent;
        if (parent[0] == '\0' || strchr(record->wanted->fields[i].name, '.') == NULL) {
            continue;
        }
        enum sfe_code code = describe(planning->session, parent, &err);
        if (code == SFE_OK) {
            code = sfe_plan_read_parent(record, i, sfe_builder_slice(body), listener, &err);
        } else if (code == SFE_E_NOT_FOUND) {
            /* It exists, for the field points to it. */
            code = sfe_fail(&err, SFE_E_PERMISSION, "this user may not see %.90s", parent);
        }
        if (code != SFE_OK) {
            tell_trouble(planning, parent, &err);
        }
    }
}

static void compare(struct planning *planning)
{
    struct sfe_plan_record *record = &planning->records[planning->at];
    const char *object = record->wanted->object;
    const struct sfe_plan_listener listener = {
        planning->session->tokens, planning->session->token_count, on_finding, planning};
    struct sfe_error err;
    enum sfe_code code = describe(planning->session, object, &err);

    if (code == SFE_E_NOT_FOUND) {
        sfe_plan_missing(record, &listener);
        return;
    }
    if (code == SFE_OK) {
        code = sfe_plan_read(record, sfe_builder_slice(&planning->session->body), &listener, &err);
    }
    if (code != SFE_OK) {
        tell_trouble(planning, object, &err);
        return;
    }
    compare_parents(planning, &listener);
    if (record->failures == 0) {
        const char *id = record->wanted->external_id;
        finding_ok(planning->options, "plan", object, "%u fields%s%s",
                   (unsigned)record->wanted->field_count, id == NULL ? "" : ", by ",
                   id == NULL ? "" : id);
    }
}

static uint32_t count_records(const struct sfe_config *config, uint32_t index)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < config->output_count; i++) {
        count += config->outputs[i].connection == index ? config->outputs[i].record_count : 0;
    }
    return count;
}

static enum sfe_code open_record(struct planning *planning, const struct sfe_config_record *record,
                                 struct sfe_error *err)
{
    struct planned *planned = &planning->planned[planning->count];
    const struct sfe_doctor_options *options = planning->options;

    planned->record = record;
    enum sfe_code code =
        sfe_compile_map_options(options->config, record, options->arena, &planned->options, err);
    if (code == SFE_OK) {
        code = sfe_plan_open(&planned->options, options->arena, &planning->records[planning->count],
                             err);
    }
    for (uint32_t i = 0; i < record->field_count && code == SFE_OK; i++) {
        planning->records[planning->count].fields[i].is_conditional =
            record->fields[i].condition_count != 0;
    }
    planning->count += code == SFE_OK ? 1u : 0u;
    return code;
}

static enum sfe_code open_records(struct planning *planning, uint32_t index, uint32_t count,
                                  struct sfe_error *err)
{
    const struct sfe_doctor_options *options = planning->options;
    const struct sfe_config *config = options->config;
    enum sfe_code code = SFE_OK;

    planning->planned = sfe_arena_take(options->arena, count * sizeof(*planning->planned), err);
    planning->records = sfe_arena_take(options->arena, count * sizeof(*planning->records), err);
    if (planning->planned == NULL || planning->records == NULL) {
        return SFE_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < config->output_count; i++) {
        const struct sfe_config_output *output = &config->outputs[i];
        for (uint32_t j = 0; output->connection == index && j < output->record_count; j++) {
            code = code == SFE_OK ? open_record(planning, &output->records[j], err) : code;
        }
    }
    return code;
}

static void plan(struct planning *planning, uint32_t index, const struct sfe_plan_output *output)
{
    const struct sfe_doctor_options *options = planning->options;
    const char *name = options->config->connections[index].name;
    struct sfe_finding finding = {.level = SFE_FINDING_FAIL, .check = "plan", .subject = name};
    struct sfe_error err;
    enum sfe_code code = session_log_in(planning->session, &err);

    if (code != SFE_OK) {
        session_tell_login(planning->session, &err);
        return;
    }
    code = open_records(planning, index, count_records(options->config, index), &err);
    if (code != SFE_OK) {
        finding.code = code;
        finding_tell(options, &finding, err.message, "");
        return;
    }
    for (planning->at = 0; planning->at < planning->count; planning->at++) {
        compare(planning);
    }
    if (output->folder == NULL) {
        return;
    }
    if (planning->is_cut) {
        (void)sfe_fail(&err, SFE_E_API, "nothing is written: not every description could be had");
        finding.code = err.code;
        finding_tell(options, &finding, err.message, "try again");
        return;
    }
    const struct plan_set set = {planning->records, planning->count, name,
                                 sfe_org_api_version(planning->session->org)};
    plan_write(options, &set, output);
}

void sfe_doctor_plan(const struct sfe_doctor_options *options, uint32_t index,
                     const struct sfe_plan_output *output)
{
    struct planning planning = {.options = options};

    if (count_records(options->config, index) == 0) {
        finding_ok(options, "plan", options->config->connections[index].name,
                   "no output writes records there");
        return;
    }
    if (options->config->connections[index].salesforce.flow == SFE_AUTH_REFRESH_TOKEN) {
        struct sfe_finding finding = {.level = SFE_FINDING_FAIL,
                                      .check = "plan",
                                      .subject = options->config->connections[index].name,
                                      .code = SFE_E_CONFIG};
        finding_tell(options, &finding,
                     "a refresh token is for one user alone, the agent: nothing can be asked",
                     "plan with a connection of flow client-credentials or jwt-bearer to the same "
                     "org");
        return;
    }
    planning.session =
        session_enter(options, index, (struct session_bounds){ANSWER_BYTES_MAX, TOKENS_MAX});
    if (planning.session != NULL) {
        plan(&planning, index, output);
        sfe_org_close(planning.session->org);
    }
}
