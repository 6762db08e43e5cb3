"""Outputs of type mqtt: a real mosquitto, and a subscriber that audits every message by its event-id."""

import json
import os
import subprocess
import sys
import threading
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]


class Audit:
    """A subscriber with a session that the broker keeps; what it gets stands in a file, line by line."""

    def __init__(self, site, *topics):
        self.file = site.path("audit")
        words = ["mosquitto_sub", "-V", "5", "-p", str(site.broker_port), "-q", "1", "-c", "-x", "3600",
                 "-i", "audit", "-F", "%t|%P|%C|%x|%p"]
        for topic in topics:
            words += ["-t", topic]
        with open(self.file, "ab") as out:
            self.process = subprocess.Popen(words, stdout=out, stderr=subprocess.DEVNULL)

    def messages(self):
        """(topic, event-id, payload) in the order in which they came."""
        found = []
        with open(self.file, encoding="utf-8") as file:
            for line in file.read().splitlines():
                topic, properties, _, _, payload = line.split("|", 4)
                found.append((topic, properties.partition("event-id:")[2].split(" ")[0], payload))
        return found

    def published(self):
        """The messages of the output."""
        return [message for message in self.messages() if message[0].startswith("cmd/")]

    def lines(self):
        with open(self.file, encoding="utf-8") as file:
            return file.read().splitlines()

    def close(self):
        self.process.kill()
        self.process.wait()


