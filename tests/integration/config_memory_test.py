"""What `check` says of memory is an upper bound of what the agent takes, and a close one."""

import json
import os
import sys
import unittest

from site_parts import Site, wait_until

BUILD = ""


def taken(site):
    """(what check says, what the running agent has taken)."""
    code, text, err = site.command("check", "--config", site.path("sfedge.json"), "--json")
    if code != 0:
        raise AssertionError(text + err)
    site.start_agent(wait=False)
    status = wait_until(lambda: site.agent.poll() is None and site.status(), 60, "a status")
    site.stop_agent()
    return json.loads(text)["memory_bytes_max"], status["arena_bytes"]


class ConfigMemory(unittest.TestCase):
    def hold(self, site):
        figure, arena = taken(site)
        self.assertLessEqual(arena, figure)
        self.assertLessEqual(figure, 1.3 * arena)

    def test_the_usual_site(self):
        with Site(BUILD) as site:
            self.hold(site)
            self.hold(site)  # With the streams that the first run left.

    def test_the_least(self):
        with Site(BUILD) as site:
            site.write_config({"agent": {"id": "least", "state": "state", "event_max": "1KiB"},
                               "streams": {"dead": {"segment": "64KiB", "quota": "256KiB"}}})
            self.hold(site)

    def test_many_large_parts(self):
        with Site(BUILD) as site:
            config = site.default_config()
            config["agent"]["event_max"] = "768KiB"
            config["connections"]["site"]["receive_maximum"] = 65535
            config["connections"]["crm"]["compress"] = False
            config["streams"] = {"s%d" % i: {"quota": "1GiB", "segment": "16MiB"} for i in range(8)}
            for one in config["inputs"].values():
                one["stream"] = "s0"
            for one in config["outputs"].values():
                one["from"] = list(config["streams"])[:4]
                one["requests_in_flight"] = 16
            site.write_config(config)
            self.hold(site)


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
