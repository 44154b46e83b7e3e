# SPDX-License-Identifier: Apache-2.0
"""Plays scenarios: asks a server over sockets what scenario.py has read, and compares. Messages are made and read by
dnspython, so that this is a second opinion on the wire format."""
import socket
import struct

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
import dns.tsig

import change
from scenario import EFFECTS, FLAGS, SECTIONS, Record

TIMEOUT_S = 10.0
UDP_SIZE_DEFAULT = 1232

# --- asking ---


def query_wire(step):
    """The datagram of a step."""
    if step.kind != "query":
        return step.wire
    wire = struct.pack("!HHHHHH", step.ident, step.flags | step.opcode << 11, 1, 0, int(step.serial is not None),
                       0 if step.edns is None else 1)
    wire += step.qname.to_wire() + struct.pack("!HH", step.qtype, step.qclass)
    if step.serial is not None:  # RFC 1995 s3
        wire += struct.pack("!HHHIH", 0xc00c, 6, step.qclass, 0, 22) + struct.pack("!BBIIIII", 0, 0, step.serial, 0, 0, 0, 0)
    if step.edns is not None:
        options = b"".join(struct.pack("!HH", code, len(data)) + data for code, data in step.edns["options"])
        wire += struct.pack("!BHHBBHH", 0, 41, step.edns["size"], 0, step.edns["version"], step.edns["flags"],
                            len(options)) + options
    return wire


SENTINEL = bytes.fromhex("5e40 0000 0001 0000 0000 0000 0776657273696f6e 0462696e64 00 0010 0003")


def ask(address, port, transport, wire, may_drop=False):
    """The answer's bytes, or None if there is none: the connection was closed, or, with may_drop, a question sent behind
    it on the same socket was answered and this was not."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    messages = [wire, SENTINEL] if may_drop else [wire]
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as s:
        s.settimeout(TIMEOUT_S)
        try:
            s.connect((address, port))
            if transport == "udp":
                for message in messages:
                    s.send(message)
                answer = s.recv(65535)
            else:
                s.sendall(b"".join(struct.pack("!H", len(m)) + m for m in messages))
                answer = take(s, struct.unpack("!H", take(s, 2))[0])
        except (TimeoutError, ConnectionError, EOFError):
            return None
    return None if may_drop and answer[:2] == SENTINEL[:2] else answer


def is_transfer(step, transport):
    """Answered by a row of messages."""
    return transport == "tcp" and step.kind == "query" and step.opcode == 0 \
        and step.qtype in (dns.rdatatype.AXFR, dns.rdatatype.IXFR)


def is_over(records, is_incremental):
    """Of the answer's records so far: is the last one that which ends it (RFC 5936 s2.2, RFC 1995 s4)?"""
    serials = [r.rdata.serial if r.rdtype == dns.rdatatype.SOA else None for r in records]
    if not serials:
        return True
    newest = serials[0]
    if len(serials) == 1:
        return is_incremental
    if serials[1] is None or serials[1] == newest:  # a whole zone
        return serials[-1] == newest
    # each sequence begins and goes on with a SOA; the newest serial opens the last addition, then ends it all
    return serials[-1] == newest and serials.count(newest) == 3


def ask_row(address, port, step, wire, key=None, mac=b""):
    """All messages of a transfer, each verified if the request was signed and then without its TSIG."""
    messages, found, context = [], [], None
    with socket.create_connection((address, port), TIMEOUT_S) as s:
        s.sendall(struct.pack("!H", len(wire)) + wire)
        while not messages or not is_over(found, step.qtype == dns.rdatatype.IXFR):
            message = take(s, struct.unpack("!H", take(s, 2))[0])
            if key:
                m = dns.message.from_wire(message, keyring=key, request_mac=mac, multi=True, tsig_ctx=context)
                context = m.tsig_ctx
                message = change.stripped(message, m) if m.had_tsig else message
            messages.append(message)
            found += decode(message)[1]["answer"]
    return messages


def take(s, count):
    data = b""
    while len(data) < count:
        more = s.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


# --- comparing ---


def records(rrsets):
    return [Record(s.name, s.ttl, s.rdclass, s.rdtype, rdata) for s in rrsets for rdata in s]


