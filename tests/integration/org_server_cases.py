"""HTTP, TLS, faults, limits and the audit of sfedge-org."""
import gzip
import http.client
import json
import socket
import ssl
import time
import unittest
import urllib.parse

from org_driver import (CLIENT, SECRET, Answer, OrgTest, Place, assertion, reading, running)


class Bulk(OrgTest):
    def run_job(self, csv, **job):
        """The texts of both result files of a job."""
        answer = self.org.call("POST", "jobs/ingest", json.dumps({"object": "Reading__c", **job}))
        self.assertEqual(answer.status, 200, answer.text)
        path = "jobs/ingest/" + answer.json["id"]
        self.assertEqual((answer.json["contentType"], answer.json["lineEnding"],
                          answer.json["columnDelimiter"]), ("CSV", "LF", "COMMA"))
        self.assertEqual(self.org.call("PUT", path + "/batches", csv,
                                       Content_Type="text/csv").status, 201)
        self.org.call("PATCH", path, json.dumps({"state": "UploadComplete"}))
        for _ in range(200):
            if self.org.call("GET", path).json["state"] in ("JobComplete", "Failed"):
                break
            time.sleep(0.05)
        return [self.org.call("GET", path + tail).text.decode()
                for tail in ("/successfulResults/", "/failedResults/")]

    def test_what_a_job_leaves_out_has_its_default_and_an_empty_id_says_nothing(self):
        done, failed = self.run_job("Id,ReadingId__c,DeviceId__c\n,b-1,d\na00000000000000AAA,b-2,d\n",
                                    operation="upsert", externalIdFieldName="ReadingId__c")
        self.assertIn('"","b-1"', done)
        self.assertIn("INVALID_FIELD_FOR_INSERT_UPDATE", failed)
        for wrong in ({"contentType": "JSON"}, {"lineEnding": "CRLF"}, {"columnDelimiter": "TAB"}):
            answer = self.org.call("POST", "jobs/ingest", json.dumps(
                {"object": "Reading__c", "operation": "upsert",
                 "externalIdFieldName": "ReadingId__c", **wrong}))
            self.assertEqual((answer.status, answer.code), (400, "INVALIDJOB"))

    def test_an_update_goes_by_the_column_id(self):
        record = self.org.upsert([reading(1)]).json[0]["id"]
        done, failed = self.run_job("Id,DeviceId__c\n%s,new\na00000000000000AAA,none\n,no\n" % record,
                                    operation="update")
        self.assertIn(record, done)
        self.assertIn("INVALID_CROSS_REFERENCE_KEY", failed)
        self.assertIn("MISSING_ARGUMENT", failed)
        self.assertEqual(self.org.call("GET", "sobjects/Reading__c/" + record).json["DeviceId__c"],
                         "new")


