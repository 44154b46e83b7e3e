# SPDX-License-Identifier: Apache-2.0
"""Answers from generated zones, compared with what named, nsd and knotd say to the same questions.

The zones are random (seeded) but full of what makes answers hard: few labels, so that names lie beside and below each
other; wildcards, empty non-terminals, CNAME and DNAME within a zone, between zones and out of them, delegations with
and without DS, glue; unsigned, with NSEC, with NSEC3 and with NSEC3 and opt-out. Rcode, AA, answer and authority must
be the same records, but for the differences listed in EXPLAINED, each with its reason.
"""
import dataclasses
import pathlib
import random
import shutil
import subprocess

import dns.flags
import dns.name
import dns.rdatatype
import pytest

import harness

SEEDS = range(1, 4)
QUESTIONS = 400
LABELS = ['a', 'b', 'c', '*']
TYPES = ['A', 'AAAA', 'MX', 'TXT', 'NS', 'SOA', 'CNAME', 'DNAME', 'DS', 'NSEC', 'DNSKEY', 'ANY']
KINDS = {'plain.': None, 'nsec.': [], 'nsec3.': ['-3', 'aabb', '-H', '3'], 'optout.': ['-3', '-', '-H', '0', '-A']}
TTL = 3600


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
    lines = [f'$ORIGIN {origin}', f'$TTL {TTL}', '@ SOA ns hostmaster 1 7200 900 1209600 300', '@ NS ns', '@ NS ns.elsewhere.',
             'ns A 192.0.2.1', '@ MX 10 a']
    lines += [f'{owner} {text}' for owner, texts in records.items() for text in texts]
    return '\n'.join(lines) + '\n'


def sign(directory, origin, text, options):
    """The zone signed with a key that is thrown away."""
    work = directory / origin.strip('.')
    work.mkdir()
    (work / 'zone').write_text(text, encoding='utf-8')

    def run(*command):
        return subprocess.run(command, cwd=work, check=True, capture_output=True, text=True).stdout

    run('dnssec-keygen', '-q', '-a', 'ECDSAP256SHA256', '-f', 'KSK', origin)
    run('dnssec-signzone', '-q', '-S', '-z', '-K', '.', '-o', origin, *options, '-f', 'signed', 'zone')
    return (work / 'signed').read_text(encoding='utf-8')


def make_zones(seed, directory):
    rnd = random.Random(seed)
    zones = {}
    for origin, options in KINDS.items():
        children = ['kid'] if rnd.random() < 0.7 else []
        text = make_zone(rnd, origin, children)
        zones[origin] = text if options is None else sign(directory, origin, text, options)
        for child in children:
            name = f'{child}.{origin}'
            text = make_zone(rnd, name, [])
            zones[name] = text if options is None else sign(directory, name, text, options)
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
            lines += sorted(f'  {word} {owner} {ttl} {dns.rdatatype.to_text(rdtype)} {shown[:60]}'
                            for owner, ttl, rdtype, _, shown in section)
        return '\n'.join(lines)


def records(section):
    return frozenset((rrset.name.to_text().lower(), rrset.ttl, rrset.rdtype, rdata.to_digestable(), rdata.to_text())
                     for rrset in section for rdata in rrset)


def answer_of(server, question):
    name, rdtype, dnssec = question
    message = server.ask(name, rdtype, dnssec=dnssec, payload=4096, tcp=True)
    return Answer(message.rcode(), bool(message.flags & dns.flags.AA), bool(message.flags & dns.flags.TC),
                  records(message.answer), records(message.authority))


# --- differences that are right ---

EXPLAINED = []


def explain(server, question, mine, theirs):
    """The reason for a difference, or None."""
    for servers, reason, test in EXPLAINED:
        if server in servers and test(question, mine, theirs):
            return reason
    return None


@pytest.mark.parametrize('seed', SEEDS)
@pytest.mark.parametrize('peer', ['named', 'nsd', 'knotd'])
def test_answers_are_those_of_other_servers(request, reeved, tmp_path, seed, peer):
    zones = make_zones(seed, tmp_path)
    theirs = request.getfixturevalue(peer)(zones)
    mine = reeved(zones, server={'udp-size': 4096})
    wrong = []
    for question in make_questions(seed, zones):
        a, b = answer_of(mine, question), answer_of(theirs, question)
        if a != b and not explain(peer, question, a, b):
            wrong.append(f'{question}\n--- reeve\n{a}\n--- {peer}\n{b}\n')
    assert not wrong, f'{len(wrong)} of {QUESTIONS} differ\n' + '\n'.join(wrong[:10])
