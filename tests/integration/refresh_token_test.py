"""Refresh tokens that the org rotates and revokes: none is lost, whatever ends the agent."""

import json
import os
import random
import signal
import sys
import time
import unittest

from site_parts import CONSUMER_KEY, Site, wait_until

BUILD = ""
FIRST = "5Aep861.first.of.family.%d=="
SECRET = "secret-of-the-app"


class TokenSite(Site):
    """A site whose org rotates refresh tokens and knows no other log-in."""

    def __init__(self, families, with_secret=False):
        super().__init__(BUILD)
        self.sent = 0
        self.more = ["--refresh-token-file", self.path("tokens"), "--rotate-refresh-tokens"]
        auth = {"flow": "refresh-token", "client_id": CONSUMER_KEY, "refresh_token_file": "tokens"}
        self.write_tokens(range(families))
        if with_secret:
            self.write_secret("app.secret", SECRET + "\n")
            self.more += ["--client-secret-file", self.path("app.secret")]
            auth["client_secret_file"] = "app.secret"
        config = self.default_config()
        config["connections"]["crm"]["auth"] = auth
        self.write_config(config)

    def __enter__(self):
        self.start_broker()
        self.start_org(*self.more)
        return self

    def write_secret(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), 0o600)

    def write_tokens(self, families):
        self.write_secret("tokens", "".join(FIRST % number + "\n" for number in families))

    def send(self):
        self.sent += 1
        self.publish_one("plant/d1/telemetry", json.dumps(
            {"reading": "r-%d" % self.sent, "seq": self.sent, "value": 1.5, "ts": 1700000000000,
             "unit": "C"}))

    def expect_delivery(self):
        self.send()
        self.expect_all()

    def expect_all(self):
        wait_until(lambda: self.object_audit("DeviceReading__c")["records"] == self.sent, 60,
                   "%d readings are in the org" % self.sent)

    def org_status(self):
        status = self.status()
        return status["orgs"][0] if status else {}

    def books(self):
        audit = self.audit()
        return audit["refreshes"], audit["refresh_reuses"]

    def expire(self):
        self.control("POST", "expire-tokens")

    def kept(self):
        """The files of refresh tokens on flash."""
        folder = self.path("state")
        return [os.path.join(folder, name) for name in os.listdir(folder)
                if name.startswith("token.")]


class RefreshTokens(unittest.TestCase):
    def test_each_log_in_uses_the_newest_token_over_restarts_as_well(self):
        with TokenSite(1, with_secret=True) as site:
            for _ in range(3):
                site.start_agent()
                site.expect_delivery()
                site.expire()
                site.expect_delivery()
                self.assertEqual(site.stop_agent(), 0)
            self.assertEqual(site.books(), (6, 0))
            self.assertEqual(site.audit()["logins_refused"], 0)

    def test_token_that_was_used_survives_kill(self):
        with TokenSite(1) as site:
            for _ in range(8):
                site.start_agent()
                site.expect_delivery()  # Its access token has been used.
                site.kill_agent()
            site.start_agent()
            site.expect_delivery()
            self.assertEqual(site.books(), (9, 0))

    def test_kill_amid_a_log_in_costs_one_family_at_most(self):
        chance = random.Random()
        with TokenSite(5) as site:
            for _ in range(4):
                site.start_agent(wait=False)
                time.sleep(chance.uniform(0.0, 0.25))
                site.kill_agent()
            site.start_agent()
            site.expect_delivery()
            self.assertLessEqual(site.books()[1], 4)

    def test_answer_that_is_lost_costs_a_family_and_the_next_goes_on(self):
        with TokenSite(2) as site:
            site.faults(cut_after_commit={"on": "token", "count": 1})
            site.start_agent()
            site.expect_delivery()
            self.assertEqual(site.books(), (2, 1))
            status = site.org_status()
            self.assertEqual((status["refresh_tokens"], status["refresh_tokens_left"]), (2, 1))
            self.assertIn("the org ended a refresh token", site.agent_log())

    def test_without_another_family_the_reason_names_the_setting_and_a_reload_helps(self):
        with TokenSite(2) as site:
            site.write_tokens([0])  # The org knows a second one, the gateway does not yet.
            site.faults(cut_after_commit={"on": "token", "count": 1})
            site.start_agent()
            site.send()
            error = wait_until(
                lambda: (site.org_status().get("last_error") or {}).get("api_code") and
                site.org_status()["last_error"], 60, "a reason in status")
            self.assertIn("auth.refresh_token_file", json.dumps(error))
            refused = site.audit()["logins_refused"]
            self.assertLessEqual(refused, 2)
            site.write_tokens([0, 1])
            site.agent.send_signal(signal.SIGHUP)
            site.expect_all()

    def test_tokens_are_not_readable_on_flash_nor_in_the_log(self):
        with TokenSite(1) as site:
            site.start_agent()
            site.expect_delivery()
            site.stop_agent()
            files = site.kept()
            self.assertEqual(len(files), 1)
            self.assertEqual(os.stat(files[0]).st_mode & 0o077, 0)
            for folder, _, names in os.walk(site.path("state")):
                for name in names:
                    with open(os.path.join(folder, name), "rb") as file:
                        self.assertNotIn(b"5Aep", file.read(), name)
            self.assertNotIn("5Aep", site.agent_log())

    def test_all_outputs_share_one_log_in(self):
        with TokenSite(1) as site:
            site.start_agent()
            account = site.publish(devices=20, tills=4, rate=400, seconds=2)
            for _ in range(3):
                site.expire()
                more = site.publish(devices=20, tills=4, rate=400, seconds=1)
                self.assertGreater(more["published"], 0)
            site.wait_delivered(account)
            refreshes, reuses = site.books()
            self.assertEqual(reuses, 0)
            self.assertLessEqual(refreshes, 4)

    def test_connection_that_a_reload_opens_anew_takes_the_token_over(self):
        with TokenSite(1) as site:
            site.start_agent()
            for seconds in range(100, 104):
                site.expect_delivery()
                site.config["connections"]["crm"]["request_timeout"] = "%ds" % seconds
                site.write_config(site.config)
                site.expire()
                site.send()
                code, _, text = site.command("reload", "--config", site.path("sfedge.json"))
                self.assertEqual(code, 0, text)
                site.expect_all()
            self.assertEqual(site.books()[1], 0)

    def test_damaged_token_is_told_and_the_next_family_goes_on(self):
        with TokenSite(2) as site:
            site.start_agent()
            site.expect_delivery()
            site.stop_agent()
            with open(site.kept()[0], "r+b") as file:
                file.seek(50)
                byte = file.read(1)
                file.seek(50)
                file.write(bytes([byte[0] ^ 1]))
            site.start_agent()
            site.expect_delivery()
            self.assertIn("a refresh token is lost", site.agent_log())

    def test_doctor_leaves_the_token_alone(self):
        with TokenSite(1) as site:
            site.start_agent()
            site.expect_delivery()
            _, text, more = site.command("doctor", "--config", site.path("sfedge.json"))
            self.assertIn("one user alone", text + more)
            self.assertEqual(site.books(), (1, 0))


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
