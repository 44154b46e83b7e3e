# SPDX-License-Identifier: Apache-2.0
"""Reads scenarios (tests/scenario/*.rv; the language is described in tests/scenario/script.h), asks a server over
sockets and compares. Messages are made and read by dnspython, so that this is a second opinion on the wire format."""
import dataclasses
import re
import socket
import struct

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
import dns.tsig

import change

TTL = 3600
TIMEOUT_S = 10.0
UDP_SIZE_DEFAULT = 1232
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
            step.text = self.word("write, sync, full or nothing")
            if step.text in ("write", "sync"):
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
            else:
                raise self.fault(f"unknown word '{w}' in an update")
        body, line = self.block()
        step.wire = change.update_wire(self, step.zone, body, line)
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
            elif w in ("case", "no-question", "no-opt", "opt"):
                step.marks.add(w)
            elif w == "nsid":
                step.nsid = self.word("a quoted text").strip('"').encode()
            elif w == "expire":
                step.expire = self.number(2**32 - 1)
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


# --- asking ---


def query_wire(step):
    """The datagram of a step."""
    if step.kind != "query":
        return step.wire
    wire = struct.pack("!HHHHHH", step.ident, step.flags | step.opcode << 11, 1, 0, int(step.serial is not None),
                       0 if step.edns is None else 1)
    wire += step.qname.to_wire() + struct.pack("!HH", step.qtype, step.qclass)
    if step.serial is not None:  # RFC 1995 s3
        wire += struct.pack("!HHHIH", 0xc00c, 6, step.qclass, 0, 22) + struct.pack("!BBIIIII", 0, 0, step.serial, 0, 0, 0, 0)
    if step.edns is not None:
        options = b"".join(struct.pack("!HH", code, len(data)) + data for code, data in step.edns["options"])
        wire += struct.pack("!BHHBBHH", 0, 41, step.edns["size"], 0, step.edns["version"], step.edns["flags"],
                            len(options)) + options
    return wire


SENTINEL = bytes.fromhex("5e40 0000 0001 0000 0000 0000 0776657273696f6e 0462696e64 00 0010 0003")


def ask(address, port, transport, wire, may_drop=False):
    """The answer's bytes, or None if there is none: the connection was closed, or, with may_drop, a question sent behind
    it on the same socket was answered and this was not."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    messages = [wire, SENTINEL] if may_drop else [wire]
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as s:
        s.settimeout(TIMEOUT_S)
        try:
            s.connect((address, port))
            if transport == "udp":
                for message in messages:
                    s.send(message)
                answer = s.recv(65535)
            else:
                s.sendall(b"".join(struct.pack("!H", len(m)) + m for m in messages))
                answer = take(s, struct.unpack("!H", take(s, 2))[0])
        except (TimeoutError, ConnectionError, EOFError):
            return None
    return None if may_drop and answer[:2] == SENTINEL[:2] else answer


def is_transfer(step, transport):
    """Answered by a row of messages."""
    return transport == "tcp" and step.kind == "query" and step.opcode == 0 \
        and step.qtype in (dns.rdatatype.AXFR, dns.rdatatype.IXFR)


def is_over(records, is_incremental):
    """Of the answer's records so far: is the last one that which ends it (RFC 5936 s2.2, RFC 1995 s4)?"""
    serials = [r.rdata.serial if r.rdtype == dns.rdatatype.SOA else None for r in records]
    if not serials:
        return True
    newest = serials[0]
    if len(serials) == 1:
        return is_incremental
    if serials[1] is None or serials[1] == newest:  # a whole zone
        return serials[-1] == newest
    # each sequence begins and goes on with a SOA; the newest serial opens the last addition, then ends it all
    return serials[-1] == newest and serials.count(newest) == 3


