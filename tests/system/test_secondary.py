# SPDX-License-Identifier: Apache-2.0
"""reeved as a secondary of a scripted primary: what it asks, what it takes, what it remembers, when it stops answering."""
import base64
import contextlib
import sqlite3
import threading

import dns.flags
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

import harness
import scripted

ZONE = 'example.'
SECRET = base64.b64encode(b'a secret of at least 32 octets!!').decode()
TOP = ('example. 300 NS ns.example.', 'ns.example. 300 A 192.0.2.53')
QUICK = {'limits': {'refresh-min': '1s', 'retry-min': '1s', 'retry-max': '2s'}}


def hosts(count, last=1):
    return {*TOP, *(f'h{i}.example. 300 A 192.0.2.{last}' for i in range(count))}


@pytest.fixture(name='primary')
def fixture_primary():
    started = []

    def start(*arguments, **how):
        started.append(scripted.Primary(ZONE, *arguments, **how))
        return started[-1]
    yield start
    for primary in started:
        primary.close()


def secondary(reeved, *primaries, zone=None, **how):
    names = [f'p{i}' for i in range(len(primaries))]
    keys = {'k': {'secret': SECRET}} if any(p.key for p in primaries) else None
    return reeved({ZONE: {'primaries': names, **(zone or {})}}, server=QUICK, keys=keys,
                  remotes={name: p.remote for name, p in zip(names, primaries)}, **how)


def follows(server, serial):
    server.until(lambda: server.serial(ZONE) == serial, f'serial {serial} served')


def is_dead(server):
    return server.ask(ZONE, 'SOA').rcode() == dns.rcode.SERVFAIL


def served(server):
    """What it has, as it exports it, in the form of the primary's records."""
    lines = server.reevectl('export', ZONE).stdout.splitlines()
    fields = [line.split() for line in lines if line and not line.startswith(';')]
    return {f'{f[0]} {f[1]} {f[-2]} {f[-1]}' for f in fields if 'SOA' not in f}


@pytest.mark.parametrize('key', [None, SECRET])
def test_it_takes_the_zone_and_then_what_changes(reeved, primary, key):
    master = primary(hosts(250), key=key)
    server = secondary(reeved, master)
    follows(server, 1)
    assert master.types() == ['AXFR']
    assert served(server) == hosts(250)
    master.publish(2, hosts(250, 2))
    master.publish(3, hosts(251, 2))
    assert scripted.notify(server, ZONE, master.soa(3), key=key).rcode() == dns.rcode.NOERROR
    follows(server, 3)
    assert master.asked[-1] == ('tcp', 'IXFR', 1)
    assert served(server) == hosts(251, 2)
    log = server.reevectl('log', ZONE).stdout
    assert log.count('primary p0') == 2, log
    assert 'kind=IXFR' in server.log()


def test_a_primary_without_ixfr_is_followed_too(reeved, primary):
    master = primary(hosts(3))
    server = secondary(reeved, master)
    follows(server, 1)
    master.has_ixfr = False
    master.publish(2, hosts(5))
    server.reevectl('refresh', ZONE)
    follows(server, 2)
    assert served(server) == hosts(5)


@pytest.mark.parametrize('key', [None, SECRET])
def test_a_primary_without_edns_is_followed_too(reeved, primary, key):
    master = primary(hosts(3), key=key)
    master.has_edns = False
    server = secondary(reeved, master)
    follows(server, 1)
    master.publish(2, hosts(5))
    server.reevectl('refresh', ZONE)
    follows(server, 2)
    assert served(server) == hosts(5)
    assert master.types() == ['AXFR', 'AXFR', 'SOA', 'IXFR']
    assert master.had_edns == [True, False, False, False], 'once, and then it is known'
    assert 'primary fails' not in server.log()


def test_a_restart_needs_no_transfer(reeved, primary):
    master = primary(hosts(20))
    server = secondary(reeved, master)
    follows(server, 1)
    master.publish(2, hosts(21))
    server.reevectl('refresh', ZONE)
    follows(server, 2)
    server.until(lambda: server.asked('zone', zone=ZONE).get('ready'), 'the first snapshot is written')
    server.kill()
    master.forget()
    server.run()
    follows(server, 2)
    server.until(lambda: master.asked, 'a look at the primary')
    assert master.asked == [('udp', 'SOA', None)]
    assert served(server) == hosts(21)


