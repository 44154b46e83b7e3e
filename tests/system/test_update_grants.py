# SPDX-License-Identifier: Apache-2.0
"""Who may change what: the rules of a zone's `updates` as they are written in a configuration, and what a refusal tells."""
import pytest

import dynamic
from dynamic import rcode_of, texts

KEYS = dynamic.keys('web1', 'web2')
FILE = '$TTL 300\n@ SOA ns hostmaster 1 3600 900 1209600 300\n@ NS ns\nns A 192.0.2.1\nfile A 192.0.2.2\n'
OK, NO = 'NOERROR', 'REFUSED'

# rules, then (key, what is asked, rcode) one after the other. `+ name ttl type rdata` adds, `- name [type [rdata]]` deletes.
ROWS = [
    ('nobody without a rule', [], [('web1', '+ a 60 A 192.0.2.9', NO)]),
    ('all: every name, but no type that keeps the zone alive or signed', [{'key': 'web1', 'all': 'yes'}], [
        ('web1', '+ a.b 60 A 192.0.2.9', OK), ('web1', '+ @ 60 TXT x', OK), ('web1', '- a.b', OK), ('web2', '+ a 60 A 192.0.2.9', NO),
        (None, '+ a 60 A 192.0.2.9', NO), ('web1', '+ @ 60 NS ns2', NO), ('web1', '+ a 60 NS ns2', OK),
        ('web1', '+ @ 60 SOA ns other 9 9 9 9 9', NO), ('web1', '+ a 60 DNSKEY 256 3 13 AAAA', NO),
        ('web1', '+ a 60 RRSIG A 13 2 60 20300101000000 20200101000000 1 example. AAAA', NO)]),
    ('types named are granted, and no other', [{'key': 'web1', 'all': 'yes', 'types': ['A', 'CDS', 'NS']}], [
        ('web1', '+ a 60 A 192.0.2.9', OK), ('web1', '+ a 60 TXT x', NO), ('web1', '+ @ 60 CDS 1 13 2 ' + 'ab' * 32, OK),
        ('web1', '+ @ 300 NS ns2', OK)]),
    ('name: these', [{'key': 'web1', 'name': ['a', 'apex']}], [
        ('web1', '+ a 60 A 192.0.2.9', OK), ('web1', '+ A 60 TXT x', OK), ('web1', '+ @ 60 TXT x', OK), ('web1', '+ b.a 60 A 192.0.2.9', NO)]),
    ('under: and below', [{'key': 'web1', 'under': ['apps']}], [
        ('web1', '+ apps 60 A 192.0.2.9', OK), ('web1', '+ x.y.apps 60 A 192.0.2.9', OK), ('web1', '+ xapps 60 A 192.0.2.9', NO),
        ('web1', '- apps', OK)]),
    ('self: the name of the key', [{'key': 'web1', 'self': 'yes'}], [
        ('web1', '+ web1 60 A 192.0.2.9', OK), ('web1', '+ x.web1 60 A 192.0.2.9', NO), ('web1', '+ web2 60 A 192.0.2.9', NO)]),
    ('below-self: strictly', [{'key': 'web1', 'below-self': 'yes'}], [
        ('web1', '+ x.web1 60 A 192.0.2.9', OK), ('web1', '+ web1 60 A 192.0.2.9', NO)]),
    ('acme: proofs of these names only', [{'key': 'web1', 'acme': ['www', 'apex']}], [
        ('web1', '+ _acme-challenge.www 120 TXT token', OK), ('web1', '+ _acme-challenge 120 TXT token', OK),
        ('web1', '- _acme-challenge.www TXT token', OK), ('web1', '- _acme-challenge', OK),
        ('web1', '+ _acme-challenge.api 120 TXT token', NO), ('web1', '+ _acme-challenge.www 120 A 192.0.2.9', NO),
        ('web1', '+ _acme-challenge.www 301 TXT token', NO), ('web1', '+ www 120 TXT token', NO)]),
    ('acme: no more than 8 at a name', [{'key': 'web1', 'acme': ['any']}], [
        ('web1', f'+ _acme-challenge.x.y 120 TXT token{i}', OK if i < 8 else NO) for i in range(9)]),
    ('dhcp: addresses, names and who has them', [{'key': 'web1', 'dhcp': 'yes'}], [
        ('web1', '+ h 60 A 10.0.0.1', OK), ('web1', '+ h 60 DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=', OK),
        ('web1', '+ h 60 AAAA fd00::1', OK), ('web1', '+ h 60 TXT x', NO), ('web1', '- h', OK)]),
    ('within: addresses of these networks', [{'key': 'web1', 'dhcp': 'yes', 'within': ['10.0.0.0/8', 'fd00::/8']}], [
        ('web1', '+ h 60 A 10.0.0.1', OK), ('web1', '+ h 60 AAAA fd00::1', OK), ('web1', '+ h 60 A 192.0.2.9', NO),
        ('web1', '- h A 10.0.0.1', OK)]),
    ('a whole name only where all of it is granted', [
        {'key': 'web1', 'all': 'yes', 'types': ['A']}, {'key': 'web2', 'all': 'yes'}], [
        ('web1', '+ h 60 A 10.0.0.1', OK), ('web2', '+ h 60 TXT x', OK), ('web1', '- h', NO), ('web1', '- h A', OK),
        ('web2', '- h TXT', OK), ('web1', '+ h 60 A 10.0.0.1', OK), ('web1', '- h', OK)]),
    ('ops', [{'key': 'web1', 'all': 'yes', 'ops': 'add'}, {'key': 'web2', 'all': 'yes', 'ops': 'delete'}], [
        ('web1', '+ a 60 A 192.0.2.9', OK), ('web1', '- a A', NO), ('web2', '+ a 60 A 192.0.2.8', NO), ('web2', '- a', OK)]),
    ('ttl', [{'key': 'web1', 'all': 'yes', 'ttl': '30..3600'}], [
        ('web1', '+ a 29 A 192.0.2.9', NO), ('web1', '+ a 30 A 192.0.2.9', OK), ('web1', '+ b 3601 A 192.0.2.9', NO)]),
    ('the first rule that matches decides', [{'key': 'web1', 'under': ['dark'], 'deny': 'yes'}, {'key': 'web1', 'all': 'yes'}], [
        ('web1', '+ a.dark 60 A 192.0.2.9', NO), ('web1', '+ light 60 A 192.0.2.9', OK)]),
    ('from: elsewhere', [{'key': 'web1', 'all': 'yes', 'from': ['192.0.2.0/24', '::1']}], [('web1', '+ a 60 A 192.0.2.9', NO)]),
    ('from: here', [{'key': 'web1', 'all': 'yes', 'from': '127.0.0.0/8'}], [('web1', '+ a 60 A 192.0.2.9', OK)]),
    ('unsigned, if it is written', [{'unsigned': 'yes', 'from': '127.0.0.1', 'name': 'open'}], [
        (None, '+ open 60 A 192.0.2.9', OK), (None, '+ a 60 A 192.0.2.9', NO)]),
    ('max-records', [{'key': 'web1', 'all': 'yes', 'types': 'TXT', 'max-records': '2'}], [
        ('web1', '+ a 60 TXT x', OK), ('web1', '+ b 60 TXT x', OK), ('web1', '+ c 60 TXT x', NO), ('web1', '- a', OK),
        ('web1', '+ c 60 TXT x', OK)]),
    ('max-per-name', [{'key': 'web1', 'all': 'yes', 'max-per-name': '2'}], [
        ('web1', '+ a 60 TXT x', OK), ('web1', '+ a 60 TXT y', OK), ('web1', '+ a 60 TXT z', NO), ('web1', '+ b 60 TXT z', OK)]),
    ('rate', [{'key': 'web1', 'all': 'yes', 'rate': '1/s'}], [('web1', '+ a 60 TXT x', OK), ('web1', '+ b 60 TXT x', NO)]),
]


