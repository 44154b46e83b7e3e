# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged is there after any end and on any disk, nothing is there by half, and no serial goes back.

Each update adds two records to a name of its own, so that a half-applied one would be seen, and moves the serial by one, so
that the serial counts them.
"""
import contextlib
import ctypes
import os
import random
import re
import resource
import shutil
import signal
import sqlite3
import subprocess

import pytest

import dynamic
import harness

pytestmark = pytest.mark.released

KEYS = dynamic.keys('k')
SIGNER = dynamic.Signer('k', KEYS['k']['secret'])
ROUNDS = 50 if os.environ.get('REEVE_LONG') else 20
DAMAGED = 5 if os.environ.get('REEVE_LONG') else 3        # times that a state is, in each way
ACKNOWLEDGED_MAX = 300      # in one round
SERIAL = 1                  # of the file
TEXT = f'$TTL 300\n@ SOA ns hostmaster {SERIAL} 3600 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n'
ZONES = {'example.': dynamic.all_by('k', text=TEXT)}
CLONE_NEWNS = 0x00020000
needs_mount = pytest.mark.skipif("not harness.can_unshare('mount')", reason='needs a mount namespace for a small file system')


def flight_to(server):
    return dynamic.Flight(server, SIGNER)


def judge(server, flight):
    """Flight.judge(); and the serial counts the updates that are there."""
    found = flight.judge()
    assert server.serial('example.') == SERIAL + sum(what == 'A TXT' for what in found.values())


class Watch:
    """Called after each answer: looks at the serial now and then, and kills after some answers."""

    def __init__(self, server, rnd):
        self.server, self.kill_after, self.serial = server, rnd.randint(1, ACKNOWLEDGED_MAX), 0

    def __call__(self, answers):
        if answers % 16 == 1 and answers < self.kill_after:
            self.serial = self.server.serial('example.')
        if answers == self.kill_after:
            self.server.kill()
        return False


# --- kill -9 ---

@pytest.mark.long
def test_what_was_acknowledged_survives_kill_9(updated):
    server = updated(ZONES, keys=KEYS)
    rnd, flight = random.Random(1), flight_to(server)
    for number in range(ROUNDS):
        watch, before = Watch(server, rnd), flight.last
        flight.run(1 << 20, watch)
        assert server.process.returncode == -signal.SIGKILL
        server.run()
        found = flight.found(range(before, flight.last))
        assert set(found.values()) <= {'', 'A TXT'}, f'round {number}: half-applied'
        assert all(found[n] for n in flight.acked if n >= before), f'round {number}: acknowledged and lost'
        assert server.serial('example.') >= watch.serial, f'round {number}: the serial went back'
    assert not flight.refused
    judge(server, flight)


@pytest.mark.long
def test_what_was_acknowledged_survives_kill_9_during_compaction(reeved):
    """So little history is kept in a small zone that snapshots are written all the time."""
    server = reeved(ZONES, keys=KEYS, server={'limits': {'snapshot-after': '4K', 'history-size': '64K'}})
    rnd, flight = random.Random(2), flight_to(server)
    unfinished = number = 0
    while number < ROUNDS // 2 or (unfinished == 0 and number < 2 * ROUNDS):
        number += 1
        flight.run(1 << 20, Watch(server, rnd))
        unfinished += has_unfinished_snapshot(server)
        server.run()
    judge(server, flight)
    assert unfinished > 0, 'killed during compaction, at least once'


def test_what_was_acknowledged_survives_kill_9_during_reloads(reeved):
    """The zone file changes, too: it is merged when the kill comes, or by the start after it."""
    server = reeved(ZONES, keys=KEYS)
    rnd, flight = random.Random(4), flight_to(server)
    for number in range(ROUNDS // 5):
        watch, reload_after = Watch(server, rnd), rnd.randint(1, ACKNOWLEDGED_MAX)

        def reload_and_watch(answers, number=number, watch=watch, reload_after=reload_after):
            if answers == reload_after and server.is_running():
                server.zone_file('example.', f'{TEXT}api A 192.0.2.{number}\n')
                server.process.send_signal(signal.SIGHUP)
            return watch(answers)
        before = server.serial('example.')
        flight.run(1 << 20, reload_and_watch)
        server.run()
        assert server.serial('example.') >= max(before, watch.serial), f'round {number}: the serial went back'
    assert not flight.refused
    flight.judge()


def has_unfinished_snapshot(server):
    """The server has ended. A copy is looked at, for looking changes the files."""
    copy = server.dir / 'looked-at'
    shutil.copytree(server.state, copy)
    with contextlib.closing(sqlite3.connect(copy / 'reeve.db')) as db:
        count = db.execute('SELECT count(*) FROM snapshot WHERE state <> 1').fetchone()[0]
    shutil.rmtree(copy)
    return count > 0


# --- what a kill cannot show, for the system keeps what was written ---

def can_trace():
    return subprocess.run(['strace', '-o', '/dev/null', '-e', 'trace=none', 'true'], capture_output=True,
                          check=False).returncode == 0


@contextlib.contextmanager
def traced(server, calls):
    """Gives a function that returns the lines so far: system calls of all threads, in order of their begin and end."""
    path = server.dir / 'trace'
    with subprocess.Popen(['strace', '-f', '-p', str(server.process.pid), '-o', str(path), '-e', f'trace={calls}'],
                          stderr=subprocess.PIPE, text=True) as tracer:
        try:
            assert 'attached' in tracer.stderr.readline()
            yield lambda: path.read_text(encoding='ascii', errors='replace').splitlines()
        finally:
            tracer.terminate()


@pytest.mark.skipif('not can_trace()', reason='needs strace and the right to use it')
def test_no_answer_leaves_before_the_disk_has_it(reeved):
    server = reeved(ZONES, keys=KEYS)
    flight = dynamic.Flight(server, SIGNER, window=1)
    count = 20
    with traced(server, 'fsync,fdatasync,sendmmsg,sendmsg,sendto') as lines:
        flight.run(count)
        server.until(lambda: len(answered(lines())) >= count, 'the trace')
        assert all(answered(lines())[:count])
    assert len(flight.acked) == count


def answered(lines):
    """For each answer that was sent: whether a sync had succeeded since the one before."""
    result, is_synced = [], False
    for line in lines:
        if re.search(r'\b(fsync|fdatasync)(\(| resumed).*= 0$', line):
            is_synced = True
        elif re.search(r'\bsend(mmsg|msg|to)\(.*sin_port|\bsendmmsg\(', line):
            result.append(is_synced)
            is_synced = False
    return result


# --- ends that are no crash ---

def test_what_was_acknowledged_survives_the_end_by_a_signal(reeved):
    server = reeved(ZONES, keys=KEYS)
    flight, rnd = flight_to(server), random.Random(3)
    for _ in range(ROUNDS // 5):
        last = rnd.randint(1, ACKNOWLEDGED_MAX)

        def end(answers, last=last):
            if answers == last:
                server.process.send_signal(signal.SIGTERM)
        flight.run(1 << 20, end)
        assert server.process.wait(harness.DEADLINE_S) == 0
        server.run()
    assert not flight.refused
    judge(server, flight)


def test_a_start_changes_nothing(reeved):
    server = reeved(ZONES, keys=KEYS)
    flight = flight_to(server)
    flight.run(100)
    for _ in range(3):
        assert server.stop() == 0
        server.run()
    judge(server, flight)


def test_a_state_directory_is_for_one_server(reeved, reeved_ready):
    first = reeved(ZONES, keys=KEYS)
    second = reeved_ready(ZONES, keys=KEYS, server={'state-dir': str(first.state)})
    second.configure()
    second.expected_exit = 1
    second.run(wait=False)
    assert second.process.wait(harness.DEADLINE_S) == 1
    assert re.search(f'{first.state}.*in use', second.log())
    flight_to(first).run(10)


# --- a full disk, one that is read-only, one with errors ---

class Small:
    """A file system of a few megabytes over the state directory, in a mount namespace that outlives the server's."""

    def __init__(self, server, size):
        self.server = server
        self.holder = subprocess.Popen(
            ['unshare', '--mount', '--propagation', 'private', 'sh', '-c',
             f'mount -t tmpfs -o size={size} none {server.state} && echo ready && exec cat'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b'ready\n'
        self.path = f'/proc/{self.holder.pid}/root{server.state}'

    def close(self):
        self.holder.communicate()

    def enter(self):
        """In the server's process, before it becomes the server."""
        with open(f'/proc/{self.holder.pid}/ns/mnt', 'rb') as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNS):
                raise OSError(ctypes.get_errno(), 'setns')

    def run(self, **how):
        return self.server.run(preexec=self.enter, **how)

    def free(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_bsize

    def fill(self, leave=0):
        with open(f'{self.path}/filler', 'ab') as filler:
            filler.write(bytes(self.free() - leave))

    def empty(self):
        os.remove(f'{self.path}/filler')

    def remount(self, how):
        """False: busy."""
        return subprocess.run(['nsenter', f'--mount=/proc/{self.holder.pid}/ns/mnt', 'mount', '-o', f'remount,{how}',
                               self.server.state], check=False, capture_output=True).returncode == 0


@pytest.fixture(name='small')
def fixture_small(reeved_ready):
    """small(size): a server, and its state directory on a small file system; not started."""
    opened = []

    def make(size='4M'):
        server = reeved_ready(ZONES, keys=KEYS)
        server.configure()
        opened.append(Small(server, size))
        return server, opened[-1]
    yield make
    for disk in opened:
        disk.close()


def fails(flight):
    """One update more; True if it was answered SERVFAIL."""
    flight.run(1)
    number = flight.last - 1
    return flight.refused.get(number) == 2 or (number in flight.refused and pytest.fail(f'rcode {flight.refused[number]}'))


def works_again(server, flight):
    server.until(lambda: not fails(flight), 'updates once there is room')


def check_rest(server, flight):
    """After the disk is well: all is there, also after a crash."""
    judge(server, flight)
    server.kill()


@needs_mount
def test_a_full_disk_stops_updates_and_nothing_else(small):
    server, disk = small()
    disk.run()
    flight = flight_to(server)
    flight.run(200)
    disk.fill(leave=64 << 10)
    server.until(lambda: fails(flight), 'the disk full')
    disk.fill()
    flight.run(200)             # many in flight: none of them is kept by half
    assert len(flight.refused) >= 200
    assert server.ask('ns.example.').answer, 'queries go on'
    assert 'full' in server.log()
    disk.empty()
    works_again(server, flight)
    flight.run(200)
    check_rest(server, flight)
    disk.run()
    judge(server, flight)


@needs_mount
def test_a_start_on_a_full_disk_serves_what_is_there(small):
    server, disk = small()
    disk.run()
    flight = flight_to(server)
    flight.run(100)
    server.kill()
    disk.fill()
    disk.run()
    flight.judge()
    assert fails(flight)
    disk.empty()
    works_again(server, flight)
    check_rest(server, flight)


@needs_mount
@pytest.mark.parametrize('room', [0, 800 << 10], ids=['nothing fits', 'the zone does not fit'])
def test_a_first_start_on_a_full_disk_takes_updates_once_there_is_room(small, room):
    server, disk = small('16M')
    server.zones = {'example.': dynamic.all_by('k', text=TEXT + f'$GENERATE 1-10000 h$ TXT "{"x" * 100}"\n')}
    server.configure()
    disk.fill(leave=room)
    disk.run(wait=False)
    server.notice('READY', '1')
    flight = flight_to(server)
    assert fails(flight)
    assert 'full' in server.log()
    assert server.ask('ns.example.').answer, 'queries are answered from the file'
    disk.empty()
    works_again(server, flight)
    check_rest(server, flight)
    disk.run()
    flight.judge()


@needs_mount
def test_a_disk_that_turns_read_only_stops_updates_and_nothing_else(small):
    server, disk = small()
    disk.run()
    flight = flight_to(server)
    flight.run(100)
    # With files open for writing no file system can be made read-only by hand: a full disk has them closed.
    disk.fill()
    server.until(lambda: fails(flight), 'the disk full')
    server.until(lambda: disk.remount('ro'), 'the disk read-only')
    assert fails(flight)
    assert server.ask('ns.example.').answer
    server.until(lambda: 'read-only' in server.log(), 'the reason in the log')
    assert disk.remount('rw')
    disk.empty()
    works_again(server, flight)
    check_rest(server, flight)


@needs_mount
def test_a_start_on_a_read_only_disk_says_so_and_ends(small):
    server, disk = small()
    disk.run()
    flight_to(server).run(10)
    assert server.stop() == 0
    assert disk.remount('ro')
    server.expected_exit = 1
    disk.run(wait=False)
    assert server.process.wait(harness.DEADLINE_S) == 1
    assert re.search(f'{server.state}.*read-only', server.log()), server.log()


def test_errors_of_the_disk_stop_updates_and_nothing_else(reeved_ready):
    """Writes beyond a size fail as with a broken disk; the log's file is far below it."""
    server = reeved_ready(ZONES, keys=KEYS)
    server.configure()
    server.run(preexec=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
    flight = flight_to(server)
    flight.run(300)
    largest = max(path.stat().st_size for path in server.state.iterdir())
    unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (largest, unlimited[1]))
    server.until(lambda: fails(flight), 'writes failing')
    flight.run(100)
    assert server.ask('ns.example.').answer
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
    works_again(server, flight)
    check_rest(server, flight)
    server.run()
    flight.judge()


# --- damage ---

DAMAGES = {
    # What happens to the first `end` bytes of a file, given as a bytearray.
    'bytes': lambda rnd, data, end: [data.__setitem__(rnd.randrange(end), rnd.randrange(256)) for _ in range(20)],
    'a page': lambda rnd, data, end: data.__setitem__(slice(at := rnd.randrange(end - PAGE), at + PAGE), rnd.randbytes(PAGE)),
    'a cut end': lambda rnd, data, end: data.__delitem__(slice(rnd.randrange(end // 2, end), None)),
    'zeros': lambda rnd, data, end: data.__setitem__(slice(0, min(2 * PAGE, end)), bytes(min(2 * PAGE, end))),
}
PAGE = 4096


def end_of_damage(path, data):
    """A write-ahead log may end in a transaction that a power failure cut short, and one that was damaged there looks the
    same: the last three, which the damage could reach together, are left alone. 0: there are no others."""
    if not path.name.endswith('-wal'):
        return len(data)
    starts, at = [32], 32                       # of transactions; a frame is 24 bytes and a page
    while data[at + 8:at + 16] == data[16:24]:  # the salts of this round through the file
        at += 24 + PAGE
        if any(data[at - PAGE - 20:at - PAGE - 16]):        # the last frame of a transaction
            starts.append(at)
    if len(starts) <= 4:        # it was begun anew just before the end
        return 0
    return starts[-4]


@pytest.fixture(name='full_state')
def fixture_full_state(reeved, request):
    """A state directory with updates in it, as it is after a crash or (param) a proper end, and the flight."""
    server = reeved(ZONES, keys=KEYS, server={'limits': {'snapshot-after': '16K'}})
    flight = flight_to(server)
    flight.run(600)
    if request.param:
        assert server.stop() == 0
    else:
        server.kill()
    return server, flight


@pytest.mark.parametrize('full_state', [False, True], indirect=True, ids=['after a crash', 'after a proper end'])
@pytest.mark.parametrize('what', DAMAGES)
def test_damage_is_told_of_and_nothing_is_lost_in_silence(full_state, what):
    server, flight = full_state
    kept = server.dir / 'kept'
    shutil.copytree(server.state, kept)
    rnd = random.Random(what)
    for _ in range(DAMAGED):
        shutil.rmtree(server.state)
        shutil.copytree(kept, server.state)
        # A write-ahead log that is cut off may look like one of which no more was ever written.
        path = rnd.choice(sorted(p for p in server.state.glob('reeve.db*')
                                 if p.stat().st_size and end_of_damage(p, p.read_bytes())
                                 and not (what == 'a cut end' and p.name.endswith('-wal'))))
        data = bytearray(path.read_bytes())
        DAMAGES[what](rnd, data, end_of_damage(path, data))
        path.write_bytes(data)
        server.log_path.unlink()
        server.run()
        server.until(lambda: server.answers('example.'), 'the zone')
        found = flight.found(flight.acked)
        assert set(found.values()) <= {'', 'A TXT'}, 'nothing by half'
        lost = sorted(n for n, whole in found.items() if not whole)
        assert not lost or re.search(r'level=(error|warning).*(damaged|lost)', server.log()), (
            f'{len(lost)} lost without a word after damage to {path.name}: {server.log()}')
        more = dynamic.Flight(server, SIGNER)
        more.first = more.last = 1_000_000 + rnd.randrange(1 << 20)
        more.run(50)
        assert len(more.acked) == 50, 'updates go on'
        server.kill()
