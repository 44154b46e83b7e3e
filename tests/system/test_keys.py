# SPDX-License-Identifier: Apache-2.0
"""Keys that the server keeps: made, listed, rotated and revoked with reevectl, used by real clients."""
import contextlib
import json
import os
import re
import resource
import socket
import stat
import time

import dns.rcode
import dns.tsig
import pytest

import dynamic
import harness


def updates_for(*keys):
    return [{'key': key, 'all': 'yes'} for key in keys]


def zone_for(*keys):
    return {'file': dynamic.ZONE, 'updates': updates_for(*keys)}


@pytest.fixture(name='server')
def fixture_server(reeved):
    return reeved({'example.': {'file': dynamic.ZONE, 'updates': updates_for('conf')}, 'plain.': dynamic.ZONE},
                  keys=dynamic.keys('conf'))


def reconfigure(server, *keys):
    """The zone example. grants all to the keys, from the next reload on."""
    server.zones['example.'] = zone_for(*keys)
    server.configure()


def signed(server, name, key, record):
    """The rcode of an update that adds a record, signed with what `key new` and `key rotate` answer."""
    message = dynamic.update_of('example.', {name: key}, name)
    message.add(f'{record}.example.', 60, 'A', '192.0.2.9')
    return dynamic.rcode_of(server, message)


def rcode(server, name, key, record):
    """The same where the key may be unknown: the answer of a BADKEY or BADSIG cannot be verified."""
    try:
        return signed(server, name, key, record)
    except dns.tsig.PeerBadKey:
        return 'BADKEY'
    except dns.tsig.PeerBadSignature:
        return 'BADSIG'


def key_file(server, name):
    return server.state / 'keys' / f'{name}.key'


# --- new ---

def test_a_new_key_works_at_once_and_the_zones_are_not_disturbed(server):
    key = server.ctl('key', 'new', 'web1', '--for', 'acme www apex')
    assert key['rule'] == '{key: web1, acme: [www, apex]}' and key['algorithm'] == 'hmac-sha256'
    assert signed(server, 'web1', key, 'x') == 'REFUSED', 'it verifies, and is granted nothing'
    server.zones['example.'] = {'file': dynamic.ZONE, 'updates': [{'key': 'web1', 'all': 'yes'}]}
    server.configure()
    server.asked('reload')
    assert signed(server, 'web1', key, 'x') == 'NOERROR'
    before = server.serial('example.')
    assert server.ctl('key', 'new', 'web2')['ok'] and server.serial('example.') == before
    assert dynamic.texts(server, 'x.example.', 'A') == ['192.0.2.9']
    assert signed(server, 'web1', key, 'y') == 'NOERROR', 'the keys that were there are still'


def test_nsupdate_takes_the_key_as_it_is_shown(server):
    shown = server.reevectl('key', 'new', 'Web.1').stdout
    option = re.search(r'-y (\S+)', shown)[1]
    reconfigure(server, 'web.1')
    server.asked('reload')
    done = dynamic.run_client('nsupdate', '-y', option, stdin=f'server 127.0.0.1 {server.port}\nzone example.\n'
                              'add n.example. 60 A 192.0.2.1\nsend\n')
    assert done.returncode == 0, done.stderr
    block = re.search(r'^ *(key .*\};)$', shown, re.M)[1]
    path = server.write('bind.key', block + '\n')
    done = dynamic.run_client('nsupdate', '-k', path, stdin=f'server 127.0.0.1 {server.port}\nzone example.\n'
                              'add m.example. 60 A 192.0.2.1\nsend\n')
    assert done.returncode == 0, done.stderr
    assert dynamic.texts(server, 'n.example.', 'A') == dynamic.texts(server, 'm.example.', 'A') == ['192.0.2.1']


def test_the_rule_that_is_shown_is_taken_by_the_configuration(server):
    wanted = ['acme www apex', 'acme any', 'name a _b *.c', 'under apps', 'self', 'below-self', 'dhcp', 'reverse-of-source', 'all']
    rules = [server.ctl('key', 'new', f"k{number}'s", '--for', what)['rule'] for number, what in enumerate(wanted)]
    zones = ''.join(f'  z{number}.: {{soa: {{ns: [ns.z.]}}, updates: [{rule}]}}\n' for number, rule in enumerate(rules))
    path = server.write('rules.yaml', f'server: {{state-dir: {server.state}}}\nzones:\n{zones}')
    done = dynamic.run_client(server.program(), '--check', '-c', path)
    assert done.returncode == 0 and done.stderr == '', (rules, done.stdout, done.stderr)


