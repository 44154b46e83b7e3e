# SPDX-License-Identifier: Apache-2.0
"""A flood of datagrams that takes all that the server has: who comes over TCP or the control socket is served all the
same, and what the kernel had to drop is counted and said.

ABUSE_LONG=1 lets it last for half a minute.
"""
import os
import re
import subprocess

import pytest

import harness
import legit

FLOOD_S = 30 if os.environ.get('ABUSE_LONG') else 1
BUFFER = 65536          # small, so that it runs over at once


def dropped_by_kernel(server):
    """As the kernel shows it to everybody: the last column of the sockets on the server's port."""
    port, total = f':{server.port:04X}', 0
    for path in ('/proc/net/udp', '/proc/net/udp6'):
        with open(path, encoding='ascii') as table:
            rows = [line.split() for line in table][1:]
        total += sum(int(row[-1]) for row in rows if row[1].endswith(port))
    return total


def flood(server, seconds):
    """A process that sends all it can for so long."""
    queries = server.write('queries', ''.join(f'a{i}.{legit.ZONE} A\n' for i in range(legit.NAMES)))
    program = harness.Reeved.program().parents[1] / 'tests' / 'bench' / 'bench_load'
    # pylint: disable=consider-using-with
    return subprocess.Popen([program, '--port', str(server.port), '--queries', str(queries), '--seconds', str(seconds),
                             '--outstanding', '32768'], stdout=subprocess.PIPE, text=True)


@pytest.mark.released       # which has the program that floods
def test_a_flood_leaves_room_for_tcp_and_control(reeved):
    server = reeved(legit.ZONES, keys=legit.KEYS, server={'limits': {'udp-receive-buffer': BUFFER}})
    heard = 0
    with legit.Clients(server, udp=20, tcp=50, updates=5, then_tcp=True), flood(server, FLOOD_S) as flooding:
        while flooding.poll() is None:
            assert server.ctl('status')['zones'] == 1
            heard += 1
        assert flooding.returncode == 0
        print(flooding.stdout.read(), end='')
    print(f'{heard} status requests in {FLOOD_S} s')
    assert heard > 0
    assert server.counter('udp_dropped_kernel') == dropped_by_kernel(server) > 0
    said = re.findall(r'level=warning msg="datagrams dropped by the kernel.*address=127\.0\.0\.1@(\d+) count=(\d+)', server.log())
    assert said and len(said) <= 1 + FLOOD_S // 60 and int(said[0][0]) == server.port and int(said[0][1]) > 0


def test_clients_with_cookies_are_served_where_cookies_are_required(reeved):
    server = reeved(legit.ZONES, keys=legit.KEYS, server={'cookies-required': 'yes'})
    with legit.Clients(server, udp=50, updates=10, cookies=True) as clients:
        pass
    assert sum(row['badcookie'] for row in clients.result.values()) > 0, 'the first one had none of ours'
    assert server.counter('cookies_good') > 0
