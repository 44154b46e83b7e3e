# SPDX-License-Identifier: Apache-2.0
"""NOTIFY to secondaries (RFC 1996), heard by a secondary that the test writes; and updates that wait for secondaries."""
import contextlib
import signal
import socket
import threading
import time

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest

import dynamic
import listener

KEYS = dynamic.keys('k', 'x')
KEYRING = dynamic.keyring(KEYS)


@pytest.fixture(name='secondary')
def fixture_secondary():
    with contextlib.closing(listener.Listener(KEYRING)) as it:
        yield it


def remotes(*listeners, key='x'):
    return {f's{i}': {'address': f'127.0.0.1@{it.port}', **({'key': key} if key else {})}
            for i, it in enumerate(listeners)}


def zones(count=1, **more):
    secondaries = {'secondaries': [f's{i}' for i in range(count)]} if count else {}
    return {'example.': dynamic.all_by('k', **secondaries, **more)}


def update(server, name):
    message = dynamic.update_of('example.', KEYS)
    message.add(name, 60, 'A', '192.0.2.9')
    assert dynamic.rcode_of(server, message) == 'NOERROR'


def serial_of(server):
    return server.ask('example.', 'SOA').answer[0][0].serial


def peers_of(server):
    return server.ctl('peers', 'example.')['zones'][0]['secondaries']


def test_a_secondary_is_told_at_the_start_and_of_every_change(reeved, secondary):
    server = reeved(zones(), keys=KEYS, remotes=remotes(secondary))
    first = secondary.heard()
    assert first.is_notify() and first.transport == 'udp' and first.serial() == 1
    assert first.message.had_tsig and first.message.keyname.to_text() == 'x.'
    assert dns.flags.to_text(first.message.flags) == 'AA'       # RFC 1996 s4.5
    assert not first.message.authority and not first.message.additional      # s3.9
    first.reply()
    for serial, name in ((2, 'a'), (3, 'b')):
        at = time.monotonic()
        update(server, name)
        told = secondary.heard()
        assert told.is_notify() and told.serial() == serial
        assert told.at - at < 1                 # not held back
        told.reply()
        server.until(lambda: peers_of(server)[0]['state'] == 'notified', 'the answer taken')
    assert len({first.message.id, told.message.id}) == 2


def test_the_soa_in_it_is_the_one_that_is_served(reeved, secondary):
    server = reeved(zones(), keys=KEYS, remotes=remotes(secondary, key=None))
    told = secondary.heard()
    assert not told.message.had_tsig
    assert told.message.answer == server.ask('example.', 'SOA').answer


def test_silence_and_what_is_no_answer_is_followed_by_another_one(reeved, secondary):
    server = reeved(zones(), keys=KEYS, remotes=remotes(secondary))
    tries = [secondary.heard()]
    tries[0].reply(id=tries[0].message.id ^ 1)
    tries.append(secondary.heard())
    unsigned = dns.message.make_response(dns.message.from_wire(tries[1].wire, keyring=KEYRING))
    unsigned.tsig = None
    tries[1].send(unsigned.to_wire())
    tries.append(secondary.heard())
    question = dns.message.make_response(tries[2].message)
    question.flags &= ~dns.flags.QR
    tries[2].send(question.to_wire())
    waits = [b.at - a.at for a, b in zip(tries, tries[1:])]
    assert waits[0] > 0.9 and waits[1] > 1.8, waits             # back-off: 1 s, 2 s
    assert len({t.message.id for t in tries}) == 3              # each has an id of its own
    tries.append(secondary.heard())
    tries[3].reply()
    server.until(lambda: peers_of(server)[0]['state'] == 'notified', 'the right answer taken')
    update(server, 'a')
    assert secondary.heard().serial() == 2                      # nothing more of the first came before


def test_an_answer_from_another_place_is_none(reeved, secondary):
    server = reeved(zones(), keys=KEYS, remotes=remotes(secondary, key=None))
    told = secondary.heard()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        answer = dns.message.make_response(told.message).to_wire()
        other.sendto(answer, told.peer)
        again = secondary.heard()
        assert again.serial() == 1
        again.reply()
    server.until(lambda: peers_of(server)[0]['state'] == 'notified', 'the right answer taken')


def test_where_udp_is_silent_tcp_is_tried(reeved, secondary):
    server = reeved(zones(), keys=KEYS, remotes=remotes(secondary))
    tries = [secondary.heard(within_s=15) for _ in range(5)]
    assert [t.transport for t in tries] == ['udp'] * 4 + ['tcp']
    assert tries[4].message.had_tsig and tries[4].is_notify()
    tries[4].reply()
    server.until(lambda: peers_of(server)[0]['state'] == 'notified', 'the answer over TCP taken')


