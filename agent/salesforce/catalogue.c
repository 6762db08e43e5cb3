#include "salesforce/catalogue.h"

#include "salesforce/verdict.h"

static void add_heads(struct sfe_builder *out)
{
    sfe_builder_format(out,
                       "| code | whole request | one record | tries | what it means, what to do |\n"
                       "|---|---|---|---|---|\n");
}

static void add_row(uint32_t index, const struct sfe_verdict_row *row, struct sfe_builder *out)
{
    const char *part = sfe_verdict_message_part(index);

    sfe_builder_format(out, "| `%s`%s%s%s | %s | %s | ", row->code, part == NULL ? "" : " with \"",
                       part == NULL ? "" : part, part == NULL ? "" : "\"",
                       sfe_verdict_retry_name(row->on_request),
                       sfe_verdict_retry_name(row->on_record));
    if (row->attempts_max != 0) {
        sfe_builder_format(out, "%u", row->attempts_max);
    }
    sfe_builder_format(out, " | %s |\n", row->advice);
}

static void add_statuses(struct sfe_builder *out)
{
    sfe_builder_format(
        out,
        "\n## Codes that are not in the table\n\n"
        "One record's: retry, dead after %u tries. Alone in a request that is refused with "
        "4xx: stop and tell.\nA whole request's, by its HTTP status; the first row that "
        "fits holds:\n\n| status | what is done | meaning |\n|---|---|---|\n",
        SFE_VERDICT_TRIES_UNKNOWN);
    for (uint32_t i = 0; sfe_verdict_status(i) != NULL; i++) {
        const struct sfe_verdict_status *status = sfe_verdict_status(i);
        const char *name = sfe_verdict_retry_name(status->retry);
        if (status->to == 0) {
            sfe_builder_format(out, "| none | %s | %s |\n", name, status->meaning);
        } else if (status->from == status->to) {
            sfe_builder_format(out, "| %u | %s | %s |\n", status->from, name, status->meaning);
        } else if (status->from < 100) {
            sfe_builder_format(out, "| any other | %s | %s |\n", name, status->meaning);
        } else {
            sfe_builder_format(out, "| %u to %u | %s | %s |\n", status->from, status->to, name,
                               status->meaning);
        }
    }
}

void sfe_catalogue_add(struct sfe_builder *out)
{
    sfe_builder_format(
        out,
        "# What sfedge does about Salesforce's errors\n\n"
        "Printed by `sfedge errors`, from the table that decides. The first row that fits holds; a "
        "code that ends in `*` is\nthe beginning of codes.\n\n"
        "- **retry**: again after a back-off with jitter; a Retry-After is obeyed.\n"
        "- **wait for the org**: the org is away, whoever asks: one probe at a time.\n"
        "- **log in again**: once, then the same request again.\n"
        "- **wait for quota**: nothing is sent until some of the allowance is back.\n"
        "- **serialise**: again soon; children of one parent go in one request at a time, fewer "
        "requests fly.\n"
        "- **split**: in halves until the guilty event is alone; alone it is tried as often as the "
        "table says.\n"
        "- **retry alone**: again, apart from its neighbours.\n"
        "- **dead**: to the dead letters with code, message and advice (`sfedge dead show`).\n"
        "- **stop and tell**: the output stops and `sfedge status` says why; probed every 1 to 10 "
        "minutes.\n\n"
        "Tries are those of one record before it is dead; empty: without end. Splitting, waiting "
        "for the org, for quota or for\na person costs no try. Where the server fails (500 with a "
        "code) with the same batch three times, it is halved; a lone\nevent with which it fails "
        "ten times while others pass is dead.\n\n");
    add_heads(out);
    for (uint32_t i = 0; sfe_verdict_row(i) != NULL; i++) {
        add_row(i, sfe_verdict_row(i), out);
    }
    add_statuses(out);
}

bool sfe_catalogue_add_code(struct sfe_slice code, struct sfe_builder *out)
{
    bool is_known = false;

    for (uint32_t i = 0; sfe_verdict_row(i) != NULL; i++) {
        if (sfe_verdict_fits(i, code)) {
            if (!is_known) {
                add_heads(out);
            }
            is_known = true;
            add_row(i, sfe_verdict_row(i), out);
        }
    }
    if (!is_known) {
        sfe_builder_add_text(out, "This code is not in the table.\n");
        add_statuses(out);
    }
    return is_known;
}
