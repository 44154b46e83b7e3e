# SPDX-License-Identifier: Apache-2.0
"""TCP over real sockets (RFC 7766, RFC 9210): however the bytes are cut, whoever is slow, the others are served.

Times are configured short and asserted with a lower bound that is sharp and an upper bound that is only "soon enough for
a busy machine".
"""
import os
import re
import resource
import select
import shutil
import signal
import socket
import struct
import threading
import time

import dns.edns
import dns.message
import dns.rcode
import pytest

import harness

pytestmark = pytest.mark.both
GROUP = pytest.mark.xdist_group('tcp')      # they ask one server

# The record sets of `big` fill an answer of 60 KB.
ZONE = '''$TTL 300
@    SOA   ns hostmaster 1 3600 900 1209600 300
@    NS    ns
ns   A     192.0.2.1
www  A     192.0.2.2
''' + ''.join(f'big  TXT  {" ".join([chr(34) + chr(97 + i % 26) * 240 + chr(34)] * 4)} "{i}"\n' for i in range(60))


def framed(query):
    wire = query if isinstance(query, bytes) else query.to_wire()
    return struct.pack('!H', len(wire)) + wire


def question(name='www.example.', rdtype='A', number=1):
    query = harness.query_of(name, rdtype)
    query.id = number
    return query


def receive(connection, count):
    """Exactly count bytes, or fewer at the end of the connection."""
    data = bytearray()
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            break
        data += chunk
    return bytes(data)


def answer_of(connection):
    """The next message's bytes; None when the connection ends at a message's end."""
    head = receive(connection, 2)
    if not head:
        return None
    assert len(head) == 2
    length = struct.unpack('!H', head)[0]
    message = receive(connection, length)
    assert len(message) == length, 'cut within a message'
    return message


def number_of(message):
    return struct.unpack('!H', message[:2])[0]


def is_closed(connection):
    """Whether the server ends the connection now or within the time-out, without another byte."""
    try:
        return connection.recv(1) == b''
    except ConnectionResetError:
        return True


def is_silent(connection, seconds):
    """Whether nothing comes for so long, not even the end."""
    return not select.select([connection], [], [], seconds)[0]


def is_served(connection, number=1):
    """Whether a query gets its answer on this connection."""
    try:
        connection.sendall(framed(question(number=number)))
        message = answer_of(connection)
    except (ConnectionResetError, BrokenPipeError):
        return False
    return message is not None and number_of(message) == number


def counters(server):
    before = len(server.log())
    server.process.send_signal(signal.SIGUSR1)
    server.until(lambda: 'name=zones_expired ' in server.log()[before:], 'counters in the log')
    return {name: int(value) for name, value in re.findall(r'name=(\w+) value=(\d+)', server.log()[before:])}


def descriptors(server):
    """How many it has open."""
    try:
        return len(os.listdir(f'/proc/{server.process.pid}/fd'))
    except PermissionError:
        pytest.skip('a process that may not be dumped shows its descriptors to root only')


def memory_kb(server):
    with open(f'/proc/{server.process.pid}/status', encoding='ascii', errors='replace') as status:
        return int(re.search(r'VmRSS:\s+(\d+) kB', status.read())[1])


def started(reeved, **limits):
    limits = {key.replace('_', '-'): value for key, value in limits.items()}
    return reeved({'example.': ZONE}, server={'limits': limits} if limits else {})


@pytest.fixture(name='asked', scope='module')
def fixture_asked(shared):
    return shared({'example.': ZONE})


# --- framing ---

@GROUP
def test_single_bytes_are_put_together(asked):
    with asked.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(3):
            for byte in framed(question(number=number)):
                connection.send(bytes([byte]))
            assert number_of(answer_of(connection)) == number


@GROUP
def test_a_query_of_full_size_is_answered(asked):
    query = question()
    query.use_edns(0, options=[dns.edns.GenericOption(dns.edns.OptionType.PADDING, b'\0' * 65000)])
    with asked.connect() as connection:
        connection.sendall(framed(query.to_wire(max_size=65535)) + framed(question(number=2)))
        answer = dns.message.from_wire(answer_of(connection))
        assert answer.rcode() == dns.rcode.NOERROR and answer.answer
        assert number_of(answer_of(connection)) == 2


