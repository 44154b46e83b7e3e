# SPDX-License-Identifier: Apache-2.0
"""What tests of transfers share: a zone that changes, a primary and a secondary that follows it, the zones compared."""
import functools
import struct
import time

import dns.name
import dns.rdata

import dynamic
import harness
import tap
import transfers
import wire

SOA = 6
KEYS = dynamic.keys('k')
ORIGIN = 'example.'
TIMERS = '2 1 1209600'      # refresh, retry, expire: what a lost NOTIFY costs is soon made up for
LIMITS = {'refresh-min': '1s', 'retry-min': '1s', 'retry-max': '2s'}
HEAD = f'''$TTL 300
@      SOA   ns hostmaster %d {TIMERS} 300
'''
ZONE = '''@      NS    ns
ns     A     192.0.2.1
www    A     192.0.2.80
www    AAAA  2001:db8::80
www    TXT   "one" "two"
www    MX    10 mail
alias  CNAME www
*.wild TXT   "wild"
cut    NS    ns.cut
ns.cut A     192.0.2.53
''' + ''.join(f'f{i} TXT "{i}: {"more than the changes, so that differences are worth it, " * 4}"\n' for i in range(75))


class Change:
    """The zone as it has to be: `sets` is {(owner, type): (TTL, {rdata})}, changed by `step` after `step` in the same way
    at a primary that takes updates and at one that reads a file."""

    def __init__(self, text=ZONE):
        self.serial, self.number, self.sets = 1, 0, {}
        for line in text.splitlines():
            owner, rdtype, rdata = line.split(None, 2)
            self.sets.setdefault((owner, rdtype), (300, set()))[1].add(rdata)

    def file(self):
        return HEAD % self.serial + ''.join(f'{owner} {ttl} {rdtype} {rdata}\n' for (owner, rdtype), (ttl, rdatas)
                                            in sorted(self.sets.items()) for rdata in sorted(rdatas))

    def next(self):
        """Records that the next step deletes (rdata None: the set, type None: the name) and adds, and does so here."""
        n, form = self.number, self.number % 4
        self.number, self.serial = n + 1, self.serial + 1
        if form == 0:
            deleted, added = [], [(f'c{n}', 60, 'A', f'10.0.{n}.1'), (f'c{n}', 60, 'A', f'10.0.{n}.2'),
                                  (f'c{n}', 300, 'TXT', f'"change {n}"')]
        elif form == 1:
            deleted, added = [(f'c{n - 1}', 'TXT', None)], [(f'c{n - 1}', 30, 'TXT', f'"change {n}"')]
        elif form == 2:
            deleted, added = [(f'c{n - 2}', 'A', f'10.0.{n - 2}.1')], [('www', 300, 'AAAA', f'2001:db8::{n:x}')]
        else:
            deleted, added = [('www', 'MX', None)] + ([(f'c{n - 3}', None, None)] if n % 8 == 3 else []), [
                ('www', 300 + n, 'MX', f'{n} mail.{n}')]
        self._apply(deleted, added)
        return deleted, added

    def _apply(self, deleted, added):
        for owner, rdtype, rdata in deleted:
            for key in [k for k in self.sets if k[0] == owner and rdtype in (None, k[1])]:
                self.sets[key][1].intersection_update(set() if rdata is None else self.sets[key][1] - {rdata})
                if not self.sets[key][1]:
                    del self.sets[key]
        for owner, ttl, rdtype, rdata in added:
            self.sets.setdefault((owner, rdtype), (ttl, set()))[1].add(rdata)

    def step(self, primary):
        """One change at the primary, acknowledged; or, where it reads files, seen by it."""
        deleted, added = self.next()
        if not getattr(primary, 'is_updated', True):
            primary.zone_file(ORIGIN, self.file())
            primary.reload()
            primary.until(lambda: primary.serial(ORIGIN) == self.serial, f'the file of serial {self.serial} read')
            return
        update = dynamic.update_of(ORIGIN, KEYS)
        for owner, rdtype, rdata in deleted:
            update.delete(owner, *(what for what in (rdtype, rdata) if what is not None))
        for record in added:
            update.add(*record)
        assert dynamic.rcode_of(primary, update) == 'NOERROR', update

    def records(self):
        """What records() finds at a server that is in sync, but for the SOA."""
        return {row_of(owner, ttl, rdtype, rdata) for (owner, rdtype), (ttl, rdatas) in self.sets.items() for rdata in rdatas}


@functools.lru_cache(maxsize=None)
def row_of(owner, ttl, rdtype, rdata):
    """A record of a zone file, as dnspython reads it; once, for the same ones are in version after version."""
    origin = dns.name.from_text(ORIGIN)
    return transfers.form(dns.name.from_text(owner, origin), ttl, dns.rdata.from_text('IN', rdtype, rdata, origin, False))


