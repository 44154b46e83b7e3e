# SPDX-License-Identifier: Apache-2.0
"""Reads scenarios (tests/scenario/*.rv; the language is described in tests/scenario/script.h) with dnspython; player.py
plays them."""
import dataclasses
import re

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer

import change

TTL = 3600
RCODES = ("NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE "
          "BADVERS BADCOOKIE").split()
FLAGS = {"aa": 0x0400, "tc": 0x0200, "rd": 0x0100, "ra": 0x0080, "z": 0x0040, "ad": 0x0020, "cd": 0x0010, "qr": 0x8000}
COMPARED = FLAGS["aa"] | FLAGS["tc"] | FLAGS["ra"] | FLAGS["z"] | FLAGS["ad"]
SECTIONS = ("answer", "authority", "additional")
ASKS = ("query", "message", "update")
EFFECTS = ("file", "reload", "restart", "crash", "after", "fail")
STATEMENTS = ("zone", "options", "config", "key", "remote", "origin", "expect") + ASKS + EFFECTS


class Fault(Exception):
    """What is wrong with a scenario, as file:line: sentence."""


@dataclasses.dataclass
class Section:
    mode: str = "exact"
    records: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Record:
    """One expected record. prefix: only the first words of the rdata are given ("RRSIG A ...")."""
    owner: dns.name.Name
    ttl: int
    rdclass: int
    rdtype: int
    rdata: object = None
    prefix: list = None

    def __str__(self):
        text = " ".join(self.prefix + ["..."]) if self.rdata is None else self.rdata.to_text()
        return f"{self.owner} {self.ttl} {dns.rdataclass.to_text(self.rdclass)} " \
               f"{dns.rdatatype.to_text(self.rdtype)} {text}"

    def agrees(self, got):
        if (self.owner, self.ttl, self.rdclass, self.rdtype) != (got.owner, got.ttl, got.rdclass, got.rdtype):
            return False
        if self.rdata is not None:
            return self.rdata.to_digestable() == got.rdata.to_digestable()
        words = got.rdata.to_text().lower().split()
        return words[:len(self.prefix)] == [w.lower() for w in self.prefix]


@dataclasses.dataclass
class Step:
    line: int
    kind: str
    wire: bytes = b""
    qname: dns.name.Name = None
    qtype: int = 0
    qclass: int = dns.rdataclass.IN
    flags: int = 0
    opcode: int = 0
    ident: int = 0
    edns: dict = None
    transports: tuple = ("udp", "tcp")
    rcodes: tuple = ()
    expect_flags: int = 0
    compared: int = COMPARED
    marks: set = dataclasses.field(default_factory=set)
    nsid: bytes = None
    expire: int = None
    lease: list = None      # as asked, for update
    leased: list = None     # as expected
    ede: int = None
    options: list = dataclasses.field(default_factory=list)     # (code, bytes or None for none of it, may it go on)
    serial: int = None
    size_max: int = 0
    announces: int = 0
    key: str = None
    zone: str = None
    text: str = None
    sections: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Script:
    path: str
    zones: dict = dataclasses.field(default_factory=dict)
    settings: list = dataclasses.field(default_factory=list)
    steps: list = dataclasses.field(default_factory=list)
    options: dict = dataclasses.field(default_factory=dict)
    keys: dict = dataclasses.field(default_factory=dict)
    remotes: dict = dataclasses.field(default_factory=dict)

    def is_stateful(self):
        return any(step.kind == "update" or step.kind in EFFECTS for step in self.steps)

    def setting(self, name, default):
        return next((value for key, value in self.settings if key == name), default)


def dedent(body):
    """Takes the indentation of the first line that is not blank off all lines, so that owners stand in column 1."""
    indent = re.search(r"^[ ]*(?=\S)", body, re.M)
    return re.sub(rf"^ {{1,{len(indent.group())}}}", "", body, flags=re.M) if indent and indent.group() else body


class Reader:
    """Words and blocks of a scenario; blanks, line ends and comments from # on separate words."""

    def __init__(self, path):
        self.path = str(path)
        with open(path, encoding="ascii") as f:
            self.text = f.read()
        self.at = 0
        self.words = []

    def line(self):
        return self.text.count("\n", 0, self.at) + 1

    def fault(self, sentence, line=None):
        return Fault(f"{self.path}:{line or self.line()}: {sentence}")

    def skip(self):
        self.at = re.compile(r"(?:\s+|#[^\n]*)*").match(self.text, self.at).end()

    def peek(self):
        self.skip()
        m = re.compile(r'"[^"\n]*"|[^\s{}]+|[{}]').match(self.text, self.at)
        return m.group() if m else None

    def word(self, what="a word"):
        w = self.peek()
        if w is None:
            raise self.fault(f"{what} expected, read the end of the file")
        self.at += len(w)
        return w

    def number(self, high):
        w = self.word("a number")
        if not w.isdigit() or int(w) > high:
            raise self.fault(f"a number up to {high} expected, read '{w}'")
        return int(w)

    def open(self):
        w = self.word("{")
        if w != "{":
            raise self.fault(f"{{ expected, read '{w}'")

    def block(self):
        """The raw text between { and the } that stands alone; ; begins a comment, quotes protect."""
        self.open()
        start, first = self.at, self.line()
        for m in re.compile(r'"(?:[^"\\\n]|\\.)*"|;[^\n]*|(?P<end>(?<![^\s{])\}(?!\S))|\\.|[^"]', re.S).finditer(self.text, start):
            if m.group("end"):
                self.at = m.end()
                return self.text[start:m.start()], first
        raise self.fault("block without }", first)


