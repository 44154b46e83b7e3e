# SPDX-License-Identifier: Apache-2.0
"""Very many small secondary zones of one primary: started, told of changes all at once, and restarted, over few connections
and with queries answered meanwhile."""
import collections
import os
import random
import select
import socket
import struct
import threading
import time

import pytest

import following
import harness
import wire
from test_tcp import counters, memory_kb

pytestmark = pytest.mark.released

ZONES = 10000 if os.environ.get('REEVE_LONG') else 2500
CONNECTIONS_MAX = 16            # from the secondary to its primary at once
ANSWERED_PART = 0.999           # of the queries while zones are transferred
DEADLINE_S = 180
ZONE = '$TTL 300\n@ SOA ns hostmaster {serial} 3600 900 1209600 300\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.{serial}\n'


class Questioner(threading.Thread):
    """Asks a server for one zone's record, some hundred times a second, until it is told to stop. took: seconds of each
    question that was answered."""

    def __init__(self, server, name):
        super().__init__(daemon=True)
        self.server, self.wire = server, wire.question(tuple(name.encode().split(b'.')), 1)
        self.asked, self.took = 0, []
        self.over = threading.Event()
        self.start()

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((self.server.address, self.server.port))
            while not self.over.wait(0.003):
                self.asked += 1
                began = time.monotonic()
                s.send(struct.pack('!H', self.asked & 0xffff) + self.wire[2:])
                while select.select([s], [], [], 1)[0]:
                    answer = s.recv(4096)
                    if answer[:2] == struct.pack('!H', self.asked & 0xffff) and not answer[3] & 15:
                        self.took.append(time.monotonic() - began)
                        break

    def stop(self):
        self.over.set()
        self.join()
        assert len(self.took) >= self.asked * ANSWERED_PART - 1, f'{len(self.took)} of {self.asked} answered'
        return sorted(self.took)


def names():
    return [f'z{i}.example.' for i in range(ZONES)]


def serials(server, origins):
    """{serial: how many zones are at it; None: not served}"""
    questions = [(tuple(origin.encode().strip(b'.').split(b'.')), 6) for origin in origins]
    counted = collections.Counter()
    for answer in wire.ask_all(server, questions, None):
        counted[next((struct.unpack_from('!I', rdata, len(rdata) - 20)[0] for _, rdtype, _, rdata in answer.answer
                      if rdtype == 6), None)] += 1
    return counted


def until_all_have(server, serial, deadline_s):
    """Asks for some now and then, and for all when those are there."""
    sample = random.Random(1).sample(names(), 50)
    server.until(lambda: set(serials(server, sample)) == {serial}, f'serial {serial} in a sample', deadline_s)
    server.until(lambda: set(serials(server, names())) == {serial}, f'serial {serial} of all', deadline_s)


class Connections(threading.Thread):
    """Counts TCP connections to a port that are established at the same time. The kernel does not list them in one moment
    (one that ends and one that begins meanwhile are both in the list), but those in two lists were all there in between."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.most, self.over = f':{port:04X}', 0, threading.Event()
        self.start()

    def listed(self):
        """The inodes of their sockets"""
        with open('/proc/net/tcp', encoding='ascii') as table:
            return {fields[9] for fields in map(str.split, table) if fields[2].endswith(self.port) and fields[3] == '01'}

    def run(self):
        while not self.over.wait(0.05):
            self.most = max(self.most, len(self.listed() & self.listed()))

    def stop(self):
        self.over.set()
        self.join()
        return self.most


@pytest.fixture(name='pair')
def fixture_pair(reeved_ready):
    """Not started. All zones of the primary have one file, and no history, which would cost a commit each."""
    ports = harness.free_port(), harness.free_port()
    primary = reeved_ready({}, keys=following.KEYS, port=ports[0], remotes={'s': following.remote(ports[1])})
    file = primary.write('shared.zone', ZONE.format(serial=1))
    primary.zones = {name: {'file': file, 'secondaries': ['s'], 'history': 'no'} for name in names()}
    limits = {'transfers-in': CONNECTIONS_MAX, 'transfers-in-per-primary': CONNECTIONS_MAX}
    secondary = reeved_ready({}, keys=following.KEYS, port=ports[1], remotes={'p': following.remote(ports[0])},
                             server={'limits': limits})
    secondary.zones = {'own.example.': following.HEAD % 1 + following.ZONE,
                       **{name: {'primaries': ['p']} for name in names()}}
    for server in (primary, secondary):
        server.configure()
    return primary, secondary, file


@pytest.mark.long
def test_very_many_zones(pair, capsys):
    primary, secondary, file = pair
    said = []

    def start():
        """READY comes later, when the change log has all zones, too."""
        secondary.run(wait=False)
        secondary.until(lambda: secondary.answers('own.example.'), 'own zone served', DEADLINE_S)

    def change():
        file.write_text(ZONE.format(serial=2), encoding='utf-8')
        primary.reload()

    def watch(what, serial, begin=lambda: None):
        began = time.monotonic()
        counter, questioner = Connections(primary.port), Questioner(secondary, 'www.own.example')
        begin()
        until_all_have(secondary, serial, DEADLINE_S)
        took, most = questioner.stop(), counter.stop()
        said.append(f'{what}: {time.monotonic() - began:.1f} s, {most} connections at most, {len(took)} queries: '
                    f'p99 {took[int(len(took) * 0.99)] * 1000:.1f} ms, max {took[-1] * 1000:.1f} ms')
        assert most <= CONNECTIONS_MAX

    primary.run(wait=False)
    primary.notice('READY', '1', DEADLINE_S)
    start()
    watch('start', 1)
    watch('all changed', 2, change)
    secondary.stop()
    start()
    watch('restart', 2)
    opened = counters(primary)['tcp_accepted']
    said.append(f'{opened} connections in all, {memory_kb(secondary) / ZONES:.1f} kB of memory for each zone')
    assert 0 < opened < ZONES / 10      # for two transfers of each zone: they are used again
    with capsys.disabled():
        print('\n' + '\n'.join(said))
