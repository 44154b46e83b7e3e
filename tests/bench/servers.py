# SPDX-License-Identifier: Apache-2.0
"""The servers: how each is configured alike, started on one core, told to reload and stopped.

Alike means: one worker, minimal responses, no rate limit, no cookies, no query log, no transfers, no notifies, no
journal, answers up to 1232 bytes, run in the foreground from a directory of its own without touching the system's.
"""
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import process
from material import without_ds
from probe import Probe

START_TIMEOUT_S = 180
RELOAD_TIMEOUT_S = 180
STOP_TIMEOUT_S = 30
QUIET_S = 0.5  # a server that used less than QUIET_SHARE of the core for so long has done its work
QUIET_SHARE = 0.02
QUIET_TIMEOUT_S = 60
PR_SET_PDEATHSIG = 1  # linux/prctl.h
PRCTL = ctypes.CDLL(None).prctl


class Failed(Exception):
    """A server could not be used; the text says which and why."""


def child_setup(core):
    """In the child: on one core, and not outliving us if we are killed."""
    os.sched_setaffinity(0, {core})
    PRCTL(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port():
    """A port that is free for both UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Server:
    """One start of a server with a set of zones. Subclasses say what its configuration and command line are."""

    name = ""
    binary = ""
    version_option = "-V"
    zone_sets = ("root", "tld", "small")
    can_reload = True  # by SIGHUP
    conf_head = conf_zone = ""  # more of the configuration: at its top, for each zone

    def __init__(self, path, zones, core):
        self.path, self.zones, self.core = path / self.name, zones, core
        self.port, self.process, self.probe = free_port(), None, None
        self.edited = False  # whether the big zone's file is the edited version now

    @classmethod
    def is_installed(cls):
        return shutil.which(cls.binary, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is not None

    @classmethod
    def version(cls):
        done = subprocess.run([cls.binary, cls.version_option], capture_output=True, text=True)
        found = re.search(r"\d+\.\d+[\w.+-]*", done.stdout + done.stderr)
        return found.group() if found else "?"

    def zone_path(self, zone):
        """Each server has its own path to the zone file, so that one can be changed without the others."""
        return self.path / "zones" / (zone.name.rstrip(".") or "root")

    def prepare(self):
        """An empty state: what an earlier start left is gone."""
        shutil.rmtree(self.path, ignore_errors=True)
        (self.path / "zones").mkdir(parents=True)
        for zone in self.zones:
            self.zone_path(zone).symlink_to(zone.path)
        self.write_config()

    def start(self):
        self.prepare()
        self.launch()

    def launch(self):
        """Starts the program upon whatever state there is."""
        with open(self.path / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.path, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=lambda: child_setup(self.core))
        self.probe = Probe(self.port)

    def serial(self, zone, end=None):
        """The zone's serial, as soon as it is told."""
        end = end or time.monotonic() + START_TIMEOUT_S
        while (serial := self.probe.serial(zone.name)) is None:
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failed(f"{self.name} does not serve {zone.name}\n{self.log_tail()}")
            time.sleep(0.002)
        return serial

    def wait_ready(self):
        """Until it answers from each of its zones."""
        end = time.monotonic() + START_TIMEOUT_S
        for zone in self.zones:
            self.serial(zone, end)

    def wait_serial(self, zone, serial):
        end = time.monotonic() + RELOAD_TIMEOUT_S
        while self.probe.serial(zone.name) != serial:
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failed(f"{self.name} did not reload {zone.name}\n{self.log_tail()}")
            time.sleep(0.02)

    def wait_quiet(self):
        """Until what follows loading is done too, such as giving memory back."""
        end, before = time.monotonic() + QUIET_TIMEOUT_S, self.cpu()
        while time.monotonic() < end:
            time.sleep(QUIET_S)
            now = self.cpu()
            if (now - before).exact < QUIET_S * QUIET_SHARE:
                return
            before = now

    def log_tail(self):
        return process.read(self.path / "log")[-2000:]

    def pids(self):
        return process.family(self.process.pid)

    def cpu(self):
        return process.cpu_of(self.pids())

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self, by=signal.SIGTERM):
        if not self.process:
            return
        if self.process.poll() is None:
            self.process.send_signal(by)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in self.pids():  # what a server left behind of its own session
            os.kill(pid, signal.SIGKILL)
        self.probe.close()
        self.process = None

    def write(self, name, text):
        (self.path / name).write_text(text)

    def zone_lines(self, form):
        return "".join(form.format(zone=z.name, short=z.name.rstrip(".") or ".", path=self.zone_path(z),
                                   more=self.conf_zone) for z in self.zones)


