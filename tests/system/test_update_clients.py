# SPDX-License-Identifier: Apache-2.0
"""Dynamic update by the clients that people have: nsupdate, knsupdate, dnspython, certbot's plugin and dnsperf.

What the server then holds is asked of it with queries. test_update_go.py and test_update_dhcp.py have two more.
"""
import re

import dns.rcode
import dns.tsig
import dns.update
import pytest

import dynamic
from dynamic import rcode_of, texts

pytestmark = pytest.mark.released

KEYS = dynamic.keys('k', 'other')
MANY = 1500         # records in one message: more than a datagram holds, less than 64 KiB


@pytest.fixture(name='server')
def fixture_server(updated):
    return updated({'example.': dynamic.all_by('k')}, keys=KEYS)


@pytest.fixture(name='row_server')
def fixture_row_server(updated):
    """Has a zone for each row of a table: r0.example. and so on, which the rows call example."""
    return updated({zone_of(row): dynamic.all_by('k') for row in range(max(len(NSUPDATE), len(KNSUPDATE)))}, keys=KEYS)


def zone_of(row):
    return f'r{row}.example.'


def assert_there(server, row, name, rdtype, want):
    assert texts(server, name.replace('example.', zone_of(row)), rdtype) == want, (row, name, rdtype)


# --- nsupdate ---

def nsupdate(server, commands, *options, key='k', keys=None, zone='example.'):
    """Its exit code and all that it wrote."""
    if key:
        key = (keys or KEYS)[key] | {'name': key}
        options = ('-y', f'{key["algorithm"]}:{key["name"]}:{key["secret"]}', *options)
    result = dynamic.run_client('nsupdate', *options,
                                stdin=f'server {server.address} {server.port}\nzone {zone}\n{commands}\n')
    return result.returncode, result.stdout + result.stderr


NSUPDATE = [
    # commands, rcode, (name, type, what is there then)
    ('update add new 60 A 192.0.2.9', 'NOERROR', ('new.example.', 'A', ['192.0.2.9'])),
    ('update add www 300 A 192.0.2.81\nupdate add www 300 MX 10 mail', 'NOERROR',
     ('www.example.', 'A', ['192.0.2.80', '192.0.2.81'])),
    ('update delete www A 192.0.2.80', 'NOERROR', ('www.example.', 'A', [])),
    ('update delete www A', 'NOERROR', ('www.example.', 'A', [])),
    ('update delete www', 'NOERROR', ('www.example.', 'TXT', None)),
    ('update delete www TXT\nupdate add www 60 TXT "a b" c', 'NOERROR', ('www.example.', 'TXT', ['"a b" "c"'])),
    ('update add x 60 TYPE65280 \\# 2 abcd', 'NOERROR', ('x.example.', 'TYPE65280', ['\\# 2 abcd'])),
    ('update delete absent A', 'NOERROR', ('absent.example.', 'A', None)),
    # RFC 2136 s2.4.1-2.4.5, each when it holds and when it does not
    ('prereq yxrrset www A\nupdate add p 60 A 192.0.2.1', 'NOERROR', ('p.example.', 'A', ['192.0.2.1'])),
    ('prereq yxrrset www MX\nupdate add p 60 A 192.0.2.1', 'NXRRSET', ('p.example.', 'A', None)),
    ('prereq yxrrset www A 192.0.2.80\nupdate add p 60 A 192.0.2.1', 'NOERROR', ('p.example.', 'A', ['192.0.2.1'])),
    ('prereq yxrrset www A 192.0.2.81\nupdate add p 60 A 192.0.2.1', 'NXRRSET', ('p.example.', 'A', None)),
    ('prereq nxrrset www MX\nupdate add p 60 A 192.0.2.1', 'NOERROR', ('p.example.', 'A', ['192.0.2.1'])),
    ('prereq nxrrset www A\nupdate add p 60 A 192.0.2.1', 'YXRRSET', ('p.example.', 'A', None)),
    ('prereq yxdomain www\nupdate add p 60 A 192.0.2.1', 'NOERROR', ('p.example.', 'A', ['192.0.2.1'])),
    ('prereq yxdomain absent\nupdate add p 60 A 192.0.2.1', 'NXDOMAIN', ('p.example.', 'A', None)),
    ('prereq nxdomain absent\nupdate add p 60 A 192.0.2.1', 'NOERROR', ('p.example.', 'A', ['192.0.2.1'])),
    ('prereq nxdomain www\nupdate add p 60 A 192.0.2.1', 'YXDOMAIN', ('p.example.', 'A', None)),
    # of another zone
    ('update add p.elsewhere. 60 A 192.0.2.1', 'NOTZONE', ('p.example.', 'A', None)),
]


