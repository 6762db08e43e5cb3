"""Orders that wait for what comes from elsewhere, by config/examples/confirmed-order.json: fulfilment for the payment,
billing for the goods. Each is delivered once, and never before its confirmation, or is late once and never delivered,
whatever is killed."""

import json
import os
import random
import re
import sys
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]
OBJECTS = os.path.join(parts.ROOT, "tests", "integration", "confirmed_order_objects.json")
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
FAULTS = [{}, {"status_503": {"probability": 0.3, "retry_after": 1}}, {"cut_after_commit": {"probability": 0.4}}]


class ConfirmedOrder(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.site.start_org("--objects", OBJECTS)
        self.site.start_broker()

    def use(self, within="2h"):
        """The example as it stands, but for where its broker and its org are, and how long orders wait."""
        with open(os.path.join(parts.ROOT, "config", "examples", "confirmed-order.json"), encoding="utf-8") as file:
            config = json.loads(re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*', lambda found: found.group(1) or "", file.read()))
        del config["$schema"]
        config["agent"]["state"] = "state"
        config["connections"]["site"]["url"] = "mqtt://127.0.0.1:%d" % self.site.broker_port
        crm = config["connections"]["crm"]
        crm["login_url"] = "http://127.0.0.1:%d" % self.site.org_port
        crm["auth"] = {"client_id": parts.CONSUMER_KEY, "username": parts.USERNAME, "audience": parts.AUDIENCE,
                       "key_file": self.site.path("crm.key")}
        for output in config["outputs"].values():
            output["batch_age"] = "50ms"
        config["outputs"]["fulfilment"]["waits"]["within"] = within
        self.site.write_config(config)

    def ids(self, name):
        return set(self.site.ids(name)) if self.site.object_audit(name)["records"] else set()

    def outputs(self):
        return {output["name"]: output for output in (self.site.status() or {"outputs": []})["outputs"]}

    @staticmethod
    def order(number):
        order = {"order_id": "O-%d" % number, "status": "open" if number % 7 == 6 else "closed",
                 "total": "%d.50" % number, "currency": "EUR"}
        if number % 3 != 0:
            order["ship_to"] = "Main St %d" % number
        if number % 2 == 0:
            order["bill_to"] = "C-%d" % number
        return order

    def publish_payments(self, numbers):
        self.site.publish_lines("terminal/7/payment", [
            json.dumps({"order": "O-%d" % number, "state": "captured"}) for number in numbers])

    def test_orders_ship_when_paid_and_are_billed_when_shipped_whatever_is_killed(self):
        print("confirmed_order_test seed %d" % SEED, flush=True)
        chance = random.Random(SEED)
        self.use()
        self.site.start_agent()
        orders, paid, shipped = {}, set(), set()
        for kill in range(6):
            self.site.faults(seed=SEED + kill, **chance.choice(FAULTS))
            new = range(len(orders), len(orders) + chance.randrange(15, 40))
            early = [number for number in new if number % 10 == 1]
            self.publish_payments(early)
            self.site.publish_lines("pos/till3/order", [json.dumps(self.order(number)) for number in new])
            orders.update((number, self.order(number)) for number in new)
            # Not all, in any order, some twice; what is refused confirms nothing.
            late = chance.sample(sorted(orders), len(orders) // 2)
            self.publish_payments(late)
            self.site.publish_lines("terminal/7/payment", [
                json.dumps({"order": "O-%d" % number, "state": "refused"}) for number in new])
            goods = chance.sample(sorted(orders), len(orders) // 3)
            self.site.publish_lines("warehouse/shipped", [json.dumps({"ref": "O-%d" % number}) for number in goods])
            paid.update(early, late)
            shipped.update(goods)
            time.sleep(chance.uniform(0.05, 0.5))
            self.site.kill_agent()
            self.assertLessEqual(self.ids("Shipment__c"), {"O-%d" % number for number in paid})
            self.assertLessEqual(self.ids("Bill__c"), {"B-O-%d" % number for number in shipped})
            self.site.start_agent(wait=chance.random() < 0.5)
        self.site.faults()
        closed = {number: order for number, order in orders.items() if order["status"] == "closed"}
        to_ship = {number for number, order in closed.items() if "ship_to" in order}
        to_bill = {number for number in to_ship if "bill_to" in orders[number]}
        parts.wait_until(lambda: self.ids("Invoice__c") == {"O-%d" % number for number in closed} and
                         self.ids("Shipment__c") == {"O-%d" % number for number in to_ship & paid} and
                         self.ids("Bill__c") == {"B-O-%d" % number for number in to_bill & shipped},
                         120, "all that is confirmed is delivered")

        def waiting():
            outputs = self.outputs()
            return [outputs.get(name, {}).get("waits", {}).get("waiting") for name in ("fulfilment", "billing")]
        parts.wait_until(lambda: waiting() == [len(to_ship - paid), len(to_bill - shipped)], 60, "the others wait")
        self.publish_payments(sorted(to_ship - paid))
        parts.wait_until(lambda: self.ids("Shipment__c") == {"O-%d" % number for number in to_ship}, 60,
                         "the others were paid")
        self.assertEqual(self.ids("SaleHold__c"), set())
        self.assertEqual(self.outputs()["fulfilment"]["dead"], 0)
        self.assertEqual(self.site.stop_agent(), 0)

    def test_what_is_late_stays_late_though_it_is_paid_then_and_the_agent_is_killed(self):
        self.use(within="1s")
        self.site.start_agent()
        numbers = [number for number in range(60) if "ship_to" in self.order(number) and number % 7 != 6]
        names = {"O-%d" % number for number in numbers}
        self.site.publish_lines("pos/till3/order", [json.dumps(self.order(number)) for number in numbers])
        # Killed while some are being decided, or have just been.
        parts.wait_until(lambda: self.outputs().get("fulfilment", {}).get("waits", {}).get("late", 0) > 0, 60, "some are late")
        self.site.kill_agent()
        self.site.start_agent()
        parts.wait_until(lambda: self.ids("SaleHold__c") == names, 60, "all are late")
        self.publish_payments(numbers)
        self.site.kill_agent()
        self.site.start_agent()
        self.site.publish_lines("pos/till3/order", [json.dumps(dict(self.order(1), order_id="last"))])
        self.site.publish_lines("terminal/7/payment", [json.dumps({"order": "last", "state": "captured"})])

        def is_decided():
            outputs = self.outputs()
            return (self.ids("Invoice__c") == names | {"last"} and
                    "last" in self.ids("Shipment__c") | self.ids("SaleHold__c") and
                    outputs.get("fulfilment", {}).get("backlog") == 0)
        parts.wait_until(is_decided, 60, "everything is decided")
        self.assertLessEqual(self.ids("Shipment__c"), {"last"})
        self.assertLessEqual(names, self.ids("SaleHold__c"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
