"""Rows that lock each other: 30 % of the parents are contended, by our own requests side by side and by an outside
process. Nothing is lost or dies, our own collisions stop, and the throughput holds. Prints the ratio to a run without
contention; --least RATIO makes it decide (for a quiet machine)."""

import sys
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]
DEVICES = 40
COUNT = int(sys.argv[sys.argv.index("--count") + 1]) if "--count" in sys.argv else 16000
LEAST = float(sys.argv[sys.argv.index("--least") + 1]) if "--least" in sys.argv else 0
API = sys.argv[sys.argv.index("--api") + 1] if "--api" in sys.argv else "collections"
RECORD_US = 2000  # What an org takes for a record with its automation.
CHILD = "PosLine__c"


def config_of(site):
    """Each reading is a child of the record of its device."""
    config = site.default_config()
    config["agent"]["log"] = "info"
    config["inputs"]["tills"]["topic"] = "parent/+"
    config["outputs"]["sales"] = {
        "type": "salesforce-records", "connection": "crm", "from": "sales", "batch_age": "200ms",
        "records": [{"object": "PosSale__c", "external_id": "SaleId__c",
                     "map": {"SaleId__c": "{topic.1}"}}]}
    config["outputs"]["readings"]["api"] = API
    config["outputs"]["readings"]["records"] = [{
        "object": CHILD, "external_id": "LineId__c",
        "map": {"LineId__c": "{/reading}", "PosSale__r.SaleId__c": "{topic.1}",
                "Quantity__c": {"from": "/value", "type": "double"}, "Sku__c": "{/unit}"}}]
    return config


class Locks(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.site.write_config(config_of(self.site))
        self.site.start_broker()
        self.site.start_org()
        self.published = 0
        self.samples = []

    def records(self):
        return self.site.object_audit(CHILD)["records"]

    def make_parents(self):
        self.site.start_agent()
        for device in range(DEVICES):
            self.site.publish_one("parent/d%03d" % device, "{}")
        parts.wait_until(lambda: self.site.object_audit("PosSale__c")["records"] == DEVICES, 60,
                         "the parents are there")
        self.site.stop_agent()

    def sample(self, wanted):
        audit = self.site.audit()
        records = audit["objects"][CHILD]["records"]
        self.samples.append((time.monotonic(), records, audit["faults"]["contention"]))
        return records >= wanted

    def drain(self, **faults):
        """Events a second, from a backlog that is there when the agent starts."""
        self.site.faults(down=True)
        self.site.start_agent(wait=False)
        parts.wait_until(lambda: self.site.status(), 60, "the agent runs")
        self.site.publish(devices=DEVICES, count=self.published + COUNT,
                          first=self.published)
        self.published += COUNT
        self.site.stop_agent()
        self.site.faults(slow={"record_us": RECORD_US}, **faults)
        self.samples = []
        begin = time.monotonic()
        self.site.start_agent(wait=False)
        parts.wait_until(lambda: self.sample(self.published), 300, "all children are in the org")
        most = self.published - COUNT // 50  # The last few wait for the outside process alone.
        end = next(when for when, records, _ in self.samples if records >= most)
        return COUNT * 49 / 50 / (end - begin)

    def check_whole(self):
        """All are there once, and none is dead."""
        audit = self.site.object_audit(CHILD)
        ids = self.site.ids(CHILD)
        wanted = {"d%03d-%d" % (number % DEVICES, number // DEVICES + 1)
                  for number in range(self.published)}
        self.assertEqual(set(ids), wanted)
        self.assertEqual(len(ids), len(wanted))
        self.assertEqual(audit["records"], self.published)
        output = next(output for output in self.site.status()["outputs"]
                      if output["name"] == "readings")
        self.assertEqual(output["dead"], 0)

    def test_contended_rows_cost_little_and_kill_nothing(self):
        self.make_parents()
        calm = self.drain()
        self.check_whole()
        self.assertEqual(self.samples[-1][2], 0)
        self.site.stop_agent()
        locked = self.drain(contention={"probability": 0.3},
                            outside_lock={"probability": 0.2, "ms": 700})
        self.check_whole()
        faults = self.site.audit()["faults"]
        self.assertGreater(faults["contention"], 0)
        self.assertGreater(faults["outside_lock"], 0)
        half = self.published - COUNT // 2
        early = max(count for _, records, count in self.samples if records <= half)
        late = self.samples[-1][2] - early
        print(API + ": uncontended %.0f/s, 30 %% of the rows contended %.0f/s: ratio %.2f; locks among our "
              "own requests %d in the first half, %d in the second; by others %d"
              % (calm, locked, locked / calm, early, late, faults["outside_lock"]))
        self.assertLess(late, early / 4)
        self.assertIn("one request at a time for each parent", self.site.agent_log())
        if LEAST:
            self.assertGreaterEqual(locked / calm, LEAST)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
