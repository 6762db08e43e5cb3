"""A full disk or a full quota: taking stops, acknowledgements stop, delivery goes on, and all recovers by itself."""

import os
import subprocess
import sys
import unittest

import site_parts as parts

BUILD = sys.argv[1]


class Full(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.site.start_broker()
        self.site.start_org()

    def fill_and_recover(self, is_held_back):
        self.site.faults(down=True)
        self.site.start_agent()
        publisher = self.site.publish(wait=False, devices=10, count=60000, bytes=400)
        parts.wait_until(is_held_back, 90, "taking stops")
        parts.wait_until(lambda: self.site.connected(), 30, "the link still stands")
        self.site.faults(down=False)
        account = self.site.published(publisher)
        self.site.wait_delivered(account, 240)
        self.site.check_exactly_once(account)
        self.assertEqual(self.site.stop_agent(), 0)

    def test_a_full_quota_blocks_and_recovers(self):
        config = self.site.default_config()
        config["streams"]["telemetry"] = {"quota": "4MiB"}
        self.site.write_config(config)
        self.fill_and_recover(lambda: any(link["blocked"] for link in self.site.status()["links"]))

    def test_a_full_disk_blocks_and_recovers(self):
        state = self.site.path("state")
        os.mkdir(state)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", state],
                                 stderr=subprocess.DEVNULL, check=False).returncode == 0
        if not mounted:
            self.skipTest("a small file system cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", state], check=False)
        self.fill_and_recover(lambda: any(stream["failure"] for stream in
                                          self.site.status()["streams"]))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
