# SPDX-License-Identifier: Apache-2.0
"""A primary that does what a script says, right or wrong, down to single bytes.

A script is a function of an Answer: it is called, in a thread of its own, for each transfer that is asked for over TCP.
Questions for the SOA are answered rightly, with the serial that the zone's state says.
"""
import base64
import contextlib
import hmac
import socket
import struct
import threading
import time

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

import harness
import tap
import wire

QR, AA, TC, NOTIFY = 0x8000, 0x0400, 0x0200, 0x2000
TSIG = 250
KEY_ALGORITHM = b'\x0bhmac-sha256\0'
FUDGE_S = 300


def record(origin, owner, rdtype, rdata, *, ttl=300, rdclass=1):
    """A record's wire form, nothing compressed. owner, and names in a text, may be relative; rdata: text, or bytes."""
    base = dns.name.from_text(origin)
    rdtype = dns.rdatatype.from_text(rdtype)
    if isinstance(rdata, str):
        rdata = dns.rdata.from_text(dns.rdataclass.IN, rdtype, rdata, base, relativize=False).to_wire()
    return (dns.name.from_text(owner, base).to_wire() + struct.pack('!HHIH', rdtype, rdclass, ttl, len(rdata)) + rdata)


class Signer:
    """Signs the messages of one answer (RFC 8945 s5.3.1): each over the MAC before it, the first over the question's."""

    def __init__(self, name, key, mac):
        self.name, self.secret = dns.name.from_text(name).to_wire(), base64.b64decode(key['secret'])
        self.mac, self.is_first = mac, True
        self.unsigned = b''     # messages since the last that was signed

    def skip(self, message):
        self.unsigned += message
        return message

    def sign(self, message, spoil=False):
        times = struct.pack('!QH', int(time.time()), FUDGE_S)[2:]
        data = (struct.pack('!H', len(self.mac)) + self.mac if self.mac else b'') + self.unsigned + message
        if self.is_first:
            data += self.name + struct.pack('!HI', 255, 0) + KEY_ALGORITHM + times + bytes(4)
        else:
            data += times
        self.mac = hmac.digest(self.secret, data, 'sha256')
        self.is_first, self.unsigned = False, b''
        mac = bytes([self.mac[0] ^ 1]) + self.mac[1:] if spoil else self.mac
        rdata = KEY_ALGORITHM + times + struct.pack('!H', len(mac)) + mac + message[:2] + bytes(4)
        count = struct.pack('!H', struct.unpack_from('!H', message, 10)[0] + 1)
        return message[:10] + count + message[12:] + self.name + struct.pack('!HHIH', TSIG, 255, 0, len(rdata)) + rdata


def mac_of(query):
    """Of the TSIG record at its end; b'' when it has none."""
    counts = struct.unpack_from('!HHHH', query, 4)
    at = 12
    for _ in range(counts[0]):
        at = wire.read_name(query, at)[1] + 4
    for _ in range(sum(counts[1:])):
        at = wire.read_name(query, at)[1]
        rdtype, length = struct.unpack_from('!H6xH', query, at)
        at += 10
        if rdtype == TSIG:
            mac_at = wire.read_name(query, at)[1] + 8
            return query[mac_at + 2:mac_at + 2 + struct.unpack_from('!H', query, mac_at)[0]]
        at += length
    return b''


