# SPDX-License-Identifier: Apache-2.0
"""Transfers as a client of the test takes them, message by message, and what IXFR says taken apart."""
import collections
import functools
import socket
import struct

import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.rrset

import dynamic
import harness
import wire

# A record: the owner in lower case and the type as texts, the rdata in canonical form, in hex.
Row = collections.namedtuple('Row', 'owner type ttl rdata')
# One of taken()'s.
Message = collections.namedtuple('Message', 'wire rows')
# One difference sequence (RFC 1995 s4): serials and sets of records, without the SOAs.
Step = collections.namedtuple('Step', 'serial_from serial_to removed added')


def signed(key, keys):
    return {'keyring': dynamic.keyring(keys), 'keyname': key} if key else {}


def stream(server, zone='example.', rdtype='AXFR', *, key=None, keys=None, **how):
    """Its messages, as they come; dnspython checks how they are framed and signed. how: serial."""
    return dns.query.xfr(server.address, zone, rdtype, port=server.port, relativize=False, timeout=harness.ASK_TIMEOUT_S,
                         **signed(key, keys), **how)


def taken(server, zone='example.', rdtype='AXFR', *, serial=0, key=None, keys=None):
    """The same as Messages, up to the one that makes it whole (RFC 5936 s2.2, RFC 1995 s4). For transfers of many records:
    signatures are not looked at, and names in rdata are put into lower case only where they may be compressed."""
    query = (ixfr_of(serial, zone) if rdtype == 'IXFR' else dns.message.make_query(zone, rdtype)).to_wire()
    if key:
        query = dynamic.Signer(key, keys[key]['secret']).sign(query)
    head, serials = [], []
    with server.connect() as s, s.makefile('rb') as read:
        s.sendall(struct.pack('!H', len(query)) + query)
        while True:
            message = _exactly(read, struct.unpack('!H', _exactly(read, 2))[0])
            assert message[:2] == query[:2] and message[2] & 0x80 and not message[3] & 15, message[:12].hex()
            of_message = [_row(*record) for record in wire.read_answer(message)]
            head = (head + of_message)[:2]
            serials += [serial_of(row) for row in of_message if row.type == 'SOA']
            yield Message(message, of_message)
            if len(head) == 1:
                is_over = rdtype == 'IXFR'
            else:       # a whole zone ends with its SOA; of differences, that also opens the last addition
                is_whole_zone = head[1].type != 'SOA' or serial_of(head[1]) == serials[0]
                is_over = of_message[-1].type == 'SOA' and serials.count(serials[0]) == (2 if is_whole_zone else 3)
            if is_over:
                return


def _exactly(read, count):
    data = read.read(count)
    if len(data) < count:
        raise EOFError('the connection ends before the transfer does')
    return data


@functools.lru_cache(maxsize=100_000)
def _name(owner):
    return dns.name.from_wire(owner, 0)[0].to_text().lower()


@functools.lru_cache(maxsize=None)
def _type(rdtype):
    return dns.rdatatype.to_text(rdtype)


def _row(owner, rdtype, ttl, rdata):
    return Row(_name(owner), _type(rdtype), ttl, rdata.hex())


def form(owner, ttl, rdata):
    """What dnspython has read."""
    return Row(owner.to_text().lower(), _type(rdata.rdtype), ttl, rdata.to_digestable().hex())


def serial_of(row):
    return int(row.rdata[-40:-32], 16)


def rows(messages):
    """All records in their order, as Rows; of dnspython's messages, or of taken()'s."""
    return [row for message in messages for row in (message.rows if isinstance(message, Message) else [
        form(rrset.name, rrset.ttl, rdata) for rrset in message.answer for rdata in rrset])]


def content(messages):
    """Of a whole zone: its serial, and its records but for the SOA that it begins and ends with."""
    records = rows(messages)
    first, last = records[0], records[-1]
    assert first == last and first.type == 'SOA'
    assert not any(row.type == 'SOA' for row in records[1:-1])
    assert len(records) - 2 == len(set(records[1:-1])), 'a record that came twice'
    return serial_of(first), set(records[1:-1])


def steps(messages):
    """Of differences: the list of Steps; and the serial that they lead to, by the SOA at both ends."""
    records = rows(messages)
    assert records[0] == records[-1] and len(records) >= 4
    result, at = [], 1

    def part():
        """The SOA at `at`, and what follows up to the next."""
        nonlocal at
        serial, found = serial_of(records[at]), set()
        at += 1
        while records[at].type != 'SOA':
            assert records[at] not in found
            found.add(records[at])
            at += 1
        return serial, found
    while at < len(records) - 1:
        (old, removed), (new, added) = part(), part()
        result.append(Step(old, new, removed, added))
    for before, after in zip(result, result[1:]):
        assert before.serial_to == after.serial_from
    assert result[-1].serial_to == serial_of(records[0])
    return result


def is_whole(messages):
    """Of an answer to IXFR of more than one record: not in differences."""
    return rows(messages)[1].type != 'SOA'


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
