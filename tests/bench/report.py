# SPDX-License-Identifier: Apache-2.0
"""The results as markdown tables, the servers side by side: medians, and Reeve against the best peer."""
from statistics import median

OURS = "reeve"
NOT_PEERS = (OURS, "echo")


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def of(samples, key):
    """The median of one figure over the rounds; None without rounds."""
    return median(sample[key] for sample in samples) if samples else None


def against_best(figures, better):
    """Ours divided by the best peer's, with the peer's name; `better` is min or max."""
    peers = {name: value for name, value in figures.items() if name not in NOT_PEERS and value is not None}
    ours = figures.get(OURS)
    if not peers or ours is None:
        return ""
    best = better(peers, key=peers.get)
    return f"{ours / peers[best]:.2f} ({best})" if peers[best] else ""


def lowest(samples):
    return min(sample["us"] for sample in samples) if samples else None


def cpu_table(mixes, names, samples):
    """us per answer, with the user part in brackets. What disturbs only adds, so the lowest round is shown as well."""
    rows = []
    for mix in mixes:
        taken = {name: samples.get((mix.name, name)) for name in names}
        rows.append([mix.title, *(f"{of(t, 'us'):.2f} ({of(t, 'us_user'):.2f})" if t else "" for t in taken.values()),
                     against_best({name: of(t, "us") for name, t in taken.items()}, min),
                     against_best({name: lowest(t) for name, t in taken.items()}, min)])
    return table(["CPU us per answer (user)", *names, "reeve / best", "lowest rounds"], rows)


def rate_table(mixes, names, samples):
    """Thousands per second, with the share of the core that the server used: below 100 % the load was the limit."""
    rows = []
    for mix in mixes:
        row = [mix.title]
        for name in names:
            taken = samples.get((mix.name, name))
            row.append(f"{of(taken, 'qps') / 1e3:.0f} ({of(taken, 'core') * 100:.0f} %)" if taken else "")
        row.append(against_best({n: of(samples.get((mix.name, n)), "qps") for n in names}, max))
        rows.append(row)
    return table(["1000 answers/s (core used)", *names, "reeve / best"], rows)


def loading_rows(name, taken):
    records = taken[0]["records"]
    return {"seconds to first answer": of(taken, "seconds"), "CPU seconds": of(taken, "cpu"),
            "1000 records / CPU s": records / of(taken, "cpu") / 1e3,
            "memory, B/record (PSS)": of(taken, "memory") / records,
            "peak while loading, B/record (RSS)": of(taken, "peak") / records,
            "peak / steady": of(taken, "peak") / of(taken, "memory")}


def loading_table(names, samples):
    figures = {name: loading_rows(name, samples[name]) for name in names if samples.get(name)}
    names = list(figures)
    if not names:
        return ""
    rows = []
    for what in figures[names[0]]:
        values = {name: figures[name][what] for name in names}
        better = max if "records /" in what else min
        form = "{:.2f}" if "econds" in what or "/ steady" in what else "{:.0f}"
        rows.append([what, *(form.format(values[name]) for name in names), against_best(values, better)])
    return table(["loading the big zone", *names, "reeve / best"], rows)


def reload_table(names, samples):
    rows = []
    for name in names:
        taken = samples.get(name)
        if not taken:
            continue
        idle, during = [t["idle"] for t in taken], [t["during"] for t in taken]
        rows.append([name, f"{of(taken, 'seconds'):.1f}", f"{of(idle, 'p50'):.0f}", f"{of(during, 'p50'):.0f}",
                     f"{of(idle, 'p99'):.0f}", f"{of(during, 'p99'):.0f}",
                     f"{of(during, 'p99') / of(idle, 'p99'):.1f}", f"{of(idle, 'max'):.0f}",
                     f"{of(during, 'max'):.0f}", f"{of(during, 'lost'):.0f}",
                     f"{of(taken, 'peak') / taken[0]['records']:.0f}",
                     f"{of(taken, 'memory') / taken[0]['records']:.0f}"])
    head = ["reload, us", "seconds", "p50 idle", "p50 reload", "p99 idle", "p99 reload", "p99 ratio", "max idle",
            "max reload", "lost", "peak RSS, B/record", "PSS after, B/record"]
    return table(head, rows) if rows else ""


