# SPDX-License-Identifier: Apache-2.0
"""reeved as a service: start, reload, stop, what it tells the service manager, sockets and privileges."""
import ctypes
import os
import pwd
import re
import resource
import signal
import socket
import struct
import subprocess

import dns.message
import dns.rcode
import pytest

import harness

ZONE = '''$TTL 300
@    SOA   ns hostmaster {serial} 3600 900 1209600 300
@    NS    ns
ns   A     192.0.2.1
www  AAAA  2001:db8::{serial}
'''
MANY = 200      # more questions in one write than one turn of the loop answers


def zone(serial=1):
    return ZONE.format(serial=serial)


def run(*arguments, **how):
    return subprocess.run([str(harness.Reeved.program()), *map(str, arguments)], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=harness.DEADLINE_S, check=False, **how)


def read_exactly(connection, count):
    data = b''
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            break
        data += chunk
    return data


def read_message(connection):
    """The next message of a TCP connection, None at its end."""
    head = read_exactly(connection, 2)
    if not head:
        return None
    return dns.message.from_wire(read_exactly(connection, struct.unpack('!H', head)[0]))


def framed(query):
    wire = query.to_wire()
    return struct.pack('!H', len(wire)) + wire


# --- the command line ---

def test_version_names_program_and_version():
    result = run('--version')
    assert result.returncode == 0
    assert re.match(r'reeved \d+\.\d+\.\d+\b', result.stdout)


def test_an_unknown_option_is_a_usage_error():
    result = run('--no-such-option')
    assert result.returncode == 2
    assert '--no-such-option' in result.stderr and '--help' in result.stderr


def test_a_missing_configuration_is_named(tmp_path):
    result = run('-c', tmp_path / 'nowhere.yaml')
    assert result.returncode == 1
    assert 'nowhere.yaml' in result.stderr


def test_check_accepts_a_good_configuration(reeved_ready):
    server = reeved_ready({'example.': zone()})
    server.configure()
    result = run('--check', '-c', server.conf)
    assert result.returncode == 0, result.stderr + result.stdout


def test_check_says_where_a_configuration_is_wrong(reeved_ready):
    server = reeved_ready({})
    server.configure('server:\n  listen: 127.0.0.1\n  identitty: ns1\n')
    result = run('--check', '-c', server.conf)
    assert result.returncode == 1
    said = result.stdout + result.stderr
    assert f'{server.conf}:3:3: ' in said
    assert 'identity' in said, 'did you mean'


def test_check_says_where_a_zone_file_is_wrong(reeved_ready):
    server = reeved_ready({'example.': zone() + 'bad A 192.0.2.256\n'})
    server.configure()
    result = run('--check', '-c', server.conf)
    assert result.returncode == 1
    assert re.search(r'example\.zone:6:7: ', result.stdout + result.stderr), result.stdout + result.stderr


# --- start ---

def test_ready_comes_when_it_answers(reeved_ready):
    server = reeved_ready({'example.': zone()})
    server.configure()
    server.run(wait=False)
    server.notice('READY', '1')
    # No poll: a zone that is still being loaded says SERVFAIL, but the sockets answer from now on.
    assert server.ask('example.', 'SOA').rcode() in (dns.rcode.NOERROR, dns.rcode.SERVFAIL)
    assert server.ask('example.', 'SOA', tcp=True).rcode() in (dns.rcode.NOERROR, dns.rcode.SERVFAIL)


def test_answers_on_every_listen_address_over_udp_and_tcp(reeved):
    server = reeved({'example.': zone()})
    for address in ['127.0.0.1'] + ['::1'] * harness.has_ipv6():
        for tcp in (False, True):
            answer = server.ask('www.example.', 'AAAA', tcp=tcp, address=address)
            assert answer.answer[0][0].to_text() == '2001:db8::1', (address, tcp)


def test_status_counts_the_zones(reeved):
    server = reeved({'example.': zone(), 'example.net.': zone()})
    server.until(lambda: any('2 zones' in n.get('STATUS', '') for n in server.notices)
                 or server.notice('STATUS'), 'STATUS with 2 zones')


def test_a_zone_that_does_not_load_says_why_and_stops_no_other(reeved_ready):
    server = reeved_ready({'good.example.': zone(), 'bad.example.': 'no zone at all\n'})
    server.configure()
    server.run(wait=False)
    server.notice('READY', '1')
    server.until(lambda: server.answers('good.example.'), 'the good zone')
    server.until(lambda: 'bad.example.zone:1:' in server.log(), 'place of the fault in the log')
    assert server.ask('bad.example.', 'SOA').rcode() == dns.rcode.SERVFAIL
    assert server.ask('www.bad.example.', 'A').rcode() == dns.rcode.SERVFAIL


