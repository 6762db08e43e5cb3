"""/metrics, /healthz and /readyz of a running site: read by Prometheus' own parser, and true."""

import http.client
import json
import os
import re
import socket
import sys
import tarfile
import unittest

import site_parts as parts

try:
    from prometheus_client import parser
except ImportError:
    parser = None

BUILD = sys.argv[1]


class Monitor(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.port = parts.free_port()

    def tearDown(self):
        self.assertIn(self.site.stop_agent(), (0, None))  # 66 after a race, where those are looked for.

    def start(self, still="1h", change=None):
        config = self.site.default_config()
        if change:
            change(config)
        config["watch"] = {"listen": "127.0.0.1:%d" % self.port, "still": still}
        self.site.write_config(config)
        self.site.start_broker()
        self.site.start_org()
        self.site.start_agent()

    def ask(self, path, method="GET", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body=body)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def metrics(self):
        status, fields, text = self.ask("/metrics")
        self.assertEqual(status, 200, text)
        self.assertTrue(fields["Content-Type"].startswith("text/plain; version=0.0.4"), fields)
        return text

    def samples(self):
        """{(name, labels): number}, by the parser of those who wrote the format."""
        found = {}
        for family in parser.text_string_to_metric_families(self.metrics()):
            self.assertTrue(family.documentation, family.name)
            self.assertIn(family.type, ("gauge", "counter"), family.name)
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                self.assertNotIn(key, found, "twice")
                found[key] = sample.value
        return found

    @staticmethod
    def sample(samples, name, **labels):
        return samples[(name, frozenset(labels.items()))]

    def publish(self, first, count):
        self.site.publish_lines("plant/p%d/telemetry" % first, [
            json.dumps({"reading": "m-%d" % number, "seq": number, "ts": 1795478400123,
                        "value": 1.5, "unit": "C"}) for number in range(first, first + count)])

    @unittest.skipIf(parser is None, "python3-prometheus-client is not installed")
    def test_metrics_are_what_prometheus_reads_and_what_status_says(self):
        self.start()
        before = self.samples()
        self.publish(0, 50)
        parts.wait_until(lambda: self.site.status()["outputs"][0]["delivered"] +
                         self.site.status()["outputs"][1]["delivered"] == 50, 60, "delivery")
        samples = self.samples()
        status = self.site.status()
        # Topics, events and log-ins add no series, and no name but these.
        self.assertEqual(before.keys(), samples.keys())
        for output in status["outputs"]:
            labels = {"output": output["name"], "stream": output["stream"]}
            for name, member in (("delivered_events_total", "delivered"),
                                 ("dead_events_total", "dead"), ("backlog_events", "backlog"),
                                 ("gap_events_total", "gaps"),
                                 ("skipped_events_total", "skipped")):
                self.assertEqual(self.sample(samples, "sfedge_output_" + name, **labels),
                                 output[member], name)
        for stream in status["streams"]:
            self.assertEqual(self.sample(samples, "sfedge_stream_payload_bytes_total",
                                         stream=stream["name"]), stream["payload_bytes"])
            self.assertEqual(self.sample(samples, "sfedge_stream_quota_bytes",
                                         stream=stream["name"]), stream["quota_bytes"])
        self.assertEqual(self.sample(samples, "sfedge_source_received_total", connection="site",
                                     source="1"), 50)
        self.assertEqual(self.sample(samples, "sfedge_input_accepted_total", input="readings"), 50)
        self.assertEqual(self.sample(samples, "sfedge_org_logged_in", connection="crm"), 1)
        self.assertGreaterEqual(self.sample(samples, "sfedge_org_api_calls_total",
                                            connection="crm"), 1)
        self.assertEqual(self.sample(samples, "sfedge_build_info", agent="site",
                                     version=status["version"]), 1)
        self.assertEqual(self.sample(samples, "sfedge_ready"), 1)
        self.assertEqual(self.sample(samples, "sfedge_memory_arena_bytes"), status["arena_bytes"])
        # What Prometheus remembers of a counter may only rise.
        for (name, labels), value in self.samples().items():
            if name.endswith("_total"):
                self.assertGreaterEqual(value, before[(name, labels)], name)

    @unittest.skipIf(parser is None, "python3-prometheus-client is not installed")
    def test_names_and_kinds_keep_to_the_conventions(self):
        self.start()
        text = self.metrics()
        for family in parser.text_string_to_metric_families(text):
            self.assertTrue(family.name.startswith("sfedge_"), family.name)
            for word in ("_kb", "_mib", "_ms", "_minutes", "_days", "_percent"):
                self.assertNotIn(word, family.name)
            for sample in family.samples:
                self.assertEqual(sample.name.endswith("_total"), family.type == "counter",
                                 sample.name)
                self.assertGreaterEqual(sample.value, 0)
        headings = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")]
        self.assertEqual(len(headings), len(set(headings)), "a family in two places")
        self.assertTrue(parts.no_secrets(text))

    def test_work_that_stands_still_is_told_in_one_line_until_it_moves(self):
        self.start(still="1s")
        self.assertEqual(self.ask("/readyz")[::2], (200, "ready\n"))
        self.site.stop_org()
        self.publish(0, 5)
        status, _, text = parts.wait_until(
            lambda: [answer for answer in [self.ask("/readyz")] if answer[0] == 503], 60,
            "not ready")[0]
        self.assertEqual(status, 503)
        self.assertEqual(text.count("\n"), 1, text)
        self.assertRegex(text, r"^not ready: output readings of stream telemetry: [1-5] events "
                               r"wait, and none was settled for [0-9]+ s: .+\n$")
        self.assertIn("sfedge_ready 0\n", self.metrics())
        self.assertEqual(self.ask("/healthz")[::2], (200, "alive\n"))
        self.site.start_org()
        parts.wait_until(lambda: self.ask("/readyz")[0] == 200, 60, "ready again")
        self.assertEqual(self.site.object_audit("DeviceReading__c")["records"], 5)

    def test_only_pages_are_shown_and_only_to_who_asks(self):
        self.start()
        self.assertEqual(self.ask("/")[0], 404)
        self.assertEqual(self.ask("/metrics/../readyz")[0], 404)
        status, fields, _ = self.ask("/metrics", "POST", "{}")
        self.assertEqual((status, fields["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(self.ask("/metrics", "GET", "a body")[0], 413)
        status, fields, text = self.ask("/metrics?x=1", "HEAD")
        self.assertEqual((status, text), (200, ""))
        self.assertGreater(int(fields["Content-Length"]), 2000)
        # One connection, one page after the other, and clients that say nothing hold up nobody.
        silent = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(6)]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for path, begin in (("/healthz", "alive"), ("/metrics", "# HELP"), ("/readyz", "ready")):
            connection.request("GET", path)
            self.assertTrue(connection.getresponse().read().decode().startswith(begin), path)
        connection.close()
        for client in silent:
            client.close()

    def test_a_reload_takes_the_patience_anew_and_refuses_another_address(self):
        self.start()
        self.site.stop_org()
        self.publish(0, 2)
        self.site.config["watch"]["still"] = "1s"
        self.site.write_config(self.site.config)
        words = ("reload", "--config", self.site.path("sfedge.json"))
        self.assertEqual(self.site.command(*words)[0], 0)
        parts.wait_until(lambda: self.ask("/readyz")[0] == 503, 60, "not ready")
        self.site.config["watch"]["listen"] = "127.0.0.1:%d" % parts.free_port()
        self.site.write_config(self.site.config)
        code, _, text = self.site.command(*words)
        self.assertEqual(code, 78)
        self.assertIn("watch.listen cannot change by a reload", text)
        self.assertEqual(self.ask("/healthz")[0], 200)
        self.assertIn("sfedge_reload_last_successful 0\n", self.metrics())

    def bundle(self, *more):
        path = self.site.path("bundle.tar")
        code, out, text = self.site.command("bundle", "--config", self.site.path("sfedge.json"),
                                            "--out", path, *more)
        self.assertEqual((code, out), (0, ""), text)
        found = {}
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                self.assertTrue(member.isreg() and member.name.startswith("sfedge/"), member.name)
                self.assertEqual(member.mode, 0o600)
                found[member.name[7:]] = archive.extractfile(member).read().decode()
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path, "rb") as file:
            self.assertEqual(len(file.read()) % 512, 0)
        return found

    def test_a_bundle_tells_helpers_all_but_secrets_and_events(self):
        def change(config):
            config["connections"]["site"].update(
                username="user-of-the-site", will={"topic": "gone", "payload": "geheim-1"})
            config["streams"]["web"] = {}
            config["inputs"]["web"] = {"type": "mqtt", "connection": "site", "topic": "web/#",
                                       "stream": "web"}
            config["outputs"]["web"] = {
                "type": "http", "from": "web", "plain": True,
                "url": "http://127.0.0.1:9/a?code=geheim-2",
                "headers": {"X-Api-Key": "geheim-3"}, "body": {"secret": "geheim-4", "a": "{/a}"}}

        self.start(change=change)
        self.publish(0, 1)
        self.site.publish_one("web/a", json.dumps({"a": "payload-geheim-5"}))
        parts.wait_until(lambda: sum(stream["events"] for stream in self.site.status()["streams"])
                         >= 1, 60, "an event on flash")
        found = self.bundle()
        self.assertEqual(sorted(found), ["README.txt", "config.json", "doctor.json", "metrics.txt",
                                         "state.txt", "status.json", "version.txt"])
        whole = "".join(found.values())
        self.assertNotIn("geheim", whole)
        self.assertNotIn("user-of-the-site", whole)
        self.assertNotIn(parts.CONSUMER_KEY, whole)
        self.assertTrue(parts.no_secrets(whole))
        self.assertEqual(json.loads(found["status.json"])["agent"], "site")
        self.assertIn("sfedge_build_info{", found["metrics.txt"])
        self.assertIn('"X-Api-Key": "removed"', found["config.json"])
        self.assertIn("http://127.0.0.1:9/a?removed", found["config.json"])
        self.assertIn('"ReadingId__c": "{/reading}"', found["config.json"])
        for line in found["doctor.json"].splitlines():
            self.assertIn(json.loads(line)["level"], ("ok", "warn", "fail"))
        names = [line.split()[1] for line in found["state.txt"].splitlines()[2:]]
        self.assertTrue(any("telemetry" in name for name in names), names)
        # None is replaced unasked; and it is made without an agent, too.
        code, _, text = self.site.command("bundle", "--config", self.site.path("sfedge.json"),
                                          "--out", self.site.path("bundle.tar"))
        self.assertNotEqual(code, 0, text)
        self.assertEqual(self.site.stop_agent(), 0)
        found = self.bundle("--force")
        self.assertIn("not there: no agent is running", found["status.json"])
        self.assertIn("telemetry", found["state.txt"])

    def test_the_example_brings_the_gateways_health_to_salesforce(self):
        with open(os.path.join(parts.ROOT, "config", "examples", "gateway-health.json"),
                  encoding="utf-8") as file:
            config = json.loads(re.sub(r"(?m)^ *//.*$", "", file.read()))
        del config["$schema"]
        config["agent"]["state"] = "state"
        config["connections"]["crm"].update(
            login_url="http://127.0.0.1:%d" % self.site.org_port,
            auth={"client_id": parts.CONSUMER_KEY, "username": parts.USERNAME,
                  "audience": parts.AUDIENCE, "key_file": "crm.key"})
        config["watch"] = {"listen": "127.0.0.1:%d" % self.port}
        config["inputs"]["health"]["every"] = "10s"
        config["outputs"]["health"]["batch_age"] = "50ms"
        self.site.write_config(config)
        self.site.start_org("--objects", os.path.join(
            parts.ROOT, "tests", "integration", "gateway_health_objects.json"))
        self.site.start_agent()
        parts.wait_until(lambda: self.site.status()["outputs"][0]["delivered"] >= 1, 60,
                         "the first report")
        record = self.site.record("Gateway__c", "store-042")
        status = self.site.status()
        self.assertEqual(record["Version__c"], status["version"], record)
        self.assertEqual(record["Dead__c"], 0)
        self.assertEqual(record["Ready__c"], True)
        self.assertEqual(status["outputs"][0]["dead"], 0)
        self.assertEqual(status["inputs"][0]["accepted"], status["streams"][0]["durable_sequence"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
