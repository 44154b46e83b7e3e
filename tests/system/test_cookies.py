# SPDX-License-Identifier: Apache-2.0
"""DNS cookies: good at every server that has the secret (RFC 9018), kept over restarts, rolled over without anybody
noticing, and their secret told to nobody."""
import os
import stat
import subprocess
import time

import dns.edns
import dns.message
import dns.rcode
import pytest

import harness
import peers

ZONE = '''$TTL 300
@     SOA  ns hostmaster 1 3600 900 1209600 300
@     NS   ns
ns    A    192.0.2.1
'''
SECRETS = ['e5e973e5a6b2a43f48e7dc849e37bfcf', '445536bcd2513298075a5d379663c962', 'dd3bdf9344b678b185a6f5cb60fca715']
CLIENT = bytes.fromhex('2464c4abcf10c957')
COOKIE = 10
MONTH_S = 30 * 86400


class Named(peers.Named):
    def command(self):
        command = super().command()
        conf = self.dir / 'named.conf'
        text = conf.read_text(encoding='ascii')
        conf.write_text(text.replace('answer-cookie no;', f'answer-cookie yes; require-server-cookie yes; '
                                     f'cookie-algorithm siphash24; cookie-secret "{SECRETS[0]}";'), encoding='ascii')
        return command


class Knotd(peers.Knotd):
    def sections(self):
        sections = super().sections()
        zones = [{**zone, 'module': 'mod-cookies/default'} for zone in sections.pop('zone')]
        return {**sections, 'mod-cookies': [{'id': 'default', 'secret': f'0x{SECRETS[0]}', 'badcookie-slip': 1}],
                'zone': zones}


@pytest.fixture(name='peer')
def fixture_peer(servers, request):
    server = request.param.__new__(request.param)
    servers.append(server)
    server.process = None
    server.__init__({'example.': ZONE})
    return server


def secret_file(path, *secrets):
    path.write_text(''.join(f'{secret}\n' for secret in secrets), encoding='ascii')
    path.chmod(0o600)
    return str(path)


def ask(server, cookie, tcp=False):
    """The rcode, and the cookie that came."""
    query = harness.query_of('ns.example.', 'A')
    query.use_edns(0, payload=1232, options=[dns.edns.GenericOption(COOKIE, cookie)])
    reply = server.send(query, tcp=tcp)
    cookies = [option.to_wire() for option in reply.options if option.otype == COOKIE]
    assert len(cookies) == 1 and len(cookies[0]) == 24 and cookies[0][:8] == cookie[:8]
    return dns.rcode.to_text(reply.rcode()), cookies[0]


def spoiled(cookie):
    return cookie[:-1] + bytes([cookie[-1] ^ 1])


@pytest.mark.parametrize('peer', [Named, Knotd], indirect=True)
def test_cookies_are_good_at_every_server_with_the_secret(reeved_ready, peer):
    ours = reeved_ready({'example.': ZONE}, server={'cookies-required': 'yes'})
    ours.settings['server']['cookie-secret-file'] = secret_file(ours.dir / 'secret', SECRETS[0])
    ours.configure()
    ours.run()
    for one, other in ((ours, peer), (peer, ours)):
        rcode, cookie = ask(one, CLIENT)
        assert rcode == 'BADCOOKIE'
        assert ask(other, cookie)[0] == 'NOERROR', other
        assert ask(other, spoiled(cookie))[0] == 'BADCOOKIE', other
        assert ask(one, cookie)[0] == 'NOERROR'
        if one is ours:
            assert ask(one, cookie)[1] == cookie            # half an hour at least; BIND makes a new one each second


