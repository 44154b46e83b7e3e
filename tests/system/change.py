# SPDX-License-Identifier: Apache-2.0
"""UPDATE messages of scenarios (RFC 2136): from the clauses of a block to bytes, and signing them with dnspython."""
import struct

import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.tsig

CLAUSES = {     # RFC 2136 s2.4, s2.5: section, what follows, class in the message
    "name-in-use": ("prerequisite", "name", dns.rdataclass.ANY),
    "name-unused": ("prerequisite", "name", dns.rdataclass.NONE),
    "rrset-exists": ("prerequisite", "rrset", dns.rdataclass.ANY),
    "rrset-absent": ("prerequisite", "rrset", dns.rdataclass.NONE),
    "rrset-equals": ("prerequisite", "record", dns.rdataclass.IN),
    "add": ("update", "record", dns.rdataclass.IN),
    "delete-rrset": ("update", "rrset", dns.rdataclass.ANY),
    "delete-name": ("update", "name", dns.rdataclass.ANY),
    "delete": ("update", "record", dns.rdataclass.NONE),
}


def lease_wire(lease):
    """An OPT with the Update Lease option (RFC 9664 s4), nothing for None."""
    if not lease:
        return b""
    option = struct.pack(f"!HH{len(lease)}I", 2, 4 * len(lease), *lease)
    return struct.pack("!BHHIH", 0, dns.rdatatype.OPT, 1232, 0, len(option)) + option


def update_wire(parser, step, body, line):
    """The message of the step; the parser reads names and records, and says what is wrong in which line."""
    before, parser.origin = parser.origin, dns.name.from_text(step.zone)
    sections = {"prerequisite": [], "update": []}
    for i, text in enumerate(body.split("\n")):
        verb, _, rest = text.split(";")[0].strip().partition(" ")
        if verb:
            section, wire = clause(parser, verb, rest.strip(), line + i)
            sections[section].append(wire)
    head = struct.pack("!HHHHHH", (len(parser.script.steps) * 7919 + 1) & 0xFFFF, 5 << 11, 1,
                       len(sections["prerequisite"]), len(sections["update"]), bool(step.lease))
    question = parser.origin.to_wire() + struct.pack("!HH", dns.rdatatype.SOA, dns.rdataclass.IN)
    parser.origin = before
    return head + question + b"".join(sections["prerequisite"] + sections["update"]) + lease_wire(step.lease)


def clause(parser, verb, rest, line):
    if verb not in CLAUSES:
        raise parser.fault(f"unknown clause '{verb}'", line)
    section, operand, rdclass = CLAUSES[verb]
    ttl = 0
    if operand == "record":
        r = parser.record(rest, line)
        owner, rdtype, rdata = r.owner, r.rdtype, r.rdata.to_wire()
        ttl = r.ttl if verb == "add" else 0
    else:
        words = rest.split()
        owner, rdata = parser.name(words[0]), b""
        rdtype = dns.rdatatype.ANY if operand == "name" else parser.type(words[1])
    return section, owner.to_wire() + struct.pack("!HHIH", rdtype, rdclass, ttl, len(rdata)) + rdata


def signed(wire, key):
    """The message with a TSIG as dnspython makes it, and its MAC."""
    m = dns.message.from_wire(wire)
    m.use_tsig(key)
    return m.to_wire(), m.mac


def unsigned(answer, key, mac):
    """An answer that dnspython has verified against the request's MAC, without its TSIG, which is the last record."""
    return stripped(answer, dns.message.from_wire(answer, keyring=key, request_mac=mac))


def stripped(answer, message):
    """The bytes without the TSIG that dnspython has read from them."""
    tsig = message.tsig
    length = len(tsig.name.to_wire()) + 10 + len(tsig[0].to_wire())
    (count,) = struct.unpack_from("!H", answer, 10)
    return answer[:10] + struct.pack("!H", count - 1) + answer[12:-length]
