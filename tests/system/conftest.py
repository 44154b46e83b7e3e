# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the system tests. REEVED names the program under test (default build/gcc/src/reeved).

reeved, named, nsd, knotd, pdns are factories: call one as often as a test needs servers, and ask what it returns. A server
that several tests of a module only ask is made by `shared`, in a fixture of the module: a start costs more than most questions.

Tests are run several at a time, each process taking the next that there is (pytest-xdist; they run without it, too). Those
marked `long` are begun first, so that none of them is still under way alone when all others are over. Those that share a
fixture of wider scope are an `xdist_group`, run by one process. contrib/check runs each with one of the two builds: those
marked `released`, which are about very many answers, other software, disks or a machine's limits, with the one that is released,
those marked `both`, which are about whatever may come from the network, with either, and all others with the one that has sanitizers.
"""
import pytest

import lean  # isort: skip pylint: disable=unused-import
import dynamic
import harness
import peers


def pytest_configure(config):
    config.addinivalue_line('markers', 'long: takes longer than most, and is begun before them')
    config.addinivalue_line('markers', 'released: of the build that is released, not of the one with sanitizers as others are')
    config.addinivalue_line('markers', 'both: of either build')
    config.addinivalue_line('markers', 'xdist_group(name): run by one process')


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not item.get_closest_marker('long'))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        item.failed_already = item.getparent(pytest.Module).failed_already = True


def attended(request):
    """All servers that a test, or the tests of a module, started: ended, judged and removed after it; kept when it failed."""
    started = []
    yield started
    wrong = []
    for server in reversed(started):
        try:
            server.finish()
        except AssertionError as error:
            wrong.append(str(error))
    if wrong or getattr(request.node, 'failed_already', False):
        for server in started:
            print(f'kept: {server.dir}\n{server.log()[-4000:]}')
    else:
        for server in started:
            server.clean()
    assert not wrong, '\n'.join(wrong)


@pytest.fixture(name='servers')
def fixture_servers(request):
    yield from attended(request)


@pytest.fixture(name='shared', scope='module')
def fixture_shared(request):
    """As reeved; for fixtures of the same scope, and tests that leave the server as they found it."""
    for started in attended(request):
        yield running(starter(started, harness.Reeved))


def starter(servers, kind):
    def start(*arguments, **how):
        server = kind.__new__(kind)
        servers.append(server)      # before it starts, so that one which fails to is ended too
        server.process = None
        server.__init__(*arguments, **how)
        return server
    return start


def running(ready):
    def start(zones, *, env=None, **how):
        server = ready(zones, **how)
        server.configure()
        return server.run(env=env)
    return start


@pytest.fixture(name='reeved_ready')
def fixture_reeved_ready(servers):
    """reeved_ready(zones, server={}, log={}): configured, but not started: call configure() and run()."""
    return starter(servers, harness.Reeved)


@pytest.fixture(name='reeved')
def fixture_reeved(reeved_ready):
    """reeved(zones, server={}, log={}, env={}): running, all zones loaded."""
    return running(reeved_ready)


@pytest.fixture(name='named')
def fixture_named(servers):
    return starter(servers, peers.Named)


@pytest.fixture(name='updated')
def fixture_updated(reeved, named, knotd):
    """updated(zones, keys=): the server that the clients of dynamic update are tried on."""
    return {'reeved': reeved, 'named': named, 'knotd': knotd}[dynamic.TARGET]


@pytest.fixture(name='nsd')
def fixture_nsd(servers):
    return starter(servers, peers.Nsd)


@pytest.fixture(name='knotd')
def fixture_knotd(servers):
    return starter(servers, peers.Knotd)


@pytest.fixture(name='pdns')
def fixture_pdns(servers):
    return starter(servers, peers.Pdns)
