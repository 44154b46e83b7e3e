# SPDX-License-Identifier: Apache-2.0
"""The sample zones of zones/ as served by Reeve, beside named serving the same files.

Every RRset, every name that does not exist beside or below those that do, every delegation: the same records in answer
and authority, with DNSSEC records and without. What a zone holds is taken from named's own transfer.
"""
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.zone
import pytest

import harness

pytestmark = pytest.mark.released

ZONES = {
    'example.com.': 'example.com.zone',
    '2.0.192.in-addr.arpa.': '2.0.192.in-addr.arpa.zone',
    'types.example.': 'types.example.zone',
    'signed.example.': 'signed.example.zone',
    'signed3.example.': 'signed3.example.zone',
}
# What named refuses to load, as obsolete or as unknown to it, is taken out of its copy.
NAMED_LACKS = ('md', 'mf', 'nxt', 'cla', 'ipn', 'unece', 'iso')


def path_of(name):
    return harness.TOP / 'zones' / ZONES[name]


def for_named(name):
    if name != 'types.example.':
        return path_of(name)
    lines = path_of(name).read_text(encoding='utf-8').splitlines(keepends=True)
    return ''.join(line for line in lines if line.split(' ')[0] not in NAMED_LACKS)


@pytest.fixture(name='both', params=ZONES)
def fixture_both(request, reeved, named):
    name = request.param
    return name, reeved({name: path_of(name)}), named({name: for_named(name)})


def held(server, name):
    """{(owner, type)} of the zone, from a transfer."""
    xfr = dns.query.xfr(server.address, name, port=server.port, relativize=False, lifetime=harness.ASK_TIMEOUT_S)
    return {(rrset.name, rrset.rdtype) for message in xfr for rrset in message.answer}


def records(section):
    return {(rrset.name.to_text().lower(), rrset.ttl, dns.rdatatype.to_text(rrset.rdtype), rdata.to_wire())
            for rrset in section for rdata in rrset}


def shown(message):
    return (message.rcode(), message.flags, records(message.answer), records(message.authority))


def assert_same(mine, theirs, name, rdtype, *, dnssec):
    query = harness.query_of(name, rdtype, dnssec=dnssec)
    ours, other = shown(mine.send(query, tcp=True)), shown(theirs.send(query, tcp=True))
    assert ours == other, f'{name} {dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rdtype))} dnssec={dnssec}'


@pytest.mark.parametrize('dnssec', [False, True])
def test_every_rrset_is_answered_as_named_does(both, dnssec):
    zone, mine, theirs = both
    contents = held(theirs, zone)
    assert len(contents) > 10
    for owner, rdtype in sorted(contents):
        if rdtype in (dns.rdatatype.NSEC3, dns.rdatatype.RRSIG):
            continue        # the owner names of NSEC3 do not exist; RRSIG is RFC 8482's ANY in another guise
        if rdtype == dns.rdatatype.NSEC and (owner, dns.rdatatype.NS) in contents and owner != dns.name.from_text(zone):
            continue        # named answers from the parent's side, others refer: RFC 4035 has a rule for DS only
        assert_same(mine, theirs, owner, rdtype, dnssec=dnssec)


@pytest.mark.parametrize('dnssec', [False, True])
def test_other_types_and_names_beside_and_below_are_answered_as_named_does(both, dnssec):
    zone, mine, theirs = both
    contents = held(theirs, zone)
    apex = dns.name.from_text(zone)
    owners = {owner for owner, rdtype in contents if rdtype not in (dns.rdatatype.NSEC3,)}
    owners -= {owner for owner, rdtype in contents if rdtype == dns.rdatatype.NSEC3}
    between = set()         # empty non-terminals
    for owner in owners:
        while owner.is_subdomain(apex) and owner != apex:
            owner = owner.parent()
            between.add(owner)
    between = {name for name in between if name.is_subdomain(apex)}
    for owner in sorted(owners | between):
        names = [owner]
        for label in ('nx', '*', '0', '~'):
            try:
                names.append(dns.name.Name((label.encode(),) + owner.labels))
            except dns.name.NameTooLong:
                pass
        for name in names:
            for rdtype in ('A', 'TXT', 'DS'):
                assert_same(mine, theirs, name, rdtype, dnssec=dnssec)
