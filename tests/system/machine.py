# SPDX-License-Identifier: Apache-2.0
"""A machine with systemd as its first process, in namespaces of its own: processes, network (only loopback), mounts over a
copy of our root directory that is gone with it. Reeve is installed there, and there are no other units but targets and the
journal.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import harness

INIT = '/lib/systemd/systemd'
NEEDS = ('unshare', 'nsenter', 'mount', 'ip', 'pivot_root', 'systemctl', 'journalctl', 'dig', 'nsupdate', 'meson')
CAP_SYS_RESOURCE = 1 << 24
STATE = '/var/lib/private/reeve'
# Its argument is a directory; in that, `own` is what goes over our root directory. /dev is its own as well: what belongs to
# a service's user in /dev/shm is removed when that stops (RemoveIPC), and this directory may be there.
BOOT = '''
mount --make-rprivate /
cd "$1"
mkdir over root
mount -t tmpfs tmpfs over
mkdir over/upper over/scratch
cp -a own/. over/upper
mount -t overlay overlay -o lowerdir=/,upperdir=over/upper,workdir=over/scratch root
cd root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs dev
for node in null zero full random urandom tty; do
    touch dev/$node
    mount --bind /dev/$node dev/$node
done
mkdir dev/shm dev/pts dev/mqueue dev/hugepages
mount -t tmpfs tmpfs dev/shm
mount -t devpts -o newinstance devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
ip link set lo up
mkdir -p run/units run/log/journal run/old
cp -r etc/reeve-units/. run/units
pivot_root . run/old
umount -l /run/old
mount --make-rshared /
echo 'on to systemd'
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=test SYSTEMD_UNIT_PATH=/run/units SYSTEMD_GENERATOR_PATH=/run/none \
    ''' + INIT + ''' --system --unit=multi-user.target --show-status=no --log-target=journal
'''
# Its argument is the unit's drop-in, its standard input the configuration.
FRESH = f'''
systemctl stop reeved.socket reeved.service
old=$(cat /run/units/reeved.service.d/test.conf 2>/dev/null || :)
rm -rf {STATE} /var/lib/reeve /run/units/reeved.service.d /etc/reeve
mkdir /etc/reeve
cat >/etc/reeve/reeved.yaml
if [ -n "$1" ]; then
    mkdir /run/units/reeved.service.d
    printf %s "$1" >/run/units/reeved.service.d/test.conf
fi
[ -z "$1$old" ] || systemctl daemon-reload
systemctl reset-failed
journalctl --rotate --vacuum-time=1s --quiet || :
'''
UNITS = ('basic', 'sysinit', 'shutdown', 'final', 'umount', 'exit', 'sockets', 'local-fs', 'local-fs-pre', 'nss-lookup',
         'network-online', 'multi-user')
JOURNAL = ('systemd-journald.socket', 'systemd-journald-dev-log.socket', 'systemd-journald.service')
MACHINE_ID = 'b08dfa6083e7567a1921a715000001fb\n'


def cgroups():
    """Where the unified hierarchy is mounted, None: nowhere."""
    for line in pathlib.Path('/proc/self/mounts').read_text(encoding='utf-8').splitlines():
        _, where, kind, options = line.split()[:4]
        if kind == 'cgroup2' and 'rw' in options.split(','):
            return pathlib.Path(where)
    return None


def may_raise_limits():
    """Whether a service can get more of anything than this process may have."""
    effective = next(line for line in pathlib.Path('/proc/self/status').read_text(encoding='ascii').splitlines()
                     if line.startswith('CapEff:'))
    return bool(int(effective.split()[1], 16) & CAP_SYS_RESOURCE)


def why_not():
    """What such a machine lacks here, '' if nothing."""
    missing = [program for program in NEEDS if not shutil.which(program, path='/usr/sbin:/usr/bin:/sbin:/bin')]
    if missing or not pathlib.Path(INIT).exists():
        return f'not installed: {", ".join(missing) or "systemd"}'
    if not all(harness.can_unshare(what) for what in ('mount', 'pid', 'net', 'cgroup')):
        return 'may not make namespaces'
    return '' if cgroups() else 'no control groups of version 2'


class NotPossible(Exception):
    """Mounts are not what this environment lets us do; says which."""


class Machine:
    """Configured by configure(), then `systemctl` and its like are run in it with run()."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='reeve-machine-'))
        self.dir.chmod(0o755)
        self.group = cgroups() / self.dir.name
        self.group.mkdir()
        self._furnish(self.dir / 'own')
        self.log = open(self.dir / 'log', 'wb')         # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            ['sh', '-ec', 'echo $$ > "$1/cgroup.procs"; exec unshare --mount --pid --uts --ipc --net --cgroup --fork '
             '--kill-child --propagation private sh -ec "$2" sh "$3"', 'sh', str(self.group), BOOT, str(self.dir)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            self.until(self._is_up, 'systemd is up')
            self.run('systemctl', 'start', *JOURNAL)
        except BaseException:
            self.end()
            raise

    @staticmethod
    def _furnish(own):
        build = harness.Reeved.program().parents[1]
        subprocess.run(['meson', 'install', '-C', str(build), '--no-rebuild', '--destdir', str(own)], check=True,
                       capture_output=True)
        (own / 'etc').mkdir()
        (own / 'etc/machine-id').write_text(MACHINE_ID, encoding='ascii')
        units = own / 'etc/reeve-units'
        units.mkdir()
        for name in [f'{target}.target' for target in UNITS] + list(JOURNAL):
            shutil.copy(f'/lib/systemd/system/{name}', units)
        for unit in own.glob('usr*/**/systemd/system/*'):
            shutil.copy(unit, units)

    def _init(self):
        """The number that its first process has outside."""
        children = pathlib.Path(f'/proc/{self.process.pid}/task/{self.process.pid}/children').read_text(encoding='ascii')
        return children.split()[0] if children.strip() else None

    def _is_up(self):
        return self._init() and self.run('systemctl', 'is-active', '--quiet', 'multi-user.target', code=None).returncode == 0

    def _check(self):
        """Fails when the machine has ended."""
        code = self.process.poll()
        log = (self.dir / 'log').read_text(encoding='utf-8', errors='replace')[-4000:]
        if code is not None and 'on to systemd' not in log:
            raise NotPossible(log)
        assert code is None, log

    def until(self, condition, what):
        end = time.monotonic() + harness.DEADLINE_S
        while not condition():
            self._check()
            assert time.monotonic() < end, f'not in {harness.DEADLINE_S} s: {what}\n{self.journal()[-8000:]}'
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.2)      # the pause between two polls, cut short by the machine's end

    def run(self, *command, code=0, text=''):
        """A command in the machine; it has to exit with code (None: any). Gives what subprocess.run() gives."""
        result = subprocess.run(['nsenter', '--target', self._init(), '--all', '--', *map(str, command)], input=text, text=True,
                                capture_output=True, timeout=harness.DEADLINE_S, check=False, cwd='/')
        assert code in (None, result.returncode), f'{command}: {result.returncode}\n{result.stdout}{result.stderr}\n' \
            f'{self.journal()[-8000:] if command[0] != "journalctl" else ""}'
        return result

    def journal(self, *options):
        """What reeved, or systemd of it, has said."""
        return self.run('journalctl', '--no-pager', '--unit=reeved', *options, code=None).stdout

    def show(self, name):
        """A property of the service, as systemctl show has it."""
        return self.run('systemctl', 'show', '--value', f'--property={name}', 'reeved').stdout.strip()

    def status(self):
        """The fields of the main process's /proc/PID/status."""
        text = self.run('cat', f'/proc/{self.show("MainPID")}/status').stdout
        return {key: value.split() for key, _, value in (line.partition(':') for line in text.splitlines())}

    def write(self, path, text, mode=0o644):
        self.run('sh', '-ec', 'mkdir -p "${1%/*}"; rm -f "$1"; (umask 077; cat > "$1"); chmod "$2" "$1"', 'sh', path, oct(mode)[2:],
                 text=text)

    def fresh(self, configuration, drop_in=''):
        """As before the first start, with this configuration, and these lines behind those of the unit."""
        self.run('sh', '-ec', FRESH, 'sh', drop_in, text=configuration)

    def dig(self, *words):
        """The lines of `dig +short`; [] is no record, or no answer."""
        return self.run('dig', '+short', '+tries=1', '+time=20', *words, code=None).stdout.splitlines()

    def end(self):
        """unshare waits for the first process, and that is gone when all others in there are."""
        if self.process.poll() is None and self._init():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(self._init()), signal.SIGKILL)
        self.process.wait(harness.DEADLINE_S)
        self.log.close()
        for path, _, _ in os.walk(self.group, topdown=False):
            os.rmdir(path)
        shutil.rmtree(self.dir, ignore_errors=True)
