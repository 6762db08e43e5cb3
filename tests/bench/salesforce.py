"""Delivery to the org, each figure beside its floor in the same run: see README.md."""

import argparse
import base64
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
import site_parts as parts  # noqa: E402
from certificate_parts import make_authority, make_certificate  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
DEVICES, BYTES = 100, 200
READING = "DeviceReading__c"
FIELDS = {"ReadingId__c": "{/reading}", "DeviceId__c": "{topic.1}",
          "Seq__c": {"from": "/seq", "type": "int"},
          "Value__c": {"from": "/value", "type": "double"},
          "At__c": {"from": "/ts", "type": "datetime", "unit": "ms"}, "Unit__c": "{/unit}"}
TEN_FIELDS = dict(FIELDS, State__c="{/state}", Site__c="{topic.0}", Label__c="{topic.1}/{/unit}",
                  Number__c={"from": "/seq", "type": "double"})
APIS = {"collections": {"api": "collections"}, "composite": {"api": "composite"},
        "bulk": {"api": "bulk", "bulk_age": "1s"}}
RECORDS = {"collections": 200, "composite": 1000, "bulk": 10000}
# What an org takes for a record with little automation; 0: as fast as the simulated one can.
ORG_US = 1000


def cpu_seconds(process):
    with open("/proc/%d/stat" % process.pid, encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Org:
    """One simulated org, with TLS unless told otherwise; its control port stays plain."""

    def __init__(self, site, name="crm", tls=True, **faults):
        self.site, self.port, self.control_port = site, parts.free_port(), parts.free_port()
        self.tls, self.url = tls, "%s://localhost:%d" % ("https" if tls else "http", self.port)
        self.process = site._start(name + ".out", [
            os.path.join(site.build, "sfedge-org"), "--objects", site.objects, "--port",
            str(self.port), "--control-port", str(self.control_port), "--client-id",
            parts.CONSUMER_KEY, "--username", parts.USERNAME, "--audience", parts.AUDIENCE,
            "--certificate", site.path("crm.crt"), "--api-limit", "1000000000", "--gzip-answers",
            *(["--tls-cert", site.path("org.pem"), "--tls-key", site.path("org.key")] if tls
              else [])])
        site.orgs.append(self)
        parts.wait_until(lambda: site._listens(self.control_port), 20, "the org listens")
        if faults:
            self.control("POST", "faults", faults)

    def control(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=60)
        try:
            connection.request(method, "/control/" + path,
                               body=None if body is None else json.dumps(body),
                               headers={"X-Control": "yes", "Content-Type": "application/json"})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def records(self):
        return self.control("GET", "audit?object=" + READING)["objects"][READING]["records"]

    def token(self):
        """A session for the bare requests, got as the agent gets its own: with a signed assertion."""
        def url64(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        claims = {"iss": parts.CONSUMER_KEY, "sub": parts.USERNAME, "aud": parts.AUDIENCE,
                  "exp": int(time.time()) + 120}
        signed = url64(b'{"alg":"RS256"}') + b"." + url64(json.dumps(claims).encode())
        signature = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", self.site.path("crm.key")], input=signed,
            stdout=subprocess.PIPE, check=True).stdout
        body = urllib.parse.urlencode({
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": (signed + b"." + url64(signature)).decode()})
        if self.tls:
            trusted = ssl.create_default_context(cafile=self.site.path("ca.pem"))
            connection = http.client.HTTPSConnection("localhost", self.port, timeout=20,
                                                     context=trusted)
        else:
            connection = http.client.HTTPConnection("localhost", self.port, timeout=20)
        connection.request("POST", "/services/oauth2/token", body=body,
                           headers={"Content-Type": "application/x-www-form-urlencoded"})
        return json.loads(connection.getresponse().read())["access_token"]

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.site.orgs.remove(self)


class BenchSite(parts.Site):
    def __init__(self, build):
        self.orgs = []
        super().__init__(build)
        make_authority(self.folder, "ca")
        make_certificate(self.folder, "org", "ca", "DNS:localhost,IP:127.0.0.1")
        self.objects = self.path("objects.json")
        with open(os.path.join(ROOT, "tests", "org", "objects.json"), encoding="utf-8") as file:
            objects = json.load(file)
        fields = objects["objects"][READING]["fields"]
        fields.update(Site__c={"type": "string", "length": 40},
                      Label__c={"type": "string", "length": 40},
                      Number__c={"type": "double", "precision": 18, "scale": 0})
        with open(self.objects, "w", encoding="utf-8") as file:
            json.dump(objects, file)

    def configure(self, outputs, connections=("crm",), ports=None):
        """`outputs`: name to what is said of it, upon what all have in common."""
        config = self.default_config()
        crm = config["connections"].pop("crm")
        for name in connections:
            port = (ports or {}).get(name) or 1
            config["connections"][name] = dict(crm, login_url="https://localhost:%d" % port,
                                               tls={"ca_file": "ca.pem"})
        config["agent"]["log"] = "info"
        config["streams"] = {"telemetry": {"quota": "1GiB"}}
        del config["inputs"]["tills"]
        config["outputs"] = {
            name: dict({"type": "salesforce-records", "connection": "crm", "from": "telemetry",
                        "batch_age": "50ms",
                        "records": [{"object": READING, "external_id": "ReadingId__c",
                                     "map": FIELDS}]}, **more) for name, more in outputs.items()}
        self.write_config(config)

    def fill(self, count):
        """A backlog on flash, kept to be delivered again and again."""
        self.configure({"readings": {}})
        self.start_broker()
        self.start_agent()
        self.publish(devices=DEVICES, count=count, bytes=BYTES)
        parts.wait_until(lambda: self.status()["links"][0]["acknowledged"] >= count, 300,
                         "all is on flash")
        if self.stop_agent() != 0:
            raise AssertionError("the agent did not end in order")
        self.stop_broker()
        os.rename(self.path("state"), self.path("filled"))

    def close(self):
        for org in list(self.orgs):
            org.process.kill()
            org.process.wait()
        super().close()


def profile_begin(site):
    return subprocess.Popen(
        ["perf", "record", "-q", "-F", "997", "-g", "-o", site.path("perf.data"), "-p",
         str(site.agent.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def profile_end(site, recorder):
    """Shares of the agent's CPU, self time: [(percent, symbol, whether it is ours)]."""
    if recorder is None:
        return []
    recorder.send_signal(signal.SIGINT)
    try:
        recorder.wait(60)
    except subprocess.TimeoutExpired:
        recorder.kill()
        recorder.wait()
    done = subprocess.run(
        ["perf", "report", "-i", site.path("perf.data"), "--no-children", "-g", "none", "--stdio",
         "--sort", "dso,symbol", "-t", "|"], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, check=False)
    rows = []
    for line in done.stdout.decode(errors="replace").splitlines():
        words = [word.strip() for word in line.split("|")]
        if len(words) >= 3 and words[0].endswith("%"):
            symbol = words[2].split("] ", 1)[-1]
            rows.append((float(words[0][:-1]), symbol, words[1]))
    return sorted(rows, reverse=True)


def start(site, profiled):
    """The agent; under a profile it stands still until perf looks at it."""
    if not profiled or not shutil.which("perf"):
        site.start_agent(wait=False)
        return None
    kept, site.prefix = site.prefix, ["sh", "-c", "kill -STOP $$; exec \"$@\"", "sh"]
    site.start_agent(wait=False)
    site.prefix = kept
    recorder = profile_begin(site)
    time.sleep(0.5)
    site.agent.send_signal(signal.SIGCONT)
    return recorder


def drain(site, count, orgs, profiled=False, limit=600, watched=None):
    """Delivers the backlog with the configuration that is written; the rate is that of `watched`."""
    shutil.rmtree(site.path("state"), ignore_errors=True)
    shutil.copytree(site.path("filled"), site.path("state"))
    watched = watched or orgs[0]
    site.start_broker()
    recorder = start(site, profiled)
    begun, first = time.monotonic(), None
    while True:
        records = watched.records()
        now = time.monotonic()
        if first is None and watched.control("GET", "audit")["api_calls"] > 0:
            first = now
        if records >= count:
            break
        if now - begun > limit or site.agent.poll() is not None:
            raise AssertionError("%d of %d records in the org: %s"
                                 % (records, count, site.agent_log()[-2000:]))
        time.sleep(0.01)
    used = cpu_seconds(site.agent)
    rows = profile_end(site, recorder)
    audit = watched.control("GET", "audit")
    result = {"seconds": now - (first or begun), "cpu": used, "org_cpu": cpu_seconds(watched.process),
              "calls": audit["api_calls"], "bytes": audit["body_bytes_received"], "rows": rows,
              "repeats": audit["objects"][READING]["repeats"]}
    site.kill_agent()
    site.stop_broker()
    return result


def floor(site, count, api, org):
    with open(site.path("token"), "w", encoding="ascii") as file:
        file.write(org.token())
    before = org.control("GET", "audit")["body_bytes_received"]
    done = subprocess.run(
        [os.path.join(site.build, "salesforce_floor"),
         "https://localhost:%d/services/data/v62.0" % org.port, site.path("token"),
         site.path("ca.pem"), api, str(count), "4", str(RECORDS[api])],
        stdout=subprocess.PIPE, check=True)
    result = json.loads(done.stdout)
    result["org_cpu"] = cpu_seconds(org.process)
    result["bytes"] = org.control("GET", "audit")["body_bytes_received"] - before
    return result


def one_api(site, count, api, org_us, profiled):
    faults = {"slow": {"record_us": org_us}} if org_us else {}
    org = Org(site, **faults)
    bare = floor(site, count, api, org)
    org.stop()
    org = Org(site, **faults)
    site.configure({"readings": APIS[api]}, ports={"crm": org.port})
    full = drain(site, count, [org], profiled)
    org.stop()
    return bare, full


def middle(values):
    return statistics.median(values)


def say_ratio(what, bare, full, count, goal, base="floor"):
    ratios = [one["seconds"] / other["seconds"] for one, other in zip(bare, full)]
    print("%-44s %s %7.0f/s, agent %7.0f/s, ratio %.2f (%s)%s" % (
        what, base, count / middle([one["seconds"] for one in bare]),
        count / middle([one["seconds"] for one in full]), middle(ratios),
        " ".join("%.2f" % ratio for ratio in ratios),
        "" if goal is None else "; goal %.2f: %s" % (
            goal, "reached" if middle(ratios) >= goal else "MISSED")), flush=True)
    return middle(ratios)


def say_profile(rows):
    ours = [row for row in rows if row[2].startswith("sfedge")]
    if not rows:
        print("  profile: no perf here, or it may not")
        return
    print("  profile: %.0f %% in the agent itself, the rest in libraries and the kernel; functions of "
          "ours: %s" % (sum(row[0] for row in ours),
                        ", ".join("%s %.1f %%" % (row[1], row[0]) for row in ours[:8])))
    print("  others: " + ", ".join("%s (%s) %.1f %%" % (row[1], row[2], row[0]) for row in
                                   [row for row in rows if row not in ours][:6]))
    for row in ours:
        if row[0] > 15:
            print("  ABOVE 15 %%: %s %.1f %%" % (row[1], row[0]))


def bench_speed(site, options):
    for api, goal in (("composite", 0.8), ("bulk", 0.8), ("collections", None)):
        for org_us in (0, ORG_US // 50, ORG_US) if api != "bulk" else (0, ORG_US // 10):
            count = min(options.count, 60000 if org_us or api == "bulk" else options.count)
            runs = []
            for number in range(options.rounds):
                runs.append(one_api(site, count, api, org_us, number == 0 and not org_us))
            bare, full = zip(*runs)
            say_ratio("%s, org at %s" % (api, "its full speed" if not org_us else
                                         "%d us a record" % org_us), bare, full, count, goal)
            print("  CPU-s per million records: agent %.2f, floor %.2f, org %.2f; API calls per 1,000 "
                  "records %.2f (floor %.2f; goal 1.1); body bytes a record %.1f (floor %.1f); repeats "
                  "%d" % (middle([one["cpu"] for one in full]) / count * 1e6,
                          middle([one["cpu"] for one in bare]) / count * 1e6,
                          middle([one["org_cpu"] for one in full]) / count * 1e6,
                          middle([one["calls"] for one in full]) / count * 1e3,
                          middle([one["calls"] for one in bare]) / count * 1e3,
                          middle([one["bytes"] for one in full]) / count,
                          middle([one["bytes"] for one in bare]) / count,
                          max(one["repeats"] for one in full)))
            if not org_us:
                say_profile(full[0]["rows"])
            sys.stdout.flush()


# Thirds of the readings: their value is 20 + seq % 60 and a tenth.
THIRDS = ({"/value": {"lt": 40}}, {"/value": {"ge": 40, "lt": 60}}, {"/value": {"ge": 60}})


def bench_outputs(site, options):
    """Three outputs with conditions and ten fields each, beside one output that takes all."""
    three = {"part%d" % number: {
        "api": "composite", "where": where,
        "records": [{"object": READING, "external_id": "ReadingId__c", "map": TEN_FIELDS}]}
        for number, where in enumerate(THIRDS)}
    runs = []
    for _ in range(options.rounds):
        pair = []
        for outputs in ({"readings": {"api": "composite"}}, three):
            org = Org(site)
            site.configure(outputs, ports={"crm": org.port})
            pair.append(drain(site, options.count, [org]))
            org.stop()
        runs.append(pair)
    single, many = zip(*runs)
    say_ratio("3 outputs, conditions, 10 fields : 1 output", single, many, options.count, 0.7,
              "1 output")


def bench_isolation(site, options):
    """A healthy output beside one whose org is dead, one at 1 % of the speed, one answering garbage."""
    runs = []
    count = min(options.count, 100000)
    for _ in range(options.rounds):
        pair = []
        for sick in (False, True):
            org = Org(site, slow={"record_us": ORG_US})
            ports, outputs = {"crm": org.port}, {"healthy": {"api": "composite"}}
            if sick:
                ports["dead"] = Org(site, "dead", down=True).port
                ports["slow"] = Org(site, "slow", slow={"record_us": 100 * ORG_US}).port
                ports["garbage"] = Org(site, "garbage", html_200={"probability": 1}).port
                outputs.update({name: {"api": "composite", "connection": name}
                                for name in ("dead", "slow", "garbage")})
            site.configure(outputs, tuple(ports), ports)
            pair.append(drain(site, count, [org], watched=org))
            for one in list(site.orgs):
                one.stop()
        runs.append(pair)
    alone, beside = zip(*runs)
    say_ratio("healthy beside dead, 1 % and garbage : alone", alone, beside, count, 0.9, "alone")


class Publisher:
    """MQTT 3.1.1 over one socket: QoS 1, as slowly as it is told."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05bench")
        if self.socket.recv(4)[:1] != b"\x20":
            raise AssertionError("the broker refuses the publisher")
        self.number = 0

    def publish(self, topic, payload):
        self.number = self.number % 65535 + 1
        body = struct.pack(">H", len(topic)) + topic + struct.pack(">H", self.number) + payload
        size, length = len(body), b""
        while True:
            length += bytes([size % 128 | (0x80 if size > 127 else 0)])
            size //= 128
            if size == 0:
                break
        self.socket.sendall(b"\x32" + length + body)
        self.socket.setblocking(False)
        try:
            self.socket.recv(65536)  # PUBACKs.
        except BlockingIOError:
            pass
        self.socket.setblocking(True)


def bench_latency(site, options):
    """From PUBLISH to the committed record, at a rate that no part is busy with."""
    rate, seconds = 200, 5 if options.quick else 30
    for age in ("1s", "50ms"):
        org = Org(site)
        shutil.rmtree(site.path("state"), ignore_errors=True)
        site.configure({"readings": {"batch_age": age, "api": "auto"}}, ports={"crm": org.port})
        site.start_broker()
        site.start_agent()
        publisher = Publisher(site.broker_port)
        sent = {}
        begun = time.monotonic()
        for number in range(rate * seconds):
            time.sleep(max(0, begun + number / rate - time.monotonic()))
            name = "l-%s-%d" % (age, number)
            sent[name] = time.time()
            publisher.publish(b"plant/d%03d/telemetry" % (number % DEVICES), json.dumps(
                {"reading": name, "seq": number, "ts": 1795478400000 + number, "value": 1.5,
                 "unit": "C"}).encode())
        parts.wait_until(lambda: org.records() >= len(sent), 60, "all are in the org")
        lists = org.control("GET", "audit?object=%s&ids=times" % READING)["objects"][READING]
        late = sorted((us / 1e6 - sent[name]) * 1000
                      for name, us in zip(lists["ids"], lists["created_us"]))
        calls = org.control("GET", "audit")["api_calls"]
        print("PUBLISH to committed record, batch_age %-5s p50 %5.0f ms, p99 %5.0f ms, most %5.0f ms "
              "(%d messages, %d/s, %d API calls)" % (
                  age, late[len(late) // 2], late[len(late) * 99 // 100], late[-1], len(late), rate,
                  calls), flush=True)
        site.kill_agent()
        site.stop_broker()
        org.stop()


def bench_locks(site, options):
    """Issue 6.4: 30 % of the parents contended; the org takes 2 ms for each record."""
    for api in ("collections", "composite"):
        subprocess.run([sys.executable, os.path.join(HERE, "..", "integration", "locks_test.py"),
                        site.build, "--api", api, "--count",
                        "8000" if options.quick else "40000"], check=False)


BENCHES = {"speed": bench_speed, "outputs": bench_outputs, "isolation": bench_isolation,
           "latency": bench_latency, "locks": bench_locks}


def conditions(options):
    model = "?"
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(("model name", "Hardware")):
                model = line.split(":", 1)[1].strip()
                break
    print("conditions: %d CPUs (%s), load %s before, shared by broker, agent and org; %d readings of "
          "%d bytes from %d topics waiting on flash; TLS on loopback, bodies over 1 KiB and answers "
          "gzip (bulk uploads as they are); 4 requests in flight, batch_age 50 ms; floor and agent in turn, median of "
          "%d rounds; state in %s" % (
              os.cpu_count(), model, " ".join("%.2f" % load for load in os.getloadavg()),
              options.count, BYTES, DEVICES, options.rounds, tempfile.gettempdir()), flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("build")
    options.add_argument("--quick", action="store_true", help="one round, short")
    options.add_argument("--rounds", type=int)
    options.add_argument("--count", type=int)
    options.add_argument("--only", help="of " + ",".join(BENCHES))
    options = options.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.count = options.count or (60000 if options.quick else 300000)
    conditions(options)
    failed = []
    with BenchSite(options.build) as site:
        site.fill(options.count)
        for name in options.only.split(",") if options.only else BENCHES:
            try:
                BENCHES[name](site, options)
            except (AssertionError, subprocess.SubprocessError, OSError) as problem:
                failed.append(name)
                print("%s could not be measured: %s" % (name, problem), flush=True)
                site.kill_agent()
                site.stop_broker()
                for org in list(site.orgs):
                    org.stop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
