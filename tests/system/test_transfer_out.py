# SPDX-License-Identifier: Apache-2.0
"""Transfers to others: AXFR (RFC 5936) and IXFR (RFC 1995), as dig and dnspython take them; who may have them; what is
remembered over a crash. What IXFR leads to is compared with a model of every version there was."""
import contextlib
import itertools
import re
import threading

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.zone
import pytest

import dynamic
import following
import harness
import transfers

KEYS = dynamic.keys('k', 'x')
ZONE = 'example.'
BULK = re.compile(r'^(bulk\d+) (?:300 )?TXT "(\d+)"\n', re.M)
TYPES, SIGNED = (harness.TOP / 'zones' / f'{name}.example.zone' for name in ('types', 'signed'))
# Below a cut there is data that no query shows, and that a transfer has (RFC 5936 s3.5).
OCCLUDED = dynamic.ZONE + '''deep.cut   A     192.0.2.54
gone       DNAME other.example.
UPPER      A     192.0.2.81
'''


def in_file(text):
    """(serial, all records but the SOA) of a zone file, as dnspython reads it; of bulk, as RFC 1035 s3.3.14 has it."""
    read = dns.zone.from_text(BULK.sub('', text), ZONE, relativize=False)
    rows = {transfers.form(*record) for record in read.iterate_rdatas()}
    bulk = {transfers.Row(f'{owner}.{ZONE}', 'TXT', 300, (bytes([len(string)]) + string.encode()).hex())
            for owner, string in BULK.findall(text)}
    return read.get_soa().serial, {row for row in rows | bulk if row.type != 'SOA'}


def dig(server, *words):
    """The records that dig shows, in order, blanks made equal."""
    result = dynamic.run_client('dig', f'@{server.address}', '-p', server.port, '+noall', '+answer', '+nocmd', *words)
    assert result.returncode == 0, result.stdout + result.stderr
    return [' '.join(line.split()) for line in result.stdout.splitlines() if line]


def open_to_all(text=dynamic.ZONE):
    return dynamic.all_by('k', text=text, transfer=[{'unsigned': 'yes'}])


def serving(reeved, text, **limits):
    return reeved({ZONE: open_to_all(text)}, keys=KEYS, server={'limits': limits})


def bulk(count):
    """Records of 200 bytes and more, for a zone that takes a while."""
    return dynamic.ZONE + ''.join(f'bulk{i:06} TXT "{i:0200}"\n' for i in range(count))


# --- AXFR ---

def test_every_record_of_the_zone_file_is_in_it(reeved):
    server = serving(reeved, OCCLUDED)
    messages = list(transfers.stream(server))
    assert transfers.content(messages) == in_file(OCCLUDED)
    assert {dns.flags.to_text(m.flags) for m in messages} == {'QR AA RD'}       # s2.2.1: RD as it was asked
    assert messages[0].question[0].rdtype == dns.rdatatype.AXFR
    owners = {rrset.name.to_text() for message in messages for rrset in message.answer}
    assert 'UPPER.example.' in owners                   # case is kept


def test_dig_shows_what_it_shows_of_named(reeved, named):
    zones = {'signed.example.': {'file': SIGNED, 'transfer': [{'unsigned': 'yes'}]}}
    ours, theirs = (dig(server, 'signed.example.', 'AXFR') for server in (reeved(zones), named(zones)))
    assert ours[0] == ours[-1] == theirs[0] and ' SOA ' in ours[0]
    assert len(ours) > 20 and sorted(ours) == sorted(theirs)


