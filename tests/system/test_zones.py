# SPDX-License-Identifier: Apache-2.0
"""The sample zones of zones/ as served by Reeve, beside named serving the same files.

Every RRset, every name that does not exist beside or below those that do, every delegation: the same records in answer
and authority, with DNSSEC records and without. What a zone holds is taken from named's own transfer.
"""
import dns.name
import dns.query
import dns.rdatatype
import pytest

import harness
import wire

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


def held(server, name):
    """{(owner, type)} of the zone, from a transfer."""
    xfr = dns.query.xfr(server.address, name, port=server.port, relativize=False, lifetime=harness.ASK_TIMEOUT_S)
    return {(rrset.name, rrset.rdtype) for message in xfr for rrset in message.answer}


def shown(answer):
    """Id and flags, the question, rcode and sections."""
    end = wire.read_name(answer, 12)[1] + 4
    return answer[:4], answer[12:end], wire.read(answer)._replace(additional=None)


def questions_for_what_is_there(zone, contents):
    for owner, rdtype in sorted(contents):
        if rdtype in (dns.rdatatype.NSEC3, dns.rdatatype.RRSIG):
            continue        # the owner names of NSEC3 do not exist; RRSIG is RFC 8482's ANY in another guise
        if rdtype == dns.rdatatype.NSEC and (owner, dns.rdatatype.NS) in contents and owner != dns.name.from_text(zone):
            continue        # named answers from the parent's side, others refer: RFC 4035 has a rule for DS only
        yield owner, rdtype


def questions_beside_and_below(zone, contents):
    """Other types of what is there, and names that are not."""
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
            for rdtype in (dns.rdatatype.A, dns.rdatatype.TXT, dns.rdatatype.DS):
                yield name, rdtype


@pytest.mark.parametrize('zone', ZONES)
def test_all_is_answered_as_named_does(reeved, named, zone):
    """With and without DNSSEC records. Answers that are the same bytes are the same."""
    servers = reeved({zone: path_of(zone)}), named({zone: for_named(zone)})
    contents = held(servers[1], zone)
    assert len(contents) > 10
    asked = [*questions_for_what_is_there(zone, contents), *questions_beside_and_below(zone, contents)]
    for dnssec in (False, True):
        wires = [wire.question(name.labels[:-1], rdtype, ident, dnssec) for ident, (name, rdtype) in enumerate(asked)]
        for (name, rdtype), ours, theirs in zip(asked, *(wire.ask_tcp(server, wires) for server in servers), strict=True):
            assert ours == theirs or shown(ours) == shown(theirs), \
                f'{name} {dns.rdatatype.to_text(rdtype)} dnssec={dnssec}'
