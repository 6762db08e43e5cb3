"""The day's API calls: telemetry stops at its part while sales go on, nothing is lost, and the next day brings the rest."""

import json
import os
import sys
import time
import unittest

from site_parts import Site, wait_until

BUILD = ""
DAY = 86400


class BudgetSite(Site):
    """A site whose gateway may use few calls; the agent's time of day is ours to choose."""

    def __init__(self, org_limit=1000000, **connection):
        super().__init__(BUILD)
        self.move(0)
        self.prefix = ["env", "LD_PRELOAD=" + os.path.join(self.build, "clock_shim.so"),
                       "SFE_TEST_CLOCK=" + self.path("clock")]
        config = self.default_config()
        config["connections"]["crm"].update(connection)
        for output in config["outputs"].values():
            output["batch_age"] = "0s"
            output["requests_in_flight"] = 1
        self.write_config(config)
        self.start_broker()
        self.start_org("--api-limit", str(org_limit))
        self.readings = 0
        self.sales = 0

    def move(self, seconds):
        with open(self.path("clock"), "w", encoding="utf-8") as file:
            file.write("%d" % seconds)

    def read(self):
        self.readings += 1
        self.publish_one("plant/d1/telemetry", json.dumps(
            {"reading": "r-%d" % self.readings, "seq": self.readings, "value": 1.5,
             "ts": 1700000000000, "unit": "C"}))

    def sell(self):
        self.sales += 1
        self.publish_one("pos/t1/sale", json.dumps(
            {"sale_id": "s-%d" % self.sales, "store": "1", "register": "1", "seq": self.sales,
             "total": 1, "currency": "EUR", "end": 1700000000, "lines": []}))

    def org_status(self):
        status = self.status()
        return status["orgs"][0] if status else {}

    def traffic(self):
        status = self.org_status()
        return status["sent_bytes"] + status["received_bytes"]

    def stored(self, name):
        return self.object_audit(name)["records"]

    def use_up(self):
        """One reading a call, until the agent holds them back."""
        for _ in range(200):
            before = self.stored("DeviceReading__c")
            self.read()
            wait_until(lambda: self.stored("DeviceReading__c") > before or
                       self.org_status().get("held_back"), 30, "a reading is there or held back")
            if self.org_status()["held_back"]:
                return
        raise AssertionError("nothing is held back: %s" % self.org_status())

    def expect_sale(self):
        self.sell()
        wait_until(lambda: self.stored("PosSale__c") == self.sales, 30,
                   "%d sales are in the org: %s" % (self.sales, self.org_status()))