class Reeve(Server):
    name, binary, version_option = "reeve", "reeved", "--version"
    realtime = "no"  # or yes

    def conf_server(self):
        return (f'server: {{listen: ["127.0.0.1@{self.port}"], state-dir: "{self.path}", '
                f'realtime: {self.realtime}}}\n')

    def write_config(self):
        self.write("conf", f'{self.conf_head}{self.conf_server()}zones:\n'
                   + self.zone_lines('  "{zone}": {{file: "{path}"{more}}}\n'))

    def command(self):
        return [self.binary, "-c", self.path / "conf"]


class Nsd(Server):
    name, binary, version_option = "nsd", "nsd", "-v"

    def write_config(self):
        self.write("conf", f"""server:
  ip-address: 127.0.0.1@{self.port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{self.path}"
  database: ""
  zonelistfile: "{self.path}/zone.list"
  xfrdfile: "{self.path}/xfrd.state"
  xfrdir: "{self.path}"
  pidfile: ""
  logfile: "{self.path}/nsd.log"
  minimal-responses: yes
  round-robin: no
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  answer-cookie: no
  ipv4-edns-size: 1232
  zonefiles-write: 0
  statistics: 0
remote-control:
  control-enable: no
""" + self.zone_lines('zone:\n  name: "{zone}"\n  zonefile: "{path}"\n{more}'))

    def command(self):
        return [self.binary, "-d", "-c", self.path / "conf"]


class Knot(Server):
    name, binary = "knot", "knotd"
    journal = "none"

    def write_config(self):
        self.write("conf", f"""server:
  listen: 127.0.0.1@{self.port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  rundir: "{self.path}"
  udp-max-payload: 1232
  answer-rotation: off
control:
  listen: "{self.path}/ctl"
database:
  storage: "{self.path}"
log:
  - target: stderr
    any: error
template:
  - id: default
    storage: "{self.path}"
    journal-content: {self.journal}
    zonefile-load: whole
    zonefile-sync: -1
{self.conf_head}zone:
""" + self.zone_lines('  - domain: "{zone}"\n    file: "{path}"\n{more}'))

    def command(self):
        return [self.binary, "-c", self.path / "conf"]


class Named(Server):
    name, binary = "named", "named"

    def write_config(self):
        self.write("conf", f"""{self.conf_head}options {{
  directory "{self.path}";
  listen-on port {self.port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  recursion no;
  minimal-responses yes;
  answer-cookie no;
  querylog no;
  notify no;
  allow-transfer {{ none; }};
  dnssec-validation no;
  empty-zones-enable no;
  max-udp-size 1232;
  edns-udp-size 1232;
  pid-file none;
  session-keyfile none;
}};
controls {{ }};
logging {{ category default {{ null; }}; category lame-servers {{ null; }}; }};
""" + self.zone_lines('zone "{zone}" {{ type primary; file "{path}"; {more}}};\n'))

    def command(self):
        return [self.binary, "-f", "-n", "1", "-c", self.path / "conf"]


class Yadifa(Server):
    name, binary, version_option = "yadifa", "yadifad", "--version"
    can_reload = False  # only by its control protocol

    def write_config(self):
        self.write("conf", f"""<main>
  daemon off
  chroot off
  logpath "{self.path}"
  pidfile "{self.path}/pid"
  datapath "{self.path}"
  keyspath "{self.path}"
  xfrpath "{self.path}"
  edns0-max-size 1232
  uid 0
  gid 0
  port {self.port}
  listen 127.0.0.1
  statistics off
  queries-log-type 0
  thread-count-by-address 1
  allow-transfer none
  allow-notify none
</main>
<rrl>
  enabled false
</rrl>
<channels>
  stderr STDERR
</channels>
<loggers>
  server ERR,CRIT,ALERT,EMERG stderr
</loggers>
""" + self.zone_lines('<zone>\n  type primary\n  domain {short}\n  file "{path}"\n  notify-auto off\n</zone>\n'))

    def command(self):
        return [self.binary, "-c", self.path / "conf"]


class Gdnsd(Server):
    """Serves neither the root zone nor DNSSEC: only the big zone is asked of it, and that without its DS records."""

    name, binary, version_option = "gdnsd", "gdnsd", "-?"
    zone_sets = ("tld",)
    can_reload = False

    def __init__(self, path, zones, core):
        super().__init__(path, [without_ds(zone) for zone in zones], core)

    def write_config(self):
        self.write("config", f"""options => {{
  listen => {{ 127.0.0.1:{self.port} => {{ udp_threads => 1, tcp_threads => 1 }} }}
  run_dir => "{self.path}/run"
  state_dir => "{self.path}/state"
  zones_rfc1035_threads => 1
}}
""")

    def command(self):
        return [self.binary, "-c", self.path, "start"]


ALL = {server.name: server for server in (Reeve, Nsd, Knot, Named, Yadifa, Gdnsd)}
