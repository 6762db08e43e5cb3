#include "cli/command.h"

int main(int argc, char **argv)
{
    return sfe_cli_main(argc, argv);
}
