"""The commands that people and scripts use beside the agent, on the built binary and a real site."""

import json
import os
import subprocess
import sys
import unittest

import site_parts as parts

BUILD = sys.argv[1]


def reading(number, **more):
    return json.dumps({"reading": "x-%d" % number, "seq": number, "ts": 1795478400123, "value": 1.5,
                       "unit": "C", **more})


class Commands(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.config = self.site.path("sfedge.json")

    def run_command(self, *words, code=0):
        """Runs a command on the site's configuration; returns what it printed."""
        found, text, error = self.site.command(*words, "-c", self.config)
        self.assertEqual(found, code, text + error)
        return text + error if code else text

    def findings(self, *words, code=0):
        found, text, _ = self.site.command(*words, "-c", self.config, "--json")
        self.assertEqual(found, code, text)
        return json.loads(text)

    def find(self, document, check):
        return next(item for item in document["findings"] if item["check"] == check)


class Offline(Commands):
    def test_try_shows_the_requests_and_touches_nothing(self):
        os.remove(self.site.path("crm.key"))
        sale = {"sale_id": "S-1", "store": "042", "register": "1", "seq": 1, "total": "12.50",
                "currency": "EUR", "end": 1795478400,
                "lines": [{"no": 1, "sku": "a", "qty": 2, "amount": 5}]}
        text = self.run_command("try", "--topic", "pos/1/sale", "--payload", json.dumps(sale), "-j")
        document = json.loads(text)
        self.assertTrue(document["ok"])
        self.assertEqual([request["path"] for request in document["requests"]],
                         ["/services/data/v62.0/composite"])
        subrequests = document["requests"][0]["body"]["compositeRequest"]
        self.assertEqual([subrequest["url"].split("/")[-2] for subrequest in subrequests],
                         ["PosSale__c", "PosLine__c"])
        self.assertEqual(subrequests[0]["body"]["records"][0]["Total__c"], 12.5)
        self.assertFalse(os.path.exists(self.site.path("state")))

    def test_try_explains_what_cannot_be_mapped(self):
        text = self.run_command("try", "-t", "plant/a/telemetry", "-p", reading(1, value="12,5"),
                                "--explain", code=65)
        self.assertIn('found {"/value":"12,5"} -> no value: Value__c: "12,5" is not a number', text)
        self.assertIn("dead letter:", text)
        self.assertIn("api: collections, for one event's records", text)
        self.assertIn("no input takes this topic",
                      self.run_command("try", "-t", "other", "-p", "1", code=65))

    def test_try_explains_which_case_a_field_is(self):
        config = json.loads(json.dumps(self.site.config))
        config["outputs"]["readings"]["records"][0]["map"]["Unit__c"] = {
            "case": [{"when": {"/value": {"lt": 1}}, "then": "low"},
                     {"when": {"/value": {"lt": 5}}, "then": "of {topic.1}"}], "else": "high"}
        self.site.write_config(config)
        text = self.run_command("try", "-t", "plant/a/telemetry", "-p", reading(1, value=2.5),
                                "--explain")
        self.assertIn("Unit__c case 1:   /value lt 1, found 2.5 -> does not hold", text)
        self.assertIn('Unit__c: of {topic.1} (auto), found {"topic.1":"a"} -> "of a"', text)
        text = self.run_command("try", "-t", "plant/a/telemetry", "-p", reading(1, value=9),
                                "--explain")
        self.assertIn('Unit__c: high (auto), found {} -> "high"', text)

    def test_try_explains_a_message_without_a_map(self):
        config = json.loads(json.dumps(self.site.config))
        config["outputs"] = {"out": {"type": "mqtt", "connection": "site", "from": "telemetry",
                                     "topic": "out/x"}}
        self.site.write_config(config)
        text = self.run_command("try", "-t", "plant/a/telemetry", "-p", "{}", "--explain")
        self.assertIn("order key: the message's topic", text)
        self.assertIn("PUBLISH out/x", text)

    def test_try_shows_what_a_bulk_job_would_carry_and_when(self):
        words = ("try", "-t", "plant/a/telemetry", "-p", reading(1, value=2.5), "--explain")
        self.assertIn("api: bulk instead, once 2000 events wait (8000 where the day's calls are "
                      "scarce), the oldest for 60 s", self.run_command(*words))
        config = json.loads(json.dumps(self.site.config))
        config["outputs"]["readings"]["api"] = "bulk"
        self.site.write_config(config)
        text = self.run_command(*words)
        self.assertIn("api: bulk, as configured", text)
        self.assertIn('bulk job: {"object":"DeviceReading__c","operation":"upsert",'
                      '"externalIdFieldName":"ReadingId__c"', text)
        rows = text[text.index("bulk rows:"):].splitlines()
        self.assertIn("ReadingId__c", rows[1].split(","))
        self.assertEqual(rows[2].split(",")[rows[1].split(",").index("ReadingId__c")], "x-1")
        self.assertNotIn("bulk instead", text)

    def test_try_reads_the_payload_from_where_it_is_said(self):
        with open(self.site.path("payload"), "w", encoding="utf-8") as file:
            file.write(reading(7))
        self.assertIn("x-7", self.run_command("try", "-t", "plant/a/telemetry", "-f",
                                              self.site.path("payload")))
        done = subprocess.run([os.path.join(self.site.build, "sfedge"), "try", "-c", self.config,
                               "-t", "plant/a/telemetry", "-"], input=reading(8).encode(),
                              stdout=subprocess.PIPE, timeout=60, check=True)
        self.assertIn(b"x-8", done.stdout)
        self.run_command("try", "-t", "plant/a/telemetry", code=64)

    def test_init_writes_what_check_accepts_and_replaces_nothing(self):
        self.config = self.site.path("new.json")
        words = ["init"]
        for name, value in (("id", "shop"), ("state", self.site.path("state")),
                            ("broker", "mqtt://10.0.0.7"), ("filter", "pos/#"),
                            ("login-url", "https://test.salesforce.com"), ("client-id", "3MVG9"),
                            ("username", "a@b.example"), ("key-file", "crm.key"),
                            ("object", "Sale__c"), ("external-id", "SaleId__c")):
            words += ["--" + name, value]
        self.assertIn("Three steps", self.run_command(*words))
        self.assertIn("good", self.run_command("check"))
        with open(self.config, encoding="utf-8") as file:
            written = json.load(file)
        self.assertEqual(written["connections"]["crm"]["auth"]["audience"],
                         "https://test.salesforce.com")
        self.assertIn("exists already", self.run_command(*words, code=69))
        os.remove(self.config)
        words[words.index("mqtt://10.0.0.7")] = "nonsense"
        self.assertIn("nothing was written", self.run_command(*words, code=78))
        self.assertFalse(os.path.exists(self.config))

    def test_init_asks_what_was_not_said(self):
        self.config = self.site.path("asked.json")
        words = [os.path.join(self.site.build, "sfedge"), "init", "-c", self.config]
        done = subprocess.run(words, input=b"till-7" + b"\n" * 10, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=True)
        self.assertIn(b"What is this gateway called?", done.stderr)
        with open(self.config, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["agent"]["id"], "till-7")
        self.assertIn("PATCH", self.run_command("try", "-t", "plant/a/telemetry", "-p", "1"))
        os.remove(self.config)
        done = subprocess.run(words, input=b"", stderr=subprocess.PIPE, timeout=60, check=False)
        self.assertEqual(done.returncode, 64)

    def test_the_manual_pages_are_good_roff_and_name_every_command(self):
        for section in ("8", "5"):
            code, page, _ = self.site.command("manual", section)
            self.assertEqual(code, 0)
            done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z"], input=page.encode(),
                                  stderr=subprocess.PIPE, timeout=60, check=True)
            self.assertEqual(done.stderr, b"")
        page = self.site.command("manual", "8")[1]
        for line in self.site.command("help")[1].split("\n"):
            if line.startswith("  ") and not line.strip()[0].isdigit():
                name = " ".join(line[:15].split())
                self.assertIn(".B sfedge %s" % name.replace("-", "\\-"), page)

    def complete(self, *words):
        script = self.site.path("completion")
        with open(script, "w", encoding="utf-8") as file:
            file.write(self.site.command("completion", "bash")[1])
        line = 'source "$0"; COMP_WORDS=(sfedge "$@"); COMP_CWORD=$#; _sfedge; echo "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", line, script, *words], stdout=subprocess.PIPE,
                              timeout=60, check=True)
        return done.stdout.decode().split()

    def test_bash_completes_commands_and_their_options(self):
        self.assertEqual(self.complete("doc"), ["doctor"])
        self.assertEqual(self.complete("dead", "r"), ["retry"])
        self.assertEqual(self.complete("try", "--exp"), ["--explain"])
        self.assertEqual(self.complete("stream", "cat", "--c"), ["--config", "--count"])
        self.assertEqual(self.complete("check", "--config", self.config[:-2]), [self.config])

    def test_a_wrong_command_line_is_said_with_code_64(self):
        for words in (["dead"], ["dead", "retry"], ["login", "--nope"], ["try", "--nope"], ["manual", "9"],
                      ["completion", "zsh"], ["dead", "show"]):
            found, _, error = self.site.command(*words)
            self.assertEqual(found, 64, words)
            self.assertTrue(error)


