#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds rdata.txt against other software: dnspython, and BIND's named-compilezone and named-rrchecker.

Each sample's text must give them the sample's wire, and its shown text must be theirs (named) or mean the same to them
(dnspython). Says for each sample who agreed, and fails on a disagreement that DIFFERENCES does not explain, and on
a sample that nobody agreed with, unless its differences are explained or NO_WITNESS has its type."""
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

DATA = pathlib.Path(__file__).with_name("rdata.txt")

# (source, type, text): why it differs from the sample
DIFFERENCES = {
    ("named", "IPSECKEY", "10 0 0 ."): "wants a key even for algorithm 0, which says that there is none (RFC 4025 s2.4)",
    ("dnspython", "IPSECKEY", "10 0 0 ."): "wants a key even for algorithm 0",
    ("named", "NSEC", ". NXNAME RRSIG NSEC"): "9.18 does not know NXNAME (RFC 9824)",
    ("dnspython", "NSEC", ". NXNAME RRSIG NSEC"): "2.3 does not know NXNAME",
    ("named", "RRSIG", "NSEC3 253 0 4294967295 21060207062815 19700101000000 65535 . AA=="):
        "shows times of the second half of the 32-bit circle as before 1970",
    ("named", "NID", "10 0014:4fff:ff20:ee64"): "leaves out leading zeros, which dnspython does not read",
    ("named", "L64", "10 2001:0DB8:1140:1000"): "leaves out leading zeros",
    ("named", "L64", "10 1:2:3:4"): "leaves out leading zeros",
    ("dnspython", "L64", "10 1:2:3:4"): "wants four digits in each group",
    ("named", "SVCB", "1 resolver.example. alpn=dot,doq,h2,h3 dohpath=/q{?dns}"): "9.18 shows dohpath as key7",
    ("dnspython", "SVCB", "1 resolver.example. alpn=dot,doq,h2,h3 dohpath=/q{?dns}"): "2.3 does not know dohpath",
    ("named", "SVCB", "1 . alpn=h2 dohpath=/dns-query{?dns} ohttp tls-supported-groups=29,23"): "9.18 does not know ohttp",
    ("dnspython", "SVCB", "1 . alpn=h2 dohpath=/dns-query{?dns} ohttp tls-supported-groups=29,23"):
        "2.3 does not know dohpath",
}


# Types of which neither has a text form, and why: these samples are from their specifications.
NO_WITNESS = {
    **dict.fromkeys(("OPT", "TKEY", "TSIG", "NXNAME", "IXFR", "AXFR", "MAILB", "MAILA", "ANY"), "never in a zone file"),
    **dict.fromkeys(("UNECE", "ISO", "CLA", "IPN"), "registered after BIND 9.18 and dnspython 2.3"),
}


def samples():
    """Type, text, wire, shown text."""
    for line in DATA.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        kind, rest = line.split(" |", 1)
        text, rest = rest.split(" |", 1)
        wire, shown = rest.split(" |", 1)
        yield kind, text.strip(), bytes.fromhex(wire.strip()), shown.strip()


APEX = "$TTL 60\n$ORIGIN .\nz. SOA a. a. 1 2 3 4 5\nz. NS a.\n"


def compile_zone(lines, folder, form):
    """A zone with these lines as named-compilezone writes it, or the numbers of those that it complains of."""
    path, out = pathlib.Path(folder, "zone"), pathlib.Path(folder, "out")
    path.write_text(APEX + "\n".join(lines) + "\n", encoding="latin-1")
    off = [word for check in "iknrmMS" for word in (f"-{check}", "none" if check == "i" else "ignore")]
    run = subprocess.run(["named-compilezone", *off, *form, "-o", str(out), "z.", str(path)], capture_output=True, check=False,
                         timeout=60)
    if run.returncode == 0:
        return out.read_bytes(), []
    return None, [int(number) - 1 - APEX.count("\n") for number in re.findall(rb"/zone:(\d+): ", run.stdout + run.stderr)]


def raw_records(raw):
    """{owner's first label: rdata} of a zone in BIND's raw form: a head of 24 bytes, then the RRsets, here of one record each."""
    result, at = {}, 24
    while at < len(raw):
        length, name_length = struct.unpack_from("!I14xH", raw, at)
        name_at = at + 20
        label = raw[name_at + 1:name_at + 1 + raw[name_at]].decode()
        result[label] = raw[name_at + name_length + 2:at + length]
        at += length
    return result


def agreed_by_named():
    """The (type, text) of the samples that named reads as their wire and shows as they should be, as far as a zone can have
    them. All of them are read at once, for each run takes long to begin."""
    rows = list(samples())
    lines = [f"s{i}.z. {kind} {text}" for i, (kind, text, _, _) in enumerate(rows)]
    with tempfile.TemporaryDirectory() as folder:
        raw, refused = compile_zone(lines, folder, ("-F", "raw"))
        while any(lines[number] for number in refused):
            for number in refused:
                lines[number] = ""
            raw, refused = compile_zone(lines, folder, ("-F", "raw"))
        text, _ = compile_zone(lines, folder, ("-F", "text", "-s", "full"))
    wires = raw_records(raw or b"")
    shows = dict(re.findall(r"^(s\d+)\.z\.\s+60 IN \S+\s+(.*)$", (text or b"").decode("latin-1"), re.M))
    return {(kind, text) for i, (kind, text, wire, shown) in enumerate(rows)
            if wires.get(f"s{i}") == wire and shows.get(f"s{i}", "").replace(" ", "") == shown.replace(" ", "")}


def named(kind, text, wire, shown):
    """What named-rrchecker says of one. None: does not know the type; "": agrees; else the difference."""
    run = subprocess.run(["named-rrchecker", "-p", "-u"], input=f"IN {kind} {text}\n".encode(),
                         capture_output=True, check=False, timeout=10)
    said = run.stderr.decode(errors="replace").strip()
    if "dns_rdatatype_fromtext: unknown" in said or "is a meta value" in said:
        return None
    if run.returncode != 0 or not run.stdout:
        return "refuses it: " + said.splitlines()[-1]
    # Two lines: the text that it makes of it, and the wire.
    text_line, wire_line = run.stdout.decode("latin-1").rstrip("\n").split("\n")
    got = "".join(wire_line.split("\t")[2].split()[2:]).lower()
    if got != wire.hex():
        return "reads it as " + got
    # It breaks long data into blocks, so blanks do not count.
    text_got = text_line.split("\t")[2]
    if text_got.replace(" ", "") != shown.replace(" ", ""):
        return "shows it as " + text_got
    return ""


def dnspython(kind, text, wire, shown):
    import dns.exception
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype
    try:
        rdtype = dns.rdatatype.from_text(kind)
    except dns.exception.DNSException:
        return None
    known = dns.rdata.get_rdata_class(dns.rdataclass.IN, rdtype) is not dns.rdata.GenericRdata
    if kind in ("OPT", "TKEY", "TSIG") or not (known or kind.startswith("TYPE")):
        return None
    for form, what in ((text, "text"), (shown, "shown text")):
        try:
            got = dns.rdata.from_text(dns.rdataclass.IN, rdtype, form, relativize=False).to_wire()
        except Exception as e:  # whatever it raises is its way to refuse
            return f"refuses the {what}: {type(e).__name__} {e}"
        if got != wire:
            return f"reads the {what} as {got.hex()}"
    return ""


def main():
    sources = {}
    if shutil.which("named-rrchecker") and shutil.which("named-compilezone"):
        agreed = agreed_by_named()
        sources["named"] = lambda kind, text, *more: "" if (kind, text) in agreed else named(kind, text, *more)
    try:
        import dns.rdata  # noqa: F401
        sources["dnspython"] = dnspython
    except ImportError:
        pass
    if not sources:
        print("SKIP: neither named-rrchecker nor dnspython is here")
        return 77
    count = agreed_by_one = failures = 0
    unknown_to_all = []
    for kind, text, wire, shown in samples():
        count += 1
        verdicts = []
        for name, source in sources.items():
            difference = source(kind, text, wire, shown)
            if difference is None:
                continue
            reason = DIFFERENCES.get((name, kind, text))
            if difference == "":
                verdicts.append(name)
            elif reason:
                verdicts.append(f"({name}: {reason})")
            else:
                failures += 1
                print(f"FAIL {kind} {text}: {name} {difference}")
        if any(v in sources for v in verdicts):
            agreed_by_one += 1
        else:
            unknown_to_all.append(f"{kind} {text}")
            if not verdicts and kind not in NO_WITNESS:
                failures += 1
                print(f"FAIL {kind} {text}: no source knows it")
        print(f"{kind} {text}: {', '.join(verdicts) or 'no source knows it'}")
    print(f"\n{count} samples, {agreed_by_one} agreed by {' or '.join(sources)}, {failures} failures")
    print("not agreed by any source: " + "; ".join(unknown_to_all))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
