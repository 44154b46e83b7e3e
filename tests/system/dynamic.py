# SPDX-License-Identifier: Apache-2.0
"""What tests of dynamic update share: keys, zones that may be updated, many updates in flight, what a zone holds.

The real clients are tried on one server after another: REEVE_UPDATES names it, reeved unless it says named or knotd. So a
test that fails can be held against a server that is known to be right.
"""
import base64
import contextlib
import hashlib
import hmac
import os
import select
import socket
import struct
import subprocess
import time

import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.update
import dns.zone

import harness
import wire

TARGET = os.environ.get('REEVE_UPDATES', 'reeved')
ALGORITHMS = ['hmac-md5', 'hmac-sha1', 'hmac-sha224', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512']
ZONE = '''$TTL 300
@      SOA   ns hostmaster 1 3600 900 1209600 300
@      NS    ns
ns     A     192.0.2.1
www    A     192.0.2.80
www    AAAA  2001:db8::80
www    TXT   "one" "two"
alias  CNAME www
*.wild TXT   "wild"
cut    NS    ns.cut
ns.cut A     192.0.2.53
'''
TYPES = ['A', 'AAAA', 'NS', 'SOA', 'CNAME', 'DNAME', 'PTR', 'MX', 'TXT', 'SRV', 'DS', 'DHCID', 'CAA', 'NAPTR', 'TLSA', 'SSHFP',
         'HINFO', 'WKS', 'TYPE65280']
FLIGHT_TIMEOUT_S = 30


def secret_of(name):
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


def keys(*names, algorithm='hmac-sha256'):
    """The configuration's `keys` for those names."""
    return {name: {'algorithm': algorithm, 'secret': secret_of(name)} for name in names}


def keyring(all_keys):
    """dnspython's of the same."""
    names = {'hmac-md5': dns.tsig.HMAC_MD5}
    return {dns.name.from_text(name): dns.tsig.Key(name, key['secret'], names.get(key['algorithm'], key['algorithm']))
            for name, key in all_keys.items()}


def all_by(*names, text=ZONE, **more):
    """A zone in which each of those keys may do everything, also to what the file has."""
    return {'file': text, 'protect': 'none', 'updates': [{'key': name, 'all': 'yes', 'types': TYPES} for name in names],
            **more}


# --- one message at a time ---

def update_of(zone, all_keys, key='k'):
    """An UPDATE as dnspython makes it, signed with that key when it is written; None: unsigned."""
    return dns.update.UpdateMessage(zone, keyring=keyring(all_keys) if key else None, keyname=key)


def rcode_of(server, message, tcp=False):
    return dns.rcode.to_text(server.send(message, tcp=tcp).rcode())


def texts(server, name, rdtype, **how):
    """The answer's records as sorted texts; None: NXDOMAIN."""
    answer = server.ask(name, rdtype, **how)
    if answer.rcode() == dns.rcode.NXDOMAIN:
        return None
    assert answer.rcode() == dns.rcode.NOERROR, answer
    return sorted(rdata.to_text() for rrset in answer.answer for rdata in rrset)


# --- very many ---

class Signer:
    """Signs messages with an HMAC-SHA256 key, faster than a library that can do more."""
    ALGORITHM = b'\x0bhmac-sha256\0'
    FUDGE_S = 300

    def __init__(self, name, secret):
        self.name = dns.name.from_text(name).to_wire()
        self.mac = hmac.new(base64.b64decode(secret), digestmod='sha256')

    def sign(self, message):
        times = struct.pack('!QH', int(time.time()), self.FUDGE_S)[2:]
        mac = self.mac.copy()
        mac.update(message + self.name + struct.pack('!HI', 255, 0) + self.ALGORITHM + times + bytes(4))
        rdata = self.ALGORITHM + times + struct.pack('!H', 32) + mac.digest() + message[:2] + bytes(4)
        return (message[:10] + struct.pack('!H', struct.unpack_from('!H', message, 10)[0] + 1) + message[12:]
                + self.name + struct.pack('!HHIH', 250, 255, 0, len(rdata)) + rdata)


def add_of(ident, zone, records):
    """An UPDATE that adds (owner, type, ttl, rdata), names and rdata as wire."""
    body = b''.join(owner + struct.pack('!HHIH', rdtype, 1, ttl, len(rdata)) + rdata for owner, rdtype, ttl, rdata in records)
    return struct.pack('!HHHHHH', ident, 0x2800, 1, 0, len(records), 0) + zone + struct.pack('!HH', 6, 1) + body


def name_wire(name):
    return dns.name.from_text(name).to_wire()


class Flight:
    """Updates over one UDP socket, `window` of them under way at a time, each adding an A and a TXT record to a new name.

    Number i adds them to u<i>.<zone>. acked has the numbers that were answered NOERROR, refused {number: rcode} all
    others that were answered, sent all numbers from `first` to `last`. Goes on from one run() to the next."""

    def __init__(self, server, signer, zone='example.', window=64):
        self.server, self.signer, self.zone, self.window = server, signer, zone, window
        self.acked, self.refused = set(), {}
        self.first = self.last = 0      # [first, last) were sent
        self.zone_wire = name_wire(zone)

    def owner(self, number):
        label = b'u%d' % number
        return bytes([len(label)]) + label + self.zone_wire

    @staticmethod
    def a_of(number):
        return struct.pack('!I', 10 << 24 | number)

    @staticmethod
    def txt_of(number):
        text = b'update %d' % number
        return bytes([len(text)]) + text

    def message(self, number):
        owner = self.owner(number)
        return self.signer.sign(add_of(number & 0xffff, self.zone_wire, [
            (owner, 1, 300, self.a_of(number)), (owner, 16, 300, self.txt_of(number))]))

    def run(self, total, when=None):
        """Sends `total` more. when(answers of this run so far) is called after each and may end the server; True ends the
        run. Returns when all are answered, or when the server is gone and all that it had sent is read."""
        under_way, answers = {}, 0
        end, stop = self.last + total, time.monotonic() + FLIGHT_TIMEOUT_S
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((self.server.address, self.server.port))
            while self.last < end or under_way:
                is_gone = not self.server.is_running()
                with contextlib.suppress(ConnectionRefusedError):       # what came before it can still be read
                    while not is_gone and self.last < end and len(under_way) < self.window:
                        under_way[self.last & 0xffff] = self.last
                        self.last += 1
                        s.send(self.message(self.last - 1))
                if not select.select([s], [], [], 0.05 if is_gone else 0.1)[0]:
                    if is_gone:
                        return
                    assert time.monotonic() < stop, f'{len(under_way)} updates without an answer'
                    continue
                with contextlib.suppress(ConnectionRefusedError):
                    answer = s.recv(65535)
                    self._take(under_way.pop(struct.unpack_from('!H', answer)[0]), answer[3] & 15)
                    answers += 1
                    if when and when(answers):
                        return

    def _take(self, number, rcode):
        if rcode == 0:
            self.acked.add(number)
        else:
            self.refused[number] = rcode

    def found(self, numbers):
        """{number: which of its two records the server has}: 'A', 'TXT', 'A TXT' or ''; each of them as it was sent."""
        numbers = list(numbers)
        zone = dns.name.from_text(self.zone).labels[:-1]
        questions = [((b'u%d' % n, *zone), t) for n in numbers for t in (1, 16)]
        answers = wire.ask_all(self.server, questions, None)
        result = {}
        for i, number in enumerate(numbers):
            what = []
            for answer, text, rdtype, rdata in ((answers[2 * i], 'A', 1, self.a_of(number)),
                                                (answers[2 * i + 1], 'TXT', 16, self.txt_of(number))):
                assert answer.rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN), (number, answer)
                if answer.answer:
                    assert answer.answer == {(self.owner(number), rdtype, 300, rdata)}, (number, answer)
                    what.append(text)
            result[number] = ' '.join(what)
        return result

    def judge(self):
        """All that was acknowledged is there whole, and nothing is there by half. Gives what found() does."""
        found = self.found(range(self.first, self.last))
        assert {n for n, what in found.items() if what not in ('', 'A TXT')} == set(), 'half-applied'
        assert self.acked - {n for n, what in found.items() if what} == set(), 'acknowledged and lost'
        assert not [n for n in self.refused if found[n]], 'refused and done'
        return found


# --- real clients ---

def run_client(*command, stdin=None, env=None, deadline_s=harness.DEADLINE_S, **how):
    return subprocess.run([str(c) for c in command], input=stdin, text=True, capture_output=True, check=False,
                          timeout=deadline_s, env={**os.environ, **(env or {})}, **how)


# --- all of a zone ---

def records_of(server, zone):
    """All records as a set of (owner, type, TTL, rdata), also those that no query shows: by a transfer, or by `export`."""
    if isinstance(server, harness.Reeved):
        read = dns.zone.from_text(server.reevectl('export', zone).stdout, zone, relativize=False, check_origin=False)
    else:
        read = dns.zone.from_xfr(dns.query.xfr(server.address, zone, port=server.port, relativize=False), relativize=False)
    return {(owner.to_text().lower(), dns.rdatatype.to_text(rdata.rdtype), ttl, rdata.to_digestable().hex())
            for owner, ttl, rdata in read.iterate_rdatas()}


def whole_zones(pair, zone):
    """{owner: its records at the one and at the other}, for a message that says where they differ."""
    both = [records_of(server, zone) for server in pair]
    owners = {record[0] for records in both for record in records}
    return {owner: tuple(sorted(r for r in records if r[0] == owner) for records in both) for owner in owners}