def test_records_of_every_type_are_those_that_queries_get(reeved):
    """As dig shows them, which can read names of old types that are compressed."""
    server = reeved({'types.example.': {'file': TYPES, 'transfer': [{'unsigned': 'yes'}]}})
    lines = dig(server, 'types.example.', 'AXFR')[:-1]
    assert len(lines) == len(set(lines)) == server.asked('zone', zone='types.example.')['records']
    of_sets = [(line.split()[0], line.split()[3]) for line in lines]
    # a cut is answered with a referral, an NSEC3 is no name (RFC 5155 s7.2.8)
    sets = sorted({of_set for of_set in of_sets if of_set[0] != 'ds.types.example.' and of_set[1] != 'NSEC3'})
    assert len(sets) > 90
    shown = dig(server, '+tcp', *(word for of_set in sets for word in of_set))
    assert sorted(shown) == sorted(line for line, of_set in zip(lines, of_sets) if of_set in sets)


def test_a_zone_of_many_messages_is_in_well_filled_ones(reeved):
    text = bulk(3000)
    server = serving(reeved, text)
    messages = list(transfers.taken(server))
    assert transfers.content(messages) == in_file(text)
    sizes = [len(m.wire) for m in messages]
    assert min(sizes[:-1]) > 15000                      # RFC 5936 s2.2: as many records as fit
    assert server.counter('axfr_out') == 1
    assert re.search(rf'msg="transfer sent" .*rule=.*kind=AXFR .*messages={len(messages)} ', server.log())


def test_over_udp_there_is_none(reeved):
    """RFC 5936 s4.2"""
    server = serving(reeved, dynamic.ZONE)
    assert server.ask(ZONE, 'AXFR').rcode() == dns.rcode.FORMERR


# --- who may have it ---

@pytest.mark.parametrize('algorithm', ['hmac-sha256', 'hmac-sha512'])
def test_every_message_is_signed_when_the_request_was(reeved, algorithm):
    text = bulk(2000)
    keys = dynamic.keys('k', algorithm=algorithm)
    server = reeved({ZONE: {'file': text, 'transfer': [{'key': 'k'}]}}, keys=keys)
    messages = list(transfers.stream(server, key='k', keys=keys, keyalgorithm=algorithm))
    assert transfers.content(messages) == in_file(text)
    assert len(messages) > 20 and all(m.had_tsig for m in messages)
    shown = dig(server, ZONE, 'AXFR', '-y', f'{algorithm}:k:{keys["k"]["secret"]}')
    assert len([line for line in shown if ' TSIG ' not in line]) == len(transfers.rows(messages))


def refused_by(server, **how):
    with pytest.raises(dns.query.TransferError) as wrong:
        list(transfers.stream(server, keys=KEYS, **how))
    return dns.rcode.to_text(wrong.value.rcode)


def newest_refusal(server):
    return server.ctl('refused', '--last', '1')['refused'][-1]


def test_who_is_refused_is_told_of_with_the_rule(reeved):
    server = reeved({ZONE: {'file': dynamic.ZONE, 'transfer': [{'key': 'x', 'deny': 'yes', 'from': ['127.0.0.0/8']},
                                                               {'key': 'k', 'from': ['192.0.2.0/24']}]},
                     'closed.example.': dynamic.ZONE}, keys=KEYS)
    for how, reason in (({}, 'no rule is for it, the closest: '), ({'key': 'k'}, 'transfer[1] {key: k'),
                        ({'key': 'x'}, 'transfer[0] {key: x'),
                        ({'zone': 'closed.example.'}, 'nobody may have it: no secondaries, no transfer')):
        assert refused_by(server, **how) == 'REFUSED', how
        row = newest_refusal(server)
        assert reason in row['reason'] and row['rcode'] == 'REFUSED' and row['from'] == '127.0.0.1', (how, row)
        assert row.get('key') == how.get('key')
        assert reason in server.reevectl('refused').stdout
        server.until(lambda reason=reason: reason in server.log(), f'{reason} logged')
        assert refused_by(server, rdtype='IXFR', serial=1, **how) == 'REFUSED'
    assert server.counter('transfers_refused') == 8
    assert server.counter('axfr_out') == 0