NO_GOOD = [                     # what `key new` is given, exit code, what is said
    (['x', '--for', 'acme'], 2, 'wants names'),
    (['x', '--for', 'self www'], 2, 'takes no names'),
    (['x', '--for', 'nonsense'], 2, 'begins with'),
    (['x', '--for', 'name a..b'], 2, 'a..b'),
    (['x', '--for', 'name ' + 'a' * 64], 2, 'aaa'),
    (['x', '--for', 'acme www\n'], 2, 'begins with'),
    (['x', '--algorithm', 'hmac-sha257'], 2, 'hmac-sha257'),
    (['.'], 2, 'not the name'),
    (['a..b'], 2, 'no name'),
    (['.'.join(['a' * 63] * 4)[:250]], 1, 'too long'),
    (['conf'], 1, 'reeved.yaml:'),
]


def test_what_is_no_good_makes_no_key(server):
    for words, code, part in NO_GOOD:
        assert part in server.ctl('key', 'new', *words, code=code)['error'], words
        assert not (server.state / 'keys').exists() or not os.listdir(server.state / 'keys'), words


def test_a_second_key_of_the_name_in_any_case_is_refused(server):
    key = server.ctl('key', 'new', 'web1')
    assert 'web1.key' in server.ctl('key', 'new', 'WEB1', code=1)['error']
    assert server.asked('key list')['keys'][1]['key'] == 'web1'
    assert signed(server, 'web1', key, 'x') == 'REFUSED', 'the first is still the one'


def test_nothing_is_made_while_the_configuration_would_not_be_taken(server):
    kept = server.ctl('key', 'new', 'kept')
    before = key_file(server, 'kept').read_text(encoding='ascii')
    server.conf.write_text('zones: {example.: {nonsense: 1}}\n', encoding='ascii')
    answer = server.ctl('key', 'new', 'web1', code=1)
    assert 'nonsense' in answer['faults'][0]['fault']
    assert not key_file(server, 'web1').exists()
    assert server.ctl('key', 'rotate', 'kept', code=1)['faults']
    assert key_file(server, 'kept').read_text(encoding='ascii') == before
    # a key that is known to others is not to stay because of that
    server.ctl('key', 'revoke', 'kept', code=1)
    assert rcode(server, 'kept', kept, 'x') == 'BADKEY'


def test_no_name_leads_out_of_the_folder(server):
    server.ctl('key', 'new', '..a', code=2)
    made = {'a/b': 'a\\047b', '\\.a': '\\.a', '*.x': '*.x', 'Ab.C': 'ab.c', 'a\\032b': 'a\\032b', "x'y": "x'y"}
    before = set()
    for name, file in made.items():
        server.ctl('key', 'new', name, '--for', 'all')
        assert set(os.listdir(server.state / 'keys')) - before == {file + '.key'}
        listed = server.asked('key list')['keys']
        assert len(listed) == 2 + len(before)
        server.ctl('key', 'rotate', name)
        server.ctl('key', 'revoke', name)
        assert set(os.listdir(server.state / 'keys')) - before == {file + '.key.revoked'}
        before.add(file + '.key.revoked')


def test_every_algorithm_makes_a_key_that_works(server):
    for algorithm in dynamic.ALGORITHMS:
        key = server.ctl('key', 'new', algorithm, '--algorithm', algorithm)
        assert signed(server, algorithm, key, 'x') == 'REFUSED', algorithm


# --- secrets ---

def test_files_are_for_the_server_only_and_no_secret_is_in_log_or_output(server):
    first = server.ctl('key', 'new', 'web1')
    second = server.ctl('key', 'rotate', 'web1')
    folder = server.state / 'keys'
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()] == [0o600]
    server.ctl('key', 'revoke', 'web1')
    others = [server.log(), server.reevectl('key', 'list').stdout, server.reevectl('--json', 'key', 'list').stdout,
              dynamic.run_client(server.program(), '--effective', '-c', server.conf).stdout]
    secrets = [first['secret'], second['secret'], dynamic.secret_of('conf')]
    assert first['secret'] != second['secret']
    assert not [s for s in secrets for text in others if s in text]
    assert 'web1' in server.log(), 'that it was made is'


