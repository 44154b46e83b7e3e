# SPDX-License-Identifier: Apache-2.0
"""The history of a zone as an operator sees and uses it: log, diff, blame, rollback, export of what was."""
import json
import os
import re
import subprocess
import threading
import time

import dns.zone
import pytest

import dynamic
import harness

KEYS = dynamic.keys('web1', 'web2')
GROUP = pytest.mark.xdist_group('history')      # they ask one server
ZONE = '''$TTL 300
@     SOA   ns hostmaster 10 3600 900 1209600 300
@     NS    ns
ns    A     192.0.2.1
www   A     192.0.2.80
mail  A     192.0.2.25
'''


def zone(text=ZONE, **more):
    return dynamic.all_by('web1', 'web2', text=text, **more)


def change(server, key, *steps):
    """One UPDATE; steps are (method of dnspython's UpdateMessage, its arguments...)."""
    update = dynamic.update_of('example.', KEYS, key=key)
    for method, *arguments in steps:
        getattr(update, method)(*arguments)
    assert dynamic.rcode_of(server, update) == 'NOERROR'


def three_changes(server):
    """Serials 11, 12 and 13."""
    change(server, 'web1', ('add', 'new', 60, 'TXT', '"one"'))
    change(server, 'web2', ('replace', 'www', 60, 'A', '192.0.2.81'), ('add', 'api', 60, 'CNAME', 'www'))
    change(server, 'web1', ('delete', 'new', 'TXT'), ('add', 'new', 60, 'TXT', '"two"'), ('delete', 'mail'))


def serial_of(server):
    return int(dynamic.texts(server, 'example.', 'SOA')[0].split()[2])


def records_at(server, *words):
    """Records of an export as a set of texts, without the SOA's serial."""
    read = dns.zone.from_text(server.reevectl('export', 'example.', *words).stdout, 'example.', relativize=False)
    return {(owner.to_text(), ttl, rdata.to_text().replace(f' {soa(read)} ', ' SERIAL '))
            for owner, ttl, rdata in read.iterate_rdatas()}, soa(read)


def soa(read):
    return read.find_rdataset(read.origin, 'SOA')[0].serial


def rows_of(server, *words):
    lines = [json.loads(line) for line in server.reevectl('--json', *words).stdout.splitlines()]
    return [row for line in lines for row in line.get('rows', [])]


def ctl_any(server, *words):
    """Exit code and lines of standard output, whatever they are."""
    result = subprocess.run([str(server.program().with_name('reevectl')), '--socket', str(server.socket), *words],
                            text=True, capture_output=True, timeout=harness.DEADLINE_S, check=False)
    return result.returncode, result.stdout.splitlines()


# --- log ---

@pytest.fixture(name='thrice_changed', scope='module')
def fixture_thrice_changed(shared):
    server = shared({'example.': zone()}, keys=KEYS)
    three_changes(server)
    return server


@GROUP
def test_the_log_tells_who_did_what_newest_first(thrice_changed):
    rows = rows_of(thrice_changed, 'log', 'example.')
    assert [row['serial'] for row in rows] == [13, 12, 11]
    assert [row['actor'] for row in rows] == ['key web1', 'key web2', 'key web1']
    assert [(row['removed'], row['added']) for row in rows] == [(2, 1), (1, 2), (0, 1)]
    assert all(row['peer'].startswith('127.0.0.1') and row['peer'].endswith(' udp') for row in rows)
    assert [row['rule'] for row in rows] == ['updates[0] (all)', 'updates[1] (all)', 'updates[0] (all)']
    assert all(abs(row['time_us'] / 1e6 - time.time()) < harness.DEADLINE_S for row in rows)
    assert all(row['kind'] == 'update' for row in rows)