def test_a_secret_of_its_own_outlives_restarts(reeved):
    server = reeved({'example.': ZONE}, server={'cookies-required': 'yes'})
    kept = server.state / 'cookies.secret'
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    digits = kept.read_text(encoding='ascii').splitlines()[-1]
    assert len(bytes.fromhex(digits)) == 16
    _, cookie = ask(server, CLIENT)
    server.kill()
    server.run()
    assert ask(server, cookie)[0] == 'NOERROR'
    assert 'own secret' in server.reevectl('status').stdout
    # after its time there is another one; what the old one has made is still good
    old = time.time() - MONTH_S - 60
    server.stop()
    os.utime(kept, (old, old))
    server.run()
    server.until(lambda: digits not in kept.read_text(encoding='ascii').splitlines()[1], 'a new secret in front')
    assert kept.read_text(encoding='ascii').splitlines()[2] == digits
    rcode, newer = ask(server, cookie)
    assert rcode == 'NOERROR' and newer != cookie
    server.kill()
    server.run()
    assert ask(server, newer) == ('NOERROR', newer)
    assert digits.lower() not in server.log().lower()


def test_secrets_roll_over_in_three_stages(reeved_ready):
    """RFC 9018 s5; each server of an address is a stage behind or ahead of the others at times."""
    servers = [reeved_ready({'example.': ZONE}, server={'cookies-required': 'yes'}) for _ in range(2)]
    stages = [SECRETS[:1], SECRETS[:2], SECRETS[1::-1], SECRETS[1:2]]
    for server in servers:
        server.settings['server']['cookie-secret-file'] = secret_file(server.dir / 'secret', *stages[0])
        server.configure()
        server.run()
    cookie = ask(servers[0], CLIENT)[1]
    for stage in stages[1:]:
        for server in servers:
            secret_file(server.dir / 'secret', *stage)
            server.reload()
            for other in servers:       # whichever is asked, the cookie of whichever is good
                rcode, cookie = ask(other, cookie)
                assert rcode == 'NOERROR', stage
    other = secret_file(servers[0].dir / 'secret', SECRETS[2])
    servers[0].reload()
    assert ask(servers[0], cookie)[0] == 'BADCOOKIE'
    assert ask(servers[0], cookie, tcp=True)[0] == 'NOERROR'        # RFC 7873 s5.2.3
    for text in (servers[0].log(), subprocess.run([str(servers[0].program()), '--effective', '-c', str(servers[0].conf)],
                                                  capture_output=True, text=True, check=True).stdout):
        assert not any(secret in text.lower() for secret in SECRETS)
    os.chmod(other, 0o644)
    check = subprocess.run([str(servers[0].program()), '--check', '-c', str(servers[0].conf)], capture_output=True, text=True,
                           check=False)
    assert check.returncode == 1 and 'lets others read' in check.stdout + check.stderr


def test_good_cookies_are_wanted_under_load(reeved):
    server = reeved({'example.': ZONE}, server={'cookies-required': 'load', 'limits': {'cookies-load': '20/s'}})
    assert ask(server, CLIENT)[0] == 'NOERROR'
    answers = []

    def is_wanted():
        answers.extend(ask(server, CLIENT) for _ in range(20))
        return answers[-1][0] == 'BADCOOKIE'
    server.until(is_wanted, 'cookies wanted')
    assert ask(server, answers[-1][1])[0] == 'NOERROR'
    assert server.ask('ns.example.').rcode() == dns.rcode.NOERROR    # RFC 7873 s5.2.1: who sends none is answered
    assert 'good cookies are wanted' in server.log()


def test_a_query_without_question_is_for_a_cookie(reeved):
    """RFC 7873 s5.4."""
    server = reeved({'example.': ZONE}, server={'cookies-required': 'yes'})
    _, cookie = ask(server, CLIENT)
    for sent, rcode in ((CLIENT, 'NOERROR'), (cookie, 'NOERROR'), (spoiled(cookie), 'BADCOOKIE')):
        query = dns.message.Message()
        query.use_edns(0, payload=1232, options=[dns.edns.GenericOption(COOKIE, sent)])
        reply = server.send(query)
        assert dns.rcode.to_text(reply.rcode()) == rcode and not reply.question and not reply.answer
        assert [len(option.to_wire()) for option in reply.options if option.otype == COOKIE] == [24]
