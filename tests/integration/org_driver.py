"""Starts the real sfedge-org and talks to it; what its tests share."""
import base64
import contextlib
import gzip
import http.client
import json
import os
import signal
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.parse

CLIENT = "3MVG9.test"
USER = "edge@acme.example"
AUDIENCE = "https://login.salesforce.com"
SECRET = "s3cret+/="
BASE = "/services/data/v62.0/"

OBJECTS = {
    "objects": {
        "Reading__c": {
            "fields": {
                "ReadingId__c": {"type": "string", "length": 20, "external_id": True, "unique": True},
                "DeviceId__c": {"type": "string", "length": 80, "required": True},
                "Value__c": {"type": "double", "precision": 8, "scale": 3},
                "Seq__c": {"type": "double", "precision": 18, "scale": 0},
                "At__c": {"type": "datetime"},
                "Day__c": {"type": "date"},
                "Ok__c": {"type": "boolean"},
                "Count__c": {"type": "int"},
                "State__c": {"type": "picklist", "values": ["RUN", "STOP"], "restricted": True},
                "Mail__c": {"type": "email"},
                "Serial__c": {"type": "string", "length": 40, "unique": True},
                "Total__c": {"type": "double", "read_only": True},
            },
            "order": {"key": "DeviceId__c", "sequence": "Seq__c"},
        },
        "Sale__c": {
            "fields": {
                "SaleId__c": {"type": "string", "length": 40, "external_id": True, "unique": True,
                              "case_sensitive": True},
                "Store__c": {"type": "string", "length": 40},
            }
        },
        "Line__c": {
            "fields": {
                "LineId__c": {"type": "string", "length": 40, "external_id": True, "unique": True},
                "Sale__c": {"type": "reference", "to": "Sale__c", "relationship": "Sale__r"},
                "Sku__c": {"type": "string", "length": 40},
            }
        },
        "Alert__e": {"fields": {"Key__c": {"type": "string", "length": 40, "external_id": True}}},
        "Loose__c": {
            "fields": {
                "Key__c": {"type": "string", "length": 40, "external_id": True},
                "Note__c": {"type": "string", "length": 40},
            }
        },
    }
}


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class Place:
    """The binary, keys, certificates and objects.json, made once."""

    binary = ""
    directory = None

    @classmethod
    def open(cls):
        cls.directory = tempfile.TemporaryDirectory()
        for name in ("app", "other"):
            cls.certificate(name)
        run = subprocess.run(["openssl", "x509", "-in", cls.path("app.crt"), "-pubkey", "-noout"],
                             check=True, capture_output=True)
        cls.write("app.pub", run.stdout)
        cls.write("objects.json", json.dumps(OBJECTS).encode())
        cls.write("secret", SECRET.encode() + b"\n")

    @classmethod
    def certificate(cls, name):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-keyout", cls.path(name + ".key"), "-out", cls.path(name + ".crt"),
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                       check=True, capture_output=True)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.directory.name, name)

    @classmethod
    def write(cls, name, data):
        with open(cls.path(name), "wb") as file:
            file.write(data)


def assertion(key="app", header=None, padded=False, **changes):
    claims = {"iss": CLIENT, "sub": USER, "aud": AUDIENCE, "exp": int(time.time()) + 180}
    claims.update(changes)
    claims = {name: value for name, value in claims.items() if value is not None}
    head = base64url(json.dumps(header or {"alg": "RS256"}).encode())
    text = head + b"." + base64url(json.dumps(claims).encode())
    run = subprocess.run(["openssl", "dgst", "-sha256", "-sign", Place.path(key + ".key")],
                         input=text, check=True, capture_output=True)
    signature = base64.urlsafe_b64encode(run.stdout)
    return (text + b"." + (signature if padded else signature.rstrip(b"="))).decode()


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.raw = response.read()
        self.text = self.raw
        if self.headers.get("Content-Encoding") == "gzip":
            self.text = gzip.decompress(self.raw)

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def code(self):
        return self.json[0]["errorCode"]


