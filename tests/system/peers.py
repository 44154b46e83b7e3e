# SPDX-License-Identifier: Apache-2.0
"""Other servers beside reeved, set up from the same maps as it: named, knotd, nsd and pdns_server.

zones: {name: text, Path of a file, or a map}; of a map they take `file`, `primaries`, `secondaries`, `transfer` (keys alone)
and, if they can be updated at all, `updates`: the keys that it names (or everybody, for `unsigned`) may change all of the
zone. keys and remotes are the configuration's. Everything a test sets up for reeved runs with each of them in its place.
"""
import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import threading
import time

import harness
from harness import installed, is_secondary

SCHEMA = pathlib.Path('/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql')


def of_zone(zone, setting):
    return zone.get(setting, []) if isinstance(zone, dict) else []


class Peer(harness.Server):
    """Another server; it is asked until all zones that do not come from a primary are served."""
    program = None
    is_updated = True       # by UPDATE; else by its file

    def __init__(self, zones, keys=None, remotes=None, port=None):
        super().__init__(port=port)
        self.zones, self.keys, self.remotes = zones, keys or {}, remotes or {}
        self.files = {name: self.dir / f'{name.strip(".")}.copy' if is_secondary(zone) else self.zone_file(name, zone)
                      for name, zone in zones.items()}
        self.prepare()
        self.run()

    def prepare(self):
        """Once, before the first start."""

    def run(self):
        self.start(*self.command(), own_group=True)
        for name, zone in self.zones.items():
            is_up = self.is_up if is_secondary(zone) else self.answers
            self.until(lambda name=name, is_up=is_up: is_up(name), f'{self.program} serves {name}')
        return self

    def is_up(self, name):
        """It answers, whatever it says."""
        with contextlib.suppress(OSError):
            return self.send_raw(harness.query_of(name, 'SOA').to_wire(), timeout_s=1) is not None

    def kill(self):
        """With the processes that it made, which would keep its port, and do so until they have ended as well."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        end, pause = time.monotonic() + harness.DEADLINE_S, threading.Event()
        while not harness.bindable(self.port):
            assert time.monotonic() < end, f'{self.port} is still taken\n{self.log()[-8000:]}'
            pause.wait(0.01)

    def command(self):
        raise NotImplementedError

    def updaters(self, name):
        """Names of the keys that may update the zone; None among them: everybody."""
        return [grant.get('key') for grant in of_zone(self.zones[name], 'updates')]

    def takers(self, name):
        """Names of the keys that the zone is given to; None among them: everybody."""
        zone = self.zones[name]
        return sorted({rule.get('key') for rule in of_zone(zone, 'transfer')}
                      | {remote.get('key') for remote in self.remotes_of(name, 'secondaries')}, key=str)

    def remotes_of(self, name, setting):
        """The remotes that the zone's setting names, with their address taken apart."""
        result = []
        for remote in of_zone(self.zones[name], setting):
            address, _, port = self.remotes[remote]['address'].partition('@')
            result.append({**self.remotes[remote], 'name': remote, 'ip': address, 'port': port or '53'})
        return result


class Named(Peer):
    program = 'named'

    @staticmethod
    def each(keys, unless):
        return ''.join(f' key "{key}";' if key else ' any;' for key in keys) or f' {unless};'

    def addresses(self, name, setting):
        return ' '.join(f'{r["ip"]} port {r["port"]}' + (f' key "{r["key"]}"' if 'key' in r else '') + ';'
                        for r in self.remotes_of(name, setting))

    def zone_text(self, name, zone):
        text = (f'zone "{name}" {{ file "{self.files[name]}"; check-names ignore; '
                f'allow-transfer {{{self.each(self.takers(name), "any")} }}; ')
        if is_secondary(zone):
            text += f'type secondary; masterfile-format text; primaries {{ {self.addresses(name, "primaries")} }}; '
        else:
            text += f'type primary; allow-update {{{self.each(self.updaters(name), "none")} }}; '
        if of_zone(zone, 'secondaries'):
            text += f'notify explicit; also-notify {{ {self.addresses(name, "secondaries")} }}; '
        return text + '};\n'

    def command(self):
        zones = ''.join(self.zone_text(*item) for item in self.zones.items())
        keys = ''.join(f'key "{name}" {{ algorithm {key.get("algorithm", "hmac-sha256")}; secret "{key["secret"]}"; }};\n'
                       for name, key in self.keys.items())
        conf = self.write('named.conf', f'''options {{
    directory "{self.dir}"; listen-on port {self.port} {{ {self.address}; }}; listen-on-v6 {{ none; }};
    pid-file none; lock-file none; session-keyfile "{self.dir}/session.key"; recursion no; dnssec-validation no;
    notify no; notify-delay 0; allow-query {{ any; }}; minimal-responses yes; zone-statistics none;
    check-integrity no; check-wildcard no; check-mx ignore; check-srv-cname ignore; check-mx-cname ignore;
    answer-cookie no; minimal-any no; min-refresh-time 1; min-retry-time 1; provide-ixfr yes; request-ixfr yes;
    ixfr-from-differences no; max-ixfr-ratio unlimited;
    max-records-per-type 0; max-types-per-name 0;
}};
controls {{ }};
{keys}{zones}''')
        return installed(self.program, self.dir), '-g', '-n', '1', '-c', conf


