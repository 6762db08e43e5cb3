#!/bin/sh
# Proves that the simulation bites: applies each sabotage of mutants.txt to a copy of the sources and demands that
# the simulation fails. By hand or nightly; it builds once for each.
#   sh tests/sim/mutants.sh [STATES]
set -eu
cd "$(dirname "$0")/../.."
states=${1:-150000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/source"
git ls-files -z | xargs -0 cp --parents -t "$work/source"
cmake -S "$work/source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS=-w > /dev/null
cmake --build "$work/build" --target sim > /dev/null

caught=0
missed=0
# check FILE BEFORE AFTER WHY
check() {
    cp "$1" "$work/source/$1"
    FILE="$work/source/$1" BEFORE=$2 AFTER=$3 python3 -c '
import os, sys
path, before, after = (os.environ[name] for name in ("FILE", "BEFORE", "AFTER"))
text = open(path, encoding="utf-8").read()
if before + "\n" not in text:
    sys.exit("no such line in %s: %s" % (path, before))
open(path, "w", encoding="utf-8").write(text.replace(before + "\n", after + "\n", 1))'
    cmake --build "$work/build" --target sim > "$work/build.log" 2>&1 || { cat "$work/build.log"; exit 70; }
    if "$work/build/sim" --seeds tests/sim/seeds.txt > "$work/sim.log" 2>&1 &&
        "$work/build/sim" --scenario script --runs 1000 > "$work/sim.log" 2>&1 &&
        "$work/build/sim" --scenario cometd --runs 1000 > "$work/sim.log" 2>&1 &&
        "$work/build/sim" --states "$states" > "$work/sim.log" 2>&1; then
        missed=$((missed + 1))
        echo "MISSED: $4 ($1)"
    else
        caught=$((caught + 1))
        echo "caught: $4: $(grep -m 1 -e FAILED -e broken "$work/sim.log" | cut -c1-120)"
    fi
    cp "$1" "$work/source/$1"
}

while IFS= read -r file; do
    case "$file" in '' | '#'*) continue ;; esac
    IFS= read -r before
    IFS= read -r after
    IFS= read -r why
    check "$file" "$before" "$after" "$why"
done < tests/sim/mutants.txt
echo "$caught caught, $missed missed"
[ "$missed" = 0 ]
