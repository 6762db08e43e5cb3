"""Many records in one call: a backlog, parents with their children, and what goes wrong within a call."""

import json
import sys
import unittest

import site_parts as parts

BUILD = sys.argv[1]


class Calls(unittest.TestCase):
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


class Composite(Calls):
    """Collections, one or five a call."""

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

    def test_text_that_looks_like_a_reference_is_stored_as_it_is(self):
        self.start_with(readings={"batch_age": "2s"})
        self.site.faults(down=True)
        self.site.start_agent()
        account = self.site.publish(devices=5, count=500)
        self.site.publish_one("plant/a/telemetry", json.dumps(
            {"reading": "x-1", "seq": 1, "ts": 1795478400123, "value": 1, "unit": "@{p0.id}"}))
        self.site.faults()
        self.site.wait_delivered(account)
        self.wait_settled()
        self.assertEqual(self.site.record("DeviceReading__c", "x-1")["Unit__c"], "@{p0.id}")
        self.assertEqual(self.dead(), 0)

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


class AllOrNone(Calls):
    """Receipts whose sale and lines are written whole or not at all."""

    @staticmethod
    def receipts(numbers, bad=()):
        """Receipts of three lines each; of the bad ones the last line cannot be stored."""
        for number in numbers:
            sku = "s" * 100 if number in bad else "s"
            lines = [{"no": line, "sku": sku if line == 3 else "a", "qty": 1, "amount": 1}
                     for line in (1, 2, 3)]
            yield json.dumps({"sale_id": "S-%d" % number, "store": "s", "register": "t01",
                              "seq": number + 1, "total": 3, "end": 1795478400, "currency": "EUR",
                              "lines": lines})

    def send(self, count, bad=(), first=0):
        self.start_with(sales={"all_or_none": True, "batch_age": "2s", "order_by": "{/sale_id}"})
        self.site.faults(down=True)
        self.site.start_agent()
        self.site.publish_lines("pos/t01/sale", self.receipts(range(first, first + count), bad))

    def wait_ends(self, count):
        """What the broker has taken need not have reached the agent yet: an empty backlog alone says nothing."""
        parts.wait_until(lambda: len(self.site.ids("PosSale__c")) + self.dead() >= count, 120,
                         "each receipt has its end")
        self.wait_settled()

    def check(self, count, bad=()):
        self.wait_ends(count)
        good = set(range(count)) - set(bad)
        self.assertEqual(set(self.site.ids("PosSale__c")), {"S-%d" % number for number in good})
        self.assertEqual(set(self.site.ids("PosLine__c")),
                         {"S-%d-%d" % (number, line) for number in good for line in (1, 2, 3)})
        self.assertEqual(self.dead(), len(bad))

    def test_a_receipt_is_in_the_org_whole_or_not_at_all(self):
        bad = range(0, 200, 20)
        self.send(200, bad)
        self.site.faults()
        self.check(200, bad)
        self.assertEqual(self.site.record("PosLine__c", "S-1-3")["PosSale__c"],
                         self.site.record("PosSale__c", "S-1")["Id"])

    def test_many_receipts_share_a_call(self):
        self.send(150)
        self.site.faults()
        self.check(150)
        self.assertLessEqual(self.calls(), 4)

    def test_more_failures_than_a_call_allows_hold_up_no_others(self):
        bad = range(0, 60, 2)
        self.send(60, bad)
        self.site.faults()
        self.check(60, bad)

    def test_text_that_looks_like_a_reference_is_refused_not_repeated(self):
        self.send(1)
        self.site.publish_one("pos/t01/sale", json.dumps(
            {"sale_id": "S-9", "store": "@{x.id}", "register": "t01", "seq": 1, "total": 3,
             "end": 1795478400, "currency": "EUR", "lines": []}))
        self.site.faults()
        parts.wait_until(lambda: self.dead() == 1, 30, "it is a dead letter")
        self.wait_settled()
        self.assertEqual(self.site.ids("PosSale__c"), ["S-0"])

    def test_faults_within_and_around_a_call_leave_no_half_receipt(self):
        kinds = ({"cut_after_commit": {"count": 3}}, {"cut_before_commit": {"count": 3}},
                 {"row_lock": {"probability": 0.02}}, {"halted": {"probability": 0.2}},
                 {"truncated": {"count": 2}})
        for number, faults in enumerate(kinds):
            with self.subTest(faults):
                self.send(100, first=100 * number)
                self.site.faults(**faults)
                self.wait_ends(100 * (number + 1))
                self.site.faults()
                self.check(100 * (number + 1))
                self.site.stop_agent()


class PlatformEvents(Calls):
    """Alerts on the org's event bus."""

    def start_alerts(self, **keys):
        config = self.site.default_config()
        config["streams"]["alerts"] = {}
        config["inputs"]["alerts"] = {"type": "mqtt", "connection": "site", "topic": "alert/+",
                                      "stream": "alerts"}
        config["outputs"]["alerts"] = dict(
            {"type": "salesforce-platform-events", "connection": "crm", "from": "alerts",
             "event": "DeviceAlert__e", "batch_age": "200ms",
             "map": {"EventKey__c": "{id}", "DeviceId__c": "{topic.1}",
                     "Value__c": {"from": "/value", "type": "double"}, "Text__c": "{/text}"}}, **keys)
        self.site.write_config(config)
        self.site.faults(down=True)
        self.site.start_agent()

    def publish_alerts(self, count, text="hot"):
        self.site.publish_lines("alert/a", [json.dumps({"value": number, "text": text})
                                            for number in range(count)])

    def published(self):
        return self.site.ids("DeviceAlert__e")

    def test_each_alert_is_published_once_with_its_identity(self):
        self.start_alerts()
        self.publish_alerts(500)
        self.publish_alerts(1, "t" * 2000)
        self.site.faults()
        self.wait_settled()
        self.assertEqual(len(self.published()), 500)
        self.assertEqual(len(set(self.published())), 500)
        self.assertEqual(self.dead(), 1)
        self.assertLessEqual(self.calls(), 5)

    def test_a_lost_answer_means_a_repeat_that_subscribers_can_know(self):
        self.start_alerts()
        self.publish_alerts(100)
        self.site.faults(cut_after_commit={"count": 1})
        self.wait_settled()
        self.assertEqual(len(self.published()), 200)
        self.assertEqual(len(set(self.published())), 100)

    def test_the_hourly_limit_delays_events_and_kills_none(self):
        self.start_alerts()
        self.publish_alerts(100)
        self.site.faults(event_limit={"count": 40})
        self.wait_settled()
        self.assertEqual(len(set(self.published())), 100)
        self.assertEqual(self.dead(), 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[2:])
