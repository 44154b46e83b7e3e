# SPDX-License-Identifier: Apache-2.0
"""The operator's side: the control socket as bytes, and reevectl as a program."""
import json
import os
import re
import signal
import socket
import stat
import subprocess
import time

import dns.rdatatype
import dns.zone
import pytest

import harness

ZONE = '''$TTL 300
@     SOA   ns hostmaster {serial} 3600 900 1209600 300
@     NS    ns
ns    A     192.0.2.1
www   AAAA  2001:db8::{serial}
a\\"b  TXT   "x\\010\\000\\255y"
*     TXT   "wild"
'''
LARGE = '''$TTL 300
@ SOA ns hostmaster 1 3600 900 1209600 300
@ NS ns
ns A 192.0.2.1
$GENERATE 1-{count} h$ A 192.0.2.1
'''
ANSWER_S = 20
REEVECTL = harness.Reeved.program().with_name('reevectl')
GROUP = pytest.mark.xdist_group('control')      # they ask one server


@pytest.fixture(autouse=True)
def fixture_client_of_the_same_build(monkeypatch):
    monkeypatch.delenv('REEVECTL', raising=False)


def zone(serial=1):
    return ZONE.format(serial=serial)


class Line:
    """The socket as bytes."""

    def __init__(self, server, timeout_s=ANSWER_S):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout_s)
        self.socket.connect(str(server.socket))
        self.rest = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else json.dumps(data).encode() + b'\n')
        return self

    def line(self):
        """The next line as a dict, None at the end of the connection."""
        while b'\n' not in self.rest:
            try:
                chunk = self.socket.recv(65536)
            except ConnectionResetError:
                chunk = b''
            if not chunk:
                assert self.rest == b'', 'half a line'
                return None
            self.rest += chunk
        line, self.rest = self.rest.split(b'\n', 1)
        return json.loads(line)

    def answer(self):
        while line := self.line():
            if not line.get('more'):
                return line
        return None


def ask(server, request):
    with Line(server) as line:
        return line.send(request).answer()


@pytest.fixture(name='asked', scope='module')
def fixture_asked(shared):
    return shared({'example.': zone(42)})


# --- the socket's file ---

def test_the_socket_is_for_owner_and_group_and_gone_with_the_server(reeved):
    server = reeved({'example.': zone()})
    mode = os.stat(server.socket)
    assert stat.S_ISSOCK(mode.st_mode) and stat.S_IMODE(mode.st_mode) == 0o660
    assert server.stop() == 0
    assert not server.socket.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason='gives the socket to another group')
def test_the_group_is_the_configured_one_also_after_a_reload(reeved_ready):
    server = reeved_ready({'example.': zone()})
    server.settings['control']['group'] = 'daemon'
    server.configure()
    server.run()
    assert os.stat(server.socket).st_gid == 1
    server.settings['control']['group'] = 'bin'
    server.configure()
    server.reload()
    assert os.stat(server.socket).st_gid == 2
    server.settings['control']['group'] = 'no-such-group'
    server.configure()
    assert 'no-such-group' in server.ctl('reload', code=1)['error']
    assert os.stat(server.socket).st_gid == 2


def test_a_socket_left_behind_by_a_killed_server_is_replaced(reeved):
    server = reeved({'example.': zone()})
    server.stop(signal.SIGKILL)
    assert server.socket.exists()
    server.run()
    assert server.ctl('status')['ok'] is True


def test_the_socket_of_a_living_server_is_never_taken(reeved, reeved_ready):
    first, second = reeved({'example.': zone()}), reeved_ready({'example.': zone()})
    second.settings['control']['socket'] = str(first.socket)
    second.configure()
    second.start(second.program(), '-c', second.conf, env=second.environment())
    assert second.process.wait(harness.DEADLINE_S) == 1
    assert 'another server' in second.log() and str(first.socket) in second.log()
    assert first.ctl('status')['pid'] == first.process.pid
    second.expected_exit = 1


def test_a_file_that_is_no_socket_is_never_removed(reeved_ready):
    server = reeved_ready({'example.': zone()})
    server.configure()
    server.socket.write_text('precious', encoding='utf-8')
    server.start(server.program(), '-c', server.conf, env=server.environment())
    assert server.process.wait(harness.DEADLINE_S) == 1
    assert server.socket.read_text(encoding='utf-8') == 'precious' and 'no socket' in server.log()
    server.expected_exit = 1


