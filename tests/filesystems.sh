#!/bin/sh
# The stream on real file systems, by root: on images that are mounted here, where the process is killed and the
# file system taken away and mounted again; and on a virtual machine's disk, where the power is cut. Not part of
# tests/run.sh: it needs root, loop devices, QEMU, and a kernel with its modules.
#   sh tests/filesystems.sh [CUTS]
# What is not there is said and left out. For the machine: qemu-system-x86, f2fs-tools, xfsprogs, btrfs-progs,
# dosfstools; and for those that are not installed, SFE_KERNEL (vmlinuz), SFE_MODULES (its lib/modules),
# SFE_BUSYBOX (linked statically).
set -u
cd "$(dirname "$0")/.." || exit 70
cuts=${1:-10}
failed=0
cmake --preset release > /dev/null && cmake --build --preset release --target stream_power > /dev/null || exit 70
program=$PWD/build/release/stream_power
work=$(mktemp -d)
trap 'umount "$work/disk" 2> /dev/null; rm -rf "$work"' EXIT
mkdir "$work/disk"

# value WORD FILE ELSE: the last number that was said after WORD, in a line that was finished.
value() {
    number=$(grep -a "^$1 [0-9]*$" "$2" | tail -n 1 | cut -d' ' -f2)
    echo "${number:-$3}"
}

# The process that was killed may still wait for the medium.
leave() {
    tries=0
    until umount "$work/disk" 2> /dev/null; do
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ]; then
            echo "FAILED: $work/disk stays busy"
            failed=1
            return 1
        fi
        sleep 0.1
    done
}

# on NAME MIB MAKE...: kills the process, and mounts anew between its runs.
on() {
    name=$1
    size=$2
    shift 2
    if ! grep -qw "$name" /proc/filesystems || ! command -v "$1" > /dev/null; then
        echo "$name: left out: no '$1', or the kernel does not know it"
        return
    fi
    truncate -s "${size}M" "$work/image"
    "$@" "$work/image" > /dev/null || return
    durable=0
    saved=1
    round=0
    while [ "$round" -lt "$cuts" ]; do
        if ! mount -o loop -t "$name" "$work/image" "$work/disk"; then
            echo "$name: left out: it cannot be mounted"
            break
        fi
        timeout -s KILL "0.$((3 + round % 6))" "$program" "$work/disk/state" "$durable" "$saved" > "$work/said" 2>&1
        if ! grep -q '^checked' "$work/said" || grep -q FAILED "$work/said"; then
            echo "FAILED: $name: $(head -n 1 "$work/said")"
            failed=1
        fi
        durable=$(value durable "$work/said" "$durable")
        saved=$(value saved "$work/said" "$saved")
        leave || return
        round=$((round + 1))
    done
    [ "$round" -lt "$cuts" ] || echo "$name: killed $cuts times, $durable events"
    rm -f "$work/image"
}

on ext4 64 mkfs.ext4 -q -F
on f2fs 128 mkfs.f2fs -q -f
on xfs 320 mkfs.xfs -q -f
on btrfs 160 mkfs.btrfs -q -f
on vfat 64 mkfs.vfat

newest() {
    find "$@" 2> /dev/null | sort | tail -n 1
}
kernel=${SFE_KERNEL:-$(newest /boot -name 'vmlinuz-*')}
modules=${SFE_MODULES:-$(newest /lib/modules -mindepth 1 -maxdepth 1)}
busybox=${SFE_BUSYBOX:-$(command -v busybox)}
if ! command -v qemu-system-x86_64 > /dev/null || [ -z "$kernel" ] || [ -z "$modules" ] || [ -z "$busybox" ]; then
    echo "power cuts: left out: no QEMU, kernel, modules or busybox"
    exit $failed
fi
python3 tests/power/power.py --kernel "$kernel" --modules "$modules" --busybox "$busybox" --program "$program" \
    --cuts "$cuts" ext4 f2fs xfs btrfs || failed=1
exit $failed
