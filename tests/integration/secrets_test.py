"""Marked secrets and card numbers go through everything, and are looked for wherever the agent writes."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import unittest

import site_parts as parts

BUILD = sys.argv[1]
PASSWORD = "pw-MARKED-7f3a9c51"
WRONG_PASSWORD = "pw-WRONG-MARKED-0b2e"
URL_PASSWORD = "pw-URL-MARKED-66aa"
# Test numbers of issuers; each is sent in its own way.
GUARDED = ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117"]
OPEN = "4012888888881881"  # Through an input without a guard: on flash, but in no message.
CVV = "73919"[:4]
TRACK = "DOE-MARKED/JOHN"
TOKEN = re.compile(rb"00D[A-Za-z0-9]{12,}!|eyJ[A-Za-z0-9_-]{20,}\.")


def read(name):
    with open(name, "rb") as file:
        return file.read()


class SecretSite(parts.Site):
    """A broker that asks for a password, and tills that say too much."""

    def __init__(self, build):
        super().__init__(build)
        self.write_secret("mqtt.password", PASSWORD)
        subprocess.run(["mosquitto_passwd", "-b", "-c", self.path("broker.passwords"), "edge",
                        PASSWORD], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        config = self.default_config()
        config["connections"]["site"].update(username="edge", password_file="mqtt.password")
        config["inputs"]["tills"]["mask"] = ["card_number"]
        config["inputs"]["tills"]["topic"] = "pos/#"
        self.write_config(config)

    def write_secret(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.chmod(self.path(name), 0o600)

    def start_broker(self):
        with open(self.path("mosquitto.conf"), "w", encoding="utf-8") as file:
            file.write("listener %d 127.0.0.1\nallow_anonymous false\npassword_file %s\n"
                       "log_dest none\nuser root\n"
                       % (self.broker_port, self.path("broker.passwords")))
        self.broker = subprocess.Popen(["mosquitto", "-c", self.path("mosquitto.conf")],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        parts.wait_until(lambda: self._listens(self.broker_port), 20, "mosquitto listens")

    def say(self, topic, payload):
        self.publish_one(topic, payload, "-u", "edge", "-P", PASSWORD)

    def private_lines(self):
        with open(self.path("crm.key"), "rb") as file:
            return [line.strip() for line in file if b"-----" not in line and len(line) > 40]


def sale(number, **more):
    body = {"sale_id": "m-%d" % number, "store": "0421", "register": "03", "seq": number,
            "total": 4.77, "currency": "EUR", "end": 1795478400,
            "lines": [{"no": 1, "sku": "PEN", "qty": 1, "amount": 4.77}]}
    body.update(more)
    return json.dumps(body)


class Secrets(unittest.TestCase):
    def setUp(self):
        self.site = SecretSite(BUILD)
        self.addCleanup(self.site.close)
        self.site.start_broker()
        self.site.start_org()
        self.said = []  # All that commands have printed.

    def ask(self, *words):
        code, out, err = self.site.command(*words, "--config", self.site.path("sfedge.json"))
        self.said += [out, err]
        return code

    def ask_all(self):
        self.ask("status", "--json")
        self.ask("status")
        self.ask("check")
        self.ask("check", "--json")

    def process_files(self):
        names = ["/proc/%d/%s" % (self.site.agent.pid, name)
                 for name in ("cmdline", "environ", "status", "comm")]
        return b"".join(read(name) for name in names)

    def flash(self):
        found = b""
        for folder, _, names in os.walk(self.site.path("state")):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    found += name.encode() + b"\n" + read(path)
        return found

    def assert_clean(self, where, text, more=()):
        marks = [PASSWORD, WRONG_PASSWORD, URL_PASSWORD, TRACK, '"%s"' % CVV, *GUARDED, *more]
        spaced = ["4111 1111 1111 1111", "3782-822463-10005"]
        for mark in [mark.encode() for mark in marks + spaced] + self.site.private_lines():
            self.assertNotIn(mark, text, where)
        self.assertIsNone(TOKEN.search(text), where)

    def assert_all_clean(self):
        self.assert_clean("log", self.site.agent_log().encode(), [OPEN])
        self.assert_clean("commands", "".join(self.said).encode(), [OPEN])
        self.assert_clean("flash", self.flash())

    def traffic(self):
        """Cards where they are expected and where not; sound, unsound and oversized events."""
        say = self.site.say
        say("pos/01/sale", sale(1, card_number=GUARDED[0], cvv=CVV,
                                note="paid with 4111 1111 1111 1111"))
        say("pos/01/sale", sale(2, tender={"raw": "%%B%s^%s^2712101?" % (GUARDED[1], TRACK)}))
        say("pos/01/sale", sale(3, memo=["3782-822463-10005"], acct=int(GUARDED[3])))
        say("pos/%s/sale" % GUARDED[2], sale(4))
        say("pos/01/sale", '{"sale_id":"broken","card_number":"%s"' % GUARDED[0])
        say("pos/01/sale", "7;%s;%s" % (GUARDED[1], CVV))
        say("pos/01/sale", sale(5, currency="card " + GUARDED[0]))  # Too long: the org says no.
        say("pos/01/sale", sale(6, total="x" + GUARDED[3], card_number=GUARDED[3]))
        say("pos/01/sale", sale(7, note="n" * 300000, card_number=GUARDED[0]))
        say("plant/a/telemetry", json.dumps({"reading": "r-1", "seq": 1, "value": 1,
                                             "ts": 1795478400123, "unit": ", ".join([OPEN] * 6)}))
        say("plant/a/telemetry", json.dumps({"reading": "r-2", "seq": 2, "value": OPEN + "x",
                                             "ts": 1795478400123, "unit": "C"}))

    def settled(self):
        status = self.site.status()
        return status and all(one["backlog"] == 0 for one in status["outputs"]) and \
            all(one["staged_events"] == 0 for one in status["streams"])

    def test_nothing_that_the_agent_writes_holds_a_secret_or_a_card(self):
        self.site.start_agent()
        self.site.faults(status_503={"count": 2}, html_200={"count": 1},
                         token_expired={"count": 1})
        self.traffic()
        parts.wait_until(lambda: {"m-1", "m-2", "m-3", "m-4"} <= set(self.site.ids("PosSale__c")),
                         60, "the sound sales are delivered")
        parts.wait_until(self.settled, 60, "all is settled")
        self.ask_all()
        status = self.site.status()
        masked = status["links"][0]["masked"]
        self.assertTrue(all(count > 0 for count in masked.values()), masked)
        dead = [one for one in status["streams"] if one["name"] == "dead"][0]
        self.assertGreaterEqual(dead["events"], 6)
        self.assert_clean("/proc", self.process_files(), [OPEN])
        self.assert_all_clean()
        self.assertIn(b"******1111", self.flash())  # What was masked did arrive.

    def test_refused_log_ins_tell_the_reason_and_no_secret(self):
        self.site.config["connections"]["crm"]["auth"]["username"] = "nobody@site.example"
        self.site.write_config(self.site.config)
        self.site.start_agent()
        self.traffic()
        parts.wait_until(lambda: (self.site.status()["orgs"][0]["last_error"] or {})
                         .get("api_code"), 30, "the org has refused the log-in")
        self.ask_all()
        self.site.stop_agent()
        self.site.write_secret("mqtt.password", WRONG_PASSWORD)
        self.site.start_agent(wait=False)
        parts.wait_until(lambda: (self.site.status() or {"links": [{}]})["links"][0]
                         .get("last_error"), 30, "the broker has refused the log-in")
        self.ask_all()
        self.site.stop_agent()
        url = "mqtt://edge:%s@127.0.0.1:%d" % (URL_PASSWORD, self.site.broker_port)
        self.site.config["connections"]["site"]["url"] = url
        self.site.write_config(self.site.config)
        self.assertEqual(self.ask("check"), 78)
        self.assertEqual(self.ask("run"), 78)
        self.assert_all_clean()

    def limited(self):
        """A command in front of another that lets cores be written into the scratch folder."""
        return ["sh", "-c", 'ulimit -c unlimited && cd "$0" && exec "$@"', self.site.folder]

    def cores(self):
        return [name for name in os.listdir(self.site.folder) if name.startswith("core")]

    def test_an_abort_writes_no_core(self):
        if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
            self.skipTest("cores are forbidden here")
        victim = subprocess.Popen(self.limited() + ["sleep", "60"])
        parts.wait_until(lambda: read("/proc/%d/comm" % victim.pid) == b"sleep\n", 20,
                         "sleep runs")
        victim.send_signal(signal.SIGABRT)
        victim.wait(20)
        if not self.cores():
            self.skipTest("this machine puts cores elsewhere")
        for name in self.cores():
            os.remove(self.site.path(name))
        self.site.prefix = self.limited()
        self.site.start_agent()
        self.site.agent.send_signal(signal.SIGABRT)
        self.assertEqual(self.site.agent.wait(20), -signal.SIGABRT)
        self.assertEqual(self.cores(), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
