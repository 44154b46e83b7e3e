# SPDX-License-Identifier: Apache-2.0
"""What `run` and `run-update` have in common: arguments, which servers there are, what a failure does to a run."""
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import servers


def built():
    path = Path(__file__).resolve().parents[2] / "build/gcc/src/reeved"
    return str(path) if path.exists() else None


def add_arguments(ask):
    ask.add_argument("--reeved", default=os.environ.get("REEVED") or built(),
                     help="the binary of Reeve (default $REEVED, build/gcc/src/reeved, PATH)")
    ask.add_argument("--server-cpu", type=int, default=0)
    ask.add_argument("--load-cpu", type=int, default=1)
    ask.add_argument("--realtime", action="store_true", help="Reeve with `realtime: yes`; needs root or CAP_SYS_NICE")
    ask.add_argument("--json", help="write every sample to this file")


def check_arguments(ask, args, lists):
    """Ends the program if the binary cannot be run or a list, (given, known), has a word that nobody knows."""
    if args.reeved and not os.access(args.reeved, os.X_OK):
        ask.error(f"{args.reeved} cannot be run")
    for given, known in lists:
        unknown = set(given.split(",")) - set(known)
        if unknown:
            ask.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


class Run:
    """The servers of a run, where it works, what failed."""

    def __init__(self, args, known):
        self.args, self.parts, self.failures = args, args.parts.split(","), []
        if args.reeved:
            servers.Reeve.binary = os.path.abspath(args.reeved)
        servers.Reeve.realtime = "yes" if args.realtime else "no"
        self.classes = []
        for name in args.servers.split(","):
            if known[name].is_installed():
                self.classes.append(known[name])
            else:
                say(f"{name} is not installed: left out")
        self.base = Path(os.environ.get("BENCH_DIR", "/tmp/reeve-bench"))
        self.path = self.base / f"run-{os.getpid()}"

    def names(self):
        return [cls.name for cls in self.classes]

    def failed(self, error):
        say(f"FAILED: {error}")
        self.failures.append(str(error))

    @contextmanager
    def dropping(self, name, running):
        """A server that fails is left out from there on, the others go on."""
        try:
            yield
        except servers.Failed as error:
            server = running.pop(name, None)
            self.failed(f"{name}: {error}\n{server.log_tail() if server else ''}")
            if server:
                server.stop()