@GROUP
def test_the_log_with_records_reads_as_the_manual_shows(thrice_changed):
    text = thrice_changed.reevectl('log', 'example.', '-p').stdout
    moment = r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}'
    peer = r'127\.0\.0\.1\S* udp'
    assert re.fullmatch(rf'''13  {moment}  key web1  {peer}  rule updates\[0\] \(all\)  \+1 -2
  - mail 300 A 192\.0\.2\.25
  - new 60 TXT "one"
  \+ new 60 TXT "two"
12  {moment}  key web2  {peer}  rule updates\[1\] \(all\)  \+2 -1
  - www 300 A 192\.0\.2\.80
  \+ api 60 CNAME www\.example\.
  \+ www 60 A 192\.0\.2\.81
11  {moment}  key web1  {peer}  rule updates\[0\] \(all\)  \+1
  \+ new 60 TXT "one"
''', text), text


TOLD = [                        # what is asked for, serials
    (['--key', 'web2'], [12]), (['--key', 'WEB1.'], [13, 11]), (['--key', 'web'], []),
    (['--name', 'new'], [13, 11]), (['--name', 'NEW.example.'], [13, 11]), (['--name', 'new.example'], [13, 11]),
    (['--name', 'x'], []), (['--name', '@'], []),
    (['--since', '1h'], [13, 12, 11]), (['--since', '2001-01-01'], [13, 12, 11]), (['--since', '9999-01-01'], []),
    (['--limit', '2'], [13, 12]), (['--limit', '0'], []), (['--key', 'web1', '--name', 'mail'], [13]),
]


@GROUP
def test_the_log_tells_only_what_is_asked_for(thrice_changed):
    for words, serials in TOLD:
        assert [row['serial'] for row in rows_of(thrice_changed, 'log', 'example.', *words)] == serials, words


@GROUP
def test_records_are_those_of_the_name_asked_for(thrice_changed):
    rows = rows_of(thrice_changed, 'log', 'example.', '-p', '--name', 'mail')
    assert [(row.get('serial'), row.get('op'), row.get('name')) for row in rows] == [
        (13, None, None), (None, '-', 'mail.example.')]


def test_the_history_is_there_after_a_restart_and_after_a_crash(reeved):
    server = reeved({'example.': zone()}, keys=KEYS)
    three_changes(server)
    before = rows_of(server, 'log', 'example.', '-p')
    server.stop()
    server.run()
    assert rows_of(server, 'log', 'example.', '-p') == before
    server.kill()
    server.run()
    assert rows_of(server, 'log', 'example.', '-p') == before


def test_changes_of_the_zone_file_are_in_the_log(reeved):
    server = reeved({'example.': zone()}, keys=KEYS)
    server.zone_file('example.', ZONE.replace('192.0.2.25', '192.0.2.26'))
    server.reload()
    server.until(lambda: dynamic.texts(server, 'mail.example.', 'A') == ['192.0.2.26'], 'the file is merged')
    first, removed, added = rows_of(server, 'log', 'example.', '-p')
    assert first['kind'] == 'file' and first['serial'] == 11
    assert first['actor'].startswith('file ') and first['actor'].endswith('example.zone (reload by signal)')
    assert (removed['op'], removed['owner'], removed['rdata']) == ('-', 'mail', '192.0.2.25')
    assert (added['op'], added['owner'], added['rdata']) == ('+', 'mail', '192.0.2.26')
    server.zone_file('example.', ZONE.replace('192.0.2.25', '192.0.2.27'))
    server.asked('reload')
    server.until(lambda: dynamic.texts(server, 'mail.example.', 'A') == ['192.0.2.27'], 'the file is merged')
    who = f'uid {os.geteuid()}' if os.geteuid() else 'root (uid 0)'
    assert rows_of(server, 'log', 'example.')[0]['actor'].endswith(f'example.zone (reload by {who})')


