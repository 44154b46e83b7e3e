# SPDX-License-Identifier: Apache-2.0
"""Dynamic updates: how each server is told to take them, and the measurements, each of one server at one time."""
import json
import multiprocessing
import os
import signal
import subprocess
import time
from dataclasses import dataclass

import process
from servers import Failed, Knot, Named, Reeve, child_setup

KEY_NAME = "bench"
KEY_SECRET = "cmVldmUgYmVuY2htYXJrIHNlY3JldCAzMiBvY3RldHM="  # any 32 octets
CHECK_COUNT = 200        # updates before the measuring whose answers are looked at closely
TIMEOUT_MS = 20_000      # longer than the slowest peer takes for an update: repeating would be work of our making
SYNC_LEN = 300           # about what an update takes in a log
SYNC_S = 1.0
RESTART_TIMEOUT_S = 300
CHANGE_TIMEOUT_S = 300   # a server may have to write its state down before it takes the first update
RETRY_S = 0.02


class UpdatingReeve(Reeve):
    conf_head = f'keys: {{{KEY_NAME}: {{secret: "{KEY_SECRET}"}}}}\ncontrol: {{socket: off}}\n'
    conf_zone = f", protect: none, updates: [{{key: {KEY_NAME}, all: yes}}]"


class UpdatingNamed(Named):
    conf_head = f'key "{KEY_NAME}" {{ algorithm hmac-sha256; secret "{KEY_SECRET}"; }};\n'
    conf_zone = f'allow-update {{ key "{KEY_NAME}"; }}; '


class UpdatingKnot(Knot):
    journal = "changes"  # the default, and synchronous
    conf_head = (f"key:\n  - id: {KEY_NAME}\n    algorithm: hmac-sha256\n    secret: {KEY_SECRET}\n"
                 f"acl:\n  - id: updates\n    key: {KEY_NAME}\n    action: update\n")
    conf_zone = "    acl: updates\n"


ALL = {server.name: server for server in (UpdatingReeve, UpdatingNamed, UpdatingKnot)}


@dataclass(frozen=True)
class Kind:
    """A load: what an update does and how many are in flight."""

    name: str
    mode: str
    outstanding: int
    title: str


KINDS = {kind.name: kind for kind in (
    Kind("add-1", "add", 1, "add, 1 in flight"),
    Kind("add-64", "add", 64, "add, 64 in flight"),
    Kind("acme-64", "replace", 64, "replace a TXT, 64 in flight"),
)}
QUERIED = KINDS["add-64"]  # the load beside which queries are timed
FIRST = KINDS["add-1"]     # one update as a trial


