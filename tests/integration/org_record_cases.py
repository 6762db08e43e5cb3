"""Records in sfedge-org: Collections, relationships, single rows, Composite."""
import urllib.parse

from org_driver import BASE, OrgTest, reading


class Collections(OrgTest):
    def test_results_come_in_order_with_created_and_ids(self):
        self.org.upsert([reading(2)])
        answer = self.org.upsert([reading(n) for n in range(200)])
        self.assertEqual(answer.status, 200)
        self.assertEqual([r["created"] for r in answer.json], [n != 2 for n in range(200)])
        self.assertTrue(all(r["success"] and r["errors"] == [] for r in answer.json))
        ids = [r["id"] for r in answer.json]
        self.assertEqual(len(set(ids)), 200)
        self.assertTrue(all(len(i) == 18 and i[:3] == ids[0][:3] for i in ids))
        for n in (0, 2, 199):
            row = self.org.call("GET", "sobjects/Reading__c/" + ids[n]).json
            self.assertEqual(row["ReadingId__c"], "R%d" % n)
        self.assertEqual(answer.headers["Sforce-Limit-Info"], "api-usage=2/1000000")
        self.assertIn("GMT", answer.headers["Date"])

    def test_over_200_records_are_refused(self):
        answer = self.org.upsert([reading(n) for n in range(201)])
        self.assertEqual((answer.status, answer.code), (400, "EXCEEDED_ID_LIMIT"))
        self.assertEqual(self.org.audit()["objects"]["Reading__c"]["records"], 0)

    def test_an_external_id_twice_fails_both(self):
        answer = self.org.upsert([reading(1), reading(2), dict(reading(1), ReadingId__c="r1")])
        for at in (0, 2):
            error = self.failure(answer, at)
            self.assertEqual(error["statusCode"], "DUPLICATE_VALUE")
            self.assertIn("Duplicate external id specified: ", error["message"])
        self.assertTrue(answer.json[1]["success"])
        self.assertEqual(self.org.audit()["objects"]["Reading__c"]["records"], 1)

    def test_external_ids_are_caseless_unless_told_otherwise(self):
        self.org.upsert([reading(1)])
        answer = self.org.upsert([dict(reading(1), ReadingId__c="r1")])
        self.assertFalse(answer.json[0]["created"])
        self.org.upsert([{"SaleId__c": "s"}], "SaleId__c", "Sale__c")
        answer = self.org.upsert([{"SaleId__c": "S"}], "SaleId__c", "Sale__c")
        self.assertTrue(answer.json[0]["created"])

    def test_a_missing_external_id_is_told(self):
        for value in ({}, {"ReadingId__c": None}, {"ReadingId__c": "  "}):
            answer = self.org.upsert([dict({"DeviceId__c": "d"}, **value)])
            error = self.failure(answer)
            self.assertEqual(error["statusCode"], "MISSING_ARGUMENT")
            self.assertEqual(error["message"], "ReadingId__c not specified")

    def test_all_or_none_rolls_the_others_back(self):
        records = [reading(1), reading(2, State__c="x"), reading(3)]
        answer = self.org.upsert(records, allOrNone=True)
        self.assertEqual([r["errors"][0]["statusCode"] for r in answer.json],
                         ["ALL_OR_NONE_OPERATION_ROLLED_BACK",
                          "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                          "ALL_OR_NONE_OPERATION_ROLLED_BACK"])
        self.assertEqual(self.org.audit()["objects"]["Reading__c"]["records"], 0)
        answer = self.org.upsert(records, allOrNone=False)
        self.assertEqual([r["success"] for r in answer.json], [True, False, True])
        answer = self.org.upsert([reading(1), reading(4)], allOrNone=True)
        self.assertEqual([r["created"] for r in answer.json], [False, True])

    def test_text_too_long_is_counted_in_characters(self):
        self.assert_fails({"Serial__c": "ä" * 41}, "STRING_TOO_LONG",
                          "Serial__c: data value too large: ")
        answer = self.org.upsert([reading(1, Serial__c="ä" * 40)])
        self.assertTrue(answer.json[0]["success"])

    def test_a_required_field_is_required(self):
        answer = self.org.upsert([{"ReadingId__c": "R1"}])
        error = self.failure(answer)
        self.assertEqual(error["statusCode"], "REQUIRED_FIELD_MISSING")
        self.assertEqual(error["fields"], ["DeviceId__c"])
        self.assertEqual(error["message"], "Required fields are missing: [DeviceId__c]")
        self.org.upsert([reading(1)])
        self.assertTrue(self.org.upsert([{"ReadingId__c": "R1"}]).json[0]["success"])
        self.assert_fails({"DeviceId__c": None}, "REQUIRED_FIELD_MISSING", "DeviceId__c")

    def test_number_ranges(self):
        for value in (100000, -123456.5, 1e30, 123456e0):
            self.assert_fails({"Value__c": value}, "NUMBER_OUTSIDE_VALID_RANGE", "Value__c")
        for value in ("99999.99999999", "1e4", "0.000001", "-0", "1000000e-2", "0e99"):
            body = ('{"records":[{"attributes":{"type":"Reading__c"},"ReadingId__c":"N",'
                    '"DeviceId__c":"d","Value__c":%s}]}' % value)
            answer = self.org.call("PATCH", "composite/sobjects/Reading__c/ReadingId__c", body)
            self.assertTrue(answer.json[0]["success"], (value, answer.text))
            stored = self.org.control("GET", "record?object=Reading__c&id=N").text.decode()
            self.assertIn('"Value__c":%s,' % value, stored)

    def test_a_restricted_picklist_takes_its_values_only(self):
        self.assert_fails({"State__c": "run"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                          "State__c: bad value for restricted picklist field: run")
        self.assertTrue(self.org.upsert([reading(1, State__c="RUN")]).json[0]["success"])

    def test_an_email_has_the_form_of_one(self):
        self.assert_fails({"Mail__c": "a@b"}, "INVALID_EMAIL_ADDRESS", "Mail__c")
        self.assertTrue(self.org.upsert([reading(1, Mail__c="a@b.ch")]).json[0]["success"])

    def test_a_read_only_field_is_refused(self):
        self.assert_fails({"Total__c": 1}, "INVALID_FIELD_FOR_INSERT_UPDATE", "Total__c")

    def test_an_id_in_an_upsert_is_refused(self):
        self.assert_fails({"Id": "a005g000000000AAAA"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "Id")

    def test_a_boolean_is_never_null(self):
        self.assert_fails({"Ok__c": None}, "INVALID_TYPE_ON_FIELD_IN_RECORD", "Ok__c")

    def test_another_unique_field_may_not_repeat(self):
        self.org.upsert([reading(9, Serial__c="one")])
        self.assert_fails({"Serial__c": "ONE"}, "DUPLICATE_VALUE",
                          "duplicate value found: Serial__c duplicates value on record with id: a")
        answer = self.org.upsert([reading(5, Serial__c="two"), reading(6, Serial__c="two")])
        self.assertTrue(answer.json[0]["success"])
        self.assertEqual(self.failure(answer, 1)["statusCode"], "DUPLICATE_VALUE")

    def test_an_unknown_field_refuses_the_call(self):
        self.assert_refused({"Foo__c": 1}, "INVALID_FIELD",
                            "No such column 'Foo__c' on sobject of type Reading__c")

    def test_a_wrong_json_type_refuses_the_call(self):
        for fields, kind in (({"Value__c": "1.5"}, "double from VALUE_STRING"),
                             ({"Value__c": True}, "double from VALUE_TRUE"),
                             ({"DeviceId__c": 5}, "string from VALUE_NUMBER_INT"),
                             ({"DeviceId__c": {}}, "string from START_OBJECT"),
                             ({"Ok__c": "true"}, "boolean from VALUE_STRING"),
                             ({"Ok__c": 1}, "boolean from VALUE_NUMBER_INT"),
                             ({"Count__c": 1.5}, "int from VALUE_NUMBER_FLOAT"),
                             ({"Count__c": 2147483648}, "int from VALUE_NUMBER_INT"),
                             ({"Day__c": "2026-02-30"}, "date from VALUE_STRING"),
                             ({"Day__c": "24.11.2026"}, "date from VALUE_STRING"),
                             ({"At__c": "2026-11-24T10:15:30"}, "datetime from VALUE_STRING"),
                             ({"At__c": "2026-11-24 10:15:30Z"}, "datetime from VALUE_STRING"),
                             ({"At__c": "2026-11-24T24:15:30Z"}, "datetime from VALUE_STRING"),
                             ({"At__c": 1764000000}, "datetime from VALUE_NUMBER_INT")):
            self.assert_refused(fields, "JSON_PARSER_ERROR",
                                "Cannot deserialize instance of " + kind)

    def test_good_times_are_taken(self):
        for at in ("2026-11-24T10:15:30Z", "2026-11-24T10:15:30.123Z",
                   "2026-11-24T10:15:30.123456+01:00", "2026-11-24T10:15:30-0930"):
            answer = self.org.upsert([reading(1, At__c=at, Day__c="2024-02-29", Count__c=-2147483648,
                                              Ok__c=False)])
            self.assertTrue(answer.json[0]["success"], answer.text)

    def test_broken_json_tells_its_place(self):
        for body in ('{"records":[}', '', '[]', '{"records":[]} x', '{"records":[{"a":1]}'):
            answer = self.org.call("PATCH", "composite/sobjects/Reading__c/ReadingId__c", body)
            self.assertEqual((answer.status, answer.code), (400, "JSON_PARSER_ERROR"), body)

    def test_bytes_that_are_not_utf8_are_refused(self):
        body = b'{"records":[{"attributes":{"type":"Reading__c"},"ReadingId__c":"\xff"}]}'
        answer = self.org.call("PATCH", "composite/sobjects/Reading__c/ReadingId__c", body)
        self.assertEqual((answer.status, answer.code), (400, "JSON_PARSER_ERROR"))

    def test_unknown_members_of_the_envelope_are_refused(self):
        self.assertEqual(self.org.upsert([reading(1)], allornone=True).code, "JSON_PARSER_ERROR")
        self.assertEqual(self.org.upsert([reading(1)], allOrNone="false").code, "JSON_PARSER_ERROR")

    def test_each_record_needs_its_type(self):
        path = "composite/sobjects/Reading__c/ReadingId__c"
        answer = self.org.call("PATCH", path, {"records": [reading(1)]})
        self.assertEqual((answer.status, answer.code), (400, "INVALID_INPUT"))
        for kind in ("Nothing__c", "Sale__c"):
            record = dict(reading(1), attributes={"type": kind})
            answer = self.org.call("PATCH", path, {"records": [record]})
            self.assertEqual((answer.status, answer.code), (400, "INVALID_TYPE"))

    def test_an_unknown_object_or_key_field_is_not_found(self):
        for path in ("Nothing__c/X__c", "Reading__c/Nothing__c", "Reading__c/Value__c"):
            answer = self.org.call("PATCH", "composite/sobjects/" + path, {"records": []})
            self.assertEqual((answer.status, answer.code), (404, "NOT_FOUND"))

    def test_names_in_requests_are_caseless(self):
        answer = self.org.call("PATCH", "composite/sobjects/reading__c/READINGID__C", {"records": [
            {"attributes": {"type": "READING__C"}, "readingid__c": "R1", "deviceid__C": "d"}]})
        self.assertTrue(answer.json[0]["success"], answer.text)

    def test_escapes_and_blanks_are_stored_as_they_mean(self):
        body = ('{"records":[{"attributes":{"type":"Reading__c"},"Reading\\u0049d__c":"R\\u0031",'
                '"DeviceId__c":"  a\\"\\n\\ud83d\\ude00 "}]}')
        answer = self.org.call("PATCH", "composite/sobjects/Reading__c/ReadingId__c", body)
        self.assertTrue(answer.json[0]["success"], answer.text)
        stored = self.org.control("GET", "record?object=Reading__c&id=r1").json
        self.assertEqual(stored["DeviceId__c"], "a\"\n\U0001F600")
        self.assertEqual(stored["ReadingId__c"], "R1")
        self.assertIsNone(stored["Value__c"])

    def test_what_is_absent_stays_and_null_clears(self):
        self.org.upsert([reading(1, State__c="RUN", Value__c=1)])
        self.org.upsert([reading(1, Value__c=None)])
        stored = self.org.control("GET", "record?object=Reading__c&id=R1").json
        self.assertEqual((stored["State__c"], stored["Value__c"]), ("RUN", None))

    def test_create_update_and_delete_by_id(self):
        def records(*pairs):
            return {"records": [dict({"attributes": {"type": t}}, **f) for t, f in pairs]}
        answer = self.org.call("POST", "composite/sobjects", records(
            ("Sale__c", {"SaleId__c": "S"}), ("Reading__c", reading(1)), ("Reading__c", {})))
        self.assertEqual([r["success"] for r in answer.json], [True, True, False])
        sale, first = answer.json[0]["id"], answer.json[1]["id"]
        again = self.org.call("POST", "composite/sobjects", records(("Reading__c", reading(1))))
        self.assertEqual(self.failure(again)["statusCode"], "DUPLICATE_VALUE")
        answer = self.org.call("PATCH", "composite/sobjects", records(
            ("Sale__c", {"id": sale, "Store__c": "x"}), ("Reading__c", {"Id": first[:15]}),
            ("Reading__c", {}), ("Reading__c", {"id": "zzz"}), ("Reading__c", {"id": sale})))
        self.assertEqual([r["success"] or r["errors"][0]["statusCode"] for r in answer.json],
                         [True, True, "MISSING_ARGUMENT", "MALFORMED_ID",
                          "INVALID_CROSS_REFERENCE_KEY"])
        for expected in (True, "ENTITY_IS_DELETED"):
            answer = self.org.call("DELETE", "composite/sobjects?ids=" + first)
            self.assertEqual(answer.json[0]["success"] or answer.json[0]["errors"][0]["statusCode"],
                             expected)
        self.assertTrue(self.org.upsert([reading(1)]).json[0]["created"])

    def test_more_than_ten_chunks_are_refused(self):
        records = [{"attributes": {"type": t}} for t in ["Sale__c", "Loose__c"] * 6]
        answer = self.org.call("POST", "composite/sobjects", {"records": records})
        self.assertEqual((answer.status, answer.code), (400, "LIMIT_EXCEEDED"))


class FieldInRecord(OrgTest):
    options = ("--bad-field-in-record",)

    def test_a_wrong_field_fails_its_record_alone_where_told_so(self):
        self.assert_fails({"Foo__c": 1}, "INVALID_FIELD", "No such column 'Foo__c'")
        self.assert_fails({"Value__c": "x"}, "JSON_PARSER_ERROR", "Cannot deserialize")


class Relationship(OrgTest):
    def line(self, **fields):
        return self.org.upsert([dict({"LineId__c": "L1"}, **fields)], "LineId__c", "Line__c")

    def test_a_parent_by_external_id_sets_the_lookup(self):
        answer = self.org.upsert([{"SaleId__c": "S-1"}], "SaleId__c", "Sale__c")
        parent = answer.json[0]["id"]
        self.assertTrue(self.line(Sale__r={"SaleId__c": "S-1"}).json[0]["success"])
        stored = self.org.control("GET", "record?object=Line__c&id=L1").json
        self.assertEqual(stored["Sale__c"], parent)
        self.assertTrue(self.line(Sale__c=parent[:15]).json[0]["success"])
        self.assertEqual(self.org.audit()["objects"]["Line__c"]["repeats"], 1)
        self.assertTrue(self.line(Sale__c=None).json[0]["success"])

    def test_a_missing_parent_is_told(self):
        error = self.failure(self.line(Sale__r={"SaleId__c": "S-1"}))
        self.assertEqual(error["statusCode"], "INVALID_FIELD")
        self.assertEqual(error["message"], "Foreign key external ID: S-1 not found for field "
                                           "SaleId__c in entity Sale__c")

    def test_wrong_parents_are_refused(self):
        answer = self.org.upsert([reading(1)])
        other = answer.json[0]["id"]
        sale = self.org.upsert([{"SaleId__c": "S"}], "SaleId__c", "Sale__c").json[0]["id"]
        for fields, code in (({"Sale__r": {"SaleId__c": "S", "Store__c": "x"}}, "INVALID_FIELD"),
                             ({"Sale__r": {}}, "INVALID_FIELD"),
                             ({"Sale__r": {"Store__c": "x"}}, "INVALID_FIELD"),
                             ({"Sale__r": {"SaleId__c": "S"}, "Sale__c": sale}, "INVALID_FIELD"),
                             ({"Sale__c": "S-1"}, "MALFORMED_ID"),
                             ({"Sale__c": other}, "FIELD_INTEGRITY_EXCEPTION"),
                             ({"Sale__c": sale[:14] + "9"}, "INVALID_CROSS_REFERENCE_KEY")):
            self.assertEqual(self.failure(self.line(**fields))["statusCode"], code, fields)
        self.assertEqual(self.line(Sale__r="S").code, "JSON_PARSER_ERROR")


class Rows(OrgTest):
    def test_a_single_upsert_creates_then_updates(self):
        path = "sobjects/Reading__c/ReadingId__c/" + urllib.parse.quote("a/b c", safe="")
        answer = self.org.call("PATCH", path, {"DeviceId__c": "d"})
        self.assertEqual((answer.status, answer.json["created"]), (201, True))
        answer = self.org.call("PATCH", path, {"DeviceId__c": "e"})
        self.assertEqual((answer.status, answer.json["created"]), (200, False))
        answer = self.org.call("GET", path)
        self.assertEqual((answer.json["ReadingId__c"], answer.json["DeviceId__c"]), ("a/b c", "e"))
        self.assertEqual(answer.json["attributes"]["type"], "Reading__c")

    def test_the_key_must_not_stand_in_the_body(self):
        answer = self.org.call("PATCH", "sobjects/Reading__c/ReadingId__c/R1", reading(1))
        self.assertEqual((answer.status, answer.code), (400, "INVALID_FIELD"))

    def test_update_only_never_creates(self):
        answer = self.org.call("PATCH", "sobjects/Reading__c/ReadingId__c/R1?updateOnly=true",
                               {"DeviceId__c": "d"})
        self.assertEqual(answer.status, 404)

    def test_create_read_update_delete_by_id(self):
        answer = self.org.call("POST", "sobjects/Reading__c", reading(1))
        self.assertEqual(answer.status, 201)
        path = "sobjects/Reading__c/" + answer.json["id"]
        answer = self.org.call("PATCH", path, {"DeviceId__c": "x"})
        self.assertEqual((answer.status, answer.text), (204, b""))
        answer = self.org.call("GET", path + "?fields=DeviceId__c,Id")
        self.assertEqual(set(answer.json), {"attributes", "Id", "DeviceId__c"})
        self.assertEqual(self.org.call("GET", path + "?fields=Foo").code, "INVALID_FIELD")
        self.assertEqual(self.org.call("DELETE", path).status, 204)
        self.assertEqual(self.org.call("GET", path).code, "ENTITY_IS_DELETED")

    def test_a_failing_row_is_400_with_an_error_code(self):
        answer = self.org.call("POST", "sobjects/Reading__c", {"ReadingId__c": "R1"})
        self.assertEqual((answer.status, answer.code), (400, "REQUIRED_FIELD_MISSING"))
        self.assertEqual(answer.json[0]["fields"], ["DeviceId__c"])

    def test_an_external_id_that_is_not_unique_gives_choices(self):
        for _ in range(2):
            self.org.call("POST", "sobjects/Loose__c", {"Key__c": "K"})
        for method, body in (("GET", None), ("PATCH", {"Note__c": "x"})):
            answer = self.org.call(method, "sobjects/Loose__c/Key__c/k", body)
            self.assertEqual((answer.status, len(answer.json)), (300, 2))
        answer = self.org.upsert([{"Key__c": "K"}], "Key__c", "Loose__c")
        self.assertEqual(self.failure(answer)["statusCode"], "DUPLICATE_EXTERNAL_ID")

    def test_describe_tells_types_lengths_and_references(self):
        fields = {f["name"]: f for f in
                  self.org.call("GET", "sobjects/Line__c/describe").json["fields"]}
        self.assertEqual(fields["Sale__c"]["referenceTo"], ["Sale__c"])
        self.assertEqual(fields["Sale__c"]["relationshipName"], "Sale__r")
        self.assertTrue(fields["LineId__c"]["externalId"])
        fields = {f["name"]: f for f in
                  self.org.call("GET", "sobjects/Reading__c/describe").json["fields"]}
        self.assertEqual((fields["Value__c"]["precision"], fields["Value__c"]["scale"]), (8, 3))
        self.assertFalse(fields["DeviceId__c"]["nillable"])
        self.assertFalse(fields["Total__c"]["createable"])
        self.assertEqual([v["value"] for v in fields["State__c"]["picklistValues"]],
                         ["RUN", "STOP"])

    def test_versions_need_no_session_and_count_for_nothing(self):
        answer = self.org.request("GET", "/services/data/")
        versions = {v["version"]: v["label"] for v in answer.json}
        self.assertEqual(versions["62.0"], "Winter '25")
        self.assertNotIn("Sforce-Limit-Info", answer.headers)
        self.assertEqual(self.org.audit()["api_calls"], 0)

    def test_what_does_not_exist_is_not_found(self):
        for path in ("sobjects/Nothing__c", "sobjects/Nothing__c/describe", "nothing", "composite/x",
                     "/services/data/v9.0/limits", "/services/data/v12.0/limits",
                     "sobjects/Reading__c/ReadingId__c/R1", "sobjects/Reading__c/a005g000000000A"):
            self.assertEqual(self.org.call("GET", path).status, 404, path)


class Composite(OrgTest):
    def post(self, *parts, **flags):
        body = {"allOrNone": False, "collateSubrequests": False, "compositeRequest": [
            {"method": m, "url": BASE + u, "referenceId": "r%d" % i, "body": b}
            for i, (m, u, b) in enumerate(parts)]}
        body.update(flags)
        return self.org.call("POST", "composite", body)

    def sales(self, *ids):
        return ("PATCH", "composite/sobjects/Sale__c/SaleId__c", {"records": [
            {"attributes": {"type": "Sale__c"}, "SaleId__c": i} for i in ids]})

    def lines(self, sale, *ids):
        return ("PATCH", "composite/sobjects/Line__c/LineId__c", {"records": [
            {"attributes": {"type": "Line__c"}, "LineId__c": i, "Sale__r": {"SaleId__c": sale}}
            for i in ids]})

    def test_parents_then_children_in_one_call(self):
        answer = self.post(self.sales("S1"), self.lines("S1", "L1", "L2"))
        self.assertEqual(answer.status, 200)
        parts = answer.json["compositeResponse"]
        self.assertEqual([p["httpStatusCode"] for p in parts], [200, 200])
        self.assertEqual([p["referenceId"] for p in parts], ["r0", "r1"])
        self.assertTrue(all(r["success"] for p in parts for r in p["body"]), answer.text)
        audit = self.org.audit()
        self.assertEqual((audit["api_calls"], audit["records_a_call_max"]), (1, 3))

    def test_collated_parts_may_run_out_of_order(self):
        answer = self.post(self.sales("S1"), self.lines("S1", "L1"), collateSubrequests=True)
        self.assertFalse(answer.json["compositeResponse"][1]["body"][0]["success"])

    def test_a_refused_part_does_not_stop_the_others(self):
        bad = ("PATCH", "composite/sobjects/Sale__c/SaleId__c",
               {"records": [{"attributes": {"type": "Sale__c"}, "Foo__c": 1}]})
        parts = self.post(self.sales("S1"), bad, ("GET", "limits", None)).json["compositeResponse"]
        self.assertEqual([p["httpStatusCode"] for p in parts], [200, 400, 200])
        self.assertEqual(parts[1]["body"][0]["errorCode"], "INVALID_FIELD")

    def test_all_or_none_takes_everything_back(self):
        self.post(self.sales("S0"))
        change = ("PATCH", "sobjects/Sale__c/SaleId__c/S0", {"Store__c": "x"})
        answer = self.post(change, self.sales("S1"), self.lines("S9", "L1"), allOrNone=True)
        parts = answer.json["compositeResponse"]
        self.assertEqual(parts[0]["body"][0]["errorCode"], "PROCESSING_HALTED")
        audit = self.org.audit()["objects"]
        self.assertEqual((audit["Sale__c"]["records"], audit["Sale__c"]["changed"]), (1, 0))
        self.assertIsNone(self.org.control("GET", "record?object=Sale__c&id=S0").json["Store__c"])
        self.assertEqual(self.org.control("GET", "record?object=Sale__c&id=S1").status, 404)
        answer = self.post(self.sales("S1"), self.lines("S1", "L1"), allOrNone=True)
        self.assertEqual(self.org.audit()["objects"]["Line__c"]["records"], 1)

    def test_its_limits_are_kept(self):
        self.assertEqual(self.post(*[("GET", "limits", None)] * 26).status, 400)
        self.assertEqual(self.post(*[self.sales("S")] * 6).status, 400)
        self.assertEqual(self.post().status, 400)
        body = {"compositeRequest": [{"method": "GET", "url": BASE + "limits", "referenceId": r}
                                     for r in ("a", "a")]}
        self.assertEqual(self.org.call("POST", "composite", body).status, 400)
        body["compositeRequest"][1]["referenceId"] = "a-b"
        self.assertEqual(self.org.call("POST", "composite", body).status, 400)
