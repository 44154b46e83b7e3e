# SPDX-License-Identifier: Apache-2.0
"""UDP over real sockets: from where answers come, what is not answered, and that no reload loses a query."""
import ctypes
import os
import re
import signal
import socket
import struct
import subprocess
import threading

import dns.flags
import dns.message
import dns.rcode
import pytest

import harness
from test_tcp import ZONE, counters, question

pytestmark = pytest.mark.both
GROUP = pytest.mark.xdist_group('udp')      # they ask one server

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason='needs raw sockets')
needs_network = pytest.mark.skipif("not harness.can_unshare('net')", reason='needs a network namespace')
needs_ipv6 = pytest.mark.skipif(not harness.has_ipv6(), reason='no IPv6 here')
CLONE_NEWNET = 0x40000000


def listening(reeved_ready, *addresses):
    """Addresses without port get the server's."""
    server = reeved_ready({'example.': ZONE})
    server.settings['server']['listen'] = [a if '@' in a else f'{a}@{server.port}' for a in addresses]
    server.configure()
    return server.run()


def ask_connected(address, port, number=1, timeout_s=harness.ASK_TIMEOUT_S, family=None):
    """The answer over a connected socket: one from another address than the one asked would never arrive."""
    family = family or (socket.AF_INET6 if ':' in address else socket.AF_INET)
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout_s)
        s.connect((address, port))
        s.send(question(number=number).to_wire())
        answer = dns.message.from_wire(s.recv(65535))
    assert answer.id == number and answer.answer
    return answer


@pytest.fixture(name='asked', scope='module')
def fixture_asked(shared):
    return shared({'example.': ZONE})


# --- from where answers come ---

def test_on_a_wildcard_the_answer_comes_from_the_address_that_was_asked(reeved_ready):
    server = listening(reeved_ready, '0.0.0.0')
    for number, address in enumerate(['127.0.0.1', '127.0.0.2', '127.200.3.4', '127.0.0.1']):
        ask_connected(address, server.port, number)


@needs_ipv6
def test_both_wildcards_stand_side_by_side_on_one_port(reeved_ready):
    server = listening(reeved_ready, '0.0.0.0', '::')
    ask_connected('127.0.0.2', server.port)
    ask_connected('::1', server.port)
    with server.connect(address='::1') as six, server.connect(address='127.0.0.2') as four:
        assert six.getpeername()[0] == '::1' and four.getpeername()[0] == '127.0.0.2'


def in_namespace_of(pid):
    """For preexec: the network namespace of a process."""
    def enter():
        fd = os.open(f'/proc/{pid}/ns/net', os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'setns')
        os.close(fd)
    return enter


ASK_ALL = '''
import socket, sys
wire = bytes.fromhex(sys.argv[1])
for text in sys.argv[3:]:
    with socket.socket(socket.AF_INET6 if ':' in text else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(10)
        s.connect((text, int(sys.argv[2])))
        s.send(wire)
        print(text, len(s.recv(65535)) > len(wire))
'''


@needs_network
@needs_ipv6
def test_several_addresses_of_one_interface_each_answer_for_themselves(reeved_ready):
    addresses = ['192.0.2.1', '192.0.2.2', '198.51.100.7', '2001:db8::1', '2001:db8:1::2']
    server = reeved_ready({'example.': ZONE})
    server.settings['server']['listen'] = [f'0.0.0.0@{server.port}', f'::@{server.port}']
    server.configure()

    def own_network():
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'unshare')
        subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
        for address in addresses:
            length = '128' if ':' in address else '32'
            subprocess.run(['ip', 'addr', 'add', f'{address}/{length}', 'dev', 'lo'], check=True)
    server.run(wait=False, preexec=own_network)
    # Its READY goes nowhere: the service manager's socket has a name of the other network.
    server.until(lambda: 'msg="started"' in server.log(), 'start')
    result = subprocess.run(['/usr/bin/python3', '-c', ASK_ALL, question().to_wire().hex(), str(server.port), *addresses],
                            preexec_fn=in_namespace_of(server.process.pid), capture_output=True, text=True, check=False,
                            timeout=harness.DEADLINE_S)
    assert result.stdout.split('\n')[:-1] == [f'{a} True' for a in addresses], result.stderr


# --- what arrives oddly ---

@GROUP
def test_short_datagrams_are_dropped_and_counted(asked):
    before = counters(asked)['dropped_short']
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(harness.ASK_TIMEOUT_S)
        s.connect((asked.address, asked.port))
        for length in range(12):
            s.send(b'\x12' * length)
        s.send(question(number=3).to_wire())
        assert dns.message.from_wire(s.recv(65535)).id == 3, 'the first answer is that to the one good query'
    assert counters(asked)['dropped_short'] - before == 12


