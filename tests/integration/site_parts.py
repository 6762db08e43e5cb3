"""A whole site on this machine: a real mosquitto, the simulated org, the agent, devices and tills.

Everything runs in one scratch folder on free ports. Python's standard library only.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONSUMER_KEY = "3MVG9.test.site"
USERNAME = "edge@site.example"
AUDIENCE = "https://login.salesforce.com"
OPEN_SITES = []  # To be looked at where something does not come.


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what):
    """Waits for a condition with a limit; time itself decides nothing."""
    limit = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > limit:
            for site in OPEN_SITES:
                print("--- %s: status and the end of the agent's log\n%s\n%s"
                      % (site.folder, site.status(), site.agent_log()[-4000:]))
            raise AssertionError("not within %d s: %s" % (seconds, what))
        time.sleep(0.02)


class Site:
    """Starts, breaks and audits the parts of a site."""

    def __init__(self, build, keep=False, prefix=(), program=None):
        """`build`: the folder of org, devices and agent. `program`: the words that start an agent
        from elsewhere, such as one for another machine under its emulator."""
        self.build = os.path.abspath(build)
        self.program = list(program or [os.path.join(self.build, "sfedge")])
        self.folder = tempfile.mkdtemp(prefix="sfedge-site-")
        self.keep = keep
        self.prefix = list(prefix)  # In front of the agent: strace, valgrind.
        self.broker_port = free_port()
        self.org_port = free_port()
        self.broker = None
        self.org = None
        self.agent = None
        self.publishers = []
        self.agent_output = []
        self._make_key()
        self.write_config(self.default_config())
        OPEN_SITES.append(self)

    # -- files ---------------------------------------------------------------

    def path(self, name):
        return os.path.join(self.folder, name)

    def _make_key(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             "/CN=sfedge", "-keyout", self.path("crm.key"), "-out", self.path("crm.crt")],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.chmod(self.path("crm.key"), 0o600)

    def default_config(self):
        """The plant's readings and the shop's sales, as in the documentation."""
        return {
            "agent": {"id": "site", "state": "state", "log": "debug"},
            "connections": {
                "site": {"type": "mqtt", "url": "mqtt://127.0.0.1:%d" % self.broker_port},
                "crm": {"type": "salesforce", "login_url": "http://127.0.0.1:%d" % self.org_port,
                        "api_version": "v62.0",
                        "auth": {"flow": "jwt-bearer", "client_id": CONSUMER_KEY,
                                 "username": USERNAME, "audience": AUDIENCE,
                                 "key_file": "crm.key"}}},
            "streams": {"telemetry": {"quota": "256MiB"},
                        "sales": {"quota": "64MiB", "priority": 1}},
            "inputs": {
                "readings": {"type": "mqtt", "connection": "site", "topic": "plant/+/telemetry",
                             "stream": "telemetry"},
                "tills": {"type": "mqtt", "connection": "site", "topic": "pos/+/sale",
                          "stream": "sales"}},
            "outputs": {
                "readings": {
                    "type": "salesforce-records", "connection": "crm", "from": "telemetry",
                    "batch_age": "200ms",
                    "records": [{"object": "DeviceReading__c", "external_id": "ReadingId__c",
                                 "map": {"ReadingId__c": "{/reading}", "DeviceId__c": "{topic.1}",
                                         "Seq__c": {"from": "/seq", "type": "int"},
                                         "Value__c": {"from": "/value", "type": "double"},
                                         "At__c": {"from": "/ts", "type": "datetime", "unit": "ms"},
                                         "Unit__c": "{/unit}"}}]},
                "sales": {
                    "type": "salesforce-records", "connection": "crm", "from": "sales",
                    "batch_age": "200ms", "order_by": "{topic.1}",
                    "records": [
                        {"object": "PosSale__c", "external_id": "SaleId__c",
                         "map": {"SaleId__c": "{/sale_id}", "Store__c": "{/store}",
                                 "Register__c": "{/register}",
                                 "Seq__c": {"from": "/seq", "type": "int"},
                                 "Total__c": {"from": "/total", "type": "double"},
                                 "Currency__c": "{/currency}",
                                 "Closed__c": {"from": "/end", "type": "datetime", "unit": "s"}}},
                        {"object": "PosLine__c", "external_id": "LineId__c", "each": "/lines",
                         "map": {"LineId__c": "{/sale_id}-{item:/no}",
                                 "PosSale__r.SaleId__c": "{/sale_id}", "Sku__c": "{item:/sku}",
                                 "Quantity__c": {"from": "{item:/qty}", "type": "double"},
                                 "Amount__c": {"from": "{item:/amount}", "type": "double"}}}]}}}

    def write_config(self, config):
        self.config = config
        with open(self.path("sfedge.json"), "w", encoding="utf-8") as file:
            json.dump(config, file, indent=1)

    def _start(self, log, words):
        with open(self.path(log), "ab") as out:
            return subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT)

    # -- broker --------------------------------------------------------------

    def start_broker(self):
        """Persistent, as a shop's broker is: what it acknowledged survives its restart."""
        with open(self.path("mosquitto.conf"), "w", encoding="utf-8") as file:
            file.write("listener %d 127.0.0.1\nallow_anonymous true\npersistence true\n"
                       "persistence_location %s/\nmax_queued_messages 0\n"
                       "max_inflight_messages 1000\nlog_dest file %s\n"
                       "log_type error\nlog_type warning\nlog_type notice\nuser root\n"
                       % (self.broker_port, self.folder, self.path("mosquitto.log")))
        self.broker = subprocess.Popen(["mosquitto", "-c", self.path("mosquitto.conf")],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self._listens(self.broker_port), 20, "mosquitto listens")

    def stop_broker(self):
        if self.broker:
            self.broker.terminate()
            self.broker.wait(20)
            self.broker = None

    def restart_broker(self):
        self.stop_broker()
        self.start_broker()

    @staticmethod
    def _listens(port):
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    # -- org -----------------------------------------------------------------

    def start_org(self, *more):
        self.org = self._start(
            "org.out", [os.path.join(self.build, "sfedge-org"), "--objects",
             os.path.join(ROOT, "tests", "org", "objects.json"), "--port", str(self.org_port),
             "--client-id", CONSUMER_KEY, "--username", USERNAME, "--audience", AUDIENCE,
             "--certificate", self.path("crm.crt"), *more])
        wait_until(lambda: self._listens(self.org_port), 20, "the org listens")

    def stop_org(self):
        if self.org:
            self.org.terminate()
            self.org.wait(20)
            self.org = None

    def control(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.org_port, timeout=60)
        try:
            connection.request(method, "/control/" + path,
                               body=None if body is None else json.dumps(body),
                               headers={"X-Control": "yes", "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise AssertionError("%s %s: %d %r" % (method, path, answer.status, text[:300]))
            return json.loads(text) if text else None
        finally:
            connection.close()

    def faults(self, **faults):
        return self.control("POST", "faults", faults)

    def audit(self):
        return self.control("GET", "audit")

    def object_audit(self, name):
        return self.audit()["objects"].get(name, {"records": 0})

    def ids(self, name):
        return self.control("GET", "audit?object=%s&ids=1" % name)["objects"][name]["ids"]

    def record(self, name, external_id):
        return self.control("GET", "record?object=%s&id=%s" % (name, external_id))

    # -- agent ---------------------------------------------------------------

    def start_agent(self, wait=True):
        self.agent = self._start(
            "agent.log", self.prefix + self.program + ["run", "--config", self.path("sfedge.json")])
        if wait:
            wait_until(lambda: self.agent.poll() is not None or self.connected(), 60,
                       "the agent is connected")
            if self.agent.poll() is not None:
                raise AssertionError("the agent ended with %d: %s"
                                     % (self.agent.returncode, self.agent_log()[-2000:]))

    def kill_agent(self):
        if self.agent:
            self.agent.send_signal(signal.SIGKILL)
            self.agent.wait(20)
            self.agent = None

    def stop_agent(self, limit=30):
        """Ends it in order; returns its exit code."""
        if not self.agent:
            return None
        self.agent.terminate()
        code = self.agent.wait(limit)
        self.agent = None
        return code

    def agent_log(self):
        try:
            with open(self.path("agent.log"), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def command(self, *words):
        """Runs one command of the agent's; returns (exit code, standard output, standard error)."""
        done = subprocess.run([*self.program, *words], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def status(self):
        code, text, _ = self.command("status", "--config", self.path("sfedge.json"), "--json")
        return json.loads(text) if code == 0 else None

    def connected(self):
        status = self.status()
        return bool(status) and all(link["connected"] for link in status["links"])

    # -- devices -------------------------------------------------------------

    def publish(self, wait=True, **options):
        words = [os.path.join(self.build, "sfedge-devices"), "--port", str(self.broker_port)]
        for name, value in options.items():
            words += ["--" + name, str(value)]
        publisher = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.publishers.append(publisher)
        return self.published(publisher) if wait else publisher

    def published(self, publisher, limit=300):
        """Waits until every message has its PUBACK; returns the publisher's account."""
        out, err = publisher.communicate(timeout=limit)
        self.publishers.remove(publisher)
        if publisher.returncode != 0:
            raise AssertionError("devices ended with %d: %s" % (publisher.returncode, err.decode()))
        return json.loads(out)

    def publish_one(self, topic, payload, *more):
        """One message by mosquitto_pub, QoS 1."""
        subprocess.run(["mosquitto_pub", "-p", str(self.broker_port), "-q", "1", "-t", topic, "-s",
                        *more], input=payload if isinstance(payload, bytes) else payload.encode(),
                       check=True, timeout=20)

    def publish_lines(self, topic, payloads):
        """Many messages by one mosquitto_pub, QoS 1; returns when all are acknowledged."""
        subprocess.run(["mosquitto_pub", "-p", str(self.broker_port), "-q", "1", "-t", topic, "-l"],
                       input="\n".join(payloads).encode() + b"\n", check=True, timeout=60)

    @staticmethod
    def expected(account):
        """The external ids that `account` of a publisher says must be in the org, by object."""
        senders = account["devices"] + account["tills"]
        readings, sales, lines = set(), set(), set()
        for number in range(account["published"]):
            sender, sequence = number % senders, number // senders + 1
            if sender < account["devices"]:
                readings.add("d%03d-%d" % (sender, sequence))
                continue
            sale = "t%02d-%d" % (sender - account["devices"], sequence)
            sales.add(sale)
            lines.update("%s-%d" % (sale, line) for line in range(1, 2 + sequence % 4))
        return {"DeviceReading__c": readings, "PosSale__c": sales, "PosLine__c": lines}

    def _ordered_objects(self):
        """Objects whose output keeps the order of what the audit watches."""
        return {record["object"] for output in self.config["outputs"].values()
                if "order_by" in output for record in output["records"]}

    def check_exactly_once(self, account):
        """None lost, none doubled, and none out of order where order is asked for."""
        problems = []
        audit = self.audit()["objects"]
        for name, wanted in self.expected(account).items():
            stored = self.ids(name)
            if len(stored) != len(set(stored)):
                problems.append("%s: %d stored twice" % (name, len(stored) - len(set(stored))))
            missing, extra = wanted - set(stored), set(stored) - wanted
            if missing:
                problems.append("%s: %d missing, such as %s"
                                % (name, len(missing), sorted(missing)[:5]))
            if extra:
                problems.append("%s: %d never published, such as %s"
                                % (name, len(extra), sorted(extra)[:5]))
            order = audit.get(name, {}).get("order", {})
            if order.get("out_of_order") and name in self._ordered_objects():
                problems.append("%s: %s out of order, such as %s"
                                % (name, order["out_of_order"], order["first_cases"]))
        if problems:
            raise AssertionError("; ".join(problems))

    def wait_delivered(self, account, seconds=120):
        wanted = {name: len(ids) for name, ids in self.expected(account).items() if ids}

        def delivered():
            try:
                audit = self.audit()["objects"]
            except (OSError, http.client.HTTPException):
                return False
            return all(audit.get(name, {"records": 0})["records"] >= count
                       for name, count in wanted.items())
        wait_until(delivered, seconds, "all %s are in the org" % wanted)

    # -- end -----------------------------------------------------------------

    def close(self):
        if self in OPEN_SITES:
            OPEN_SITES.remove(self)
        for publisher in self.publishers:
            publisher.kill()
            publisher.wait()
        for process in (self.agent, self.broker, self.org):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print("--- end of the agent's log\n" + self.agent_log()[-4000:])
        self.close()


def no_secrets(text):
    """True where no bearer token or key stands in a text."""
    return not re.search(r"00D[A-Za-z0-9]{12,}!|BEGIN .*PRIVATE|eyJ[A-Za-z0-9_-]{20,}\.", text)