def test_a_crash_in_the_middle_of_a_transfer_leaves_the_old_zone(reeved, primary):
    master = primary(hosts(20))
    server = secondary(reeved, master)
    follows(server, 1)
    server.until(lambda: server.asked('zone', zone=ZONE).get('ready'), 'the first snapshot is written')
    master.has_ixfr = False
    master.hold = threading.Event()
    master.publish(2, hosts(2000, 2))
    server.reevectl('refresh', ZONE)
    server.until(lambda: ('tcp', 'IXFR', 1) in master.asked, 'the transfer is under way')
    server.kill()
    server.run()
    follows(server, 1)
    assert served(server) == hosts(20)
    master.hold.set()
    follows(server, 2)
    assert served(server) == hosts(2000, 2)


def test_it_expires_and_says_since_when(reeved, primary):
    master = primary(hosts(3), times='1 1 4')
    server = secondary(reeved, master)
    follows(server, 1)
    server.until(lambda: server.asked('zone', zone=ZONE).get('ready'), 'the first snapshot is written')
    master.is_silent = True
    server.until(lambda: is_dead(server), 'SERVFAIL')
    zone = server.asked('zone', zone=ZONE)
    assert zone['state'] == 'expired' and zone['expired_us'] <= zone['now_us']
    server.until(lambda: server.asked('zone', zone=ZONE)['primaries'][0].get('error'), 'said why')
    server.kill()
    server.run(wait=False)
    server.notice('READY', '1')
    assert is_dead(server), 'a restart makes nothing good'
    master.is_silent = False
    follows(server, 1)
    log = server.log()
    assert log.count('msg="zone expired') == 2 and 'msg="zone is good again"' in log


def test_the_expire_option_bounds_the_life_of_the_data(reeved, primary):
    master = primary(hosts(3), times='3600 900 1209600')
    master.expire = 4
    server = secondary(reeved, master)
    follows(server, 1)
    zone = server.asked('zone', zone=ZONE)
    assert 0 < zone['expires_us'] - zone['checked_us'] <= 4_000_000
    master.is_silent = True
    server.until(lambda: is_dead(server), 'SERVFAIL')


def test_serials_go_forward_and_around(reeved, primary):
    master = primary(hosts(1), serial=4294967290)
    server = secondary(reeved, master)
    follows(server, 4294967290)
    master.publish(5, hosts(2))
    server.reevectl('refresh', ZONE)
    follows(server, 5)
    master.publish(4, hosts(3))
    master.forget()
    server.reevectl('refresh', ZONE)
    server.until(lambda: 'behind ours' in server.asked('zone', zone=ZONE)['primaries'][0].get('error', ''), 'said so')
    assert server.serial(ZONE) == 5 and 'AXFR' not in master.types()
    master.publish(5, hosts(7))         # another zone with the same serial: not seen
    server.reevectl('refresh', ZONE)
    server.until(lambda: 'error' not in server.asked('zone', zone=ZONE)['primaries'][0], 'looked again')
    assert served(server) == hosts(2)
    server.reevectl('transfer', ZONE)   # unless the operator wants it
    server.until(lambda: served(server) == hosts(7), 'transferred anew')


def test_the_next_primary_is_asked_when_one_is_dead(reeved, primary):
    dead, alive = primary(hosts(1)), primary(hosts(1))
    server = secondary(reeved, dead, alive)
    follows(server, 1)
    dead.is_silent = True
    alive.publish(2, hosts(2))
    server.reevectl('refresh', ZONE)
    follows(server, 2)
    states = server.asked('zone', zone=ZONE)['primaries']
    assert 'failing_since_us' in states[0] and 'failing_since_us' not in states[1]
    assert server.log().count('msg="primary fails"') == 1
    dead.is_silent = False
    dead.publish(2, hosts(2))
    server.reevectl('refresh', ZONE)
    server.until(lambda: 'msg="primary is well again"' in server.log(), 'one line for its recovery')


def test_notify_counts_from_a_primary_with_its_key_only(reeved, primary):
    master = primary(hosts(1), key=SECRET)
    server = secondary(reeved, master)
    follows(server, 1)
    master.publish(2, hosts(2))
    master.forget()
    assert scripted.notify(server, 'other.', None).rcode() == dns.rcode.NOTAUTH
    assert scripted.notify(server, ZONE, master.soa(2)).rcode() == dns.rcode.REFUSED
    assert scripted.notify(server, ZONE, master.soa(2), key=SECRET, source='127.0.0.2').rcode() == dns.rcode.REFUSED
    assert not master.asked and server.serial(ZONE) == 1
    reply = scripted.notify(server, ZONE, master.soa(2), key=SECRET)
    assert reply.rcode() == dns.rcode.NOERROR and reply.flags & dns.flags.AA and reply.had_tsig
    follows(server, 2)
    assert len(server.asked('refused')['refused']) >= 3
    master.forget()
    for _ in range(200):
        scripted.notify(server, ZONE, master.soa(2), key=SECRET)
    assert not master.asked, 'it has that serial'


