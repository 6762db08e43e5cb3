"""Kills at random moments under load, with broker restarts and faults of the org: none lost, none doubled, none out of order."""

import random
import sys
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 20
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())

FAULTS = [
    {},
    {"status_503": {"probability": 0.2, "retry_after": 1}},
    {"cut_after_commit": {"probability": 0.2}},
    {"cut_before_commit": {"probability": 0.2}},
    {"row_lock": {"probability": 0.05}},
    {"html_200": {"probability": 0.1}, "truncated": {"probability": 0.1}},
    {"slow": {"ms": 80}},
    {"token_expired": {"probability": 0.1}},
]


class Kills(unittest.TestCase):
    def test_nothing_is_lost_doubled_or_reordered(self):
        print("kill_test --seed %d" % SEED, flush=True)
        chance = random.Random(SEED)
        with parts.Site(BUILD) as site:
            config = site.default_config()
            config["outputs"]["readings"]["order_by"] = "{topic.1}"
            site.write_config(config)
            site.start_broker()
            site.start_org()
            site.start_agent()
            publisher = site.publish(wait=False, devices=40, tills=4, rate=600, seconds=600)
            for kill in range(KILLS):
                site.faults(seed=SEED + kill, **chance.choice(FAULTS))
                time.sleep(chance.uniform(0.1, 1.5))
                site.kill_agent()
                if kill % 5 == 2:
                    site.restart_broker()
                site.start_agent(wait=chance.random() < 0.7)
            publisher.terminate()
            account = site.published(publisher)
            site.faults()
            site.wait_delivered(account, 240)
            site.check_exactly_once(account)
            audit = site.audit()
            print("%d published, %d kills, faults %s" % (account["published"], KILLS, audit["faults"]))
            self.assertEqual(sum(stream["events"] for stream in site.status()["streams"]
                                 if stream["name"] == "dead"), 0)
            self.assertEqual(site.stop_agent(), 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
