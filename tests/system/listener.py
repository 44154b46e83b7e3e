# SPDX-License-Identifier: Apache-2.0
"""A secondary that a test writes: it hears what is sent to its port, over UDP and TCP, and says what the test says."""
import queue
import socket
import struct
import threading
import time

import dns.message
import dns.opcode
import dns.rdatatype

import harness


class Heard:
    """One message: its bytes, parsed (its signature checked), over what it came and when."""

    def __init__(self, wire, transport, keyring, peer, answer):
        self.wire, self.transport, self.at, self.peer = wire, transport, time.monotonic(), peer
        self.message = dns.message.from_wire(wire, keyring=keyring)
        self._answer = answer

    def serial(self):
        return self.message.answer[0][0].serial

    def is_notify(self, zone='example.'):
        question = self.message.question[0]
        return (self.message.opcode() == dns.opcode.NOTIFY and question.rdtype == dns.rdatatype.SOA
                and question.name.to_text() == zone)

    def reply(self, rcode=0, **changes):
        """Answers it as it asks; changes: fields of the answer that are to be wrong."""
        reply = dns.message.make_response(self.message)
        reply.set_rcode(rcode)
        for field, value in changes.items():
            setattr(reply, field, value)
        self.send(reply.to_wire())

    def send(self, wire):
        self._answer(wire)


class Listener:
    """Its port is taken when it is made. heard() gives the messages in the order they came."""

    def __init__(self, keyring=None, port=None):
        self.port = port or harness.free_port()
        self.keyring = keyring
        self._heard = queue.Queue()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(('127.0.0.1', self.port))
        self.tcp = socket.create_server(('127.0.0.1', self.port))
        for run in (self._run_udp, self._run_tcp):
            threading.Thread(target=run, daemon=True).start()

    def _take(self, wire, transport, peer, answer):
        self._heard.put(Heard(wire, transport, self.keyring, peer, answer))

    def _run_udp(self):
        while True:
            try:
                wire, peer = self.udp.recvfrom(65536)
            except OSError:
                return
            self._take(wire, 'udp', peer, lambda answer, peer=peer: self.udp.sendto(answer, peer))

    def _run_tcp(self):
        while True:
            try:
                connection, peer = self.tcp.accept()
            except OSError:
                return
            with connection, connection.makefile('rb') as stream:
                while len(head := stream.read(2)) == 2:
                    wire = stream.read(struct.unpack('!H', head)[0])
                    self._take(wire, 'tcp', peer,
                               lambda answer, c=connection: c.sendall(struct.pack('!H', len(answer)) + answer))

    def heard(self, within_s=harness.DEADLINE_S):
        """The next one; fails when none comes in time."""
        try:
            return self._heard.get(timeout=within_s)
        except queue.Empty:
            raise AssertionError(f'nothing was sent to port {self.port} in {within_s} s') from None

    def count(self):
        """Those that have come and were not taken by heard()."""
        return self._heard.qsize()

    def close(self):
        self.udp.close()
        self.tcp.shutdown(socket.SHUT_RDWR)
        self.tcp.close()
