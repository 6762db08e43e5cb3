#!/bin/sh
# The benchmark, with its floors measured in the same run. sh tests/bench/run.sh [--backlog N] [--rounds N]
set -eu
cd "$(dirname "$0")/../.."
sh toolchains/debian.sh
cmake --preset release > /dev/null
cmake --build --preset release > /dev/null
exec /usr/bin/python3 tests/bench/bench.py build/release "$@"