def decode(wire):
    """dnspython's view, and its three sections without OPT as records, one by one and in order."""
    wire = wire[:2] + bytes([wire[2] & 0x87]) + wire[3:]  # dnspython knows no opcode above 5, and reads 5 differently
    m = dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=False)
    return m, {name: records(rrsets) for name, rrsets in zip(SECTIONS, m.sections[1:])}


def show(title, wanted, got):
    lines = [f"  {title}: expected"] + [f"    {r}" for r in wanted] + ["  got"] + [f"    {r}" for r in got]
    return "\n".join(lines)


def compare_section(name, section, got):
    """None, or what differs."""
    wanted = section.records
    found = [r for r in wanted if any(r.agrees(g) for g in got)]
    known = [g for g in got if any(r.agrees(g) for r in wanted)]
    sets_got = {(g.owner, g.rdtype) for g in got}
    whole = len(found) == len([r for r in wanted if (r.owner, r.rdtype) in sets_got])
    fine = {
        "exact": len(found) == len(wanted) and len(known) == len(got) == len(wanted),
        "has": len(found) == len(wanted),
        "within": len(known) == len(got) and whole,
        "in-order": len(wanted) == len(got) and all(r.agrees(g) for r, g in zip(wanted, got)),
        "one-of": len(known) == len(got) and whole and len({k for k in sets_got if k[1] != 46}) == 1,
    }[section.mode]
    return None if fine else show(f"{name} {section.mode}", wanted, got)


def check_options(step, m):
    """Those that the scenario speaks of."""
    for code, data, goes_on in step.options:
        got = [o.to_wire() for o in m.options if o.otype == code]
        wanted = [] if data is None else [data]
        if (([g[:len(data)] for g in got] if goes_on else got) != wanted):
            yield f"  option {code}: {[w.hex() for w in wanted]} expected, got {[g.hex() for g in got]}"


def check_opt(step, m):
    asked = step.edns is not None
    if step.kind == "message" and not step.marks & {"opt", "no-opt"}:
        return
    if "opt" in step.marks or (asked and "no-opt" not in step.marks):
        if m.edns != 0:
            yield f"  OPT version 0 expected, got {m.edns} (-1: none)"
            return
        if step.announces and m.payload != step.announces:
            yield f"  a size of {step.announces} in OPT expected, got {m.payload}"
        do = 0x8000 & (step.edns["flags"] if asked else m.ednsflags)
        if m.ednsflags & 0xFFFF != do:
            yield f"  EDNS flags {do:#x} expected, got {m.ednsflags & 0xffff:#x}"
        nsid = [o for o in m.options if o.otype == 3]
        texts = [o.data if hasattr(o, "data") else o.nsid for o in nsid]
        if texts != ([step.nsid] if step.nsid is not None else []):
            yield f"  NSID {step.nsid} expected, got {texts}"
        expire = [struct.unpack("!I", o.data)[0] for o in m.options if o.otype == 9]
        if expire != ([step.expire] if step.expire is not None else []):
            yield f"  EXPIRE {step.expire} expected, got {expire}"
        leases = [list(struct.unpack(f"!{len(o.data) // 4}I", o.data)) for o in m.options if o.otype == 2]
        if leases != ([step.leased] if step.leased else []):
            yield f"  lease {step.leased} expected, got {leases}"
        errors = [int(o.code) for o in m.options if o.otype == 15]
        if step.ede is not None and errors != [step.ede] or len(errors) > ("no-ede" not in step.marks):
            yield f"  extended error {step.ede} expected, got {errors}"
        sent = {code for code, _ in step.edns["options"]} if step.edns else {10}
        known = {3, 9, 15} | sent & {2, 8, 10, 11, 19}  # RFC 8914 s2: EDE, 15, comes unasked
        known |= {code for code, _, _ in step.options}
        yield from check_options(step, m)
        if any(o.otype not in known for o in m.options):
            yield f"  options that were not asked for: {m.options}"
    elif m.edns != -1:
        yield "  no OPT expected, got one"
    elif step.nsid is not None or step.announces or step.expire is not None or step.leased or step.ede is not None \
            or step.options:
        yield "  options or a size expected, got no OPT"


def size_limit(step, transport, udp_size):
    if step.size_max:
        return step.size_max
    if transport == "tcp":
        return 65535
    return min(udp_size, max(512, step.edns["size"] if step.edns else 512)) if step.kind == "query" else udp_size