def test_a_large_history_is_told_whole_and_by_lines_of_bounded_size(reeved):
    server = reeved({'example.': zone()}, keys=KEYS)
    flight = dynamic.Flight(server, dynamic.Signer('web1', KEYS['web1']['secret']))
    flight.run(1000)
    assert len(flight.acked) == 1000
    lines = server.reevectl('--json', 'log', 'example.', '-p').stdout.splitlines()
    assert len(lines) > 3 and max(len(line) for line in lines) < 300_000
    rows = [row for line in lines for row in json.loads(line).get('rows', [])]
    assert [row['serial'] for row in rows if 'serial' in row] == list(range(1010, 10, -1))
    assert sum('op' in row for row in rows) == 2000


# --- diff ---

def test_diff_is_the_net_of_all_changes(reeved):
    server = reeved({'example.': zone()}, keys=KEYS)
    three_changes(server)
    assert server.reevectl('diff', 'example.', '10').stdout == '''+ api 60 CNAME www.example.
- mail 300 A 192.0.2.25
+ new 60 TXT "two"
- www 300 A 192.0.2.80
+ www 60 A 192.0.2.81
'''
    assert server.reevectl('diff', 'example.', '10..11').stdout == '+ new 60 TXT "one"\n'
    assert server.reevectl('diff', 'example.', '11..10').stdout == '- new 60 TXT "one"\n'
    assert server.reevectl('diff', 'example.', '12..12').stdout == 'no difference\n'
    assert server.reevectl('diff', 'example.', '13').stdout == 'no difference\n'
    change(server, 'web1', ('add', 'x', 60, 'A', '192.0.2.9'))
    change(server, 'web1', ('delete', 'x'))
    assert server.reevectl('diff', 'example.', '13').stdout == 'no difference\n'
    assert server.ctl('diff', 'example.', '10..15')['added'] == 3


def test_diff_of_the_file_is_what_updates_and_edits_have_made_different(reeved):
    server = reeved({'example.': zone(), 'static.': ZONE}, keys=KEYS)
    assert server.reevectl('diff', 'example.', '--file').stdout == 'no difference\n'
    change(server, 'web1', ('replace', 'www', 300, 'A', '192.0.2.81'))
    server.zone_file('example.', ZONE.replace('mail  A', 'post  A'))       # not loaded yet
    assert server.reevectl('diff', 'example.', '--file').stdout == '''+ mail 300 A 192.0.2.25
- post 300 A 192.0.2.25
- www 300 A 192.0.2.80
+ www 300 A 192.0.2.81
'''
    assert server.reevectl('diff', 'static.', '--file').stdout == 'no difference\n'
    server.zone_file('example.', 'nonsense\n')
    assert 'example' in server.reevectl('diff', 'example.', '--file', code=1).stderr


# --- blame ---

def test_blame_names_the_last_change_of_each_rrset(reeved):
    server = reeved({'example.': zone()}, keys=KEYS)
    three_changes(server)
    change(server, 'web2', ('add', 'www', 60, 'TXT', '"t"'))
    rows = rows_of(server, 'blame', 'example.', 'www')
    assert [(row['type'], row['serial'], row['actor']) for row in rows] == [('TXT', 14, 'key web2'), ('A', 12, 'key web2')]
    assert [(row['type'], row['source']) for row in rows_of(server, 'blame', 'example.', 'ns')] == [('A', 'zone file')]
    assert [(row['type'], row['source']) for row in rows_of(server, 'blame', 'example.', '@')] == [
        ('NS', 'zone file'), ('SOA', 'zone file')], 'the serial alone is no change'
    gone = rows_of(server, 'blame', 'example.', 'mail.example')
    assert [(row['type'], row['serial'], row['is_removed']) for row in gone] == [('A', 13, True)]
    assert 'knows of none' in server.reevectl('blame', 'example.', 'never', code=1).stderr
    assert re.match(r'TXT +14  .*  key web2  .*\nA +12  ', server.reevectl('blame', 'example.', 'www').stdout)


# --- export ---

