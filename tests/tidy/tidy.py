"""The house rules, as tests: each method says one rule; a failure names file and line."""

import os
import re
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Who may include whom: the arrows of the design, with what each reaches through them. No cycle.
MAY_INCLUDE = {
    "base": {"port"},
    "event": {"base", "port"},
    "stream": {"event", "base", "port"},
    "flow": {"event", "base", "port"},
    "output": {"flow", "stream", "event", "base", "port"},
    "salesforce": {"output", "flow", "stream", "event", "base", "port"},
    "target": {"output", "flow", "stream", "event", "base", "port"},
    "join": {"output", "flow", "stream", "event", "base", "port"},
    "bulk": {"salesforce", "output", "flow", "stream", "event", "base", "port"},
    "input": {"flow", "stream", "event", "base", "port"},
    "ask": {"input", "salesforce", "output", "flow", "stream", "event", "base", "port"},
    "config": {"base", "port"},
    "supervise": {"base", "port"},
    "status": {"input", "output", "join", "target", "bulk", "salesforce", "stream", "event", "base", "port"},
    "compile": {"config", "output", "target", "flow", "stream", "event", "base", "port"},
    "control": {"base", "port"},
    "trial": {"stream", "base", "port"},
    "run": {"compile", "config", "control", "trial", "supervise", "ask", "input", "output", "join", "target", "salesforce", "bulk",
            "status", "flow", "stream", "event", "base", "port"},
    "doctor": {"run", "supervise", "compile", "config", "input", "salesforce", "output", "flow", "stream", "event", "base",
               "port"},
    "cli": {"doctor", "run", "control", "supervise", "compile", "config", "status", "salesforce", "stream", "event", "base", "port"},
    "main.c": {"cli", "port"},
}
# What C itself gives; everything else of the system is the port's.
SYSTEM_HEADERS = {"assert.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdatomic.h",
                  "stdbool.h", "stddef.h", "arm_acle.h", "stdint.h", "stdio.h", "stdlib.h", "string.h"}
BANNED = ["strcpy", "strcat", "sprintf", "vsprintf", "strtok", "atoi", "atol", "atof", "gets",
          "scanf", "sscanf", "alloca", "localtime", "gmtime", "mktime", "system", "popen"]
BANNED_ABOVE_PORT = ["time", "clock", "rand", "srand", "exit", "fopen", "errno", "getenv", "signal",
                     "printf", "fprintf", "puts", "strtol", "strtoul", "strtod"]
LIMITS = {"function lines": 60, "complexity": 12, "source lines": 600, "header lines": 250,
          "parameters": 6, "nesting": 4, "columns": 100, "includes": 14, "module sources": 34}
