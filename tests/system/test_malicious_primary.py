# SPDX-License-Identifier: Apache-2.0
"""A primary that answers transfers wrongly, by fault or by intent.

Whatever it sends, the zone that was served before stays, whole; memory stays bounded; the log says why; the primary is not
asked again and again; and when it does well the next time, the zone follows.
"""
import concurrent.futures
import os
import random
import re
import struct

import pytest

import following
import harness
import rogue

pytestmark = pytest.mark.both

ORIGIN = following.ORIGIN
OLD, BAD, GOOD = 10, 20, 30     # serials; rogue.State begins with the first
RECORDS_MAX, SIZE_MAX, TIME_MAX = 50000, '4M', '2s'
MEMORY_MAX_KIB = 64 * 1024      # more than before; what SIZE_MAX bytes become, and some
ATTEMPTS_MAX = 8                # transfers asked for until the reason is logged
AT_ONCE = 5                     # scripts; fewer than there are failures logged in a second
FILLING = 'x' * 200
BLOCK = 100                     # records in a message of what has no end


# --- the scripts: none of them leads to a zone of serial BAD ---

def without_end(answer, records_from, serial=BAD):
    """A SOA, and then what records_from(number) gives, for a number that goes up by BLOCK."""
    answer.send([answer.soa(serial)])
    number = 0
    while not answer.is_over.is_set():
        answer.send(records_from(number))
        number += BLOCK


def endless(answer):
    """Records without end, and never the SOA that would close them."""
    rest = answer.record('x', 'A', '192.0.2.1')[2:]
    without_end(answer, lambda number: [b'\7%07d' % i + rest for i in range(number, number + BLOCK)])


def endless_set(answer):
    """The same with a single RRset that grows."""
    text = answer.record('e', 'TXT', f'"0000000{FILLING}"')
    without_end(answer, lambda number: [text.replace(b'0000000', b'%07d' % i) for i in range(number, number + BLOCK)])


def endless_steps(answer):
    """Differences without end, each of a record that is added and deleted again."""
    head, tail, text = answer.soa(0)[:-20], answer.soa(0)[-16:], answer.record('www', 'TXT', f'"{FILLING}"')

    def soa(serial):
        return head + struct.pack('!I', serial) + tail

    def steps(number):
        for serial in range(OLD + number, OLD + number + BLOCK, 2):
            yield from (soa(serial), soa(serial + 1), text, soa(serial + 1), text, soa(serial + 2))
    without_end(answer, lambda number: [*steps(number)], OLD + 2 ** 30)


def endless_nothing(answer):
    """Messages without records."""
    while not answer.is_over.is_set():
        answer.send([])


def never_closing(answer):
    """A little now and then, so that it is never idle and never over."""
    answer.send([answer.soa(BAD)])
    number = 0
    while not answer.is_over.wait(0.05):
        answer.send([answer.record(f'd{number}', 'A', '192.0.2.9')])
        number += 1


def silent(answer):
    """Nothing at all, on a connection that stays."""
    answer.is_over.wait(harness.DEADLINE_S)


def garbage(answer):
    answer.send_raw(struct.pack('!H', 2000) + random.Random(1).randbytes(2000))


def garbage_unframed(answer):
    answer.send_raw(random.Random(2).randbytes(300000))
    raise rogue.Closes


def garbage_after_a_good_header(answer):
    message = answer.message([answer.soa(BAD)], count=3) + random.Random(3).randbytes(500)
    answer.send_raw(struct.pack('!H', len(message)) + message)


def http(answer):
    answer.send_raw(b'HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html></html>\n')
    raise rogue.Closes


def truncated_stream(answer):
    answer.send(answer.zone(BAD))
    raise rogue.Closes


def truncated_message(answer):
    answer.send_raw(struct.pack('!H', 5000) + answer.message(answer.zone(BAD)))
    raise rogue.Closes


def truncated_record(answer):
    message = answer.message(answer.zone(BAD))[:-3]
    answer.send_raw(struct.pack('!H', len(message)) + message)


def bytes_behind_the_records(answer):
    answer.send([*answer.zone(BAD), answer.soa(BAD)], tail=b'\0\1\2')


def pointer_loop(answer):
    at = len(answer.message([answer.soa(BAD)]))
    loop = struct.pack('!HHHIH', 0xc000 | at, 1, 1, 300, 4) + bytes(4)
    answer.send([answer.soa(BAD), loop, answer.soa(BAD)])


def count_lies(answer):
    answer.send([*answer.zone(BAD), answer.soa(BAD)], count=65535)


