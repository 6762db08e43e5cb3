"""What `check` says of memory and flash is an upper bound of what the agent takes, and a close one: its own memory,
and the libraries' under real handshakes by mutual TLS."""

import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import unittest

import certificates
from site_parts import Site, free_port, wait_until

BUILD = ""


def taken(site):
    """(what check says, what the running agent has taken)."""
    code, text, err = site.command("check", "--config", site.path("sfedge.json"), "--json")
    if code != 0:
        raise AssertionError(text + err)
    site.start_agent(wait=False)
    status = wait_until(lambda: site.agent.poll() is None and site.status(), 60, "a status")
    site.stop_agent()
    said = json.loads(text)
    return said["memory_bytes_max"] - said["library_bytes_max"], status["arena_bytes"]


BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


class SecuredSite(Site):
    """Both sides by mutual TLS, with all the authorities of the system; the heap is counted."""

    def __init__(self, in_flight, is_secured):
        super().__init__(BUILD)
        self.prefix = ["env", "LD_PRELOAD=" + os.path.join(self.build, "heap_shim.so"),
                       "SFE_TEST_HEAP=" + self.path("heap")]
        self.control_port = free_port()
        self.tls_port = free_port()
        self.is_secured = is_secured
        config = self.default_config()
        config["streams"]["dead"] = {"quota": "64MiB"}
        for output in config["outputs"].values():
            output.update(requests_in_flight=in_flight, batch_records=10)
        if is_secured:
            self.secure(config["connections"])
        self.write_config(config)

    def secure(self, connections):
        certificates.make_authority(self.folder, "ca")
        for name in ("server", "client"):
            certificates.make_certificate(self.folder, name, "ca", "DNS:localhost,IP:127.0.0.1")
        with open(self.path("trust.pem"), "w", encoding="utf-8") as trust:
            for path in (BUNDLE, self.path("ca.crt")):
                if os.path.exists(path):
                    with open(path, encoding="utf-8") as file:
                        trust.write(file.read())
        tls = {"ca_file": "trust.pem", "cert_file": "client.crt", "key_file": "client.key"}
        connections["site"].update(url="mqtts://localhost:%d" % self.tls_port, tls=tls)
        connections["crm"].update(login_url="https://localhost:%d" % self.org_port, tls=tls)

    def start_broker(self):
        with open(self.path("mosquitto.conf"), "w", encoding="utf-8") as file:
            file.write("user root\nallow_anonymous true\nmax_queued_messages 0\n"
                       "listener %d 127.0.0.1\n" % self.broker_port)
            if self.is_secured:
                file.write("listener %d 127.0.0.1\ncertfile %s\nkeyfile %s\ncafile %s\n"
                           "require_certificate true\n"
                           % (self.tls_port, self.path("server.crt"), self.path("server.key"),
                              self.path("ca.crt")))
        self.broker = subprocess.Popen(["mosquitto", "-c", self.path("mosquitto.conf")],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self._listens(self.broker_port), 20, "mosquitto listens")

    def start_all(self):
        secured = ["--tls-cert", self.path("server.crt"), "--tls-key", self.path("server.key"),
                   "--tls-client-ca", self.path("ca.crt")] if self.is_secured else []
        self.start_broker()
        self.start_org("--control-port", str(self.control_port), *secured)
        self.start_agent()

    def control(self, method, path, body=None):
        main, self.org_port = self.org_port, self.control_port
        try:
            return super().control(method, path, body)
        finally:
            self.org_port = main

    def agent_is_instrumented(self):
        with open(os.path.join(self.build, "CMakeCache.txt"), encoding="utf-8") as file:
            return any(line.startswith("SFE_SANITIZE:") and line.strip()[-1] != "="
                       for line in file)

    def heap_most(self):
        """The most bytes that were ever taken from the heap in blocks smaller than an arena."""
        with open(self.path("heap"), "rb") as file:
            return struct.unpack("QQ", file.read(16))[1]

    def flash(self):
        """(all, what no quota counts) of the bytes on flash."""
        every, others = 0, 0
        with os.scandir(self.path("state")) as entries:
            for entry in entries:
                try:
                    size = entry.stat().st_blocks * 512
                except FileNotFoundError:
                    continue
                every += size
                others += 0 if entry.name.endswith((".seg", ".spare")) else size
        return every, others


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
        figures["memory_bytes_max"] -= figures["library_bytes_max"]
        figures["reload_memory_bytes_max"] -= 2 * figures["library_bytes_max"]
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

    def test_outputs_to_a_broker(self):
        with Site(BUILD) as site:
            config = site.default_config()
            config["outputs"].update({
                "small": {"type": "mqtt", "connection": "site", "from": "sales", "topic": "t",
                          "in_flight": 1},
                "large": {"type": "mqtt", "connection": "site", "from": ["sales", "telemetry"],
                          "topic": "u/{/store}", "in_flight": 64, "loop": True,
                          "properties": {"store": "{/store}"}}})
            site.write_config(config)
            self.hold(site)
            self.hold_while_it_reloads(site, rename(config, "2"))

    def test_questions(self):
        with Site(BUILD) as site:
            config = site.default_config()
            with open(site.path("table.csv"), "w", encoding="utf-8") as file:
                file.write("k,v\na,b\n")
            config["inputs"].update({
                "small": {"type": "mqtt-ask", "connection": "site", "topic": "ask/a", "in_flight": 1,
                          "table": "table.csv", "key": "{/a}"},
                "large": {"type": "mqtt-ask", "connection": "site", "topic": "ask/b", "in_flight": 64,
                          "answer_max": "64KiB", "org": "crm", "query": "SELECT Id FROM A"}})
            site.write_config(config)
            self.hold(site)
            self.hold_while_it_reloads(site, rename(config, "2"))

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
                figures = json.loads(text)
                most = figures["reload_memory_bytes_max"] - 2 * figures["library_bytes_max"]
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

    def hold_libraries(self, in_flight, is_secured):
        with SecuredSite(in_flight, is_secured) as site:
            if site.agent_is_instrumented():
                self.skipTest("a sanitizer has a heap of its own")
            code, text, error = site.command("check", "-c", site.path("sfedge.json"), "--json")
            self.assertEqual(code, 0, text + error)
            said = json.loads(text)
            site.start_all()
            site.faults(slow={"ms": 30})  # So that all requests are under way at once.
            account = site.publish(devices=10, tills=4, count=1500)
            site.wait_delivered(account)
            for number in range(1, 3):  # Handshakes of a running agent.
                site.restart_broker()
                wait_until(lambda: site.connected() and
                           site.status()["links"][0]["reconnects"] >= number, 60,
                           "the agent is connected again")
            site.check_exactly_once(account)
            libraries, most = said["library_bytes_max"], site.heap_most()
            print("libraries: %d kB said, %d kB taken" % (libraries >> 10, most >> 10))
            self.assertLessEqual(most, libraries)
            self.assertLessEqual(libraries, 3 * most)
            every, others = site.flash()
            cursors = said["flash_bytes_max"] - sum(
                (256 if name == "telemetry" else 64) + 1 + 4 for name in  # 4 set aside.
                ("telemetry", "sales", "dead")) * (1 << 20)
            self.assertGreater(others, 0)
            self.assertLessEqual(others, cursors)
            self.assertLessEqual(cursors, 20 * others)
            self.assertLessEqual(every, said["flash_bytes_max"])

    def test_the_libraries_with_senders_by_tls(self):
        with SecuredSite(1, False) as site:
            if site.agent_is_instrumented():
                self.skipTest("a sanitizer has a heap of its own")
            certificates.make_authority(site.folder, "ca")
            certificates.make_certificate(site.folder, "server", "ca", "IP:127.0.0.1")
            certificates.make_certificate(site.folder, "client", "ca", "DNS:till-1.lan")
            port, connections = free_port(), 32
            site.write_config({**site.default_config(), "connections": {}, "outputs": {}, "inputs": {
                "till": {"type": "http", "listen": "127.0.0.1:%d" % port, "path": "/a",
                         "auth": {"client_certificate": ["client"]}, "connections": connections,
                         "stream": "sales", "tls": {"cert_file": "server.crt", "key_file":
                                                    "server.key", "client_ca_file": "ca.crt"}}}})
            code, text, error = site.command("check", "-c", site.path("sfedge.json"), "--json")
            self.assertEqual(code, 0, text + error)
            libraries = json.loads(text)["library_bytes_max"]
            site.start_agent()
            context = ssl.create_default_context(cafile=site.path("ca.crt"))
            context.load_cert_chain(site.path("client.crt"), site.path("client.key"))
            greeting = [socket.create_connection(("127.0.0.1", port), timeout=60)
                        for _ in range(connections // 2)]
            hello = ssl.MemoryBIO()
            try:
                context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="127.0.0.1").do_handshake()
            except ssl.SSLWantReadError:
                pass
            hello = hello.read()
            for wire in greeting:  # They are answered, and say nothing more.
                wire.sendall(hello)
                self.assertTrue(wire.recv(1))
            secure = [context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=60),
                                          server_hostname="127.0.0.1")
                      for _ in range(connections // 2)]
            most = site.heap_most()
            print("libraries: %d kB said, %d kB taken" % (libraries >> 10, most >> 10))
            self.assertLessEqual(most, libraries)
            self.assertLessEqual(libraries, 4 * most)
            for wire in greeting + secure:
                wire.close()
            self.assertEqual(site.stop_agent(), 0)

    def test_the_libraries_without_tls(self):
        self.hold_libraries(4, False)

    def test_the_libraries_with_mutual_tls(self):
        self.hold_libraries(1, True)
        self.hold_libraries(16, True)


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
