"""What `check` says of memory is an upper bound of what the agent takes, and a close one."""

import json
import os
import sys
import unittest

from site_parts import Site, wait_until

BUILD = ""


def taken(site):
    """(what check says, what the running agent has taken)."""
    code, text, err = site.command("check", "--config", site.path("sfedge.json"), "--json")
    if code != 0:
        raise AssertionError(text + err)
    site.start_agent(wait=False)
    status = wait_until(lambda: site.agent.poll() is None and site.status(), 60, "a status")
    site.stop_agent()
    return json.loads(text)["memory_bytes_max"], status["arena_bytes"]


def seal(site, config):
    """Encrypts every stream, with one key used now and one used before."""
    for name in ("now.key", "before.key"):
        with open(site.path(name), "w", encoding="ascii") as file:
            file.write("%02x" % len(name) * 32)
        os.chmod(site.path(name), 0o600)
    config["streams"].setdefault("dead", {})
    for stream in config["streams"].values():
        stream.update(encrypt=True, encrypt_key_file="now.key",
                      encrypt_old_key_files=["before.key"])


def rename(config, suffix):
    """The same site, with each part under another name: a reload makes all of it anew."""
    text = json.dumps({**config, "agent": {}})
    for section in ("connections", "streams", "inputs", "outputs"):
        for name in config[section]:
            if name != "dead":
                text = text.replace('"%s"' % name, '"%s%s"' % (name, suffix))
    return {**json.loads(text), "agent": config["agent"]}


class ConfigMemory(unittest.TestCase):
    def hold(self, site):
        figure, arena = taken(site)
        self.assertLessEqual(arena, figure)
        self.assertLessEqual(figure, 1.3 * arena)

    def hold_while_it_reloads(self, site, changed):
        """Two configurations at once: within the figure of the second, and close to it."""
        site.start_agent(wait=False)
        wait_until(lambda: site.agent.poll() is None and site.status(), 60, "a status")
        site.write_config(changed)
        path = site.path("sfedge.json")
        code, text, err = site.command("check", "--config", path, "--json")
        self.assertEqual(code, 0, text + err)
        figures = json.loads(text)
        code, text, err = site.command("reload", "--config", path)
        self.assertEqual(code, 0, text + err)
        status = site.status()
        self.assertLessEqual(status["last_reload"]["arena_bytes"],
                             figures["reload_memory_bytes_max"])
        self.assertLessEqual(figures["reload_memory_bytes_max"],
                             1.3 * status["last_reload"]["arena_bytes"])
        self.assertLessEqual(status["arena_bytes"], figures["memory_bytes_max"])
        self.assertLessEqual(figures["memory_bytes_max"], 1.3 * status["arena_bytes"])
        site.stop_agent()

    def test_all_is_encrypted(self):
        with Site(BUILD) as site:
            config = site.default_config()
            plain = taken(site)[0]
            seal(site, config)
            site.write_config(config)
            self.hold(site)
            self.assertGreater(taken(site)[0], plain + (1 << 20))

    def test_a_reload_that_makes_all_anew(self):
        with Site(BUILD) as site:
            self.hold_while_it_reloads(site, rename(site.config, "2"))
            self.hold_while_it_reloads(site, rename(site.config, "3"))

    def test_a_reload_that_makes_all_anew_and_all_is_encrypted(self):
        with Site(BUILD) as site:
            config = site.default_config()
            seal(site, config)
            site.write_config(config)
            self.hold_while_it_reloads(site, rename(config, "2"))

    def test_a_reload_that_raises_quotas(self):
        with Site(BUILD) as site:
            config = site.default_config()
            for name in ("telemetry", "sales"):
                config["streams"][name] = {"segment": "1MiB", "quota": "4MiB"}
            site.write_config(config)
            site.start_agent(wait=False)
            wait_until(lambda: site.agent.poll() is None and site.status(), 60, "a status")
            for quota in range(1, 9):
                for name in ("telemetry", "sales"):
                    site.config["streams"][name]["quota"] = "%dGiB" % quota
                site.write_config(site.config)
                _, text, _ = site.command("check", "--config", site.path("sfedge.json"), "--json")
                self.assertEqual(site.command("reload", "--config", site.path("sfedge.json"))[0], 0)
                most = json.loads(text)["reload_memory_bytes_max"]
                self.assertLessEqual(site.status()["last_reload"]["arena_bytes"], most)
                self.assertLessEqual(site.status()["arena_bytes"], most)

    def test_the_usual_site(self):
        with Site(BUILD) as site:
            self.hold(site)
            self.hold(site)  # With the streams that the first run left.

    def test_the_least(self):
        with Site(BUILD) as site:
            site.write_config({"agent": {"id": "least", "state": "state", "event_max": "1KiB"},
                               "streams": {"dead": {"segment": "64KiB", "quota": "256KiB"}}})
            self.hold(site)

    def test_many_large_parts(self):
        with Site(BUILD) as site:
            config = site.default_config()
            config["agent"]["event_max"] = "768KiB"
            config["connections"]["site"]["receive_maximum"] = 65535
            config["connections"]["crm"]["compress"] = False
            config["streams"] = {"s%d" % i: {"quota": "1GiB", "segment": "16MiB"} for i in range(8)}
            for one in config["inputs"].values():
                one["stream"] = "s0"
            for one in config["outputs"].values():
                one["from"] = list(config["streams"])[:4]
                one["requests_in_flight"] = 16
            site.write_config(config)
            self.hold(site)


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