class Bench:
    """What all measurements share: programs, cores, limits."""

    def __init__(self, material, cores, count, seconds, rate, idle_s):
        self.material, self.count, self.seconds = material, count, seconds
        self.rate, self.idle_s = rate, idle_s
        self.server_core, self.load_core = cores
        self.numbers = {}  # server -> number of the next update: every name is used once

    def load(self, server, kind, *options):
        number = self.numbers.get(server.name, 0)
        argv = [self.material.program("update"), "--port", server.port, "--zone", server.zones[0].name,
                "--key", f"{KEY_NAME}:{KEY_SECRET}", "--mode", kind.mode, "--outstanding", kind.outstanding,
                "--timeout", TIMEOUT_MS, "--first", number, *options]
        done = subprocess.run([str(word) for word in argv], capture_output=True, text=True,
                              preexec_fn=lambda: child_setup(self.load_core))
        if done.returncode != 0:
            raise Failed(f"updates, {kind.title}: {done.stderr.strip()}")
        result = json.loads(done.stdout)
        self.numbers[server.name] = number + result["sent"]
        return result | {"first": number, "us_ack": result.pop("us")}

    def wait_changeable(self, server):
        """Until an update is acknowledged: the time of day of that, by the monotonic clock."""
        end = time.monotonic() + CHANGE_TIMEOUT_S
        while self.load(server, FIRST, "--count", 1, "--seconds", 1)["acked"] == 0:
            if server.process.poll() is not None or time.monotonic() > end:
                raise Failed("it does not take updates")
            time.sleep(RETRY_S)
        return time.monotonic()

    def check(self, server):
        """A few updates of each kind whose answers must all be NOERROR and signed by the key."""
        self.wait_changeable(server)
        server.wait_quiet()
        for kind in KINDS.values():
            result = self.load(server, kind, "--verify", "--count", CHECK_COUNT, "--seconds", self.seconds)
            if result["acked"] != result["sent"] or result["bad_mac"]:
                raise Failed(f"{kind.title}: of {result['sent']} updates {result['acked']} were acknowledged "
                             f"({result['rcode']}), {result['bad_mac']} answers were not signed as they should be")
            self.clean(server, kind, result)

    def sync(self, synced):
        """What one fdatasync per update allows: the updates go to a server that does nothing else."""
        result = self.load(synced, FIRST, "--seconds", SYNC_S)
        us = result["us_ack"]
        return {"rate": result["acked"] / max(result["seconds"], 1e-6), "p50": us["p50"], "p99": us["p99"]}

    def clean(self, server, kind, result):
        """A small zone stays small: what a round added goes, unmeasured."""
        if kind.mode == "add" and server.zones[0].records < result["sent"] * 20:
            number = self.numbers[server.name]
            self.numbers[server.name] = result["first"]
            self.load(server, Kind("clean", "delete", 64, "cleaning up"), "--count", result["sent"], "--seconds", 60)
            self.numbers[server.name] = number

    def updates(self, server, kind):
        """One round: the load's counts and all CPU time that the server took for it, also what it did afterwards."""
        pids = server.pids()
        cpu, busy = process.cpu_of(pids), process.core_busy(self.server_core)
        result = self.load(server, kind, "--count", self.count, "--seconds", self.seconds)
        busy = process.core_busy(self.server_core) - busy
        while_loaded = process.cpu_of(pids) - cpu
        server.wait_quiet()
        cpu = process.cpu_of(pids) - cpu
        user, system = cpu.split()
        acked, seconds = max(1, result["acked"]), max(result["seconds"], 1e-6)
        sample = {"rate": result["acked"] / seconds, "us": cpu.exact / acked * 1e6, "us_user": user / acked * 1e6,
                  "us_system": system / acked * 1e6, "core": while_loaded.exact / seconds,
                  "foreign": max(0.0, busy - while_loaded.exact) / seconds} | result
        self.clean(server, kind, result)
        return sample

    def queries(self, server, stem):
        """The times of queries at a fixed rate, idle and while updates are in flight."""
        result = self.load(server, QUERIED, "--seconds", self.seconds, "--queries", self.material.queries[stem],
                           "--rate", self.rate, "--idle", self.idle_s)
        self.clean(server, QUERIED, result)
        return result | {"ratio": result["during"]["p99"] / max(result["idle"]["p99"], 1e-3)}


def launch(bench, server, is_there):
    """Starts upon what state there is. Seconds and CPU seconds to the first answer, seconds to the first update that is
    acknowledged, CPU seconds until at rest."""
    started = time.monotonic()
    server.launch()
    while not is_there():
        if server.process.poll() is not None or time.monotonic() > started + RESTART_TIMEOUT_S:
            raise Failed(f"the zone did not come back, its serial is {server.probe.serial(server.zones[0].name)}")
        time.sleep(0.002)
    seconds, first = time.monotonic() - started, server.cpu()
    update = bench.wait_changeable(server) - started
    server.wait_quiet()
    return {"seconds": seconds, "cpu_first": first.total(), "update": update, "cpu": server.cpu().total()}


def restart(bench, server, changes, seconds):
    """From the zone file with an empty state; then, after so many changes, upon the state, killed and stopped."""
    def serial():
        return server.probe.serial(server.zones[0].name)

    def again(by):
        """Stops and starts: the zone must come back with the serial that it had."""
        server.wait_quiet()
        before = server.serial(server.zones[0])
        server.stop(by)
        return launch(bench, server, lambda: serial() == before)

    server.prepare()
    fresh = launch(bench, server, lambda: serial() is not None)
    load = bench.load(server, KINDS["add-64"], "--count", changes, "--seconds", seconds)
    killed = again(signal.SIGKILL)  # first, so that no shutdown has tidied the state
    stopped = again(signal.SIGTERM)
    server.stop()
    return {"changes": load["acked"], "fresh": fresh, "killed": killed, "stopped": stopped}


def sync_times(path, core, preallocated):
    """What one fdatasync of a log record takes on this core: appended, or over what is there already."""
    with multiprocessing.get_context("fork").Pool(1, child_setup, (core,)) as child:
        return child.apply(sync_repeat, (path, preallocated))


def sync_repeat(path, preallocated):
    record, times = os.urandom(SYNC_LEN), []
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        if preallocated:
            os.write(file, bytes(1 << 20))
            os.fsync(file)
        end = time.monotonic() + SYNC_S
        while (started := time.monotonic()) < end:
            os.pwrite(file, record, len(times) * SYNC_LEN % ((1 << 20) - SYNC_LEN) if preallocated
                      else len(times) * SYNC_LEN)
            os.fdatasync(file)
            times.append(time.monotonic() - started)
    finally:
        os.close(file)
        os.unlink(path)
    times.sort()
    return {"rate": len(times) / sum(times), "p50": times[len(times) // 2] * 1e6,
            "p99": times[len(times) * 99 // 100] * 1e6}
