# SPDX-License-Identifier: Apache-2.0
"""What is lost, late or broken off between a primary and its secondary is made up for, without a storm.

The taps of a pair do it to single messages. The last test does it to packets, in a network of its own, which root may make.
REEVE_PAIRS: see test_transfer_pairs.py.
"""
import ctypes
import os
import shutil
import subprocess
import time

import pytest

import following
import harness
import tap
import way

KINDS = os.environ.get('REEVE_PAIRS', 'reeved>reeved').split()[0].split('>')
CLONE_NEWNET = 0x40000000


@pytest.fixture(name='pair')
def fixture_pair(request):
    return following.Pair(request, *KINDS)


def first(count, verdict=tap.DROP, **fields):
    """A rule: the first so many messages with those fields fare badly. Its `left` says how many are still to come."""
    def rule(seen):
        if rule.left and all(getattr(seen, field) == value for field, value in fields.items()):
            rule.left -= 1
            return verdict
        return tap.PASS
    rule.left = count
    return rule


def until_used_up(pair, rule):
    pair.secondary.until(lambda: rule.left == 0, 'the rule used up')


def test_a_lost_notify_is_repeated(request):
    """RFC 1996 s3.6; each time after a longer while. No refresh is near that would make up for it."""
    pair = following.Pair(request, *KINDS, limits={'refresh-min': '10m'})
    pair.told.rule = rule = first(2, way='to', opcode='NOTIFY')
    pair.told.forget()
    pair.steps(1)
    until_used_up(pair, rule)
    pair.secondary.until(lambda: pair.told.seen(way='from', opcode='NOTIFY'), 'NOTIFY answered')
    pair.wait_in_sync()
    times = [seen.at for seen in pair.told.seen(way='to', opcode='NOTIFY')]
    assert len(times) == 3
    assert times[1] - times[0] > 0.4 and times[2] - times[1] > times[1] - times[0]      # back-off


def test_a_lost_answer_to_notify_makes_no_storm(pair):
    pair.told.rule = lambda seen: tap.DROP if seen.way == 'from' else tap.PASS
    pair.told.forget()
    pair.steps(20)
    pair.wait_in_sync()
    pair.assert_same()
    # that it has the serial is known from its questions: nothing is left to be told
    notifies = len(pair.told.seen(way='to', opcode='NOTIFY'))
    assert notifies <= 21
    pair.secondary.until(lambda: len(pair.asked.seen(way='to', qtype='SOA')) >= 2, 'two refreshes')
    assert len(pair.told.seen(way='to', opcode='NOTIFY')) <= notifies + 1


def test_refresh_makes_up_for_notifies_that_never_come(pair):
    pair.told.rule = lambda seen: tap.DROP
    pair.steps(5)
    pair.wait_in_sync()
    pair.assert_same()
    assert len(pair.told.seen(way='to', opcode='NOTIFY')) <= 6


def test_lost_probes_and_answers_are_asked_again(pair):
    pair.told.rule = lambda seen: tap.DROP
    for way in ('to', 'from'):
        pair.asked.rule = rule = first(1, way=way, qtype='SOA')
        pair.steps(1)
        until_used_up(pair, rule)
        pair.wait_in_sync()
    pair.assert_same()


def test_transfers_that_are_reset_are_begun_again(pair):
    pair.asked.rule = rule = first(2, tap.RESET, way='from', transport='tcp')
    pair.steps(5)
    until_used_up(pair, rule)
    pair.wait_in_sync()
    pair.assert_same()


def test_questions_over_tcp_that_are_reset_are_begun_again(pair):
    pair.asked.rule = rule = first(2, tap.RESET, way='to', transport='tcp')
    pair.steps(5)
    until_used_up(pair, rule)
    pair.wait_in_sync()
    pair.assert_same()


