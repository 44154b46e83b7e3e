# SPDX-License-Identifier: Apache-2.0
"""Update Lease (RFC 9664) with dnspython as the client: asked for and granted, renewed, over, and over restarts.

nsupdate of BIND 9.18 cannot ask for a lease: the option is written by hand.
"""
import struct
import time

import dns.edns
import dns.rcode
import pytest

import dynamic
import harness
import transfers

KEYS = dynamic.keys('k', 'web1', 'adder')
OPTION = 2                      # s9
DAY, WEEK = 86400, 7 * 86400
GRANT = {'key': 'k', 'all': 'yes', 'types': dynamic.TYPES + ['KEY']}
SHORT = '1s..24h'               # a lease-range for tests that wait for an end
KEY_RDATA = r'\# 8 0200030801020304'     # dnspython has no KEY


def zone(*grants, **more):
    return {'example.': {'file': dynamic.ZONE, 'protect': 'none', 'updates': list(grants), **more}}


def lease_of(*seconds):
    return struct.pack(f'!{len(seconds)}I', *seconds)


def update(server, *changes, option=None, key='k', code='NOERROR', tcp=False):
    """What the answer's option says, as seconds; None: it has none. A change is ('add', name, ttl, type, rdata) and so on."""
    message = dynamic.update_of('example.', KEYS, key)
    for what, *arguments in changes:
        getattr(message, what)(*arguments)
    if option is not None:
        message.use_edns(0, payload=1232, options=[dns.edns.GenericOption(OPTION, option)])
    answer = server.send(message, tcp=tcp)
    assert dns.rcode.to_text(answer.rcode()) == code, answer
    found = [o.data for o in answer.options if o.otype == OPTION]
    assert len(found) <= 1
    return struct.unpack(f'!{len(found[0]) // 4}I', found[0]) if found else None


def add(name, address='192.0.2.9', rdtype='A'):
    return 'add', name, 60, rdtype, address


def leases(server, *name):
    answer = server.asked('leases', zone='example.', **dict(zip(['name'], name)))
    return {(row['name'], row['type'], row['rdata']): row for row in answer['leases']}


def counters(server, *names):
    return {name: value for name, value in server.counters().items() if name in names}


def until_gone(server, name, rdtype='A'):
    server.until(lambda: not dynamic.texts(server, name, rdtype), f'{name} is over')


# --- the option ---

GRANTED = [                                     # asked for, granted
    ((1800,), (1800,)),                         # s4.3: the 4-byte variant is answered with it
    ((1800, DAY), (1800, DAY)),                 # and the 8-byte variant
    ((1,), (30,)), ((2 ** 32 - 1,), (DAY,)),    # s8: the limits it recommends
    ((1, 1), (30, 30)), ((2 ** 32 - 1, 2 ** 32 - 1), (DAY, WEEK)),
]


def test_what_is_granted_is_answered_in_the_form_that_asked(reeved):
    server = reeved(zone(GRANT), keys=KEYS)
    for number, (asked, granted) in enumerate(GRANTED):
        host = f'host{number}'
        got = update(server, add(host), add(host, KEY_RDATA, 'KEY'), option=lease_of(*asked))
        assert got == granted, asked
        rows = leases(server, host)
        assert rows[(f'{host}.example.', 'A', '192.0.2.9')]['lease_s'] == granted[0], asked
        assert [row['lease_s'] for row in rows.values() if row['type'] == 'KEY'] == [granted[-1]], 's7: KEY-LEASE, or LEASE'


def test_an_update_that_fails_or_does_not_ask_is_not_told_of_leases(reeved):
    server = reeved(zone(GRANT), keys=KEYS)
    assert update(server, ('present', 'nowhere'), add('host'), option=lease_of(1800), code='NXDOMAIN') is None
    assert update(server, add('host'), option=lease_of(1800), key=None, code='REFUSED') is None
    assert update(server, add('host')) is None
    assert update(server, ('delete', 'host'), option=lease_of(1800)) == (1800,), 's4.3: in any that succeeds'
    assert update(server, option=lease_of(1800, 7200)) == (1800, 7200), 'even if it asks for nothing'


