# SPDX-License-Identifier: Apache-2.0
"""Transfers: how each server is told to give and take zones, and the measurements."""
import json
import os
import signal
import subprocess
import time

import dns.query
import dns.tsigkeyring
import dns.update

import process
from servers import Failed, Knot, Named, Nsd, Reeve, child_setup
from updates import KEY_NAME, KEY_SECRET, KINDS, UpdatingKnot, UpdatingNamed, UpdatingReeve

STEP_COUNT = 1000
TRANSFER_TIMEOUT_S = 300
FOLLOW_TIMEOUT_S = 60
FOLLOW_S = 20            # of one pair: some need a second or five for each update
KEYRING = dns.tsigkeyring.from_text({KEY_NAME: KEY_SECRET})


# Giving: to everybody here; from their key they take updates, where they can, so that there are differences. A server
# with a follower tells it of news.

class GivingReeve(UpdatingReeve):
    follower = None

    def write_config(self):
        self.conf_zone = UpdatingReeve.conf_zone + ', transfer: [{unsigned: yes}]'
        if self.follower:
            self.conf_head = (UpdatingReeve.conf_head
                              + f'remotes: {{follower: {{address: "127.0.0.1@{self.follower.port}"}}}}\n')
            self.conf_zone += ', notify: [follower]'
        super().write_config()


class GivingNamed(UpdatingNamed):
    follower = None

    def write_config(self):
        self.conf_zone = UpdatingNamed.conf_zone + 'allow-transfer { any; }; '
        if self.follower:
            self.conf_zone += f'notify explicit; also-notify {{ 127.0.0.1 port {self.follower.port}; }}; '
        super().write_config()


class GivingKnot(UpdatingKnot):
    follower = None

    def write_config(self):
        self.conf_head = (UpdatingKnot.conf_head
                          + "  - id: transfers\n    address: 127.0.0.1\n    action: transfer\n")
        self.conf_zone = "    acl: [updates, transfers]\n"
        if self.follower:
            self.conf_head = f"remote:\n  - id: follower\n    address: 127.0.0.1@{self.follower.port}\n" + self.conf_head
            self.conf_zone += "    notify: follower\n"
        super().write_config()


class GivingNsd(Nsd):
    conf_zone = "  provide-xfr: 127.0.0.1 NOKEY\n"


# Taking: all data comes from one primary, at `primary_port`.

class TakingReeve(Reeve):
    primary_port = 0

    def write_config(self):
        self.write("conf", f'{self.conf_server()}'
                   f'control: {{socket: off}}\nremotes: {{primary: {{address: "127.0.0.1@{self.primary_port}"}}}}\nzones:\n'
                   + self.zone_lines('  "{zone}": {{primaries: [primary]}}\n'))


class TakingNamed(Named):
    primary_port = 0

    def zone_lines(self, form):
        return "".join(f'zone "{zone.name}" {{ type secondary; primaries port {self.primary_port} {{ 127.0.0.1; }}; '
                       f'file "{self.path}/{zone.name}raw"; }};\n' for zone in self.zones)


class TakingKnot(Knot):
    primary_port = 0
    journal = "changes"

    def write_config(self):
        self.conf_head = (f"remote:\n  - id: primary\n    address: 127.0.0.1@{self.primary_port}\n"
                          "acl:\n  - id: news\n    address: 127.0.0.1\n    action: notify\n")
        super().write_config()

    def zone_lines(self, form):
        return "".join(f'  - domain: "{zone.name}"\n    file: "{self.path}/{zone.name}copy"\n    master: primary\n'
                       '    acl: news\n' for zone in self.zones)


class TakingNsd(Nsd):
    primary_port = 0

    def zone_lines(self, form):
        return "".join(f'zone:\n  name: "{zone.name}"\n  zonefile: "{self.path}/{zone.name}copy"\n'
                       f'  request-xfr: 127.0.0.1@{self.primary_port} NOKEY\n  allow-notify: 127.0.0.1 NOKEY\n'
                       for zone in self.zones)


GIVING = {server.name: server for server in (GivingReeve, GivingNsd, GivingKnot, GivingNamed)}
CHANGING = {server.name: server for server in (GivingReeve, GivingKnot, GivingNamed)}
TAKING = {server.name: server for server in (TakingReeve, TakingNsd, TakingKnot, TakingNamed)}
# primary, secondary
PAIRS = (("reeve", "reeve"), ("named", "reeve"), ("knot", "reeve"), ("reeve", "named"), ("reeve", "knot"),
         ("reeve", "nsd"), ("named", "named"), ("knot", "knot"))