def test_a_key_that_is_not_ours_and_a_wrong_secret_get_nothing(reeved):
    server = reeved({ZONE: open_to_all()}, keys=dynamic.keys('k'))
    for keys in (dynamic.keys('k', 'unknown'), {'k': {'algorithm': 'hmac-sha256', 'secret': dynamic.secret_of('other')}}):
        with pytest.raises((dns.query.TransferError, dns.exception.DNSException)):
            list(transfers.stream(server, key=list(keys)[-1], keys=keys))
    assert server.counter('tsig_badkey') == server.counter('tsig_badsig') == 1
    assert server.counter('axfr_out') == 0


def test_a_zone_that_is_not_ours(reeved):
    server = serving(reeved, dynamic.ZONE)
    for name in ('other.', 'www.example.'):             # RFC 5936 s2.2.1: below the apex is no zone of ours
        assert refused_by(server, zone=name) == 'NOTAUTH'


def test_explain_transfer_says_what_a_transfer_gets(reeved):
    server = reeved({ZONE: {'file': dynamic.ZONE, 'transfer': [{'key': 'x', 'deny': 'yes'}, {'key': 'k'}]}}, keys=KEYS)
    rows = server.ctl('explain', 'transfer', ZONE, '--from', '127.0.0.1', '--key', 'k')
    assert rows['rcode'] == 'NOERROR'
    assert [row['verdict'] for row in rows['rules']] == ['no: other key', 'yes']
    assert len(list(transfers.stream(server, key='k', keys=KEYS))) == 1
    for key in ('x', None):
        words = ('--key', key) if key else ()
        said = server.reevectl('explain', 'transfer', ZONE, '--from', '127.0.0.1', *words, code=1)
        assert 'REFUSED' in said.stdout + said.stderr
        assert refused_by(server, key=key) == 'REFUSED'
    assert 'denies' in server.reevectl('explain', 'transfer', ZONE, '--from', '127.0.0.1', '--key', 'x', code=1).stdout


def test_scope_granted_shows_what_the_key_may_update_and_no_more(reeved):
    text = dynamic.ZONE + 'a.lab A 192.0.2.9\na.lab MX 1 a.lab\nb.lab TXT "b"\nno.lab TXT "denied"\n'
    server = reeved({ZONE: {
        'file': text, 'protect': 'none', 'transfer': [{'key': 'k', 'scope': 'granted'}, {'key': 'x'}],
        'updates': [{'key': 'k', 'name': ['no.lab'], 'deny': 'yes'}, {'key': 'k', 'under': ['lab'], 'types': ['A', 'TXT']},
                    {'key': 'x', 'all': 'yes', 'types': ['MX']}]}}, keys=KEYS)
    serial, everything = in_file(text)
    want = {row for row in everything if row[0] in ('a.lab.example.', 'b.lab.example.') and row[1] in ('A', 'TXT')}
    assert len(want) == 2
    assert transfers.content(transfers.stream(server, key='k', keys=KEYS)) == (serial, want)
    assert transfers.content(transfers.stream(server, key='x', keys=KEYS)) == (serial, everything)
    update = dynamic.update_of(ZONE, KEYS)
    update.add('c.lab', 300, 'A', '192.0.2.10')
    assert dynamic.rcode_of(server, update) == 'NOERROR'
    answer = list(transfers.stream(server, rdtype='IXFR', serial=serial, key='k', keys=KEYS))
    assert transfers.content(answer)[1] >= want and len(transfers.content(answer)[1]) == 3      # always in full


# --- while the zone changes ---

def test_a_transfer_is_one_published_version_whatever_is_updated_meanwhile(reeved):
    """Three readers that take one message at a time, each begun at another serial, and 200 updates between them."""
    change = following.Change()
    more = ''.join(f'bulk{i:06} 300 TXT "{i:0200}"\n' for i in range(1500))
    server = serving(reeved, change.file() + more, **{'tcp-message': '1m'})     # they take their time
    fixed = in_file(change.file() + more)[1] - change.records()
    model, readers, serials = {1: change.records()}, [], set()
    for _ in range(3):
        stream = transfers.taken(server)
        readers.append((stream, [next(stream)]))
        for _ in range(10):
            change.step(server)
            model[change.serial] = change.records()
    for messages in itertools.zip_longest(*(stream for stream, _ in readers)):
        for message, (_, before) in zip(messages, readers):
            before += [message] if message else []
        for _ in range(3):
            if change.serial < 201:
                change.step(server)
                model[change.serial] = change.records()
    while change.serial < 201:
        change.step(server)
    for _, messages in readers:
        serial, records = transfers.content(messages)
        assert len(messages) > 5 and records == model[serial] | fixed
        serials.add(serial)
    assert serials == {1, 11, 21} and server.serial(ZONE) == 201


