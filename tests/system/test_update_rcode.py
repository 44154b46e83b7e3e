# SPDX-License-Identifier: Apache-2.0
"""Every rule of RFC 2136 s3, each by a message of its own, and every order of two faults in one message.

The messages are made from bytes and go to reeved and to named, which must give the same rcode and hold the same records and
the same serial afterwards. Where named does otherwise than the RFC says, the row says what and why.
"""
import collections

import dns.rdatatype
import pytest

import dynamic
import rfc2136
from rfc2136 import (ANY, CH, IN, NONE, ZONE_SECTION, absent, add, delete, delete_name, delete_rrset, exists, record, unused,
                     used)

KEYS = dynamic.keys('k', 'other')
SIGNERS = {name: dynamic.Signer(name, KEYS[name]['secret']) for name in KEYS} | {None: None}
TYPES = [1, 2, 5, 6, 11, 15, 16, 28, 39, 43, 65280]
Row = collections.namedtuple('Row', 'what prerequisites updates rcode key zone named', defaults=('k', ZONE_SECTION, None))
A9, A8 = '192.0.2.9', '192.0.2.8'
ADD = [add('new', 'A', A9)]
SOA = 'ns hostmaster {} 3600 900 1209600 300'

FORM = [
    # zone section (s3.1)
    Row('no zone section', [], ADD, 'FORMERR', zone=[]),
    Row('two zones', [], ADD, 'FORMERR', zone=ZONE_SECTION * 2),
    Row('zone section of type A', [], ADD, 'FORMERR', zone=[('example.', 'A', IN)]),
    Row('zone section of type ANY', [], ADD, 'FORMERR', zone=[('example.', 'ANY', IN)]),
    Row('a zone that is not here', [], ADD, 'NOTAUTH', zone=[('elsewhere.', 'SOA', IN)]),
    Row('a name below the zone instead of its own', [], ADD, 'NOTAUTH', zone=[('www.example.', 'SOA', IN)]),
    Row('the zone above', [], ADD, 'NOTAUTH', zone=[('.', 'SOA', IN)]),
    Row('the zone in class CH', [], ADD, 'NOTAUTH', zone=[('example.', 'SOA', CH)],
        named=('NOTIMP', 'it does updates of class IN alone')),
    Row('the zone in class NONE', [], ADD, 'NOTAUTH', zone=[('example.', 'SOA', NONE)],
        named=('FORMERR', 'no zone has that class; the RFC knows one rcode for a zone that is not here')),
    Row('the zone in class ANY', [], ADD, 'NOTAUTH', zone=[('example.', 'SOA', ANY)],
        named=('FORMERR', 'as above')),
    # prerequisites (s3.2)
    Row('prerequisite with a TTL', [used('www')._replace(ttl=1)], ADD, 'FORMERR'),
    Row('prerequisite out of zone', [used('www.elsewhere.')], ADD, 'NOTZONE'),
    Row('prerequisite of class ANY with rdata', [exists('www', 'A')._replace(rdata=b'abcd')], ADD, 'FORMERR'),
    Row('prerequisite of class NONE with rdata', [absent('new', 'A')._replace(rdata=b'abcd')], ADD, 'FORMERR'),
    Row('prerequisite of another class', [exists('www', 'A')._replace(rdclass=CH)], ADD, 'FORMERR'),
    Row('prerequisite of type ANY and the zone\'s class', [record('www', 'ANY', b'')], ADD, 'FORMERR',
        named=('NXRRSET', 'it looks for an RRset of that type; s2.4.2 knows no such form')),
    Row('prerequisite with rdata of the wrong form', [record('www', 'A', b'abc')], ADD, 'FORMERR'),
    # the update section (s3.4.1)
    Row('update out of zone', [], [add('www.elsewhere.', 'A', A9)], 'NOTZONE'),
    Row('update of class CH', [], [add('new', 'A', A9)._replace(rdclass=CH)], 'FORMERR'),
    Row('add of type ANY', [], [record('new', 'ANY', b'')], 'FORMERR'),
    Row('add of type AXFR', [], [record('new', 'AXFR', b'')], 'FORMERR'),
    Row('add of type MAILB', [], [record('new', 'MAILB', b'')], 'FORMERR'),
    Row('add of type MAILA', [], [record('new', 'MAILA', b'')], 'FORMERR'),
    Row('add without rdata', [], [record('new', 'A', b'')], 'FORMERR'),
    Row('add with rdata that is too long', [], [record('new', 'A', b'abcde')], 'FORMERR'),
    Row('deletion of an RRset with a TTL', [], [delete_rrset('www', 'A')._replace(ttl=1)], 'FORMERR'),
    Row('deletion of an RRset with rdata', [], [delete_rrset('www', 'A')._replace(rdata=b'abcd')], 'FORMERR'),
    Row('deletion of an RRset of type AXFR', [], [delete_rrset('www', 'AXFR')], 'FORMERR'),
    Row('deletion of an RRset of type MAILB', [], [delete_rrset('www', 'MAILB')], 'FORMERR'),
    Row('deletion of a name with a TTL', [], [delete_name('www')._replace(ttl=1)], 'FORMERR'),
    Row('deletion of a record with a TTL', [], [delete('www', 'A', A9)._replace(ttl=1)], 'FORMERR'),
    Row('deletion of a record of type ANY', [], [record('www', 'ANY', b'', NONE)], 'FORMERR'),
    Row('deletion of a record of type AXFR', [], [record('www', 'AXFR', b'', NONE)], 'FORMERR'),
    Row('deletion of a record with rdata of the wrong form', [], [record('www', 'A', b'abc', NONE)], 'FORMERR'),
    Row('good, then bad: neither is done', [], ADD + [add('new.elsewhere.', 'A', A9)], 'NOTZONE'),
]

