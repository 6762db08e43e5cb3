"""HTTP out of the agent: what is asked for is sent, statuses settle, and servers of every bad kind lose nothing."""

import base64
import collections
import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import ssl
import sys
import threading
import time
import unittest

import certificate_parts
import site_parts as parts

BUILD = sys.argv[1]
SECRET = "a-secret-of-the-output"
Request = collections.namedtuple("Request", "method path headers body at")


def answer(status=200, body=b"", **headers):
    lines = ["HTTP/1.1 %d X" % status, "Content-Length: %d" % len(body), "Connection: close"]
    lines += ["%s: %s" % (name.replace("_", "-"), value) for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Server:
    """Keeps each request and answers as `behave(request, wire)` does: bytes, or None where it has
    used the wire itself."""

    def __init__(self, tls=None):
        self.requests = []
        self.behave = lambda request, wire: answer()
        self.tls = tls
        self.lock = threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, path=""):
        return "%s://localhost:%d%s" % ("https" if self.tls else "http", self.port, path)

    def accept(self):
        while True:
            try:
                wire = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(wire,), daemon=True).start()

    def serve(self, wire):
        wire.settimeout(30)
        try:
            if self.tls:
                wire = self.tls.wrap_socket(wire, server_side=True)
            with wire, wire.makefile("rb") as reader:
                request = self.read(reader)
                if request is None:
                    return
                with self.lock:
                    self.requests.append(request)
                said = self.behave(request, wire)
                if said:
                    wire.sendall(said)
        except OSError:
            pass  # The agent has gone; that is its right.

    @staticmethod
    def read(reader):
        first = reader.readline().decode().split()
        if len(first) != 3:
            return None
        headers = http.client.parse_headers(reader)
        body = reader.read(int(headers.get("Content-Length", "0")))
        return Request(first[0], first[1], headers, body, time.monotonic())

    def at(self, path):
        with self.lock:
            return [request for request in self.requests if request.path == path]

    def close(self):
        self.socket.close()