@GROUP
def test_a_thousand_pipelined_queries_are_all_answered(asked):
    with asked.connect() as connection:
        sender = threading.Thread(target=connection.sendall,
                                  args=(b''.join(framed(question(number=n)) for n in range(1000)),))
        sender.start()
        assert {number_of(answer_of(connection)) for _ in range(1000)} == set(range(1000))
        sender.join()


def test_pipelined_queries_beyond_the_limit_in_flight_are_answered_later(reeved):
    server = started(reeved, tcp_pipeline=2)
    with server.connect() as connection:
        connection.sendall(b''.join(framed(question(number=n)) for n in range(300)))
        assert [number_of(answer_of(connection)) for _ in range(300)] == list(range(300))


@GROUP
def test_large_answers_are_whole(asked):
    with asked.connect() as connection:
        connection.sendall(b''.join(framed(question('big.example.', 'TXT', n)) for n in range(20)))
        for number in range(20):
            answer = dns.message.from_wire(answer_of(connection))
            assert answer.id == number
            assert len(answer.answer[0]) == 60


@GROUP
def test_a_response_is_passed_over(asked):
    reply = bytearray(question(number=7).to_wire())
    reply[2] |= 0x80
    with asked.connect() as connection:
        connection.sendall(framed(bytes(reply)) + framed(question(number=8)))
        assert number_of(answer_of(connection)) == 8


@GROUP
def test_a_message_too_short_for_a_header_ends_the_connection_after_the_answers_before_it(asked):
    for short in (b'', b'x', b'x' * 11):
        with asked.connect() as connection:
            connection.sendall(framed(question(number=5)) + framed(short))
            assert number_of(answer_of(connection)) == 5
            assert is_closed(connection), short


# --- ends ---

@GROUP
def test_after_a_half_close_all_answers_still_come(asked):
    with asked.connect() as connection:
        connection.sendall(b''.join(framed(question('big.example.', 'TXT', n)) for n in range(100)))
        connection.shutdown(socket.SHUT_WR)
        assert [number_of(answer_of(connection)) for _ in range(100)] == list(range(100))
        assert answer_of(connection) is None


@GROUP
def test_half_a_query_before_a_half_close_is_given_up(asked):
    with asked.connect() as connection:
        connection.sendall(framed(question(number=3)) + framed(question(number=4))[:-1])
        connection.shutdown(socket.SHUT_WR)
        assert number_of(answer_of(connection)) == 3
        assert answer_of(connection) is None


@GROUP
def test_resets_amid_answers_hurt_nobody_else(asked):
    queries = [framed(question('big.example.', 'TXT', n)) for n in range(20)]
    with asked.connect() as other:
        for number in range(200):
            with asked.connect() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                connection.sendall(b''.join(queries[:1 + number % 20]))
                if number % 3 == 0:
                    receive(connection, number)
            assert number % 10 or is_served(other, number)
        assert is_served(other)


# --- time ---

def test_an_idle_connection_is_closed_after_its_time_and_not_before(reeved):
    server = started(reeved, tcp_idle='2s', tcp_first_byte='1h')
    with server.connect() as connection:
        for number in range(4):
            assert is_served(connection, number)
            last = time.monotonic()
            assert is_silent(connection, 0.3)
        assert is_closed(connection)
        assert time.monotonic() - last >= 2
    assert counters(server)['tcp_idle_closed'] == 1


def test_a_connection_that_never_says_anything_is_closed(reeved):
    server = started(reeved, tcp_idle='1h', tcp_first_byte='500ms')
    with server.connect() as talking:
        assert is_served(talking)
        start = time.monotonic()
        with server.connect() as silent:
            assert is_closed(silent)
            assert time.monotonic() - start >= 0.5
        assert is_served(talking)


