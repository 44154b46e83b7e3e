/* SPDX-License-Identifier: Apache-2.0
 * tsig/key: keyrings, references, rotation. */
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "vectors.h"

#define NOW ((int64_t)1795000000 * 1000000)

static const uint8_t bytes[TSIG_SECRET_LEN_MAX + 1] = "a secret of some bytes";

static enum err add(struct keyring *ring, const char *name, const char *algorithm, size_t len,
                    struct diag *diag)
{
    struct name_buf buf;
    struct tsig_secret secret = {bytes, len, 0};
    return keyring_add(ring, name_from(&buf, name), algorithm, &secret, 1, diag);
}

static const struct algorithm_row {
    const char *text, *shown; /* shown NULL: refused */
} algorithm_rows[] = {
    {"hmac-md5", "hmac-md5"},
    {"HMAC-MD5.SIG-ALG.REG.INT.", "hmac-md5"},
    {"hmac-md5.sig-alg.reg.int", "hmac-md5"},
    {"hmac-sha1", "hmac-sha1"},
    {"hmac-sha224.", "hmac-sha224"},
    {"HMAC-SHA256", "hmac-sha256"},
    {"hmac-sha384", "hmac-sha384"},
    {"hmac-sha512.", "hmac-sha512"},
    /* RFC 8945 s6, and s5.2.2.1: at least half, at least 80 bits, whole bytes */
    {"hmac-sha256-128", "hmac-sha256"},
    {"hmac-sha384-192", "hmac-sha384"},
    {"hmac-sha512-256", "hmac-sha512"},
    {"hmac-sha1-96", "hmac-sha1-96"},
    {"hmac-md5-80", "hmac-md5"},
    {"hmac-sha256-256.", "hmac-sha256-256"},
    {"hmac-sha256-120", NULL},
    {"hmac-sha256-129", NULL},
    {"hmac-sha256-264", NULL},
    {"hmac-sha256-", NULL},
    {"hmac-sha256-99999999999999999999", NULL},
    {"hmac-md5-72", NULL},
    {"hmac-sha", NULL},
    {"sha256", NULL},
    {"gss-tsig", NULL},
    {"-", NULL},
    {".", NULL},
    {"", NULL},
};

Test(key, algorithms_are_those_of_rfc_8945)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithm_rows); i++) {
        const struct algorithm_row *row = &algorithm_rows[i];
        struct diag diag = {0};
        struct keyring *ring = keyring_new();
        cr_expect_eq(add(ring, "K.", row->text, 20, &diag), row->shown ? OK : ERR_INVALID, "%s: %s",
                     row->text, diag.text);
        cr_expect_eq(keyring_at(ring, 0) != NULL, row->shown != NULL);
        if (row->shown)
            cr_expect_str_eq(tsig_key_algorithm(keyring_at(ring, 0)), row->shown);
        else
            cr_expect(strstr(diag.text, "unknown algorithm"));
        keyring_free(ring);
    }
}

Test(key, keyrings_find_names_in_either_case_and_list_them_in_order)
{
    static const char *const names[] = {"z.example.",
                                        "Example.",
                                        "a.Example.",
                                        "yljkjljk.a.example.",
                                        "Z.a.example.",
                                        "zABC.a.EXAMPLE.",
                                        ".",
                                        "b.",
                                        "c.",
                                        "d."};
    /* RFC 4034 s6.1 */
    static const char *const order[] = {".",
                                        "b.",
                                        "c.",
                                        "d.",
                                        "example.",
                                        "a.example.",
                                        "yljkjljk.a.example.",
                                        "z.a.example.",
                                        "zabc.a.example.",
                                        "z.example."};
    struct keyring *ring = keyring_new();
    struct name_buf buf;
    char text[NAME_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        cr_expect_eq(keyring_find(ring, name_from(&buf, names[i])), NULL);
        cr_assert_eq(add(ring, names[i], "hmac-sha256", 8, NULL), OK);
    }
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        struct tsig_key *key = keyring_at(ring, i);
        cr_assert(key);
        cr_expect_str_eq(name_text(tsig_key_name(key), text), order[i]);
        cr_expect_eq(keyring_find(ring, name_from(&buf, order[i])), key);
    }
    cr_expect_eq(keyring_at(ring, ARRAY_LEN(order)), NULL);
    cr_expect_eq(add(ring, "EXAMPLE.", "hmac-sha1", 8, NULL), ERR_EXISTS);
    cr_expect_eq(keyring_at(ring, ARRAY_LEN(order)), NULL);
    keyring_free(ring);
    keyring_free(NULL);
}

