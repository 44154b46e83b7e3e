# SPDX-License-Identifier: Apache-2.0
"""The programs, zones and queries of the benchmark: made once in the work directory, used again by later runs.

Everything is drawn with a fixed seed. The directory's name is a digest of what makes the files, so a change here never
meets files of before.
"""
import fcntl
import hashlib
import json
import os
import random
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = {"load": ["load.c", "queries.c", "histogram.c"], "echo": ["echo.c"], "zonegen": ["zonegen.c"],
            "update": ["update.c", "background.c", "signer.c", "queries.c", "histogram.c"],
            "transfer": ["transfer.c", "background.c", "queries.c", "histogram.c"]}
LIBRARIES = {"update": ["-lcrypto"]}
SOURCES = ["material.py", "parts.h", "queries.h", "histogram.h", "background.h", "signer.h", *sum(PROGRAMS.values(), [])]
ROOT_ZONE = HERE.parents[2] / "shared" / "data" / "root.zone"
QUERIES = 50_000  # of each small mix; of the big zone every name is asked for
HOT_HOSTS = 4
SIGNED_FROM, SIGNED_UNTIL = "20260101000000", "20380101000000"  # fixed, so that the files stay good


@dataclass
class Zone:
    name: str  # absolute, with the final dot
    path: Path
    records: int


@dataclass
class Material:
    path: Path
    zones: dict  # set name -> list of Zone; a set is served by one start of a server
    queries: dict  # mix name -> Path

    def program(self, name):
        return str(self.path / name)


def compile_programs(path):
    flags = ["-std=c17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror"]
    for name, sources in PROGRAMS.items():
        subprocess.run([os.environ.get("CC", "cc"), *flags, *(str(HERE / s) for s in sources),
                        "-o", str(path / name), *LIBRARIES.get(name, [])], check=True)


def write_lines(path, lines):
    path.write_text("".join(line + "\n" for line in lines))
    return path


def make_tld(path, size):
    done = subprocess.run([path / "zonegen", "--size", str(size), "--zone", path / "tld.zone", "--referrals",
                           path / "tld.q", "--absent", path / "tld-nx.q"], check=True, capture_output=True, text=True)
    subprocess.run([path / "zonegen", "--size", str(size), "--edits", str(max(1, size // 1000)),
                    "--zone", path / "tld-next.zone"], check=True, stdout=subprocess.DEVNULL)
    zone = Zone("tld.", path / "tld.zone", int(done.stdout))
    with open(zone.path) as whole, open(no_ds_path(zone), "w") as part:
        part.writelines(line for line in whole if "\tDS\t" not in line)
    return zone


def no_ds_path(zone):
    return zone.path.with_suffix(".no-ds")


def without_ds(zone):
    """The big zone for a server that does not know DS."""
    return Zone(zone.name, no_ds_path(zone), record_count(no_ds_path(zone)))


def zone_head(origin):
    return [f"$ORIGIN {origin}", "$TTL 3600", "@ SOA ns1 hostmaster 1 3600 900 604800 300", "@ NS ns1", "@ NS ns2",
            "ns1 A 192.0.2.1", "ns2 A 192.0.2.2"]


def make_hot(path):
    file = path / "hot.zone"
    hosts = [f"www{i} A 192.0.2.{10 + i}" for i in range(HOT_HOSTS)]
    lines = zone_head("hot.") + hosts + ["mail A 192.0.2.5", "@ MX 10 mail", '@ TXT "v=spf1 mx -all"']
    write_lines(file, lines)
    write_lines(path / "hot.q", [f"www{i}.hot A" for i in range(HOT_HOSTS)])
    return Zone("hot.", file, len(lines) - 2)


def sign(path, origin, unsigned, signed, nsec3):
    """One ECDSA key signs all. RFC 9276 s3.1: no salt, no extra iterations."""
    keys = path / f"keys-{origin}"
    shutil.rmtree(keys, ignore_errors=True)
    keys.mkdir()
    run = dict(check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["dnssec-keygen", "-a", "ECDSAP256SHA256", "-f", "KSK", "-K", keys, origin], **run)
    how = ["-3", "-", "-H", "0"] if nsec3 else []
    subprocess.run(["dnssec-signzone", "-S", "-z", "-P", "-K", keys, "-d", keys, "-o", origin, "-O", "full", *how,
                    "-s", SIGNED_FROM, "-e", SIGNED_UNTIL, "-f", signed, unsigned], **run)


def record_count(path):
    with open(path) as file:
        return sum(1 for line in file if line.strip() and not line.startswith((";", "$")))


def make_signed(path, origin, names, nsec3):
    """Names without a common pattern, so that neighbours in the file are not neighbours in the queries."""
    label, signed = origin.rstrip("."), path / f"{origin.rstrip('.')}.zone.signed"
    draw = random.Random(f"signed {names}")
    hosts = sorted({f"{draw.getrandbits(48):012x}" for _ in range(names)})
    absent = [f"{draw.getrandbits(48):012x}" for _ in range(min(QUERIES, 10 * names))]
    unsigned = write_lines(path / f"{label}.zone", zone_head(origin) + [
        f"{host} A 198.51.100.{i % 256}" for i, host in enumerate(hosts)])
    sign(path, origin, unsigned, signed, nsec3)
    draw.shuffle(hosts)
    present = set(hosts)
    write_lines(path / f"{label}.q", [f"{h}.{label} A do" for h in absent if h not in present])
    write_lines(path / f"{label}-positive.q", [f"{h}.{label} A do" for h in hosts[:QUERIES]])
    return Zone(origin, signed, record_count(signed))


def make_root(path, file):
    """Referrals to every top-level domain, by a name below it; and the same with names that do not exist between."""
    with open(file) as zone:
        lines = list(dict.fromkeys(line for line in zone if line[0] not in "; \t\n"))  # a dump repeats the SOA
    fields = [line.split() for line in lines]
    (path / "root.zone").write_text("".join(lines))
    cuts = sorted({f[0] for f in fields if f[3] == "NS" and f[0] != "."})
    owners = {f[0].rstrip(".").rpartition(".")[2] for f in fields}
    draw = random.Random("root")
    referrals = [f"www.example.{draw.choice(cuts)} A" for _ in range(QUERIES)]
    absent = []
    while len(absent) < QUERIES:
        label = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=draw.randint(3, 12)))
        if label not in owners:
            absent.append(f"{label} A")
    write_lines(path / "root.q", referrals)
    write_lines(path / "root-nx.q", [q for pair in zip(referrals, absent) for q in pair])
    return Zone(".", path / "root.zone", len(fields))


