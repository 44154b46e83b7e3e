# SPDX-License-Identifier: Apache-2.0
"""UPDATE messages made from bytes, in the forms of RFC 2136 and in any other, and what a zone holds after them."""
import collections
import struct

import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype

import dynamic
import wire

IN, CH, NONE, ANY = 1, 3, 254, 255
ZONE_SECTION = [('example.', 'SOA', IN)]

Record = collections.namedtuple('Record', 'owner rdtype rdclass ttl rdata')


def full(name):
    return name if name.endswith('.') else name.replace('@', '') + '.' * (name != '@') + 'example.'


def type_of(text):
    return int(text[4:]) if text.startswith('TYPE') else dns.rdatatype.from_text(text)


def record(owner, rdtype, rdata=None, rdclass=IN, ttl=0):
    """rdata: text, bytes as they are, or None."""
    if isinstance(rdata, str):
        parsed = dns.rdata.from_text('IN', rdtype, rdata, origin=dns.name.from_text('example.'), relativize=False)
        rdata = parsed.to_wire()
    return Record(full(owner), type_of(rdtype), rdclass, ttl, rdata or b'')


# The forms of s2.4 and s2.5, by their names there.

def exists(owner, rdtype, rdata=None, ttl=0):
    return record(owner, rdtype, rdata, IN if rdata else ANY, ttl)


def absent(owner, rdtype):
    return record(owner, rdtype, None, NONE)


def used(owner):
    return record(owner, 'ANY', None, ANY)


def unused(owner):
    return record(owner, 'ANY', None, NONE)


def add(owner, rdtype, rdata, ttl=300):
    return record(owner, rdtype, rdata, IN, ttl)


def delete_rrset(owner, rdtype):
    return record(owner, rdtype, None, ANY)


def delete_name(owner):
    return record(owner, 'ANY', None, ANY)


def delete(owner, rdtype, rdata):
    return record(owner, rdtype, rdata, NONE)


def message(ident, zone, prerequisites, updates):
    """An UPDATE's bytes. zone: (name, type, class) of each record of the zone section."""
    def name(text):
        return dns.name.from_text(text).to_wire()
    zone_section = b''.join(name(full(owner)) + struct.pack('!HH', type_of(rdtype), rdclass) for owner, rdtype, rdclass in zone)
    body = b''.join(name(r.owner) + struct.pack('!HHIH', r.rdtype, r.rdclass, r.ttl, len(r.rdata)) + r.rdata
                    for r in prerequisites + updates)
    return struct.pack('!HHHHHH', ident, 0x2800, len(zone), len(prerequisites), len(updates), 0) + zone_section + body


def send(server, ident, update, signer=None):
    """Sends message(ident, ...) and gives the answer's rcode as a text."""
    reply = server.send_raw(signer.sign(update) if signer else update)
    assert reply is not None, 'no answer'
    got_ident, flags = struct.unpack_from('!HH', reply)
    assert got_ident == ident and flags & 0xf800 == 0xa800, f'flags {flags:04x} of an answer to UPDATE'
    return dns.rcode.to_text(flags & 15)


def content(server, owners, types):
    """{(owner, type): what a query shows of it}; of a delegation, the referral."""
    questions = [(dns.name.from_text(owner).labels[:-1], rdtype) for owner in sorted(owners) for rdtype in types]
    answers = wire.ask_all(server, questions, None)
    return {(b'.'.join(name).decode(), dns.rdatatype.to_text(rdtype)):
            (dns.rcode.to_text(a.rcode), a.answer) + ((a.authority, a.additional) if not a.aa else ())
            for (name, rdtype), a in zip(questions, answers)}


def differences(what, ours, theirs):
    return [f'{what}: {key} is {ours[key]}, at named {theirs[key]}' for key in ours if ours[key] != theirs[key]]