def test_a_second_instance_on_the_same_address_says_so_and_ends(reeved, reeved_ready):
    first = reeved({'example.': zone()})
    second = reeved_ready({'example.': zone()})
    second.port = first.port
    second.settings['server']['listen'] = second.listen()
    second.configure()
    result = run('-c', second.conf)
    assert result.returncode == 1
    assert re.search(rf'127\.0\.0\.1@{first.port}.*in use', result.stderr, re.I), result.stderr
    assert first.ask('example.', 'SOA').rcode() == dns.rcode.NOERROR


# --- reload ---

def test_hangup_takes_in_changed_zone_files(reeved):
    server = reeved({'example.': zone(1)})
    assert server.serial('example.') == 1
    server.zone_file('example.', zone(2))
    server.reload()
    server.until(lambda: server.serial('example.') == 2, 'the new serial')
    assert server.ask('www.example.', 'AAAA').answer[0][0].to_text() == '2001:db8::2'


def test_reloading_carries_the_time_as_the_service_manager_wants_it(reeved):
    server = reeved({'example.': zone()})
    server.process.send_signal(signal.SIGHUP)
    notice = server.notice('RELOADING', '1')
    assert int(notice['MONOTONIC_USEC']) > 0
    server.notice('READY', '1')


def test_hangup_adds_and_removes_zones(reeved):
    server = reeved({'example.': zone(), 'gone.example.net.': zone()})
    server.zones = {'example.': zone(), 'new.example.net.': zone(7)}
    server.configure()
    server.reload()
    server.until(lambda: server.serial('new.example.net.') == 7, 'the new zone')
    assert server.ask('gone.example.net.', 'SOA').rcode() == dns.rcode.REFUSED
    assert server.serial('example.') == 1


def test_hangup_with_a_bad_configuration_keeps_the_old_one_whole(reeved):
    server = reeved({'example.': zone(1)})
    server.zone_file('example.', zone(2))
    server.configure('zones:\n  example.net: {file: example.zone}\n  bad: {fil: x}\n')
    server.reload()
    assert f'{server.conf}:3:9: ' in server.log()
    assert server.ask('example.net.', 'SOA').rcode() == dns.rcode.REFUSED
    assert server.ask('example.', 'SOA').rcode() == dns.rcode.NOERROR
    server.zones = {'example.': zone(3)}
    server.configure()
    server.reload()
    server.until(lambda: server.serial('example.') == 3, 'a reload after the configuration is good again')


def test_a_zone_file_that_broke_leaves_its_last_good_version(reeved):
    server = reeved({'example.': zone(1), 'example.net.': zone(1)})
    server.zone_file('example.', zone(2) + 'broken A 192.0.2.256\n')
    server.zone_file('example.net.', zone(2))
    server.reload()
    server.until(lambda: server.serial('example.net.') == 2, 'the good zone reloaded')
    server.until(lambda: 'example.zone:6:10: ' in server.log(), 'place of the fault in the log')
    assert server.serial('example.') == 1
    assert server.ask('www.example.', 'AAAA').answer[0][0].to_text() == '2001:db8::1'


def test_what_waits_for_the_next_start_is_told_at_a_reload(reeved):
    server = reeved({'example.': zone()})
    server.reload()
    assert 'takes effect at the next start' not in server.log()
    server.settings['server'].update(realtime='yes')
    server.settings['server']['limits']['load-threads'] = 3
    server.configure()
    server.reload()
    told = [line for line in server.log().splitlines() if 'takes effect at the next start' in line]
    assert len(told) == 2 and 'server.realtime' in ''.join(told) and 'server.limits.load-threads' in ''.join(told)


def test_queries_are_answered_through_many_reloads(reeved):
    server = reeved({'example.': zone(1)})
    for serial in range(2, 12):
        server.zone_file('example.', zone(serial))
        server.process.send_signal(signal.SIGHUP)
        for _ in range(20):
            assert server.ask('www.example.', 'AAAA').answer
    server.until(lambda: server.serial('example.') == 11, 'the last serial')


# --- threads ---

def schedulers(server):
    """Of the main thread, and of all others."""
    tasks = sorted(int(task) for task in os.listdir(f'/proc/{server.process.pid}/task'))
    policies = [os.sched_getscheduler(task) & ~os.SCHED_RESET_ON_FORK for task in tasks]
    return policies[0], set(policies[1:])


def test_the_thread_that_answers_may_go_before_all_others(reeved):
    server = reeved({'example.': zone()}, server={'realtime': 'yes'})
    if 'no realtime priority' in server.log():
        pytest.skip('not allowed here: ' + server.log())
    assert schedulers(server) == (os.SCHED_RR, {os.SCHED_OTHER})
    server.zone_file('example.', zone(2))
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: server.serial('example.') == 2, 'the reload')
    assert schedulers(server) == (os.SCHED_RR, {os.SCHED_OTHER})