def test_many_quick_updates_are_few_messages_and_the_last_has_the_newest_serial(reeved, secondary):
    server = reeved(zones(), keys=KEYS, remotes=remotes(secondary))
    secondary.heard().reply()
    server.until(lambda: peers_of(server)[0]['state'] == 'notified', 'the first one answered')
    flight = dynamic.Flight(server, dynamic.Signer('k', KEYS['k']['secret']))
    heard, stop = [], threading.Event()

    def hear():
        """Answers each one 50 ms late, as if it were far away."""
        while not stop.is_set():
            with contextlib.suppress(AssertionError):
                told = secondary.heard(within_s=0.1)
                heard.append(told)
                stop.wait(0.05)
                told.reply()
    thread = threading.Thread(target=hear)
    thread.start()
    start = time.monotonic()
    flight.run(500)
    took = time.monotonic() - start
    serial = serial_of(server)
    server.until(lambda: heard and heard[-1].serial() == serial, 'the newest serial told')
    stop.set()
    thread.join()
    assert len(flight.acked) == 500
    assert len(heard) <= took / 0.05 + 3, f'{len(heard)} in {took} s'
    serials = [told.serial() for told in heard]
    assert serials == sorted(set(serials))


def test_what_is_known_stays_over_a_reload_and_who_is_new_is_told(reeved, secondary):
    with contextlib.closing(listener.Listener(KEYRING)) as second:
        server = reeved(zones(), keys=KEYS, remotes=remotes(secondary, second))
        secondary.heard().reply()
        server.until(lambda: peers_of(server)[0]['state'] == 'notified', 'told')
        server.zones = zones(2)
        server.configure()
        server.reload()
        second.heard().reply()
        server.until(lambda: [p['state'] for p in peers_of(server)] == ['notified'] * 2, 'both told')
        update(server, 'a')
        assert secondary.heard().serial() == 2      # and nothing before
        assert second.heard().serial() == 2
        server.zones = zones(0)
        server.configure()
        server.reload()
        assert 'secondaries' not in server.ctl('peers', 'example.')['zones'][0]


def test_the_operator_sees_and_notifies(reeved, secondary):
    server = reeved(zones(), keys=KEYS, remotes=remotes(secondary))
    secondary.heard().reply(dns.rcode.NOTAUTH)
    server.until(lambda: peers_of(server)[0].get('error') == 'NOTAUTH', 'what it said is shown')
    assert 'last error: NOTAUTH' in server.reevectl('peers').stdout
    assert f'127.0.0.1@{secondary.port}' in server.reevectl('zone', 'example.').stdout
    assert 'NOTIFY sent to 1 server' in server.reevectl('notify', 'example.').stdout
    assert secondary.heard().is_notify()
    late = server.reevectl('wait', 'example.', '-t', '1', code=1)
    assert 'serial 1 is not known to be at: s0' in late.stderr + late.stdout


# --- wait-secondaries ---

def send_later(server, name, results):
    message = dynamic.update_of('example.', KEYS)
    message.add(name, 60, 'A', '192.0.2.9')
    start = time.monotonic()
    rcode = dynamic.rcode_of(server, message, tcp=True)
    results.append((rcode, time.monotonic() - start))


def test_an_update_is_answered_at_the_timeout_and_counted(reeved, secondary):
    server = reeved(zones(**{'wait-secondaries': {'count': 1, 'timeout': '1s'}}), keys=KEYS, remotes=remotes(secondary))
    secondary.heard().reply()
    results = []
    send_later(server, 'a', results)
    assert results[0][0] == 'NOERROR' and 1 <= results[0][1] < 3
    assert server.counter('updates_wait_timeouts') == 1
    assert 'update answered before its secondaries have it' in server.log()
    assert dynamic.texts(server, 'a.example.', 'A') == ['192.0.2.9']


def test_who_waits_is_answered_when_the_server_stops(reeved, secondary):
    server = reeved(zones(**{'wait-secondaries': {'count': 1, 'timeout': '60s'}}), keys=KEYS, remotes=remotes(secondary))
    secondary.heard().reply()
    results = []
    thread = threading.Thread(target=send_later, args=(server, 'a', results))
    thread.start()
    assert secondary.heard().serial() == 2      # it is durable, and published
    server.process.send_signal(signal.SIGTERM)
    thread.join(30)
    assert results and results[0][0] == 'NOERROR' and results[0][1] < 20, results
