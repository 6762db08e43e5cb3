"""Boards that boot in 1970 and clocks that jump: events keep their times, their order, and each other."""

import calendar
import http.client
import json
import os
import sys
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]
YEAR = 365 * 86400


def unix_of(text):
    """Seconds of a dateTime of the org's."""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


class ClockSite(parts.Site):
    """An agent whose time of day, and whose boot, are ours to choose."""

    def __init__(self, build):
        super().__init__(build)
        self.move(0)
        self.boot(1)
        if not os.path.exists(os.path.join(self.build, "clock_shim.so")):
            raise AssertionError("clock_shim.so is not built")
        self.prefix = ["env", "LD_PRELOAD=" + os.path.join(self.build, "clock_shim.so"),
                       "SFE_TEST_CLOCK=" + self.path("clock"), "SFE_TEST_BOOT=" + self.path("boot")]
        config = self.default_config()
        config["outputs"]["readings"]["records"][0]["map"]["At__c"] = {
            "from": "{time}", "type": "datetime"}
        config["outputs"]["readings"]["order_by"] = "{topic.1}"
        self.write_config(config)

    def move(self, seconds):
        """So far is the agent's clock from the true time, from now on."""
        with open(self.path("clock.new"), "w", encoding="utf-8") as file:
            file.write("%d" % seconds)
        os.rename(self.path("clock.new"), self.path("clock"))

    def move_to_1970(self):
        self.move(100 - int(time.time()))

    def boot(self, number):
        with open(self.path("boot"), "w", encoding="utf-8") as file:
            file.write("00000000-0000-4000-8000-%012d\n" % number)

    def say(self, number):
        """One reading; returns when it was sent."""
        at = time.time()
        self.publish_one("plant/press7/telemetry", json.dumps(
            {"reading": "t-%d" % number, "seq": number, "value": 1, "unit": "C"}))
        return at


class Time(unittest.TestCase):
    def setUp(self):
        self.site = ClockSite(BUILD)
        self.addCleanup(self.site.close)
        self.site.start_broker()

    def kept(self, name="telemetry"):
        status = self.site.status()
        return [one for one in status["streams"] if one["name"] == name][0]["durable_sequence"]

    def org_state(self):
        return self.site.status()["orgs"][0]["state"]

    def stored(self):
        try:
            return set(self.site.ids("DeviceReading__c"))
        except (OSError, KeyError, http.client.HTTPException):
            return set()

    def wait_stored(self, numbers):
        wanted = {"t-%d" % number for number in numbers}
        parts.wait_until(lambda: wanted <= self.stored(), 60, "%s are stored" % sorted(wanted))

    def assert_at(self, number, sent_at):
        """The record's time is that of its arrival: as true as the Date of an answer can tell it."""
        record = self.site.record("DeviceReading__c", "t-%d" % number)
        self.assertLess(abs(unix_of(record["At__c"]) - sent_at), 10, record)

    def test_a_board_that_boots_in_1970_learns_the_time_from_the_org(self):
        self.site.move_to_1970()
        self.site.start_agent()
        first = self.site.say(1)
        parts.wait_until(lambda: self.kept() == 1, 30, "the event is on flash without a clock")
        parts.wait_until(lambda: self.org_state() == "waiting for the clock", 30,
                         "the status says what is waited for")
        self.site.start_org()
        self.wait_stored([1])
        second = self.site.say(2)
        self.wait_stored([2])
        self.assert_at(1, first)
        self.assert_at(2, second)
        self.assertEqual(self.org_state(), "logged in")

    def test_a_clock_that_is_set_while_running_puts_earlier_times_right(self):
        self.site.move_to_1970()
        self.site.start_agent()
        first = self.site.say(1)
        parts.wait_until(lambda: self.kept() == 1, 30, "the event is on flash")
        self.site.move(0)
        self.site.start_org()
        self.wait_stored([1])
        self.assert_at(1, first)

    def test_times_are_put_right_after_another_boot(self):
        self.site.move_to_1970()
        self.site.start_agent()
        first = self.site.say(1)
        parts.wait_until(lambda: self.kept() == 1, 30, "the event is on flash")
        self.site.move(0)  # The network's time came, the org did not.
        parts.wait_until(lambda: os.path.exists(self.site.path("state/boots.table")) or
                         (self.site.say(2) and False), 30, "the time of the boot is noted")
        self.site.kill_agent()
        self.site.boot(2)
        self.site.start_agent()
        self.site.start_org()
        self.wait_stored([1])
        self.assert_at(1, first)

    def test_a_clock_before_what_was_seen_on_flash_is_known_to_be_wrong(self):
        self.site.move_to_1970()
        self.site.start_org()
        self.site.start_agent()
        self.site.say(1)
        self.wait_stored([1])  # The org's time is noted.
        parts.wait_until(lambda: os.path.exists(self.site.path("state/boots.table")) or
                         (self.site.say(2) and False), 30, "the time is noted")
        self.assertEqual(self.site.stop_agent(), 0)
        self.site.stop_org()
        self.site.move(-30 * 86400)  # A battery that is nearly empty.
        self.site.boot(2)
        self.site.start_agent()
        third = self.site.say(3)
        parts.wait_until(lambda: self.org_state() == "waiting for the clock", 30,
                         "the clock is not believed")
        self.site.start_org()
        self.wait_stored([3])
        self.assert_at(3, third)

    def test_a_clock_that_jumps_a_year_loses_and_reorders_nothing(self):
        self.site.start_org()
        self.site.start_agent()
        publisher = self.site.publish(wait=False, devices=4, tills=2, count=3000, rate=600)
        for seconds in (-YEAR, YEAR, -YEAR, 0):
            before = self.kept()
            self.site.move(seconds)
            parts.wait_until(lambda: self.kept() > before or publisher.poll() is not None, 60,
                             "events go on")
            self.assertIsNotNone(self.site.status())
        account = self.site.published(publisher)
        self.site.wait_delivered(account)
        self.site.check_exactly_once(account)
        self.assertEqual(self.kept("dead"), 0)

    def test_a_log_in_is_made_with_the_orgs_time_where_ours_is_a_year_off(self):
        self.site.move(-YEAR // 4)
        self.site.start_org()
        self.site.start_agent()
        self.site.say(1)
        self.wait_stored([1])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
