# SPDX-License-Identifier: Apache-2.0
"""Answers from generated zones, compared with what named, nsd and knotd say to the same questions.

The zones are random (seeded) but full of what makes answers hard: few labels, so that names lie beside and below each
other; wildcards, empty non-terminals, CNAME and DNAME within a zone, between zones and out of them, delegations with
and without DS, glue; unsigned, with NSEC, with NSEC3 and with NSEC3 and opt-out. Rcode, AA, answer and authority must
be the same records, but for the differences listed in EXPLAINED, each with its reason.
"""
import dataclasses
import random
import re
import subprocess

import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import pytest

import harness
import peers
import wire

pytestmark = pytest.mark.released

SEEDS = range(1, 3 if harness.Reeved.is_brief() else 6)
QUESTIONS = 400
LABELS = ['a', 'b', 'c', '*']
TYPES = ['A', 'AAAA', 'MX', 'TXT', 'NS', 'SOA', 'CNAME', 'DNAME', 'DS', 'NSEC', 'DNSKEY', 'ANY']
KINDS = {'plain.': None, 'nsec.': [], 'nsec3.': ['-3', 'aabb', '-H', '3'], 'optout.': ['-3', '-', '-H', '0', '-A']}
TTL = 3600
NEGATIVE_TTL = 300


# --- zones ---

def make_zone(rnd, origin, children):
    """A zone's records as (owner relative to the origin, text). children: owners that are delegated."""
    records = {}        # owner -> list of texts
    cuts, dnames = set(children), set()

    def below(owner, tops):
        return any(owner == top or owner.endswith('.' + top) for top in tops)

    def target():
        name = '.'.join(rnd.choices(LABELS[:3], k=rnd.randint(1, 3)))
        return name + '.' + rnd.choice([origin, origin, rnd.choice(list(KINDS)), 'elsewhere.'])

    for owner in children:
        records[owner] = [f'NS ns.{owner}.{origin}', 'NS ns.elsewhere.']
        if rnd.random() < 0.5:
            records[owner].append('DS 12345 13 2 ' + '%064x' % rnd.getrandbits(256))
        records[f'ns.{owner}'] = ['A 192.0.2.53']
    for _ in range(40):
        owner = '.'.join(rnd.choices(LABELS, weights=[3, 3, 3, 1], k=rnd.randint(1, 4)))
        if owner in records or below(owner, cuts) or below(owner, dnames):
            continue
        kind = rnd.random()
        taken_below = any(o.endswith('.' + owner) for o in records)
        if kind < 0.1 and not taken_below and '*' not in owner:
            dnames.add(owner)
            records[owner] = [f'DNAME {target()}', 'A 192.0.2.77']
        elif kind < 0.25 and not taken_below and '*' not in owner:
            cuts.add(owner)
            records[owner] = [f'NS ns.{owner}.{origin}', f'NS {target()}']
            records[f'ns.{owner}'] = ['A 192.0.2.54', 'AAAA 2001:db8::54']
            if rnd.random() < 0.5:
                records[owner].append('DS 12345 13 2 ' + '%064x' % rnd.getrandbits(256))
        elif kind < 0.5:
            records[owner] = [f'CNAME {target()}']
        else:
            all_of = [f'A 192.0.2.{rnd.randint(1, 9)}', f'AAAA 2001:db8::{rnd.randint(1, 9)}', f'MX 10 {target()}',
                      f'TXT "{rnd.randint(0, 99)}"']
            records[owner] = rnd.sample(all_of, rnd.randint(1, 3))
    lines = [f'$ORIGIN {origin}', f'$TTL {TTL}', f'@ SOA ns hostmaster 1 7200 900 1209600 {NEGATIVE_TTL}',
             '@ NS ns', '@ NS ns.elsewhere.', 'ns A 192.0.2.1', '@ MX 10 a']
    lines += [f'{owner} {text}' for owner, texts in records.items() for text in texts]
    return '\n'.join(lines) + '\n'


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


@pytest.fixture(name='key', scope='module')
def fixture_key(tmp_path_factory):
    """A key that is thrown away: the directory of its two files, their name and the zone's in them is "zone."."""
    directory = tmp_path_factory.mktemp('key')
    run('dnssec-keygen', '-q', '-a', 'ECDSAP256SHA256', '-f', 'KSK', 'zone.', cwd=directory)
    return directory


