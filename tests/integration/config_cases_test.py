"""The JSON Schema accepts what `sfedge check` accepts, as far as a schema can say it: held to it over
tests/config_cases with a validator that no one here wrote."""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import shutil
import unittest

import jsonschema

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CASES = os.path.join(ROOT, "tests", "config_cases")
BUILD = ""
LEAST_FILES = 150


def without_comments(text):
    """Drops // comments; what stands between quotes is passed by."""
    return re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*', lambda found: found.group(1) or "", text)


def names(kind):
    return sorted(name[:-5] for name in os.listdir(os.path.join(CASES, kind)))


class ConfigCases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # In a folder of its own, as secrets must be closed to others and a checkout may not keep that.
        cls.folder = tempfile.mkdtemp(prefix="sfedge-cases-")
        for kind in ("good", "bad"):
            shutil.copytree(os.path.join(CASES, kind), os.path.join(cls.folder, kind))
        os.mkdir(os.path.join(cls.folder, "files"))
        for name, mode in (("secret", 0o600), ("open", 0o644), ("ca.pem", 0o644),
                           ("site.password", 0o600), ("key", 0o600)):
            path = os.path.join(cls.folder, "files", name)
            with open(path, "w", encoding="utf-8") as file:
                file.write("something\n")
            os.chmod(path, mode)
        with open(os.path.join(cls.folder, "files", "units.csv"), "w", encoding="utf-8") as file:
            file.write("unit,name\nC,Celsius\n")
        path = os.path.join(cls.folder, "files", "stream.key")
        with open(path, "w", encoding="utf-8") as file:
            file.write("5a" * 32 + "\n")
        os.chmod(path, 0o600)
        cls.environment = dict(os.environ, SFEDGE_CASE_SECRET="something",
                               CREDENTIALS_DIRECTORY=os.path.join(cls.folder, "files"))
        schema = subprocess.run([cls.sfedge(), "schema"], stdout=subprocess.PIPE, check=True)
        cls.schema = json.loads(schema.stdout)
        jsonschema.Draft202012Validator.check_schema(cls.schema)
        cls.validator = jsonschema.Draft202012Validator(cls.schema)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            cls.checked = {kind: dict(zip(names(kind), pool.map(
                lambda name, kind=kind: cls.check(cls.path(kind, name)), names(kind))))
                for kind in ("good", "bad")}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    @staticmethod
    def sfedge():
        return os.path.join(BUILD, "sfedge")

    @classmethod
    def path(cls, kind, name):
        return os.path.join(cls.folder, kind, name + ".json")

    @classmethod
    def check(cls, path, *more):
        done = subprocess.run([cls.sfedge(), "check", "--config", path, *more],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                              env=cls.environment, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def schema_mistake(self, text):
        """What the schema has against a text; None: nothing."""
        try:
            value = json.loads(without_comments(text))
        except ValueError as error:
            return str(error)
        error = jsonschema.exceptions.best_match(self.validator.iter_errors(value))
        return None if error is None else "%s: %s" % (error.json_path, error.message)

    def read(self, kind, name):
        with open(self.path(kind, name), encoding="utf-8-sig") as file:
            return file.read()

    def test_there_are_enough_cases(self):
        self.assertGreaterEqual(len(names("good")) + len(names("bad")), LEAST_FILES)

    def test_good_files_pass_both(self):
        for name in names("good"):
            with self.subTest(name):
                code, _, err = self.checked["good"][name]
                self.assertEqual(code, 0, err)
                self.assertIsNone(self.schema_mistake(self.read("good", name)))

    def test_bad_files_fail_check_and_say_where(self):
        for name in names("bad"):
            with self.subTest(name):
                code, _, err = self.checked["bad"][name]
                self.assertEqual(code, 78, err)
                self.assertIn(self.path("bad", name) + ":", err)
                self.assertNotIn("geheim", err)

    def test_bad_files_fail_the_schema_but_for_exceptions_with_a_reason(self):
        with open(os.path.join(CASES, "exceptions.json"), encoding="utf-8") as file:
            exceptions = json.load(file)
        for name in names("bad"):
            with self.subTest(name):
                mistake = self.schema_mistake(self.read("bad", name))
                if name in exceptions:
                    self.assertIsNone(mistake, "no longer an exception")
                    self.assertGreater(len(exceptions[name]), 10)
                else:
                    self.assertIsNotNone(mistake)
        self.assertEqual(set(exceptions) - set(names("bad")), set())

    def test_what_is_printed_reads_back_and_says_the_same(self):
        for name in names("good"):
            with self.subTest(name):
                code, printed, err = self.check(self.path("good", name), "--print")
                self.assertEqual(code, 0, err)
                again = os.path.join(self.folder, "printed.json")
                with open(again, "w", encoding="utf-8") as file:
                    file.write(printed)
                code, second, err = self.check(again, "--print")
                self.assertEqual(code, 0, err)
                self.assertEqual(second, printed.replace(" // default", ""))
                self.assertNotIn("something", printed)
                self.assertIsNone(self.schema_mistake(printed))

    def test_files_of_conf_d_are_one_configuration(self):
        folder = os.path.join(self.folder, "merged")
        os.makedirs(os.path.join(folder, "conf.d"))

        def write(name, value):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(json.dumps(value, indent=1))
        write("sfedge.json", {"agent": {"id": "a"}, "streams": {"one": {}}})
        write("conf.d/20.json", {"streams": {"three": {}}})
        write("conf.d/10.json", {"streams": {"two": {}}, "connections": {"site": {
            "type": "mqtt", "url": "mqtt://localhost", "password_file": "../../files/secret"}}})
        write("conf.d/30.json~", {"nonsense": 1})
        main = os.path.join(folder, "sfedge.json")
        code, printed, err = self.check(main, "--print")
        self.assertEqual(code, 0, err)
        value = json.loads(without_comments(printed))
        self.assertEqual(list(value["streams"]), ["one", "two", "three", "dead"])
        self.assertEqual(os.path.realpath(value["connections"]["site"]["password_file"]),
                         os.path.realpath(os.path.join(self.folder, "files", "secret")))
        write("conf.d/30.json", {"streams": {"one": {}}, "agent": {"lgo": "info"}})
        code, _, err = self.check(main)
        self.assertEqual(code, 78)
        lines = err.splitlines()
        self.assertTrue(lines[0].startswith(os.path.join(folder, "conf.d", "30.json") + ":3:3: "
                                            "/streams/one"), err)
        self.assertIn(main, lines[0])
        self.assertIn("/agent/lgo", err)


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