class Parser(Reader):
    def __init__(self, path):
        super().__init__(path)
        self.script = Script(self.path)
        self.origin = dns.name.root

    def run(self):
        while (w := self.peek()) is not None:
            if w not in STATEMENTS:
                raise self.fault(f"unknown word '{w}'")
            getattr(self, "read_" + ("effect" if w in EFFECTS else "behind" if w == "expect" else w))()
        if not self.script.steps:
            raise self.fault("no query, message or update")
        return self.script

    def name(self, text):
        try:
            return self.origin if text == "@" else dns.name.from_text(text, self.origin)
        except dns.exception.DNSException as e:
            raise self.fault(f"'{text}' is not a name: {e}") from e

    def before_steps(self, what):
        if self.script.steps:
            raise self.fault(f"{what} must stand before the first query")

    def read_zone(self):
        self.before_steps(self.word())
        name = self.word("a zone's name")
        if not name.endswith("."):
            raise self.fault(f"'{name}' lacks the final dot")
        body, line = self.block()
        self.origin = dns.name.from_text(name)
        # the text's line numbers are those of the scenario
        self.script.zones[name] = "\n" * (line - 1) + f"$TTL {TTL}" + dedent(body) + "\n"

    def read_config(self):
        self.before_steps(self.word())
        self.settings_into(self.script.settings)

    def read_options(self):
        self.before_steps(self.word())
        self.settings_into(self.script.options.setdefault(self.word("a zone's name"), []))

    def read_key(self):
        self.before_steps(self.word())
        name = self.word("a key's name")
        self.script.keys[name] = self.word("a secret")

    def read_remote(self):
        self.before_steps(self.word())
        self.settings_into(self.script.remotes.setdefault(self.word("a remote's name"), []))

    def settings_into(self, settings):
        body, first = self.block()
        for i, text in enumerate(body.split("\n")):
            text = text.split("#")[0].strip()
            if text:
                key, _, value = text.partition(" ")
                if not value:
                    raise self.fault(f"setting '{key}' without a value", first + i)
                settings.append((key, value.strip()))

    def read_origin(self):
        self.word()
        self.origin = dns.name.from_text(self.word("a name"))

    def read_query(self):
        self.word()
        step = Step(self.line(), "query")
        step.qname = self.name(self.word("a name"))
        step.qtype = self.type(self.word("a type"))
        self.query_words(step)
        self.read_expect(step)

    def read_effect(self):
        step = Step(self.line(), self.word())
        if step.kind == "file":
            step.zone = self.word("a zone's name")
            body, line = self.block()
            step.text = "\n" * (line - 1) + f"$TTL {TTL}" + dedent(body) + "\n"
        elif step.kind == "after":
            step.text = self.word("a time")
        elif step.kind == "fail":
            step.text = self.word("write, sync, read, full or nothing")
            if step.text in ("write", "sync", "read"):
                self.word("a number or once")
        self.script.steps.append(step)

    def read_behind(self):
        """expect sent, expect answer: about what only the server in process can be asked."""
        self.word()
        step = Step(self.line(), self.word("sent or answer"))
        if step.kind not in ("sent", "answer"):
            raise self.fault(f"sent or answer expected, read '{step.kind}'")
        self.word("what")
        while (w := self.peek()) is not None and (w == "fail" or w not in STATEMENTS):
            if w == "{":
                self.block()
            else:
                self.word()
        self.script.steps.append(step)

    def read_update(self):
        self.word()
        step = Step(self.line(), "update", transports=("udp",))
        step.zone = self.word("a zone's name")
        while self.peek() != "{":
            w = self.word("{")
            if w in ("udp", "tcp"):
                step.transports = (w,)
            elif w == "key":
                step.key = self.word("a key's name")
            elif w == "lease":
                step.lease = [self.number(2**32 - 1)]
                self.edns(step)["options"].append((2, b""))
            elif w == "key-lease":
                step.lease.append(self.number(2**32 - 1))
            else:
                raise self.fault(f"unknown word '{w}' in an update")
        body, line = self.block()
        step.wire = change.update_wire(self, step, body, line)
        if self.word("expect") != "expect":
            raise self.fault("expect expected")
        self.read_expect(step)

    def type(self, w):
        try:
            return dns.rdatatype.from_text(w)
        except dns.exception.DNSException as e:
            raise self.fault(f"'{w}' is not a type") from e

    def edns(self, step):
        if step.edns is None:
            step.edns = {"size": 1232, "version": 0, "flags": 0, "options": []}
        return step.edns

    def query_words(self, step):
        while (w := self.word("expect")) != "expect":
            if w in ("udp", "tcp"):
                step.transports = (w,)
            elif w in FLAGS:
                step.flags |= FLAGS[w]
            elif w in ("IN", "CH", "HS", "ANY", "NONE") or re.fullmatch(r"CLASS\d+", w):
                step.qclass = dns.rdataclass.from_text(w)
            elif w == "serial":
                step.serial = self.number(2**32 - 1)
            elif w == "key":
                step.key = self.word("a key's name")
            elif w == "opcode":
                step.opcode = self.number(15)
            elif w == "id":
                step.ident = self.number(65535)
            elif w == "do":
                self.edns(step)["flags"] |= 0x8000
            elif w == "nsid":
                self.edns(step)["options"].append((3, b""))
            elif w == "edns":
                self.edns(step)["size"] = self.number(65535)
            elif w == "edns-version":
                self.edns(step)["version"] = self.number(255)
            elif w == "edns-flags":
                self.edns(step)["flags"] |= int(self.word(), 16)
            elif w == "option":
                code = self.number(65535)
                self.edns(step)["options"].append((code, self.hex(self.word())))
            else:
                raise self.fault(f"unknown word '{w}' in a query")

    def hex(self, w):
        try:
            return b"" if w == "-" else bytes.fromhex(w)
        except ValueError as e:
            raise self.fault(f"'{w}' is not an even number of hex digits") from e

    def read_message(self):
        self.word()
        step = Step(self.line(), "message")
        body, _ = self.block()
        for w in re.findall(r';[^\n]*|"[^"\n]*"|\S+', body):
            if w.startswith('"'):
                step.wire += bytes([len(w) - 2]) + w[1:-1].encode()
            elif not w.startswith(";"):
                step.wire += self.hex(w)
        while (w := self.word("expect")) != "expect":
            if w not in ("udp", "tcp"):
                raise self.fault(f"unknown word '{w}' in a message")
            step.transports = (w,)
        self.read_expect(step)

    def read_expect(self, step):
        self.script.steps.append(step)
        step.rcodes = tuple(self.word("a response code").split("|"))
        for rcode in step.rcodes:
            if rcode not in RCODES and rcode not in ("dropped", "later"):
                raise self.fault(f"unknown response code '{rcode}'")
        while (w := self.peek()) is not None and w not in STATEMENTS:
            if w == "{":
                self.word()
                return self.sections(step)
            self.word()
            if w in ("aa", "tc", "ra", "ad", "z"):
                step.expect_flags |= FLAGS[w]
            elif w == "aa?":
                step.compared &= ~FLAGS["aa"]
            elif w in ("case", "no-question", "no-opt", "opt", "no-ede"):
                step.marks.add(w)
            elif w == "nsid":
                step.nsid = self.word("a quoted text").strip('"').encode()
            elif w == "expire":
                step.expire = self.number(2**32 - 1)
            elif w == "lease":
                step.leased = [self.number(2**32 - 1)]
            elif w == "key-lease":
                step.leased.append(self.number(2**32 - 1))
            elif w == "option":
                code, text = self.number(65535), self.word()
                step.options.append((code, self.hex(text.removesuffix("...")), text.endswith("...")))
            elif w == "no-option":
                step.options.append((self.number(65535), None, False))
            elif w == "ede":
                step.ede = self.number(65535)
            elif w == "size":
                step.size_max = self.number(65535)
            elif w == "announces":
                step.announces = self.number(65535)
            else:
                raise self.fault(f"unknown word '{w}' in an expectation")
        return None

    def sections(self, step):
        while (w := self.word("a section or }")) != "}":
            if w not in SECTIONS:
                raise self.fault(f"a section or }} expected, read '{w}'")
            section = step.sections[w] = Section()
            if self.peek() in ("within", "has", "one-of", "in-order"):
                section.mode = self.word()
            body, line = self.block()
            section.records = [self.record(text, line + i) for i, text in enumerate(body.split("\n"))
                               if text.split(";")[0].strip()]

    def record(self, text, line):
        words = text.strip().split()
        try:
            r = Record(self.name(words.pop(0)), TTL, dns.rdataclass.IN, 0)
            if words[0].isdigit():
                r.ttl = int(words.pop(0))
            if words[0] in ("IN", "CH"):
                r.rdclass = dns.rdataclass.from_text(words.pop(0))
            r.rdtype = dns.rdatatype.from_text(words[0])
            if words[-1] == "...":
                r.prefix = words[1:-1]
            else:
                rest = text[text.index(words[0], len(text) - len(text.lstrip()) + 1) + len(words[0]):]
                r.rdata = dns.rdata.from_text(r.rdclass, r.rdtype, dns.tokenizer.Tokenizer(rest), self.origin, False)
            return r
        except (dns.exception.DNSException, IndexError, ValueError) as e:
            raise self.fault(f"not a record: {text.strip()} ({e})", line) from e


def read(path):
    return Parser(path).run()