def sign(directory, key, origin, text, options):
    """The zone signed with that key, as its own."""
    work = directory / origin.strip('.')
    work.mkdir()
    (work / 'zone').write_text(text, encoding='utf-8')
    for file in key.iterdir():
        (work / file.name.replace('zone.', origin)).write_text(re.sub(r'\bzone\.', origin, file.read_text(encoding='ascii')))
    run('dnssec-signzone', '-q', '-S', '-z', '-K', '.', '-o', origin, *options, '-f', 'signed', 'zone', cwd=work)
    return (work / 'signed').read_text(encoding='utf-8')


def make_zones(seed, directory, key):
    rnd = random.Random(seed)
    zones = {}
    for origin, options in KINDS.items():
        children = ['kid'] if rnd.random() < 0.7 else []
        text = make_zone(rnd, origin, children)
        zones[origin] = text if options is None else sign(directory, key, origin, text, options)
        for child in children:
            name = f'{child}.{origin}'
            text = make_zone(rnd, name, [])
            zones[name] = text if options is None else sign(directory, key, name, text, options)
    return zones


def make_questions(seed, zones):
    rnd = random.Random(seed + 1000)
    names = []
    for _ in range(QUESTIONS):
        origin = rnd.choice(list(zones))
        labels = rnd.choices(LABELS + ['ns', 'kid', 'zz'], weights=[4, 4, 4, 1, 1, 1, 1], k=rnd.randint(0, 5))
        names.append(('.'.join(labels + [origin]), rnd.choice(TYPES), rnd.random() < 0.6))
    return names


# --- answers ---

@dataclasses.dataclass(frozen=True)
class Answer:
    rcode: int
    is_aa: bool
    is_tc: bool
    answer: frozenset
    authority: frozenset

    def __str__(self):
        flags = (' aa' if self.is_aa else '') + (' tc' if self.is_tc else '')
        lines = [f'{dns.rcode.to_text(self.rcode)}{flags}']
        for word, section in ('an', self.answer), ('ns', self.authority):
            lines += sorted(f'  {word} {dns.name.from_wire(owner, 0)[0]} {ttl} {dns.rdatatype.to_text(kind)} '
                            f'{dns.rdata.from_wire(1, kind, rdata, 0, len(rdata)).to_text()[:60]}'
                            for owner, kind, ttl, rdata in section)
        return '\n'.join(lines)


def answers_of(server, questions):
    """Over TCP, so that none is cut off."""
    wires = [wire.question(name.encode().strip(b'.').split(b'.'), dns.rdatatype.from_text(rdtype), ident, dnssec, 4096)
             for ident, (name, rdtype, dnssec) in enumerate(questions)]
    for (_, rdtype, _), answer in zip(questions, map(wire.read, wire.ask_tcp(server, wires)), strict=True):
        authority = answer.authority
        if isinstance(server, peers.Named) and rdtype == 'SOA':     # zero-no-soa-ttl: a missing SOA has the negative TTL 0 there
            authority = frozenset((owner, kind, ttl or NEGATIVE_TTL, rdata) for owner, kind, ttl, rdata in authority)
        yield Answer(answer.rcode, answer.aa, answer.tc, answer.answer, authority)


# --- differences that are right ---

def zone_of(name, zones):
    """The origin of the zone that answers for name, or None."""
    return max((origin for origin in zones if name == origin or name.endswith('.' + origin)), key=len, default=None)


def targets(answer):
    return {dns.name.from_wire(rdata, 0)[0].to_text().lower()
            for _, rdtype, _, rdata in answer.answer if rdtype in (dns.rdatatype.CNAME, dns.rdatatype.DNAME)}


def leaves_the_zone(question, mine, theirs, zones):
    home = zone_of(question[0], zones)
    return any(zone_of(target, zones) not in (home, None) for target in targets(mine)) \
        and theirs.rcode == dns.rcode.NOERROR and theirs.answer <= mine.answer and theirs.authority <= mine.authority


def is_any_and_less(question, mine, theirs, zones):
    return question[1] == 'ANY' and theirs.answer < mine.answer and mine.rcode == theirs.rcode == dns.rcode.NOERROR


def is_any_after_dname(question, mine, theirs, zones):
    return question[1] == 'ANY' and theirs.answer <= mine.answer and theirs.rcode == dns.rcode.NOERROR \
        and any(r[1] == dns.rdatatype.DNAME for r in theirs.answer)


