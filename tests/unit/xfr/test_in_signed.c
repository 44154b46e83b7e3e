/* SPDX-License-Identifier: Apache-2.0
 * Incoming transfers that are signed (RFC 8945 s5.3.1), with the other side played by the half of
 * tsig/ that answers. */
#include "in_util.h"

static struct made made;

#define SOA "@ SOA ns h 1 3600 900 1209600 300\n"

static struct name_buf key_name, apex;

static struct keyring *ring_of(const char *secret)
{
    struct keyring *ring = keyring_new();
    struct tsig_secret s = {(const uint8_t *)secret, strlen(secret), 0};
    struct diag diag = {0};
    key_name = name_from("key.");
    cr_assert_eq(keyring_add(ring, name_of(&key_name), "hmac-sha256", &s, 1, &diag), OK, "%s",
                 diag.text);
    return ring;
}

/* Both sides after the request: ours, and the one that knows `theirs`. */
struct pair {
    struct keyring *ours, *theirs;
    struct tsig_session server;
    struct xfr_in *x;
};

static void pair_start(struct pair *p, const char *theirs)
{
    static struct made request;
    struct made_head head = {ZONE, ID, 0, TYPE_AXFR};
    struct tsig_session asking = {0};
    struct message m;
    apex = name_from(ZONE);
    *p = (struct pair){.ours = ring_of("secret"), .theirs = ring_of(theirs)};
    make(&request, &head, "");
    tsig_session_start(&asking, keyring_find(p->ours, name_of(&key_name)));
    tsig_sign(&asking, request.wire, &request.len, NOW);
    cr_assert(message_read_header(&m, request.wire, request.len) && message_read(&m) == NOERROR);
    tsig_verify(&p->server, p->theirs, &m, NOW);
    struct xfr_in_order order = {.zone = name_of(&apex), .id = ID, .qtype = TYPE_AXFR};
    p->x = xfr_in_new(&order, &asking);
    cr_assert(!asking.is_signed && !asking.key); /* taken over */
}

static void pair_done(struct pair *p)
{
    xfr_in_free(p->x);
    tsig_session_done(&p->server);
    keyring_free(p->ours);
    keyring_free(p->theirs);
}

static const struct row {
    const char *what;
    const char *theirs; /* their secret */
    const char
        *signs;     /* of each message: S signed, s signed and changed after, U unsigned, L late */
    uint16_t rcode; /* of the last */
    enum xfr_in_next next;
    const char *says;
} rows[] = {
    {"all signed", "secret", "SSS", 0, XFR_IN_WHOLE, ""},
    {"in one message", "secret", "S", 0, XFR_IN_WHOLE, ""},
    {"the first not signed", "secret", "U", 0, XFR_IN_BAD, "a signature is missing"},
    {"the last not signed", "secret", "SSU", 0, XFR_IN_BAD, "last message is not signed"},
    {"the last two not signed", "secret", "SUU", 0, XFR_IN_BAD, "last message is not signed"},
    {"changed on the way", "secret", "Ss", 0, XFR_IN_BAD, "does not verify (BADSIG)"},
    {"the first changed on the way", "secret", "s", 0, XFR_IN_BAD, "does not verify (BADSIG)"},
    {"one is missing from the chain", "secret", "SXS", 0, XFR_IN_BAD, "does not verify (BADSIG)"},
    {"an hour late", "secret", "SL", 0, XFR_IN_BAD, "does not verify (BADTIME)"},
    {"refused, signed", "secret", "S", REFUSED, XFR_IN_REFUSED, "answered REFUSED"},
    {"refused, not signed", "secret", "U", REFUSED, XFR_IN_REFUSED, "answered REFUSED, unsigned"},
    {"a server that does not know TSIG", "secret", "U", FORMERR, XFR_IN_REFUSED,
     "answered FORMERR, unsigned"},
    {"failed in the middle", "secret", "SSS", SERVFAIL, XFR_IN_REFUSED,
     "answered SERVFAIL, after 2 records"},
    {"another secret", "other", "S", NOTAUTH, XFR_IN_REFUSED,
     "answered NOTAUTH (BADSIG), unsigned"},
};

static void expect_row(const struct row *r)
{
    struct pair p;
    struct diag diag;
    enum xfr_in_next next = XFR_IN_MORE;
    pair_start(&p, r->theirs);
    for (const char *sign = r->signs; *sign; sign++) {
        bool is_first = sign == r->signs, is_last = !sign[1];
        struct made_head head = head_of(is_first ? TYPE_AXFR : 0);
        head.flags |= is_last ? r->rcode : 0;
        make(&made, &head,
             is_first && is_last ? SOA "a TXT a\n" SOA
             : is_last           ? SOA
             : is_first          ? SOA
                                 : "a TXT a\n");
        if (*sign != 'U')
            tsig_sign(&p.server, made.wire, &made.len,
                      *sign == 'L' ? NOW - INT64_C(3600000000) : NOW);
        if (*sign == 's')
            made.wire[made.len / 3] ^= 1;
        if (*sign == 'X')
            continue;
        cr_assert_eq(next, XFR_IN_MORE, "%s: %s", r->what, diag.text);
        next = give(p.x, &made, &diag);
    }
    cr_assert_eq(next, r->next, "%s: %d %s", r->what, next, diag.text);
    if (next != XFR_IN_WHOLE)
        cr_assert(strstr(diag.text, r->says), "%s: %s", r->what, diag.text);
    if (next == XFR_IN_REFUSED)
        cr_assert_eq(xfr_in_rcode(p.x), r->rcode, "%s", r->what);
    if (next == XFR_IN_WHOLE)
        zone_free(xfr_in_zone(p.x));
    pair_done(&p);
}

Test(xfr_in_signed, the_chain_holds_to_the_end)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_row(&rows[i]);
}

/* s5.3.1: 99 messages without a signature, and no more. */
Test(xfr_in_signed, gives_up_at_the_hundredth_unsigned_message)
{
    struct made_head head = head_of(TYPE_AXFR);
    struct pair p;
    struct diag diag;
    pair_start(&p, "secret");
    make(&made, &head, SOA);
    tsig_sign(&p.server, made.wire, &made.len, NOW);
    cr_assert_eq(give(p.x, &made, &diag), XFR_IN_MORE, "%s", diag.text);
    for (unsigned i = 0; i < 99; i++) {
        make(&made, &head, "a TXT a\n");
        cr_assert_eq(give(p.x, &made, &diag), XFR_IN_MORE, "%u: %s", i, diag.text);
    }
    cr_assert_eq(give(p.x, &made, &diag), XFR_IN_BAD);
    cr_assert(strstr(diag.text, "a signature is missing"), "%s", diag.text);
    pair_done(&p);
}

Test(xfr_in_signed, an_answer_to_what_was_not_signed_is_not)
{
    struct made_head head = head_of(TYPE_AXFR);
    struct pair p;
    struct diag diag;
    struct xfr_in *x = start(TYPE_AXFR, 0);
    pair_start(&p, "secret");
    make(&made, &head, SOA SOA);
    tsig_sign(&p.server, made.wire, &made.len, NOW);
    cr_assert_eq(give(x, &made, &diag), XFR_IN_BAD);
    cr_assert(strstr(diag.text, "which the request was not"), "%s", diag.text);
    xfr_in_free(x);
    pair_done(&p);
}
