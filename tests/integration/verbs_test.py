"""Records that are updated or deleted by external ID, and what goes wrong on the way."""

import json
import sys
import unittest

import site_parts as parts

BUILD = sys.argv[1]


class Verbs(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.site.start_broker()
        self.site.start_org()

    def start_with(self, record, fields=(), **keys):
        """Readings are stored as always; what comes at plant/+/mend goes by `record`."""
        config = self.site.default_config()
        first = next(iter(config["inputs"]))
        config["inputs"]["mend"] = dict(config["inputs"][first], topic="plant/+/mend",
                                        stream="mend")
        config["streams"]["mend"] = {}
        readings = config["outputs"]["readings"]
        config["outputs"]["mend"] = {
            "type": "salesforce-records", "connection": readings["connection"], "from": "mend",
            "batch_age": "200ms",
            "records": [dict({"object": "DeviceReading__c", "external_id": "ReadingId__c",
                              "map": dict({"ReadingId__c": "{/reading}"}, **dict(fields))}, **record)]}
        config["outputs"]["mend"].update(keys)
        self.site.write_config(config)
        self.site.start_agent()

    def store(self, count, prefix="r"):
        ids = ["%s-%d" % (prefix, i) for i in range(count)]
        self.site.publish_lines("plant/a/telemetry", [json.dumps(
            {"reading": name, "seq": i, "ts": 1795478400123, "value": 1, "unit": "C"})
            for i, name in enumerate(ids)])
        parts.wait_until(lambda: set(ids) <= set(self.site.ids("DeviceReading__c")), 60, "stored")
        return ids

    def mend(self, ids, **more):
        self.site.publish_lines("plant/a/mend", [json.dumps(dict({"reading": name}, **more))
                                                 for name in ids])

    def wait_taken(self, count):
        def settled():
            status = self.site.status()
            streams = {stream["name"]: stream for stream in status["streams"]}
            return streams["mend"]["durable_sequence"] >= count and all(
                output["backlog"] == 0 for output in status["outputs"])
        parts.wait_until(settled, 120, "all is settled")

    def dead(self):
        return sum(stream["events"] for stream in self.site.status()["streams"]
                   if stream["name"] == "dead")

    def left(self):
        return set(self.site.ids("DeviceReading__c"))


class Delete(Verbs):
    def test_records_are_deleted_24_a_call(self):
        self.start_with({"action": "delete"})
        ids = self.store(48, "it's/a\\b c")
        keep = self.store(1, "keep")
        before = self.site.audit()["api_calls"]
        self.site.faults(down=True)
        self.mend(ids)
        parts.wait_until(lambda: {s["name"]: s for s in self.site.status()["streams"]}
                         ["mend"]["durable_sequence"] >= 48, 30, "all are on flash")
        self.site.faults()
        self.wait_taken(48)
        self.assertEqual(self.left(), set(keep))
        self.assertEqual(self.dead(), 0)
        self.assertLessEqual(self.site.audit()["api_calls"] - before, 4)

    def test_what_is_gone_is_done(self):
        self.start_with({"action": "delete"})
        ids = self.store(3)
        self.mend(ids)
        self.mend(["never-there", "nor-this"])
        self.wait_taken(5)
        self.assertEqual(self.left(), set())
        self.assertEqual(self.dead(), 0)

    def check_faults(self, faults):
        self.start_with({"action": "delete"})
        ids = self.store(100)
        keep = self.store(20, "keep")
        self.site.faults(**faults)
        self.mend(ids)
        self.wait_taken(100)
        self.site.faults()
        self.assertEqual(self.left(), set(keep))
        self.assertEqual(self.dead(), 0)
        self.assertEqual(self.site.object_audit("DeviceReading__c")["deleted"], 100)

    def test_an_answer_lost_after_the_commit_costs_nothing(self):
        self.check_faults({"cut_after_commit": {"count": 3}})

    def test_an_answer_that_lacks_the_query_is_not_believed(self):
        self.check_faults({"wrong_count": {"count": 3}})

    def test_subrequests_that_were_not_run_come_again(self):
        self.check_faults({"halted": {"probability": 0.2}})

    def test_locked_rows_come_again(self):
        self.check_faults({"row_lock": {"probability": 0.1}})

    def test_an_object_that_is_not_there_stops_the_output_and_loses_nothing(self):
        self.start_with({"action": "delete", "object": "DeviceReadin__c"})
        ids = self.store(3)
        self.mend(ids)
        parts.wait_until(lambda: "INVALID_TYPE" in self.site.agent_log(), 30, "it says why")
        output = next(o for o in self.site.status()["outputs"] if o["name"] == "mend")
        self.assertEqual(output["backlog"], 3)
        self.assertEqual(self.dead(), 0)
        self.assertEqual(self.left(), set(ids))

    def test_an_id_that_no_address_finds_is_a_dead_letter_and_no_success(self):
        self.start_with({"action": "delete"})
        self.store(1, "x")
        self.site.publish_one("plant/a/telemetry", json.dumps(
            {"reading": "a@b.inc", "seq": 9, "ts": 1795478400123, "value": 1, "unit": "C"}))
        parts.wait_until(lambda: "a@b.inc" in self.left(), 30, "stored")
        self.mend(["a@b.inc", "x-0"])
        parts.wait_until(lambda: self.dead() == 1, 120, "a dead letter")
        self.wait_taken(2)
        self.assertEqual(self.left(), {"a@b.inc"})


class Update(Verbs):
    FIELDS = {"Unit__c": "{/unit}"}

    def test_what_is_there_is_updated_and_nothing_is_created(self):
        self.start_with({"action": "update"}, self.FIELDS)
        ids = self.store(30)
        self.mend(ids + ["not-there"], unit="K")
        self.wait_taken(31)
        self.assertEqual(self.left(), set(ids))
        self.assertEqual({self.site.record("DeviceReading__c", name)["Unit__c"] for name in ids},
                         {"K"})
        self.assertEqual(self.dead(), 1)
        shown = self.site.command("dead", "ls", "--config", self.site.path("sfedge.json"))[1]
        self.assertIn("to update", shown)

    def test_what_is_not_there_is_nothing_where_the_operator_says_so(self):
        self.start_with({"action": "update", "missing": "done"}, self.FIELDS)
        ids = self.store(2)
        self.mend(ids + ["not-there"], unit="K")
        self.wait_taken(3)
        self.assertEqual(self.left(), set(ids))
        self.assertEqual(self.dead(), 0)

    def test_one_bad_record_among_good_ones_is_dead_alone(self):
        self.start_with({"action": "update"}, self.FIELDS)
        ids = self.store(20)
        self.mend(ids[:1], unit="u" * 300)
        self.mend(ids[1:], unit="K")
        self.wait_taken(20)
        self.assertEqual(self.dead(), 1)
        self.assertEqual({self.site.record("DeviceReading__c", name)["Unit__c"]
                          for name in ids[1:]}, {"K"})

    def test_an_answer_lost_after_the_commit_is_asked_for_again(self):
        self.start_with({"action": "update"}, self.FIELDS)
        ids = self.store(50)
        self.site.faults(cut_after_commit={"count": 2})
        self.mend(ids, unit="K")
        self.wait_taken(50)
        self.assertEqual({self.site.record("DeviceReading__c", name)["Unit__c"] for name in ids},
                         {"K"})
        self.assertEqual(self.dead(), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
