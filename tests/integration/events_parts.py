"""A site whose gateway subscribes to events of the org, and what publishes them."""

import http.client
import json

from site_parts import Site, wait_until

BASE = "/services/data/v62.0/"


class EventsSite(Site):
    """Commands (a platform event), changes of devices, and generic news; no broker."""

    def __init__(self, build, **connection):
        super().__init__(build)
        config = self.default_config()
        config["connections"]["crm"].update(connection)
        del config["connections"]["site"]
        config["streams"] = {"commands": {"quota": "16MiB"}, "changes": {}}
        config["inputs"] = {
            "commands": {"type": "salesforce-events", "connection": "crm", "stream": "commands",
                         "channel": "/event/DeviceCommand__e"},
            "changes": {"type": "salesforce-events", "connection": "crm", "stream": "changes",
                        "channel": "/data/Device__ChangeEvent"}}
        config["outputs"] = {}
        self.write_config(config)
        self.number = 0
        self.token = None
        self.keys = []

    def start(self, *more):
        self.start_org("--client-secret-file", self.secret(), *more)
        self.control("POST", "events", {"poll_ms": 1000, "session_ms": 5000})
        self.start_agent()

    def secret(self):
        with open(self.path("secret"), "w", encoding="utf-8") as file:
            file.write("geheim")
        return self.path("secret")

    def log_in(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.org_port, timeout=60)
        connection.request("POST", "/services/oauth2/token",
                           "grant_type=client_credentials&client_id=3MVG9.test.site"
                           "&client_secret=geheim",
                           {"Content-Type": "application/x-www-form-urlencoded"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        self.token = answer["access_token"]

    def call(self, method, path, body):
        """A call of another client of the org."""
        for _ in range(2):
            if self.token is None:
                self.log_in()
            connection = http.client.HTTPConnection("127.0.0.1", self.org_port, timeout=60)
            connection.request(method, BASE + path, json.dumps(body),
                               {"Content-Type": "application/json",
                                "Authorization": "Bearer " + self.token})
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            if answer.status != 401:
                assert answer.status < 300, (answer.status, text[:300])
                return json.loads(text) if text else None
            self.token = None
        raise AssertionError("no session")

    def publish_commands(self, count):
        """Through Collections, up to 200 a call."""
        while count > 0:
            part = min(count, 100)
            records = []
            for _ in range(part):
                self.number += 1
                self.keys.append("c-%d" % self.number)
                records.append({"attributes": {"type": "DeviceCommand__e"},
                                "CommandKey__c": self.keys[-1], "DeviceId__c": "d-1",
                                "Payload__c": "{\"say\":\"\u00e4\"}", "Level__c": self.number})
            results = self.call("POST", "composite/sobjects",
                                {"allOrNone": False, "records": records})
            assert all(result["success"] for result in results), results
            count -= part

    def change_device(self, device, status):
        self.call("PATCH", "sobjects/Device__c/DeviceId__c/" + device, {"Status__c": status})

    def events(self, stream="commands"):
        """What the stream holds, as the command shows it."""
        code, text, err = self.command("stream", "cat", stream, "--config",
                                       self.path("sfedge.json"), "--json")
        assert code == 0, err
        return [json.loads(line) for line in text.split("\n") if line]

    def durable(self, stream="commands"):
        status = self.status()
        if not status:
            return -1
        return [one["durable_sequence"] for one in status["streams"] if one["name"] == stream][0]

    def link(self):
        return self.status()["links"][0]

    def input(self, name):
        return [one for one in self.status()["inputs"] if one["name"] == name][0]

    def bus(self):
        return self.control("GET", "events")

    def wait_taken(self, seconds=60):
        wait_until(lambda: self.durable() >= len(self.keys), seconds,
                   "%d events are in the stream" % len(self.keys))

    def payloads(self, stream="commands"):
        return [json.loads(event["payload"]) if isinstance(event["payload"], str)
                else event["payload"] for event in self.events(stream)]

    def check_exactly_once(self):
        """Each command that was published is in the stream, once, and in order."""
        taken = [payload["payload"]["CommandKey__c"] for payload in self.payloads()
                 if "payload" in payload]
        missing = set(self.keys) - set(taken)
        assert not missing, "%d missing, such as %s" % (len(missing), sorted(missing)[:5])
        assert len(taken) == len(set(taken)), "%d came twice" % (len(taken) - len(set(taken)))
        assert taken == self.keys, "out of order"