class Nsd(Peer):
    program = 'nsd'
    is_updated = False

    def zone_text(self, name, zone):
        lines = [f'name: "{name}"', f'zonefile: "{self.files[name]}"']
        lines += [f'provide-xfr: {self.address} {key or "NOKEY"}' for key in self.takers(name)]
        for remote in self.remotes_of(name, 'primaries'):
            lines += [f'request-xfr: {remote["ip"]}@{remote["port"]} {remote.get("key", "NOKEY")}',
                      f'allow-notify: {remote["ip"]} {remote.get("key", "NOKEY")}']
        lines += [f'notify: {r["ip"]}@{r["port"]} {r.get("key", "NOKEY")}' for r in self.remotes_of(name, 'secondaries')]
        if is_secondary(zone):
            lines += ['min-refresh-time: 1', 'min-retry-time: 1', 'max-refresh-time: 2', 'max-retry-time: 1']
        if self.takers(name):
            lines += ['store-ixfr: yes', 'ixfr-number: 1000'] + ([] if is_secondary(zone) else ['create-ixfr: yes'])
        return 'zone:\n' + ''.join(f'  {line}\n' for line in lines)

    def command(self):
        zones = ''.join(self.zone_text(*item) for item in self.zones.items())
        keys = ''.join(f'key:\n  name: "{name}"\n  algorithm: {key.get("algorithm", "hmac-sha256")}\n'
                       f'  secret: "{key["secret"]}"\n' for name, key in self.keys.items())
        conf = self.write('nsd.conf', f'''server:
  ip-address: {self.address}@{self.port}
  server-count: 1
  username: ""
  zonesdir: "{self.dir}"
  database: ""
  pidfile: ""
  zonelistfile: "{self.dir}/zone.list"
  xfrdfile: "{self.dir}/xfrd.state"
  xfrdir: "{self.dir}"
  xfrd-reload-timeout: 0
  zonefiles-write: 1
  verbosity: 2
  rrl-ratelimit: 0
  minimal-responses: yes
  confine-to-zone: no
remote-control:
  control-enable: no
{keys}{zones}''')
        return installed(self.program, self.dir), '-d', '-c', conf

    def reload(self):
        self.process.send_signal(signal.SIGHUP)


class Knotd(Peer):
    program = 'knotd'

    def zone_text(self, name, zone):
        setting = {'domain': name, 'file': str(self.files[name])}
        acl = [f'update-{key}' for key in self.updaters(name)] + [f'transfer-{key or "all"}' for key in self.takers(name)]
        if of_zone(zone, 'primaries'):
            setting |= {'master': zone['primaries'], 'zonefile-load': 'none', 'journal-content': 'all',
                        'refresh-min-interval': 2, 'retry-min-interval': 1, 'retry-max-interval': 2}
            acl += [f'notify-{remote["name"]}' for remote in self.remotes_of(name, 'primaries')]
        elif self.takers(name):
            setting |= {'journal-content': 'changes', 'serial-policy': 'increment'}
        if of_zone(zone, 'secondaries'):
            setting |= {'notify': zone['secondaries']}
        return {**setting, **({'acl': acl} if acl else {})}

    def sections(self):
        """Its configuration but for what all have in common: {section: items}."""
        rules = [{'id': f'update-{key}', 'key': key, 'action': 'update'} for key in self.keys]
        rules += [{'id': f'transfer-{key}', 'key': key, 'action': 'transfer'} for key in self.keys]
        rules += [{'id': 'transfer-all', 'action': 'transfer'}, {'id': 'update-None', 'action': 'update'}]
        rules += [{'id': f'notify-{name}', 'address': remote['address'].partition('@')[0], 'action': 'notify',
                   **({'key': remote['key']} if 'key' in remote else {})} for name, remote in self.remotes.items()]
        return {
            'key': [{'id': name, 'algorithm': key.get('algorithm', 'hmac-sha256'), 'secret': key['secret']}
                    for name, key in self.keys.items()],
            'remote': [{'id': name, **remote} for name, remote in self.remotes.items()],
            'acl': rules,
            'zone': [self.zone_text(*item) for item in self.zones.items()]}

    @staticmethod
    def section_text(name, items):
        lines = ('\n'.join(f'{"  - " if i == 0 else "    "}{k}: {json.dumps(v)}' for i, (k, v) in enumerate(item.items()))
                 for item in items)
        return f'{name}:\n' + '\n'.join(lines) + '\n' if items else ''

    def command(self):
        conf = self.write('knot.conf', f'''server:
  rundir: "{self.dir}"
  listen: {self.address}@{self.port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "{self.dir}"
log:
  - target: stderr
    any: info
template:
  - id: default
    storage: "{self.dir}"
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
{"".join(self.section_text(*section) for section in self.sections().items())}''')
        return installed(self.program, self.dir), '-c', conf


