# SPDX-License-Identifier: Apache-2.0
"""Reeve as primary and as secondary of named, knotd, nsd, pdns_server and itself.

Between the two stands a tap on either side that notes how transfers are asked for and answered. REEVE_PAIRS ("named>knotd
knotd>nsd") names other pairs to hold the tests against: they pass without any Reeve in them.
"""
import os

import pytest

import following

pytestmark = pytest.mark.released

OTHERS = ['named', 'knotd', 'nsd', 'pdns']
PAIRS = os.environ.get('REEVE_PAIRS', '').split() or (
    [f'reeved>{other}' for other in OTHERS] + [f'{other}>reeved' for other in OTHERS] + ['reeved>reeved'])
# Their IXFR answers are whole zones.
WITHOUT_IXFR = {'pdns'}
# As secondaries they ask for a whole zone when they start without having written its file.
WITH_WHOLE = {'nsd'}


@pytest.fixture(name='pair', params=PAIRS)
def fixture_pair(request):
    pair = following.Pair(request, *request.param.split('>'))
    pair.kinds = request.param.split('>')
    return pair


def assert_followed_by_ixfr(pair):
    """Refusals aside: a primary that has just been started has not loaded the zone yet."""
    forms = [seen.form for seen in pair.asked.seen(way='from') if seen.form not in ('', 'more', 'soa', 'refused')]
    assert forms[0] == 'whole', forms
    primary, secondary = pair.kinds
    if primary not in WITHOUT_IXFR:
        assert 'steps' in forms, forms
        assert secondary in WITH_WHOLE or set(forms[1:]) == {'steps'}, forms


def test_a_hundred_updates_are_followed(pair):
    for _ in range(5):
        pair.steps(20)
        pair.wait_in_sync()
    pair.assert_same()
    assert_followed_by_ixfr(pair)
    assert pair.told.seen(way='to', opcode='NOTIFY')


def test_either_side_restarts_meanwhile(pair):
    for server in (pair.secondary, pair.primary):
        pair.steps(5)
        server.stop()
        if server is pair.secondary:
            pair.steps(5)
        server.run()
        pair.steps(5)
        pair.wait_in_sync()
    pair.assert_same()
    assert_followed_by_ixfr(pair)


def test_either_side_is_killed_meanwhile(pair):
    for server in (pair.secondary, pair.primary):
        pair.steps(5)
        server.kill()
        if server is pair.secondary:
            pair.steps(5)
        server.run()
        pair.steps(5)
        pair.wait_in_sync()
    pair.assert_same()
    assert_followed_by_ixfr(pair)
