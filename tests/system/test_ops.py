# SPDX-License-Identifier: Apache-2.0
"""What an operator does with a zone that is updated, with the real reevectl: update, explain, refused, freeze, thaw."""
import json
import threading

import dns.rcode
import dns.rdatatype
import pytest

import dynamic

KEYS = dynamic.keys('k', 'web', 'lan', 'small', 'k-node')
MANY = 100_000
WAIT_S = 240


def many(count, line='update add h{} 60 A 192.0.2.1\n', start=0):
    return ''.join(line.format(number) for number in range(start, start + count))


def zone_of(server, name='example.'):
    return server.reevectl('export', name).stdout


# --- update ---

def test_an_update_comes_from_standard_input(updatable):
    said = updatable.reevectl('update', 'example', text='zone example.\nttl 60\nupdate add new A 192.0.2.9\n'
                              'update delete www.example TXT\nsend\n').stdout
    assert said == 'example.  serial 2  +1 -1 records\n'
    assert dynamic.texts(updatable, 'new.example.', 'A') == ['192.0.2.9']
    assert dynamic.texts(updatable, 'www.example.', 'TXT') == []
    assert updatable.serial('example.') == 2


def test_an_update_comes_from_a_file(updatable):
    path = updatable.write('changes', 'add new 60 A 192.0.2.9\n')
    assert updatable.ctl('update', 'example.', path)['serial'] == 2
    assert dynamic.texts(updatable, 'new.example.', 'A') == ['192.0.2.9']
    assert 'No such file' in updatable.reevectl('update', 'example.', '/no/such/file', code=2).stderr


def test_the_operator_needs_no_grant_and_is_not_held_up_by_the_zone_file(reeved):
    server = reeved({'example.': {'file': dynamic.ZONE, 'updates': [{'key': 'web', 'acme': ['www']}]}}, keys=KEYS)
    server.reevectl('update', 'example.', text='add www 60 A 192.0.2.81\ndelete ns.cut A\n')
    assert dynamic.texts(server, 'www.example.', 'A') == ['192.0.2.80', '192.0.2.81']


def test_an_update_lasts_over_a_crash(updatable):
    updatable.reevectl('update', 'example.', text='add new 60 A 192.0.2.9\n')
    updatable.kill()
    updatable.run()
    assert dynamic.texts(updatable, 'new.example.', 'A') == ['192.0.2.9']
    assert updatable.serial('example.') == 2


PREREQUISITES = [           # text, outcome: RFC 2136 s2.4
    ('prereq nxdomain new', 'NOERROR'),
    ('prereq nxdomain www', 'YXDOMAIN'),
    ('prereq yxdomain www', 'NOERROR'),
    ('prereq yxdomain new', 'NXDOMAIN'),
    ('prereq nxrrset www MX', 'NOERROR'),
    ('prereq nxrrset www A', 'YXRRSET'),
    ('prereq yxrrset www A', 'NOERROR'),
    ('prereq yxrrset www MX', 'NXRRSET'),
    ('prereq yxrrset www A 192.0.2.80', 'NOERROR'),
    ('prereq yxrrset www A 192.0.2.81', 'NXRRSET'),
]


def test_prerequisites_decide_wherever_they_stand(updatable):
    for number, (prerequisite, rcode) in enumerate(PREREQUISITES):
        text = f'add made{number} 60 A 192.0.2.9\n{prerequisite}\n'
        if rcode == 'NOERROR':
            updatable.reevectl('update', 'example.', text=text)
        else:
            assert rcode in updatable.reevectl('update', 'example.', text=text, code=1).stderr, prerequisite
        made = dynamic.texts(updatable, f'made{number}.example.', 'A')
        assert made == (['192.0.2.9'] if rcode == 'NOERROR' else None), prerequisite