def reload_zone(server, serial):
    server.zone_file('example.', zone(serial))
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: server.serial('example.') == serial, f'serial {serial}')


def test_a_thread_that_reloads_steps_back_and_stays_there(reeved):
    """What answers nobody goes behind all others: only at a reload, in that thread alone, and until the next start."""
    server = reeved({'example.': zone()}, server={'limits': {'loads-step-back': 'yes', 'load-threads': 1}})
    assert schedulers(server) == (os.SCHED_OTHER, {os.SCHED_OTHER})
    reload_zone(server, 2)
    assert schedulers(server) == (os.SCHED_OTHER, {os.SCHED_OTHER, os.SCHED_IDLE})
    server.settings['server']['limits']['loads-step-back'] = 'no'
    server.configure()
    reload_zone(server, 3)
    assert 'msg="takes effect at the next start" setting=server.limits.loads-step-back' in server.log()
    assert os.SCHED_IDLE in schedulers(server)[1]
    server.stop()
    server.run()
    reload_zone(server, 4)
    assert schedulers(server) == (os.SCHED_OTHER, {os.SCHED_OTHER})


def give_up_nice():
    """PR_CAPBSET_DROP of CAP_SYS_NICE: not even root has it after exec."""
    ctypes.CDLL(None).prctl(24, 23, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))


def test_without_the_right_to_it_is_said_and_served(reeved_ready):
    server = reeved_ready({'example.': zone()}, server={'realtime': 'yes'})
    server.configure()
    server.run(preexec=give_up_nice)
    assert 'msg="no realtime priority" reason="Operation not permitted"' in server.log()
    assert schedulers(server)[0] == os.SCHED_OTHER
    assert server.ask('www.example.', 'AAAA').answer


# --- stop ---

@pytest.mark.parametrize('how', [signal.SIGTERM, signal.SIGINT])
def test_stops_on_a_signal_and_says_so(reeved, how):
    server = reeved({'example.': zone()})
    server.process.send_signal(how)
    server.notice('STOPPING', '1')
    assert server.process.wait(harness.DEADLINE_S) == 0


def test_stops_when_zones_are_still_loading(reeved_ready):
    server = reeved_ready({'example.': zone() + '$GENERATE 1-200000 h$ A 192.0.2.1\n'})
    server.configure()
    server.run(wait=False)
    server.until(lambda: server.log() or harness.Reeved.answers(server, 'example.'), 'a sign of life')
    assert server.stop() == 0


def test_what_was_asked_before_the_signal_is_answered_after_it(reeved):
    server = reeved({'example.': zone()})
    with server.connect() as connection:
        queries = {}
        for _ in range(MANY):
            query = harness.query_of('www.example.', 'AAAA')
            queries[query.id] = query
        connection.sendall(b''.join(framed(q) for q in queries.values()))
        read_message(connection)
        server.process.send_signal(signal.SIGTERM)
        answered = 1
        while (answer := read_message(connection)) is not None:
            assert answer.id in queries and answer.answer
            answered += 1
    assert answered == len(queries)
    assert server.process.wait(harness.DEADLINE_S) == 0


def test_an_idle_connection_does_not_hold_up_the_end(reeved):
    server = reeved({'example.': zone()}, server={'limits': {'tcp-idle': '1h'}})
    with server.connect() as connection:
        connection.sendall(framed(harness.query_of('example.', 'SOA')))
        assert read_message(connection).answer
        assert server.stop() == 0


def test_closed_standard_streams_are_no_place_for_sockets(reeved_ready):
    """Else one of them would have the number of stderr and get the log."""
    server = reeved_ready({'example.': zone()})
    server.configure()
    server.run(preexec=lambda: os.closerange(0, 3))
    for fd in range(3):
        assert os.readlink(f'/proc/{server.process.pid}/fd/{fd}') == '/dev/null'


# --- the service manager ---

def test_watchdog_is_fed_in_time(reeved):
    server = reeved({'example.': zone()}, env={'WATCHDOG_USEC': '400000'})
    for _ in range(4):
        server.notice('WATCHDOG', '1', deadline_s=20)


def test_no_watchdog_messages_unless_asked_for(reeved):
    server = reeved({'example.': zone()})
    server.reload()
    assert not any('WATCHDOG' in notice for notice in server.notices)


