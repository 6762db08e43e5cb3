#!/bin/sh
# The main job in about a minute: a broker, the simulated org, devices and tills, and an agent that is killed, cut off and restarted; at the
# end every record is accounted for.
set -eu
cd "$(dirname "$0")/.."
sh toolchains/debian.sh
cmake --preset release > /dev/null
cmake --build --preset release > /dev/null
exec /usr/bin/python3 tests/demo/demo.py build/release "$@"
