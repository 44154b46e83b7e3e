# SPDX-License-Identifier: Apache-2.0
"""A zone file and dynamic changes side by side: what its author changed since it was last loaded wins, all else that is live
stays, the file is never written, and the serial only moves forward."""
import re

import dns.rcode
import dns.tsig
import pytest

import dynamic
from dynamic import texts

KEYS = dynamic.keys('k', 'other')
FILE = {
    '@': ['NS ns'],
    'ns': ['A 192.0.2.1'],
    'www': ['A 192.0.2.80', 'TXT "file"'],
    'mail': ['A 192.0.2.25'],
}


def text(serial=1, **names):
    """FILE with some names replaced; None: without it."""
    lines = ['$TTL 300', '; a comment that stays', f'@ SOA ns hostmaster {serial} 3600 900 1209600 300']
    lines += [f'{owner}   {record}' for owner, records in (FILE | names).items() for record in records or []]
    return '\n'.join(lines) + '\n'


def zone(content=None, **more):
    return dynamic.all_by('k', text=content or text(), **more)


def update(server, *changes, key='k', origin='example.'):
    """changes: ('add' or 'delete' or 'replace', name, ...) as dnspython's methods take them."""
    message = dynamic.update_of(origin, server.settings['keys'], key)
    for verb, *arguments in changes:
        getattr(message, verb)(*arguments)
    return dynamic.rcode_of(server, message)


@pytest.fixture(name='server')
def fixture_server(reeved):
    """With a new name, a record more at one of the file's names, and one of the file's RRsets deleted."""
    server = reeved({'example.': zone()}, keys=KEYS)
    assert update(server, ('add', 'new', 60, 'A', '192.0.2.9'), ('add', 'www', 300, 'MX', '10 mail'),
                  ('delete', 'mail', 'A')) == 'NOERROR'
    assert server.serial('example.') == 2
    return server


def check_dynamic(server):
    """What the fixture's update did is still so."""
    assert texts(server, 'new.example.', 'A') == ['192.0.2.9']
    assert texts(server, 'www.example.', 'MX') == ['10 mail.example.']
    assert texts(server, 'mail.example.', 'A') is None


def load(server, content, how='reload'):
    """The new file taken in, by a reload or by a start."""
    if how == 'restart':
        assert server.stop() == 0
    server.zone_file('example.', content)
    if how == 'restart':
        server.run()
    else:
        server.reload()


@pytest.mark.parametrize('how', ['reload', 'restart'])
def test_a_file_that_did_not_change_changes_nothing(server, how):
    load(server, text(), how)
    check_dynamic(server)
    assert server.serial('example.') == 2


@pytest.mark.parametrize('how', ['reload', 'restart'])
def test_what_the_file_changed_is_merged(server, how):
    """An RRset changed, one more, one less; all that it did not touch stays as it is."""
    load(server, text(2, www=['A 192.0.2.81', 'A 192.0.2.82'], api=['AAAA 2001:db8::1']), how)
    server.until(lambda: server.serial('example.') != 2, 'the new serial')
    check_dynamic(server)
    assert texts(server, 'www.example.', 'A') == ['192.0.2.81', '192.0.2.82']
    assert texts(server, 'www.example.', 'TXT') == []
    assert texts(server, 'api.example.', 'AAAA') == ['2001:db8::1']
    assert server.serial('example.') == 3


def test_a_name_that_left_the_file_keeps_what_is_dynamic(server):
    load(server, text(2, www=None))
    server.until(lambda: server.serial('example.') == 3, 'the new serial')
    assert texts(server, 'www.example.', 'A') == []
    check_dynamic(server)


def test_the_serial_moves_forward(reeved):
    """The file's where it is ahead of the live one (RFC 1982), else the next."""
    serials = [(2, 3), (1, 3), (0, 3), (3, 3), (1000, 1000), (4_000_000_000, 3)]     # in a file, and what is wanted
    zones = {f'z{number}.example.': wanted for number, wanted in enumerate(serials)}
    server = reeved({name: zone() for name in zones}, keys=KEYS)
    for name, (file_serial, _) in zones.items():
        assert update(server, ('add', 'new', 60, 'A', '192.0.2.9'), origin=name) == 'NOERROR'
        assert server.serial(name) == 2
        server.zone_file(name, text(file_serial, api=['A 192.0.2.5']))
    server.reload()
    for name, (_, want) in zones.items():
        server.until(lambda name=name: server.serial(name) != 2, 'a new serial')
        assert server.serial(name) == want, zones[name]
        assert update(server, ('add', 'more', 60, 'A', '192.0.2.9'), origin=name) == 'NOERROR'
        assert server.serial(name) == want + 1


