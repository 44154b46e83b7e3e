# SPDX-License-Identifier: Apache-2.0
"""All EDNS options in all combinations, right and wrong, against the daemon: which are FORMERR is worked out here from the
RFCs, option by option; what comes back is read by dnspython, and is never longer than it may be."""
import collections
import os
import random
import socket
import struct

import dns.message
import dns.name
import dns.rcode

import harness

ZONE = '''$TTL 300
@     SOA  ns hostmaster 1 3600 900 1209600 300
@     NS   ns
ns    A    192.0.2.1
''' + ''.join(f'big   TXT  "{"x" * 60}{i}"\n' for i in range(14))
NAMES = ['ns.example.', 'big.example.', 'nowhere.example.', 'www.test.', 'example.']
ROUNDS = int(os.environ.get('REEVE_EDNS_ROUNDS', '3000'))
NSID, SUBNET, EXPIRE, COOKIE, KEEPALIVE, PADDING, EDE, REPORT, VERSION = 3, 8, 9, 10, 11, 12, 15, 18, 19
ONLY_ASKED = {NSID, SUBNET, EXPIRE, COOKIE, KEEPALIVE, VERSION}
UDP_MAX = 1232


def subnet_is_right(data, _):
    """RFC 7871 s6; family 0 is what some say who have no address to tell."""
    if len(data) < 4:
        return False
    family, source, scope = struct.unpack_from('!HBB', data)
    address = data[4:]
    if family > 2 or source > {0: 0, 1: 32, 2: 128}[family] or scope or len(address) != (source + 7) // 8:
        return False
    return source % 8 == 0 or address[-1] & (0xff >> source % 8) == 0


# What makes a payload right, for the first of its kind; the rest are never wrong.
RIGHT = {
    SUBNET: subnet_is_right,
    COOKIE: lambda data, _: len(data) == 8 or 16 <= len(data) <= 40,            # RFC 7873 s5.2.2
    KEEPALIVE: lambda data, tcp: not tcp or not data,                           # RFC 7828 s3.2.1, s3.3.1
    VERSION: lambda data, _: not data,                                          # RFC 9660 s3.2.1
}


def is_right(options, tcp):
    seen = set()
    for code, data in options:
        if code in seen:
            if code == VERSION:         # RFC 9660 s3.2.1
                return False
            continue
        seen.add(code)
        if code in RIGHT and not RIGHT[code](data, tcp):
            return False
    return True


def payload(dice, code):
    if code == SUBNET and dice.random() < 0.8:
        family = dice.choice([1, 1, 2])
        bits = dice.randrange(0, 33 if family == 1 else 129)
        address = int.from_bytes(dice.randbytes((bits + 7) // 8), 'big') >> -bits % 8 << -bits % 8
        return struct.pack('!HBB', family, bits, 0) + address.to_bytes((bits + 7) // 8, 'big')
    lengths = {COOKIE: [8, 8, 16, 24, 24, 40], KEEPALIVE: [0], VERSION: [0], EXPIRE: [0], NSID: [0], PADDING: [0, 7, 300]}
    if dice.random() < 0.9 and code in lengths:
        return dice.randbytes(dice.choice(lengths[code]))
    return dice.randbytes(dice.randrange(0, 44))


def random_query(dice, ident):
    codes = dice.choices([*ONLY_ASKED, PADDING, EDE, REPORT, 65001, 14, 0], k=dice.choice([1, 2, 3, 5, 9]))
    options = [(code, payload(dice, code)) for code in codes]
    rdata = b''.join(struct.pack('!HH', code, len(data)) + data for code, data in options)
    version = dice.choice([0] * 20 + [1, 255])
    is_cut = dice.random() < 0.05
    size = dice.choice([0, 100, 512, 513, 600, 1232, 1232, 4096, 65535])
    name = dns.name.from_text(dice.choice(NAMES)).to_wire()
    wire = struct.pack('!HHHHHH', ident, 0, 1, 0, 0, 1) + name + struct.pack('!HH', dice.choice([1, 6, 16, 255]), 1)
    rdata = rdata[:-1] if is_cut else rdata
    wire += struct.pack('!BHHBBHH', 0, 41, size, 0, version, dice.choice([0, 0x8000, 0x7fff]), len(rdata)) + rdata
    return wire, options, version, is_cut, size


def check(reply, wire, options, version, is_cut, size, tcp):
    m = dns.message.from_wire(reply)
    assert m.id == struct.unpack_from('!H', wire)[0] and m.edns == 0
    assert len(reply) <= (65535 if tcp else min(max(512, size), UDP_MAX))
    rcode = dns.rcode.to_text(m.rcode())
    came = collections.Counter(option.otype for option in m.options)
    assert not came or max(came.values()) == 1, came
    if version:
        assert rcode == 'BADVERS' and set(came) <= {REPORT}
    elif is_cut or not is_right(options, tcp):
        assert rcode == 'FORMERR' and set(came) <= {REPORT}, (rcode, options)
    else:
        assert rcode in ('NOERROR', 'NXDOMAIN', 'REFUSED'), (rcode, options)
        asked = {code for code, _ in options}
        assert set(came) <= (asked & ONLY_ASKED) | {REPORT, EDE}, (asked, came)
        must = asked & {NSID, SUBNET, COOKIE} | (asked & {KEEPALIVE} if tcp else set())
        must |= asked & {VERSION, EXPIRE} if rcode != 'REFUSED' else set()
        assert must <= set(came), (must, came)
        assert (EDE in came) == (rcode == 'REFUSED')
        sent = {code: data for code, data in reversed(options)}       # the first of each
        for option in m.options:
            if option.otype == COOKIE:
                assert option.to_wire()[:8] == sent[COOKIE][:8] and len(option.to_wire()) == 24
            if option.otype == SUBNET:
                assert option.to_wire()[:3] + option.to_wire()[4:] == sent[SUBNET][:3] + sent[SUBNET][4:]
                assert option.to_wire()[3] == 0


def test_options_in_all_combinations_are_answered_as_the_rfcs_say(reeved):
    server = reeved({'example.': ZONE}, server={'identity': 'ns1', 'report-agent': 'er.example.net'})
    seed = int(os.environ.get('REEVE_SEED', random.SystemRandom().randrange(1 << 32)))
    print('REEVE_SEED', seed)
    dice = random.Random(seed)
    rounds = ROUNDS // 10 if server.is_slow() else ROUNDS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, server.connect() as tcp, tcp.makefile('rb') as stream:
        udp.connect((server.address, server.port))
        udp.settimeout(harness.DEADLINE_S)
        for i in range(rounds):
            asked = random_query(dice, i & 0xffff)
            if i % 3:
                udp.send(asked[0])
                check(udp.recv(65535), *asked, False)
            else:
                tcp.sendall(struct.pack('!H', len(asked[0])) + asked[0])
                check(stream.read(struct.unpack('!H', stream.read(2))[0]), *asked, True)
    stats = server.counters()
    for name in ('cookie', 'error', 'keepalive', 'nsid', 'expire', 'subnet', 'zoneversion', 'report', 'padding'):
        assert stats[f'edns_option_{name}'] > 0, name
    assert stats['edns_unknown_option'] > 0
