"""The main job on real processes: what comes in by MQTT is in the org once, and nothing else is lost silently."""

import json
import os
import subprocess
import sys
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]


def reading(number, **more):
    body = {"id": "x", "seq": number, "reading": "x-%s" % number, "ts": 1795478400123,
            "value": 21.5, "unit": "C"}
    body.update(more)
    return json.dumps(body)


class MainJob(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.site.start_broker()
        self.site.start_org()

    def dead(self):
        status = self.site.status()
        return sum(stream["events"] for stream in status["streams"] if stream["name"] == "dead")

    def wait_dead(self, count):
        parts.wait_until(lambda: self.dead() >= count, 30, "%d dead letters" % count)
        self.assertEqual(self.dead(), count)

    def wait_record(self, name, external_id):
        parts.wait_until(lambda: external_id in self.site.ids(name), 30,
                         "%s %s is stored" % (name, external_id))
        return self.site.record(name, external_id)

    def test_a_reading_becomes_a_record_with_its_fields(self):
        self.site.start_agent()
        self.site.publish_one("plant/press7/telemetry", reading(1, value=0.10))
        record = self.wait_record("DeviceReading__c", "x-1")
        self.assertEqual(record["DeviceId__c"], "press7")
        self.assertEqual(float(record["Value__c"]), 0.10)
        self.assertEqual(record["At__c"], "2026-11-24T00:00:00.123Z")

    def test_a_sale_becomes_a_parent_and_its_lines(self):
        self.site.start_agent()
        account = self.site.publish(devices=0, tills=2, count=40, rate=1000)
        self.site.wait_delivered(account)
        self.site.check_exactly_once(account)
        self.assertEqual(self.site.record("PosLine__c", "t01-3-2")["PosSale__c"],
                         self.site.record("PosSale__c", "t01-3")["Id"])

    def test_what_cannot_be_mapped_is_a_dead_letter_and_stops_nothing(self):
        self.site.start_agent()
        self.site.publish_one("plant/a/telemetry", "{\"reading\":")
        self.site.publish_one("plant/a/telemetry", b"\xff\xfe\x00binary")
        self.site.publish_one("plant/a/telemetry", "21.5")
        self.site.publish_one("plant/a/telemetry", reading(7, value="12,50"))
        self.site.publish_one("plant/a/telemetry", json.dumps({"seq": 1, "value": 2}))
        self.site.publish_one("plant/a/telemetry", reading(8, unit="u" * 300))
        self.site.publish_one("plant/a/telemetry", reading(9))
        self.wait_record("DeviceReading__c", "x-9")
        self.wait_dead(6)
        self.assertEqual(self.site.object_audit("DeviceReading__c")["records"], 1)

    def test_empty_payloads_and_retained_ones_are_as_documented(self):
        self.site.publish_one("plant/old/telemetry", reading(20), "-r")
        self.site.start_agent()
        self.wait_record("DeviceReading__c", "x-20")
        subprocess.run(["mosquitto_pub", "-p", str(self.site.broker_port), "-q", "1", "-t",
                        "plant/old/telemetry", "-r", "-n"], check=True, timeout=20)
        parts.wait_until(lambda: self.site.status()["links"][0]["empty"] == 1, 20,
                         "the empty payload is counted")
        self.assertEqual(self.dead(), 0)
        self.assertEqual(self.site.object_audit("DeviceReading__c")["records"], 1)

    def test_a_payload_over_the_limit_is_a_dead_letter(self):
        self.site.start_agent()
        self.site.publish_one("plant/big/telemetry", reading(30, note="n" * 300000))
        self.site.publish_one("plant/big/telemetry", reading(31, note="n" * 200000))
        self.wait_record("DeviceReading__c", "x-31")
        self.wait_dead(1)
        self.assertEqual(self.site.status()["links"][0]["too_large"], 1)

    def test_numbers_keep_their_digits(self):
        config = self.site.default_config()
        config["outputs"]["readings"]["records"][0]["map"]["Unit__c"] = {"from": "/big",
                                                                         "type": "string"}
        self.site.write_config(config)
        self.site.start_agent()
        self.site.publish_one("plant/n/telemetry",
                              '{"reading":"n-1","seq":1,"ts":1795478400123,"value":1,'
                              '"big":900719925474099312}')
        self.assertEqual(self.wait_record("DeviceReading__c", "n-1")["Unit__c"],
                         "900719925474099312")

    def test_a_message_sent_twice_is_one_record(self):
        self.site.start_agent()
        for _ in range(3):
            self.site.publish_one("plant/a/telemetry", reading(40))
        self.site.publish_one("plant/a/telemetry", reading(41))
        self.wait_record("DeviceReading__c", "x-41")
        parts.wait_until(lambda: self.site.status()["outputs"][0]["backlog"] == 0 and
                         self.site.status()["outputs"][1]["backlog"] == 0, 30, "no backlog")
        self.assertEqual(self.site.object_audit("DeviceReading__c")["records"], 2)

    def test_without_the_org_events_are_kept_and_delivered_later(self):
        self.site.faults(down=True)
        self.site.start_agent()
        account = self.site.publish(devices=5, count=500)
        parts.wait_until(lambda: self.site.status()["links"][0]["unacknowledged"] == 0, 30,
                         "all is acknowledged")
        self.assertEqual(self.site.stop_agent(), 0)
        self.site.faults(down=False)
        self.site.start_agent()
        self.site.wait_delivered(account)
        self.site.check_exactly_once(account)

    def test_a_session_that_ends_in_the_middle_costs_one_log_in(self):
        self.site.start_agent()
        publisher = self.site.publish(wait=False, devices=5, count=3000, rate=1000)
        parts.wait_until(lambda: self.site.object_audit("DeviceReading__c")["records"] > 200, 60,
                         "some are stored")
        self.site.control("POST", "expire-tokens", {})
        account = self.site.published(publisher)
        self.site.wait_delivered(account)
        self.site.check_exactly_once(account)
        self.assertEqual(self.site.audit()["logins"], 2)

    def test_an_orderly_end_is_quick_and_leaves_nothing_in_doubt(self):
        self.site.start_agent()
        account = self.site.publish(devices=5, count=2000)
        begun = time.monotonic()
        self.assertEqual(self.site.stop_agent(), 0)
        self.assertLess(time.monotonic() - begun, 15)
        self.site.start_agent()
        self.site.wait_delivered(account)
        self.site.check_exactly_once(account)

    def test_status_is_for_people_and_for_scripts(self):
        self.site.start_agent()
        self.site.publish_one("plant/a/telemetry", reading(50))
        self.wait_record("DeviceReading__c", "x-50")
        code, text, _ = self.site.command("status", "-c", self.site.path("sfedge.json"))
        self.assertEqual(code, 0)
        for word in ("connected", "telemetry", "backlog", "logged in"):
            self.assertIn(word, text)
        status = self.site.status()
        self.assertEqual(status["agent"], "site")
        self.assertGreater(status["memory_bytes"], 0)
        self.site.stop_agent()
        code, _, text = self.site.command("status", "-c", self.site.path("sfedge.json"))
        self.assertEqual(code, 69)
        self.assertIn("no agent is running", text)

    def test_a_second_agent_on_the_same_state_is_refused(self):
        self.site.start_agent()
        code, _, text = self.site.command("run", "-c", self.site.path("sfedge.json"))
        self.assertNotEqual(code, 0)
        self.assertIn("another", text)

    def test_secrets_stand_in_no_log_and_no_file_of_the_state(self):
        config = self.site.default_config()
        config["outputs"]["readings"]["order_by"] = "{topic.1}"
        self.site.write_config(config)
        self.site.start_agent()
        self.site.faults(status_503={"probability": 0.3}, html_200={"probability": 0.2}, seed=5)
        account = self.site.publish(devices=5, count=1000, rate=1000)
        self.site.faults()
        self.site.wait_delivered(account)
        self.assertTrue(parts.no_secrets(self.site.agent_log()))
        for name in os.listdir(self.site.path("state")):
            if name.endswith((".seg", ".log")):
                with open(os.path.join(self.site.path("state"), name), "rb") as file:
                    self.assertTrue(parts.no_secrets(file.read().decode("latin-1")), name)


class Mistakes(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)

    def test_all_mistakes_are_named_at_once_with_their_place(self):
        config = self.site.default_config()
        config["streams"]["telemetry"] = {"qouta": "64MiB"}
        config["inputs"]["readings"]["stream"] = "telemetri"
        config["outputs"]["readings"]["records"][0]["map"]["Value__c"]["typ"] = "double"
        config["outputs"]["sales"]["records"][0]["map"]["Store__c"] = "{tpoic.1}"
        self.site.write_config(config)
        code, _, text = self.site.command("check", "-c", self.site.path("sfedge.json"))
        self.assertEqual(code, 78)
        for piece in ("did you mean \"quota\"", "did you mean \"telemetry\"",
                      "did you mean \"type\"", "/streams/telemetry/qouta", "sfedge.json:"):
            self.assertIn(piece, text)
        code, _, _ = self.site.command("run", "-c", self.site.path("sfedge.json"))
        self.assertEqual(code, 78)

    def test_a_template_that_means_nothing_is_a_mistake_with_its_place(self):
        config = self.site.default_config()
        config["outputs"]["sales"]["records"][0]["map"]["Store__c"] = "{tpoic.1}"
        self.site.write_config(config)
        code, _, text = self.site.command("check", "-c", self.site.path("sfedge.json"))
        self.assertEqual(code, 78)
        self.assertIn("/outputs/sales/records/0/map/Store__c", text)
        self.assertIn("{topic", text)

    def test_a_key_that_others_can_read_is_refused(self):
        os.chmod(self.site.path("crm.key"), 0o644)
        code, _, text = self.site.command("check", "-c", self.site.path("sfedge.json"))
        self.assertEqual(code, 78)
        self.assertIn("key_file", text)

    def test_a_good_configuration_says_what_it_takes(self):
        code, text, _ = self.site.command("check", "-c", self.site.path("sfedge.json"))
        self.assertEqual(code, 0)
        self.assertIn("good", text)
        code, text, _ = self.site.command("check", "-c", self.site.path("sfedge.json"), "--json")
        self.assertEqual(code, 0)
        self.assertTrue(json.loads(text)["ok"])

    def test_a_broker_that_is_not_there_is_said_and_waited_for(self):
        self.site.start_org()
        self.site.start_agent(wait=False)
        parts.wait_until(lambda: self.site.status() and
                         self.site.status()["links"][0]["last_error"], 30, "an error is shown")
        self.site.start_broker()
        parts.wait_until(self.site.connected, 60, "the agent finds the broker")

    def test_a_wrong_key_is_said_and_does_not_storm_the_log_in(self):
        self.site.start_broker()
        self.site.start_org()
        subprocess.run(["openssl", "genrsa", "-out", self.site.path("crm.key"), "2048"],
                       check=True, stderr=subprocess.DEVNULL)
        os.chmod(self.site.path("crm.key"), 0o600)
        self.site.start_agent()
        self.site.publish(devices=2, count=10)
        parts.wait_until(lambda: self.site.status()["orgs"][0]["last_error"], 30,
                         "the refusal is shown")
        self.assertIn("invalid", json.dumps(self.site.status()["orgs"][0]["last_error"]))
        self.assertLess(self.site.agent_log().count("invalid assertion"), 5)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[2:])