def test_export_gives_the_zone_as_it_was_at_every_serial(reeved):
    server = reeved({'example.': zone()}, keys=KEYS)
    states = {10: records_at(server)}
    for n, steps in enumerate([
            [('add', 'new', 60, 'TXT', '"one"')],
            [('replace', 'www', 60, 'A', '192.0.2.81'), ('add', 'api', 60, 'CNAME', 'www')],
            [('replace', '@', 300, 'SOA', 'ns2 h 100 1 2 3 4')],
            [('delete', 'mail'), ('add', '@', 300, 'NS', 'ns9')],
            [('add', 'MAIL', 60, 'A', '192.0.2.26')]]):
        change(server, 'web1', *steps)
        states[serial_of(server)] = records_at(server)
        assert len(states) == n + 2
    for serial, state in states.items():
        assert records_at(server, '--at', serial) == state
        assert state[1] == serial
    server.stop()
    server.run()
    for serial, state in states.items():
        assert records_at(server, '--at', serial) == state
    error = server.reevectl('export', 'example.', '--at', 9, code=1).stderr
    assert 'serial 9 is not in the history, which goes back to serial 10' in error


def test_export_of_what_is_dynamic_is_what_the_file_does_not_say(reeved):
    server = reeved({'example.': zone()}, keys=KEYS)
    assert server.reevectl('export', 'example.', '--dynamic').stdout == ''
    three_changes(server)
    assert server.reevectl('export', 'example.', '--dynamic').stdout == '''api.example. 60 IN CNAME www.example.
new.example. 60 IN TXT "two"
www.example. 60 IN A 192.0.2.81
'''
    assert server.ctl('export', 'example.', '--dynamic')['records'] == 3


# --- rollback ---

def test_rollback_undoes_all_that_came_later_as_one_change(reeved):
    server = reeved({'example.': zone()}, keys=KEYS)
    first = records_at(server)[0]
    three_changes(server)
    wanted = records_at(server, '--at', 11)[0]
    text = server.reevectl('rollback', 'example.', '11').stdout
    assert text == 'committed serial 14 undoing 2 commits: +3 -3 records\n'
    assert records_at(server) == (wanted, 14)
    newest = rows_of(server, 'log', 'example.')[0]
    assert (newest['serial'], newest['kind'], newest['rule'], newest['added'], newest['removed']) == (
        14, 'rollback', 'to 11', 3, 3)
    assert 'uid' in newest['actor']
    server.kill()
    server.run()
    assert records_at(server) == (wanted, 14)
    server.reevectl('rollback', 'example.', '10')
    assert records_at(server) == (first, 15)
    assert [row['serial'] for row in rows_of(server, 'log', 'example.')] == [15, 14, 13, 12, 11], 'nothing is deleted'
    server.reevectl('rollback', 'example.', '13')       # and a rollback is undone as all else
    assert records_at(server)[0] == records_at(server, '--at', 13)[0]


def test_a_dry_run_says_what_would_be_done_and_does_nothing(reeved):
    server = reeved({'example.': zone()}, keys=KEYS)
    three_changes(server)
    assert server.reevectl('rollback', 'example.', '11', '--dry-run').stdout == \
        '''would commit serial 14 undoing 2 commits: +3 -3 records
  - api 60 CNAME www.example.  (added 12 by key web2)
  + mail 300 A 192.0.2.25  (removed 13 by key web1)
  - new 60 TXT "two"  (added 13 by key web1)
  + new 60 TXT "one"  (removed 13 by key web1)
  - www 60 A 192.0.2.81  (added 12 by key web2)
  + www 300 A 192.0.2.80  (removed 12 by key web2)
'''
    assert serial_of(server) == 13
    assert server.reevectl('rollback', 'example.', '13', '--dry-run').stdout == \
        'nothing to undo: no commit after serial 13\n'
    assert server.reevectl('rollback', 'example.', '13').stdout == 'nothing to undo: no commit after serial 13\n'
    change(server, 'web1', ('add', 'x', 60, 'A', '192.0.2.9'))
    change(server, 'web1', ('delete', 'x'))
    assert server.reevectl('rollback', 'example.', '13').stdout.startswith(
        'nothing to undo: in all nothing has changed in 2 commits')
    assert serial_of(server) == 15


