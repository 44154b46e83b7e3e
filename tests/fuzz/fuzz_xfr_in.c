/* SPDX-License-Identifier: Apache-2.0
 * Incoming transfers, and what is made of them.
 *
 * The first byte says what was asked for, whether there are limits, and what the rest is: messages
 * as they are, each behind its length, or a program: a byte a record, from a table that has what a
 * small zone has, or the end of the message. What came in whole is compared with the small zone,
 * differences are applied to it, and each must give what the other says. */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/check.h"
#include "dns/build.h"
#include "dns/master.h"
#include "xfr/in.h"
#include "zone/contrast.h"
#include "zone/lookup.h"

#define APEX         "\7example"
#define ID           0x5265
#define SERIAL       7u
#define MESSAGES_MAX 300
#define MESSAGE_LEN  4096

/* bits of the first byte */
enum mode { MODE_IXFR = 1, MODE_PROGRAM = 2, MODE_LIMITS = 4, MODE_SMALL = 8 };

static const char zone_text[] =
    "$TTL 300\n@ SOA ns h 7 3600 900 1209600 300\n@ NS ns\nns A 192.0.2.53\n"
    "a TXT \"a\"\na TXT \"b\"\na A 192.0.2.1\nb.c AAAA ::1\ncut NS ns.cut\n"
    "ns.cut A 192.0.2.5\n*.w MX 10 a\n"
    "0123456789abcdefghijklmnopqrstuv NSEC3 1 0 0 - "
    "0123456789abcdefghijklmnopqrstuv A\n";

/* What a program picks from, as zone file lines. */
static const char samples_text[] =
    "$TTL 300\n"
    "@ SOA ns h 7 3600 900 1209600 300\n@ SOA ns h 8 3600 900 1209600 300\n"
    "@ SOA ns h 9 3600 900 1209600 300\n@ SOA ns h 6 3600 900 1209600 300\n"
    "@ SOA ns h 8 3600 900 1209600 301\n@ SOA NS H 9 3600 900 1209600 300\n"
    "@ NS ns\n@ NS ns2\nns A 192.0.2.53\na TXT \"a\"\na TXT \"b\"\nA TXT \"c\"\na 60 TXT \"d\"\n"
    "a A 192.0.2.1\na A 192.0.2.2\nb.c AAAA ::1\nb.c AAAA ::2\nc A 192.0.2.3\ncut NS ns.cut\n"
    "cut NS NS.cut\nns.cut A 192.0.2.5\n*.w MX 10 a\n*.w MX 20 a\nw CNAME a\n"
    "0123456789abcdefghijklmnopqrstuv NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstuv A\n"
    "0123456789abcdefghijklmnopqrstuv NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstuv A TXT\n"
    "0123456789abcdefghijklmnopqrstuv RRSIG NSEC3 13 2 300 20300101000000 20200101000000 1 @ AAAA\n"
    "a RRSIG TXT 13 2 300 20300101000000 20200101000000 1 @ AAAA\n"
    "odd TYPE65280 \\# 2 0102\napl APL\nother. A 192.0.2.9\nwww SOA ns h 1 1 1 1 1\n";
#define SAMPLES_MAX 64
#define ENDS        4 /* of a byte's values, how many end the message */

struct sample {
    struct name_buf owner;
    struct rr rr;
};
static struct sample samples[SAMPLES_MAX];
static unsigned sample_count;

static struct name apex_name(void)
{
    return (struct name){(const uint8_t *)APEX, sizeof(APEX)};
}

static enum err keep_sample(void *arg, const struct rr *rr, const struct master_where *where)
{
    (void)arg;
    (void)where;
    struct sample *s = &samples[sample_count++];
    ASSERT(sample_count <= SAMPLES_MAX);
    name_copy(&s->owner, rr->owner);
    s->rr = *rr;
    s->rr.owner = name_of(&s->owner);
    s->rr.rdata.bytes = memcpy(mem_alloc(rr->rdata.len + 1u), rr->rdata.bytes, rr->rdata.len);
    return OK;
}

static enum err keep_record(void *arg, const struct rr *rr, const struct master_where *where)
{
    (void)where;
    (void)txn_add(arg, rr);
    return OK;
}

static void read_text(const char *text, size_t len,
                      enum err (*take)(void *, const struct rr *, const struct master_where *),
                      void *arg)
{
    struct master_options options = {.origin = apex_name(), .class = CLASS_IN};
    struct master_sink sink = {.arg = arg, .record = take};
    struct master_result result;
    ASSERT(master_read_bytes("text", text, len, &options, &sink, &result, NULL) == OK);
}

