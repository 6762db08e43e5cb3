"""Events from a Bayeux server that no one here wrote: faye, from npm."""

import http.client
import json
import os
import shutil
import subprocess
import sys
import unittest

import site_parts as parts
from events_parts import EventsSite

BUILD = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))


class Faye(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("npm") or not shutil.which("node"):
            raise unittest.SkipTest("npm is not there: faye is not tried")

    def setUp(self):
        self.site = EventsSite(BUILD)
        self.addCleanup(self.site.close)
        self.folder = self.site.path("faye")
        os.makedirs(self.folder)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
                               "faye@1"], cwd=self.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300, check=False)
        if done.returncode != 0:
            self.skipTest("npm cannot install faye: " + done.stdout.decode()[-200:])
        self.published = 0
        self.server = None
        self.start_server()
        self.addCleanup(self.stop_server)

    def start_server(self):
        self.server = subprocess.Popen(["node", os.path.join(HERE, "faye_server.mjs"), self.folder,
                                        str(self.site.org_port)])
        parts.wait_until(lambda: parts.Site._listens(self.site.org_port), 60, "faye listens")

    def stop_server(self):
        self.server.kill()
        self.server.wait(20)

    def publish(self, count):
        """As an org would: each message has a replay id and is complete in itself."""
        for _ in range(count):
            self.published += 1
            data = {"event": {"replayId": self.published, "createdDate": "2026-11-24T10:00:00Z"},
                    "payload": {"number": self.published, "text": "\u00e4 \"]}\" \u2028"}}
            connection = http.client.HTTPConnection("127.0.0.1", self.site.org_port, timeout=60)
            connection.request("POST", "/publish", json.dumps(
                {"channel": "/event/DeviceCommand__e", "data": data}))
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()

    def wait_taken(self):
        parts.wait_until(lambda: self.site.durable() >= self.published, 60,
                         "%d events are in the stream" % self.published)

    def test_messages_come_exactly_once_and_again_after_a_restart_of_the_server(self):
        site = self.site
        site.start_agent()
        self.publish(40)
        self.wait_taken()
        first = site.link()["reconnects"]
        # Its sessions are gone with it: 401 or 402 to the next poll, or a connection that broke.
        self.stop_server()
        parts.wait_until(lambda: not site.link()["connected"], 60, "the server is away")
        self.start_server()
        parts.wait_until(lambda: site.link()["connected"], 90, "it is connected again")
        self.publish(40)
        self.wait_taken()
        # Polls that bring nothing end with the server's own time-out and make no storm.
        self.assertLess(site.link()["reconnects"] - first, 5)
        numbers = [payload["payload"]["number"] for payload in site.payloads()]
        self.assertEqual(numbers, list(range(1, 81)))
        self.assertEqual(site.payloads()[0]["payload"]["text"], "\u00e4 \"]}\" \u2028")
        self.assertEqual(site.stop_agent(), 0)


if __name__ == "__main__":
    sys.argv.pop(1)
    unittest.main(verbosity=2)