def test_a_rollback_leaves_what_the_file_has_changed_and_says_so(reeved):
    server = reeved({'example.': zone()}, keys=KEYS)
    change(server, 'web1', ('add', 'new', 60, 'TXT', '"one"'))
    server.zone_file('example.', ZONE.replace('192.0.2.25', '192.0.2.26') + 'more  A     192.0.2.30\n')
    server.reload()
    server.until(lambda: serial_of(server) == 12, 'the file is merged')
    assert server.reevectl('rollback', 'example.', '11').stdout == \
        'nothing to undo: no commit after serial 11 but of the zone file, which stays\n'
    change(server, 'web2', ('replace', 'www', 60, 'A', '192.0.2.81'), ('delete', 'mail'))
    assert server.reevectl('rollback', 'example.', '11', '--dry-run').stdout == \
        '''would commit serial 14 undoing 1 commit: +1 -1 records
2 later file-owned RRsets stay
  - www 60 A 192.0.2.81  (added 13 by key web2)
  + www 300 A 192.0.2.80  (removed 13 by key web2)
'''
    assert server.reevectl('rollback', 'example.', '11').stdout == \
        'committed serial 14 undoing 1 commit: +1 -1 records\n2 later file-owned RRsets stay\n'
    assert dynamic.texts(server, 'www.example.', 'A') == ['192.0.2.80']
    assert dynamic.texts(server, 'more.example.', 'A') == ['192.0.2.30'], 'the file has it'
    assert dynamic.texts(server, 'mail.example.', 'A') is None, 'as it is: what to do about it the file has to say'
    server.reevectl('rollback', 'example.', '10')
    assert server.reevectl('diff', 'example.', '--file').stdout == '- mail 300 A 192.0.2.26\n'


def test_a_rollback_wins_against_updates_that_never_end(reeved):
    server = reeved({'example.': zone()}, keys=KEYS)
    flight = dynamic.Flight(server, dynamic.Signer('web1', KEYS['web1']['secret']))
    flight.run(200)
    done = threading.Event()
    thread = threading.Thread(target=lambda: flight.run(50_000, when=lambda n: done.is_set()))
    thread.start()
    try:
        answers = []
        for _ in range(5):
            server.until(lambda: serial_of(server) > (answers[-1]['serial'] if answers else 210), 'updates go on')
            answers.append(server.ctl('rollback', 'example.', '10'))
    finally:
        done.set()
        thread.join()
    assert all(answer['ok'] and answer['commits'] > 0 for answer in answers)
    assert not flight.refused, 'updates wait for a rollback, none is lost'
    rows = rows_of(server, 'log', 'example.')
    serials = [row['serial'] for row in rows]
    assert serials == sorted(serials, reverse=True) and len(set(serials)) == len(serials)
    rollbacks = [row for row in rows if row['kind'] == 'rollback']
    assert [row['serial'] for row in reversed(rollbacks)] == [answer['serial'] for answer in answers]
    for answer in answers:
        assert server.ctl('export', 'example.', '--at', answer['serial'])['records'] == 5
    since = [row for row in rows if row['serial'] > answers[-1]['serial']]      # some may still be under way
    assert server.ctl('diff', 'example.', f'{answers[-1]["serial"]}..{serials[0]}')['added'] == 2 * len(since)


def test_a_large_rollback_lets_queries_through(reeved):
    server = reeved({'example.': zone()}, keys=KEYS)
    count = 20_000
    server.reevectl('update', 'example.', text=''.join(f'add h{n} 300 A 192.0.2.9\n' for n in range(count)))
    assert serial_of(server) == 11
    answer = server.ctl('rollback', 'example.', '10')
    assert (answer['removed'], answer['serial']) == (count, 12)
    assert server.asked('zone', zone='example.')['records'] == 5
    assert server.ctl('rollback', 'example.', '11')['added'] == count
    assert dynamic.texts(server, f'h{count - 1}.example.', 'A') == ['192.0.2.9']


