#!/bin/sh
# Passes all tests on a fresh Debian 12 machine: builds with gcc and clang, with and without sanitizers, runs every
# kind of test, and the static checks. The last line says how many passed.
#   sh tests/run.sh          everything
#   sh tests/run.sh quick    one build, its unit, tidy and fuzz tests
set -u
cd "$(dirname "$0")/.." || exit 70
sh toolchains/debian.sh || exit $?

passed=0
failed=0
soak=
report=build/tests-report
mkdir -p build
: > "$report"

# count NAME STATUS: one check that is not a ctest.
count() {
    if [ "$2" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $1" | tee -a "$report"
    fi
}

# step NAME COMMAND...: quiet when it passes.
step() {
    name=$1
    shift
    if "$@" > build/step.log 2>&1; then
        count "$name" 0
    else
        count "$name" 1
        tail -n 60 build/step.log
    fi
}

# build PRESET [TARGETS]: all, or what its tests need.
build() {
    preset=$1
    shift
    cmake --preset "$preset" > build/configure.log 2>&1 &&
        cmake --build --preset "$preset" ${1:+--target "$@"} > build/build.log 2>&1
    status=$?
    count "build $preset" $status
    if [ $status != 0 ]; then
        tail -n 60 build/configure.log build/build.log
    fi
    return $status
}

# tests PRESET [CTEST OPTIONS]: counts each of its tests.
tests() {
    preset=$1
    shift
    ctest --preset "$preset" "$@" > "build/ctest-$preset.log" 2>&1
    line=$(grep 'tests passed,' "build/ctest-$preset.log" | tail -n 1)
    bad=$(printf '%s' "$line" | sed -n 's/.* \([0-9]*\) tests failed out of .*/\1/p')
    all=$(printf '%s' "$line" | sed -n 's/.*out of \([0-9]*\)$/\1/p')
    if [ -z "$all" ]; then
        count "tests $preset" 1
        tail -n 40 "build/ctest-$preset.log"
        return
    fi
    passed=$((passed + all - bad))
    failed=$((failed + bad))
    echo "$preset: $line"
    if [ "$bad" != 0 ]; then
        grep -v '^ *Start ' "build/ctest-$preset.log" | tail -n 200
        sed -n '/The following tests FAILED/,$p' "build/ctest-$preset.log" >> "$report"
    fi
}

sources() {
    git ls-files 'agent/*.[ch]' 'port/*.[ch]' 'tests/*.[ch]'
}

static_checks() {
    # shellcheck disable=SC2046 # Lists of files are wanted.
    step "clang-format" clang-format --dry-run --Werror $(sources)
    step "cppcheck" cppcheck --project=build/release/compile_commands.json --quiet --error-exitcode=1 \
        --enable=warning,performance,portability --inline-suppr --suppressions-list=tests/tidy/cppcheck.txt -j 2
    # shellcheck disable=SC2046
    step "clang-tidy" run_clang_tidy release $(git ls-files 'agent/*.c' 'port/*.c' | grep -v '/jq')
    # shellcheck disable=SC2046
    step "clang-tidy jq" run_clang_tidy jq $(git ls-files 'agent/*.c' 'port/*.c' | grep '/jq')
    # shellcheck disable=SC2046
    step "codespell" codespell -I tests/tidy/codespell.txt $(git ls-files | grep -v -e corpus/ -e LICENSE)
    # shellcheck disable=SC2046
    step "shellcheck" shellcheck $(git ls-files '*.sh' packaging/deb/p* packaging/sysv packaging/openwrt/files/sfedge.init) .ci/run
}

# The other machines it is built for: unit tests under an emulator.
cross() {
    sh tests/cross.sh > build/cross.log 2>&1
    line=$(tail -n 1 build/cross.log)
    bad=$(printf '%s' "$line" | sed -n 's/.* passed, \([0-9]*\) failed$/\1/p')
    all=$(printf '%s' "$line" | sed -n 's/^\([0-9]*\) passed.*/\1/p')
    passed=$((passed + ${all:-0}))
    failed=$((failed + ${bad:-1}))
    echo "cross: $line"
    if [ "${bad:-1}" != 0 ]; then
        tail -n 60 build/cross.log
        echo "FAILED: cross" >> "$report"
    fi
}

# run_clang_tidy PRESET FILES...
run_clang_tidy() {
    preset=$1
    shift
    printf '%s\n' "$@" | xargs -P 2 -n 8 clang-tidy --quiet -p "build/$preset" --warnings-as-errors='*'
}

if build release; then
    if [ "${1:-}" = quick ]; then
        tests release -L 'unit|tidy|fuzz' -j 2
    else
        # Ten minutes that mostly wait, beside all that follows.
        /usr/bin/python3 tests/integration/soak.py build/release --seconds 600 > build/soak.log 2>&1 &
        soak=$!
        tests release -j 4
    fi
fi
if [ "${1:-}" != quick ]; then
    build jq jq_tests && tests jq -L jq -j 2
    static_checks
    # Each test runs under AddressSanitizer once: whole processes built by gcc, functions by clang.
    build asan site sim && tests asan -L 'integration|sim' -j 4
    build tsan site thread_tests && tests tsan -L 'threads|integration' -LE slow -j 4
    build clang && tests clang -L 'unit|fuzz' -j 2
    cross
    if [ -n "$soak" ]; then
        wait "$soak"
        count "soak" $?
        tail -n 12 build/soak.log
    fi
fi

[ -s "$report" ] && cat "$report"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
