# SPDX-License-Identifier: Apache-2.0
"""What `reevectl plan` says is what `reload` then does."""
import json
import time

import pytest

import dynamic

KEYS = dynamic.keys('k', 'other')
ALL = [{'key': 'k', 'all': 'yes'}]


def kept(text=dynamic.ZONE, **more):
    return {'file': text, 'protect': 'none', 'updates': ALL, **more}


@pytest.fixture(name='server')
def fixture_server(reeved):
    return reeved({'example.': kept(), 'plain.': dynamic.ZONE, 'made.': {'soa': {'ns': ['ns.made.']}, 'updates': ALL}}, keys=KEYS)


def plan_of(server, code=0):
    """{group: [row]} and the last line."""
    lines = [json.loads(line) for line in server.reevectl('--json', 'plan', code=code).stdout.splitlines()]
    groups = {}
    for line in lines:
        for row in line.get('plan', []):
            groups.setdefault(row['group'], []).append(row)
    return groups, lines[-1]


def brief(rows):
    return [(row['op'], row['name'], row.get('what', '')) for row in rows]


def configure_at_once(server):
    """The file is the old one or the new one whenever it is read."""
    path = server.conf
    server.conf = server.dir / 'new.yaml'
    server.configure()
    server.conf = server.conf.rename(path)


def update(server, zone, *changes):
    message = dynamic.update_of(zone, KEYS)
    for change in changes:
        getattr(message, change[0])(*change[1:])
    assert dynamic.rcode_of(server, message) == 'NOERROR'


def test_a_reload_without_news_has_nothing_to_do(server):
    update(server, 'example.', ('add', 'x.example.', 60, 'A', '192.0.2.9'))
    groups, last = plan_of(server)
    assert groups == {} and last['rows'] == 0
    assert server.reevectl('plan').stdout == 'nothing to do\n'


def test_the_news_of_files_are_counted_with_their_conflicts_and_come_true(server):
    update(server, 'example.', ('add', 'x.example.', 60, 'A', '192.0.2.9'), ('replace', 'www.example.', 300, 'A', '192.0.2.81'))
    text = dynamic.ZONE.replace('192.0.2.80', '192.0.2.82') + 'new A 192.0.2.7\nnew A 192.0.2.8\n'
    server.zones['example.'] = kept(text.replace('cut    NS    ns.cut\n', '').replace('hostmaster 1 ', 'hostmaster 9 '))
    server.zones['plain.'] = dynamic.ZONE.replace('hostmaster 1 ', 'hostmaster 5 ') + 'more TXT "x"\n'
    server.configure()
    before = {zone: (server.serial(zone), dynamic.records_of(server, zone)) for zone in server.zones}
    groups, last = plan_of(server)
    assert set(groups) == {'records'} and last['rows'] == 2
    example, plain = groups['records']
    assert (example['name'], plain['name']) == ('example.', 'plain.')
    assert example['conflicts'] == 1
    (conflict,) = example['conflict_list']
    assert 0 < conflict.pop('time_us') < 1e6 * time.time()
    assert conflict == {'name': 'www.example.', 'type': 'A', 'file': '192.0.2.82', 'update': '192.0.2.81', 'actor': 'key k',
                        'kind': 'update', 'serial': 2}
    assert before == {zone: (server.serial(zone), dynamic.records_of(server, zone)) for zone in server.zones}, 'nothing applied'
    server.asked('reload')
    for row in groups['records']:
        zone = row['name']
        serial, old = before[zone]
        new = dynamic.records_of(server, zone)
        assert (row['serial_from'], row['serial_to']) == (serial, server.serial(zone))
        added, removed = ([r for r in records if r[1] != 'SOA'] for records in (new - old, old - new))
        assert (row['added'], row['removed']) == (len(added), len(removed)), row
    assert plan_of(server)[0] == {}