def test_a_reload_moves_the_socket(reeved):
    server = reeved({'example.': zone()})
    old, new = server.socket, server.dir / 'other.sock'
    server.settings['control']['socket'] = str(new)
    server.configure()
    server.reload()
    assert not old.exists()
    server.socket = new
    assert server.ctl('zones')['zones'][0]['zone'] == 'example.'


def test_a_socket_that_somebody_removed_comes_back_with_a_reload(reeved):
    server = reeved({'example.': zone()})
    server.socket.unlink()
    server.reload()
    assert server.ctl('status')['ok'] is True


def test_a_reload_that_cannot_have_its_socket_changes_nothing(reeved):
    server = reeved({'example.': zone()})
    server.settings['control']['socket'] = str(server.dir / 'nowhere' / 'x.sock')
    server.configure()
    answer = server.ctl('reload', code=1)
    assert 'nowhere' in answer['error'] and 'No such file' in answer['error']
    assert server.ctl('status')['reloads_failed'] == 1


def test_off_means_no_socket(reeved_ready):
    server = reeved_ready({'example.': zone()})
    server.settings['control']['socket'] = 'off'
    server.configure()
    server.run()
    assert not server.socket.exists()


# --- the line ---

GARBAGE = [
    b'', b'{', b'nonsense', b'[]', b'"status"', b'{"verb": 1}', b'{"verb": "nope"}', b'{"verb": "status", "more": 1}',
    b'{"verb": "zone"}', b'{"verb": "zone", "zone": 1}', b'{"verb": "zone", "zone": ["a"]}', b'\x00\xff\xfe', b'null',
    b'{"verb": "zone", "zone": "a..b"}', b'{"verb": "zone", "zone": "\\u0000"}', b'{"verb": "status", "verb": "stop"}',
    b'{"verb": "zone", "zone": "\xff"}', b'{"verb": "reload", "zones": [1]}', b'{"a": {"b": {"c": 1}}}', b'[' * 60000,
    b'{"a":' * 10000, b'{"verb": "reload", "zones": [' + b'"a",' * 10000 + b'"a"]}', b'{"part": 1}',
    b'{"verb": "log-level", "level": "loud"}', b'{"verb": "export", "zone": "example.", "output": "/tmp/x"}',
    b'{"verb": 1e999}', b'\xef\xbb\xbf{"verb": "status"}', b'{"verb": "\xed\xa0\x80"}']


@GROUP
def test_garbage_is_answered_with_a_sentence_and_the_next_line_is_served(asked):
    for line in GARBAGE:
        with Line(asked) as control:
            answer = control.send(line + b'\n').answer()
            assert answer['ok'] is False and answer['usage'] is True and answer['error'], line[:80]
            assert control.send({'verb': 'status'}).answer()['ok'] is True, line[:80]


@GROUP
def test_lines_may_come_in_pieces_and_several_at_once(asked):
    with Line(asked) as control:
        for byte in b'{"verb": "status"}\n':
            control.send(bytes([byte]))
        assert control.answer()['ok'] is True
        control.send(b'{"verb": "log-level"}\n{"verb": "zone", "zone": "example"}\n{"verb": "nope"}\n')
        assert control.answer()['level'] == 'info'
        assert control.answer()['serial'] == 42
        assert control.answer()['ok'] is False


@GROUP
def test_the_last_line_needs_no_newline_and_half_a_line_harms_nobody(asked):
    with Line(asked) as control:
        control.send(b'{"verb": "status"}').socket.shutdown(socket.SHUT_WR)
        assert control.answer()['ok'] is True
        assert control.line() is None
    with Line(asked) as control:
        control.send(b'{"verb": "sta')
    assert ask(asked, {'verb': 'status'})['ok'] is True


@GROUP
def test_a_line_beyond_the_limit_is_refused_and_the_connection_closed(asked):
    with Line(asked) as control:
        try:
            control.send(b'{"verb": "' + b'x' * (1 << 20) + b'"}\n')
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = control.line()
        assert answer['ok'] is False and 'too long' in answer['error']
        assert control.line() is None
    with Line(asked) as control:        # the longest that is read
        request = b'{"verb": "zone", "zone": "'
        request += b'x' * (65536 - len(request) - 2) + b'"}'
        assert 'no name' in control.send(request + b'\n').answer()['error']
        assert control.send({'verb': 'status'}).answer()['ok'] is True


