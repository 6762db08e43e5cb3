"""Log-in, sessions and the command line of sfedge-org."""
import base64
import subprocess
import time
import unittest
import urllib.parse

from org_driver import (AUDIENCE, CLIENT, SECRET, USER, OrgTest, Place, assertion, running)


class Login(OrgTest):
    def refused(self, jwt, error, description, status=400):
        answer = self.org.ask_jwt(jwt)
        self.assertEqual((answer.status, answer.json["error"], answer.json["error_description"]),
                         (status, error, description))

    def test_a_signed_assertion_gets_a_token_without_expires_in(self):
        answer = self.org.ask_jwt(assertion())
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json["token_type"], "Bearer")
        self.assertEqual(answer.json["instance_url"], "http://127.0.0.1:%d" % self.org.port)
        self.assertNotIn("expires_in", answer.json)
        self.org.token = answer.json["access_token"]
        self.assertEqual(self.org.call("GET", "limits").status, 200)

    def test_each_login_gets_another_token(self):
        self.assertNotEqual(self.org.ask_jwt(assertion()).json["access_token"],
                            self.org.ask_jwt(assertion()).json["access_token"])
        self.assertEqual(self.org.audit()["logins"], 2)

    def test_a_wrong_key_is_an_invalid_assertion(self):
        self.refused(assertion(key="other"), "invalid_grant", "invalid assertion")

    def test_another_algorithm_is_an_invalid_assertion(self):
        self.refused(assertion(header={"alg": "none"}), "invalid_grant", "invalid assertion")

    def test_padded_base64_is_an_invalid_assertion(self):
        self.refused(assertion(padded=True), "invalid_grant", "invalid assertion")

    def test_rubbish_is_an_invalid_assertion(self):
        for jwt in ("", ".", "..", "a.b.c", "e30.e30."):
            self.refused(jwt, "invalid_grant", "invalid assertion")

    def test_a_wrong_audience_is_told(self):
        for audience in ("https://test.salesforce.com", AUDIENCE + "/"):
            self.refused(assertion(aud=audience), "invalid_grant", "audience is invalid")

    def test_a_past_expiry_is_told(self):
        self.refused(assertion(exp=int(time.time()) - 1), "invalid_grant",
                     "expired authorization code")

    def test_milliseconds_as_expiry_are_refused(self):
        self.refused(assertion(exp=int(time.time() * 1000)), "invalid_grant", "assertion expired")
        self.refused(assertion(exp=None), "invalid_grant", "invalid assertion")
        self.refused(assertion(exp="1"), "invalid_grant", "invalid assertion")

    def test_a_wrong_user_is_not_approved(self):
        self.refused(assertion(sub="x@y.z"), "invalid_grant", "user hasn't approved this consumer")

    def test_a_wrong_consumer_key_is_told(self):
        self.refused(assertion(iss="x"), "invalid_client_id", "client identifier invalid")

    def test_an_assertion_with_jti_is_taken_once(self):
        jwt = assertion(jti="one")
        self.assertEqual(self.org.ask_jwt(jwt).status, 200)
        self.refused(jwt, "invalid_grant", "invalid assertion")

    def test_a_scope_is_refused_with_an_assertion(self):
        answer = self.org.ask_token(grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
                                    assertion=assertion(), scope="api")
        self.assertEqual(answer.json["error"], "invalid_request")

    def test_client_credentials_work_in_the_form_and_as_basic(self):
        answer = self.org.ask_token(grant_type="client_credentials", client_id=CLIENT,
                                    client_secret=SECRET)
        self.assertEqual(answer.status, 200)
        pair = base64.b64encode(("%s:%s" % (CLIENT, SECRET)).encode()).decode()
        answer = self.org.request("POST", "/services/oauth2/token", "grant_type=client_credentials",
                                  Content_Type="application/x-www-form-urlencoded",
                                  Authorization="Basic " + pair)
        self.assertEqual(answer.status, 200)

    def test_a_wrong_secret_is_401(self):
        answer = self.org.ask_token(grant_type="client_credentials", client_id=CLIENT,
                                    client_secret="x")
        self.assertEqual((answer.status, answer.json["error"]), (401, "invalid_client"))
        answer = self.org.ask_token(grant_type="client_credentials", client_id="x",
                                    client_secret=SECRET)
        self.assertEqual((answer.status, answer.json["error"]), (400, "invalid_client_id"))

    def test_other_grants_and_methods_are_refused(self):
        self.assertEqual(self.org.ask_token(grant_type="password").json["error"],
                         "unsupported_grant_type")
        self.assertEqual(self.org.ask_token(x="y").json["error"], "invalid_request")
        self.assertEqual(self.org.request("GET", "/services/oauth2/token").status, 400)
        self.assertEqual(self.org.audit()["logins_refused"], 3)

    def test_a_revoked_token_is_dead(self):
        self.org.login()
        answer = self.org.request("POST", "/services/oauth2/revoke",
                                  urllib.parse.urlencode({"token": self.org.token}),
                                  Content_Type="application/x-www-form-urlencoded")
        self.assertEqual((answer.status, answer.text), (200, b""))
        self.assertEqual(self.org.call("GET", "limits").status, 401)

    def test_userinfo_names_the_user(self):
        self.assertEqual(self.org.call("GET", "/services/oauth2/userinfo")
                         .json["preferred_username"], USER)
        self.assertEqual(self.org.request("GET", "/services/oauth2/userinfo").status, 403)


