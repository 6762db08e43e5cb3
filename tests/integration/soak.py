"""A site that is never left in peace: load for as long as is said, while the agent, the broker, the org, the disk and
the clock are disturbed in an order that a seed decides. At the end each record is in the org once and in order; and
an agent that is not killed has as much on its heap and as many descriptors after many disturbances as after the first.

    python3 tests/integration/soak.py BUILD [--seconds 600] [--rate 100] [--seed N]
"""

import argparse
import os
import random
import struct
import subprocess
import sys
import time

import site_parts as parts

HEAP_GROWTH_KB = 128  # What happens to be in flight when it is read.
# Pages of slots that are used for the first time, and fragments; the memory they are in was taken before the start.
TOUCHED_GROWTH_KB = 2048
LINK_FAULTS = ({"cut_before_commit": {"probability": 0.2}}, {"cut_after_commit": {"probability": 0.2}},
               {"status_503": {"probability": 0.5, "retry_after": 1}}, {"status_500": {"probability": 0.3}},
               {"html_200": {"probability": 0.3}}, {"truncated": {"probability": 0.3}},
               {"row_lock": {"probability": 0.05}}, {"halted": {"probability": 0.2}},
               {"wrong_count": {"probability": 0.2}}, {"token_expired": {"count": 2}},
               {"slow": {"probability": 0.5, "ms": 700}})


class SoakSite(parts.Site):
    """A small disk of its own, and a clock that is ours."""

    def __init__(self, build, seconds):
        super().__init__(build)
        self.move_clock(0)
        shims = [os.path.join(self.build, shim) for shim in ("clock_shim.so", "heap_shim.so")]
        for shim in shims:
            if not os.path.exists(shim):
                raise AssertionError(shim + " is not built")
        self.prefix = ["env", "LD_PRELOAD=" + ":".join(shims), "SFE_TEST_CLOCK=" + self.path("clock"),
                       "SFE_TEST_HEAP=" + self.path("heap")]
        os.mkdir(self.path("copies"))
        os.mkdir(self.path("state"))
        self.has_disk = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "none", self.path("state")],
                                       stderr=subprocess.DEVNULL, check=False).returncode == 0
        config = self.default_config()
        config["agent"]["log"] = "info"
        config["streams"]["telemetry"]["quota"] = "24MiB"
        config["streams"]["sales"]["quota"] = "8MiB"
        config["outputs"]["readings"]["order_by"] = "{topic.1}"
        self.write_config(config)
        self.seconds = seconds

    def move_clock(self, seconds):
        with open(self.path("clock.new"), "w", encoding="utf-8") as file:
            file.write("%d" % seconds)
        os.rename(self.path("clock.new"), self.path("clock"))

    def close(self):
        super().close()
        if self.has_disk:
            subprocess.run(["umount", "-l", self.path("state")], check=False)

    def delivered(self):
        """Records in the org; -1 while it does not answer."""
        try:
            return sum(kept["records"] for kept in self.audit()["objects"].values())
        except (OSError, AssertionError):
            return -1

    def wait_more(self, than, what):
        parts.wait_until(lambda: self.delivered() > than, 120, "more is delivered after " + what)

    def backlog(self):
        status = self.status()
        return sum(output["backlog"] for output in status["outputs"]) if status else 1 << 60

    # -- disturbances: each ends with the cause taken away -----------------------------------------

    def kill(self, _):
        self.kill_agent()
        self.start_agent(wait=False)

    def stop(self, _):
        code = self.stop_agent(60)
        if code != 0:
            raise AssertionError("a stop in order ended with %s" % code)
        self.start_agent(wait=False)

    def broker_restart(self, _):
        self.restart_broker()

    def org_down(self, rng):
        self.faults(down=True)
        time.sleep(rng.uniform(0.5, 6))
        self.faults(down=False)

    def org_faults(self, rng):
        self.faults(**rng.choice(LINK_FAULTS))
        time.sleep(rng.uniform(1, 6))
        self.faults()

    def clock_jump(self, rng):
        self.move_clock(rng.choice((-86400 * 400, -3600, -90, 90, 3600, 86400 * 400)))
        time.sleep(rng.uniform(0.5, 4))
        self.move_clock(0)

    def reload(self, rng):
        outputs = self.config["outputs"]
        if "copy" in outputs:
            del outputs["copy"]
        else:
            outputs["copy"] = {"type": "file", "from": "sales", "directory": self.path("copies"),
                               "name": "sales", "keep_files": 2}
        outputs["readings"]["batch_age"] = rng.choice(("50ms", "200ms", "500ms"))
        self.write_config(self.config)
        limit = time.monotonic() + 60
        while True:  # An agent that is just starting cannot be asked yet.
            code, _, err = self.command("reload", "--config", self.path("sfedge.json"))
            if code == 0:
                return
            if time.monotonic() > limit or code == 78:
                raise AssertionError("reload ended with %d: %s" % (code, err))
            time.sleep(0.2)

    def full_disk(self, rng):
        if not self.has_disk:
            return
        ballast = self.path("state/ballast")
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(65536))
            except OSError:
                pass
        self.faults(down=True)  # So that nothing is given back meanwhile.
        time.sleep(rng.uniform(1, 5))
        self.faults(down=False)
        os.unlink(ballast)


    def taken(self):
        """What the agent has of (heap in kB, RssAnon in kB, open descriptors) while nothing waits."""
        parts.wait_until(lambda: self.backlog() < 200, 180, "the backlog is gone")
        pid = self.agent.pid
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            anonymous = [line.split()[1] for line in file if line.startswith("RssAnon:")]
        with open(self.path("heap"), "rb") as file:
            heap, _ = struct.unpack("=QQ", file.read(16))
        return heap // 1024, int(anonymous[0]), len(os.listdir("/proc/%d/fd" % pid))


