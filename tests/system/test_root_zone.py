# SPDX-License-Identifier: Apache-2.0
"""The root zone, where there is one beside the project: what reeved answers is what named and nsd answer.

Every owner and type of the zone is asked for, 2,000 names below delegations, and 500 names below no delegation; each without DO
and with it. Rcode, AA, TC and the three sections (as sets, OPT left out) must be the
same, but for EXPLAINED.
"""
import itertools
import os
import pathlib
import random

import dns.rdatatype
import pytest

import harness
import wire

ROOT_ZONE = pathlib.Path(os.environ.get('ROOT_ZONE', harness.TOP / '..' / 'shared' / 'data' / 'root.zone'))
REFERRALS = 2000
ABSENT = 500
SOA, NSEC = 6, 47
TYPES = [1, 2, 5, 6, 15, 16, 28, 33, 43, 48, 65]

pytestmark = [pytest.mark.released, pytest.mark.skipif(not ROOT_ZONE.exists(), reason='no root zone here')]


def labels_of(text):
    return tuple(label.encode() for label in text.lower().split('.') if label)


def zone_sets():
    """All (owner, type) of the file, in its order."""
    with open(ROOT_ZONE, encoding='ascii') as f:
        rows = (line.split() for line in f if line[0] not in ';\n')
        return list(dict.fromkeys((labels_of(row[0]), dns.rdatatype.from_text(row[3])) for row in rows))


def text_for_nsd():
    """A zone written as a transfer repeats its SOA at the end, which nsd alone refuses."""
    lines = ROOT_ZONE.read_text(encoding='ascii').splitlines()
    while lines[-1] in lines[:-1]:
        lines.pop()
    return '\n'.join(lines) + '\n'


def questions():
    """The questions by kind."""
    random.seed(2)
    sets = zone_sets()
    cuts = [owner for owner, rdtype in sets if rdtype == 2 and owner]
    owners = {owner for owner, _ in sets}
    above = {owner[i:] for owner in owners for i in range(len(owner))}      # empty non-terminals as well
    referrals = [((*random.choice([(b'www',), (b'a', b'b'), (b'*',), (b'_x', b'_tcp', b'y')]), *random.choice(cuts)),
                  random.choice(TYPES)) for _ in range(REFERRALS)]
    absent = []
    while len(absent) < ABSENT:
        name = tuple(random.choice([b'x', b'www', b'zz9', b'-', b'0', b'xn--zz', b'\xff'])
                     for _ in range(random.randint(0, 2))) + (random.randbytes(3).hex().encode(),)
        if name[-1:] not in above:
            absent.append((name, random.choice(TYPES)))
    return {'sets': sets, 'referrals': referrals, 'absent': absent}


def named_answers_nsec_at_a_cut(rdtype, ours, theirs):
    """NSEC is data of the parent's side of a cut (RFC 4035 s2.3), but only DS is asked for there (s3.1.4.1): named gives it as an
    answer all the same; nsd and we refer to the child, as for every other type."""
    return rdtype == NSEC and not ours.aa and theirs.aa and {r[1] for r in theirs.answer} == {NSEC}


def named_sets_ttl_zero(rdtype, ours, theirs):
    """named's zero-no-soa-ttl: asked for a SOA that is not there, it gives the zone's SOA the TTL 0; RFC 2308 s3 knows no
    such case."""
    def without_ttl(records):
        return {(owner, kind, rdata) for owner, kind, _, rdata in records}
    return rdtype == SOA and {r[2] for r in theirs.authority} == {0} and \
        without_ttl(ours.authority) == without_ttl(theirs.authority) and \
        ours._replace(authority=None) == theirs._replace(authority=None)


EXPLAINED = {'named': [named_answers_nsec_at_a_cut, named_sets_ttl_zero], 'nsd': []}


def show(question, ours, theirs):
    labels, rdtype = question
    lines = [f"{b'.'.join(labels).decode('latin-1')}. {dns.rdatatype.to_text(rdtype)}:"]
    for name, a, b in zip(ours._fields, ours, theirs):
        if a != b:
            both = isinstance(a, frozenset)
            lines.append(f'  {name}: ours {a - b if both else a}, theirs {b - a if both else b}')
    return '\n'.join(lines)


def test_root_zone_is_answered_as_by_others(reeved, named, nsd):
    zone = {'.': ROOT_ZONE}
    ours, others = reeved(zone), {'named': named(zone), 'nsd': nsd({'.': text_for_nsd()})}
    wrong = []
    for asked, dnssec in itertools.product(questions().values(), (False, True)):
        answers = wire.ask_all(ours, asked, dnssec)
        for name, server in others.items():
            for question, a, b in zip(asked, answers, wire.ask_all(server, asked, dnssec)):
                if a != b and not any(is_it(question[1], a, b) for is_it in EXPLAINED[name]):
                    wrong.append(f'{name}, {"DO" if dnssec else "plain"}, {show(question, a, b)}')
    assert not wrong, f'{len(wrong)} differences\n' + '\n'.join(wrong[:20])