class PublicKeyLogin(unittest.TestCase):
    def test_a_bare_public_key_verifies_assertions(self):
        with running(certificate="app.pub") as org:
            self.assertEqual(org.ask_jwt(assertion()).status, 200)
            self.assertEqual(org.ask_jwt(assertion(key="other")).status, 400)


class Session(OrgTest):
    options = ("--token-lifetime", "400ms")

    def test_a_bad_token_is_401_with_the_array_and_the_header(self):
        answer = self.org.call("GET", "limits", Authorization="Bearer x")
        self.assertEqual((answer.status, answer.code), (401, "INVALID_SESSION_ID"))
        self.assertEqual(answer.json[0]["message"], "Session expired or invalid")
        self.assertIn("Token", answer.headers["WWW-Authenticate"])
        self.assertEqual(self.org.audit()["api_calls"], 0)

    def test_a_malformed_header_is_told(self):
        answer = self.org.call("GET", "limits", Authorization="Basic eDp5")
        self.assertEqual((answer.status, answer.code), (401, "INVALID_AUTH_HEADER"))

    def test_a_token_dies_of_age(self):
        self.assertEqual(self.org.call("GET", "limits").status, 200)
        time.sleep(0.5)
        self.assertEqual(self.org.call("GET", "limits").status, 401)

    def test_control_kills_all_tokens(self):
        self.assertEqual(self.org.call("GET", "limits").status, 200)
        self.assertEqual(self.org.control("POST", "expire-tokens").json, {"expired": 1})
        self.assertEqual(self.org.call("GET", "limits").status, 401)


class CommandLine(unittest.TestCase):
    def run_binary(self, *arguments):
        return subprocess.run([Place.binary, *arguments], capture_output=True, timeout=20, check=False)

    def test_help_and_version(self):
        run = self.run_binary("--help")
        self.assertEqual(run.returncode, 0)
        self.assertIn(b"--token-lifetime", run.stdout)
        self.assertIn(b"sfedge-org", self.run_binary("--version").stdout)

    def test_wrong_command_lines_end_with_64(self):
        objects = Place.path("objects.json")
        for arguments in ([], ["--nothing"], ["--port"], ["--objects", objects, "--port", "x"],
                          ["--objects", objects], ["--objects", objects, "--token-lifetime", "2"],
                          ["--objects", objects, "--client-id", "x", "--certificate", "y"],
                          ["--objects", objects, "--tls-cert", "x"]):
            run = self.run_binary(*arguments)
            self.assertEqual(run.returncode, 64, arguments)
            self.assertIn(b"sfedge-org: ", run.stderr)

    def test_wrong_files_end_with_78_and_tell_where(self):
        more = ["--client-id", "x", "--client-secret-file", Place.path("secret")]
        for name, text, expected in (
                ("json", b'{"objects":{', b":1:"),
                ("type", b'{"objects":{"X":{"fields":{"A":{"type":"strin"}}}}}', b"/objects/X/fields/A"),
                ("to", b'{"objects":{"X":{"fields":{"A":{"type":"reference","to":"Y"}}}}}', b"\"to\""),
                ("member", b'{"objects":{"X":{"fields":{"A":{"type":"string","lenght":5}}}}}', b"unknown"),
                ("order", b'{"objects":{"X":{"fields":{},"order":{"key":"A","sequence":"B"}}}}', b"order")):
            Place.write(name, text)
            run = self.run_binary("--objects", Place.path(name), *more)
            self.assertEqual(run.returncode, 78, name)
            self.assertIn(expected, run.stderr)
        run = self.run_binary("--objects", Place.path("objects.json"), "--faults", "{", *more)
        self.assertEqual(run.returncode, 78)
        run = self.run_binary("--objects", "/nowhere", *more)
        self.assertEqual(run.returncode, 78)