@pytest.mark.long
def test_every_transfer_beside_a_stream_of_updates_is_one_version(reeved):
    change = following.Change()
    server = serving(reeved, change.file())
    model, wrong = {1: change.records()}, []

    def updates():
        try:
            for _ in range(60):
                change.step(server)
                model[change.serial] = change.records()
        except AssertionError as error:
            wrong.append(error)
    thread = threading.Thread(target=updates)
    thread.start()
    seen = []
    while thread.is_alive():
        seen.append(transfers.content(transfers.taken(server)))
    thread.join()
    seen.append(transfers.content(transfers.taken(server)))
    assert not wrong and len({serial for serial, _ in seen}) > 5
    for serial, records in seen:
        assert records == model[serial], serial
    assert seen[-1][0] == 61


# --- IXFR ---

def changed(server, count, change=None, model=None):
    """So many steps; the Change, and {serial: records} of every version."""
    change = change or following.Change()
    model = {change.serial: change.records()} if model is None else model
    for _ in range(count):
        change.step(server)
        model[change.serial] = change.records()
    return change, model


def assert_steps_follow(answer, model, serial):
    """Each of them leads from one version of the model to the next; all, to the newest."""
    steps = transfers.steps(answer)
    assert steps[0].serial_from == serial and steps[-1].serial_to == max(model)
    records = model[serial]
    for step in steps:
        records = transfers.applied(records, step)
        assert records == model[step.serial_to], step.serial_to
    return steps


def ixfr(server, serial):
    return list(transfers.taken(server, rdtype='IXFR', serial=serial))


def rowed(reeved, **limits):
    return serving(reeved, following.Change().file() + bulk_rows(), **limits)


def bulk_rows():
    """So that the zone is more than its differences."""
    return ''.join(f'bulk{i:04} 300 TXT "{i:0100}"\n' for i in range(400))


def without_bulk(model):
    return {serial: {row for row in records if not row[0].startswith('bulk')} for serial, records in model.items()}


def test_differences_are_those_that_were_made(reeved):
    server = rowed(reeved)
    _, model = changed(server, 40)
    for serial in (1, 2, 20, 40):
        steps = assert_steps_follow(ixfr(server, serial), model, serial)
        assert [step.serial_to for step in steps] == list(range(serial + 1, 42))
    assert len(transfers.rows(ixfr(server, 41))) == 1       # up to date
    assert len(transfers.rows(ixfr(server, 42))) == 1       # RFC 1995 s2: or newer
    assert server.counter('ixfr_out') == 4 and server.counter('ixfr_current') == 2


@pytest.mark.parametrize('recent', ['0', '64M'])
def test_differences_survive_a_crash(reeved, recent):
    server = rowed(reeved, **{'recent-changes': recent})
    change, model = changed(server, 30)
    assert_steps_follow(ixfr(server, 1), model, 1)
    server.kill()
    server.run()
    for serial in (1, 15, 30):
        steps = assert_steps_follow(ixfr(server, serial), model, serial)
        assert len(steps) == 31 - serial
    changed(server, 5, change, model)
    assert len(assert_steps_follow(ixfr(server, 29), model, 29)) == 7       # across the crash
    assert server.counter('ixfr_fallbacks') == 0


