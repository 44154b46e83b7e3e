#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tsig.txt: messages signed by dnspython, as hexadecimal. Usage: make_tsig.py > tsig.txt

Lines of words; "#" begins a comment. A key is its name, algorithm and secret in base64; `now` is in seconds.

  request WHAT KEY NOW RCODE ERROR MESSAGE          what a server says of a request
  answer  WHAT KEY NOW REQUEST BARE SIGNED          ... and how it signs the answer to it
  ask     WHAT KEY NOW BARE REQUEST LATER RCODE ERROR ANSWER   how one signs a request, and what one says of the answer
  chain   WHAT KEY NOW REQUEST {BARE SIGNED}...     a stream of answers, each signed
  gaps    WHAT KEY NOW REQUEST {MESSAGE}...         a stream of answers, some not signed
"""
import base64
import struct

import dns.message
import dns.name
import dns.rdatatype
import dns.rdtypes.ANY.TSIG
import dns.rrset
import dns.tsig
import dns.update

NOW = 1795000000
FUDGE = 300
NOERROR, FORMERR, NOTAUTH, BADSIG, BADKEY, BADTIME, BADTRUNC = 0, 1, 9, 16, 17, 18, 22
ALGORITHMS = {'hmac-md5': (dns.tsig.HMAC_MD5, 16), 'hmac-sha1': (dns.tsig.HMAC_SHA1, 20),
              'hmac-sha224': (dns.tsig.HMAC_SHA224, 28), 'hmac-sha256': (dns.tsig.HMAC_SHA256, 32),
              'hmac-sha384': (dns.tsig.HMAC_SHA384, 48), 'hmac-sha512': (dns.tsig.HMAC_SHA512, 64)}


class Key:
    def __init__(self, name, algorithm, secret):
        self.text, self.bits, self.secret = name, algorithm, secret
        base = '-'.join(algorithm.split('-')[:2])
        self.algorithm, self.full = ALGORITHMS[base]
        self.name = dns.name.from_text(name)
        self.key = dns.tsig.Key(self.name, secret, self.algorithm)

    def words(self):
        return f'{self.text} {self.bits} {base64.b64encode(self.secret).decode()}'


class Sealed:
    """A message with its TSIG record."""

    def __init__(self, wire, mac, context, names):
        self.wire, self.mac, self.context, self.names = wire, mac, context, names


def seal(key, bare, before=b'', context=None, now=NOW, fudge=FUDGE, size=None, error=0, other=b'', original=None,
         owner=None, algorithm=None, record_class=255, ttl=0, tail=b'', mac=None):
    """The message with a TSIG record behind it; `context`: of the stream so far."""
    original = struct.unpack('!H', bare[:2])[0] if original is None else original
    rdata = dns.rdtypes.ANY.TSIG.TSIG(dns.rdataclass.ANY, dns.rdatatype.TSIG, key.algorithm, now, fudge, b'', original, error, other)
    signed, _ = dns.tsig.sign(bare, key.key, rdata, now, before, context, context is not None)
    mac = signed.mac[:size] if mac is None else mac
    body = ((algorithm or key.algorithm.canonicalize()).to_wire() + struct.pack('!HIHH', now >> 32, now & 0xffffffff, fudge, len(mac))
            + mac + struct.pack('!HHH', original, error, len(other)) + other + tail)
    owner = owner or key.name.canonicalize().to_wire()
    record = (owner + struct.pack('!HHIH', dns.rdatatype.TSIG, record_class, ttl, len(body)) + body)
    count = struct.unpack('!H', bare[10:12])[0] + 1
    return Sealed(bare[:10] + struct.pack('!H', count) + bare[12:] + record, mac,
                  dns.tsig._maybe_start_digest(key.key, mac, True), (owner, algorithm or key.algorithm))


def question(number=0x1234, name='www.example.', kind='A'):
    message = dns.message.make_query(name, kind)
    message.id = number
    return message.to_wire()


def update(number=0x4321):
    message = dns.update.UpdateMessage('example.')
    message.id = number
    message.absent('b')
    message.add('b', 300, 'A', '192.0.2.1')
    return message.to_wire()


def answer_to(wire, number=0, rcode=0):
    message = dns.message.make_response(dns.message.from_wire(wire))
    message.set_rcode(rcode)
    if number:
        message.answer.append(dns.rrset.from_text('www.example.', 60, 'IN', 'A', f'192.0.2.{number}'))
    return message.to_wire()


def show(*words):
    print(*(w.hex() if isinstance(w, bytes) else w.words() if isinstance(w, Key) else w for w in words))


def key_of(algorithm, name='Key.Example.'):
    full = ALGORITHMS['-'.join(algorithm.split('-')[:2])][1]
    return Key(name, algorithm, bytes((7 * i + full) & 255 for i in range(full)))


def plain():
    for algorithm in ALGORITHMS:
        key = key_of(algorithm)
        for what, bare in (('query', question()), ('update', update())):
            request = seal(key, bare)
            bare_answer = answer_to(bare, 1 if what == 'query' else 0)
            answer = seal(key, bare_answer, request.mac)
            show('request', what, key, NOW, NOERROR, 0, request.wire)
            show('answer', what, key, NOW, request.wire, bare_answer, answer.wire)
            show('ask', what, key, NOW, bare, request.wire, NOW, NOERROR, 0, answer.wire)
    for length in (1, 63, 64, 65, 128, 129, 512):
        key = Key('k.', 'hmac-sha256', bytes((3 * i) & 255 for i in range(length)))
        show('request', f'secret-of-{length}-bytes', key, NOW, NOERROR, 0, seal(key, question()).wire)


def truncated():
    for algorithm, (_, full) in ALGORITHMS.items():
        key, floor = key_of(algorithm), max(10, full // 2)
        for size in (0, 1, floor - 1, floor, floor + 1, full - 1, full):
            fits = floor <= size <= full
            request = seal(key, update(), size=size)
            show('request', f'{size}-of-{full}', key, NOW, NOERROR if fits else FORMERR, 0, request.wire)
            if fits:
                bare = answer_to(update())
                show('answer', f'{size}-of-{full}', key, NOW, request.wire, bare,
                     seal(key, bare, request.mac, size=size).wire)
        long = seal(key, update())
        show('request', f'{full + 1}-of-{full}', key, NOW, FORMERR, 0, seal(key, update(), mac=long.mac + b'\0').wire)
    key = key_of('hmac-sha256-192')
    for size, error in ((16, BADTRUNC), (23, BADTRUNC), (24, 0), (32, 0)):
        request = seal(key, question(), size=size)
        bare = answer_to(question(), rcode=NOTAUTH if error else 0)
        show('request', f'policy-{size}', key, NOW, NOTAUTH if error else 0, error, request.wire)
        answer = seal(key, bare, request.mac, size=max(size, 24), error=error)
        show('answer', f'policy-{size}', key, NOW, request.wire, bare, answer.wire)
    key, bare = key_of('hmac-sha256'), question()
    request = seal(key, bare)
    for size, rcode, error in ((15, FORMERR, 0), (16, 0, 0), (31, 0, 0), (32, 0, 0), (0, FORMERR, 0)):
        show('ask', f'truncated-{size}', key, NOW, bare, request.wire, NOW, rcode, error,
             seal(key, answer_to(bare, 1), request.mac, size=size).wire)
    show('ask', 'refused-badtrunc', key, NOW, bare, request.wire, NOW, NOTAUTH, BADTRUNC,
         seal(key, answer_to(bare, rcode=NOTAUTH), request.mac, error=BADTRUNC).wire)
    key = key_of('hmac-sha256-192')
    request = seal(key, bare)
    show('ask', 'policy', key, NOW, bare, request.wire, NOW, NOTAUTH, BADTRUNC,
         seal(key, answer_to(bare, 1), request.mac, size=23).wire)


def times():
    key, bare = key_of('hmac-sha256'), update()
    for away, error in ((0, 0), (300, 0), (-300, 0), (301, BADTIME), (-301, BADTIME), (NOW - 2 ** 33, BADTIME)):
        request = seal(key, bare, now=NOW - away)
        show('request', f'away-{away}', key, NOW, NOTAUTH if error else 0, error, request.wire)
        if error:
            bare_answer = answer_to(bare, rcode=NOTAUTH)
            answer = seal(key, bare_answer, request.mac, now=NOW - away, error=BADTIME, other=NOW.to_bytes(6, 'big'))
            show('answer', f'away-{away}', key, NOW, request.wire, bare_answer, answer.wire)
            show('ask', f'away-{away}', key, NOW - away, bare, request.wire, NOW - away, NOTAUTH, BADTIME, answer.wire)
    request = seal(key, bare, now=NOW - 20, fudge=5)
    bare_answer = answer_to(bare, rcode=NOTAUTH)
    show('request', 'narrow', key, NOW, NOTAUTH, BADTIME, request.wire)
    show('answer', 'narrow', key, NOW, request.wire, bare_answer,
         seal(key, bare_answer, request.mac, now=NOW - 20, fudge=5, error=BADTIME, other=NOW.to_bytes(6, 'big')).wire)
    show('request', 'wide', key, NOW, 0, 0, seal(key, bare, now=NOW - 65535, fudge=65535).wire)
    show('request', 'wide', key, NOW, NOTAUTH, BADTIME, seal(key, bare, now=NOW - 65536, fudge=65535).wire)
    show('request', 'end-of-time', key, NOW, NOTAUTH, BADTIME, seal(key, bare, now=2 ** 48 - 1).wire)
    # time before truncation (s5.2)
    show('request', 'late-and-short', key_of('hmac-sha256-192'), NOW, NOTAUTH, BADTIME,
         seal(key, bare, now=NOW - 301, size=20).wire)
    request = seal(key, question())
    for away, error in ((300, 0), (-300, 0), (301, BADTIME), (-301, BADTIME)):
        show('ask', f'answered-{away}', key, NOW, question(), request.wire, NOW, NOTAUTH if error else 0, error,
             seal(key, answer_to(question(), 1), request.mac, now=NOW + away).wire)


def unsigned(key, bare, error, name=None, algorithm=None):
    """RFC 8945 s5.3.2: an answer whose MAC is empty."""
    return seal(key, bare, error=error, mac=b'', owner=name, algorithm=algorithm).wire


def errors():
    key, bare = key_of('hmac-sha256'), update()
    bare_answer = answer_to(bare, rcode=NOTAUTH)
    other = Key('Key.Example.', 'hmac-sha256', b'other secret')
    for what, request, error in (
            ('other-secret', seal(other, bare, owner=key.name.to_wire()), BADSIG),
            ('other-secret-late', seal(other, bare, now=NOW - 4000), BADSIG),
            ('other-name', seal(key_of('hmac-sha256', 'Other.Example.'), bare), BADKEY),
            ('other-algorithm', seal(key_of('hmac-sha512'), bare), BADKEY),
            ('unknown-algorithm', seal(key, bare, algorithm=dns.name.from_text('HMAC-NEW.')), BADKEY),
            ('root-algorithm', seal(key, bare, algorithm=dns.name.root), BADKEY),
            ('unknown-key-without-mac', seal(key_of('hmac-sha256', 'Other.Example.'), bare, mac=b''), BADKEY),
            ('changed', seal(key, bare, mac=b'\1' * 32), BADSIG)):
        show('request', what, key, NOW, NOTAUTH, error, request.wire)
        show('answer', what, key, NOW, request.wire, bare_answer, unsigned(key, bare_answer, error, *request.names))
    request = seal(key, question())
    failed = answer_to(question(), rcode=NOTAUTH)
    show('ask', 'answered-badkey', key, NOW, question(), request.wire, NOW, NOTAUTH, BADKEY,
         unsigned(key, failed, BADKEY))
    show('ask', 'answered-badsig', key, NOW, question(), request.wire, NOW, NOTAUTH, BADSIG,
         unsigned(key, failed, BADSIG))
    show('ask', 'answered-badtime-unsigned', key, NOW, question(), request.wire, NOW, FORMERR, 0,
         unsigned(key, failed, BADTIME))
    good = answer_to(question(), 1)
    for what, rcode, error, answer in (
            ('answer-to-another', NOTAUTH, BADSIG, seal(key, good, b'\1' * 32).wire),
            ('answer-to-none', NOTAUTH, BADSIG, seal(key, good).wire),
            ('answer-of-another-key', NOTAUTH, BADKEY, seal(key_of('hmac-sha256', 'Other.'), good, request.mac).wire),
            ('answer-by-another-algorithm', NOTAUTH, BADKEY, seal(key_of('hmac-sha1'), good, request.mac).wire),
            ('answer-not-signed', FORMERR, 0, good),
            ('answer-malformed', FORMERR, 0, seal(key, good, request.mac, tail=b'\0').wire)):
        show('ask', what, key, NOW, question(), request.wire, NOW, rcode, error, answer)


def forms():
    key, bare = key_of('hmac-sha256'), update()
    for what, how in (('class-in', {'record_class': 1}), ('class-none', {'record_class': 254}), ('ttl', {'ttl': 1}),
                      ('ttl-high', {'ttl': 1 << 31}), ('tail', {'tail': b'\0'}), ('error', {'error': BADTIME})):
        show('request', what, key, NOW, FORMERR, 0, seal(key, bare, **how).wire)
    whole = seal(key, bare).wire
    owner_end = whole.index(b'\3key\7example\0') + 13
    for rdlen in range(0, len(whole) - owner_end - 10):
        cut = whole[:owner_end + 8] + struct.pack('!H', rdlen) + whole[owner_end + 10:owner_end + 10 + rdlen]
        show('request', f'rdata-{rdlen}', key, NOW, FORMERR, 0, cut)
    show('request', 'other-len-wrong', key, NOW, FORMERR, 0, whole[:-1] + b'\1')
    show('request', 'other-data', key, NOW, 0, 0, seal(key, bare, other=b'anything').wire)
    show('request', 'case-of-names', key, NOW, 0, 0,
         seal(key, bare, owner=b'\3kEY\7ExAMPLE\0', algorithm=dns.name.from_text('HMAC-SHA256.')).wire)
    # "example." of the zone section stands at 12; the key's name ends in it
    show('request', 'compressed-owner', key, NOW, 0, 0, seal(key, bare, owner=b'\3KEY\xc0\x0c').wire)
    show('request', 'compressed-owner-bad', key, NOW, FORMERR, 0, seal(key, bare, owner=b'\3KEY\xff\xff').wire)
    pointer = seal(key, bare).wire
    at = pointer.index(b'\13hmac-sha256\0')
    length = struct.unpack('!H', pointer[at - 2:at])[0]
    show('request', 'compressed-algorithm', key, NOW, FORMERR, 0,
         pointer[:at - 2] + struct.pack('!H', length - 11) + b'\xc0\x0c' + pointer[at + 13:])
    forwarded = seal(key, b'\x99\x88' + bare[2:], original=0x4321)
    bare_answer = b'\x99\x88' + answer_to(bare)[2:]
    show('request', 'forwarded', key, NOW, 0, 0, forwarded.wire)
    show('answer', 'forwarded', key, NOW, forwarded.wire, bare_answer,
         seal(key, bare_answer, forwarded.mac, original=0x4321).wire)
    show('ask', 'answer-forwarded', key, NOW, bare, seal(key, bare).wire, NOW, 0, 0,
         seal(key, bare_answer, seal(key, bare).mac, original=0x4321).wire)


def streams():
    for algorithm in ('hmac-md5', 'hmac-sha1', 'hmac-sha256', 'hmac-sha512'):
        key = key_of(algorithm)
        for size in (None, 16):
            if size and key.full // 2 > size:
                continue
            request = seal(key, question(kind='AXFR'), size=size)
            words, context, before = [], None, request.mac
            for i in range(1, 6):
                bare = answer_to(question(kind='AXFR'), i)
                sealed = seal(key, bare, before, context, size=size)
                words += [bare, sealed.wire]
                context, before = sealed.context, None
            show('chain', f'five-{size or "whole"}', key, NOW, request.wire, *words)
    key = key_of('hmac-sha256')
    for what, gaps in (('one', (1,)), ('two', (1, 0, 3)), ('99', (99, 99)), ('100', (100,)), ('first', (-1,))):
        request = seal(key, question(kind='AXFR'))
        sealed = seal(key, answer_to(question(kind='AXFR'), 1), request.mac)
        words = [sealed.wire]
        if gaps == (-1,):
            words = [answer_to(question(kind='AXFR'), 1)]
            gaps = ()
        for gap in gaps:
            for i in range(gap):
                between = answer_to(question(kind='AXFR'), 1 + i)
                sealed.context.update(between)
                words.append(between)
            sealed = seal(key, answer_to(question(kind='AXFR'), 200), None, sealed.context, now=NOW + 3)
            words.append(sealed.wire)
        show('gaps', what, key, NOW, request.wire, *words)


print('# Made by make_tsig.py with dnspython; what the words are stands there.')
for part in (plain, truncated, times, errors, forms, streams):
    print(f'# {part.__name__}')
    part()
