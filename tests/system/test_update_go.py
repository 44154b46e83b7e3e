# SPDX-License-Identifier: Apache-2.0
"""Dynamic update by the Go library of lego, external-dns, cert-manager and many others (tests/tools/goupdate)."""
import pytest

import dynamic
import harness
from dynamic import texts

KEYS = dynamic.keys('k', 'other')
pytestmark = [pytest.mark.released, pytest.mark.xdist_group('go')]


@pytest.fixture(name='goupdate', scope='module')
def fixture_goupdate(tmp_path_factory):
    """goupdate(server, lines, key=, net=): what the program prints for them, line by line."""
    program = tmp_path_factory.mktemp('goupdate') / 'goupdate'
    built = dynamic.run_client('go', 'build', '-gcflags=github.com/miekg/dns=-N -l -dwarf=false', '-ldflags=-s -w',
                               '-o', program, harness.TOP / 'tests/tools/goupdate/main.go', env={
        'GO111MODULE': 'off', 'GOPATH': '/usr/share/gocode', 'GOCACHE': str(harness.TOP / 'build/go'), 'GOFLAGS': '',
        'GOPROXY': 'off'}, deadline_s=300)      # it compiles its libraries first
    assert built.returncode == 0, built.stderr

    def run(server, lines, key='k', secret=None, net='udp'):
        named = ['-key', key, '-secret', secret or KEYS[key]['secret']] if key else []
        result = dynamic.run_client(program, '-server', f'{server.address}:{server.port}', '-zone', 'example.', '-net', net,
                                    *named, stdin=lines)
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()
    return run


@pytest.fixture(name='server')
def fixture_server(updated):
    return updated({'example.': dynamic.all_by('k')}, keys=KEYS)


@pytest.mark.parametrize('net', ['udp', 'tcp'])
def test_a_record_is_set_as_lego_and_external_dns_do(server, goupdate, net):
    """The old RRset removed and the new one put there in one message, seen whole in the answer to a signed query."""
    for value in ('one', 'two'):
        assert goupdate(server, f'remove-rrset _acme-challenge.example. 0 IN TXT "{value}"\n'
                                f'insert _acme-challenge.example. 120 IN TXT "{value}"\nsend\n'
                                'query _acme-challenge.example. TXT\n', net=net) == [
            'NOERROR', 'NOERROR', f'_acme-challenge.example. 120 IN TXT "{value}"']
    assert goupdate(server, 'remove _acme-challenge.example. 120 IN TXT "two"\nsend\nquery _acme-challenge.example. TXT\n',
                    net=net) == ['NOERROR', 'NXDOMAIN']


ROWS = [
    # prerequisites, rcode
    ('used www.example.', 'NOERROR'), ('used absent.example.', 'NXDOMAIN'),
    ('unused absent.example.', 'NOERROR'), ('unused www.example.', 'YXDOMAIN'),
    ('rrset www.example. 0 IN A 0.0.0.0', 'NOERROR'), ('rrset www.example. 0 IN MX 0 .', 'NXRRSET'),
    ('no-rrset www.example. 0 IN MX 0 .', 'NOERROR'), ('no-rrset www.example. 0 IN A 0.0.0.0', 'YXRRSET'),
    ('equal www.example. 0 IN A 192.0.2.80', 'NOERROR'), ('equal www.example. 0 IN A 192.0.2.81', 'NXRRSET'),
]


def test_prerequisites_hold_or_stop_all_of_it(server, goupdate):
    """All in one run: each message is judged by itself."""
    lines = [f'{ask}\ninsert p{i}.example. 60 IN A 192.0.2.9\nsend\n' for i, (ask, _) in enumerate(ROWS)]
    assert goupdate(server, ''.join(lines)) == [rcode for _, rcode in ROWS]
    for i, (ask, rcode) in enumerate(ROWS):
        assert texts(server, f'p{i}.example.', 'A') == (['192.0.2.9'] if rcode == 'NOERROR' else None), ask


def test_names_and_records_are_removed(server, goupdate):
    assert goupdate(server, 'remove www.example. 300 IN A 192.0.2.80\nremove-name alias.example.\nsend\n') == ['NOERROR']
    assert texts(server, 'www.example.', 'A') == []
    assert texts(server, 'alias.example.', 'CNAME') is None


def test_who_may_not_is_refused(server, goupdate):
    add = 'insert new.example. 60 IN A 192.0.2.9\nsend\n'
    assert goupdate(server, add, key='other') == ['REFUSED']
    assert goupdate(server, add, key=None) == ['REFUSED']
    assert goupdate(server, add, secret=KEYS['other']['secret']) == ['error: dns: bad authentication']
    assert texts(server, 'new.example.', 'A') is None