def proves_less_of_an_empty_wildcard(question, mine, theirs, zones):
    more = {r[1] for r in mine.authority - theirs.authority} - {dns.rdatatype.RRSIG}
    return mine.rcode == theirs.rcode == dns.rcode.NOERROR and mine.answer == theirs.answer \
        and theirs.authority < mine.authority and len(more) == 1 and more <= {dns.rdatatype.NSEC, dns.rdatatype.NSEC3}


def is_nsec_at_a_cut(question, mine, theirs, zones):
    return question[1] == 'NSEC' and not mine.is_aa and not mine.answer and len(theirs.answer) in (1, 2)


def is_nsec_at_a_cname(question, mine, theirs, zones):
    return question[1] == 'NSEC' and not mine.answer and any(r[1] == dns.rdatatype.CNAME for r in theirs.answer)


def is_a_loop(question, mine, theirs, zones):
    return theirs.rcode == dns.rcode.SERVFAIL and (theirs.answer, theirs.authority) == (mine.answer, mine.authority) \
        and any(r[1] == dns.rdatatype.CNAME for r in mine.answer)


def asks_for_a_wildcard(question, mine, theirs, zones):
    return question[0].startswith('*.') and mine.rcode == theirs.rcode and mine.answer == theirs.answer \
        and mine.authority < theirs.authority


def proves_other_behind_a_dname(question, mine, theirs, zones):
    return any(r[1] == dns.rdatatype.DNAME for r in mine.answer) and mine.rcode == theirs.rcode \
        and mine.answer == theirs.answer and mine.authority != theirs.authority


EXPLAINED = [
    (('named', 'knotd'), 'they follow CNAME and DNAME within one zone only', leaves_the_zone),
    (('named',), 'it ends a CNAME loop with SERVFAIL; the others and we send the loop', is_a_loop),
    (('nsd', 'knotd'), 'they give one RRset for ANY over TCP too, we all (RFC 8482 s4.4)', is_any_and_less),
    (('named',), 'it does not follow a DNAME for ANY; RFC 6672 s3.2 step 3C knows no such exception', is_any_after_dname),
    (('named', 'knotd'), 'no proof that the wildcard is an empty non-terminal (RFC 4035 s3.1.3.4, RFC 5155 s7.2.5)',
     proves_less_of_an_empty_wildcard),
    (('named',), 'it answers for the NSEC at a cut; the others and we refer', is_nsec_at_a_cut),
    (('nsd',), 'it follows a CNAME for NSEC; both can stand at a name (RFC 4035 s2.5)', is_nsec_at_a_cname),
    (('nsd',), 'it proves the existence of a wildcard asked for by name as if it were expanded', asks_for_a_wildcard),
    (('nsd',), 'no NSEC over the name that a DNAME led to, or another one (RFC 4035 s3.1.3)', proves_other_behind_a_dname),
]


def explain(peer, question, mine, theirs, zones):
    """The reason for a difference, or None."""
    for peers, reason, test in EXPLAINED:
        if peer in peers and test(question, mine, theirs, zones):
            return reason
    return None


def is_nsd_alone(mine, theirs):
    """nsd sends other denial records in some opt-out spans, and fewer than RFC 5155 s7.2.5 wants for some wildcards
    without the type; the two others send ours."""
    return mine.rcode == theirs['nsd'].rcode and mine.answer == theirs['nsd'].answer and \
        mine == theirs['named'] == theirs['knotd']


def differences(question, mine, theirs, zones):
    """The peers whose answer differs without a reason. theirs: {peer: answer}."""
    return [peer for peer, answer in theirs.items()
            if mine != answer and not explain(peer, question, mine, answer, zones)
            and not (peer == 'nsd' and is_nsd_alone(mine, theirs))]


@pytest.mark.parametrize('seed', SEEDS)
def test_answers_are_those_of_other_servers(reeved, named, nsd, knotd, tmp_path, key, seed):
    zones = make_zones(seed, tmp_path, key)
    others = {'named': named(zones), 'nsd': nsd(zones), 'knotd': knotd(zones)}
    server = reeved(zones, server={'udp-size': 4096})
    asked = make_questions(seed, zones)
    wrong = []
    for question, mine, *theirs in zip(asked, *(answers_of(each, asked) for each in (server, *others.values())), strict=True):
        theirs = dict(zip(others, theirs))
        for peer in differences(question, mine, theirs, zones):
            wrong.append(f'{question}\n--- reeve\n{mine}\n--- {peer}\n{theirs[peer]}\n')
    assert not wrong, f'{len(wrong)} answers differ\n' + '\n'.join(wrong[:10])
