/* The folder of a files input: can it be read, and written to? */
#include "doctor/finding.h"

#include "base/assert.h"
#include "port/folder.h"

#include <stdio.h>

/* Names that begin with a dot are taken by nobody. */
#define PROBE_NAME ".sfedge-doctor"

/* A file is listed, written, and removed: all that moving one needs. */
static enum sfe_code probe(struct sfe_folder *folder, struct sfe_error *err)
{
    struct sfe_folder_list *list = NULL;
    enum sfe_code code = sfe_folder_begin_list(folder, NULL, &list, err);

    sfe_folder_end_list(list);
    if (code == SFE_OK) {
        code = sfe_folder_put(folder, NULL, PROBE_NAME, SFE_TEXT("sfedge doctor\n"), err);
    }
    return code == SFE_OK ? sfe_folder_remove(folder, NULL, PROBE_NAME, err) : code;
}

void sfe_doctor_files(const struct sfe_doctor_options *options, uint32_t index)
{
    const struct sfe_config_input *input = &options->config->inputs[index];
    struct sfe_finding finding = {
        .level = SFE_FINDING_FAIL, .check = "input", .subject = input->name};
    struct sfe_folder *folder = NULL;
    struct sfe_error err;

    SFE_ASSERT(input->type == SFE_INPUT_FILES);
    enum sfe_code code = sfe_folder_open(input->files.directory, &folder, &err);
    if (code == SFE_OK) {
        code = probe(folder, &err);
    }
    sfe_folder_close(folder);
    if (code == SFE_OK) {
        finding_ok(options, "input", input->name, "files can be taken from %s, and moved there",
                   input->files.directory);
        return;
    }
    finding.code = err.code;
    (void)snprintf(finding.setting, sizeof(finding.setting), "/inputs/%s/directory", input->name);
    finding_tell(options, &finding, err.message,
                 code == SFE_E_NOT_FOUND
                     ? "make it, or mount it; the agent looks again each second"
                     : "let the agent's user read, write and search it, and its file system be "
                       "mounted to be written to");
}
