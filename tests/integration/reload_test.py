"""Reloads at random moments under load: none lost, none doubled, none out of order; what did not change is not touched."""

import copy
import json
import os
import random
import signal
import sys
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]
RELOADS = int(sys.argv[2]) if len(sys.argv) > 2 else 300
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())

FAULTS = [
    {},
    {"status_503": {"probability": 0.2, "retry_after": 1}},
    {"cut_after_commit": {"probability": 0.2}},
    {"row_lock": {"probability": 0.05}},
    {"slow": {"ms": 80}},
    {"token_expired": {"probability": 0.1}},
]


def spare_output(name):
    """An output beside the others; its object is of no concern to the audit."""
    return {"type": "salesforce-records", "connection": "crm", "from": name, "records": [
        {"object": "DeviceAlert__c", "external_id": "EventKey__c", "map": {"EventKey__c": "{id}"}}]}


def write_key(site, name, byte):
    with open(site.path(name), "w", encoding="ascii") as file:
        file.write("%02x" % byte * 32 + "\n")
    os.chmod(site.path(name), 0o600)


def seal(config, *streams, key="flash.key"):
    """Encrypts these streams, and their dead letters."""
    for name in (*streams, "dead"):
        config["streams"].setdefault(name, {}).update(encrypt=True, encrypt_key_file=key)


def memory_has(site, content):
    """True where the agent's memory holds these bytes; None where nobody may look."""
    try:
        with open("/proc/%d/maps" % site.agent.pid, encoding="ascii") as maps, \
                open("/proc/%d/mem" % site.agent.pid, "rb", 0) as memory:
            ranges = [line.split()[0].split("-") for line in maps if line.split()[1][0:2] == "rw"]
            looked = 0
            for begin, end in ([int(text, 16) for text in one] for one in ranges):
                try:
                    memory.seek(begin)
                    part = memory.read(end - begin) if end - begin < 1 << 30 else b""
                except OSError:
                    continue
                looked += len(part)
                if content in part:
                    return True
            return False if looked > 1 << 20 else None
    except PermissionError:
        return None


def change_output(config, chance):
    output = config["outputs"][chance.choice(["readings", "sales"])]
    output["batch_age"] = "%dms" % chance.randint(20, 400)
    output["requests_in_flight"] = chance.randint(1, 6)


def change_batch(config, chance):
    config["outputs"]["readings"]["batch_records"] = chance.randint(20, 200)


def change_org(config, chance):
    config["connections"]["crm"]["compress"] = chance.random() < 0.5
    config["connections"]["crm"]["request_timeout"] = "%ds" % chance.randint(20, 90)


def change_link(config, chance):
    config["connections"]["site"]["keep_alive"] = "%ds" % chance.randint(10, 60)
    config["connections"]["site"]["receive_maximum"] = chance.randint(20, 1000)


def change_limits(config, chance):
    stream = config["streams"][chance.choice(["telemetry", "sales"])]
    stream["quota"] = "%dMiB" % chance.randint(128, 512)
    stream["linger"] = "%dms" % chance.randint(0, 20)


def change_priority(config, chance):
    config["streams"]["telemetry"]["priority"] = chance.randint(0, 3)


def change_share(config, chance):
    config["agent"].pop("quota", None)
    if chance.random() < 0.7:
        config["agent"]["quota"] = "%dMiB" % chance.randint(1100, 2000)


def change_thin(config, chance):
    config["streams"]["telemetry"]["thin"] = {
        "from_percent": chance.randint(90, 99), "keep_every": chance.randint(2, 10),
        "key": chance.choice(["{topic}", "{topic.1}", "{topic.0}/{source}"])}


def toggle_stream(config, chance):
    if "spare" in config["streams"]:
        del config["streams"]["spare"], config["inputs"]["spare"]
        config["outputs"].pop("spare", None)
        return
    config["streams"]["spare"] = {"quota": "8MiB"}
    seal(config, "spare")
    config["inputs"]["spare"] = {"type": "mqtt", "connection": "site", "topic": "spare/#",
                                 "stream": "spare"}
    if chance.random() < 0.5:
        config["outputs"]["spare"] = spare_output("spare")