def test_nsupdate(row_server):
    for row, (commands, rcode, there) in enumerate(NSUPDATE):
        commands = re.sub(r'^((?:update|prereq) \w+ )([\w*-]+)( |$)', rf'\1\2.{zone_of(row)}\3', commands, flags=re.M)
        code, said = nsupdate(row_server, commands + '\nsend\nanswer', zone=zone_of(row))
        assert (code == 0) == (rcode == 'NOERROR'), said
        assert f'status: {rcode},' in said and 'opcode: UPDATE' in said, said
        assert rcode == 'NOERROR' or f'update failed: {rcode}' in said, said
        assert_there(row_server, row, *there)


@pytest.fixture(name='keys_of_all')
def fixture_keys_of_all():
    """A key of each algorithm, which is its name."""
    return {algorithm: dynamic.keys(algorithm, algorithm=algorithm)[algorithm] for algorithm in dynamic.ALGORITHMS}


def test_nsupdate_signs_with_each_algorithm(updated, keys_of_all):
    server = updated({'example.': dynamic.all_by(*keys_of_all)}, keys=keys_of_all)
    for algorithm in keys_of_all:
        code, said = nsupdate(server, f'update add {algorithm}.example. 60 A 192.0.2.9\nsend', key=algorithm, keys=keys_of_all)
        assert (code, said) == (0, ''), 'it verifies the answer, too'
        assert texts(server, f'{algorithm}.example.', 'A') == ['192.0.2.9']


def test_nsupdate_takes_the_key_from_a_file(server):
    path = server.write('client.key', f'key "k" {{ algorithm hmac-sha256; secret "{KEYS["k"]["secret"]}"; }};\n')
    assert nsupdate(server, 'update add new.example. 60 A 192.0.2.9\nsend', '-k', path, key=None) == (0, '')
    assert texts(server, 'new.example.', 'A') == ['192.0.2.9']