def answers_table(mixes, names, checks):
    """Size and records per section of the same queries' answers, so that the reader sees what is compared."""
    rows = []
    for mix in mixes:
        row = [mix.title]
        for name in names:
            check = checks.get((mix.name, name))
            row.append("" if not check else f"{check['size']:.0f} B, " + "/".join(f"{n:.2f}" for n in check["records"]))
        rows.append(row)
    return table(["answers: size, records in answer/authority/additional", *names], rows)


def differences(mixes, names, checks):
    """What makes a comparison unfair: other response codes, unanswered queries, answers of another length."""
    found = []
    for mix in mixes:
        taken = {name: checks[mix.name, name] for name in names if (mix.name, name) in checks}
        if not taken:
            continue
        codes = {name: tuple(sorted(check["rcode"].items())) for name, check in taken.items()}
        usual = max(set(codes.values()), key=list(codes.values()).count)
        size = median(check["size"] for check in taken.values())
        for name, check in taken.items():
            if codes[name] != usual or check["lost"] or check["tc"]:
                found.append((True, f"{mix.name}: {name} answers {check['rcode']}, {check['lost']} lost, "
                                    f"{check['tc']} truncated; most answer {dict(usual)}"))
            elif abs(check["size"] / size - 1) > 0.1:
                found.append((False, f"{mix.name}: answers of {name} have {check['size']:.0f} bytes, "
                                     f"the median is {size:.0f}"))
    return found


def noise(samples):
    """How much of the server's core somebody else used, and how far the rounds of a server lie apart."""
    taken = [s for each in samples.values() for s in each]
    spread = [max(s["us"] for s in each) / min(s["us"] for s in each) - 1 for each in samples.values()
              if len(each) > 1 and min(s["us"] for s in each) > 0]
    if not taken:
        return ""
    text = f"Others used {median(s['foreign'] for s in taken) * 100:.1f} % of the server's core (median), " \
           f"{max(s['foreign'] for s in taken) * 100:.1f} % (worst round)."
    return text + (f" Rounds of one server differ by {median(spread) * 100:.0f} % (median), "
                   f"{max(spread) * 100:.0f} % (worst)." if spread else "")


def figure(taken, form, key, *path):
    """The median of a figure inside the samples, as text; nothing without samples."""
    if not taken:
        return ""
    for word in path:
        taken = [sample[word] for sample in taken]
    return form.format(of(taken, key))


def update_rows(kinds, zones, names, rates, cell, key, better):
    """One row for each zone and kind of load; `cell` shows the samples of a server, `key` is what is compared."""
    rows = []
    for kind in kinds:
        for zone in zones:
            taken = {name: rates.get((zone, kind.name, name)) for name in names}
            rows.append([f"{kind.title}, {zone} zone", *(cell(t) if t else "" for t in taken.values()),
                         against_best({name: of(t, key) for name, t in taken.items()}, better)])
    return rows


def same_speed_rows(kinds, names, rates):
    """The same load on the small zone and on the big one: 1.00 if the size of a zone does not matter."""
    rows = []
    for kind in kinds:
        pairs = [(rates.get(("small", kind.name, name)), rates.get(("big", kind.name, name))) for name in names]
        if any(small and big for small, big in pairs):
            rows.append([kind.title, *(f"{of(small, 'rate') / max(of(big, 'rate'), 1e-3):.2f}" if small and big else ""
                                       for small, big in pairs)])
    return rows


def update_tables(kinds, zones, names, rates):
    def times(taken):
        return f"{figure(taken, '{:.0f}', 'p50', 'us_ack')} / {figure(taken, '{:.0f}', 'p99', 'us_ack')}"

    if not kinds:
        return
    yield table(["acknowledged updates/s", *names, "reeve / best"],
                update_rows(kinds, zones, names, rates, lambda t: f"{of(t, 'rate'):.0f}", "rate", max))
    yield table(["us until the acknowledgement, p50 / p99", *names, ""],
                [row[:-1] + [""] for row in update_rows(kinds, zones, names, rates, times, "rate", max)])
    yield table(["server CPU us per update (user)", *names, "reeve / best"],
                update_rows(kinds, zones, names, rates, lambda t: f"{of(t, 'us'):.1f} ({of(t, 'us_user'):.1f})", "us",
                            min))
    rows = same_speed_rows(kinds, names, rates)
    if rows:
        yield table(["updates/s of the small zone / of the big one", *names], rows)


