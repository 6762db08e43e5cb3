"""Backlogs go by bulk jobs: nothing is lost, doubled or out of order, whatever state a job is in
when the agent is killed, the network is cut or the org says no."""

import json
import subprocess
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
        config["outputs"]["readings"].update({"api": api, "bulk_age": "1s", **more})
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
        wait_until(lambda: self.readings()["backlog"] == count, 60, "all is on flash")
        self.assertEqual(self.site.stop_agent(), 0)
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
        code, text, _ = self.site.command("trace", "d049-80", "--json", "--config",
                                          self.site.path("sfedge.json"))
        self.assertEqual(code, 0, text)
        self.assertEqual(json.loads(text)["answers"][0]["record_id"],
                         self.site.record("DeviceReading__c", "d049-80")["Id"])

    def kill_in(self, state, **settings):
        """Killed while the job is in a state; what the next run does must end well."""
        self.configure("bulk")
        account = self.pile_up(COUNT)
        self.site.start_org()
        self.bulk(hold=state, **settings)
        self.site.start_agent()
        self.wait_job(lambda job: job["state"] == state, "a job is " + state)
        self.site.kill_agent()
        self.site.start_agent()
        self.bulk()
        self.finish(account)
        return self.jobs()

    def test_a_kill_while_the_job_waits_is_resumed(self):
        jobs = self.kill_in("UploadComplete")
        self.assertEqual([job["rows"] for job in jobs], [COUNT])
        self.assertEqual(self.site.object_audit("DeviceReading__c")["repeats"], 0)

    def test_a_kill_while_the_job_runs_is_resumed(self):
        jobs = self.kill_in("InProgress")
        self.assertEqual([job["rows"] for job in jobs], [COUNT])
        self.assertEqual(self.site.object_audit("DeviceReading__c")["repeats"], 0)

    def kill_at_request(self, request, **fault):
        """Killed while the org has not answered a certain request of the job."""
        self.configure("bulk")
        account = self.pile_up(COUNT)
        self.site.start_org()
        self.site.faults(timeout=dict(count=1, skip=request, on="data", **fault))
        self.site.start_agent()
        wait_until(lambda: self.site.audit()["faults"]["timeout"] == 1, 60, "the org is silent")
        self.site.kill_agent()
        self.site.faults()
        self.site.start_agent()
        self.finish(account)
        wait_until(lambda: self.site.status()["outputs"], 20, "status")
        self.assertEqual(self.site.control("GET", "bulk")["spoilt"], 0)

    def test_a_kill_at_any_request_of_the_job_ends_well(self):
        names = ["create", "upload", "close", "poll", "successes", "delete"]
        for request, name in enumerate(names):
            with self.subTest(killed_at=name):
                self.kill_at_request(request)
                self.site.stop_org()
                self.site.kill_agent()
                self.site.restart_broker()
                self.site.close()
                self.site = Site(self.build)
                self.addCleanup(self.site.close)
                self.site.start_broker()

    def test_lost_answers_are_asked_for_again(self):
        self.configure("bulk", bulk_records=500)
        account = self.pile_up(COUNT)
        self.site.start_org()
        self.site.faults(seed=7, cut_after_commit={"probability": 0.1},
                         cut_before_commit={"probability": 0.1},
                         status_503={"probability": 0.1}, truncated={"probability": 0.1},
                         html_200={"probability": 0.05}, token_expired={"probability": 0.05})
        self.site.start_agent()
        self.site.wait_delivered(account, 180)
        self.site.faults()
        self.finish(account)
        self.assertEqual(self.site.control("GET", "bulk")["spoilt"], 0)

    def test_the_last_value_of_each_record_stands_whatever_happened(self):
        """Three versions of a thousand records, killed while the second is in a job."""
        self.configure("bulk")
        self.site.start_agent()
        lines = [json.dumps({"reading": "r-%d" % number, "seq": number, "ts": 1795478400123,
                             "value": version, "unit": "C"})
                 for version in (1, 2, 3) for number in range(1000)]
        subprocess.run(["mosquitto_pub", "-p", str(self.site.broker_port), "-q", "1", "-l", "-t",
                        "plant/p/telemetry"], input="\n".join(lines).encode() + b"\n", check=True,
                       timeout=60)
        wait_until(lambda: self.readings()["backlog"] == 3000, 60, "all is on flash")
        self.site.stop_agent()
        self.site.start_org()
        self.site.start_agent()
        self.wait_job(lambda job: job["deleted"], "the first job is over")
        self.bulk(hold="InProgress")
        self.wait_job(lambda job: job["state"] == "InProgress", "the second runs")
        self.site.kill_agent()
        self.site.start_agent()
        self.bulk()
        wait_until(lambda: self.readings()["backlog"] == 0, 120, "all is settled")
        for number in range(0, 1000, 111):
            self.assertEqual(self.site.record("DeviceReading__c", "r-%d" % number)["Value__c"], 3)
        self.assertEqual(len(self.site.ids("DeviceReading__c")), 1000)
        self.assertEqual([job["rows"] for job in self.jobs()], [1000] * 3)

    def test_failed_and_unprocessed_rows_go_again(self):
        for ends in ("fail_after", "abort_after"):
            with self.subTest(ends=ends):
                self.configure("bulk")
                account = self.pile_up(COUNT)
                self.site.start_org()
                self.bulk(page=700, **{ends: 1500})
                self.site.start_agent()
                self.wait_job(lambda job: job["processed"] == 1500, "a job broke off")
                self.bulk(page=700)
                self.finish(account)
                self.assertEqual(self.site.object_audit("DeviceReading__c")["repeats"], 0)
                self.site.close()
                self.site = Site(self.build)
                self.addCleanup(self.site.close)
                self.site.start_broker()

    def test_bad_rows_are_dead_letters_and_locked_ones_go_again(self):
        self.configure("bulk")
        self.site.start_org()
        self.site.faults(seed=3, row_lock={"probability": 0.02})
        self.site.start_agent()
        for number in range(5):
            self.site.publish_one("plant/bad/telemetry", json.dumps(
                {"reading": "bad, \"%d\"" % number, "seq": 1, "ts": 1795478400123, "value": 1,
                 "unit": "u" * 300}))
        account = self.site.publish(count=2000, devices=50, tills=0)
        self.finish(account)
        wait_until(lambda: self.readings()["dead"] == 5, 60, "five dead letters")
        self.assertEqual(self.readings()["last_error"]["code"], "SFE-API")

    def test_parents_go_before_their_children(self):
        config = self.site.default_config()
        config["outputs"]["sales"].update(api="bulk", bulk_age="1s")
        del config["outputs"]["sales"]["order_by"]
        self.site.write_config(config)
        self.site.start_agent()
        account = self.site.publish(count=600, devices=0, tills=20)
        self.site.kill_agent()
        self.site.start_org()
        self.site.start_agent()
        self.finish_sales(account)
        self.assertEqual([job["object"] for job in self.jobs()], ["PosSale__c", "PosLine__c"])

    def finish_sales(self, account):
        self.site.wait_delivered(account, 120)
        self.site.check_exactly_once(account)

    def test_an_orderly_end_leaves_the_job_to_the_org(self):
        self.configure("bulk")
        account = self.pile_up(COUNT)
        self.site.start_org()
        self.bulk(hold="InProgress")
        self.site.start_agent()
        self.wait_job(lambda job: job["state"] == "InProgress", "a job runs")
        self.assertEqual(self.site.stop_agent(4), 0)
        self.bulk()
        self.site.start_agent()
        self.finish(account)
        self.assertEqual([job["rows"] for job in self.jobs()], [COUNT])

    def test_who_no_longer_goes_by_bulk_waits_for_the_job_all_the_same(self):
        self.configure("bulk")
        account = self.pile_up(COUNT)
        self.site.start_org()
        self.bulk(hold="InProgress")
        self.site.start_agent()
        self.wait_job(lambda job: job["state"] == "InProgress", "a job runs")
        self.site.kill_agent()
        self.configure("collections")
        self.site.start_agent()
        wait_until(lambda: self.readings()["bulk"]["state"] == "InProgress", 30, "it waits")
        self.assertEqual(self.site.audit()["collections"], 0)
        self.bulk()
        self.finish(account)
        self.assertGreater(self.site.audit()["collections"], 0)

    def test_a_large_backlog_goes_by_bulk_and_what_follows_does_not(self):
        self.configure("auto", bulk_age="0s")
        account = self.pile_up(LARGE)
        self.site.start_org()
        self.bulk(queue_ms=200, run_ms=300, page=4000)
        self.site.start_agent()
        self.finish(account)
        rows = sum(job["rows"] for job in self.jobs())
        self.assertGreaterEqual(rows, LARGE - 10000)
        jobs = len(self.jobs())
        calls = self.readings()["bulk"]["api_calls"]
        self.assertLessEqual(calls, 12 * jobs)
        before = self.site.audit()["collections"]
        self.site.publish(count=100, devices=50, tills=0, first=LARGE)
        wait_until(lambda: self.readings()["backlog"] == 0, 30, "the new ones are settled")
        self.assertEqual(len(self.jobs()), jobs)
        self.assertGreaterEqual(self.site.audit()["collections"], before)

    def test_where_jobs_are_refused_a_backlog_goes_record_by_record(self):
        self.configure("auto", bulk_age="0s")
        account = self.pile_up(3 * COUNT)
        self.site.start_org()
        self.bulk(refuse_jobs=1)
        self.site.start_agent()
        self.finish(account)
        self.assertEqual(self.jobs(), [])
        self.assertIn("record by record", self.site.agent_log())


if __name__ == "__main__":
    BulkTest.build = sys.argv.pop(1) if len(sys.argv) > 1 else "build"
    unittest.main(verbosity=2)