class Answer:
    """To one question. What is sent is right, but for what a script asks to be wrong."""

    def __init__(self, primary, query, send):
        self.query, self.send_raw = query, send
        wire_name, name_end = wire.read_name(query, 12)
        self.origin = tap.wire_text(wire_name)
        self.question = query[12:name_end + 4]
        self.qtype = tap.TYPES.get(struct.unpack_from('!H', query, name_end)[0])
        mac = mac_of(query)
        self.signer = Signer('k', primary.keys['k'], mac) if mac else None
        self.state = primary.zones[self.origin]
        self.is_over = primary.is_over

    def record(self, owner, rdtype, rdata, **how):
        return record(self.origin, owner, rdtype, rdata, **how)

    def soa(self, serial, owner='@'):
        return self.record(owner, 'SOA', f'ns hostmaster {serial} 2 1 1209600 300')

    def zone(self, serial, count=10):
        """All records, the SOA first but not last; which serial it is stands in each of them."""
        return [self.soa(serial), self.record('@', 'NS', 'ns'), self.record('ns', 'A', '192.0.2.1'),
                self.record('www', 'A', f'192.0.2.{serial}'),
                *(self.record(f'n{i}', 'TXT', f'"serial {serial}"') for i in range(count))]

    def message(self, records, *, flags=QR | AA, ident=None, question=None, count=None):
        question = self.question if question is None else question
        ident = self.query[:2] if ident is None else ident
        return (ident + struct.pack('!HHHHH', flags, 1 if question else 0, len(records) if count is None else count, 0, 0)
                + question + b''.join(records))

    def send(self, records, *, sign=True, spoil=False, tail=b'', **wrong):
        message = self.message(records, **wrong)
        if self.signer:
            message = self.signer.sign(message, spoil) if sign else self.signer.skip(message)
        self.send_raw(struct.pack('!H', len(message) + len(tail)) + message + tail)


def right(answer):
    records = answer.zone(answer.state.serial)
    answer.send([*records, records[0]])


class Closes(OSError):
    """A script that raises it closes the connection."""


class State:
    """What the primary has and does of a zone. asked: types of all questions."""

    def __init__(self, serial=10, script=right):
        self.serial, self.script, self.asked = serial, script, []

    def transfers(self):
        return sum(qtype in ('AXFR', 'IXFR') for qtype in self.asked)


class Primary:
    """At a port of its own, with zones: {origin: State}."""

    def __init__(self, keys, *origins):
        self.keys, self.zones = keys, {origin: State() for origin in origins}
        self.address, self.port = '127.0.0.1', harness.free_port()
        self.is_over = threading.Event()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((self.address, self.port))
        self._tcp = socket.create_server((self.address, self.port), backlog=100)
        for run in (self._run_udp, self._run_tcp):
            threading.Thread(target=self._guard, args=(run,), daemon=True).start()

    def close(self):
        self.is_over.set()
        for s in (self._udp, self._tcp):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()

    def _guard(self, run, *arguments):
        try:
            run(*arguments)
        except OSError:
            pass

    def _answer(self, transport, query, send):
        answer = Answer(self, query, send)
        answer.state.asked.append(answer.qtype)
        if answer.qtype == 'SOA' or transport == 'udp':     # RFC 1995 s2: the SOA alone, ask over TCP
            answer.send([answer.soa(answer.state.serial)])
        else:
            answer.state.script(answer)

    def _run_udp(self):
        while not self.is_over.is_set():
            query, client = self._udp.recvfrom(65535)
            if query and not query[2] & 0x80:       # not an answer to our NOTIFY
                self._answer('udp', query, lambda data, client=client: self._udp.sendto(data[2:], client))

    def _run_tcp(self):
        while not self.is_over.is_set():
            connection = self._tcp.accept()[0]
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._guard, args=(self._run_connection, connection), daemon=True).start()

    def _run_connection(self, connection):
        with connection, connection.makefile('rb') as stream:
            connection.settimeout(harness.DEADLINE_S)
            while len(head := stream.read(2)) == 2:
                self._answer('tcp', stream.read(struct.unpack('!H', head)[0]), connection.sendall)

    def notify(self, port, origin):
        """Tells the secondary at that port, from our port, which serial there is, signed."""
        serial = record(origin, '@', 'SOA', f'ns hostmaster {self.zones[origin].serial} 2 1 1209600 300')
        question = dns.name.from_text(origin).to_wire() + struct.pack('!HH', 6, 1)
        message = b'\x12\x34' + struct.pack('!HHHHH', NOTIFY | AA, 1, 1, 0, 0) + question + serial
        self._udp.sendto(Signer('k', self.keys['k'], b'').sign(message), (self.address, port))