@GROUP
def test_a_datagram_longer_than_is_read_is_answered_formerr(asked):
    wire = question(number=9).to_wire()
    for length in (4097, 20000, 60000):
        answer = dns.message.from_wire(asked.send_raw(wire + b'\0' * (length - len(wire))))
        assert answer.id == 9 and answer.rcode() == dns.rcode.FORMERR, length
    assert counters(asked)['udp_too_long'] == 3


def udp4(source, target, payload, checksum=0):
    """An IPv4 packet with UDP inside, both headers ours; checksum 0 is none (RFC 768)."""
    (source_host, source_port), (target_host, target_port) = source, target
    udp = struct.pack('!HHHH', source_port, target_port, 8 + len(payload), checksum) + payload
    return struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), 1, 0, 64, socket.IPPROTO_UDP, 0,
                       socket.inet_aton(source_host), socket.inet_aton(target_host)) + udp


def raw_socket():
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


@needs_root
@GROUP
def test_nothing_is_sent_to_port_zero(asked):
    with raw_socket() as raw:
        for _ in range(5):
            raw.sendto(udp4(('127.0.0.1', 0), (asked.address, asked.port), question().to_wire()),
                       (asked.address, 0))
    ask_connected(asked.address, asked.port)      # behind the others in the same queue
    assert counters(asked)['dropped_port_zero'] == 5


@needs_root
@GROUP
def test_an_answer_that_cannot_be_sent_does_not_take_the_others_of_its_batch_with_it(asked):
    strange = '255.255.255.255'     # may not be sent to without SO_BROADCAST: the kernel says EACCES
    with raw_socket() as raw, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(harness.ASK_TIMEOUT_S)
        s.bind(('127.0.0.1', 0))
        asked.process.send_signal(signal.SIGSTOP)      # so that all are there when it looks
        for number in range(10):
            raw.sendto(udp4((strange, 5353), (asked.address, asked.port), question().to_wire()), (asked.address, 0))
            s.sendto(question(number=number).to_wire(), (asked.address, asked.port))
        asked.process.send_signal(signal.SIGCONT)
        assert {struct.unpack('!H', s.recv(65535)[:2])[0] for _ in range(10)} == set(range(10))
    assert counters(asked)['dropped_send'] == 10


@needs_root
def test_answers_may_be_fragmented_on_the_way(reeved):
    # An address that nobody else answers from: the sniffer's buffer is not to fill with others' packets.
    server = reeved({'example.': ZONE}, address=f'127.53.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}')
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as sniffer:
        sniffer.settimeout(harness.ASK_TIMEOUT_S)
        sniffer.connect((server.address, 0))
        ask_connected(server.address, server.port)
        while True:
            packet = sniffer.recv(65535)
            if struct.unpack('!H', packet[20:22])[0] == server.port:
                break
    assert not struct.unpack('!H', packet[6:8])[0] & 0x4000, 'DF is set'


def test_no_datagram_is_longer_than_configured(reeved):
    server = reeved({'example.': ZONE})
    for payload in (512, 1232, 4096, 65535):
        query = question('big.example.', 'TXT')
        query.use_edns(0, payload=payload)
        wire = server.send_raw(query.to_wire())
        assert len(wire) <= min(payload, 1232)
        assert dns.message.from_wire(wire).flags & dns.flags.TC
    wide = reeved({'example.': ZONE}, server={'udp-size': 4096})
    query.use_edns(0, payload=4096)
    assert len(wide.send_raw(query.to_wire())) <= 4096


# --- many ---

@GROUP
def test_a_burst_is_held_in_the_receive_buffer_and_answered_whole(asked):
    count = 2000        # the kernel's default buffer would hold 256
    granted = re.search(r'receive buffer smaller.*got=(\d+)', asked.log())
    if granted and int(granted[1]) < 4 << 20:
        count = int(granted[1]) // 832 // 2
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(harness.ASK_TIMEOUT_S)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        s.connect((asked.address, asked.port))
        received = set()

        def receive():
            while len(received) < count:
                received.add(struct.unpack('!H', s.recv(65535)[:2])[0])
        wires = [question(number=number).to_wire() for number in range(count)]
        asked.process.send_signal(signal.SIGSTOP)
        for wire in wires:
            s.send(wire)
        reader = threading.Thread(target=receive)
        reader.start()
        asked.process.send_signal(signal.SIGCONT)
        reader.join(harness.DEADLINE_S)
    assert received == set(range(count))


@GROUP
def test_many_clients_each_get_their_own_answer(asked):
    sockets = []
    for number in range(300):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(harness.ASK_TIMEOUT_S)
        s.connect((asked.address, asked.port))
        s.send(question(number=number).to_wire())
        sockets.append(s)
    for number, s in enumerate(sockets):
        assert struct.unpack('!H', s.recv(65535)[:2])[0] == number
        s.close()


# --- reload ---