Test(key, odd_secrets_are_refused_and_leave_nothing)
{
    struct name_buf buf;
    struct diag diag = {0};
    struct keyring *ring = keyring_new();
    struct name name = name_from(&buf, "k.");
    struct tsig_secret s[3] = {{bytes, 8, 0}, {bytes + 1, 0, 0}, {bytes, 8, 0}};
    cr_expect_eq(add(ring, "k.", "hmac-sha256", 0, &diag), ERR_INVALID);
    cr_expect(strstr(diag.text, "empty"));
    cr_expect_eq(add(ring, "k.", "hmac-sha256", TSIG_SECRET_LEN_MAX + 1, &diag), ERR_INVALID);
    cr_expect(strstr(diag.text, "longer than 512"));
    cr_expect_eq(keyring_add(ring, name, "hmac-sha256", s, 2, &diag), ERR_INVALID);
    cr_expect_eq(keyring_add(ring, name, "hmac-sha256", s, 0, &diag), ERR_INVALID);
    cr_expect_eq(keyring_add(ring, name, "hmac-sha256", s, 3, &diag), ERR_INVALID);
    cr_expect(strstr(diag.text, "one secret"));
    cr_expect_eq(keyring_at(ring, 0), NULL);
    cr_expect_eq(add(ring, "k.", "hmac-sha256", TSIG_SECRET_LEN_MAX, &diag), OK);
    cr_expect_eq(add(ring, "l.", "hmac-sha256", 1, &diag), OK);
    keyring_free(ring);
}

/* A query signed with the key's secret `bytes + from`, 8 bytes of it. */
static void signed_query(struct wire *w, size_t from)
{
    struct name_buf buf;
    struct tsig_session s = {0};
    struct keyring *ring = keyring_new();
    struct tsig_secret secret = {bytes + from, 8, 0};
    cr_assert_eq(keyring_add(ring, name_from(&buf, "k."), "hmac-sha256", &secret, 1, NULL), OK);
    wire_from(w, "1234000000010000000000000000010001");
    tsig_session_start(&s, keyring_at(ring, 0));
    tsig_sign(&s, w->bytes, &w->len, NOW);
    cr_assert(message_read_header(&w->m, w->bytes, w->len));
    cr_assert_eq(message_read(&w->m), NOERROR);
    tsig_session_done(&s);
    keyring_free(ring);
}

static const struct rotation_row {
    size_t from; /* which secret signed */
    int64_t now_us;
    enum rcode rcode;
    unsigned secret;
} rotation_rows[] = {
    {0, NOW, NOERROR, 0},
    {8, NOW, NOERROR, 1},
    {8, NOW + 9999999, NOERROR, 1},
    {8, NOW + 10000000, NOTAUTH, 0}, /* until: no longer */
    {0, NOW + 10000000, NOERROR, 0},
    {4, NOW, NOTAUTH, 0},
};