def make_delegations(path, stem, size):
    """The big zone in another size, with the queries for it, for the updates."""
    zone = path / f"{stem}.zone"
    done = subprocess.run([path / "zonegen", "--size", str(size), "--zone", zone, "--referrals", path / f"{stem}.q"],
                          check=True, capture_output=True, text=True)
    return Zone("tld.", zone, int(done.stdout))


def digest(*parts):
    """Of all that decides what the files are."""
    sources = [(HERE / name).read_bytes() for name in SOURCES]
    return hashlib.sha256(b"\0".join([*sources, *parts])).hexdigest()[:12]


def make_all(path, size, names, root_zone):
    zones = {"tld": [make_tld(path, size)],
             "small": [make_hot(path), make_signed(path, "nsec.", names, False),
                       make_signed(path, "nsec3.", names, True)]}
    if root_zone.exists():
        zones["root"] = [make_root(path, root_zone)]
    return zones


def make_once(path, make_zones):
    """The programs and what `make_zones` makes, in a directory that later runs find."""
    path.mkdir(parents=True, exist_ok=True)
    made = path / "made.json"
    with open(path / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be at it
        if not made.exists():
            compile_programs(path)
            zones = make_zones(path)
            made.write_text(json.dumps({kind: [(zone.name, zone.path.name, zone.records) for zone in each]
                                        for kind, each in zones.items()}))
            os.sync()  # or the kernel writes it back while times are taken
    return {kind: [Zone(name, path / file, records) for name, file, records in each]
            for kind, each in json.loads(made.read_text()).items()}


def make(base, size, names, root_zone):
    """Everything for `run`, below `base`; the root zone only if its file is there."""
    root_zone = Path(root_zone)
    path = Path(base) / digest(str((size, names)).encode(), root_zone.read_bytes() if root_zone.exists() else b"")
    zones = make_once(path, lambda at: make_all(at, size, names, root_zone))
    queries = {mix: path / f"{mix}.q" for mix in ("root", "root-nx", "tld", "tld-nx", "hot", "nsec", "nsec3")}
    queries["signed"] = path / "nsec-positive.q"
    return Material(path, zones, queries)


def make_for_updates(base, sizes):
    """Zones of the given sizes, {name of the set: delegations}, for `run-update`."""
    path = Path(base) / digest(b"updates", str(sorted(sizes.items())).encode())
    zones = make_once(path, lambda at: {stem: [make_delegations(at, stem, size)] for stem, size in sizes.items()})
    return Material(path, zones, {stem: path / f"{stem}.q" for stem in sizes})