def test_the_same_file_twice_is_merged_once(server):
    for _ in range(2):
        load(server, text(2, api=['A 192.0.2.5']))
        server.until(lambda: texts(server, 'api.example.', 'A'), 'the merge')
    assert update(server, ('delete', 'api')) == 'NOERROR'
    load(server, text(2, api=['A 192.0.2.5'], other=['A 192.0.2.6']))
    server.until(lambda: texts(server, 'other.example.', 'A'), 'the next merge')
    assert texts(server, 'api.example.', 'A') is None, 'deleted since; the file said nothing new about it'


# --- conflicts ---

def test_a_conflict_goes_to_the_file_and_is_told_of(server):
    assert update(server, ('replace', 'www', 300, 'A', '192.0.2.99')) == 'NOERROR'
    load(server, text(2, www=['A 192.0.2.81', 'TXT "file"']))
    server.until(lambda: texts(server, 'www.example.', 'A') == ['192.0.2.81'], 'the merge')
    line = next(line for line in server.log().splitlines() if 'the file wins' in line)
    assert all(word in line for word in ('www.example.', '192.0.2.81', '192.0.2.99')), line


def test_both_sides_may_say_the_same(server):
    assert update(server, ('replace', 'www', 300, 'A', '192.0.2.81')) == 'NOERROR'
    load(server, text(2, www=['A 192.0.2.81', 'TXT "file"'], api=['A 192.0.2.5']))
    server.until(lambda: texts(server, 'api.example.', 'A'), 'the merge')
    assert texts(server, 'www.example.', 'A') == ['192.0.2.81']
    assert 'the file wins' not in server.log()


def test_a_cname_of_the_file_stands_alone(server):
    load(server, text(2, new=['CNAME www']))
    server.until(lambda: texts(server, 'new.example.', 'CNAME'), 'the merge')
    assert texts(server, 'new.example.', 'CNAME') == ['www.example.']
    line = next(line for line in server.log().splitlines() if 'the file wins' in line)
    assert 'new.example.' in line and '192.0.2.9' in line, line
    # By its own type it cannot be asked for past a CNAME: gone means that it is not there when the CNAME goes.
    assert update(server, ('delete', 'new', 'CNAME')) == 'NOERROR'
    assert texts(server, 'new.example.', 'A') is None


# --- files that are wrong, and files that are left alone ---

@pytest.mark.parametrize('how', ['reload', 'restart'])
def test_a_broken_file_leaves_the_last_good_zone(server, how):
    load(server, text(2) + 'broken A 192.0.2.256\n', how)
    server.until(lambda: re.search(r'example\.zone:\d+:\d+: ', server.log()), 'the place of the fault in the log')
    check_dynamic(server)
    assert server.serial('example.') == 2
    assert update(server, ('add', 'more', 60, 'A', '192.0.2.9')) == 'NOERROR', 'updates go on'
    load(server, text(2, api=['A 192.0.2.5']))
    server.until(lambda: texts(server, 'api.example.', 'A'), 'the file once it is good again')
    check_dynamic(server)


def test_a_file_that_is_gone_leaves_the_last_good_zone(server):
    (server.dir / 'example.zone').unlink()
    server.reload()
    check_dynamic(server)
    assert server.stop() == 0
    server.run()
    check_dynamic(server)


def test_the_file_is_never_written(server):
    path = server.dir / 'example.zone'
    before = path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino
    for _ in range(2):
        assert update(server, ('add', 'more', 60, 'A', '192.0.2.9'), ('delete', 'www')) == 'NOERROR'
        server.reload()
        assert server.stop() == 0
        server.run()
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) == before
    assert sorted(p.name for p in server.dir.iterdir() if 'zone' in p.name) == ['example.zone']


def test_names_of_the_file_are_its_own_unless_it_is_written_otherwise(reeved):
    """protect: file, the default."""
    server = reeved({'example.': {k: v for k, v in zone().items() if k != 'protect'}}, keys=KEYS)
    assert update(server, ('add', 'www', 300, 'A', '192.0.2.81')) == 'REFUSED'
    assert update(server, ('delete', 'www')) == 'REFUSED'
    assert update(server, ('add', 'www', 300, 'MX', '10 mail')) == 'REFUSED'
    assert update(server, ('add', 'new', 300, 'A', '192.0.2.9')) == 'NOERROR'
    assert texts(server, 'www.example.', 'A') == ['192.0.2.80']
    load(server, text(2, www=None))
    server.until(lambda: texts(server, 'www.example.', 'A') is None, 'the merge')
    assert update(server, ('add', 'www', 300, 'A', '192.0.2.81')) == 'NOERROR', 'a name that left the file is free'


# --- zones that come and go ---

