"""A query that is asked again and again: each record comes in once in effect, over pages, kills and dead locators."""

import json
import os
import subprocess
import sys
import unittest

from events_parts import EventsSite
from site_parts import wait_until

BUILD = ""
OBJECT = "DeviceReading__c"
# Three pages of the simulated org.
RECORDS = 4100


def instant(number):
    """The org answers UTC as +0000. Three records share each second."""
    second = number // 3
    return "2026-11-24T%02d:%02d:%02d.000+0000" % (second // 3600, second // 60 % 60, second % 60)


class SalesforceQuery(unittest.TestCase):
    def setUp(self):
        self.site = EventsSite(BUILD)
        self.addCleanup(self.site.close)
        config = self.site.config
        config["streams"] = {"prices": {"quota": "64MiB"}}
        config["inputs"] = {"prices": {
            "type": "salesforce-query", "connection": "crm", "stream": "prices", "every": "10s",
            "query": "SELECT Id, ReadingId__c, Value__c, At__c FROM DeviceReading__c "
                     "WHERE At__c >= {after} ORDER BY At__c", "after": "At__c"}}
        self.site.write_config(config)

    def put(self, numbers, value=1.0):
        numbers = list(numbers)
        for begin in range(0, len(numbers), 200):
            records = [{"attributes": {"type": OBJECT}, "ReadingId__c": "r-%05d" % number,
                        "DeviceId__c": "d-1", "Value__c": value, "At__c": instant(number)}
                       for number in numbers[begin:begin + 200]]
            results = self.site.call("PATCH", "composite/sobjects/%s/ReadingId__c" % OBJECT,
                                     {"allOrNone": False, "records": records})
            assert all(result["success"] for result in results), results

    def runs(self):
        status = self.site.status()
        return status["links"][0]["runs"] if status and status["links"] else {"ended": -1}

    def taken(self):
        return [dict(event, payload=json.loads(event["payload"]))
                for event in self.site.events("prices")]

    def wait_run(self, count=1):
        wait_until(lambda: self.runs()["ended"] >= count, 60, "a run has ended")

    def test_pages_a_kill_and_changes_come_once_in_effect(self):
        site = self.site
        site.start_org("--client-secret-file", site.secret())
        self.put(range(RECORDS))
        site.start_agent(wait=False)
        wait_until(lambda: site.durable("prices") > 0, 60, "the first records are on flash")
        site.kill_agent()
        site.start_agent()
        self.wait_run()
        events = self.taken()
        ids = {}
        for event in events:
            ids.setdefault(event["payload"]["ReadingId__c"], set()).add(event["id"])
        self.assertEqual(sorted(ids), ["r-%05d" % number for number in range(RECORDS)])
        self.assertEqual({len(one) for one in ids.values()}, {1}, "a record has two identities")
        # What a kill makes come twice are those of one second at most.
        self.assertLessEqual(len(events), RECORDS + 3)
        self.assertEqual({event["topic"] for event in events}, {"query/prices"})
        self.assertEqual(events[0]["payload"]["attributes"]["type"], OBJECT)
        # The second run: what shares the last second is known; only what is new or changed comes.
        self.put(range(RECORDS, RECORDS + 2), 2.0)
        self.put([RECORDS - 1], 3.0)
        before = len(events)
        self.wait_run(self.runs()["ended"] + 1)
        new = self.taken()[before:]
        self.assertEqual(sorted(event["payload"]["ReadingId__c"] for event in new),
                         ["r-%05d" % number for number in range(RECORDS - 1, RECORDS + 2)])
        self.assertEqual(site.input("prices")["place"], instant(RECORDS + 1).replace("+0000", "Z"))
        runs = self.runs()
        self.assertEqual(runs["failed"], 0)
        self.assertLessEqual(runs["next_in_s"], 11)
        code, text, _ = site.command("status", "--config", site.path("sfedge.json"))
        self.assertEqual(code, 0)
        self.assertIn("the next one in", text)

    def test_failures_a_full_stream_and_a_reload_lose_nothing(self):
        site = self.site
        site.config["agent"]["event_max"] = "32KiB"
        site.config["streams"] = {"prices": {"quota": "256KiB", "segment": "64KiB"}}
        site.write_config(site.config)
        site.start_org("--client-secret-file", site.secret())
        self.put(range(RECORDS))
        site.faults(status_503={"count": 1, "on": "data"})
        site.start_agent(wait=False)
        wait_until(lambda: site.status() and site.link()["blocked"], 60, "the stream is full")
        # Meanwhile the org has dropped what the next page is asked by.
        for number in range(200):
            site.call("GET", "query?q=SELECT+Id+FROM+%s+WHERE+ReadingId__c='r-%05d'"
                      % (OBJECT, number), None)
        site.config["outputs"] = {
            "prices": {"type": "salesforce-records", "connection": "crm", "from": "prices",
                       "batch_age": "0s", "records": [
                           {"object": "PosSale__c", "external_id": "SaleId__c",
                            "map": {"SaleId__c": "{/ReadingId__c}"}}]}}
        site.write_config(site.config)
        code, _, err = site.command("reload", "--config", site.path("sfedge.json"))
        self.assertEqual(code, 0, err)
        wait_until(lambda: site.object_audit("PosSale__c")["records"] >= RECORDS, 120,
                   "all are delivered")
        self.assertEqual(len(set(site.ids("PosSale__c"))), RECORDS)
        self.assertIn("INVALID_QUERY_LOCATOR", site.agent_log())
        self.assertGreater(self.runs()["failed"], 1)
        # Without the input nothing is asked any more; another query fails with its reason.
        site.config["inputs"]["prices"]["query"] = "SELECT Id FROM NoSuchThing__c"
        del site.config["inputs"]["prices"]["after"]
        site.write_config(site.config)
        code, _, err = site.command("reload", "--config", site.path("sfedge.json"))
        self.assertEqual(code, 0, err)
        wait_until(lambda: "INVALID_TYPE" in json.dumps(site.link()["last_error"]), 30,
                   "the reason is told")
        self.assertEqual(site.stop_agent(), 0)

    def kept(self):
        """What the broker tells who subscribes now."""
        done = subprocess.run(["mosquitto_sub", "-p", str(self.site.broker_port), "-t", "price/#",
                               "--retained-only", "-W", "1", "-F", "%t %p"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        return dict(line.split() for line in done.stdout.decode().splitlines())

    def test_a_table_at_the_broker_loses_what_is_deleted_in_the_org(self):
        site = self.site
        site.config["connections"]["site"] = {"type": "mqtt",
                                              "url": "mqtt://127.0.0.1:%d" % site.broker_port}
        site.config["inputs"]["prices"].update(
            query="SELECT ReadingId__c, Value__c, IsDeleted, SystemModstamp FROM DeviceReading__c "
                  "WHERE SystemModstamp >= {after} ORDER BY SystemModstamp",
            after="SystemModstamp", with_deleted=True)
        site.config["outputs"] = {"tills": {
            "type": "mqtt", "connection": "site", "from": "prices", "topic": "price/{/ReadingId__c}",
            "payload": "{/Value__c}", "empty_when": {"/IsDeleted": True}, "retain": True}}
        site.write_config(site.config)
        site.start_broker()
        site.start_org("--client-secret-file", site.secret())
        self.put(range(3), 1.5)
        site.start_agent()
        wait_until(lambda: self.kept() == {"price/r-%05d" % number: "1.5" for number in range(3)}, 60,
                   "all prices are kept")
        site.call("DELETE", "sobjects/%s/ReadingId__c/r-00001" % OBJECT, None)
        self.put([2], 2.5)
        wait_until(lambda: self.kept() == {"price/r-00000": "1.5", "price/r-00002": "2.5"}, 60,
                   "what is deleted is gone")
        site.kill_agent()
        self.put([1], 3.5)  # A new record of the same name.
        site.start_agent()
        wait_until(lambda: self.kept().get("price/r-00001") == "3.5", 60, "it is back")
        self.assertEqual(site.stop_agent(), 0)


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
