# SPDX-License-Identifier: Apache-2.0
"""Messages that are to cost much, here or elsewhere, while legitimate clients go on being served (legit.py): what is to be
reflected, what nobody has asked for, what is not spoken here, and what is as large or as deep as can be.

ABUSE_ROUNDS says how often each is sent.
"""
import base64
import os
import socket
import struct

import dns.rcode

import dynamic
import harness
import legit
import test_extremes
import transfers
import wire

ROUNDS = int(os.environ.get('ABUSE_ROUNDS', '500'))
LEGIT = {'udp': 200, 'tcp': 40, 'updates': 25, 'sources': ('127.0.0.1', '127.0.0.2')}    # in less time than the abuse takes
SOURCE = '127.0.9.1'
SIG, TKEY, CLASS_ANY = 24, 249, 255
NSEC3, EDE, EDE_ITERATIONS = 50, 15, 27
KEYS = {**test_extremes.KEYS, **legit.KEYS}


def storm(server, messages, silent=()):
    """Sends each so often, with its number as its id, and waits for the answers of a round: all but those that are to be
    silent. Gives the answers, a list for each message."""
    answers = [[] for _ in messages]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((SOURCE, 0))
        s.connect((server.address, server.port))
        s.settimeout(harness.ASK_TIMEOUT_S)
        for _ in range(ROUNDS):
            for number, message in enumerate(messages):
                s.send(struct.pack('!H', number) + message[2:])
            for _ in range(len(messages) - len(silent)):
                answer = s.recv(65535)
                answers[struct.unpack_from('!H', answer)[0]].append(answer)
    assert [len(list_) for list_ in answers] == [0 if number in silent else ROUNDS for number in range(len(messages))]
    return answers



def query(name, rdtype, size=None, dnssec=False, rdclass=1, more=b''):
    """A question's bytes; size None: no OPT. more: one record of the additional section."""
    message = struct.pack('!HHHHHH', 0, 0, 1, 0, 0, (size is not None) + bool(more))
    message += dynamic.name_wire(name) + struct.pack('!HH', rdtype, rdclass) + more
    return message + (b'' if size is None else struct.pack('!BHHIH', 0, 41, size, 0x8000 if dnssec else 0, 0))


# --- reflection ---

BIG = (test_extremes.HEAD
       + ''.join(f'@ DNSKEY 256 3 8 {base64.b64encode(bytes([3, 1, 0, 1, i]) + bytes(250)).decode()}\n' for i in range(5))
       + ''.join(f'many TXT "this text is as long as texts often are, {i}"\n' for i in range(100))
       + ''.join(f'mx MX {i} x{i}\nx{i} A 198.51.100.{i}\nx{i} AAAA 2001:db8::{i}\n' for i in range(60)))
TXT, MX, DNSKEY, ANY = 16, 15, 48, 255


def test_little_is_reflected_and_nobody_else_waits(reeved):
    """RFC 1035 s4.2.1: 512 bytes without EDNS; with it what is offered, but no more than 1232, whatever that is."""
    server = reeved({'example.': BIG, **legit.ZONES}, keys=legit.KEYS, server={'minimal-responses': 'no'})
    sizes = {None: 512, 512: 512, 1232: 1232, 4096: 1232, 65535: 1232}
    asked = [(name, rdtype, size) for name, rdtype in (('many.example.', TXT), ('many.example.', ANY), ('mx.example.', MX),
                                                       ('mx.example.', ANY), ('example.', DNSKEY), ('example.', ANY))
             for size in sizes]
    messages = [query(*question, dnssec=question[2] is not None) for question in asked]
    with legit.Clients(server, **LEGIT):
        answers = storm(server, messages)
    for (name, rdtype, size), of in zip(asked, answers):
        assert all(len(answer) <= sizes[size] for answer in of), (name, rdtype, size)
        assert bool(of[0][2] & 2) == (name == 'many.example.' or rdtype == DNSKEY or (rdtype == MX and sizes[size] == 512)
                                      or (name == 'mx.example.' and sizes[size] == 512)), (name, rdtype, size)
    print(f'{sum(map(len, messages)) * ROUNDS} bytes in, {sum(len(a) for of in answers for a in of)} out')


# --- not for us ---