class Bench:
    """What all measurements share: programs, cores, limits."""

    def __init__(self, material, cores, rate, idle_s):
        self.material, self.rate, self.idle_s = material, rate, idle_s
        self.server_core, self.load_core = cores

    def client(self, server, *options):
        argv = [self.material.program("transfer"), "--port", server.port, "--zone", server.zones[0].name, *options]
        done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=TRANSFER_TIMEOUT_S,
                              preexec_fn=lambda: child_setup(self.load_core))
        if done.returncode != 0:
            raise Failed(f"transfer: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def whole(self, server, stem):
        """One AXFR and its CPU time, also what the server did afterwards; then one with queries beside it."""
        server.wait_quiet()
        pids = server.pids()
        cpu = process.cpu_of(pids)
        alone = self.client(server)
        server.wait_quiet()
        cpu = process.cpu_of(pids) - cpu
        beside = self.client(server, "--queries", self.material.queries[stem], "--rate", self.rate, "--idle",
                             self.idle_s, "--repeat", 3)
        return {"seconds": alone["us"] / 1e6, "cpu": cpu.exact, "records": alone["records"], "bytes": alone["bytes"],
                "messages": alone["messages"], "idle": beside["idle"], "during": beside["during"],
                "ratio": beside["during"]["p99"] / max(beside["idle"]["p99"], 1e-3)}

    def steps(self, server, serial):
        return self.client(server, "--serial", serial, "--repeat", 50)

    def change(self, server, count):
        """So many updates, each a serial of its own, once the server has done all that starting is."""
        server.wait_quiet()
        argv = [self.material.program("update"), "--port", server.port, "--zone", server.zones[0].name, "--key",
                f"{KEY_NAME}:{KEY_SECRET}", "--mode", KINDS["add-1"].mode, "--outstanding", 1, "--timeout", 20_000,
                "--count", count, "--seconds", 300]
        done = subprocess.run([str(word) for word in argv], capture_output=True, text=True,
                              preexec_fn=lambda: child_setup(self.load_core))
        if done.returncode != 0 or json.loads(done.stdout)["acked"] != count:
            raise Failed(f"updates: {done.stdout} {done.stderr}")


def wait_serial(server, serial, since, timeout_s=TRANSFER_TIMEOUT_S):
    """Seconds since then until the server has that serial (None: any)."""
    name = server.zones[0].name
    while True:
        has = server.probe.serial(name)
        if has is not None and (serial is None or has == serial):
            return time.monotonic() - since
        if server.process.poll() is not None or time.monotonic() > since + timeout_s:
            raise Failed(f"{name} is not there: serial {has}, not {serial}")


def take(server, primary):
    """From an empty state to the first answer, then to rest; then killed and started again."""
    server.primary_port = primary.port
    server.prepare()
    started = time.monotonic()
    server.launch()
    seconds = wait_serial(server, None, started)
    first = server.cpu()
    server.wait_quiet()
    cpu = server.cpu()
    memory, peak = process.memory_of(server.pids()), process.peak_of(server.pids())
    server.stop(signal.SIGKILL)
    started = time.monotonic()
    server.launch()
    again = wait_serial(server, None, started)
    server.wait_quiet()
    return {"seconds": seconds, "cpu_first": first.total(), "cpu": cpu.total(), "memory": memory, "peak": peak,
            "again": again, "records": server.zones[0].records}


def follow(primary, secondary, count):
    """Times from the acknowledgement of an update on the primary to its serial at the secondary, in ms."""
    name, times = primary.zones[0].name, []
    end = time.monotonic() + FOLLOW_S
    for i in range(count):
        if time.monotonic() > end:
            break
        update = dns.update.UpdateMessage(name, keyring=KEYRING, keyname=KEY_NAME)
        update.add(f"follow-{i}-{os.getpid()}", 300, "A", "192.0.2.1")
        answer = dns.query.udp(update, "127.0.0.1", port=primary.port, timeout=20)
        acked = time.monotonic()
        if answer.rcode() != 0:
            raise Failed(f"update: {answer.rcode()}")
        serial = primary.serial(primary.zones[0])
        times.append(wait_serial(secondary, serial, acked, FOLLOW_TIMEOUT_S) * 1e3)
    times.sort()
    return {"p50": times[len(times) // 2], "p99": times[min(len(times) - 1, len(times) * 99 // 100)],
            "max": times[-1], "count": len(times)}