def test_the_plan_reads_as_in_the_manual(server):
    update(server, 'example.', ('replace', 'www.example.', 300, 'A', '192.0.2.81'))
    server.zones['example.'] = kept(dynamic.ZONE.replace('192.0.2.80', '192.0.2.82'), updates=ALL + [{'key': 'other', 'self': 'yes'}])
    server.zones['new.'] = dynamic.ZONE
    server.settings['keys'] = dynamic.keys('k', 'other', 'web2')
    server.configure()
    assert server.reevectl('plan').stdout == '''keys      + web2 (hmac-sha256)
zones     ~ example. (updates[1] added)
zones     + new. (primary, 10 records)
records   ~ example.: +1 -1 from its file, serial 2 -> 3
            conflict at www.example. A (file 192.0.2.82, update 192.0.2.81 by k): file wins
nothing applied
'''


def test_each_conflict_has_who_made_the_last_change(reeved):
    """As in CONFIG: "conflict at api (file CNAME www, update CNAME www2 by k8s)". A later change of other RRsets of the name,
    or of the zone, is nobody's business; what a key took away is its conflict as well."""
    grants = ALL + [{'key': 'other', 'all': 'yes'}]
    text = dynamic.ZONE + 'a A 192.0.2.11\nb A 192.0.2.12\nc A 192.0.2.13\n'
    server = reeved({'example.': kept(text, updates=grants)}, keys=KEYS)
    for key, name, address in (('other', 'a', '192.0.2.21'), ('k', 'a', '192.0.2.31'), ('other', 'b', '192.0.2.22')):
        message = dynamic.update_of('example.', KEYS, key)
        message.replace(f'{name}.example.', 300, 'A', address)
        assert dynamic.rcode_of(server, message) == 'NOERROR'
    message = dynamic.update_of('example.', KEYS, 'other')
    message.delete('c.example.', 'A')
    message.add('a.example.', 300, 'TXT', 'of another type')
    assert dynamic.rcode_of(server, message) == 'NOERROR'
    server.kill()       # the change log knows, not the server
    server.run()
    new = text.replace('192.0.2.11', '192.0.2.41').replace('192.0.2.12', '192.0.2.42').replace('192.0.2.13', '192.0.2.43')
    server.zones['example.'] = kept(new, updates=grants)
    server.configure()
    (row,) = plan_of(server)[0]['records']
    assert [(c['name'], c['update'], c['actor'], c['serial']) for c in row['conflict_list']] == [
        ('a.example.', '192.0.2.31', 'key k', 3), ('b.example.', '192.0.2.22', 'key other', 4), ('c.example.', 'none', 'key other', 5)]
    shown = server.reevectl('plan').stdout
    for part in ('a.example. A (file 192.0.2.41, update 192.0.2.31 by k): file wins', 'update 192.0.2.22 by other)',
                 'update none by other)'):
        assert part in shown, shown


def test_what_changes_of_a_zone_is_named(server):
    old = [{'key': 'k', 'name': ['a', 'b']}, {'key': 'other', 'all': 'yes', 'max-records': 5}, {'key': 'k', 'acme': ['www']}]
    server.zones['example.'] = kept(updates=old)
    server.configure()
    server.asked('reload')
    for change, expected in [
            ({'updates': old[:2]}, 'updates[2] removed'),
            ({'updates': old + [{'unsigned': 'yes', 'name': ['c'], 'from': ['192.0.2.1']}]}, 'updates[3] added'),
            ({'updates': [old[1], old[0], old[2]]}, 'updates in another order'),
            ({'updates': [old[0], {**old[1], 'max-records': 6}, old[2]]}, 'updates[1] added, updates[1] removed'),
            ({'updates': old, 'serial': 'unixtime'}, 'serial increment -> unixtime'),
            ({'updates': old, 'protect': 'file', 'strict': 'yes'}, 'protect none -> file, strict: yes'),
            ({'updates': old}, None)]:
        server.zones['example.'] = kept(**change)
        server.configure()
        groups, _ = plan_of(server)
        assert brief(groups.get('zones', [])) == ([('~', 'example.', expected)] if expected else []), change


