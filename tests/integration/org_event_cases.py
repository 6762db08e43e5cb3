"""The simulated org: the Streaming API, message by message."""
import json
import time

from org_driver import OrgTest

CHANNEL = "/event/Alert__e"


class Client:
    """One CometD session; sends what it is told, right or wrong."""

    def __init__(self, org, **handshake):
        self.org, self.cookie, self.id, self.number = org, "", None, 0
        answer = self.post({"channel": "/meta/handshake", "version": "1.0",
                            "supportedConnectionTypes": ["long-polling"],
                            "ext": {"replay": True}, **handshake})
        self.cookie = "; ".join(value.split(";")[0]
                                for value in answer.headers.get_all("Set-Cookie") or [])
        self.greeting = answer.json[0]
        self.id = self.greeting.get("clientId")

    def post(self, *messages, path="/cometd/62.0", **headers):
        if self.cookie:
            headers.setdefault("Cookie", self.cookie)
        return self.org.call("POST", path, list(messages), **headers)

    def send(self, channel, **more):
        self.number += 1
        return self.post({"channel": channel, "clientId": self.id, "id": str(self.number),
                          **more}).json

    def poll(self, **more):
        return self.send("/meta/connect", connectionType="long-polling", **more)

    def subscribe(self, replay, channel=CHANNEL):
        return self.send("/meta/subscribe", subscription=channel,
                         ext={"replay": {channel: replay}})


def keys(messages):
    return [one["data"]["payload"]["Key__c"] for one in messages if "data" in one]


