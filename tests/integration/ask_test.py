"""Questions over MQTT 5, answered from a file and by the org, as config/examples/price-questions.json has it: to the one
who asked, once, in time, or with why not; over a slow org, one that is down, kills, and whatever senders send."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

from events_parts import EventsSite
from site_parts import no_secrets, wait_until

BUILD = sys.argv[1]
EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "config", "examples")
OBJECT = "DeviceReading__c"
NAME = "O'Brien \\ \"Söhne\""


def example():
    """The configuration as it is documented, without its comments; with an object of the simulated org."""
    with open(os.path.join(EXAMPLES, "price-questions.json"), encoding="utf-8") as file:
        text = re.sub(r"(?m)^\s*//.*$", "", file.read())
    return json.loads(text.replace("Customer__c", OBJECT).replace("Card__c", "ReadingId__c")
                      .replace("Points__c", "Value__c").replace("Name FROM", "DeviceId__c FROM")
                      .replace("/row/Name", "/row/DeviceId__c"))


class Ask(unittest.TestCase):
    def setUp(self):
        site = self.site = EventsSite(BUILD)
        self.addCleanup(site.close)
        here = site.default_config()
        config = example()
        del config["$schema"]
        config["agent"] = here["agent"]
        config["connections"] = here["connections"]
        shutil.copy(os.path.join(EXAMPLES, "article-groups.csv"), site.path("article-groups.csv"))
        self.inputs = config["inputs"]
        self.inputs["points"]["within"] = "20s"
        site.write_config(config)
        self.asked = 0

    def start(self):
        self.site.start_broker()
        self.site.start_org("--client-secret-file", self.site.secret())
        result = self.site.call("PATCH", "composite/sobjects/%s/ReadingId__c" % OBJECT, {
            "allOrNone": False, "records": [
                {"attributes": {"type": OBJECT}, "ReadingId__c": key, "DeviceId__c": name, "Value__c": value}
                for key, name, value in (("C-1", "Ann", 120), (NAME, NAME, 7))]})
        self.assertTrue(all(one["success"] for one in result), result)
        self.site.start_agent()

    def begin(self, topic, payload, limit=60):
        """A till that asks, and waits."""
        self.asked += 1
        name = "q%d" % self.asked
        process = subprocess.Popen(
            ["mosquitto_rr", "-V", "5", "-p", str(self.site.broker_port), "-q", "1", "-W", str(limit), "-t", topic,
             "-e", "answer/" + name, "-D", "publish", "correlation-data", name, "-m", payload, "-F", "%P|%D|%C|%p"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return name, process

    def finish(self, begun):
        name, process = begun
        out, err = process.communicate(timeout=90)
        self.assertEqual(process.returncode, 0, (err, self.site.agent_log()[-2000:]))
        properties, correlation, content_type, body = out.rstrip("\n").split("|", 3)
        self.assertEqual((correlation, content_type), (name, "application/json"))
        return properties.partition("status:")[2], json.loads(body)

    def ask(self, what, question):
        return self.finish(self.begin("ask/%s/t01" % what,
                                      question if isinstance(question, str) else json.dumps(question)))

    def count(self, name):
        return {link["ask"]["input"]: link["ask"] for link in self.site.status()["links"] if "ask" in link}[name]

    def reload(self):
        self.site.write_config(self.site.config)
        code, _, err = self.site.command("reload", "--config", self.site.path("sfedge.json"))
        self.assertEqual(code, 0, err)
        wait_until(self.site.connected, 60, "all is connected again")

    def pub(self, topic, payload, *properties, more=()):
        words = ["mosquitto_pub", "-V", "5", "-p", str(self.site.broker_port), "-q", "1", "-t", topic, "-s", *more]
        for name, value in properties:
            words += ["-D", "publish", name, value]
        subprocess.run(words, input=payload, check=True, timeout=20)

    def test_a_table_and_the_org_answer_and_no_value_becomes_a_part_of_the_query(self):
        self.start()
        self.assertEqual(self.ask("group", {"sku": "10002"}), ("ok", {"sku": "10002", "group": "dairy"}))
        self.assertEqual(self.ask("group", {"sku": 10003}), ("ok", {"sku": 10003, "group": "beverages"}))
        self.assertEqual(self.ask("group", {"sku": "9"}), ("not_found", {"error": "not_found"}))
        self.assertEqual(self.ask("group", "{\"sku\":"), ("bad_question", {"error": "bad_question"}))
        self.assertEqual(self.ask("points", {"card": "C-1"}), ("ok", {"card": "C-1", "name": "Ann", "points": 120}))
        self.assertEqual(self.ask("points", {"card": NAME}), ("ok", {"card": NAME, "name": NAME, "points": 7}))
        for card in ("C-2", "' OR ReadingId__c != '", "\\' OR ReadingId__c != \\'", "C-1\\", "C-1' --", "%", "C-_"):
            self.assertEqual(self.ask("points", {"card": card})[0], "not_found", card)
        for card in (None, ["C-1"], {"a": 1}, "a\u0000b", "x" * 2000):
            self.assertEqual(self.ask("points", {"card": card})[0], "bad_question", card)
        self.assertEqual(self.ask("points", {"card": "C-1", "x": "y" * 5000})[0], "bad_question")
        # What the file says is new after a reload.
        with open(self.site.path("article-groups.csv"), "a", encoding="utf-8") as file:
            file.write("9,\"tools; \"\"best\"\"\"\n")
        self.reload()
        self.assertEqual(self.ask("group", {"sku": "9"}), ("ok", {"sku": "9", "group": "tools; \"best\""}))
        # Without a map the row itself; outside quotes numbers alone; what the org refuses is told as such.
        del self.inputs["groups"]["map"]
        del self.inputs["points"]["map"]
        self.inputs["points"]["query"] = "SELECT DeviceId__c FROM %s WHERE Value__c > {/least} LIMIT 1" % OBJECT
        self.reload()
        self.assertEqual(self.ask("group", {"sku": "9"})[1], {"key": "9", "value": "tools; \"best\""})
        self.assertEqual(self.ask("points", {"least": 100})[1]["DeviceId__c"], "Ann")
        self.assertEqual(self.ask("points", {"least": "0 OR Value__c < 1000"})[0], "bad_question")
        self.inputs["points"]["query"] = "SELECT DeviceId__c FROM NoSuchThing__c WHERE Id = '{/card}'"
        self.reload()
        self.assertEqual(self.ask("points", {"card": "C-1"}), ("failed", {"error": "failed"}))
        code, text, err = self.site.command("status", "--config", self.site.path("sfedge.json"))
        self.assertEqual(code, 0, err)
        self.assertIn("answers of points: questions 1, under way 0, ok 0, failed 1", text)
        self.assertEqual(self.site.stop_agent(), 0)
        log = self.site.agent_log()
        self.assertTrue(no_secrets(log))
        self.assertFalse([word for word in ("C-1", "Brien", "least", "dairy") if word in log], log[-3000:])

    def test_what_cannot_be_answered_safely_is_refused_and_counted(self):
        self.start()
        question = json.dumps({"sku": "10002"}).encode()
        ours = ("response-topic", "answer/x")
        hostile = [(question,), (question, ("response-topic", "pos/t1/sale")), (question, ("response-topic", "answer/")),
                   (question, ("response-topic", "answerx/y")), (b"\xff\xfe\x00", ("response-topic", "$SYS/x")),
                   (question, ours, ("correlation-data", "c" * 300)), (question, ours, ("correlation-data", "c" * 60000)),
                   (question, ("response-topic", "answer/" + "t" * 600)),
                   (b" ", ("response-topic", "elsewhere/answer/x"))]
        for payload, *properties in hostile:
            self.pub("ask/group/evil", payload, *properties)
        wait_until(lambda: self.count("groups")["refused"] == len(hostile), 30, "all are refused")
        # A retained question would be asked anew with each connection: it is told nothing then.
        self.pub("ask/group/old", question, ours, more=("-r",))
        wait_until(lambda: self.count("groups")["ok"] == 1, 30, "it is answered while it is new")
        self.site.kill_agent()
        self.site.start_agent()
        wait_until(lambda: self.count("groups")["refused"] == 1, 30, "and refused once it is old")
        # Binary payloads and a message over the limit: they may be answered, if only with a no.
        for payload in (b"\x00\xff" * 100, b"{" * 4096, b"[" * 100000, b"{\"sku\":{\"a\":\"" + b"x" * 3000 + b"\"}}", b" "):
            self.pub("ask/group/t01", payload, ours, ("correlation-data", "k"))
        wait_until(lambda: self.count("groups")["not_found"] + self.count("groups")["bad_question"] == 5, 30, "all are told")
        self.assertEqual(self.ask("group", {"sku": "10001"})[1]["group"], "bakery")
        self.assertEqual(self.count("groups")["under_way"], 0)
        self.assertEqual(self.site.stop_agent(), 0)

    def test_a_slow_org_one_that_is_down_and_kills(self):
        site = self.site
        self.inputs["points"].update(in_flight=2)
        site.config["streams"] = {"sales": {}}
        self.inputs["sales"] = {"type": "mqtt", "connection": "site", "topic": "pos/+/sale", "stream": "sales"}
        site.config["connections"]["crm"]["daily_calls"] = 1000
        site.write_config(site.config)
        self.start()
        self.assertEqual(self.ask("points", {"card": "C-1"})[0], "ok")
        # Of twelve at once two wait for the org, and the others are told so while they do; events and the table go on.
        site.faults(slow={"ms": 2500})
        begun = [self.begin("ask/points/t%d" % number, json.dumps({"card": "C-1"})) for number in range(12)]
        wait_until(lambda: self.count("points")["busy"] >= 1, 30, "some are told that we are busy")
        site.publish_one("pos/1/sale", "1")
        wait_until(lambda: site.durable("sales") == 1, 30, "a sale is on flash meanwhile")
        self.assertEqual(self.ask("group", {"sku": "10001"})[0], "ok")
        statuses = [self.finish(one)[0] for one in begun]
        self.assertEqual(set(statuses), {"ok", "busy"}, statuses)
        # Too slow for the limit; the org's late word changes nothing.
        self.inputs["points"]["within"] = "300ms"
        self.reload()
        self.assertEqual(self.ask("points", {"card": "C-1"}), ("timeout", {"error": "timeout"}))
        # Killed while it is asked: nobody is told later, as nothing was kept; the next one is.
        self.inputs["points"]["within"] = "20s"
        self.reload()
        lost = self.begin("ask/points/t01", json.dumps({"card": "C-1"}), limit=5)
        wait_until(lambda: self.count("points")["under_way"] == 1, 30, "it is asked")
        site.kill_agent()
        site.faults(slow=None)
        site.start_agent()
        self.assertEqual(self.ask("points", {"card": "C-1"})[0], "ok")
        out, _ = lost[1].communicate(timeout=60)
        self.assertEqual(out, "")
        # The broker ends what is under way, and the next one is answered again.
        site.restart_broker()
        wait_until(site.connected, 60, "all is connected again")
        self.assertEqual(self.ask("points", {"card": "C-1"})[0], "ok")
        site.stop_org()
        self.assertEqual(self.ask("points", {"card": "C-1"}), ("unavailable", {"error": "unavailable"}))
        self.assertEqual(self.ask("group", {"sku": "10001"})[0], "ok")
        self.assertEqual(site.stop_agent(), 0)

    def test_the_days_calls_are_used_up_and_the_rate_is_kept(self):
        self.site.config["connections"]["crm"].update(daily_calls=20, daily_reserve=0)
        self.inputs["points"]["within"] = "1s"
        self.inputs["groups"]["rate"] = 1
        self.site.write_config(self.site.config)
        self.start()
        wait_until(lambda: self.ask("points", {"card": "C-1"}) == ("budget", {"error": "budget"}), 60, "no call is left")
        self.assertTrue(self.site.status()["orgs"][0]["api_calls"] <= 20)
        begun = [self.begin("ask/group/t%d" % number, json.dumps({"sku": "10001"})) for number in range(8)]
        self.assertEqual({self.finish(one)[0] for one in begun}, {"ok", "busy"})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
