# SPDX-License-Identifier: Apache-2.0
"""What is as large, as long or as deep as DNS allows: served, updated, transferred to other servers and back, or refused with
the limit's name. MANY_ZONES says how many tiny zones one configuration has (the full measure is 100000)."""
import os
import re
import struct
import time

import dns.edns
import dns.flags
import dns.name
import dns.query
import dns.rcode
import dns.zone
import pytest

import dynamic
import following
import harness
import legit
import rogue
from test_tcp import memory_kb

pytestmark = pytest.mark.both

MANY_ZONES = int(os.environ.get('MANY_ZONES', '1000' if harness.Reeved.is_brief() else '3000'))
MANY_RECORDS = 20_000 if harness.Reeved.is_brief() else 100_000
ZONE_KB_MAX = 256 if harness.Reeved.is_slow() else 16       # of memory for a zone of four records
HEAD = '$TTL 300\n@ SOA ns hostmaster 1 3600 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n'
KEYS = dynamic.keys('k')
GRANT = {'key': 'k', 'all': 'yes', 'types': ['A', 'AAAA', 'TXT', 'MX', 'TYPE65280']}


def primary_of(reeved, zone, **limits):
    """With example., which is updated by k and taken by everybody."""
    return reeved({'example.': {'file': zone, 'updates': [GRANT], 'protect': 'none', 'transfer': [{'unsigned': 'yes'}]}},
                  keys=KEYS, server={'limits': limits})


def secondary_of(kind, primary, name='example.'):
    """Another server that takes the zone from it, once it is there."""
    server = kind({name: {'primaries': ['p']}}, remotes={'p': following.remote(primary.port, None)})
    server.until(lambda: server.serial(name) is not None, f'{name} taken')
    return server


def texts(server, name, rdtype, **how):
    return dynamic.texts(server, name, rdtype, tcp=True, edns=False, **how)


def refusal(server):
    return server.reevectl('refused', '--last', 1).stdout


# --- large ---

KEPT = 512              # of a message, for OPT and TSIG
FULL = 65535 - KEPT - 12 - len(b'\4full\7example\0') - 4      # what there is for records behind header and question


def full_rrset():
    """TXT records that take just all of that, each 12 bytes beside its rdata."""
    count, rest = divmod(FULL, 12 + 256)
    return [f'{i:0255}' for i in range(count)] + ['x' * (rest - 12 - 1)]


def test_an_rrset_that_fills_a_message_is_served_updated_and_transferred(reeved, named, knotd, nsd):
    strings = full_rrset()
    server = primary_of(reeved, HEAD + ''.join(f'full TXT "{s}"\n' for s in strings))
    wanted = sorted(f'"{s}"' for s in strings)
    answer = server.ask('full.example.', 'TXT', tcp=True, edns=False)
    assert len(answer.to_wire()) == 65535 - KEPT
    assert texts(server, 'full.example.', 'TXT') == wanted
    assert server.ask('full.example.', 'TXT', edns=False).flags & dns.flags.TC
    copies = [secondary_of(kind, server) for kind in (named, knotd, nsd)]
    update = dynamic.update_of('example.', KEYS)        # one gives way to another of its length
    update.delete('full', 'TXT', wanted[0])
    update.add('full', 300, 'TXT', f'"{"y" * 255}"')
    assert dynamic.rcode_of(server, update) == 'NOERROR'
    wanted = sorted(wanted[1:] + [f'"{"y" * 255}"'])
    assert texts(server, 'full.example.', 'TXT') == wanted
    for copy in copies[:2]:                             # nsd is not told of changes
        assert texts(copy, 'full.example.', 'TXT') in (wanted, sorted(f'"{s}"' for s in strings))
    back = secondary_of(reeved, copies[0])
    assert len(texts(back, 'full.example.', 'TXT')) == len(wanted)


