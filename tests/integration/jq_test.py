"""Events through jq: what takes too much is dead and holds up nobody, workers and the agent are killed, nothing is lost."""

import json
import os
import random
import signal
import sys
import time
import unittest

import site_parts as parts

BUILD = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
EVENTS = 400
PROGRAM = ('if .do == "time" then last(range(1e18)) elif .do == "memory" then [limit(1e9; repeat(1))] '
           'elif .do == "deep" then def f: 1 + f; f elif .do == "wide" then "x" * 100000 '
           'elif .do == "many" then range(1e18) elif .do == "fail" then error("refused") '
           'else .lines |= map(select(.qty > 0)) end')
REASONS = {"time": '"time"', "memory": '"memory"', "deep": '"memory"', "wide": "too large",
           "many": "more than one result", "fail": "refused"}


def workers(agent):
    """The agent's worker processes that are alive."""
    found = []
    for task in os.listdir("/proc/%d/task" % agent):
        with open("/proc/%d/task/%s/children" % (agent, task), encoding="ascii") as file:
            found += [int(child) for child in file.read().split()]
    return [worker for worker in found if is_alive(worker)]


def is_alive(process):
    try:
        with open("/proc/%d/stat" % process, encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Jq(unittest.TestCase):
    def start(self, program=PROGRAM, **options):
        site = parts.Site(BUILD)
        self.addCleanup(site.close)
        config = site.default_config()
        del config["connections"]["crm"]
        config["streams"] = {"sales": {"quota": "64MiB"}, "clean": {"quota": "64MiB"}}
        config["inputs"] = {"tills": config["inputs"]["tills"]}
        config["outputs"] = {
            "filter": {"type": "jq", "from": "sales", "program": program, "on_done": "clean",
                       **options},
            "clean": {"type": "file", "from": "clean", "directory": "clean", "batch_age": "50ms",
                      "map": {"id": "{id}", "n": {"from": "/answer/result/n", "type": "int"},
                              "lines": {"from": "/answer/result/lines", "type": "string"}}},
            "raw": {"type": "file", "from": "sales", "directory": "raw", "batch_age": "50ms"}}
        for name in ("clean", "raw"):
            os.makedirs(site.path(name), exist_ok=True)
        site.write_config(config)
        site.start_broker()
        return site

    @staticmethod
    def lines(site, directory):
        found = []
        for name in sorted(os.listdir(site.path(directory))):
            with open(os.path.join(site.path(directory), name), encoding="utf-8") as file:
                found += [json.loads(line) for line in file if line.endswith("\n")]
        return found

    @staticmethod
    def letters(site):
        code, text, problem = site.command("dead", "ls", "--config", site.path("sfedge.json"),
                                           "--json")
        if code != 0:
            raise AssertionError(problem)
        return text

    @staticmethod
    def sale(number):
        return json.dumps({"n": number, "lines": [{"qty": number % 3}, {"qty": 0}, {"qty": 1}]})

    def test_what_takes_too_much_is_dead_and_holds_up_nobody(self):
        site = self.start(time="300ms", memory="16MiB")
        site.start_agent()
        site.publish_lines("pos/1/sale", [self.sale(0)] + [json.dumps({"do": do}) for do in REASONS])
        site.publish_lines("pos/1/sale", [self.sale(number) for number in range(1, 50)])
        parts.wait_until(lambda: len(self.lines(site, "clean")) >= 50, 120, "all results are there")
        self.assertEqual(sorted(line["n"] for line in self.lines(site, "clean")), list(range(50)))
        self.assertEqual(json.loads(self.lines(site, "clean")[2]["lines"]),
                         [{"qty": 2}, {"qty": 1}])
        parts.wait_until(lambda: len(self.lines(site, "raw")) == 50 + len(REASONS), 60,
                         "the other output has all")
        text = self.letters(site)
        for do, reason in REASONS.items():
            self.assertIn(json.dumps(reason)[1:-1], text, do)

    def test_one_that_runs_for_long_holds_up_no_other_output(self):
        site = self.start(time="60s")
        site.start_agent()
        site.publish_lines("pos/1/sale", [json.dumps({"do": "time"})] +
                           [self.sale(number) for number in range(20)])
        parts.wait_until(lambda: len(self.lines(site, "raw")) == 21, 60, "the other output has all")
        self.assertEqual(self.lines(site, "clean"), [])
        worker = workers(site.agent.pid)
        self.assertEqual(len(worker), 1)
        site.kill_agent()
        parts.wait_until(lambda: not is_alive(worker[0]), 20, "the worker ends with the agent")
        site.config["outputs"]["filter"]["time"] = "200ms"
        site.write_config(site.config)
        site.start_agent()
        parts.wait_until(lambda: len(self.lines(site, "clean")) == 20, 60, "those behind it go on")
        self.assertEqual(site.stop_agent(), 0)

    def test_killed_workers_and_a_killed_agent_lose_nothing(self):
        print("jq_test seed %d" % SEED, flush=True)
        chance = random.Random(SEED)
        site = self.start()
        site.start_agent()
        for begin in range(0, EVENTS, 40):
            site.publish_lines("pos/1/sale", [self.sale(number) for number in range(begin, begin + 40)])
            for worker in workers(site.agent.pid):
                os.kill(worker, signal.SIGKILL)
            if chance.random() < 0.3:
                site.kill_agent()
                site.start_agent()
        wanted = set(range(EVENTS))
        parts.wait_until(lambda: {line["n"] for line in self.lines(site, "clean")} >= wanted, 120,
                         "all results are there")
        by_id = {}
        for line in self.lines(site, "clean"):
            by_id.setdefault(line["id"], set()).add(line["n"])
        self.assertTrue(all(len(numbers) == 1 for numbers in by_id.values()))
        self.assertEqual(self.letters(site).count("SFE-"), 0)

    def test_check_finds_a_program_that_is_wrong(self):
        site = self.start(program=".lines |= map(select(.qty > ))")
        code, _, problem = site.command("check", "--config", site.path("sfedge.json"))
        self.assertEqual(code, 78)
        self.assertIn("/outputs/filter/program: jq: error: syntax error", problem)
        del site.config["outputs"]["filter"]["on_done"]
        site.write_config(site.config)
        code, _, problem = site.command("check", "--config", site.path("sfedge.json"))
        self.assertEqual(code, 78)
        self.assertIn("nobody gets the results", problem)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
