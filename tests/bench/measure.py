# SPDX-License-Identifier: Apache-2.0
"""The measurements, each of one server at one time: loading, a mix at saturation, a reload under load."""
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass

import process
from servers import Failed, Server, child_setup

CHECK_COUNT = 5000       # queries of the comparison of answers: the same ones for every server
RELOAD_OUTSTANDING = 32768
RELOAD_START_S = 0.5
RELOAD_AFTER_S = 0.5       # giving the old version back belongs to the reload
LOAD_TIMEOUT_S = 60


@dataclass(frozen=True)
class Mix:
    name: str
    zone_set: str
    title: str


MIXES = {mix.name: mix for mix in (
    Mix("root", "root", "root zone, referrals"),
    Mix("root-nx", "root", "root zone, 50 % NXDOMAIN"),
    Mix("tld", "tld", "big zone, referrals"),
    Mix("tld-nx", "tld", "big zone, 50 % NXDOMAIN"),
    Mix("hot", "small", "small hot zone, A"),
    Mix("signed", "small", "signed zone, positive, DO"),
    Mix("nsec", "small", "signed zone, NSEC denial, DO"),
    Mix("nsec3", "small", "signed zone, NSEC3 denial, DO"),
)}


class Echo(Server):
    """The server that does nothing, for the kernel's part of the cost; or nothing but to sync what comes into a file."""

    name = "echo"

    def __init__(self, path, program, answer_size, core, zones=(), synced=None):
        super().__init__(path, zones, core)
        self.argv = [program, str(self.port), str(round(answer_size)), *([str(synced)] if synced else [])]

    def write_config(self):
        pass

    def command(self):
        return self.argv


class Bench:
    """What all measurements share: programs, cores, times."""

    def __init__(self, material, cores, seconds, warm_s, rate, idle_s):
        self.material, self.seconds, self.warm_s = material, seconds, warm_s
        self.rate, self.idle_s = rate, idle_s  # while reloading, and before
        self.server_core, self.load_core = cores

    def load_start(self, port, mix, *options):
        argv = [self.material.program("load"), "--port", port, "--queries", self.material.queries[mix], *options]
        return subprocess.Popen([str(word) for word in argv], stdout=subprocess.PIPE, text=True,
                                preexec_fn=lambda: child_setup(self.load_core))

    def load(self, port, mix, *options):
        with self.load_start(port, mix, *options) as running:
            out, _ = running.communicate(timeout=LOAD_TIMEOUT_S)
            if running.returncode != 0:
                raise Failed(f"mix {mix}: the load stopped, the server is gone")
            return json.loads(out)

    def check(self, server, mix):
        """What is answered to the first queries of the mix."""
        return self.load(server.port, mix, "--count", CHECK_COUNT, "--outstanding", 16)

    def mix(self, server, mix):
        """One round at saturation: the load's counts and the server's CPU time around it."""
        self.load(server.port, mix, "--seconds", self.warm_s)
        pids = server.pids()
        cpu, busy = process.cpu_of(pids), process.core_busy(self.server_core)
        load = self.load(server.port, mix, "--seconds", self.seconds)
        cpu = process.cpu_of(pids) - cpu
        busy = process.core_busy(self.server_core) - busy
        user, system = cpu.split()
        answered = max(1, load["answered"])
        return {"qps": load["answered"] / load["seconds"], "us_user": user / answered * 1e6,
                "us_system": system / answered * 1e6, "us": cpu.exact / answered * 1e6,
                "core": cpu.exact / load["seconds"], "foreign": max(0.0, busy - cpu.exact) / load["seconds"],
                "lost": load["lost"], "stray": load["stray"], "p99": load["us"]["p99"]}


def loading(server):
    """Starts the server and leaves it running. CPU time counts until the server rests, not only to the first answer."""
    started = time.monotonic()
    server.start()
    server.wait_ready()
    seconds = time.monotonic() - started
    first = server.cpu()
    server.wait_quiet()
    cpu, pids = server.cpu(), server.pids()
    records = sum(zone.records for zone in server.zones)
    return {"seconds": seconds, "cpu_first": first.total(), "cpu": cpu.total(),
            "records": records, "memory": process.memory_of(pids), "peak": process.peak_of(pids)}


def next_version(material, server, serial):
    """Another version of the big zone in place of the file that the server has: edits there and back, serial + 1."""
    zone = server.zones[0]
    source = zone.path if server.edited else zone.path.with_name(zone.path.name.replace("tld.", "tld-next.", 1))
    server.edited = not server.edited
    new = server.path / "next"
    shutil.copyfile(source, new)
    with open(new, "r+b") as file:
        line = file.readline()
        old = line.split()[6]
        file.seek(line.index(old))
        file.write(b"%0*d" % (len(old), serial))
        file.flush()
        os.fsync(file.fileno())  # or the kernel writes it back while times are taken
    new.replace(server.zone_path(zone))


def phase_end(load):
    """Ends a phase of the running load and reads what came of it."""
    load.send_signal(signal.SIGUSR1)
    text = load.stdout.readline()
    if not text:
        raise Failed("the load stopped: the server is gone")
    return json.loads(text)


def percentiles(load):
    return {key: load["us"][key] for key in ("p50", "p99", "p999", "max")} | {
        "lost": load["lost"], "answered": load["answered"], "seconds": load["seconds"]}


def reload(bench, server):
    """The times of answers at a fixed rate, idle and while the big zone is loaded anew."""
    zone = server.zones[0]
    serial = server.serial(zone) + 1
    next_version(bench.material, server, serial)
    with bench.load_start(server.port, "tld", "--rate", bench.rate, "--outstanding", RELOAD_OUTSTANDING,
                          "--seconds", 600) as load:
        try:
            time.sleep(RELOAD_START_S)  # not part of it
            phase_end(load)
            time.sleep(bench.idle_s)
            idle = percentiles(phase_end(load))
            started = time.monotonic()
            server.reload()
            server.wait_serial(zone, serial)
            seconds = time.monotonic() - started
            time.sleep(RELOAD_AFTER_S)
            during = percentiles(phase_end(load))
        finally:
            load.terminate()
    server.wait_quiet()
    pids = server.pids()
    return {"idle": idle, "during": during, "seconds": seconds, "records": zone.records,
            "peak": process.peak_of(pids), "memory": process.memory_of(pids)}
