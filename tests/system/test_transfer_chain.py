# SPDX-License-Identifier: Apache-2.0
"""Servers in a row: differences go down it as they came, and an update is passed up to the primary."""
import struct

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import dns.tsig
import pytest

import dynamic
import following
import harness

KEYS, ORIGIN = following.KEYS, following.ORIGIN
STEPS = 30


def ixfr_of(server, serial):
    """The records of the answer to IXFR from that serial, in their order: (owner, TTL, rdata in canonical form)."""
    query = dns.message.make_query(ORIGIN, 'IXFR')
    soa = f'. . {serial} 0 0 0 0'
    query.authority = [dns.rrset.from_text(ORIGIN, 0, 'IN', 'SOA', soa)]
    query.use_tsig(dynamic.keyring(KEYS), dns.name.from_text('k'))
    wire, records, serials, context = query.to_wire(), [], [], None
    with server.connect() as connection, connection.makefile('rb') as stream:
        connection.sendall(struct.pack('!H', len(wire)) + wire)
        while serials.count(serials[0] if serials else None) < 3:      # first, of the last step, at the end
            answer = dns.message.from_wire(stream.read(struct.unpack('!H', stream.read(2))[0]), keyring=query.keyring,
                                           request_mac=query.mac, multi=True, tsig_ctx=context, one_rr_per_rrset=True)
            assert answer.rcode() == 0 and answer.answer, answer
            context = answer.tsig_ctx
            for rrset in answer.answer:
                records.append((rrset.name.to_text().lower(), rrset.ttl, dns.rdatatype.to_text(rrset.rdtype),
                                rrset[0].to_digestable().hex()))
                if rrset.rdtype == dns.rdatatype.SOA:
                    serials.append(rrset[0].serial)
    return records


def as_steps(records):
    """[(serial from, serial to, {deleted}, {added})]"""
    assert records[0] == records[-1] and records[0][2] == records[1][2] == 'SOA'
    steps, sets = [], None
    for record in records[1:-1]:
        if record[2] == 'SOA':
            sets = set()
            if len(steps) and len(steps[-1]) == 2:
                steps[-1] += (record, sets)
            else:
                steps.append((record, sets))
        else:
            assert record not in sets
            sets.add(record)
    return steps


@pytest.fixture(name='row')
def fixture_row(request):
    """A function: starts servers of those kinds, each the secondary of the one before it; the first one has the zone. more:
    settings of the zone at the others."""
    def start(*kinds, **more):
        ports = [harness.free_port() for _ in kinds]
        change, servers = following.Change(), []
        for i, kind in enumerate(kinds):
            below = ['s'] if i + 1 < len(kinds) else []
            zone = (following.secondary_zone('p', secondaries=below, **more) if i else
                    following.primary_zone(change.file(), *below))
            remotes = {**({'p': following.remote(ports[i - 1])} if i else {}),
                       **({'s': following.remote(ports[i + 1])} if below else {})}
            servers.append(request.getfixturevalue(kind)({ORIGIN: zone}, keys=KEYS, port=ports[i], remotes=remotes,
                                                         **following.settings(kind)))
        for server in servers[1:]:
            following.wait_in_sync(servers[0], server)
        return change, servers
    return start


@pytest.mark.parametrize('kinds', ['reeved reeved reeved', 'named reeved knotd', 'knotd reeved named', 'named reeved nsd'])
def test_changes_go_down_a_row_of_three(row, kinds):
    change, servers = row(*kinds.split())
    for _ in range(3):
        for _ in range(STEPS // 3):
            change.step(servers[0])
        for server in servers[1:]:
            following.wait_in_sync(servers[0], server)
    for server in servers[1:]:
        following.assert_same(servers[0], server, change)


@pytest.mark.parametrize('kinds', ['reeved reeved reeved', 'named reeved'])     # knotd merges some in its answers
def test_differences_are_passed_on_as_they_came(row, kinds):
    change, servers = row(*kinds.split())
    for _ in range(STEPS):
        change.step(servers[0])
    for server in servers[1:]:
        following.wait_in_sync(servers[0], server)
    first, last = (as_steps(ixfr_of(server, 1)) for server in (servers[0], servers[-1]))
    assert len(first) == STEPS
    assert last == first


def test_differences_outlive_a_restart_of_all(row):
    change, servers = row('reeved', 'reeved', 'reeved')
    for _ in range(STEPS):
        change.step(servers[0])
    for server in servers[1:]:
        following.wait_in_sync(servers[0], server)
    before = ixfr_of(servers[-1], 1)
    for server in servers:
        server.kill()
        server.run()
        server.until(lambda server=server: server.answers(ORIGIN), 'served again')
    assert ixfr_of(servers[-1], 1) == before
    change.step(servers[0])
    for server in servers[1:]:
        following.wait_in_sync(servers[0], server)
    following.assert_same(servers[0], servers[-1], change)


@pytest.mark.parametrize('kinds', ['reeved reeved reeved', 'named reeved', 'knotd reeved'])
def test_updates_go_up_the_row(row, kinds):
    """RFC 2136 s6: the signature is the client's, and so is the answer."""
    change, servers = row(*kinds.split(), **{'forward-updates': 'yes'})
    for _ in range(STEPS // 3):
        change.step(servers[-1])
    following.wait_in_sync(servers[0], servers[-1])
    following.assert_same(servers[0], servers[-1], change)
    refused = dynamic.update_of(ORIGIN, dynamic.keys('stranger'), 'stranger')
    refused.add('new', 60, 'A', '192.0.2.9')
    with pytest.raises(dns.tsig.PeerBadKey):
        servers[-1].send(refused)
