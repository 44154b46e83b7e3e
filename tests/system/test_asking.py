# SPDX-License-Identifier: Apache-2.0
"""What the server itself asks others (NOTIFY, SOA probes) cannot be answered by who only guesses (RFC 5452 s9): each
question has a random port and a random id of its own, and what fits neither is ignored, counted, and waited on."""
import contextlib
import socket

import dns.message
import dns.rcode
import dns.rrset
import pytest

import dynamic
import legit
import listener

COUNT = 300
LEGIT = {'udp': 200, 'tcp': 20, 'updates': 10}
LEAST = 290             # different ones of 300: of 28,000 ports some 298 are, of 65,536 ids some 299


@pytest.fixture(name='other')
def fixture_other():
    with contextlib.closing(listener.Listener()) as it:
        yield it


def remotes(other):
    return {'other': {'address': f'127.0.0.1@{other.port}'}}


def assert_random(numbers, bits):
    """No two alike but by chance, no order, and each of the low bits as often set as not (within 7 sigma)."""
    assert len(set(numbers)) >= LEAST, sorted(numbers)
    steps = [b - a for a, b in zip(numbers, numbers[1:])]
    assert sum(abs(step) <= 8 for step in steps) < COUNT / 20, 'one after the other'
    assert 0.3 < sum(step > 0 for step in steps) / len(steps) < 0.7, 'in order'
    for bit in range(bits):
        assert 0.3 < sum(number >> bit & 1 for number in numbers) / len(numbers) < 0.7, f'bit {bit}'


def questions(other):
    """The first one of each zone. All are refused, so that the next ones come."""
    seen = {}
    while len(seen) < COUNT:
        told = other.heard()
        told.reply(dns.rcode.REFUSED)
        seen.setdefault(told.message.question[0].name, told)
    return list(seen.values())


@pytest.mark.released
def test_ids_and_ports_of_notify_cannot_be_guessed(reeved, other):
    zones = {f'z{i}.example.': {'file': dynamic.ZONE, 'secondaries': ['other']} for i in range(COUNT)}
    server = reeved(zones | legit.ZONES, remotes=remotes(other), keys=legit.KEYS)
    with legit.Clients(server, **LEGIT):
        heard = questions(other)
    assert {told.transport for told in heard} == {'udp'}
    assert_random([told.message.id for told in heard], 16)
    # as many as the kernel gives out, 32768 to 60999 unless it was told otherwise: the bits below that are even
    assert_random([told.peer[1] for told in heard], 11)
    assert server.is_running()


@pytest.mark.released
def test_ids_of_transfers_cannot_be_guessed(reeved, other):
    zones = {f'z{i}.example.': {'primaries': ['other']} for i in range(COUNT)}
    server = reeved(zones | legit.ZONES, remotes=remotes(other), keys=legit.KEYS)
    with legit.Clients(server, **LEGIT):
        heard = questions(other)
    assert {told.transport for told in heard} == {'tcp'}
    assert_random([told.message.id for told in heard], 16)
    assert server.is_running()


def strange(told):
    """What a forger who does not know all of it would send."""
    wrong_id = dns.message.make_response(told.message)
    wrong_id.id ^= 1
    wrong_name = dns.message.make_response(told.message)
    wrong_name.question = [dns.rrset.from_text('other.example.', 0, 'IN', 'SOA')]
    wrong_type = dns.message.make_response(told.message)
    wrong_type.question = [dns.rrset.from_text('example.', 0, 'IN', 'NS')]
    wrong_opcode = dns.message.make_response(told.message)
    wrong_opcode.flags ^= 0x0800
    question = dns.message.make_response(told.message)
    question.flags &= 0x7fff
    return [message.to_wire() for message in (wrong_id, wrong_name, wrong_type, wrong_opcode, question)] + [b'', b'\0' * 11]


def test_what_is_no_answer_is_counted_and_waited_on(reeved, other):
    zone = dynamic.all_by('k', secondaries=['other'])
    server = reeved({'example.': zone}, keys=dynamic.keys('k'), remotes=remotes(other))
    told = other.heard()
    forged = strange(told)
    for wire in forged:
        told.send(wire)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:     # right, but not from where it was asked
        elsewhere.sendto(dns.message.make_response(told.message).to_wire(), told.peer)
    server.until(lambda: server.counter('replies_ignored') == len(forged), 'all of them counted')
    assert server.ctl('peers', 'example.')['zones'][0]['secondaries'][0]['state'] != 'notified'
    told.reply()        # in time, unless this took more than a second; else to the next one
    server.until(lambda: answered(server, other), 'the right answer taken')
    assert 'msg="answer ignored, it is none to what was asked"' in server.log()


def answered(server, other):
    if other.count():
        other.heard().reply()
    return server.ctl('peers', 'example.')['zones'][0]['secondaries'][0]['state'] == 'notified'


def test_an_answer_to_a_probe_that_is_none_is_counted(reeved):
    primary = reeved({'example.': {'file': dynamic.ZONE, 'transfer': [{'unsigned': 'yes'}]}})
    server = reeved({'example.': {'primaries': ['other']}}, remotes=remotes(primary))
    server.until(lambda: server.answers('example.'), 'transferred')
    assert primary.stop() == 0
    with contextlib.closing(listener.Listener(port=primary.port)) as other:
        server.reevectl('refresh', 'example.')
        told = other.heard()
        assert told.transport == 'udp'
        forged = strange(told)
        for wire in forged:
            told.send(wire)
        server.until(lambda: server.counter('replies_ignored') == len(forged), 'all of them counted')


def test_a_response_to_nobody_is_dropped_and_counted(reeved):
    server = reeved({'example.': dynamic.ZONE})
    reply = dns.message.make_response(dns.message.make_query('www.example.', 'A'))
    for tcp in (False, True):
        before = server.counter('dropped_response')
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
            s.connect((server.address, server.port))
            wire = reply.to_wire()
            s.sendall((len(wire).to_bytes(2, 'big') if tcp else b'') + wire)
            server.until(lambda before=before: server.counter('dropped_response') == before + 1, 'counted')
            s.setblocking(False)
            with pytest.raises(BlockingIOError):
                s.recv(1)
