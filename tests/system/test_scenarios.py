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
IN_PROCESS = re.compile(r'^(after|fail|answer|expect sent) ', re.M)     # steps that sockets alone cannot take
WITH_MORE = re.compile(r'^(config|options|key|remote)\b', re.M)         # more of a configuration than zones


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


# Told by the text: every process that runs tests asks this of all scenarios.
def is_for_sockets(path):
    return not IN_PROCESS.search(path.read_text(encoding='utf-8'))


def is_plain(path):
    return not WITH_MORE.search(path.read_text(encoding='utf-8'))


def loading_zones(script):
    """Those that are expected to load: no question of theirs is to be answered with SERVFAIL."""
    broken = [step.qname for step in script.steps if step.rcodes == ('SERVFAIL',)]
    return [name for name in script.zones
            if not any(q.is_subdomain(dns.name.from_text(name)) and name == nearest(q, script) for q in broken)]


def nearest(qname, script):
    above = [z for z in script.zones if qname.is_subdomain(dns.name.from_text(z))]
    return max(above, key=len, default=None)


def test_there_are_scenarios_and_none_is_left_out_that_could_be_played():
    assert len(FILES) > 30
    for path in FILES:
        script = scenario.read(path)
        kinds = {step.kind for step in script.steps}
        assert is_for_sockets(path) == (not kinds & {'after', 'fail', 'sent', 'answer'}), path
        assert is_plain(path) == (not any((script.settings, script.options, script.keys, script.remotes))), path


def check(server, path, script):
    for name in loading_zones(script):
        server.until(lambda name=name: server.answers(name), f'zone {name} served')
    wrong = [f'{path.name}:{step.line}: over {transport}:\n' + '\n'.join(faults)
             for step, transport, faults in player.play(script, server.address, server.port, effects(server)) if faults]
    assert not wrong, '\n'.join(wrong)


@pytest.fixture(name='one_for_all', scope='module')
def fixture_one_for_all(shared):
    return shared({})


@pytest.mark.long
@pytest.mark.xdist_group('scenarios')
@pytest.mark.parametrize('path', [path for path in FILES if is_for_sockets(path) and is_plain(path)], ids=lambda path: path.stem)
def test_scenario(path, one_for_all):
    """With the configuration's defaults: one server, which has the zones of one after the other."""
    script = scenario.read(path)
    for one_for_all.zones in ({}, zone_maps(script)):
        one_for_all.configure()
        one_for_all.reload()
    check(one_for_all, path, script)


@pytest.mark.parametrize('path', [path for path in FILES if is_for_sockets(path) and not is_plain(path)], ids=lambda path: path.stem)
def test_scenario_of_a_server_of_its_own(path, reeved_ready):
    script = scenario.read(path)
    keys = {name: {'secret': secret} for name, secret in script.keys.items()}
    server = reeved_ready(zone_maps(script), server=server_settings(script), keys=keys)
    server.configure()
    server.run(wait=False)
    server.notice('READY', '1')
    check(server, path, script)


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