PREREQUISITES = [
    # s3.2.1-3.2.4
    Row('in use', [used('www')], ADD, 'NOERROR'),
    Row('in use, in other case', [used('WWW.eXample.')], ADD, 'NOERROR'),
    Row('in use by a CNAME', [used('alias')], ADD, 'NOERROR'),
    Row('not in use', [used('absent')], ADD, 'NXDOMAIN'),
    Row('an empty non-terminal is not in use', [used('wild')], ADD, 'NXDOMAIN'),
    Row('what a wildcard covers is not in use', [used('x.wild')], ADD, 'NXDOMAIN'),
    Row('a wildcard itself is in use', [used('*.wild')], ADD, 'NOERROR'),
    Row('below a cut it is looked up, too', [used('ns.cut')], ADD, 'NOERROR'),
    Row('free', [unused('absent')], ADD, 'NOERROR'),
    Row('an empty non-terminal is free', [unused('wild')], ADD, 'NOERROR'),
    Row('not free', [unused('www')], ADD, 'YXDOMAIN'),
    Row('RRset is there', [exists('www', 'A')], ADD, 'NOERROR'),
    Row('RRset is not there', [exists('www', 'MX')], ADD, 'NXRRSET'),
    Row('RRset is not there, nor the name', [exists('absent', 'A')], ADD, 'NXRRSET'),
    Row('a CNAME is not followed', [exists('alias', 'A')], ADD, 'NXRRSET'),
    Row('RRset is absent', [absent('www', 'MX')], ADD, 'NOERROR'),
    Row('RRset is not absent', [absent('www', 'A')], ADD, 'YXRRSET'),
    Row('a CNAME is not followed here either', [absent('alias', 'A')], ADD, 'NOERROR'),
    # s3.2.5: all of the RRset, nothing else
    Row('RRset is equal', [exists('two', 'A', '192.0.2.1'), exists('two', 'A', '192.0.2.2')], ADD, 'NOERROR'),
    Row('in another order', [exists('two', 'A', '192.0.2.2'), exists('two', 'A', '192.0.2.1')], ADD, 'NOERROR'),
    Row('a part of the RRset', [exists('two', 'A', '192.0.2.2')], ADD, 'NXRRSET'),
    Row('more than the RRset', [exists('two', 'A', f'192.0.2.{i}') for i in (1, 2, 3)], ADD, 'NXRRSET'),
    Row('another one', [exists('two', 'A', '192.0.2.1'), exists('two', 'A', '192.0.2.3')], ADD, 'NXRRSET'),
    Row('the same twice', [exists('www', 'A', '192.0.2.80')] * 2, ADD, 'NOERROR',
        named=('NXRRSET', 'it compares lists; RRsets are sets (RFC 2181 s5)')),
    Row('equal but for the case of a name', [exists('alias', 'CNAME', 'WWW')], ADD, 'NOERROR'),
    Row('of two names, mixed', [exists('two', 'A', '192.0.2.1'), exists('www', 'A', '192.0.2.80'),
                                exists('TWO', 'A', '192.0.2.2')], ADD, 'NOERROR'),
    Row('RRset of an absent name', [exists('absent', 'A', A9)], ADD, 'NXRRSET'),
    Row('the SOA', [exists('@', 'SOA', SOA.format(1))], [], 'NXRRSET'),
    Row('only prerequisites', [used('www'), unused('absent')], [], 'NOERROR'),
    Row('nothing at all', [], [], 'NOERROR'),
    # the first that fails decides, but RRsets with values are compared after all others (s3.2.5)
    Row('two that fail', [unused('www'), used('absent')], ADD, 'YXDOMAIN'),
    Row('two that fail, in the other order', [used('absent'), unused('www')], ADD, 'NXDOMAIN'),
    Row('a value that differs, and one that fails after it', [exists('www', 'A', A9), absent('www', 'A')], ADD, 'YXRRSET'),
]

