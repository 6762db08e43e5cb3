"""The hub by its example, config/examples/sale-steps.json: a closed sale through departments that each have a server of
their own and answers that get lost, while the agent is killed. Audited by what each server did, key by key, and by what
the display was sent."""

import json
import random
import sys
import threading
import time
import unittest

import site_parts as parts
from http_output_test import Server, answer
from mqtt_output_test import Audit
from steps_test import example

BUILD = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())


class Department:
    """A server that does each thing once, by its Idempotency-Key, and whose answers may be lost."""

    def __init__(self, decide, seed):
        self.decide = decide
        self.chance = random.Random(seed)
        self.trouble = 0.0  # How likely each of three kinds is.
        self.lock = threading.Lock()
        self.done = {}  # (path, key) -> (status, what it was asked for, what it said)
        self.repeats = 0
        self.wrong = []
        self.server = Server()
        self.server.behave = self.behave

    def behave(self, request, _wire):
        what = (request.path, request.headers["Idempotency-Key"])
        body = json.loads(request.body)
        with self.lock:
            luck = self.chance.random()
            if luck < self.trouble:
                return answer(503)
            if luck < 2 * self.trouble:
                return None  # Nothing was done, and nobody is told.
            if what not in self.done:
                self.done[what] = (*self.decide(request.path, body), body)
            elif self.done[what][2] != body:
                self.wrong.append("another thing under the same key: %r" % (body,))
            else:
                self.repeats += 1
            status, said, _ = self.done[what]
        return None if luck < 3 * self.trouble else answer(status, json.dumps(said).encode())

    def accepted(self, path):
        """What was done, of one kind."""
        with self.lock:
            return [body for (at, _), (status, _, body) in self.done.items()
                    if at == path and status == 201]


