"""HTTP into the agent: 200 only after the flash, repeats that change nothing, and senders of every bad kind."""

import gzip
import hashlib
import hmac
import http.client
import json
import os
import re
import socket
import sys
import threading
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]
TOKEN = "a-token-of-a-till"
PATH = "/pos/sales"


class Till:
    """One connection of a till's."""

    def __init__(self, port, token=TOKEN):
        self.port = port
        self.token = token

    def post(self, body, path=PATH, method="POST", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Content-Type": "application/json"}
        if self.token:
            sent["Authorization"] = "Bearer " + self.token
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()), answer.headers
        finally:
            connection.close()

    def raw(self, data, limit=30):
        """Sends bytes as they are; returns all that comes until the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=limit) as wire:
            try:
                wire.sendall(data)
            except OSError:
                pass  # Closed on us: what was said before is still there.
            return self.read(wire)

    @staticmethod
    def read(wire):
        got = b""
        try:
            while True:
                more = wire.recv(65536)
                if not more:
                    return got
                got += more
        except OSError:
            return got


def sale(number):
    return {"sale": "s-%d" % number, "seq": number}


class HttpInput(unittest.TestCase):
    """`{id}` is the external ID: what has one identity is one record in the org."""

    def start(self, strace=(), quota="64MiB", org=True, **more):
        site = parts.Site(BUILD)
        self.addCleanup(site.close)
        if strace:
            site.prefix = ["strace", "-D", "-f", "-ttt", "-T", "-y", "-o", site.path("strace.out"),
                           "-e", "trace=fdatasync"] + list(strace)
        self.port = parts.free_port()
        with open(site.path("token"), "w", encoding="utf-8") as file:
            file.write(TOKEN + "\n")
        os.chmod(site.path("token"), 0o600)
        config = site.default_config()
        del config["connections"]["site"]
        config["streams"] = {"sales": {"quota": quota, "segment": "64KiB"}}
        config["agent"]["event_max"] = "16KiB"
        config["inputs"] = {"webhook": {
            "type": "http", "listen": "127.0.0.1:%d" % self.port, "path": PATH,
            "auth": {"bearer_file": "token"}, "stream": "sales", **more}}
        config["outputs"] = {"sales": {
            "type": "salesforce-records", "connection": "crm", "from": "sales",
            "batch_age": "100ms", "api": "composite",  # Bulk jobs have a file that is synced first.
            "records": [{"object": "PosSale__c", "external_id": "SaleId__c",
                         "map": {"SaleId__c": "{id}", "Store__c": "{topic.0}",
                                 "Register__c": "{/sale}"}}]}}
        site.write_config(config)
        if org:
            site.start_org()
        site.start_agent()
        return site, Till(self.port)

    def count(self, site):
        return site.object_audit("PosSale__c")["records"]

    def test_each_answer_follows_a_sync_that_began_after_its_request(self):
        site, till = self.start(strace=["-e", "inject=fdatasync:delay_enter=50000"], org=False)
        pairs = []
        for number in range(10):
            begun = time.time()
            self.assertEqual(till.post(sale(number))[0], 200)
            pairs.append((begun, time.time()))
        self.assertEqual(site.stop_agent(), 0)
        syncs = []
        with open(site.path("strace.out"), encoding="utf-8", errors="replace") as file:
            for line in file:
                found = re.search(r" (\d+\.\d+) fdatasync\(.*sales-.*\) += 0 .*<([\d.]+)>", line)
                if found:
                    syncs.append((float(found.group(1)),
                                  float(found.group(1)) + float(found.group(2))))
        for begun, ended in pairs:
            self.assertTrue(any(begun <= at and end <= ended + 0.0005 for at, end in syncs),
                            "200 at %f without a sync since %f" % (ended, begun))

    def test_a_slow_flash_holds_the_answer_back(self):
        _, till = self.start(strace=["-e", "inject=fdatasync:delay_enter=300000"], org=False)
        begun = time.monotonic()
        self.assertEqual(till.post([sale(1), sale(2)])[:2], (200, {"accepted": 2}))
        self.assertGreater(time.monotonic() - begun, 0.29)

    def test_a_failed_sync_answers_nothing_until_one_succeeds(self):
        site, till = self.start(strace=["-e", "inject=fdatasync:error=EIO:when=1..3"])
        self.assertEqual(till.post(sale(1))[0], 200)
        self.assertIn("cannot write to flash", site.agent_log())
        parts.wait_until(lambda: self.count(site) == 1, 30, "it is delivered")

    def test_a_retry_after_a_kill_has_no_second_effect(self):
        # The kill comes while the request is staged and its sync is held up.
        site, till = self.start(strace=["-e", "inject=fdatasync:delay_exit=400000"])
        acknowledged = 0
        for number in range(5):
            batch, key = [sale(2 * number), sale(2 * number + 1)], "key-%d" % number
            answers = []

            def ask(batch=batch, key=key, answers=answers):
                try:
                    answers.append(till.post(batch, Idempotency_Key=key)[0])
                except (OSError, http.client.HTTPException, ValueError):
                    answers.append(None)
            asker = threading.Thread(target=ask)
            asker.start()
            parts.wait_until(lambda: answers or (site.status() or {"links": [{"received": 0}]})
                             ["links"][0]["received"] >= 2, 20, "the request is taken")
            time.sleep(0.2 * number)
            site.kill_agent()
            asker.join()
            acknowledged += answers[0] == 200
            site.start_agent()
            self.assertEqual(till.post(batch, Idempotency_Key=key)[0], 200)
        parts.wait_until(lambda: self.count(site) >= 10, 60, "all sales are in the org")
        parts.wait_until(lambda: (lambda output: output["backlog"] + output["in_flight"] == 0)(
            site.status()["outputs"][0]), 60, "nothing is left to deliver")
        self.assertEqual(self.count(site), 10)
        print("%d of 5 requests answered before the kill, 10 sales once each" % acknowledged)
        self.assertEqual(site.stop_agent(), 0)

    def test_equal_events_are_one_and_keys_tell_them_apart(self):
        site, till = self.start()
        for _ in range(3):
            self.assertEqual(till.post([sale(1), sale(1)])[0], 200)
        for key in ("a", "b", "a"):
            self.assertEqual(till.post(sale(2), Idempotency_Key=key)[0], 200)
        self.assertEqual(till.post(b'{"sale":"l-1"}\n\n{"sale":"l-2"}\r\n',
                                   Content_Type="application/x-ndjson")[:2], (200, {"accepted": 2}))
        parts.wait_until(lambda: self.count(site) >= 5, 30, "all are there")
        self.assertEqual(site.stop_agent(), 0)
        self.assertEqual(self.count(site), 5)

    def test_a_full_stream_is_503_and_recovers(self):
        site, till = self.start(quota="512KiB", org=False)
        event = {"sale": "s", "pad": "x" * 8000}
        status, number = 200, 0
        while status == 200:
            number += 1
            status, answer, headers = till.post(dict(event, seq=number))
            self.assertLess(number, 400)
        self.assertEqual((status, headers["Retry-After"]), (503, "5"))
        self.assertIn("full", answer["error"])
        before = site.status()["streams"][0]["durable_sequence"]
        self.assertEqual(till.post([event, event])[0], 503)
        self.assertEqual(site.status()["streams"][0]["durable_sequence"], before)
        site.start_org()
        parts.wait_until(lambda: till.post(dict(event, seq=number))[0] == 200, 120, "room again")
        parts.wait_until(lambda: self.count(site) == number, 120, "all are delivered")

    def test_nothing_is_taken_of_what_is_refused(self):
        site, till = self.start(org=False, request_max="64KiB")
        deep = b'{"a":' * 70 + b"1" + b"}" * 70
        cases = [
            (400, {}, b'[{"a":1},{"b":]', "element 1"), (400, {}, b"", "line 1"),
            (400, {}, b'[{"a":1},7]', "element 1"), (400, {}, deep, "deep"),
            (400, {}, b'[{"a":1},{"b":"\xff"}]', "element 1"),
            (400, {"Content_Type": "application/x-ndjson"}, b'{"a":1}\n{"b"}\n', "line 2"),
            (413, {}, b'{"a":"' + b"x" * 70000 + b'"}', "over the limit"),
            (413, {}, json.dumps([{"a": 1}, {"b": "x" * 17000}]).encode(), "element 1"),
            (415, {"Content_Encoding": "br"}, b"x", "Content-Encoding"),
            (400, {"Content_Encoding": "gzip"}, b"x", "gzip"),
            (400, {"Content_Encoding": "gzip"}, gzip.compress(b'{"a":1}')[:-1], "too early"),
            (400, {"Content_Encoding": "gzip"}, gzip.compress(deep), "deep"),
            (413, {"Content_Encoding": "gzip"}, gzip.compress(b" " * 40000000), "too large"),
            (415, {"Content_Type": "text/xml"}, b"<x/>", "Content-Type"),
            (400, {"Idempotency_Key": "k" * 256}, b"{}", "Idempotency-Key"),
            (401, {"Authorization": "Bearer wrong"}, b"{}", "token"),
            (401, {"Authorization": "Basic " + TOKEN}, b"{}", "token")]
        for status, headers, body, words in cases:
            with self.subTest(status=status, body=body[:40], headers=headers):
                found, answer, _ = till.post(body, **headers)
                self.assertEqual(found, status, answer)
                self.assertIn(words, answer["error"])
        self.assertEqual(till.post(b"{}", path="/pos/sale")[0], 404)
        self.assertEqual(till.post(b"", method="GET")[0], 405)
        self.assertEqual(Till(self.port, "").post(b"{}")[0], 401)
        head = b"POST /pos/sales HTTP/1.1\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n"
        chunk = b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        self.assertIn(b" 411 ", till.raw(head + chunk))
        self.assertIn(b" 400 ", till.raw(head + b"Content-Length: 2\r\n" + chunk))
        self.assertIn(b" 431 ", till.raw(head + b"X: " + b"y" * 9000 + b"\r\n\r\n"))
        self.assertIn(b" 431 ", till.raw(head + b"X: y\r\n" * 200 + b"\r\n"))
        self.assertIn(b" 505 ", till.raw(b"POST / HTTP/3.0\r\n\r\n"))
        self.assertIn(b" 400 ", till.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"))
        status = site.status()
        self.assertEqual([stream["events"] for stream in status["streams"]], [0, 0])
        self.assertEqual(till.post(gzip.compress(b'[{"a":1},{"a":2}]'), Content_Encoding="gzip")[:2],
                         (200, {"accepted": 2}))
        self.assertNotIn(TOKEN, site.agent_log() + json.dumps(status))

    def test_slow_senders_hold_up_nobody(self):
        site, till = self.start(org=False, connections=4, request_timeout="2s")
        head = (b"POST /pos/sales HTTP/1.1\r\nContent-Length: 100\r\nAuthorization: Bearer "
                + TOKEN.encode() + b"\r\n\r\n{")
        slow = [socket.create_connection(("127.0.0.1", self.port), timeout=60) for _ in range(12)]
        for wire in slow[:6]:
            wire.sendall(b"POST /pos")
        for wire in slow[6:9]:
            wire.sendall(head)
        self.assertEqual(till.post({"a": 1})[0], 200)
        answers = [Till.read(wire)[:12] for wire in slow[:9]]
        self.assertEqual(answers, [b"HTTP/1.1 408"] * 9)
        for wire in slow:
            wire.close()
        self.assertTrue(site.status()["links"][0]["connected"])
        self.assertEqual(site.status()["streams"][0]["events"], 1)

    def test_too_many_requests_are_429(self):
        _, till = self.start(org=False, rate=5)
        found = [till.post({"a": number})[0] for number in range(20)]
        self.assertIn(429, found)
        self.assertEqual(found[:5], [200] * 5)
        parts.wait_until(lambda: till.post({"b": 1})[0] == 200, 10, "a later one is taken")

    def test_a_signature_is_asked_for_and_checked(self):
        site, till = self.start(org=False, auth={"hmac_file": "token", "hmac_header": "X-Hub"})
        till.token = ""
        body = b'{"a":1}'
        digest = hmac.new(TOKEN.encode(), body, hashlib.sha256).hexdigest()
        self.assertEqual(till.post(body)[0], 401)
        self.assertEqual(till.post(body, X_Hub="sha256=" + digest[:-1] + "0")[0]
                         if digest[-1] != "0" else 401, 401)
        self.assertEqual(till.post(body + b" ", X_Hub=digest)[0], 401)
        self.assertEqual(till.post(body, X_Hub="sha256=" + digest)[0], 200)
        self.assertEqual(site.status()["streams"][0]["events"], 1)

    def write_secret(self, site, name, text):
        with open(site.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(site.path(name), 0o600)

    def start_with_identities(self):
        """Three stores at one listener: two with tokens, one that signs. No store is another."""
        site, till = self.start()
        for name, text in (("one", "first-token-1\nsecond-token-1\n"), ("two", "token-2\n"),
                           ("three", "key-3\n"), ("four", "token-4\n")):
            self.write_secret(site, name, text)
        config = site.config
        config["streams"]["stock"] = {"segment": "64KiB", "quota": "1MiB"}
        config["identities"] = {
            "store-1": {"bearer_file": "one", "where": {"/kind": {"ne": "refund"}}},
            "store-2": {"bearer_file": "two", "streams": ["stock"]},
            "store-3": {"hmac_file": "three"},
            "store-4": {"bearer_file": "four", "inputs": ["other"]}}
        config["inputs"]["webhook"].update(auth={"identities": True, "hmac_header": "X-Sig"},
                                           admit={"/store": "{identity}"})
        config["inputs"]["other"] = dict(config["inputs"]["webhook"], path="/other",
                                         listen="127.0.0.1:%d" % parts.free_port())
        fields = config["outputs"]["sales"]["records"][0]["map"]
        fields["Store__c"] = "{identity}"
        site.write_config(config)
        self.assertEqual(site.command("reload", "--config", site.path("sfedge.json"))[0], 0)
        till.token = "first-token-1"

        def swapped():
            try:
                return till.post(dict(sale(1), store="store-1"))[0] == 200
            except ConnectionError:  # The old listener is closed, the new one not open yet.
                return False
        parts.wait_until(swapped, 20, "swapped")
        return site, till

    def test_each_identity_sends_its_own_and_nothing_else(self):
        site, till = self.start_with_identities()

        def post(token, event, **headers):
            till.token = token
            return till.post(event, **headers)[0]

        def sign(key, body):
            return hmac.new(key, body, hashlib.sha256).hexdigest()
        own = json.dumps(dict(sale(3), store="store-3")).encode()
        foreign = json.dumps(dict(sale(4), store="store-1")).encode()
        found = [
            post("second-token-1", dict(sale(2), store="store-1")),
            post("first-token-1", [dict(sale(5), store="store-1"), dict(sale(6), store="store-2")]),
            post("first-token-1", dict(sale(7), store="store-1", kind="refund")),
            post("token-2", dict(sale(8), store="store-2")),
            post("token-4", dict(sale(9), store="store-4")),
            post("key-3", dict(sale(9), store="store-3")), post("", dict(sale(9), store="store-3")),
            post("", own, X_Sig=sign(b"key-3", own)), post("", own, X_Sig=sign(b"key-4", own)),
            post("", foreign, X_Sig=sign(b"key-3", foreign))]
        self.assertEqual(found, [200, 403, 403, 403, 403, 401, 401, 200, 401, 403])
        link = site.status()["links"][0]
        self.assertEqual((link["accepted"], link["unknown_senders"]), (3, 3))
        self.assertEqual([(one["name"], one["accepted"], one["refused"])
                          for one in link["identities"]],
                         [("store-1", 2, 2), ("store-2", 0, 1), ("store-3", 1, 1), ("store-4", 0, 1)])
        parts.wait_until(lambda: self.count(site) == 3, 30, "what was taken is delivered")
        self.assertEqual(sorted(site.record("PosSale__c", name)["Store__c"]
                                for name in site.ids("PosSale__c")),
                         ["store-1", "store-1", "store-3"])
        # One token is taken away; what that changes comes with a reload.
        self.write_secret(site, "one", "second-token-1\n")
        self.assertEqual(site.command("reload", "--config", site.path("sfedge.json"))[0], 0)
        parts.wait_until(lambda: post("first-token-1", dict(sale(2), store="store-1")) == 401, 20,
                         "the old token is no longer good")
        self.assertEqual(post("second-token-1", dict(sale(2), store="store-1")), 200)
        shown = site.command("stream", "cat", "sales", "--json", "--config",
                             site.path("sfedge.json"))[1]
        self.assertEqual(json.loads(shown.splitlines()[0])["identity"], "store-1")
        self.assertIsNone(re.search("token-|key-3", site.agent_log() + json.dumps(site.status())))
        self.assertEqual(site.stop_agent(), 0)

    def test_a_recorded_request_is_refused_later(self):
        _, till = self.start(org=False, auth={
            "hmac_file": "token", "hmac_header": "Stripe-Signature",
            "hmac_timestamp_header": "Stripe-Signature", "hmac_window": "1h"})
        till.token = ""

        def sign(body, at):
            digest = hmac.new(TOKEN.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
            return "t=%d,v1=%s" % (at, digest)
        now = int(time.time())
        for at, body, signed, wanted in ((now, b'{"a":1}', b'{"a":1}', (200,)),
                                         (now, b'{"a":2}', b'{"a":1}', (401,)),
                                         (now - 7200, b'{"a":3}', b'{"a":3}', (401, 503)),
                                         (now + 7200, b'{"a":4}', b'{"a":4}', (401, 503))):
            self.assertIn(till.post(body, Stripe_Signature=sign(signed, at))[0], wanted)

    def test_cards_are_masked_before_anything_is_written(self):
        site, till = self.start(org=False, mask=["card_number"])
        self.assertEqual(till.post({"card_number": "4111111111111111", "note": "5500005555555559"})[0],
                         200)
        for name in os.listdir(site.path("state")):
            path = os.path.join(site.path("state"), name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    self.assertIsNone(re.search(rb"4111111111111111|5500005555555559", file.read()))

    def test_a_reload_swaps_what_changed_at_the_same_port(self):
        site, till = self.start(org=False)
        other = parts.free_port()
        config = site.config
        config["inputs"]["other"] = dict(config["inputs"]["webhook"],
                                         listen="127.0.0.1:%d" % other, path="/other")
        site.write_config(config)
        kept = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self.addCleanup(kept.close)
        self.assertEqual(site.command("reload", "--config", site.path("sfedge.json"))[0], 0)
        parts.wait_until(site.connected, 20, "both listen")
        self.assertEqual(Till(other).post({"a": 1}, path="/other")[0], 200)
        kept.sendall(b"POST /pos/sales HTTP/1.1\r\nConnection: close\r\nContent-Length: 7\r\n"
                     b"Authorization: Bearer " + TOKEN.encode() + b"\r\n\r\n{\"b\":1}")
        self.assertIn(b" 200 ", Till.read(kept))  # The input that stays has kept its connection.
        config["inputs"]["webhook"]["path"] = "/new"
        site.write_config(config)
        self.assertEqual(site.command("reload", "--config", site.path("sfedge.json"))[0], 0)
        parts.wait_until(lambda: self.listens(till, "/new"), 20, "the successor listens")
        self.assertEqual(till.post({"c": 1})[0], 404)
        self.assertEqual(site.stop_agent(), 0)

    def test_a_broker_link_is_opened_anew_beside_it(self):
        site, till = self.start(org=False)
        site.start_broker()
        config = site.config
        config["connections"]["site"] = {"type": "mqtt",
                                         "url": "mqtt://127.0.0.1:%d" % site.broker_port}
        for topic in ("pos/+/sale", "pos/+/return"):
            config["inputs"]["tills"] = {"type": "mqtt", "connection": "site", "topic": topic,
                                         "stream": "sales"}
            site.write_config(config)
            self.assertEqual(site.command("reload", "--config", site.path("sfedge.json"))[0], 0)
            parts.wait_until(site.connected, 20, "both are connected")
            self.assertEqual(till.post({"topic": topic})[0], 200)
        self.assertEqual(len(site.status()["links"]), 2)
        self.assertEqual(site.stop_agent(), 0)

    @staticmethod
    def listens(till, path):
        try:
            return till.post({"n": 1}, path=path)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def test_an_address_in_use_is_said_and_taken_when_free(self):
        with socket.create_server(("127.0.0.1", 0)) as holder:
            site, _ = self.start(org=False)
            config = site.config
            config["inputs"]["webhook"]["listen"] = "127.0.0.1:%d" % holder.getsockname()[1]
            site.write_config(config)
            self.assertEqual(site.command("reload", "--config", site.path("sfedge.json"))[0], 0)
            link = parts.wait_until(lambda: [link for link in site.status()["links"]
                                             if not link["connected"] and link["last_error"]],
                                    20, "it cannot listen")[0]
            self.assertIn("cannot listen", link["last_error"]["message"])
        parts.wait_until(site.connected, 20, "it listens")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
