"""What a service manager hears: that the agent is ready when it runs, pings only while all three threads make progress (each
is stopped in turn), its state, reloads, and its end."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]
LIMIT_S = 0.9  # The agent pings three times as often.
PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
PTRACE_DETACH = 17
WALL = 0x40000000


class Manager:
    """The socket of a service manager, and all it has heard."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.messages = []
        self.waiting = []  # Heard by wait_for, and not looked at yet.

    def __enter__(self):
        os.environ["NOTIFY_SOCKET"] = self.path
        os.environ["WATCHDOG_USEC"] = str(int(LIMIT_S * 1e6))
        return self

    def __exit__(self, kind, value, trace):
        del os.environ["NOTIFY_SOCKET"]
        del os.environ["WATCHDOG_USEC"]
        self.socket.close()

    def hear(self, seconds):
        """What comes within that time, as lines; what came before is let go."""
        self.waiting.clear()
        heard = []
        limit = time.monotonic() + seconds
        while True:
            left = limit - time.monotonic()
            self.socket.settimeout(max(left, 0.001))
            try:
                heard += self.socket.recv(8192).decode().split("\n")
            except TimeoutError:
                break
            if left <= 0:
                break
        self.messages += heard
        return heard

    def wait_for(self, begin, seconds=30):
        """The first line that comes and begins so; what came behind it is there for the next call."""
        def heard():
            self.waiting = self.waiting or self.hear(0.05)
            while self.waiting:
                line = self.waiting.pop(0)
                if line.startswith(begin):
                    return line
            return None

        return parts.wait_until(heard, seconds, begin)


class Stopped:
    """One thread of a process stands still, as it does in a call that does not return."""

    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long

    def __init__(self, thread):
        self.thread = thread

    def trace(self, request):
        if self.libc.ptrace(request, self.thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace %#x" % request)

    def __enter__(self):
        self.trace(PTRACE_SEIZE)
        self.trace(PTRACE_INTERRUPT)
        os.waitpid(self.thread, WALL)
        return self

    def __exit__(self, kind, value, trace):
        self.trace(PTRACE_DETACH)


def threads(process):
    """Name -> id; the thread that began the process is edge."""
    found = {}
    for thread in os.listdir("/proc/%d/task" % process):
        with open("/proc/%d/task/%s/comm" % (process, thread), encoding="ascii") as file:
            found["edge" if int(thread) == process else file.read().strip()] = int(thread)
    return found


class ServiceManager(unittest.TestCase):
    def test_it_is_ready_when_it_runs_and_pings_while_all_threads_do(self):
        with parts.Site(BUILD) as site, Manager(site.folder) as manager:
            site.start_broker()
            site.start_org()
            site.start_agent()
            manager.wait_for("READY=1")
            manager.wait_for("STATUS=0 events wait, 1 of 1 sources connected")
            for name in ("flash", "cloud", "edge"):
                with self.subTest(thread=name):
                    thread = threads(site.agent.pid)[name]
                    with Stopped(thread):
                        manager.hear(LIMIT_S / 3)  # What was under way.
                        self.assertNotIn("WATCHDOG=1", manager.hear(2 * LIMIT_S))
                    manager.wait_for("WATCHDOG=1")
            self.check_reload(site, manager)
            self.assertEqual(site.stop_agent(), 0)
            manager.hear(0.2)
            self.assertIn("STOPPING=1", manager.messages)
            self.assertTrue(any(line.startswith("EXTEND_TIMEOUT_USEC=") for line in manager.messages))
            parts.no_secrets("\n".join(manager.messages))

    def check_reload(self, site, manager):
        manager.hear(0.05)
        before = len(manager.messages)
        site.config["agent"]["log"] = "info"
        site.write_config(site.config)
        code, _, error = site.command("reload", "--config", site.path("sfedge.json"))
        self.assertEqual(code, 0, error)
        manager.wait_for("READY=1")
        told = [line for line in manager.messages[before:] if line in ("RELOADING=1", "READY=1")]
        self.assertEqual(told, ["RELOADING=1", "READY=1"])

    def test_what_waits_and_what_is_not_connected_is_told(self):
        with parts.Site(BUILD) as site, Manager(site.folder) as manager:
            site.start_broker()
            site.start_org()
            site.faults(down=True)
            site.start_agent()
            account = site.publish(devices=5, tills=0, rate=100, seconds=1)
            self.assertGreater(account["published"], 0, account)
            manager.wait_for("STATUS=%d events wait, 1 of " % account["published"])
            site.stop_broker()
            parts.wait_until(lambda: "(not site)" in manager.wait_for("STATUS="), 30, "not site")
            manager.wait_for("WATCHDOG=1")
            site.restart_broker()
            site.faults()
            site.wait_delivered(account)
            manager.wait_for("STATUS=0 events wait")

    def test_an_agent_that_cannot_begin_is_never_ready(self):
        with parts.Site(BUILD) as site, Manager(site.folder) as manager:
            # The state directory of another one that runs.
            site.start_broker()
            site.start_org()
            site.start_agent()
            manager.wait_for("READY=1")
            manager.hear(0.05)
            second = subprocess.run([*site.program, "run", "--config", site.path("sfedge.json")],
                                    stderr=subprocess.PIPE, timeout=60, check=False)
            self.assertNotEqual(second.returncode, 0)
            self.assertNotIn("READY=1", manager.hear(0.1))
            site.agent.send_signal(signal.SIGKILL)
            site.agent.wait(20)
            site.agent = None


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