def test_zones_without_a_file_and_other_files_are_compared(server):
    server.zones['made.'] = {'soa': {'ns': ['ns.made.', 'ns2.made.']}, 'updates': ALL}
    another = server.write('another', dynamic.ZONE + 'y A 192.0.2.1\n')
    server.zones['plain.'] = another
    server.configure()
    groups, _ = plan_of(server)
    assert brief(groups['zones']) == [('~', 'made.', 'soa'), ('~', 'plain.', f'file {server.dir}/plain.zone -> {another}')]
    assert [(row['name'], row['added'], row['removed']) for row in groups['records']] == [('made.', 1, 0), ('plain.', 1, 0)]
    del server.zones['made.'], server.zones['plain.']
    server.configure()
    assert brief(plan_of(server)[0]['zones']) == [('-', 'made.', 'its history is kept'), ('-', 'plain.', '')]


def test_keys_and_settings_are_compared_secrets_without_being_shown(server):
    server.ctl('key', 'new', 'kept')
    server.ctl('key', 'new', 'gone')
    before = (server.state / 'keys' / 'kept.key').read_text(encoding='ascii')
    changed = {**dynamic.keys('k'), 'other': {'secret': dynamic.secret_of('another')}, 'new': {'secret-file': 'new.key'}}
    server.write('new.key', before.split(':')[2]).chmod(0o600)
    (server.state / 'keys' / 'gone.key').rename(server.state / 'keys' / 'gone.key.revoked')
    server.settings['keys'] = changed
    server.settings['server']['identity'] = 'me'
    server.configure()
    groups, _ = plan_of(server)
    assert brief(groups['keys']) == [('-', 'gone', 'revoked'), ('+', 'new', 'hmac-sha256'),
                                     ('~', 'other', 'another secret or algorithm, or another end of one')]
    assert brief(groups['settings']) == [('~', 'server.identity', 'off -> me')]
    shown = server.reevectl('plan').stdout + server.log()
    assert dynamic.secret_of('another') not in shown and dynamic.secret_of('other') not in shown


def test_faults_are_told_and_the_log_is_quiet(server):
    server.zones['plain.'] = dynamic.ZONE + 'x A nonsense\n'
    server.zones['new.'] = 'nonsense\n'
    server.configure()
    quiet = server.log()
    groups, last = plan_of(server, code=1)
    assert '2 zones would not load' in last['error']
    assert [(row['op'], row['name']) for row in groups['records']] == [('!', 'new.'), ('!', 'plain.')]
    assert 'plain.zone:12:' in groups['records'][1]['faults'][0]['fault']
    assert 'plain.zone:12:' in server.reevectl('plan', code=1).stdout
    assert server.log() == quiet
    server.conf.write_text('zones: {example.: {fiel: x}}\n', encoding='ascii')
    last = plan_of(server, code=1)[1]
    assert 'fiel' in last['faults'][0]['fault'] and 'would be refused' in last['error']
    assert dynamic.texts(server, 'www.plain.', 'A') == ['192.0.2.80']


def test_reloads_while_a_plan_is_made_do_no_harm(server):
    """Configurations come and go, with their zones, under plans that look at them."""
    server.zones['plain.'] = server.dir / 'plain.zone'      # files that nobody writes any more
    server.zones['example.']['file'] = server.dir / 'example.zone'
    for i in range(100):
        server.zones[f'z{i}.'] = {'soa': {'ns': ['ns.']}, 'updates': ALL}
    configure_at_once(server)
    plans = [dynamic.subprocess.Popen([server.program().with_name('reevectl'), '--socket', server.socket, 'plan'],
                                      stdout=dynamic.subprocess.DEVNULL) for _ in range(4)]
    for round_number in range(6):
        for i in range(100):
            server.zones.pop(f'z{i}.', None)
            if round_number % 2:
                server.zones[f'z{i}.'] = {'soa': {'ns': ['ns.']}, 'updates': ALL}
        configure_at_once(server)
        server.asked('reload')
    assert [plan.wait(60) for plan in plans] == [0] * 4
    assert plan_of(server)[0] == {}


# --- replication ---

PRIMARY = {'soa': {'ns': ['ns.copy.'], 'refresh': '1h'}, 'updates': ALL, 'transfer': [{'unsigned': 'yes'}]}