class Org:
    def __init__(self, *options, tls=False, certificate="app.crt"):
        self.tls = tls
        self.port_file = Place.path("port")
        if os.path.exists(self.port_file):
            os.remove(self.port_file)
        command = [Place.binary, "--objects", Place.path("objects.json"), "--port-file", self.port_file,
                   "--client-id", CLIENT, "--username", USER, "--client-secret-file",
                   Place.path("secret"), "--certificate", Place.path(certificate), *options]
        if tls:
            command += ["--tls-cert", Place.path("app.crt"), "--tls-key", Place.path("app.key")]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        deadline = time.time() + 20
        while not os.path.exists(self.port_file):
            if self.process.poll() is not None or time.time() > deadline:
                raise RuntimeError("sfedge-org did not start")
            time.sleep(0.005)
        with open(self.port_file, encoding="ascii") as file:
            self.port = int(file.read())
        self.connection = None
        self.token = None

    def connect(self, timeout=20):
        if self.tls:
            context = ssl.create_default_context(cafile=Place.path("app.crt"))
            return http.client.HTTPSConnection("localhost", self.port, timeout=timeout,
                                               context=context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.connection is None:
            self.connection = self.connect()
        try:
            self.connection.request(method, path, body, headers)
            return Answer(self.connection.getresponse())
        except Exception:
            self.connection.close()
            self.connection = None
            raise

    def ask_token(self, **form):
        body = urllib.parse.urlencode(form)
        return self.request("POST", "/services/oauth2/token", body,
                            Content_Type="application/x-www-form-urlencoded")

    def ask_jwt(self, jwt):
        return self.ask_token(grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
                              assertion=jwt)

    def login(self):
        answer = self.ask_token(grant_type="client_credentials", client_id=CLIENT,
                                client_secret=SECRET)
        self.token = answer.json["access_token"]

    def call(self, method, path, body=None, **headers):
        if self.token is None:
            self.login()
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            headers.setdefault("Content_Type", "application/json; charset=UTF-8")
        headers.setdefault("Authorization", "Bearer " + self.token)
        return self.request(method, path if path.startswith("/") else BASE + path, body, **headers)

    def upsert(self, records, key="ReadingId__c", object="Reading__c", **more):
        full = [dict({"attributes": {"type": object}}, **record) for record in records]
        return self.call("PATCH", "composite/sobjects/%s/%s" % (object, key),
                         dict({"records": full}, **more))

    def control(self, method, path, body=None):
        body = None if body is None else json.dumps(body)
        connection = self.connect()
        connection.request(method, "/control/" + path, body, {"X-Control": "yes"})
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def faults(self, **faults):
        answer = self.control("POST", "faults", faults)
        if answer.status != 200:
            raise RuntimeError(answer.text)

    def audit(self, query=""):
        return self.control("GET", "audit" + query).json

    def stop(self):
        if self.connection is not None:
            self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def kill(self):
        if self.connection is not None:
            self.connection.close()
        self.process.kill()
        self.process.wait(20)


@contextlib.contextmanager
def running(*options, **more):
    """An org for one test, which must end with 0; never left behind."""
    org = Org(*options, **more)
    try:
        yield org
        code = org.stop()
        if code != 0:
            raise AssertionError("sfedge-org ended with %d" % code)
    finally:
        org.kill()


def reading(number, **fields):
    return dict({"ReadingId__c": "R%d" % number, "DeviceId__c": "d-1", "Seq__c": number}, **fields)


class OrgTest(unittest.TestCase):
    options = ()

    def setUp(self):
        self.org = Org(*self.options)
        self.addCleanup(self.org.kill)

    def tearDown(self):
        self.assertEqual(self.org.stop(), 0)

    def failure(self, answer, at=0):
        self.assertEqual(answer.status, 200, answer.text)
        result = answer.json[at]
        self.assertFalse(result["success"], answer.text)
        return result["errors"][0]

    def assert_fails(self, fields, code, text):
        """One record with `fields` fails alone; its neighbour is written."""
        answer = self.org.upsert([reading(1, **fields), reading(2)])
        error = self.failure(answer)
        self.assertEqual(error["statusCode"], code)
        self.assertIn(text, error["message"])
        self.assertTrue(answer.json[1]["success"])

    def assert_refused(self, fields, code, text):
        """The whole call is refused and nothing is written."""
        answer = self.org.upsert([reading(1), reading(2, **fields)])
        self.assertEqual(answer.status, 400)
        self.assertEqual(answer.code, code)
        self.assertIn(text, answer.json[0]["message"])
        self.assertEqual(self.org.audit()["objects"]["Reading__c"]["records"], 0)
