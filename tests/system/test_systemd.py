# SPDX-License-Identifier: Apache-2.0
"""The units of packaging/ under systemd itself: its sandbox, its users, its sockets, its watchdog."""
import json

import pytest

import harness
import machine

pytestmark = [pytest.mark.released, pytest.mark.long, pytest.mark.xdist_group('systemd')]

SECRET = 'dGhpcyBrZXkgaXMgZm9yIHRyeWluZyBvdXQgb25seSE='
ZONES = '{dyn.example: {soa: {ns: [ns1.example.com.]}, updates: [{key: try, all: yes}]}}'
CONFIGURATION = f'keys: {{try: {{secret: {SECRET}}}}}\nzones: {ZONES}\n'
NAME = ('www.dyn.example', 'A')
CAP_NET_BIND_SERVICE = 1 << 10


@pytest.fixture(name='booted', scope='module')
def fixture_booted():
    if why := machine.why_not():
        pytest.skip(why)
    try:
        booted = machine.Machine()
    except machine.NotPossible as error:
        pytest.skip(str(error))
    yield booted
    booted.end()


@pytest.fixture(name='service')
def fixture_service(booted):
    booted.fresh(CONFIGURATION)
    return booted


def update(service, address='192.0.2.1'):
    service.run('nsupdate', '-y', f'hmac-sha256:try:{SECRET}',
                text=f'server 127.0.0.1\nzone dyn.example\nupdate add {" 60 ".join(NAME)} {address}\nsend\n')


def serves(service, address='192.0.2.1'):
    return service.dig('@127.0.0.1', *NAME) == [address]


def test_it_is_up_when_start_returns(service):
    service.run('systemctl', 'start', 'reeved')
    for server in ('@127.0.0.1', '@::1'):
        for transport in ('+notcp', '+tcp'):
            assert service.dig(server, transport, 'dyn.example', 'NS') == ['ns1.example.com.'], (server, transport)
    assert service.show('StatusText') == '1 zone'


def test_it_may_bind_to_port_53_and_nothing_else(service):
    service.run('systemctl', 'start', 'reeved')
    status = service.status()
    assert '0' not in status['Uid'] + status['Gid']
    for which in ('CapEff', 'CapPrm', 'CapInh', 'CapBnd', 'CapAmb'):
        assert int(status[which][0], 16) == CAP_NET_BIND_SERVICE, which
    assert status['NoNewPrivs'] == ['1'] and status['Seccomp'] == ['2']


def test_nobody_else_can_read_its_state(service):
    service.run('systemctl', 'start', 'reeved')
    update(service)
    listed = service.run('find', machine.STATE, '-printf', '%U %m %P\n').stdout.splitlines()
    owner = service.status()['Uid'][0]
    assert any(line.endswith(' reeve.db') for line in listed), listed
    assert all(line.split()[0] == owner and line.split()[1][-1] == '0' for line in listed), listed


def test_what_it_was_told_is_there_after_a_restart(service):
    service.run('systemctl', 'start', 'reeved')
    update(service)
    service.run('systemctl', 'restart', 'reeved')
    assert serves(service)
    service.run('systemctl', 'stop', 'reeved')
    assert (service.show('ActiveState'), service.show('Result')) == ('inactive', 'success')
    assert not serves(service)


def test_reevectl_finds_it_where_it_is(service):
    service.run('systemctl', 'start', 'reeved')
    update(service)
    assert '+ www 60 A 192.0.2.1' in service.run('reevectl', 'log', 'dyn.example', '-p').stdout


def test_a_backup_is_where_it_was_asked_for_or_that_is_told(service):
    service.run('systemctl', 'start', 'reeved')
    service.run('reevectl', 'backup', '/var/lib/reeve/backup')
    assert service.run('find', f'{machine.STATE}/backup', '-name', 'reeve.db').stdout
    for where, why in (('/var/backups/reeve', 'Read-only'), ('/tmp/backup', 'PrivateTmp')):
        assert why in service.run('reevectl', 'backup', where, code=1).stderr


def test_reload_takes_in_what_changed(service):
    service.run('systemctl', 'start', 'reeved')
    pid = service.show('MainPID')
    service.write('/etc/reeve/reeved.yaml', CONFIGURATION.replace('{dyn', '{new.example: {soa: {ns: [ns2.example.com.]}}, dyn'))
    service.run('systemctl', 'reload', 'reeved')
    assert service.dig('@127.0.0.1', 'new.example', 'NS') == ['ns2.example.com.']
    service.until(lambda: service.show('StatusText') == '2 zones', 'two zones in the status')
    assert service.show('MainPID') == pid


