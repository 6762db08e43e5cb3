"""What the doctor says of a site where one thing is wrong: TLS, log-in and rights at the broker, proxy and
route to the org. Each finding names its setting and what to do."""

import json
import os
import subprocess
import sys
import unittest

import certificates
import proxy_parts
import site_parts as parts

BUILD = sys.argv[1]
SECURITY = "/usr/lib/%s-linux-gnu/mosquitto_dynamic_security.so"


class Doctor(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.config = self.site.default_config()

    def make(self, name, names="DNS:localhost,IP:127.0.0.1", days=("-1", "60")):
        certificates.make_certificate(self.site.folder, name, "site-ca", names, days)

    def start_broker(self, certificate, *more):
        """A broker that speaks TLS only."""
        with open(self.site.path("mosquitto.conf"), "w", encoding="utf-8") as file:
            file.write("user root\nlistener %d 127.0.0.1\n%s\n%s"
                       % (self.site.broker_port, "".join(line + "\n" for line in more),
                          "" if certificate is None else "certfile %s\nkeyfile %s\n" % (
                              self.site.path(certificate + ".crt"),
                              self.site.path(certificate + ".key"))))
        if self.site.broker:
            self.site.stop_broker()
        self.site.broker = subprocess.Popen(["mosquitto", "-c", self.site.path("mosquitto.conf")],
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        parts.wait_until(lambda: self.site._listens(self.site.broker_port), 20,
                         "mosquitto listens")

    def broker(self, scheme="mqtts", host="localhost", **more):
        self.config["connections"]["site"] = {
            "type": "mqtt", "url": "%s://%s:%d" % (scheme, host, self.site.broker_port), **more}

    def findings(self, check, subject=None, command=("doctor",)):
        """The findings of one check."""
        self.site.write_config(self.config)
        _, text, error = self.site.command(*command, "-c", self.site.path("sfedge.json"), "--json")
        self.assertTrue(text, error)
        self.document = json.loads(text)
        return [item for item in self.document["findings"] if item["check"] == check and
                subject in (None, item.get("subject"))]

    def expect(self, check, level, setting, *pieces, subject=None):
        found = self.findings(check, subject)
        self.assertEqual(len(found), 1, json.dumps(self.document, indent=1))
        item = found[0]
        text = json.dumps(item)
        self.assertEqual((item["level"], item.get("setting", "")), (level, setting), text)
        for piece in pieces:
            self.assertIn(piece, item["message"])
        self.assertEqual(bool(item.get("fix")), level != "ok", text)
        return item


class Broker(Doctor):
    def test_a_good_broker_is_said_to_be_good_and_the_agent_keeps_its_session(self):
        certificates.make_authority(self.site.folder, "site-ca")
        self.make("good")
        self.start_broker("good", "allow_anonymous true")
        self.broker(tls={"ca_file": "site-ca.crt"})
        self.site.write_config(self.config)
        self.site.start_org()
        self.site.start_agent()
        self.expect("tls", "ok", "", "TLSv1.2", "good until 20", subject="site")
        self.expect("broker", "ok", "", "MQTT 5", "without a user name")
        self.expect("subscribe", "ok", "", "2 topic filters")
        self.expect("route", "ok", "", "leaves from ", "(lo)", subject="localhost")
        link = self.site.status()["links"][0]
        self.assertEqual((link["connected"], link["reconnects"]), (True, 0))
        self.config["connections"]["site"]["version"] = "3.1.1"
        self.expect("broker", "ok", "", "MQTT 3.1.1")
        self.expect("subscribe", "ok", "", "2 topic filters")

    def test_a_certificate_that_cannot_be_trusted_is_said_with_what_to_change(self):
        folder = self.site.folder
        certificates.make_authority(folder, "site-ca")
        certificates.make_authority(folder, "other-ca")
        certificates.make_certificate(folder, "foreign", "other-ca", "DNS:localhost")
        certificates.make_self_signed(folder, "self", "DNS:localhost")
        self.make("other-name", "DNS:broker.lan")
        self.make("expired", days=("-9", "-2"))
        self.make("future", days=("2", "9"))
        self.broker(tls={"ca_file": "site-ca.crt"})
        for name, setting, piece in (
                ("foreign", "/connections/site/tls/ca_file", "unknown authority (CN=other-ca)"),
                ("self", "/connections/site/tls/ca_file", "self-signed"),
                ("other-name", "/connections/site/url", "is for broker.lan, not for localhost"),
                ("expired", "", "expired on"), ("future", "", "is not valid before")):
            with self.subTest(name):
                self.start_broker(name, "allow_anonymous true")
                item = self.expect("tls", "fail", setting, piece, subject="site")
                self.assertEqual(item["code"], "SFE-TLS")
                self.assertEqual(self.findings("broker"), [])

    def test_a_certificate_that_ends_soon_is_a_warning(self):
        certificates.make_authority(self.site.folder, "site-ca")
        self.make("short", days=("-1", "12"))
        self.make("good")
        self.make("gateway", "DNS:gateway", days=("-1", "5"))
        tls = {"ca_file": "site-ca.crt"}
        self.broker(tls=tls)
        self.start_broker("short", "allow_anonymous true")
        self.expect("tls", "warn", "", "the broker's certificate ends in 1", subject="site")
        tls.update(cert_file="gateway.crt", key_file="gateway.key")
        self.start_broker("good", "allow_anonymous true", "require_certificate true",
                          "cafile " + self.site.path("site-ca.crt"))
        self.expect("tls", "warn", "", "our own certificate ends in ", " days", subject="site")
        self.expect("broker", "ok", "", "lets us in")
        del tls["cert_file"], tls["key_file"]
        self.expect("tls", "fail", "/connections/site/tls/cert_file", "client certificate",
                    subject="site")

    def test_a_port_without_tls_and_a_port_with_it_are_told_apart(self):
        certificates.make_authority(self.site.folder, "site-ca")
        self.make("good")
        self.start_broker(None, "allow_anonymous true")
        self.broker(tls={"ca_file": "site-ca.crt"})
        self.expect("tls", "fail", "/connections/site/url", subject="site")
        self.start_broker("good", "allow_anonymous true")
        self.broker("mqtt")
        self.expect("broker", "fail", "/connections/site/url")

    def write(self, name, text):
        with open(self.site.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.site.path(name), 0o600)

    def test_user_name_and_password_are_tried(self):
        subprocess.run(["mosquitto_passwd", "-c", "-b", self.site.path("users"), "gateway",
                        "right-one"], check=True, stderr=subprocess.DEVNULL)
        self.start_broker(None, "allow_anonymous false", "password_file " + self.site.path("users"))
        self.write("broker.password", "right-one\n")
        self.broker("mqtt", username="gateway", password_file="broker.password")
        self.expect("broker", "ok", "", "lets us in as gateway")
        self.write("broker.password", "wrong-one\n")
        item = self.expect("broker", "fail", "/connections/site/username", "not authorized")
        self.assertIn("password_file", item["fix"])
        self.assertEqual(item["code"], "SFE-AUTH")
        self.assertNotIn("wrong-one", json.dumps(self.document))
        self.broker("mqtt")
        self.expect("broker", "fail", "/connections/site/username")

    def test_a_filter_that_the_broker_forbids_is_named_and_a_shared_one_is_not_tried(self):
        plugin = SECURITY % os.uname().machine
        self.assertTrue(os.path.exists(plugin), plugin)
        self.write("security.json", json.dumps({
            "defaultACLAccess": {"publishClientSend": True, "publishClientReceive": True,
                                 "subscribe": False, "unsubscribe": True},
            "clients": [], "groups": [{"groupname": "all", "roles": [{"rolename": "reader"}]}],
            "roles": [{"rolename": "reader", "acls": [
                {"acltype": "subscribePattern", "topic": "plant/#", "allow": True}]}],
            "anonymousGroup": "all"}))
        self.start_broker(None, "allow_anonymous true", "plugin " + plugin,
                          "plugin_opt_config_file " + self.site.path("security.json"))
        self.broker("mqtt")
        self.config["inputs"]["more"] = dict(self.config["inputs"]["readings"],
                                             topic="$share/g/plant/+/more")
        for version in ("5", "3.1.1"):
            self.config["connections"]["site"]["version"] = version
            item = self.expect("subscribe", "fail", "/inputs/tills/topic", "pos/+/sale",
                               subject="tills")
            self.assertIn("access list", item["fix"])
            self.expect("subscribe", "ok", "", "1 topic filters", subject="site")
            self.expect("subscribe", "ok", "", "not tried", subject="more")

    def test_messages_that_come_meanwhile_are_passed_over(self):
        self.start_broker(None, "allow_anonymous true", "max_queued_messages 0")
        for number in range(3):  # Kept by the broker: an old client gets them at once.
            self.site.publish_one("plant/%d/telemetry" % number, b"x" * 50000, "-r")
        self.broker("mqtt", version="3.1.1")
        self.expect("subscribe", "ok", "", "2 topic filters")


class Org(Doctor):
    def setUp(self):
        super().setUp()
        self.site.start_broker()
        self.crm = self.config["connections"]["crm"]

    def test_without_a_proxy_the_way_is_straight_and_its_address_is_said(self):
        self.site.start_org()
        os.environ["https_proxy"] = "http://192.0.2.1:3128"
        self.addCleanup(os.environ.pop, "https_proxy")
        self.expect("proxy", "ok", "", "none", "environment (https_proxy) is not used")
        self.crm["interface"] = "127.0.0.2"
        routes = [item["message"] for item in self.findings("route")]
        self.assertEqual(len(routes), 2)
        self.assertIn("leaves from 127.0.0.2, as interface says", routes[1])
        self.crm["interface"] = "wwan7"
        found = self.findings("route")
        self.assertEqual(found[-1]["setting"], "/connections/crm/interface")
        self.assertIn("wwan7", found[-1]["message"])
        self.assertEqual(self.findings("login"), [])

    def test_a_proxy_that_is_dead_fails_and_one_that_is_exempt_does_not(self):
        self.site.start_org()
        self.crm["proxy"] = {"url": "http://127.0.0.1:%d" % parts.free_port()}
        item = self.expect("proxy", "fail", "/connections/crm/proxy/url", "does not answer")
        self.assertIn("no_proxy", item["fix"])
        self.assertEqual(self.findings("login"), [])
        self.crm["proxy"]["no_proxy"] = ["127.0.0.0/8"]
        self.expect("proxy", "ok", "", "none for 127.0.0.1", "no_proxy names 127.0.0.0/8")
        self.expect("login", "ok", "", "logged in")  # The client takes the same way.

    def test_a_proxy_that_lives_is_used_and_its_refusal_is_told(self):
        self.site.start_org()
        name = "acme.my.salesforce.com:%d" % self.site.org_port
        proxy = proxy_parts.Proxy("till", "pass", {name: self.site.org_port})
        self.addCleanup(proxy.close)
        with open(self.site.path("proxy.password"), "w", encoding="utf-8") as file:
            file.write("pass\n")
        os.chmod(self.site.path("proxy.password"), 0o600)
        self.crm.update(login_url="http://" + name, plain=True)
        self.crm["proxy"] = {"url": "http://127.0.0.1:%d" % proxy.port, "username": "till",
                             "password_file": "proxy.password"}
        # The host is known to the proxy alone: nothing here looks it up.
        self.expect("proxy", "ok", "", "it is used for acme.my.salesforce.com")
        self.expect("login", "ok", "", "logged in")
        self.assertIn(name, proxy.connected)
        self.crm["proxy"]["username"] = "nobody"
        self.expect("login", "fail", "/connections/crm/proxy/username", "407")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[2:])
