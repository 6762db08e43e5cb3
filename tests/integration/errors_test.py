"""Each way of dealing with an error code, seen whole: what the org refuses, what becomes of it, and what `dead show` and
`status` tell. The org fails what asks for it (option "wishes")."""

import json
import os
import subprocess
import sys
import unittest

import site_parts as parts

BUILD = sys.argv[1]
DEAD_AT_ONCE = ["FIELD_CUSTOM_VALIDATION_EXCEPTION", "DUPLICATES_DETECTED", "STRING_TOO_LONG",
                "REQUIRED_FIELD_MISSING", "ENTITY_IS_DELETED", "DUPLICATE_EXTERNAL_ID",
                "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "INVALID_EMAIL_ADDRESS"]
DEAD_AFTER_TRIES = ["DUPLICATE_VALUE", "NEVER_HEARD_OF_IT"]
TRIED_ON = ["TXN_SECURITY_APEX_ERROR", "INVALID_CROSS_REFERENCE_KEY", "ENTITY_IS_LOCKED",
            "UNABLE_TO_LOCK_ROW", "UNKNOWN_EXCEPTION"]
MAINTENANCE = "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"


class Errors(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        config = self.site.default_config()
        config["inputs"]["tills"]["topic"] = "parent/+"
        config["outputs"]["readings"]["records"][0]["map"] = {
            "ReadingId__c": "{/reading}", "DeviceId__c": "{/device}"}
        config["outputs"]["sales"]["records"] = [{
            "object": "PosSale__c", "external_id": "SaleId__c", "map": {"SaleId__c": "{topic.1}"}}]
        self.site.write_config(config)
        self.site.start_broker()
        self.site.start_org()
        self.wishes(True)

    def wishes(self, granted):
        self.site.control("POST", "options", {"wishes": granted})

    def publish(self, devices):
        """One reading for each device; its place is its name."""
        lines = "\n".join(json.dumps({"reading": "r%d" % place, "device": device})
                          for place, device in enumerate(devices))
        subprocess.run(["mosquitto_pub", "-p", str(self.site.broker_port), "-q", "1", "-t",
                        "plant/x/telemetry", "-l"], input=lines.encode(), check=True, timeout=60)

    def output(self):
        return next(output for output in self.site.status()["outputs"]
                    if output["name"] == "readings")

    def ids(self):
        return set(self.site.ids("DeviceReading__c"))

    def letters(self):
        code, text, _ = self.site.command("dead", "ls", "--config", self.site.path("sfedge.json"),
                                          "--json")
        self.assertEqual(code, 0)
        return [json.loads(line) for line in text.splitlines()]

    def advice(self, code):
        """What the catalogue says."""
        _, text, _ = self.site.command("errors", code)
        return text.splitlines()[-1].split(" | ")[-1].rstrip(" |")

    def wait_delivered(self, places, seconds=60):
        wanted = {"r%d" % place for place in places}
        parts.wait_until(lambda: wanted <= self.ids(), seconds, "%s are delivered" % wanted)

    def test_what_is_refused_for_good_is_dead_with_its_reason_and_the_rest_arrives(self):
        bad = DEAD_AT_ONCE + DEAD_AFTER_TRIES
        good = range(len(bad), len(bad) + 50)
        self.site.start_agent()
        self.publish(["raise:" + code for code in bad] + ["d"] * 50)
        self.wait_delivered(good)
        parts.wait_until(lambda: self.output()["dead"] == len(bad), 60, "the bad are dead")
        self.assertEqual(self.ids(), {"r%d" % place for place in good})
        self.assertEqual(self.output()["backlog"], 0)
        self.assertEqual(self.site.stop_agent(), 0)
        _, text, _ = self.site.command("dead", "show", "--config", self.site.path("sfedge.json"),
                                       *[str(n + 1) for n in range(len(bad))])
        for code in bad:
            self.assertIn(code, text)
            if code != "NEVER_HEARD_OF_IT":
                self.assertIn(self.advice(code)[:60], text)

    def test_what_may_pass_later_is_tried_again_and_arrives(self):
        self.site.start_agent()
        self.publish(["raise:" + code for code in TRIED_ON] + ["d"] * 20)
        self.wait_delivered(range(len(TRIED_ON), len(TRIED_ON) + 20))
        parts.wait_until(lambda: self.output()["retried"] >= len(TRIED_ON), 30, "they were tried")
        self.wishes(False)
        self.wait_delivered(range(len(TRIED_ON)), 120)
        self.assertEqual(self.output()["dead"], 0)

    def test_one_guilty_record_does_not_cost_its_batch(self):
        for refusal in ("400:QUERY_TIMEOUT", "400:LIMIT_EXCEEDED", "400:UNABLE_TO_LOCK_ROW",
                        "500:UNKNOWN_EXCEPTION", "400:APEX_CPU_TIMEOUT"):
            with self.subTest(refusal):
                self.doCleanups()
                self.setUp()
                self.site.start_agent()
                self.publish(["d"] * 3 + ["refuse:" + refusal] + ["d"] * 4)
                self.wait_delivered([0, 1, 2, 4, 5, 6, 7], 120)
                self.assertEqual(self.output()["dead"], 0)
                self.assertEqual(self.output()["backlog"], 5)
                self.wishes(False)
                self.wait_delivered([3], 120)
                self.assertEqual(self.output()["dead"], 0)

    def test_a_batch_is_split_until_the_guilty_record_is_alone_and_dead(self):
        for refusal in ("400:JSON_PARSER_ERROR", "413:", "400:STRING_TOO_LONG"):
            with self.subTest(refusal):
                self.doCleanups()
                self.setUp()
                self.site.start_agent()
                self.publish(["d"] * 30 + ["refuse:" + refusal] + ["d"] * 30)
                self.wait_delivered([*range(30), *range(31, 61)])
                parts.wait_until(lambda: self.output()["dead"] == 1, 60, "the guilty is dead")
                self.assertEqual(self.output()["backlog"], 0)
                self.assertNotIn("r30", self.ids())

    def test_a_child_waits_for_its_parent(self):
        config = self.site.config
        config["outputs"]["readings"]["records"] = [{
            "object": "PosLine__c", "external_id": "LineId__c",
            "map": {"LineId__c": "{/reading}", "PosSale__r.SaleId__c": "{/device}"}}]
        self.site.write_config(config)
        self.site.start_agent()
        self.publish(["late", "late", "late"])
        parts.wait_until(lambda: self.output()["retried"] >= 3, 60, "the children were refused")
        self.assertIn("is it delivered by another output?", self.output()["last_error"]["message"])
        self.site.publish_one("parent/late", "{}")
        parts.wait_until(lambda: len(self.site.ids("PosLine__c")) == 3, 60, "they have arrived")
        self.assertEqual(self.output()["dead"], 0)

    def test_maintenance_costs_one_probe_at_a_time_and_kills_nothing(self):
        self.site.start_agent()
        self.publish(["raise:" + MAINTENANCE] * 1000)
        parts.wait_until(lambda: self.output()["state"] == "waiting", 60, "the output waits")
        self.assertIn("read-only during maintenance", self.output()["last_error"]["message"])
        parts.wait_until(lambda: self.site.audit()["api_calls"] >= 7, 60, "some probes")
        status = self.output()
        self.assertEqual((status["delivered"], status["dead"]), (0, 0))
        self.wishes(False)
        self.wait_delivered(range(1000), 120)
        self.assertEqual(self.output()["dead"], 0)

    def test_a_full_org_stops_the_output_and_says_so(self):
        self.site.start_agent()
        self.publish(["raise:STORAGE_LIMIT_EXCEEDED"] * 20)
        parts.wait_until(lambda: self.output()["state"] == "stopped", 60, "the output has stopped")
        error = self.output()["last_error"]
        self.assertEqual(error["api_code"], "STORAGE_LIMIT_EXCEEDED")
        self.assertIn(self.advice("STORAGE_LIMIT_EXCEEDED"), error["message"])
        self.assertIn("it needs you", self.site.agent_log())
        self.wishes(False)
        self.site.stop_agent()
        self.site.start_agent()
        self.wait_delivered(range(20))
        self.assertEqual(self.output()["dead"], 0)

    def test_an_allowance_that_is_used_up_is_waited_for(self):
        self.site.faults(limit=1)
        self.site.start_agent()
        self.publish(["d"])
        parts.wait_until(lambda: self.output()["state"] == "waiting", 60, "the output waits")
        self.assertEqual(self.output()["last_error"]["api_code"], "REQUEST_LIMIT_EXCEEDED")
        self.assertEqual(self.site.audit()["logins"], 1)

    def test_a_dead_session_costs_one_login_and_nothing_else(self):
        self.site.start_agent()
        self.publish(["d"])
        self.wait_delivered([0])
        self.site.control("POST", "expire-tokens")
        self.publish(["d"] * 400)
        self.wait_delivered(range(400))
        self.assertEqual(self.site.audit()["logins"], 2)
        self.assertEqual(self.output()["dead"], 0)

    def test_the_catalogue_of_the_documentation_is_the_table(self):
        with open(os.path.join(parts.ROOT, "config", "errors.md"), encoding="utf-8") as file:
            written = file.read()
        code, text, _ = self.site.command("errors")
        self.assertEqual(code, 0)
        self.assertEqual(written, text, "sfedge errors > config/errors.md")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