Test(key, both_secrets_of_a_rotation_are_accepted_until_the_old_one_ends)
{
    struct name_buf buf;
    struct wire w, answer;
    struct keyring *ring = keyring_new();
    struct tsig_secret s[2] = {{bytes, 8, 0}, {bytes + 8, 8, NOW + 10000000}};
    cr_assert_eq(keyring_add(ring, name_from(&buf, "k."), "hmac-sha256", s, 2, NULL), OK);
    for (size_t i = 0; i < ARRAY_LEN(rotation_rows); i++) {
        const struct rotation_row *row = &rotation_rows[i];
        struct tsig_session server = {0}, client = {0};
        struct keyring *own = keyring_new();
        struct tsig_secret one = {bytes + row->from, 8, 0};
        signed_query(&w, row->from);
        cr_expect_eq(tsig_verify(&server, ring, &w.m, row->now_us), row->rcode, "row %zu", i);
        if (row->rcode == NOERROR) {
            cr_expect_eq(server.secret, row->secret, "row %zu", i);
            /* the client has one secret only: the answer is signed with that */
            cr_assert_eq(keyring_add(own, name_from(&buf, "k."), "hmac-sha256", &one, 1, NULL), OK);
            wire_from(&answer, "1234000000010000000000000000010001");
            tsig_session_start(&client, keyring_at(own, 0));
            tsig_sign(&client, answer.bytes, &answer.len, NOW);
            wire_from(&answer, "1234800000010000000000000000010001");
            tsig_sign(&server, answer.bytes, &answer.len, row->now_us);
            cr_assert(message_read_header(&answer.m, answer.bytes, answer.len));
            cr_assert_eq(message_read(&answer.m), NOERROR);
            cr_expect_eq(tsig_verify_answer(&client, &answer.m, row->now_us), NOERROR, "row %zu",
                         i);
        }
        tsig_session_done(&client);
        tsig_session_done(&server);
        keyring_free(own);
    }
    keyring_free(ring);
}

Test(key, use_times_go_on_in_the_next_keyring)
{
    struct wire w;
    struct tsig_session s = {0};
    struct keyring *old = keyring_new(), *new = keyring_new();
    struct name_buf buf;
    cr_assert_eq(add(old, "k.", "hmac-sha256", 8, NULL), OK);
    signed_query(&w, 0);
    cr_assert_eq(tsig_verify(&s, old, &w.m, NOW), NOERROR);
    cr_assert_eq(add(new, "K.", "hmac-sha512", 8, NULL), OK);
    cr_assert_eq(add(new, "l.", "hmac-sha512", 8, NULL), OK);
    keyring_inherit(new, NULL);
    cr_expect_eq(tsig_key_last_used_us(keyring_at(new, 0)), 0);
    keyring_inherit(new, old);
    keyring_free(old); /* s still holds its key */
    cr_expect_eq(tsig_key_last_used_us(s.key), NOW);
    cr_expect_eq(tsig_key_last_used_us(keyring_find(new, name_from(&buf, "k."))), NOW);
    cr_expect_eq(tsig_key_last_used_us(keyring_find(new, name_from(&buf, "l."))), 0);
    struct tsig_key *held = tsig_key_hold(s.key);
    tsig_session_done(&s);
    cr_expect_str_eq(tsig_key_algorithm(held), "hmac-sha256");
    tsig_key_release(held);
    tsig_key_release(NULL);
    keyring_free(new);
}

/* Each test is a process of its own: what the library offers changes for this one only. */
Test(key, says_so_when_the_library_offers_no_hmac)
{
    struct diag diag = {0};
    OSSL_PROVIDER *none = OSSL_PROVIDER_load(NULL, "null"); /* and no other any more */
    cr_assert(none);
    struct keyring *ring = keyring_new();
    cr_expect_eq(add(ring, "k.", "hmac-sha256", 8, &diag), ERR_SYSTEM);
    cr_expect(strstr(diag.text, "does not offer hmac-sha256"), "%s", diag.text);
    cr_expect_eq(keyring_at(ring, 0), NULL);
    keyring_free(ring);
    OSSL_PROVIDER_unload(none);
}

