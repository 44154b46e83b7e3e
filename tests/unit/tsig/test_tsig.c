/* SPDX-License-Identifier: Apache-2.0
 * tsig/tsig: what dnspython signed verifies here, and what is signed here is byte for byte what
 * dnspython signs (tests/data/make_tsig.py). */
#include "vectors.h"

static struct vector v;
static struct wire first, second, third;

Test(tsig, says_of_requests_what_rfc_8945_wants)
{
    FILE *f = vectors_open();
    unsigned count = 0;
    v.number = 0;
    while (vector_read(f, &v, "request")) {
        struct tsig_session s = {0};
        struct keyring *ring = vector_ring(&v);
        wire_from(&first, v.word[8]);
        int64_t now = seconds(v.word[5]);
        enum rcode rc = tsig_verify(&s, ring, &first.m, now);
        cr_expect_eq((int)rc, atoi(v.word[6]), "line %u, %s: %d", v.number, v.word[1], rc);
        cr_expect_eq(s.error, atoi(v.word[7]), "line %u, %s: error %d", v.number, v.word[1],
                     s.error);
        cr_expect_eq(s.is_signed, rc != FORMERR, "line %u", v.number);
        struct name_buf name;
        struct tsig_key *key = keyring_find(ring, name_from(&name, v.word[2]));
        cr_expect_eq(tsig_key_last_used_us(key), rc == NOERROR ? now : 0, "line %u", v.number);
        cr_expect(rc != NOERROR || s.key == key);
        tsig_session_done(&s);
        keyring_free(ring);
        count++;
    }
    fclose(f);
    cr_assert_gt(count, 150);
}

Test(tsig, signs_answers_as_another_implementation_does)
{
    FILE *f = vectors_open();
    unsigned count = 0;
    v.number = 0;
    while (vector_read(f, &v, "answer")) {
        struct tsig_session s = {0};
        struct keyring *ring = vector_ring(&v);
        wire_from(&first, v.word[6]);
        wire_from(&second, v.word[7]);
        wire_from(&third, v.word[8]);
        tsig_verify(&s, ring, &first.m, seconds(v.word[5]));
        size_t len = second.len;
        cr_expect_eq(len + tsig_room(&s), third.len, "line %u, %s: room", v.number, v.word[1]);
        tsig_sign(&s, second.bytes, &len, seconds(v.word[5]));
        cr_expect(is_wire(&third, second.bytes, len), "line %u, %s", v.number, v.word[1]);
        tsig_session_done(&s);
        keyring_free(ring);
        count++;
    }
    fclose(f);
    cr_assert_gt(count, 50);
}

Test(tsig, asks_and_judges_the_answer)
{
    FILE *f = vectors_open();
    unsigned count = 0;
    v.number = 0;
    while (vector_read(f, &v, "ask")) {
        struct tsig_session s = {0};
        struct name_buf name;
        struct keyring *ring = vector_ring(&v);
        wire_from(&first, v.word[6]);
        wire_from(&second, v.word[7]);
        wire_from(&third, v.word[11]);
        tsig_session_start(&s, keyring_find(ring, name_from(&name, v.word[2])));
        size_t len = first.len;
        cr_expect_eq(len + tsig_room(&s), second.len);
        tsig_sign(&s, first.bytes, &len, seconds(v.word[5]));
        cr_expect(is_wire(&second, first.bytes, len), "line %u, %s", v.number, v.word[1]);
        enum rcode rc = tsig_verify_answer(&s, &third.m, seconds(v.word[8]));
        cr_expect_eq((int)rc, atoi(v.word[9]), "line %u, %s: %d", v.number, v.word[1], rc);
        cr_expect_eq(s.error, atoi(v.word[10]), "line %u, %s: error %d", v.number, v.word[1],
                     s.error);
        tsig_session_done(&s);
        keyring_free(ring);
        count++;
    }
    fclose(f);
    cr_assert_gt(count, 30);
}

