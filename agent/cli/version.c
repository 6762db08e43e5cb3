#include "cli/command.h"

#include "cli/print.h"

int sfe_cli_version(const struct sfe_arguments *arguments)
{
    (void)arguments;
    sfe_cli_print("sfedge " SFE_VERSION "\n");
    return 0;
}