class HttpOutput(unittest.TestCase):
    def start(self, server, **outputs):
        site = parts.Site(BUILD)
        self.addCleanup(site.close)
        self.addCleanup(server.close)
        self.port = parts.free_port()
        with open(site.path("secret"), "w", encoding="utf-8") as file:
            file.write(SECRET + "\n")
        os.chmod(site.path("secret"), 0o600)
        config = site.default_config()
        config["connections"] = {}
        config["streams"] = {"sales": {"quota": "4MiB", "segment": "64KiB"}}
        config["agent"]["event_max"] = "16KiB"
        config["inputs"] = {"webhook": {
            "type": "http", "listen": "127.0.0.1:%d" % self.port, "path": "/pos/sales",
            "auth": {"none": True}, "identity": "/id", "stream": "sales", "rate": 0}}
        config["outputs"] = {name: {"type": "http", "from": "sales", "request_timeout": "2s",
                                    "order_by": "{id}", **output}
                             for name, output in outputs.items()}
        site.write_config(config)
        site.start_agent()
        return site

    def post(self, event):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/pos/sales", json.dumps(event).encode(),
                               {"Content-Type": "application/json"})
            return connection.getresponse().status
        finally:
            connection.close()

    @staticmethod
    def output(site, name="out"):
        status = site.status()
        return next(one for one in status["outputs"] if one["name"] == name) if status else {}

    def wait_settled(self, site, name="out", limit=60, count=1):
        """At least `count` events: an answer of 200 says that the event is on flash, and the backlog
        that is told may be older."""
        def settled():
            facts = self.output(site, name)
            done = facts and facts["backlog"] == 0 and facts["delivered"] + facts["dead"] >= count
            return done and facts
        return parts.wait_until(settled, limit, "all is settled")

    def letters(self, site):
        code, text, problem = site.command("dead", "ls", "--config", site.path("sfedge.json"),
                                           "--json")
        self.assertEqual(code, 0, problem)
        return text

    def test_what_is_asked_for_is_sent(self):
        server = Server()
        server.behave = lambda request, wire: answer(201, b'{"ok":true}', Location="/invoices/7")
        site = self.start(server, out={
            "method": "PUT", "url": server.url("/invoices/{/id}?shop={topic.1}"),
            "where": {"/status": "closed"},
            "headers": {"X-Till": "{/till}", "X-Note": {"from": "/note", "optional": True}},
            "body": {"doc": "{/id}", "amt": {"from": "/total", "type": "double"},
                     "lines": "{/lines}", "made": [{"by": "{agent}"}, 5],
                     "object": {"object": {"from": "till", "to": "office"}}}})
        sale = {"id": "S/1 ü", "status": "closed", "till": "t-1", "total": 12.5, "lines": [{"a": 1}]}
        self.assertEqual(self.post(sale), 200)
        self.assertEqual(self.post(dict(sale, id="S-2", status="open")), 200)
        self.assertEqual(self.post(dict(sale, id="S-3", till="t-1\r\nX-Evil: yes")), 200)
        self.assertEqual(self.post(dict(sale, id="..")), 200)
        facts = self.wait_settled(site, count=3)
        self.assertEqual([facts[key] for key in ("delivered", "skipped", "dead")], [1, 1, 2])
        self.assertEqual(len(server.requests), 1)
        request = server.requests[0]
        self.assertEqual((request.method, request.path),
                         ("PUT", "/invoices/S%2F1%20%C3%BC?shop=sales"))
        self.assertEqual(json.loads(request.body), {
            "doc": "S/1 ü", "amt": 12.5, "lines": [{"a": 1}], "made": [{"by": "site"}, 5],
            "object": {"from": "till", "to": "office"}})
        self.assertEqual(request.headers["Content-Type"], "application/json")
        self.assertEqual(request.headers["X-Till"], "t-1")
        self.assertNotIn("X-Note", request.headers)
        self.assertRegex(request.headers["Idempotency-Key"], "^[0-9a-f]{32}$")
        self.assertIn("line break", self.letters(site))

    def test_statuses_settle(self):
        server = Server()
        seen = collections.Counter()

        def behave(request, wire):
            seen[request.path] += 1
            status, first = request.path[1:].split("/")
            if first == "once" and seen[request.path] > 1:
                return answer()
            return answer(int(status), b"no: " + SECRET.encode(), Retry_After="1")
        server.behave = behave
        site = self.start(server, out={
            "url": server.url("/{/id}"), "body": "{/id}", "order_by": "{/id}",
            "auth": {"bearer_file": "secret"}, "settle": {"done": ["409"], "retry": ["423"]}})
        # A slash in a value is encoded: the server sees it back.
        real = server.read

        def read(reader):
            request = real(reader)
            return request and request._replace(path=request.path.replace("%2F", "/"))
        server.read = read
        for count, name in enumerate(("409/always", "422/always", "413/always", "423/once", "503/once",
                                      "429/once", "408/once", "500/once"), 1):
            self.assertEqual(self.post({"id": name}), 200)
            facts = self.wait_settled(site, count=count)
        self.assertEqual((facts["delivered"], facts["dead"]), (6, 2))
        keys = {request.headers["Idempotency-Key"] for request in server.at("/503/once")}
        self.assertEqual((len(server.at("/503/once")), len(keys)), (2, 1))
        first, second = server.at("/429/once")
        self.assertGreaterEqual(second.at - first.at, 0.9)
        letters = self.letters(site)
        self.assertIn("HTTP 422", letters)
        self.assertNotIn(SECRET, letters + site.agent_log() + json.dumps(site.status()))
        self.assertEqual(self.post({"id": "401/once"}), 200)
        parts.wait_until(lambda: self.output(site).get("state") == "stopped", 20, "it has stopped")
        self.assertIn("check auth", json.dumps(self.output(site)))

    def test_hostile_servers_lose_nothing(self):
        server, other = Server(), Server()
        self.addCleanup(other.close)
        seen = collections.Counter()

        def endless(wire, piece, seconds=20):
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                wire.sendall(piece)

        def slow(wire):
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
                wire.sendall(bytes([byte]))
                time.sleep(0.3)

        hostile = {
            "/garbage": lambda wire: wire.sendall(bytes(range(256)) * 8),
            "/headers": lambda wire: (wire.sendall(b"HTTP/1.1 200 OK\r\n"),
                                      endless(wire, b"X-A: " + b"a" * 1000 + b"\r\n")),
            "/slow": slow,
            "/silent": lambda wire: time.sleep(5),
            "/cut": lambda wire: wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"),
            "/hangup": lambda wire: None,
            "/chunks": lambda wire: wire.sendall(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        }

        def behave(request, wire):
            seen[request.path] += 1
            if request.path == "/body":  # Its status came: it is done.
                wire.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                return endless(wire, b"b" * 65536)
            if request.path in hostile and seen[request.path] == 1:
                return hostile[request.path](wire)
            return answer()
        server.behave = behave
        site = self.start(server, out={"url": server.url("/{/id}"), "body": {"id": "{/id}"}})
        for name in [*hostile, "/body"]:
            self.assertEqual(self.post({"id": name[1:]}), 200)
        facts = self.wait_settled(site, limit=120, count=len(hostile) + 1)
        self.assertEqual((facts["delivered"], facts["dead"]), (len(hostile) + 1, 0))
        for path in hostile:
            requests = server.at(path)
            self.assertGreaterEqual(len(requests), 2, path)
            self.assertEqual(len({one.headers["Idempotency-Key"] for one in requests}), 1, path)
        self.assertEqual(len(server.at("/body")), 1)
        server.behave = lambda request, wire: answer(302, Location=other.url("/stolen"))
        self.assertEqual(self.post({"id": "moved"}), 200)
        parts.wait_until(lambda: self.output(site).get("state") == "stopped", 20, "it has stopped")
        self.assertEqual(other.requests, [])

    def test_kills_lose_nothing_and_double_only_with_the_same_key(self):
        server = Server()

        def behave(request, wire):
            time.sleep(0.02)
            if len(server.requests) % 7 == 0:
                return None  # The effect stands, the answer is lost.
            return answer()
        server.behave = behave
        site = self.start(server, out={"url": server.url("/sales"), "body": {"id": "{/id}"}})
        accepted = set()
        for round_number in range(3):
            for number in range(25):
                name = "s-%d-%d" % (round_number, number)
                if self.post({"id": name}) == 200:
                    accepted.add(name)
            parts.wait_until(lambda: self.output(site).get("delivered", 0) > 2, 30, "some are sent")
            site.kill_agent()
            site.start_agent()
        self.wait_settled(site, limit=120, count=0)
        names = collections.defaultdict(set)
        for request in server.requests:
            names[request.headers["Idempotency-Key"]].add(json.loads(request.body)["id"])
        self.assertEqual({name for one in names.values() for name in one}, accepted)
        self.assertEqual(len(names), len(accepted))
        self.assertTrue(all(len(one) == 1 for one in names.values()))
        self.assertGreater(len(server.requests), len(accepted))

    def test_order_is_kept_by_topic_unless_told_otherwise(self):
        server = Server()
        failed = []

        def behave(request, wire):
            number = json.loads(request.body)["n"]
            if number == 3 and len(failed) < 2:
                failed.append(number)
                return answer(503)
            return answer()
        server.behave = behave
        site = self.start(server, out={"url": server.url("/x")})
        site.config["outputs"]["out"].pop("order_by")
        site.write_config(site.config)
        site.stop_agent()
        site.start_agent()
        for number in range(12):
            self.assertEqual(self.post({"id": str(number), "n": number}), 200)
        self.wait_settled(site, count=12)
        self.assertEqual([json.loads(request.body)["n"] for request in server.requests],
                         [0, 1, 2, 3, 3] + list(range(3, 12)))

    def test_logins_batches_rate_and_reload(self):
        server = Server()
        server.behave = lambda request, wire: answer(
            204 if request.path != "/lines" or b'"2"' not in request.body else 400)
        common = {"body": {"id": "{/id}"}}
        site = self.start(
            server,
            basic={"url": server.url("/basic"), "auth": {"user": "till", "password_file": "secret"},
                   **common},
            key={"url": server.url("/key"), "auth": {"key_file": "secret"}, "identity_header": "none",
                 **common},
            signed={"url": server.url("/signed"), "auth": {
                "hmac_file": "secret", "timestamp_header": "X-Timestamp"}},
            array={"url": server.url("/array"), "batch_events": 3, "batch_age": "30s", **common},
            lines={"url": server.url("/lines"), "batch_events": 3, "batch_age": "30s",
                   "batch_format": "lines", **common},
            rate={"url": server.url("/rate"), "rate": 2, "rate_every": "1s", **common})
        for number in range(6):
            self.assertEqual(self.post({"id": str(number)}), 200)
        for name in ("basic", "key", "signed", "array", "lines", "rate"):
            facts = self.wait_settled(site, name, count=6)
            self.assertEqual(facts["delivered"], 5 if name == "lines" else 6, name)
        self.assertEqual(self.output(site, "lines")["dead"], 1)
        wanted = "Basic " + base64.b64encode(b"till:" + SECRET.encode()).decode()
        self.assertEqual(server.at("/basic")[0].headers["Authorization"], wanted)
        self.assertEqual(server.at("/key")[0].headers["X-Api-Key"], SECRET)
        self.assertNotIn("Idempotency-Key", server.at("/key")[0].headers)
        for request in server.at("/signed"):
            signed = request.headers["X-Timestamp"].encode() + b"." + request.body
            digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
            self.assertEqual(request.headers["X-Signature"], "sha256=" + digest)
        self.assertEqual([len(json.loads(one.body)) for one in server.at("/array")], [3, 3])
        first = server.at("/lines")[0]
        self.assertEqual(first.headers["Content-Type"], "application/x-ndjson")
        self.assertEqual(len([json.loads(line) for line in first.body.splitlines()]), 3)
        times = [request.at for request in server.at("/rate")]
        self.assertGreaterEqual(times[-1] - times[0], 1.5)  # Five halves, as a busy machine sees them.
        requests = self.output(site, "basic")["requests"]
        site.config["outputs"]["key"]["url"] = server.url("/moved")
        del site.config["outputs"]["signed"]
        site.write_config(site.config)
        site.agent.send_signal(signal.SIGHUP)
        parts.wait_until(lambda: len(site.status()["outputs"]) == 5, 30, "the reload took effect")
        self.assertEqual(self.output(site, "basic")["requests"], requests)
        self.assertEqual(self.post({"id": "late"}), 200)
        parts.wait_until(lambda: server.at("/moved"), 30, "the new address is used")
        self.assertNotIn(SECRET, site.agent_log() + json.dumps(site.status()))

    def test_tls_with_certificates_both_ways(self):
        folder = parts.Site(BUILD)
        self.addCleanup(folder.close)
        certificate_parts.make_authority(folder.folder, "lan")
        certificate_parts.make_authority(folder.folder, "strange")
        for name in ("server", "gateway"):
            certificate_parts.make_certificate(folder.folder, name, "lan", "DNS:localhost")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(folder.path("server.pem"), folder.path("server.key"))
        tls.load_verify_locations(folder.path("lan.pem"))
        tls.verify_mode = ssl.CERT_REQUIRED
        server = Server(tls)
        ours = {"cert_file": folder.path("gateway.pem"), "key_file": folder.path("gateway.key")}
        site = self.start(
            server,
            out={"url": server.url("/good"), "tls": {"ca_file": folder.path("lan.pem"), **ours}},
            strange={"url": server.url("/bad"),
                     "tls": {"ca_file": folder.path("strange.pem"), **ours}},
            nobody={"url": server.url("/nobody"), "tls": {"ca_file": folder.path("lan.pem")}})
        self.assertEqual(self.post({"id": "1"}), 200)
        self.assertEqual(self.wait_settled(site)["delivered"], 1)
        for name in ("strange", "nobody"):
            parts.wait_until(lambda name=name: self.output(site, name)["state"] == "waiting", 30,
                             name + " waits")
        self.assertEqual([request.path for request in server.requests], ["/good"])
        before = len(server.requests)
        _, text, _ = site.command("doctor", "--config", site.path("sfedge.json"), "--json")
        self.assertIn("its certificate is trusted", text)
        self.assertIn("/outputs/strange/tls", text)
        self.assertEqual({request.method for request in server.requests[before:]}, {"GET"})


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[2:])