class Doctor(Commands):
    def test_a_site_that_is_well_has_no_failures_and_its_agent_is_left_alone(self):
        self.site.start_broker()
        self.site.start_org()
        self.site.start_agent()
        document = self.findings("doctor")
        self.assertIn(document["worst"], ("ok", "warn"))  # Nobody vouches for this clock, perhaps.
        for check in ("secrets", "flash", "dns", "broker", "login", "skew", "api", "limits"):
            self.assertEqual(self.find(document, check)["level"], "ok", check)
        login = self.find(document, "login")["message"]
        for piece in (parts.CONSUMER_KEY, parts.USERNAME, parts.AUDIENCE):
            self.assertIn(piece, login)
        link = self.site.status()["links"][0]
        self.assertTrue(link["connected"])
        self.assertEqual(link["reconnects"], 0)
        self.assertTrue(parts.no_secrets(json.dumps(document)))

    def change(self, **auth):
        config = self.site.default_config()
        config["connections"]["crm"]["auth"].update(auth)
        self.site.write_config(config)

    def test_each_refusal_names_the_setting_to_change(self):
        self.site.start_org()
        for setting, value in (("client_id", "wrong"), ("username", "nobody@x.example"),
                               ("audience", "https://wrong.example")):
            self.change(**{setting: value})
            login = self.find(self.findings("login", "--test", code=77), "login")
            self.assertEqual(login["setting"], "/connections/crm/auth/" + setting)
            self.assertTrue(login["fix"])
        self.change()
        subprocess.run(["openssl", "genrsa", "-out", self.site.path("crm.key"), "2048"],
                       check=True, stderr=subprocess.DEVNULL)
        os.chmod(self.site.path("crm.key"), 0o600)
        login = self.find(self.findings("login", "--test", code=77), "login")
        self.assertEqual(login["setting"], "/connections/crm/auth/key_file")

    def test_what_is_away_is_said_and_the_rest_is_looked_at(self):
        document = self.findings("doctor", code=69)
        self.assertEqual(self.find(document, "broker")["setting"], "/connections/site/url")
        self.assertEqual(self.find(document, "login")["setting"], "/connections/crm/login_url")
        os.chmod(self.site.path("crm.key"), 0o644)
        document = self.findings("doctor", code=78)
        self.assertIn("chmod", self.find(document, "configuration")["message"])
        self.assertEqual(self.find(document, "broker")["level"], "fail")

    def test_login_alone_looks_at_one_connection(self):
        self.site.start_org()
        for words in (("login",), ("login", "crm"), ("login", "--test", "crm")):
            text = self.run_command(*words)
            self.assertIn("logged in", text)
            self.assertIn("requests go to http://127.0.0.1:%d" % self.site.org_port, text)
            self.assertTrue(parts.no_secrets(text))
        self.assertFalse(os.path.exists(self.site.path("state")))
        self.run_command("login", "nobody", code=64)