def long_rdata(answer):
    answer.send([answer.soa(BAD), answer.record('a', 'A', bytes(5)), answer.soa(BAD)])


def rdata_behind_the_end(answer):
    answer.send([answer.soa(BAD), answer.record('a', 'A', bytes(4))[:-6] + struct.pack('!H', 60000) + bytes(4)])


def wrong_names(answer):
    answer.send([answer.soa(BAD), answer.record('www.elsewhere.', 'A', '192.0.2.66'), answer.soa(BAD)])


def above_the_zone(answer):
    answer.send([answer.soa(BAD), answer.record('.', 'NS', 'ns'), answer.soa(BAD)])


def of_another_zone(answer):
    answer.send([answer.soa(BAD, 'elsewhere.'), answer.soa(BAD, 'elsewhere.')])


def other_class(answer):
    answer.send([answer.soa(BAD), answer.record('a', 'A', '192.0.2.9', rdclass=3), answer.soa(BAD)])


def meta_type(answer):
    answer.send([answer.soa(BAD), answer.record('a', 'TYPE252', b''), answer.soa(BAD)])


def soa_below_the_apex(answer):
    answer.send([answer.soa(BAD), answer.soa(BAD, 'a'), answer.soa(BAD)])


def soa_in_the_middle(answer):
    records = answer.zone(BAD)
    answer.send([*records, answer.soa(BAD), *records[1:], answer.soa(BAD)])


def another_soa_at_the_end(answer):
    answer.send([*answer.zone(BAD), answer.soa(BAD + 1)])


def no_soa_first(answer):
    answer.send([*answer.zone(BAD)[1:], answer.soa(BAD)])


def no_records(answer):
    answer.send([])


def lower_serial(answer):
    """It said that it has a higher one."""
    answer.send([answer.soa(OLD - 1), *answer.zone(BAD)[1:], answer.soa(OLD - 1)])


def wrong_id(answer):
    answer.send([*answer.zone(BAD), answer.soa(BAD)], ident=bytes([answer.query[0] ^ 1, answer.query[1]]))


def wrong_question(answer):
    answer.send([*answer.zone(BAD), answer.soa(BAD)], question=b'\3www' + answer.question)


def wrong_question_class(answer):
    answer.send([*answer.zone(BAD), answer.soa(BAD)], question=answer.question[:-2] + b'\0\3')


def not_an_answer(answer):
    answer.send([*answer.zone(BAD), answer.soa(BAD)], flags=rogue.AA)


def another_opcode(answer):
    answer.send([*answer.zone(BAD), answer.soa(BAD)], flags=rogue.QR | rogue.AA | rogue.NOTIFY)


def refused(answer):
    answer.send([], flags=rogue.QR | 5)


def servfail_in_the_middle(answer):
    answer.send(answer.zone(BAD))
    answer.send([answer.soa(BAD)], flags=rogue.QR | rogue.AA | 2)


def tc(answer):
    answer.send([*answer.zone(BAD), answer.soa(BAD)], flags=rogue.QR | rogue.AA | rogue.TC)


def tsig_missing(answer):
    answer.signer = None
    answer.send([*answer.zone(BAD), answer.soa(BAD)])


def tsig_broken_at_once(answer):
    answer.send([*answer.zone(BAD), answer.soa(BAD)], spoil=True)


def tsig_broken_in_the_middle(answer):
    answer.send(answer.zone(BAD))
    answer.send([answer.record('m', 'A', '192.0.2.1')], spoil=True)
    answer.send([answer.soa(BAD)])


def tsig_missing_at_the_end(answer):
    answer.send(answer.zone(BAD))
    answer.send([answer.soa(BAD)], sign=False)


def tsig_of_another_question(answer):
    answer.signer.mac = bytes(32)
    answer.send([*answer.zone(BAD), answer.soa(BAD)])


def tsig_missing_for_too_long(answer):
    """RFC 8945 s5.3.1: at most 99 messages in a row."""
    answer.send(answer.zone(BAD))
    for i in range(120):
        answer.send([answer.record(f'u{i}', 'A', '192.0.2.1')], sign=False)
    answer.send([answer.soa(BAD)])


def one_unsigned_message_is_changed(answer):
    """It is unsigned itself, but the next signature covers it."""
    answer.send(answer.zone(BAD))
    message = answer.message([answer.record('m', 'A', '192.0.2.1')])
    answer.signer.skip(message)
    answer.send_raw(struct.pack('!H', len(message)) + message[:-1] + b'\x42')
    answer.send([answer.soa(BAD)])