def test_other_forms_of_the_option_are_malformed(reeved):
    server = reeved(zone(GRANT), keys=KEYS)
    for payload in (b'', b'\0', b'\0\0\7', lease_of(60) + b'\0', lease_of(60, 60) + b'\0', lease_of(1, 2, 3)):
        assert update(server, add('host'), option=payload, code='FORMERR') is None, payload
        assert dynamic.texts(server, 'host.example.', 'A') is None, payload
        query = harness.query_of('www.example.')
        query.use_edns(0, options=[dns.edns.GenericOption(OPTION, payload)])
        answer = server.send(query)
        assert answer.rcode() == 0 and not answer.options, 'a query may have it in any form: it means nothing'


# --- the end of a lease ---

def test_a_record_goes_when_its_lease_is_over_also_at_a_secondary(reeved):
    port = harness.free_port()
    primary = reeved(zone({**GRANT, 'lease-range': SHORT}, secondaries=['second']), keys=KEYS,
                     remotes={'second': {'address': f'127.0.0.1@{port}', 'key': 'k'}})
    secondary = reeved({'example.': {'primaries': ['first']}}, keys=KEYS, port=port,
                       remotes={'first': {'address': f'127.0.0.1@{primary.port}', 'key': 'k'}})
    secondary.answers('example.')
    assert update(primary, add('stays', '192.0.2.1'), add('stays', '192.0.2.2')) is None
    assert update(primary, add('goes'), add('stays'), option=lease_of(2)) == (2,)
    secondary.until(lambda: dynamic.texts(secondary, 'goes.example.', 'A') == ['192.0.2.9'], 'the secondary has it')
    before = primary.serial('example.')
    whole, steps = counters(primary, 'axfr_out', 'ixfr_fallbacks'), counters(primary, 'ixfr_out')
    for server in (primary, secondary):
        until_gone(server, 'goes.example.')
        assert dynamic.texts(server, 'stays.example.', 'A') == ['192.0.2.1', '192.0.2.2']
    assert primary.serial('example.') == before + 1, 'one change'
    change = primary.ctl('log', 'example.', '--limit', '1', '-p')['rows']
    assert change[0]['kind'] == 'lease' and change[0]['actor'] == 'lease' and change[0]['rule'] == 'expired'
    assert sorted((row['op'], row['owner']) for row in change[1:]) == [('-', 'goes'), ('-', 'stays')]
    assert ' lease expired by lease' in primary.reevectl('log', 'example.', '--limit', '1').stdout
    assert leases(primary) == {}
    # the secondary has taken it as a difference, and it is one to whoever asks
    assert counters(primary, 'axfr_out', 'ixfr_fallbacks') == whole and counters(primary, 'ixfr_out') != steps
    ended = transfers.steps(transfers.stream(primary, rdtype='IXFR', serial=before, key='k', keys=KEYS))
    gone = {(f'{name}.example.', 'A', 60, 'c0000209') for name in ('goes', 'stays')}
    assert ended == [transfers.Step(before, before + 1, gone, set())]


def test_renewing_keeps_a_record_and_the_serial_over_kill_9(reeved):
    server = reeved(zone({**GRANT, 'lease-range': SHORT}), keys=KEYS)
    assert update(server, add('host'), add('gone'), option=lease_of(3)) == (3,)
    serial = server.serial('example.')
    assert update(server, add('host'), option=lease_of(3600), tcp=True) == (3600,), 's5.3: the new duration'
    assert server.serial('example.') == serial, 's5.3: nothing has changed in the zone'
    server.kill()
    server.run()
    assert leases(server, 'host')[('host.example.', 'A', '192.0.2.9')]['lease_s'] == 3600
    until_gone(server, 'gone.example.')
    assert dynamic.texts(server, 'host.example.', 'A') == ['192.0.2.9']
    assert [row['kind'] for row in server.ctl('log', 'example.')['rows']] == ['lease', 'update'], 'a renewal is no change'


def test_leases_that_ran_out_while_the_server_was_down_are_over_when_it_is_up(reeved):
    other = reeved({})
    server = reeved(zone({**GRANT, 'lease-range': SHORT}), keys=KEYS)
    assert update(server, add('host'), option=lease_of(1)) == (1,)
    over_at = time.time() + 1
    server.kill()
    other.until(lambda: time.time() > over_at, 'the lease is over')
    server.run()
    until_gone(server, 'host.example.')


