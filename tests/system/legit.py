# SPDX-License-Identifier: Apache-2.0
"""Legitimate clients in the background: whatever is done to a server meanwhile, they get their answers.

    server = reeved({'example.': ZONE, **legit.ZONES}, keys=legit.KEYS)
    with legit.Clients(server, udp=200, tcp=10, updates=5) as clients:
        ...abuse...

asks by the clock, so many questions a second of each kind, in a process of its own. At the end of the block it prints how
many were answered rightly and how long that took, and fails if one was not: each question has a deadline, and its answer is
compared with what the zone's file says. Times are printed and never judged.

    udp       questions over UDP, some of which have an answer that is cut (TC) and are asked again over TCP
    tcp       questions over TCP, each on a connection of its own
    updates   UPDATEs (TSIG) over UDP, each followed by the question whether it is in force
    cookies   UDP clients send cookies (RFC 7873) and learn the server's
    tries     times that a question is sent over UDP before it is asked over TCP (None: with no answer to all of them it
              has failed). A client that does not ask again is right only where no datagram may be lost.
    sources   addresses of 127.0.0.0/8 that they ask from, in turn

A question's time is from its first datagram on, and ends when the kernel got the answer, so that a busy test's machine does
not count; what was cut over UDP counts among the times of TCP. `late` is how far behind the clock the questions went out,
which does tell of the machine.
"""
import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

import lean  # isort: skip pylint: disable=unused-import
import dynamic
import wire

ZONE = 'legit.example.'
LABELS = (b'legit', b'example')
NAMES, BIG, UPDATED = 100, 40, 500
A, NS, SOA, TXT, OPT = 1, 2, 6, 16, 41
COOKIE, BADCOOKIE = 10, 23
SO_TIMESTAMPNS = 35     # <asm-generic/socket.h>; Python has no name for it
DEADLINE_S = 30         # of one question, with all that is tried
TRY_S = 2.0             # until a datagram counts as lost, where something else is tried then
SHOWN_MAX = 10
KEYS = dynamic.keys('legit')
ZONES = {ZONE: {
    'file': '$TTL 300\n@ SOA ns hostmaster 1 3600 900 1209600 300\n@ NS ns\nns A 192.0.2.53\ncut NS ns.cut\n'
            'ns.cut A 192.0.2.54\n' + ''.join(f'a{i} A 198.51.100.{i}\n' for i in range(NAMES))
            + ''.join(f'big TXT "{i:0100}"\n' for i in range(BIG)),
    'updates': [{'key': 'legit', 'under': ['u'], 'types': ['TXT']}]}}