def test_who_sends_edns_and_signs_gets_it_whole_as_well(reeved):
    name = 'k' + '.k' * 120 + '.'                       # the longest signature there is
    keys = dynamic.keys(name, algorithm='hmac-sha512')
    rows = ''.join(f'full TXT "{s}"\n' for s in full_rrset()) + large_record(FULL - 12).replace('full', 'fill')
    server = reeved({'example.': {'file': HEAD + rows, 'transfer': [{'key': name}]}}, keys=keys)
    for owner, rdtype in (('full', 'TXT'), ('fill', 'TYPE65280')):
        query = harness.query_of(f'{owner}.example.', rdtype, dnssec=True)
        query.use_edns(0, options=[dns.edns.GenericOption(10, b'12345678')])
        query.use_tsig(dynamic.keyring(keys), name)
        answer = server.send(query, tcp=True)
        assert not answer.flags & dns.flags.TC and answer.had_tsig and answer.answer
    read = dns.zone.from_xfr(dns.query.xfr(server.address, 'example.', port=server.port, keyring=dynamic.keyring(keys),
                                           keyname=name, use_udp=False), check_origin=False)
    assert len(read.get_rdataset('full', 'TXT')) == len(full_rrset()) and read['fill']


def test_one_byte_more_is_refused_in_a_file_and_in_an_update(reeved, reeved_ready):
    strings = full_rrset()
    server = primary_of(reeved, HEAD + ''.join(f'full TXT "{s}"\n' for s in strings[:-1]))
    update = dynamic.update_of('example.', KEYS)
    update.add('full', 300, 'TXT', f'"{strings[-1]}x"')
    assert dynamic.rcode_of(server, update) == 'REFUSED'
    assert 'full.example. TXT: the RRset would not fit a message' in refusal(server)
    broken = reeved_ready({'example.': HEAD + ''.join(f'full TXT "{s}"\n' for s in strings[:-1] + [strings[-1] + 'x'])})
    broken.configure()
    broken.run(wait=False)
    broken.notice('READY', '1')
    broken.until(lambda: 'does not fit a message' in broken.log(), 'said')
    assert broken.ask('example.', 'SOA').rcode() == dns.rcode.SERVFAIL


def large_record(size):
    return f'full TYPE65280 \\# {size} {"ab" * size}\n'


def test_a_record_of_the_largest_rdata_is_served_and_transferred(reeved, named, knotd):
    size = FULL - 12
    server = primary_of(reeved, HEAD + large_record(size))
    answer = server.ask('full.example.', 'TYPE65280', tcp=True, edns=False)
    assert len(answer.to_wire()) == 65535 - KEPT
    for copy in (secondary_of(kind, server) for kind in (named, knotd)):
        got = copy.ask('full.example.', 'TYPE65280', tcp=True, edns=False)
        assert [rdata.data for rdata in got.answer[0]] == [b'\xab' * size]