def test_dig_takes_differences(reeved):
    server = rowed(reeved)
    changed(server, 3)
    shown = dig(server, ZONE, 'IXFR=1')
    serials = [int(line.split()[6]) for line in shown if ' SOA ' in line]
    assert serials == [4, 1, 2, 2, 3, 3, 4, 4]


def test_a_serial_that_is_unknown_gets_the_whole_zone(reeved):
    server = rowed(reeved)
    _, model = changed(server, 3)
    serial, everything = transfers.content(transfers.taken(server))
    for unknown in (0, 4 + 2 ** 31, 4 - 1000 & 0xffffffff):
        # 2^31 away there is no order: RFC 1982 s3.2
        assert transfers.content(ixfr(server, unknown)) == (serial, everything), unknown
    assert without_bulk({4: everything})[4] == model[4]
    assert server.counter('ixfr_fallbacks') == 3


def test_differences_larger_than_the_zone_are_not_sent(reeved):
    change = following.Change('@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.80\n')
    server = serving(reeved, change.file())
    _, model = changed(server, 100, change)
    answer = ixfr(server, 1)
    assert transfers.is_whole(answer) and transfers.content(answer) == (101, model[101])
    assert_steps_follow(ixfr(server, 98), model, 98)


def flip(server, rounds):
    """Two versions of one record, in turn, as fast as updates go; how many there were."""
    flight = dynamic.Flight(server, dynamic.Signer('k', KEYS['k']['secret']))
    owner = dynamic.name_wire('flip.example.')
    flight.message = lambda number: flight.signer.sign(_with_deletion(dynamic.add_of(
        number & 0xffff, flight.zone_wire, [(owner, 1, 60, dynamic.Flight.a_of(number))]), owner))
    flight.run(rounds)
    assert len(flight.acked) == rounds
    return rounds


def _with_deletion(wire, owner):
    """The same update, which first deletes the RRset A there (RFC 2136 s2.5.2)."""
    question_end = 12 + len(dynamic.name_wire(ZONE)) + 4
    deletion = owner + bytes.fromhex('0001' '00ff' '00000000' '0000')
    return wire[:8] + b'\0\2' + wire[10:question_end] + deletion + wire[question_end:]


@pytest.mark.long
@pytest.mark.parametrize('recent', ['0', '64M'])
def test_who_is_far_behind_gets_one_difference_for_all(reeved, recent):
    """5000 changes of one record, in a zone that is larger than these."""
    text = following.Change().file() + ''.join(f'bulk{i:06} 300 TXT "{i:0200}"\n' for i in range(10000))
    server = serving(reeved, text, **{'recent-changes': recent})
    before = in_file(text)[1]
    serial = 1 + flip(server, 5000)
    assert server.serial(ZONE) == serial
    answer = ixfr(server, 1)
    steps = transfers.steps(answer)
    assert [(step.serial_from, step.serial_to) for step in steps] == [(1, serial)]
    after = transfers.applied(before, steps[0])
    assert after - before == {row for row in after if row[0] == 'flip.example.'} and len(after - before) == 1
    assert transfers.content(transfers.taken(server)) == (serial, after)
    assert server.counter('ixfr_condensed') == 1
    assert 'kind="IXFR condensed"' in server.log()
    near = transfers.steps(ixfr(server, serial - 10))
    assert len(near) == 10


def test_over_udp_differences_that_fit_are_sent_and_else_the_soa(reeved):
    server = rowed(reeved)
    _, model = changed(server, 40)
    answer = server.send(transfers.ixfr_of(39))
    assert answer.rcode() == dns.rcode.NOERROR
    assert_steps_follow([answer_of_rows(server, 39)], model, 39)
    for serial in (1, 7777777):                         # too much, and unknown: RFC 1995 s2, the SOA alone
        rows = transfers.rows([answer_of_rows(server, serial)])
        assert [(row.type, transfers.serial_of(row)) for row in rows] == [('SOA', 41)], serial
    assert server.counter('ixfr_over_udp') == 1        # of the other one: it is newer than ours
    assert_steps_follow(ixfr(server, 1), model, 1)