def test_a_zone_that_is_removed_keeps_its_state(server):
    zones = dict(server.zones)
    server.zones = {'example.net.': text()}
    server.configure()
    server.reload()
    server.until(lambda: server.ask('example.', 'SOA').rcode() == dns.rcode.REFUSED, 'the zone gone')
    assert update(server, ('add', 'more', 60, 'A', '192.0.2.9')) in ('NOTAUTH', 'REFUSED')
    assert server.stop() == 0
    server.run()
    server.zones = zones
    server.configure()
    server.reload()
    server.until(lambda: server.ask('example.', 'SOA').answer, 'the zone back')
    check_dynamic(server)
    assert server.serial('example.') == 2


def test_a_zone_without_a_file_lives_in_the_state(reeved):
    soa = {'ns': ['ns1.example.net.', 'ns2.example.net.']}
    server = reeved({'example.': {'soa': soa, 'updates': [{'key': 'k', 'all': 'yes'}]}}, keys=KEYS)
    assert texts(server, 'example.', 'NS') == soa['ns']
    first = server.serial('example.')
    assert server.ask('example.', 'SOA').answer[0][0].mname.to_text() == 'ns1.example.net.'
    assert update(server, ('add', 'new', 60, 'A', '192.0.2.9')) == 'NOERROR'
    for end in (server.stop, server.kill):
        end()
        server.run()
        assert texts(server, 'new.example.', 'A') == ['192.0.2.9']
        assert server.serial('example.') == first + 1


# --- reload and keys ---

def test_keys_come_change_and_go_by_a_reload(server):
    def may(name, secret=None):
        key = {name: dynamic.keys(secret or name)[secret or name]}
        message = dynamic.update_of('example.', key, name)
        message.add('by-key', 60, 'TXT', name)
        try:
            return dynamic.rcode_of(server, message)
        except dns.tsig.PeerError as error:
            return type(error).__name__
    assert may('k') == 'NOERROR' and may('new') == 'PeerBadKey'
    server.settings['keys'] = dynamic.keys('k', 'new')
    server.zones = {'example.': dynamic.all_by('k', 'new', text=text())}
    server.configure()
    server.reload()
    assert may('k') == 'NOERROR' and may('new') == 'NOERROR'
    server.settings['keys'] = {'k': dynamic.keys('changed')['changed'], 'new': dynamic.keys('new')['new']}
    server.configure()
    server.reload()
    assert may('k') == 'PeerBadSignature' and may('k', 'changed') == 'NOERROR' and may('new') == 'NOERROR'
    server.settings['keys'] = dynamic.keys('new')
    server.zones = {'example.': dynamic.all_by('new', text=text())}
    server.configure()
    server.reload()
    assert may('k') == 'PeerBadKey' and may('new') == 'NOERROR'


def test_updates_go_on_through_reloads(reeved):
    """Files change, zones and keys come and go, while one key updates one zone all the time."""
    server = reeved({'example.': zone(), 'example.net.': zone()}, keys=KEYS)
    flight = dynamic.Flight(server, dynamic.Signer('k', KEYS['k']['secret']))
    last = 10

    def reload(answers):
        if answers % 200 == 100 and answers < 200 * last:
            number = answers // 200
            server.zones = {'example.': zone(text(2, api=[f'A 192.0.2.{number}'])), f'z{number}.example.net.': zone()}
            server.settings['keys'] = KEYS | dynamic.keys(f'key{number}')
            server.configure()
            server.process.send_signal(dynamic.harness.signal.SIGHUP)
        return False
    flight.run(200 * last, reload)
    assert not flight.refused
    flight.judge()
    server.until(lambda: texts(server, 'api.example.', 'A') == [f'192.0.2.{last - 1}'], 'the last file')
    assert server.serial('example.') > flight.last
    flight.judge()


@pytest.mark.parametrize('more', [{'history': 'no'}, {'updates': [{'unsigned': 'yes', 'all': 'yes'}]}], ids=['plain', 'dynamic'])
def test_a_file_that_lost_too_much_is_held_back_until_the_operator_takes_it(reeved, more):
    top = '@ 300 SOA ns hostmaster {} 3600 900 1209600 300\n@ 300 NS ns.example.net.\n'
    hosts = [f'h{i} 300 A 192.0.2.{i}\n' for i in range(20)]
    server = reeved({'example.': {'file': top.format(1) + ''.join(hosts), 'shrink-limit': '50%', **more}})
    server.zone_file('example.', top.format(2) + hosts[0])
    server.reload()
    assert server.serial('example.') == 1
    said = server.reevectl('zone', 'example').stdout
    assert 'held back: the zone file takes away 19 of 22 records' in said, said
    assert 'takes away 19 of 22' in server.log()
    assert 'example.' in server.reevectl('transfer', 'example', '--force').stdout
    server.until(lambda: server.serial('example.') == 2, 'the file is taken')
    assert 'held back' not in server.reevectl('zone', 'example').stdout
    assert 'no file of the zone is held back' in server.reevectl('transfer', 'example', '--force', code=1).stderr