/* The session of who sent the request: as if it had signed it itself. */
static void ask_with(struct tsig_session *s, struct keyring *ring, const struct wire *request)
{
    struct name_buf name;
    struct tsig_session server = {0};
    cr_assert_eq(tsig_verify(&server, ring, &request->m, seconds(v.word[5])), NOERROR);
    tsig_session_start(s, keyring_find(ring, name_from(&name, v.word[2])));
    memcpy(s->mac, server.mac, server.mac_len);
    s->mac_len = server.mac_len;
    tsig_session_done(&server);
}

Test(tsig, signs_and_verifies_streams)
{
    FILE *f = vectors_open();
    unsigned count = 0;
    v.number = 0;
    while (vector_read(f, &v, "chain")) {
        struct tsig_session s = {0}, asker = {0}, copy;
        struct keyring *ring = vector_ring(&v);
        wire_from(&first, v.word[6]);
        ask_with(&asker, ring, &first);
        cr_assert_eq(tsig_verify(&s, ring, &first.m, seconds(v.word[5])), NOERROR);
        for (int i = 7; i + 1 < v.words; i += 2) {
            wire_from(&second, v.word[i]);
            wire_from(&third, v.word[i + 1]);
            size_t len = second.len;
            cr_expect_eq(len + tsig_room(&s), third.len);
            tsig_session_copy(&copy, &s); /* the stream goes on in the copy */
            tsig_session_done(&s);
            tsig_sign(&copy, second.bytes, &len, seconds(v.word[5]));
            s = copy;
            cr_expect(is_wire(&third, second.bytes, len), "line %u, message %d", v.number, i);
            cr_expect_eq(tsig_verify_answer(&asker, &third.m, seconds(v.word[5])), NOERROR,
                         "line %u, message %d", v.number, i);
        }
        tsig_session_done(&s);
        tsig_session_done(&asker);
        keyring_free(ring);
        count++;
    }
    fclose(f);
    cr_assert_eq(count, 7);
}

/* RFC 8945 s5.3.1: up to 99 messages without a signature, never the first */
Test(tsig, verifies_streams_that_are_not_signed_throughout)
{
    FILE *f = vectors_open();
    unsigned count = 0;
    v.number = 0;
    while (vector_read(f, &v, "gaps")) {
        struct tsig_session s = {0}, copy;
        struct keyring *ring = vector_ring(&v);
        int i = 7, bad = strcmp(v.word[1], "first") == 0 ? 7
                         : strcmp(v.word[1], "100") == 0 ? 107
                                                         : -1;
        wire_from(&first, v.word[6]);
        ask_with(&s, ring, &first);
        for (enum rcode rc = NOERROR; i < v.words && rc == NOERROR; i++) {
            wire_from(&second, v.word[i]);
            tsig_session_copy(&copy, &s);
            tsig_session_done(&s);
            s = copy;
            rc = tsig_verify_answer(&s, &second.m, seconds(v.word[5]));
            cr_expect_eq(rc, i == bad ? FORMERR : NOERROR, "line %u, word %d: %d", v.number, i, rc);
        }
        cr_expect(bad >= 0 || (i == v.words && s.unsigned_run == 0));
        tsig_session_done(&s);
        keyring_free(ring);
        count++;
    }
    fclose(f);
    cr_assert_eq(count, 5);
}

/* A change anywhere, or a message lost or swapped, is noticed at the next signature. */
Test(tsig, notices_what_was_changed_between_signatures)
{
    FILE *f = vectors_open();
    struct tsig_session s = {0};
    v.number = 0;
    while (vector_read(f, &v, "gaps") && strcmp(v.word[1], "two") != 0)
        ;
    fclose(f);
    struct keyring *ring = vector_ring(&v);
    wire_from(&first, v.word[6]);
    for (int change = 0; change < 3; change++) {
        ask_with(&s, ring, &first);
        wire_from(&second, v.word[7]);
        cr_assert_eq(tsig_verify_answer(&s, &second.m, seconds(v.word[5])), NOERROR);
        wire_from(&second, v.word[8]); /* not signed */
        if (change == 0)
            second.bytes[second.len - 1] ^= 1;
        if (change < 2)
            cr_assert_eq(tsig_verify_answer(&s, &second.m, seconds(v.word[5])), NOERROR);
        wire_from(&second, v.word[9]);
        cr_expect_eq(tsig_verify_answer(&s, &second.m, seconds(v.word[5])),
                     change == 1 ? NOERROR : NOTAUTH);
        cr_expect_eq(s.error, change == 1 ? NOERROR : BADSIG);
    }
    tsig_session_done(&s);
    keyring_free(ring);
}