REFUSED_TEXTS = [           # text, what is said
    ('bogus\n', 'line 1: no such command'),
    ('add a 60 A 192.0.2.1\n\nadd b 60 A no\n', 'line 3: '),
    ('', 'there is no update in the text'),
    ('; nothing\n', 'there is no update in the text'),
    ('server 127.0.0.1\n', 'over its control socket'),
    ('add a.other. 60 A 192.0.2.1\n', 'NOTZONE'),
    ('add a 60 A 192.0.2.1\nzone other.\n', 'line 2: this is about the zone example.'),
]


def test_what_is_wrong_with_a_text_is_said_and_nothing_done(updatable):
    before = zone_of(updatable)
    for text, sentence in REFUSED_TEXTS:
        assert sentence in updatable.reevectl('update', 'example.', text=text, code=1).stderr, text
    assert zone_of(updatable) == before


def test_bytes_that_are_no_text_are_refused_by_the_client(updatable):
    path = updatable.dir / 'bytes'
    for content in (b'add a 60 TXT \xff\n', b'add a\0b 60 A 192.0.2.1\n'):
        path.write_bytes(content)
        assert 'not UTF-8 text' in updatable.reevectl('update', 'example.', path, code=2).stderr
    path.write_bytes('add a 60 TXT "é" ; \N{SNOWMAN}\n'.encode())
    updatable.reevectl('update', 'example.', path)
    assert dynamic.texts(updatable, 'a.example.', 'TXT') == ['"\\195\\169"']


def test_characters_are_not_cut_where_a_part_ends(updatable):
    text = '; ' + '\N{SNOWMAN}' * 20_000 + '\nadd a 60 A 192.0.2.9\n'
    updatable.reevectl('update', 'example.', text=text)
    assert dynamic.texts(updatable, 'a.example.', 'A') == ['192.0.2.9']


def test_what_changes_nothing_keeps_the_serial(updatable):
    assert 'nothing changes' in updatable.reevectl('update', 'example.', text='delete nobody\nadd www 300 A 192.0.2.80\n').stdout
    assert updatable.serial('example.') == 1


def test_ignored_operations_are_told_of(updatable):
    assert updatable.ctl('update', 'example.', text='add www 60 CNAME alias\ndelete @ SOA\n')['ignored'] == 2


def test_a_dry_run_shows_the_change_and_makes_none(updatable):
    before = zone_of(updatable)
    said = updatable.reevectl('update', 'example.', '--dry-run', text='add new 60 A 192.0.2.9\ndelete www TXT\n'
                              'add @ 300 MX 10 ns.example.\n').stdout
    assert said == ('- www 300 TXT "one" "two"\n+ @ 300 MX 10 ns.example.\n+ new 60 A 192.0.2.9\n'
                    'would commit serial 2: +2 -1 records\n')
    assert zone_of(updatable) == before
    assert 'YXDOMAIN' in updatable.reevectl('update', 'example.', '--dry-run', text='prereq nxdomain www\nadd a 60 A 192.0.2.1\n',
                                            code=1).stderr
    updatable.reevectl('update', 'example.', text='add new 60 A 192.0.2.9\n')
    assert updatable.serial('example.') == 2, 'the dry run took no serial'


def test_a_zone_that_is_not_updated_is_not_updated_here_either(reeved):
    server = reeved({'example.': dynamic.ZONE})
    assert 'has no updates' in server.reevectl('update', 'example.', text='add a 60 A 192.0.2.1\n', code=1).stderr
    assert 'no zone other.' in server.reevectl('update', 'other.', text='add a 60 A 192.0.2.1\n', code=1).stderr


class Asking(threading.Thread):
    """Asks one question again and again, and keeps what was answered, and how long it took at most."""

    def __init__(self, server, name):
        super().__init__()
        self.server, self.name_asked, self.answers, self.is_over = server, name, set(), threading.Event()
        self.count = 0

    def run(self):
        while not self.is_over.is_set():
            answer = self.server.ask(self.name_asked, 'A')
            self.answers.add(dns.rcode.to_text(answer.rcode()))
            self.count += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.join()