def request(zone, key, what):
    update = dynamic.update_of(zone, KEYS, key)
    sign, name, *rest = what.split(' ', 4 if what[0] == '+' else 3)
    if sign == '+':
        update.add(name, int(rest[0]), rest[1], rest[2])
    else:
        update.delete(name, *rest)
    return update


def test_rules_of_a_zone_decide(reeved):
    zones = {f'z{i}.example.': {'file': FILE, 'protect': 'none', **({'updates': rules} if rules else {'history': 'yes'})}
             for i, (_, rules, _) in enumerate(ROWS)}
    server = reeved(zones, keys=KEYS)
    wrong = []
    for zone, (title, _, asked) in zip(zones, ROWS):
        for key, what, want in asked:
            got = rcode_of(server, request(zone, key, what))
            if got != want:
                wrong.append(f'{title}: {key} {what}: {got}, wants {want}')
    assert not wrong, '\n' + '\n'.join(wrong)


def test_the_name_of_ones_own_address(reeved):
    server = reeved({'127.in-addr.arpa.': {'file': FILE, 'updates': [{'key': 'web1', 'reverse-of-source': 'yes'}]}}, keys=KEYS)
    for name, want in (('1.0.0', OK), ('2.0.0', NO)):
        assert rcode_of(server, request('127.in-addr.arpa.', 'web1', f'+ {name} 60 PTR h.example.')) == want
    assert texts(server, '1.0.0.127.in-addr.arpa.', 'PTR') == ['h.example.']