@pytest.mark.parametrize('options', [('-v',), ()], ids=['tcp', 'udp'])
def test_nsupdate_sends_more_than_a_datagram_holds(server, options):
    adds = '\n'.join(f'update add h{i}.example. 60 A 192.0.2.{i % 256}' for i in range(MANY))
    assert nsupdate(server, adds + '\nsend', *options) == (0, '')
    for i in (0, MANY // 2, MANY - 1):
        assert texts(server, f'h{i}.example.', 'A') == [f'192.0.2.{i % 256}']


def test_nsupdate_finds_zone_and_server_by_itself(server):
    """Without a `zone` line it asks for the SOA of the name and goes up."""
    result = dynamic.run_client('nsupdate', '-y', f'hmac-sha256:k:{KEYS["k"]["secret"]}', stdin=(
        f'server {server.address} {server.port}\nupdate add a.b.c.example. 60 A 192.0.2.9\nsend\n'))
    assert (result.returncode, result.stderr) == (0, '')
    assert texts(server, 'a.b.c.example.', 'A') == ['192.0.2.9']


@pytest.mark.parametrize('tcp', [(), ('-v',)], ids=['udp', 'tcp'])
def test_nsupdate_is_refused(server, tcp):
    add = 'update add new.example. 60 A 192.0.2.9\nsend'
    wrong = {'k': KEYS['other'], 'unknown': KEYS['other'], 'other': KEYS['other']}
    for key, want in (('other', 'REFUSED'), ('unknown', r'NOTAUTH\(BADKEY\)|BADKEY'), ('k', r'NOTAUTH\(BADSIG\)|BADSIG'),
                      (None, 'REFUSED')):
        code, said = nsupdate(server, add, *tcp, key=key, keys=wrong)
        assert code == 2 and re.search(want, said), (key, said)
    assert texts(server, 'new.example.', 'A') is None


def test_nsupdate_for_a_zone_that_is_not_here(server):
    code, said = nsupdate(server, 'zone elsewhere.\nupdate add new.elsewhere. 60 A 192.0.2.9\nsend')
    assert code == 2 and re.search('NOTAUTH|REFUSED', said), said


# --- knsupdate ---

def knsupdate(server, commands, *options, key='k', zone='example.'):
    if key:
        options = ('-y', f'hmac-sha256:{key}:{KEYS[key]["secret"]}', *options)
    result = dynamic.run_client('knsupdate', *options,
                                stdin=f'server {server.address} {server.port}\nzone {zone}\norigin {zone}\n{commands}\n')
    return result.returncode, result.stdout + result.stderr


KNSUPDATE = [
    ('add new 60 A 192.0.2.9\nadd new 60 TXT "x"', 'NOERROR', ('new.example.', 'TXT', ['"x"'])),
    ('del www A 192.0.2.80', 'NOERROR', ('www.example.', 'A', [])),
    ('del www A', 'NOERROR', ('www.example.', 'A', [])),
    ('del www', 'NOERROR', ('www.example.', 'A', None)),
    ('prereq nxdomain new\nadd new 60 A 192.0.2.9', 'NOERROR', ('new.example.', 'A', ['192.0.2.9'])),
    ('prereq nxdomain www\nadd new 60 A 192.0.2.9', 'YXDOMAIN', ('new.example.', 'A', None)),
    ('prereq yxdomain new\nadd new 60 A 192.0.2.9', 'NXDOMAIN', ('new.example.', 'A', None)),
    ('prereq nxrrset www TXT\nadd new 60 A 192.0.2.9', 'YXRRSET', ('new.example.', 'A', None)),
    ('prereq yxrrset www A 192.0.2.80\nadd new 60 A 192.0.2.9', 'NOERROR', ('new.example.', 'A', ['192.0.2.9'])),
    ('prereq yxrrset www A 192.0.2.1\nadd new 60 A 192.0.2.9', 'NXRRSET', ('new.example.', 'A', None)),
]


def test_knsupdate(row_server):
    for row, (commands, rcode, there) in enumerate(KNSUPDATE):
        code, said = knsupdate(row_server, commands + '\nsend\nanswer', *['-v'] * (row % 2), zone=zone_of(row))
        assert f'status: {rcode};' in said, said
        assert (code == 0) == (rcode == 'NOERROR'), said
        assert_there(row_server, row, *there)


# --- dnspython ---

def add_new(update):
    update.add('new', 60, 'A', '192.0.2.9')


PREREQUISITES = [
    # RFC 2136 s2.4.1-2.4.5: how to ask, on which name it holds, on which not, and the rcode then
    ('exists, value independent', lambda u, n: u.present(n, 'A'), 'www', 'alias', 'NXRRSET'),
    ('exists, value dependent', lambda u, n: u.present(n, 'A', '192.0.2.80'), 'www', 'ns', 'NXRRSET'),
    ('does not exist', lambda u, n: u.absent(n, 'A'), 'alias', 'www', 'YXRRSET'),
    ('name in use', lambda u, n: u.present(n), 'www', 'absent', 'NXDOMAIN'),
    ('name not in use', lambda u, n: u.absent(n), 'absent', 'www', 'YXDOMAIN'),
]


@pytest.mark.parametrize('tcp', [False, True], ids=['udp', 'tcp'])
def test_dnspython_asks_all_prerequisites(server, tcp):
    for what, ask, good, bad, rcode in PREREQUISITES:
        for name, want in ((bad, rcode), (good, 'NOERROR')):
            update = dynamic.update_of('example.', KEYS)
            ask(update, name)
            add_new(update)
            assert rcode_of(server, update, tcp) == want, what
            assert texts(server, 'new.example.', 'A') == (['192.0.2.9'] if want == 'NOERROR' else None), what
        update = dynamic.update_of('example.', KEYS)
        update.delete('new')
        assert rcode_of(server, update, tcp) == 'NOERROR'


def test_dnspython_does_all_operations(server):
    for change, name, rdtype, want in (
            (lambda u: u.add('www', 300, 'A', '192.0.2.81'), 'www', 'A', ['192.0.2.80', '192.0.2.81']),     # s2.5.1
            (lambda u: u.delete('www', 'A', '192.0.2.80'), 'www', 'A', ['192.0.2.81']),                     # s2.5.4
            (lambda u: u.replace('www', 60, 'A', '192.0.2.82'), 'www', 'A', ['192.0.2.82']),
            (lambda u: u.delete('www', 'A'), 'www', 'A', []),                                               # s2.5.2
            (lambda u: u.delete('www'), 'www', 'AAAA', None)):                                              # s2.5.3
        update = dynamic.update_of('example.', KEYS)
        change(update)
        assert rcode_of(server, update) == 'NOERROR'
        assert texts(server, f'{name}.example.', rdtype) == want


def test_dnspython_signs_with_each_algorithm(updated, keys_of_all):
    server = updated({'example.': dynamic.all_by(*keys_of_all)}, keys=keys_of_all)
    for algorithm in keys_of_all:
        update = dynamic.update_of('example.', keys_of_all, algorithm)
        update.add(algorithm, 60, 'A', '192.0.2.9')
        answer = server.send(update)
        assert answer.rcode() == dns.rcode.NOERROR and answer.had_tsig
        query = dynamic.harness.query_of(f'{algorithm}.example.')
        query.use_tsig(dynamic.keyring(keys_of_all), algorithm)
        answer = server.send(query)
        assert answer.had_tsig and answer.answer[0][0].address == '192.0.2.9', 'queries may be signed, too'


def test_dnspython_is_refused(server):
    for key, wrong in (('other', None), (None, None)):
        update = dynamic.update_of('example.', KEYS, key)
        add_new(update)
        assert rcode_of(server, update) == 'REFUSED', key
    for name, secret, error in (('k', 'other', dns.tsig.PeerBadSignature), ('unknown', 'k', dns.tsig.PeerBadKey)):
        update = dynamic.update_of('example.', {name: KEYS[secret]}, name)
        add_new(update)
        with pytest.raises(error):
            server.send(update)
    assert texts(server, 'new.example.', 'A') is None


# --- certbot ---

def certbot_client(server, key='k', secret=None):
    """certbot is as long to import as all else, so only where it is used."""
    # pylint: disable=protected-access,import-outside-toplevel
    from certbot_dns_rfc2136._internal import dns_rfc2136
    return dns_rfc2136._RFC2136Client(server.address, server.port, key, secret or KEYS[key]['secret'], dns.tsig.HMAC_SHA256)


def test_certbot_proves_a_domain(server):
    client = certbot_client(server)
    for token in ('first', 'second'):       # of a wildcard and its base domain: both at a time
        client.add_txt_record('_acme-challenge.www.example', token, 120)
    assert texts(server, '_acme-challenge.www.example.', 'TXT') == ['"first"', '"second"']
    client.del_txt_record('_acme-challenge.www.example', 'first')
    assert texts(server, '_acme-challenge.www.example.', 'TXT') == ['"second"']
    client.del_txt_record('_acme-challenge.www.example', 'second')
    assert texts(server, '_acme-challenge.www.example.', 'TXT') is None


def test_certbot_says_what_the_server_said(server):
    import certbot.errors       # pylint: disable=import-outside-toplevel
    with pytest.raises(certbot.errors.PluginError, match='REFUSED'):
        certbot_client(server, 'other').add_txt_record('_acme-challenge.example', 'x', 120)
    with pytest.raises(certbot.errors.PluginError, match='BADSIG|bad signature|error'):
        certbot_client(server, 'k', KEYS['other']['secret']).add_txt_record('_acme-challenge.example', 'x', 120)
    with pytest.raises(certbot.errors.PluginError, match='Unable to determine base domain'):
        certbot_client(server).add_txt_record('_acme-challenge.elsewhere', 'x', 120)
    assert texts(server, '_acme-challenge.example.', 'TXT') is None


# --- dnsperf ---

def test_dnsperf_updates(server):
    count = 200
    lines = [f'example.\nadd h{i} 60 A 192.0.2.{i % 256}\nadd h{i} 60 TXT "n{i}"\nsend\n' for i in range(count)]
    data = server.write('updates', ''.join(lines))
    result = dynamic.run_client('dnsperf', '-u', '-s', server.address, '-p', server.port, '-d', data, '-n', '1', '-c', '8',
                                '-q', '32', '-y', f'hmac-sha256:k:{KEYS["k"]["secret"]}')
    assert re.search(rf'Updates completed:\s+{count} \(100.00%\)', result.stdout), result.stdout + result.stderr
    assert re.search(rf'Response codes:\s+NOERROR {count} \(100.00%\)', result.stdout), result.stdout
    for i in range(count):
        assert texts(server, f'h{i}.example.', 'TXT') == [f'"n{i}"'], i
