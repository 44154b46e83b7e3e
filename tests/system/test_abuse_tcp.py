# SPDX-License-Identifier: Apache-2.0
"""Abuse of TCP, one kind at a time and all at once, while legitimate clients go on being served (legit.py).

ABUSE_LONG=1 is the full measure: 5,000 idle connections, 20 transfers that nobody reads, a storm of resets, for a minute.
"""
import contextlib
import itertools
import os
import resource
import socket
import struct
import threading

import dns.edns
import dns.message
import pytest

import dynamic
import harness
import legit
import test_tcp
import transfers
from test_tcp import framed, question

pytestmark = pytest.mark.both

IS_LONG = bool(os.environ.get('ABUSE_LONG'))
IDLE = 5000 if IS_LONG else 500
PER_SOURCE = 250        # limits.tcp-connections-per-address, as it is unless configured
STUCK = 20
STORM_S = 60 if IS_LONG else 0.5 if harness.Reeved.is_brief() else 1
WAVES, WAVE_S = (3, 30) if IS_LONG else (2, STORM_S)
KEEPALIVE = 11
RESET = struct.pack('ii', 1, 0)
BULK = 'bulk.example.'
# A zone too large for the buffers of a connection; and answers of 60 KB.
ZONES = {'example.': test_tcp.ZONE, **legit.ZONES, BULK: {
    'file': dynamic.ZONE + ''.join(f'bulk{i:06} TXT "{i:0200}"\n' for i in range(8000)), 'transfer': [{'unsigned': 'yes'}]}}
LEGIT = {'udp': 200, 'tcp': 20, 'updates': 5, 'sources': ('127.0.0.1', '127.0.0.2')}


def serving(reeved, **limits):
    limits = {key.replace('_', '-'): value for key, value in limits.items()}
    # what a sanitizer keeps of freed memory would look like growth
    options = [os.environ.get('ASAN_OPTIONS'), 'quarantine_size_mb=1', 'thread_local_quarantine_size_kb=64']
    return reeved(ZONES, keys=legit.KEYS, server={'limits': limits}, env={'ASAN_OPTIONS': ':'.join(filter(None, options))})


def connect(server, number=0):
    """From an address that only the abuse has, another one for every 250th connection."""
    return socket.create_connection((server.address, server.port), harness.ASK_TIMEOUT_S,
                                    (f'127.1.{number // PER_SOURCE // 250}.{number // PER_SOURCE % 250 + 1}', 0))


@contextlib.contextmanager
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def idle(server, count):
    """Connections that say nothing, half of them after a first question."""
    with many_descriptors(), contextlib.ExitStack() as stack:
        for number in range(count):
            connection = stack.enter_context(connect(server, number))
            if number % 2:
                connection.sendall(framed(question(number=number & 0xffff)))
        yield


class Storm(threading.Thread):
    """Runs act(number) again and again until stop(), which gives how often that was."""

    def __init__(self, act):
        super().__init__()
        self.act, self.over, self.count, self.failure = act, threading.Event(), 0, None

    def run(self):
        try:
            for number in itertools.count():
                if self.over.is_set():
                    return
                self.act(number)
                self.count += 1
        except OSError as error:
            self.failure = repr(error)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        assert not self.failure, self.failure


def reset(server, number):
    """A connection that ends with a reset: at once, after half a question, or amid answers."""
    connection = connect(server, number % 1000)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    with connection:
        if number % 3 == 1:
            connection.sendall(framed(question(number=1))[:20])
        elif number % 3 == 2:
            connection.sendall(framed(question('big.example.', 'TXT')) * 8)


def touch(server, number):
    """A connection that says nothing and ends."""
    connect(server, number % 1000).close()


def pause(server, seconds):
    """The abuse goes on for so long; fails at once when the server ends."""
    is_over = threading.Event()
    timer = threading.Timer(seconds, is_over.set)
    timer.start()
    server.until(is_over.is_set, 'time goes by', seconds + harness.DEADLINE_S)


# --- one kind at a time ---

def test_new_clients_are_served_while_all_connections_are_taken(reeved):
    server = serving(reeved, tcp_connections=200, tcp_idle='1h', tcp_first_byte='1h')
    with idle(server, 300), legit.Clients(server, **LEGIT):
        pause(server, 1)
        server.reevectl('status')
    assert server.counter('tcp_limit_total') >= 100
    assert 'rule=tcp-connections limit=200' in server.log()


def test_messages_of_single_bytes_are_given_up_in_time(reeved):
    server = serving(reeved, tcp_message='1s')
    with contextlib.ExitStack() as stack, legit.Clients(server, **LEGIT):
        slow = [stack.enter_context(connect(server, number)) for number in range(100)]
        for number, connection in enumerate(slow):
            connection.sendall(struct.pack('!H', 60000) if number % 2 else b'\0')     # half of them not even a length

        def are_closed():
            for connection in slow:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    connection.send(b'x')
            return server.counter('tcp_slow_closed') >= len(slow)
        server.until(are_closed, 'all of them closed')


def is_had_whole(server):
    """A reader that this machine keeps from reading is closed like the others, and tries again."""
    try:
        return len(list(transfers.taken(server, BULK))) > 10
    except EOFError:
        return False