def change_nothing(config, chance):
    config["agent"]["stop_timeout"] = "%ds" % chance.randint(5, 12)


CHANGES = [change_output, change_batch, change_org, change_link, change_limits, change_priority,
           change_share, change_thin,
           toggle_stream, change_nothing]


class Reloads(unittest.TestCase):
    def reload(self, site, *more):
        return site.command("reload", "--config", site.path("sfedge.json"), *more)

    def start(self, sealed=()):
        site = parts.Site(BUILD)
        self.addCleanup(site.close)
        site.write_config(self.base_config(site, sealed))
        site.start_broker()
        site.start_org()
        site.start_agent()
        return site

    @staticmethod
    def base_config(site, sealed):
        config = site.default_config()
        config["outputs"]["readings"]["order_by"] = "{topic.1}"
        config["agent"]["quota"] = "2GiB"
        config["streams"]["telemetry"].update(
            when_full="drop-oldest", thin={"from_percent": 95, "keep_every": 10})
        if sealed:
            write_key(site, "flash.key", 0x5A)
            seal(config, *sealed)
        return config

    def test_a_bad_configuration_is_refused_with_every_reason_and_nothing_changes(self):
        site = self.start()
        good = site.config
        bad = copy.deepcopy(good)
        bad["outputs"]["readings"]["records"][0]["map"]["DeviceId__c"] = "{tpoic.1}"
        bad["outputs"]["sales"]["records"][1]["map"]["Sku__c"] = "{item:/sku"
        bad["outputs"]["sales"]["batch_age"] = "3s"
        site.write_config(bad)
        code, _, err = self.reload(site)
        self.assertEqual(code, 78, err)
        self.assertIn("/outputs/readings/records/0/map/DeviceId__c", err)
        self.assertIn("/outputs/sales/records/1/map/Sku__c", err)
        code, out, _ = self.reload(site, "--json")
        self.assertEqual(code, 78)
        answer = json.loads(out)
        self.assertEqual((answer["ok"], len(answer["mistakes"])), (False, 2))
        status = site.status()
        self.assertEqual((status["last_reload"]["ok"], status["last_reload"]["mistakes"]),
                         (False, 2))
        code, out, _ = site.command("status", "--config", site.path("sfedge.json"))
        self.assertIn("reload refused", out)
        self.assertIn("reload refused", site.agent_log())
        self.assertIn("/outputs/sales/records/1/map/Sku__c", site.agent_log())
        site.config = copy.deepcopy(good)
        site.config["outputs"]["sales"]["order_by"] = "{tpoic}"
        site.write_config(site.config)
        site.agent.send_signal(signal.SIGHUP)
        parts.wait_until(lambda: site.status()["last_reload"]["mistakes"] == 1, 20,
                         "SIGHUP is refused and told in the status")
        self.assertIn("/outputs/sales/order_by", site.agent_log())
        for section, key, value in [("agent", "id", "other"), ("agent", "event_max", "128KiB"),
                                    ("streams", "telemetry",
                                     dict(good["streams"]["telemetry"], segment="2MiB")),
                                    ("streams", "telemetry",
                                     {"quota": "256MiB", "when_full": "drop-oldest"})]:
            bad = copy.deepcopy(good)
            bad[section][key] = value
            site.write_config(bad)
            code, _, err = self.reload(site)
            self.assertEqual(code, 78, (section, key))
            self.assertIn("cannot change by a reload", err)
        bad = copy.deepcopy(good)
        bad["agent"]["state"] = "elsewhere"
        site.write_config(bad)
        code, _, err = self.reload(site, "--state", site.path("state"))
        self.assertEqual(code, 78)
        self.assertIn("agent.state cannot change", err)
        site.write_config(good)
        code, out, err = self.reload(site)
        self.assertEqual((code, out), (0, "reloaded\n"), err)
        self.assertTrue(site.status()["last_reload"]["ok"])
        self.assertEqual(site.status()["links"][0]["reconnects"], 0)
        account = site.publish(devices=4, tills=1, count=200, rate=1000)
        site.wait_delivered(account)
        site.check_exactly_once(account)
        self.assertEqual(site.stop_agent(), 0)

    def test_a_key_that_cannot_be_used_is_refused_before_anything_stops(self):
        site = self.start()
        with open(site.path("broken.key"), "w", encoding="utf-8") as file:
            file.write("no key\n")
        os.chmod(site.path("broken.key"), 0o600)
        good = copy.deepcopy(site.config)
        site.config["connections"]["crm"]["auth"]["key_file"] = "broken.key"
        site.config["connections"]["site"]["keep_alive"] = "20s"
        site.write_config(site.config)
        code, _, err = self.reload(site)
        self.assertEqual(code, 78, err)
        self.assertIn("private key", err)
        site.write_config(good)
        account = site.publish(devices=4, tills=1, count=200, rate=1000)
        site.wait_delivered(account)
        site.check_exactly_once(account)
        self.assertEqual(site.status()["links"][0]["received"], account["published"])

    def test_what_did_not_change_is_not_touched(self):
        site = self.start()
        account = site.publish(devices=4, tills=1, count=300, rate=1000)
        site.wait_delivered(account)
        before = site.status()
        site.config["outputs"]["sales"]["batch_age"] = "300ms"
        site.config["streams"]["sales"]["linger"] = "5ms"
        site.config["connections"]["site"]["plain"] = False  # Its default, written out.
        site.write_config(site.config)
        self.assertEqual(self.reload(site)[0], 0)
        after = site.status()
        self.assertEqual(after["links"][0]["received"], before["links"][0]["received"])
        self.assertEqual(after["orgs"][0]["logins"], before["orgs"][0]["logins"])
        outputs = {output["name"]: output for output in after["outputs"]}
        self.assertGreater(outputs["readings"]["delivered"], 0)
        self.assertEqual(outputs["sales"]["delivered"], 0)  # Opened anew, at its cursor.
        self.assertEqual(outputs["sales"]["backlog"], 0)
        site.config["connections"]["site"]["keep_alive"] = "20s"
        site.write_config(site.config)
        self.assertEqual(self.reload(site)[0], 0)
        parts.wait_until(site.connected, 30, "the changed link is connected")
        self.assertEqual(site.status()["links"][0]["received"], 0)
        self.assertEqual(site.status()["orgs"][0]["logins"], before["orgs"][0]["logins"])

    def write_secret(self, site, name, text):
        with open(site.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(site.path(name), 0o600)

    def test_a_secret_that_changed_under_the_same_name_opens_its_connection_anew(self):
        site = self.start()
        self.write_secret(site, "broker.password", "one")
        self.write_secret(site, "proxy.password", "one")
        site.config["connections"]["site"].update(username="u", password_file="broker.password")
        site.config["connections"]["crm"]["proxy"] = {
            "url": "http://127.0.0.1:9", "username": "p", "password_file": "proxy.password",
            "no_proxy": ["127.0.0.1"]}
        site.write_config(site.config)
        self.assertEqual(self.reload(site)[0], 0)
        parts.wait_until(site.connected, 30, "the link is connected")
        account = site.publish(devices=2, tills=1, count=100, rate=1000)
        site.wait_delivered(account)

        def untouched():
            status = site.status()
            return (status["links"][0]["received"] != 0, status["outputs"][0]["delivered"] != 0)

        self.assertEqual(self.reload(site)[0], 0)
        self.assertEqual(untouched(), (True, True))
        self.write_secret(site, "proxy.password", "two")
        self.assertEqual(self.reload(site)[0], 0)
        self.assertEqual(untouched(), (True, False))
        self.write_secret(site, "broker.password", "two")
        self.assertEqual(self.reload(site)[0], 0)
        self.assertEqual(untouched(), (False, False))
        parts.wait_until(site.connected, 30, "the link is connected")
        self.assertEqual(site.stop_agent(), 0)

    def dead(self, site):
        return sum(stream["events"] for stream in site.status()["streams"]
                   if stream["name"] == "dead")

    def check_unsubscribed(self, version):
        site = self.start()
        link = site.config["connections"]["site"]
        link["version"] = version
        tills = site.config["inputs"]["tills"]
        site.config["inputs"]["extra"] = dict(tills, topic="extra/#")
        site.write_config(site.config)
        self.assertEqual(self.reload(site)[0], 0)
        parts.wait_until(site.connected, 30, "connected with one more filter")
        site.stop_broker()  # The first reload finds nobody to tell it to, the second does it.
        del site.config["inputs"]["extra"]
        site.write_config(site.config)
        self.assertEqual(self.reload(site)[0], 0)
        tills["topic"] = "pos/+/+"
        site.write_config(site.config)
        self.assertEqual(self.reload(site)[0], 0)
        site.start_broker()
        parts.wait_until(site.connected, 60, "connected with the new filters")
        self.assertIn("mqtt subscriptions of before ended", site.agent_log())
        site.publish_one("extra/1", "nobody wants it")
        account = site.publish(devices=2, tills=1, count=60)
        site.wait_delivered(account)
        site.check_exactly_once(account)
        self.assertEqual(self.dead(site), 0)
        self.assertEqual(site.status()["links"][0]["received"], account["published"])

    def test_a_filter_that_is_no_longer_wanted_is_unsubscribed(self):
        self.check_unsubscribed("5")

    def test_so_it_is_with_the_old_version(self):
        self.check_unsubscribed("3.1.1")

    def test_the_files_of_conf_d_are_read_anew(self):
        site = self.start()
        more = site.path("conf.d/more.json")
        os.mkdir(site.path("conf.d"))

        def reload_with(stream):
            with open(more, "w", encoding="utf-8") as file:
                json.dump({"streams": {"more": stream}}, file)
            return self.reload(site, "--state", site.path("state"))

        def streams():
            return [stream["name"] for stream in site.status()["streams"]]

        code, _, err = reload_with({"qouta": "64MiB"})
        self.assertEqual(code, 78)
        self.assertIn("conf.d/more.json", err)
        self.assertEqual(reload_with({"quota": "64MiB"})[0], 0)
        self.assertIn("more", streams())
        code, _, err = reload_with({"segment": "2MiB"})
        self.assertEqual(code, 78)
        self.assertIn("conf.d/more.json", err)
        os.remove(more)
        self.assertEqual(self.reload(site)[0], 0)
        self.assertNotIn("more", streams())
        self.assertEqual(site.stop_agent(), 0)

    @staticmethod
    def listed(site, name):
        """The outputs that `stream ls` tells of stream `name`."""
        _, out, _ = site.command("stream", "ls", "--config", site.path("sfedge.json"), "--json")
        return next(one["outputs"] for one in json.loads(out)["streams"] if one["stream"] == name)

    def test_an_output_that_was_removed_goes_on_at_its_cursor_when_it_comes_back(self):
        site = self.start()
        account = site.publish(devices=0, tills=2, count=100, rate=1000)
        site.wait_delivered(account)
        calls = site.object_audit("PosSale__c")
        output = site.config["outputs"].pop("sales")
        site.write_config(site.config)
        self.assertEqual(self.reload(site)[0], 0)
        self.assertEqual([one["name"] for one in site.status()["outputs"]], ["readings"])
        kept = self.listed(site, "sales")
        self.assertEqual([(one["output"], one["former"], one["unsettled"]) for one in kept],
                         [("sales", True, 0)])
        self.assertIn("former output sales",
                      site.command("stream", "ls", "--config", site.path("sfedge.json"))[1])
        site.config["outputs"]["sales"] = output
        site.write_config(site.config)
        self.assertEqual(self.reload(site)[0], 0)
        status = {one["name"]: one for one in site.status()["outputs"]}
        self.assertEqual(status["sales"]["backlog"], 0)
        self.assertEqual([one["former"] for one in self.listed(site, "sales")], [False])
        self.assertEqual(site.object_audit("PosSale__c"), calls)

    def test_a_former_cursor_is_forgotten_by_hand_and_no_other(self):
        site = self.start()
        account = site.publish(devices=1, tills=1, count=200, rate=1000)
        site.wait_delivered(account)

        def forget(name):
            return site.command("stream", "forget", "--config", site.path("sfedge.json"), name)

        site.config["outputs"].pop("sales")
        site.write_config(site.config)
        self.assertEqual(self.reload(site)[0], 0)
        code, _, err = forget("sales/sales")
        self.assertEqual(code, 69, err)
        self.assertIn("stop it first", err)
        self.assertEqual(site.stop_agent(), 0)
        before = self.listed(site, "telemetry")
        self.assertEqual(forget("sales")[0], 64)
        code, _, err = forget("readings/telemetry")
        self.assertEqual(code, 69, err)
        self.assertIn("is in the configuration", err)
        self.assertNotEqual(forget("other/sales")[0], 0)
        self.assertEqual(len(self.listed(site, "sales")), 1)
        self.assertEqual(forget("sales/sales"), (0, "forgotten: sales/sales\n", ""))
        self.assertEqual(self.listed(site, "sales"), [])
        self.assertEqual(self.listed(site, "telemetry"), before)
        site.start_agent()
        self.assertEqual(site.stop_agent(), 0)
        self.assertEqual(self.listed(site, "sales"), [])

    def test_what_others_released_while_an_output_was_out_is_counted_as_its_gap(self):
        site = self.start()
        self.assertEqual(site.stop_agent(), 0)
        site.config["agent"]["event_max"] = "16KiB"
        site.config["streams"]["sales"] = {"quota": "8MiB", "segment": "64KiB"}
        site.config["outputs"]["spare"] = {
            "type": "salesforce-records", "connection": "crm", "from": "sales", "records": [
                {"object": "DeviceReading__c", "external_id": "ReadingId__c",
                 "map": {"ReadingId__c": "{/sale_id}", "DeviceId__c": "{topic.1}"}}]}
        site.write_config(site.config)
        site.start_agent()
        output = site.config["outputs"].pop("sales")
        site.write_config(site.config)
        self.assertEqual(self.reload(site)[0], 0)
        account = site.publish(devices=0, tills=1, count=2000, bytes=300)

        def standing(name):
            return next(one for one in site.status()["outputs"] if one["name"] == name)

        def stream():
            return next(one for one in site.status()["streams"] if one["name"] == "sales")

        parts.wait_until(lambda: standing("spare")["delivered"] == 2000, 60, "one has delivered")
        parts.wait_until(lambda: stream()["flash_bytes"] < 192 * 1024, 20, "flash is given back")
        self.assertEqual(self.listed(site, "sales")[-1]["former"], True)
        site.config["outputs"]["sales"] = output
        site.write_config(site.config)
        self.assertEqual(self.reload(site)[0], 0)
        parts.wait_until(lambda: standing("sales")["backlog"] == 0, 60, "the other as well")
        found = len(site.ids("PosSale__c"))
        self.assertLess(found, account["published"])
        self.assertEqual(found + standing("sales")["gaps"], account["published"])

    def test_a_request_that_does_not_end_in_time_is_cut_off_and_comes_again(self):
        site = self.start()
        site.config["agent"]["stop_timeout"] = "1s"
        site.write_config(site.config)
        self.assertEqual(self.reload(site)[0], 0)
        site.faults(seed=SEED, slow={"ms": 20000})
        account = site.publish(devices=2, tills=1, count=100, rate=1000)
        site.config["connections"]["crm"]["compress"] = False
        site.write_config(site.config)
        begun = time.monotonic()
        self.assertEqual(self.reload(site)[0], 0)
        self.assertLess(time.monotonic() - begun, 15)
        site.faults()
        site.wait_delivered(account)
        site.check_exactly_once(account)

    def test_an_end_asked_for_during_a_reload_is_an_orderly_end(self):
        site = self.start()
        site.faults(seed=SEED, slow={"ms": 3000})
        account = site.publish(devices=2, tills=1, count=100, rate=1000)
        site.config["connections"]["crm"]["compress"] = False
        site.config["connections"]["site"]["keep_alive"] = "20s"
        site.write_config(site.config)
        site.agent.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        site.agent.send_signal(signal.SIGHUP)
        self.assertEqual(site.stop_agent(60), 0)
        site.faults()
        site.start_agent()
        site.wait_delivered(account)
        site.check_exactly_once(account)

    def test_an_encrypted_stream_outlives_the_configurations_it_is_carried_through(self):
        site = self.start(sealed=["sales"])
        site.faults(down=True)
        publisher = site.publish(wait=False, devices=2, tills=2, count=3000, rate=1000)
        os.rename(site.path("flash.key"), site.path("other.key"))
        for number in range(6):  # With the same key in another file; all else is made anew.
            seal(site.config, "sales", key="other.key")
            site.config["connections"]["site"]["keep_alive"] = "%ds" % (20 + number)
            site.config["connections"]["crm"]["request_timeout"] = "%ds" % (20 + number)
            site.config["streams"]["sales"]["quota"] = "%dMiB" % (128 + 64 * number)
            site.write_config(site.config)
            code, _, err = self.reload(site)
            self.assertEqual(code, 0, err)
        account = site.published(publisher)
        self.assertEqual(account["published"], 3000)
        site.faults()
        site.wait_delivered(account)
        site.check_exactly_once(account)
        self.assertEqual(site.stop_agent(), 0)

    def test_a_key_that_changed_is_refused_until_a_restart_finds_the_old_one(self):
        site = self.start(sealed=["sales"])
        site.faults(down=True)
        account = site.publish(devices=0, tills=2, count=400, rate=2000)
        os.rename(site.path("flash.key"), site.path("old.key"))
        write_key(site, "flash.key", 0xA5)
        code, _, err = self.reload(site)
        self.assertEqual(code, 78, err)
        self.assertIn("/streams/sales", err)
        self.assertIn("/streams/dead", err)
        self.assertIn("keys of a stream", err)
        self.assertIn("encrypt_old_key_files", err)
        self.assertIn("restart the agent", err)
        self.assertIn("keys of a stream", site.agent_log())
        for name in ("sales", "dead"):
            site.config["streams"][name]["encrypt_old_key_files"] = ["old.key"]
        site.write_config(site.config)
        self.assertEqual(self.reload(site)[0], 78)
        self.assertEqual(site.stop_agent(), 0)
        site.start_agent()
        code, _, err = self.reload(site)  # What it was started with is no change.
        self.assertEqual(code, 0, err)
        site.faults()
        site.wait_delivered(account)
        site.check_exactly_once(account)
        del site.config["streams"]["sales"]["encrypt_old_key_files"]
        site.write_config(site.config)
        code, _, err = self.reload(site)
        self.assertEqual(code, 78, err)
        self.assertIn("/streams/sales", err)

    @staticmethod
    def durable(site, name):
        return next(one for one in site.status()["streams"]
                    if one["name"] == name)["durable_sequence"]

    def test_keys_go_with_their_stream_and_it_comes_back_with_its_own_only(self):
        site = self.start()
        good = copy.deepcopy(site.config)
        with_spare = copy.deepcopy(good)
        with_spare["inputs"]["spare"] = {"type": "mqtt", "connection": "site", "topic": "spare/#",
                                         "stream": "spare"}
        with_spare["streams"]["spare"] = {"encrypt": True, "encrypt_key_file": "spare.key"}
        with_spare["streams"]["dead"] = {"encrypt": True, "encrypt_key_file": "dead.key"}
        with_spare["outputs"]["sales"]["batch_age"] = "300ms"
        good["streams"]["dead"] = with_spare["streams"]["dead"]
        key = bytes(range(0xC0, 0xE0))
        write_key(site, "dead.key", 0x11)
        with open(site.path("spare.key"), "wb") as file:
            file.write(key)
        os.chmod(site.path("spare.key"), 0o600)
        self.assertEqual(site.stop_agent(), 0)
        site.write_config(good)
        site.start_agent()
        self.assertFalse(memory_has(site, key))
        site.write_config(with_spare)
        code, _, err = self.reload(site)
        self.assertEqual(code, 0, err)
        parts.wait_until(site.connected, 30, "the link is connected")
        for number in range(5):
            site.publish_one("spare/one", json.dumps({"number": number}))
        parts.wait_until(lambda: self.durable(site, "spare") == 5, 20, "all is on flash")
        if memory_has(site, key) is None:
            print("nobody may look into the memory of the agent here")
        else:
            self.assertTrue(memory_has(site, key))
        # An output stays that was opened with the configuration of that stream.
        good["outputs"]["sales"] = with_spare["outputs"]["sales"]
        site.write_config(good)
        self.assertEqual(self.reload(site)[0], 0)
        self.assertFalse(memory_has(site, key))
        # Its segments are there still, and are told apart from what a wrong key could open.
        write_key(site, "spare.key", 0x77)
        site.write_config(with_spare)
        code, _, err = self.reload(site)
        self.assertEqual(code, 78, err)
        self.assertIn("encrypt_old_key_files", err)
        self.assertEqual(len(site.status()["streams"]), 3)
        with open(site.path("spare.key"), "wb") as file:
            file.write(key)
        code, _, err = self.reload(site)
        self.assertEqual(code, 0, err)
        self.assertEqual(self.durable(site, "spare"), 5)
        self.assertEqual(site.stop_agent(), 0)

    @staticmethod
    def stream(site, name):
        return next(one for one in site.status()["streams"] if one["name"] == name)

    def start_small(self, **telemetry):
        """Small segments, and 6 MiB for all: 1 for dead letters, 1 for sales, 4 for telemetry."""
        site = parts.Site(BUILD)
        self.addCleanup(site.close)
        config = site.default_config()
        config["agent"].update(event_max="16KiB", quota="6MiB")
        small = {"quota": "1MiB", "segment": "64KiB"}
        config["streams"].update(telemetry=dict(segment="64KiB", **telemetry), dead=dict(small),
                                 sales=dict(small, priority=1))
        site.write_config(config)
        site.start_broker()
        site.start_org()
        site.faults(down=True)
        site.start_agent()
        return site

    def test_the_quota_of_all_streams_is_lowered_and_raised_while_they_are_full(self):
        site = self.start_small(quota="64MiB")

        def reload_with(quota):
            site.config["agent"]["quota"] = quota
            site.write_config(site.config)
            code, _, err = self.reload(site)
            self.assertEqual(code, 0, err)

        def is_full():
            return self.stream(site, "telemetry")["full"]

        account = site.publish(devices=10, tills=1, count=22000, bytes=300)
        parts.wait_until(is_full, 60, "the quota of all is used up")
        parts.wait_until(lambda: self.stream(site, "telemetry")["staged_events"] == 0, 20, "all is on flash")
        before = self.stream(site, "telemetry")
        self.assertLess(before["durable_sequence"], 20000)
        self.assertLessEqual(before["flash_bytes"], (4096 + 64) << 10)
        reload_with("4MiB")
        parts.wait_until(is_full, 60, "it is full by the lower quota as well")
        status = site.status()
        self.assertEqual(status["quota_bytes"], 4 << 20)
        self.assertLessEqual(self.stream(site, "telemetry")["flash_bytes"],
                             before["flash_bytes"] + (64 << 10))
        self.assertGreaterEqual(self.stream(site, "telemetry")["durable_sequence"],
                                before["durable_sequence"])
        site.config["streams"]["telemetry"]["priority"] = 1  # Sales keep their floor only.
        reload_with("6MiB")
        parts.wait_until(is_full, 60, "it has what sales do not keep any more")
        self.assertGreater(self.stream(site, "telemetry")["durable_sequence"],
                           before["durable_sequence"])
        site.config["streams"]["spare"] = {"quota": "1MiB", "segment": "64KiB"}
        site.config["streams"]["sales"]["quota"] = "8MiB"
        reload_with("80MiB")
        parts.wait_until(lambda: sum(one["durable_sequence"] for one in site.status()["streams"])
                         == account["published"], 60, "a larger one takes all")
        del site.config["streams"]["spare"], site.config["agent"]["quota"]
        site.write_config(site.config)
        self.assertEqual(self.reload(site)[0], 0)
        self.assertEqual(site.status()["quota_bytes"], 0)
        site.faults(down=False)
        site.wait_delivered(account)
        site.check_exactly_once(account)
        self.assertEqual(site.stop_agent(), 0)

    def test_the_rule_of_thinning_changes_and_outlives_the_configurations_it_came_with(self):
        site = self.start_small(quota="1MiB", when_full="drop-oldest",
                                thin={"from_percent": 50, "keep_every": 50})
        published = 0

        def thinned_by(count):
            nonlocal published
            before = self.stream(site, "telemetry")["thinned"]
            published += site.publish(devices=10, count=count, bytes=300)["published"]
            parts.wait_until(lambda: self.stream(site, "telemetry")["durable_sequence"] +
                             self.stream(site, "telemetry")["thinned"] == published, 60,
                             "all is accounted for")
            return self.stream(site, "telemetry")["thinned"] - before

        self.assertGreater(thinned_by(20000), 5000)
        for number in range(4):
            # Nothing else of a configuration stays in use.
            site.config["outputs"]["readings"]["batch_age"] = "%dms" % (300 + number)
            site.config["outputs"]["sales"]["batch_age"] = "%dms" % (300 + number)
            site.config["connections"]["crm"]["request_timeout"] = "%ds" % (20 + number)
            site.config["streams"]["telemetry"]["thin"] = {
                "from_percent": 30, "keep_every": 2 + number, "key": "{topic.%d}" % (number % 2)}
            site.write_config(site.config)
            code, _, err = self.reload(site)
            self.assertEqual(code, 0, err)
            self.assertEqual(site.status()["links"][0]["reconnects"], 0)
            kept = 1000 - thinned_by(1000)
            wanted = 1000 / (2 + number)
            self.assertTrue(wanted - 10 <= kept <= wanted + 20, (number, kept))
        self.assertEqual(site.stop_agent(), 0)

    def test_without_an_agent_reload_says_so(self):
        site = parts.Site(BUILD)
        self.addCleanup(site.close)
        os.mkdir(site.path("state"), 0o700)
        code, _, err = self.reload(site)
        self.assertEqual(code, 69, err)
        self.assertIn("no agent is running", err)

    def test_random_reloads_under_load_lose_double_and_reorder_nothing(self):
        print("reload_test, seed %d" % SEED, flush=True)
        chance = random.Random(SEED)
        site = self.start(sealed=["sales"])
        publisher = site.publish(wait=False, devices=40, tills=4, rate=600, seconds=1200 + 4 * RELOADS)
        taken = resident = refused = 0
        for number in range(RELOADS):
            if number % 10 == 0:
                site.faults(seed=SEED + number, **chance.choice(FAULTS))
            config = copy.deepcopy(site.config)
            chance.choice(CHANGES)(config, chance)
            if number % 15 == 14:
                self.refuse(site, chance)
                refused += 1
            site.write_config(config)
            if chance.random() < 0.2:
                site.agent.send_signal(signal.SIGHUP)
                time.sleep(chance.uniform(0, 0.1))
            else:
                code, _, err = self.reload(site)
                self.assertEqual(code, 0, err)
            self.assertIsNone(site.agent.poll())
            if number == RELOADS // 3:
                taken, resident = self.memory(site)
        end_taken, end_resident = self.memory(site)
        publisher.terminate()
        account = site.published(publisher)
        site.faults()
        site.wait_delivered(account, 240)
        site.check_exactly_once(account)
        print("%d published, %d reloads, %d refused; arenas %d then %d, RssAnon %d then %d"
              % (account["published"], RELOADS, refused, taken, end_taken, resident, end_resident))
        self.assertEqual(sum(stream["events"] for stream in site.status()["streams"]
                             if stream["name"] == "dead"), 0)
        self.assertEqual(end_taken, taken)
        if not self.is_sanitized():
            self.assertLess(end_resident, resident * 1.25 + (4 << 20))
        self.assertEqual(site.stop_agent(), 0)

    def refuse(self, site, chance):
        bad = copy.deepcopy(site.config)
        change_org(bad, chance)
        change_link(bad, chance)
        bad["outputs"]["readings"]["records"][0]["map"]["Unit__c"] = "{unit"
        with open(site.path("sfedge.json"), "w", encoding="utf-8") as file:
            json.dump(bad, file)
        self.assertEqual(self.reload(site)[0], 78)

    def memory(self, site):
        """Arenas and RssAnon, always with the same configuration."""
        kept = copy.deepcopy(site.config)
        config = self.base_config(site, ["sales"])
        config["streams"]["telemetry"]["quota"] = config["streams"]["sales"]["quota"] = "512MiB"
        site.write_config(config)
        code, _, err = self.reload(site)
        self.assertEqual(code, 0, err)
        status = site.status()
        site.write_config(kept)
        return status["arena_bytes"], status["memory_bytes"]

    @staticmethod
    def is_sanitized():
        with open(os.path.join(BUILD, "sfedge"), "rb") as file:
            data = file.read()
        return b"__asan_init" in data or b"__tsan_init" in data


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