def memory_of(server):
    """What is in the server's memory: heaps and stacks; each mapping as bytes."""
    pid = server.process.pid
    with open(f'/proc/{pid}/maps', encoding='ascii') as maps, open(f'/proc/{pid}/mem', 'rb', 0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            start, end = (int(at, 16) for at in span.split('-'))
            if rights.startswith('rw') and end - start < 1 << 30:
                memory.seek(start)
                with contextlib.suppress(OSError):      # a guard
                    yield memory.read(end - start)


def memory_has(server, text):
    return any(text.encode() in part for part in memory_of(server))


@pytest.mark.released       # the sanitizer's memory is too much to be read
@pytest.mark.skipif(os.geteuid() != 0, reason='the memory of a server that leaves no core dumps is for root to read')
def test_no_secret_that_was_told_stays_in_memory(server):
    made = server.ctl('key', 'new', 'web1', '--for', 'acme thelabel')
    rotated = server.ctl('key', 'rotate', 'web1')
    assert server.ctl('log-level')['ok']
    assert memory_has(server, str(server.conf)), 'something that is there is found'
    assert not [key for key in (made, rotated) if memory_has(server, key['secret'])]


# --- rotation ---

def rewrite(path, change):
    """Writes a key's file again; what change() makes of its lines."""
    lines = change(path.read_text(encoding='ascii').splitlines())
    path.write_text('\n'.join(lines) + '\n', encoding='ascii')


def test_both_secrets_are_accepted_until_the_overlap_ends(server):
    old = server.ctl('key', 'new', 'k')
    reconfigure(server, 'k')
    new = server.ctl('key', 'rotate', 'k', '--overlap', '12h')
    assert abs(new['previous_until_us'] / 1e6 - time.time() - 12 * 3600) < 60
    assert signed(server, 'k', old, 'a') == signed(server, 'k', new, 'b') == 'NOERROR'
    untils = server.asked('key list')['keys'][1]['secrets_until_us']
    assert untils[0] == 0 and 0 <= untils[1] - new['previous_until_us'] < 1000000
    rewrite(key_file(server, 'k'), lambda lines: [re.sub(r'until \S+', 'until 2020-01-01T00:00:00Z', x) for x in lines])
    server.asked('reload')
    assert rcode(server, 'k', old, 'c') == 'BADSIG'
    assert signed(server, 'k', new, 'd') == 'NOERROR'


def test_a_rotation_without_overlap_ends_the_old_secret_at_once(server):
    old = server.ctl('key', 'new', 'k')
    new = server.ctl('key', 'rotate', 'k', '--overlap', '0')
    # whole seconds are written, rounded up
    server.until(lambda: rcode(server, 'k', old, 'x') == 'BADSIG', 'the old secret is refused', 5)
    assert signed(server, 'k', new, 'x') == 'REFUSED'


def test_a_second_rotation_does_not_end_the_first_secret_unless_it_is_forced(server):
    first = server.ctl('key', 'new', 'k')
    second = server.ctl('key', 'rotate', 'k', '--overlap', '12h')
    until = time.strftime('%Y-%m-%dT%H', time.gmtime(second['previous_until_us'] / 1e6))
    error = server.ctl('key', 'rotate', 'k', code=1)['error']
    assert f'until {until}' in error and '--force' in error
    assert signed(server, 'k', first, 'x') == signed(server, 'k', second, 'x') == 'REFUSED', 'both are known'
    third = server.ctl('key', 'rotate', 'k', '--force')
    assert rcode(server, 'k', first, 'x') == 'BADSIG'
    assert signed(server, 'k', second, 'x') == signed(server, 'k', third, 'x') == 'REFUSED'


def test_an_overlap_that_is_no_time_changes_nothing(server):
    server.ctl('key', 'new', 'k')
    before = key_file(server, 'k').read_text(encoding='ascii')
    for overlap in ('', 'soon', '-1', '5000000d', '99999999999999999999'):
        server.ctl('key', 'rotate', 'k', '--overlap', overlap, code=2)
        assert key_file(server, 'k').read_text(encoding='ascii') == before, overlap


def test_a_key_of_the_configuration_is_changed_there(server):
    for verb in ('rotate', 'revoke'):
        assert 'reeved.yaml:' in server.ctl('key', verb, 'conf', code=1)['error']
        assert 'no key "nope"' in server.ctl('key', verb, 'nope', code=1)['error']


# --- revoking ---

def test_a_revoked_key_is_refused_although_zones_still_grant_it(server):
    key = server.ctl('key', 'new', 'k')
    reconfigure(server, 'k')
    server.asked('reload')
    assert signed(server, 'k', key, 'a') == 'NOERROR'
    answer = server.ctl('key', 'revoke', 'k')
    assert 'revoked' in answer['faults'][0]['fault'], 'a warning where it is granted something'
    assert rcode(server, 'k', key, 'b') == 'BADKEY'
    server.stop()
    server.run()
    assert rcode(server, 'k', key, 'c') == 'BADKEY', 'also after a start'
    assert 'revoked' in server.ctl('key', 'revoke', 'k', code=1)['error']
    again = server.ctl('key', 'new', 'k')
    assert rcode(server, 'k', key, 'd') == 'BADSIG'
    assert signed(server, 'k', again, 'e') == 'NOERROR'
    assert server.ctl('key', 'revoke', 'k')['ok'], 'in place of the one before'
    assert os.listdir(server.state / 'keys') == ['k.key.revoked']


def test_a_key_is_refused_once_its_file_is_aside_although_that_may_not_last(server):
    """The folder cannot be synced, for it cannot be opened; nor can the configuration, so that nothing comes of a reload."""
    key = server.ctl('key', 'new', 'k')
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(harness.DEADLINE_S)
        control.connect(str(server.socket))
        control.sendall(b'{"verb": "key list"}\n')
        control.recv(65536)     # it is accepted
        used = {int(fd) for fd in os.listdir(f'/proc/{server.process.pid}/fd')}
        free = min(set(range(len(used) + 1)) - used)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (free, limits[1]))
        control.sendall(b'{"verb": "key revoke", "key": "k"}\n')
        answer = json.loads(control.makefile().readline())
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)
    assert not answer['ok'] and 'may not outlast' in answer['error'], answer
    assert os.listdir(server.state / 'keys') == ['k.key.revoked']
    assert rcode(server, 'k', key, 'x') == 'BADKEY'


