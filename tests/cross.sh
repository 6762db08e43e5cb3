#!/bin/sh
# Builds sfedge and its unit tests for other machines, runs the tests, and lets the agent do its main job through a kill
# on a site of this machine: ARM with Debian's cross compilers under qemu; i386, the check of everything 32-bit, runs by
# itself. Prints the size of the stripped program. The last line says how many builds and tests passed.
#   sh tests/cross.sh          armhf, arm64 and i386
#   sh tests/cross.sh armhf    one of them
set -u
cd "$(dirname "$0")/.." || exit 70
sh toolchains/debian.sh || exit $?

passed=0
failed=0
mkdir -p build

# The compilers, and qemu for the tests: as root at once, otherwise the line to run is printed.
install_tools() {
    missing=""
    for package in gcc-arm-linux-gnueabihf gcc-aarch64-linux-gnu qemu-user-static; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            missing="$missing $package"
        fi
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "Packages are missing. Run this once:" >&2
        echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing" >&2
        return 69
    fi
    apt-get -qq update || true
    # shellcheck disable=SC2086 # A list of words is wanted.
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing > /dev/null
}

# step NAME COMMAND...: one build step, quiet when it passes.
step() {
    name=$1
    shift
    if "$@" > build/cross-step.log 2>&1; then
        passed=$((passed + 1))
        return 0
    fi
    failed=$((failed + 1))
    echo "FAILED: $name"
    tail -n 60 build/cross-step.log
    return 1
}

build() {
    cmake --preset "$1" && cmake --build --preset "$1" --target sfedge unit_tests
}

# tests ARCHITECTURE: counts each test; what cannot run under qemu or for this user skips itself and is named.
tests() {
    log=build/ctest-$1.log
    ctest --preset "$1" -L unit -j 2 > "$log" 2>&1
    line=$(grep 'tests passed,' "$log" | tail -n 1)
    bad=$(printf '%s' "$line" | sed -n 's/.* \([0-9]*\) tests failed out of .*/\1/p')
    all=$(printf '%s' "$line" | sed -n 's/.*out of \([0-9]*\)$/\1/p')
    if [ -z "$all" ] || [ "$all" = 0 ]; then
        failed=$((failed + 1))
        echo "FAILED: no tests ran for $1"
        tail -n 40 "$log"
        return
    fi
    passed=$((passed + all - bad))
    failed=$((failed + bad))
    echo "$1: $line"
    sed -n "s/^\[  SKIPPED \] \([a-z0-9_]*\)$/$1: skipped \1/p" "build/$1/Testing/Temporary/LastTest.log" | sort -u
    if [ "$bad" != 0 ]; then
        grep -v '^ *Start ' "$log" | tail -n 200
    fi
}

# The parts of the site around the agent are this machine's own.
build_site() {
    cmake --preset release && cmake --build --preset release --target sfedge-org sfedge-devices
}

# cross ARCHITECTURE STRIP [EMULATOR]
cross() {
    step "sysroot $1" sh toolchains/sysroot.sh bookworm "$1" "build/sysroot-$1" || return
    step "build $1" build "$1" || return
    step "strip $1" "$2" -o "build/$1/sfedge-stripped" "build/$1/sfedge" || return
    echo "$1: sfedge, stripped: $(wc -c < "build/$1/sfedge-stripped") bytes"
    tests "$1"
    # shellcheck disable=SC2086 # A list of words is wanted.
    step "site $1" /usr/bin/python3 tests/integration/machine_test.py build/release \
        ${3:+$3 -L "build/sysroot-$1"} "build/$1/sfedge" &&
        sed -n "s/^.*\.\.\. \([0-9]* published.*\)$/$1: \1/p" build/cross-step.log
}

case ${1:-} in
'' | armhf | arm64 | i386) ;;
*)
    echo "usage: sh tests/cross.sh [armhf|arm64|i386]" >&2
    exit 64
    ;;
esac
install_tools || exit $?
if step "build release" build_site; then
    [ "${1:-armhf}" = armhf ] && cross armhf arm-linux-gnueabihf-strip qemu-arm-static
    [ "${1:-arm64}" = arm64 ] && cross arm64 aarch64-linux-gnu-strip qemu-aarch64-static
    [ "${1:-i386}" = i386 ] && cross i386 strip
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