def update_query_table(zones, names, queries, rate):
    rows = []
    for zone in zones:
        for name in names:
            taken = queries.get((zone, name))
            if taken:
                rows.append([f"{name}, {zone} zone", *(figure(taken, "{:.0f}", key, phase) for key in ("p50", "p99", "max")
                                                      for phase in ("idle", "during")),
                             f"{of(taken, 'ratio'):.1f}", figure(taken, "{:.0f}", "lost", "during"),
                             f"{median(t['acked'] / max(t['seconds'], 1e-6) for t in taken):.0f}"])
    head = [f"{rate} queries/s beside 64 updates in flight, us", "p50 idle", "p50 during", "p99 idle", "p99 during",
            "max idle", "max during", "p99 ratio", "lost", "updates/s"]
    return table(head, rows) if rows else ""


def restart_table(names, restarts):
    rows = []
    for name in names:
        taken = restarts.get(name)
        if taken:
            rows.append([name, f"{of(taken, 'changes'):.0f}",
                         *(f"{figure(taken, '{:.2f}', 'seconds', how)} ({figure(taken, '{:.2f}', 'cpu', how)})"
                           for how in ("fresh", "killed", "stopped")),
                         *(figure(taken, "{:.2f}", "update", how) for how in ("fresh", "killed")),
                         *(f"{median(t[how]['seconds'] / t['fresh']['seconds'] for t in taken):.2f}"
                           for how in ("killed", "stopped"))])
    head = ["seconds to the first answer (CPU until at rest)", "changes", "zone file, no state", "restart after kill -9",
            "restart after a stop", "first update, no state", "first update after kill -9", "kill / file", "stop / file"]
    return table(head, rows) if rows else ""


PER_UPDATE = "an update to a server that does nothing else"


def sync_table(syncs):
    rows = [[name, f"{of(taken, 'rate'):.0f}", f"{of(taken, 'p50'):.0f}", f"{of(taken, 'p99'):.0f}"]
            for name, taken in syncs.items()]
    return table(["one fdatasync after 300 bytes", "per second", "p50 us", "p99 us"], rows) if rows else ""


GOALS = {"rate": 25_000, "rate alone": 7_000, "of one fdatasync": 0.8, "us": 20, "zones alike": 0.1, "p99 ratio": 2,
         "restart": 1}


def goal_rows(zones, rates, queries, restarts):
    """(what, what is wanted, what it is, whether it is reached) for each figure that was taken of ours."""
    for zone in zones:
        many, alone = rates.get((zone, "add-64", OURS)), rates.get((zone, "add-1", OURS))
        if many:
            rate, us = of(many, "rate"), of(many, "us")
            yield (f"updates/s, 64 in flight, {zone} zone", f">= {GOALS['rate']}", f"{rate:.0f}", rate >= GOALS["rate"])
            yield (f"CPU us per update, 64 in flight, {zone} zone", f"<= {GOALS['us']}", f"{us:.1f}", us <= GOALS["us"])
        if alone:
            rate, share = of(alone, "rate"), of(alone, "of_sync")
            yield (f"updates/s, 1 in flight, {zone} zone; of what one fdatasync each allows in the same round",
                   f">= {GOALS['rate alone']}, or {GOALS['of one fdatasync']:.2f}", f"{rate:.0f}, {share:.2f}",
                   rate >= GOALS["rate alone"] or share >= GOALS["of one fdatasync"])
        taken = queries.get((zone, OURS))
        if taken:
            ratio = of(taken, "ratio")
            yield (f"p99 of queries during / idle, {zone} zone", f"<= {GOALS['p99 ratio']}", f"{ratio:.1f}",
                   ratio <= GOALS["p99 ratio"])
    small, big = (rates.get((zone, "add-64", OURS)) for zone in ("small", "big"))
    if small and big:
        ratio = of(big, "rate") / max(of(small, "rate"), 1e-3)
        yield ("updates/s, big zone / small zone", f">= {1 - GOALS['zones alike']:.1f}", f"{ratio:.2f}",
               ratio >= 1 - GOALS["zones alike"])
    if restarts.get(OURS):
        ratio = median(t["killed"]["seconds"] / t["fresh"]["seconds"] for t in restarts[OURS])
        yield "restart after kill -9 / from the file", f"< {GOALS['restart']}", f"{ratio:.2f}", ratio < GOALS["restart"]


def goal_table(*taken):
    """What Reeve is to reach, `add` only; 1 in flight: 7,000 or 80 % of what one fdatasync per update allows."""
    rows = [[what, wanted, is_now, "yes" if reached else "NO"] for what, wanted, is_now, reached in goal_rows(*taken)]
    return table([f"{OURS}, goals", "wanted", "is", "reached"], rows) if rows else ""
