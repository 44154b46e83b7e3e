# SPDX-License-Identifier: Apache-2.0
"""Many questions over one UDP socket, and answers in a form that can be compared; for tests that ask too much for a parser
of messages that is general."""
import collections
import select
import socket
import struct
import time

import harness

WINDOW = 64             # questions under way; few enough for every server's receive buffer
RETRY_S = 2.0
# Type: bytes before the first name of its rdata; of those of RFC 1035, and of DNAME, which some compress as well.
COMPRESSED = {2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0, 8: 0, 9: 0, 12: 0, 14: 0, 15: 2, 39: 0}
NAMES = {6: 2, 14: 2}       # names in a row there, if not one

# The sections are sets of (owner, type, TTL, rdata).
Answer = collections.namedtuple('Answer', 'rcode aa tc answer authority additional')


def question(name, rdtype, ident=0, dnssec=None, payload=1232):
    """A query's bytes. name: labels as bytes; dnssec None: no OPT."""
    wire = struct.pack('!HHHHHH', ident, 0, 1, 0, 0, dnssec is not None)
    wire += b''.join(bytes([len(label)]) + label for label in name) + struct.pack('!BHH', 0, rdtype, 1)
    if dnssec is not None:
        wire += struct.pack('!BHHIH', 0, 41, payload, 0x8000 if dnssec else 0, 0)
    return wire


def read_name(wire, at):
    """The name at `at` in lower case, uncompressed wire form, and where it ends."""
    name, end = read_spelled(wire, at)
    return name.lower(), end


def read_spelled(wire, at):
    """The same in its own case."""
    parts, end = [], None
    while True:
        length = wire[at]
        if length >= 0xc0:
            end = end or at + 2
            at = (length & 0x3f) << 8 | wire[at + 1]
        else:
            parts.append(wire[at:at + length + 1])
            at += length + 1
            if length == 0:
                return b''.join(parts), end or at


def read_rdata(wire, rdtype, at, length):
    if rdtype not in COMPRESSED:
        return wire[at:at + length]
    end, head = at + length, COMPRESSED[rdtype]
    rdata, at = wire[at:at + head], at + head
    for _ in range(NAMES.get(rdtype, 1)):
        name, at = read_spelled(wire, at)
        rdata += name
    return rdata + wire[at:end]


def read_section(wire, at, count):
    """Its records in their order, as (owner, type, TTL, rdata), without OPT; and where it ends."""
    records = []
    for _ in range(count):
        owner, at = read_name(wire, at)
        rdtype, _, ttl, length = struct.unpack_from('!HHIH', wire, at)
        at += 10
        if rdtype != 41:
            records.append((owner, rdtype, ttl, read_rdata(wire, rdtype, at, length)))
        at += length
    return records, at


def read_head(wire):
    """Flags, counts of records, and where the question ends."""
    _, flags, qdcount, *counts = struct.unpack_from('!HHHHHH', wire)
    at = 12
    for _ in range(qdcount):
        at = read_name(wire, at)[1] + 4
    return flags, counts, at


def read(wire):
    """An Answer, without OPT."""
    flags, counts, at = read_head(wire)
    sections = []
    for count in counts:
        records, at = read_section(wire, at, count)
        sections.append(frozenset(records))
    return Answer(flags & 0x0f, bool(flags & 0x0400), bool(flags & 0x0200), *sections)


def read_answer(wire):
    """The answer section alone, in its order."""
    _, counts, at = read_head(wire)
    return read_section(wire, at, counts[0])[0]


def in_order(wires, answers):
    """The answers by id, in the order of what was asked; each has its question."""
    for asked in wires:
        answer, end = answers[asked[:2]], read_head(asked)[2]
        assert answer[4:6] == b'\0\1' and answer[12:end].lower() == asked[12:end].lower(), (asked, answer)
    return [answers[asked[:2]] for asked in wires]


def ask_tcp(server, wires):
    """Answers to all of them over one connection, in the order of the questions."""
    answers = {}
    with server.connect() as s, s.makefile('rb') as stream:
        for start in range(0, len(wires), WINDOW):
            batch = wires[start:start + WINDOW]
            s.sendall(b''.join(struct.pack('!H', len(w)) + w for w in batch))
            for _ in batch:
                answer = stream.read(struct.unpack('!H', stream.read(2))[0])
                answers[answer[:2]] = answer
    return in_order(wires, answers)


def ask_udp(server, wires):
    """Answers to all of them, asked again when none came for a while. Their ids all differ."""
    answers, sent, waiting = {}, {}, list(reversed(wires))
    end = time.monotonic() + harness.DEADLINE_S * 5
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((server.address, server.port))
        s.setblocking(False)
        while waiting or sent:
            assert time.monotonic() < end, f'{len(sent)} questions without an answer'
            while waiting and len(sent) < WINDOW:
                wire = waiting.pop()
                sent[wire[:2]] = wire
                s.send(wire)
            if not select.select([s], [], [], RETRY_S)[0]:
                waiting += sent.values()
                sent.clear()
                continue
            try:
                while True:
                    answer = s.recv(65535)
                    if sent.pop(answer[:2], None):
                        answers[answer[:2]] = answer
            except BlockingIOError:
                pass
    return in_order(wires, answers)


def ask_all(server, questions, dnssec):
    """What read() makes of the answers to (name, type) pairs: over UDP, and over TCP where that was truncated."""
    result = []
    for start in range(0, len(questions), 65536):
        wires = [question(*q, ident=i, dnssec=dnssec) for i, q in enumerate(questions[start:start + 65536])]
        answers = ask_udp(server, wires)
        cut = [i for i, answer in enumerate(answers) if answer[2] & 0x02]
        for i, answer in zip(cut, ask_tcp(server, [wires[i] for i in cut])):
            answers[i] = answer
        result += [read(answer) for answer in answers]
    return result