class Pdns(Peer):
    """Its zones are in a database, in which the files are once, before the first start."""
    program = 'pdns_server'

    def prepare(self):
        self.write_conf()
        with contextlib.closing(sqlite3.connect(self.dir / 'pdns.db')) as db, db:
            db.executescript(SCHEMA.read_text(encoding='utf-8'))
            db.executemany('INSERT INTO tsigkeys (name, algorithm, secret) VALUES (?, ?, ?)', [
                (name, key.get('algorithm', 'hmac-sha256'), key['secret']) for name, key in self.keys.items()])
        for name, zone in self.zones.items():
            if not is_secondary(zone):
                self.util('load-zone', name, self.files[name])
        with contextlib.closing(sqlite3.connect(self.dir / 'pdns.db')) as db, db:
            for name, zone in self.zones.items():
                self.zone_setting(db, name.strip('.'), zone)

    def zone_setting(self, db, name, zone):
        primaries, secondaries = (self.remotes_of(name + '.', what) for what in ('primaries', 'secondaries'))
        if primaries:
            db.execute('INSERT INTO domains (name, type, master) VALUES (?, ?, ?)', (
                name, 'SLAVE', ','.join(f'{r["ip"]}:{r["port"]}' for r in primaries)))
        else:
            db.execute('UPDATE domains SET type = ? WHERE name = ?', ('MASTER', name))
        said = [('TSIG-ALLOW-AXFR', key) for key in self.takers(name + '.') if key]
        said += [('ALLOW-AXFR-FROM', '0.0.0.0/0') for key in self.takers(name + '.') if not key]
        said += [('TSIG-ALLOW-DNSUPDATE', key) for key in self.updaters(name + '.')]
        said += [('SOA-EDIT-DNSUPDATE', 'INCREASE'), ('NOTIFY-DNSUPDATE', '1'), ('IXFR', '1')]
        said += [('ALSO-NOTIFY', f'{r["ip"]}:{r["port"]}') for r in secondaries]
        said += [('AXFR-MASTER-TSIG', r['key']) for r in (primaries or secondaries)[:1] if 'key' in r]
        if of_zone(zone, 'primaries') and secondaries:
            said += [('SLAVE-RENOTIFY', '1')]
        db.executemany('INSERT INTO domainmetadata (domain_id, kind, content) '
                       'SELECT id, ?, ? FROM domains WHERE name = ?', [(*row, name) for row in said])

    def util(self, *words):
        result = subprocess.run(['pdnsutil', '--config-dir', str(self.dir), *map(str, words)], capture_output=True, text=True,
                                timeout=harness.DEADLINE_S, check=False)
        assert result.returncode == 0, f'{words}: {result.stdout}{result.stderr}'

    def write_conf(self):
        self.write('pdns.conf', f'''launch=gsqlite3
gsqlite3-database={self.dir}/pdns.db
gsqlite3-pragma-synchronous=0
local-address={self.address}
local-port={self.port}
socket-dir={self.dir}
primary=yes
secondary=yes
slave-cycle-interval=1
dnsupdate=yes
allow-axfr-ips=
only-notify=
security-poll-suffix=
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
receiver-threads=1
distributor-threads=1
signing-threads=1
retrieval-threads=1
disable-syslog=yes
write-pid=no
loglevel=6
''')

    def command(self):
        return installed(self.program, self.dir), f'--config-dir={self.dir}', '--guardian=no', '--daemon=no'