class Http(OrgTest):
    def raw(self, data, expect):
        with socket.create_connection(("127.0.0.1", self.org.port), 10) as link:
            link.sendall(data)
            got = b""
            while expect not in got:
                part = link.recv(65536)
                if not part:
                    break
                got += part
            return got

    def test_gzip_bodies_are_taken(self):
        body = gzip.compress(json.dumps({"records": [
            dict(reading(n), attributes={"type": "Reading__c"}) for n in range(100)]}).encode())
        answer = self.org.call("PATCH", "composite/sobjects/Reading__c/ReadingId__c", body,
                               Content_Encoding="gzip")
        self.assertEqual(len(answer.json), 100)
        audit = self.org.audit()
        self.assertEqual(audit["body_bytes_received"], len(body))
        self.assertGreater(audit["body_bytes"], 2 * len(body))
        for broken in (body[:-4], body[:50], b"{}", body + b"x"):
            answer = self.org.call("PATCH", "composite/sobjects/Reading__c/ReadingId__c", broken,
                                   Content_Encoding="gzip")
            self.assertEqual(answer.status, 400)

    def test_other_types_and_encodings_are_415(self):
        path = "composite/sobjects/Reading__c/ReadingId__c"
        for headers in ({"Content_Type": "text/plain"}, {"Content_Encoding": "br"}):
            answer = self.org.call("PATCH", path, "{}", **headers)
            self.assertEqual((answer.status, answer.code), (415, "UNSUPPORTED_MEDIA_TYPE"))

    def test_answers_are_gzip_only_when_switched_on_and_asked(self):
        for switched, accept, expected in ((False, "gzip", None), (True, "gzip, deflate", "gzip"),
                                           (True, "identity", None)):
            self.org.control("POST", "options", {"gzip_answers": switched})
            answer = self.org.call("GET", "sobjects/Reading__c/describe", Accept_Encoding=accept)
            self.assertEqual(answer.headers.get("Content-Encoding"), expected)
            self.assertEqual(answer.json["name"], "Reading__c")

    def test_pipelined_requests_are_answered_in_order(self):
        one = b"GET /services/data HTTP/1.1\r\nHost: x\r\n\r\n"
        two = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        got = self.raw(one * 3 + two, b"never")
        self.assertEqual(got.count(b"HTTP/1.1 200 OK"), 3)
        self.assertTrue(got.rindex(b"HTTP/1.1 404") > got.rindex(b"HTTP/1.1 200"))

    def test_chunked_bodies_are_put_together(self):
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": CLIENT,
                                       "client_secret": SECRET}).encode()
        head = (b"POST /services/oauth2/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\n")
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (form[:5], form[5:])) + b"0\r\n\r\n"
        self.assertIn(b"access_token", self.raw(head + chunks, b"}"))
        self.assertIn(b"400", self.raw(head + b"xyz\r\n", b"\r\n\r\n"))

    def test_expect_100_continue_is_answered(self):
        head = (b"POST /services/oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                b"Expect: 100-continue\r\n\r\n")
        self.assertIn(b"100 Continue", self.raw(head, b"\r\n\r\n"))

    def test_what_is_not_http_is_400(self):
        for data in (b"hello\r\n\r\n", b"GET nothing HTTP/1.1\r\n\r\n", b"GET / HTTP/3\r\n\r\n",
                     b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
                     b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                     b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"):
            self.assertIn(b"HTTP/1.1 400", self.raw(data, b"\r\n\r\n"))

    def test_long_heads_and_bodies_are_refused(self):
        self.assertIn(b"414", self.raw(b"GET /" + b"a" * 17000, b"\r\n\r\n"))
        self.assertIn(b"431", self.raw(b"GET / HTTP/1.1\r\nX: " + b"a" * 17000, b"\r\n\r\n"))
        self.assertIn(b"413", self.raw(b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
                                       b"\r\n\r\n"))

    def test_bytes_one_by_one_are_a_request_too(self):
        with socket.create_connection(("127.0.0.1", self.org.port), 10) as link:
            for byte in b"GET /services/data HTTP/1.1\r\nHost: x\r\n\r\n":
                link.sendall(bytes([byte]))
            self.assertIn(b"200 OK", link.recv(65536))

    def test_wrong_methods_are_405(self):
        for method, path in (("GET", "composite/sobjects/Reading__c/ReadingId__c"),
                             ("GET", "composite"), ("PUT", "sobjects/Reading__c"),
                             ("POST", "limits")):
            answer = self.org.call(method, path)
            self.assertEqual((answer.status, answer.code), (405, "METHOD_NOT_ALLOWED"), path)


class Limit(OrgTest):
    options = ("--api-limit", "2")

    def test_calls_over_the_limit_are_403(self):
        for expected in ("api-usage=1/2", "api-usage=2/2"):
            answer = self.org.call("GET", "limits")
            self.assertEqual(answer.headers["Sforce-Limit-Info"], expected)
        self.assertEqual(answer.json["DailyApiRequests"], {"Max": 2, "Remaining": 0})
        answer = self.org.call("GET", "limits")
        self.assertEqual((answer.status, answer.code), (403, "REQUEST_LIMIT_EXCEEDED"))


class Faults(OrgTest):
    def records(self):
        return self.org.audit()["objects"]["Reading__c"]["records"]

    def test_status_faults_write_nothing_and_end(self):
        for name, status in (("status_429", 429), ("status_500", 500), ("status_502", 502),
                             ("status_503", 503)):
            self.org.faults(**{name: {"count": 1, "retry_after": 7}})
            self.org.token or self.org.login()
            answer = self.org.upsert([reading(1)])
            self.assertEqual((answer.status, answer.headers["Retry-After"]), (status, "7"))
            self.assertEqual(self.org.audit()["faults"][name], 1)
        self.assertEqual(self.records(), 0)
        self.assertEqual(self.org.upsert([reading(1)]).status, 200)

    def test_html_faults(self):
        for name, status in (("html_200", 200), ("html_503", 503)):
            self.org.faults(**{name: 1})
            answer = self.org.upsert([reading(1)])
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (status, "text/html"))
        self.assertEqual(self.records(), 0)

    def test_cut_before_commit_writes_nothing_cut_after_commit_does(self):
        self.org.login()
        for name, expected in (("cut_before_commit", 0), ("cut_after_commit", 1)):
            self.org.faults(**{name: 1})
            with self.assertRaises(http.client.RemoteDisconnected):
                self.org.upsert([reading(1)])
            self.assertEqual(self.records(), expected)

    def test_a_truncated_answer_was_written(self):
        self.org.login()
        self.org.faults(truncated=1)
        with self.assertRaises(http.client.IncompleteRead):
            self.org.upsert([reading(1)])
        self.assertEqual(self.records(), 1)

    def test_a_time_out_was_written_and_comes_late_or_never(self):
        self.org.login()
        self.org.faults(timeout={"count": 1, "seconds": 0.3})
        begin = time.time()
        self.assertTrue(self.org.upsert([reading(1)]).json[0]["created"])
        self.assertGreater(time.time() - begin, 0.29)
        self.org.faults(timeout={"count": 1})
        self.org.connection.close()
        self.org.connection = self.org.connect(timeout=0.3)
        with self.assertRaises(TimeoutError):
            self.org.upsert([reading(2)])
        self.assertEqual(self.records(), 2)

    def test_slow_delays_every_answer_on_its_own(self):
        self.org.login()
        self.org.faults(slow={"ms": 100})
        begin = time.time()
        self.org.upsert([reading(1)])
        self.assertGreater(time.time() - begin, 0.09)
        self.org.faults()
        begin = time.time()
        self.org.upsert([reading(1)])
        self.assertLess(time.time() - begin, 0.09)

    def test_slow_takes_time_for_each_record(self):
        self.org.login()
        self.org.faults(slow={"record_us": 20000})
        begin = time.time()
        self.org.upsert([reading(1)])
        one = time.time() - begin
        begin = time.time()
        self.org.upsert([reading(number) for number in range(20)])
        self.assertGreater(time.time() - begin, 0.39)
        self.assertGreater(one, 0.019)
        self.assertLess(one, 0.39)

    def test_row_locks_fail_single_records(self):
        self.org.faults(row_lock={"probability": 0.5}, seed=7)
        answer = self.org.upsert([reading(n) for n in range(200)])
        failed = [r for r in answer.json if not r["success"]]
        self.assertTrue(60 < len(failed) < 140, len(failed))
        self.assertEqual({r["errors"][0]["statusCode"] for r in failed}, {"UNABLE_TO_LOCK_ROW"})
        self.assertEqual(self.records(), 200 - len(failed))

    def test_the_same_seed_draws_the_same(self):
        drawn = []
        for _ in range(2):
            self.org.faults(row_lock={"probability": 0.3}, seed=42)
            answer = self.org.upsert([reading(n) for n in range(100)])
            drawn.append([r["success"] for r in answer.json])
        self.assertEqual(drawn[0], drawn[1])

    def test_a_wrong_count_lacks_a_result(self):
        self.org.faults(wrong_count=1)
        self.assertEqual(len(self.org.upsert([reading(1), reading(2)]).json), 1)
        self.assertEqual(self.records(), 2)

    def test_limit_and_token_expired(self):
        self.org.login()
        self.org.faults(limit=1)
        self.assertEqual(self.org.upsert([reading(1)]).code, "REQUEST_LIMIT_EXCEEDED")
        self.org.faults(token_expired=1)
        self.assertEqual(self.org.upsert([reading(1)]).code, "INVALID_SESSION_ID")
        self.assertEqual(self.org.upsert([reading(1)]).code, "INVALID_SESSION_ID")
        self.org.login()
        self.assertEqual(self.org.upsert([reading(1)]).status, 200)

    def test_down_closes_at_once_but_control_stays(self):
        self.org.login()
        self.org.faults(down=True)
        for _ in range(2):
            with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
                self.org.call("GET", "limits")
        self.assertEqual(self.org.audit()["faults"]["down"], 2)
        self.org.faults()
        self.assertEqual(self.org.call("GET", "limits").status, 200)

    def test_token_faults_spare_data(self):
        self.org.login()
        self.org.faults(status_503={"on": "token"})
        self.assertEqual(self.org.call("GET", "limits").status, 200)
        self.assertEqual(self.org.ask_jwt("x").status, 503)

    def test_skip_lets_the_first_pass(self):
        self.org.login()
        self.org.faults(status_500={"skip": 2, "count": 1})
        self.assertEqual([self.org.call("GET", "limits").status for _ in range(4)],
                         [200, 200, 500, 200])

    def test_wrong_faults_are_refused_and_change_nothing(self):
        self.org.login()
        self.org.faults(status_500=True)
        for body in ({"nothing": 1}, {"status_500": "x"}, {"status_500": 0.5}, [],
                     {"slow": {"probability": 2}}, {"slow": {"x": 1}}):
            self.assertEqual(self.org.control("POST", "faults", body).status, 400, body)
        self.assertEqual(self.org.call("GET", "limits").status, 500)


class FaultsFromTheStart(unittest.TestCase):
    def test_faults_can_be_given_on_the_command_line(self):
        with running("--faults", '{"status_503":{"count":1}}') as org:
            self.assertEqual(org.call("GET", "limits").status, 503)
            self.assertEqual(org.call("GET", "limits").status, 200)


class Audit(OrgTest):
    def test_repeats_changes_and_order(self):
        self.org.upsert([reading(1), reading(3), reading(2), reading(4)])
        self.org.upsert([reading(1), reading(3, Value__c=5)])
        self.org.upsert([dict(reading(5), DeviceId__c="d-2")])
        audit = self.org.audit()["objects"]["Reading__c"]
        self.assertEqual((audit["records"], audit["created"], audit["updated"], audit["repeats"],
                          audit["changed"]), (5, 5, 2, 1, 1))
        order = audit["order"]
        self.assertEqual((order["out_of_order"], order["keys"]), (1, 2))
        self.assertEqual(order["first_cases"], [{"key": "d-1", "id": "R2", "sequence": 2,
                                                 "highest_before": 3}])

    def test_ids_are_listed_when_asked(self):
        self.org.upsert([reading(n) for n in range(3)])
        self.org.upsert([{"SaleId__c": "S"}], "SaleId__c", "Sale__c")
        audit = self.org.audit("?object=Reading__c&ids=1")["objects"]
        self.assertEqual(audit["Reading__c"]["ids"], ["R0", "R1", "R2"])
        self.assertEqual(list(audit), ["Reading__c"])
        self.assertNotIn("ids", self.org.audit()["objects"]["Reading__c"])
        self.assertEqual(self.org.control("GET", "audit?object=x").status, 404)

    def test_totals_count_requests_calls_and_records(self):
        self.org.upsert([reading(1), reading(2, State__c="x")])
        self.org.call("GET", "limits", Authorization="Bearer x")
        audit = self.org.audit()
        self.assertEqual([audit[n] for n in ("requests", "api_calls", "logins", "unauthorized",
                                             "records", "records_failed", "records_a_call_max")],
                         [3, 1, 1, 1, 2, 1, 2])

    def test_control_needs_its_header(self):
        self.assertEqual(self.org.request("GET", "/control/audit").status, 403)


class Ends(unittest.TestCase):
    def test_the_audit_file_is_written_at_the_end(self):
        path = Place.path("audit.json")
        with running("--audit-file", path) as org:
            org.upsert([reading(1)])
        with open(path, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["objects"]["Reading__c"]["created"], 1)

    def test_shutdown_by_control_ends_with_0(self):
        with running() as org:
            self.assertEqual(org.control("POST", "shutdown").status, 200)
            self.assertEqual(org.process.wait(20), 0)

    def test_a_control_port_works_while_the_other_is_down(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with running("--control-port", str(port)) as org:
            org.login()

            def control(method, path, body=None):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                connection.request(method, "/control/" + path, body, {"X-Control": "yes"})
                answer = Answer(connection.getresponse())
                connection.close()
                return answer
            self.assertEqual(control("POST", "faults", '{"down":true}').status, 200)
            for _ in range(2):
                with self.assertRaises((http.client.HTTPException, ConnectionError)):
                    org.call("GET", "limits")
            self.assertEqual(control("GET", "audit").json["faults"]["down"], 1)
            control("POST", "faults", "{}")
            self.assertEqual(org.call("GET", "limits").status, 200)


class Tls(unittest.TestCase):
    def test_everything_goes_over_tls(self):
        with running(tls=True) as org:
            answer = org.ask_jwt(assertion())
            self.assertEqual(answer.json["instance_url"], "https://localhost:%d" % org.port)
            answer = org.upsert([reading(n, Serial__c="x" * 30 + str(n)) for n in range(200)])
            self.assertTrue(all(r["success"] for r in answer.json))
            self.assertEqual(org.audit()["objects"]["Reading__c"]["records"], 200)
            with self.assertRaises(ssl.SSLCertVerificationError):
                connection = http.client.HTTPSConnection("localhost", org.port, timeout=10)
                connection.request("GET", "/services/data")