@pytest.mark.released
def test_a_hundred_thousand_records_are_one_change_and_queries_are_answered_meanwhile(updatable):
    path = updatable.write('changes', many(MANY))
    with Asking(updatable, 'ns.example.') as asking:
        done = updatable.ctl('update', 'example.', path, timeout_s=WAIT_S)
    assert (done['serial'], done['added'], done['removed']) == (2, MANY, 0)
    assert asking.answers == {'NOERROR'} and asking.count > 10
    assert updatable.asked('zone', zone='example.')['records'] == MANY + 10
    assert dynamic.texts(updatable, f'h{MANY - 1}.example.', 'A') == ['192.0.2.1']
    updatable.kill()
    updatable.run()
    assert updatable.asked('zone', zone='example.')['records'] == MANY + 10


@pytest.mark.released
def test_a_hundred_thousand_records_are_all_or_nothing(updatable):
    before = zone_of(updatable)
    for last, sentence in (('update add h.other. 60 A 192.0.2.1\n', 'NOTZONE'), ('update add h 60 A no\n', f'line {MANY + 1}'),
                           ('prereq nxdomain www\n', 'YXDOMAIN')):
        path = updatable.write('changes', many(MANY) + last)
        assert sentence in updatable.reevectl('update', 'example.', path, code=1, timeout_s=WAIT_S).stderr
    assert zone_of(updatable) == before
    assert updatable.serial('example.') == 1


