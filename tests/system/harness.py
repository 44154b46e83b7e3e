# SPDX-License-Identifier: Apache-2.0
"""Real servers on loopback for the system tests: what all have in common, and reeved. Its peers are in peers.py.

Everything a server gets (configuration, zones, state) lies in a directory of its own that is removed when the test
passed. Nothing waits for luck: readiness is a datagram on NOTIFY_SOCKET or an answer, always with a deadline, and a
server that ends meanwhile fails the test at once with what it wrote. conftest.py makes fixtures of what is here.
"""
import contextlib
import functools
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

TOP = pathlib.Path(__file__).resolve().parents[2]
DEADLINE_S = 60         # for anything that must happen at all; a sanitizer build on a busy machine is slow
ASK_TIMEOUT_S = 10
PORTS = range(20000, 32000)     # below the kernel's own choice, so that no client's socket takes one
SANITIZER_REPORT = re.compile(r'ERROR: \w+Sanitizer|runtime error:|Sanitizer: (DEADLYSIGNAL|CHECK failed)|'
                              r'assert(ion)?\b.*failed', re.I)
_held = []              # sockets whose names are this process's claims on ports


@functools.cache
def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind(('::1', 0))
        return True
    except OSError:
        return False


@functools.cache
def can_unshare(what):
    """Whether this process may make itself a namespace: 'mount' or 'net'. Root may, but not in every container."""
    return os.geteuid() == 0 and subprocess.run(['unshare', f'--{what}', 'true'], capture_output=True,
                                                check=False).returncode == 0


def bindable(port):
    """Whether nobody has it, for UDP or TCP."""
    families = [(socket.AF_INET, '127.0.0.1')] + ([(socket.AF_INET6, '::1')] if has_ipv6() else [])
    for family, address in families:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(family, kind) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
                try:
                    s.bind((address, port))
                except OSError:
                    return False
    return True


def free_port():
    """A port free on 127.0.0.1 and ::1 for UDP and TCP, and claimed: no other run of these tests gets it."""
    start = os.getpid() * 37 % len(PORTS)
    for i in range(len(PORTS)):
        port = PORTS[(start + i) % len(PORTS)]
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f'\0reeve-test-port-{port}')
        except OSError:
            claim.close()
            continue
        _held.append(claim)
        if bindable(port):
            return port
    raise RuntimeError('no free port')


def query_of(name, rdtype='A', *, rdclass='IN', dnssec=False, payload=1232, edns=True, rd=False):
    """A question as a dns.message; edns=False sends no OPT."""
    query = dns.message.make_query(name, rdtype, rdclass)
    if edns:
        query.use_edns(0, ednsflags=dns.flags.DO if dnssec else 0, payload=payload)
    if not rd:
        query.flags &= ~dns.flags.RD
    return query


def is_secondary(zone):
    return isinstance(zone, dict) and 'primaries' in zone


