"""Updates: a drain empties the agent before it ends, or says what is left; and what was begun by one release is ended by
another."""

import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]
WAIT = 120


def waiting_events(site):
    status = site.status()
    return sum(output["backlog"] for output in status["outputs"]) if status else -1


def reading(name):
    return json.dumps({"reading": name, "seq": 1, "value": 1.5, "ts": 1764000000000, "unit": "C"})


def start_site(site, config):
    site.write_config(config)
    site.start_broker()
    site.start_org()
    site.start_agent()


class Drains(unittest.TestCase):
    def config(self, site, port=None):
        config = site.default_config()
        config["outputs"]["readings"]["order_by"] = "{topic.1}"
        if port:
            config["inputs"]["webhook"] = {"type": "http", "listen": "127.0.0.1:%d" % port, "path": "/plant/h/telemetry",
                                           "auth": {"none": True}, "stream": "telemetry"}
        return config

    def drain(self, site, *words):
        return subprocess.Popen([*site.program, "drain", "--config", site.path("sfedge.json"), *words],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_draining(self, site, wanted=True):
        parts.wait_until(lambda: bool((site.status() or {}).get("draining")) == wanted, WAIT,
                         "draining is %s" % wanted)

    def fill(self, site, count):
        """The org is down, and so many events wait on flash."""
        site.faults(down=True)
        account = site.publish(devices=8, tills=2, count=count)
        parts.wait_until(lambda: waiting_events(site) >= count, WAIT, "%d events wait" % count)
        return account

    def test_what_was_taken_is_delivered_and_the_rest_stays_with_the_broker(self):
        with parts.Site(BUILD) as site:
            start_site(site, self.config(site))
            site.faults(seed=1, slow={"ms": 200})
            publisher = site.publish(wait=False, devices=8, tills=2, rate=200, count=1500)
            parts.wait_until(lambda: waiting_events(site) > 20, WAIT, "events wait")
            done = self.drain(site, "--within", "2m", "--json")
            out, err = done.communicate(timeout=WAIT)
            self.assertEqual(done.returncode, 0, err)
            self.assertEqual(json.loads(out)["drain"], "empty")
            self.assertEqual(json.loads(out)["left"], 0)
            self.assertEqual(site.agent.wait(5), 0)  # The command came back after its end.
            site.agent = None
            code, listed, _ = site.command("stream", "ls", "--config", site.path("sfedge.json"), "--json")
            self.assertEqual(code, 0)
            streams = json.loads(listed)["streams"]
            self.assertGreater(sum(stream["next"] - 1 for stream in streams), 20)
            self.assertEqual([output for stream in streams for output in stream["outputs"]
                              if output["unsettled"] != 0], [])
            account = site.published(publisher)
            site.faults()
            site.start_agent()
            site.wait_delivered(account)
            site.check_exactly_once(account)
            self.assertEqual(site.stop_agent(), 0)

    def test_a_drain_whose_time_is_over_says_what_is_left(self):
        with parts.Site(BUILD) as site:
            start_site(site, self.config(site))
            account = self.fill(site, 300)
            done = self.drain(site, "--within", "1s")
            out, err = done.communicate(timeout=WAIT)
            self.assertEqual(done.returncode, 75, err)
            self.assertIn("the time is over", err)
            self.assertRegex(out, r"\b240 left  readings/telemetry ")
            self.assertRegex(out, r"\b60 left  sales/sales ")
            self.assertEqual(site.agent.wait(5), 0)
            site.agent = None
            site.faults()
            site.start_agent()
            site.wait_delivered(account)
            site.check_exactly_once(account)

    def test_a_cancelled_or_lost_drain_takes_in_again(self):
        port = parts.free_port()
        with parts.Site(BUILD) as site:
            start_site(site, self.config(site, port))
            account = self.fill(site, 20)
            for ending, code in ((signal.SIGINT, 75), (signal.SIGKILL, -9)):
                done = self.drain(site)
                self.wait_draining(site)
                self.assertEqual(self.post(port, "while-%d" % ending), (503, True))
                site.publish_one("plant/held/telemetry", reading("held-%d" % ending))
                parts.wait_until(lambda: site.status()["links"][0]["blocked"], WAIT, "the message is held back")
                before = waiting_events(site)
                done.send_signal(ending)
                _, err = done.communicate(timeout=WAIT)
                self.assertEqual(done.returncode, code, err)
                self.wait_draining(site, False)
                self.assertEqual(self.post(port, "after-%d" % ending), (200, False))
                parts.wait_until(lambda: waiting_events(site) >= before + 2, WAIT, "what was held back is taken")
            site.faults()
            wanted = site.expected(account)["DeviceReading__c"] | {
                "%s-%d" % (name, ending) for name in ("held", "after") for ending in (2, 9)}
            parts.wait_until(lambda: len(site.ids("DeviceReading__c")) >= len(wanted), WAIT, "all are in the org")
            self.assertEqual(sorted(site.ids("DeviceReading__c")), sorted(wanted))

    def test_a_drain_that_stays_goes_on_with_the_same_agent(self):
        with parts.Site(BUILD) as site:
            start_site(site, self.config(site))
            account = self.fill(site, 100)
            done = self.drain(site, "--stay")
            self.wait_draining(site)
            site.publish_one("plant/d/telemetry", reading("later"))
            site.faults()
            out, err = done.communicate(timeout=WAIT)
            self.assertEqual(done.returncode, 0, err)
            self.assertTrue(out.endswith("all is delivered\n"), out)
            site.wait_delivered(account)
            parts.wait_until(lambda: "later" in site.ids("DeviceReading__c"), WAIT, "what came meanwhile is taken")
            self.assertIsNone(site.agent.poll())
            self.assertEqual(site.stop_agent(), 0)
            self.assertEqual(self.drain(site).wait(WAIT), 69)  # Nothing runs.

    @staticmethod
    def post(port, name):
        """The status, and whether it says when to come again."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/plant/h/telemetry", reading(name),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, answer.getheader("Retry-After") is not None


class Trials(unittest.TestCase):
    """A configuration that does not connect goes, and the last good one comes back."""

    def config(self, site, within="3s"):
        config = site.default_config()
        config["agent"]["confirm_within"] = within
        config["outputs"]["readings"]["order_by"] = "{topic.1}"
        return config

    def bad_broker(self, site, within="3s"):
        config = self.config(site, within)
        config["connections"]["site"]["url"] = "mqtt://127.0.0.1:%d" % parts.free_port()
        return config

    def bad_org(self, site, within="3s"):
        config = self.config(site, within)
        config["connections"]["crm"]["auth"]["username"] = "nobody@site.example"
        return config

    def wait_trial(self, site, state, missing=""):
        trial = parts.wait_until(
            lambda: [trial for trial in [(site.status() or {}).get("trial")] if trial and trial["state"] == state],
            WAIT, "the trial is " + state)[0]
        if missing:
            self.assertEqual(trial["missing"], missing)

    def reload(self, site, config):
        site.write_config(config)
        code, _, err = site.command("reload", "--config", site.path("sfedge.json"))
        self.assertEqual(code, 0, err)

    def wait_good_kept(self, site):
        parts.wait_until(lambda: os.path.exists(os.path.join(site.path("state"), "config.good")), WAIT,
                         "the good one is on flash")

    def start_good(self, site):
        start_site(site, self.config(site))
        self.wait_trial(site, "confirmed")
        self.wait_good_kept(site)

    def test_a_reload_that_does_not_connect_is_taken_back_and_nothing_is_lost(self):
        with parts.Site(BUILD) as site:
            self.start_good(site)
            publisher = site.publish(wait=False, devices=8, tills=2, rate=100, count=1500)
            for bad, missing in ((self.bad_broker(site), "site"), (self.bad_org(site), "crm")):
                self.reload(site, bad)
                with open(site.path("sfedge.json"), encoding="utf-8") as file:
                    theirs = file.read()
                self.wait_trial(site, "returned")
                parts.wait_until(site.connected, WAIT, "what was good is connected")
                self.assertIn("DOES NOT CONNECT: going back to the last good one\" missing=%s" % missing,
                              site.agent_log())
                code, text, _ = site.command("status", "--config", site.path("sfedge.json"))
                self.assertEqual(code, 0)
                self.assertIn("THE CONFIGURATION FILE DID NOT CONNECT", text)
                with open(site.path("sfedge.json"), encoding="utf-8") as file:
                    self.assertEqual(file.read(), theirs)  # It is the operator's.
            account = site.published(publisher)
            site.wait_delivered(account)
            site.check_exactly_once(account)
            # What was given up is not tried again by a start, and is by a reload.
            self.assertEqual(site.stop_agent(), 0)
            site.start_agent()
            self.wait_trial(site, "returned")
            self.reload(site, self.bad_org(site))
            self.wait_trial(site, "trying")
            self.reload(site, self.config(site))
            self.wait_trial(site, "confirmed")
            self.assertEqual(site.stop_agent(), 0)

    def test_a_start_that_does_not_connect_is_taken_back_whenever_it_is_cut_short(self):
        with parts.Site(BUILD) as site:
            self.start_good(site)
            account = site.publish(devices=4, tills=1, count=50)
            site.wait_delivered(account)
            self.assertEqual(site.stop_agent(), 0)
            site.write_config(self.bad_org(site))
            for cut in range(3):
                site.start_agent(wait=False)
                self.wait_trial(site, "trying")
                if cut == 1:
                    time.sleep(1)
                site.kill_agent()
            site.start_agent(wait=False)
            self.wait_trial(site, "returned")
            site.kill_agent()
            # Its mark may not have reached flash: then it is tried once more, and taken back again.
            site.start_agent(wait=False)
            self.wait_trial(site, "returned")
            parts.wait_until(site.connected, WAIT, "what was good is connected")
            site.publish_one("plant/d/telemetry", reading("behind"))
            parts.wait_until(lambda: "behind" in site.ids("DeviceReading__c"), WAIT, "it delivers")
            self.assertEqual(site.stop_agent(), 0)

    def test_one_that_cannot_come_back_by_a_reload_comes_with_the_next_start(self):
        with parts.Site(BUILD) as site:
            self.start_good(site)
            self.assertEqual(site.stop_agent(), 0)
            bad = self.bad_org(site)
            bad["agent"]["event_max"] = "128KiB"
            site.write_config(bad)
            site.start_agent(wait=False)
            self.assertEqual(site.agent.wait(WAIT), 75)
            site.start_agent()
            self.wait_trial(site, "returned")
            self.assertEqual(site.stop_agent(), 0)

    def test_an_org_that_is_away_does_not_take_back_what_changed_elsewhere(self):
        with parts.Site(BUILD) as site:
            self.start_good(site)
            self.assertEqual(site.stop_agent(), 0)
            site.stop_org()
            config = self.config(site)
            config["outputs"]["readings"]["batch_age"] = "300ms"
            site.write_config(config)
            site.start_agent()
            self.wait_trial(site, "confirmed")
            # One that nothing asks for yet is logged in to all the same.
            site.start_org()
            config["connections"]["other"] = dict(config["connections"]["crm"])
            self.reload(site, config)
            self.wait_trial(site, "confirmed")
            self.assertNotIn("going back", site.agent_log())
            self.assertEqual(site.stop_agent(), 0)


class Releases(unittest.TestCase):
    """The same source under another version: what one began the other ends, with all that waits."""

    OLD, NEW = b"0.1.0", b"9.1.0"

    def other_release(self, site):
        """The program with another version in it."""
        with open(site.program[0], "rb") as file:
            content = file.read()
        old, new = b"\0%s\0" % self.OLD, b"\0%s\0" % self.NEW
        self.assertGreater(content.count(old), 0)
        path = site.path("sfedge-next")
        with open(path, "wb") as file:
            file.write(content.replace(old, new))
        os.chmod(path, 0o755)
        return path

    def config(self, site):
        config = site.default_config()
        config["outputs"]["readings"]["order_by"] = "{topic.1}"
        config["agent"]["event_max"] = "16KiB"
        config["streams"]["telemetry"].update({"segment": "64KiB", "quota": "256KiB"})
        config["streams"]["sales"].update({"segment": "64KiB", "quota": "256KiB"})
        return config

    @staticmethod
    def begins_with(path, magic):
        with open(path, "rb") as file:
            return file.read(len(magic)) == magic

    def wait_full(self, site):
        parts.wait_until(lambda: any(stream["full"] for stream in (site.status() or {"streams": []})["streams"]), WAIT,
                         "a stream is full")

    def test_an_update_and_a_roll_back_with_a_full_queue_lose_nothing(self):
        with parts.Site(BUILD) as site:
            releases = [site.program[0], self.other_release(site)]
            start_site(site, self.config(site))
            site.faults(down=True)
            publisher = site.publish(wait=False, devices=8, tills=2, rate=400, count=3000)
            self.wait_full(site)
            held = []
            # Forward, and back; the last one is killed in between.
            for step, release in enumerate((releases[1], releases[0], releases[1], releases[0])):
                if step < 2:
                    self.assertEqual(site.stop_agent(), 0)
                else:
                    site.kill_agent()
                site.program = [release]
                code, text, _ = site.command("stream", "verify", "--config", site.path("sfedge.json"), "--json")
                self.assertEqual(code, 0, text)
                site.start_agent(wait=False)
                parts.wait_until(site.status, WAIT, "the agent runs")
                version = self.NEW if release == releases[1] else self.OLD
                self.assertEqual(site.status()["version"], version.decode())
                self.wait_full(site)
                held.append(waiting_events(site))
            self.assertTrue(all(count > 50 for count in held), held)
            # Delivered in part by one, and the rest by the other.
            site.faults(seed=1, slow={"ms": 100})
            parts.wait_until(lambda: site.object_audit("DeviceReading__c")["records"] > 100, WAIT, "it delivers")
            self.assertEqual(site.stop_agent(), 0)
            site.program = [releases[1]]
            site.start_agent()
            site.faults()
            account = site.published(publisher)
            self.assertEqual(account["published"], 3000)
            site.wait_delivered(account)
            site.check_exactly_once(account)
            self.assertEqual(site.stop_agent(), 0)

    def test_what_a_later_format_wrote_is_refused_and_not_touched(self):
        with parts.Site(BUILD) as site:
            start_site(site, self.config(site))
            site.faults(down=True)
            account = site.publish(devices=4, tills=1, count=50)
            parts.wait_until(lambda: waiting_events(site) >= 50, WAIT, "they wait")
            self.assertEqual(site.stop_agent(), 0)
            state = site.path("state")
            segment = sorted(name for name in os.listdir(state) if name.startswith("telemetry-"))[0]
            cursors = [name for name in sorted(os.listdir(state)) if name.startswith("cursors-") and
                       self.begins_with(os.path.join(state, name), b"SFECURS\n")][-1]  # Others are spares.
            for name, covered in ((segment, 84), (cursors, 16)):
                path = os.path.join(state, name)
                with open(path, "rb") as file:
                    original = file.read()
                later = bytearray(original)
                for page in (0, 4096):
                    self.assertEqual(crc32c(original[page:page + covered]),
                                     int.from_bytes(original[page + covered:page + covered + 4], "little"))
                    later[page + 8] = 99
                    later[page + covered:page + covered + 4] = crc32c(later[page:page + covered]).to_bytes(4, "little")
                with open(path, "r+b") as file:
                    file.write(later)
                before = contents(state)
                code, _, err = site.command("run", "--config", site.path("sfedge.json"))
                self.assertEqual(code, 65, err)
                self.assertIn("written by a newer version", err)
                self.assertEqual(contents(state), before)
                with open(path, "r+b") as file:
                    file.write(original)
            site.faults()
            site.start_agent()
            site.wait_delivered(account)
            site.check_exactly_once(account)


def contents(folder):
    found = {}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


def crc32c(content):
    value = 0xffffffff
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
    return value ^ 0xffffffff


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
