# SPDX-License-Identifier: Apache-2.0
"""What is kept on disk: copies of it from which another server goes on, and the check that finds damage."""
import os
import shutil
import stat
import threading

import pytest

import dynamic
import test_cookies

KEYS = dynamic.keys('k')


def zones():
    return {'example.': dynamic.all_by('k', 'kept'), 'made.': {'soa': {'ns': ['ns.made.']}, 'updates': [{'key': 'k', 'all': 'yes'}]}}


def add(server, zone, number):
    message = dynamic.update_of(zone, KEYS)
    message.add(f'n{number}.{zone}', 60, 'A', '192.0.2.9')
    assert dynamic.rcode_of(server, message) == 'NOERROR'


def started(reeved_ready):
    """A server with a kept key and a few changes."""
    server = reeved_ready(zones(), keys=KEYS)
    server.zones['example.']['updates'].pop()   # until there is that key
    server.configure()
    server.run()
    server.ctl('key', 'new', 'kept')
    for number in range(5):
        add(server, 'example.', number)
        add(server, 'made.', number)
    return server


# --- backup ---

def test_another_server_goes_on_from_a_backup(reeved_ready):
    first, second = started(reeved_ready), reeved_ready(zones(), keys=KEYS)
    copy = first.dir / 'copy'
    answer = first.ctl('backup', copy)
    assert answer['keys'] == 1 and answer['has_journal'] and answer['bytes'] == os.stat(copy / 'reeve.db').st_size
    assert sorted(os.listdir(copy)) == ['cookies.secret', 'keys', 'reeve.db'] and os.listdir(copy / 'keys') == ['kept.key']
    assert stat.S_IMODE((copy / 'keys').stat().st_mode) == 0o700
    assert stat.S_IMODE((copy / 'keys' / 'kept.key').stat().st_mode) == 0o600
    expected = {zone: (first.serial(zone), dynamic.records_of(first, zone)) for zone in zones()}
    add(first, 'example.', 6)       # is not in it
    second.settings['server']['state-dir'] = str(copy)
    second.configure()
    second.run()
    assert {zone: (second.serial(zone), dynamic.records_of(second, zone)) for zone in zones()} == expected
    assert [key['key'] for key in second.asked('key list')['keys']] == ['k', 'kept']
    add(second, 'example.', 7)
    assert second.ctl('journal', 'check')['journal_faults'] == 0


def test_cookies_are_good_at_a_server_that_was_restored(reeved_ready):
    """RFC 9018 s5: whoever has the secret takes the cookie."""
    first, second, other = (reeved_ready({'example.': dynamic.ZONE}, server={'cookies-required': 'yes'}) for _ in range(3))
    first.configure()
    first.run()
    rcode, cookie = test_cookies.ask(first, test_cookies.CLIENT)
    assert rcode == 'BADCOOKIE'
    copy = second.dir / 'copy'
    assert first.ctl('backup', copy)['has_cookies'] is True
    assert stat.S_IMODE((copy / 'cookies.secret').stat().st_mode) == 0o600
    second.settings['server']['state-dir'] = str(copy)
    second.configure()
    second.run()
    assert test_cookies.ask(second, cookie)[0] == 'NOERROR'
    other.configure()
    other.run()
    assert test_cookies.ask(other, cookie)[0] == 'BADCOOKIE', 'the copy is what makes it good'


def test_a_backup_is_whole_while_updates_go_on(reeved_ready):
    first, second = started(reeved_ready), reeved_ready(zones(), keys=KEYS)
    flight = dynamic.Flight(first, dynamic.Signer('k', KEYS['k']['secret']))
    flight.run(200)
    before = set(flight.acked)
    thread = threading.Thread(target=flight.run, args=(1000,))
    thread.start()
    first.ctl('backup', first.dir / 'copy')
    thread.join()
    assert len(flight.acked) == 1200
    second.settings['server']['state-dir'] = str(first.dir / 'copy')
    second.configure()
    second.run()
    flight.server = second
    found = flight.found(range(1200))
    assert set(found.values()) <= {'', 'A TXT'} and all(found[n] for n in before)


