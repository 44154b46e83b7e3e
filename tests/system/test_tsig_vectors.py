# SPDX-License-Identifier: Apache-2.0
"""What we sign verifies in dnspython, and what dnspython signs verifies here: random keys and messages, by tsigtool.

tests/data/make_tsig.py makes the fixed messages that the unit tests are about.
"""
import base64
import os
import pathlib
import random
import subprocess
import time

import dns.message
import dns.name
import dns.rrset
import dns.tsig
import dns.update
import pytest

import harness

TOP = pathlib.Path(__file__).resolve().parents[2]
REEVED = pathlib.Path(os.environ.get('REEVED', TOP / 'build/gcc/src/reeved')).resolve()
TSIGTOOL = REEVED.parents[1] / 'tests/tools/tsigtool'
ALGORITHMS = {'hmac-md5': dns.tsig.HMAC_MD5, 'hmac-sha1': dns.tsig.HMAC_SHA1, 'hmac-sha224': dns.tsig.HMAC_SHA224,
              'hmac-sha256': dns.tsig.HMAC_SHA256, 'hmac-sha384': dns.tsig.HMAC_SHA384,
              'hmac-sha512': dns.tsig.HMAC_SHA512}
LETTERS = 'abcXYZ019-_'
ROUNDS = 15 if harness.Reeved.is_brief() else 30


def tool(lines):
    result = subprocess.run([TSIGTOOL], input='\n'.join(lines) + '\n', capture_output=True, text=True, timeout=60,
                            check=False)
    assert result.returncode == 0, result.stderr
    return [line.split(' ') for line in result.stdout.splitlines()]


class Case:
    """A key and an update to be signed with it."""

    def __init__(self, rng, algorithm):
        labels = [''.join(rng.choices(LETTERS, k=rng.randint(1, 63))) for _ in range(rng.randint(1, 3))]
        self.name = dns.name.from_text('.'.join(labels))
        self.algorithm = algorithm
        self.secret = rng.randbytes(rng.choice((1, 16, 32, 64, 100, 200)))
        self.ring = {self.name: dns.tsig.Key(self.name, self.secret, ALGORITHMS[algorithm])}
        self.now = int(time.time())
        self.message = dns.update.UpdateMessage('example.')
        self.message.id = rng.randrange(65536)
        for i in range(rng.randint(0, 40)):
            self.message.add(f'h{i}', 300, 'TXT', '"' + 'x' * rng.randint(0, 200) + '"')

    def line(self, verb, *messages):
        words = (verb, self.name, self.algorithm, base64.b64encode(self.secret).decode(), self.now,
                 *(m.hex() for m in messages))
        return ' '.join(map(str, words))


@pytest.fixture(name='cases', params=ALGORITHMS)
def fixture_cases(request):
    rng = random.Random(8945)
    return [Case(rng, request.param) for _ in range(ROUNDS)]


def test_requests_that_we_sign_verify_elsewhere(cases):
    signed = tool([case.line('ask', case.message.to_wire()) for case in cases])
    assert len(signed) == ROUNDS
    for case, (wire,) in zip(cases, signed):
        read = dns.message.from_wire(bytes.fromhex(wire), keyring=case.ring)
        assert read.had_tsig and read.keyname == case.name and read.id == case.message.id


def test_answers_and_streams_that_we_sign_verify_elsewhere(cases):
    lines, macs, bare = [], [], []
    for case in cases:
        case.message.use_tsig(case.ring, case.name)
        wire = case.message.to_wire()
        macs.append(case.message.mac)
        bare.append([])
        for i in range(4):
            answer = dns.message.make_response(dns.message.from_wire(wire, keyring=case.ring))
            answer.tsig = None
            answer.answer.append(dns.rrset.from_text('example.', 60, 'IN', 'TXT', f'"{i}"'))
            bare[-1].append(answer.to_wire())
        lines.append(case.line('serve', wire, *bare[-1]))
    served = tool(lines)
    assert len(served) == ROUNDS
    for case, mac, (rcode, error, *answers) in zip(cases, macs, served):
        assert (rcode, error, len(answers)) == ('0', '0', 4)
        context = None
        for i, wire in enumerate(answers):
            read = dns.message.from_wire(bytes.fromhex(wire), keyring=case.ring, request_mac=mac, tsig_ctx=context,
                                         multi=True)
            assert read.had_tsig and read.answer[0][0].strings == (str(i).encode(),)
            context = read.tsig_ctx


def test_changed_requests_do_not_verify(cases):
    lines = []
    for case in cases:
        case.message.use_tsig(case.ring, case.name)
        wire = bytearray(case.message.to_wire())
        wire[13] ^= 1
        lines.append(case.line('serve', bytes(wire)))
    for rcode, error, *_ in tool(lines):
        assert (rcode, error) == ('9', '16')