OPERATIONS = [
    # add (s3.4.2.2)
    Row('a new name', [], [add('Fresh.Example.', 'A', A9)], 'NOERROR'),
    Row('the same again', [], [add('Fresh.Example.', 'A', A9)], 'NOERROR'),
    Row('the same with another TTL', [], [add('fresh', 'A', A9, 60)], 'NOERROR'),
    Row('one more with a third TTL', [], [add('fresh', 'A', A8, 30)], 'NOERROR'),
    Row('to a name whose case is kept', [], [add('FRESH', 'TXT', '"x"')], 'NOERROR'),
    Row('CNAME beside other data', [], [add('www', 'CNAME', 'ns')], 'NOERROR'),
    Row('other data beside a CNAME', [], [add('alias', 'A', A9)], 'NOERROR'),
    Row('CNAME in place of a CNAME', [], [add('alias', 'CNAME', 'ns')], 'NOERROR'),
    Row('two CNAMEs, the last stays', [], [add('alias', 'CNAME', 'a'), add('alias', 'CNAME', 'b')], 'NOERROR'),
    Row('a CNAME and data for a free name, the first stays', [], [add('c1', 'CNAME', 'a'), add('c1', 'A', A9)], 'NOERROR'),
    Row('data and a CNAME for a free name, the first stays', [], [add('c2', 'A', A9), add('c2', 'CNAME', 'a')], 'NOERROR'),
    Row('a CNAME gives way within a message', [], [delete_rrset('alias', 'CNAME'), add('alias', 'A', A9)], 'NOERROR'),
    Row('and comes back', [], [delete_name('alias'), add('alias', 'CNAME', 'www')], 'NOERROR'),
    Row('DNAME', [], [add('tree', 'DNAME', 'a')], 'NOERROR'),
    Row('DNAME in place of a DNAME', [], [add('tree', 'DNAME', 'b')], 'NOERROR'),
    Row('a wildcard literally', [], [add('*.w', 'A', A9)], 'NOERROR'),
    Row('below a wildcard', [], [add('x.*.w', 'A', A9)], 'NOERROR'),
    Row('a name that a wildcard covered', [], [add('x.wild', 'A', A9)], 'NOERROR'),
    Row('delegation', [], [add('kid', 'NS', 'ns.kid'), add('ns.kid', 'A', A9)], 'NOERROR'),
    Row('below a cut', [], [add('ns.cut', 'A', A9)], 'NOERROR'),
    Row('DS at a cut', [], [add('cut', 'DS', '1 13 2 ' + 'ab' * 32)], 'NOERROR'),
    Row('an unknown type', [], [record('new', 'TYPE65280', bytes.fromhex('0102'), IN, 300)], 'NOERROR'),
    Row('TTL 0', [], [add('zero', 'A', A9, 0)], 'NOERROR'),
    Row('WKS, and its like with other ports (s1.1.5)', [], [add('wks', 'WKS', '192.0.2.1 6 25'),
                                                          add('wks', 'WKS', '192.0.2.1 6 80')], 'NOERROR'),
    # SOA (s3.4.2.2)
    Row('SOA ahead', [], [add('@', 'SOA', SOA.format(1000))], 'NOERROR'),
    Row('SOA ahead, and a change', [], [add('@', 'SOA', SOA.format(2000)), add('s', 'A', A9)], 'NOERROR'),
    Row('SOA behind', [], [add('@', 'SOA', SOA.format(1999))], 'NOERROR'),
    Row('SOA behind, and a change', [], [add('@', 'SOA', SOA.format(1)), add('s', 'A', A8)], 'NOERROR'),
    Row('SOA with the same serial', [], [add('@', 'SOA', 'ns other 2001 1 1 1 1')], 'NOERROR'),
    Row('SOA half the circle on', [], [add('@', 'SOA', SOA.format(2001 + (1 << 31)))], 'NOERROR',
        named=('SERVFAIL', 'neither ahead nor behind (RFC 1982 s3.2); it takes the record and fails to log it')),
    Row('SOA near the end of the numbers', [], [add('@', 'SOA', SOA.format((1 << 31) + 1500))], 'NOERROR'),
    Row('SOA at the end of the numbers', [], [add('@', 'SOA', SOA.format((1 << 32) - 1))], 'NOERROR'),
    Row('a change across it', [], [add('s', 'A', '192.0.2.7')], 'NOERROR'),
    Row('SOA below the apex', [], [add('new', 'SOA', SOA.format(9000))], 'NOERROR'),
    # delete an RRset (s3.4.2.3)
    Row('an RRset', [], [delete_rrset('two', 'A')], 'NOERROR'),
    Row('an RRset that is not there', [], [delete_rrset('two', 'A')], 'NOERROR'),
    Row('an RRset of a name that is not there', [], [delete_rrset('absent', 'A')], 'NOERROR'),
    Row('the NS at the apex', [], [delete_rrset('@', 'NS')], 'NOERROR'),
    Row('the SOA', [], [delete_rrset('@', 'SOA')], 'NOERROR'),
    Row('something else at the apex', [], [add('@', 'TXT', '"x"'), delete_rrset('@', 'TXT')], 'NOERROR'),
    # delete a name (s3.4.2.3)
    Row('a name', [], [delete_name('WWW')], 'NOERROR'),
    Row('a name that is not there', [], [delete_name('www')], 'NOERROR'),
    Row('an empty non-terminal', [], [delete_name('wild')], 'NOERROR'),
    Row('a wildcard', [], [delete_name('*.wild')], 'NOERROR'),
    Row('the apex but for NS and SOA', [], [add('@', 'TXT', '"x"'), add('@', 'A', A9), delete_name('@')], 'NOERROR'),
    # delete a record (s3.4.2.4)
    Row('a record', [], [delete('fresh', 'A', A8)], 'NOERROR'),
    Row('a record that is not there', [], [delete('fresh', 'A', A8)], 'NOERROR'),
    Row('the last record of a name', [], [add('last', 'A', A9), delete('LAST', 'A', A9)], 'NOERROR'),
    Row('a record but for the case of a name', [], [add('m', 'MX', '1 Mail'), delete('m', 'MX', '1 mAIL')], 'NOERROR'),
    Row('the last NS at the apex', [], [delete('@', 'NS', 'ns')], 'NOERROR'),
    Row('the last but one NS at the apex', [], [add('ns2', 'A', A9), add('@', 'NS', 'ns2'),
                                          delete('@', 'NS', 'ns')], 'NOERROR'),
    Row('both NS at the apex', [], [add('@', 'NS', 'ns'), delete('@', 'NS', 'ns'), delete('@', 'NS', 'ns2')], 'NOERROR'),
    # named takes a DS along with the last NS beside it, of which the RFC knows nothing.
    Row('the NS of a delegation', [], [delete_rrset('cut', 'DS'), delete('cut', 'NS', 'ns.cut')], 'NOERROR'),
    Row('the SOA as a record', [], [delete('@', 'SOA', SOA.format(3))], 'NOERROR'),
    # in order, all or nothing
    Row('added and deleted', [], [add('gone', 'A', A9), delete_name('gone')], 'NOERROR'),
    Row('deleted and added', [], [delete_name('fresh'), add('fresh', 'AAAA', '2001:db8::1')], 'NOERROR'),
    Row('deleted and added as it was', [], [delete_rrset('ns', 'A'), add('ns', 'A', '192.0.2.1')], 'NOERROR'),
    # who may (s3.3)
    Row('unsigned', [], ADD, 'REFUSED', key=None),
    Row('by a key without a grant', [], ADD, 'REFUSED', key='other'),
]
TEXT = dynamic.ZONE + 'two A 192.0.2.1\ntwo A 192.0.2.2\n'


