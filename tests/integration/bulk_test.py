"""Backlogs go by bulk jobs: nothing is lost, doubled or out of order, whatever state a job is in
when the agent is killed, the network is cut or the org says no."""

import sys
import unittest

from site_parts import Site, wait_until

COUNT = 4000
LARGE = 50000


class BulkTest(unittest.TestCase):
    build = "build"

    def setUp(self):
        self.site = Site(self.build)
        self.addCleanup(self.site.close)
        self.site.start_broker()

    # -- what the tests say ----------------------------------------------------

    def configure(self, api, **more):
        config = self.site.default_config()
        config["outputs"]["readings"].update(api=api, bulk_age="1s", **more)
        config["agent"]["stop_timeout"] = "5s"
        self.site.write_config(config)

    def jobs(self):
        return self.site.control("GET", "bulk")["jobs"]

    def bulk(self, **settings):
        self.site.control("POST", "bulk", settings)

    def pile_up(self, count):
        """A backlog: the agent has taken it, and no org was there."""
        self.site.start_agent()
        account = self.site.publish(count=count, devices=50, tills=0)
        self.site.kill_agent()
        return account

    def wait_job(self, condition, what):
        return wait_until(lambda: [job for job in self.jobs() if condition(job)], 120, what)

    def finish(self, account):
        self.site.wait_delivered(account, 180)
        self.site.check_exactly_once(account)
        wait_until(lambda: self.readings()["backlog"] == 0, 60, "all is settled")

    def readings(self):
        status = self.site.status()
        return next(one for one in status["outputs"] if one["name"] == "readings")

    # -- the tests -------------------------------------------------------------

    def test_all_goes_by_bulk_and_jobs_are_deleted(self):
        self.configure("bulk")
        account = self.pile_up(COUNT)
        self.site.start_org()
        self.site.start_agent()
        self.finish(account)
        wait_until(lambda: all(job["deleted"] for job in self.jobs()), 60, "jobs are deleted")
        self.assertEqual(sum(job["rows"] for job in self.jobs()), COUNT)
        self.assertEqual(self.site.audit()["collections"], 0)
        self.assertEqual(self.site.object_audit("DeviceReading__c")["repeats"], 0)


if __name__ == "__main__":
    BulkTest.build = sys.argv.pop(1) if len(sys.argv) > 1 else "build"
    unittest.main(verbosity=2)
