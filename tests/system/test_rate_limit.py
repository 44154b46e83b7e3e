# SPDX-License-Identifier: Apache-2.0
"""Floods from one network: what it gets is bounded, and everybody else notices nothing of it.

The networks are prefixes of 127.0.0.0/8, which are as good as others: this machine is not exempt by itself.
FLOOD_MESSAGES says how many messages each flood has.
"""
import os
import re
import socket
import struct
import time

import dns.rcode

import dynamic
import harness
import pytest

import legit
import wire
from test_tcp import counters

pytestmark = pytest.mark.released

MESSAGES = int(os.environ.get('FLOOD_MESSAGES', 2000))
PART = 100              # sent between two looks at whether they have been read: fewer than a receive buffer holds
RATE = 50
A, SOA = 1, 6
LOOKED_FOR = (b'a1', *legit.LABELS)


class Flood:
    """Sends messages from one address. full, cut, rcodes: what came back."""

    def __init__(self, server, source):
        self.server, self.full, self.cut, self.rcodes = server, 0, 0, {}
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for s, address in zip(self.sockets, (source, '127.9.9.9')):
            s.bind((address, 0))
            s.connect((server.address, server.port))
        self.sockets[0].setblocking(False)
        self.sockets[1].settimeout(harness.ASK_TIMEOUT_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in self.sockets:
            s.close()

    def send(self, message, count):
        for number in range(count):
            self.sockets[0].send(message)
            if (number + 1) % PART == 0 or number + 1 == count:
                self.settle()

    def settle(self):
        """All that was sent has been read, and what was to be answered is: a question behind it is."""
        self.sockets[1].send(wire.question((b'nobody', b'test'), A, ident=4711))
        self.sockets[1].recv(512)
        try:
            while True:
                answer = self.sockets[0].recv(65535)
                if answer[2] & 2:
                    self.cut += 1
                else:
                    self.full += 1
                    rcode = answer[3] & 15
                    self.rcodes[rcode] = self.rcodes.get(rcode, 0) + 1
        except BlockingIOError:
            pass


def limited(reeved, **more):
    settings = {'responses': RATE, 'slip': 2, 'exempt': ['127.9.9.0/24', '127.0.8.0/24'], **more}
    return reeved({**legit.ZONES}, server={'rate-limit': settings}, keys=legit.KEYS)


def test_a_flood_in_the_name_of_one_network_is_limited_and_the_others_notice_nothing(reeved):
    server = limited(reeved)
    with legit.Clients(server, udp=60, tcp=5, updates=5, sources=['127.0.2.1']), \
         legit.Clients(server, udp=60, tcp=5, sources=['127.0.1.2'], cookies=True, tries=2, then_tcp=True) as known, \
         legit.Clients(server, udp=20, tcp=5, sources=['127.0.1.3'], tries=2, then_tcp=True), \
         Flood(server, '127.0.1.1') as flood:
        begun = time.monotonic()
        flood.send(wire.question(LOOKED_FOR, A), MESSAGES)
        flood.send(wire.question((b'none', *legit.LABELS), A), MESSAGES)
        seconds = time.monotonic() - begun
    sent = 2 * MESSAGES
    # a second's worth of either kind, of which neighbours have some, what comes in until the debt is there, and half of
    # all others cut
    assert RATE <= flood.full <= sent // 8 + RATE * seconds, (flood.full, flood.cut, seconds)
    assert (sent - flood.full) // 3 < flood.cut <= sent // 2, (flood.full, flood.cut, seconds)
    assert known.result['udp']['asked'] > 0
    found = counters(server)
    assert found['rrl_limited'] >= sent - flood.full and found['rrl_slipped'] >= flood.cut
    assert found['rrl_nxdomain'] >= MESSAGES // 2
    lines = re.findall(r'msg="rate limited".*', server.log())
    assert any('network=127.0.1.0/24' in line and 'class=answers' in line for line in lines), lines
    assert any('class=nxdomain' in line and 'zone=legit.example.' in line for line in lines), lines
    assert len(lines) < 20, 'when it begins, and not for each'
    assert not [line for line in lines if '127.0.1.0/24' not in line], 'nobody else'


def test_real_clients_of_a_limited_network_find_their_way(reeved):
    server = limited(reeved, slip=1)
    with Flood(server, '127.0.1.1') as flood:
        flood.send(wire.question(LOOKED_FOR, A), 1000)
        assert flood.cut
        for program in (('dig', '+tries=1'), ('kdig', '+retry=0')):
            for words in (('+nocookie',), ('+cookie',)):
                flood.send(wire.question(LOOKED_FOR, A), 2 * RATE)       # so that it is limited still
                result = dynamic.run_client(program[0], '-b', '127.0.1.9', f'@{server.address}', '-p', server.port,
                                            program[1], *words, 'a1.legit.example', 'A')
                assert '198.51.100.1' in result.stdout, result.stdout + result.stderr
    assert counters(server)['tcp_queries'] >= 4


def test_networks_that_the_list_has_are_not_limited(reeved):
    server = limited(reeved)
    with Flood(server, '127.0.8.1') as flood:
        flood.send(wire.question(LOOKED_FOR, A), MESSAGES)
    assert (flood.full, flood.cut) == (MESSAGES, 0)


def test_floods_of_updates_notifies_and_wrong_signatures_are_turned_away(reeved):
    server = reeved({**legit.ZONES}, keys=legit.KEYS, server={'limits': {'refusals-per-source': 10}})
    wrong = dynamic.Signer('legit', dynamic.keys('other')['other']['secret'])
    unknown = dynamic.Signer('nobody', legit.KEYS['legit']['secret'])
    owner = legit.wire_of(b'n1', b'u')
    update = legit.update_message(1, owner, 1)
    notify = struct.pack('!HHHHHH', 2, 0x2400, 1, 0, 0, 0) + legit.wire_of() + struct.pack('!HH', SOA, 1)
    query = wire.question(LOOKED_FOR, A)
    messages = {'127.0.1.1': update, '127.0.3.1': notify, '127.0.4.1': wrong.sign(update), '127.0.5.1': wrong.sign(query),
                '127.0.6.1': unknown.sign(query)}
    with legit.Clients(server, udp=60, tcp=5, updates=20, sources=['127.0.2.1']):
        for source, message in messages.items():
            with Flood(server, source) as flood:
                flood.send(message, MESSAGES)
            assert 10 <= flood.full <= MESSAGES // 4, (source, flood.full, flood.cut)
            assert set(flood.rcodes) <= {dns.rcode.REFUSED, dns.rcode.NOTAUTH}, (source, flood.rcodes)
            assert MESSAGES // 3 < flood.cut <= MESSAGES // 2, (source, flood.full, flood.cut)
        with Flood(server, '127.0.4.1') as flood:       # it has its answers, all the same
            flood.send(query, 100)
        assert flood.full == 100
    found = counters(server)
    assert found['turned_away'] >= len(messages) * MESSAGES // 2
    assert found['tsig_badsig'] + found['tsig_badkey'] <= 3 * MESSAGES // 4
    lines = re.findall(r'msg="turned away, refused too often".*', server.log())
    assert {re.search('network=([0-9./]+)', line).group(1) for line in lines} == {
        source[:-1] + '0/24' for source in messages}
    assert len(lines) < 5 * len(messages)
    assert len(server.ctl('refused', '--last', '1000')['refused']) < 256, 'no source has filled the ring'
