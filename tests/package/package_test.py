"""The Debian package, in a clean root: it is built twice with two versions, checked, installed, run as its unit runs it,
upgraded with events waiting, removed, installed again and purged. As root; the root folder comes from apt's mirror."""

import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

BUILD = os.path.abspath(sys.argv[1])
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, "tests", "integration"))
from site_parts import free_port, wait_until  # pylint: disable=wrong-import-position

WORK = os.path.join(BUILD, "package-test")
ROOT = os.path.join(WORK, "root")
SKIPPED = 77
# As the unit does: no capability, and none to be had.
AS_USER = ["setpriv", "--reuid=sfedge", "--regid=sfedge", "--clear-groups", "--no-new-privs", "--bounding-set=-all",
           "--inh-caps=-all"]


def run(*words, **options):
    """Runs to the end; its output, or an error that shows it."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False, **options)
    if done.returncode != 0:
        raise AssertionError("%s: %d\n%s" % (" ".join(words), done.returncode, done.stdout.decode(errors="replace")))
    return done.stdout.decode(errors="replace")


def in_root(*words):
    return run("chroot", ROOT, *words, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C",
                                            "DEBIAN_FRONTEND": "noninteractive"})


def rooted(path):
    return os.path.join(ROOT, path.lstrip("/"))


def read(path):
    with open(rooted(path), encoding="utf-8") as file:
        return file.read()


def write(path, text, mode=0o644):
    with open(rooted(path), "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(rooted(path), mode)


def read_of_process(pid, name):
    with open("/proc/%d/%s" % (pid, name), encoding="utf-8") as file:
        return file.read()


def codename():
    with open("/etc/os-release", encoding="utf-8") as file:
        return re.search(r"^VERSION_CODENAME=(\S+)", file.read(), re.M).group(1)


def mirror():
    lines = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages").split("\n")
    return next(line.split()[0] for line in lines if line.split()[1:] == [codename()])


def build_package(version):
    folder = os.path.join(WORK, version)
    run("cpack", "-G", "DEB", "-B", folder, "-D", "CPACK_PACKAGE_VERSION=" + version, "-D",
        "CPACK_DEBIAN_PACKAGE_VERSION=" + version, cwd=BUILD)
    return next(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".deb"))


def depends(package):
    """The packages it needs, the first where there is a choice."""
    text = run("dpkg-deb", "-f", package, "Depends")
    return sorted({entry.split("|")[0].split("(")[0].strip() for entry in text.split(",")})


def unit():
    """The lines of the unit: key -> values."""
    found = {}
    for key, value in re.findall(r"^([A-Za-z]+)=(.*)$", read("/usr/lib/systemd/system/sfedge.service"), re.M):
        found.setdefault(key, []).append(value)
    return found


def calls_of(name):
    """System calls of a filter group, with those of the groups in it."""
    if not name.startswith("@"):
        return {name}
    found = set()
    for line in run("systemd-analyze", "syscall-filter", name).split("\n")[1:]:
        word = line.strip()
        if word and not word.startswith("#"):
            found |= calls_of(word)
    return found


class Manager:
    """What systemd would hear, at a socket in the root."""

    def __init__(self):
        path = rooted("/run/notify")
        if os.path.exists(path):
            os.unlink(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.socket.setblocking(False)
        self.heard = ""

    def close(self):
        self.socket.close()

    def has_heard(self, line):
        try:
            while True:
                self.heard += self.socket.recv(8192).decode() + "\n"
        except BlockingIOError:
            return line in self.heard.split("\n")


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shutil.rmtree(WORK, ignore_errors=True)
        os.makedirs(ROOT)
        # In memory, where that is allowed: thousands of small files that are synced.
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", WORK], check=False)
        os.makedirs(ROOT, exist_ok=True)
        cls.first = build_package("0.1.0")
        cls.bootstrap = threading.Thread(target=cls.make_root)
        cls.bootstrap.start()
        cls.second = build_package("0.1.1")
        cls.port = free_port()
        with open(os.path.join(WORK, "mosquitto.conf"), "w", encoding="utf-8") as file:
            file.write("listener %d 127.0.0.1\nallow_anonymous true\nuser root\n" % cls.port)
        cls.broker = subprocess.Popen(["mosquitto", "-c", file.name], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)

    @classmethod
    def make_root(cls):
        cls.problem = None
        try:
            run("debootstrap", "--variant=minbase", "--include=" + ",".join(depends(cls.first)), codename(), ROOT,
                mirror())
            os.makedirs(rooted("/var/spool/export"))
            subprocess.run(["mount", "-t", "proc", "proc", rooted("/proc")], check=True)
        except (AssertionError, OSError, subprocess.SubprocessError) as problem:
            cls.problem = problem

    @classmethod
    def tearDownClass(cls):
        cls.broker.terminate()
        cls.broker.wait(20)
        for path in (rooted("/proc"), WORK):
            subprocess.run(["umount", path], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(WORK, ignore_errors=True)

    def setUp(self):
        self.agent = None

    def tearDown(self):
        if self.agent is not None and self.agent.poll() is None:
            self.agent.kill()
            self.agent.wait(20)

    # -- parts of the way ------------------------------------------------------

    def install(self, package):
        shutil.copy(package, rooted("/tmp/sfedge.deb"))
        in_root("dpkg", "--install", "--force-confold", "/tmp/sfedge.deb")

    def check_files(self):
        self.assertIn("sfedge", in_root("id", "-nG", "sfedge"))
        self.assertEqual(in_root("stat", "-c", "%U:%G %a", "/etc/sfedge", "/var/lib/sfedge"),
                         "root:sfedge 750\nsfedge:sfedge 750\n")
        self.assertEqual(run("systemctl", "--root=" + ROOT, "is-enabled", "sfedge.service"), "enabled\n")
        with gzip.open(rooted("/usr/share/man/man8/sfedge.8.gz"), "rt") as page:
            self.assertIn("sfedge run", page.read().replace("\\fB", "").replace("\\fR", "").replace("\n", " "))
        self.assertTrue(os.path.exists(rooted("/usr/share/man/man5/sfedge.json.5.gz")))
        run("bash", "-n", rooted("/usr/share/bash-completion/completions/sfedge"))
        with open(os.path.join(SOURCE, "config", "sfedge.schema.json"), encoding="utf-8") as file:
            self.assertEqual(read("/usr/share/sfedge/sfedge.schema.json"), file.read())
        self.assertTrue(os.path.exists(rooted("/usr/share/doc/sfedge/examples/till.json")))
        for path in ("/etc/sfedge/sfedge.json", "/etc/systemd/system/multi-user.target.wants/sfedge.service"):
            self.assertEqual(os.path.lexists(rooted(path)), "wants" in path, path)

    def check_unit(self):
        run("systemd-analyze", "verify", "--man=no", "--root=" + ROOT, "sfedge.service")
        for drop_in in ("serial", "files", "credentials"):
            folder = rooted("/etc/systemd/system/sfedge.service.d")
            os.makedirs(folder)
            shutil.copy(rooted("/usr/share/doc/sfedge/examples/systemd/%s.conf" % drop_in), folder)
            said = run("systemd-analyze", "verify", "--man=no", "--root=" + ROOT, "sfedge.service")
            self.assertNotIn("sfedge", said)
            shutil.rmtree(folder)
        run("systemd-analyze", "security", "--offline=true", "--threshold=15",
            rooted("/usr/lib/systemd/system/sfedge.service"))

    def configure(self):
        write("/etc/sfedge/sfedge.json", json.dumps({
            "agent": {"id": "package-test", "state": "/var/lib/sfedge"},
            "connections": {"site": {"type": "mqtt", "url": "mqtt://127.0.0.1:%d" % self.port, "username": "gateway",
                                     "password_file": "mqtt.password"}},
            "streams": {"telemetry": {"quota": "16MiB"}},
            "inputs": {"readings": {"type": "mqtt", "connection": "site", "topic": "plant/#", "stream": "telemetry"}},
            "outputs": {"kept": {"type": "file", "from": "telemetry", "directory": "/var/spool/export",
                                 "name": "kept"}}}))
        write("/etc/sfedge/mqtt.password", "secret\n", 0o640)
        in_root("chgrp", "sfedge", "/etc/sfedge/mqtt.password")
        in_root(*AS_USER, "sfedge", "check")

    def start(self, *before):
        """By the unit's own command, as its user."""
        manager = Manager()
        self.agent = subprocess.Popen(
            [*before, "chroot", ROOT, *AS_USER, *unit()["ExecStart"][0].split()], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "3000000"})
        wait_until(lambda: manager.has_heard("READY=1"), 60, "READY=1")
        self.wait_connected()
        wait_until(lambda: manager.has_heard("WATCHDOG=1"), 60, "WATCHDOG=1")
        manager.close()

    def agent_pids(self):
        """Processes of the installed program."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/exe" % pid) == rooted("/usr/bin/sfedge"):
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def stop(self):
        for pid in self.agent_pids():
            os.kill(pid, signal.SIGTERM)
        self.assertEqual(self.agent.wait(60), 0)

    def status(self):
        try:
            return json.loads(in_root(*AS_USER, "sfedge", "status", "--json"))
        except AssertionError:
            return None

    def wait_connected(self):
        def is_connected():
            status = self.status()
            return status is not None and all(link["connected"] for link in status["links"])

        wait_until(is_connected, 60, "the agent is connected")

    def publish(self, first, count):
        subprocess.run(["mosquitto_pub", "-p", str(self.port), "-q", "1", "-t", "plant/p1", "-l"], check=True, timeout=60,
                       input="".join('{"id":%d}\n' % number for number in range(first, first + count)).encode())

    def exported(self):
        """The ids in the files of the output, in order."""
        text = ""
        for name in sorted(os.listdir(rooted("/var/spool/export"))):
            text += read("/var/spool/export/" + name)
        return [int(number) for number in re.findall(r'\\?"id\\?":(\d+)', text)]

    def wait_exported(self, count):
        wait_until(lambda: len(self.exported()) >= count, 60, "%d events in the files" % count)
        self.assertEqual(self.exported(), list(range(count)))

    def wait_backlog(self, count):
        def backlog():
            status = self.status()
            return status is not None and status["outputs"][0]["backlog"] == count

        wait_until(backlog, 60, "a backlog of %d" % count)

    def check_calls(self, trace):
        """Nothing that the filter of the unit refuses."""
        allowed = set()
        for value in unit()["SystemCallFilter"]:
            for word in value.lstrip("~").split():
                allowed = allowed - calls_of(word) if value.startswith("~") else allowed | calls_of(word)
        with open(trace, encoding="utf-8", errors="replace") as file:
            text = file.read()
        text = text[text.index('execve("/usr/bin/sfedge"'):]
        made = set(re.findall(r"^\d+ +([a-z0-9_]+)\(", text, re.M))
        self.assertIn("fdatasync", made)
        self.assertEqual(made - allowed, set())

    # -- the way ---------------------------------------------------------------

    def test_lintian_has_nothing_to_say(self):
        said = run("lintian", "--allow-root", "--fail-on", "error,warning", self.first)
        self.assertNotRegex(said, r"(?m)^[EW]: ")

    def test_the_package_is_installed_run_upgraded_removed_and_purged(self):
        self.bootstrap.join()
        if self.problem is not None:
            raise self.problem
        self.install(self.first)
        self.check_files()
        self.check_unit()
        self.configure()
        in_root("chown", "sfedge", "/var/spool/export")
        self.start()
        self.publish(0, 50)
        self.wait_exported(50)
        in_root(*AS_USER, *unit()["ExecReload"][0].split())
        # What waits when the upgrade comes: the output cannot write.
        self.stop()
        os.rename(rooted("/var/spool/export"), rooted("/var/spool/kept"))
        self.start()
        self.publish(50, 25)
        self.wait_backlog(25)
        self.stop()
        self.check_upgrade()
        self.check_init_script()
        self.check_end()

    def check_upgrade(self):
        write("/etc/default/sfedge", "RETRY_S=1 # Changed here.\n")
        self.install(self.second)
        self.assertIn("0.1.1", in_root("dpkg-query", "-W", "-f", "${Version}", "sfedge"))
        self.assertEqual(read("/etc/default/sfedge"), "RETRY_S=1 # Changed here.\n")
        self.assertIn("package-test", read("/etc/sfedge/sfedge.json"))
        os.rename(rooted("/var/spool/kept"), rooted("/var/spool/export"))
        trace = os.path.join(WORK, "trace")
        self.start("strace", "-f", "-qq", "-o", trace)
        self.wait_exported(75)
        self.publish(75, 25)
        self.wait_exported(100)
        self.stop()
        self.check_calls(trace)

    def check_init_script(self):
        """The script for machines without systemd, under BusyBox: it starts the agent again after a kill."""
        shutil.copy(shutil.which("busybox"), rooted("/bin/busybox"))
        os.makedirs(rooted("/bb"))
        in_root("/bin/busybox", "--install", "-s", "/bb")
        shutil.copy(os.path.join(SOURCE, "packaging", "sysv", "S50sfedge"), rooted("/etc/S50sfedge"))
        script = ["env", "PATH=/bb", "/bin/busybox", "sh", "/etc/S50sfedge"]
        in_root(*script, "start")
        self.wait_connected()
        killed = self.agent_pids()
        self.assertEqual(len(killed), 1)
        self.assertIn("Uid:\t%s\t" % in_root("id", "-u", "sfedge").strip(), read_of_process(killed[0], "status"))
        os.kill(killed[0], signal.SIGKILL)
        wait_until(lambda: self.agent_pids() not in ([], killed), 60, "another agent")
        self.wait_connected()
        self.publish(100, 10)
        self.wait_exported(110)
        in_root(*script, "reload")
        in_root(*script, "stop")
        self.assertEqual(self.agent_pids(), [])
        for path in ("/bb", "/bin/busybox", "/etc/S50sfedge"):
            (shutil.rmtree if path == "/bb" else os.unlink)(rooted(path))

    def check_end(self):
        in_root("dpkg", "--remove", "sfedge")
        self.assertFalse(os.path.exists(rooted("/usr/bin/sfedge")))
        for path in ("/etc/sfedge/sfedge.json", "/etc/default/sfedge", "/var/lib/sfedge"):
            self.assertTrue(os.path.exists(rooted(path)), path)
        self.assertTrue([name for name in os.listdir(rooted("/var/lib/sfedge")) if "telemetry" in name])
        # Installed again it goes on where it stood.
        self.install(self.second)
        self.start()
        self.publish(110, 5)
        self.wait_exported(115)
        self.stop()
        in_root("dpkg", "--purge", "sfedge")
        left = run("find", ROOT, "-xdev", "(", "-path", rooted("/proc"), "-o", "-path", rooted("/tmp"), ")", "-prune", "-o",
                   "-name", "*sfedge*", "-print").split()
        self.assertEqual(left, [])


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: a clean root can be made by root only")
        sys.exit(SKIPPED)
    if "--alone" not in sys.argv:
        # What is mounted here goes with the test.
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv, "--alone"])
    unittest.main(argv=sys.argv[:1], verbosity=2)
