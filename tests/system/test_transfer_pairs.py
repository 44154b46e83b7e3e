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


def steps(pair, count):
    """Each is seen by the primary; fewer of them where it reads a whole file anew for each."""
    pair.steps(count if getattr(pair.primary, 'is_updated', True) else max(2, count // 5))


def update(pair):
    for _ in range(5):
        steps(pair, 20)
        pair.wait_in_sync()


def end_either_side(pair, end):
    for server in (pair.secondary, pair.primary):
        steps(pair, 5)
        end(server)
        if server is pair.secondary:
            steps(pair, 5)
        server.run()
        steps(pair, 5)
        pair.wait_in_sync()


def assert_followed_by_ixfr(pair, first):
    """first: form of the first answer. Refusals aside: a primary that has just been started has not loaded the zone yet."""
    forms = [seen.form for seen in pair.asked.seen(way='from') if seen.form not in ('', 'more', 'soa', 'refused')]
    primary, secondary = pair.kinds
    assert not first or forms[0] == first, forms
    if primary not in WITHOUT_IXFR:
        assert 'steps' in forms, forms
        assert secondary in WITH_WHOLE or set(forms[bool(first):]) == {'steps'}, forms


def test_a_zone_is_followed_whatever_becomes_of_either_side(pair):
    """A hundred updates, then two restarts, then two kills; each is looked at by itself."""
    first = 'whole'
    for course in (lambda: update(pair), lambda: end_either_side(pair, lambda server: server.stop()),
                   lambda: end_either_side(pair, lambda server: server.kill())):
        course()
        pair.assert_same()
        assert_followed_by_ixfr(pair, first)
        if first:
            pair.primary.until(lambda: pair.told.seen(way='to', opcode='NOTIFY'), 'NOTIFY')
        pair.asked.forget()
        first = None
