#include "cli/examine.h"

#include "base/json_writer.h"
#include "cli/print.h"
#include "port/process.h"

#include <stdio.h>

static const char *level_name(enum sfe_finding_level level)
{
    return level == SFE_FINDING_OK ? "ok" : level == SFE_FINDING_WARN ? "warn" : "fail";
}

static void put_if(struct sfe_json_writer *writer, const char *name, const char *text)
{
    if (text[0] != '\0') {
        sfe_json_put_text(writer, name, sfe_slice_text(text));
    }
}

static void print_json(const struct sfe_finding *finding, bool is_first)
{
    static const char separator[] = ",\n";
    uint8_t memory[3072];
    struct sfe_builder out = sfe_builder_make(memory, sizeof(memory));
    struct sfe_json_writer writer = sfe_json_writer_make(&out);

    sfe_builder_add_text(&out, is_first ? "" : separator);
    sfe_json_begin_object(&writer, NULL);
    sfe_json_put_text(&writer, "level", sfe_slice_text(level_name(finding->level)));
    sfe_json_put_text(&writer, "check", sfe_slice_text(finding->check));
    put_if(&writer, "subject", finding->subject);
    sfe_json_put_text(&writer, "message", sfe_slice_text(finding->message));
    put_if(&writer, "fix", finding->fix);
    put_if(&writer, "setting", finding->setting);
    if (finding->file != NULL) {
        sfe_json_put_text(&writer, "file", sfe_slice_text(finding->file));
        sfe_json_put_u64(&writer, "line", finding->line);
    }
    if (finding->code != SFE_OK) {
        sfe_json_put_text(&writer, "code", sfe_slice_text(sfe_code_name(finding->code)));
    }
    sfe_json_end_object(&writer);
    sfe_process_print(sfe_builder_slice(&out));
}

static void print_fix(const struct sfe_finding *finding)
{
    char place[256] = "";

    if (finding->file != NULL) {
        int length = snprintf(place, sizeof(place), "%.200s:%u%s", finding->file,
                              (unsigned)finding->line, finding->setting[0] == '\0' ? "" : " ");
        if (length < 0) {
            place[0] = '\0';
        }
    }
    const bool is_placed = place[0] != '\0' || finding->setting[0] != '\0';
    sfe_cli_print("     -> %s%s%s%s%s\n", finding->fix, is_placed ? " (" : "", place,
                  finding->setting, is_placed ? ")" : "");
}

void examine_tell(void *reader, const struct sfe_finding *finding)
{
    struct examination *examination = reader;

    examination->told++;
    examination->warnings += finding->level == SFE_FINDING_WARN ? 1u : 0u;
    if (finding->level == SFE_FINDING_FAIL) {
        if (examination->failures == 0) {
            examination->code = finding->code;
        }
        examination->failures++;
    }
    if (examination->json) {
        print_json(finding, examination->told == 1u);
        return;
    }
    sfe_cli_print("%-4s %s%s%s: %s\n", level_name(finding->level), finding->check,
                  finding->subject[0] == '\0' ? "" : " ", finding->subject, finding->message);
    if (finding->fix[0] != '\0') {
        print_fix(finding);
    }
}

void examine_mistake(void *reader, const struct sfe_error *mistake)
{
    struct sfe_finding finding = {.level = SFE_FINDING_FAIL,
                                  .check = "configuration",
                                  .subject = mistake->where,
                                  .code = SFE_E_CONFIG,
                                  .fix = "put it right in the configuration"};

    sfe_printable(finding.setting, sizeof(finding.setting), sfe_slice_text(mistake->pointer));
    int length = mistake->line == 0
                     ? snprintf(finding.message, sizeof(finding.message), "%s", mistake->message)
                     : snprintf(finding.message, sizeof(finding.message), "line %u: %s",
                                (unsigned)mistake->line, mistake->message);
    if (length > 0) {
        examine_tell(reader, &finding);
    }
}

void examine_begin(const struct examination *examination)
{
    if (examination->json) {
        sfe_cli_print("{\"findings\":[");
    }
}

int examine_end(const struct examination *examination)
{
    const char *worst = examination->failures != 0   ? "fail"
                        : examination->warnings != 0 ? "warn"
                                                     : "ok";

    if (examination->json) {
        sfe_cli_print("],\n\"worst\":\"%s\"}\n", worst);
    } else {
        sfe_cli_print("%u looked at, %u warnings, %u failures\n", (unsigned)examination->told,
                      (unsigned)examination->warnings, (unsigned)examination->failures);
    }
    return examination->failures == 0 ? 0 : sfe_code_exit(examination->code);
}
