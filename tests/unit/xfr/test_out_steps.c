/* SPDX-License-Identifier: Apache-2.0
 * xfr/out, differences: a client hears each step's records in their order (RFC 1995 s4), and of
 * bytes that are not differences nothing that it could take for some. */
#include "heard.h"
#include "../slow.h"

/* --- differences --- */

static struct xfr_out *stream_to(const char *soa_text)
{
    static struct name_buf apex;
    struct heard newest = {0};
    heard_from_text(&newest, JAIN, soa_text);
    apex = newest.at[0].owner;
    client_start(&c, name_of(&apex), TYPE_IXFR);
    struct xfr_out_soa soa = {newest.at[0].rdata, newest.at[0].ttl};
    struct xfr_out *x = xfr_out_steps(&c.head, &soa);
    heard_done(&newest);
    return x;
}

static void expect_last(struct xfr_out *x)
{
    struct diag diag = {0};
    cr_assert_eq(client_hear(&c, x, &diag), XFR_OUT_LAST, "%s", diag.text);
}

Test(out, answers_as_rfc_1995_shows)
{
    struct xfr_steps steps = {0};
    struct xfr_out *x = stream_to(JAIN_SOA(3));
    steps_add(&steps, diff_from_text(JAIN, JAIN_STEP_1_2));
    steps_add(&steps, diff_from_text(JAIN, JAIN_STEP_2_3));
    xfr_out_give(x, &steps);
    xfr_out_end(x);
    xfr_steps_done(&steps);
    expect_last(x);
    heard_from_text(&want, JAIN, JAIN_ANSWER);
    expect_same_records(&c.heard, 0, c.heard.count, &want);
    cr_expect_eq(c.heard.messages, 1);
    done();
}

/* s2: who is up to date gets the SOA alone. */
Test(out, without_steps_is_the_soa_alone)
{
    struct xfr_out *x = stream_to(JAIN_SOA(3));
    xfr_out_end(x);
    expect_last(x);
    heard_from_text(&want, JAIN, JAIN_SOA(3));
    expect_same_records(&c.heard, 0, c.heard.count, &want);
    done();
}

/* No message before there is a step: a SOA alone would be taken for the whole answer. */
Test(out, is_hungry_until_it_has_steps_or_an_end)
{
    static const char *const parts[][2] = {{JAIN_STEP_1_2}, {JAIN_STEP_2_3}};
    struct diag diag = {0};
    struct xfr_out *x = stream_to(JAIN_SOA(3));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct xfr_steps steps = {0};
        cr_assert_eq(client_hear(&c, x, &diag), XFR_OUT_HUNGRY);
        cr_expect_eq(c.heard.messages, i);
        steps_add(&steps, diff_from_text(JAIN, parts[i][0], parts[i][1]));
        xfr_out_give(x, &steps);
        xfr_steps_done(&steps);
    }
    cr_assert_eq(client_hear(&c, x, &diag), XFR_OUT_HUNGRY);
    xfr_out_end(x);
    expect_last(x);
    cr_expect_eq(c.heard.messages, 3);
    heard_from_text(&want, JAIN, JAIN_ANSWER);
    expect_same_records(&c.heard, 0, c.heard.count, &want);
    done();
}

Test(out, may_end_or_be_dropped_at_any_time)
{
    struct xfr_steps steps = {0};
    struct diag diag = {0};
    steps_add(&steps, diff_from_text(JAIN, JAIN_STEP_1_2));
    xfr_out_free(NULL);
    struct xfr_out *x = stream_to(JAIN_SOA(3));
    xfr_out_free(x);
    x = stream_to(JAIN_SOA(3));
    xfr_out_give(x, &steps);
    cr_expect_eq(steps.count, 0, "they are the stream's");
    xfr_out_free(x);
    x = stream_to(JAIN_SOA(3));
    steps_add(&steps, diff_from_text(JAIN, JAIN_STEP_1_2));
    xfr_out_give(x, &steps);
    cr_assert_eq(client_hear(&c, x, &diag), XFR_OUT_HUNGRY);
    xfr_out_free(x);
    xfr_steps_done(&steps);
    done();
}