# --- what cannot be ---

IMPOSSIBLE = [
    (['log', 'static.'], 1, 'has no history'), (['log', 'nope.'], 1, 'no zone nope.'),
    (['log', 'example.', '--since', 'soon'], 2, 'is no time'), (['log', 'example.', '--name', 'other.'], 2, 'not in the zone'),
    (['log', 'example.', '--name', 'a..b'], 2, 'is no name'),
    (['diff', 'example.'], 2, 'diff needs'), (['diff', 'example.', '1', '--file'], 2, 'diff needs'),
    (['diff', 'example.', 'x..y'], 2, 'is no serial'), (['diff', 'example.', '1..'], 2, 'is no serial'),
    (['diff', 'example.', '9'], 1, 'before serial 10'), (['diff', 'static.', '9'], 1, 'has no history'),
    (['diff', 'made.', '--file'], 1, 'has no file'),
    (['blame', 'static.', '@'], 1, 'has no history'), (['blame', 'example.', 'x.test.'], 2, 'not in the zone'),
    (['export', 'static.', '--dynamic'], 1, 'has no history'), (['export', 'static.', '--at', '1'], 1, 'has no history'),
    (['export', 'example.', '--at', '1', '--dynamic'], 2, 'do not go together'),
    (['rollback', 'static.', '1'], 1, 'has no history'), (['rollback', 'example.', '9'], 1, 'before serial 10'),
    (['rollback', 'example.'], 2, 'needs SERIAL'), (['rollback', 'example.', '-1'], 2, 'no option'),
]


def test_what_cannot_be_is_refused_with_a_sentence(reeved):
    zones = {'example.': zone(), 'static.': ZONE,
             'made.': {'soa': {'ns': ['ns.example.']}, 'updates': [{'key': 'web1', 'all': 'yes'}]}}
    server = reeved(zones, keys=KEYS)
    for words, code, says in IMPOSSIBLE:
        assert says in server.reevectl(*words, code=code).stderr, words


# --- what is kept ---

def test_a_history_that_was_trimmed_says_how_far_back_it_goes(reeved):
    limits = {'limits': {'history-size': '64K', 'snapshot-after': '64K'}}
    server = reeved({'example.': zone()}, keys=KEYS, server=limits)
    flight = dynamic.Flight(server, dynamic.Signer('web1', KEYS['web1']['secret']))
    rows = []

    def is_trimmed():
        flight.run(500)
        rows[:] = rows_of(server, 'log', 'example.')
        return rows[-1]['serial_from'] > 10
    server.until(is_trimmed, 'changes are trimmed')
    oldest, newest = rows[-1], rows[0]
    assert [row['serial'] for row in rows] == list(range(newest['serial'], oldest['serial'] - 1, -1))
    for words in (['export', 'example.', '--at', '10'], ['rollback', 'example.', '10'], ['diff', 'example.', '10']):
        says = server.reevectl(*words, code=1).stderr
        back = int(re.search(r'serial 10 is not in the history, which goes back to serial (\d+)', says).group(1))
        assert back >= oldest['serial_from']
    assert [row['source'] for row in rows_of(server, 'blame', 'example.', 'u0')] == ['before the history'] * 2
    answer = {}

    def is_exported():      # trimming may go on meanwhile
        answer['back'] = rows_of(server, 'log', 'example.')[-1]['serial_from']
        words = ['--json', 'export', 'example.', '--at', str(answer['back'])]
        answer['exit'], lines = ctl_any(server, *words)
        answer['records'] = json.loads(lines[-1]).get('records')
        return answer['exit'] == 0
    server.until(is_exported, 'the oldest serial that is kept')
    assert answer['records'] == 5 + 2 * (answer['back'] - 10)
    newest_kept = rows_of(server, 'log', 'example.', '--limit', '1')[0]['serial_from']
    server.reevectl('rollback', 'example.', newest_kept)
    assert server.asked('zone', zone='example.')['records'] == 5 + 2 * (newest_kept - 10)
