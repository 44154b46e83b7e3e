# SPDX-License-Identifier: Apache-2.0
"""The scenarios of tests/scenario against the real daemon, over UDP and TCP, read with dnspython."""
import pathlib

import pytest

import scenario

HERE = pathlib.Path(__file__).resolve().parent.parent / 'scenario'
FILES = sorted(HERE.glob('*.rv'))


def server_settings(script):
    """The map `server:` of the configuration: a dot in a key is one level down."""
    settings = {}
    for key, value in script.settings:
        *above, last = key.split('.')
        level = settings
        for name in above:
            level = level.setdefault(name, {})
        level[last] = value.strip('"')
    return settings


def loading_zones(script):
    """Those that are expected to load: no question of theirs is to be answered with SERVFAIL."""
    broken = [step.qname for step in script.steps if step.rcodes == ('SERVFAIL',)]
    return [name for name in script.zones
            if not any(q.is_subdomain(scenario.dns.name.from_text(name)) and name == nearest(q, script) for q in broken)]


def nearest(qname, script):
    above = [z for z in script.zones if qname.is_subdomain(scenario.dns.name.from_text(z))]
    return max(above, key=len, default=None)


def test_there_are_scenarios():
    assert len(FILES) > 30


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
def test_scenario(path, reeved_ready):
    script = scenario.read(path)
    server = reeved_ready(script.zones, server=server_settings(script))
    server.configure()
    server.run(wait=False)
    server.notice('READY', '1')
    for name in loading_zones(script):
        server.until(lambda name=name: server.answers(name), f'zone {name} served')
    wrong = [f'{path.name}:{step.line}: over {transport}:\n' + '\n'.join(faults)
             for step, transport, faults in scenario.play(script, server.address, server.port) if faults]
    assert not wrong, '\n'.join(wrong)


@pytest.mark.parametrize('path', sorted((HERE / 'wrong').glob('fault-*.rv')), ids=lambda path: path.stem)
def test_faulty_scenario_is_refused(path):
    with pytest.raises(scenario.Fault, match=rf'{path}:\d+: '):
        scenario.read(path)


def test_wrong_expectations_are_noticed(reeved):
    """Every step of this file expects something that is not so."""
    script = scenario.read(HERE / 'wrong' / 'expectations.rv')
    server = reeved(script.zones)
    unnoticed = [f'line {step.line}: over {transport}'
                 for step, transport, faults in scenario.play(script, server.address, server.port) if not faults]
    assert not unnoticed
