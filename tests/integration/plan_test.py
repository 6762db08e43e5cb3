"""sfedge plan: a configuration beside an org that fits, and beside orgs that do not."""

import json
import os
import sys
import unittest
import xml.etree.ElementTree as xml

import site_parts as parts

BUILD = sys.argv[1]
NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
READING = "/outputs/readings/records/0"


class Plan(unittest.TestCase):
    def setUp(self):
        self.site = parts.Site(BUILD)
        self.addCleanup(self.site.close)
        self.config = self.site.path("sfedge.json")
        with open(os.path.join(parts.ROOT, "tests", "org", "objects.json"),
                  encoding="utf-8") as file:
            self.objects = json.load(file)["objects"]

    def start_org(self):
        path = self.site.path("objects.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"objects": self.objects}, file)
        self.site.start_org("--objects", path)

    def change_map(self, output=0, record=0, **fields):
        config = self.site.config
        name = ("readings", "sales")[output]
        config["outputs"][name]["records"][record]["map"].update(fields)
        self.site.write_config(config)

    def plan(self, *words, code=0):
        found, text, error = self.site.command("plan", "-c", self.config, "--json", *words)
        self.assertEqual(found, code, text + error)
        return json.loads(text)["findings"]

    def failures(self, *words, code=78):
        return [item for item in self.plan(*words, code=code) if item["level"] == "fail"]

    def expect(self, findings, subject, *pieces):
        """One finding of that subject has all the pieces, in its message or its fix."""
        texts = [item["message"] + " -> " + item.get("fix", "") for item in findings
                 if item["subject"] == subject]
        self.assertTrue(any(all(piece in text for piece in pieces) for text in texts),
                        (subject, pieces, texts))

    def write(self, *words, code=78):
        folder = self.site.path("metadata")
        self.plan("--write", folder, *words, code=code)
        return folder

    @staticmethod
    def parse(*path):
        return xml.parse(os.path.join(*path)).getroot()

    @staticmethod
    def text(element, name):
        found = element.find(NAMESPACE + name)
        return None if found is None else found.text

    def fields(self, folder, name):
        root = self.parse(folder, "objects", name + ".object")
        return {self.text(field, "fullName"): field for field in root.iter(NAMESPACE + "fields")}


class Compared(Plan):
    def test_an_org_that_fits_has_no_failures_and_nothing_to_write(self):
        self.start_org()
        findings = self.plan()
        self.assertEqual([item for item in findings if item["level"] == "fail"], [])
        self.assertEqual([item["subject"] for item in findings if item["check"] == "plan" and
                          item["level"] == "ok"], ["DeviceReading__c", "PosSale__c", "PosLine__c"])
        self.assertFalse(os.path.exists(self.write(code=0)))
        self.assertEqual(self.site.audit()["records"], 0)
        self.assertFalse(os.path.exists(self.site.path("state")))

    def test_each_mistake_is_told_with_its_place_and_what_to_do(self):
        reading = self.objects["DeviceReading__c"]["fields"]
        reading["Kind__c"] = {"type": "picklist", "values": ["A", "B"], "restricted": True}
        reading["Loose__c"] = {"type": "picklist", "values": ["A", "B"]}
        reading["Formula__c"] = {"type": "double", "precision": 18, "scale": 0, "calculated": True}
        reading["Locked__c"] = {"type": "string", "length": 10, "read_only": True}
        reading["Short__c"] = {"type": "string", "length": 4}
        reading["Small__c"] = {"type": "double", "precision": 4, "scale": 2}
        reading["Must__c"] = {"type": "string", "length": 80, "required": True}
        reading["Soft__c"] = {"type": "string", "length": 80, "required": True}
        reading["Mark__c"] = {"type": "string", "length": 80, "required": True}
        reading["Flag__c"] = {"type": "boolean"}
        reading["Day__c"] = {"type": "date"}
        reading["Count__c"] = {"type": "int"}
        self.change_map(Kind__c={"value": "C"}, Loose__c={"value": "C"}, Formula__c=1,
                        Locked__c="{/x}y", Short__c="{id}", Small__c={"value": 100},
                        Soft__c={"from": "/s", "type": "string", "optional": True},
                        Mark__c={"from": "/m", "type": "string", "if": {"/value": {"gt": 80}}},
                        Flag__c={"from": "/f", "type": "string"}, Vaule__c="{/v}",
                        Day__c={"from": "/d", "type": "datetime"},
                        Count__c={"from": "/c", "type": "double"}, At__c="{/ts}",
                        Unit__c={"from": "/u", "type": "double"})
        self.start_org()
        findings = self.plan(code=78)
        for field, pieces in {
                "Kind__c": ('no value "C"', "takes no others"), "Loose__c": ("stored as it comes",),
                "Formula__c": ("cannot be written",), "Locked__c": ("may not write", "edit access"),
                "Short__c": ("takes 4 characters, and gets 32",),
                "Small__c": ("2 digits left of the point",),
                "Soft__c": ("optional in the mapping, and required by the org", "default"),
                "Mark__c": ("left out where its \"if\" does not hold", "default"),
                "Flag__c": ("is of type boolean, and gets text", '"type": "boolean"'),
                "Vaule__c": ("no field Vaule__c", "is Value__c meant?"),
                "Day__c": ("is of type date, and gets a time", '"type": "date"'),
                "Count__c": ("is of type int, and gets a number", '"type": "int"'),
                "At__c": ("as it comes", '"type": "datetime"'),
                "Unit__c": ("is of type string, and gets a number", '"type": "string"')}.items():
            self.expect(findings, "DeviceReading__c." + field, *pieces)
        self.expect(findings, "DeviceReading__c", "requires Must__c at creation")
        unit = next(item for item in findings if item["subject"] == "DeviceReading__c.Unit__c")
        self.assertEqual(unit["setting"], READING + "/map/Unit__c")
        with open(unit["file"], encoding="utf-8") as file:
            self.assertIn('"Unit__c"', file.read().split("\n")[unit["line"] - 1])
        levels = {item["subject"]: item["level"] for item in findings}
        self.assertEqual(levels["DeviceReading__c.Loose__c"], "warn")
        self.assertEqual(levels["DeviceReading__c.At__c"], "warn")
        self.assertEqual(levels["DeviceReading__c.Kind__c"], "fail")

    def test_an_external_id_must_be_one_and_unique_and_may_be_found_by(self):
        self.objects["DeviceReading__c"]["fields"]["ReadingId__c"] = {"type": "string"}
        self.objects["PosSale__c"]["fields"]["SaleId__c"]["unique"] = False
        self.start_org()
        findings = self.failures()
        self.expect(findings, "DeviceReading__c.ReadingId__c", "is no external ID")
        self.expect(findings, "PosSale__c.SaleId__c", "not unique")

    def test_a_reference_needs_its_relationship_and_the_parents_field(self):
        self.change_map(1, 1, **{"Shop__r.ShopId__c": "{/store}"})
        del self.objects["PosSale__c"]["fields"]["SaleId__c"]
        self.start_org()
        findings = self.failures()
        self.expect(findings, "PosLine__c.PosSale__r.SaleId__c",
                    "the object PosSale__c has no field SaleId__c")
        self.expect(findings, "PosLine__c.Shop__r.ShopId__c", "no relationship Shop__r")

    def test_an_object_that_is_not_there_or_not_for_this_user_is_told(self):
        del self.objects["DeviceReading__c"]
        self.objects["PosSale__c"]["updateable"] = False
        self.objects["PosLine__c"]["createable"] = False
        self.start_org()
        findings = self.failures()
        self.expect(findings, "DeviceReading__c", "no object DeviceReading__c")
        self.expect(findings, "PosSale__c", "may not update records")
        self.expect(findings, "PosLine__c", "may not create records", "permission set")

    def test_a_platform_event_is_created_only(self):
        config = self.site.config
        config["outputs"]["alerts"] = {
            "type": "salesforce-platform-events", "connection": "crm", "from": "telemetry",
            "event": "DeviceAlert__e", "map": {"DeviceId__c": "{topic.1}", "EventKey__c": "{id}"}}
        self.site.write_config(config)
        fields = {name: {"type": "string", "length": 80} for name in ("DeviceId__c", "EventKey__c")}
        self.objects["DeviceAlert__e"] = {"fields": fields}
        self.start_org()
        self.assertEqual([item for item in self.plan() if item["level"] == "fail"], [])
        self.change_event("Missing__c", "{id}")
        self.expect(self.failures(), "DeviceAlert__e.Missing__c", "no field Missing__c")
        folder = self.write()
        self.assertEqual(list(self.fields(folder, "DeviceAlert__e")), ["Missing__c"])
        permissions = self.parse(folder, "permissionsets", "sfedge.permissionset")
        event = next(one for one in permissions.iter(NAMESPACE + "objectPermissions")
                     if self.text(one, "object") == "DeviceAlert__e")
        self.assertEqual([self.text(event, name) for name in ("allowCreate", "allowEdit")],
                         ["true", "false"])
        config["outputs"]["alerts"]["event"] = "Nothing__e"
        self.site.write_config(config)
        self.expect(self.failures(), "Nothing__e", "no object", "define the platform event")

    def change_event(self, name, template):
        config = self.site.config
        config["outputs"]["alerts"]["map"][name] = template
        self.site.write_config(config)

    def test_a_description_of_a_megabyte_is_compared_whole(self):
        values = ["value %05d" % number for number in range(5000)]
        fields = self.objects["DeviceReading__c"]["fields"]
        fields.update({"Filler%d__c" % number: {"type": "string"} for number in range(480)})
        fields["Kind__c"] = {"type": "picklist", "values": values, "restricted": True}
        self.change_map(Kind__c={"value": "value 04999"})
        self.start_org()
        self.assertEqual([item for item in self.plan() if item["level"] == "fail"], [])
        self.change_map(Kind__c={"value": "value 05000"})
        self.expect(self.failures(), "DeviceReading__c.Kind__c", 'no value "value 05000"')

    def test_trouble_is_told_with_the_code_of_its_kind_and_nothing_is_written(self):
        self.start_org()
        self.site.faults(status_503=True)
        self.assertFalse(os.path.exists(self.write(code=69)))
        self.site.faults(truncated={"on": "data", "probability": 1})
        self.assertNotEqual(self.failures(code=69), [])
        self.site.faults(html_200=True)
        self.assertNotEqual(self.failures(code=69), [])
        self.site.faults()
        self.assertEqual(self.site.command("plan", "other", "-c", self.config)[0], 64)
        self.site.stop_org()
        self.plan(code=69)


class Written(Plan):
    def test_what_is_missing_is_written_as_metadata_that_a_parser_reads(self):
        for name in ("PosSale__c", "PosLine__c"):
            del self.objects[name]
        self.change_map(Missing__c={"from": "/m", "type": "int"}, Flag__c=True,
                        Day__c={"from": "/d", "type": "date"}, Raw__c="{payload}")
        self.start_org()
        folder = self.write()
        self.assertEqual(sorted(os.listdir(os.path.join(folder, "objects"))),
                         ["DeviceReading__c.object", "PosLine__c.object", "PosSale__c.object"])
        reading = self.fields(folder, "DeviceReading__c")
        self.assertEqual({name: self.text(field, "type") for name, field in reading.items()},
                         {"Missing__c": "Number", "Flag__c": "Checkbox", "Day__c": "Date",
                          "Raw__c": "LongTextArea"})
        self.assertIsNone(self.text(self.parse(folder, "objects", "DeviceReading__c.object"),
                                    "deploymentStatus"))
        sale = self.fields(folder, "PosSale__c")["SaleId__c"]
        self.assertEqual([self.text(sale, name) for name in ("type", "externalId", "unique")],
                         ["Text", "true", "true"])
        lookup = self.fields(folder, "PosLine__c")["PosSale__c"]
        self.assertEqual([self.text(lookup, name) for name in ("type", "referenceTo")],
                         ["Lookup", "PosSale__c"])
        line = self.parse(folder, "objects", "PosLine__c.object")
        self.assertEqual(self.text(line, "sharingModel"), "ReadWrite")
        package = self.parse(folder, "package.xml")
        members = {self.text(part, "name"): [one.text for one in part.iter(NAMESPACE + "members")]
                   for part in package.iter(NAMESPACE + "types")}
        self.assertEqual(members["CustomObject"], ["PosSale__c", "PosLine__c"])
        self.assertIn("DeviceReading__c.Missing__c", members["CustomField"])
        self.assertIn("PosLine__c.PosSale__c", members["CustomField"])
        self.assertEqual(members["PermissionSet"], ["sfedge"])
        self.assertEqual(self.text(package, "version"), "62.0")
        permissions = self.parse(folder, "permissionsets", "sfedge.permissionset")
        named = [self.text(one, "field") for one in permissions.iter(NAMESPACE +
                                                                     "fieldPermissions")]
        self.assertIn("DeviceReading__c.Missing__c", named)
        self.assertNotIn("DeviceReading__c.DeviceId__c", named)  # Required: it may not be named.
        self.assertEqual(len(named), len(set(named)))
        self.assertEqual(len(list(permissions.iter(NAMESPACE + "objectPermissions"))), 3)

    def test_an_org_with_what_was_written_fits(self):
        """What is deployed is what was asked for: the files become the org's objects."""
        self.change_map(Missing__c={"from": "/m", "type": "int"},
                        Flag__c={"from": "/f", "type": "boolean"})
        wanted = dict(self.objects)
        self.objects.clear()
        self.objects["Other__c"] = wanted["PosSale__c"]
        self.start_org()
        folder = self.write()
        self.site.stop_org()
        types = {"Text": "string", "Number": "double", "Checkbox": "boolean",
                 "DateTime": "datetime", "Lookup": "reference"}
        for name in ("DeviceReading__c", "PosSale__c", "PosLine__c"):
            made = self.objects[name] = {"fields": {}}
            for field, element in self.fields(folder, name).items():
                made["fields"][field] = {"type": types[self.text(element, "type")]}
                for word, key in (("length", "length"), ("precision", "precision"),
                                  ("scale", "scale")):
                    if self.text(element, word):
                        made["fields"][field][key] = int(self.text(element, word))
                if self.text(element, "referenceTo"):
                    made["fields"][field].update(to=self.text(element, "referenceTo"),
                                                 relationship=field[:-1] + "r")
                if self.text(element, "externalId") == "true":
                    made["fields"][field].update(external_id=True, unique=True)
        self.start_org()
        self.assertEqual([item for item in self.plan() if item["level"] == "fail"], [])

    def test_nothing_is_replaced_without_force_and_then_all_is(self):
        del self.objects["PosLine__c"]
        self.start_org()
        folder = self.write()
        package = os.path.join(folder, "package.xml")
        with open(package, "w", encoding="utf-8") as file:
            file.write("mine")
        os.remove(os.path.join(folder, "objects", "PosLine__c.object"))
        refused = self.failures("--write", folder)
        self.assertTrue(any("--force" in item.get("fix", "") for item in refused), refused)
        with open(package, encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine")
        self.assertEqual(os.listdir(os.path.join(folder, "objects")), [])
        self.write("--force")
        self.parse(package)

    def test_a_permission_alone_writes_the_permission_set(self):
        self.objects["DeviceReading__c"]["fields"]["Unit__c"]["read_only"] = True
        self.start_org()
        folder = self.write()
        self.assertEqual(sorted(os.listdir(folder)), ["package.xml", "permissionsets"])
        named = [self.text(one, "field") for one in
                 self.parse(folder, "permissionsets", "sfedge.permissionset")
                 .iter(NAMESPACE + "fieldPermissions")]
        self.assertIn("DeviceReading__c.Unit__c", named)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[2:])
