#!/bin/sh
# More of the simulation than ctest does.
#   sh tests/sim/run.sh --states 1000000            so many crash states
#   sh tests/sim/run.sh --seconds 28800             as long as it is told (nightly), from a seed of its own
#   sh tests/sim/run.sh --scenario script --runs 10000   so many random scripts of faults
#   sh tests/sim/run.sh --seed N --scenario NAME    one run again, as a failure printed it
set -eu
cd "$(dirname "$0")/../.."
cmake --preset release > /dev/null
cmake --build --preset release --target sim > /dev/null
case "$*" in
*--seconds*--seed* | *--seed*) exec build/release/sim "$@" ;;
*--seconds*) exec build/release/sim --seed "$(date +%s)" "$@" ;;
*) exec build/release/sim "$@" ;;
esac
