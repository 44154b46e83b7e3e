# SPDX-License-Identifier: Apache-2.0
"""Extended DNS errors (RFC 8914): whatever is refused, and for whatever reason, the answer says so to who sent an OPT. The
rcode and the number are compared, and that there is a text; who has no key of ours is told no name of a key."""
import re
import struct
import subprocess

import dns.edns
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

import dynamic
import harness
import wire

OTHER, NOT_READY, PROHIBITED, NOT_AUTHORITATIVE, NOT_SUPPORTED, NETWORK, INVALID = 0, 14, 18, 20, 21, 23, 24
MUST_SAY = {'REFUSED', 'NOTAUTH', 'SERVFAIL', 'NOTIMP'}
KEYS = dynamic.keys('k', 'other')
DEAD = '127.0.0.2@1'        # nobody is there


def query(name, rdtype='A', rdclass='IN'):
    return harness.query_of(name, rdtype, rdclass=rdclass)


def ixfr(zone):
    message = query(zone, 'IXFR')
    message.authority.append(dns.rrset.from_text(zone, 0, 'IN', 'SOA', '. . 1 0 0 0 0'))
    return message


def notify(zone):
    message = query(zone, 'SOA')
    message.set_opcode(dns.opcode.NOTIFY)
    return message


def update(zone, key=None, owner='a', rdtype='A', rdata='192.0.2.7'):
    message = dynamic.update_of(zone, KEYS, key)
    message.add(owner, 60, rdtype, rdata)
    message.use_edns(0, payload=1232)
    return message


def strange_opcode():
    message = query('example.')
    message.set_opcode(dns.opcode.STATUS)
    return message


def signed(message, key, keys=None):
    message.use_tsig(dynamic.keyring(keys or KEYS), key)
    return message


def bad_signature():
    keys = dynamic.keys('k')
    keys['k']['secret'] = dynamic.secret_of('another')
    return signed(query('www.example.'), 'k', keys)


# what, the message, over TCP, rcode, number
ROWS = [
    ('no zone of ours', query('www.test.'), False, 'REFUSED', NOT_AUTHORITATIVE),
    ('the same over TCP', query('www.test.'), True, 'REFUSED', NOT_AUTHORITATIVE),
    ('class CH, nothing to say', query('version.bind.', 'TXT', 'CH'), False, 'REFUSED', PROHIBITED),
    ('another class', query('www.example.', 'A', 'HS'), False, 'REFUSED', NOT_AUTHORITATIVE),
    ('a type for nobody', query('example.', 'MAILB'), False, 'NOTIMP', NOT_SUPPORTED),
    ('an opcode for nobody', strange_opcode(), False, 'NOTIMP', NOT_SUPPORTED),
    ('not loaded', query('www.broken.'), False, 'SERVFAIL', NOT_READY),
    ('not transferred', query('www.waiting.'), False, 'SERVFAIL', NOT_READY),
    ('AXFR that no rule allows', query('example.', 'AXFR'), True, 'REFUSED', PROHIBITED),
    ('AXFR with a key that no rule is for', signed(query('example.', 'AXFR'), 'other'), True, 'REFUSED', PROHIBITED),
    ('AXFR of no zone of ours', query('test.', 'AXFR'), True, 'NOTAUTH', NOT_AUTHORITATIVE),
    ('AXFR of what is not loaded', signed(query('broken.', 'AXFR'), 'k'), True, 'SERVFAIL', NOT_READY),
    ('AXFR over UDP', query('example.', 'AXFR'), False, 'FORMERR', OTHER),
    ('IXFR that no rule allows', ixfr('example.'), True, 'REFUSED', PROHIBITED),
    ('the same over UDP', ixfr('example.'), False, 'REFUSED', PROHIBITED),
    ('NOTIFY for a primary zone', notify('example.'), False, 'REFUSED', PROHIBITED),
    ('NOTIFY of a stranger', notify('waiting.'), False, 'REFUSED', PROHIBITED),
    ('NOTIFY for no zone of ours', notify('test.'), False, 'NOTAUTH', NOT_AUTHORITATIVE),
    ('UPDATE that no grant allows', update('example.'), False, 'REFUSED', PROHIBITED),
    ('UPDATE of a key for something else', update('example.', 'other'), False, 'REFUSED', PROHIBITED),
    ('UPDATE of a zone that takes none', update('fixed.'), False, 'REFUSED', PROHIBITED),
    ('UPDATE of no zone of ours', update('test.'), False, 'NOTAUTH', NOT_AUTHORITATIVE),
    ('UPDATE of a secondary', update('waiting.'), False, 'NOTIMP', NOT_SUPPORTED),
    ('UPDATE that no primary takes', update('forwarding.'), False, 'SERVFAIL', NETWORK),
    ('UPDATE of what is not loaded', update('broken.', 'k'), False, 'SERVFAIL', NOT_READY),
    ('UPDATE of a name elsewhere', update('example.', 'k', 'a.test.'), False, 'NOTZONE', OTHER),
    ('a key that is not ours', signed(query('www.example.'), 'x', dynamic.keys('x')), False, 'NOTAUTH', PROHIBITED),
    ('a signature that is wrong', bad_signature(), False, 'NOTAUTH', PROHIBITED),
]


