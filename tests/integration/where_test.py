"""`where` on a running site: each output of a stream takes its own events, the others are counted, what cannot be
judged is a dead letter, and a reload compares the conditions."""

import json
import sys
import unittest
import urllib.error
import urllib.request

import site_parts as parts

BUILD = sys.argv[1]


class Where(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.config = self.site.default_config()
        self.first = self.config["outputs"]["readings"]
        self.object = self.first["records"][0]["object"]

    def start(self):
        self.site.write_config(self.config)
        self.site.start_broker()
        self.site.start_org()
        self.site.start_agent()

    def output(self, name="readings"):
        return next(output for output in self.site.status()["outputs"] if output["name"] == name)

    def wait_passed(self, count, name="readings"):
        parts.wait_until(lambda: self.output(name)["cursor"] == count + 1, 60,
                         "%d passed by %s" % (count, name))

    def publish(self, number, value, **more):
        self.site.publish_one("plant/a/telemetry", json.dumps({
            "reading": "x-%d" % number, "seq": number, "ts": 1795478400123, "value": value,
            "unit": "C", **more}))

    def test_what_a_sender_may_not_send_is_kept_apart(self):
        port = parts.free_port()
        inputs = self.config["inputs"]
        inputs["readings"]["admit"] = {"/device": "{topic.1}"}
        inputs["web"] = {"type": "http", "listen": "127.0.0.1:%d" % port, "path": "/plant/web/telemetry",
                         "auth": {"none": True}, "stream": "telemetry",
                         "admit": {"/device": "{topic.1}"}}
        self.start()
        for number, device in enumerate(("a", "b", "a", None)):
            self.publish(number, 1, **({"device": device} if device else {}))
        parts.wait_until(lambda: self.ids() == ["x-0", "x-2"], 30, "what may be sent is delivered")
        status = self.site.status()
        links = {link["connection"]: link for link in status["links"]}
        self.assertEqual(links["site"]["not_admitted"], 2)
        self.assertEqual([stream["events"] for stream in status["streams"]
                          if stream["name"] == "dead"], [2])
        letters = self.site.command("dead", "ls", "--config", self.site.path("sfedge.json"))[1]
        self.assertEqual(letters.count("not-admitted"), 2, letters)

        def post(*devices):
            request = urllib.request.Request(
                "http://127.0.0.1:%d/plant/web/telemetry" % port, json.dumps([
                    {"reading": "w-%s" % device, "seq": 1, "ts": 1795478400123, "value": 1,
                     "unit": "C", "device": device} for device in devices]).encode(),
                {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()
        self.assertEqual(post("web")[0], 200)
        status, text = post("web", "a")
        self.assertEqual(status, 403)
        self.assertIn("event 1", text)
        links = {link["connection"]: link for link in self.site.status()["links"]}
        self.assertEqual((links["web"]["not_admitted"], links["web"]["received"]), (1, 1))
        parts.wait_until(lambda: self.ids() == ["w-web", "x-0", "x-2"], 30, "and nothing else")
        self.assertEqual(self.site.stop_agent(), 0)

    def ids(self):
        return sorted(self.site.ids(self.object))

    def test_two_outputs_of_one_stream_take_their_own_events(self):
        high = json.loads(json.dumps(self.first))
        self.first["where"] = {"/value": {"le": 80}}
        high["where"] = {"/value": {"gt": 80}, "not": {"/test": True}}
        self.config["outputs"]["high"] = high
        self.start()
        for number, value in enumerate((79.5, 80, 80.5, 90, 95)):
            self.publish(number, value, test=number == 4)
        self.wait_passed(5)
        self.wait_passed(5, "high")
        self.assertEqual(self.ids(), ["x-0", "x-1", "x-2", "x-3"])
        for name in ("readings", "high"):
            output = self.output(name)
            self.assertEqual((output["delivered"], output["skipped"], output["dead"],
                              output["gaps"], output["backlog"]),
                             (2, 3, 0, 0, 0), name)

    def test_what_cannot_be_judged_is_a_dead_letter_of_its_output(self):
        self.first["where"] = {"/value": {"gt": 80}}
        self.start()
        self.publish(1, "90")
        self.site.publish_one("plant/a/telemetry", "no json")
        self.publish(2, 90)
        self.publish(3, None)
        self.wait_passed(4)
        output = self.output()
        self.assertEqual((output["delivered"], output["skipped"], output["dead"]), (1, 1, 2))
        self.assertEqual(self.ids(), ["x-2"])
        code, text, error = self.site.command("dead", "ls", "-j", "-c",
                                              self.site.path("sfedge.json"))
        self.assertEqual(code, 0, error)
        self.assertIn("where: /value: the value is not a number", text)
        self.assertIn("where: /value: the payload is not JSON", text)

    def test_after_a_kill_the_conditions_are_judged_again_and_nothing_comes_twice(self):
        self.first["where"] = {"/seq": {"in": [1, 3, 5]}}
        self.start()
        for number in range(3):
            self.publish(number, 1)
        self.wait_passed(3)
        self.site.kill_agent()
        self.site.start_agent()
        for number in range(3, 6):
            self.publish(number, 1)
        self.wait_passed(6)
        self.assertEqual(self.ids(), ["x-1", "x-3", "x-5"])

    def test_a_reload_takes_a_change_of_the_conditions(self):
        self.first["where"] = {"/value": {"gt": 80}}
        self.start()
        self.publish(1, 70)
        self.wait_passed(1)
        self.first["where"] = {"/value": {"gt": 60}}
        self.site.write_config(self.config)
        code, text, error = self.site.command("reload", "-c", self.site.path("sfedge.json"))
        self.assertEqual(code, 0, text + error)
        self.publish(2, 70)
        self.wait_passed(2)
        self.assertEqual(self.ids(), ["x-2"]) # What was passed over before stays so.


    def test_try_explains_each_condition_of_the_output_and_of_a_field(self):
        self.first["where"] = {"/value": {"gt": 80}}
        self.first["records"][0]["map"]["Level__c"] = {"value": "high", "if": {"/value": {"ge": 90}}}
        self.site.write_config(self.config)

        def steps(value):
            code, text, error = self.site.command(
                "try", "-c", self.site.path("sfedge.json"), "--json", "--explain", "--topic",
                "plant/a/telemetry", "--payload", json.dumps({"reading": "x", "value": value, "seq": 1,
                                                              "ts": 1795478400123, "unit": "C"}))
            self.assertEqual(code, 0, error)
            document = json.loads(text)
            conditions = [(step.get("field"), step["at"], step["found"], step["holds"])
                          for step in document["steps"] if "at" in step]
            return conditions, document["requests"]

        conditions, requests = steps(80)
        self.assertEqual(conditions, [(None, "/value", 80, False)])
        self.assertEqual(requests, [])
        conditions, requests = steps(85)
        self.assertEqual(conditions, [(None, "/value", 85, True), ("Level__c", "/value", 85, False)])
        self.assertNotIn("Level__c", json.dumps(requests))
        conditions, requests = steps(90)
        self.assertEqual(conditions, [(None, "/value", 90, True), ("Level__c", "/value", 90, True)])
        self.assertIn('"Level__c": "high"', json.dumps(requests))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[2:], verbosity=2)