def disturb(site, rng, kinds, until):
    """Each kind once, then at random until the time has come; returns what the agent took after each."""
    readings, counts = [], {}
    queue = list(kinds)
    rng.shuffle(queue)
    while queue or time.monotonic() < until:
        kind = queue.pop() if queue else rng.choice(kinds)
        before = site.delivered()
        getattr(site, kind)(rng)
        site.wait_more(before, kind)
        counts[kind] = counts.get(kind, 0) + 1
        readings.append((kind, *site.taken()))
    print("%d disturbances: %s" % (len(readings), ", ".join("%s %d" % pair for pair in sorted(counts.items()))),
          flush=True)
    return readings


def check_flat(readings):
    """What the second half of the disturbances needed is what the first half needed."""
    half = len(readings) // 2
    for column, what, growth in ((1, "heap in kB", HEAP_GROWTH_KB), (2, "RssAnon in kB", TOUCHED_GROWTH_KB),
                                 (3, "descriptors", 1)):
        most = max(one[column] for one in readings[:half])
        later = max(one[column] for one in readings[half:])
        print("after each disturbance: %s at most %d, later %d" % (what, most, later), flush=True)
        if later > most + growth:
            raise AssertionError("the agent grows: %s" % [(one[0], one[column]) for one in readings])


def soak(site, rate, seed):
    rng = random.Random(seed)
    begun = time.monotonic()
    site.start_broker()
    site.start_org()
    site.start_agent()
    publisher = site.publish(wait=False, devices=20, tills=5, rate=rate, seconds=site.seconds, patience=300,
                             bytes=200)
    gentle = ["broker_restart", "org_down", "org_faults", "clock_jump", "reload", "full_disk"]
    disturb(site, rng, gentle + ["kill", "stop"], begun + site.seconds * 0.4)
    readings = disturb(site, rng, gentle, begun + site.seconds * 0.95)
    account = site.published(publisher, site.seconds + 300)
    site.wait_delivered(account, 300)
    site.check_exactly_once(account)
    check_flat(readings)
    if site.stop_agent() != 0:
        raise AssertionError("the agent did not end in order")
    if not parts.no_secrets(site.agent_log()):
        raise AssertionError("a secret stands in the log")
    print("%d messages in %d s, each in the org exactly once" % (account["published"], time.monotonic() - begun))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print("soak: seed %d, %d s, %d/s" % (options.seed, options.seconds, options.rate), flush=True)
    with SoakSite(options.build, options.seconds) as site:
        soak(site, options.rate, options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