def test_what_nobody_has_asked_for_is_ignored_and_counted(reeved):
    server = reeved(legit.ZONES, keys=legit.KEYS)
    plain = query(f'a1.{legit.ZONE}', 1)
    messages = [plain, *(plain[:2] + bytes([0x80 | opcode << 3]) + plain[3:] for opcode in (0, 1, 2, 4, 5, 6, 15))]
    with legit.Clients(server, **LEGIT):
        storm(server, messages, silent=range(1, len(messages)))
    assert server.counter('dropped_response') == ROUNDS * (len(messages) - 1)


def test_what_is_not_spoken_here_is_said_so_at_once(reeved):
    """RFC 2931 s3: SIG(0) is as good as none; RFC 2930 s4: TKEY; opcodes 1 to 3, 6 (RFC 8490) and one of nobody."""
    server = reeved(legit.ZONES, keys=legit.KEYS, server={'limits': {'refusals-per-source': 0}})
    signer = dynamic.name_wire('k.example.')
    rdata = struct.pack('!HBBIIIH', 0, 13, 0, 0, 0x7fffffff, 0, 4711) + signer + bytes(64)
    sig0 = b'\0' + struct.pack('!HHIH', SIG, CLASS_ANY, 0, len(rdata)) + rdata
    tkey = dynamic.name_wire('gss-tsig.') + struct.pack('!IIHHH', 0, 0x7fffffff, 3, 0, 14) + bytes(16)
    tkey = signer + struct.pack('!HHIH', TKEY, CLASS_ANY, 0, len(tkey)) + tkey
    update = legit.update_message(0, legit.wire_of(b'n1', b'u'), 1)
    plain = query(f'a1.{legit.ZONE}', 1)
    rows = [('an update', update[:10] + b'\0\1' + update[12:] + sig0, 'REFUSED'),
            ('a question', query(f'a1.{legit.ZONE}', 1, more=sig0), 'NOERROR'),
            ('TKEY', query('k.example.', TKEY, rdclass=CLASS_ANY, more=tkey), 'NOTIMP'),
            *((f'opcode {opcode}', plain[:2] + bytes([opcode << 3]) + plain[3:], 'NOTIMP') for opcode in (1, 2, 3, 6, 15))]
    with legit.Clients(server, **LEGIT):
        answers = storm(server, [message for _, message, _ in rows])
    for (what, _, rcode), of in zip(rows, answers):
        assert {dns.rcode.to_text(answer[3] & 15) for answer in of} == {rcode}, what


# --- large and deep ---

def test_what_is_large_and_deep_keeps_nobody_waiting(reeved):
    """64 KiB answers over TCP and transfers of them, names of 124 labels, records without end at one name, NSEC3 with more
    iterations than allowed (RFC 9276 s3.2)."""
    strings = test_extremes.full_rrset()
    server = reeved({'example.': {'file': test_extremes.HEAD + ''.join(f'full TXT "{s}"\n' for s in strings),
                                  'updates': [test_extremes.GRANT], 'protect': 'none', 'transfer': [{'unsigned': 'yes'}]},
                     'signed3.example.': harness.TOP / 'zones' / 'signed3.example.zone', **legit.ZONES},
                    keys=KEYS, server={'limits': {'nsec3-iterations': 1}})
    messages = [query('d.' * 123 + 'example.', 1, 1232, True), query('none.signed3.example.', 1, 1232, True),
                query('full.example.', TXT, 1232)]
    with legit.Clients(server, **LEGIT):
        rcodes = test_extremes.add_many(server, 20000)
        for _ in range(max(1, ROUNDS // 100)):
            assert len(test_extremes.texts(server, 'full.example.', 'TXT')) == len(strings)
            assert len(transfers.content(transfers.stream(server))[1]) == len(strings) + 2 + 1000
        of_deep, of_nsec3, of_full = storm(server, messages)
    assert rcodes == [0] + 19 * [dns.rcode.REFUSED]
    assert {answer[3] & 15 for answer in of_deep} == {dns.rcode.NXDOMAIN}
    assert not any(record[1] == NSEC3 for answer in of_nsec3 for record in wire.read(answer).authority)
    assert {struct.unpack('!H', legit.option_of(answer, EDE)[1][:2])[0] for answer in of_nsec3} == {EDE_ITERATIONS}
    assert all(answer[2] & 2 for answer in of_full)
