# SPDX-License-Identifier: Apache-2.0
"""The scenarios of tests/scenario against the real daemon, over UDP and TCP, read with dnspython."""
import pathlib
import re

import dns.name
import pytest
import yaml

import player
import scenario

HERE = pathlib.Path(__file__).resolve().parent.parent / 'scenario'
FILES = sorted(HERE.glob('*.rv'))
NOT_FOR_SOCKETS = ('after', 'fail', 'sent', 'answer')      # kinds of steps


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


def zone_maps(script):
    """The zones with their options; values are YAML as in the configuration."""
    names = {**script.zones, **script.options}
    maps = {name: {key: yaml.safe_load(value) for key, value in script.options.get(name, [])} for name in names}
    for name, text in script.zones.items():
        maps[name]['file'] = text
    return maps


def effects(server):
    """What the steps without an answer do to the daemon. The clock and faults of the disk are not ours to set here."""
    def file(step):
        server.zone_file(step.zone, step.text)
        server.reload()

    def restart(_step):
        assert server.stop() == 0
        server.run(wait=False)
        server.notice('READY', '1')

    def crash(_step):
        server.kill()
        server.run(wait=False)
        server.notice('READY', '1')

    table = {'file': file, 'reload': lambda _step: server.reload(), 'restart': restart, 'crash': crash}
    return lambda step: table[step.kind](step)


def is_for_sockets(path):
    """By the first words of its lines: every process that runs tests asks for all files."""
    return not re.search(rf'^({"|".join(NOT_FOR_SOCKETS)})\b', path.read_text(encoding='utf-8'), re.M)


def loading_zones(script):
    """Those that are expected to load: no question of theirs is to be answered with SERVFAIL."""
    broken = [step.qname for step in script.steps if step.rcodes == ('SERVFAIL',)]
    return [name for name in script.zones
            if not any(q.is_subdomain(dns.name.from_text(name)) and name == nearest(q, script) for q in broken)]


def nearest(qname, script):
    above = [z for z in script.zones if qname.is_subdomain(dns.name.from_text(z))]
    return max(above, key=len, default=None)


def test_there_are_scenarios():
    assert len(FILES) > 30
    for path in FILES:
        assert is_for_sockets(path) == all(step.kind not in NOT_FOR_SOCKETS for step in scenario.read(path).steps), path


@pytest.mark.parametrize('path', filter(is_for_sockets, FILES), ids=lambda path: path.stem)
def test_scenario(path, reeved_ready):
    script = scenario.read(path)
    keys = {name: {'secret': secret} for name, secret in script.keys.items()}
    server = reeved_ready(zone_maps(script), server=server_settings(script), keys=keys)
    server.configure()
    server.run(wait=False)
    server.notice('READY', '1')
    for name in loading_zones(script):
        server.until(lambda name=name: server.answers(name), f'zone {name} served')
    wrong = [f'{path.name}:{step.line}: over {transport}:\n' + '\n'.join(faults)
             for step, transport, faults in player.play(script, server.address, server.port, effects(server)) if faults]
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
                 for step, transport, faults in player.play(script, server.address, server.port) if not faults]
    assert not unnoticed
