"""Many records in one call: a backlog, parents with their children, and what goes wrong within a call."""

import json
import sys
import unittest

import site_parts as parts

BUILD = sys.argv[1]


class Composite(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.site.start_broker()
        self.site.start_org()

    def start_with(self, **outputs):
        config = self.site.default_config()
        for name, keys in outputs.items():
            config["outputs"][name].update(keys)
        self.site.write_config(config)

    def backlog(self, **options):
        """Publishes while the org is away; what is then in the streams is delivered at once."""
        self.site.faults(down=True)
        self.site.start_agent()
        account = self.site.publish(**options)
        return account

    def calls(self):
        return self.site.audit()["api_calls"]

    def dead(self):
        return sum(stream["events"] for stream in self.site.status()["streams"]
                   if stream["name"] == "dead")

    def wait_settled(self):
        parts.wait_until(lambda: all(output["backlog"] == 0
                                     for output in self.site.status()["outputs"]), 120, "no backlog")

    def test_a_backlog_takes_one_call_for_a_thousand_records(self):
        self.start_with(readings={"batch_age": "5s"})
        account = self.backlog(devices=50, count=20000)
        self.site.faults()
        self.site.wait_delivered(account)
        self.site.check_exactly_once(account)
        self.assertEqual(self.site.audit()["records_a_call_max"], 1000)
        self.assertLessEqual(self.calls(), 22)

    def test_one_collections_a_call_where_the_operator_says_so(self):
        self.start_with(readings={"api": "collections"})
        account = self.backlog(devices=50, count=2000)
        self.site.faults()
        self.site.wait_delivered(account)
        self.site.check_exactly_once(account)
        self.assertEqual(self.site.audit()["records_a_call_max"], 200)

    def test_a_receipt_and_its_lines_are_one_call(self):
        self.site.start_agent()
        self.site.publish_one("pos/t01/sale", json.dumps({
            "sale_id": "S-1", "store": "s", "register": "t01", "seq": 1, "total": 3, "end": 1795478400,
            "currency": "EUR", "lines": [{"no": 1, "sku": "a", "qty": 1, "amount": 1},
                                         {"no": 2, "sku": "b", "qty": 1, "amount": 2}]}))
        parts.wait_until(lambda: "S-1-2" in self.site.ids("PosLine__c"), 30, "the lines are stored")
        self.wait_settled()
        self.assertEqual(self.calls(), 1)
        self.assertEqual(self.site.record("PosLine__c", "S-1-2")["PosSale__c"],
                         self.site.record("PosSale__c", "S-1")["Id"])

    def test_a_lone_event_goes_by_a_plain_collections(self):
        self.site.start_agent()
        self.site.publish_one("plant/a/telemetry", json.dumps(
            {"reading": "x-1", "seq": 1, "ts": 1795478400123, "value": 1, "unit": "C"}))
        parts.wait_until(lambda: "x-1" in self.site.ids("DeviceReading__c"), 30, "it is stored")
        self.assertEqual(self.site.audit()["collections"], 1)

    def check_faults(self, faults, **options):
        self.start_with(readings={"batch_age": "1s"})
        account = self.backlog(**options)
        self.site.faults(**faults)
        self.site.wait_delivered(account, 240)
        self.site.faults()
        self.wait_settled()
        self.site.check_exactly_once(account)
        self.assertEqual(self.dead(), 0)

    def test_an_answer_lost_after_the_commit_costs_nothing(self):
        self.check_faults({"cut_after_commit": {"count": 4}}, devices=20, tills=4, count=4000)
        self.assertGreater(self.site.object_audit("DeviceReading__c")["repeats"], 0)

    def test_a_call_cut_before_the_commit_is_sent_again(self):
        self.check_faults({"cut_before_commit": {"count": 4}}, devices=20, tills=4, count=4000)

    def test_locked_rows_come_again_alone(self):
        self.check_faults({"row_lock": {"probability": 0.02}}, devices=20, tills=4, count=3000)

    def test_parts_that_were_not_run_come_again(self):
        self.check_faults({"halted": {"probability": 0.2}}, devices=20, tills=4, count=4000)

    def test_an_answer_that_lacks_a_result_is_not_believed(self):
        self.check_faults({"wrong_count": {"count": 5}}, devices=20, tills=4, count=4000)

    def bad_among_a_thousand(self, **bad):
        """One bad reading and 999 good ones, all in one call at first."""
        event = {"reading": "bad-1", "seq": 1, "ts": 1795478400123, "value": 1, "unit": "C"}
        event.update(bad)
        self.site.faults(down=True)
        self.site.start_agent()
        self.site.publish_one("plant/bad/telemetry", json.dumps(event))
        account = self.site.publish(devices=10, count=999)
        self.site.faults()
        self.site.wait_delivered(account)
        self.wait_settled()
        parts.wait_until(lambda: self.dead() == 1, 60, "the bad one is a dead letter")
        self.assertEqual(self.site.object_audit("DeviceReading__c")["records"], 999)

    def test_one_bad_record_among_a_thousand_is_dead_and_stops_nothing(self):
        self.start_with(readings={"batch_age": "5s"})
        self.bad_among_a_thousand(unit="u" * 300)
        self.assertLessEqual(self.calls(), 5)

    def test_a_part_refused_for_one_record_is_halved_until_it_is_found(self):
        config = self.site.default_config()
        config["outputs"]["readings"]["records"][0]["map"]["Value__c"] = "{/value}"
        config["outputs"]["readings"]["batch_age"] = "5s"
        self.site.write_config(config)
        self.bad_among_a_thousand(value="much")
        self.assertLessEqual(self.calls(), 30)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[2:])
