"""A platform event to an MQTT message, beside a bare long poll in the same run: see README.md."""

import argparse
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
import site_parts as parts  # noqa: E402
from salesforce import BenchSite, Org, cpu_seconds  # noqa: E402

VERSION = "v62.0"
CHANNEL = "/event/DeviceCommand__e"


def configure(site, org):
    config = site.default_config()
    config["agent"]["log"] = "info"
    config["connections"]["crm"]["login_url"] = org.url
    if org.tls:
        config["connections"]["crm"]["tls"] = {"ca_file": "ca.pem"}
    config["streams"] = {"commands": {"quota": "64MiB"}}
    config["inputs"] = {"commands": {"type": "salesforce-events", "connection": "crm",
                                     "channel": CHANNEL, "stream": "commands",
                                     "on_stale_replay": "latest"}}
    config["outputs"] = {"commands": {"type": "mqtt", "connection": "site", "from": "commands",
                                      "topic": "cmd/{/payload/DeviceId__c}",
                                      "map": {"key": "{/payload/CommandKey__c}"}}}
    site.write_config(config)


class Publisher:
    """One connection that stays open; notes when each request began."""

    def __init__(self, site, org, token, devices):
        self.devices = devices
        if org.tls:
            trusted = ssl.create_default_context(cafile=site.path("ca.pem"))
            self.http = http.client.HTTPSConnection("localhost", org.port, timeout=60,
                                                    context=trusted)
        else:
            self.http = http.client.HTTPConnection("localhost", org.port, timeout=60)
        self.headers = {"Content-Type": "application/json", "Authorization": "Bearer " + token}
        self.sent = {}

    def post(self, path, body, keys):
        text = json.dumps(body)
        now = time.time()
        self.http.request("POST", "/services/data/%s/%s" % (VERSION, path), text, self.headers)
        answer = self.http.getresponse()
        answer.read()
        if answer.status >= 300:
            raise AssertionError("the org does not publish: %d" % answer.status)
        self.sent.update((key, now) for key in keys)

    def publish(self, count):
        """Many in a burst: 200 a request."""
        while count > 0:
            part = min(count, 200)
            first = len(self.sent)
            keys = ["c-%06d" % (first + number) for number in range(part)]
            records = [{"attributes": {"type": "DeviceCommand__e"}, "CommandKey__c": key,
                        "DeviceId__c": "d-%d" % ((first + number) % self.devices),
                        "Payload__c": "open"} for number, key in enumerate(keys)]
            if part == 1:
                del records[0]["attributes"]
                self.post("sobjects/DeviceCommand__e", records[0], keys)
            else:
                self.post("composite/sobjects", {"allOrNone": False, "records": records}, keys)
            count -= part


def read_times(path):
    """{key: when it was there}, of lines "SECONDS KEY" or "SECONDS {"key":KEY}"."""
    times, repeats = {}, 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            when, _, what = line.strip().partition(" ")
            if not what or not line.endswith("\n"):
                continue
            key = json.loads(what)["key"] if what.startswith("{") else what
            repeats += key in times
            times.setdefault(key, float(when))
    return times, repeats


def is_ready(site):
    with open(site.path("floor.out"), encoding="ascii") as file:
        return file.readline() == "ready\n"


def at(late, permille):
    return late[min(len(late) - 1, len(late) * permille // 1000)]


def say(name, publisher, path):
    times, repeats = read_times(path)
    late = sorted((times[key] - sent) * 1000 for key, sent in publisher.sent.items())
    print("  %-32s p50 %7.2f ms, p99 %7.2f ms, most %7.2f ms, %d repeats" % (
        name, at(late, 500), at(late, 990), late[-1], repeats), flush=True)
    return at(late, 500), at(late, 990)


class Run:
    """Org, broker, agent, subscriber and floor, begun anew for each rate."""

    def __init__(self, site, tls, devices):
        shutil.rmtree(site.path("state"), ignore_errors=True)
        for name in ("floor.out", "mqtt.out"):
            if os.path.exists(site.path(name)):
                os.remove(site.path(name))
        self.site, self.org = site, Org(site, tls=tls)
        configure(site, self.org)
        site.start_broker()
        token = self.org.token()
        self.processes = [
            site._start("mqtt.out", ["mosquitto_sub", "-p", str(site.broker_port), "-q", "1", "-t",
                                     "cmd/+", "-F", "%U %p"]),
            site._start("floor.out", [
                os.path.join(site.build, "events_floor"), self.org.url + "/cometd/62.0", token,
                site.path("ca.pem") if tls else "-", CHANNEL, "CommandKey__c"])]
        site.start_agent()
        parts.wait_until(lambda: is_ready(site), 30, "the floor is subscribed")
        parts.wait_until(lambda: self.org.control("GET", "events")["polls"] == 2, 30,
                         "both poll")
        self.publisher = Publisher(site, self.org, token, devices)

    def wait(self):
        def is_whole(name):
            return len(read_times(self.site.path(name))[0]) >= len(self.publisher.sent)
        parts.wait_until(lambda: is_whole("mqtt.out") and is_whole("floor.out"), 60,
                         "all have arrived")

    def close(self):
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.site.kill_agent()
        self.site.stop_broker()
        self.org.stop()


def measure(site, tls, rate, burst, devices, seconds):
    """`rate` times a second `burst` events."""
    run = Run(site, tls, devices)
    try:
        before = cpu_seconds(site.agent)
        begun = time.monotonic()
        for number in range(max(1, int(rate * seconds))):
            time.sleep(max(0, begun + number / rate - time.monotonic()))
            run.publisher.publish(burst)
        run.wait()
        used = cpu_seconds(site.agent) - before
        count = len(run.publisher.sent)
        print("%s, %s, %s, %d events:" % (
            "TLS" if tls else "no TLS", "bursts of %d" % burst if burst > 1 else "%g/s" % rate,
            "all to one device" if devices == 1 else "%d devices" % devices, count))
        floor = say("floor: bare long poll", run.publisher, site.path("floor.out"))
        agent = say("agent: flash, mosquitto, sub", run.publisher, site.path("mqtt.out"))
        print("  ratio p50 %.2f, p99 %.2f; the agent adds %.2f ms at p50; its CPU %.0f us an event"
              % (agent[0] / floor[0], agent[1] / floor[1], agent[0] - floor[0],
                 used / count * 1e6), flush=True)
    finally:
        run.close()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("build")
    options.add_argument("--quick", action="store_true", help="a few seconds for each rate")
    options = options.parse_args()
    print("conditions: %d CPUs shared by org, broker, agent, subscriber and floor, load %s before; "
          "loopback; state in %s; from the beginning of the POST that publishes to the message at "
          "mosquitto_sub, or to the end of the poll's answer" % (
              os.cpu_count(), " ".join("%.2f" % load for load in os.getloadavg()),
              tempfile.gettempdir()), flush=True)
    failed = False
    with BenchSite(options.build) as site:
        for tls in (False, True):
            for rate, burst, devices in ((1, 1, 100), (50, 1, 100), (0.5, 500, 100), (0.5, 500, 1)):
                try:
                    measure(site, tls, rate, burst, devices, 4 if options.quick else 20)
                except (AssertionError, subprocess.SubprocessError, OSError) as problem:
                    failed = True
                    print("could not be measured: %s" % problem, flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