@pytest.fixture(name='replicas')
def fixture_replicas(reeved):
    """A server with a secondary zone, transferred, and its primary."""
    primary = reeved({'copy.': PRIMARY}, keys=KEYS)
    remotes = {'hidden': {'address': f'{primary.address}@{primary.port}'}, 'ns1': {'address': '192.0.2.1'}}
    server = reeved({'copy.': {'primaries': ['hidden']}, 'example.': kept()}, keys=KEYS, remotes=remotes)
    server.until(lambda: server.answers('copy.'), 'the copy transferred')
    return server, primary


def shown(server):
    return server.reevectl('plan').stdout


def test_a_secondary_is_no_news_and_its_primaries_are(replicas):
    server, primary = replicas
    assert shown(server) == 'nothing to do\n'
    update(primary, 'copy.', ('add', 'x.copy.', 60, 'A', '192.0.2.9'))
    server.settings['remotes'].update(ns2={'address': ['192.0.2.2', '2001:db8::2'], 'key': 'k'})
    server.settings['remotes']['ns1'] = {'address': '192.0.2.1@5300', 'key': 'other', 'source': '192.0.2.9'}
    server.zones['copy.'] = {'primaries': ['ns1', 'hidden'], 'shrink-limit': '50%', 'forward-updates': 'yes'}
    server.zones['another.'] = {'primaries': ['hidden']}
    server.configure()
    assert shown(server) == '''remotes   ~ ns1 (address [192.0.2.1] -> [192.0.2.1@5300], key none -> other, source none -> 192.0.2.9)
remotes   + ns2 ([192.0.2.2, 2001:db8::2])
zones     + another. (secondary, to be transferred, primaries [hidden])
zones     ~ copy. (primaries [hidden] -> [ns1, hidden], forward-updates: yes, shrink-limit off -> 50%)
nothing applied
'''
    server.asked('reload')
    assert shown(server) == 'nothing to do\n'
    zone = server.asked('zone', zone='copy.')
    assert zone['type'] == 'secondary' and [p['name'] for p in zone['primaries']] == ['ns1', 'hidden'], zone


def test_who_follows_a_zone_is_compared(server):
    server.settings['remotes'] = {'ns1': {'address': '192.0.2.1'}, 'ns2': {'address': '192.0.2.2'}}
    server.configure()
    server.asked('reload')
    for change, expected in [
            ({'secondaries': ['ns1']}, 'secondaries none -> [ns1]'),
            ({'secondaries': ['ns1', 'ns2']}, 'secondaries [ns1] -> [ns1, ns2]'),
            ({'secondaries': ['ns1'], 'notify': ['ns2']}, 'secondaries [ns1, ns2] -> [ns1], notify none -> [ns2]'),
            ({'secondaries': ['ns1'], 'transfer': ['ns2', {'key': 'k'}]}, 'notify [ns2] -> none, transfer[0] added, transfer[1] added'),
            ({'secondaries': ['ns1'], 'transfer': [{'key': 'k', 'from': ['192.0.2.0/24']}, 'ns2']},
             'transfer[0] added, transfer[1] removed'),
            ({'secondaries': ['ns1'], 'transfer': ['ns2', {'key': 'k', 'from': ['192.0.2.0/24']}]}, 'transfer in another order'),
            ({'secondaries': ['ns1'], 'wait-secondaries': {'count': 1, 'timeout': '2s'}},
             'transfer[0] removed, transfer[1] removed, wait-secondaries off -> 1 for 2s'),
            ({'secondaries': ['ns1'], 'wait-secondaries': {'count': 1, 'timeout': '3s'}}, 'wait-secondaries 1 for 2s -> 1 for 3s'),
            ({}, 'secondaries [ns1] -> none, wait-secondaries 1 for 3s -> off')]:
        server.zones['example.'] = kept(**change)
        server.configure()
        assert brief(plan_of(server)[0].get('zones', [])) == [('~', 'example.', expected)], change
        server.asked('reload')
        assert plan_of(server)[0] == {}, change
        peers = [row['name'] for row in server.asked('zone', zone='example.').get('secondaries', [])]
        assert peers == change.get('secondaries', []) + change.get('notify', []), change