Test(key, says_so_when_the_library_does_not_offer_the_algorithm)
{
    struct diag diag = {0};
    struct keyring *ring = keyring_new();
    cr_assert_eq(add(ring, "k.", "hmac-sha256", 8, &diag), OK);
    cr_assert(EVP_set_default_properties(NULL, "fips=yes"));
    cr_expect_eq(add(ring, "l.", "hmac-md5", 8, &diag), ERR_SYSTEM);
    cr_expect(strstr(diag.text, "does not offer hmac-md5"), "%s", diag.text);
    cr_expect_eq(keyring_at(ring, 1), NULL);
    keyring_free(ring);
}

Test(key, the_same_is_what_accepts_the_same)
{
    static const struct row {
        const char *algorithm;
        size_t len;
        int64_t until_us;
        unsigned count;
        bool is_same;
    } rows[] = {
        {"hmac-sha256", 20, NOW, 2, true},  {"HMAC-SHA256.", 20, NOW, 2, true},
        {"hmac-sha512", 20, NOW, 2, false}, {"hmac-sha256-192", 20, NOW, 2, false},
        {"hmac-sha256", 21, NOW, 2, false}, {"hmac-sha256", 20, NOW + 1, 2, false},
        {"hmac-sha256", 20, 0, 2, false},   {"hmac-sha256", 20, NOW, 1, false},
    };
    struct keyring *ring = keyring_new();
    struct name_buf buf;
    struct tsig_secret secrets[2] = {{bytes, 20, 0}, {bytes, 10, NOW}};
    cr_assert_eq(keyring_add(ring, name_from(&buf, "k."), "hmac-sha256", secrets, 2, NULL), OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct keyring *other = keyring_new();
        secrets[0].len = rows[i].len;
        secrets[1].until_us = rows[i].until_us;
        cr_assert_eq(keyring_add(other, name_from(&buf, "other."), rows[i].algorithm, secrets,
                                 rows[i].count, NULL),
                     OK);
        cr_expect_eq(tsig_key_is_same(keyring_at(ring, 0), keyring_at(other, 0)), rows[i].is_same,
                     "row %zu", i);
        bool is_alike = keyring_fingerprint(ring, name_from(&buf, "k.")) ==
                        keyring_fingerprint(other, name_from(&buf, "Other."));
        bool is_only_until = rows[i].count == 2 && rows[i].until_us != NOW;
        cr_expect_eq(is_alike, rows[i].is_same || is_only_until, "row %zu", i);
        keyring_free(other);
    }
    int64_t until_us[TSIG_SECRETS_MAX];
    cr_assert_eq(tsig_key_secrets(keyring_at(ring, 0), until_us), 2);
    cr_expect(until_us[0] == 0 && until_us[1] == NOW);
    cr_expect_neq(keyring_fingerprint(ring, name_from(&buf, "k.")), 0);
    cr_expect_eq(keyring_fingerprint(ring, name_from(&buf, "absent.")), 0);
    cr_expect_eq(keyring_fingerprint(ring, (struct name){0}), 0);
    keyring_free(ring);
}

Test(key, taken_out_of_the_ring_it_stays_with_who_holds_it)
{
    struct keyring *ring = keyring_new();
    struct name_buf buf;
    static const char *const names[] = {"a.", "b.", "c."};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        cr_assert_eq(add(ring, names[i], "hmac-sha256", 20, NULL), OK);
    struct tsig_key *held = tsig_key_hold(keyring_at(ring, 1));
    cr_expect(keyring_remove(ring, name_from(&buf, "B.")));
    cr_expect_not(keyring_remove(ring, name_from(&buf, "b.")));
    cr_expect_null(keyring_find(ring, name_from(&buf, "b.")));
    cr_expect_not_null(keyring_find(ring, name_from(&buf, "a.")));
    cr_expect_not_null(keyring_find(ring, name_from(&buf, "c.")));
    cr_expect_null(keyring_at(ring, 2));
    cr_expect(name_is_equal(tsig_key_name(held), name_from(&buf, "b.")));
    tsig_key_release(held);
    keyring_free(ring);
}
