"""tap, trace and top on a running site: what operators look at must be true, and must harm nobody."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import unittest

import site_parts as parts

BUILD = sys.argv[1]
CARD = "4111111111111111"


def reading(number, **more):
    return json.dumps({"reading": "x-%d" % number, "seq": number, "ts": 1795478400123, "value": 1.5,
                       "unit": "C", **more})


class Watch(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.children = []
        self.addCleanup(self.end_children)
        self.config = self.site.path("sfedge.json")

    def end_children(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.communicate()

    def start_site(self, change=None):
        config = self.site.default_config()
        if change:
            change(config)
        self.site.write_config(config)
        self.site.start_broker()
        self.site.start_org()
        self.site.start_agent()

    def start(self, *words, waits=True):
        """A command that follows; with `waits` it follows already when this returns."""
        child = subprocess.Popen([os.path.join(self.site.build, "sfedge"), *words, "-c",
                                  self.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.children.append(child)
        if waits:
            self.assertIn(b"following", child.stderr.readline())
        return child

    def lines(self, child, limit=60):
        """What it printed, once it has ended by itself."""
        out, err = child.communicate(timeout=limit)
        self.assertEqual(child.returncode, 0, err)
        return [json.loads(line) for line in out.decode().splitlines()]

    def run_command(self, *words, code=0):
        found, text, error = self.site.command(*words, "-c", self.config)
        self.assertEqual(found, code, text + error)
        return text + error if code else text

    def trace(self, *words):
        return json.loads(self.run_command("trace", *words, "--json"))

    def output(self):
        return next(output for output in self.site.status()["outputs"]
                    if output["name"] == "readings")

    def wait_settled(self, count):
        parts.wait_until(lambda: self.output()["cursor"] == count + 1, 60, "%d settled" % count)


class Tap(Watch):
    def test_each_stage_is_shown_with_what_belongs_to_it(self):
        self.start_site()
        tap = self.start("tap", "--json", "-n", "4", "--topic", "plant/+/telemetry")
        self.site.publish_one("pos/1/sale", "{}")
        self.site.publish_one("plant/a/telemetry", reading(1))
        notes = {note["stage"]: note for note in self.lines(tap)}
        self.assertEqual(set(notes), {"accepted", "durable", "batched", "answered"})
        for note in notes.values():
            self.assertEqual((note["stream"], note["sequence"], note["topic"], note["input"]),
                             ("telemetry", 1, "plant/a/telemetry", "readings"))
            self.assertEqual(note["payload_bytes"], len(reading(1)))
            self.assertNotIn("payload", note)
        self.assertGreater(notes["durable"]["segment"], 0)
        self.assertEqual((notes["batched"]["output"], notes["batched"]["try"],
                          notes["batched"]["request"]), ("readings", 1, 1))
        self.assertEqual(notes["answered"]["outcome"], "done")
        self.assertEqual(len(notes["answered"]["record_id"]), 18)

    def test_filters_choose_and_dead_letters_say_why(self):
        self.start_site()
        tap = self.start("tap", "--json", "-n", "2", "--at", "dead,answered", "--output", "readings")
        self.site.publish_one("plant/a/telemetry", reading(1, value="12,5"))
        self.site.publish_one("plant/a/telemetry", reading(2))
        notes = self.lines(tap)
        self.assertEqual([(note["stage"], note["sequence"]) for note in notes],
                         [("dead", 1), ("answered", 2)])
        self.assertEqual((notes[0]["code"], notes[0]["dead_sequence"]), ("SFE-UNMAPPED", 1))
        self.assertIn("it is some of accepted,durable",
                      self.run_command("tap", "--at", "nonsense", code=64))
        self.assertIn("from 1", self.run_command("tap", "-n", "0", code=64))

    def test_a_payload_is_shown_on_request_and_then_masked(self):
        def encrypt(config):
            key = self.site.path("stream.key")
            with open(key, "w", encoding="ascii") as file:
                file.write("ab" * 32)
            os.chmod(key, 0o600)
            for name in ("telemetry", "dead"):
                config["streams"].setdefault(name, {"quota": "16MiB"}).update(
                    {"encrypt": True, "encrypt_key_file": key})
            config["inputs"]["readings"].update({"mask": ["pin"], "card_guard": True})
        self.start_site(encrypt)
        tap = self.start("tap", "--json", "-n", "4", "--payload")
        self.site.publish_one("plant/a/telemetry", reading(1, pin="777888", note="card " + CARD))
        notes = self.lines(tap)
        self.assertEqual(len(notes), 4)
        for note in notes:
            self.assertIn("x-1", note["payload"])
            self.assertNotIn("777888", note["payload"])
            self.assertNotIn(CARD, note["payload"])

    def test_a_reader_that_stops_holds_nobody_up_and_sees_what_it_missed(self):
        self.start_site()
        tap = self.start("tap", "--json", "--at", "accepted", "--payload")
        tap.send_signal(signal.SIGSTOP)
        count = 3000
        account = self.site.publish(devices=2, tills=0, count=count)
        self.site.wait_delivered(account)
        self.site.check_exactly_once(account)
        self.assertTrue(self.site.connected())
        tap.send_signal(signal.SIGCONT)
        seen, missed = 0, 0
        while seen + missed < count:
            note = json.loads(tap.stdout.readline())
            missed += note.get("not_shown", 0)
            if "stage" in note:
                seen += 1
                self.assertEqual(note["payload_bytes"] > 0, True)
        self.assertEqual(seen + missed, count)
        self.assertGreater(missed, 0)
        # Another may look while it does, but not follow as well.
        self.assertIn("another tap", self.run_command("tap", code=69))
        tap.kill()
        tap.communicate()
        again = self.start("tap", "--json", "-n", "1")
        self.site.publish_one("plant/a/telemetry", reading(count + 1))
        self.assertEqual(len(self.lines(again)), 1)

    def test_the_end_of_the_agent_ends_it(self):
        self.start_site()
        tap = self.start("tap")
        self.site.stop_agent()
        _, err = tap.communicate(timeout=30)
        self.assertEqual(tap.returncode, 69)
        self.assertIn(b"the agent has ended", err)
        self.assertIn("no agent is running", self.run_command("tap", code=69))


class Trace(Watch):
    def test_a_done_event_is_found_by_number_and_by_external_id(self):
        self.start_site()
        self.site.publish_one("plant/a/telemetry", reading(1))
        self.wait_settled(1)
        for name in ("telemetry:1", "x-1"):
            way = self.trace(name)
            self.assertEqual((way["event"], way["agent_runs"]), ("telemetry:1", True))
            self.assertEqual(way["received"]["topic"], "plant/a/telemetry")
            self.assertIn(way["received"]["clock"], ("synced", "coasting"))
            self.assertGreater(way["received"]["segment"], 0)
            answer, = way["answers"]
            self.assertEqual((answer["outcome"], answer["try"], answer["request"]), ("done", 1, 1))
            self.assertEqual(len(answer["record_id"]), 18)
            self.assertTrue(way["outputs"][0]["settled"])
            self.assertEqual((way["dead"], way["unknown"]), ([], []))
        text = self.run_command("trace", "x-1")
        self.assertIn("settled   output readings", text)
        self.assertIn("answered telemetry:1 -> readings try 1 request 1 done a0", text)
        self.assertIn("no event on flash", self.run_command("trace", "x-2", code=69))
        self.assertIn("has not come yet", self.run_command("trace", "telemetry:2"))
        self.run_command("trace", code=64)
        self.run_command("trace", "x-1", "--topic", "#", code=64)

    def test_a_retried_and_a_dead_event_show_each_answer(self):
        self.start_site()
        self.site.faults(row_lock={"probability": 1})
        self.site.publish_one("plant/a/telemetry", reading(1))
        parts.wait_until(lambda: self.output()["retried"] > 0, 60, "a retry")
        way = self.trace("telemetry:1")
        self.assertEqual(way["answers"][0]["outcome"], "retry")
        self.assertEqual(way["answers"][0]["api_code"], "UNABLE_TO_LOCK_ROW")
        self.assertFalse(way["outputs"][0]["settled"])
        # It is followed from here to its end.
        follow = self.start("trace", "x-1", "--follow", "--json", waits=False)
        self.assertEqual(json.loads(follow.stdout.readline())["event"], "telemetry:1")
        self.site.faults()
        rest = self.lines(follow)
        self.assertEqual((rest[-1]["outcome"], rest[-1]["sequence"]), ("done", 1))
        self.wait_settled(1)
        outcomes = [answer["outcome"] for answer in self.trace("telemetry:1")["answers"]]
        self.assertEqual((outcomes[0], outcomes[-1]), ("retry", "done"))
        self.site.publish_one("plant/a/telemetry", reading(2, unit="much too long " * 40))
        self.wait_settled(2)
        way = self.trace("telemetry:2")
        self.assertEqual([answer["stage"] for answer in way["answers"]], ["answered", "dead"])
        self.assertEqual(way["answers"][0]["outcome"], "refused")
        self.assertEqual(way["dead"][0]["sequence"], 1)
        self.assertEqual(way["dead"][0]["why"]["api_code"], way["answers"][0]["api_code"])
        self.assertIn("dead      letter 1", self.run_command("trace", "telemetry:2"))

    def test_the_next_event_of_a_topic_is_followed_to_its_end(self):
        self.start_site()
        follow = self.start("trace", "--topic", "plant/b/#", "--follow", "--json")
        self.site.publish_one("plant/a/telemetry", reading(1))
        self.site.publish_one("plant/b/telemetry", reading(2))
        notes = self.lines(follow)
        self.assertEqual({note["sequence"] for note in notes}, {2})
        self.assertEqual(notes[-1]["outcome"], "done")

    def test_without_the_agent_it_says_what_flash_knows_and_what_is_not_known(self):
        self.start_site(lambda config: config.update(watch={"trace": 1}))
        for number in (1, 2):
            self.site.publish_one("plant/a/telemetry", reading(number))
            self.wait_settled(number)
        way = self.trace("telemetry:1")
        self.assertEqual((way["answers"], way["kept"]["capacity"]), ([], 1))
        self.assertIn("watch.trace", way["unknown"][0])
        self.assertEqual(self.trace("x-1")["event"], "telemetry:1")
        self.site.stop_agent()
        way = self.trace("x-2")
        self.assertEqual((way["event"], way["agent_runs"]), ("telemetry:2", False))
        self.assertTrue(way["outputs"][0]["settled"])
        self.assertIn("the agent does not run", way["unknown"][0])


class Top(Watch):
    def test_without_a_terminal_it_prints_blocks_and_for_scripts_objects(self):
        self.start_site()
        text = self.run_command("top", "-n", "2", "--interval", "200ms")
        self.assertEqual(text.count("sfedge "), 2)
        self.assertNotIn("\x1b", text)
        for word in ("LINK", "INPUT", "STREAM", "ORG", "OUTPUT", "readings", "telemetry", "crm"):
            self.assertIn(word, text)
        self.assertLessEqual(max(len(line) for line in text.splitlines()), 80)
        top = self.start("top", "--json", "--interval", "500ms", waits=False)
        first = json.loads(top.stdout.readline())
        self.site.publish(devices=2, tills=0, count=400)
        seen = {"inputs": 0, "streams": 0, "outputs": 0}
        while not all(seen.values()):
            tick = json.loads(top.stdout.readline())
            self.assertGreaterEqual(tick["interval_ms"], 400)
            for name, word in (("inputs", "in_per_s"), ("streams", "in_per_s"),
                               ("outputs", "out_per_s")):
                seen[name] += max(item[word] for item in tick["rates"][name])
        self.assertEqual(first["status"]["outputs"][0]["in_flight"], 0)
        self.site.stop_agent()
        _, error = top.communicate(timeout=30)
        self.assertEqual(top.returncode, 69)
        self.assertIn(b"no agent is running", error)
        self.run_command("top", "--interval", "1ms", code=64)

    def test_on_a_terminal_it_redraws_fits_and_gives_the_terminal_back(self):
        self.start_site()
        self.site.faults(down=True)
        self.site.publish_one("plant/a/telemetry", reading(1))
        for ending in (b"q", b"\x03", signal.SIGTERM):
            ours, theirs = pty.openpty()
            self.addCleanup(os.close, ours)
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            before = termios.tcgetattr(theirs)
            top = subprocess.Popen([os.path.join(self.site.build, "sfedge"), "top", "--interval",
                                    "200ms", "-c", self.config], stdin=theirs, stdout=theirs)
            self.children.append(top)
            screen = self.read_screens(ours, 3)
            if isinstance(ending, bytes):
                os.write(ours, ending)
            else:
                top.send_signal(ending)
            screen += self.read_until(ours, b"\x1b[?1049l")
            self.assertEqual(top.wait(30), 0)
            self.assertEqual(termios.tcgetattr(theirs), before)
            os.close(theirs)
            drawn = screen.split(b"\x1b[H")[2].decode()
            lines = drawn.replace("\x1b[K", "").replace("\x1b[J", "").split("\r\n")
            self.assertLessEqual(len(lines), 24)
            self.assertLessEqual(max(len(line) for line in lines), 80)
            self.assertIn("OUTPUT", drawn)

    @staticmethod
    def read_until(fd, end):
        text = b""
        while end not in text:
            ready, _, _ = select.select([fd], [], [], 30)
            if not ready:
                raise AssertionError("the terminal says no more: %r" % text[-500:])
            text += os.read(fd, 65536)
        return text

    def read_screens(self, fd, count):
        text = b""
        for _ in range(count):
            text += self.read_until(fd, b"q quits")
        return text


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[2:], verbosity=2)
