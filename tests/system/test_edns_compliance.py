# SPDX-License-Identifier: Apache-2.0
"""What public testers of EDNS compliance ask, asked of reeved and of other servers: reeved does what the RFC says, and most
of the others agree, or the table is wrong. The same is in scenario files, in more detail but without the others."""
import struct

import dns.message
import dns.name
import dns.rcode
import pytest

import harness

pytestmark = pytest.mark.released

ZONE = '''$TTL 300
@     SOA  ns hostmaster 1 3600 900 1209600 300
@     NS   ns
ns    A    192.0.2.1
''' + ''.join(f'big   TXT  "{"x" * 60}{i}"\n' for i in range(14))
ROOT = b'\0'


def opt(size=1232, version=0, flags=0, options=b'', owner=ROOT):
    return owner + struct.pack('!HHBBHH', 41, size, 0, version, flags, len(options)) + options


def option(code, data=b''):
    return struct.pack('!HH', code, len(data)) + data


def query(*opts, name='example.', rdtype=6, flags=0, in_answer=False):
    counts = (1, len(opts), 0, 0) if in_answer else (1, 0, 0, len(opts))
    return (struct.pack('!HHHHHH', 4711, flags, *counts) + dns.name.from_text(name).to_wire() + struct.pack('!HH', rdtype, 1)
            + b''.join(opts))


# what is asked, of which RFC, the message; then the rcode, whether there is an OPT, its flags, whether TC is set
ROWS = [
    ('plain DNS: RFC 6891 s7', query(), 'NOERROR', False, 0, False),
    ('EDNS: s6.1', query(opt()), 'NOERROR', True, 0, False),
    ('DO comes back: RFC 3225 s3', query(opt(flags=0x8000)), 'NOERROR', True, 0x8000, False),
    ('unknown flags do not: RFC 6891 s6.1.4', query(opt(flags=0x40)), 'NOERROR', True, 0, False),
    ('an unknown option is ignored: s6.1.2', query(opt(options=option(100))), 'NOERROR', True, 0, False),
    ('version 1: s6.1.3', query(opt(version=1)), 'BADVERS', True, 0, False),
    ('version 1 with an unknown option', query(opt(version=1, options=option(100))), 'BADVERS', True, 0, False),
    ('version 1 with an unknown flag', query(opt(version=1, flags=0x40)), 'BADVERS', True, 0, False),
    ('several options: RFC 8906 s8.2.10', query(opt(options=option(3) + option(8, b'\0\1\0\0') + option(10, b'12345678')
                                                    + option(9) + option(100))), 'NOERROR', True, 0, False),
    ('OPT twice: RFC 6891 s6.1.1', query(opt(), opt()), 'FORMERR', None, 0, False),
    ('an owner that is not the root: s6.1.2', query(opt(owner=b'\1x\0')), 'FORMERR', None, 0, False),
    ('an option beyond the end: s6.1.2', query(opt(options=b'\0\3\0\5\1')), 'FORMERR', None, 0, False),
    ('no room without EDNS: RFC 2181 s9', query(name='big.example.', rdtype=16), 'NOERROR', False, 0, True),
    ('no room in 512: RFC 6891 s6.2.5', query(opt(512), name='big.example.', rdtype=16), 'NOERROR', True, 0, True),
    ('less than 512 is 512: s6.2.3', query(opt(100), name='big.example.', rdtype=16), 'NOERROR', True, 0, True),
    ('room enough', query(opt(1232), name='big.example.', rdtype=16), 'NOERROR', True, 0, False),
    ('an unknown type: RFC 3597 s3', query(opt(), rdtype=1000), 'NOERROR', True, 0, False),
    ('an unknown opcode: RFC 8906 s8.1.4', query(opt(), flags=15 << 11), 'NOTIMP', None, 0, False),
]


def verdict(reply):
    m = dns.message.from_wire(reply[:2] + bytes([reply[2] & 0x87]) + reply[3:], ignore_trailing=True)
    assert m.edns in (-1, 0)
    return dns.rcode.to_text(m.rcode()), m.edns == 0, m.ednsflags & 0xffff, bool(m.flags & 0x0200)


def over_tcp(server, message):
    with server.connect() as s, s.makefile('rb') as f:
        s.sendall(struct.pack('!H', len(message)) + message)
        return f.read(struct.unpack('!H', f.read(2))[0])


def agrees(got, rcode, has_opt, flags, tc):
    return got is not None and got[0] == rcode and has_opt in (None, got[1]) and got[2:] == (flags, tc)


@pytest.fixture(name='all_servers')
def fixture_all_servers(reeved, named, knotd, nsd):
    return {kind: start({'example.': ZONE}) for kind, start in
            {'reeved': reeved, 'named': named, 'knotd': knotd, 'nsd': nsd}.items()}


def test_what_testers_ask_is_answered_as_the_rfcs_and_most_servers_have_it(all_servers):
    for what, message, *expected in ROWS:
        got = {}
        for kind, server in all_servers.items():
            reply = server.send_raw(message, timeout_s=harness.ASK_TIMEOUT_S if kind == 'reeved' else 2)
            got[kind] = verdict(reply) if reply else None
        assert agrees(got['reeved'], *expected), f'{what}: {got}'
        others = [agrees(answer, *expected) for kind, answer in got.items() if kind != 'reeved']
        assert sum(others) >= 2, f'{what}: {got}'
        rcode, has_opt, flags, _ = expected
        assert agrees(verdict(over_tcp(all_servers['reeved'], message)), rcode, has_opt, flags, False), f'{what}, over TCP'