class Hub(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.invoices = {}  # By the number of the document.
        self.departments = {}
        for number, (name, decide) in enumerate((("accounting", self.book), ("billing", self.bill),
                                                 ("shipping", self.ship))):
            self.departments[name] = Department(decide, SEED + number)
            self.addCleanup(self.departments[name].server.close)
        config = example("sale-steps.json")
        del config["$schema"]
        config["agent"]["state"] = "state"
        config["connections"]["site"]["url"] = "mqtt://127.0.0.1:%d" % self.site.broker_port
        for output in config["outputs"].values():
            for name, department in self.departments.items():
                if output.get("url", "").startswith("https://%s.lan/" % name):
                    output["url"] = output["url"].replace("https://%s.lan" % name,
                                                          department.server.url())
        self.site.write_config(config)
        self.site.start_broker()
        self.display = Audit(self.site, "display/#")
        self.addCleanup(self.display.close)

    def book(self, path, body):
        if path == "/credits":
            return 201, {}
        if body["cur"] != "EUR":
            return 422, {"why": "unknown currency"}
        self.invoices[body["docNo"]] = "I-%d" % (len(self.invoices) + 1)
        return 201, {"invoice": self.invoices[body["docNo"]]}

    def confirmed(self, invoice, who):
        if invoice not in list(self.invoices.values()):
            self.departments[who].wrong.append("before its invoice: %s" % invoice)

    def bill(self, _path, body):
        self.confirmed(body["invoice_ref"], "billing")
        return 201, {}

    def ship(self, _path, body):
        self.confirmed(body["Invoice"], "shipping")
        return (422, {"why": "no such place"}) if body["Address"]["Line1"] == "nowhere" else (201, {})

    @staticmethod
    def sale(number):
        sale = {"sale_id": "S-%d" % number, "status": "open" if number % 5 == 4 else "closed",
                "total": "%d.50" % number, "currency": "EURO" if number % 7 == 3 else "EUR"}
        if number % 2 == 0:
            sale["bill_to"] = "C-%d" % number
        if number % 3 != 0:
            sale["ship_to"] = "nowhere" if number % 11 == 5 else "Main St %d" % number
        return sale

    def check_server(self, name, path, wanted):
        """Each once, and no other: `wanted` is in the department's own words."""
        found = self.departments[name].accepted(path)
        self.assertEqual(self.departments[name].wrong, [])
        self.assertCountEqual([json.dumps(body, sort_keys=True) for body in found],
                              [json.dumps(body, sort_keys=True) for body in wanted])

    def check(self, sales):
        closed = [sale for sale in sales if sale["status"] == "closed"]
        good = [sale for sale in closed if sale["currency"] == "EUR"]
        self.check_server("accounting", "/invoices", [
            {"docNo": sale["sale_id"], "till": self.till(sale), "amt": float(sale["total"]),
             "cur": "EUR"} for sale in good])
        self.check_server("billing", "/bills", [
            {"payer": sale["bill_to"], "due": float(sale["total"]),
             "invoice_ref": self.invoices[sale["sale_id"]]} for sale in good if "bill_to" in sale])
        self.check_server("shipping", "/orders", [
            {"OrderRef": sale["sale_id"], "Address": {"Line1": sale["ship_to"]},
             "Invoice": self.invoices[sale["sale_id"]]}
            for sale in good if sale.get("ship_to", "nowhere") != "nowhere"])
        credits = self.departments["accounting"].accepted("/credits")
        self.assertTrue(all("422" in credit.pop("why") for credit in credits))
        self.assertCountEqual([(credit["docNo"], credit["invoice"]) for credit in credits], [
            (sale["sale_id"], self.invoices[sale["sale_id"]])
            for sale in good if sale.get("ship_to") == "nowhere"])
        shown = {}
        for topic, event_id, payload in self.display.messages():
            self.assertEqual(shown.setdefault((topic, payload), event_id), event_id)
        self.assertEqual(set(shown), {
            ("display/" + self.till(sale), "%s paid: %s" % (sale["sale_id"],
                                                            self.invoices[sale["sale_id"]])
             if sale in good else "%s declined: HTTP-422" % sale["sale_id"]) for sale in closed})

    @staticmethod
    def till(sale):
        return "till%d" % (int(sale["sale_id"][2:]) % 3)

    def is_settled(self, closed):
        status = self.site.status()
        outputs = {output["name"]: output for output in (status or {"outputs": []})["outputs"]}
        return (outputs and all(output["backlog"] == 0 for output in outputs.values()) and
                len({payload for _, _, payload in self.display.messages()}) >= closed)

    def send(self, sales):
        for till in range(3):
            self.site.publish_lines("pos/till%d/sale" % till, [
                json.dumps(sale) for sale in sales if self.till(sale) == "till%d" % till])

    def test_each_step_is_taken_once_and_after_the_one_before_whatever_is_killed(self):
        print("hub_test seed %d" % SEED, flush=True)
        chance = random.Random(SEED)
        self.site.start_agent()
        sales = []
        for kill in range(5):
            for department in self.departments.values():
                department.trouble = chance.choice((0.0, 0.02, 0.1))
            more = [self.sale(len(sales) + number) for number in range(30)]
            invoices = len(self.invoices)
            self.send(more)
            sales += more
            parts.wait_until(lambda: len(self.invoices) > invoices, 30, "some are under way")
            time.sleep(chance.uniform(0, 0.2))
            self.site.kill_agent()
            self.site.start_agent(wait=kill % 2 == 0)
        for department in self.departments.values():
            department.trouble = 0.0
        closed = sum(sale["status"] == "closed" for sale in sales)
        parts.wait_until(lambda: self.is_settled(closed), 120, "all steps are taken")
        self.check(sales)
        print("requests repeated: %s" % {name: department.repeats for name, department in
                                         self.departments.items()}, flush=True)
        self.assertEqual(self.site.stop_agent(), 0)

    def test_try_shows_every_step_where_it_is_told_what_servers_answer(self):
        words = ["try", "-c", self.site.path("sfedge.json"), "--json", "--topic", "pos/till3/sale",
                 "--payload", json.dumps(self.sale(2)), "--answer"]
        code, text, error = self.site.command(*words, '{"invoice":"I-7"}')
        self.assertEqual(code, 0, text + error)
        requests = json.loads(text)["requests"]
        self.assertEqual([request["path"].rsplit("/", 1)[1] for request in requests],
                         ["invoices", "bills", "orders", "till3"])
        self.assertEqual(requests[1]["body"], {"payer": "C-2", "due": 2.5, "invoice_ref": "I-7"})
        self.assertIn("S-2 paid: I-7", json.dumps(requests[3]))
        self.assertEqual(len({request["headers"]["Idempotency-Key"] for request in requests[:2]}), 2)
        code, text, _ = self.site.command(*words, "{}")
        self.assertNotEqual(code, 0)
        self.assertIn("no value at /answer/body/invoice", text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
