# SPDX-License-Identifier: Apache-2.0
"""Valid messages of every kind with their structure changed, most of them signed after that, so that what is wrong gets past
the signature: reeved goes on answering, says nothing to a sanitizer, and keeps nothing; and legitimate clients are served all
the while (legit.py).

MUTATE_MESSAGES says how many, MUTATE_SEED which: what was sent before a failure is sent again with the same seed. The full
measure is MUTATE_MESSAGES=1000000.

Memory is measured from the half on. What may still fill then is what has a limit: the zone, up to update-zone-records; what is
kept of its changes, up to recent-changes; and SQLite's cache of the change log's pages, up to CACHE_KB_MAX of
src/log/journal_int.h, but never more than the database has, which history-size keeps small however long the load lasts.
"""
import os
import random
import re
import subprocess

import dynamic
import following
import harness
import legit
from test_tcp import descriptors, memory_kb

MESSAGES = int(os.environ.get('MUTATE_MESSAGES', '20000'))
SEED = int(os.environ.get('MUTATE_SEED', '0')) or random.SystemRandom().getrandbits(32)
# Of 1,000,000 messages the second half has been seen to add 4.1 MB with sanitizers (2.1 of 20,000), and 0.6 MB without, of a
# database of 1.1 MB.
GROWTH_KB_MAX = 8192 if harness.Reeved.is_slow() else 3072
DATABASE_KB_MAX = 8192
PER_S_MIN = 500         # messages; a run that is slower than this has hung
ZONE = dynamic.ZONE + '''mail  A     192.0.2.25
dname DNAME wild
loop  CNAME pool
pool  CNAME loop
x.y.z TXT   "below an empty non-terminal"
$GENERATE 1-50 big A 198.51.100.$
'''
# Every zone stays small, and little is kept of what changed: then memory has no reason to grow.
LIMITS = {'history-size': '256K', 'recent-changes': '256K', 'snapshot-after': '64K', 'transfers-out': 32, 'retry-min': '1s',
          'retry-max': '1s', 'refresh-min': '1s', 'tcp-idle': '1s', 'update-zone-records': 1000,
          'refusals-per-source': 0}
KEYS = {name: key for name in dynamic.ALGORITHMS for name, key in dynamic.keys(name, algorithm=name).items()}
SAMPLES = (harness.TOP / 'tests/data/rdata.txt').read_text(encoding='utf-8')
NO_DATA = {'NULL', 'OPT', 'TSIG', 'TKEY', 'NXNAME', 'ANY', 'AXFR', 'IXFR', 'MAILA', 'MAILB'}
TYPES = sorted(set(re.findall(r'^(\S+) \|', SAMPLES, re.M)) - NO_DATA)
KEYS['hmac-sha512'] |= {'algorithm': 'hmac-sha512-512'}      # of which no part will do
LEGIT = {'udp': 200, 'tcp': 10, 'updates': 5, 'sources': ('127.0.0.2', '127.0.0.3')}
TAKEN = {'transfer': [{'unsigned': 'yes'}, *({'key': name} for name in KEYS)]}
REACHED = ['tsig_badkey', 'tsig_badsig', 'tsig_badtime', 'tsig_badtrunc', 'notimp', 'badvers', 'notauth', 'notzone', 'nxrrset',
           'yxrrset', 'nxdomain', 'yxdomain', 'updates_unchanged', 'updates_forwarded', 'axfr_out', 'ixfr_out', 'ixfr_over_udp',
           'notifies_in', 'notifies_in_refused', 'transfers_in', 'cookies_good', 'cookies_bad', 'dropped_response']


def mutate(server, first, count):
    program = harness.Reeved.program().parents[1] / 'tests' / 'tools' / 'mutate'
    result = subprocess.run([program, *map(str, (server.port, SEED, first, count))], check=False, capture_output=True,
                            text=True, timeout=harness.DEADLINE_S + count / PER_S_MIN)
    assert result.returncode == 0, f'seed {SEED}: {result.stderr}{server.log()[-4000:]}'
    print(result.stdout, end='')


def environment():
    """What a sanitizer keeps of freed memory would look like growth."""
    options = [os.environ.get('ASAN_OPTIONS'), 'quarantine_size_mb=1', 'thread_local_quarantine_size_kb=64']
    return {'ASAN_OPTIONS': ':'.join(filter(None, options))}


def start(reeved):
    """A primary with copy.example., and the server under test, which has all that there is."""
    grants = [{'key': name, 'all': 'yes', 'types': TYPES, 'max-per-name': 100} for name in KEYS]
    by_all = {'file': ZONE, 'protect': 'file', 'updates': grants}
    port = harness.free_port()
    primary = reeved({'copy.example.': by_all | TAKEN | {'secondaries': ['s']}}, keys=KEYS, server={'limits': LIMITS},
                     remotes={'s': following.remote(port, 'hmac-sha256')}, log={'level': 'warning'}, env=environment())
    zones = {'example.': by_all | TAKEN,
             **{f'{name}.example.': {'file': harness.TOP / 'zones' / f'{name}.example.zone'} | TAKEN
                for name in ('signed', 'signed3')},
             'copy.example.': {'primaries': ['p'], 'forward-updates': 'yes'} | TAKEN, **legit.ZONES}
    server = reeved(zones, keys=KEYS | legit.KEYS, server={'limits': LIMITS, 'identity': 'x' * 255, 'version': 'test'}, port=port,
                    remotes={'p': following.remote(primary.port, 'hmac-sha256')}, log={'level': 'warning'},
                    env=environment())
    server.until(lambda: server.serial('copy.example.'), 'copy.example. is there')
    return primary, server


def test_survives_mutated_messages(reeved):
    primary, server = start(reeved)
    print('seed', SEED)
    with legit.Clients(server, **LEGIT):
        mutate(server, 0, MESSAGES // 2)
    before_kb, held = memory_kb(server), descriptors(server)
    with legit.Clients(server, **LEGIT):
        mutate(server, MESSAGES // 2, MESSAGES - MESSAGES // 2)
    counted = server.counters()
    server.until(lambda: descriptors(server) <= held, 'no descriptor is left')
    held_records = {name: server.asked('zone', zone=name)['records'] for name in ('example.', 'copy.example.')}
    database_kb = (server.state / 'reeve.db').stat().st_size // 1024
    print(f'memory: {before_kb} kB before, {memory_kb(server)} kB after; database: {database_kb} kB; descriptors: {held}; '
          f'records: {held_records}')
    print(*(f'{name} {value}' for name, value in counted.items() if value))
    assert memory_kb(server) - before_kb < GROWTH_KB_MAX
    assert database_kb < DATABASE_KB_MAX
    # It got where it was to get to: past signatures, into zones, and through every other door.
    assert counted['tsig_verified'] > MESSAGES / 5
    assert counted['updates_done'] > MESSAGES / 100
    assert not [name for name in REACHED if not counted[name]]
    for running, zone in ((server, 'example.'), (primary, 'copy.example.')):
        assert dynamic.texts(running, f'mail.{zone}', 'A', tcp=True) == ['192.0.2.25']
