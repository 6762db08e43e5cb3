"""A command from the org reaches a device once in effect, and its answer the command's record, over kills of the agent and a
restart of the broker; one that cannot be delivered in time is told as well. As config/examples/device-commands.json has it."""

import json
import os
import re
import subprocess
import sys
import threading
import unittest

from events_parts import EventsSite
from site_parts import wait_until

BUILD = sys.argv[1]
EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "config", "examples",
                       "device-commands.json")


class Device:
    """All devices of the site: does what a command says once, and answers each time."""

    def __init__(self, site):
        self.site = site
        self.done = []      # Keys, in the order in which they were done.
        self.messages = 0
        self.process = subprocess.Popen(
            ["mosquitto_sub", "-V", "5", "-p", str(site.broker_port), "-q", "1", "-c", "-x", "3600",
             "-i", "devices", "-t", "cmd/+", "-F", "%t|%p"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        for line in self.process.stdout:
            topic, _, payload = line.rstrip("\n").partition("|")
            command = json.loads(payload)
            self.messages += 1
            if command["key"] not in self.done:
                self.done.append(command["key"])
            answer = json.dumps({"key": command["key"], "result": "done"})
            # The broker may be restarting just now.
            for _ in range(40):
                if subprocess.run(["mosquitto_pub", "-V", "5", "-p", str(self.site.broker_port),
                                   "-q", "1", "-t", "result/" + topic[4:], "-m", answer],
                                  check=False, stderr=subprocess.DEVNULL).returncode == 0:
                    break

    def close(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()


def example():
    """The configuration as it is documented, without its comments."""
    with open(EXAMPLE, encoding="utf-8") as file:
        return json.loads(re.sub(r"(?m)^\s*//.*$", "", file.read()))


class DeviceCommands(unittest.TestCase):
    def setUp(self):
        site = self.site = EventsSite(BUILD)
        self.addCleanup(site.close)
        here = site.default_config()
        config = example()
        del config["$schema"]
        config["agent"] = here["agent"]
        config["connections"] = here["connections"]
        for name in ("results", "undelivered"):  # An object of the simulated org.
            config["outputs"][name]["batch_age"] = "100ms"
            config["outputs"][name]["records"] = json.loads(
                json.dumps(config["outputs"][name]["records"])
                .replace("CommandStatus__c", "DeviceReading__c")
                .replace("\"CommandKey__c\"", "\"ReadingId__c\"").replace("Result__c", "State__c"))
        site.write_config(config)

    def state(self, key):
        return self.site.record("DeviceReading__c", key)

    def start(self):
        site = self.site
        site.start_broker()
        device = Device(site)
        self.addCleanup(device.close)
        wait_until(lambda: "as devices" in self.broker_log(), 20, "the devices are connected")
        site.start()
        return device

    def broker_log(self):
        with open(self.site.path("mosquitto.log"), encoding="utf-8") as file:
            return file.read()

    def test_each_command_is_done_once_and_its_record_says_so(self):
        site = self.site
        device = self.start()
        for turn in range(4):
            site.publish_commands(10)
            wait_until(lambda turn=turn: len(device.done) > 10 * turn, 60, "commands arrive")
            site.kill_agent()
            if turn == 2:
                site.restart_broker()
            site.publish_commands(5)
            site.start_agent(wait=False)
        wait_until(lambda: len(site.ids("DeviceReading__c")) >= len(site.keys), 90,
                   "each command has its record")
        self.assertEqual(device.done, site.keys, "lost, or out of order")
        self.assertEqual(sorted(site.ids("DeviceReading__c")), sorted(site.keys))
        print("%d commands, %d messages" % (len(site.keys), device.messages))
        for key in site.keys[::7]:
            self.assertEqual(self.state(key)["State__c"], "done")
            self.assertEqual(self.state(key)["DeviceId__c"], "d-1")

    def test_a_command_that_reaches_no_broker_in_time_is_told(self):
        site = self.site
        site.config["outputs"]["commands"].update({"within": "3s", "expiry": "3s"})
        site.write_config(site.config)
        device = self.start()
        site.publish_commands(1)
        wait_until(lambda: len(site.ids("DeviceReading__c")) == 1, 60, "the first is done")
        site.stop_broker()
        site.publish_commands(1)
        wait_until(lambda: len(site.ids("DeviceReading__c")) == 2, 60, "the second is told")
        self.assertEqual(self.state("c-2")["State__c"], "undelivered")
        self.assertEqual(device.done, ["c-1"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
