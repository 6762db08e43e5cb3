"""The agent as built for another machine, under its emulator, on real parts of this one: messages by MQTT, the
org over TLS, a kill in the middle. None lost, none doubled, none out of order.
    machine_test.py BUILD AGENT...    org and devices of BUILD; AGENT... starts the agent"""

import os
import shutil
import sys
import tempfile
import unittest

from certificate_parts import make_authority, make_certificate
from site_parts import Site, free_port, wait_until

BUILD = ""
AGENT = []


class MachineSite(Site):
    """A site whose org speaks TLS; the control port stays plain."""

    def __init__(self, certificates):
        super().__init__(BUILD, program=AGENT)
        self.certificates = certificates
        self.control_port = free_port()
        config = self.default_config()
        config["connections"]["crm"].update(
            login_url="https://localhost:%d" % self.org_port, tls={"ca_file": self.cert("ca.pem")})
        config["outputs"]["readings"]["order_by"] = "{topic.1}"
        self.write_config(config)

    def cert(self, name):
        return os.path.join(self.certificates, name)

    def start_tls_org(self):
        self.start_org("--tls-cert", self.cert("org.pem"), "--tls-key", self.cert("org.key"),
                       "--control-port", str(self.control_port))

    def control(self, method, path, body=None):
        main, self.org_port = self.org_port, self.control_port
        try:
            return super().control(method, path, body)
        finally:
            self.org_port = main

    def readings(self):
        return self.object_audit("DeviceReading__c")["records"]


class Machine(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sfedge-certificates-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        make_authority(self.folder, "ca")
        make_certificate(self.folder, "org", "ca", "DNS:localhost,IP:127.0.0.1")

    def test_each_event_arrives_once_though_the_agent_is_killed(self):
        with MachineSite(self.folder) as site:
            site.start_broker()
            site.start_tls_org()
            site.start_agent()
            publisher = site.publish(wait=False, devices=20, tills=4, rate=400, seconds=300)
            wait_until(lambda: site.readings() > 200, 120, "readings arrive")
            self.assertIsNone(publisher.poll(), "the load ended before the kill")
            site.kill_agent()
            killed_at = site.readings()
            site.start_agent()
            wait_until(lambda: site.readings() > killed_at + 200, 120, "readings arrive again")
            publisher.terminate()
            account = site.published(publisher)
            site.wait_delivered(account, 120)
            site.check_exactly_once(account)
            streams = {stream["name"]: stream["events"] for stream in site.status()["streams"]}
            self.assertEqual(streams["dead"], 0)
            print("%d published, %d in the org when the agent was killed"
                  % (account["published"], killed_at), flush=True)
            self.assertEqual(site.stop_agent(), 0)


if __name__ == "__main__":
    BUILD, AGENT = os.path.abspath(sys.argv[1]), sys.argv[2:]
    unittest.main(argv=[sys.argv[0], "-v"])
