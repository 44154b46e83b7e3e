/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a signed request: its MAC is made right first, so that what lies behind it is
 * reached. What the server then says, signs and sends is what the asker of that request accepts. */
#include "base/check.h"
#include "dns/build.h"
#include "tsig/record.h"

#define NOW_S   1795000000
#define KEYS    6
#define ROOM    (2 * DNS_MESSAGE_MAX)
#define S_TO_US 1000000ll

static const char *const algorithm[KEYS] = {"hmac-md5",    "hmac-sha1-96", "hmac-sha224",
                                            "hmac-sha256", "hmac-sha384",  "hmac-sha512-384"};
static uint8_t wire[ROOM], answer[ROOM];

/* A ring with key.example. of one algorithm; made once each. */
static struct keyring *ring_of(unsigned i)
{
    static struct keyring *rings[KEYS];
    static const uint8_t bytes[2][16] = {"now, the secret", "and the old one"};
    if (!rings[i]) {
        struct name key = {(const uint8_t *)"\3key\7example", 13};
        struct tsig_secret secret[2] = {{bytes[0], 16, 0}, {bytes[1], 16, 0}};
        rings[i] = keyring_new();
        ASSERT(keyring_add(rings[i], key, algorithm[i], secret, 2, NULL) == OK);
    }
    return rings[i];
}

static bool read_message(struct message *m, const uint8_t *bytes, size_t len)
{
    return len <= DNS_MESSAGE_MAX && message_read_header(m, bytes, len) &&
           message_read(m) == NOERROR;
}

/* Writes the right MAC over that of the record, if it is of our key. */
static bool make_right(const struct message *m, struct keyring *ring, unsigned secret)
{
    struct tsig_record r;
    struct tsig_body body;
    uint8_t mac[TSIG_MAC_MAX];
    if (tsig_record_read(&r, m) != NOERROR)
        return false;
    struct tsig_key *key = keyring_find(ring, r.name);
    if (!key || r.mac_size > key->algorithm->mac_len)
        return false;
    tsig_body_set(&body, m->wire, m->tsig_at, r.original_id, 1);
    tsig_mac_start(key->secret[secret].mac, NULL, 0);
    tsig_mac_end(key->secret[secret].mac, key, &body, &r, TSIG_VARIABLES, mac);
    memcpy(wire + (r.mac - wire), mac, r.mac_size);
    return true;
}

/* The answer to m, signed as s says. */
static size_t answer_to(const struct message *m, struct tsig_session *s, enum rcode rc,
                        int64_t now_us)
{
    struct build b;
    build_init(&b, answer, DNS_MESSAGE_MAX);
    ASSERT(build_reserve(&b, tsig_room(s)));
    if (m->qname.len)
        ASSERT(build_question(&b, m->qname, m->qtype, m->qclass));
    build_header(&b, m->id, (uint16_t)(FLAG_QR | rc));
    size_t len = b.len, room = tsig_room(s);
    tsig_sign(s, answer, &len, now_us);
    ASSERT(len <= b.len + room && (room == 0) == !s->is_signed);
    return len;
}

/* Two messages of a stream, as the asker sees them. */
static void check_answers(const struct message *m, struct tsig_session *s, enum rcode rc,
                          int64_t now_us)
{
    struct message got;
    struct tsig_session asker = {0};
    uint16_t error = s->error;
    tsig_session_start(&asker, s->key);
    asker.secret = s->secret;
    asker.mac_len = s->mac_len;
    memcpy(asker.mac, s->mac, s->mac_len);
    ASSERT(read_message(&got, answer, answer_to(m, s, rc, now_us)));
    ASSERT(tsig_verify_answer(&asker, &got, now_us) == (error ? NOTAUTH : NOERROR));
    ASSERT(asker.error == error);
    if (!error) {
        ASSERT(read_message(&got, answer, answer_to(m, s, rc, now_us)));
        ASSERT(tsig_verify_answer(&asker, &got, now_us) == NOERROR);
        answer[3] ^= FLAG_RCODE_MASK; /* a byte of the header */
        ASSERT(tsig_verify_answer(&asker, &got, now_us) == NOTAUTH && asker.error == BADSIG);
    }
    tsig_session_done(&asker);
}

/* A message without a TSIG gets one of ours. */
static size_t sign_request(struct keyring *ring, size_t len)
{
    struct tsig_session s = {0};
    tsig_session_start(&s, keyring_at(ring, 0));
    ASSERT(get_u16(wire + 10) < UINT16_MAX);
    tsig_sign(&s, wire, &len, NOW_S * S_TO_US);
    tsig_session_done(&s);
    return len;
}

/* What any bytes are to somebody who waits for an answer. */
static void check_as_answer(const struct message *m, struct keyring *ring)
{
    struct tsig_session s = {0};
    tsig_session_start(&s, keyring_at(ring, 0));
    s.mac_len = s.mac_size;
    ASSERT(tsig_verify_answer(&s, m, NOW_S * S_TO_US) != NOERROR);
    s.is_chained = true;
    ASSERT((tsig_verify_answer(&s, m, NOW_S * S_TO_US) == NOERROR) == !m->tsig_at);
    tsig_session_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct message m;
    struct tsig_session s = {0};
    if (size < 1 || size > 4096)
        return 0;
    struct keyring *ring = ring_of(data[0] % KEYS);
    unsigned secret = data[0] / KEYS % 2;
    size_t len = size - 1;
    memcpy(wire, data + 1, len);
    if (!read_message(&m, wire, len))
        return 0;
    bool is_ours = !m.tsig_at && m.count[SECTION_ADDITIONAL] < 1000;
    check_as_answer(&m, ring);
    if (is_ours) {
        len = sign_request(ring, len);
        ASSERT(read_message(&m, wire, len) && m.tsig_at);
    }
    bool is_right = m.tsig_at && make_right(&m, ring, is_ours ? 0 : secret);
    enum rcode rc = tsig_verify(&s, ring, &m, NOW_S * S_TO_US);
    ASSERT(rc == NOERROR || rc == FORMERR || rc == NOTAUTH);
    ASSERT(!is_ours || rc == NOERROR);
    ASSERT(!is_right || (s.error != BADSIG));
    ASSERT((s.error != NOERROR) == (rc == NOTAUTH));
    if (s.key && s.mac_len)
        check_answers(&m, &s, rc, NOW_S * S_TO_US);
    else
        ASSERT(read_message(&m, answer, answer_to(&m, &s, rc, NOW_S * S_TO_US)));
    tsig_session_done(&s);
    return 0;
}
