# SPDX-License-Identifier: Apache-2.0
"""A tap: it stands on a port of its own before a server, passes on the DNS messages that come over UDP and TCP, keeps note
of them, and loses, delays or breaks off what a test wants."""
import collections
import contextlib
import select
import socket
import struct
import threading
import time

import harness
import wire

PASS, DROP, RESET = 0, -1, -2       # what a rule says; a number above 0 is a delay in seconds
OPCODES = {0: 'QUERY', 4: 'NOTIFY', 5: 'UPDATE'}
TYPES = {1: 'A', 6: 'SOA', 251: 'IXFR', 252: 'AXFR'}
SOA, HEADER = 6, 12

# way: 'to' the server or 'from' it. form, of what answers a transfer: 'soa' (that record alone), 'steps' (differences),
# 'whole', 'more' (a later message), 'refused'; '' of any other message. number: the order of messages of one stream.
Seen = collections.namedtuple('Seen', 'at way transport opcode qtype zone form size')


def form_of(message, is_begun):
    """Of the message that answers a transfer, or goes on with one that began with the SOA alone."""
    if message[3] & 15:
        return 'refused'
    questions, count = struct.unpack_from('!HH', message, 4)
    at, types = wire.read_name(message, 12)[1] + 4 if questions else 12, [SOA] * is_begun
    for _ in range(min(count, 2 - is_begun)):
        at = wire.read_name(message, at)[1]
        rdtype, length = struct.unpack_from('!H6xH', message, at)
        types.append(rdtype)
        at += 10 + length
    return 'soa' if types == [SOA] else 'steps' if types == [SOA, SOA] else 'whole'


class Tap:
    """rule(seen) is asked for each message, from threads of the tap's own; None: all are passed on."""

    def __init__(self, port):
        self.address, self.port, self.to_port = '127.0.0.1', harness.free_port(), port
        self.rule = None
        self._seen, self._lock = [], threading.Lock()
        self._end = threading.Event()
        self._sockets = set()
        self._asked = {}        # {id: name and type}
        self._udp = self._keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._udp.bind((self.address, self.port))
        self._tcp = self._keep(socket.create_server((self.address, self.port), backlog=1000))
        self.connections = self.open_now = self.open_most = 0
        for run in (self._run_udp, self._run_tcp):
            self._thread(run)

    def close(self):
        self._end.set()
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for s in sockets:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()

    def seen(self, **want):
        """Those messages whose fields are what is wanted."""
        with self._lock:
            return [s for s in self._seen if all(getattr(s, field) == value for field, value in want.items())]

    def forget(self):
        with self._lock:
            self._seen.clear()

    # --- its threads ---

    def _thread(self, run, *arguments):
        threading.Thread(target=self._guard, args=(run, *arguments), daemon=True).start()

    def _guard(self, run, *arguments):
        try:
            run(*arguments)
        except (OSError, ValueError):       # ValueError: of select(), a socket that is closed
            if not self._end.is_set() and run in (self._run_udp, self._run_tcp):
                raise

    def _keep(self, s):
        with self._lock:
            self._sockets.add(s)
        return s

    def _drop(self, s):
        with self._lock:
            self._sockets.discard(s)
        s.close()

    def _judge(self, way, transport, message, forms):
        """Notes the message and gives what is to be done with it, after the delay there is. forms: what the answers of the
        same stream have been, by their ids."""
        if len(message) < HEADER:
            return PASS
        ident = message[:2]
        name, qtype = self._asked.get(ident, ('.', ''))
        with contextlib.suppress(IndexError, struct.error):     # some answers have no question, or only say so
            wire_name, at = wire.read_name(message, 12)
            if message[4:6] != b'\0\0':
                qtype = struct.unpack_from('!H', message, at)[0]
                name, qtype = self._asked[ident] = wire_text(wire_name), TYPES.get(qtype, str(qtype))
        form = ''
        if way == 'from' and qtype in ('IXFR', 'AXFR'):
            before = forms.get(ident)
            form = forms[ident] = form_of(message, before == 'soa') if before in (None, 'soa') else 'more'
        seen = Seen(time.monotonic(), way, transport, OPCODES.get(message[2] >> 3 & 15), qtype,
                    name, form, len(message))
        with self._lock:
            self._seen.append(seen)
        verdict = self.rule(seen) if self.rule else PASS
        if verdict > 0:
            self._end.wait(verdict)
        return verdict

    def _run_udp(self):
        """A socket towards the server for each client's."""
        ways = {}       # of sockets: the client's address
        clients = {}    # of addresses: the socket
        while not self._end.is_set():
            for s in select.select([self._udp, *ways], [], [], 1)[0]:
                try:
                    message, client = s.recvfrom(65535)
                except ConnectionRefusedError:      # the server is away
                    continue
                if s is not self._udp:
                    self._pass_datagram('from', message, lambda m, s=s: self._udp.sendto(m, ways[s]))
                    continue
                if client not in clients:
                    if len(ways) >= 200:        # the oldest way is given up
                        old = next(iter(ways))
                        del clients[ways.pop(old)]
                        self._drop(old)
                    clients[client] = self._keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    clients[client].connect((self.address, self.to_port))
                    ways[clients[client]] = client
                self._pass_datagram('to', message, clients[client].send)

    def _pass_datagram(self, way, message, send):
        """One that is delayed holds up the others, as in a queue."""
        if self._judge(way, 'udp', message, {}) not in (DROP, RESET):
            with contextlib.suppress(OSError):
                send(message)

    def _run_tcp(self):
        while not self._end.is_set():
            client = self._keep(self._tcp.accept()[0])
            self.connections += 1
            try:
                server = self._keep(socket.create_connection((self.address, self.to_port), harness.ASK_TIMEOUT_S))
                server.settimeout(None)
            except OSError:
                self._reset(client)
                continue
            for s in (client, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.open_now += 1
                self.open_most = max(self.open_most, self.open_now)
            forms = {}
            self._thread(self._run_stream, 'to', client, server, forms)
            self._thread(self._run_stream, 'from', server, client, forms)

    def _reset(self, s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self._drop(s)

    def _run_stream(self, way, source, sink, forms):
        try:
            with source.makefile('rb') as stream:
                while len(head := stream.read(2)) == 2:
                    message = stream.read(struct.unpack('!H', head)[0])
                    if way == 'to':
                        forms.pop(message[:2], None)
                    verdict = self._judge(way, 'tcp', message, forms)
                    if verdict == RESET:
                        self._reset(sink)
                        break
                    if verdict != DROP:
                        sink.sendall(head + message)
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_WR)
        except (OSError, struct.error, IndexError, ValueError):
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_RDWR)
        finally:
            if way == 'from':
                with self._lock:
                    self.open_now -= 1
            self._drop(source)


def wire_text(name):
    """A name in wire form as text; of ASCII labels."""
    labels, at = [], 0
    while name[at]:
        labels.append(name[at + 1:at + 1 + name[at]].decode('ascii', 'replace'))
        at += 1 + name[at]
    return '.'.join(labels) + '.'
