"""The way to the org as real sites have it: TLS that is checked, a proxy with a log-in, our own
certificate, client credentials, IPv6, HTTP/2."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

from certificate_parts import make_authority, make_certificate
from proxy_parts import Proxy, Relay
from site_parts import CONSUMER_KEY, Site, free_port, no_secrets, wait_until

BUILD = ""
LOCAL = "DNS:localhost,IP:127.0.0.1,IP:::1"
SECRET = "client-secret-of-the-test"


class LinkSite(Site):
    """A site whose org speaks TLS; the control port stays plain."""

    def __init__(self, certificates):
        super().__init__(BUILD)
        self.certificates = certificates
        self.control_port = free_port()
        self.closing = []

    def start_tls_org(self, name, *more):
        self.start_org("--tls-cert", self.cert(name + ".pem"), "--tls-key",
                       self.cert(name + ".key"), "--control-port", str(self.control_port), *more)

    def cert(self, name):
        return os.path.join(self.certificates, name)

    def control(self, method, path, body=None):
        main, self.org_port = self.org_port, self.control_port
        try:
            return super().control(method, path, body)
        finally:
            self.org_port = main

    def point(self, url, **more):
        """Configures the connection to the org, and starts all but the org."""
        config = self.default_config()
        crm = config["connections"]["crm"]
        crm["login_url"] = url
        crm["tls"] = {"ca_file": self.cert("ca.pem")}
        for key, value in more.items():
            crm[key] = value
        self.write_config(config)
        self.start_broker()
        self.start_agent()

    def send(self, number):
        self.publish_one("plant/d1/telemetry", json.dumps(
            {"reading": "r-%d" % number, "seq": number, "value": 1.5, "ts": 1700000000000,
             "unit": "C"}))

    def org_status(self):
        status = self.status()
        return status["orgs"][0] if status else {}

    def expect_delivery(self):
        self.send(1)
        wait_until(lambda: self.object_audit("DeviceReading__c")["records"] == 1, 60,
                   "the reading is in the org: %s" % self.org_status())

    def expect_reason(self, *pieces):
        """The log-in fails with a message that holds all of `pieces`, and nothing gets through."""
        self.send(1)
        error = wait_until(lambda: self.org_status().get("last_error"), 60, "a reason in status")
        text = json.dumps(error).lower()
        for piece in pieces:
            if piece not in text:
                raise AssertionError("%r is not in %s" % (piece, text))
        audit = self.audit()["objects"].get("DeviceReading__c", {"records": 0})
        if audit["records"] != 0:
            raise AssertionError("something got through")
        return error

    def close(self):
        for part in self.closing:
            part.close()
        super().close()


class SalesforceLinks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="sfedge-certificates-")
        make_authority(cls.folder, "ca")
        make_authority(cls.folder, "stranger")
        make_certificate(cls.folder, "good", "ca", LOCAL)
        make_certificate(cls.folder, "other", "ca", "DNS:other.example")
        make_certificate(cls.folder, "expired", "ca", LOCAL, days=-1)
        make_certificate(cls.folder, "foreign", "stranger", LOCAL)
        make_certificate(cls.folder, "named", "ca", "DNS:acme.my.salesforce.com")
        make_certificate(cls.folder, "client", "ca", "DNS:edge")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def site(self):
        return LinkSite(self.folder)

    def test_org_of_the_right_authority_is_trusted(self):
        with self.site() as site:
            site.start_tls_org("good")
            site.point("https://localhost:%d" % site.org_port)
            site.expect_delivery()
            self.assertTrue(no_secrets(site.agent_log()))

    def test_org_that_cannot_be_trusted_is_refused_with_the_reason(self):
        for certificate, pieces in (("other", ("target host name",)), ("expired", ("expired",)),
                                    ("foreign", ("issuer",))):
            with self.subTest(certificate), self.site() as site:
                site.start_tls_org(certificate)
                site.point("https://localhost:%d" % site.org_port)
                error = site.expect_reason(*pieces)
                self.assertEqual(error["code"], "SFE-TLS")

    def test_authority_of_the_system_does_not_know_the_org(self):
        with self.site() as site:
            site.start_tls_org("good")
            site.point("https://localhost:%d" % site.org_port, tls={})
            self.assertEqual(site.expect_reason("certificate")["code"], "SFE-TLS")

    def test_client_credentials_log_in(self):
        with self.site() as site:
            with open(site.path("app.secret"), "w", encoding="utf-8") as file:
                file.write(SECRET + "\n")
            os.chmod(site.path("app.secret"), 0o600)
            site.start_tls_org("good", "--client-secret-file", site.path("app.secret"))
            auth = {"flow": "client-credentials", "client_id": CONSUMER_KEY,
                    "client_secret_file": "app.secret"}
            site.point("https://localhost:%d" % site.org_port, auth=auth)
            site.expect_delivery()
            self.assertNotIn(SECRET, site.agent_log())

    def test_wrong_client_secret_is_told(self):
        with self.site() as site:
            for name, text in (("app.secret", SECRET), ("wrong.secret", "another-secret")):
                with open(site.path(name), "w", encoding="utf-8") as file:
                    file.write(text)
                os.chmod(site.path(name), 0o600)
            site.start_tls_org("good", "--client-secret-file", site.path("app.secret"))
            auth = {"flow": "client-credentials", "client_id": CONSUMER_KEY,
                    "client_secret_file": "wrong.secret"}
            site.point("https://localhost:%d" % site.org_port, auth=auth)
            error = site.expect_reason("invalid_client", "client_secret_file")
            self.assertNotIn("another-secret", json.dumps(error) + site.agent_log())

    def test_our_certificate_is_shown_to_an_org_that_asks(self):
        with self.site() as site:
            site.start_tls_org("good", "--tls-client-ca", site.cert("ca.pem"))
            site.point("https://localhost:%d" % site.org_port, tls={
                "ca_file": site.cert("ca.pem"), "cert_file": site.cert("client.pem"),
                "key_file": site.cert("client.key")})
            site.expect_delivery()

    def test_without_our_certificate_such_an_org_refuses(self):
        with self.site() as site:
            site.start_tls_org("good", "--tls-client-ca", site.cert("ca.pem"))
            site.point("https://localhost:%d" % site.org_port)
            site.expect_reason("message")

    def test_org_behind_a_proxy_with_a_log_in_is_reached(self):
        with self.site() as site:
            site.start_tls_org("named")
            name = "acme.my.salesforce.com:%d" % site.org_port
            proxy = Proxy("till", "pro:xy", {name: site.org_port})
            site.closing.append(proxy)
            with open(site.path("proxy.password"), "w", encoding="utf-8") as file:
                file.write("pro:xy\n")
            os.chmod(site.path("proxy.password"), 0o600)
            site.point("https://" + name, proxy={
                "url": "http://127.0.0.1:%d" % proxy.port, "username": "till",
                "password_file": "proxy.password"})
            site.expect_delivery()
            self.assertIn(name, proxy.connected)
            self.assertEqual(proxy.refused, 0)
            self.assertNotIn("pro:xy", site.agent_log())

    def test_proxy_that_refuses_us_is_told(self):
        with self.site() as site:
            site.start_tls_org("named")
            name = "acme.my.salesforce.com:%d" % site.org_port
            proxy = Proxy("till", "right", {name: site.org_port})
            site.closing.append(proxy)
            site.point("https://" + name,
                       proxy={"url": "http://127.0.0.1:%d" % proxy.port, "username": "till"})
            site.expect_reason("407", "proxy.username")
            self.assertEqual(proxy.connected, [])

    def test_org_of_no_proxy_is_reached_straight(self):
        with self.site() as site:
            site.start_tls_org("good")
            proxy = Proxy("till", "right", {})
            site.closing.append(proxy)
            site.point("https://localhost:%d" % site.org_port, proxy={
                "url": "http://127.0.0.1:%d" % proxy.port, "no_proxy": ["localhost"]})
            site.expect_delivery()
            self.assertEqual((proxy.connected, proxy.refused), ([], 0))

    def test_requests_leave_from_the_address_that_is_asked_for(self):
        with self.site() as site:
            site.start_tls_org("good")
            relay = Relay("127.0.0.1", site.org_port)
            site.closing.append(relay)
            site.point("https://127.0.0.1:%d" % relay.port, interface="127.0.0.2")
            site.expect_delivery()
            self.assertEqual(set(relay.peers), {"127.0.0.2"})

    def test_org_at_an_ipv6_address_is_reached(self):
        with self.site() as site:
            site.start_tls_org("good")
            relay = Relay("::1", site.org_port, socket.AF_INET6)
            site.closing.append(relay)
            site.point("https://[::1]:%d" % relay.port)
            site.expect_delivery()
            self.assertEqual(set(relay.peers), {"::1"})

    def test_http_2_is_used_where_the_server_has_it(self):
        with self.site() as site:
            site.start_tls_org("good")
            port = free_port()
            log = site.path("nghttpx.log")
            front = subprocess.Popen(
                ["nghttpx", "--frontend=127.0.0.1,%d" % port, "--workers=1", "--conf=/dev/null",
                 "--backend=127.0.0.1,%d;;tls;sni=localhost" % site.org_port, "--insecure",
                 "--no-ocsp", "--accesslog-file=" + log, "--accesslog-format=$alpn $status",
                 "--errorlog-file=" + site.path("nghttpx.err"), site.cert("good.key"),
                 site.cert("good.pem")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                wait_until(lambda: site._listens(port), 20, "nghttpx listens")
                site.point("https://localhost:%d" % port)
                site.expect_delivery()
                site.stop_agent()
            finally:
                front.terminate()
                front.wait(20)
            with open(log, encoding="utf-8") as file:
                lines = file.read().split("\n")
            self.assertIn("h2 200", lines)
            self.assertNotIn("http/1.1 200", lines)


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