# Sources whose behaviour is tested by another test than one of their own name, with the reason. May only shrink.
NO_TEST_OF_ITS_OWN = {
    "agent/main.c": "three lines; every integration test passes through it",
    "agent/run/open_orgs.c": "wiring; each integration test passes through it",
    "agent/run/open_http.c": "wiring; http_input_test.py passes through it",
    "agent/run/open_events.c": "wiring; salesforce_events_test.py passes through it",
    "agent/run/open_query.c": "wiring; salesforce_query_test.py passes through it",
    "agent/run/open_ask.c": "wiring; ask_test.py passes through it",
    "agent/run/open_files.c": "wiring; files_test.py passes through it",
    "agent/run/open_sources.c": "wiring; each integration test passes through it",
    "agent/run/open_streams.c": "wiring; each integration test passes through it",
    "agent/run/gather.c": "wiring; main_job_test.py reads the status it gathers",
    "agent/run/edge_turn.c": "kill_test.py and main_job_test.py: load, kills, orderly ends",
    "agent/run/flash_turn.c": "kill_test.py and main_job_test.py: load, kills, orderly ends",
    "agent/run/cloud_turn.c": "kill_test.py and main_job_test.py: load, kills, orderly ends",
    "agent/run/threads.c": "kill_test.py and main_job_test.py: load, kills, orderly ends",
    "agent/run/rehearsal_bulk.c": "commands_test.py reads what it tells",
    "agent/run/rehearsal_explain.c": "rehearsal_test.c and where_test.py read what it tells",
    "agent/run/set.c": "reload_test.py: what stays and what is opened anew, over random changes",
    "agent/run/trial.c": "update_test.py: reloads and starts that do not connect, kills in between",
    "agent/run/drain.c": "update_test.py: drains of each kind, cancelled ones, lost commands",
    "agent/cli/drain.c": "update_test.py runs the command",
    "agent/run/reload.c": "reload_test.py: 300 reloads under load, refusals of each kind, an audit",
    "agent/cli/reload.c": "reload_test.py runs the command",
    "agent/run/agent.c": "kill_test.py and main_job_test.py: load, kills, orderly ends",
    "agent/cli/run.c": "each integration test runs the command",
    "agent/cli/check.c": "main_job_test.py runs the command",
    "agent/cli/status.c": "main_job_test.py runs the command",
    "agent/cli/schema.c": "main_job_test.py runs the command",
    "agent/cli/version.c": "main_job_test.py runs the command",
    "agent/cli/try.c": "commands_test.py runs the command; rehearsal_test.c tests what it shows",
    "agent/cli/bundle.c": "monitor_test.py opens what it writes, with and without an agent",
    "agent/cli/doctor.c": "commands_test.py runs it on a site that is well and on one that is not",
    "agent/cli/examine.c": "commands_test.py reads what it prints",
    "agent/cli/dead.c": "commands_test.py; letters_test.c tests what it changes",
    "agent/cli/export.c": "tools_test.py reads what it writes",
    "agent/cli/export_damage.c": "tools_test.py reads what it writes",
    "agent/cli/init.c": "commands_test.py answers its questions, and runs on what it wrote",
    "agent/cli/show.c": "commands_test.py reads what it prints",
    "agent/cli/state.c": "commands_test.py; walk_test.c tests what it reads",
    "agent/cli/tap.c": "watch_test.py runs the command; note_test.c tests its lines",
    "agent/cli/trace.c": "watch_test.py runs the command; way_test.c and lookup_test.c test its parts",
    "agent/cli/top.c": "watch_test.py runs the command, on a terminal too; top_test.c tests its view",
    "agent/run/questions.c": "watch_test.py and main_job_test.py ask each question",
    "agent/cli/stream.c": "commands_test.py; walk_test.c tests what it reads",
    "agent/doctor/server.c": "http_output_test.py has it ask servers that are trusted and that are not",
    "agent/doctor/broker.c": "doctor_test.py has it ask a real broker, with each thing wrong",
    "agent/doctor/visit.c": "doctor_test.py has it ask a real broker, with each thing wrong",
    "agent/doctor/org.c": "commands_test.py has it ask the simulated org, with each thing wrong",
    "agent/doctor/session.c": "commands_test.py and plan_test.py log in with it",
    "agent/doctor/plan.c": "plan_test.py compares with it, with each thing wrong",
    "agent/doctor/plan_files.c": "plan_test.py reads what it writes",
    "agent/cli/plan.c": "plan_test.py runs the command",
    "agent/cli/manual.c": "commands_test.py has the pages read by man's own formatter",
    "agent/cli/completion.c": "commands_test.py completes with it in a bash",
    "port/posix/platform.c": "each integration test opens it",
    "port/sim/clock.c": "world_test.c",
    "port/sim/entropy.c": "world_test.c",
    "port/sim/crypto.c": "every agent scenario of tests/sim logs in with it",
    "port/sim/thread.c": "every scenario of tests/sim passes through it",
    "port/sim/log_sink.c": "three lines; tells of broken invariants only",
    "port/sim/process.c": "answers nothing; every agent scenario of tests/sim passes through it",
    "port/sim/packet.c": "broker_test.c",
    "port/sim/mqtt.c": "broker_test.c",
    "port/sim/net.c": "broker_test.c",
}


def files(folder, *endings):
    found = []
    for path, folders, names in os.walk(os.path.join(ROOT, folder)):
        folders[:] = [name for name in folders if name not in ("build", "__pycache__")]
        found += [os.path.relpath(os.path.join(path, name), ROOT) for name in names
                  if name.endswith(endings)]
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def bare(text):
    """The text without comments and the insides of strings, line for line."""
    def blank(found):
        piece = found.group(0)
        if piece[0] in "\"'":
            return piece[0] * 2
        return "\n" * piece.count("\n")
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.S)


def functions(path):
    """(line, head, body) of each function: the style puts its braces into column one."""
    lines = bare(read(path)).split("\n")
    for number, line in enumerate(lines):
        if line != "{":
            continue
        end = number
        while lines[end] != "}":
            end += 1
            if end == len(lines) or lines[end].startswith("};"):
                break
        begin = number - 1
        while begin > 0 and lines[begin - 1].strip() and not lines[begin - 1].startswith(("}", "#")):
            begin -= 1
        head = " ".join(lines[begin:number])
        if "(" in head:
            yield number + 1, head, lines[number:end + 1]