@pytest.mark.released
def test_text_sent_ahead_is_bounded(reeved):
    server = reeved({'example.': zone()})
    part = json.dumps({'part': 'x' * 65000}).encode() + b'\n'
    with Line(server) as control:
        for _ in range(1100):           # 68 MiB
            control.send(part)
        assert 'longer' in control.send({'verb': 'status'}).answer()['error']
        assert control.send({'verb': 'status'}).answer()['ok'] is True, 'the next request is free of it'
        assert control.send(part).send({'verb': 'status'}).answer()['ok'] is True


@GROUP
def test_idle_connections_give_way_and_the_server_goes_on(asked):
    lines = [Line(asked) for _ in range(100)]
    assert ask(asked, {'verb': 'status'})['ok'] is True
    assert asked.ask('www.example.', 'AAAA').answer
    open_still = 0
    for line in lines:
        try:
            open_still += line.send({'verb': 'status'}).answer() is not None
        except (BrokenPipeError, ConnectionResetError):
            pass
        line.socket.close()
    assert 16 <= open_still <= 32


def test_a_client_that_never_reads_costs_the_others_nothing(reeved):
    server = reeved({'example.': LARGE.format(count=50000)})
    stuck = [Line(server).send({'verb': 'export', 'zone': 'example.'}) for _ in range(20)]
    began = time.monotonic()
    for _ in range(100):
        assert server.ask('h77.example.').answer
    assert ask(server, {'verb': 'status'})['ok'] is True
    assert time.monotonic() - began < ANSWER_S
    for line in stuck[1:]:
        line.socket.close()
    text = ''
    while (line := stuck[0].line()).get('more'):
        text += line['text']
    text += line['text']
    assert line['records'] == 50003 == text.count('\n')
    stuck[0].socket.close()


def test_requests_that_nobody_waits_for_are_given_up(reeved):
    server = reeved({'example.': LARGE.format(count=20000)})
    for verb in ('check', 'reload', 'export', 'zones', 'status'):
        for _ in range(10):
            with Line(server) as line:
                line.send({'verb': verb, 'zone': 'example.'} if verb == 'export' else {'verb': verb})
    assert ask(server, {'verb': 'status'})['ok'] is True


# --- verbs ---

def test_status_counts_zones_and_names_those_that_failed(reeved_ready):
    server = reeved_ready({'good.example.': zone(), 'bad.example.': 'nonsense\n'})
    server.configure()
    server.run(wait=False)
    server.notice('READY', '1')
    status = server.ctl('status')
    assert (status['zones'], status['not_loaded'], status['loading']) == (2, 1, 0)
    assert status['pid'] == server.process.pid
    assert [f['zone'] for f in status['failures']] == ['bad.example.']
    text = server.reevectl('status').stdout
    assert '2 zones, 1 not loaded' in text and 'bad.example.  SERVFAIL: ' in text


@GROUP
def test_stats_have_every_counter(asked):
    before = asked.counters()
    asked.ask('nothing.at.all.test.')
    after = asked.counters()
    assert after['refused'] == before['refused'] + 1 and after['udp_queries'] == before['udp_queries'] + 1
    assert re.search(r'^refused +\d+  answers REFUSED$', asked.reevectl('stats').stdout, re.M)


def test_zones_come_in_canonical_order_however_many(reeved):
    names = [f'z{i}.example.' for i in range(600)] + ['example.']
    server = reeved({'example.': zone()})
    server.write('z', zone(7))
    server.zones = {name: server.dir / 'z' for name in names}
    server.configure()
    server.reload()
    out = [json.loads(line) for line in server.reevectl('--json', 'zones').stdout.splitlines()]
    assert all(line.get('more') for line in out[:-1]) and out[-1]['ok'] is True
    rows = [row for line in out for row in line['zones']]
    assert [row['zone'] for row in rows] == ['example.'] + sorted(names[:-1])
    assert {row['serial'] for row in rows} == {7}
    assert len(server.reevectl('zones').stdout.splitlines()) == 601