class Load(threading.Thread):
    """Asks without pause, with a few questions in flight; counts what never came back."""
    IN_FLIGHT = 8

    def __init__(self, server):
        super().__init__()
        self.server, self.over, self.answered, self.failure = server, threading.Event(), 0, None
        self.wires = [question(number=number).to_wire() for number in range(1000)]

    def run(self):
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(harness.ASK_TIMEOUT_S)
                s.connect((self.server.address, self.server.port))
                at = 0
                while not self.over.is_set():
                    numbers = {(at + i) % 1000 for i in range(self.IN_FLIGHT)}
                    for number in numbers:
                        s.send(self.wires[number])
                    while numbers:
                        wire = s.recv(65535)
                        numbers.remove(struct.unpack('!H', wire[:2])[0])
                        assert not wire[3] & 15, 'an error'
                        self.answered += 1
                    at += self.IN_FLIGHT
        except (OSError, KeyError, AssertionError) as error:
            self.failure = repr(error)

    def stop(self):
        self.over.set()
        self.join()
        assert not self.failure, self.failure


def test_reloads_under_load_lose_no_query(reeved):
    server = reeved({'example.': ZONE})
    load = Load(server)
    load.start()
    for _ in range(30):
        before = load.answered
        server.reload()
        server.until(lambda before=before: load.answered > before, 'answers go on')
    load.stop()
    assert counters(server)['reloads'] == 30


def reloaded(server, *addresses):
    server.settings['server']['listen'] = [a if '@' in a else f'{a}@{server.port}' for a in addresses]
    server.configure()
    server.reload()


def is_refused(address, port):
    """Neither UDP nor TCP is open there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(harness.ASK_TIMEOUT_S)
        s.connect((address, port))
        s.send(b'x')
        try:
            s.recv(1)
            return False
        except ConnectionRefusedError:
            pass
    try:
        socket.create_connection((address, port), 1).close()
        return False
    except ConnectionRefusedError:
        return True


def test_listen_addresses_follow_a_reload_without_losing_a_query_on_those_that_stay(reeved_ready):
    server = listening(reeved_ready, '127.0.0.1')
    other = harness.free_port()
    load = Load(server)
    load.start()
    for _ in range(5):
        reloaded(server, '127.0.0.1', f'127.0.0.3@{other}')
        ask_connected('127.0.0.3', other)
        server.connect().close()
        reloaded(server, '127.0.0.1')
        assert is_refused('127.0.0.3', other)
    load.stop()


def test_a_wildcard_can_become_one_address_and_back(reeved_ready):
    server = listening(reeved_ready, '0.0.0.0')
    for _ in range(3):
        reloaded(server, '127.0.0.1', '127.0.0.2')
        ask_connected('127.0.0.1', server.port)
        assert is_refused('127.0.0.3', server.port)
        reloaded(server, '0.0.0.0')
        for address in ('127.0.0.1', '127.0.0.3'):
            ask_connected(address, server.port)
            with server.connect(address=address) as connection:
                assert connection.getpeername()[0] == address
    assert 'reload failed' not in server.log()


def test_no_second_server_gets_in_beside_a_wildcard_after_a_reload(reeved_ready):
    first = listening(reeved_ready, '0.0.0.0')
    reloaded(first, '127.0.0.1')
    reloaded(first, '0.0.0.0')
    second = reeved_ready({})
    second.configure(f'server: {{listen: 127.0.0.7@{first.port}}}\n')
    second.expected_exit = 1
    second.run(wait=False)
    assert second.process.wait(harness.DEADLINE_S) == 1
    assert 'in use' in second.log()


def test_an_address_that_cannot_be_had_leaves_everything_as_it_was(reeved_ready):
    server = listening(reeved_ready, '127.0.0.1')
    port = harness.free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(('127.0.0.1', port))
        taken.listen(1)
        server.zones = {'example.net.': ZONE}
        reloaded(server, f'127.0.0.2@{port}', f'127.0.0.1@{port}')
        assert re.search(rf'nothing changed.*127\.0\.0\.1@{port} over TCP: address in use', server.log())
        assert is_refused('127.0.0.2', port)
        ask_connected('127.0.0.1', server.port)
        assert server.ask('example.net.', 'SOA').rcode() == dns.rcode.REFUSED
    reloaded(server, f'127.0.0.1@{port}')
    server.port = port
    server.until(lambda: server.answers('example.net.'), 'the new configuration, now that it can be had')


# --- the end ---

def test_what_is_in_the_socket_is_answered_before_the_end(reeved):
    server = reeved({'example.': ZONE})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(harness.ASK_TIMEOUT_S)
        s.connect((server.address, server.port))
        server.process.send_signal(signal.SIGSTOP)
        for number in range(200):
            s.send(question(number=number).to_wire())
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGCONT)
        assert {struct.unpack('!H', s.recv(65535)[:2])[0] for _ in range(200)} == set(range(200))
    assert server.process.wait(harness.DEADLINE_S) == 0