def test_a_text_of_very_many_strings_is_one_record(reeved, named):
    """255 bytes each, as many as there is room for."""
    strings = [f'{i:0255}' for i in range((FULL - 12) // 256)]
    server = primary_of(reeved, HEAD + 'full TXT ( ' + '\n'.join(f'"{s}"' for s in strings) + ' )\n')
    wanted = [' '.join(f'"{s}"' for s in strings)]
    assert texts(server, 'full.example.', 'TXT') == wanted
    assert texts(secondary_of(named, server), 'full.example.', 'TXT') == wanted


def test_one_name_holds_65535_records_and_not_one_more(reeved, reeved_ready):
    """Of many types, so that each RRset fits a message."""
    each, limit = 2000, 65535 - 3                       # of the name itself: SOA, NS and A
    rows = [f'@ TYPE{65280 + i // each} \\# 4 {i:08x}\n' for i in range(limit)]
    text = HEAD.replace('ns A', '@ A').replace('NS ns', 'NS @') + ''.join(rows)
    server = reeved({'example.': {'file': text, 'transfer': [{'unsigned': 'yes'}]}})
    assert len(server.ask('example.', 'TYPE65290', tcp=True).answer[0]) == each
    assert server.asked('zone', zone='example.')['records'] == 65535
    broken = reeved_ready({'example.': text + '@ TYPE1 \\# 4 c0000299\n' + rows[0].replace('00000000', 'ffffffff')})
    broken.configure()
    broken.run(wait=False)
    broken.notice('READY', '1')
    assert re.search(r'example.zone:\d+:\d+: more records than one name can have', broken.log())
    assert broken.ask('example.', 'SOA').rcode() == dns.rcode.SERVFAIL


def add_many(server, count, each=1000):
    """Adds that many A records to one name by updates of many each; the rcodes, and where the first was refused."""
    zone, owner = dynamic.name_wire('example.'), dynamic.name_wire('many.example.')
    signer, rcodes = dynamic.Signer('k', dynamic.secret_of('k')), []
    with server.connect() as s, s.makefile('rb') as stream:
        for start in range(0, count, each):
            wire = signer.sign(dynamic.add_of(start & 0xffff, zone, [
                (owner, 1, 300, struct.pack('!I', 0x0a000000 + i)) for i in range(start, start + each)]))
            s.sendall(struct.pack('!H', len(wire)) + wire)
            rcodes.append(stream.read(struct.unpack('!H', stream.read(2))[0])[3] & 15)
    return rcodes


@pytest.mark.parametrize('limits, part, kept', [
    ({}, 'more records than server.limits.update-records-per-rrset, 1000', 1000),
    ({'update-records-per-rrset': 0}, 'more records than server.limits.update-records-per-name, 2000', 2000),
    ({'update-records-per-rrset': 0, 'update-records-per-name': 0}, 'the RRset would not fit a message', 4000),
])
def test_updates_put_no_hundred_thousand_records_at_one_name(reeved, limits, part, kept):
    server = primary_of(reeved, HEAD, **limits)
    before_kb = memory_kb(server)
    rcodes = add_many(server, MANY_RECORDS)
    assert rcodes == [0] * (kept // 1000) + [dns.rcode.REFUSED] * ((MANY_RECORDS - kept) // 1000)
    assert part in refusal(server)
    assert len(texts(server, 'many.example.', 'A')) == kept
    assert memory_kb(server) - before_kb < (100 if harness.Reeved.is_slow() else 20) * 1024


def oversize(answer):
    """A zone with an RRset of 107,200 bytes."""
    records = [*answer.zone(10, count=0), *(answer.record('big', 'TXT', f'"{i:0255}"') for i in range(400)), answer.soa(10)]
    for start in range(0, len(records), 100):
        answer.send(records[start:start + 100])


def test_a_primary_may_have_what_no_message_holds(request, reeved):
    """It is the primary's to decide. What nobody can get is truncated, in transfers it is whole, and nothing goes round."""
    primary = rogue.Primary(KEYS, 'example.')
    request.addfinalizer(primary.close)
    primary.zones['example.'].script = oversize
    first = reeved({'example.': {'primaries': ['p'], 'transfer': [{'unsigned': 'yes'}]}}, keys=KEYS,
                   remotes={'p': following.remote(primary.port)})
    first.until(lambda: first.serial('example.') == 10, 'taken')
    second = secondary_of(reeved, first)
    for server in (first, second):
        answer = server.ask('big.example.', 'TXT', tcp=True)
        assert answer.rcode() == dns.rcode.NOERROR and answer.flags & dns.flags.TC
        assert server.ask('x.example.', 'A').rcode() == dns.rcode.NXDOMAIN
        assert server.asked('zone', zone='example.')['records'] == 404


# --- long and deep ---

ODD = [b'\0', b'a\0b', b'.', b'a.b', b'\\', b'a\\.b', b'"', b'@', b'$', b';', b'(', b' ', b'\t', b'\n', b'\x7f', b'\x80',
       b'\xc3\xbc', b'\xff' * 63, bytes(range(63)), bytes(range(193, 256)), b'*a', b'_', b'-']


def odd_name(label):
    return dns.name.Name((label, b'example', b''))


def test_labels_may_have_any_bytes(reeved, named, nsd, knotd):
    rows = ''.join(f'{odd_name(label).to_text()} TXT "{i}"\n{odd_name(label).to_text()} MX {i} {odd_name(label).to_text()}\n'
                   for i, label in enumerate(ODD))
    ours = primary_of(reeved, HEAD + rows)
    for server in (ours, *(secondary_of(kind, ours) for kind in (named, nsd, knotd))):
        for i, label in enumerate(ODD):
            name = odd_name(label)
            assert dynamic.texts(server, name, 'TXT') == [f'"{i}"'], (type(server), label)
            answer = server.ask(name, 'MX').answer[0]
            assert answer.name.labels[0] == label and answer[0].exchange.labels[0].lower() == label.lower(), (server, label)
    assert dynamic.records_of(ours, 'example.') == dynamic.records_of(secondary_of(named, ours), 'example.')


def test_labels_that_differ_in_more_than_case_are_different_names(reeved):
    """Only A to Z have another case: neither the bytes beside them nor letters of other alphabets (RFC 4343 s3)."""
    pairs = [(b'@', b'`'), (b'[', b'{'), (b'\xc3\x9c', b'\xc3\xbc'), (b'\xdc', b'\xfc'), (b'\0', b' ')]
    rows = ''.join(f'{odd_name(a).to_text()} TXT "first"\n{odd_name(b).to_text()} TXT "second"\n' for a, b in pairs)
    server = primary_of(reeved, HEAD + rows)
    for a, b in pairs:
        assert dynamic.texts(server, odd_name(a), 'TXT') == ['"first"']
        assert dynamic.texts(server, odd_name(b), 'TXT') == ['"second"']


def test_zones_below_zones_are_each_found(reeved):
    """Each of 121 is cut out of the one before; a name of 127 labels leads to the last one's cut."""
    apexes = ['.'.join(['d'] * depth) + '.' for depth in range(1, 122)]
    zones = {apex: HEAD + f'd NS ns.d\nns.d A 192.0.2.{depth}\nwww TXT "{depth}"\n' for depth, apex in enumerate(apexes, 1)}
    server = reeved(zones)
    for depth, apex in enumerate(apexes, 1):
        assert dynamic.texts(server, f'www.{apex}', 'TXT') == [f'"{depth}"']
    answer = server.ask('.'.join(['d'] * 127), 'A')     # 255 bytes
    assert answer.rcode() == dns.rcode.NOERROR and answer.authority[0].name == dns.name.from_text('d.' + apexes[-1])


def test_cuts_below_cuts_are_the_topmosts(reeved, named):
    """RFC 1034 s4.3.2 3b: the first cut on the way down; what stands below it is occluded, however deep."""
    owners = ['.'.join(['d'] * depth) for depth in range(1, 121)]
    rows = ''.join(f'{owner} NS ns.{owner}\nns.{owner} A 192.0.2.{i}\n' for i, owner in enumerate(owners, 1))
    ours, theirs = primary_of(reeved, HEAD + rows), named({'example.': HEAD + rows})
    for owner in (owners[0], owners[5], owners[-1], 'ns.' + owners[-1], 'x.' + owners[60]):
        mine, other = (server.ask(f'{owner}.example.', 'A') for server in (ours, theirs))
        assert mine.rcode() == other.rcode() == dns.rcode.NOERROR
        assert [r.to_text() for r in mine.authority] == ['d.example. 300 IN NS ns.d.example.']
        assert mine.authority == other.authority
    assert len(dynamic.records_of(ours, 'example.')) == 3 + 240


# --- many ---

def loaded(server):
    status = server.asked('status')
    return status['zones'] - status['loading'] - status['not_loaded']


def test_very_many_tiny_zones(reeved_ready, capsys):
    """All of one file. Memory for each is bounded; a reload reads the configuration anew and leaves unchanged zones alone."""
    server = reeved_ready({}, log={'level': 'warning'}, keys=legit.KEYS)
    file = server.write('shared.zone', HEAD)
    none_kb = None
    said = []
    for count in (1, MANY_ZONES):
        server.zones = {f'z{i}.example.': {'file': file} for i in range(count)} | legit.ZONES
        server.configure()
        began = time.monotonic()
        server.run(wait=False)
        server.notice('READY', '1', deadline_s=harness.DEADLINE_S * 4)
        server.until(lambda count=count: loaded(server) == count + 1, 'zones', harness.DEADLINE_S * 4)
        if none_kb is None:
            none_kb = memory_kb(server)
            server.stop()
    each = (memory_kb(server) - none_kb) / MANY_ZONES
    said.append(f'{MANY_ZONES} zones: start {time.monotonic() - began:.2f} s, {each:.2f} KiB each')
    assert each < ZONE_KB_MAX
    server.zones[f'z{MANY_ZONES}.example.'] = server.zones.pop('z0.example.')
    server.configure()
    with legit.Clients(server, udp=200, tcp=20, updates=10):
        began = time.monotonic()
        server.reload()
        server.until(lambda: server.answers(f'z{MANY_ZONES}.example.'), 'new zone')
    said.append(f'reload with one new and one less: {time.monotonic() - began:.2f} s')
    assert server.ask('z0.example.', 'SOA').rcode() == dns.rcode.REFUSED
    assert server.serial(f'z{MANY_ZONES - 1}.example.') == 1
    with capsys.disabled():
        print('\n' + '; '.join(said))