def test_updates_of_clients_wait_for_a_long_one_and_are_done_after_it(updatable):
    path = updatable.write('changes', many(MANY // 4))
    codes = []
    long_one = threading.Thread(target=updatable.ctl, args=('update', 'example.', path), kwargs={'timeout_s': WAIT_S})
    long_one.start()
    while long_one.is_alive():
        update = dynamic.update_of('example.', KEYS)
        update.add(f'c{len(codes)}', 60, 'A', '192.0.2.9')
        codes.append(dynamic.rcode_of(updatable, update, tcp=True))
    long_one.join()
    assert set(codes) == {'NOERROR'}
    assert updatable.asked('zone', zone='example.')['records'] == MANY // 4 + 10 + len(codes)
    assert updatable.serial('example.') == 2 + len(codes)


def test_two_operators_are_served_one_after_the_other(updatable):
    paths = [updatable.write(f'changes{i}', many(5000, start=5000 * i)) for i in range(4)]
    threads = [threading.Thread(target=updatable.ctl, args=('update', 'example.', path), kwargs={'timeout_s': WAIT_S})
               for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert updatable.asked('zone', zone='example.')['records'] == 20_010
    assert updatable.serial('example.') == 5


# --- explain update ---

GRANTS = [
    {'key': 'web', 'acme': ['www']},
    {'key': 'lan', 'dhcp': 'yes', 'within': ['10.0.0.0/8']},
    {'key': 'lan', 'name': ['denied'], 'deny': 'yes'},
    {'key': 'small', 'under': ['pool'], 'types': ['A'], 'max-records': 2, 'max-per-name': 1, 'ttl': '30..600'},
    {'key': 'k', 'from': ['192.0.2.0/24'], 'all': 'yes'},
    {'key': 'k-node', 'all': 'yes', 'ops': ['add']},
]
EXPLAINED = [                   # key, what, verdict
    ('web', 'add _acme-challenge.www 60 TXT x', 'NOERROR'),
    ('web', 'add _acme-challenge.www 301 TXT x', 'REFUSED'),
    ('web', 'add _acme-challenge.api 60 TXT x', 'REFUSED'),
    ('web', 'add www 60 A 192.0.2.9', 'REFUSED'),
    ('web', 'delete _acme-challenge.www TXT', 'NOERROR'),
    ('web', 'delete _acme-challenge.www', 'NOERROR'),
    ('web', 'delete www', 'REFUSED'),
    ('web', 'add x.other. 60 A 192.0.2.1', 'NOTZONE'),
    ('lan', 'add h1 60 A 10.1.2.3', 'NOERROR'),
    ('lan', 'add h1 60 A 192.0.2.1', 'REFUSED'),
    ('lan', 'add h1 60 MX 10 h2.example.', 'REFUSED'),
    ('lan', 'add www 60 A 10.1.2.3', 'REFUSED'),            # protect: file
    ('lan', 'delete www', 'REFUSED'),                       # its A is not within
    ('lan', 'prereq nxdomain h1\nadd h1 60 A 10.1.2.3', 'NOERROR'),
    ('lan', 'prereq yxdomain h1\nadd h1 60 A 10.1.2.3', 'NXDOMAIN'),
    ('lan', 'prereq nxdomain www\nadd h1 60 A 192.0.2.1', 'YXDOMAIN'),
    ('small', 'add a.pool 60 A 192.0.2.1', 'NOERROR'),
    ('small', 'add a.pool 10 A 192.0.2.1', 'REFUSED'),
    ('small', 'add a.pool 60 A 192.0.2.1\nadd a.pool 60 A 192.0.2.2', 'REFUSED'),
    ('small', 'add a.pool 60 A 192.0.2.1\nadd b.pool 60 A 192.0.2.1\nadd c.pool 60 A 192.0.2.1', 'REFUSED'),
    ('small', 'add a.pool 60 AAAA 2001:db8::1', 'REFUSED'),
    ('k', 'add new 60 A 192.0.2.1', 'REFUSED'),             # from another address
    ('k-node', 'add new 60 A 192.0.2.1', 'NOERROR'),
    ('k-node', 'delete new', 'REFUSED'),
    ('k-node', 'add new 60 CNAME www.example.', 'NOERROR'),
    ('k-node', 'add @ 60 NS ns.example.', 'REFUSED'),
    ('k-node', 'add @ 60 DNSKEY 256 3 13 AAAA', 'REFUSED'),
    ('-', 'add new 60 A 192.0.2.1', 'REFUSED'),
    ('nobody', 'add new 60 A 192.0.2.1', 'NOTAUTH'),
]


@pytest.fixture(name='granting')
def fixture_granting(reeved):
    return reeved({'example.': {'file': dynamic.ZONE, 'updates': GRANTS}}, keys=KEYS)


def message_of(key, text):
    """The same UPDATE as a client sends it."""
    known = dynamic.keys(*KEYS, 'nobody')
    update = dynamic.update_of('example.', known, key if key != '-' else None)
    for line in text.split('\n'):
        command, name, *rest = line.removeprefix('prereq ').split(' ')
        if command == 'add':
            update.add(name, int(rest[0]), rest[1], ' '.join(rest[2:]))
        elif command == 'delete':
            update.delete(name, *rest)
        else:
            (update.absent if command == 'nxdomain' else update.present)(name, *rest)
    return update


def test_explain_says_what_a_real_update_gets(granting):
    before, shown = zone_of(granting), {}
    for key, text, rcode in EXPLAINED:
        shown[key, text] = granting.reevectl('explain', 'update', key, 'example.', text, '--from', '127.0.0.1',
                                             code=0 if rcode == 'NOERROR' else 1).stdout
        assert shown[key, text].split()[0] == rcode, (key, text, shown[key, text])
    assert zone_of(granting) == before, 'explain changes nothing, nor the serial'
    assert granting.asked('refused')['refused'] == [], 'and leaves no trace'
    for key, text, rcode in EXPLAINED:
        if rcode == 'NOTAUTH':
            with pytest.raises(Exception, match='key'):
                dynamic.rcode_of(granting, message_of(key, text))
        else:
            assert dynamic.rcode_of(granting, message_of(key, text)) == rcode, (key, text, shown[key, text])
        if rcode == 'NOERROR':
            granting.ctl('rollback', 'example.', '1')       # what was explained was said of the zone as it was


def test_explain_says_why_not_rule_by_rule(granting):
    shown = granting.reevectl('explain', 'update', 'web', 'example.', 'add www 60 A 192.0.2.9', code=1).stdout.splitlines()
    assert shown[0] == 'REFUSED  www.example. A'
    assert shown[1].startswith('  updates[0] {key: web, acme: [www]} ')
    assert shown[1].endswith('  no: grants only TXT at _acme-challenge.www.example.')
    assert shown[2].startswith('  updates[1] {key: lan, dhcp: yes, within: [10.0.0.0/8]} ')
    assert all(line.endswith('  no: other key') for line in shown[2:7])
    assert shown[7] == ('  www.example. A: not granted, closest rule updates[0]: grants only TXT at '
                        '_acme-challenge.www.example. (EDE 18)')


def test_explain_knows_what_depends_on_the_address(granting):
    text = 'add new 60 A 192.0.2.1'
    for source, rcode in (('192.0.2.7', 'NOERROR'), ('198.51.100.7', 'REFUSED'), ('2001:db8::7', 'REFUSED'), (None, 'REFUSED')):
        options = ['--from', source] if source else []
        shown = granting.reevectl('explain', 'update', 'k', 'example.', text, *options, code=0 if rcode == 'NOERROR' else 1).stdout
        assert shown.split()[0] == rcode, source
    assert 'no address' in granting.reevectl('explain', 'update', 'k', 'example.', text, '--from', 'x', code=2).stderr


def test_explain_stops_at_the_rule_that_decides(granting):
    rules = [row['verdict'] for row in first_line(granting, 'explain', 'update', 'lan', 'example.', 'add h1 60 A 10.1.2.3')['rules']]
    assert rules == ['no: other key', 'yes', 'not reached', 'not reached', 'not reached', 'not reached']


def first_line(server, *words, code=0):
    return json.loads(server.reevectl('--json', *words, code=code).stdout.splitlines()[0])


def test_explain_takes_nothing_out_of_a_rate(reeved):
    server = reeved({'example.': {'file': dynamic.ZONE, 'updates': [{'key': 'k', 'all': 'yes', 'rate': '1/s'}]}}, keys=KEYS)
    for _ in range(5):
        server.reevectl('explain', 'update', 'k', 'example.', 'add new 60 A 192.0.2.1')
    update = dynamic.update_of('example.', KEYS)
    update.add('new', 60, 'A', '192.0.2.1')
    assert dynamic.rcode_of(server, update) == 'NOERROR'


def test_explain_refuses_what_is_no_update(granting):
    for text in ('', 'bogus', 'add a 60 A no', 'add a A 192.0.2.1'):
        granting.reevectl('explain', 'update', 'k', 'example.', text, code=2)
    assert 'no zone' in granting.reevectl('explain', 'update', 'k', 'other.', 'delete a', code=1).stderr
    assert 'did you mean k-node?' in granting.reevectl('explain', 'update', 'k-nope', 'example.', 'delete a', code=1).stdout


def test_explain_knows_zones_that_take_no_updates(reeved):
    server = reeved({'example.': dynamic.ZONE}, keys=KEYS)
    assert 'has no updates' in server.reevectl('explain', 'update', 'k', 'example.', 'delete a', code=1).stdout
    update = dynamic.update_of('example.', KEYS)
    update.delete('a')
    assert dynamic.rcode_of(server, update) == 'REFUSED'


# --- explain query ---

QUESTIONS = [                   # name, type, what is found, whose data, closest encloser: RFC 1034 s4.3.2, RFC 4592
    ('www.example.', 'A', 'exact', 'www.example.', 'www.example.'),
    ('www.example.', 'MX', 'exact', 'www.example.', 'www.example.'),
    ('alias.example.', 'A', 'exact', 'alias.example.', 'alias.example.'),
    ('x.wild.example.', 'TXT', 'wildcard', '*.wild.example.', 'wild.example.'),
    ('wild.example.', 'TXT', 'empty non-terminal', None, 'wild.example.'),
    ('nobody.example.', 'A', 'absent', None, 'example.'),
    ('a.b.www.example.', 'A', 'absent', None, 'www.example.'),
    ('cut.example.', 'A', 'zone cut', 'cut.example.', None),
    ('x.cut.example.', 'A', 'below a zone cut', 'cut.example.', None),
]


def test_explain_query_shows_the_answer_and_where_it_comes_from(updatable):
    for name, rdtype, *where in QUESTIONS:
        said, answer = updatable.ctl('explain', 'query', name, rdtype), updatable.ask(name, rdtype, tcp=True)
        assert [said['lookup'], said.get('node'), said.get('encloser')] == where, (name, rdtype)
        assert (said['zone'], said['serial']) == ('example.', 1)
        assert said['rcode'] == dns.rcode.to_text(answer.rcode()), (name, rdtype)
        for section in ('answer', 'authority', 'additional'):
            want = [f'{rrset.name} {rrset.ttl} IN {dns.rdatatype.to_text(rrset.rdtype)} {rdata.to_text()}'
                    for rrset in getattr(answer, section) for rdata in rrset]
            assert sorted(said[section]) == sorted(want), (name, rdtype, section)


def test_explain_query_knows_whose_zones_are_not_ours_and_counts_nothing(updatable):
    before = updatable.counters()
    assert 'no zone of ours' in updatable.reevectl('explain', 'query', 'example.org', 'A').stdout
    assert 'explain transfer' in updatable.reevectl('explain', 'query', 'example.', 'AXFR', code=2).stderr
    assert 'no RR type' in updatable.reevectl('explain', 'query', 'example.', 'NOTYPE', code=2).stderr
    assert updatable.counters() == before
    assert 'query refused' not in updatable.log()


def test_explain_query_tells_of_zones_that_are_not_loaded(reeved_ready):
    server = reeved_ready({'bad.example.': 'nonsense\n'})
    server.configure()
    server.run(wait=False)
    server.notice('READY', '1')
    said = server.ctl('explain', 'query', 'www.bad.example.', 'A')
    assert said['rcode'] == 'SERVFAIL' and 'not loaded: ' in said['reason']


# --- refused ---

def test_refusals_are_told_of_in_their_order_with_all_that_is_known(granting):
    for key, text in (('web', 'add www 60 A 192.0.2.9'), ('lan', 'delete www')):
        assert dynamic.rcode_of(granting, message_of(key, text)) == 'REFUSED'
    strange = dynamic.keys('k-nope')
    update = dynamic.update_of('example.', strange, 'k-nope')
    update.delete('a')
    with pytest.raises(Exception, match='key'):
        dynamic.rcode_of(granting, update, tcp=True)
    rows = granting.asked('refused')['refused']
    assert [(row['key'], row['zone'], row['rcode'], row['transport'], row['from']) for row in rows] == [
        ('web', 'example.', 'REFUSED', 'udp', '127.0.0.1'), ('lan', 'example.', 'REFUSED', 'udp', '127.0.0.1'),
        ('k-nope', 'example.', 'NOTAUTH', 'tcp', '127.0.0.1')]
    assert [(row['name'], row['type']) for row in rows[:2]] == [('www.example.', 'A'), ('www.example.', 'A')]
    assert 'closest rule updates[0]' in rows[0]['reason'] and 'closest rule updates[1]' in rows[1]['reason']
    assert rows[2]['reason'].startswith('BADKEY') and rows[2]['hint'] == 'did you mean k-node?'
    assert [row['time_us'] for row in rows] == sorted(row['time_us'] for row in rows)
    assert [row['key'] for row in granting.ctl('refused', '--last', '1')['refused']] == ['k-nope']
    shown = granting.reevectl('refused', '--last', '1').stdout
    assert 'key k-nope  zone example.  NOTAUTH  BADKEY' in shown and '(did you mean k-node?)' in shown
    assert len([line for line in granting.log().splitlines() if 'update refused' in line]) == 3, 'each is logged once'


def test_the_ring_keeps_the_newest(granting):
    for number in range(300):
        assert dynamic.rcode_of(granting, message_of('web', f'add n{number} 60 A 192.0.2.9')) == 'REFUSED'
    rows = all_rows(granting, 'refused', '--last', '1000')
    assert [row['name'] for row in rows] == [f'n{number}.example.' for number in range(44, 300)]
    assert len(all_rows(granting, 'refused')) == 20


def all_rows(server, *words):
    return [row for line in server.reevectl('--json', *words).stdout.splitlines() for row in json.loads(line)['refused']]


def test_a_key_of_another_algorithm_is_told_of_as_that(reeved):
    server = reeved({'example.': dynamic.all_by('k')}, keys=KEYS)
    other = dynamic.keys('k', algorithm='hmac-sha512')
    update = dynamic.update_of('example.', other)
    update.delete('a')
    with pytest.raises(Exception, match='key'):
        dynamic.rcode_of(server, update)
    assert server.asked('refused')['refused'][0]['hint'] == 'k is of hmac-sha256 here'


def test_an_address_that_no_rule_is_for_is_told_of_with_the_rule_of_the_key(granting):
    assert dynamic.rcode_of(granting, message_of('k', 'add new 60 A 192.0.2.1')) == 'REFUSED'
    assert 'closest rule updates[4]: from another address' in granting.asked('refused')['refused'][0]['reason']


# --- freeze, thaw ---

def try_update(server, name):
    update = dynamic.update_of('example.', KEYS)
    update.add(name, 60, 'A', '192.0.2.9')
    return dynamic.rcode_of(server, update)


def test_a_frozen_zone_refuses_clients_over_restarts_until_it_is_thawed(updatable):
    assert try_update(updatable, 'a') == 'NOERROR'
    assert 'frozen' in updatable.reevectl('freeze', 'example.').stdout
    assert updatable.asked('zone', zone='example.')['frozen'] is True
    assert 'frozen' in updatable.reevectl('zone', 'example.').stdout
    assert try_update(updatable, 'b') == 'REFUSED'
    assert updatable.asked('refused')['refused'][-1]['reason'] == 'the zone is frozen'
    assert 'frozen' in updatable.reevectl('explain', 'update', 'k', 'example.', 'delete a', code=1).stdout
    updatable.kill()
    updatable.run()
    assert try_update(updatable, 'b') == 'REFUSED'
    updatable.reload()
    assert try_update(updatable, 'b') == 'REFUSED'
    updatable.reevectl('update', 'example.', text='add o 60 A 192.0.2.9\n')
    assert dynamic.texts(updatable, 'o.example.', 'A') == ['192.0.2.9'], 'the operator is not held up'
    assert 'thawed' in updatable.reevectl('thaw', 'example.').stdout
    assert try_update(updatable, 'b') == 'NOERROR'
    assert 'frozen' not in updatable.asked('zone', zone='example.')
    updatable.kill()
    updatable.run()
    assert try_update(updatable, 'c') == 'NOERROR'


def test_freezing_twice_is_freezing_once(updatable):
    for _ in range(2):
        updatable.reevectl('freeze', 'example.')
    updatable.reevectl('thaw', 'example.')
    assert try_update(updatable, 'a') == 'NOERROR'
    updatable.reevectl('thaw', 'example.')


def test_a_zone_without_updates_cannot_be_frozen(reeved):
    server = reeved({'example.': dynamic.ZONE})
    assert 'has no updates' in server.reevectl('freeze', 'example.', code=1).stderr


@pytest.fixture(name='updatable')
def fixture_updatable(reeved):
    return reeved({'example.': dynamic.all_by('k')}, keys=KEYS)