/* Many changes of a zone; what is heard is the bytes of all differences. */
Test(out, of_many_steps_has_every_record_in_order)
{
    enum { STEPS = 300 };
    uint64_t seed = 21;
    struct name_buf apex = name_from("zone.Example."), qname = name_from("zone.example.");
    struct zone *z = zone_new(name_of(&apex), CLASS_IN);
    struct xfr_steps steps = {0};
    struct diff_of of = {name_of(&apex), CLASS_IN};
    client_start(&c, name_of(&qname), TYPE_IXFR);
    for (uint32_t i = 0; i <= STEPS; i++) {
        struct diff d;
        struct txn *t = txn_begin(z, TXN_CHANGE);
        for (uint32_t n = rnd(&seed, i % 16 ? 8 : 400); n > 0; n--) {
            struct record r = record_random(&seed, name_of(&apex));
            struct rr rr = record_rr(&r);
            if (rnd(&seed, 3))
                txn_add(t, &rr);
            else
                txn_remove_rrset(t, rr.owner, rr.type);
        }
        soa_set(t, i + 1);
        zone_publish(z, txn_seal(&t, &d));
        if (i == 0)
            diff_done(&d); /* from nothing: nobody can ask for it */
        else
            steps_add(&steps, d);
    }
    struct xfr_out_soa soa = {rrset_first(z->published->soa), z->published->soa.ttl};
    struct rr newest = {name_of(&qname), TYPE_SOA, CLASS_IN, soa.ttl, soa.rdata}, rr;
    heard_add(&want, &newest);
    for (unsigned i = 0; i < steps.count; i++) {
        struct rd r = rd_over(steps.at[i]->diff.bytes, steps.at[i]->diff.len);
        while (rd_left(&r)) {
            cr_assert_null(diff_read(&r, &of, &rr));
            heard_add(&want, &rr);
        }
    }
    heard_add(&want, &newest);
    struct xfr_out *x = xfr_out_steps(&c.head, &soa);
    xfr_out_give(x, &steps);
    xfr_out_end(x);
    xfr_steps_done(&steps);
    zone_free(z);
    expect_last(x);
    cr_expect_gt(c.heard.messages, 3);
    expect_same_records(&c.heard, 0, c.heard.count, &want);
    done();
}

/* --- differences that are not --- */

static const struct broken {
    const char *what, *removed, *added, *says;
} rows[] = {
    {"fine", JAIN_SOA(2) JAIN_BB_4, JAIN_SOA(3) JAIN_BB_3, NULL},
    {"a gap", JAIN_SOA(1) JAIN_BB_4, JAIN_SOA(3), "begin where the one before ends"},
    {"no old SOA", "$TTL 1\n" JAIN_BB_4, JAIN_SOA(3), "begin"},
    {"nothing removed", "", JAIN_SOA(3), "begin"},
    {"no new SOA", JAIN_SOA(2), "$TTL 1\n" JAIN_BB_3, "begin"},
    {"nothing added", JAIN_SOA(2), "", "begin with its SOA"},
    {"a second SOA", JAIN_SOA(2), JAIN_SOA(3) JAIN_BB_3 JAIN_SOA(3), "second SOA"},
    {"another end", JAIN_SOA(2), JAIN_SOA(4), "newest"},
};

Test(out, breaks_off_at_steps_that_do_not_fit)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct xfr_steps steps = {0};
        struct diag diag = {0};
        struct xfr_out *x = stream_to(JAIN_SOA(3));
        steps_add(&steps, diff_from_text(JAIN, JAIN_STEP_1_2));
        steps_add(&steps, diff_from_text(JAIN, rows[i].removed, rows[i].added));
        xfr_out_give(x, &steps);
        xfr_out_end(x);
        xfr_steps_done(&steps);
        enum xfr_out_next next = first_failure(x, &diag);
        cr_expect_eq(next, rows[i].says ? XFR_OUT_BROKEN : XFR_OUT_LAST, "%s", rows[i].what);
        cr_expect(!rows[i].says || strstr(diag.text, rows[i].says), "%s: %s", rows[i].what,
                  diag.text);
        done();
    }
}

/* Every cut and flipped bit: a broken stream or one that a client can read, and no byte read out of
 * bounds. */
Test(out, of_damaged_bytes_does_no_harm)
{
    uint64_t seed = 3;
    struct diff whole = diff_from_text(JAIN, JAIN_STEP_1_2 "mx MX 10 jain-bb\nx CNAME y.x\n");
    struct xfr_out_soa soa = {0};
    struct heard newest = {0};
    struct name_buf apex = name_from(JAIN);
    static uint8_t wire[DNS_MESSAGE_MAX];
    unsigned fine = 0;
    heard_from_text(&newest, JAIN, JAIN_SOA(2));
    soa = (struct xfr_out_soa){newest.at[0].rdata, 300};
    client_start(&c, name_of(&apex), TYPE_IXFR);
    for (unsigned round = 0; round < cases(20000, 4000); round++) {
        struct diff d = whole;
        d.len -= rnd(&seed, 2) ? rnd(&seed, (uint32_t)whole.len) : 0;
        d.bytes = memcpy(malloc(d.len + 1), whole.bytes, d.len);
        d.bytes = realloc(d.bytes, d.len ? d.len : 1);
        for (uint32_t n = rnd(&seed, 3); n > 0 && d.len; n--)
            d.bytes[rnd(&seed, (uint32_t)d.len)] ^= (uint8_t)(1u << rnd(&seed, 8));
        struct xfr_steps steps = {0};
        struct xfr_out *x = xfr_out_steps(&c.head, &soa);
        struct diag diag;
        size_t len;
        steps_add(&steps, d);
        xfr_out_give(x, &steps);
        xfr_out_end(x);
        xfr_steps_done(&steps);
        enum xfr_out_next next = xfr_out_next(x, 1, wire, &len, &diag);
        cr_assert(next == XFR_OUT_LAST || next == XFR_OUT_BROKEN || next == XFR_OUT_MESSAGE);
        fine += next == XFR_OUT_LAST;
        xfr_out_free(x);
    }
    cr_expect_gt(fine, 1000);
    heard_done(&newest);
    diff_done(&whole);
    done();
}