def test_a_zone_that_would_shrink_is_kept_until_the_operator_takes_it(reeved, primary):
    master = primary(hosts(40))
    server = secondary(reeved, master, zone={'shrink-limit': '50%'})
    follows(server, 1)
    master.publish(2, hosts(2))
    server.reevectl('refresh', ZONE)
    server.until(lambda: 'held' in server.asked('zone', zone=ZONE), 'held back')
    assert server.serial(ZONE) == 1 and served(server) == hosts(40)
    assert 'transfer --force takes it' in server.reevectl('zone', ZONE).stdout
    assert server.asked('status')['held'] == 1 and ', 1 held back' in server.reevectl('status').stdout
    assert 'msg="transfer held back' in server.log()
    server.reevectl('transfer', ZONE, '--force')
    follows(server, 2)
    assert 'held' not in server.asked('zone', zone=ZONE) and server.asked('status')['held'] == 0


def test_what_was_kept_back_is_forgotten_when_the_primary_takes_it_back(reeved, primary):
    master = primary(hosts(40))
    server = secondary(reeved, master, zone={'shrink-limit': '50%'})
    follows(server, 1)
    master.publish(2, hosts(2))
    server.reevectl('refresh', ZONE)
    server.until(lambda: 'held' in server.asked('zone', zone=ZONE), 'held back')
    master.publish(1, hosts(40))
    server.reevectl('refresh', ZONE)
    server.until(lambda: 'held' not in server.asked('zone', zone=ZONE), 'nothing is held back')
    master.publish(2, hosts(2))
    server.reevectl('refresh', ZONE)
    server.until(lambda: 'held' in server.asked('zone', zone=ZONE), 'held back')
    assert served(server) == hosts(40)


def ixfr_from(server, serial):
    """What answers IXFR from that serial: 'current', 'steps' or 'whole'."""
    answer = dns.query.tcp(scripted.ixfr(ZONE, serial), server.address, port=server.port, one_rr_per_rrset=True,
                           timeout=harness.ASK_TIMEOUT_S).answer
    if len(answer) == 1:
        return 'current'
    return 'steps' if answer[1].rdtype == dns.rdatatype.SOA else 'whole'


def test_no_differences_lead_over_a_serial_that_went_back(reeved, primary):
    """RFC 1995 s4: from the oldest to the newest; and a serial that comes a second time is another state of the zone."""
    master = primary(hosts(1))
    server = secondary(reeved, master, zone={'transfer': [{'unsigned': 'yes'}]})
    follows(server, 1)
    for serial in (2, 3, 20, 4, 5):
        master.publish(serial, hosts(serial))
        if serial == 4:
            server.reevectl('transfer', ZONE, '--force')
        else:
            server.reevectl('refresh', ZONE)
        follows(server, serial)
    server.until(lambda: server.asked('zone', zone=ZONE).get('ready'), 'the first snapshot is written')
    for _ in range(2):
        assert [ixfr_from(server, serial) for serial in (1, 3, 4, 5, 20)] == ['whole', 'whole', 'steps', 'current', 'current']
        server.kill()
        server.run()
        follows(server, 5)


def test_a_serial_that_comes_a_second_time_is_another_state(reeved, primary):
    master = primary(hosts(1))
    server = secondary(reeved, master, zone={'transfer': [{'unsigned': 'yes'}]})
    follows(server, 1)
    for serial in (5, 3, 5, 6):
        master.publish(serial, hosts(serial))
        if serial == 3:
            server.reevectl('transfer', ZONE, '--force')
        else:
            server.reevectl('refresh', ZONE)
        follows(server, serial)
    assert [ixfr_from(server, serial) for serial in (3, 5, 6)] == ['steps', 'whole', 'current']


def test_what_is_damaged_in_the_log_is_transferred_anew(reeved, primary):
    master = primary(hosts(20))
    server = secondary(reeved, master)
    follows(server, 1)
    server.until(lambda: server.asked('zone', zone=ZONE).get('ready'), 'the first snapshot is written')
    server.kill()
    with contextlib.closing(sqlite3.connect(server.state / 'reeve.db')) as database, database:
        assert database.execute("UPDATE part SET rrs = x'00'").rowcount
    master.forget()
    master.publish(2, hosts(21))
    server.run()
    follows(server, 2)
    assert master.types() == ['AXFR'] and served(server) == hosts(21)


def test_the_operator_is_told_what_a_secondary_is(reeved, primary):
    master = primary(hosts(1))
    server = secondary(reeved, master)
    follows(server, 1)
    for verb in (('freeze', ZONE), ('rollback', ZONE, '1'), ('update', ZONE)):
        said = server.reevectl(*verb, text='add x.example. 60 A 192.0.2.1\n', code=1)
        assert 'secondary' in said.stdout + said.stderr, verb
