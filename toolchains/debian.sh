#!/bin/sh
# Installs what a Debian 12 machine needs to build sfedge and run all its tests. As root it does so at
# once; otherwise it prints the one line to run.
set -eu
packages="ca-certificates gcc clang clang-format clang-tidy libclang-rt-14-dev cppcheck cmake ninja-build
git python3 python3-jsonschema python3-prometheus-client openssl strace libcurl4-openssl-dev libmbedtls-dev libcjson-dev libpaho-mqtt-dev zlib1g-dev libjq-dev
libcmocka-dev mosquitto mosquitto-clients nghttp2-proxy codespell shellcheck tzdata
dpkg-dev make lintian debootstrap systemd busybox-static python3-kconfiglib"

missing=""
for package in $packages; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
        missing="$missing $package"
    fi
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "Packages are missing. Run this once:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing" >&2
    exit 69
fi
export DEBIAN_FRONTEND=noninteractive
# A broker started by its package would hold the standard port; ours run on free ones.
apt-get -qq update || true
# shellcheck disable=SC2086 # A list of words is wanted.
apt-get -qq install -y --no-install-recommends $missing >/dev/null
