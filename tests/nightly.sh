#!/bin/sh
# Looks for what tests/run.sh, which does the same each time, cannot find: each fuzz target and the simulation from a
# new seed, for as long as it is told, many random scripts of faults, and an hour of soak. What is found is left in build/found/ and belongs into tests/fuzz/corpus/.
#   sh tests/nightly.sh 600     seconds for each of them
set -u
cd "$(dirname "$0")/.." || exit 70
seconds=${1:-600}
found=build/found
failed=0
mkdir -p "$found"
if ! cmake --preset clang > build/configure.log 2>&1 || ! cmake --build --preset clang > build/build.log 2>&1; then
    tail -n 60 build/configure.log build/build.log
    exit 1
fi
for target in build/clang/tests/*_fuzz; do
    name=$(basename "$target")
    mkdir -p "build/corpus-$name"
    if ! "$target" -max_total_time="$seconds" -max_len=8192 -rss_limit_mb=1024 -artifact_prefix="$found/$name-" \
        "build/corpus-$name" "tests/fuzz/corpus/$name" > "$found/$name.log" 2>&1; then
        echo "FAILED: $name, see $found/$name.log"
        failed=1
    fi
done
sh tests/sim/run.sh --seconds "$seconds" || failed=1
sh tests/sim/run.sh --scenario script --runs 10000 --seed "$(date +%s)" || failed=1
sh tests/sim/run.sh --scenario cometd --runs 20000 --seed "$(date +%s)" || failed=1
cmake --preset release > build/configure.log 2>&1 && cmake --build --preset release > build/build.log 2>&1 &&
    python3 tests/integration/soak.py build/release --seconds 3600 --seed "$(date +%s)" || failed=1
exit $failed