def steps_then_refused(records):
    """Differences for IXFR; AXFR, which is asked for when they do not fit, is refused."""
    def script(answer):
        if answer.qtype == 'IXFR':
            answer.send(records(answer))
        else:
            answer.send([], flags=rogue.QR | 5)
    return script


deletes_what_is_not_there = steps_then_refused(lambda a: [
    a.soa(BAD), a.soa(OLD), a.record('absent', 'A', '192.0.2.1'), a.soa(BAD), a.record('new', 'A', '192.0.2.2'), a.soa(BAD)])
adds_what_is_there_with_another_ttl = steps_then_refused(lambda a: [
    a.soa(BAD), a.soa(OLD), a.soa(BAD), a.record('www', 'A', f'192.0.2.{OLD}', ttl=301), a.soa(BAD)])
steps_from_another_serial = steps_then_refused(lambda a: [
    a.soa(BAD), a.soa(BAD - 5), a.soa(BAD), a.record('new', 'A', '192.0.2.2'), a.soa(BAD)])
steps_with_a_gap = steps_then_refused(lambda a: [
    a.soa(BAD + 2), a.soa(OLD), a.soa(BAD), a.record('new', 'A', '192.0.2.2'), a.soa(BAD + 1), a.soa(BAD + 2), a.soa(BAD + 2)])
steps_that_end_early = steps_then_refused(lambda a: [
    a.soa(BAD + 2), a.soa(OLD), a.soa(BAD), a.record('new', 'A', '192.0.2.2'), a.soa(BAD + 2)])
steps_backwards = steps_then_refused(lambda a: [
    a.soa(BAD), a.soa(OLD), a.soa(OLD - 1), a.soa(OLD - 1), a.soa(BAD), a.soa(BAD)])
steps_out_of_the_zone = steps_then_refused(lambda a: [
    a.soa(BAD), a.soa(OLD), a.soa(BAD), a.record('new.elsewhere.', 'A', '192.0.2.2'), a.soa(BAD)])
steps_without_an_end = steps_then_refused(lambda a: [
    a.soa(BAD), a.soa(OLD), a.record('www', 'A', f'192.0.2.{OLD}'), a.soa(BAD), a.record('new', 'A', '192.0.2.2')])
steps_to_the_same_serial = steps_then_refused(lambda a: [
    a.soa(BAD), a.soa(OLD), a.soa(OLD), a.record('new', 'A', '192.0.2.2'), a.soa(BAD)])


# What the log says, beginning with `reason=`.
SCRIPTS = {
    'endless': 'more than .* (records|bytes)', 'endless_set': 'more than', 'endless_steps': 'more than|not ahead',
    'endless_nothing': 'without records', 'never_closing': 'longer than', 'silent': 'longer than',
    'garbage': 'malformed', 'garbage_unframed': 'malformed', 'garbage_after_a_good_header': 'malformed', 'http': 'closed',
    'truncated_stream': 'closed', 'truncated_message': 'closed', 'truncated_record': 'malformed', 'bytes_behind_the_records': 'malformed',
    'pointer_loop': 'malformed', 'count_lies': 'malformed', 'long_rdata': 'malformed', 'rdata_behind_the_end': 'malformed',
    'wrong_names': r'www\.elsewhere\. .*out of the zone', 'above_the_zone': 'out of the zone', 'of_another_zone': 'out of the zone',
    'other_class': 'class', 'meta_type': 'type', 'soa_below_the_apex': 'apex', 'soa_in_the_middle': 'behind the SOA',
    'another_soa_at_the_end': 'not the first', 'no_soa_first': 'not the SOA', 'no_records': 'without records',
    'lower_serial': 'serial|behind', 'wrong_id': 'id ', 'wrong_question': 'question', 'wrong_question_class': 'question',
    'not_an_answer': 'not an answer', 'another_opcode': 'not an answer', 'refused': 'REFUSED',
    'servfail_in_the_middle': 'SERVFAIL', 'tc': 'truncated',
    'tsig_missing': 'signature', 'tsig_broken_at_once': 'signature', 'tsig_broken_in_the_middle': 'signature',
    'tsig_missing_at_the_end': 'not signed', 'tsig_of_another_question': 'signature', 'tsig_missing_for_too_long': 'signature',
    'one_unsigned_message_is_changed': 'signature',
    'deletes_what_is_not_there': 'REFUSED', 'adds_what_is_there_with_another_ttl': 'REFUSED', 'steps_from_another_serial': 'REFUSED|serial',
    'steps_with_a_gap': 'REFUSED|behind', 'steps_that_end_early': 'REFUSED|another SOA',
    'steps_backwards': 'REFUSED|not ahead', 'steps_out_of_the_zone': 'REFUSED|out of the zone', 'steps_without_an_end': 'longer than',
    'steps_to_the_same_serial': 'REFUSED|not ahead',
}