def test_a_refusal_says_why_in_the_log(reeved):
    """Clients send no OPT with an UPDATE: the reason has to be here."""
    rules = [{'key': 'web1', 'acme': ['www']}, {'key': 'web2', 'all': 'yes'}]
    server = reeved({'example.': {'file': FILE, 'updates': rules}}, keys=KEYS)
    update = request('example.', 'web1', '+ _acme-challenge.www 60 TXT x')
    update.add('mail', 60, 'A', '192.0.2.9')
    assert rcode_of(server, update) == NO
    lines = [line for line in server.log().splitlines() if 'refused' in line.lower()]
    assert len(lines) == 1
    assert all(word in lines[0] for word in ('web1', '127.0.0.1', 'mail.example.', ' A', 'updates[0]')), lines[0]
    assert texts(server, '_acme-challenge.www.example.', 'TXT') is None, 'all or nothing'


# --- limits ---

@pytest.mark.parametrize('limit, value, good, bad', [
    ('update-records-per-rrset', 2, 2, 3), ('update-records-per-name', 2, 2, 3), ('update-zone-records', 6, 2, 3),
    ('update-message-records', 2, 2, 3)])
def test_limits_refuse_what_is_beyond_them(reeved, limit, value, good, bad):
    server = reeved({'example.': {'file': FILE, 'updates': [{'key': 'web1', 'all': 'yes'}]}}, keys=KEYS,
                    server={'limits': {limit: str(value)}})
    for count, want in ((bad, NO), (good, OK)):
        update = dynamic.update_of('example.', KEYS, 'web1')
        for i in range(count):
            update.add('a', 60, 'A', f'192.0.2.{i}')
        assert rcode_of(server, update) == want, count
    assert len(texts(server, 'a.example.', 'A')) == good
    assert limit.removeprefix('update-').split('-')[0] in server.log(), 'which limit it was'


# --- what RFC 2136 leaves to the zone ---

def test_strict_refuses_what_would_be_ignored(reeved):
    server = reeved({'example.': dynamic.all_by('web1', strict='yes')}, keys=KEYS)
    for what in ('+ alias 60 A 192.0.2.9', '+ www 60 CNAME ns', '- @ NS ns', '- @ SOA'):
        assert rcode_of(server, request('example.', 'web1', what)) == NO, what
    assert rcode_of(server, request('example.', 'web1', '+ new 60 A 192.0.2.9')) == OK
    assert server.serial('example.') == 2


@pytest.mark.parametrize('policy, low, high', [('unixtime', 1_700_000_000, 4_000_000_000), ('dateserial', 2024010100, 2106123199)])
def test_serials_follow_the_policy(reeved, policy, low, high):
    server = reeved({'example.': dynamic.all_by('web1', serial=policy)}, keys=KEYS)
    serials = []
    for i in range(3):
        assert rcode_of(server, request('example.', 'web1', f'+ a 60 A 192.0.2.{i}')) == OK
        serials.append(server.serial('example.'))
    assert low <= serials[0] < serials[1] < serials[2] <= high


def test_a_secret_that_is_rotated_is_good_until_the_old_one_is_gone(reeved):
    old, new = (dynamic.keys(name)[name]['secret'] for name in ('old', 'new'))
    server = reeved({'example.': dynamic.all_by('web1')}, keys={'web1': {'secret': new, 'previous': old}})
    for secret in (old, new):
        update = dynamic.update_of('example.', {'web1': {'algorithm': 'hmac-sha256', 'secret': secret}}, 'web1')
        update.add('a', 60, 'TXT', 'x')
        assert rcode_of(server, update) == OK, 'signed with either, and the answer with the same'
