/* /control/: faults, audit and records, for tests. Needs the header "X-Control: yes". */
#include <stdio.h>

#include "org.h"

#define UNLIMITED_CALLS 1000000u

static void refuse(struct reply *reply, uint16_t status, const char *message)
{
    reply->status = status;
    reply->body.size = 0;
    buffer_add_text(&reply->body, "{\"error\":");
    buffer_add_json(&reply->body, sfe_slice_text(message));
    buffer_add_text(&reply->body, "}\n");
}

static void done(struct reply *reply)
{
    reply->status = 200;
    buffer_add_text(&reply->body, "{\"done\":true}\n");
}

static void set_faults(struct org *org, const struct http_request *request, struct reply *reply)
{
    struct sfe_json json;
    struct sfe_error err;
    if (org_parse(org, request->body, &json, &err) != SFE_OK ||
        faults_load(&org->faults, &json, 0, &err) != SFE_OK) {
        refuse(reply, 400, err.message);
        return;
    }
    done(reply);
}

/* An object named by the query; false once the reply says why there is none. */
static bool query_object(struct org *org, const struct http_request *request, struct reply *reply,
                         struct object **object)
{
    struct sfe_slice raw = {NULL, 0};
    struct sfe_slice name = {NULL, 0};
    *object = NULL;
    if (!form_value(request->query, SFE_TEXT("object"), &raw)) {
        return true;
    }
    if (call_segment(org, raw, &name)) {
        *object = schema_object(&org->schema, name);
    }
    if (*object == NULL) {
        refuse(reply, 404, "no such object");
    }
    return *object != NULL;
}

static void give_audit(struct org *org, const struct http_request *request, struct reply *reply)
{
    struct object *object = NULL;
    struct sfe_slice ids = {NULL, 0};
    bulk_advance(org);
    if (!query_object(org, request, reply, &object)) {
        return;
    }
    enum audit_lists lists = AUDIT_COUNTS;
    if (form_value(request->query, SFE_TEXT("ids"), &ids)) {
        lists = sfe_slice_equal(ids, SFE_TEXT("times")) ? AUDIT_TIMES : AUDIT_COUNTS;
        lists = sfe_slice_equal(ids, SFE_TEXT("1")) ? AUDIT_IDS : lists;
    }
    reply->status = 200;
    audit_write(&org->audit, &org->schema, &org->faults, object, lists, &reply->body);
}

static void give_record(struct org *org, const struct http_request *request, struct reply *reply)
{
    struct object *object = NULL;
    struct sfe_slice raw = {NULL, 0};
    struct sfe_slice id = {NULL, 0};
    if (!query_object(org, request, reply, &object)) {
        return;
    }
    if (object == NULL || object->first_external_id == NULL ||
        !form_value(request->query, SFE_TEXT("id"), &raw) || !call_segment(org, raw, &id)) {
        refuse(reply, 400, "object and id (an external ID) are needed");
        return;
    }
    const struct field *key = object->first_external_id;
    uint32_t matches = 0;
    const struct record *record = table_find(object, key, id, field_hash(key, id), &matches);
    if (record == NULL) {
        refuse(reply, 404, "no such record");
        return;
    }
    reply->status = 200;
    buffer_add_text(&reply->body, "{");
    record_write(object, record, &reply->body);
    buffer_add_text(&reply->body, "}\n");
}

static void set_options(struct org *org, const struct http_request *request, struct reply *reply)
{
    struct sfe_json json;
    struct sfe_error err;
    if (org_parse(org, request->body, &json, &err) != SFE_OK ||
        sfe_json_kind(&json, 0) != SFE_JSON_OBJECT) {
        refuse(reply, 400, "a JSON object is needed");
        return;
    }
    for (uint32_t key = sfe_json_first(&json, 0); key != SFE_JSON_NONE;
         key = sfe_json_next(&json, 0, key)) {
        bool value = sfe_json_kind(&json, key + 1) == SFE_JSON_TRUE;
        if (sfe_json_text_equal(&json, key, SFE_TEXT("gzip_answers"))) {
            org->options.gzip_answers = value;
        } else if (sfe_json_text_equal(&json, key, SFE_TEXT("bad_field_in_record"))) {
            org->options.bad_field_in_record = value;
            org->batch.bad_field_in_record = value;
        } else if (sfe_json_text_equal(&json, key, SFE_TEXT("wishes"))) {
            org->batch.grants_wishes = value;
        } else if (sfe_json_text_equal(&json, key, SFE_TEXT("unlimited_calls")) && value) {
            org->options.api_limit = UNLIMITED_CALLS;
        } else {
            refuse(reply, 400,
                   "options are gzip_answers, bad_field_in_record, wishes and unlimited_calls");
            return;
        }
    }
    done(reply);
}

static void expire_tokens(struct org *org, const struct http_request *request, struct reply *reply)
{
    (void)request;
    reply->status = 200;
    buffer_format(&reply->body, "{\"expired\":%u}\n", sessions_end_all(&org->sessions));
}

static void shut_down(struct org *org, const struct http_request *request, struct reply *reply)
{
    (void)request;
    org->stopping = true;
    done(reply);
}

struct route_row {
    enum http_method method;
    const char *path;
    void (*answer)(struct org *org, const struct http_request *request, struct reply *reply);
};

static const struct route_row ROUTES[] = {{HTTP_POST, "/control/faults", set_faults},
                                          {HTTP_POST, "/control/options", set_options},
                                          {HTTP_POST, "/control/expire-tokens", expire_tokens},
                                          {HTTP_POST, "/control/shutdown", shut_down},
                                          {HTTP_POST, "/control/bulk", bulk_control_set},
                                          {HTTP_GET, "/control/bulk", bulk_control_get},
                                          {HTTP_POST, "/control/events", cometd_control_set},
                                          {HTTP_GET, "/control/events", cometd_control_get},
                                          {HTTP_GET, "/control/audit", give_audit},
                                          {HTTP_GET, "/control/record", give_record}};

void control_answer(struct org *org, const struct http_request *request, struct reply *reply)
{
    if (!text_equal_caseless(request->x_control, SFE_TEXT("yes"))) {
        refuse(reply, 403, "the header X-Control: yes is needed");
        return;
    }
    for (size_t i = 0; i < sizeof ROUTES / sizeof ROUTES[0]; i++) {
        if (request->method == ROUTES[i].method &&
            sfe_slice_equal(request->path, sfe_slice_text(ROUTES[i].path))) {
            ROUTES[i].answer(org, request, reply);
            return;
        }
    }
    refuse(reply, 404,
           "POST faults, options, bulk, events, expire-tokens, shutdown; GET audit, bulk, events, "
           "record");
}