def ask_row(address, port, step, wire, key=None, mac=b""):
    """All messages of a transfer, each verified if the request was signed and then without its TSIG."""
    messages, found, context = [], [], None
    with socket.create_connection((address, port), TIMEOUT_S) as s:
        s.sendall(struct.pack("!H", len(wire)) + wire)
        while not messages or not is_over(found, step.qtype == dns.rdatatype.IXFR):
            message = take(s, struct.unpack("!H", take(s, 2))[0])
            if key:
                m = dns.message.from_wire(message, keyring=key, request_mac=mac, multi=True, tsig_ctx=context)
                context = m.tsig_ctx
                message = change.stripped(message, m) if m.had_tsig else message
            messages.append(message)
            found += decode(message)[1]["answer"]
    return messages


def take(s, count):
    data = b""
    while len(data) < count:
        more = s.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


# --- comparing ---


def records(rrsets):
    return [Record(s.name, s.ttl, s.rdclass, s.rdtype, rdata) for s in rrsets for rdata in s]


def decode(wire):
    """dnspython's view, and its three sections without OPT as records, one by one and in order."""
    wire = wire[:2] + bytes([wire[2] & 0x87]) + wire[3:]  # dnspython knows no opcode above 5, and reads 5 differently
    m = dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=False)
    return m, {name: records(rrsets) for name, rrsets in zip(SECTIONS, m.sections[1:])}


def show(title, wanted, got):
    lines = [f"  {title}: expected"] + [f"    {r}" for r in wanted] + ["  got"] + [f"    {r}" for r in got]
    return "\n".join(lines)


def compare_section(name, section, got):
    """None, or what differs."""
    wanted = section.records
    found = [r for r in wanted if any(r.agrees(g) for g in got)]
    known = [g for g in got if any(r.agrees(g) for r in wanted)]
    sets_got = {(g.owner, g.rdtype) for g in got}
    whole = len(found) == len([r for r in wanted if (r.owner, r.rdtype) in sets_got])
    fine = {
        "exact": len(found) == len(wanted) and len(known) == len(got) == len(wanted),
        "has": len(found) == len(wanted),
        "within": len(known) == len(got) and whole,
        "in-order": len(wanted) == len(got) and all(r.agrees(g) for r, g in zip(wanted, got)),
        "one-of": len(known) == len(got) and whole and len({k for k in sets_got if k[1] != 46}) == 1,
    }[section.mode]
    return None if fine else show(f"{name} {section.mode}", wanted, got)


def check_opt(step, m):
    asked = step.edns is not None
    if step.kind == "message" and not step.marks & {"opt", "no-opt"}:
        return
    if "opt" in step.marks or (asked and "no-opt" not in step.marks):
        if m.edns != 0:
            yield f"  OPT version 0 expected, got {m.edns} (-1: none)"
            return
        if step.announces and m.payload != step.announces:
            yield f"  a size of {step.announces} in OPT expected, got {m.payload}"
        do = 0x8000 & (step.edns["flags"] if asked else m.ednsflags)
        if m.ednsflags & 0xFFFF != do:
            yield f"  EDNS flags {do:#x} expected, got {m.ednsflags & 0xffff:#x}"
        nsid = [o for o in m.options if o.otype == 3]
        texts = [o.data if hasattr(o, "data") else o.nsid for o in nsid]
        if texts != ([step.nsid] if step.nsid is not None else []):
            yield f"  NSID {step.nsid} expected, got {texts}"
        expire = [struct.unpack("!I", o.data)[0] for o in m.options if o.otype == 9]
        if expire != ([step.expire] if step.expire is not None else []):
            yield f"  EXPIRE {step.expire} expected, got {expire}"
        if any(o.otype not in (3, 9, 15) for o in m.options):  # RFC 8914 s2: EDE comes unasked
            yield f"  options that were not asked for: {m.options}"
    elif m.edns != -1:
        yield "  no OPT expected, got one"
    elif step.nsid is not None or step.announces or step.expire is not None:
        yield "  NSID, EXPIRE or a size expected, got no OPT"


def size_limit(step, transport, udp_size):
    if step.size_max:
        return step.size_max
    if transport == "tcp":
        return 65535
    return min(udp_size, max(512, step.edns["size"] if step.edns else 512)) if step.kind == "query" else udp_size


