"""The simulated org: graphs, and platform events."""

from org_driver import OrgTest

URL = "/services/data/v62.0/sobjects/"


def node(reference, url, **body):
    return {"method": "PATCH", "url": URL + url, "referenceId": reference, "body": body}


def receipt(number, sku="a", parent="@{s.id}"):
    """A line before its sale: the order of nodes that refer to each other does not matter."""
    return {"graphId": "g%d" % number, "compositeRequest": [
        node("l", "Line__c/LineId__c/L%d" % number, Sku__c=sku, Sale__c=parent),
        node("s", "Sale__c/SaleId__c/S%d" % number, Store__c="x")]}


class Graph(OrgTest):
    def graph(self, *graphs):
        return self.org.call("POST", "composite/graph", {"graphs": list(graphs)})

    def records(self, name):
        return self.org.audit()["objects"][name]["records"]

    def refusal(self, *graphs):
        answer = self.graph(*graphs)
        self.assertEqual(answer.status, 400)
        return answer.json[0]["errorCode"]

    def test_a_graph_is_written_whole_or_not_at_all(self):
        answer = self.graph(receipt(1), receipt(2, sku="s" * 50), receipt(3))
        self.assertEqual([graph["isSuccessful"] for graph in answer.json["graphs"]],
                         [True, False, True])
        nodes = answer.json["graphs"][1]["graphResponse"]["compositeResponse"]
        self.assertEqual([one["body"][0]["errorCode"] for one in nodes],
                         ["STRING_TOO_LONG", "PROCESSING_HALTED"])
        self.assertEqual((self.records("Sale__c"), self.records("Line__c")), (2, 2))
        line = self.org.control("GET", "record?object=Line__c&id=L3").json
        sale = self.org.control("GET", "record?object=Sale__c&id=S3").json
        self.assertEqual(line["Sale__c"], sale["Id"])

    def test_nodes_that_do_not_name_each_other_have_no_order(self):
        graph = {"graphId": "g", "compositeRequest": [
            node("s", "Sale__c/SaleId__c/S1"),
            {"method": "PATCH", "url": URL + "Line__c/LineId__c/L1", "referenceId": "l",
             "body": {"Sale__r": {"SaleId__c": "S1"}}}]}
        self.assertFalse(self.graph(graph).json["graphs"][0]["isSuccessful"])
        self.assertEqual(self.records("Sale__c"), 0)

    def test_a_reference_to_nothing_fails_its_graph(self):
        answer = self.graph(receipt(1, sku="see @{x.y}"), receipt(2))
        self.assertEqual([graph["isSuccessful"] for graph in answer.json["graphs"]], [False, True])

    def test_after_fourteen_failures_the_rest_are_halted(self):
        answer = self.graph(*[receipt(number, sku="s" * 50) for number in range(14)], receipt(14))
        self.assertFalse(answer.json["graphs"][14]["isSuccessful"])
        self.assertEqual(self.records("Sale__c"), 0)

    def test_the_limits_of_a_call(self):
        self.assertEqual(self.graph(*[receipt(number) for number in range(75)]).status, 200)
        self.assertEqual(self.refusal(*[receipt(number) for number in range(76)]), "LIMIT_EXCEEDED")
        many = {"graphId": "g", "compositeRequest": [
            node("n%d" % number, "Sale__c/SaleId__c/M%d" % number) for number in range(501)]}
        self.assertEqual(self.refusal(many), "LIMIT_EXCEEDED")
        chain = {"graphId": "g", "compositeRequest": [
            node("n%d" % number, "Loose__c/Key__c/K%d" % number,
                 **({"Note__c": "@{n%d.id}" % (number - 1)} if number else {}))
            for number in range(16)]}
        self.assertFalse(self.graph(chain).json["graphs"][0]["isSuccessful"])
        chain["compositeRequest"].pop()
        self.assertTrue(self.graph(chain).json["graphs"][0]["isSuccessful"])
        self.assertEqual(self.refusal(), "INVALID_INPUT")


class PlatformEvent(OrgTest):
    def publish(self, method="POST", path="composite/sobjects", **more):
        record = dict({"attributes": {"type": "Alert__e"}, "Key__c": "K"}, **more)
        return self.org.call(method, path, {"records": [record]})

    def test_each_publication_is_one_more(self):
        for _ in range(2):
            result = self.publish().json[0]
            self.assertTrue(result["success"])
            self.assertEqual(result["errors"][0]["statusCode"], "OPERATION_ENQUEUED")
        self.assertEqual(self.org.audit()["objects"]["Alert__e"]["records"], 2)

    def test_it_is_created_only(self):
        self.assertEqual(self.publish("PATCH", id=self.publish().json[0]["id"]).status, 400)
        self.assertEqual(self.publish("PATCH", "composite/sobjects/Alert__e/Key__c").status, 404)

    def test_the_hour_can_be_used_up(self):
        self.org.control("POST", "faults", {"event_limit": {"count": 1}})
        self.assertEqual(self.publish().json[0]["errors"][0]["statusCode"], "LIMIT_EXCEEDED")
        self.assertTrue(self.publish().json[0]["success"])