@GROUP
def test_zone_tells_what_it_is(asked):
    answer = asked.ctl('zone', 'EXAMPLE')
    assert (answer['zone'], answer['serial'], answer['records'], answer['state']) == ('example.', 42, 6, 'serving')
    assert asked.reevectl('zonestatus', 'example.').stdout.startswith('example.  primary  serial 42  unsigned  6 records')
    assert 'no zone' in asked.ctl('zone', 'other.', code=1)['error']


def test_export_is_the_zone_and_reads_back_as_itself(reeved, tmp_path):
    server = reeved({'types.example.': harness.TOP / 'zones' / 'types.example.zone',
                     'signed3.example.': harness.TOP / 'zones' / 'signed3.example.zone'})
    for name in server.zones:
        text = server.reevectl('export', name).stdout
        assert text.split('\n')[0].split()[:4][0::3] == [name, 'SOA']
        path = tmp_path / f'{name}zone'
        assert server.reevectl('export', name, '-o', path).stdout == ''
        assert path.read_text(encoding='utf-8') == text
        again = reeved_again(server, name, path)
        assert again == text, 'what was exported is loaded and exported as the same bytes'
    ours = dns.zone.from_text(server.reevectl('export', 'signed3.example.').stdout, 'signed3.example.', relativize=False)
    theirs = dns.zone.from_file(str(harness.TOP / 'zones' / 'signed3.example.zone'), 'signed3.example.', relativize=False)
    assert ours == theirs


def reeved_again(server, name, path):
    server.zones[name] = path
    server.configure()
    assert server.ctl('reload')['not_loaded'] == 0
    return server.reevectl('export', name).stdout


def test_export_is_of_one_version_while_others_are_published(reeved):
    server = reeved({'example.': LARGE.format(count=50000)})
    with Line(server) as line:
        line.send({'verb': 'export', 'zone': 'example.'})
        first = line.line()
        server.zone_file('example.', zone(9))
        server.reload()
        assert server.serial('example.') == 9
        text = first['text']
        while (piece := line.line()).get('more'):
            text += piece['text']
        assert piece['serial'] == 1 and piece['records'] == 50003 == (text + piece['text']).count('\n')


def test_an_export_that_fails_leaves_no_file(reeved_ready, tmp_path):
    server = reeved_ready({'good.example.': zone(), 'bad.example.': 'nonsense\n'})
    server.configure()
    server.run(wait=False)
    server.notice('READY', '1')
    out = tmp_path / 'out'
    out.write_text('before', encoding='utf-8')
    assert 'not loaded' in server.reevectl('export', 'bad.example.', '-o', out, code=1).stderr
    assert out.read_text(encoding='utf-8') == 'before' and os.listdir(tmp_path) == ['out']
    assert 'No such file' in server.reevectl('export', 'good.example.', '-o', tmp_path / 'no' / 'x', code=1).stderr


def test_reload_answers_when_the_new_zone_is_served(reeved):
    server = reeved({'example.': zone(1)})
    for serial in range(2, 12):
        server.zone_file('example.', zone(serial))
        assert ask(server, {'verb': 'reload'})['zones'] == 1
        assert server.serial('example.') == serial


def test_reload_says_what_is_wrong_with_the_configuration(reeved):
    server = reeved({'example.': zone(1)})
    server.configure('server: {listen: 127.0.0.1}\nzonez: {}\n')
    answer = server.ctl('reload', code=1)
    assert 'fault' in answer['error'] and f'{server.conf}:2:1: ' in answer['faults'][0]['fault']
    assert f'{server.conf}:2:1: ' in server.reevectl('reload', code=1).stdout
    assert server.serial('example.') == 1


def test_reload_of_a_zone_reads_its_file_and_not_the_configuration(reeved):
    server = reeved({'a.example.': zone(1), 'b.example.': zone(1)})
    for name in ('a.example.', 'b.example.'):
        server.zone_file(name, zone(2))
    server.conf.write_text('broken: [', encoding='utf-8')
    assert server.ctl('reload', 'a.example')['reloaded'] == [{'zone': 'a.example.', 'serial': 2}]
    assert (server.serial('a.example.'), server.serial('b.example.')) == (2, 1)
    server.zone_file('a.example.', 'nonsense\n')
    answer = server.ctl('reload', 'b.example.', 'a.example.', code=1)
    assert answer['reloaded'][0] == {'zone': 'b.example.', 'serial': 2}
    assert 'reason' in answer['reloaded'][1]
    assert 'no zone' in server.ctl('reload', 'c.example.', code=1)['error']