def parameters(head):
    """How many, `err` not counted: every function that can fail has it."""
    inside = head[head.index("(") + 1:head.rindex(")")]
    depth, count = 0, 1
    for letter in inside:
        depth += letter == "("
        depth -= letter == ")"
        count += letter == "," and depth == 0
    return count - (inside.rstrip().endswith("struct sfe_error *err"))


class Tidy(unittest.TestCase):
    def report(self, problems):
        self.assertEqual(problems, [], "\n" + "\n".join(problems))

    def sources(self):
        return files("agent", ".c", ".h") + files("port", ".c", ".h")

    def test_includes_point_one_way(self):
        problems = []
        for path in files("agent", ".c", ".h"):
            module = path.split(os.sep)[1]
            for number, line in enumerate(read(path).split("\n"), 1):
                found = re.match(r'#include "([^/"]+)/', line)
                if found and found.group(1) != module and \
                        found.group(1) not in MAY_INCLUDE.get(module, set()):
                    problems.append("%s:%d: %s may not include %s" % (path, number, module,
                                                                     found.group(1)))
                if line.startswith('#include "') and "/" not in line:
                    problems.append("%s:%d: name the module in the include" % (path, number))
        for path in files("port/include", ".h"):
            for number, line in enumerate(read(path).split("\n"), 1):
                if re.match(r'#include "(?!port/|base/(bytes|error)\.h)', line):
                    problems.append("%s:%d: the port's interface includes only base/bytes.h and "
                                    "base/error.h" % (path, number))
        self.report(problems)

    def test_no_system_header_above_the_port(self):
        problems = []
        for path in files("agent", ".c", ".h") + files("port/include", ".h"):
            for number, line in enumerate(read(path).split("\n"), 1):
                found = re.match(r"#include <([^>]+)>", line)
                if found and found.group(1) not in SYSTEM_HEADERS and \
                        not found.group(1).startswith("cjson/"):
                    problems.append("%s:%d: <%s> is the port's" % (path, number, found.group(1)))
        self.report(problems)

    def test_functions_fit_a_screen(self):
        problems = []
        for path in self.sources():
            for line, head, body in functions(path):
                name = re.findall(r"(\w+)\s*\(", head)
                where = "%s:%d: %s" % (path, line, name[0] if name else head)
                if len(body) - 2 > LIMITS["function lines"]:
                    problems.append("%s has %d lines" % (where, len(body) - 2))
                text = "\n".join(body)
                paths = 1 + len(re.findall(r"\b(?:if|for|while|switch)\b|&&|\|\||\?", text)) - \
                    len(re.findall(r"\}\s*while\b", text))
                if paths > LIMITS["complexity"]:
                    problems.append("%s has %d paths" % (where, paths))
                if parameters(head) > LIMITS["parameters"]:
                    problems.append("%s has %d parameters" % (where, parameters(head)))
                deepest = max((len(row) - len(row.lstrip())) // 4 for row in body if row.strip() and
                              re.match(r"\s*(if|for|while|switch|do)\b", row)) \
                    if any(re.match(r"\s*(if|for|while|switch|do)\b", row) for row in body) else 0
                if deepest > LIMITS["nesting"]:
                    problems.append("%s nests %d deep" % (where, deepest))
        self.report(problems)

    def test_files_are_short_and_lines_fit(self):
        problems = []
        for path in self.sources() + files("tests", ".c", ".h"):
            text = read(path)
            limit = LIMITS["header lines"] if path.endswith(".h") else LIMITS["source lines"]
            if path.startswith("tests") and "/org/" not in path:
                limit = 1500
            lines = text.split("\n")
            if len(lines) > limit and "generated" not in lines[0]:
                problems.append("%s has %d lines" % (path, len(lines)))
            for number, line in enumerate(lines, 1):
                in_comment = line.lstrip().startswith(("*", "/*")) or "/* " in line
                if len(line) > (LIMITS["columns"] if not in_comment else 100):
                    problems.append("%s:%d: %d columns" % (path, number, len(line)))
            if sum(line.startswith("#include") for line in lines) > LIMITS["includes"] and \
                    not path.startswith("tests"):
                problems.append("%s includes too much" % path)
        self.report(problems)

    def test_modules_are_small(self):
        problems = []
        for module in MAY_INCLUDE:
            count = len([path for path in files("agent/" + module, ".c")])
            if count > LIMITS["module sources"]:
                problems.append("agent/%s has %d sources" % (module, count))
        self.report(problems)

    def test_banned_functions_do_not_occur(self):
        problems = []
        for path in self.sources():
            banned = BANNED + ([] if path.startswith("port") else BANNED_ABOVE_PORT)
            for number, line in enumerate(bare(read(path)).split("\n"), 1):
                for name in banned:
                    pattern = r"(?<![\w.>])%s\b" % name if name == "errno" else \
                        r"(?<![\w.>])%s\s*\(" % name
                    if re.search(pattern, line):
                        problems.append("%s:%d: %s" % (path, number, name))
                if re.search(r"(?<![\w.>])(malloc|calloc|realloc)\s*\(", line) and \
                        path not in ("agent/base/arena.c", "agent/base/log.c") and \
                        path.startswith("agent"):
                    problems.append("%s:%d: memory comes from the arena" % (path, number))
        self.report(problems)

    def test_public_functions_are_documented(self):
        problems = []
        for path in files("agent", ".h") + files("port/include", ".h"):
            lines = read(path).split("\n")
            for number, line in enumerate(lines):
                if not re.match(r"(SFE_MUST_USE |_Noreturn )?[a-z][\w ]*\*?(sfe_\w+)\(", line) or \
                        line.startswith("static"):
                    continue
                # One comment may stand above a group of siblings, up to the next blank line.
                block = []
                while number > 0 and lines[number - 1].strip():
                    number -= 1
                    block.append(lines[number])
                if not any("*/" in row for row in block):
                    problems.append("%s:%d: say what %s does"
                                    % (path, number + 1, line.split("(")[0].split()[-1]))
        for path in files("agent", ".h") + files("port/include", ".h"):
            if not read(path).startswith("/*"):
                problems.append("%s: say at the top what it is" % path)
        self.report(problems)

    def test_each_source_has_its_test(self):
        problems = []
        for path in files("agent", ".c") + files("port", ".c"):
            if path in NO_TEST_OF_ITS_OWN:
                continue
            parts = path.split(os.sep)
            test = os.path.join("tests", "unit" if parts[0] == "agent" else "port", *parts[1:])[:-2]
            # gate_broker.c may be tested through gate.h, in gate_test.c.
            folder, words = os.path.dirname(test), os.path.basename(test).split("_")
            names = ["_".join(words[:count]) + "_test.c" for count in range(len(words), 0, -1)]
            if not any(os.path.exists(os.path.join(ROOT, folder, name)) for name in names):
                problems.append("%s: no %s_test.c" % (path, test))
        self.report(problems)

    def test_each_fuzz_target_has_seeds_with_names(self):
        problems = []
        targets = [os.path.basename(path)[:-2] for path in files("tests/fuzz", "_fuzz.c")]
        for target in targets:
            seeds = files(os.path.join("tests", "fuzz", "corpus", target), "")
            if not seeds:
                problems.append("tests/fuzz/%s.c: no seed in corpus/%s" % (target, target))
            # libFuzzer calls what it finds by its hash; a seed says what it is of.
            problems += ["%s: a seed has a name" % path for path in seeds
                         if re.search(r"/[0-9a-f]{40}$", path)]
            problems += ["%s: an empty seed begins nothing" % path for path in seeds
                         if os.path.getsize(os.path.join(ROOT, path)) == 0]
        for folder in sorted(os.listdir(os.path.join(ROOT, "tests", "fuzz", "corpus"))):
            if folder not in targets:
                problems.append("tests/fuzz/corpus/%s: no such target" % folder)
        self.report(problems)

    def test_nothing_is_left_for_later(self):
        problems = []
        # The words are put together here, so that this file does not find itself.
        words = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]
        for path in self.sources() + files("tests", ".c", ".h", ".py", ".sh") + files("config", ""):
            for number, line in enumerate(read(path).split("\n"), 1):
                for word in words:
                    if re.search(r"\b%s\b" % word, line):
                        problems.append("%s:%d: %s" % (path, number, word))
        self.report(problems)

    def test_abbreviations_and_drawers_do_not_occur(self):
        problems = []
        for path in self.sources():
            name = os.path.basename(path)
            if re.search(r"util|misc|common|manager|helper", name):
                problems.append("%s: name it for the one thing inside" % path)
        self.report(problems)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + sys.argv[1:])