class Server:
    """A process that answers on address and port. Subclasses set it up in their __init__ and call start()."""

    def __init__(self, address='127.0.0.1', port=None):
        self.address = address
        self.port = port or free_port()     # one that the caller has from free_port(), for servers that name each other
        # Not pytest's tmp_path: that is closed to other users, and its names are too long for a socket.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='reeve-test-'))
        self.dir.chmod(0o755)
        self.log_path = self.dir / 'log'
        self.process = None

    def start(self, *command, env=None, pass_fds=(), preexec=None, own_group=False):
        # No server outlives a test run that was killed. Without preexec_fn this process is not copied for each start.
        bound = ['setpriv', '--pdeathsig', 'TERM', '--']
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen(bound + [str(c) for c in command], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=env, cwd=self.dir, pass_fds=pass_fds,
                                            preexec_fn=preexec, start_new_session=own_group)

    def log(self):
        return self.log_path.read_text(encoding='utf-8', errors='replace') if self.log_path.exists() else ''

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text, encoding='utf-8')
        return path

    def zone_file(self, origin, zone):
        """The zone's text put into a file of ours, or the path that it is already."""
        if isinstance(zone, dict):
            zone = zone['file']
        if isinstance(zone, pathlib.Path):
            return zone.resolve()
        name = re.sub(r'[^A-Za-z0-9.-]', '_', origin.strip('.')) or 'root'
        return self.write(f'{name}.zone', zone)

    def until(self, condition, what, deadline_s=DEADLINE_S):
        """Polls until condition() is true; fails when the time is over or the server ends before."""
        end = time.monotonic() + deadline_s
        while not condition():
            assert time.monotonic() < end, f'not in {deadline_s} s: {what}\n{self.log()[-8000:]}'
            try:
                code = self.process.wait(0.02)      # the pause between two polls, cut short by the server's end
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f'server ended with {code} before: {what}\n{self.log()[-8000:]}')

    def answers(self, name):
        """True once a question for name's SOA gets an answer that is not SERVFAIL."""
        query = query_of(name, 'SOA')
        try:
            reply = self.send_raw(query.to_wire(), timeout_s=1)     # a connected socket: refused at once, not timed out
        except OSError:
            return False
        return reply is not None and reply[3] & 15 != dns.rcode.SERVFAIL

    def ask(self, name, rdtype='A', *, tcp=False, address=None, **how):
        """Asks and gives the dns.message of the answer. how: see query_of()."""
        return self.send(query_of(name, rdtype, **how), tcp=tcp, address=address)

    def serial(self, name):
        answer = self.ask(name, 'SOA').answer
        return answer[0][0].serial if answer else None

    def send(self, query, *, tcp=False, address=None):
        if tcp:
            return dns.query.tcp(query, address or self.address, ASK_TIMEOUT_S, self.port, one_rr_per_rrset=False)
        return dns.query.udp(query, address or self.address, ASK_TIMEOUT_S, self.port, ignore_unexpected=True)

    def send_raw(self, datagram, *, timeout_s=ASK_TIMEOUT_S, address=None):
        """Sends bytes as they are over UDP; the reply's bytes, or None when none came in time."""
        family = socket.AF_INET6 if ':' in (address or self.address) else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.settimeout(timeout_s)
            s.connect((address or self.address, self.port))
            s.send(datagram)
            try:
                return s.recv(65535)
            except socket.timeout:
                return None

    def connect(self, *, address=None):
        """A TCP connection, closed by the caller; `with` does."""
        return socket.create_connection((address or self.address, self.port), ASK_TIMEOUT_S)

    def kill(self):
        """As a crash would end it."""
        self.process.kill()
        self.process.wait()

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, how=signal.SIGTERM):
        """Ends the server and gives its exit code."""
        if self.is_running():
            self.process.send_signal(how)
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'did not stop in {DEADLINE_S} s\n{self.log()[-8000:]}') from None

    def finish(self):
        """At the end of a test: whatever state it left the server in."""
        if self.process:
            self.stop()

    def clean(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Reeved(Server):
    """zones: {name: zone text, Path of a file, or the zone's map as in the configuration, where `file` is either}; server,
    log, keys, remotes: more settings of these maps, as in the configuration. The state directory is one of its own."""

    def __init__(self, zones, server=None, log=None, keys=None, remotes=None, address='127.0.0.1', port=None):
        super().__init__(address, port)
        self.zones = dict(zones)
        self.state, self.socket = self.dir / 'state', self.dir / 'run' / 'control.sock'
        for path in (self.state, self.socket.parent):
            path.mkdir(mode=0o750)
            with contextlib.suppress(LookupError):      # a test's unknown user
                shutil.chown(path, (server or {}).get('user', os.geteuid()))
        # several tests run at a time: no processor is idle for long
        server = {**(server or {}), 'limits': {'loads-step-back': 'no', **(server or {}).get('limits', {})}}
        self.settings = {'server': {'listen': self.listen(), 'state-dir': str(self.state), **server},
                         'log': log or {}, 'keys': keys or {}, 'remotes': remotes or {},
                         'control': {'socket': str(self.socket)}}
        self.conf = self.dir / 'reeved.yaml'
        self.expected_exit = 0
        self.notices = []
        self.notify_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify_socket.bind(f'\0reeve-test-notify-{os.getpid()}-{self.port}')
        self._arrived = queue.Queue()
        threading.Thread(target=self._take_notices, daemon=True).start()

    @staticmethod
    def program():
        path = pathlib.Path(os.environ.get('REEVED', TOP / 'build/gcc/src/reeved')).resolve()
        assert path.exists(), f'{path}: no such program; set REEVED'
        return path

    @classmethod
    @functools.cache
    def is_slow(cls):
        """A build with sanitizers."""
        return b'__asan_init' in cls.program().read_bytes()

    @classmethod
    def is_brief(cls):
        """As good with fewer rounds of what takes many: a slow build, unless REEVE_LONG is set."""
        return cls.is_slow() and not os.environ.get('REEVE_LONG')

    def listen(self):
        return [f'{self.address}@{self.port}'] + ([f'::1@{self.port}'] if has_ipv6() else [])

    def configure(self, text=None):
        """Writes the configuration from zones and settings, or text as it is."""
        if text is None:
            zones = {name: self.zone_map(name, zone) for name, zone in self.zones.items()}
            text = json.dumps({**{k: v for k, v in self.settings.items() if v}, 'zones': zones}, indent=2) + '\n'
        self.conf.write_text(text, encoding='utf-8')

    def zone_map(self, name, zone):
        """The zone's map in the configuration; its text is put into a file."""
        more = dict(zone) if isinstance(zone, dict) else {}
        if 'file' in more or not isinstance(zone, dict):
            more['file'] = str(self.zone_file(name, zone))
        return more

    def environment(self, more=None):
        return {**os.environ, 'NOTIFY_SOCKET': '@' + self.notify_socket.getsockname()[1:].decode(), **(more or {})}

    def run(self, *, env=None, wait=True, **how):
        """Starts it; with wait, until it says READY and every zone that has no primaries has been loaded or given up."""
        self.start(self.program(), '-c', self.conf, **how, env=self.environment(env))
        if wait:
            self.notice('READY', '1')
            for name, zone in self.zones.items():
                if not is_secondary(zone):
                    self.until(lambda name=name: self.answers(name), f'zone {name} served')
        return self

    def _take_notices(self):
        """In a thread of its own: a full queue would hold up the server, as systemd's never does."""
        while data := self.notify_socket.recv(65536):
            self._arrived.put(dict(line.split('=', 1) for line in data.decode().splitlines() if '=' in line))

    def notice(self, key, value=None, deadline_s=DEADLINE_S):
        """Waits for the next message to the service manager with key (and value); gives it as a dict."""
        end = time.monotonic() + deadline_s
        while True:
            ended = self.process.poll() is not None     # asked first: what it sent before it ended still counts
            try:
                fields = self._arrived.get(timeout=0.05)
            except queue.Empty:
                assert not ended, f'ended without {key}\n{self.log()[-8000:]}'
                assert time.monotonic() < end, f'no {key} in {deadline_s} s; {self.notices}\n{self.log()[-8000:]}'
                continue
            self.notices.append(fields)
            if key in fields and value in (None, fields[key]):
                return fields

    def reload(self):
        """SIGHUP, until the service manager is told that it is over."""
        self.process.send_signal(signal.SIGHUP)
        self.notice('RELOADING', '1')
        return self.notice('READY', '1')

    def reevectl(self, *words, code=0, text=None, timeout_s=DEADLINE_S):
        """The real client beside the server's program, or that of another build (REEVECTL); it has to exit with code. Gives what
        subprocess.run() gives. It ends at once, and what it has not freed by then takes a sanitizer longer to look for than
        all else that it does."""
        quick = {**os.environ, 'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'}
        program = os.environ.get('REEVECTL') or str(self.program().with_name('reevectl'))
        result = subprocess.run([program, '--socket', str(self.socket), *map(str, words)],
                                input=text or '', text=True, capture_output=True, timeout=timeout_s, check=False, env=quick)
        assert result.returncode == code, f'{words}: {result.returncode}\n{result.stdout[-4000:]}{result.stderr[-4000:]}'
        return result

    def ctl(self, *words, **how):
        """The last line of the answer to reevectl --json."""
        return json.loads(self.reevectl('--json', *words, **how).stdout.splitlines()[-1])

    def asked(self, verb, **arguments):
        """The same without reevectl, over the control socket: for what is asked often, or beside what a test is about. It has
        to be done."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(DEADLINE_S)
            control.connect(str(self.socket))
            control.sendall(json.dumps({'verb': verb, **arguments}).encode() + b'\n')
            control.shutdown(socket.SHUT_WR)
            answer = json.loads(b''.join(iter(lambda: control.recv(65536), b'')).splitlines()[-1])
        assert answer['ok'], answer
        return answer

    def counter(self, name):
        return self.counters()[name]

    def counters(self):
        return {row['name']: row['value'] for row in self.asked('stats')['counters']}

    def finish(self):
        """Ends it as systemd would: it must exit as expected (0) and leave no sanitizer's report."""
        code = None
        if self.process and self.process.poll() != -signal.SIGKILL:
            code = self.stop()
        self.notify_socket.shutdown(socket.SHUT_RD)     # ends its reader
        report = SANITIZER_REPORT.search(self.log())
        assert not report, self.log()[max(0, report.start() - 200):][:20000]
        assert code in (None, self.expected_exit), f'exit code {code}\n{self.log()[-8000:]}'


def installed(program, directory):
    """The program of a package, as a copy in directory where AppArmor would bind it to its own directories."""
    path = shutil.which(program, path='/usr/sbin:/usr/bin:/usr/local/sbin')
    assert path, f'{program} is not installed'
    confined = pathlib.Path('/sys/module/apparmor/parameters/enabled')
    if confined.exists() and confined.read_text(encoding='ascii').strip() == 'Y':
        return shutil.copy(path, directory / program)
    return path