@pytest.fixture(name='pair')
def fixture_pair(reeved, named):
    """The server under test and named, with the same zone."""
    zones = {'example.': dynamic.all_by('k', text=TEXT)}
    start = named if dynamic.TARGET == 'named' else reeved
    return start(zones, keys=KEYS), named(zones, keys=KEYS)


def run_rows(pair, rows):
    """Each row to both: the rcodes of all that went wrong, in one list."""
    ours, named = pair
    wrong = []
    seen = {'example.'}
    for ident, row in enumerate(rows, 1):
        update = rfc2136.message(ident, row.zone, row.prerequisites, row.updates)
        got, other = (rfc2136.send(server, ident, update, SIGNERS[row.key]) for server in pair)
        allowed = row.named[0] if row.named else row.rcode
        if got != row.rcode:
            wrong.append(f'{row.what}: {got}, wants {row.rcode}')
        if other != allowed:
            wrong.append(f'{row.what}: named says {other}, should say {allowed}')
        owners = {r.owner.lower() for r in row.updates if r.owner.lower().endswith('example.')} | {'example.'}
        seen |= owners
        if dynamic.TARGET == 'reeved':
            wrong += rfc2136.differences(row.what, rfc2136.content(ours, owners, TYPES), rfc2136.content(named, owners, TYPES))
    wrong += rfc2136.differences('at the end', rfc2136.content(ours, seen, TYPES), rfc2136.content(named, seen, TYPES))
    assert not wrong, '\n' + '\n'.join(wrong)


