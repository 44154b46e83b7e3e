# SPDX-License-Identifier: Apache-2.0
"""Random updates, the same ones sent to reeved and to named: every rcode, every record and the serial must be the same.

The names and values are few, so that what is added, asked for and deleted often meets: CNAME and other data, delegations and
what lies below them, wildcards, other case, the apex. Left out is what the RFCs leave open: NS at a wildcard (RFC 4592 s4.2), loops
of CNAMEs, and whether a record that is there already, in other case, is a change.
"""
import random

import dns.name
import pytest

import dynamic
import harness
import rfc2136
from rfc2136 import ZONE_SECTION, absent, add, delete, delete_name, delete_rrset, exists, unused, used

pytestmark = pytest.mark.released

SEEDS = range(1, 4 if harness.Reeved.is_brief() else 7)
BATCHES = 8
UPDATES = 25        # in a batch
KEYS = dynamic.keys('k')
SIGNER = dynamic.Signer('k', KEYS['k']['secret'])
TEXT = '''$TTL 300
@ SOA ns hostmaster 1 3600 900 1209600 300
@ NS  ns.elsewhere.
'''
LABELS = ['a', 'b', '*']
NAMES = ['@'] + [x for a in LABELS for x in (a, *(f'{b}.{a}' for b in LABELS), f'a.b.{a}', f'*.a.{a}')]
VALUES = {
    'A': ['192.0.2.1', '192.0.2.2', '192.0.2.3'], 'AAAA': ['2001:db8::1', '2001:db8::2'], 'TXT': ['"one"', '"two" "three"', '""'],
    'MX': ['10 a', '20 mail.elsewhere.'], 'CNAME': ['elsewhere.', 'a.elsewhere.', 'b.elsewhere.'], 'NS': ['ns.elsewhere.', 'ns2.elsewhere.'], 'PTR': ['a'],
    'SRV': ['0 0 53 ns.elsewhere.'], 'TYPE65280': ['\\# 0', '\\# 2 abcd'], 'CAA': ['0 issue "ca.example"'],
}
TYPES = [rfc2136.type_of(text) for text in VALUES] + [6]
WEIGHTS = [6, 3, 3, 3, 3, 2, 1, 1, 1, 1]
TTLS = [300, 300, 300, 0, 60]


class Maker:
    """Random messages from one seed."""

    def __init__(self, seed):
        self.rnd = random.Random(seed)

    def rrset(self):
        owner, rdtype = self.rnd.choice(NAMES), self.rnd.choices(list(VALUES), WEIGHTS)[0]
        return owner, 'PTR' if rdtype == 'NS' and owner.startswith('*') else rdtype

    def cased(self, name):
        """In any case: for what is looked up."""
        return name.upper() if self.rnd.random() < 0.1 else name

    def value(self, rdtype):
        return self.rnd.choice(VALUES[rdtype])

    def prerequisites(self):
        """Mostly none: else most messages would stop there."""
        result = []
        while self.rnd.random() < 0.25:
            owner, rdtype = self.rrset()
            owner = self.cased(owner)
            kind = self.rnd.randrange(5)
            if kind == 4:
                values = self.rnd.sample(VALUES[rdtype], self.rnd.randint(1, len(VALUES[rdtype])))
                result += [exists(owner, rdtype, value) for value in values]
            else:
                result.append([lambda: used(owner), lambda: unused(owner), lambda: exists(owner, rdtype),
                               lambda: absent(owner, rdtype)][kind]())
        return result

    def operation(self):
        kind = self.rnd.random()
        owner, rdtype = self.rrset()
        if kind < 0.02:
            return add('@', 'SOA', f'ns hostmaster {self.rnd.randrange(1, 4000)} 3600 900 1209600 300')
        if kind < 0.6:
            return add(owner, rdtype, self.value(rdtype), self.rnd.choice(TTLS))
        owner = self.cased(owner)
        if kind < 0.8:
            return delete(owner, rdtype, self.value(rdtype))
        return delete_rrset(owner, rdtype) if kind < 0.92 else delete_name(owner)

    def update(self, ident):
        return rfc2136.message(ident, ZONE_SECTION, self.prerequisites(),
                               [self.operation() for _ in range(self.rnd.randint(1, 6))])


def batch(pair, maker, first):
    """The rcodes of all the messages of one batch."""
    updates = [(ident, maker.update(ident)) for ident in range(first, first + UPDATES)]
    return [[rfc2136.send(server, ident, update, SIGNER) for ident, update in updates] for server in pair]


@pytest.mark.parametrize('seed', SEEDS)
def test_random_updates_end_as_at_named(reeved, named, knotd, seed):
    zones = {'example.': dynamic.all_by('k', text=TEXT)}
    start = {'reeved': reeved, 'named': named, 'knotd': knotd}[dynamic.TARGET]
    pair = start(zones, keys=KEYS), named(zones, keys=KEYS)
    maker = Maker(seed)
    owners = [rfc2136.full(name) for name in NAMES] + ['c.example.', 'c.a.example.']
    rcodes = set()
    for number in range(BATCHES):
        ours, theirs = batch(pair, maker, 1 + number * UPDATES)
        assert ours == theirs, f'batch {number}'
        rcodes |= set(ours)
        if number % 2:
            assert not rfc2136.differences(f'batch {number}', *(rfc2136.content(server, owners, TYPES) for server in pair))
    assert {'NOERROR', 'NXRRSET', 'YXRRSET', 'YXDOMAIN', 'NXDOMAIN'} >= rcodes and len(rcodes) > 2, 'more than one way tried'
    for name, (ours, theirs) in dynamic.whole_zones(pair, 'example.').items():
        assert ours == theirs, name