def test_a_message_in_drops_has_one_deadline_for_all_of_it(reeved):
    server = started(reeved, tcp_idle='1h', tcp_message='1s')
    with server.connect() as connection:
        assert is_served(connection)
        message = framed(question()) * 20
        start, at = time.monotonic(), 0
        connection.settimeout(0.05)
        connection.send(struct.pack('!H', 60000))
        while at < len(message):
            try:
                assert connection.recv(1) == b''
                break
            except socket.timeout:
                try:
                    connection.send(message[at:at + 1])
                except (BrokenPipeError, ConnectionResetError):
                    break
                at += 1
            except ConnectionResetError:
                break
        assert at < len(message), 'never closed'
        assert 1 <= time.monotonic() - start
    assert counters(server)['tcp_slow_closed'] == 1


def test_slow_connections_do_not_keep_others_from_being_served(reeved):
    server = started(reeved, tcp_message='1h')
    slow = [server.connect() for _ in range(100)]
    for connection in slow:
        connection.sendall(b'\xff\xff')
    with server.connect() as connection:
        for number in range(100):
            for other in slow[:10]:
                other.send(b'x')
            assert is_served(connection, number)
    for connection in slow:
        connection.close()


# --- clients that do not read ---

def flood(connection, query, seconds):
    """Sends as much as is taken; the number of bytes."""
    connection.setblocking(False)
    end, sent = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        try:
            sent += connection.send(query)
        except BlockingIOError:
            select.select([], [connection], [], max(0, end - time.monotonic()))
        except (BrokenPipeError, ConnectionResetError):
            break
    return sent


def test_clients_that_never_read_cost_bounded_memory_and_are_closed(reeved):
    server = started(reeved, tcp_message='3s', tcp_unsent='128K')
    queries = b''.join(framed(question('big.example.', 'TXT', n)) for n in range(100))
    with server.connect() as polite:
        assert is_served(polite)
        before = memory_kb(server)
        lazy = [server.connect() for _ in range(20)]
        for connection in lazy:
            flood(connection, queries, 0.1)
        assert is_served(polite, 9)
        # each: 128 KB unsent and one batch of answers, in a buffer at most twice as large
        assert memory_kb(server) - before < 20 * 2 * (128 + 16 * 64) + 4096
        start = time.monotonic()
        server.until(lambda: counters(server)['tcp_slow_closed'] == 20, 'all of them closed')
        assert time.monotonic() - start < 30
        assert is_served(polite, 10)
        assert counters(server)['tcp_paused'] >= 20
        for connection in lazy:
            connection.close()


def test_a_slow_reader_gets_all_of_it(reeved):
    server = started(reeved, tcp_message='2s', tcp_unsent='128K')
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(harness.ASK_TIMEOUT_S)
        connection.connect((server.address, server.port))
        connection.sendall(b''.join(framed(question('big.example.', 'TXT', n)) for n in range(40)))
        start, pace = time.monotonic(), threading.Event()
        for number in range(40):
            assert number_of(answer_of(connection)) == number
            pace.wait(0.1)      # slower than the server could, yet moving
        assert time.monotonic() - start > 2, 'not longer than the deadline: proves nothing'


# --- numbers ---

def test_more_connections_of_one_address_than_allowed_are_refused(reeved):
    server = started(reeved, tcp_connections_per_address=5)
    connections = [server.connect() for _ in range(5)]
    for connection in connections:
        assert is_served(connection)
    for _ in range(3):
        with server.connect() as sixth:
            assert is_closed(sixth)
    with socket.create_connection((server.address, server.port), harness.ASK_TIMEOUT_S, ('127.0.0.9', 0)) as other:
        assert is_served(other), 'another address has its own count'
    connections.pop().close()
    server.until(lambda: can_connect(server), 'the place of a closed connection is free again')
    assert counters(server)['tcp_limit_address'] >= 3
    for connection in connections:
        assert is_served(connection)
        connection.close()


def can_connect(server):
    with server.connect() as connection:
        return is_served(connection)


def test_at_the_limit_the_longest_idle_connection_gives_way(reeved):
    server = started(reeved, tcp_connections=5, tcp_idle='1h', tcp_first_byte='1h')
    connections = [server.connect() for _ in range(5)]
    for number in (0, 1, 2, 3, 4, 0, 2):    # so that number 1 is the one idle for longest, then 3
        assert is_served(connections[number])
    with server.connect() as sixth:
        assert is_served(sixth)
        assert is_closed(connections[1])
        with server.connect() as seventh:
            assert is_served(seventh)
            assert is_closed(connections[3])
            for number in (0, 2, 4):
                assert is_served(connections[number])
    assert counters(server)['tcp_limit_total'] == 2
    for connection in connections:
        connection.close()


