"""Events of a Salesforce org come in: each exactly once, whatever happens on the way."""

import json
import os
import sys
import unittest

from events_parts import EventsSite
from site_parts import wait_until

BUILD = ""


class SalesforceEvents(unittest.TestCase):
    def setUp(self):
        self.site = EventsSite(BUILD)
        self.addCleanup(self.site.close)

    def test_events_and_changes_come_as_they_are_and_status_shows_the_link(self):
        site = self.site
        site.start()
        site.publish_commands(3)
        site.change_device("d-1", "ACTIVE")
        site.change_device("d-1", "LOCKED")
        site.wait_taken()
        wait_until(lambda: site.durable("changes") >= 2, 30, "both changes are there")
        site.check_exactly_once()
        first = site.payloads()[0]
        self.assertEqual(set(first), {"schema", "payload", "event"})
        self.assertEqual(first["payload"]["Payload__c"], "{\"say\":\"\u00e4\"}")
        changes = site.payloads("changes")
        self.assertEqual([one["payload"]["ChangeEventHeader"]["changeType"] for one in changes],
                         ["CREATE", "UPDATE"])
        self.assertEqual({event["topic"] for event in site.events()}, {"/event/DeviceCommand__e"})
        link = site.link()
        self.assertTrue(link["connected"])
        self.assertEqual((link["connection"], link["received"], link["acknowledged"]),
                         ("crm", 5, 5))
        commands = site.input("commands")
        self.assertEqual(commands["place"], str(site.payloads()[-1]["event"]["replayId"]))
        self.assertEqual((commands["repeats"], commands["gaps"]), (0, 0))
        self.assertEqual(site.bus()["subscriptions"], 2)
        code, text, _ = site.command("status", "--config", site.path("sfedge.json"))
        self.assertEqual(code, 0)
        self.assertIn("last replay id %s," % commands["place"], text)
        # One session carries both channels, and none of it counts as an API call.
        self.assertEqual(site.bus()["clients"], 1)
        self.assertEqual(site.status()["orgs"][0]["api_calls"], 0)
        self.assertEqual(site.stop_agent(), 0)
        self.assertEqual(site.bus()["clients"], 0, "it has not said goodbye")

    def test_kills_drops_lost_answers_and_ended_sessions_lose_and_double_nothing(self):
        site = self.site
        site.start()
        site.publish_commands(50)
        site.wait_taken()
        site.faults(seed=11, events_lost={"probability": 0.3},
                    cut_before_commit={"probability": 0.05, "on": "events"},
                    cut_after_commit={"probability": 0.05, "on": "events"},
                    truncated={"probability": 0.05, "on": "events"},
                    status_503={"probability": 0.05, "on": "events"},
                    html_200={"probability": 0.03, "on": "events"})
        for turn in range(6):
            for _ in range(4):
                wait_until(lambda: site.bus()["polls"] > 0, 30, "a poll is held")
                site.publish_commands(7)
            if turn % 2 == 0:
                wait_until(lambda: site.durable() > 0, 30, "it runs")
                site.kill_agent()
                site.publish_commands(20)
                site.start_agent(wait=False)
            elif turn == 1:
                site.control("POST", "expire-tokens")
            elif turn == 3:
                site.control("POST", "events", {"end_clients": True})
            else:
                wait_until(lambda: site.durable() > 0, 30, "it runs")
                site.faults(down=True)
                wait_until(lambda: not site.link()["connected"], 30, "the org is away")
                site.faults(events_lost={"count": 2})
        site.wait_taken(25)
        site.check_exactly_once()
        self.assertGreater(site.bus()["lost"], 0)
        audit = site.audit()
        self.assertLess(audit["requests"], 2000, "a storm")

    def test_a_place_that_the_org_has_forgotten_is_a_gap_that_is_told(self):
        site = self.site
        site.start()
        site.publish_commands(5)
        site.wait_taken()
        site.kill_agent()
        site.control("POST", "events", {"forget_ids": True})
        site.publish_commands(4)
        site.start_agent()
        # From the earliest on: what was taken comes again and is known; what is new is taken.
        wait_until(lambda: site.durable() >= 10, 60, "the gap and the new events are there")
        payloads = site.payloads()
        gaps = [payload["gap"] for payload in payloads if "gap" in payload]
        self.assertEqual(len(gaps), 1)
        self.assertEqual((gaps[0]["channel"], gaps[0]["why"], gaps[0]["goes_on"]),
                         ("/event/DeviceCommand__e", "stale-replay", "earliest"))
        self.assertEqual(gaps[0]["after"], str(payloads[4]["event"]["replayId"]))
        site.check_exactly_once()
        commands = site.input("commands")
        self.assertEqual((commands["repeats"], commands["gaps"]), (5, 1))
        self.assertIn("events may be missing", site.agent_log())

    def test_a_half_open_link_is_found_and_a_full_stream_holds_the_poll_back(self):
        site = self.site
        site.config["agent"]["event_max"] = "32KiB"
        site.config["streams"]["commands"] = {"quota": "256KiB", "segment": "64KiB"}
        site.write_config(site.config)
        site.start()
        site.publish_commands(2)
        site.wait_taken()
        site.faults(timeout={"count": 1, "on": "events"})
        wait_until(lambda: site.audit()["faults"]["timeout"] == 1, 30, "a poll is not answered")
        site.publish_commands(2)
        site.wait_taken(60)
        site.faults()
        site.publish_commands(1500)
        wait_until(lambda: site.link()["blocked"], 60, "the stream is full")
        polls = site.bus()["handshakes"]
        wait_until(lambda: site.bus()["clients"] == 0, 30, "the session has ended")
        self.assertEqual(site.bus()["handshakes"], polls, "it asks for what it cannot take")
        # Somebody reads the stream: there is room again.
        site.config["outputs"] = {
            "commands": {"type": "salesforce-records", "connection": "crm", "from": "commands",
                         "batch_age": "0s", "records": [
                             {"object": "DeviceReading__c", "external_id": "ReadingId__c",
                              "map": {"ReadingId__c": "{/payload/CommandKey__c}",
                                      "DeviceId__c": "{/payload/DeviceId__c}"}}]}}
        site.write_config(site.config)
        code, _, err = site.command("reload", "--config", site.path("sfedge.json"))
        self.assertEqual(code, 0, err)
        wait_until(lambda: site.object_audit("DeviceReading__c")["records"] >= len(site.keys), 120,
                   "all are delivered")
        self.assertEqual(set(site.ids("DeviceReading__c")), set(site.keys))
        self.assertEqual(site.object_audit("DeviceReading__c")["repeats"], 0)

    def test_a_reload_adds_changes_and_removes_channels_without_loss(self):
        site = self.site
        site.start()
        site.publish_commands(5)
        site.wait_taken()
        site.config["inputs"]["news"] = {"type": "salesforce-events", "connection": "crm",
                                         "channel": "/u/News", "stream": "changes",
                                         "on_stale_replay": "latest"}
        for inputs in (3, 2):
            site.write_config(site.config)
            code, _, err = site.command("reload", "--config", site.path("sfedge.json"))
            self.assertEqual(code, 0, err)
            wait_until(lambda wanted=inputs: site.bus()["subscriptions"] == wanted, 30,
                       "%d channels" % inputs)
            site.publish_commands(5)
            site.control("POST", "events",
                         {"publish": {"channel": "/u/News", "payload": {"text": "hello"}}})
            site.wait_taken()
            if inputs == 3:
                wait_until(lambda: site.durable("changes") == 1, 30, "the news are there")
            site.config["inputs"].pop("news", None)
        site.check_exactly_once()
        self.assertEqual(len(site.events("changes")), 1)
        self.assertEqual(site.input("commands")["repeats"], 0)

    def test_a_channel_that_is_not_there_holds_up_no_other(self):
        site = self.site
        site.config["inputs"]["changes"]["channel"] = "/event/Missing__e"
        site.write_config(site.config)
        site.start_org("--client-secret-file", site.secret())
        site.start_agent(wait=False)
        wait_until(site.status, 30, "it runs")
        site.publish_commands(3)
        site.wait_taken()
        link = site.link()
        self.assertFalse(link["connected"])
        self.assertIn("Missing__e", json.dumps(link["last_error"]))
        self.assertLess(site.bus()["refused"], 5)


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
