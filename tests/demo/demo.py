"""The main job, seen from outside: what is published at a site arrives in Salesforce, exactly once, whatever breaks."""

import http.client
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import site_parts as parts  # noqa: E402

DEVICES, TILLS, RATE, SECONDS = 20, 2, 220, 45


def counts(site):
    try:
        objects = site.audit()["objects"]
        return "org: %6d readings %5d sales %5d lines" % tuple(
            objects.get(name, {"records": 0})["records"]
            for name in ("DeviceReading__c", "PosSale__c", "PosLine__c"))
    except (OSError, http.client.HTTPException):
        return "org: away                             "


def backlog(site):
    status = site.status() if site.agent else None
    if not status:
        return "agent: down"
    return "agent: backlog %5d, acknowledged %6d" % (
        sum(output["backlog"] for output in status["outputs"]),
        sum(link["acknowledged"] for link in status["links"]))


class Line:
    """One line of counts that renews itself on a terminal."""

    def __init__(self, site):
        self.site = site
        self.begun = time.monotonic()

    def show(self, end="\r"):
        text = "%4.0f s  %s  %s" % (time.monotonic() - self.begun, counts(self.site),
                                    backlog(self.site))
        if not sys.stdout.isatty():
            end = "\n"
        print(text.ljust(100), end=end, flush=True)

    def until(self, second):
        while time.monotonic() - self.begun < second:
            self.show()
            time.sleep(0.5 if sys.stdout.isatty() else 5)

    def say(self, text):
        self.show(end="\n")
        print("      -- " + text, flush=True)


def main():
    with parts.Site(sys.argv[1], keep="--keep" in sys.argv) as site:
        print("20 devices and 2 tills -> mosquitto -> sfedge -> a simulated Salesforce org (%s)"
              % site.folder, flush=True)
        site.start_broker()
        site.start_org()
        site.start_agent()
        publisher = site.publish(wait=False, devices=DEVICES, tills=TILLS, rate=RATE,
                                 seconds=SECONDS)
        line = Line(site)
        line.until(8)
        line.say("kill -9 for the agent")
        site.kill_agent()
        line.until(11)
        line.say("the agent starts again")
        site.start_agent()
        line.until(18)
        line.say("the org goes away for ten seconds")
        site.faults(down=True)
        line.until(28)
        line.say("the org is back")
        site.faults(down=False)
        line.until(35)
        line.say("the broker restarts")
        site.restart_broker()
        line.until(SECONDS)
        account = site.published(publisher)
        line.say("all published: %d messages; waiting for the last of them" % account["published"])
        site.wait_delivered(account, 60)
        line.show(end="\n")
        site.check_exactly_once(account)
        expected = site.expected(account)
        print("audit: published %d readings, %d sales with %d lines = stored, exactly once; sales in order"
              % tuple(len(expected[name])
                      for name in ("DeviceReading__c", "PosSale__c", "PosLine__c")))
        totals = site.audit()
        print("api calls %s, log-ins %s; the agent ends in order with exit code %d"
              % (totals["api_calls"], totals["logins"], site.stop_agent()))


if __name__ == "__main__":
    try:
        main()
    except AssertionError as problem:
        print("\nFAILED: %s" % problem)
        sys.exit(1)