def test_a_reload_that_does_not_take_fails(service):
    service.run('systemctl', 'start', 'reeved')
    service.write('/etc/reeve/reeved.yaml', CONFIGURATION.replace('soa:', 'sao:'))
    service.run('systemctl', 'reload', 'reeved', code=1)
    assert '/etc/reeve/reeved.yaml:2:23: ' in service.journal()
    assert service.dig('@127.0.0.1', 'dyn.example', 'NS') == ['ns1.example.com.']
    assert service.show('ActiveState') == 'active'


def test_a_killed_one_is_started_again(service):
    service.run('systemctl', 'start', 'reeved')
    update(service)
    pid = service.show('MainPID')
    service.run('kill', '-KILL', pid)
    service.until(lambda: service.show('MainPID') not in (pid, '0') and serves(service), 'it is back, with its record')


def test_one_that_hangs_is_started_again(booted):
    booted.fresh(CONFIGURATION, '[Service]\nWatchdogSec=5s\nTimeoutAbortSec=2s\n')
    booted.run('systemctl', 'start', 'reeved')
    update(booted)
    pid = booted.show('MainPID')
    booted.run('kill', '-STOP', pid)
    booted.until(lambda: booted.show('MainPID') not in (pid, '0') and serves(booted), 'it is back, with its record')
    assert 'Watchdog timeout' in booted.journal()


def test_a_faulty_configuration_is_told(service):
    service.write('/etc/reeve/reeved.yaml', CONFIGURATION.replace('soa:', 'sao:'))
    service.run('systemctl', 'start', 'reeved', code=1)
    service.until(lambda: '/etc/reeve/reeved.yaml:2:23: ' in service.journal(), 'where the fault is')


def test_systemd_opens_the_sockets(service):
    """Then it has no need of a capability, and what is asked while it restarts waits."""
    service.write('/run/units/reeved.service.d/test.conf', '[Service]\nAmbientCapabilities=\nCapabilityBoundingSet=\n')
    service.run('systemctl', 'daemon-reload')
    service.run('systemctl', 'start', 'reeved.socket')
    assert service.show('ActiveState') == 'inactive'
    assert service.dig('@::1', 'dyn.example', 'NS') == ['ns1.example.com.']
    assert int(service.status()['CapEff'][0], 16) == 0
    update(service)
    pid = service.show('MainPID')
    service.run('systemctl', '--no-block', 'restart', 'reeved')
    while service.show('MainPID') in (pid, '0'):
        assert serves(service)
        assert service.dig('@127.0.0.1', '+tcp', *NAME) == ['192.0.2.1']
    assert serves(service)


def test_a_secret_can_be_a_credential(booted):
    booted.fresh(CONFIGURATION.replace(f'secret: {SECRET}', 'secret-file: "${CREDENTIALS_DIRECTORY}/try"'),
                 '[Service]\nLoadCredential=try:/etc/reeve/secrets/try\n')
    booted.write('/etc/reeve/secrets/try', SECRET + '\n', mode=0o600)
    booted.run('systemctl', 'start', 'reeved')
    update(booted)
    assert serves(booted)


@pytest.mark.skipif(not machine.may_raise_limits(), reason='a service cannot have LimitRTPRIO=1 here')
def test_the_thread_that_answers_may_go_first(booted):
    booted.fresh('server: {realtime: yes}\n' + CONFIGURATION, (harness.TOP / 'packaging/realtime.conf').read_text(encoding='utf-8'))
    booted.run('systemctl', 'start', 'reeved')
    assert 'SCHED_RR' in booted.run('chrt', '--pid', booted.show('MainPID')).stdout
    update(booted)
    assert serves(booted)


def test_the_journal_gets_fields(booted):
    booted.fresh('log: {to: journal}\n' + CONFIGURATION)
    booted.run('systemctl', 'start', 'reeved')
    lines = [json.loads(line) for line in booted.journal('--output=json').splitlines()]
    loaded = [line for line in lines if line['MESSAGE'] == 'zone loaded']
    assert [(line['REEVE_ZONE'], line['PRIORITY'], line['SYSLOG_IDENTIFIER']) for line in loaded] == [('dyn.example.', '6', 'reeved')]