def records(server, zone=ORIGIN, key='k'):
    """All records of a server's zone by AXFR, signed, as transfers.Rows. Again where it may break off: nsd's processes end, with
    their connections, when an update has been taken in."""
    for left in reversed(range(10)):
        try:
            return set(transfers.rows(transfers.taken(server, zone, key=key, keys=dynamic.keys(*filter(None, [key])))))
        except (ConnectionResetError, struct.error):
            if isinstance(server, harness.Reeved) or not left:
                raise


def serial_now(server, zone):
    """The zone's serial at a server that may not be there, or not have it: None then."""
    try:
        reply = server.send_raw(wire.question(dns.name.from_text(zone).labels[:-1], SOA), timeout_s=1)
    except OSError:
        return None
    records = wire.read(reply).answer if reply else ()
    return next((struct.unpack_from('!I', rdata, len(rdata) - 20)[0] for _, rdtype, _, rdata in records if rdtype == SOA), None)


def wait_in_sync(primary, secondary, zone=ORIGIN, deadline_s=harness.DEADLINE_S, serial=None):
    """serial: the primary's, where what it answers is not to be relied on."""
    serial = serial or primary.serial(zone)
    assert serial is not None
    secondary.until(lambda: serial_now(secondary, zone) == serial, f'serial {serial} at the secondary', deadline_s)


def both(primary, secondary, zone):
    """The records of both. For a moment after a reload nsd's old process answers beside the new one, AXFR too; so where nsd takes
    part it is asked again while the SOAs differ."""
    is_nsd = not (getattr(primary, 'is_updated', True) and getattr(secondary, 'is_updated', True))
    end = time.monotonic() + harness.DEADLINE_S
    while True:
        ours, theirs = records(primary, zone), records(secondary, zone)
        is_same_version = all(record[1] != 'SOA' for record in ours ^ theirs)
        if is_same_version or not is_nsd or time.monotonic() > end:
            return ours, theirs


def assert_same(primary, secondary, change=None, zone=ORIGIN):
    """Record by record, the SOA among them; and, of a zone that a Change describes, what it has to be."""
    ours, theirs = both(primary, secondary, zone)
    assert ours == theirs, f'only at the primary: {ours - theirs}; only at the secondary: {theirs - ours}'
    if change:
        assert {record for record in ours if record[1] != 'SOA'} == change.records()


# --- a zone's map in the one role and the other ---

def primary_zone(text, *secondaries, **more):
    return dynamic.all_by('k', text=text, secondaries=list(secondaries), transfer=[{'key': 'k'}], **more)


def secondary_zone(*primaries, secondaries=(), **more):
    return {'primaries': list(primaries), 'transfer': [{'key': 'k'}], **more,
            **({'secondaries': list(secondaries)} if secondaries else {})}


def remote(port, key='k', address='127.0.0.1'):
    return {'address': f'{address}@{port}', **({'key': key} if key else {})}


def settings(kind, limits=None):
    """More arguments that a server of that fixture takes."""
    return {'server': {'limits': limits or LIMITS}} if kind == 'reeved' else {}


class Pair:
    """A primary and a secondary of ORIGIN, with a tap before each: `asked` sees what the secondary asks, `told` the NOTIFYs.
    far: a way.Way that is between them instead."""

    def __init__(self, request, primary, secondary, key='k', limits=None, far=None):
        self.change = Change()
        ports = [harness.free_port(), harness.free_port()]
        if far:
            there, where = [remote(port, key, far.there) for port in ports], {'address': far.here}
        else:
            self.asked, self.told = (tap.Tap(port) for port in ports)
            request.addfinalizer(self.asked.close)
            request.addfinalizer(self.told.close)
            there, where = [remote(self.asked.port, key), remote(self.told.port, key)], {}
        self.primary = request.getfixturevalue(primary)(
            {ORIGIN: primary_zone(self.change.file(), 's')}, keys=KEYS, port=ports[0],
            remotes={'s': there[1]}, **where, **settings(primary, limits))
        self.secondary = request.getfixturevalue(secondary)(
            {ORIGIN: secondary_zone('p')}, keys=KEYS, port=ports[1],
            remotes={'p': there[0]}, **where, **settings(secondary, limits))
        self.wait_in_sync()

    def wait_in_sync(self):
        """For a moment after a reload, nsd's old process answers beside the new one, with the serial before."""
        is_updated = getattr(self.primary, 'is_updated', True)
        wait_in_sync(self.primary, self.secondary, serial=None if is_updated else self.change.serial)

    def steps(self, count):
        for _ in range(count):
            self.change.step(self.primary)

    def assert_same(self):
        assert_same(self.primary, self.secondary, self.change)