def origin_of(script):
    return f'{script.replace("_", "-")}.example.'


def memory_kib(server):
    """The most that it has had."""
    with open(f'/proc/{server.process.pid}/status', encoding='ascii') as status:
        return int(re.search(r'^VmHWM:\s+(\d+) kB', status.read(), re.M).group(1))


def wait_for(secondary, origin, serial):
    secondary.until(lambda: secondary.answers(origin) and secondary.serial(origin) == serial, f'{origin} {serial}')


def assert_serves(secondary, origin, serial):
    """The whole zone of that serial, and nothing else."""
    found = following.records(secondary, origin)
    assert {record[:2] for record in found} == {
        (origin, 'SOA'), (origin, 'NS'), (f'ns.{origin}', 'A'), (f'www.{origin}', 'A'),
        *((f'n{i}.{origin}', 'TXT') for i in range(10))}
    assert (f'www.{origin}', 'A', 300, bytes([192, 0, 2, serial]).hex()) in found


def play(primary, secondary, script):
    """One script, at its zone: the primary claims to have a newer serial, does what it does, and is good again after that."""
    origin = origin_of(script)
    state = primary.zones[origin]
    wait_for(secondary, origin, OLD)
    asked = state.transfers()
    state.script, state.serial = globals()[script], BAD
    primary.notify(secondary.port, origin)
    reason = re.compile(rf'(primary fails|no differences to be had).* zone={re.escape(origin)} .*reason=.*({SCRIPTS[script]})')
    try:
        secondary.until(lambda: reason.search(secondary.log()), reason.pattern)
    except AssertionError as error:
        said = '\n'.join(line for line in secondary.log().splitlines() if f'zone={origin}' in line)
        raise AssertionError(f'not said of {origin}: {reason.pattern}\n{said}') from error
    assert_serves(secondary, origin, OLD)
    assert state.transfers() - asked <= ATTEMPTS_MAX
    state.script, state.serial = rogue.right, GOOD
    primary.notify(secondary.port, origin)
    wait_for(secondary, origin, GOOD)
    assert_serves(secondary, origin, GOOD)


def played_once(test):
    return pytest.mark.long(pytest.mark.xdist_group('played')(test))


@pytest.fixture(name='played', scope='module')
def fixture_played():
    """All of them, some at a time, at one secondary: {script: its failure or None}, and by how much its memory has grown."""
    origins = [origin_of(script) for script in SCRIPTS]
    primary = rogue.Primary(following.KEYS, *origins)
    secondary = harness.Reeved(
        {origin: following.secondary_zone('p') for origin in origins}, keys=following.KEYS,
        remotes={'p': following.remote(primary.port)},
        server={'limits': {**following.LIMITS, 'transfer-records': RECORDS_MAX, 'transfer-size': SIZE_MAX,
                           'transfer-time': TIME_MAX}})
    try:
        secondary.configure()
        secondary.run()
        for origin in origins:
            wait_for(secondary, origin, OLD)
        before = memory_kib(secondary)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            runs = {script: pool.submit(play, primary, secondary, script) for script in SCRIPTS}
        yield {script: run.exception() for script, run in runs.items()}, memory_kib(secondary) - before
    finally:
        primary.close()
        secondary.finish()
    secondary.clean()


@played_once
@pytest.mark.parametrize('script', SCRIPTS)
def test_the_old_zone_stays_until_the_primary_does_well(played, script):
    error = played[0][script]
    if error:
        raise error


@played_once
def test_memory_stays_bounded(played):
    if not harness.Reeved.is_slow():
        assert played[1] < MEMORY_MAX_KIB


# --- odd, but right ---

def single_bytes(answer):
    """A segment for each byte."""
    records = answer.zone(answer.state.serial)
    message = answer.signer.sign(answer.message([*records, records[0]]))
    for byte in struct.pack('!H', len(message)) + message:
        answer.send_raw(bytes([byte]))


def huge_records(answer):
    records = answer.zone(answer.state.serial)
    answer.send(records)
    for i in range(20):
        answer.send([answer.record(f'huge{i}', 'TYPE65280', bytes([i]) * 60000)])
    answer.send([records[0]])