def test_a_slow_network_costs_only_time(pair):
    pair.asked.rule = pair.told.rule = lambda seen: 0.15
    for _ in range(3):
        pair.steps(5)
        pair.wait_in_sync()
    pair.assert_same()


def test_a_primary_that_is_gone_is_asked_less_and_less(pair):
    """retry-min 1 s, retry-max 2 s: what is sent in five seconds."""
    pair.asked.rule = lambda seen: tap.DROP
    pair.primary.kill()
    pair.asked.forget()
    end = time.monotonic() + 5
    pair.secondary.until(lambda: time.monotonic() > end, 'five seconds')
    assert 1 <= len(pair.asked.seen(way='to')) <= 20
    assert pair.secondary.answers(following.ORIGIN)
    pair.asked.rule = None
    pair.primary.run()
    pair.steps(3)
    pair.wait_in_sync()
    pair.assert_same()


def test_a_secondary_that_is_gone_is_told_less_and_less(pair):
    pair.secondary.kill()
    pair.told.forget()
    pair.steps(50)
    end = time.monotonic() + 5
    pair.primary.until(lambda: time.monotonic() > end, 'five seconds')
    assert 1 <= len(pair.told.seen(way='to', opcode='NOTIFY')) <= 12
    pair.secondary.run()
    pair.wait_in_sync()
    pair.assert_same()


@pytest.fixture(name='own_network')
def fixture_own_network():
    """What the test starts and asks has a loopback of its own, from here on."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
    assert libc.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    try:
        subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
        yield
    finally:
        assert libc.setns(before, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        os.close(before)


def nft(rules):
    return subprocess.run([shutil.which('nft', path='/usr/sbin:/sbin'), '-f', '-'], input=rules, text=True, capture_output=True,
                          check=False)


FAULTS = {
    # of the packets between the two servers, either way
    'a fifth is lost': 'numgen random mod 100 < 20 drop',
    'some are refused': 'numgen random mod 100 < 5 reject with icmpx host-unreachable',
    'connections are reset': 'meta l4proto tcp numgen random mod 100 < 5 reject with tcp reset',
}

LATE = {
    # of all packets of that network: late, mixed up, twice
    'all is late': (0.04, 0.02),
    'all is late, and some comes twice': (0.02, 0.02, 0.2),
}
needs_network = pytest.mark.skipif("not harness.can_unshare('net')", reason='may not make a network namespace')


def spoil(pair, fault):
    """The packets between the two servers fare so from here on."""
    ports = f'{{ {pair.asked.port}, {pair.told.port} }}'
    made = nft('table inet faults { chain input { type filter hook input priority 0;\n'
               + ''.join(f'meta l4proto {{ tcp, udp }} th {which} {ports} {FAULTS[fault]}\n' for which in ('dport', 'sport'))
               + '}\n}\n')
    assert 'syntax error' not in made.stderr, made.stderr
    if made.returncode:
        pytest.skip(f'the kernel cannot do that: {made.stderr}')


def follow(pair, rounds):
    for _ in range(rounds):
        pair.steps(5)
        pair.wait_in_sync()
    pair.assert_same()


@needs_network
@pytest.mark.parametrize('fault', FAULTS)
def test_a_bad_network_is_got_over(own_network, request, fault):
    pair = following.Pair(request, *KINDS)
    spoil(pair, fault)
    follow(pair, 3)


@needs_network
@pytest.mark.skipif(not way.is_possible(), reason=f'{way.TUN} cannot be opened')
@pytest.mark.parametrize('late', LATE)
def test_a_long_way_is_got_over(own_network, request, late):
    """Refresh, NOTIFY and transfers over a network that takes its time and mixes packets up, and then loses some, too."""
    far = way.Way(*LATE[late])
    request.addfinalizer(far.close)
    pair = following.Pair(request, *KINDS, far=far)
    follow(pair, 1)
    far.lost = 0.2
    passed = far.passed
    follow(pair, 1)
    assert far.passed > passed
