# SPDX-License-Identifier: Apache-2.0
"""A primary that does what a test says: answers SOA, AXFR and IXFR over UDP and TCP as a server would, keeps what it was
asked, and fails in whatever way the test sets."""
import socket
import struct
import threading

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsigkeyring

import harness

EXPIRE = 9              # RFC 7314
MESSAGE_RECORDS = 100


def rrset(text):
    owner, ttl, rdtype, rdata = text.split(None, 3)
    return dns.rrset.from_text(owner, int(ttl), 'IN', rdtype, rdata)


def ixfr(zone, serial):
    query = dns.message.make_query(zone, 'IXFR')
    query.authority = [dns.rrset.from_text(zone, 0, 'IN', 'SOA', f'. . {serial} 0 0 0 0')]
    return query


class Primary:
    """Of one zone. versions: {serial: set of "OWNER TTL TYPE RDATA"}, without SOA, in the order they came."""

    def __init__(self, zone, records, serial=1, key=None, times='3600 900 1209600'):
        self.zone, self.key, self.times = zone, key, times
        self.versions = {serial: set(records)}
        self.serial = serial
        self.asked = []             # (transport, type, serial or None)
        self.is_silent = False      # hears nothing
        self.has_ixfr = True
        self.has_edns = True        # else what has an OPT is answered FORMERR, without one (RFC 6891 s7), and unsigned
        self.had_edns = []          # each of `asked`
        self.expire = None          # what the EXPIRE option says
        self.hold = None            # an Event: after the first message of a transfer, until it is set
        self.port = harness.free_port()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for s in (self.udp, self.tcp):
            s.bind(('127.0.0.1', self.port))
        self.tcp.listen(16)
        for run in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=run, daemon=True).start()

    @property
    def remote(self):
        return {'address': f'127.0.0.1@{self.port}', **({'key': 'k'} if self.key else {})}

    def keyring(self):
        return dns.tsigkeyring.from_text({'k': ('hmac-sha256', self.key)}) if self.key else None

    def publish(self, serial, records):
        self.versions.pop(serial, None)     # it may come a second time
        self.versions[serial] = set(records)
        self.serial = serial

    def forget(self):
        del self.asked[:]

    def types(self):
        return [kind for _, kind, _ in self.asked]

    def soa(self, serial):
        return f'{self.zone} 300 SOA ns.{self.zone} h.{self.zone} {serial} {self.times} 300'

    def close(self):
        for s in (self.udp, self.tcp):
            with_shutdown(s)

    # --- answers ---

    def whole(self):
        return [self.soa(self.serial), *sorted(self.versions[self.serial]), self.soa(self.serial)]

    def steps(self, serial):
        known = list(self.versions)
        records = [self.soa(self.serial)]
        for old, new in zip(known[known.index(serial):], known[known.index(serial) + 1:]):
            records += [self.soa(old), *sorted(self.versions[old] - self.versions[new]),
                        self.soa(new), *sorted(self.versions[new] - self.versions[old])]
        return records + [self.soa(self.serial)]

    def records(self, query):
        kind = query.question[0].rdtype
        if kind == dns.rdatatype.SOA:
            return [self.soa(self.serial)]
        if kind == dns.rdatatype.AXFR:
            return self.whole()
        serial = query.authority[0][0].serial
        if serial == self.serial:
            return [self.soa(self.serial)]
        return self.steps(serial) if self.has_ixfr and serial in self.versions else self.whole()

    def answer(self, wire, transport):
        query = dns.message.from_wire(wire, keyring=self.keyring(), one_rr_per_rrset=True)
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append((transport, kind, query.authority[0][0].serial if query.authority else None))
        self.had_edns.append(query.edns >= 0)
        if query.edns >= 0 and not self.has_edns:
            return [struct.pack('!HHHHHH', query.id, 0x8001, 0, 0, 0, 0)]
        records, context, wires = self.records(query), None, []
        for start in range(0, len(records), MESSAGE_RECORDS):
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.AA
            if start:
                reply.question = []
            if self.expire is not None and any(o.otype == EXPIRE for o in query.options):
                reply.use_edns(0, options=[dns.edns.GenericOption(EXPIRE, struct.pack('!I', self.expire))])
            reply.answer = [rrset(text) for text in records[start:start + MESSAGE_RECORDS]]
            if self.key:
                reply.use_tsig(self.keyring(), keyname='k.', algorithm='hmac-sha256')
                reply.request_mac = query.mac
            wires.append(reply.to_wire(multi=context is not None or len(records) > MESSAGE_RECORDS, tsig_ctx=context,
                                       max_size=65535))
            context = reply.tsig_ctx
        return wires

    def serve_udp(self):
        while True:
            try:
                wire, peer = self.udp.recvfrom(65535)
            except OSError:
                return
            if not wire:
                return          # shut down
            if not self.is_silent:
                self.udp.sendto(self.answer(wire, 'udp')[0], peer)

    def serve_tcp(self):
        while True:
            try:
                s, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_connection, args=(s,), daemon=True).start()

    def serve_connection(self, s):
        with s, s.makefile('rb') as stream:
            try:
                while (head := stream.read(2)) and not self.is_silent:
                    wires = self.answer(stream.read(struct.unpack('!H', head)[0]), 'tcp')
                    for i, wire in enumerate(wires):
                        if i and self.hold:
                            self.hold.wait(harness.DEADLINE_S)
                        s.sendall(struct.pack('!H', len(wire)) + wire)
            except OSError:
                pass            # the server under test was killed


def with_shutdown(s):
    try:
        s.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    s.close()


def notify(server, zone, soa=None, *, key=None, source='127.0.0.1'):
    """Sends NOTIFY; the answer."""
    message = dns.message.make_query(zone, 'SOA')
    message.set_opcode(dns.opcode.NOTIFY)
    message.flags = message.flags & ~dns.flags.RD | dns.flags.AA
    if soa:
        message.answer = [rrset(soa)]
    if key:
        message.use_tsig(dns.tsigkeyring.from_text({'k': ('hmac-sha256', key)}), keyname='k.', algorithm='hmac-sha256')
    return dns.query.udp(message, server.address, harness.ASK_TIMEOUT_S, server.port, source=source)