def test_a_primary_becomes_a_secondary_and_the_other_way_round(replicas):
    server, primary = replicas
    old = dynamic.records_of(server, 'copy.')
    server.zones['copy.'] = {'file': '$TTL 300\n@ SOA ns hostmaster 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\nown A 192.0.2.5\n', 'updates': ALL}
    server.zones['example.'] = {'primaries': ['hidden']}
    server.configure()
    groups, _ = plan_of(server)
    assert brief(groups['zones']) == [
        ('~', 'copy.', f'file {server.dir}/copy.zone instead of primaries, updates[0] added'),
        ('~', 'example.', 'primaries [hidden] instead of a file, updates[0] removed')]
    (row,) = groups['records']
    assert row['name'] == 'copy.'
    server.asked('reload')
    server.until(lambda: server.serial('copy.') == row['serial_to'], 'the file merged')
    new = dynamic.records_of(server, 'copy.')
    added, removed = ([r for r in records if r[1] != 'SOA'] for records in (new - old, old - new))
    assert (row['added'], row['removed']) == (len(added), len(removed)), (row, old, new)
    assert server.asked('zone', zone='example.')['type'] == 'secondary'
    assert plan_of(server)[0] == {}
    server.zones['example.'] = PRIMARY
    server.configure()
    assert brief(plan_of(server)[0]['zones']) == [('~', 'example.', 'soa instead of primaries, updates[0] added, transfer[0] added')]
    assert primary.is_running()


def test_what_would_be_held_back_is_said_to_be(server):
    """As `shrink-limit` has it: with a change log, and where a zone is replaced as a whole."""
    short = dynamic.ZONE[:dynamic.ZONE.index('www    A')]
    for zone in ('example.', 'plain.'):
        server.zones[zone] = {**(kept() if zone == 'example.' else {'file': dynamic.ZONE}), 'shrink-limit': '20%'}
    server.configure()
    server.asked('reload')
    for zone in ('example.', 'plain.'):
        server.zones[zone] = {**server.zones[zone], 'file': short}
    server.configure()
    before = {zone: dynamic.records_of(server, zone) for zone in server.zones}
    groups, last = plan_of(server, code=1)
    assert last['held'] == 2 and '2 would be held back' in last['error']
    assert [(row['op'], row['name'], row['held']) for row in groups['records']] == [('!', 'example.', True), ('!', 'plain.', True)]
    assert 'records   ! plain. held back: the zone file takes away 7 of 10 records' in server.reevectl('plan', code=1).stdout
    assert server.asked('reload')['held'] == 2
    assert before == {zone: dynamic.records_of(server, zone) for zone in server.zones}
    for zone in ('example.', 'plain.'):
        server.zones[zone]['shrink-limit'] = '90%'
    server.configure()
    groups, _ = plan_of(server)
    assert [(row['op'], row['removed']) for row in groups['records']] == [('~', 7), ('~', 7)]


def test_a_zone_that_could_not_be_loaded_comes_when_its_file_is_good(server):
    server.zones['new.'] = 'nonsense\n'
    server.configure()
    server.asked('reload')
    server.zones['new.'] = dynamic.ZONE
    server.configure()
    assert shown(server) == 'records   + new. (10 records, where there were none)\nnothing applied\n'
    server.asked('reload')
    assert dynamic.texts(server, 'www.new.', 'A') == ['192.0.2.80']


def test_a_zone_that_comes_back_is_said_to_be_in_the_change_log(server):
    update(server, 'example.', ('add', 'x.example.', 60, 'A', '192.0.2.9'))
    zone = server.zones.pop('example.')
    server.configure()
    server.asked('reload')
    server.zones['example.'] = zone
    server.configure()
    assert brief(plan_of(server)[0]['zones']) == [('+', 'example.', 'primary, 10 records, merged with what the change log has of it')]
    server.asked('reload')
    assert dynamic.texts(server, 'x.example.', 'A') == ['192.0.2.9']