class Flash(Commands):
    def wait_record(self, external_id):
        parts.wait_until(lambda: external_id in self.site.ids("DeviceReading__c"), 30, external_id)

    def letters(self):
        return [json.loads(line) for line in self.run_command("dead", "ls", "-j").split("\n") if line]

    def test_streams_can_be_read_beside_the_agent(self):
        self.site.start_broker()
        self.site.start_org()
        self.site.start_agent()
        account = self.site.publish(devices=5, tills=2, count=700)
        self.site.wait_delivered(account)
        streams = {stream["stream"]: stream for stream in
                   json.loads(self.run_command("stream", "ls", "-j"))["streams"]}
        self.assertEqual(streams["telemetry"]["events"] + streams["sales"]["events"], 700)
        lines = self.run_command("stream", "cat", "telemetry", "--from", "11", "-n", "3", "-j")
        events = [json.loads(line) for line in lines.split("\n") if line]
        self.assertEqual([event["sequence"] for event in events], [11, 12, 13])
        self.assertIn("reading", json.loads(events[0]["payload"]))
        self.assertIn("good", self.run_command("stream", "verify"))
        self.assertEqual(self.site.stop_agent(), 0)
        self.assertIn("good", self.run_command("stream", "verify", "sales"))
        self.run_command("stream", "cat", "nothing", code=69)

    def test_damage_is_found_and_nothing_is_changed(self):
        self.site.start_broker()
        self.site.start_org()
        self.site.faults(down=True)
        self.site.start_agent()
        self.site.publish(devices=5, count=2000)
        self.site.kill_agent()
        path = next(os.path.join(self.site.path("state"), name)
                    for name in sorted(os.listdir(self.site.path("state")))
                    if name.startswith("telemetry-"))
        with open(path, "r+b") as file:
            file.seek(8192 + 64)
            file.write(b"\xff" * 64)
        with open(path, "rb") as file:
            before = file.read()
        self.assertIn("DAMAGED", self.run_command("stream", "verify", code=65))
        with open(path, "rb") as file:
            self.assertEqual(file.read(), before)

    def test_dead_letters_are_listed_mended_and_dropped(self):
        self.site.start_broker()
        self.site.start_org()
        self.site.start_agent()
        self.site.publish_one("plant/a/telemetry", "{\"reading\":")
        self.site.publish_one("plant/a/telemetry", b"\xff\xfe\x00binary")
        self.site.publish_one("plant/a/telemetry", reading(1, value="12,50"))
        self.site.publish_one("plant/a/telemetry", reading(2))
        self.wait_record("x-2")
        parts.wait_until(lambda: len(self.letters()) == 3, 30, "three dead letters")
        self.assertIn("not text", self.run_command("dead", "show", "2"))
        number = next(letter["sequence"] for letter in self.letters()
                      if "x-1" in letter.get("payload", ""))
        self.assertIn("only while it is stopped",
                      self.run_command("dead", "retry", str(number), code=69))
        self.assertEqual(self.site.stop_agent(), 0)
        config = self.site.default_config()
        config["outputs"]["readings"]["records"][0]["map"]["Value__c"] = {"value": 0}
        self.site.write_config(config)
        self.assertIn("1 put back", self.run_command("dead", "retry", str(number)))
        self.assertEqual(len(self.letters()), 2)
        self.run_command("dead", "retry", str(number), code=69)
        self.assertIn("2 dropped", self.run_command("dead", "drop", "all"))
        self.assertEqual(self.letters(), [])
        self.site.start_agent()
        self.wait_record("x-1")
        self.assertEqual(self.site.stop_agent(), 0)
        self.assertEqual(self.letters(), [])
        self.assertEqual(self.site.object_audit("DeviceReading__c")["records"], 2)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[2:])