def test_nothing_is_overwritten_by_a_backup(reeved_ready):
    server = started(reeved_ready)
    copy = server.dir / 'copy'
    server.ctl('backup', copy)
    database = (copy / 'reeve.db').read_bytes()
    assert 'exists' in server.ctl('backup', copy, code=1)['error']
    (server.state / 'keys').rename(server.dir / 'keys')     # one that keeps none
    assert 'cookies.secret: ' in server.ctl('backup', copy, code=1)['error']
    assert os.listdir(copy / 'keys') == ['kept.key'], 'as the first one has made it'
    (server.dir / 'keys').rename(server.state / 'keys')
    shutil.rmtree(copy / 'keys')
    assert 'cookies.secret: ' in server.ctl('backup', copy, code=1)['error']
    assert sorted(os.listdir(copy)) == ['cookies.secret', 'reeve.db'], 'what it made itself is gone'
    (copy / 'cookies.secret').unlink()
    assert 'there already' in server.ctl('backup', copy, code=1)['error']
    assert os.listdir(copy) == ['reeve.db'] and (copy / 'reeve.db').read_bytes() == database
    assert 'cannot be made' in server.ctl('backup', server.dir / 'no' / 'where', code=1)['error']


def test_nothing_is_left_of_a_backup_that_fails_half_way(reeved_ready):
    server = started(reeved_ready)
    copy, bad = server.dir / 'copy', server.state / 'keys' / 'zz.key'
    bad.write_bytes((server.state / 'keys' / 'kept.key').read_bytes())
    bad.chmod(0o644)        # as no file of a key may be
    for _ in range(2):
        assert 'zz.key' in server.ctl('backup', copy, code=1)['error']
        assert not copy.exists()
    copy.mkdir()
    (copy / 'mine').write_text('mine')
    assert 'zz.key' in server.ctl('backup', copy, code=1)['error']
    assert os.listdir(copy) == ['mine']
    bad.unlink()
    assert server.ctl('backup', copy)['keys'] == 1


def test_a_backup_of_a_server_without_history_has_its_keys(reeved):
    server = reeved({'plain.': dynamic.ZONE})
    server.ctl('key', 'new', 'k')
    answer = server.ctl('backup', server.dir / 'copy')
    assert not answer['has_journal'] and sorted(os.listdir(server.dir / 'copy')) == ['cookies.secret', 'keys']
    assert 'no change log' in server.ctl('journal', 'check', code=1)['error']


def test_a_relative_folder_is_taken_from_where_the_client_is(reeved):
    server = reeved({'plain.': dynamic.ZONE})
    done = dynamic.run_client(server.program().with_name('reevectl'), '--socket', server.socket, 'backup', 'here',
                              cwd=server.state)
    assert done.returncode == 0 and (server.state / 'here').is_dir()
    assert str(server.state / 'here') in done.stdout


# --- journal check ---

def test_a_whole_log_has_no_fault(reeved_ready):
    server = started(reeved_ready)
    whole = server.ctl('journal', 'check')
    assert whole['journal_faults'] == 0 and whole['changes'] == 10 and whole['zones'] == 2
    assert 'no fault' in server.reevectl('journal', 'check').stdout


