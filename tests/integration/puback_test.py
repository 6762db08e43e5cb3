"""A PUBACK leaves only after its event is on flash: seen on the wire before the broker, and in the system calls."""

import json
import re
import select
import socket
import sys
import threading
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]


class Wire:
    """Stands between the agent and the broker and notes when each PUBLISH and PUBACK passed."""

    def __init__(self, broker_port):
        self.broker_port = broker_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.seen = []  # (time, "PUBLISH" or "PUBACK", packet id)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.broker_port))
            except OSError:
                near.close()
                continue
            threading.Thread(target=self._relay, args=(near, far), daemon=True).start()

    def _relay(self, near, far):
        rest = {near: b"", far: b""}
        while True:
            for source in select.select([near, far], [], [])[0]:
                data = source.recv(65536)
                if not data:
                    near.close()
                    far.close()
                    return
                rest[source] = self._note(rest[source] + data, source is far)
                (far if source is near else near).sendall(data)

    def _note(self, data, from_broker):
        while len(data) >= 2:
            size, shift, at = 0, 0, 1
            while at < len(data):
                size |= (data[at] & 127) << shift
                shift += 7
                at += 1
                if not data[at - 1] & 128:
                    break
            if len(data) < at + size:
                break
            packet = data[at:at + size]
            if from_broker and data[0] >> 4 == 3 and data[0] & 6:
                topic = int.from_bytes(packet[:2], "big")
                self.seen.append((time.time(), "PUBLISH",
                                  int.from_bytes(packet[2 + topic:4 + topic], "big")))
            elif not from_broker and data[0] >> 4 == 4:
                self.seen.append((time.time(), "PUBACK", int.from_bytes(packet[:2], "big")))
            data = data[at + size:]
        return data

    def pairs(self):
        """(time of PUBLISH, time of PUBACK) of every acknowledged message, in order."""
        waiting, pairs = {}, []
        for when, kind, packet_id in list(self.seen):
            if kind == "PUBLISH":
                waiting[packet_id] = when
            elif packet_id in waiting:
                pairs.append((waiting.pop(packet_id), when))
        return pairs


class Puback(unittest.TestCase):
    def start(self, *strace):
        site = parts.Site(BUILD)
        self.addCleanup(site.close)
        trace = site.path("strace.out")
        # -D: the agent stays our own child, and gets our signals itself.
        site.prefix = ["strace", "-D", "-f", "-ttt", "-T", "-y", "-o", trace,
                       "-e", "trace=fdatasync"] + list(strace)
        site.start_broker()
        wire = Wire(site.broker_port)
        config = site.default_config()
        config["connections"]["site"]["url"] = "mqtt://127.0.0.1:%d" % wire.port
        for output in config["outputs"].values():
            output["api"] = "composite"  # Bulk jobs have files that are synced first.
        site.write_config(config)
        site.start_org()
        site.start_agent()
        return site, wire, trace

    def test_each_puback_follows_a_sync_that_began_after_its_publish(self):
        site, wire, trace = self.start()
        for number in range(20):
            site.publish_one("plant/p/telemetry", json.dumps(
                {"reading": "p-%d" % number, "seq": number, "ts": 1795478400123, "value": 1,
                 "unit": "C"}))
        parts.wait_until(lambda: len(wire.pairs()) == 20, 30, "20 PUBACKs")
        self.assertEqual(site.stop_agent(), 0)
        syncs = []
        with open(trace, encoding="utf-8", errors="replace") as file:
            for line in file:
                found = re.search(r" (\d+\.\d+) fdatasync\(.*telemetry-.*\) += 0 .*<([\d.]+)>", line)
                if found:
                    begun = float(found.group(1))
                    syncs.append((begun, begun + float(found.group(2))))
        self.assertGreater(len(syncs), 0)
        for published, acknowledged in wire.pairs():
            self.assertTrue(any(published <= begun and end <= acknowledged + 0.0005
                                for begun, end in syncs),
                            "PUBACK at %f without a sync since %f" % (acknowledged, published))

    def test_a_slow_flash_holds_the_puback_back(self):
        site, wire, _ = self.start("-e", "inject=fdatasync:delay_enter=300000")
        site.publish_one("plant/p/telemetry", '{"reading":"p-1"}')
        parts.wait_until(lambda: wire.pairs(), 30, "a PUBACK")
        published, acknowledged = wire.pairs()[0]
        self.assertGreater(acknowledged - published, 0.29)

    def test_a_failed_sync_acknowledges_nothing_until_one_succeeds(self):
        site, wire, _ = self.start("-e", "inject=fdatasync:error=EIO:when=1..3")
        site.publish_one("plant/p/telemetry", json.dumps(
            {"reading": "p-1", "seq": 1, "ts": 1795478400123, "value": 1, "unit": "C"}))
        parts.wait_until(lambda: "cannot write to flash" in site.agent_log(), 30, "the failure is said")
        parts.wait_until(lambda: wire.pairs(), 60, "a PUBACK in the end")
        published, acknowledged = wire.pairs()[0]
        self.assertGreater(acknowledged - published, 0.9)
        parts.wait_until(lambda: site.ids("DeviceReading__c") == ["p-1"], 30, "it is delivered")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
