"""100,000 QoS 1 messages from devices into the org, beside a bare mosquitto_sub and bare Collections requests."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
import site_parts as parts  # noqa: E402

COUNT, DEVICES, BYTES = 100000, 100, 200
TICKS = os.sysconf("SC_CLK_TCK")


def cpu(process):
    """CPU seconds of a running process."""
    with open("/proc/%d/stat" % process.pid, encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def anonymous_kib(process):
    with open("/proc/%d/status" % process.pid, encoding="ascii") as file:
        for line in file:
            if line.startswith("RssAnon"):
                return int(line.split()[1])
    return 0


def floor_subscribe(build):
    """mosquitto_sub into a file: what one subscriber can take, without keeping anything safe."""
    with parts.Site(build) as site:
        site.start_broker()
        with open(site.path("sub.out"), "wb") as out:
            subscriber = subprocess.Popen(
                ["mosquitto_sub", "-p", str(site.broker_port), "-q", "1", "-c", "-i", "floor", "-t",
                 "plant/+/telemetry", "-C", str(COUNT)], stdout=out)
            time.sleep(0.5)
            begun = time.monotonic()
            publisher = site.publish(wait=False, devices=DEVICES, count=COUNT, bytes=BYTES)
            _, _, usage = os.wait4(subscriber.pid, 0)
            seconds = time.monotonic() - begun
            subscriber.returncode = 0
            site.published(publisher)
        return {"seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime,
                "broker_cpu": cpu(site.broker)}


def token(site):
    """A session for the bare requests, got as the agent gets its own: with a signed assertion."""
    import base64
    import http.client
    import urllib.parse

    def url64(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")
    claims = {"iss": parts.CONSUMER_KEY, "sub": parts.USERNAME, "aud": parts.AUDIENCE,
              "exp": int(time.time()) + 120}
    signed = url64(b'{"alg":"RS256"}') + b"." + url64(json.dumps(claims).encode())
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", site.path("crm.key")],
                               input=signed, stdout=subprocess.PIPE, check=True).stdout
    body = urllib.parse.urlencode({
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": (signed + b"." + url64(signature)).decode()})
    connection = http.client.HTTPConnection("127.0.0.1", site.org_port, timeout=20)
    connection.request("POST", "/services/oauth2/token", body=body,
                       headers={"Content-Type": "application/x-www-form-urlencoded"})
    return json.loads(connection.getresponse().read())["access_token"]


def floor_post(build):
    """The same number of records by bare libcurl requests into the same org."""
    with parts.Site(build) as site:
        site.start_org()
        url = ("http://127.0.0.1:%d/services/data/v62.0/composite/sobjects/DeviceReading__c/"
               "ReadingId__c" % site.org_port)
        done = subprocess.run([os.path.join(build, "post_floor"), url, token(site), str(COUNT)],
                              stdout=subprocess.PIPE, check=True)
        result = json.loads(done.stdout)
        result["org_cpu"] = cpu(site.org)
        return result


def end_to_end(build, compress):
    with parts.Site(build) as site:
        config = site.default_config()
        config["agent"]["log"] = "info"
        config["connections"]["crm"]["compress"] = compress
        config["outputs"]["readings"]["batch_age"] = "1s"
        site.write_config(config)
        site.start_broker()
        site.start_org()
        site.start_agent()
        time.sleep(1)
        idle = anonymous_kib(site.agent)
        before = {name: cpu(process) for name, process in
                  (("agent", site.agent), ("org", site.org), ("broker", site.broker))}
        begun = time.monotonic()
        publisher = site.publish(wait=False, devices=DEVICES, count=COUNT, bytes=BYTES)
        peak = idle
        while True:
            time.sleep(0.02)
            peak = max(peak, anonymous_kib(site.agent))
            if time.monotonic() - begun > 1 and \
                    site.object_audit("DeviceReading__c")["records"] >= COUNT:
                break
        seconds = time.monotonic() - begun
        account = site.published(publisher)
        site.check_exactly_once(account)
        status = site.status()
        stream = [part for part in status["streams"] if part["name"] == "telemetry"][0]
        return {"seconds": seconds, "idle_kib": idle, "peak_kib": peak,
                "cpu": cpu(site.agent) - before["agent"], "org_cpu": cpu(site.org) - before["org"],
                "broker_cpu": cpu(site.broker) - before["broker"],
                "flash_ratio": stream["written_bytes"] / stream["payload_bytes"],
                "syncs": stream["syncs"], "api_calls": status["orgs"][0]["api_calls"],
                "sent_bytes": status["orgs"][0]["sent_bytes"]}


def backlog(build, count):
    """Memory with a backlog: the org is away while `count` events are taken, then all is drained."""
    with parts.Site(build) as site:
        config = site.default_config()
        config["agent"]["log"] = "info"
        config["streams"]["telemetry"] = {"quota": "%dMiB" % (count * 300 // 1000000 + 64)}
        site.write_config(config)
        site.start_broker()
        site.start_org()
        site.faults(down=True)
        site.start_agent()
        site.publish(devices=DEVICES, count=count, bytes=BYTES)
        parts.wait_until(lambda: site.status()["links"][0]["acknowledged"] >= count, 300,
                         "all is taken")
        waiting = anonymous_kib(site.agent)
        peak = waiting
        site.faults(down=False)
        begun = time.monotonic()
        while site.object_audit("DeviceReading__c")["records"] < count:
            time.sleep(0.1)
            peak = max(peak, anonymous_kib(site.agent))
        return {"waiting_kib": waiting, "draining_kib": peak,
                "drain_per_s": count / (time.monotonic() - begun)}


def middle(results):
    return {name: statistics.median(result[name] for result in results) for name in results[0]}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("build")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--backlog", type=int, default=1000000,
                         help="memory with N events waiting; 0: leave that out")
    options.add_argument("--no-compress", action="store_true")
    options = options.parse_args()
    rounds = [(floor_subscribe(options.build), floor_post(options.build),
               end_to_end(options.build, not options.no_compress))
              for _ in range(options.rounds)]
    sub, post, full = (middle(results) for results in zip(*rounds))
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        model = [line.split(":")[1].strip() for line in file if line.startswith("model name")][:1]
    print("conditions: %d CPUs (%s) shared by broker, devices, agent and org; %d messages of %d bytes, "
          "QoS 1, %d topics; median of %d rounds; plain HTTP on loopback; gzip %s"
          % (os.cpu_count(), (model or ["?"])[0], COUNT, BYTES, DEVICES, options.rounds,
             "off" if options.no_compress else "on"))
    ratios = [one[0]["seconds"] / one[2]["seconds"] for one in rounds]
    print("floor mosquitto_sub > file      %8.0f /s   %.2f CPU-s (broker %.2f)"
          % (COUNT / sub["seconds"], sub["cpu"], sub["broker_cpu"]))
    print("floor bare Collections requests %8.0f /s   %.2f CPU-s (org %.2f)"
          % (COUNT / post["seconds"], post["cpu"], post["org_cpu"]))
    print("sfedge end to end               %8.0f /s   %.2f CPU-s (broker %.2f, org %.2f)"
          % (COUNT / full["seconds"], full["cpu"], full["broker_cpu"], full["org_cpu"]))
    print("ratio to mosquitto_sub: rate %.2f (%s), CPU %.2f; ratio to bare requests: rate %.2f"
          % (statistics.median(ratios), " ".join("%.2f" % ratio for ratio in ratios),
             full["cpu"] / sub["cpu"], post["seconds"] / full["seconds"]))
    print("RssAnon: idle %.1f MiB, peak %.1f MiB" % (full["idle_kib"] / 1024,
                                                     full["peak_kib"] / 1024))
    print("flash: %.2f bytes written per payload byte, %d fdatasync; API calls %d, %.1f MB sent"
          % (full["flash_ratio"], full["syncs"], full["api_calls"], full["sent_bytes"] / 1e6))
    if options.backlog:
        result = backlog(options.build, options.backlog)
        print("backlog of %d: RssAnon %.1f MiB waiting, %.1f MiB draining at %.0f/s"
              % (options.backlog, result["waiting_kib"] / 1024, result["draining_kib"] / 1024,
                 result["drain_per_s"]))


if __name__ == "__main__":
    main()
