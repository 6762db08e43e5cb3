"""A small quota that drops: what is not delivered is counted, event by event. A stream that is encrypted: nothing of
its events stands in the state directory, and without its key the agent says so and starts nothing."""

import os
import sys
import unittest

import site_parts as parts

BUILD = sys.argv[1]
CONFIG_WRONG = 78


class Streams(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.site.start_broker()
        self.site.start_org()

    def stream(self, name):
        return next(stream for stream in self.site.status()["streams"] if stream["name"] == name)

    def output(self, name):
        return next(output for output in self.site.status()["outputs"] if output["name"] == name)


class Quota(Streams):
    def drop_and_count(self, when_full, between):
        config = self.site.default_config()
        config["agent"]["event_max"] = "16KiB"
        config["streams"]["telemetry"] = {"quota": "1MiB", "segment": "64KiB",
                                          "when_full": when_full}
        self.site.write_config(config)
        self.site.faults(down=True)
        self.site.start_agent()
        account = self.site.publish(devices=10, count=20000, bytes=300)
        published = account["published"]
        self.assertEqual(published, 20000)
        parts.wait_until(lambda: self.stream("telemetry")["durable_sequence"] == published, 60,
                         "all is acknowledged")
        before = self.stream("telemetry")
        self.assertTrue(before["dropping"])
        self.assertGreater(before["dropped"], 10000)
        self.assertGreater(before["dropped_bytes"], 0)
        self.assertLessEqual(before["flash_bytes"], (1024 + 64) * 1024)
        between(before["dropped"])
        self.site.faults(down=False)
        parts.wait_until(lambda: self.output("readings")["backlog"] == 0, 120, "all is delivered")
        dropped = self.stream("telemetry")["dropped"]
        delivered = self.site.ids("DeviceReading__c")
        self.assertEqual(len(delivered), len(set(delivered)))
        self.assertEqual(len(delivered) + dropped, published)
        self.assertEqual(self.output("readings")["delivered"], len(delivered))
        self.assertEqual(self.output("readings")["gaps"], dropped)
        self.assertLessEqual(set(delivered), self.site.expected(account)["DeviceReading__c"])
        self.assertEqual(self.site.stop_agent(), 0)
        log = self.site.agent_log()
        self.assertEqual(log.count("the quota is used up; events are dropped"), 1)
        self.assertNotIn("flash is damaged", log)
        return delivered

    @staticmethod
    def last_sequences(ids):
        return {int(name.split("-")[1]) for name in ids}

    def test_the_oldest_are_dropped_and_counted(self):
        # 2,000 readings of each of 10 devices: the last ones are there.
        delivered = self.drop_and_count("drop-oldest", lambda dropped: None)
        self.assertIn(2000, self.last_sequences(delivered))
        ended = [line for line in self.site.agent_log().splitlines()
                 if "events are no longer dropped" in line]
        self.assertEqual(len(ended), 1)
        self.assertIn("dropped=%d" % (20000 - len(delivered)), ended[0])

    def kill_and_compare(self, dropped):
        """What was dropped is still known after a kill."""
        self.site.kill_agent()
        self.site.start_agent()
        self.assertEqual(self.stream("telemetry")["dropped"], dropped)

    def test_the_newest_are_dropped_and_counted(self):
        sequences = self.last_sequences(self.drop_and_count("drop-newest", self.kill_and_compare))
        self.assertIn(1, sequences)
        self.assertNotIn(2000, sequences)


class Thinning(Streams):
    def config(self):
        config = self.site.default_config()
        config["agent"].update(event_max="16KiB", quota="24MiB")
        config["streams"]["telemetry"] = {
            "quota": "1MiB", "segment": "64KiB", "when_full": "drop-oldest",
            "thin": {"from_percent": 50, "keep_every": 10}}
        config["streams"]["sales"] = {"quota": "4MiB", "priority": 1}
        output = config["outputs"]["readings"]
        output["gaps"] = True
        fields = output["records"][0]["map"]
        fields.update({"ReadingId__c": "{id}", "Unit__c": {"from": "{/unit}", "default": "gap"},
                       "DeviceId__c": {"from": "{topic.1}", "default": "-"}})
        for name in ("Seq__c", "Value__c", "At__c"):
            fields[name]["optional"] = True
        fields["Value__c"]["from"] = "/gap/events"
        return config

    def test_what_is_thinned_and_what_is_dropped_is_told_apart_and_nothing_is_missing(self):
        self.site.write_config(self.config())
        self.site.faults(down=True)
        self.site.start_agent()
        published = self.site.publish(devices=10, count=40000, bytes=300)["published"]
        parts.wait_until(lambda: self.stream("telemetry")["durable_sequence"] +
                         self.stream("telemetry")["thinned"] == published, 60, "all is accounted for")
        stream = self.stream("telemetry")
        self.assertTrue(stream["thinning"])
        self.assertGreater(stream["thinned"], 10000)
        self.assertGreater(stream["dropped"], 0)
        self.assertLessEqual(self.site.status()["quota_used_bytes"], (24 + 1) << 20)
        self.site.faults(down=False)
        parts.wait_until(lambda: self.output("readings")["backlog"] == 0, 120, "all is delivered")
        ids = self.site.ids("DeviceReading__c")
        records = [self.site.record("DeviceReading__c", name) for name in ids]
        gaps = [record for record in records if record["Unit__c"] == "gap"]
        self.assertGreater(len(gaps), 0)
        missing = sum(record["Value__c"] for record in gaps)
        self.assertEqual(missing, self.stream("telemetry")["dropped"])
        self.assertEqual(missing, self.output("readings")["gaps"])
        self.assertEqual(len(records) - len(gaps) + missing + self.stream("telemetry")["thinned"],
                         published)
        self.assertEqual(self.site.stop_agent(), 0)
        self.assertEqual(self.site.agent_log().count("events are thinned"), 1)


class Encryption(Streams):
    def write_key(self, name, byte):
        with open(self.site.path(name), "w", encoding="ascii") as file:
            file.write("%02x" % byte * 32 + "\n")
        os.chmod(self.site.path(name), 0o600)

    def found_in_state(self, *texts):
        found = set()
        for folder, _, names in os.walk(self.site.path("state")):
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.isfile(path):
                    continue
                with open(path, "rb") as file:
                    content = file.read()
                found.update(text for text in texts if text in content)
        return found

    def test_nothing_of_a_sale_stands_in_the_clear(self):
        config = self.site.default_config()
        sealed = {"encrypt": True, "encrypt_key_file": "flash.key"}
        config["streams"]["sales"].update(sealed)
        config["streams"]["dead"] = dict(sealed)
        self.site.write_config(config)
        self.write_key("flash.key", 0x5A)
        self.site.faults(down=True)
        self.site.start_agent()
        account = self.site.publish(devices=1, tills=2, count=600, bytes=300)
        parts.wait_until(lambda: self.stream("sales")["durable_sequence"] > 0 and sum(
            stream["durable_sequence"] for stream in self.site.status()["streams"])
            == account["published"], 60, "all is on flash")
        sale = [b"sale_id", b"t00-1", b"pos/"]
        # The readings are not encrypted: the search finds what is there.
        self.assertEqual(self.found_in_state(b"plant/", *sale), {b"plant/"})
        self.site.kill_agent()

        # Another key, and none: told, nothing is started; the right one named as old: all goes on.
        os.rename(self.site.path("flash.key"), self.site.path("old.key"))
        self.write_key("flash.key", 0xA5)
        self.site.start_agent(wait=False)
        self.assertEqual(self.site.agent.wait(30), CONFIG_WRONG)
        self.assertIn("encrypt_old_key_files", self.site.agent_log())
        config["streams"]["sales"]["encrypt_old_key_files"] = ["old.key"]
        self.site.write_config(config)
        self.site.start_agent()
        self.site.faults(down=False)
        self.site.wait_delivered(account)
        self.site.check_exactly_once(account)
        self.assertEqual(self.found_in_state(*sale), set())
        self.assertEqual(self.site.stop_agent(), 0)

    def test_letters_in_the_clear_are_a_mistake(self):
        config = self.site.default_config()
        config["streams"]["sales"].update(encrypt=True, encrypt_key_file="flash.key")
        self.site.write_config(config)
        self.write_key("flash.key", 1)
        code, _, err = self.site.command("check", "--config", self.site.path("sfedge.json"))
        self.assertEqual(code, CONFIG_WRONG)
        self.assertIn("its dead letters would not be encrypted", err)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
