# SPDX-License-Identifier: Apache-2.0
"""What a server takes of the machine, read from /proc: CPU time and memory, summed over its processes.

A server is started as the leader of a session of its own, so that its processes are found even after they were adopted
by somebody else (NSD replaces its processes with each reload).
"""
import os
from dataclasses import dataclass

TICK = 1 / os.sysconf("SC_CLK_TCK")


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:  # the process ended meanwhile
        return ""


def stat_fields(pid):
    """The fields of /proc/PID/stat behind the command, which may contain blanks; [0] is the state, field 3."""
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def family(session):
    """The processes of a session."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        fields = stat_fields(pid)
        if len(fields) > 3 and int(fields[3]) == session and fields[0] != "Z":
            found.append(int(pid))
    return sorted(found)


@dataclass
class Cpu:
    """CPU seconds so far. `exact` counts living threads only, by nanoseconds; the ticks count the dead ones too."""

    exact: float = 0.0
    user: float = 0.0
    system: float = 0.0

    def __sub__(self, other):
        return Cpu(self.exact - other.exact, self.user - other.user, self.system - other.system)

    def total(self):
        """The ticks miss up to one per process, the exact time misses threads that ended."""
        return max(self.exact, self.user + self.system)

    def split(self):
        """(user, system) seconds: the exact time, divided as the ticks are."""
        ticks = self.user + self.system
        share = self.user / ticks if ticks > 0 else 0.0
        return self.exact * share, self.exact * (1 - share)


def cpu_of(pids):
    total = Cpu()
    for pid in pids:
        fields = stat_fields(pid)
        if len(fields) < 15:
            continue
        total.user += (int(fields[11]) + int(fields[13])) * TICK  # with children that ended
        total.system += (int(fields[12]) + int(fields[14])) * TICK
        try:
            tasks = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for task in tasks:
            total.exact += int((read(f"/proc/{pid}/task/{task}/schedstat") or "0").split()[0]) / 1e9
    return total


def field_kib(text, name):
    for line in text.splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


def memory_of(pids):
    """Proportional set size in bytes: pages that processes share count once."""
    return sum(field_kib(read(f"/proc/{pid}/smaps_rollup"), "Pss:") for pid in pids) * 1024


def peak_of(pids):
    """Peak resident size in bytes of the largest process: the one that loaded."""
    return max((field_kib(read(f"/proc/{pid}/status"), "VmHWM:") for pid in pids), default=0) * 1024


def core_busy(core):
    """Seconds that a core was not idle since boot, whoever used it; None where the kernel does not say."""
    for line in read("/proc/stat").splitlines():
        if line.startswith(f"cpu{core} "):
            user, nice, system, _idle, _wait, irq, softirq, steal = map(int, line.split()[1:9])
            return (user + nice + system + irq + softirq + steal) * TICK
    return None


def model():
    for line in read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"