def test_a_thousand_connections_at_once_are_all_served(reeved):
    server = started(reeved, tcp_connections_per_address=2000)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    try:
        connections = [server.connect() for _ in range(1000)]
        for number, connection in enumerate(connections):
            connection.sendall(framed(question(number=number)))
        for number, connection in enumerate(connections):
            assert number_of(answer_of(connection)) == number
            connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def cpu_s(server):
    with open(f'/proc/{server.process.pid}/stat', encoding='ascii') as stat:
        fields = stat.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def allow_descriptors(server, count):
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (count, hard))


def test_without_descriptors_idle_connections_give_way_and_the_loop_does_not_spin(reeved):
    server = started(reeved)
    held = descriptors(server)
    allow_descriptors(server, held + 10)
    connections = []
    for number in range(30):
        connection = server.connect()
        assert is_served(connection, number), number
        connections.append(connection)
    assert counters(server)['tcp_limit_total'] >= 20
    for connection in connections:
        connection.close()
    # No connection that could give way: accepting rests until there is a descriptor.
    server.until(lambda: descriptors(server) == held, 'all closed')
    allow_descriptors(server, held)
    with server.connect() as waiting:
        waiting.sendall(framed(question(number=77)))
        start, used = time.monotonic(), cpu_s(server)
        assert server.ask('www.example.', 'A').answer, 'UDP goes on'
        assert is_silent(waiting, 1)
        assert cpu_s(server) - used < 0.5 * (time.monotonic() - start), 'busy with accepting what it cannot'
        allow_descriptors(server, held + 10)
        assert number_of(answer_of(waiting)) == 77


def test_fewer_descriptors_than_connections_are_said_and_lived_with(reeved_ready):
    server = reeved_ready({'example.': ZONE})
    server.settings['server']['limits'] = {'tcp-connections': 1000000}
    server.configure()
    limit = 200

    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
    server.conf.chmod(0o644)
    if os.geteuid() == 0:
        for directory in (server.state, server.socket.parent):
            os.chown(directory, 65534, 65534)
    # A copy that others may run, wherever the build is.
    program = shutil.copy(server.program(), server.dir / 'reeved')
    server.start(program, '-c', server.conf, preexec=few, env=server.environment())
    server.notice('READY', '1')
    assert 'fewer tcp connections than configured' in server.log()
    connections = [server.connect() for _ in range(limit + 50)]
    assert is_served(connections[-1])
    assert server.ask('www.example.', 'A').answer
    for connection in connections:
        connection.close()


# --- the end of the server ---

def test_a_client_that_never_reads_does_not_hold_up_the_end_for_long(reeved):
    server = started(reeved, tcp_message='1h')
    with server.connect() as connection:
        flood(connection, b''.join(framed(question('big.example.', 'TXT', n)) for n in range(100)), 0.2)
        start = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - start < 30
        assert 'connections cut' in server.log()


def test_what_was_asked_before_the_end_is_answered_however_much_it_is(reeved):
    server = started(reeved, tcp_unsent='128K')
    with server.connect() as connection:
        connection.sendall(b''.join(framed(question('big.example.', 'TXT', n)) for n in range(300)))
        server.process.send_signal(signal.SIGTERM)
        server.notice('STOPPING', '1')
        assert [number_of(answer_of(connection)) for _ in range(300)] == list(range(300))
        assert answer_of(connection) is None


def test_a_second_signal_does_not_wait(reeved):
    server = started(reeved, tcp_message='1h')
    with server.connect() as connection:
        flood(connection, b''.join(framed(question('big.example.', 'TXT', n)) for n in range(100)), 0.2)
        server.process.send_signal(signal.SIGTERM)
        server.notice('STOPPING', '1')
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(harness.DEADLINE_S) == 1
        assert 'connections cut' not in server.log()
    server.expected_exit = 1