@pytest.fixture(name='server')
def fixture_server(reeved_ready):
    server = reeved_ready({
        'example.': {'file': dynamic.ZONE, 'updates': [{'key': 'k', 'all': 'yes'}], 'transfer': [{'key': 'k'}]},
        'fixed.': dynamic.ZONE,
        'broken.': {'file': '@ SOA is not\n', 'updates': [{'key': 'k', 'all': 'yes'}], 'transfer': [{'key': 'k'}]},
        'waiting.': {'primaries': ['dead']},
        'forwarding.': {'primaries': ['dead'], 'forward-updates': 'yes'}}, keys=KEYS, remotes={'dead': {'address': DEAD}})
    server.configure()
    server.run(wait=False)
    server.notice('READY', '1')
    server.until(lambda: server.answers('example.') and server.answers('fixed.'), 'zones served')
    server.until(lambda: 'zone not loaded' in server.log(), 'the broken zone given up')
    return server


def options_of(reply):
    """The whole rcode and the options of an answer, read here: it may be signed with a key that nobody knows."""
    flags, *counts = struct.unpack_from('!HHHHH', reply, 2)
    at, rcode, options = 12, flags & 15, []
    for i in range(sum(counts)):
        _, at = wire.read_name(reply, at)
        if i < counts[0]:
            at += 4
            continue
        rdtype, _, upper, _, _, length = struct.unpack_from('!HHBBHH', reply, at)
        at, end = at + 10, at + 10 + length
        if rdtype == dns.rdatatype.OPT:
            rcode |= upper << 4
            while at < end:
                code, length = struct.unpack_from('!HH', reply, at)
                options.append((code, reply[at + 4:at + 4 + length]))
                at += 4 + length
        at = end
    return dns.rcode.to_text(rcode), options


def answer_to(server, message, tcp):
    """The rcode, the number (None: no error) and the text."""
    asked = message.to_wire()
    if tcp:
        with server.connect() as s:
            s.sendall(struct.pack('!H', len(asked)) + asked)
            with s.makefile('rb') as f:
                reply = f.read(struct.unpack('!H', f.read(2))[0])
    else:
        reply = server.send_raw(asked, timeout_s=harness.DEADLINE_S)
    rcode, options = options_of(reply)
    errors = [data for code, data in options if code == 15]
    assert len(errors) <= 1
    return (rcode, struct.unpack_from('!H', errors[0])[0], errors[0][2:].decode('ascii')) if errors else (rcode, None, '')


def test_every_refusal_says_why(server):
    for what, message, tcp, rcode, number in ROWS:
        got = answer_to(server, message, tcp)
        assert got[:2] == (rcode, number), f'{what}: {got}'
        assert number is not None or rcode not in MUST_SAY, what
        assert 0 < len(got[2]) < 128, what
        if message.keyname is None:
            assert not re.search(r'\bk\b', got[2]), f'{what}: {got[2]}'


def test_what_is_no_refusal_says_nothing_and_so_does_who_is_asked_without_opt(server):
    for message in (query('www.example.'), query('nowhere.example.'), query('a.cut.example.'), query('www.example.', 'MX')):
        assert answer_to(server, message, False)[1] is None
    for what, message, tcp, rcode, _ in ROWS:
        if not message.keyring:
            message.use_edns(False)
            assert answer_to(server, message, tcp) == (rcode, None, ''), what


def test_holders_of_a_key_are_told_the_rule(server):
    got = answer_to(server, update('example.', 'other'), False)
    assert 'updates[0]' in got[2] or 'other' in got[2]


def test_other_programs_read_it(server):
    kdig = subprocess.run(['kdig', '@127.0.0.1', '-p', str(server.port), '+edns', 'www.test.', 'A'], capture_output=True,
                          text=True, check=True)
    assert 'Not Authoritative' in kdig.stdout and 'no zone of ours' in kdig.stdout, kdig.stdout
    reply = server.ask('www.broken.')
    errors = [option for option in reply.options if isinstance(option, dns.edns.EDEOption)]
    assert [(e.code, e.text) for e in errors] == [(NOT_READY, 'the zone is not loaded')]


def test_an_expired_zone_says_so(reeved):
    """RFC 8914 s4.25; RFC 9660 s3.2: a SERVFAIL has the version of the zone as well."""
    zone = dynamic.ZONE.replace('3600 900 1209600', '1 1 1')
    primary = reeved({'example.': {'file': zone, 'transfer': [{'unsigned': 'yes'}]}})
    server = reeved({'example.': {'primaries': ['p'], 'transfer': [{'unsigned': 'yes'}]}},
                    remotes={'p': {'address': f'127.0.0.1@{primary.port}'}})
    server.until(lambda: server.answers('example.'), 'taken')
    primary.kill()
    server.until(lambda: not server.answers('example.'), 'expired')
    for message, tcp in ((query('www.example.'), False), (query('example.', 'AXFR'), True), (ixfr('example.'), False)):
        message.use_edns(0, payload=1232, options=[dns.edns.GenericOption(19, b'')])
        got = answer_to(server, message, tcp)
        assert got == ('SERVFAIL', INVALID, 'the zone has expired here')
    reply = server.send(message)
    assert [option.to_wire() for option in reply.options if option.otype == 19] == [b'\1\0' + struct.pack('!I', 1)]
