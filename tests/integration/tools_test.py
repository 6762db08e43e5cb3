"""The tools for streams and dead letters: keys, exports, damage; with the agent up and down."""

import base64
import csv
import json
import os
import random
import stat
import struct
import sys
import unittest

import site_parts as parts

BUILD = sys.argv[1]
PAGE = 4096
SEGMENT_BEGIN = 2 * PAGE


def sale(name, total="1.50"):
    return json.dumps({"sale_id": name, "store": "042", "register": "1", "seq": 1, "total": total,
                       "currency": "EUR", "end": 1795478400,
                       "lines": [{"no": 1, "sku": "a", "qty": 2, "amount": 5}]})


class Tools(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.config = self.site.path("sfedge.json")
        self.site.start_broker()
        self.site.start_org()

    def run_command(self, *words, code=0):
        """Runs a command on the site's configuration; returns what it printed."""
        found, text, error = self.site.command(*words, "-c", self.config)
        self.assertEqual(found, code, text + error)
        return text + error if code else text

    def lines(self, *words, code=0):
        return [json.loads(line) for line in self.run_command(*words, code=code).split("\n")
                if line.startswith("{")]

    def stream(self, name):
        return next(stream for stream in self.site.status()["streams"] if stream["name"] == name)

    def durable(self, name, count):
        parts.wait_until(lambda: self.stream(name)["durable_sequence"] >= count, 60,
                         "%d events of %s are on flash" % (count, name))

    def segments(self, name, suffix=".seg"):
        state = self.site.path("state")
        return sorted(os.path.join(state, entry) for entry in os.listdir(state)
                      if entry.startswith(name + "-") and entry.endswith(suffix))

    def read(self, path):
        with open(path, "rb") as file:
            return file.read()


class Keys(Tools):
    def write_key(self, name, byte):
        with open(self.site.path(name), "wb") as file:
            file.write(bytes([byte]) * 32)
        os.chmod(self.site.path(name), 0o600)

    def configure(self, key, *old):
        config = self.site.default_config()
        for name in ("sales", "dead"):
            stream = config["streams"].setdefault(name, {})
            if key:
                stream.update(encrypt=True, encrypt_key_file=key)
            if old:
                stream["encrypt_old_key_files"] = list(old)
        self.site.write_config(config)

    def sales(self, *words, code=0):
        return self.lines("stream", "cat", "sales", "-j", *words, code=code)

    def payloads(self):
        return [json.loads(event["payload"])["sale_id"] for event in self.sales()]

    def test_a_changed_key_and_frames_of_both_keys(self):
        self.write_key("one.key", 0x11)
        self.write_key("two.key", 0x22)
        self.configure("one.key")
        self.site.faults(down=True)
        self.site.start_agent()
        first = self.site.publish(devices=0, tills=2, count=40)
        self.durable("sales", 40)
        self.assertEqual(len(set(self.payloads())), 40)  # Beside the agent.
        self.assertEqual(self.site.stop_agent(), 0)

        # A new key, the old one beside it: both are read, by the tools and by the agent.
        self.configure("two.key", "one.key")
        self.site.start_agent()
        self.site.publish_one("pos/9/sale", sale("new-1"))
        self.durable("sales", 41)
        self.assertEqual(self.payloads()[-1], "new-1")
        self.assertEqual(len(self.payloads()), 41)
        self.assertIn("good", self.run_command("stream", "verify", "sales"))
        self.assertEqual(self.site.stop_agent(), 0)
        for path in self.segments("sales"):
            self.assertNotIn(b"sale_id", self.read(path))

        # Each way not to have a key says so in its own words, with its own code.
        self.configure("two.key")
        text = self.run_command("stream", "cat", "sales", code=69)
        self.assertIn("the key was changed: 40 events", text)
        self.assertIn("new-1", text)
        self.write_key("three.key", 0x33)
        self.configure("three.key")
        self.assertIn("the key is wrong: 41 events",
                      self.run_command("stream", "cat", "sales", code=77))
        self.configure(None)
        self.assertIn("there is no key", self.run_command("stream", "cat", "sales", code=78))
        self.assertIn("their key is not at hand", self.run_command("stream", "verify", "sales"))
        streams = json.loads(self.run_command("stream", "ls", "-j"))["streams"]
        sales = next(stream for stream in streams if stream["stream"] == "sales")
        self.assertEqual((sales["encrypted"], sales["locked"]), (41, 41))
        self.configure("gone.key", "two.key", "one.key")
        text = self.site.command("stream", "cat", "sales", "-j", "-c", self.config)
        self.assertEqual((text[0], text[1].count("\n")), (0, 41))
        self.assertIn("gone.key", text[2])

        # All of it is delivered in the end.
        self.configure("two.key", "one.key")
        self.site.faults(down=False)
        self.site.start_agent()
        parts.wait_until(lambda: self.site.object_audit("PosSale__c")["records"] == 41, 60,
                         "41 sales")
        stored = self.site.ids("PosSale__c")
        self.assertEqual(set(stored), self.site.expected(first)["PosSale__c"] | {"new-1"})
        self.assertEqual(self.site.stop_agent(), 0)

    def test_letters_that_were_encrypted_stay_so_when_they_are_put_back(self):
        self.write_key("one.key", 0x11)
        self.write_key("two.key", 0x22)
        self.configure("one.key")
        self.site.start_agent()
        self.site.publish_one("pos/9/sale", sale("mine", "secret words"))
        parts.wait_until(lambda: self.lines("dead", "ls", "-j"), 30, "a dead letter")
        self.assertIn("secret words", self.run_command("dead", "show", "1"))
        self.assertEqual(self.site.stop_agent(), 0)
        self.configure("two.key")
        self.run_command("dead", "show", "1", code=77)
        self.assertIn("none of the 1 given", self.run_command("dead", "retry", "1", code=78))
        self.configure("two.key", "one.key")
        config = self.site.config
        config["outputs"]["sales"]["records"][0]["map"]["Total__c"] = {"value": 1}
        self.site.write_config(config)
        self.assertIn("1 put back", self.run_command("dead", "retry", "1"))
        self.assertEqual(self.payloads()[-1], "mine")
        for path in self.segments("sales") + self.segments("dead"):
            self.assertNotIn(b"secret words", self.read(path))
        self.site.start_agent()
        parts.wait_until(lambda: "mine" in self.site.ids("PosSale__c"), 30, "the sale")
        self.assertEqual(self.site.stop_agent(), 0)


class Export(Tools):
    def export(self, *words, code=0):
        path = self.site.path("out")
        text = self.run_command("stream", "export", *words, "--out", path, code=code)
        return self.read(path) if code == 0 else text

    def test_events_go_to_a_file_in_each_format_beside_the_agent(self):
        self.site.faults(down=True)
        self.site.start_agent()
        odd = ['{"reading":"a,\\"b\\""}', "two\nlines", "\u00e4 \u20ac"]
        for text in odd:
            self.site.publish_one("plant/a/telemetry", text)
        self.site.publish_one("plant/a/telemetry", b"\xff\x00\xfe")
        self.durable("telemetry", 4)
        events = [json.loads(line) for line in self.export("telemetry").decode().splitlines()]
        self.assertEqual([event.get("payload") for event in events], odd + [None])
        self.assertEqual(base64.b64decode(events[3]["payload_base64"]), b"\xff\x00\xfe")
        path = self.site.path("out")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        before = self.read(path)
        self.assertIn("exists already", self.export("telemetry", "--format", "raw", code=69))
        self.assertEqual(self.read(path), before)
        raw = self.export("telemetry", "--format", "raw", "--force")
        self.assertEqual(raw, "\n".join(odd).encode() + b"\n\xff\x00\xfe\n")
        table = self.export("telemetry", "--format", "csv", "--force", "--from", "2", "--to", "3")
        rows = list(csv.DictReader(table.decode().splitlines(keepends=True)))
        self.assertEqual([(row["sequence"], row["topic"], row["payload"]) for row in rows],
                         [("2", "plant/a/telemetry", odd[1]), ("3", "plant/a/telemetry", odd[2])])
        told = json.loads(self.run_command("stream", "export", "telemetry", "-j", "--force",
                                           "--out", path))
        self.assertEqual(told, {"events": 4, "ok": True})
        self.assertEqual(len(self.lines("stream", "export", "telemetry", "--to", "2")), 2)
        self.assertEqual(self.site.stop_agent(), 0)
        self.assertEqual(len(self.lines("stream", "export", "telemetry")), 4)

    def test_what_cannot_be_exported_is_said_and_leaves_no_file(self):
        self.site.start_agent()
        self.run_command("stream", "export", "nothing", code=69)
        for words in (["--format", "xml"], ["--from", "x"], ["--damaged", "--to", "2"], ["-j"]):
            self.run_command("stream", "export", "telemetry", *words, code=64)
        self.run_command("stream", "export", "telemetry", "--out", "/nonexistent/x", code=69)
        self.run_command("stream", "export", "telemetry", "--force", "--out", "/dev/null", code=69)
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_letters_are_exported_with_their_reasons_and_can_be_put_back(self):
        self.site.start_agent()
        self.site.publish_one("plant/a/telemetry", '{"reading":')
        self.site.publish_one("plant/a/telemetry", b"\xff\x00")
        parts.wait_until(lambda: len(self.lines("dead", "ls", "-j")) == 2, 30, "two letters")
        path = self.site.path("letters")
        self.assertIn("2 letters", self.run_command("dead", "export", "--out", path))
        letters = [json.loads(line) for line in self.read(path).decode().splitlines()]
        for letter in letters:
            self.assertEqual(letter["why"]["output"], "readings")
            self.assertEqual(letter["why"]["stream"], "telemetry")
            self.assertTrue(letter["why"]["reason"].startswith("SFE-"))
            self.assertIn("attempts", letter["why"])
            self.assertIn("time", letter)
        self.assertEqual(letters[0]["payload"], '{"reading":')
        self.assertEqual(base64.b64decode(letters[1]["payload_base64"]), b"\xff\x00")
        self.assertEqual(self.site.stop_agent(), 0)
        self.run_command("dead", "drop", str(letters[0]["sequence"]))
        left = self.lines("dead", "export")
        self.assertEqual([letter["sequence"] for letter in left], [letters[1]["sequence"]])
        self.assertIn("1 put back", self.run_command("dead", "retry", str(left[0]["sequence"])))


class Damage(Tools):
    def frames(self, path):
        """(offset, whole pages, first sequence, count) of each frame of a file that is whole."""
        content = self.read(path)
        offset = SEGMENT_BEGIN
        while offset < len(content) and content[offset:offset + 4] == b"SFEF":
            first, count, size = struct.unpack_from("<QII", content, offset + 8)
            pages = (32 + size + PAGE - 1) // PAGE * PAGE
            yield offset, pages, first, count
            offset += pages

    def flip(self, path, offset, bit):
        with open(path, "r+b") as file:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ 1 << bit]))

    def sequences(self, account):
        """The external id of each reading, by its sequence on flash."""
        events = self.lines("stream", "cat", "telemetry", "-j")
        self.assertEqual(len(events), account["published"])
        return {event["sequence"]: json.loads(event["payload"])["reading"] for event in events}

    def test_a_flipped_bit_costs_at_most_its_frame_and_is_kept_for_an_expert(self):
        seed = int(os.environ.get("SFEDGE_SEED", "0")) or random.randrange(1, 1 << 32)
        print("SFEDGE_SEED=%d" % seed)
        chance = random.Random(seed)
        config = self.site.default_config()
        config["streams"]["telemetry"]["segment"] = "64KiB"
        config["agent"]["event_max"] = "16KiB"
        self.site.write_config(config)
        self.site.faults(down=True)
        self.site.start_agent()
        account = self.site.publish(devices=5, tills=0, count=3000)
        self.durable("telemetry", 3000)
        self.assertEqual(self.site.stop_agent(), 0)
        readings = self.sequences(account)
        paths = self.segments("telemetry")
        self.assertGreater(len(paths), 4)

        # One bit in a frame of each of five segments, the last frame of all among them. Not in the one
        # before it: where both ends are damaged, recovery tells of one place.
        lost, places, kept = set(), [], {}
        for path in chance.sample(paths[:-2], 4) + [paths[-1]]:
            frames = list(self.frames(path))
            offset, size, first, count = frames[-1] if path == paths[-1] else chance.choice(frames)
            body = struct.unpack_from("<I", self.read(path), offset + 20)[0]
            self.flip(path, offset + chance.randrange(32 + body), chance.randrange(8))
            lost.update(range(first, first + count))
            places.append((os.path.basename(path), offset))
            kept[os.path.basename(path), offset] = self.read(path)[offset:offset + size]

        # One in a copy of the header of every segment costs nothing.
        for path in paths:
            self.flip(path, chance.randrange(2) * PAGE + chance.randrange(88), chance.randrange(8))

        # Found, each with its place; nothing is changed by looking.
        found = json.loads(self.run_command("stream", "verify", "telemetry", "-j", code=65)
                           .split("\nsfedge")[0])["streams"][0]
        self.assertEqual(sorted((place["file"], place["offset"]) for place in found["places"]),
                         sorted(places))
        self.assertEqual(sum(place["lost"] for place in found["places"]), len(lost))
        text = self.run_command("stream", "verify", "telemetry", code=65)
        for name, offset in places:
            self.assertRegex(text, r"%s: \d+ bytes from offset %d on" % (name, offset))
        exported = self.lines("stream", "export", "telemetry", "--damaged")
        self.assertEqual(len(exported), 5)
        for place in exported:
            content = base64.b64decode(place["content_base64"])
            self.assertEqual(len(content), place["bytes"])
            wanted = kept[place["file"], place["offset"]]
            self.assertEqual(content[:len(wanted)], wanted)

        # The rest is delivered, exactly.
        self.site.faults(down=False)
        self.site.start_agent()
        wanted = {name for sequence, name in readings.items() if sequence not in lost}
        parts.wait_until(
            lambda: self.site.object_audit("DeviceReading__c")["records"] >= len(wanted), 60,
            "%d readings" % len(wanted))
        self.assertEqual(set(self.site.ids("DeviceReading__c")), wanted)
        status = self.stream("telemetry")
        self.assertEqual(status["damaged_places"], 5)
        self.assertIn((status["damage"]["segment"], status["damage"]["offset"]),
                      [(int(name[10:-4]), offset) for name, offset in places])
        self.assertIn("DAMAGED places on flash 5",
                      self.run_command("status"))
        # The log folds what repeats: the first one that was met is named.
        self.assertTrue(any(
            "passed over\" stream=telemetry segment=%d offset=%d" % (int(name[10:-4]), offset)
            in self.site.agent_log() for name, offset in places))

        # When their segments are released four of them are kept, with the same bytes.
        parts.wait_until(lambda: len(self.segments("telemetry", ".bad")) == 4, 30,
                         "four segments are put aside")
        again = self.lines("stream", "export", "telemetry", "--damaged")
        self.assertGreaterEqual(len(again), 4)
        for place in again:
            if place["put_aside"]:
                wanted = kept[place["file"].replace(".bad", ".seg"), place["offset"]]
                self.assertEqual(base64.b64decode(place["content_base64"])[:len(wanted)], wanted)
        self.assertEqual(self.site.stop_agent(), 0)
        self.assertIn("put aside earlier", self.run_command("stream", "verify", "telemetry",
                                                            code=65))
        for path in self.segments("telemetry", ".bad"):
            os.remove(path)

    def test_damage_to_the_last_frame_is_no_torn_tail_after_an_orderly_end(self):
        self.site.faults(down=True)
        self.site.start_agent()
        self.site.publish(devices=1, tills=0, count=50)
        self.durable("telemetry", 50)
        self.assertEqual(self.site.stop_agent(), 0)
        self.assertIn("good", self.run_command("stream", "verify", "telemetry"))
        path = self.segments("telemetry")[-1]
        *_, (offset, _, first, count) = self.frames(path)
        self.flip(path, offset + 40, 3)
        found = json.loads(self.run_command("stream", "verify", "telemetry", "-j", code=65)
                           .split("\nsfedge")[0])["streams"][0]
        self.assertTrue(found["end_is_damaged"])
        self.assertEqual([(place["offset"], place["first_sequence"], place["lost"])
                          for place in found["places"]], [(offset, first, count)])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[2:])
