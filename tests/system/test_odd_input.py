# SPDX-License-Identifier: Apache-2.0
"""Random and mutated datagrams and TCP streams against the whole server: it goes on answering, and keeps nothing.

ODD_DATAGRAMS and ODD_STREAMS say how many; the defaults take seconds. ODD_SEED makes a run repeat another one. A report
of a sanitizer fails the test when the server is ended (harness.Reeved.finish).
"""
import os
import random
import socket
import struct

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.update
import pytest

import harness
from test_tcp import ZONE, descriptors, framed, is_served, memory_kb, question

pytestmark = pytest.mark.both

DATAGRAMS = int(os.environ.get('ODD_DATAGRAMS', '50000'))
STREAMS = int(os.environ.get('ODD_STREAMS', '500'))
SEED = int(os.environ.get('ODD_SEED', '0')) or random.SystemRandom().getrandbits(32)
SMALL = 1232


def seeds():
    """Well-formed messages of many kinds, to be spoilt."""
    messages = [harness.query_of(name, rdtype, dnssec=dnssec, edns=edns)
                for name in ('www.example.', 'big.example.', 'nothing.example.', 'example.', '.', 'a.' * 100 + 'example.')
                for rdtype in ('A', 'TXT', 'ANY', 'SOA', 'AXFR', 'DS')
                for dnssec, edns in ((False, False), (True, True))]
    for rdclass in ('CH', 'ANY', 'NONE'):
        messages.append(harness.query_of('version.bind.', 'TXT', rdclass=rdclass))
    options = harness.query_of('www.example.')
    options.use_edns(0, options=[dns.edns.GenericOption(code, b'x' * (code % 40)) for code in (3, 8, 10, 12, 15, 65001)])
    update = dns.update.Update('example.')
    update.add('new', 300, 'A', '192.0.2.9')
    update.present('www')
    notify = harness.query_of('example.', 'SOA')
    notify.set_opcode(dns.opcode.NOTIFY)
    reply = dns.message.make_response(harness.query_of('www.example.'))
    return [m.to_wire() for m in (*messages, options, update, notify, reply)]


def spoilt(draw, wires):
    """One of the messages with bits turned, parts cut, doubled, exchanged or put in; or bytes at random."""
    if draw.random() < 0.05:
        return draw.randbytes(draw.randrange(0, 300))
    wire = bytearray(draw.choice(wires))
    for _ in range(draw.choice((0, 1, 1, 2, 4, 16))):
        at = draw.randrange(len(wire) + 1)
        what = draw.randrange(6)
        if what == 0 and at < len(wire):
            wire[at] ^= 1 << draw.randrange(8)
        elif what == 1 and at < len(wire):
            wire[at] = draw.choice((0, 1, 0x3f, 0x40, 0x80, 0xc0, 0xff))
        elif what == 2:
            del wire[at:at + draw.randrange(1, 20)]
        elif what == 3:
            wire[at:at] = draw.randbytes(draw.randrange(1, 20))
        elif what == 4:
            wire[at:at] = b'\xc0' + bytes([draw.randrange(256)])
        else:
            other = draw.choice(wires)
            wire[at:] = other[draw.randrange(len(other)):]
    return bytes(wire)


def is_sanitized():
    return b'__asan_init' in harness.Reeved.program().read_bytes()


def assert_memory_is_flat(server, before_kb):
    # A sanitizer keeps freed memory aside on purpose, so there the leak check at the end has to do.
    if not is_sanitized():
        assert memory_kb(server) - before_kb < 4096


def test_odd_datagrams(reeved):
    server = reeved({'example.': ZONE}, log={'level': 'warning'})
    draw, wires = random.Random(SEED), seeds()
    print('seed', SEED)
    asked = question(number=0xbeef).to_wire()
    before_kb = None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(harness.ASK_TIMEOUT_S)
        s.connect((server.address, server.port))
        for sent in range(DATAGRAMS):
            s.send(spoilt(draw, wires))
            if sent % 32:
                continue
            # A good one after each batch; it also keeps us from sending faster than is answered.
            s.send(asked)
            while (answer := s.recv(65535))[:2] != asked[:2]:
                assert len(answer) <= SMALL
                assert answer[2] & 0x80, 'not a response'
            if sent == DATAGRAMS // 32 // 10 * 32:
                before_kb = memory_kb(server)
    assert_memory_is_flat(server, before_kb)
    assert server.ask('www.example.').answer


def odd_stream(draw, wires):
    """The bytes of a connection: messages whole or spoilt, framed right or wrong."""
    parts = []
    for _ in range(draw.randrange(1, 30)):
        wire = draw.choice(wires) if draw.random() < 0.5 else spoilt(draw, wires)
        what = draw.random()
        if what < 0.85:
            parts.append(framed(wire))
        elif what < 0.9:
            parts.append(struct.pack('!H', draw.randrange(65536)) + wire)
        elif what < 0.95:
            parts.append(wire)
        else:
            parts.append(framed(wire + bytes(draw.randrange(20000))))
    return b''.join(parts)


def play(server, draw, wires):
    """Sends one odd stream in odd pieces, reads some of what comes, and ends in one of the ways there are."""
    with server.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = odd_stream(draw, wires)
        try:
            while data:
                count = draw.choice((1, 2, 3, 50, 511, 512, 513, 5000, 100000))
                connection.sendall(data[:count])
                data = data[count:]
                if draw.random() < 0.1:
                    connection.recv(draw.choice((1, 100, 65536)), socket.MSG_DONTWAIT)
        except OSError:
            return      # closed on us, as a message too short deserves, or nothing to read yet
        end = draw.randrange(3)
        if end == 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        elif end == 1:
            try:
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError:
                pass


def test_odd_streams(reeved):
    server = reeved({'example.': ZONE}, log={'level': 'warning'}, server={'limits': {'tcp-message': '100ms'}})
    draw, wires = random.Random(SEED), seeds()
    print('seed', SEED)
    before_kb = held = None
    for number in range(STREAMS):
        play(server, draw, wires)
        if number % 50 == 0:
            with server.connect() as connection:
                assert is_served(connection)
        if number == STREAMS // 5:
            before_kb = memory_kb(server)
            server.until(lambda: count_of_connections(server) == 0, 'all closed')
            held = descriptors(server)
    # one whose connection was gone may not have been closed yet when it was counted
    server.until(lambda: descriptors(server) <= held, 'no descriptor is left')
    assert_memory_is_flat(server, before_kb)


def count_of_connections(server):
    """Sockets of the server beyond those it listens on."""
    with open(f'/proc/{server.process.pid}/net/tcp', encoding='ascii') as table:
        port = f':{server.port:04X}'
        return sum(line.split()[1].endswith(port) and line.split()[3] == '01' for line in table)