def check_header(step, asked, answer, transport, udp_size):
    ident, flags, qdcount = struct.unpack_from("!HHH", answer)
    asked_ident, asked_flags = struct.unpack_from("!HH", asked)
    if ident != asked_ident:
        yield f"  id {asked_ident} expected, got {ident}"
    if flags & 0xf800 != 0x8000 | asked_flags & 0x7800:
        yield f"  QR and the opcode asked for expected, got flags {flags:#06x}"
    opcode = asked_flags & 0x7800
    if opcode == 0 and (flags ^ asked_flags) & FLAGS["rd"]:
        yield f"  RD as asked expected, got flags {flags:#06x}"
    if flags & step.compared != step.expect_flags:
        both = step.expect_flags, flags & step.compared
        names = [[k for k in ("aa", "tc", "ra", "z", "ad") if v & FLAGS[k]] for v in both]
        yield f"  flags {names[0]} expected, got {names[1]}"
    if len(answer) > size_limit(step, transport, udp_size):
        yield f"  at most {size_limit(step, transport, udp_size)} bytes expected, got {len(answer)}"
    if step.kind == "query" and "no-question" not in step.marks and (qdcount or opcode == 0):
        end = 12 + len(step.qname.to_wire()) + 4
        if qdcount != 1 or answer[12:end] != asked[12:end]:
            yield "  the question, byte for byte, expected in the answer"
    if "no-question" in step.marks and qdcount != 0:
        yield "  no question expected"


def compare_case(step, sections):
    for name, section in step.sections.items():
        owners = sorted(r.owner.to_text() for r in section.records)
        got = sorted(r.owner.to_text() for r in sections[name])
        if owners != got:
            yield f"  {name}: owners {owners} expected, got {got}"


def check_further(first, more):
    """What every message of a row has (RFC 5936 s2.2)."""
    for message in more:
        head, (qdcount, ancount, nscount) = message[:4], struct.unpack_from("!HHH", message, 4)
        if head != first[:4] or qdcount > 1 or ancount == 0 or nscount != 0:
            yield f"  a further message has the head {message[:12].hex()}"


def compare(step, asked, answer, transport, udp_size=UDP_SIZE_DEFAULT, more=()):
    """Everything that differs from what the step expects, as sentences. more: messages behind the first one."""
    if answer is None or len(answer) < 12:
        return [] if "dropped" in step.rcodes and answer is None else ["  an answer expected, got none"]
    if step.rcodes == ("dropped",):
        return ["  no answer expected, got one"]
    faults = list(check_header(step, asked, answer, transport, udp_size))
    try:
        m, sections = decode(answer)
        for message in more:
            sections["answer"] += decode(message)[1]["answer"]
    except dns.exception.DNSException as e:
        return faults + [f"  answer is malformed: {e!r}"]
    rcode = dns.rcode.to_text(m.rcode())
    if rcode not in step.rcodes:
        faults.append(f"  {'|'.join(step.rcodes)} expected, got {rcode}")
    faults += check_opt(step, m)
    faults += check_further(answer, more)
    faults += filter(None, (compare_section(k, v, sections[k]) for k, v in step.sections.items()))
    if "case" in step.marks:
        faults += compare_case(step, sections)
    return faults


def play(script, address, port, effect=None):
    """Asks every step over its transports; yields (step, transport, faults) for each. effect(step) does what has no
    answer."""
    udp_size = int(script.setting("udp-size", UDP_SIZE_DEFAULT))
    for i, step in enumerate(script.steps):
        if step.kind in EFFECTS:
            effect(step)
            continue
        if step.kind == "query" and not step.ident:
            step.ident = (i * 7919 + 1) & 0xFFFF
        wire = query_wire(step)
        key = dns.tsig.Key(step.key, script.keys[step.key], "hmac-sha256") if step.key else None
        if key:
            wire, mac = change.signed(wire, key)
        for transport in step.transports:
            if is_transfer(step, transport):
                answer, *more = ask_row(address, port, step, wire, key, mac if key else b"")
                yield step, transport, compare(step, wire, answer, transport, udp_size, more)
                continue
            answer = ask(address, port, transport, wire, "dropped" in step.rcodes)
            if key:
                answer = change.unsigned(answer, key, mac)
            yield step, transport, compare(step, wire, answer, transport, udp_size)
