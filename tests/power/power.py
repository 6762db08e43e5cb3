"""Cuts the power of a virtual machine that writes a stream, again and again, and looks at what is left.

The machine's disk has a volatile write cache: QEMU logs each write and each flush (its driver "blklogwrites"), the
disk of the next boot is made of the log up to a place that is drawn: all before the last flush, and of what came
later each write or not, whole or torn at a sector. The next boot mounts it, lets the file system recover, and checks
the stream against what the machine had said on its console to be safe when the log had come to that place.
"""

import argparse
import os
import random
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

SECTOR = 512
MAGIC = 0x6a736677736872  # dm-log-writes, as QEMU writes it.
FLUSH, FUA, DISCARD = 1, 2, 4
BOOT_SECONDS = 180
MIB = 1 << 20

# File system: how it is made, the size of the disk, and the modules it needs beside those it names itself.
SYSTEMS = {
    "ext4": (["mkfs.ext4", "-q", "-F"], 64 * MIB, ["crc32c_generic"]),
    "ext4-nojournal": (["mkfs.ext4", "-q", "-F", "-O", "^has_journal"], 64 * MIB, ["crc32c_generic"]),
    "f2fs": (["mkfs.f2fs", "-q", "-f"], 128 * MIB, ["crc32_generic"]),
    "xfs": (["mkfs.xfs", "-q", "-f"], 320 * MIB, ["crc32c_generic"]),
    "btrfs": (["mkfs.btrfs", "-q", "-f"], 160 * MIB, ["crc32c_generic", "blake2b_generic", "xxhash_generic"]),
    "vfat": (["mkfs.vfat"], 64 * MIB, ["nls_cp437", "nls_ascii", "nls_utf8"]),
}

INIT = """#!/busybox sh
/busybox mount -t proc proc /proc
/busybox mount -t devtmpfs dev /dev
for module in $(/busybox cat /modules/order); do /busybox insmod /modules/$module; done
for word in $(/busybox cat /proc/cmdline); do case $word in sfe_*) export "$word" ;; esac; done
if /busybox mount -t $sfe_type /dev/vda /disk; then
    /stream_power /disk/state $sfe_durable $sfe_saved
else
    echo "FAILED: the file system cannot be mounted"
fi
/busybox poweroff -f
"""


def find_modules(folder, names):
    """Files of modules, those first that the others need."""
    files = {}
    for where, _, found in os.walk(folder):
        for name in found:
            if name.endswith(".ko"):
                files[name[:-3].replace("-", "_")] = os.path.join(where, name)
    order = []

    def add(name):
        if name not in files:
            return  # Built into the kernel.
        with open(files[name], "rb") as file:
            content = file.read()
        at = content.find(b"\0depends=")
        needs = content[at + 9:content.index(b"\0", at + 9)].decode() if at >= 0 else ""
        for need in needs.split(","):
            if need:
                add(need.replace("-", "_"))
        if files[name] not in order:
            order.append(files[name])
    for name in names:
        add(name)
    return order


def make_initramfs(path, options, system):
    """A cpio archive ("newc") of the few files that the machine has."""
    entries = []

    def add(name, mode, content=b""):
        entries.append((name, mode, content))

    def read(name):
        with open(name, "rb") as file:
            return file.read()
    for folder in ("proc", "dev", "disk", "modules"):
        add(folder, 0o040755)
    add("init", 0o100755, INIT.encode())
    add("busybox", 0o100755, read(options.busybox))
    add("stream_power", 0o100755, read(options.program))
    kind = system.split("-")[0]
    modules = find_modules(options.modules, ["virtio_pci", "virtio_blk"] + SYSTEMS[system][2] + [kind])
    for module in modules:
        add("modules/" + os.path.basename(module), 0o100644, read(module))
    add("modules/order", 0o100644, "\n".join(os.path.basename(module) for module in modules).encode())
    add("TRAILER!!!", 0)
    with open(path, "wb") as file:
        for number, (name, mode, content) in enumerate(entries, 1):
            fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
            head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
            file.write(head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4))


def read_log(path):
    """(offset, data, flags, end in the log) of each entry."""
    with open(path, "rb") as file:
        magic, _, count, sector_bytes = struct.unpack("<QQQI", file.read(28))
        if magic != MAGIC:
            return
        place = sector_bytes
        while True:
            file.seek(place)
            head = file.read(32)
            if len(head) < 32:
                return
            sector, sectors, flags, _ = struct.unpack("<QQQQ", head)
            if count == 0 and head == bytes(32):
                return  # Behind the last one; the count lags behind.
            count = max(count - 1, 0)
            place += sector_bytes
            data = b""
            if sectors and not flags & DISCARD:
                data = os.pread(file.fileno(), sectors * sector_bytes, place)
                if len(data) < sectors * sector_bytes:
                    return
                place += sectors * sector_bytes
            yield sector * sector_bytes, data, flags, place


