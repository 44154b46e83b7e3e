# SPDX-License-Identifier: Apache-2.0
"""Random and mutated datagrams, and odd TCP streams: reeved goes on answering, says nothing to a sanitizer, and does
not grow.

ABUSE_DATAGRAMS and ABUSE_STREAMS say how many (a tenth of each goes before, to warm up), ABUSE_SEED which. The full
measure is ABUSE_DATAGRAMS=1000000 ABUSE_STREAMS=10000. A build with sanitizers, which looks at each access, gets less of it
than the one that is released, which has to show that nothing grows.
"""
import os
import re
import subprocess

import pytest

import harness

DATAGRAMS = int(os.environ.get('ABUSE_DATAGRAMS', 60000 if harness.Reeved.is_brief() else 200000))
STREAMS = int(os.environ.get('ABUSE_STREAMS', 1000 if harness.Reeved.is_brief() else 2000))
SEED = int(os.environ.get('ABUSE_SEED', 1))
GROWTH_KB_MAX = 4096
PER_S_MIN = 500         # datagrams; a run that is slower than this has hung

ZONE = '''$TTL 3600
@ SOA ns hostmaster 1 3600 900 1209600 300
@ NS ns
@ MX 10 www
@ TXT "apex"
ns A 192.0.2.53
www A 192.0.2.1
*.wild TXT "wild"
dname DNAME wild
loop CNAME pool
pool CNAME loop
sub NS ns.sub
ns.sub A 192.0.2.54
$GENERATE 1-50 big A 198.51.100.$
'''


def rss_kb(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as f:
        return int(re.search(r'^VmRSS:\s+(\d+) kB', f.read(), re.M).group(1))


def abuse(server, seed, datagrams, streams):
    program = harness.Reeved.program().parents[1] / 'tests' / 'tools' / 'abuse'
    limit_s = harness.DEADLINE_S + datagrams / PER_S_MIN + streams / 20
    result = subprocess.run([program, str(server.port), str(seed), str(datagrams), str(streams)], check=False,
                            capture_output=True, text=True, timeout=limit_s)
    assert result.returncode == 0, result.stderr + server.log()[-4000:]
    print(result.stdout, end='')


@pytest.mark.both
def test_survives_abuse(reeved):
    # what a sanitizer keeps of freed memory would look like growth
    options = [os.environ.get('ASAN_OPTIONS'), 'quarantine_size_mb=1', 'thread_local_quarantine_size_kb=64']
    server = reeved({'example.': ZONE}, server={'identity': 'x' * 255, 'version': 'test',
                                               'limits': {'refusals-per-source': 0}},
                    env={'ASAN_OPTIONS': ':'.join(filter(None, options))})
    abuse(server, SEED, DATAGRAMS // 10, STREAMS // 10)
    before = rss_kb(server.process.pid)
    abuse(server, SEED + 1, DATAGRAMS, STREAMS)
    after = rss_kb(server.process.pid)
    print(f'memory: {before} kB before, {after} kB after')
    assert after - before < GROWTH_KB_MAX
    assert server.is_running()
    assert len(server.ask('big.example.', 'A', tcp=True).answer[0]) == 50
