#!/bin/sh
# Unpacks Debian packages of another architecture, and what they depend on, into a folder of its own:
#   sh toolchains/sysroot.sh SUITE ARCHITECTURE FOLDER [PACKAGE...]
# Without packages: those sfedge and its tests need. Needs no root and no foreign architecture in dpkg, and
# does not touch the package database of the machine. A folder already complete is left as it is.
set -eu
if [ $# -lt 3 ]; then
    echo "usage: sh toolchains/sysroot.sh SUITE ARCHITECTURE FOLDER [PACKAGE...]" >&2
    exit 64
fi
suite=$1 architecture=$2 folder=$(realpath -m "$3")
shift 3
if [ $# = 0 ]; then
    set -- libcurl4-openssl-dev libmbedtls-dev libcjson-dev libpaho-mqtt-dev zlib1g-dev libcmocka-dev \
        libc6-dev linux-libc-dev libgcc-12-dev
fi

work=$folder/.apt
complete=$work/complete
wanted="$suite $architecture $*"
if [ -f "$complete" ] && [ "$(cat "$complete")" = "$wanted" ]; then
    exit 0
fi
# Left by a run that was cut short, or made for other packages: begin anew, but only in a folder of ours.
if [ -d "$work" ]; then
    rm -rf "$folder"
elif [ -d "$folder" ] && [ -n "$(ls -A "$folder")" ]; then
    echo "$folder is not empty and not a sysroot" >&2
    exit 73
fi
mkdir -p "$work/lists/partial" "$work/archives/partial"
: > "$work/status"

# The mirror this machine already uses, asked for another suite and architecture.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# shellcheck disable=SC2016 # $(REPO_URI) is for apt-get.
apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u | while read -r uri; do
    case $uri in
    *debian-security/) echo "deb [signed-by=$keyring] $uri $suite-security main" ;;
    *debian/) echo "deb [signed-by=$keyring] $uri $suite main" ;;
    esac
done > "$work/sources.list"
if ! [ -s "$work/sources.list" ]; then
    echo "apt knows no Debian mirror: run apt-get update first" >&2
    exit 69
fi

# ForceEssential=none keeps bash, dpkg and perl out.
apt_here() {
    apt-get -qq -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
        -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" \
        -o Dir::Cache="$work" -o Dir::Cache::Archives="$work/archives" \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o APT::Install-Recommends=0 \
        -o pkgCacheGen::ForceEssential=none "$@"
}
# A mirror caught while it is being updated: the release without its security suite will do.
if ! apt_here update; then
    echo "$folder: made without the security suite of $suite" >&2
    sed -i '/-security/d' "$work/sources.list"
    apt_here update
fi
apt_here -y --download-only install "$@" > /dev/null
for package in "$work"/archives/*.deb; do
    dpkg-deb -x "$package" "$folder"
done
rm -rf "$work/archives" "$work/lists"

# From trixie on, packages have no /lib.
for name in lib lib64; do
    if [ -d "$folder/usr/$name" ] && ! [ -e "$folder/$name" ]; then
        ln -s "usr/$name" "$folder/$name"
    fi
done
# An absolute link would lead out of the sysroot.
find "$folder" -path "$work" -prune -o -type l -lname '/*' -print | while read -r link; do
    target=$(realpath -m --relative-to="$(dirname "$link")" "$folder$(readlink "$link")")
    ln -sfn "$target" "$link"
done
echo "$wanted" > "$complete"