@pytest.mark.released
def test_damage_that_comes_while_the_server_runs_is_found(reeved_ready):
    """Bytes of the snapshot of a zone that is larger than what the database keeps in memory."""
    text = dynamic.ZONE + '$GENERATE 1-100000 h$ TXT "mark-$-' + 'x' * 200 + '"\n'
    server = reeved_ready({**zones(), 'large.': {'file': text, 'updates': [{'key': 'k', 'all': 'yes'}]}}, keys=KEYS)
    server.zones['example.']['updates'].pop()
    server.configure()
    server.run()
    server.until(lambda: server.ctl('journal', 'check')['parts'] > 10, 'the snapshot is written')
    damaged = 0
    for path in (server.state / 'reeve.db', server.state / 'reeve.db-wal'):
        data = path.read_bytes()
        at = data.find(b'mark-10-')
        while at >= 0:
            with open(path, 'r+b') as file:
                file.seek(at)
                file.write(b'MARK-10-')
            damaged, at = damaged + 1, data.find(b'mark-10-', at + 1)
    assert damaged
    found = server.reevectl('journal', 'check', code=1)
    assert 'large.: ' in found.stdout and 'damaged' in found.stdout
    assert '1 fault in the change log' in found.stderr
    add(server, 'made.', 1)     # and it goes on


# --- zone and status: what there is to know ---

def test_zone_tells_what_is_not_of_its_file_and_its_history(reeved_ready):
    server = started(reeved_ready)
    message = dynamic.update_of('example.', KEYS)
    message.replace('www.example.', 300, 'A', '192.0.2.81')
    assert dynamic.rcode_of(server, message) == 'NOERROR'
    zone = server.asked('zone', zone='example.')
    assert (zone['dynamic'], zone['changed'], zone['history'], zone['history_from']) == (5, 1, 6, 1)
    assert zone['last_change']['actor'] == 'key k' and zone['last_change']['kind'] == 'update'
    assert zone['last_change']['serial'] == zone['serial'] == server.serial('example.') == 7
    assert zone['last_change']['peer'].startswith('127.0.0.1') and 'frozen' not in zone
    assert 0 < zone['history_bytes'] < zone['history_bytes_max']
    shown = server.reevectl('zone', 'example.').stdout
    for part in ('5 records, 1 RRset of the file changed', '6 commits back to 1 (', 'update by key k', 'serial: increment'):
        assert part in shown, shown
    made = server.asked('zone', zone='made.')
    assert (made['dynamic'], made['changed'], made['history']) == (5, 0, 5) and 'is_file_same' not in made


def test_zone_tells_whether_its_file_is_the_one_that_was_loaded(reeved_ready):
    server = started(reeved_ready)
    path = server.dir / 'example.zone'
    os.utime(path, (1, 1))      # a file that was written just now can change again without a trace
    server.ctl('reload', 'example.')
    server.until(lambda: server.asked('zone', zone='example.')['is_file_same'], 'the change log knows it')
    assert ', unchanged' in server.reevectl('zone', 'example.').stdout
    os.utime(path, (2, 2))
    assert server.asked('zone', zone='example.')['is_file_same'] is False
    assert 'see plan' in server.reevectl('zone', 'example.').stdout


def test_a_zone_without_history_has_none(reeved):
    server = reeved({'plain.': dynamic.ZONE})
    assert 'history' not in server.asked('zone', zone='plain.')
    status = server.asked('status')
    assert 'journal_well' not in status and status['updates'] == 0


def test_status_tells_of_updates_and_of_the_change_log(reeved_ready):
    server = started(reeved_ready)
    message = dynamic.update_of('example.', KEYS)
    message.present('nobody')
    message.add('x', 60, 'A', '192.0.2.1')
    assert dynamic.rcode_of(server, message) == 'NXDOMAIN'
    message = dynamic.update_of('plain.', KEYS)
    message.add('a.plain.', 60, 'A', '192.0.2.1')
    assert dynamic.rcode_of(server, message) == 'NOTAUTH'
    status = server.asked('status')
    assert (status['updates'], status['updates_done'], status['updates_queued'], status['commits_pending']) == (12, 10, 0, 0)
    assert status['journal_well'] is True and status['journal_bytes'] > 0 and status['commit_took_us'] > 0
    assert 'change log     well since ' in server.reevectl('status').stdout