def test_a_server_that_goes_on_from_a_backup_goes_on_with_the_leases(reeved, reeved_ready):
    first, second = reeved(zone({**GRANT, 'lease-range': SHORT}), keys=KEYS), reeved_ready({}, keys=KEYS)
    assert update(first, add('host'), option=lease_of(3600)) == (3600,)
    assert update(first, add('short'), option=lease_of(2)) == (2,)
    first.ctl('backup', second.dir / 'copy')
    first.kill()
    second.zones = zone({**GRANT, 'lease-range': SHORT})
    second.settings['server']['state-dir'] = str(second.dir / 'copy')
    second.configure()
    second.run()
    assert leases(second, 'host')[('host.example.', 'A', '192.0.2.9')]['lease_s'] == 3600
    until_gone(second, 'short.example.')
    assert dynamic.texts(second, 'host.example.', 'A') == ['192.0.2.9']
    assert second.ctl('log', 'example.', '--limit', '1')['rows'][0]['kind'] == 'lease'


def test_an_addition_without_a_lease_makes_a_record_permanent(reeved):
    server = reeved(zone({**GRANT, 'lease-range': SHORT}), keys=KEYS)
    assert update(server, add('host'), add('other'), option=lease_of(2)) == (2,)
    serial = server.serial('example.')
    assert update(server, add('host')) is None
    assert server.serial('example.') == serial
    server.kill()
    server.run()
    until_gone(server, 'other.example.')
    assert dynamic.texts(server, 'host.example.', 'A') == ['192.0.2.9']


@pytest.mark.parametrize('how', ['reload', 'restart'])
def test_a_zone_that_becomes_a_secondary_has_no_leases_any_more(reeved, how):
    server = reeved(zone(GRANT), keys=KEYS)
    update(server, add('host'), option=lease_of(3600))
    primary = reeved(zone(transfer=[{'key': 'k'}]), keys=KEYS)
    server.zones = {'example.': {'primaries': ['first']}}
    server.settings['remotes'] = {'first': {'address': f'127.0.0.1@{primary.port}', 'key': 'k'}}
    server.configure()
    if how == 'reload':
        server.reload()
    else:
        server.stop()
        server.run()
    server.until(lambda: server.asked('journal check')['leases'] == 0, 'they are dropped')
    assert leases(server) == {}


# --- grants ---

def test_a_grant_has_leases_for_clients_that_do_not_ask(reeved):
    challenge = '_acme-challenge.www'
    server = reeved(zone({'key': 'web1', 'acme': ['www']}, {**GRANT, 'lease': '2d'}), keys=KEYS)
    assert update(server, ('add', challenge, 60, 'TXT', 'token'), key='web1') is None
    assert update(server, add('host')) is None
    assert update(server, add('short'), option=lease_of(60)) == (60,)
    assert {name: row['lease_s'] for (name, *_), row in leases(server).items()} == {
        f'{challenge}.example.': 3600, 'host.example.': 2 * DAY, 'short.example.': 60}
    said = server.reevectl('explain', 'update', 'web1', 'example.', f'add {challenge} 60 TXT x').stdout
    assert 'lease 1h 0m unless one is asked for: 30s to 1d 0h' in said


def test_who_may_only_add_cannot_make_what_others_have_added_go(reeved):
    server = reeved(zone({'key': 'adder', 'all': 'yes', 'ops': ['add'], 'lease-range': SHORT}, GRANT), keys=KEYS)
    assert update(server, add('host')) is None
    assert update(server, add('leased'), option=lease_of(3600)) == (3600,)
    update(server, add('host'), add('leased'), add('www', '192.0.2.80'), option=lease_of(1), key='adder')
    assert {name: row['lease_s'] for (name, *_), row in leases(server).items()} == {'leased.example.': 3600}
    update(server, add('leased'), option=lease_of(7200), key='adder')
    assert {name: row['lease_s'] for (name, *_), row in leases(server).items()} == {'leased.example.': 7200}, 'longer is fine'


