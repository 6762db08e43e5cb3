"""Orderly ends under load, with `status` asked all the while and the broker gone in between: each ends with 0 and in time,
and nothing is lost, doubled or out of order."""

import os
import random
import socket
import sys
import threading
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]
STOPS = int(sys.argv[2]) if len(sys.argv) > 2 else 6
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
# agent.stop_timeout, and what a slow machine adds.
STOP_SECONDS = 10 + 20

FAULTS = [
    {},
    {"slow": {"ms": 300}},
    {"cut_after_commit": {"probability": 0.3}},
    {"down": True},
    {"token_expired": {"probability": 0.2}},
]


class Asker(threading.Thread):
    """Asks for the status again and again; now and then it leaves in the middle, or says nothing at all."""

    def __init__(self, site, chance):
        super().__init__()
        self.site = site
        self.chance = chance
        self.answers = 0
        self.problems = []
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.is_set():
            if self.chance.random() < 0.3:
                self.leave_early()
            else:
                self.ask()

    def ask(self):
        code, text, error = self.site.command("status", "--config", self.site.path("sfedge.json"), "--json")
        if code == 0:
            self.answers += 1
            if not text.rstrip().endswith("}"):
                self.problems.append(text)
        elif code != 69:  # No agent is running.
            self.problems.append("%d: %s" % (code, error))

    def leave_early(self):
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(os.path.join(self.site.path("state"), "status.sock"))
                client.recv(self.chance.choice([0, 1, 100]))
            except OSError:
                pass


class Stops(unittest.TestCase):
    def test_every_end_is_orderly_whatever_is_under_way(self):
        print("stop_test --seed %d" % SEED, flush=True)
        chance = random.Random(SEED)
        with parts.Site(BUILD) as site:
            config = site.default_config()
            config["agent"]["stop_timeout"] = "10s"
            config["outputs"]["readings"]["order_by"] = "{topic.1}"
            site.write_config(config)
            site.start_broker()
            site.start_org()
            site.start_agent()
            asker = Asker(site, random.Random(SEED + 1))
            asker.start()
            publisher = site.publish(wait=False, devices=40, tills=4, rate=400, seconds=600)
            try:
                for stop in range(STOPS):
                    site.faults(seed=SEED + stop, **chance.choice(FAULTS))
                    if stop % 3 == 1:
                        site.restart_broker()
                    time.sleep(chance.uniform(0.2, 1.5))
                    self.assertEqual(site.stop_agent(STOP_SECONDS), 0)
                    site.start_agent(wait=chance.random() < 0.5)
                    # Before it runs, a signal ends it as a kill does.
                    parts.wait_until(site.status, 60, "the agent runs")
            finally:
                asker.is_over.set()
                asker.join()
            publisher.terminate()
            account = site.published(publisher)
            site.faults()
            site.wait_delivered(account, 240)
            site.check_exactly_once(account)
            self.assertEqual(asker.problems, [])
            self.assertGreater(asker.answers, 0)
            self.assertEqual(site.stop_agent(), 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
