"""Steps over two orgs, by the examples in config/examples: each step begins when the one before is confirmed, and
nothing is lost, doubled or too early, whatever is killed."""

import json
import os
import random
import re
import sys
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]
OBJECTS = os.path.join(parts.ROOT, "tests", "integration", "steps_objects.json")
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
FAULTS = [
    {},
    {"status_503": {"probability": 0.3, "retry_after": 1}},
    {"cut_after_commit": {"probability": 0.4}},
    {"cut_before_commit": {"probability": 0.3}},
    {"row_lock": {"probability": 0.1}},
    {"slow": {"ms": 100}},
]


def example(name):
    with open(os.path.join(parts.ROOT, "config", "examples", name), encoding="utf-8") as file:
        text = file.read()
    return json.loads(re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*', lambda found: found.group(1) or "",
                             text))


class Steps(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.second = parts.Site(BUILD)  # Only its org runs.
        self.addCleanup(self.second.close)
        for site in (self.site, self.second):
            site.start_org("--objects", OBJECTS)
        self.site.start_broker()

    def use(self, name, orgs):
        """The example as it stands, but for where its broker and its orgs are."""
        config = example(name)
        del config["$schema"]
        config["agent"]["state"] = "state"
        for connection, settings in config["connections"].items():
            if settings["type"] == "mqtt":
                settings["url"] = "mqtt://127.0.0.1:%d" % self.site.broker_port
                continue
            site = orgs[connection]
            settings["login_url"] = "http://127.0.0.1:%d" % site.org_port
            settings["auth"] = {"client_id": parts.CONSUMER_KEY, "username": parts.USERNAME,
                                "audience": parts.AUDIENCE, "key_file": site.path("crm.key")}
        for output in config["outputs"].values():
            output["batch_age"] = "50ms"
        self.site.write_config(config)
        self.config = config

    def ids(self, site, name):
        return set(site.ids(name)) if site.object_audit(name)["records"] else set()

    def field(self, site, name, external_id, field):
        record = site.record(name, external_id)
        return record.get("fields", record)[field]

    def id_of(self, site, name, external_id):
        record = site.record(name, external_id)
        return record.get("id", record.get("Id"))

    def outputs(self):
        return {output["name"]: output for output in self.site.status()["outputs"]}

    def dead(self):
        return sum(stream["events"] for stream in self.site.status()["streams"]
                   if stream["name"] == "dead")

    def is_settled(self):
        status = self.site.status()
        return bool(status) and all(output["backlog"] == 0 for output in status["outputs"])

    @staticmethod
    def sale(number):
        sale = {"sale_id": "S-%d" % number, "status": "open" if number % 5 == 4 else "closed",
                "total": "%d.50" % number, "currency": "EURO" if number % 7 == 3 else "EUR"}
        if number % 2 == 0:
            sale["bill_to"] = "C-%d" % number
        if number % 3 != 0:
            sale["ship_to"] = "Main St %d" % number
        return sale

    def check_sales(self, count):
        sales = [self.sale(number) for number in range(count)]
        closed = [sale for sale in sales if sale["status"] == "closed"]
        booked = [sale for sale in closed if sale["currency"] == "EUR"]
        finance, logistics = self.site, self.second
        self.assertEqual(self.ids(finance, "Invoice__c"), {sale["sale_id"] for sale in booked})
        self.assertEqual(self.ids(finance, "Bill__c"),
                         {"B-" + sale["sale_id"] for sale in booked if "bill_to" in sale})
        self.assertEqual(self.ids(logistics, "Shipment__c"),
                         {sale["sale_id"] for sale in booked if "ship_to" in sale})
        self.assertEqual(self.ids(logistics, "SaleHold__c"),
                         {sale["sale_id"] for sale in closed if sale["currency"] == "EURO"})
        # What only the confirmation could say stands in the next step, so it came after it.
        for sale in booked[:20]:
            invoice = self.id_of(finance, "Invoice__c", sale["sale_id"])
            for site, name, reference, is_due in (
                    (finance, "Bill__c", "B-" + sale["sale_id"], "bill_to" in sale),
                    (logistics, "Shipment__c", sale["sale_id"], "ship_to" in sale)):
                if is_due:
                    self.assertEqual(self.field(site, name, reference, "InvoiceRecord__c"), invoice)
        for sale in closed:
            if sale["currency"] == "EURO":
                self.assertEqual(self.field(logistics, "SaleHold__c", sale["sale_id"], "Code__c"),
                                 "STRING_TOO_LONG")

    def test_a_closed_sale_is_booked_then_billed_and_shipped_whatever_is_killed(self):
        print("steps_test seed %d" % SEED, flush=True)
        chance = random.Random(SEED)
        self.use("closed-sale.json", {"finance": self.site, "logistics": self.second})
        self.site.start_agent()
        sent = 0
        for kill in range(8):
            for site in (self.site, self.second):
                site.faults(seed=SEED + kill, **chance.choice(FAULTS))
            count = chance.randrange(20, 60)
            self.site.publish_lines("pos/till3/sale", [
                json.dumps(self.sale(number)) for number in range(sent, sent + count)])
            sent += count
            time.sleep(chance.uniform(0.05, 0.6))
            self.site.kill_agent()
            self.site.start_agent(wait=chance.random() < 0.5)
        for site in (self.site, self.second):
            site.faults()
        closed = [sale for sale in map(self.sale, range(sent)) if sale["status"] == "closed"]
        booked = sum(1 for sale in closed if sale["currency"] == "EUR")
        parts.wait_until(lambda: self.is_settled() and
                         len(self.ids(self.site, "Invoice__c")) >= booked and
                         len(self.ids(self.second, "SaleHold__c")) >= len(closed) - booked,
                         120, "all steps are done")
        self.check_sales(sent)
        self.assertEqual(self.site.stop_agent(), 0)

    def test_a_customer_is_activated_only_when_verified_and_waits_for_the_second_org(self):
        self.use("new-customer.json", {"registry": self.site, "services": self.second})
        self.second.faults(down=True)
        self.site.start_agent()
        customers = [{"customer_id": "C-%d" % number, "plan": "fibre-%d" % number,
                      "name": "Ada" if number % 4 else "a name that is too long for it"}
                     for number in range(20)]
        self.site.publish_lines("shop/7/customer", [json.dumps(one) for one in customers])
        good = {one["customer_id"] for one in customers if one["name"] == "Ada"}
        parts.wait_until(lambda: self.ids(self.site, "Verification__c") == good, 60, "verified")
        # The second org is away: it holds up nobody but who goes there.
        parts.wait_until(lambda: self.outputs()["verify"]["backlog"] == 0, 60, "all are answered")
        self.assertEqual(self.outputs()["verify"]["answers"], 20)
        self.site.kill_agent()
        self.assertEqual(self.ids(self.site, "CustomerState__c"), set())
        self.second.faults()
        self.assertEqual(self.ids(self.second, "Service__c"), set())
        self.site.start_agent()
        parts.wait_until(lambda: self.ids(self.site, "CustomerState__c") == good and
                         self.is_settled(), 60, "all are active")
        self.assertEqual(self.ids(self.second, "Service__c"), good)
        self.assertEqual(self.ids(self.second, "Review__c"),
                         {one["customer_id"] for one in customers} - good)
        for customer in sorted(good):
            self.assertEqual(self.field(self.second, "Service__c", customer, "VerifiedBy__c"),
                             self.id_of(self.site, "Verification__c", customer))
            self.assertEqual(self.field(self.site, "CustomerState__c", customer, "ServiceRecord__c"),
                             self.id_of(self.second, "Service__c", customer))
        self.assertEqual(self.dead(), 20 - len(good))
        code, text, error = self.site.command("stream", "cat", "verified", "-j", "-c",
                                              self.site.path("sfedge.json"))
        self.assertEqual(code, 0, error)

    def test_a_step_that_takes_too_long_is_given_up_and_compensated(self):
        self.use("new-customer.json", {"registry": self.site, "services": self.second})
        self.config["outputs"]["activate"]["within"] = "2s"
        self.site.write_config(self.config)
        self.second.faults(down=True)
        self.site.start_agent()
        customers = [{"customer_id": "C-%d" % number, "plan": "p", "name": "Ada"} for number in range(30)]
        self.site.publish_lines("shop/7/customer", [json.dumps(one) for one in customers])
        names = {one["customer_id"] for one in customers}
        parts.wait_until(lambda: self.ids(self.site, "Verification__c") == names, 60, "verified")
        self.site.kill_agent()
        self.site.start_agent()
        # The kill may have written an answer twice, each with a time of its own: all are given up first.
        parts.wait_until(lambda: self.ids(self.site, "CustomerState__c") == names and
                         self.is_settled(), 120, "cancelled, and nothing is left to do")
        self.second.faults()
        for name in sorted(names):
            self.assertEqual(self.field(self.site, "CustomerState__c", name, "State__c"),
                             "not activated")
        self.assertEqual(self.ids(self.second, "Service__c"), set())
        self.assertEqual(self.outputs()["activate"]["delivered"], 0)
        self.assertGreaterEqual(self.dead(), 30)

    def test_try_shows_every_step_of_a_message(self):
        self.use("closed-sale.json", {"finance": self.site, "logistics": self.second})
        code, text, error = self.site.command(
            "try", "-c", self.site.path("sfedge.json"), "--json", "--topic", "pos/till3/sale",
            "--payload", json.dumps(self.sale(2)))
        self.assertEqual(code, 0, text + error)
        document = json.loads(text)
        self.assertEqual([route["stream"] for route in document["routes"]], ["sales", "booked"])
        bodies = [json.dumps(request.get("body")) for request in document["requests"]]
        for name in ("Invoice__c", "Bill__c", "Shipment__c"):
            self.assertEqual(sum('"%s"' % name in body for body in bodies), 1, name)
        self.assertIn('"BillNo__c": "B-S-2"', "".join(bodies))

    def test_a_full_stream_of_answers_holds_up_its_output_and_no_other(self):
        self.use("closed-sale.json", {"finance": self.site, "logistics": self.second})
        self.config["streams"]["booked"] = {"quota": "256KiB", "segment": "64KiB"}
        self.config["agent"]["event_max"] = "16KiB"
        for output in ("billing", "shipping"):
            self.config["outputs"][output]["where"] = {"/payload/ship_to": {"exists": True}}
        self.config["outputs"]["others"] = {
            **self.config["outputs"]["holds"], "from": "sales",
            "records": [{"object": "SaleHold__c", "external_id": "OrderRef__c",
                         "map": {"OrderRef__c": "all-{/sale_id}", "Reason__c": {"value": "x"}}}]}
        self.config["outputs"]["others"]["connection"] = "finance"
        # Nobody can take the answers on: what reads them goes to an org that is away.
        self.config["outputs"]["billing"]["connection"] = "logistics"
        self.site.write_config(self.config)
        self.second.faults(down=True)
        self.site.start_agent()
        padding = "x" * 1500
        sales = [dict(self.sale(2), sale_id="S-%d" % number, pad=padding) for number in range(400)]
        self.site.publish_lines("pos/till3/sale", [json.dumps(sale) for sale in sales])
        parts.wait_until(lambda: self.outputs()["others"]["delivered"] == 400, 60, "the other went on")
        waits = parts.wait_until(
            lambda: self.outputs()["accounting"] if (self.outputs()["accounting"]["last_error"] or {}
                    ).get("message", "").find('"booked" has no room') >= 0 else None,
            60, "accounting waits")
        self.assertEqual(waits["state"], "waiting")
        self.assertGreater(waits["backlog"], 0)
        self.second.faults()
        parts.wait_until(self.is_settled, 120, "all goes on by itself")
        self.assertEqual(len(self.ids(self.site, "Invoice__c")), 400)
        self.assertEqual(len(self.ids(self.second, "Shipment__c")), 400)
        self.assertEqual(self.dead(), 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
