#!/bin/sh
# How fast a backlog reaches the org, beside a bare libcurl loop into the same org in the same run, with TLS and gzip;
# how late a record is committed; what several outputs, sick neighbours and locked rows cost.
#   sh tests/bench/salesforce.sh [--quick] [--rounds N] [--count N] [--only PART,...]
set -eu
cd "$(dirname "$0")/../.."
sh toolchains/debian.sh
cmake --preset release > /dev/null
cmake --build --preset release > /dev/null
exec /usr/bin/python3 tests/bench/salesforce.py build/release "$@"