def test_what_the_zone_file_has_is_the_files(reeved):
    grants = {**GRANT, 'lease-range': SHORT}
    server = reeved({'example.': {'file': dynamic.ZONE, 'updates': [grants]}}, keys=KEYS)
    update(server, ('add', 'www', 300, 'A', '192.0.2.80'), add('host'), option=lease_of(1))
    until_gone(server, 'host.example.')
    assert dynamic.texts(server, 'www.example.', 'A') == ['192.0.2.80']
    update(server, add('host'), option=lease_of(2))
    server.zone_file('example.', dynamic.ZONE + 'host 60 A 192.0.2.9\n')     # the file has it too, from now on
    server.reload()
    server.until(lambda: not leases(server), 'the lease is over')
    assert dynamic.texts(server, 'host.example.', 'A') == ['192.0.2.9']


# --- the operator ---

def test_the_operator_sees_leases_and_ends_them(reeved):
    server = reeved(zone(GRANT), keys=KEYS)
    assert 'no leases' in server.reevectl('leases', 'example.').stdout
    update(server, add('a.host'), add('host'), add('host', '2001:db8::9', 'AAAA'), add('host', '192.0.2.10'),
           option=lease_of(7200))
    rows = server.ctl('leases', 'example.')['leases']
    assert [(row['name'], row['type']) for row in rows] == [
        ('host.example.', 'A'), ('host.example.', 'A'), ('host.example.', 'AAAA'), ('a.host.example.', 'A')], 'in zone order'
    assert all(7000 < row['remaining_s'] <= 7200 == row['lease_s'] for row in rows)
    assert server.reevectl('leases', 'example.', 'a.host').stdout.startswith('a.host.example. A 192.0.2.9  1h 59m of 2h 0m')
    shown = server.reevectl('zone', 'example.').stdout
    assert '4 with a lease (next expiry in 1h 59m)' in shown, shown
    assert server.asked('status')['leases'] == 4

    update(server, add('host', '192.0.2.10'))
    assert 'host.example.  2 leases ended, 2 records removed' in server.reevectl('expire', 'example.', 'host').stdout
    assert dynamic.texts(server, 'host.example.', 'A') == ['192.0.2.10'], 'a permanent one stays'
    assert dynamic.texts(server, 'host.example.', 'AAAA') == []
    assert 'no record at that name has a lease' in server.reevectl('expire', 'example.', 'host', code=1).stderr
    assert 'is not in the zone' in server.reevectl('expire', 'example.', 'host.other.', code=2).stderr
    assert server.ctl('log', 'example.', '--limit', '1')['rows'][0]['rule'] == 'expire host.example.'
    server.kill()
    server.run()
    assert [row['name'] for row in leases(server).values()] == ['a.host.example.']


def test_a_frozen_zone_keeps_its_records_until_it_is_thawed(reeved):
    server = reeved(zone({**GRANT, 'lease-range': SHORT}), keys=KEYS)
    update(server, add('host'), add('other'), option=lease_of(1))
    server.reevectl('freeze', 'example.')
    server.until(lambda: all(row['remaining_s'] == 0 for row in leases(server).values()), 'the leases are over')
    assert dynamic.texts(server, 'host.example.', 'A') in (['192.0.2.9'], None)
    server.reevectl('thaw', 'example.')
    until_gone(server, 'host.example.')


def test_any_change_that_takes_a_record_away_ends_its_lease(reeved):
    server = reeved(zone(GRANT), keys=KEYS)
    names = ['deleted', 'operator', 'rolled']
    for name in names[:2]:
        update(server, add(name), option=lease_of(3600))
    before = server.serial('example.')
    update(server, add('rolled'), option=lease_of(3600))
    update(server, ('delete', 'deleted'))
    update(server, add('deleted'))
    server.reevectl('update', 'example.', text='delete operator\n')
    dry = server.reevectl('rollback', 'example.', str(before), '--dry-run').stdout
    assert 'leases of records that go would end, records that come back have none' in dry.splitlines()
    assert dynamic.texts(server, 'rolled.example.', 'A') == ['192.0.2.9'], 'nothing is done'
    server.reevectl('rollback', 'example.', str(before))
    assert {name for name, *_ in leases(server)} == set()
    assert dynamic.texts(server, 'rolled.example.', 'A') is None
    server.kill()
    server.run()
    assert leases(server) == {}
    assert server.ctl('journal', 'check')['leases'] == 0