def cut(disk, log, end, draw):
    """Makes of the disk before the boot, and of what the log holds up to `end`, the disk after the power cut."""
    entries = [entry for entry in read_log(log) if entry[3] <= end]
    last = max((i for i, entry in enumerate(entries) if entry[2] & FLUSH), default=-1)
    mood = draw.choice((0.05, 0.3, 0.5, 0.7, 0.95))
    lost = 0
    with open(disk, "r+b") as file:
        for i, (offset, data, flags, _) in enumerate(entries):
            if i <= last or flags & FUA or draw.random() < mood:
                os.pwrite(file.fileno(), data, offset)
            elif data and draw.random() < 0.5:
                lost += 1
                for at in range(0, len(data), SECTOR):
                    if draw.random() < 0.5:
                        os.pwrite(file.fileno(), data[at:at + SECTOR], offset + at)
            else:
                lost += 1 if data else 0
    return sum(1 for entry in entries[last + 1:] if entry[1]), lost


class Machine:
    def __init__(self, options, system, folder):
        self.options, self.system, self.folder = options, system, folder
        self.durable, self.saved = 0, 1  # What was safe when the power was cut last.
        self.said = []  # Since the last boot: bytes of the log when it was heard, what, and how far.
        self.disk = os.path.join(folder, "disk")
        self.initramfs = os.path.join(folder, "initramfs")
        make, size, _ = SYSTEMS[system]
        with open(self.disk, "wb") as file:
            file.truncate(size)
        subprocess.run(make + [self.disk], check=True, stdout=subprocess.DEVNULL)
        make_initramfs(self.initramfs, options, system)

    def start(self, scratch, log):
        shutil.copyfile(self.disk, scratch)
        with open(log, "wb"):
            pass
        speed = ["-accel", "kvm"] if self.options.kvm else ["-accel", "tcg"]
        words = "console=ttyS0 quiet panic=-1 no_timer_check sfe_type=%s sfe_durable=%d sfe_saved=%d" % (
            self.system.split("-")[0], self.durable, self.saved)
        return subprocess.Popen(
            ["qemu-system-x86_64"] + speed + [
                "-cpu", "max", "-m", "256", "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
                "-kernel", self.options.kernel, "-initrd", self.initramfs, "-append", words,
                "-blockdev", "driver=file,node-name=plain,cache.no-flush=on,filename=" + scratch,
                "-blockdev", "driver=file,node-name=log,cache.no-flush=on,filename=" + log,
                "-blockdev", "driver=blklogwrites,node-name=disk,file=plain,log=log",
                "-device", "virtio-blk-pci,drive=disk,write-cache=on"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def take(self, line, log):
        word, *rest = line.split() or [""]
        if word in ("durable", "saved"):
            self.said.append((os.path.getsize(log), word, int(rest[0])))
        elif word == "checked:":
            self.said.append((os.path.getsize(log), word, 0))
        elif "FAILED" in line or "anic" in line:
            raise AssertionError("%s: %s" % (self.system, line))

    def run(self, seconds):
        """Boots, lets it write for so long, and kills it."""
        scratch, log = (os.path.join(self.folder, name) for name in ("scratch", "log"))
        process = self.start(scratch, log)
        rest, deadline, self.said = b"", None, []
        limit = time.monotonic() + BOOT_SECONDS
        try:
            while deadline is None or time.monotonic() < deadline:
                if time.monotonic() > limit:
                    raise AssertionError("%s: the machine does not come up" % self.system)
                ready, _, _ = select.select([process.stdout], [], [], 0.02)
                data = os.read(process.stdout.fileno(), 65536) if ready else b""
                if ready and not data:
                    raise AssertionError("%s: the machine ended by itself" % self.system)
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self.take(line.decode(errors="replace").strip(), log)
                if self.said and deadline is None:
                    deadline = time.monotonic() + seconds
        finally:
            process.send_signal(signal.SIGKILL)
            rest += process.stdout.read()
            process.wait()
        *lines, _ = rest.split(b"\n")  # A line that was cut off said nothing.
        for line in lines:
            self.take(line.decode(errors="replace").strip(), log)
        return log

    def cut(self, log, draw):
        end = draw.choice([entry[3] for entry in read_log(log) if entry[3] >= self.said[0][0]])
        for size, word, value in self.said:
            if size <= end and word == "durable":
                self.durable = value
            elif size <= end and word == "saved":
                self.saved = value
        return cut(self.disk, log, end, draw)


def play(options, system, seed):
    draw = random.Random("%s %d" % (system, seed))
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(options, system, folder)
        unflushed = lost = 0
        for _ in range(options.cuts):
            after, gone = machine.cut(machine.run(draw.uniform(0.5, 2)), draw)
            unflushed += after
            lost += gone
        machine.run(0)
        print("%s: %d power cuts, %d events, cursor at %d: nothing lost, nothing damaged (%d writes were not "
              "flushed, %d of them lost or torn)" % (system, options.cuts, machine.durable, machine.saved,
                                                     unflushed, lost), flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--kernel", required=True)
    options.add_argument("--modules", required=True, help="lib/modules of that kernel")
    options.add_argument("--busybox", required=True, help="linked statically")
    options.add_argument("--program", required=True, help="stream_power")
    options.add_argument("--cuts", type=int, default=20)
    options.add_argument("--kvm", action="store_true", help="where it works: faster")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("systems", nargs="*", default=["ext4"])
    options = options.parse_args()
    failed = 0
    for system in options.systems:
        try:
            play(options, system, options.seed)
        except AssertionError as error:
            failed += 1
            print("FAILED: %s (seed %d)" % (error, options.seed), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