def check_header(step, asked, answer, transport, udp_size):
    ident, flags, qdcount = struct.unpack_from("!HHH", answer)
    asked_ident, asked_flags = struct.unpack_from("!HH", asked)
    if ident != asked_ident:
        yield f"  id {asked_ident} expected, got {ident}"
    if flags & 0xf800 != 0x8000 | asked_flags & 0x7800:
        yield f"  QR and the opcode asked for expected, got flags {flags:#06x}"
    opcode = asked_flags & 0x7800
    if opcode == 0 and (flags ^ asked_flags) & FLAGS["rd"]:
        yield f"  RD as asked expected, got flags {flags:#06x}"
    if flags & step.compared != step.expect_flags:
        both = step.expect_flags, flags & step.compared
        names = [[k for k in ("aa", "tc", "ra", "z", "ad") if v & FLAGS[k]] for v in both]
        yield f"  flags {names[0]} expected, got {names[1]}"
    if len(answer) > size_limit(step, transport, udp_size):
        yield f"  at most {size_limit(step, transport, udp_size)} bytes expected, got {len(answer)}"
    if step.kind == "query" and "no-question" not in step.marks and (qdcount or opcode == 0):
        end = 12 + len(step.qname.to_wire()) + 4
        if qdcount != 1 or answer[12:end] != asked[12:end]:
            yield "  the question, byte for byte, expected in the answer"
    if "no-question" in step.marks and qdcount != 0:
        yield "  no question expected"


def compare_case(step, sections):
    for name, section in step.sections.items():
        owners = sorted(r.owner.to_text() for r in section.records)
        got = sorted(r.owner.to_text() for r in sections[name])
        if owners != got:
            yield f"  {name}: owners {owners} expected, got {got}"


def check_further(first, more):
    """What every message of a row has (RFC 5936 s2.2)."""
    for message in more:
        head, (qdcount, ancount, nscount) = message[:4], struct.unpack_from("!HHH", message, 4)
        if head != first[:4] or qdcount > 1 or ancount == 0 or nscount != 0:
            yield f"  a further message has the head {message[:12].hex()}"


def compare(step, asked, answer, transport, udp_size=UDP_SIZE_DEFAULT, more=()):
    """Everything that differs from what the step expects, as sentences. more: messages behind the first one."""
    if answer is None or len(answer) < 12:
        return [] if "dropped" in step.rcodes and answer is None else ["  an answer expected, got none"]
    if step.rcodes == ("dropped",):
        return ["  no answer expected, got one"]
    faults = list(check_header(step, asked, answer, transport, udp_size))
    try:
        m, sections = decode(answer)
        for message in more:
            sections["answer"] += decode(message)[1]["answer"]
    except dns.exception.DNSException as e:
        return faults + [f"  answer is malformed: {e!r}"]
    rcode = dns.rcode.to_text(m.rcode())
    if rcode not in step.rcodes:
        faults.append(f"  {'|'.join(step.rcodes)} expected, got {rcode}")
    faults += check_opt(step, m)
    faults += check_further(answer, more)
    faults += filter(None, (compare_section(k, v, sections[k]) for k, v in step.sections.items()))
    if "case" in step.marks:
        faults += compare_case(step, sections)
    return faults


def play(script, address, port, effect=None):
    """Asks every step over its transports; yields (step, transport, faults) for each. effect(step) does what has no
    answer."""
    udp_size = int(script.setting("udp-size", UDP_SIZE_DEFAULT))
    for i, step in enumerate(script.steps):
        if step.kind in EFFECTS:
            effect(step)
            continue
        if step.kind == "query" and not step.ident:
            step.ident = (i * 7919 + 1) & 0xFFFF
        wire = query_wire(step)
        key = dns.tsig.Key(step.key, script.keys[step.key], "hmac-sha256") if step.key else None
        if key:
            wire, mac = change.signed(wire, key)
        for transport in step.transports:
            if is_transfer(step, transport):
                answer, *more = ask_row(address, port, step, wire, key, mac if key else b"")
                yield step, transport, compare(step, wire, answer, transport, udp_size, more)
                continue
            answer = ask(address, port, transport, wire, "dropped" in step.rcodes)
            if key:
                answer = change.unsigned(answer, key, mac)
            yield step, transport, compare(step, wire, answer, transport, udp_size)