def listening_socket(kind, port):
    s = socket.socket(socket.AF_INET, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', port))
    if kind == socket.SOCK_STREAM:
        s.listen(64)
    return s


def start_with_sockets(server, given):
    def put_in_place():
        for i, fd in enumerate([os.dup2(s.fileno(), 200 + i) for i, s in enumerate(given)]):
            os.dup2(fd, 3 + i)      # SD_LISTEN_FDS_START
    # LISTEN_PID must be the server's own, which only a process that becomes it can know.
    server.start('/bin/sh', '-c', f'LISTEN_PID=$$ LISTEN_FDS={len(given)} exec "$0" -c "$1"', harness.Reeved.program(),
                 server.conf, preexec=put_in_place, pass_fds=tuple(range(3, 3 + len(given))), env=server.environment())


def test_sockets_of_the_service_manager_are_used(reeved_ready):
    """They are bound to what `listen` says and stay open here too, so sockets of the server's own would clash."""
    server = reeved_ready({'example.': zone()})
    server.settings['server']['listen'] = [f'127.0.0.1@{server.port}']
    server.configure()
    given = [listening_socket(kind, server.port) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
    start_with_sockets(server, given)
    server.notice('READY', '1')
    server.until(lambda: server.answers('example.'), 'zone served')
    assert server.ask('example.', 'SOA', tcp=True).answer
    assert server.stop() == 0
    for s in given:
        s.close()


def test_what_was_asked_before_the_start_gets_an_answer_from_the_zone(reeved_ready):
    """Through sockets that the service manager holds open meanwhile; it shall not be SERVFAIL."""
    server = reeved_ready({'example.': zone() + '$GENERATE 1-5000 h$ A 192.0.2.1\n'})
    server.settings['server']['listen'] = [f'127.0.0.1@{server.port}']
    server.configure()
    given = [listening_socket(kind, server.port) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
    query = harness.query_of('example.', 'SOA')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, server.connect() as tcp:
        udp.connect((server.address, server.port))
        udp.settimeout(harness.DEADLINE_S)
        udp.send(query.to_wire())
        tcp.settimeout(harness.DEADLINE_S)
        tcp.sendall(framed(query))
        start_with_sockets(server, given)
        for answer in (dns.message.from_wire(udp.recv(65535)), read_message(tcp)):
            assert answer.rcode() == dns.rcode.NOERROR and answer.answer
    assert server.stop() == 0
    for s in given:
        s.close()


@pytest.mark.skipif(not harness.has_ipv6(), reason='no IPv6')
@pytest.mark.parametrize('kind', [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_passed_socket_for_both_families_is_refused_with_advice(reeved_ready, kind):
    """IPv4 clients would come in as addresses of one /64 and share one client's limits."""
    server = reeved_ready({'example.': zone()})
    server.settings['server']['listen'] = [f'::@{server.port}']
    server.configure()
    server.expected_exit = 1
    with socket.socket(socket.AF_INET6, kind) as given:
        given.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        given.bind(('::', server.port))
        if kind == socket.SOCK_STREAM:
            given.listen(64)
        start_with_sockets(server, [given])
        assert server.process.wait(harness.DEADLINE_S) == 1
    assert 'BindIPv6Only=ipv6-only' in server.log()


# --- privileges ---

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason='only root can give up being root')


def status_of(pid):
    with open(f'/proc/{pid}/status', encoding='ascii', errors='replace') as lines:
        return dict(line.rstrip('\n').split(':\t', 1) for line in lines if ':\t' in line)


@needs_root
def test_user_is_taken_on_after_the_sockets_are_open(reeved_ready):
    # Port 53 of an address of this test's own: the suites of two builds run at a time.
    address = f'127.53.{os.getpid() >> 8 & 255}.{os.getpid() & 255}'
    server = reeved_ready({'example.': zone()}, server={'user': 'nobody'}, address=address)
    server.port = 53
    server.settings['server']['listen'] = [address]
    server.configure()
    server.run()
    nobody = pwd.getpwnam('nobody')
    status = status_of(server.process.pid)
    assert status['Uid'].split() == [str(nobody.pw_uid)] * 4
    assert status['Gid'].split() == [str(nobody.pw_gid)] * 4
    assert '0' not in status['Groups'].split()
    bind_service = 1 << 10      # CAP_NET_BIND_SERVICE, for addresses that a reload adds
    assert int(status['CapEff'], 16) | int(status['CapPrm'], 16) | bind_service == bind_service
    # Still able to do its work: files are read anew as that user.
    server.zone_file('example.', zone(2))
    server.reload()
    server.until(lambda: server.serial('example.') == 2, 'the new serial')


@needs_root
def test_every_thread_has_given_up_root(reeved):
    server = reeved({'example.': zone()}, server={'user': 'nobody'})
    server.reload()
    threads = os.listdir(f'/proc/{server.process.pid}/task')
    assert {status_of(f'{server.process.pid}/task/{t}')['Uid'].split()[1] for t in threads} == {
        str(pwd.getpwnam('nobody').pw_uid)}


@needs_root
def test_an_unknown_user_is_an_error_at_start(reeved_ready):
    server = reeved_ready({'example.': zone()}, server={'user': 'no-such-user-here'})
    server.configure()
    result = run('-c', server.conf)
    assert result.returncode == 1
    assert 'no-such-user-here' in result.stderr
