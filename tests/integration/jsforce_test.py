"""The simulated org as a client sees it that no one here wrote: jsforce, from npm."""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
VERSION = "62.0"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Jsforce(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("npm") or not shutil.which("node"):
            raise unittest.SkipTest("npm is not there: jsforce is not tried")

    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.folder = self.site.path("jsforce")
        os.makedirs(self.folder)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
                               "jsforce@3"], cwd=self.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300, check=False)
        if done.returncode != 0:
            self.skipTest("npm cannot install jsforce: " + done.stdout.decode()[-200:])

    def assertion(self):
        """A JWT signed with the key of the app's certificate, as the agent makes them."""
        claims = {"iss": parts.CONSUMER_KEY, "sub": parts.USERNAME, "aud": parts.AUDIENCE,
                  "exp": int(time.time()) + 120}
        text = ".".join(base64url(json.dumps(part).encode())
                        for part in ({"alg": "RS256"}, claims))
        signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.site.path("crm.key")],
                                input=text.encode(), stdout=subprocess.PIPE, check=True)
        return text + "." + base64url(signed.stdout)

    def run_client(self):
        plan = {"assertion": self.assertion(), "clientId": parts.CONSUMER_KEY,
                "clientSecret": "geheim", "version": VERSION}
        done = subprocess.run(
            ["node", os.path.join(HERE, "jsforce_client.mjs"), self.folder,
             "http://127.0.0.1:%d" % self.site.org_port, json.dumps(plan)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=180, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode()[-4000:])
        return json.loads(done.stdout)

    def test_log_in_records_collections_and_queries_work_and_refusals_have_their_codes(self):
        with open(self.site.path("secret"), "w", encoding="utf-8") as file:
            file.write("geheim\n")
        self.site.start_org("--client-secret-file", self.site.path("secret"))
        seen = self.run_client()
        self.assertIn(VERSION, seen["versions"])
        wanted = {"badAssertion": "invalid_grant", "badSession": "INVALID_SESSION_ID",
                  "noObject": "NOT_FOUND", "deleted": "ENTITY_IS_DELETED",
                  "tooLong": "STRING_TOO_LONG", "noField": "INVALID_FIELD",
                  "duplicate": "DUPLICATE_VALUE", "oneBad": "STRING_TOO_LONG",
                  "rolledBack": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "pages": 3,
                  "badQuery": "MALFORMED_QUERY", "badColumn": "INVALID_FIELD",
                  "badObject": "INVALID_TYPE", "badLocator": "INVALID_QUERY_LOCATOR",
                  "revoked": "INVALID_SESSION_ID"}
        self.assertEqual({name: seen[name] for name in wanted}, wanted)
        self.assertEqual(self.site.object_audit("DeviceReading__c")["records"], 4200)
        if not seen["bulk"]:
            print("Bulk API 2.0 was not tried: this org has no jobs/ingest")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[2:])