class MqttOutput(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.site.write_config({
            "agent": {"id": "site", "state": "state", "log": "debug"},
            "connections": {"site": {"type": "mqtt",
                                     "url": "mqtt://127.0.0.1:%d" % self.site.broker_port}},
            "streams": {"commands": {"quota": "64MiB"}},
            "inputs": {"commands": {"type": "mqtt", "connection": "site", "topic": "in/#",
                                    "stream": "commands"}},
            "outputs": {"commands": {"type": "mqtt", "connection": "site", "from": "commands",
                                     "topic": "cmd/{/device}", "payload": "{/do}"}}})
        self.config = self.site.config

    def start(self, *topics):
        self.site.start_broker()
        self.audit = Audit(self.site, *(topics or ("cmd/#",)))
        self.addCleanup(self.audit.close)
        self.wait_logged("as audit")
        self.site.start_agent()

    def wait_logged(self, text):
        def logged():
            with open(self.site.path("mosquitto.log"), encoding="utf-8") as file:
                return text in file.read()
        parts.wait_until(logged, 20, "the broker logs %r" % text)

    def send(self, device, what, **more):
        self.site.publish_one("in/x", json.dumps({"device": device, "do": what, **more}))

    def output(self, name="commands"):
        status = self.site.status()
        return next((output for output in (status or {"outputs": []})["outputs"]
                     if output["name"] == name), None)

    def wait_output(self, what, condition, name="commands", seconds=60):
        def holds():
            output = self.output(name)
            return output is not None and condition(output) and output
        return parts.wait_until(holds, seconds, what)

    def test_an_event_is_a_message_with_all_that_is_configured(self):
        self.config["outputs"]["commands"].update({
            "expiry": "1h", "content_type": "text/{/kind}", "response_topic": "re/{/device}",
            "correlation": "{id}", "properties": {"Store": "{/store}", "n": {"from": "/n",
                                                                            "optional": True}}})
        self.config["outputs"]["copies"] = {
            "type": "mqtt", "connection": "site", "from": "commands", "topic": "copy/{topic}",
            "map": {"who": "{/device}", "where.at": "{/store}"}}
        self.site.write_config(self.config)
        self.start("cmd/#", "copy/#")
        self.send("d1", "open | shut", kind="plain", store="s\u00fcd")
        parts.wait_until(lambda: len(self.audit.messages()) == 2, 30, "both are published")
        lines = sorted(self.audit.lines())
        topic, properties, content_type, _, payload = lines[0].split("|", 4)
        self.assertEqual((topic, content_type, payload), ("cmd/d1", "text/plain", "open | shut"))
        self.assertIn("Store:s\u00fcd", properties)
        self.assertNotIn("n:", properties)
        self.assertEqual(json.loads(lines[1].split("|", 4)[4]),
                         {"who": "d1", "where": {"at": "s\u00fcd"}})
        self.assertTrue(lines[1].startswith("copy/in/x|event-id:"), lines[1])

    def test_a_value_that_makes_no_topic_is_a_dead_letter_and_holds_nobody_up(self):
        self.start()
        for device in ("a/b", "+", "", "d#", "$SYS", "good"):
            self.send(device, "go")
        output = self.wait_output("all are settled", lambda output:
                                  output["delivered"] + output["dead"] == 6)
        self.assertEqual((output["delivered"], output["dead"]), (2, 4))
        parts.wait_until(lambda: len(self.audit.messages()) == 2, 20, "the good ones are published")
        self.assertEqual([topic for topic, _, _ in self.audit.messages()], ["cmd/$SYS", "cmd/good"])

    def check_audit(self, count, devices):
        """None lost, repeats with the same id alone, first appearances within a topic in the order in which
        the broker had them: a sender that repeats after a lost connection need not keep its own."""
        ids, firsts, sent = {}, {}, {}
        for topic, event_id, payload in self.audit.messages():
            if topic == "in/x":
                event = json.loads(payload)
                sent.setdefault("cmd/" + event["device"], {})[event["do"]] = True
                continue
            self.assertEqual(len(event_id), 32)
            self.assertEqual(ids.setdefault(payload, event_id), event_id)
            seen = firsts.setdefault(topic, [])
            if payload not in seen:
                seen.append(payload)
        self.assertEqual(len(set(ids.values())), count)
        self.assertEqual(len(firsts), devices)
        self.assertEqual(firsts, {topic: list(names) for topic, names in sent.items()})

    def test_kills_of_the_agent_and_restarts_of_the_broker_lose_and_swap_nothing(self):
        count, devices = 600, 5
        self.start("cmd/#", "in/#")
        sender = subprocess.Popen(
            ["mosquitto_pub", "-V", "5", "-p", str(self.site.broker_port), "-q", "1", "-t", "in/x",
             "-c", "-i", "sender", "-l"], stdin=subprocess.PIPE)

        def feed():
            for number in range(count):
                sender.stdin.write(json.dumps({"device": "d%d" % (number % devices),
                                               "do": "m%d" % number}).encode() + b"\n")
                sender.stdin.flush()
                time.sleep(0.005)  # So that all the kills fall among the messages.
            sender.stdin.close()
        feeder = threading.Thread(target=feed)
        feeder.start()
        try:
            for want, broken in ((60, "agent"), (200, "broker"), (330, "agent"), (450, "broker")):
                parts.wait_until(lambda: len(self.audit.published()) >= want, 60,
                                 "%d are published" % want)
                if broken == "agent":
                    self.site.kill_agent()
                    self.site.start_agent(wait=False)
                else:
                    self.site.restart_broker()
        finally:
            feeder.join(60)
            sender.wait(60)
        parts.wait_until(lambda: len({p for _, _, p in self.audit.published()}) == count, 90,
                         "all are published")
        self.check_audit(count, devices)
        output = self.wait_output("all are settled", lambda output: output["backlog"] == 0)
        self.assertEqual(output["dead"], 0)

    def allow(self, *rules):
        with open(self.site.path("acl"), "w", encoding="utf-8") as file:
            file.write("".join(rule + "\n" for rule in rules))
        os.chmod(self.site.path("acl"), 0o700)

    def test_what_the_broker_forbids_is_dead_where_others_pass_and_stops_where_none_could(self):
        self.config["outputs"]["fixed"] = {"type": "mqtt", "connection": "site", "from": "commands",
                                           "topic": "fixed/one"}
        self.site.write_config(self.config)
        self.allow("topic readwrite in/#", "topic readwrite cmd/good", "topic read cmd/#")
        conf = self.site.path("acl.conf")
        self.site.start_broker()
        self.site.stop_broker()
        with open(self.site.path("mosquitto.conf"), encoding="utf-8") as file:
            text = file.read() + "acl_file %s\n" % self.site.path("acl")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(text)
        self.site.broker = subprocess.Popen(["mosquitto", "-c", conf], stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL)
        self.site.start_agent()
        self.send("evil", "go")
        self.send("good", "go")
        output = self.wait_output("both are settled", lambda output:
                                  output["delivered"] + output["dead"] == 2)
        self.assertEqual((output["delivered"], output["dead"]), (1, 1))
        code, text, error = self.site.command("dead", "ls", "-j", "-c",
                                              self.site.path("sfedge.json"))
        self.assertEqual(code, 0, error)
        self.assertIn("0x87", text)
        fixed = self.wait_output("the other has stopped",
                                 lambda output: output["state"] == "stopped" and
                                 output["backlog"] == 2, "fixed")
        self.assertEqual((fixed["delivered"], fixed["dead"], fixed["backlog"]), (0, 0, 2))
        self.assertIn("0x87", json.dumps(fixed))

    def test_a_broker_that_is_away_is_told_of_and_a_reload_changes_outputs(self):
        self.start()
        self.send("d1", "one")
        parts.wait_until(lambda: len(self.audit.messages()) == 1, 30, "one is published")
        self.config["outputs"]["commands"]["topic"] = "cmd/new/{/device}"
        self.site.write_config(self.config)
        code, _, error = self.site.command("reload", "-c", self.site.path("sfedge.json"))
        self.assertEqual(code, 0, error)
        self.send("d1", "two")
        parts.wait_until(lambda: len(self.audit.messages()) == 2, 30, "two is published")
        self.assertEqual(self.audit.messages()[1][0], "cmd/new/d1")
        self.site.stop_broker()
        self.wait_output("it says why", lambda output: "broker" in json.dumps(output) or
                         "connect" in json.dumps(output))
        self.assertEqual(self.site.stop_agent(), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