def test_many_reloads_at_once_are_all_answered(reeved):
    server = reeved({'example.': LARGE.format(count=20000)})
    lines = [Line(server).send({'verb': 'reload'}) for _ in range(20)]
    for line in lines:
        assert line.answer()['ok'] is True
        line.socket.close()


def test_check_reads_files_and_changes_nothing(reeved):
    server = reeved({'example.': zone(1)})
    assert server.ctl('check')['zones'] == 1
    server.zone_file('example.', zone(2) + 'bad A 192.0.2.256\n')
    answer = server.ctl('check', code=1)
    assert any(re.search(r'example\.zone:8:7: ', f['fault']) for f in answer['faults'])
    assert re.search(r'example\.zone:8:7: ', server.reevectl('check', code=1).stdout)
    server.zone_file('example.', 'nonsense\n' * 3000)
    assert len(server.ctl('check', code=1)['faults']) <= 500
    server.configure('server: {listen: 127.0.0.1}\nzonez: {}\n')
    assert f'{server.conf}:2:1: ' in server.ctl('check', code=1)['faults'][0]['fault']
    assert server.serial('example.') == 1


def test_stop_returns_when_the_server_is_gone(reeved):
    server = reeved({'example.': zone()})
    server.reevectl('stop')
    assert server.process.wait(harness.DEADLINE_S) == 0 and not server.socket.exists()
    assert 'by="root' in server.log() or 'by="uid' in server.log()


def test_log_level_holds_until_the_next_reload(reeved):
    server = reeved({'example.': zone()})
    assert server.ctl('log-level')['level'] == 'info'
    assert server.ctl('log-level', 'debug')['level'] == 'debug'
    server.reload()
    assert server.ctl('log-level')['level'] == 'info'


# --- the client ---

def test_exit_codes(reeved):
    server = reeved({'example.': zone()})
    server.reevectl('status')
    server.reevectl('help')
    server.reevectl('--version')
    server.reevectl('zone', 'other.', code=1)
    for words in (['nonsense'], ['zone'], ['zone', 'a', 'b'], ['export', 'example.', '--at'], ['status', '--loud'],
                  ['zone', 'a..b'], ['log-level', 'loud'], ['--socket']):
        assert server.reevectl(*words, code=2).stderr
    server.stop()
    assert 'is reeved running?' in server.reevectl('status', code=3).stderr


def test_a_server_that_does_not_answer_is_given_up(tmp_path):
    path = tmp_path / 's'
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(path))
        deaf.listen(1)
        result = subprocess.run([str(REEVECTL), '--socket', str(path), 'status'],
                                capture_output=True, text=True, timeout=harness.DEADLINE_S, check=False)
    assert result.returncode == 3 and 'in time' in result.stderr


@pytest.mark.parametrize('answer, code', [
    (b'', 3), (b'nonsense\n', 3), (b'[]\n', 3), (b'{"ok": true', 3), (b'{"more": true}\n', 3), (b'{}\n', 1),
    (b'{"ok": 1}\n', 1), (b'{"ok": false, "error": "\\u001b[2Jx\\u009b\\u202e"}\n', 1),
    (b'{"ok": true, "zones": {"a": 1}, "failures": 7, "version": [], "configuration": "\\u001b]0;x\\u0007"}\n', 0)])
def test_whatever_a_server_says_the_terminal_gets_text(tmp_path, answer, code):
    path = tmp_path / 's'
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(1)
        with subprocess.Popen([str(REEVECTL), '--socket', str(path), 'status'], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as client:
            connection, _ = listening.accept()
            with connection:
                assert connection.recv(4096) == b'{"verb":"status"}\n'
                connection.sendall(answer)
            out, err = client.communicate(timeout=harness.DEADLINE_S)
    assert client.returncode == code, err
    for text in (out, err):
        assert not re.search(rb'[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae', text)