def answer_of_rows(server, serial):
    """To IXFR over UDP, each record an RRset of its own."""
    return dns.query.udp(transfers.ixfr_of(serial), server.address, harness.ASK_TIMEOUT_S, server.port,
                         one_rr_per_rrset=True, ignore_trailing=False)


def test_ixfr_without_a_version_of_the_client_is_malformed(reeved):
    server = rowed(reeved)
    query = dns.message.make_query(ZONE, 'IXFR')
    for tcp in (False, True):
        assert server.send(query, tcp=tcp).rcode() == dns.rcode.FORMERR


# --- clients that do not read, and ends in the middle ---

def resident_kb(server):
    with open(f'/proc/{server.process.pid}/status', encoding='ascii') as status:
        return int(re.search(r'VmRSS:\s+(\d+)', status.read()).group(1))


@contextlib.contextmanager
def stuck(server, count):
    clients = [transfers.Stuck(server) for _ in range(count)]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


@pytest.mark.both
def test_who_never_reads_costs_little_and_is_closed_in_time(reeved):
    """Eight of them; all would take 36 MB of messages."""
    server = serving(reeved, bulk(20000), **{'tcp-message': '3s'})
    list(transfers.taken(server))                       # what one transfer takes for good
    before = resident_kb(server)
    with stuck(server, 8):
        server.until(lambda: server.counter('tcp_accepted') == 9, 'all of them accepted')
        most = 0

        def are_closed():
            nonlocal most
            most = max(most, resident_kb(server))
            assert server.ask('www.example.').rcode() == dns.rcode.NOERROR
            return server.counter('transfers_broken') == 8
        server.until(are_closed, 'all of them closed', 20)
    assert server.counter('tcp_slow_closed') == 8
    assert harness.Reeved.is_slow() or most - before < 8 * 1024, (before, most)
    server.until(lambda: 'msg="transfer broken off"' in server.log(), 'it is logged')
    assert transfers.content(transfers.taken(server))[0] == 1


def test_a_transfer_that_lasts_too_long_is_cut(reeved):
    server = serving(reeved, bulk(20000), **{'transfer-time': '1s'})
    with stuck(server, 1) as (client,):
        client.socket.settimeout(harness.DEADLINE_S)

        def is_cut():
            client.read(8192)                           # it moves, slowly
            return server.counter('transfers_timed_out') == 1
        server.until(is_cut, 'it is cut')
        while client.read(65536):
            pass                                        # it ends
    assert server.counter('transfers_broken') == 1
    assert 'reason="longer than transfer-time"' in server.log()


def test_more_than_transfers_out_at_once_get_servfail(reeved):
    server = serving(reeved, bulk(20000), **{'transfers-out': 1})
    with stuck(server, 1) as (client,):
        assert client.message()
        assert refused_by(server) == 'SERVFAIL'
        assert server.counter('transfers_over_limit') == 1
        assert 'transfers-out' in newest_refusal(server)['reason']
        assert len(transfers.rows(ixfr(server, 1))) == 1        # what is one message is no transfer of many
    server.until(lambda: server.counter('transfers_broken') == 1, 'the first one is over')
    assert transfers.content(transfers.taken(server))[0] == 1


def test_sigterm_lets_a_transfer_end_that_is_being_read(reeved):
    text = bulk(6000)
    server = serving(reeved, text)
    messages, stream = [], transfers.taken(server)
    messages.append(next(stream))
    ended = threading.Thread(target=server.stop)
    ended.start()
    messages += stream
    ended.join(harness.DEADLINE_S)
    assert transfers.content(messages) == in_file(text)
    assert server.process.poll() == 0


def test_sigterm_does_not_wait_long_for_who_does_not_read(reeved):
    server = serving(reeved, bulk(20000))
    with stuck(server, 1) as (client,):
        assert client.message()
        assert server.stop() == 0
        assert 'msg="transfer broken off"' in server.log()
        while client.message():
            pass                                        # what comes still is whole messages, and then it ends
