"""Links to brokers as real sites have them: TLS, passwords, old brokers, brokers that go away."""

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest

import certificates
import proxy_parts
import site_parts as parts

BUILD = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
TOPIC = "plant/p/telemetry"


def reading(name):
    return json.dumps({"reading": name, "seq": 1, "ts": 1795478400123, "value": 1, "unit": "C"})


class Proxy:
    """Relays to a broker until it is told to stall: then what it holds stays open, and silent."""

    def __init__(self, broker_port):
        self.broker_port = broker_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.stalled = []  # One event a connection.
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            near, _ = self.listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self.broker_port))
            except OSError:
                near.close()
                continue
            stalled = threading.Event()
            self.stalled.append(stalled)
            threading.Thread(target=self._relay, args=(near, far, stalled), daemon=True).start()

    @staticmethod
    def _relay(near, far, stalled):
        while True:
            for source in select.select([near, far], [], [], 0.1)[0]:
                if stalled.is_set():
                    far.close()  # The broker sees an end; the agent sees nothing at all.
                    while True:
                        time.sleep(60)
                try:
                    data = source.recv(65536)
                    (far if source is near else near).sendall(data)
                except OSError:
                    data = b""
                if not data:
                    near.close()
                    far.close()
                    return

    def stall(self):
        for stalled in self.stalled:
            stalled.set()


