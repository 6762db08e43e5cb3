"""Files into the agent: complete ones only, each row once in effect whatever breaks, and files of every bad kind."""

import collections
import json
import os
import random
import sys
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())


class Files(unittest.TestCase):
    """`{id}` is the external ID: what has one identity is one record in the org."""

    def start(self, quota="64MiB", org=True, agent=None, segment="64KiB", **more):
        site = parts.Site(BUILD)
        self.addCleanup(site.close)
        self.site = site
        self.folder = site.path("drop")
        os.mkdir(self.folder)
        config = site.default_config()
        del config["connections"]["site"]
        config["agent"].update({"event_max": "16KiB"}, **(agent or {}))
        config["streams"] = {"sales": {"quota": quota, "segment": segment}}
        config["inputs"] = {"drop": {"type": "files", "directory": "drop", "format": "csv",
                                     "settle": "0s", "stream": "sales", **more}}
        config["outputs"] = {"sales": {
            "type": "salesforce-records", "connection": "crm", "from": "sales",
            "batch_age": "100ms", "api": "composite",
            "records": [{"object": "PosSale__c", "external_id": "SaleId__c",
                         "map": {"SaleId__c": "{id}", "Store__c": "{topic.1}",
                                 "Register__c": "{/sale}"}}]}}
        site.write_config(config)
        if org:
            site.start_org()
        site.start_agent()
        return site

    def drop(self, name, content):
        """As a careful writer does: renamed into place when it is whole."""
        if isinstance(content, str):
            content = content.encode()
        hidden = os.path.join(self.folder, "." + name)
        with open(hidden, "wb") as file:
            file.write(content)
        os.rename(hidden, os.path.join(self.folder, name))

    def listed(self, part=""):
        try:
            return sorted(name for name in os.listdir(os.path.join(self.folder, part))
                          if os.path.isfile(os.path.join(self.folder, part, name)))
        except FileNotFoundError:
            return []

    def wait_moved(self, part, name, seconds=60):
        parts.wait_until(lambda: name in self.listed(part), seconds, "%s in %s" % (name, part))

    def count(self):
        return self.site.object_audit("PosSale__c")["records"]

    def wait_count(self, count, seconds=120):
        parts.wait_until(lambda: self.count() >= count, seconds, "%d records" % count)
        self.assertEqual(self.count(), count)

    def sales(self):
        """How often each value stands in the org."""
        return collections.Counter(self.site.record("PosSale__c", one)["Register__c"]
                                   for one in self.site.ids("PosSale__c"))

    def has_place(self, name):
        return os.path.exists(self.site.path(os.path.join("state", name + ".place")))

    def files_status(self):
        return self.site.status()["links"][0]["files"]

    def test_rows_of_csv_are_events_and_bad_ones_dead_letters(self):
        self.start(delimiter="semicolon", encoding="windows-1252")
        self.drop("a.csv", b'sale;note\r\n1;"caf\xe9; ""big"""\r\n2;\x80\r\n3;too;many\r\n\r\n'
                           b'4;"two\r\nlines"\r\n5;"open" wrong\r\n6;last')
        self.wait_moved("done", "a.csv")
        self.wait_count(4)
        self.assertEqual(sorted(self.sales()), ["1", "2", "4", "6"])
        with open(os.path.join(self.folder, "done", "a.csv.report.json"), encoding="utf-8") as file:
            report = json.load(file)
        self.assertEqual([one["line"] for one in report["first_refused"]], [4, 8])
        self.assertEqual(self.files_status()["refused_rows"], 2)

    def test_what_is_no_file_of_ours_stays_where_it_is(self):
        self.start()
        outside = self.site.path("outside.csv")
        with open(outside, "w", encoding="utf-8") as file:
            file.write("sale\nsecret\n")
        os.symlink(outside, os.path.join(self.folder, "link.csv"))
        os.mkfifo(os.path.join(self.folder, "pipe.csv"))
        os.mkdir(os.path.join(self.folder, "folder.csv"))
        for name in ("b.csv.tmp", "b.csv.part", ".hidden.csv", "b.txt"):
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write("sale\nunfinished\n")
        self.drop("Z.CSV", "sale\n1\n")
        self.wait_moved("done", "Z.CSV")
        self.wait_count(1)
        self.assertEqual(set(os.listdir(self.folder)),
                         {"link.csv", "pipe.csv", "folder.csv", "b.csv.tmp", "b.csv.part",
                          ".hidden.csv", "b.txt", "done"})

    def test_a_file_that_is_none_of_its_format_fails_with_a_report_and_takes_nothing(self):
        self.start(format="json")
        self.drop("good.json", '[{"sale":"1"}, {"sale":"2"}, 3]')
        self.drop("cut.json", '[{"sale":"7"},\n{"sale":"8"},\n{"sale":')
        self.wait_moved("failed", "cut.json")
        self.wait_moved("done", "good.json")
        self.wait_count(2)
        with open(os.path.join(self.folder, "failed", "cut.json.report.json"),
                  encoding="utf-8") as file:
            report = json.load(file)
        self.assertEqual((report["result"], report["line"], report["events"]), ("failed", 3, 0))
        with open(os.path.join(self.folder, "done", "good.json.report.json"),
                  encoding="utf-8") as file:
            report = json.load(file)
        self.assertEqual((report["events"], report["refused"]), (2, 1))
        self.drop("cut.json", "")
        self.wait_moved("failed", "cut.json.1")
        status = self.files_status()
        self.assertEqual((status["done"], status["failed"], status["refused_rows"]), (1, 2, 1))

    def test_a_file_that_grows_slowly_is_taken_when_it_is_whole(self):
        self.start(format="ndjson", settle="1500ms")
        with open(os.path.join(self.folder, "slow.ndjson"), "w", encoding="utf-8") as file:
            for number in range(8):
                file.write('{"sale":"%d"' % number)
                file.flush()
                time.sleep(0.4)
                self.assertEqual(self.site.status()["links"][0]["received"], 0)
                file.write("}\n")
                file.flush()
        self.wait_moved("done", "slow.ndjson")
        self.wait_count(8)

    def test_a_marker_is_waited_for(self):
        self.start(format="ndjson", complete="marker")
        self.drop("a.ndjson", '{"sale":"1"}\n')
        self.drop("b.ndjson", '{"sale":"2"}\n')
        self.drop("b.ndjson.ok", "")
        self.wait_moved("done", "b.ndjson")
        self.wait_count(1)
        self.assertEqual(self.listed(), ["a.ndjson"])
        self.drop("a.ndjson.done", "")
        self.wait_moved("done", "a.ndjson")
        self.wait_count(2)
        parts.wait_until(lambda: self.listed() == [], 20, "the markers are gone")

    def test_a_full_stream_holds_the_file_and_nothing_is_lost(self):
        self.start(quota="512KiB", org=False)
        rows = 12000
        self.drop("big.csv", "sale,filler\n" +
                  "".join("%d,%s\n" % (row, "x" * 60) for row in range(rows)))
        parts.wait_until(lambda: self.site.status()["links"][0]["blocked"], 60, "held back")
        self.assertEqual(self.listed(), ["big.csv"])
        self.assertEqual(self.files_status()["current"], "big.csv")
        self.site.start_org()
        self.wait_moved("done", "big.csv", 120)
        self.wait_count(rows)

    def test_kills_in_the_middle_of_large_files_change_nothing(self):
        print("files_test --seed %d" % SEED, flush=True)
        chance = random.Random(SEED)
        self.start(quota="512KiB")  # A full stream now and then: there is a middle to be killed in.
        rows = 8000
        for number in range(3):
            self.drop("sales-%d.csv" % number, "sale,filler\n" + "".join(
                "%d-%d,%s\n" % (number, row, "x" * 100) for row in range(rows)))
        self.site.faults(down=True)
        for kill in range(8):
            if kill == 0:  # Surely in the middle: nobody takes what the stream holds.
                parts.wait_until(lambda: self.site.status()["links"][0]["blocked"], 60, "it is held")
                parts.wait_until(lambda: self.has_place("drop"), 30, "its place is on flash")
            else:
                time.sleep(chance.uniform(0.2, 1.5))
            self.site.kill_agent()
            self.site.faults()
            self.site.start_agent(wait=chance.random() < 0.7)
        for number in range(3):
            self.wait_moved("done", "sales-%d.csv" % number, 120)
        self.wait_count(3 * rows)
        parts.wait_until(self.site.connected, 30, "an agent that has looked")
        self.assertEqual(self.site.stop_agent(), 0)
        self.assertEqual(self.listed("done"), ["sales-%d.csv" % n for n in range(3)])
        self.assertIn("taken up where it was left", self.site.agent_log())

    def test_the_same_file_again_has_no_second_effect_but_equal_rows_have(self):
        self.start()
        self.drop("a.csv", "sale\nx\nx\n")
        self.wait_moved("done", "a.csv")
        self.wait_count(2)
        self.drop("a.csv", "sale\nx\nx\ny\n")
        self.wait_moved("done", "a.csv.1")
        self.wait_count(3)
        self.drop("b.csv", "sale\nx\n")
        self.wait_moved("done", "b.csv")
        self.wait_count(4)

    def test_memory_does_not_grow_with_the_file(self):
        self.start(format="ndjson", keep_done_size="1GiB")
        before = self.site.status()["memory_bytes"]
        hidden = os.path.join(self.folder, ".huge")
        with open(hidden, "wb") as file:
            file.write(b'{"sale":"first"}\n')
            file.truncate(256 << 20)
            file.seek(0, 2)
            file.write(b'\n{"sale":"last"}\n')
        os.rename(hidden, os.path.join(self.folder, "huge.ndjson"))
        self.wait_moved("done", "huge.ndjson", 120)
        self.wait_count(2)
        self.assertEqual(sorted(self.sales()), ["first", "last"])
        self.assertEqual(self.site.status()["links"][0]["too_large"], 1)
        self.assertLess(self.site.status()["memory_bytes"] - before, 4 << 20)

    def test_a_reload_brings_inputs_and_takes_them_away_and_leaves_files_whole(self):
        self.start(quota="512KiB", org=False)
        rows = 9000
        self.drop("big.csv", "sale,filler\n" +
                  "".join("%d,%s\n" % (row, "x" * 80) for row in range(rows)))
        parts.wait_until(lambda: self.site.status()["links"][0]["blocked"], 60, "held back")
        config = self.site.config
        more = self.site.path("more")
        os.mkdir(more)
        config["inputs"]["more"] = {"type": "files", "directory": "more", "format": "ndjson",
                                    "settle": "0s", "stream": "sales"}
        config["inputs"]["drop"]["keep_done"] = 5
        self.site.write_config(config)
        self.assertEqual(self.site.command("reload", "--config", self.site.path("sfedge.json"))[0], 0)
        with open(os.path.join(more, "a.ndjson"), "w", encoding="utf-8") as file:
            file.write('{"sale":"more"}\n')
        self.site.start_org()
        self.wait_moved("done", "big.csv", 120)
        parts.wait_until(lambda: os.path.exists(os.path.join(more, "done", "a.ndjson")), 60,
                         "the new input takes its file")
        self.wait_count(rows + 1)
        del config["inputs"]["more"]
        self.site.write_config(config)
        self.assertEqual(self.site.command("reload", "--config", self.site.path("sfedge.json"))[0], 0)
        self.assertEqual(len(self.site.status()["links"]), 1)

    def test_done_is_bounded(self):
        self.start(keep_done=20)
        for number in range(60):
            self.drop("f%03d.csv" % number, "sale\n%d\n" % number)
        self.wait_count(60)
        parts.wait_until(lambda: self.listed() == [], 60, "all is moved")
        self.assertLessEqual(len(self.listed("done")), 20 + 16)
        self.assertIn("f059.csv", self.listed("done"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
