# SPDX-License-Identifier: Apache-2.0
"""Dynamic update by a DHCP server: Kea's kea-dhcp-ddns, told of leases as Kea's DHCP servers tell it.

Who has a name is settled by DHCID records and prerequisites (RFC 4703 s5): what is tested is that two clients with one
name do not overwrite each other, and that whoever leaves takes along only what is its own.
"""
import dataclasses
import hashlib
import json
import os
import re
import socket
import struct

import dns.reversename
import pytest

import dynamic
import harness
from dynamic import texts

pytestmark = pytest.mark.released

KEYS = dynamic.keys('kea')
ADD, REMOVE = 0, 1
FORWARD = '$TTL 300\n@ SOA ns hostmaster 1 3600 900 1209600 300\n@ NS ns\nns A 10.0.0.53\nprinter A 10.0.0.9\n'
REVERSE = '$TTL 300\n@ SOA ns.lan.example. hostmaster.lan.example. 1 3600 900 1209600 300\n@ NS ns.lan.example.\n'
LEASE_S = 3600
ZONES = {'lan.example.': FORWARD, '10.in-addr.arpa.': REVERSE, 'd.f.ip6.arpa.': REVERSE}


@dataclasses.dataclass
class Lease:
    """One client's address under one name; the client's identity is what the DHCID is made from (RFC 4701 s3.3)."""
    client: str
    name: str
    address: str

    def dhcid(self):
        return bytes.fromhex('000101') + hashlib.sha256(self.client.encode() + self.name.encode()).digest()

    def reverse(self):
        return dns.reversename.from_address(self.address).to_text()


class Kea(harness.Server):
    def __init__(self, server):
        super().__init__()
        to = [{'ip-address': server.address, 'port': server.port}]

        def domains(*names):
            return {'ddns-domains': [{'name': name, 'key-name': 'kea', 'dns-servers': to} for name in names]}
        conf = self.write('kea.conf', json.dumps({'DhcpDdns': {
            'ip-address': self.address, 'port': self.port, 'dns-server-timeout': 20000, 'ncr-protocol': 'UDP',
            'ncr-format': 'JSON',
            'tsig-keys': [{'name': 'kea', 'algorithm': 'HMAC-SHA256', 'secret': KEYS['kea']['secret']}],
            'forward-ddns': domains('lan.example.'), 'reverse-ddns': domains('10.in-addr.arpa.', 'd.f.ip6.arpa.'),
            'loggers': [{'name': 'kea-dhcp-ddns', 'severity': 'DEBUG', 'output_options': [{'output': 'stdout'}]}]}}))
        # A copy: AppArmor binds the installed one to its own directories.
        program = harness.installed('kea-dhcp-ddns', self.dir)
        self.start(program, '-c', conf, env={**os.environ, 'KEA_PIDFILE_DIR': str(self.dir),
                                             'KEA_LOCKFILE_DIR': str(self.dir)})
        self.until(lambda: 'DHCP_DDNS_QUEUE_MGR_STARTED' in self.log(), 'kea-dhcp-ddns started')
        self.told = 0

    def tell(self, change, lease, forward=True, reverse=True):
        """A lease was granted or has ended. True: both zones were updated as asked; False: refused by what is there."""
        request = json.dumps({
            'change-type': change, 'forward-change': forward, 'reverse-change': reverse, 'fqdn': lease.name,
            'ip-address': lease.address, 'dhcid': lease.dhcid().hex().upper(), 'lease-expires-on': '20400101000000',
            'lease-length': LEASE_S, 'use-conflict-resolution': True}).encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(struct.pack('!H', len(request)) + request, (self.address, self.port))
        word = 'ADD' if change == ADD else 'REMOVE'
        verdicts = re.compile(rf'DHCP_DDNS_{word}_(SUCCEEDED|FAILED)')
        self.told += 1
        self.until(lambda: len(re.findall(r'DHCP_DDNS_(?:ADD|REMOVE)_(?:SUCCEEDED|FAILED)', self.log())) >= self.told,
                   'verdict of kea-dhcp-ddns')
        return verdicts.findall(self.log())[-1] == 'SUCCEEDED'


