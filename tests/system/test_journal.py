# SPDX-License-Identifier: Apache-2.0
"""The log in the journal: fields in its native protocol, as journald would get them."""
import ctypes
import socket
import subprocess

import pytest

import harness

CLONE_NEWNS = 0x00020000
ZONE = '@ 300 SOA ns hostmaster 1 3600 900 1209600 300\n@ 300 NS ns\nns 300 A 192.0.2.1\n'


def entry_of(datagram):
    """{field: value} of the journal's native protocol: lines of KEY=value (values with a newline are not used here)."""
    return dict(line.split('=', 1) for line in datagram.decode().splitlines())


@pytest.mark.skipif("not harness.can_unshare('mount')", reason='needs a mount namespace to stand in for journald')
def test_log_lines_arrive_in_the_journal_with_their_fields(reeved_ready):
    server = reeved_ready({'example.': ZONE, 'bad.example.': 'nonsense\n'}, log={'to': 'journal'})
    server.configure()
    stand_in = server.dir / 'journal'
    stand_in.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.settimeout(harness.ASK_TIMEOUT_S)
        journal.bind(str(stand_in / 'socket'))

        def own_run():
            if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
                raise OSError(ctypes.get_errno(), 'unshare')
            for command in (['mount', '--make-rprivate', '/'], ['mount', '-t', 'tmpfs', 'none', '/run'],
                            ['mkdir', '-p', '/run/systemd/journal'],
                            ['mount', '--bind', str(stand_in), '/run/systemd/journal']):
                subprocess.run(command, check=True)
        server.run(wait=False, preexec=own_run)
        entries = []
        while not entries or entries[-1]['MESSAGE'] != 'started':
            entries.append(entry_of(journal.recv(65536)))
        loaded = next(e for e in entries if e['MESSAGE'] == 'zone loaded')
        assert loaded['REEVE_ZONE'] == 'example.'
        assert loaded['PRIORITY'] == '6' and loaded['SYSLOG_IDENTIFIER'] == 'reeved'
        failed = next(e for e in entries if e.get('REEVE_ZONE') == 'bad.example.')
        assert failed['PRIORITY'] == '3'
        assert not any(field.startswith('CODE_') for e in entries for field in e)
        assert 'started' not in server.log(), 'nothing is written twice'
        assert server.stop() == 0
