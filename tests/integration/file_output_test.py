"""Files out of the agent: kills at random moments, a full disk, a directory that is away: each event is one line, in order."""

import csv
import json
import os
import random
import subprocess
import sys
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
KILLS = 7
MAP = {"reading": "{/reading}", "seq": {"from": "{seq}", "type": "int"}, "unit": "{/unit}"}


def names(directory):
    """Closed files by their numbers, then the active one."""
    found = os.listdir(directory)
    return sorted(name for name in found if "-0" in name) + \
        sorted(name for name in found if name.endswith(".part"))


def read_lines(directory):
    lines = []
    for name in names(directory):
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            lines += [json.loads(line) for line in file]
    return lines


def read_rows(directory):
    rows = []
    for name in names(directory):
        with open(os.path.join(directory, name), encoding="utf-8", newline="") as file:
            rows += list(csv.DictReader(file))
    return rows


class FileOutput(unittest.TestCase):
    def start(self, **outputs):
        site = parts.Site(BUILD)
        self.addCleanup(site.close)
        config = site.default_config()
        del config["connections"]["crm"]
        config["streams"] = {"telemetry": {"quota": "64MiB"}}
        config["inputs"] = {"readings": config["inputs"]["readings"]}
        config["outputs"] = {name: {"type": "file", "from": "telemetry", "directory": name,
                                    "batch_age": "50ms", "map": MAP, **output}
                             for name, output in outputs.items()}
        for name in outputs:
            os.makedirs(site.path(name), exist_ok=True)
        site.write_config(config)
        site.start_broker()
        return site

    @staticmethod
    def output(site, name="lines"):
        status = site.status()
        return next((one for one in status["outputs"] if one["name"] == name), {}) if status else {}

    def wait_written(self, site, count, *outputs):
        for name in outputs:
            parts.wait_until(lambda name=name: self.output(site, name).get("cursor", 0) >= count and
                             self.output(site, name)["backlog"] == 0, 120, "all is written")

    def check_each_once(self, account, lines):
        """Each event of the stream has its line, in the order of the stream. A broker that was not
        answered before a kill sends a message again: that is another event of the stream."""
        self.assertEqual([int(line["seq"]) for line in lines], list(range(1, len(lines) + 1)))
        self.assertEqual({line["reading"] for line in lines},
                         parts.Site.expected(account)["DeviceReading__c"])

    def test_kills_lose_double_and_reorder_nothing(self):
        print("file_output_test seed %d" % SEED, flush=True)
        chance = random.Random(SEED)
        site = self.start(
            lines={"rotate_size": "64KiB", "keep_files": 10000, "keep_size": "1GiB"},
            rows={"format": "csv", "rotate_age": "1s", "name": "table"})
        site.start_agent()
        publisher = site.publish(wait=False, devices=20, rate=1500, seconds=600)
        for kill in range(KILLS):
            time.sleep(chance.uniform(0.1, 0.9))
            site.kill_agent()
            site.start_agent(wait=kill % 2 == 0)
        publisher.terminate()
        account = site.published(publisher)
        self.wait_written(site, account["published"], "lines", "rows")
        self.assertEqual(site.stop_agent(), 0)
        lines = read_lines(site.path("lines"))
        self.check_each_once(account, lines)
        self.check_each_once(account, read_rows(site.path("rows")))
        closed = [name for name in names(site.path("lines")) if name.endswith(".ndjson")]
        self.assertGreater(len(closed), 1)
        for name in closed:
            self.assertLessEqual(os.path.getsize(os.path.join(site.path("lines"), name)), 65536)
        self.assertGreater(len(names(site.path("rows"))), 1)
        print("%d events, %d kills, %d files" % (len(lines), KILLS, len(closed)), flush=True)

    def test_the_oldest_files_go_and_are_counted(self):
        site = self.start(lines={"rotate_size": "64KiB", "keep_files": 3, "keep_size": "1MiB"})
        site.start_agent()
        account = site.publish(devices=10, count=8000)
        self.wait_written(site, account["published"], "lines")
        file = self.output(site)["file"]
        found = names(site.path("lines"))
        closed = [name for name in found if name.endswith(".ndjson")]
        self.assertEqual(len(closed), 3)
        self.assertEqual(file["removed"], file["closed"] - 3)
        self.assertGreater(file["removed"], 0)
        self.assertEqual(int(closed[-1][len("lines-"):-len(".ndjson")]), file["closed"])
        self.assertEqual(site.stop_agent(), 0)

    def test_a_directory_that_is_away_is_waited_for(self):
        site = self.start(lines={})
        os.rmdir(site.path("lines"))
        site.start_agent()
        account = site.publish(devices=10, count=500)
        parts.wait_until(lambda: self.output(site).get("state") == "waiting", 30, "it waits")
        self.assertIn("lines", json.dumps(self.output(site)["last_error"]))
        os.mkdir(site.path("lines"))
        self.wait_written(site, account["published"], "lines")
        self.assertEqual(site.stop_agent(), 0)
        self.check_each_once(account, read_lines(site.path("lines")))

    def test_a_full_disk_is_waited_for(self):
        site = self.start(lines={"keep_size": "64MiB"})
        small = site.path("lines")
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", small],
                                 stderr=subprocess.DEVNULL, check=False).returncode == 0
        if not mounted:
            self.skipTest("a small file system cannot be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=False)
        site.start_agent()
        account = site.publish(devices=10, count=6000)
        parts.wait_until(lambda: self.output(site).get("state") == "waiting", 60, "it waits")
        site.kill_agent()
        subprocess.run(["mount", "-o", "remount,size=16m", small], check=True)
        site.start_agent()
        self.wait_written(site, account["published"], "lines")
        self.assertEqual(site.stop_agent(), 0)
        self.check_each_once(account, read_lines(small))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