static struct zone *open_zone(void)
{
    struct zone *z = zone_new(apex_name(), CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    read_text(zone_text, sizeof(zone_text) - 1, keep_record, t);
    zone_publish(z, txn_seal(&t, NULL));
    return z;
}

/* --- messages --- */

struct input {
    const uint8_t *at, *end;
    uint8_t mode;
};

static size_t next_raw(struct input *in, uint8_t *out)
{
    if (in->end - in->at < 2)
        return 0;
    size_t len = get_u16(in->at), left = (size_t)(in->end - in->at) - 2;
    len = len < left ? len : left;
    memcpy(out, in->at + 2, len);
    in->at += 2 + len;
    return len;
}

static size_t next_program(struct input *in, uint8_t *out, unsigned number)
{
    struct build b;
    if (in->at == in->end)
        return 0;
    build_init(&b, out, MESSAGE_LEN);
    if (number == 0)
        build_question(&b, apex_name(), in->mode & MODE_IXFR ? TYPE_IXFR : TYPE_AXFR, CLASS_IN);
    while (in->at < in->end) {
        unsigned pick = *in->at++ % (sample_count + ENDS);
        if (pick >= sample_count || !build_rr(&b, SECTION_ANSWER, &samples[pick].rr))
            break;
    }
    build_header(&b, ID, FLAG_QR | FLAG_AA);
    return b.len;
}

static enum xfr_in_next run(struct xfr_in *x, struct input *in)
{
    static uint8_t scratch[DNS_MESSAGE_MAX];
    enum xfr_in_next next = XFR_IN_MORE;
    struct diag diag = {0};
    for (unsigned i = 0; next == XFR_IN_MORE && i < MESSAGES_MAX; i++) {
        size_t len = in->mode & MODE_PROGRAM ? next_program(in, scratch, i) : next_raw(in, scratch);
        if (len == 0)
            break;
        uint8_t *bytes = memcpy(mem_alloc(len), scratch, len);
        next = xfr_in_message(x, bytes, len, 0, &diag);
        free(bytes);
    }
    ASSERT(next == XFR_IN_MORE || next == XFR_IN_WHOLE || next == XFR_IN_STEPS ||
           next == XFR_IN_CURRENT || diag.text[0]);
    return next;
}

/* --- what is made of them --- */

static bool apply(struct zone *z, const struct diff *d)
{
    struct diff_bytes bytes = {d->bytes, d->len, d->added_at};
    struct txn *t = txn_begin(z, TXN_CHANGE);
    struct diag diag = {0};
    if (txn_apply(t, &bytes, &diag) != OK) {
        ASSERT(diag.text[0]);
        txn_abort(&t);
        return false;
    }
    zone_publish(z, txn_seal(&t, NULL));
    return true;
}

/* What they differ in, applied to the small zone, makes it the other. */
static void expect_contrast(const struct version *v)
{
    struct zone *z = open_zone();
    struct diff d, rest;
    contrast_versions(z->published, v, &d);
    ASSERT(d.serial_from == SERIAL && d.serial_to == v->serial);
    ASSERT(apply(z, &d));
    contrast_versions(z->published, v, &rest);
    ASSERT(rest.len == 0 && rest.removed_count == 0 && rest.added_count == 0);
    ASSERT(z->published->record_count == v->record_count);
    diff_done(&d);
    diff_done(&rest);
    zone_free(z);
}

static void expect_whole(struct xfr_in *x, uint8_t mode)
{
    struct zone *z = xfr_in_zone(x);
    const struct version *v = z->published;
    struct walk w;
    ASSERT(v == z->tip && v->soa.count == 1 && v->serial == xfr_in_serial(x));
    ASSERT(v->record_count < xfr_in_count(x).records);
    ASSERT(!(mode & MODE_IXFR) || serial_compare(v->serial, SERIAL) == 1);
    walk_start(&w, v);
    for (const struct node *n; (n = walk_next(&w));)
        ASSERT(name_is_under(node_owner(n), apex_name()));
    expect_contrast(v);
    zone_free(z);
}

static void expect_steps(struct xfr_in *x)
{
    struct xfr_steps steps = xfr_in_steps(x);
    struct zone *z = open_zone();
    uint32_t serial = SERIAL;
    bool fits = true;
    for (unsigned i = 0; i < steps.count; i++) {
        const struct diff *d = &steps.at[i]->diff;
        ASSERT(d->serial_from == serial && serial_compare(d->serial_to, serial) == 1);
        ASSERT(d->removed_count > 0 && d->added_count > 0 && d->added_at < d->len);
        serial = d->serial_to;
        fits = fits && apply(z, d);
        ASSERT(!fits || (z->published->serial == serial && z->published->soa.count == 1));
    }
    ASSERT(serial == xfr_in_serial(x));
    if (fits)
        expect_contrast(z->published);
    zone_free(z);
    xfr_steps_done(&steps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (sample_count == 0)
        read_text(samples_text, sizeof(samples_text) - 1, keep_sample, NULL);
    struct input in = {data + 1, data + size, data[0]};
    struct tsig_session none = {0};
    struct xfr_in_order order = {.zone = apex_name(),
                                 .id = ID,
                                 .qtype = in.mode & MODE_IXFR ? TYPE_IXFR : TYPE_AXFR,
                                 .serial = SERIAL};
    if (in.mode & MODE_LIMITS)
        order.limits = (struct xfr_in_limits){in.mode & MODE_SMALL ? 5 : 20, 1000};
    struct xfr_in *x = xfr_in_new(&order, &none);
    enum xfr_in_next next = run(x, &in);
    if (next == XFR_IN_WHOLE)
        expect_whole(x, in.mode);
    if (next == XFR_IN_STEPS)
        expect_steps(x);
    struct xfr_in_count count = xfr_in_count(x);
    ASSERT(!(in.mode & MODE_LIMITS) || next == XFR_IN_BAD || count.records <= 21);
    xfr_in_free(x);
    return 0;
}