class LinkSite(parts.Site):
    """A site whose broker has further listeners, and whose agent connects as a test says."""

    def __init__(self):
        super().__init__(BUILD)
        self.listeners = ""
        self.others = []

    def start_broker(self):
        """As the site's; plain for the devices, and what else the test asks for."""
        self.broker = self.start_mosquitto("mosquitto", self.broker_port, self.listeners)

    def start_mosquitto(self, name, port, listeners=""):
        path = self.path(name)
        os.makedirs(path, exist_ok=True)
        with open(path + ".conf", "w", encoding="utf-8") as file:
            file.write("per_listener_settings true\nuser root\nmax_queued_messages 0\n"
                       "log_dest file %s.log\nlog_type all\nlistener %d 127.0.0.1\n"
                       "allow_anonymous true\npersistence true\npersistence_location %s/\n%s"
                       % (path, port, path, listeners))
        broker = subprocess.Popen(["mosquitto", "-c", path + ".conf"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        self.others.append(broker)
        parts.wait_until(lambda: self._listens(port), 20, "mosquitto listens")
        return broker

    def tls_listener(self, name, *more):
        """Adds a listener with NAME's certificate; returns its port."""
        port = parts.free_port()
        self.listeners += ("listener %d 127.0.0.1\nallow_anonymous true\ncertfile %s\nkeyfile %s\n%s"
                           % (port, self.path(name + ".crt"), self.path(name + ".key"),
                              "".join(line + "\n" for line in more)))
        return port

    def connect_by(self, url, **more):
        config = self.default_config()
        config["connections"]["site"] = dict({"type": "mqtt", "url": url}, **more)
        self.write_config(config)

    def last_error(self):
        status = self.status()
        error = status and status["links"][0]["last_error"]
        return json.dumps(error) if error else ""

    def publish_to(self, port, topic, payload):
        subprocess.run(["mosquitto_pub", "-p", str(port), "-q", "1", "-t", topic, "-s"],
                       input=payload.encode(), check=True, timeout=20)

    def stored(self):
        return self.ids("DeviceReading__c") if self.object_audit("DeviceReading__c")["records"] \
            else []

    def close(self):
        for process in self.others:
            if process.poll() is None:
                process.kill()
                process.wait()
        super().close()


class Links(unittest.TestCase):
    def setUp(self):
        self.site = LinkSite()
        self.addCleanup(self.site.close)
        self.addCleanup(self.say)

    def say(self):
        outcome = getattr(self, "_outcome", None)
        if outcome is not None and not getattr(outcome, "success", True):
            print("--- end of the agent's log\n" + self.site.agent_log()[-3000:])

    def make_good(self):
        certificates.make_authority(self.site.folder, "site-ca")
        certificates.make_certificate(self.site.folder, "good", "site-ca",
                                      "DNS:localhost,IP:127.0.0.1")

    def expect_delivered(self, name, port=None, limit=60):
        self.site.publish_to(port or self.site.broker_port, TOPIC, reading(name))
        parts.wait_until(lambda: name in self.site.stored(), limit, "%s is in the org" % name)

    def expect_refused(self, *pieces):
        """The agent does not connect, and says why."""
        self.site.start_agent(wait=False)
        parts.wait_until(lambda: all(piece in self.site.last_error() for piece in pieces), 60,
                         "the reason has %r: %s" % (pieces, self.site.last_error()))
        self.assertFalse(self.site.connected())
        self.assertEqual(self.site.stop_agent(), 0)


class Secured(Links):
    """The broker's certificate decides."""

    def test_a_trusted_certificate_connects_by_name_and_by_address_and_delivers(self):
        self.make_good()
        port = self.site.tls_listener("good")
        self.site.start_broker()
        self.site.start_org()
        for number, host in enumerate(("localhost", "127.0.0.1")):
            self.site.connect_by("mqtts://%s:%d" % (host, port), tls={"ca_file": "site-ca.crt"})
            self.site.start_agent()
            self.expect_delivered("tls-%d" % number)
            self.assertEqual(self.site.stop_agent(), 0)

    def test_a_flood_over_tls_is_delivered_once_each(self):
        self.make_good()
        port = self.site.tls_listener("good")
        self.site.connect_by("mqtts://localhost:%d" % port, tls={"ca_file": "site-ca.crt"})
        self.site.start_broker()
        self.site.start_org()
        self.site.start_agent()
        account = self.site.publish(devices=10, tills=2, count=6000)
        self.site.wait_delivered(account)
        self.site.check_exactly_once(account)

    def test_certificates_that_cannot_be_trusted_are_refused_with_the_reason(self):
        self.make_good()
        folder = self.site.folder
        certificates.make_authority(folder, "other-ca")
        certificates.make_certificate(folder, "wrong-host", "site-ca", "DNS:other.lan,IP:10.1.2.3")
        certificates.make_certificate(folder, "expired", "site-ca", "DNS:localhost", ("-9", "-2"))
        certificates.make_certificate(folder, "future", "site-ca", "DNS:localhost", ("2", "9"))
        certificates.make_certificate(folder, "unknown", "other-ca", "DNS:localhost")
        certificates.make_self_signed(folder, "self", "DNS:localhost")
        cases = [
            ("wrong-host", "localhost", "is for other.lan, not for localhost"),
            ("wrong-host", "127.0.0.1", "is for other.lan, not for 127.0.0.1"),
            ("expired", "localhost", "expired on"),
            ("future", "localhost", "is not valid before"),
            ("unknown", "localhost", "unknown authority (CN=other-ca)"),
            ("self", "localhost", "is self-signed and not trusted"),
        ]
        ports = {name: self.site.tls_listener(name) for name in sorted({case[0] for case in cases})}
        self.site.start_broker()
        for name, host, piece in cases:
            with self.subTest(name, host=host):
                self.site.connect_by("mqtts://%s:%d" % (host, ports[name]),
                                     tls={"ca_file": "site-ca.crt"})
                self.expect_refused(piece)

    def test_the_systems_authorities_do_not_vouch_for_ours(self):
        if not os.path.exists("/etc/ssl/certs/ca-certificates.crt"):
            self.skipTest("the system has no certificates")
        self.make_good()
        port = self.site.tls_listener("good")
        self.site.connect_by("mqtts://localhost:%d" % port)
        self.site.start_broker()
        self.expect_refused("unknown authority (CN=site-ca)")

    def test_a_client_certificate_is_shown_where_it_is_asked_for(self):
        self.make_good()
        certificates.make_certificate(self.site.folder, "gateway", "site-ca", "DNS:gateway")
        port = self.site.tls_listener("good", "cafile " + self.site.path("site-ca.crt"),
                                      "require_certificate true")
        url = "mqtts://localhost:%d" % port
        self.site.start_broker()
        self.site.start_org()
        self.site.connect_by(url, tls={"ca_file": "site-ca.crt"})
        self.expect_refused("refuses our TLS handshake", "client certificate")
        self.site.connect_by(url, tls={"ca_file": "site-ca.crt", "cert_file": "gateway.crt",
                                       "key_file": "gateway.key"})
        self.site.start_agent()
        self.expect_delivered("mutual-1")

    def expect_next(self, tap, name):
        """Cuts the line; the next connection delivers. Returns what the broker said on it."""
        count = len(tap.heard)
        tap.cut()
        parts.wait_until(lambda: len(tap.heard) > count and self.site.connected(), 60,
                         "the agent is connected again")
        self.expect_delivered(name)
        return proxy_parts.handshake_messages(tap.heard[-1])

    def test_a_reconnect_resumes_and_a_new_certificate_is_looked_at(self):
        self.make_good()
        port = self.site.tls_listener("good")
        tap = proxy_parts.Tap(port)
        self.addCleanup(tap.close)
        self.site.connect_by("mqtts://localhost:%d" % tap.port, tls={"ca_file": "site-ca.crt"})
        self.site.start_broker()
        self.site.start_org()
        self.site.start_agent()
        self.expect_delivered("first")
        self.assertIn(11, proxy_parts.handshake_messages(tap.heard[0]))
        for number in range(2):
            said = self.expect_next(tap, "resumed-%d" % number)
            self.assertIn(2, said)
            self.assertNotIn(11, said)  # No certificate: what was agreed on before is taken up.
        # Its restart forgets the tickets; then only the certificate counts, and this is a wrong one.
        self.site.stop_broker()
        certificates.make_self_signed(self.site.folder, "good", "DNS:localhost")
        self.site.start_broker()
        parts.wait_until(lambda: "not trusted" in self.site.last_error(), 60,
                         "the new certificate is refused: " + self.site.last_error())
        self.assertFalse(self.site.connected())

    def test_a_reconnect_with_a_client_certificate_resumes(self):
        self.make_good()
        certificates.make_certificate(self.site.folder, "gateway", "site-ca", "DNS:gateway")
        port = self.site.tls_listener("good", "cafile " + self.site.path("site-ca.crt"),
                                      "require_certificate true")
        tap = proxy_parts.Tap(port)
        self.addCleanup(tap.close)
        self.site.start_broker()
        self.site.start_org()
        self.site.connect_by("mqtts://localhost:%d" % tap.port, tls={
            "ca_file": "site-ca.crt", "cert_file": "gateway.crt", "key_file": "gateway.key"})
        self.site.start_agent()
        self.expect_delivered("mutual-0")
        for number in range(1, 4):
            self.assertNotIn(11, self.expect_next(tap, "mutual-%d" % number))

    def test_a_port_that_speaks_no_tls_is_said(self):
        self.make_good()
        self.site.connect_by("mqtts://localhost:%d" % self.site.broker_port,
                             tls={"ca_file": "site-ca.crt"})
        self.site.start_broker()
        self.expect_refused("TLS handshake", "localhost")

    def test_check_names_files_that_are_missing_or_do_not_fit(self):
        self.make_good()
        certificates.make_certificate(self.site.folder, "gateway", "site-ca", "DNS:gateway")
        cases = [({"ca_file": "missing.crt"}, "missing.crt"),
                 ({"ca_file": "good.key"}, "no certificate (PEM)"),
                 ({"ca_file": "site-ca.crt", "cert_file": "gateway.crt", "key_file": "good.key"},
                  "is not that of")]
        for tls, piece in cases:
            self.site.connect_by("mqtts://localhost:8883", tls=tls)
            code, out, err = self.site.command("check", "--config", self.site.path("sfedge.json"))
            self.assertEqual(code, 78, out + err)
            self.assertIn(piece, out + err)


class Brokers(Links):
    """What a broker wants, and what becomes of us when it goes."""

    def test_user_name_and_password_open_and_the_acl_decides(self):
        site = self.site
        subprocess.run(["mosquitto_passwd", "-c", "-b", site.path("users"), "gateway", "geheim"],
                       check=True, timeout=20)
        with open(site.path("acl"), "w", encoding="utf-8") as file:
            file.write("user gateway\ntopic read plant/+/telemetry\n")
        os.chmod(site.path("acl"), 0o600)
        port = parts.free_port()
        site.listeners = ("listener %d 127.0.0.1\nallow_anonymous false\npassword_file %s\n"
                          "acl_file %s\n" % (port, site.path("users"), site.path("acl")))
        site.start_broker()
        site.start_org()
        for version in ("5", "3.1.1"):
            with open(site.path("mqtt.password"), "w", encoding="utf-8") as file:
                file.write("wrong\n")
            os.chmod(site.path("mqtt.password"), 0o600)
            site.connect_by("mqtt://127.0.0.1:%d" % port, username="gateway", version=version,
                            password_file="mqtt.password")
            self.expect_refused("the broker refuses us: not authorized")
            with open(site.path("mqtt.password"), "w", encoding="utf-8") as file:
                file.write("geheim\n")
            site.start_agent()
            self.expect_delivered("acl-" + version)
            self.assertEqual(site.stop_agent(), 0)

    def test_a_session_of_3_1_1_is_kept_over_a_kill_and_nothing_is_lost(self):
        site = self.site
        site.connect_by("mqtt://127.0.0.1:%d" % site.broker_port, version="3.1.1")
        site.start_broker()
        site.start_org()
        site.start_agent()
        self.expect_delivered("old-1")
        site.kill_agent()
        for number in range(2, 12):
            site.publish_to(site.broker_port, TOPIC, reading("old-%d" % number))
        site.start_agent()
        wanted = {"old-%d" % number for number in range(1, 12)}
        parts.wait_until(lambda: set(site.stored()) == wanted, 60, "what was sent meanwhile comes")

    def test_the_will_is_published_after_a_kill_and_not_after_an_orderly_end(self):
        site = self.site
        site.start_broker()
        for version in ("5", "3.1.1"):
            site.connect_by("mqtt://127.0.0.1:%d" % site.broker_port, version=version,
                            will={"topic": "status/site", "payload": "gone " + version,
                                  "retain": True})
            site.start_agent()
            self.assertEqual(site.stop_agent(), 0)
            site.start_agent()
            seen = subprocess.Popen(["mosquitto_sub", "-p", str(site.broker_port), "-q", "1", "-t",
                                     "status/site", "-C", "1", "-W", "30"], stdout=subprocess.PIPE)
            if version == "5":  # Later ones find what the broker keeps.
                with self.assertRaises(subprocess.TimeoutExpired):
                    seen.communicate(timeout=1)
            site.kill_agent()
            out, _ = seen.communicate(timeout=40)
            self.assertIn(b"gone", out)
            parts.wait_until(lambda: subprocess.run(
                ["mosquitto_sub", "-p", str(site.broker_port), "-t", "status/site", "-C", "1", "-W",
                 "5"], stdout=subprocess.PIPE, check=False).stdout.decode().strip()
                == "gone " + version, 30, "the broker keeps the will")

    def test_another_broker_stands_in_and_the_first_has_its_place_again(self):
        site = self.site
        second = parts.free_port()
        site.connect_by(["mqtt://127.0.0.1:%d" % site.broker_port, "mqtt://127.0.0.1:%d" % second])
        site.start_mosquitto("second", second)
        site.start_org()
        site.start_agent()  # Returns when it is connected: to the second.
        self.expect_delivered("second-1", second)
        site.start_broker()
        parts.wait_until(lambda: "mqtt connection returns" in site.agent_log() and site.connected(),
                         120, "the agent returns to the first")
        self.expect_delivered("first-1")
        site.broker.kill()
        site.broker.wait()
        self.expect_delivered("second-2", second, limit=120)

    def test_ipv6_connects(self):
        try:
            with socket.create_server(("::1", 0), family=socket.AF_INET6) as probe:
                port = probe.getsockname()[1]
        except OSError:
            self.skipTest("no IPv6 here")
        self.site.listeners = "listener %d ::1\nallow_anonymous true\n" % port
        self.site.connect_by("mqtt://[::1]:%d" % port)
        self.site.start_broker()
        self.site.start_org()
        self.site.start_agent()
        self.expect_delivered("six-1")

    def test_a_line_that_falls_silent_is_noticed_and_replaced(self):
        site = self.site
        proxy = Proxy(site.broker_port)
        site.connect_by("mqtt://127.0.0.1:%d" % proxy.port, keep_alive="5s")
        site.start_broker()
        site.start_org()
        site.start_agent()
        self.expect_delivered("silent-1")
        proxy.stall()
        self.expect_delivered("silent-2", limit=120)
        self.assertGreaterEqual(site.status()["links"][0]["reconnects"], 1)

    def test_shared_and_overlapping_subscriptions_make_one_record_of_one_message(self):
        site = self.site
        config = site.default_config()
        config["inputs"]["readings"]["topic"] = "$share/gateways/plant/+/telemetry"
        config["inputs"]["again"] = dict(config["inputs"]["readings"], topic="plant/#")
        site.write_config(config)
        site.start_broker()
        site.start_org()
        site.start_agent()
        for number in range(20):
            site.publish_to(site.broker_port, TOPIC, reading("share-%d" % number))
        wanted = {"share-%d" % number for number in range(20)}
        parts.wait_until(lambda: set(site.stored()) == wanted, 60, "all are in the org")
        self.assertEqual(len(site.stored()), 20)


class Aedes(Links):
    """A broker that is neither ours nor mosquitto: it speaks MQTT 3.1.1 only."""

    @classmethod
    def setUpClass(cls):
        if not shutil.which("npm") or not shutil.which("node"):
            raise unittest.SkipTest("npm is not there: aedes is not tried")

    def setUp(self):
        super().setUp()
        folder = self.site.path("aedes")
        os.makedirs(folder)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "aedes@1"], cwd=folder,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
                              check=False)
        if done.returncode != 0:
            self.skipTest("npm cannot install aedes: " + done.stdout.decode()[-200:])
        self.make_good()
        self.port = parts.free_port()
        self.broker = subprocess.Popen(
            ["node", os.path.join(HERE, "aedes_broker.mjs"), folder, str(self.port),
             self.site.path("good.crt"), self.site.path("good.key")], stdout=subprocess.PIPE)
        self.site.others.append(self.broker)
        self.addCleanup(self.broker.stdout.close)
        self.assertEqual(self.broker.stdout.readline(), b"ready\n")
        with open(self.site.path("mqtt.password"), "w", encoding="utf-8") as file:
            file.write("geheim\n")
        os.chmod(self.site.path("mqtt.password"), 0o600)

    def connect(self, version):
        self.site.connect_by("mqtts://localhost:%d" % self.port, version=version,
                             tls={"ca_file": "site-ca.crt"}, username="gateway",
                             password_file="mqtt.password")

    def test_messages_are_acknowledged_and_delivered(self):
        self.connect("3.1.1")
        self.site.start_org()
        self.site.start_agent()
        for number in range(50):
            subprocess.run(["mosquitto_pub", "-p", str(self.port), "-h", "localhost", "--cafile",
                            self.site.path("site-ca.crt"), "-u", "device", "-q", "1", "-t", TOPIC,
                            "-m", reading("aedes-%d" % number)], check=True, timeout=20)
        wanted = {"aedes-%d" % number for number in range(50)}
        parts.wait_until(lambda: set(self.site.stored()) == wanted, 60, "all are in the org")
        link = self.site.status()["links"][0]
        self.assertEqual(link["acknowledged"], link["received"])

    def test_a_version_that_it_does_not_speak_is_said(self):
        self.connect("5")
        self.expect_refused("protocol version not supported")

    def test_a_forbidden_filter_is_named_while_the_others_work(self):
        self.connect("3.1.1")
        config = self.site.config
        config["inputs"]["forbidden"] = dict(config["inputs"]["readings"], topic="forbidden/#")
        self.site.write_config(config)
        self.site.start_agent(wait=False)
        parts.wait_until(lambda: "'forbidden/#' is refused" in self.site.last_error(), 60,
                         "the filter is named")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[2:])
