#include "cli/command.h"

#ifdef SFE_JQ
#include "port/jq.h"
#endif

int main(int argc, char **argv)
{
#ifdef SFE_JQ
    if (sfe_jq_is_worker(argc, argv)) {
        return sfe_jq_work(argc, argv);
    }
#endif
    return sfe_cli_main(argc, argv);
}