@pytest.fixture(name='server')
def fixture_server(updated):
    grants = [{'key': 'kea', 'dhcp': 'yes'}]
    return updated({name: {'file': text, 'updates': grants} for name, text in ZONES.items()}, keys=KEYS)


@pytest.fixture(name='kea')
def fixture_kea(server, servers):
    kea = Kea.__new__(Kea)
    servers.append(kea)
    kea.process = None
    kea.__init__(server)
    return kea


def has(server, lease, rdtype='A'):
    """The server has the name with this address and the client's DHCID, and the way back."""
    dhcid = server.ask(lease.name, 'DHCID').answer
    return (texts(server, lease.name, rdtype) == [lease.address] and dhcid and dhcid[0][0].data == lease.dhcid()
            and texts(server, lease.reverse(), 'PTR') == [lease.name])


@pytest.mark.parametrize('address, rdtype', [('10.1.2.3', 'A'), ('fd00::1:2', 'AAAA')])
def test_a_lease_comes_and_goes(server, kea, address, rdtype):
    lease = Lease('client 1', 'host.lan.example.', address)
    assert kea.tell(ADD, lease)
    assert has(server, lease, rdtype)
    assert kea.tell(REMOVE, lease)
    assert texts(server, lease.name, rdtype) is None
    assert texts(server, lease.reverse(), 'PTR') is None


def test_a_client_that_comes_again_replaces_its_own(server, kea):
    assert kea.tell(ADD, Lease('client 1', 'host.lan.example.', '10.1.2.3'))
    assert kea.tell(ADD, Lease('client 1', 'host.lan.example.', '10.1.2.3')), 'renewed'
    moved = Lease('client 1', 'host.lan.example.', '10.1.2.4')
    assert kea.tell(ADD, moved)
    assert has(server, moved)


def test_another_client_does_not_get_the_name(server, kea):
    first, second = (Lease(f'client {i}', 'host.lan.example.', f'10.1.2.{i}') for i in (1, 2))
    assert kea.tell(ADD, first)
    assert not kea.tell(ADD, second)
    assert has(server, first)
    assert texts(server, second.reverse(), 'PTR') is None
    kea.tell(REMOVE, second, reverse=False)     # success or not is the client's own view (RFC 4703 s5.5)
    assert has(server, first), 'it takes along nothing that is not its own'
    assert kea.tell(REMOVE, first)
    assert kea.tell(ADD, second)
    assert has(server, second)


def test_a_name_that_is_no_clients_is_not_taken(server, kea):
    """It has no DHCID: the operator wrote it."""
    assert not kea.tell(ADD, Lease('client 1', 'printer.lan.example.', '10.1.2.3'))
    assert texts(server, 'printer.lan.example.', 'A') == ['10.0.0.9']
    assert texts(server, 'printer.lan.example.', 'DHCID') == []


def test_one_name_has_both_families(server, kea):
    four, six = Lease('client 1', 'host.lan.example.', '10.1.2.3'), Lease('client 1', 'host.lan.example.', 'fd00::1:2')
    assert kea.tell(ADD, four) and kea.tell(ADD, six)
    assert texts(server, four.name, 'AAAA') == ['fd00::1:2']
    kea.tell(REMOVE, four)          # it takes the answer "there is another address" for a failure of its own
    assert texts(server, four.name, 'A') == []
    assert texts(server, four.name, 'AAAA') == ['fd00::1:2']
    assert len(texts(server, four.name, 'DHCID')) == 1, 'kept while one address is left (RFC 4703 s5.5)'
    assert kea.tell(REMOVE, six)
    assert texts(server, four.name, 'DHCID') is None


def test_reverse_alone(server, kea):
    lease = Lease('client 1', 'host.lan.example.', '10.1.2.3')
    assert kea.tell(ADD, lease, forward=False)
    assert texts(server, lease.reverse(), 'PTR') == [lease.name]
    assert texts(server, lease.name, 'A') is None
