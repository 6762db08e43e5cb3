#!/bin/sh
# How long an event of the org takes to a subscriber of the broker, each on flash before it is published, beside a
# bare long poll by libcurl of the same channel in the same run; at several rates, without and with TLS.
#   sh tests/bench/events.sh [--quick]
set -eu
cd "$(dirname "$0")/../.."
sh toolchains/debian.sh
cmake --preset release > /dev/null
cmake --build --preset release > /dev/null
exec /usr/bin/python3 tests/bench/events.py build/release "$@"