# --- list ---

def test_the_list_says_where_keys_are_from_what_they_may_and_when_they_were_used(server):
    key = server.ctl('key', 'new', 'k')
    reconfigure(server, 'k', 'conf')
    server.asked('reload')
    conf, kept = server.asked('key list')['keys']
    assert (conf['key'], conf['origin'], conf['file']) == ('conf', 'configuration', str(server.conf))
    assert server.conf.read_text(encoding='utf-8').splitlines()[conf['line'] - 1].strip().startswith('"conf"')
    assert (kept['key'], kept['origin'], kept['file']) == ('k', 'kept', str(key_file(server, 'k')))
    assert kept['zone_names'] == ['example.'] and kept['zones'] == 1 and kept['secrets_until_us'] == [0]
    assert 'last_used_us' not in kept
    assert signed(server, 'k', key, 'a') == 'NOERROR'
    used = server.asked('key list')['keys'][1]['last_used_us']
    assert abs(used / 1e6 - time.time()) < 60
    server.asked('reload')
    assert server.asked('key list')['keys'][1]['last_used_us'] == used
    shown = server.reevectl('key', 'list').stdout
    assert 'kept in ' in shown and f'{server.conf}:{conf["line"]}' in shown and 'example.' in shown


def test_updates_in_flight_keep_their_key(server):
    """The key goes while hundreds of updates signed with it are under way: each gets an answer."""
    key = server.ctl('key', 'new', 'k')
    server.settings['server'].setdefault('limits', {})['refusals-per-source'] = 0    # each is to be refused in words
    reconfigure(server, 'k')
    server.asked('reload')
    flight = dynamic.Flight(server, dynamic.Signer('k', key['secret']))
    rounds = 300 if harness.Reeved.is_brief() else 3000
    flight.run(rounds, when=lambda answers: answers == rounds // 3 and server.ctl('key', 'revoke', 'k') is None)
    assert flight.acked and flight.refused and set(flight.refused.values()) == {dns.rcode.NOTAUTH}
    flight.judge()