class Budget(unittest.TestCase):
    def test_telemetry_slows_down_sales_go_on_and_a_restart_gives_no_calls(self):
        with BudgetSite(daily_calls=40, daily_reserve=50) as site:
            site.start_agent()
            site.use_up()
            held = site.stored("DeviceReading__c")
            self.assertLess(held, 20)
            for _ in range(5):
                site.expect_sale()
            for _ in range(30):
                site.read()
            site.expect_sale()
            self.assertLessEqual(site.stored("DeviceReading__c"), held + 1)
            for _ in range(12):
                site.expect_sale()
            site.stop_agent()
            site.start_agent()
            site.read()
            wait_until(lambda: site.org_status().get("held_back"), 30, "held back after a start")
            self.assertLessEqual(site.stored("DeviceReading__c"), held + 1)
            site.stop_agent()
            site.move(26 * 3600)
            site.start_agent()
            wait_until(lambda: site.stored("DeviceReading__c") == site.readings, 30,
                       "the next day brings the rest: %s" % site.org_status())
            self.assertEqual(site.stored("PosSale__c"), site.sales)

    def test_nothing_goes_past_the_part_but_what_is_marked(self):
        with BudgetSite(daily_calls=8, daily_reserve=0) as site:
            site.start_agent()
            for _ in range(8):
                site.expect_sale()
            site.sell()
            wait_until(lambda: site.org_status().get("held_back"), 30, "sales are held back too")
            self.assertEqual(site.stored("PosSale__c"), 8)
            self.assertEqual(site.audit()["api_calls"], 8)
            site.config["outputs"]["sales"]["past_share"] = True
            site.write_config(site.config)
            code, _, text = site.command("reload", "--config", site.path("sfedge.json"))
            self.assertEqual(code, 0, text)
            wait_until(lambda: site.stored("PosSale__c") == 9, 30, "what is marked goes on")

    def test_last_calls_of_the_org_are_kept_for_sales(self):
        with BudgetSite(org_limit=20, daily_reserve=50) as site:
            site.start_agent()
            site.use_up()
            self.assertLessEqual(site.stored("DeviceReading__c"), 11)
            for _ in range(4):
                site.expect_sale()
            status = site.org_status()
            self.assertEqual(status["api_limit"], 20)
            self.assertGreater(status["calls_forecast"], status["calls_of_day"])
            code, text, _ = site.command("status", "--config", site.path("sfedge.json"))
            self.assertEqual(code, 0)
            self.assertIn("ours in 24 h", text)
            site.control("POST", "options", {"unlimited_calls": True})
            site.stop_agent()
            site.start_agent()
            wait_until(lambda: site.stored("DeviceReading__c") == site.readings, 30,
                       "the org has calls again: %s" % site.org_status())

    def test_a_metered_link_is_never_used_faster_and_sales_go_first(self):
        rate = 24 * 1024
        with BudgetSite(bytes_per_second=rate, compress=False) as site:
            begun = time.monotonic()
            site.start_agent()
            account = site.publish(count=1500, devices=5, tills=0)
            wait_until(lambda: site.stored("DeviceReading__c") > 200, 60, "readings flow")
            self.assertLess(site.stored("DeviceReading__c"), 1200)
            site.expect_sale()
            self.assertLess(site.stored("DeviceReading__c"), 1500)
            self.assertTrue(site.org_status()["sent_bytes"] > 0)
            site.wait_delivered(account)
            seconds = time.monotonic() - begun
            used = site.org_status()["bytes_of_day"]
            wait_until(lambda: site.traffic() == site.org_status()["bytes_of_day"], 20,
                       "all is counted that was on the wire: %s" % site.org_status())
            self.assertGreater(used, 200000)
            self.assertLessEqual(used, rate * seconds + 80000, "the rate and one request")

    def test_a_bulk_job_on_a_metered_link_lets_sales_pass(self):
        with BudgetSite(bytes_per_second=32 * 1024, compress=False) as site:
            site.config["outputs"]["readings"].update(
                {"api": "bulk", "batch_age": "2s", "bulk_age": "1s"})
            site.write_config(site.config)
            site.start_agent()
            account = site.publish(count=4000, devices=5, tills=0)
            wait_until(lambda: any(one.get("bulk", {}).get("state") == "upload"
                                   for one in site.status()["outputs"]), 60, "an upload runs")
            site.expect_sale()
            self.assertEqual(site.stored("DeviceReading__c"), 0)
            site.wait_delivered(account, 120)

    def test_the_days_bytes_end_for_telemetry_before_they_end_for_sales(self):
        with BudgetSite(daily_bytes="1MiB", daily_reserve=50, compress=False) as site:
            site.start_agent()
            site.publish(count=6000, devices=5, tills=0)
            wait_until(lambda: site.org_status().get("held_back"), 60, "telemetry is held back")
            held = site.stored("DeviceReading__c")
            self.assertTrue(200 < held < 6000, held)
            site.expect_sale()
            site.stop_agent()
            site.start_agent()
            site.expect_sale()
            wait_until(lambda: site.org_status().get("held_back"), 60, "held back after a start")
            self.assertEqual(site.stored("DeviceReading__c"), held)
            code, text, _ = site.command("status", "--config", site.path("sfedge.json"))
            self.assertEqual(code, 0)
            self.assertIn("HELD BACK", text)
            site.stop_agent()
            site.move(26 * 3600)
            site.start_agent()
            wait_until(lambda: site.stored("DeviceReading__c") > held, 60, "the next day has more")


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