class Clients:
    """What the module says. `result` has the figures when the block is over."""

    def __init__(self, server, *, udp=200, tcp=10, updates=0, cookies=False, tries=1, then_tcp=False,
                 sources=('127.0.0.1',), at_least=10):
        self.result = None
        self.process = None
        self.options = {'address': server.address, 'port': server.port, 'tries': tries, 'then_tcp': then_tcp,
                        'cookies': cookies, 'sources': sources, 'at_least': at_least,
                        'rates': {'udp': udp, 'tcp': tcp, 'updates': updates}}

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([sys.executable, __file__, json.dumps(self.options)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == 'started\n'
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            self.process.kill()
            self.process.communicate()
            return
        out, _ = self.process.communicate(timeout=4 * DEADLINE_S)      # the end of its stdin is the sign
        assert self.process.returncode == 0, 'the clients failed'
        self.result = json.loads(out)
        wrong = self.result.pop('wrong')
        for name, row in self.result.items():
            print(f'{name:8}' + ' '.join(f'{key} {number}' for key, number in row.items()))
        assert not wrong, '\n'.join(wrong)
        for name, rate in self.options['rates'].items():
            row = self.result[name]
            assert row['right'] == row['asked'] and (not rate or row['asked'] >= self.options['at_least']), (name, row)


# --- what is asked, and what is right ---

def wire_of(*labels):
    return b''.join(bytes([len(label)]) + label for label in (*labels, *LABELS)) + b'\0'


def text_of(text):
    return bytes([len(text)]) + text


def question_of(number):
    """(labels, type, whether an answer is right) of the udp and tcp questions, in turn."""
    i = number // 4 % NAMES
    if number % 4 == 1:
        return (b'none%d' % i,), A, lambda a: a.rcode == 3 and not a.answer and {r[1] for r in a.authority} == {SOA}
    if number % 40 == 2:
        texts = {text_of(b'%0100d' % k) for k in range(BIG)}
        return (b'big',), TXT, lambda a: a.rcode == 0 and {r[3] for r in a.answer} == texts
    if number % 4 == 2:
        return (b'x%d' % i, b'cut'), A, lambda a: a.rcode == 0 and not a.aa and not a.answer and a.authority == {
            (wire_of(b'cut'), NS, 300, wire_of(b'ns', b'cut'))}
    return (b'a%d' % i,), A, lambda a: a.rcode == 0 and a.aa and a.answer == {
        (wire_of(b'a%d' % i), A, 300, bytes([198, 51, 100, i]))}


def update_message(ident, owner, number):
    """The owner's TXT RRset is replaced (RFC 2136 s2.5.2, s2.5.1)."""
    rdata = text_of(b'%d' % number)
    body = (wire_of() + struct.pack('!HH', SOA, 1) + owner + struct.pack('!HHIH', TXT, 255, 0, 0)
            + owner + struct.pack('!HHIH', TXT, 1, 60, len(rdata)) + rdata)
    return struct.pack('!HHHHHH', ident, 0x2800, 1, 0, 2, 0) + body


def option_of(answer, code):
    """(the extended rcode's upper bits, the option's value or None) of an answer."""
    _, _, qdcount, *counts = struct.unpack_from('!HHHHHH', answer)
    at = 12
    for _ in range(qdcount):
        at = wire.read_name(answer, at)[1] + 4
    for _ in range(sum(counts)):
        at = wire.read_name(answer, at)[1]
        rdtype, _, ttl, length = struct.unpack_from('!HHIH', answer, at)
        at += 10
        option = at
        at += length
        while rdtype == OPT and option < at:
            found, length = struct.unpack_from('!HH', answer, option)
            if found == code:
                return ttl >> 24, answer[option + 4:option + 4 + length]
            option += 4 + length
    return 0, None


# --- one client ---

class Client:
    """Asks from one address over one UDP socket, and over TCP."""

    def __init__(self, options, source):
        self.source, self.server = source, (options['address'], options['port'])
        self.options, self.waiting = options, {}
        self.cookie = os.urandom(8) if options['cookies'] else None
        self.client_cookie = self.cookie
        self.ident = struct.unpack('!H', os.urandom(2))[0]
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind((source, 0))
        self.socket.connect(self.server)
        asyncio.get_running_loop().add_reader(self.socket, self.receive)

    def receive(self):
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                answer, control, _, _ = self.socket.recvmsg(65535, 64)
                future = self.waiting.get(answer[:2])
                if future and not future.done():
                    seconds, nanoseconds = struct.unpack('=qq', control[0][2][:16])
                    future.set_result((answer, seconds * 10**9 + nanoseconds))

    def new_id(self):
        self.ident = (self.ident + 1) & 0xffff
        return self.ident

    async def datagram(self, message, wait_s):
        """(answer, when it came), or (None, None)."""
        future = asyncio.get_running_loop().create_future()
        self.waiting[message[:2]] = future
        try:
            with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
                self.socket.send(message)
            return await asyncio.wait_for(future, wait_s)
        except asyncio.TimeoutError:
            return None, None
        finally:
            self.waiting.pop(message[:2], None)

    async def stream(self, message):
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as s:
            s.bind((self.source, 0))
            await loop.sock_connect(s, self.server)
            await loop.sock_sendall(s, struct.pack('!H', len(message)) + message)
            data = b''
            while len(data) < 2 or len(data) < 2 + struct.unpack_from('!H', data)[0]:
                chunk = await loop.sock_recv(s, 65536)
                if not chunk:
                    raise ConnectionResetError(f'closed after {len(data)} bytes of the answer')
                data += chunk
            return data[2:], time.time_ns()

    def query(self, labels, rdtype):
        """A question's bytes, with OPT and, if wanted, the cookie."""
        message = wire.question(labels + LABELS, rdtype, ident=self.new_id(), dnssec=False)
        if not self.cookie:
            return message
        return message[:-2] + struct.pack('!HHH', 4 + len(self.cookie), COOKIE, len(self.cookie)) + self.cookie

    def learn(self, answer):
        """True: the question is to be asked again, with the cookie that the server has given now."""
        upper, value = option_of(answer, COOKIE)
        if value and value[:8] == self.client_cookie:
            self.cookie = value
        return upper << 4 | answer[3] & 15 == BADCOOKIE

    async def udp(self, make, row):
        """The answer to the message that make() gives, when it came, and which clients' time that is: over UDP and, where
        that is cut or lost, over TCP."""
        for left in reversed(range(self.options['tries'])):
            wait_s = TRY_S if left or self.options['then_tcp'] else DEADLINE_S
            answer, at = await self.datagram(make(), wait_s)
            if answer and self.cookie and self.learn(answer):
                row['badcookie'] += 1
                answer, at = await self.datagram(make(), wait_s)
            if answer and not answer[2] & 2:
                return answer, at, 'udp'
            if answer:
                row['cut'] += 1
                return *await self.stream(make()), 'tcp'
            row['lost'] += 1
        if not self.options['then_tcp']:
            raise TimeoutError('no answer')
        return *await self.stream(make()), 'udp'


# --- all of them ---

class Crowd:
    """The process in the background."""

    def __init__(self, options):
        self.options = options
        self.clients = [Client(options, source) for source in options['sources']]
        self.signer = dynamic.Signer('legit', KEYS['legit']['secret'])
        self.rows = {name: {'asked': 0, 'right': 0, 'cut': 0, 'lost': 0, 'badcookie': 0} for name in options['rates']}
        self.times = {name: [] for name in self.rows}
        self.late = {name: [] for name in self.rows}
        self.wrong, self.tasks = [], set()
        self.is_over = asyncio.Event()

    async def ask_udp(self, client, number):
        labels, rdtype, is_right = question_of(number)
        answer, at, of = await client.udp(lambda: client.query(labels, rdtype), self.rows['udp'])
        return is_right(wire.read(answer)), answer, at, of

    async def ask_tcp(self, client, number):
        labels, rdtype, is_right = question_of(number)
        answer, at = await client.stream(client.query(labels, rdtype))
        return is_right(wire.read(answer)), answer, at, 'tcp'

    async def ask_updates(self, client, number):
        labels = (b'n%d' % (number % UPDATED), b'u')
        owner = wire_of(*labels)
        answer, at, _ = await client.udp(lambda: self.signer.sign(update_message(client.new_id(), owner, number)),
                                      self.rows['updates'])
        if answer[3] & 15:
            return False, answer, at, 'updates'
        answer, *_ = await client.udp(lambda: client.query(labels, TXT), self.rows['updates'])
        return {r[3] for r in wire.read(answer).answer} == {text_of(b'%d' % number)}, answer, at, 'updates'

    async def ask(self, name, number):
        client = self.clients[number % len(self.clients)]
        row, start = self.rows[name], time.time_ns()
        row['asked'] += 1
        try:
            is_right, answer, at, of = await asyncio.wait_for(getattr(self, f'ask_{name}')(client, number), DEADLINE_S)
            row['right'] += is_right
            self.times[of].append((at - start) / 1e6)
            if not is_right:
                self.note(f'{name} {number}: {answer.hex()}')
        except (OSError, asyncio.TimeoutError) as error:
            self.note(f'{name} {number}: {error!r} after {(time.time_ns() - start) / 1e9:.1f} s')

    def note(self, text):
        if len(self.wrong) < SHOWN_MAX:
            self.wrong.append(text)

    def pace(self, name, start, number):
        """One question by the clock, and the next one."""
        loop = asyncio.get_running_loop()
        self.late[name].append((loop.time() - start - number / self.options['rates'][name]) * 1e3)
        task = loop.create_task(self.ask(name, number))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        if not self.is_over.is_set() or number + 1 < self.options['at_least']:
            loop.call_at(start + (number + 1) / self.options['rates'][name], self.pace, name, start, number + 1)

    def is_done(self):
        return self.is_over.is_set() and not self.tasks and all(
            not rate or self.rows[name]['asked'] >= self.options['at_least']
            for name, rate in self.options['rates'].items())

    async def run(self):
        loop = asyncio.get_running_loop()
        loop.add_reader(sys.stdin, self.is_over.set)
        for name, rate in self.options['rates'].items():
            if rate:
                self.pace(name, loop.time(), 0)
        print('started', flush=True)
        await self.is_over.wait()
        loop.remove_reader(sys.stdin)
        while not self.is_done():
            await asyncio.wait(list(self.tasks) or [loop.create_task(self.is_over.wait())], timeout=0.05)

    def show(self):
        for name, row in self.rows.items():
            times, late = sorted(self.times[name]), sorted(self.late[name])
            if times:
                row.update({'p50': round(times[len(times) // 2], 2), 'p99': round(times[len(times) * 99 // 100], 2),
                            'max': round(times[-1], 2), 'late-p99': round(late[len(late) * 99 // 100], 2)})
        print(json.dumps({**self.rows, 'wrong': self.wrong}))


async def main(options):
    crowd = Crowd(options)
    await crowd.run()
    crowd.show()


if __name__ == '__main__':
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(main(json.loads(sys.argv[1])))
