# SPDX-License-Identifier: Apache-2.0
"""The tables of `run-transfer`."""
from report import OURS, against_best, figure, of, table

GOALS = {"axfr cpu": 0.7, "p99 ratio": 2, "stall": 5000, "ixfr": 1500, "in cpu": 2, "follow": 5}


def whole_table(names, whole, rate):
    rows = []
    for name in names:
        taken = whole.get(name)
        if taken:
            rows.append([name, f"{of(taken, 'seconds'):.2f}", f"{of(taken, 'cpu'):.2f}", f"{of(taken, 'records'):.0f}",
                         f"{of(taken, 'bytes') / 1e6:.0f}", f"{of(taken, 'messages'):.0f}",
                         *(figure(taken, "{:.0f}", key, phase) for key in ("p50", "p99", "max")
                           for phase in ("idle", "during")), f"{of(taken, 'ratio'):.1f}"])
    head = [f"AXFR of the big zone; {rate} queries/s beside three more, us", "seconds", "CPU s", "records", "MB",
            "messages", "p50 idle", "p50 during", "p99 idle", "p99 during", "max idle", "max during", "p99 ratio"]
    return table(head, rows) if rows else ""


def steps_table(names, steps):
    rows = [[name, f"{of(steps[name], 'us') / 1e3:.2f}", f"{of(steps[name], 'us_min') / 1e3:.2f}",
             f"{of(steps[name], 'soas'):.0f}", f"{of(steps[name], 'records'):.0f}", f"{of(steps[name], 'bytes'):.0f}"]
            for name in names if steps.get(name)]
    return table(["IXFR of 1,000 one-record steps", "ms", "least ms", "SOAs", "records", "bytes"], rows) if rows else ""


def taken_table(names, taken):
    rows = [[name, f"{of(taken[name], 'seconds'):.2f}", f"{of(taken[name], 'cpu_first'):.2f}",
             f"{of(taken[name], 'cpu'):.2f}", f"{of(taken[name], 'memory') / of(taken[name], 'records'):.0f}",
             f"{of(taken[name], 'peak') / of(taken[name], 'records'):.0f}", f"{of(taken[name], 'again'):.2f}"]
            for name in names if taken.get(name)]
    head = ["taking the big zone", "seconds to the first answer", "CPU s to the first answer", "CPU s until at rest",
            "memory, B/record (PSS)",
            "peak, B/record (RSS)", "seconds to the first answer after kill -9"]
    return table(head, rows) if rows else ""


def followed_table(followed):
    rows = [[f"{first} -> {second}, {stem} zone", f"{s['p50']:.2f}", f"{s['p99']:.2f}", f"{s['max']:.2f}"]
            for (stem, first, second), s in followed.items()]
    return table(["ms from the acknowledged update to its serial at the secondary", "p50", "p99", "max"],
                 rows) if rows else ""


def goal_rows(whole, steps, taken, followed):
    """(what, what is wanted, what it is, whether it is reached) for each figure that was taken of ours."""
    if whole.get(OURS):
        cpu, ratio = of(whole[OURS], "cpu"), of(whole[OURS], "ratio")
        stall = max(sample["during"]["max"] for sample in whole[OURS])
        yield "AXFR, CPU s", f"<= {GOALS['axfr cpu']}", f"{cpu:.2f}", cpu <= GOALS["axfr cpu"]
        yield "p99 of queries during / idle", f"<= {GOALS['p99 ratio']}", f"{ratio:.1f}", ratio <= GOALS["p99 ratio"]
        yield "longest answer meanwhile, us", f"<= {GOALS['stall']}", f"{stall:.0f}", stall <= GOALS["stall"]
    if steps.get(OURS):
        us = of(steps[OURS], "us")
        yield "IXFR of 1,000 steps, ms", f"<= {GOALS['ixfr'] / 1e3}", f"{us / 1e3:.2f}", us <= GOALS["ixfr"]
    if taken.get(OURS):
        cpu = of(taken[OURS], "cpu_first")
        yield "transfer in and serve, CPU s", f"<= {GOALS['in cpu']}", f"{cpu:.2f}", cpu <= GOALS["in cpu"]
    for (stem, first, second), sample in followed.items():
        if first == second == OURS:
            yield (f"update to secondary, p99 ms, {stem} zone", f"<= {GOALS['follow']}", f"{sample['p99']:.2f}",
                   sample["p99"] <= GOALS["follow"])


def tables(names, rate, whole, steps, taken, followed):
    yield whole_table(names, whole, rate)
    figures = {name: of(taken_of, "cpu") for name, taken_of in whole.items()}
    if figures:
        yield f"AXFR, CPU of {OURS} / best: {against_best(figures, min)}\n"
    yield steps_table(names, steps)
    yield taken_table(names, taken)
    yield followed_table(followed)
    rows = [[what, wanted, now, "yes" if reached else "NO"] for what, wanted, now, reached
            in goal_rows(whole, steps, taken, followed)]
    yield table([f"{OURS}, goals", "wanted", "is", "reached"], rows) if rows else ""