@pytest.mark.parametrize('rows', [FORM, PREREQUISITES, OPERATIONS], ids=['form', 'prerequisites', 'operations'])
def test_rcodes_and_what_comes_of_it(pair, rows):
    run_rows(pair, rows)


# --- every order of two faults ---

ZONE_FAULTS = [('FORMERR', [('example.', 'A', IN)]), ('NOTAUTH', [('elsewhere.', 'SOA', IN)])]
PREREQUISITE_FAULTS = [
    ('FORMERR', used('www')._replace(ttl=1)), ('NOTZONE', used('www.elsewhere.')), ('FORMERR', used('www')._replace(rdclass=CH)),
    ('FORMERR', exists('www', 'A')._replace(rdata=b'abcd')), ('NXDOMAIN', used('absent')), ('YXDOMAIN', unused('www')),
    ('NXRRSET', exists('www', 'MX')), ('YXRRSET', absent('www', 'A'))]
VALUE_FAULT = ('NXRRSET', exists('www', 'A', A9))       # found out after all the others (s3.2.5)
UPDATE_FAULTS = [
    ('NOTZONE', add('www.elsewhere.', 'A', A9)), ('FORMERR', add('new', 'A', A9)._replace(rdclass=CH)),
    ('FORMERR', record('new', 'MAILB', b'')), ('FORMERR', delete_rrset('www', 'A')._replace(ttl=1)),
    ('FORMERR', delete_rrset('www', 'A')._replace(rdata=b'abcd')), ('FORMERR', delete('www', 'A', A9)._replace(ttl=1))]
NAMED_LOOKS_FIRST = 'at who asks and at the update section, before the prerequisites'


def show(fault):
    rcode, r = fault
    return f'{rcode} for {r}' if isinstance(r, list) else (
        f'{rcode} for {r.owner} {dns.rdatatype.to_text(r.rdtype)} class {r.rdclass} ttl {r.ttl}')


