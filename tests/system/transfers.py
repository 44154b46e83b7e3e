# SPDX-License-Identifier: Apache-2.0
"""Transfers as a client of the test takes them, message by message, and what IXFR says taken apart."""
import collections
import socket
import struct

import dns.message
import dns.query
import dns.rdatatype
import dns.rrset
import dns.zone

import dynamic
import harness

SOA = dns.rdatatype.SOA

# One difference sequence (RFC 1995 s4): serials and sets of records, without the SOAs.
Step = collections.namedtuple('Step', 'serial_from serial_to removed added')


def signed(key, keys):
    return {'keyring': dynamic.keyring(keys), 'keyname': key} if key else {}


def stream(server, zone='example.', rdtype='AXFR', *, key=None, keys=None, **how):
    """Its messages, as they come; dnspython checks how they are framed and signed. how: serial."""
    return dns.query.xfr(server.address, zone, rdtype, port=server.port, relativize=False, timeout=harness.ASK_TIMEOUT_S,
                         **signed(key, keys), **how)


def form(owner, ttl, rdata):
    """As following.flat() has it."""
    return owner.to_text().lower(), dns.rdatatype.to_text(rdata.rdtype), ttl, rdata.to_digestable().hex()


def rows(messages):
    """All records in their order, as (owner, TTL, rdata)."""
    return [(rrset.name, rrset.ttl, rdata) for message in messages for rrset in message.answer for rdata in rrset]


def content(messages):
    """Of a whole zone: its serial, and its records but for the SOA that it begins and ends with."""
    records = rows(messages)
    first, last = records[0], records[-1]
    assert first == last and first[2].rdtype == SOA
    assert not any(rdata.rdtype == SOA for _, _, rdata in records[1:-1])
    forms = [form(*record) for record in records[1:-1]]
    assert len(forms) == len(set(forms)), 'a record that came twice'
    return first[2].serial, set(forms)


def steps(messages):
    """Of differences: the list of Steps; and the serial that they lead to, by the SOA at both ends."""
    records = rows(messages)
    assert records[0] == records[-1] and len(records) >= 4
    result, at = [], 1

    def part():
        """The SOA at `at`, and what follows up to the next."""
        nonlocal at
        serial, forms = records[at][2].serial, set()
        at += 1
        while records[at][2].rdtype != SOA:
            assert form(*records[at]) not in forms
            forms.add(form(*records[at]))
            at += 1
        return serial, forms
    while at < len(records) - 1:
        (old, removed), (new, added) = part(), part()
        result.append(Step(old, new, removed, added))
    for before, after in zip(result, result[1:]):
        assert before.serial_to == after.serial_from
    assert result[-1].serial_to == records[0][2].serial
    return result


def is_whole(messages):
    """Of an answer to IXFR of more than one record: not in differences."""
    return rows(messages)[1][2].rdtype != SOA


def applied(records, step):
    """A secondary's zone after it: everything that is removed has to be there, what is added not."""
    assert step.removed <= records
    assert not (records - step.removed) & step.added
    return records - step.removed | step.added


def ixfr_of(serial, zone='example.', *, key=None, keys=None):
    """A question for IXFR, to be sent by any means."""
    query = dns.message.make_query(zone, 'IXFR')
    query.flags = 0
    query.authority.append(dns.rrset.from_text(zone, 0, 'IN', 'SOA', f'. . {serial} 0 0 0 0'))
    if key:
        query.use_tsig(dynamic.keyring(keys), key)
    return query


class Stuck:
    """A client that asks for a whole zone and reads nothing of it, unless it is told to."""

    def __init__(self, server, zone='example.'):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(harness.DEADLINE_S)
        self.socket.connect((server.address, server.port))
        query = dns.message.make_query(zone, 'AXFR').to_wire()
        self.socket.sendall(struct.pack('!H', len(query)) + query)

    def read(self, count):
        """That many bytes, or fewer at the end of the connection."""
        data = bytearray()
        while len(data) < count:
            try:
                chunk = self.socket.recv(min(65536, count - len(data)))
            except ConnectionResetError:
                break
            if not chunk:
                break
            data += chunk
        return bytes(data)

    def message(self):
        """The next one, or None when no whole one comes any more."""
        head = self.read(2)
        if len(head) < 2:
            return None
        length = struct.unpack('!H', head)[0]
        wire = self.read(length)
        return wire if len(wire) == length else None

    def close(self):
        self.socket.close()
