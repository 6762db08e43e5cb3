"""Three agents on one broker share their subscriptions (MQTT 5, section 4.8.2): each message goes to one of them. One is
killed under load and comes back: none lost, none doubled in the org."""

import copy
import json
import os
import signal
import subprocess
import sys
import unittest

import site_parts as parts

BUILD = sys.argv[1]
AGENTS = 3


class Member:
    """One agent of the group: a folder, an id and a state of its own beside the others'."""

    def __init__(self, site, number):
        self.site = site
        self.file = site.path("agent-%d.json" % number)
        config = copy.deepcopy(site.config)
        config["agent"] = {"id": "site-%d" % number, "state": "state-%d" % number}
        config["connections"]["site"]["client_id"] = "sfedge-site-%d" % number
        for entry in config["inputs"].values():
            entry["topic"] = "$share/gateways/" + entry["topic"]
        for output in config["outputs"].values():
            output.pop("order_by", None)  # Of one key different members hold events.
        with open(self.file, "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.log = site.path("agent-%d.log" % number)
        self.process = None

    def start(self):
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen([*self.site.program, "run", "--config", self.file],
                                            stdout=out, stderr=subprocess.STDOUT)
        parts.wait_until(self.is_connected, 60, "an agent of the group is connected")

    def status(self):
        code, text, _ = self.site.command("status", "--config", self.file, "--json")
        return json.loads(text) if code == 0 else None

    def is_connected(self):
        status = self.status()
        return bool(status) and all(link["connected"] for link in status["links"])

    def received(self):
        return self.status()["links"][0]["received"]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)

    def end(self):
        self.process.terminate()
        return self.process.wait(30)


class Shared(unittest.TestCase):
    def test_a_group_shares_the_messages_and_outlives_the_death_of_one(self):
        with parts.Site(BUILD) as site:
            site.start_broker()
            site.start_org()
            members = [Member(site, number) for number in range(AGENTS)]
            try:
                for member in members:
                    member.start()
                publisher = site.publish(wait=False, devices=30, tills=4, rate=400, count=4000)
                for member in members:
                    parts.wait_until(lambda: member.received() > 50, 60, "each gets a share")
                members[0].kill()
                parts.wait_until(lambda: members[1].received() > 400, 60, "the others go on")
                members[0].start()
                account = site.published(publisher)
                site.wait_delivered(account, 120)
                shares = [member.received() for member in members]
                site.config["outputs"]["sales"].pop("order_by")
                site.check_exactly_once(account)
                print("%d published, shares since their start %s" % (account["published"], shares))
                self.assertTrue(all(share > 0 for share in shares))
                self.assertEqual([member.end() for member in members], [0] * AGENTS)
            finally:
                for member in members:
                    if member.process and member.process.poll() is None:
                        member.kill()


if __name__ == "__main__":
    assert os.path.exists(BUILD)
    unittest.main(argv=[sys.argv[0], "-v"])