def a_record_for_each_message(answer):
    records = answer.zone(answer.state.serial)
    for i, record in enumerate([*records, records[0]]):
        answer.send([record], question=answer.question if i == 0 else b'', sign=i % 3 == 0 or i == len(records))


def in_another_case(answer):
    records = answer.zone(answer.state.serial)
    answer.send([r.replace(b'\7example', b'\7eXaMPLE') for r in [*records, records[0]]])


def the_soa_alone(answer):
    """RFC 1995 s4: what did not fit UDP, said over TCP; AXFR is had."""
    if answer.qtype == 'AXFR':
        rogue.right(answer)
        return
    answer.send([answer.soa(answer.state.serial)])
    raise rogue.Closes


def adds_what_is_there(answer):
    """As NSD does, which sends an RRset of which a part has changed."""
    if answer.qtype == 'AXFR':
        if answer.state.serial != OLD:
            raise rogue.Closes
        rogue.right(answer)
        return
    new, old = answer.zone(answer.state.serial), answer.zone(OLD)
    kept = new[1:3]     # the NS record and its address
    answer.send([new[0], old[0], *old[3:], new[0], *kept, *new[3:], new[0]])


@pytest.mark.parametrize('script', [single_bytes, huge_records, adds_what_is_there, a_record_for_each_message, in_another_case,
                                    the_soa_alone])
def test_odd_but_right_transfers_are_taken(request, reeved, script):
    primary = rogue.Primary(following.KEYS, ORIGIN)
    request.addfinalizer(primary.close)
    primary.zones[ORIGIN].script = script
    secondary = reeved({ORIGIN: following.secondary_zone('p')}, keys=following.KEYS,
                       remotes={'p': following.remote(primary.port)}, server={'limits': following.LIMITS})
    wait_for(secondary, ORIGIN, OLD)
    found = following.records(secondary)
    assert (f'www.{ORIGIN}', 'A', 300, bytes([192, 0, 2, OLD]).hex()) in found
    assert len(found) == 14 + 20 * (script is huge_records)
    primary.zones[ORIGIN].serial = GOOD
    primary.notify(secondary.port, ORIGIN)
    wait_for(secondary, ORIGIN, GOOD)


# --- what the others do: what our comments say of them ---

def adds_what_is_there_in_steps(answer):
    """And has AXFR for who does not like that."""
    if answer.qtype == 'AXFR' or answer.state.serial == OLD:
        rogue.right(answer)
    else:
        adds_what_is_there(answer)


def has_no_steps(answer):
    """IXFR is answered with an error that says nothing of IXFR, every time."""
    if answer.qtype == 'AXFR' or answer.state.serial == OLD:
        rogue.right(answer)
    else:
        answer.send([], flags=rogue.QR | 2)


@pytest.mark.skipif('REEVE_PEERS' not in os.environ, reason='by hand, with REEVE_PEERS=1: what others do is theirs to change')
@pytest.mark.parametrize('script, kind, asked', [    # named 9.18.49, knotd 3.2.6, nsd 4.6.1
    (adds_what_is_there_in_steps, 'named', ['IXFR']), (adds_what_is_there_in_steps, 'knotd', ['IXFR', 'AXFR']),
    (adds_what_is_there_in_steps, 'nsd', ['IXFR', 'AXFR']), (adds_what_is_there_in_steps, 'reeved', ['IXFR']),
    # nsd asks for IXFR again and again, and keeps the old zone
    (has_no_steps, 'named', ['IXFR', 'AXFR']), (has_no_steps, 'knotd', ['IXFR', 'AXFR']), (has_no_steps, 'reeved', ['IXFR', 'IXFR', 'AXFR']),
])
def test_of_what_is_not_in_the_rfc_this_is_made(request, script, kind, asked):
    primary = rogue.Primary(following.KEYS, ORIGIN)
    request.addfinalizer(primary.close)
    state, port = primary.zones[ORIGIN], harness.free_port()
    state.script = script
    secondary = request.getfixturevalue(kind)({ORIGIN: following.secondary_zone('p')}, keys=following.KEYS, port=port, remotes={
        'p': following.remote(primary.port)}, **following.settings(kind))
    wait_for(secondary, ORIGIN, OLD)
    before, state.serial = len(state.asked), GOOD
    primary.notify(port, ORIGIN)
    wait_for(secondary, ORIGIN, GOOD)
    assert [qtype for qtype in state.asked[before:] if qtype != 'SOA'] == asked
    assert_serves(secondary, ORIGIN, GOOD)