def pairs():
    """Rows with two faults, the one named first being the one that the order of s3 finds first."""
    def row(first, second, prerequisites, updates, **how):
        if any(r.rdclass == ANY and r.rdata for r in prerequisites + updates):
            how['named'] = ('FORMERR', 'it sees rdata where none may be while it reads the message')
        return Row(f'{show(first)}, then {show(second)}', prerequisites, updates, first[0], **how)
    for zone in ZONE_FAULTS:
        for other in PREREQUISITE_FAULTS + [VALUE_FAULT]:
            yield row(zone, other, [other[1]], ADD, zone=zone[1])
        for other in UPDATE_FAULTS:
            yield row(zone, other, [], [other[1]], zone=zone[1])
        yield row(zone, ('REFUSED', []), [], ADD, zone=zone[1], key='other')
    for first in PREREQUISITE_FAULTS:
        for second in PREREQUISITE_FAULTS + [VALUE_FAULT]:
            yield row(first, second, [first[1], second[1]], ADD)
        yield row(first, VALUE_FAULT, [VALUE_FAULT[1], first[1]], ADD)
    for first in PREREQUISITE_FAULTS + [VALUE_FAULT]:
        for second in UPDATE_FAULTS:
            yield row(first, second, [first[1]], [second[1]], named=(second[0], NAMED_LOOKS_FIRST))
        yield row(first, ('REFUSED', []), [first[1]], ADD, key='other', named=('REFUSED', NAMED_LOOKS_FIRST))
    for first in UPDATE_FAULTS:
        yield row(('REFUSED', []), first, [], [first[1]], key='other')
        for second in UPDATE_FAULTS:
            yield row(first, second, [], [first[1], second[1]])


def test_of_two_faults_the_first_in_the_order_of_the_rfc_decides(pair):
    rows = list(pairs())
    assert len(rows) > 150
    run_rows(pair, rows)


# --- messages that are none ---

REST_IGNORED = ('something behind the end', 'a count too low')


def malformed():
    good = rfc2136.message(1, ZONE_SECTION, [used('www')], ADD)
    yield 'only a header', good[:4] + bytes(8)
    yield 'cut in the zone section', good[:20]
    yield 'cut in a prerequisite', good[:-30]
    yield 'cut in an update', good[:-3]
    yield 'something behind the end', good + b'x'
    yield 'a count too high', good[:8] + b'\0\2' + good[10:]
    yield 'a count too low', good[:8] + b'\0\0' + good[10:]
    yield 'a name that points to itself', good[:12] + b'\xc0\x0c' + good[21:]
    yield 'TSIG in front of another record', dynamic.Signer('k', KEYS['k']['secret']).sign(good)[:10] + b'\0\2' + (
        dynamic.Signer('k', KEYS['k']['secret']).sign(good)[12:] + b'\0' + bytes.fromhex('00010001000000000004c0000201'))


def test_what_cannot_be_read_is_a_format_error(pair):
    ours, named = pair
    for what, update in malformed():
        assert rfc2136.send(ours, 1, update) == 'FORMERR', what
        # It lets bytes behind the last record pass and goes on to who asks.
        assert rfc2136.send(named, 1, update) == ('REFUSED' if what in REST_IGNORED else 'FORMERR'), what


def test_names_may_be_compressed(pair):
    """An owner that points to the zone's name, and in its rdata one that points to the owner."""
    good = rfc2136.message(1, ZONE_SECTION, [], [])
    added = b'\x03new\xc0\x0c' + bytes.fromhex('000f00010000012c0004000a') + b'\xc0\x19'
    update = SIGNERS['k'].sign(good[:8] + b'\0\1' + good[10:] + added)
    for server in pair:
        assert rfc2136.send(server, 1, update) == 'NOERROR'
        assert dynamic.texts(server, 'new.example.', 'MX') == ['10 new.example.']


def test_the_answer_is_for_the_request(pair):
    """RFC 2136 s3.8: the id, the opcode, no more than the request had."""
    update = dynamic.update_of('example.', KEYS)
    update.add('new', 300, 'A', A9)
    for server in pair:
        for tcp in (False, True):
            answer = server.send(update, tcp=tcp)
            assert (answer.id, answer.opcode(), answer.rcode()) == (update.id, update.opcode(), 0)
            assert not answer.sections[1] and not answer.sections[2], 'nobody needs it back'
