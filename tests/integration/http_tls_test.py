"""HTTP into the agent over TLS: certificates of both sides, renewed ones, and senders of every bad kind."""

import hashlib
import http.client
import json
import os
import resource
import shutil
import socket
import ssl
import sys
import tempfile
import threading
import time
import unittest
import warnings

import certificate_parts as certificates
import site_parts as parts

BUILD = sys.argv[1]
TOKEN = "a-token-of-a-till"
PATH = "/pos/sales"


class Sender:
    """Trusts the site's authority, and shows a certificate where it is given one."""

    def __init__(self, folder, port, own=None, trusted="site"):
        self.port = port
        self.context = ssl.create_default_context(cafile=os.path.join(folder, trusted + ".pem"))
        if own:
            self.context.load_cert_chain(os.path.join(folder, own + ".pem"),
                                         os.path.join(folder, own + ".key"))

    def post(self, event, **headers):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60,
                                                 context=self.context)
        sent = {"Content-Type": "application/json", "Authorization": "Bearer " + TOKEN}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        sent = {name: value for name, value in sent.items() if value is not None}
        try:
            connection.request("POST", PATH, json.dumps(event).encode(), sent)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def subject(self):
        with self.connect() as wire:
            return wire.getpeercert()["subject"]

    def connect(self):
        return self.context.wrap_socket(
            socket.create_connection(("127.0.0.1", self.port), timeout=60),
            server_hostname="127.0.0.1")


def read_all(wire):
    got = b""
    try:
        while True:
            more = wire.recv(65536)
            if not more:
                return got
            got += more
    except OSError:
        return got


class HttpTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="sfedge-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        certificates.make_authority(cls.folder, "site")
        certificates.make_authority(cls.folder, "other")
        certificates.make_certificate(cls.folder, "gateway", "site", "IP:127.0.0.1")
        certificates.make_certificate(cls.folder, "renewed", "site", "IP:127.0.0.1")
        certificates.make_certificate(cls.folder, "till-1", "site", "DNS:till-1.lan")
        certificates.make_certificate(cls.folder, "till-2", "site", "DNS:till-2.lan")
        certificates.make_certificate(cls.folder, "till-x", "other", "DNS:till-1.lan")

    def start(self, host="127.0.0.1", auth=None, client_ca=False, broker=False, identities=None,
              **more):
        site = parts.Site(BUILD)
        self.addCleanup(site.close)
        self.port = parts.free_port()
        with open(site.path("token"), "w", encoding="utf-8") as file:
            file.write(TOKEN + "\n")
        os.chmod(site.path("token"), 0o600)
        self.install(site, "gateway")
        tls = {"cert_file": "listener.pem", "key_file": "listener.key"}
        if client_ca:
            tls["client_ca_file"] = os.path.join(self.folder, "site.pem")
        config = site.default_config()
        config["streams"] = {"sales": {"quota": "64MiB", "segment": "64KiB"}}
        config["agent"]["event_max"] = "16KiB"
        if broker:
            site.start_broker()
            config["inputs"] = {"tills": config["inputs"]["tills"]}
        else:
            del config["connections"]["site"]
            config["inputs"] = {}
        config["inputs"]["webhook"] = {
            "type": "http", "listen": "%s:%d" % (host, self.port), "path": PATH, "tls": tls,
            "auth": auth or {"bearer_file": "token"}, "stream": "sales", **more}
        config["outputs"] = {}
        if identities:
            config["identities"] = identities
        site.write_config(config)
        site.start_agent()
        return site

    def install(self, site, name):
        shutil.copy(os.path.join(self.folder, name + ".pem"), site.path("listener.pem"))
        shutil.copy(os.path.join(self.folder, name + ".key"), site.path("listener.key"))
        os.chmod(site.path("listener.key"), 0o600)

    def sender(self, **more):
        return Sender(self.folder, self.port, **more)

    def events(self, site):
        return site.status()["streams"][0]["events"]

    def test_events_come_encrypted_beyond_loopback(self):
        site = self.start(host="0.0.0.0")
        for number in range(3):
            self.assertEqual(self.sender().post({"seq": number}), (200, {"accepted": 1}))
        self.assertEqual(self.sender().post({"a": 1}, Authorization="Bearer no")[0], 401)
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.sender(trusted="other").post({"a": 1})
        wire = self.sender().connect()  # Requests in one record, and in pieces.
        self.addCleanup(wire.close)
        one = (b"POST /pos/sales HTTP/1.1\r\nAuthorization: Bearer " + TOKEN.encode()
               + b"\r\nContent-Length: 15000\r\n\r\n{\"pad\":\"" + b"x" * 14990 + b"\"}")
        wire.sendall(one[:40])
        wire.sendall(one[40:] + one + one.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n"))
        self.assertEqual(read_all(wire).count(b" 200 OK"), 3)
        self.assertEqual(self.events(site), 6)
        self.assertEqual(site.stop_agent(), 0)

    def test_senders_are_told_apart_by_their_certificates(self):
        site = self.start(host="0.0.0.0", client_ca=True,
                          auth={"client_certificate": ["till-1", "till-7.lan"]})
        self.assertEqual(self.sender(own="till-1").post({"a": 1})[0], 200)
        status, answer = self.sender(own="till-2").post({"a": 2})
        self.assertEqual(status, 403)
        self.assertIn("certificate", answer["error"])
        for own in (None, "till-x"):
            with self.assertRaises((ssl.SSLError, OSError, http.client.HTTPException)):
                self.sender(own=own).post({"a": 3})
        last = site.status()["links"][0]["last_error"]["message"]
        self.assertIn("certificate of a client is refused", last)
        self.assertEqual(self.events(site), 1)

    def test_an_identity_is_known_by_its_certificate(self):
        with open(os.path.join(self.folder, "till-2.pem"), encoding="ascii") as file:
            der = ssl.PEM_cert_to_DER_cert(file.read())
        identities = {"store-1": {"certificate": ["till-1.lan"]},
                      "store-2": {"certificate": ["sha256:" + hashlib.sha256(der).hexdigest()]},
                      "store-3": {"bearer_file": "token"}}
        site = self.start(client_ca=True, auth={"identities": True}, identities=identities,
                          admit={"/store": "{identity}"})
        for own, store, token, wanted in (("till-1", 1, None, 200), ("till-2", 2, None, 200),
                                          ("till-1", 2, None, 403), ("gateway", 1, None, 401),
                                          ("gateway", 3, TOKEN, 200), ("till-1", 1, "no", 401),
                                          ("till-1", 1, TOKEN, 403)):
            shown = {"Authorization": "Bearer " + token if token else None}
            self.assertEqual(self.sender(own=own).post({"store": "store-%d" % store}, **shown)[0],
                             wanted, (own, store, token))
        self.assertEqual(self.events(site), 3)

    def test_a_renewed_certificate_is_taken_by_a_reload(self):
        site = self.start()
        sender = self.sender()
        before = sender.subject()
        self.assertEqual(site.command("reload", "--config", site.path("sfedge.json"))[0], 0)
        self.install(site, "renewed")
        self.assertEqual(sender.subject(), before)
        self.assertEqual(site.command("reload", "--config", site.path("sfedge.json"))[0], 0)

        def is_renewed():
            try:
                return sender.subject() != before
            except OSError:
                return False
        parts.wait_until(is_renewed, 20, "the renewed certificate is shown")
        self.assertEqual(sender.post({"a": 1})[0], 200)
        shutil.copy(os.path.join(self.folder, "gateway.pem"), site.path("listener.pem"))
        status, out, _ = site.command("reload", "--config", site.path("sfedge.json"))
        self.assertNotEqual(status, 0)
        self.assertEqual(sender.post({"a": 2})[0], 200)

    def test_senders_of_no_tls_hold_up_nobody(self):
        site = self.start(connections=4, request_timeout="2s")
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 20
        slow = [socket.create_connection(("127.0.0.1", self.port), timeout=60) for _ in range(12)]
        for wire in slow[:4]:
            wire.sendall(hello)  # Never goes on.
        for wire in slow[4:8]:
            wire.sendall(b"GET / HTTP/1.1\r\n\r\n")
        begun = time.monotonic()
        self.assertEqual(self.sender().post({"a": 1})[0], 200)
        print("taken %.1f s after 12 that say nothing good" % (time.monotonic() - begun))
        for wire in slow[:8]:
            read_all(wire)  # All come to an end by themselves.
        for wire in slow:
            wire.close()
        for data in (os.urandom(4000), b"\x16\x03\x03\xff\xff" + os.urandom(3000),
                     b"\x15\x03\x03\x00\x02\x02\x28", b"\x17\x03\x03\x40\x00" + b"z" * 16384):
            with socket.create_connection(("127.0.0.1", self.port), timeout=60) as wire:
                try:
                    wire.sendall(data)
                    wire.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                self.assertNotIn(b"HTTP", read_all(wire))
        old = self.sender()
        warnings.simplefilter("ignore", DeprecationWarning)  # That is the point.
        old.context.minimum_version = ssl.TLSVersion.TLSv1
        old.context.maximum_version = ssl.TLSVersion.TLSv1_1
        old.context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with self.assertRaises(OSError):
            old.connect()
        self.assertEqual(self.sender().post({"a": 2})[0], 200)
        self.assertEqual(self.events(site), 2)
        self.assertEqual(site.stop_agent(), 0)

    def test_many_senders_at_once_are_all_taken(self):
        site = self.start(connections=8, rate=0)
        answers = []

        def send(first):
            sender = self.sender()
            for number in range(first, first + 3):
                answers.append(sender.post({"seq": number})[0])
        threads = [threading.Thread(target=send, args=(3 * i,)) for i in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [200] * 36)
        self.assertEqual(self.events(site), 36)
        self.assertEqual(site.stop_agent(), 0)

    def test_a_thousand_connections_leave_the_other_inputs_alone(self):
        site = self.start(broker=True, connections=32)
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
        words = (hello, b"", b"\x16\x03\x01\x40\x00" + bytes(16384), b"POST / HTTP/1.1\r\n\r\n")
        wires, is_over = [], threading.Event()
        resource.setrlimit(resource.RLIMIT_NOFILE, (2048, resource.getrlimit(
            resource.RLIMIT_NOFILE)[1]))

        def attack():
            while not is_over.is_set():
                for number in range(1000 - len(wires)):
                    wire = socket.socket()
                    wire.setblocking(False)
                    wire.connect_ex(("127.0.0.1", self.port))
                    wires.append((wire, words[number % len(words)]))
                for wire, data in wires:
                    try:
                        wire.send(data)
                    except OSError:
                        pass
                is_over.wait(0.5)
                for wire, _ in wires[:50]:
                    wire.close()
                del wires[:50]
        attacker = threading.Thread(target=attack)
        attacker.start()
        try:
            parts.wait_until(lambda: len(wires) > 900, 30, "they are there")
            begun = time.monotonic()
            site.publish_lines("pos/t1/sale", ['{"seq": %d}' % number for number in range(20)])
            parts.wait_until(lambda: self.events(site) == 20, 60, "the broker's messages are taken")
            print("20 messages in %.1f s beside 1,000 connections" % (time.monotonic() - begun))
        finally:
            is_over.set()
            attacker.join()
            for wire, _ in wires:
                wire.close()
        parts.wait_until(lambda: self.is_taken({"after": 1}), 60, "the next sender is taken")
        self.assertEqual(site.stop_agent(), 0)

    def is_taken(self, event):
        try:
            return self.sender().post(event)[0] == 200
        except OSError:
            return False

    def test_the_certificate_is_looked_at(self):
        site = self.start()
        config = site.config
        tls = config["inputs"]["webhook"]["tls"]

        def check():
            site.write_config(config)
            status, out, err = site.command("check", "--config", site.path("sfedge.json"))
            return status, out + err
        self.assertEqual(check()[0], 0)
        found = site.command("doctor", "--config", site.path("sfedge.json"))
        self.assertRegex(found[1] + found[2], r"webhook.*certificate ends in [01] day")
        tls["key_file"] = os.path.join(self.folder, "renewed.key")
        status, text = check()
        self.assertNotEqual(status, 0)
        self.assertIn("the key is not that of the certificate", text)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