Test(tsig, any_changed_byte_of_a_request_is_noticed)
{
    FILE *f = vectors_open();
    v.number = 0;
    while (vector_read(f, &v, "request") && strcmp(v.word[1], "update") != 0)
        ;
    fclose(f);
    struct keyring *ring = vector_ring(&v);
    wire_from(&first, v.word[8]);
    for (size_t i = 0; i < first.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct tsig_session s = {0};
            uint8_t kept = first.bytes[i];
            first.bytes[i] ^= (uint8_t)(1u << bit);
            bool is_letter = name_fold[first.bytes[i]] == name_fold[kept];
            /* the id is replaced by the original one; names of key and algorithm have no case */
            bool is_free = i < 2 || (is_letter && i > first.m.tsig_at);
            struct message m;
            cr_assert(message_read_header(&m, first.bytes, first.len));
            if (message_read(&m) == NOERROR && m.tsig_at && !is_free)
                cr_expect_neq(tsig_verify(&s, ring, &m, seconds(v.word[5])), NOERROR, "byte %zu",
                              i);
            first.bytes[i] = kept;
            tsig_session_done(&s);
        }
    keyring_free(ring);
}

Test(tsig, unsigned_requests_get_unsigned_answers)
{
    struct tsig_session s = {0}, copy;
    struct wire w;
    wire_from(&w, "123400000001000000000000000001"
                  "0001");
    cr_assert_eq(tsig_verify(&s, NULL, &w.m, 0), NOERROR);
    cr_assert_eq(tsig_room(&s), 0);
    size_t len = w.len;
    tsig_session_copy(&copy, &s);
    tsig_sign(&copy, w.bytes, &len, 0);
    cr_assert_eq(len, w.len);
    cr_assert_eq(w.bytes[11], 0);
    tsig_session_done(&s);
    tsig_session_done(&copy);
}

Test(tsig, without_keys_every_key_is_unknown)
{
    FILE *f = vectors_open();
    struct tsig_session s = {0};
    v.number = 0;
    cr_assert(vector_read(f, &v, "request"));
    fclose(f);
    wire_from(&first, v.word[8]);
    cr_assert_eq(tsig_verify(&s, NULL, &first.m, 0), NOTAUTH);
    cr_assert_eq(s.error, BADKEY);
    cr_assert(!s.key && s.is_signed);
    tsig_session_done(&s);
}

/* RFC 8945 s5.2.3: the server's clock stands in the answer's other data */
Test(tsig, tells_the_clock_of_a_server_that_says_badtime)
{
    FILE *f = vectors_open();
    unsigned count = 0;
    struct tsig_session s = {0};
    v.number = 0;
    while (vector_read(f, &v, "ask")) {
        if (strncmp(v.word[1], "away-", 5) != 0)
            continue;
        struct name_buf name;
        struct keyring *ring = vector_ring(&v);
        wire_from(&first, v.word[6]);
        wire_from(&third, v.word[11]);
        tsig_session_start(&s, keyring_find(ring, name_from(&name, v.word[2])));
        size_t len = first.len;
        tsig_sign(&s, first.bytes, &len, seconds(v.word[5]));
        tsig_verify_answer(&s, &third.m, seconds(v.word[5]));
        cr_expect_eq(s.server_time_s, 1795000000, "line %u", v.number);
        keyring_free(ring); /* the session holds its key */
        count++;
    }
    fclose(f);
    tsig_session_done(&s);
    cr_assert_eq(count, 3);
}
