# SPDX-License-Identifier: Apache-2.0
"""UPDATE sent to a secondary goes on to its primary (RFC 2136 s6), by nsupdate, with signatures that the secondary cannot check.

Nothing here depends on what the secondary itself serves.
"""
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.tsig
import pytest

import dynamic
import harness
from dynamic import texts

KEYS = dynamic.keys('k', 'other')
PRIMARIES = ['named', 'reeved', 'knotd']


def secondary_of(reeved, *addresses, forward=True, keys=None):
    """A secondary of whatever is at these addresses; it has no key unless it is given some."""
    remotes = {f'p{i}': {'address': address} for i, address in enumerate(addresses)}
    zone = {'primaries': list(remotes), **({'forward-updates': 'yes'} if forward else {})}
    return reeved({'example.': zone}, remotes=remotes, keys=keys)


def address_of(server):
    return f'{server.address}@{server.port}'


def nsupdate(server, commands, *options, secret=None, key='k'):
    """Its exit code and all that it wrote."""
    signs = ['-y', f'hmac-sha256:{key}:{secret or KEYS[key]["secret"]}'] if key else []
    result = dynamic.run_client('nsupdate', *signs, *options,
                                stdin=f'server {server.address} {server.port}\nzone example.\n{commands}\nsend\nanswer\n')
    return result.returncode, result.stdout + result.stderr


@pytest.fixture(name='primary', params=PRIMARIES)
def fixture_primary(request):
    return request.getfixturevalue(request.param)({'example.': dynamic.all_by('k')}, keys=KEYS)


def test_nsupdate_is_answered_by_the_primary(primary, reeved):
    server = secondary_of(reeved, address_of(primary))
    for name, *options in (['udp.example.'], ['tcp.example.', '-v']):
        code, said = nsupdate(server, f'update add {name} 60 A 192.0.2.9', *options)
        assert code == 0 and 'status: NOERROR' in said, said
        assert texts(primary, name, 'A') == ['192.0.2.9']
        code, said = nsupdate(server, f'prereq nxrrset www.example. A\nupdate add {name} 60 A 192.0.2.10', *options)
        assert code != 0 and 'update failed: YXRRSET' in said, said
        assert texts(primary, name, 'A') == ['192.0.2.9']


def test_a_message_that_no_datagram_holds(primary, reeved):
    server = secondary_of(reeved, address_of(primary))
    records = '\n'.join(f'update add big{i % 4}.example. 60 TXT "{i:0100}"' for i in range(200))
    code, said = nsupdate(server, records)
    assert code == 0, said
    for i in range(4):
        assert len(texts(primary, f'big{i}.example.', 'TXT', tcp=True)) == 50


def test_a_wrong_signature_is_the_primarys_to_refuse(primary, reeved):
    server = secondary_of(reeved, address_of(primary))
    code, said = nsupdate(server, 'update add new.example. 60 A 192.0.2.9', secret=dynamic.secret_of('wrong'))
    assert code != 0 and 'BADSIG' in said, said
    code, said = nsupdate(server, 'update add new.example. 60 A 192.0.2.9', key='other')
    assert code != 0 and ('update failed: REFUSED' in said or 'update failed: NOTAUTH(BADKEY)' in said), said
    assert texts(primary, 'new.example.', 'A') is None
    refused = [line for line in server.log().splitlines() if 'update refused' in line]
    assert len(refused) == 2 and all('a primary has refused it' in line for line in refused), refused


def test_the_answer_comes_back_as_it_is(named, reeved):
    """Byte for byte but for the id: what dnspython verifies, the secondary has not touched."""
    primary = named({'example.': dynamic.all_by('k')}, keys=KEYS)
    server = secondary_of(reeved, address_of(primary))
    update = dynamic.update_of('example.', KEYS)
    update.add('new.example.', 60, 'A', '192.0.2.9')
    answer = server.send(update, tcp=True)
    assert answer.id == update.id and answer.opcode() == dns.opcode.UPDATE and answer.flags & dns.flags.QR
    assert answer.rcode() == dns.rcode.NOERROR and answer.had_tsig


def test_the_next_primary_is_asked_when_one_does_not_answer(named, reeved):
    primary = named({'example.': dynamic.all_by('k')}, keys=KEYS)
    server = secondary_of(reeved, f'127.0.0.1@{harness.free_port()}', address_of(primary))
    code, said = nsupdate(server, 'update add new.example. 60 A 192.0.2.9')
    assert code == 0, said
    assert texts(primary, 'new.example.', 'A') == ['192.0.2.9']


def test_no_primary_at_all(reeved):
    """SERVFAIL, signed where the secondary has the key, and one line says why."""
    server = secondary_of(reeved, f'127.0.0.1@{harness.free_port()}', keys=KEYS)
    code, said = nsupdate(server, 'update add new.example. 60 A 192.0.2.9')
    assert code != 0 and 'update failed: SERVFAIL' in said, said
    line = next(line for line in server.log().splitlines() if 'update refused' in line)
    assert 'no primary took the update' in line and 'key=k.' in line and 'rcode=SERVFAIL' in line, line


def test_a_circle_of_two_ends(reeved, reeved_ready):
    """Each is the other's primary: the update goes round a few times and is given up."""
    port = harness.free_port()
    first = secondary_of(reeved, f'127.0.0.1@{port}', keys=KEYS)
    other = reeved_ready({'example.': {'primaries': ['p'], 'forward-updates': 'yes'}}, port=port,
                         remotes={'p': {'address': address_of(first)}}, keys=KEYS)
    other.configure()
    other.run()
    code, said = nsupdate(first, 'update add new.example. 60 A 192.0.2.9')
    assert code != 0 and 'update failed: SERVFAIL' in said, said
    assert 'in a circle of primaries' in first.log() + other.log()


def test_without_forwarding_the_answer_is_notimp(reeved):
    server = secondary_of(reeved, f'127.0.0.1@{harness.free_port()}', forward=False, keys=KEYS)
    code, said = nsupdate(server, 'update add new.example. 60 A 192.0.2.9')
    assert code != 0 and 'update failed: NOTIMP' in said, said
    assert 'passes no updates on' in server.log()