def test_transfers_that_nobody_reads_hold_up_nobody(reeved):
    server = serving(reeved, tcp_message='2s')
    with legit.Clients(server, **LEGIT):
        stuck = [transfers.Stuck(server, BULK) for _ in range(STUCK)]
        server.until(lambda: server.counter('transfers_broken') == STUCK, 'all of them closed')
        for client in stuck:
            client.close()
        server.until(lambda: is_had_whole(server), 'a transfer to one who reads')
    assert server.counter('tcp_slow_closed') > 0


def test_connections_that_come_and_go_do_not_starve_the_others(reeved):
    server = serving(reeved)
    with legit.Clients(server, **LEGIT), Storm(lambda number: touch(server, number)) as storm:
        pause(server, STORM_S)
    print(f'{storm.count} connections in {STORM_S} s')
    server.until(lambda: server.counter('tcp_accepted') >= storm.count, 'all of them accepted')


def test_resets_hold_up_nobody(reeved):
    server = serving(reeved)
    before = test_tcp.descriptors(server)
    with legit.Clients(server, **LEGIT), Storm(lambda number: reset(server, number)) as storm:
        pause(server, STORM_S)
    print(f'{storm.count} resets in {STORM_S} s')
    server.until(lambda: test_tcp.descriptors(server) == before, 'all of them closed')


def test_without_descriptors_the_operator_is_heard(reeved):
    server = serving(reeved, tcp_idle='1h', tcp_first_byte='1h')
    held = test_tcp.descriptors(server)
    test_tcp.allow_descriptors(server, held + 5)
    with contextlib.ExitStack() as stack:
        for number in range(5):
            assert test_tcp.is_served(stack.enter_context(server.connect()), number)
        server.reevectl('status')                       # in the place of a client
        assert server.counter('tcp_limit_total') == 1
    server.until(lambda: test_tcp.descriptors(server) == held, 'all closed')
    test_tcp.allow_descriptors(server, held)            # nobody is there who could give way
    used = test_tcp.cpu_s(server)
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.settimeout(harness.ASK_TIMEOUT_S)
        waiting.connect(str(server.socket))
        waiting.sendall(b'{"verb": "status"}\n')
        pause(server, 1)
        assert test_tcp.cpu_s(server) - used < 0.5, 'busy with accepting what it cannot'
        test_tcp.allow_descriptors(server, held + 5)
        assert waiting.recv(1) == b'{'


def announced(connection):
    """The time in edns-tcp-keepalive of an answer, in 100 ms (RFC 7828 s3.1)."""
    query = question()
    query.use_edns(0, options=[dns.edns.GenericOption(KEEPALIVE, b'')])
    connection.sendall(framed(query))
    options = dns.message.from_wire(test_tcp.answer_of(connection)).options
    return [int.from_bytes(option.to_wire(), 'big') for option in options if option.otype == KEEPALIVE]


def test_the_fewer_connections_are_left_the_shorter_they_may_be_idle(reeved):
    server = serving(reeved, tcp_connections=10, tcp_idle='10s')
    with contextlib.ExitStack() as stack:
        told = {}
        for number in range(1, 12):
            told[number] = announced(stack.enter_context(server.connect()))
        assert [told[n] for n in range(1, 6)] == 5 * [[100]]
        assert [told[n] for n in (6, 7)] == 2 * [[50]]
        assert [told[n] for n in (8, 9)] == 2 * [[25]]
        assert [told[n] for n in (10, 11)] == 2 * [[0]]         # s3.3.2: to be closed as soon as the client can
    server.until(lambda: alone(server) == [100], 'all closed')


def alone(server):
    with server.connect() as connection:
        return announced(connection)


# --- all at once ---

def wave(server, seconds):
    """Idle connections, transfers that nobody reads and resets; gives how many resets there were."""
    with idle(server, IDLE), Storm(lambda number: reset(server, number)) as storm:
        stuck = [transfers.Stuck(server, BULK) for _ in range(STUCK)]
        pause(server, seconds)
        for client in stuck:
            client.close()
    return storm.count


def test_everything_at_once_leaves_nothing_behind(reeved):
    """Memory: what malloc keeps of a wave serves the next one, so that nothing is added but by chance. 1 MB is what 1,000
    of the 5,000 connections would take if they were lost; a sanitizer's malloc mixes less and so keeps more."""
    server = serving(reeved, tcp_connections=10000, tcp_idle='1h', tcp_first_byte='1h')
    descriptors = test_tcp.descriptors(server)
    memory = []
    with legit.Clients(server, **LEGIT) as clients:
        for _ in range(WAVES):
            resets = wave(server, WAVE_S)
            server.until(lambda: test_tcp.descriptors(server) <= descriptors + 2 * LEGIT['tcp'], 'all of them closed')
            memory.append(test_tcp.memory_kb(server))
            print(f'{IDLE} idle connections, {STUCK} transfers unread, {resets} resets in {WAVE_S} s: {memory[-1]} kB')
    server.until(lambda: test_tcp.descriptors(server) == descriptors, 'descriptors as they were')
    assert memory[-1] - memory[-2] < (4096 if server.is_slow() else 1024), memory
    assert clients.result['updates']['right'] > 0