class Events(OrgTest):
    def setUp(self):
        super().setUp()
        self.set(poll_ms=300, session_ms=30000)

    def set(self, **how):
        self.assertEqual(self.org.control("POST", "events", how).status, 200)

    def publish(self, *names):
        for name in names:
            self.assertEqual(self.org.call("POST", "sobjects/Alert__e", {"Key__c": name}).status,
                             201)

    def open(self, replay=-1):
        client = Client(self.org)
        self.assertTrue(client.poll()[0]["successful"])
        self.assertTrue(client.subscribe(replay)[-1]["successful"])
        return client

    def test_a_handshake_says_what_is_supported_and_the_first_poll_is_not_held(self):
        self.set(poll_ms=20000)
        client = Client(self.org)
        self.assertTrue(client.greeting["successful"])
        self.assertEqual(client.greeting["supportedConnectionTypes"], ["long-polling"])
        self.assertTrue(client.greeting["ext"]["replay"])
        self.assertIn("BAYEUX_BROWSER=", client.cookie)
        answer = client.poll()
        self.assertEqual(answer[0]["advice"]["reconnect"], "retry")
        self.assertEqual(answer[0]["advice"]["timeout"], 20000)
        self.assertEqual(answer[0]["id"], "1")

    def test_a_handshake_of_another_version_or_without_replay_is_refused(self):
        for wrong in ({"version": "2.0"}, {"ext": {}}):
            answer = Client(self.org, **wrong).greeting
            self.assertFalse(answer["successful"])
            self.assertEqual(answer["advice"], {"reconnect": "none"})

    def test_a_poll_is_held_until_its_time_is_over_or_an_event_comes(self):
        client = self.open()
        begun = time.monotonic()
        self.assertEqual(keys(client.poll()), [])
        self.assertGreater(time.monotonic() - begun, 0.25)
        begun = time.monotonic()
        self.assertEqual(keys(client.poll(advice={"timeout": 0})), [])
        self.publish("a", "b")
        answer = client.poll()
        self.assertEqual(keys(answer), ["a", "b"])
        self.assertEqual(answer[-1]["channel"], "/meta/connect")
        self.assertEqual(keys(client.poll(advice={"timeout": 0})), [])

    def test_replay_goes_on_from_the_oldest_from_now_or_behind_an_id(self):
        self.publish("a", "b", "c")
        client = Client(self.org)
        client.poll()
        old = client.subscribe(-2)
        self.assertEqual(keys(old), ["a", "b", "c"])
        ids = [one["data"]["event"]["replayId"] for one in old if "data" in one]
        self.assertEqual(ids, sorted(set(ids)))
        self.assertEqual(len({one["data"]["event"]["EventUuid"] for one in old if "data" in one}),
                         3)
        self.assertEqual(keys(self.open(-1).poll(advice={"timeout": 0})), [])
        for replay, wanted in ((ids[0], ["b", "c"]), (ids[2], [])):
            other = Client(self.org)
            other.poll()
            self.assertEqual(keys(other.subscribe(replay)), wanted)

    def test_an_id_that_is_not_known_is_refused_by_its_number(self):
        self.publish("a")
        last = self.org.control("GET", "events").json["last_replay"]
        client = Client(self.org)
        client.poll()
        self.set(forget_ids=True)
        for replay in (last, 999999, -3, "x"):
            answer = client.subscribe(replay)[0]
            self.assertFalse(answer["successful"])
            self.assertIn("400::The replayId {%s} you provided was invalid." % replay,
                          answer["error"])
            self.assertEqual(answer["subscription"], CHANNEL)
        self.assertEqual(keys(client.subscribe(-2)), ["a"])

    def test_a_channel_that_is_not_there_is_refused(self):
        client = Client(self.org)
        client.poll()
        answer = client.subscribe(-1, "/event/Missing__e")[0]
        self.assertEqual(answer["error"], "400::The channel you requested to subscribe to does not "
                                          "exist {/event/Missing__e}")

    def test_who_does_not_poll_or_is_not_known_has_to_shake_hands_again(self):
        client = self.open()
        self.set(session_ms=100)
        client.poll()
        while self.org.control("GET", "events").json["clients"] != 0:
            time.sleep(0.01)
        self.set(session_ms=30000)
        for one in (client.poll(), client.subscribe(-1)):
            self.assertEqual(one[0]["error"], "403::Unknown client")
            self.assertEqual(one[0]["advice"], {"reconnect": "handshake", "interval": 0})
        client = self.open()
        self.assertTrue(client.send("/meta/disconnect")[0]["successful"])
        self.assertEqual(client.poll()[0]["error"], "403::Unknown client")

    def test_without_its_cookie_a_session_is_nobodys(self):
        client = self.open()
        client.cookie = "BAYEUX_BROWSER=other"
        self.assertIn("no BAYEUX_BROWSER cookie", client.poll()[0]["error"])

    def test_a_token_that_ended_ends_the_poll_that_is_held_too(self):
        client = self.open()
        self.org.control("POST", "expire-tokens")
        answer = client.poll()[0]
        self.assertEqual(answer["error"], "401::Authentication invalid")
        self.assertEqual(answer["advice"]["reconnect"], "none")
        answer = Client(self.org).greeting
        self.assertEqual(answer["error"], "403::Handshake denied")
        self.assertEqual(answer["ext"]["sfdc"]["failureReason"], "401::Authentication invalid")
        answer = client.post({"channel": "/meta/handshake"}, Authorization="").json[0]
        self.assertEqual(answer["error"], "401::Request requires authentication")
        self.org.login()
        client = self.open()
        connection = self.org.connect()
        connection.request("POST", "/cometd/62.0", json.dumps([
            {"channel": "/meta/connect", "clientId": client.id,
             "connectionType": "long-polling"}]),
                           {"Authorization": "Bearer " + self.org.token, "Cookie": client.cookie})
        while self.org.control("GET", "events").json["polls"] == 0:
            time.sleep(0.01)
        self.org.control("POST", "expire-tokens")
        answer = json.loads(connection.getresponse().read())[0]
        connection.close()
        self.assertEqual(answer["error"], "401::Authentication invalid")

    def test_what_is_no_list_of_messages_is_refused_whole(self):
        self.org.login()
        for path, body, status in (("/cometd/", "[{}]", 400), ("/cometd/36.0", "[{}]", 400),
                                   ("/cometd/62.0", "{}", 400), ("/cometd/62.0", "[]", 400),
                                   ("/cometd/62.0", "[{", 400)):
            answer = self.org.call("POST", path, body)
            self.assertEqual(answer.status, status, (path, body))
            self.assertFalse(answer.json[0]["successful"])
        self.assertEqual(self.org.call("GET", "/cometd/62.0").status, 400)
        client = Client(self.org)
        answer = client.send("/meta/connect", connectionType="websocket")[0]
        self.assertEqual(answer["error"], "400::Invalid connection type")
        self.assertEqual(client.send("/meta/other")[0]["error"], "400::Unknown channel")

    def test_clients_and_channels_are_limited(self):
        self.set(session_ms=30000)
        clients = [Client(self.org) for _ in range(65)]
        self.assertTrue(clients[63].greeting["successful"])
        self.assertEqual(clients[64].greeting["ext"]["sfdc"]["failureReason"],
                         "403::Organization concurrent user limit exceeded")
        clients[0].poll()
        for number in range(17):
            answer = clients[0].subscribe(-1, "/u/c%d" % number)[0]
            self.assertEqual(answer["successful"], number < 16, answer)
        self.assertEqual(answer["error"], "403::Subscription limit exceeded")

    def test_a_body_that_is_too_large_is_refused(self):
        self.org.login()
        connection = self.org.connect()
        connection.putrequest("POST", "/cometd/62.0")
        connection.putheader("Authorization", "Bearer " + self.org.token)
        connection.putheader("Content-Length", str(1 << 40))
        connection.endheaders()
        self.assertEqual(connection.getresponse().status, 413)
        connection.close()
