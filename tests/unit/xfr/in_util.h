/* SPDX-License-Identifier: Apache-2.0
 * For the tests of incoming transfers: messages made of zone file lines, given one by one. */
#ifndef TESTS_UNIT_XFR_IN_UTIL_H
#define TESTS_UNIT_XFR_IN_UTIL_H

#include "../zone/zone_util.h"
#include "dns/build.h"
#include "xfr/in.h"

#define ZONE "example."
#define ID   4711
#define NOW  (INT64_C(1700000000) * 1000000)

struct made {
    uint8_t wire[DNS_MESSAGE_MAX];
    size_t len;
};

/* What a message is besides its records. */
struct made_head {
    const char *zone;
    uint16_t id, flags, qtype; /* qtype 0: no question */
    uint16_t qclass;           /* 0: IN */
};

static inline enum err made_put(void *arg, const struct rr *rr, const struct master_where *where)
{
    (void)where;
    cr_assert(build_rr(arg, SECTION_ANSWER, rr));
    return OK;
}

/* The lines are the answer section's; their TTL is 300. */
static inline void make(struct made *m, const struct made_head *head, const char *lines)
{
    struct build b;
    struct name_buf apex = name_from(head->zone);
    struct master_options options = {.origin = name_of(&apex), .class = CLASS_IN};
    struct master_sink sink = {.arg = &b, .record = made_put};
    struct master_result result;
    struct diag diag = {0};
    char text[8192];
    int len = snprintf(text, sizeof(text), "$TTL 300\n%s", lines);
    cr_assert_lt(len, (int)sizeof(text));
    build_init(&b, m->wire, sizeof(m->wire));
    if (head->qtype)
        cr_assert(build_question(&b, name_of(&apex), head->qtype,
                                 head->qclass ? head->qclass : CLASS_IN));
    cr_assert_eq(master_read_bytes("test", text, (size_t)len, &options, &sink, &result, &diag), OK,
                 "%s", diag.text);
    build_header(&b, head->id, head->flags);
    m->len = b.len;
}

/* Appends a record as it is to a message's answer, which is its last section. */
static inline void append_raw(struct made *m, struct name owner, uint16_t type, uint16_t class,
                              struct rdata rdata)
{
    struct wr w = wr_over(m->wire + m->len, sizeof(m->wire) - m->len);
    wr_bytes(&w, owner.wire, owner.len);
    wr_u16(&w, type);
    wr_u16(&w, class);
    wr_u32(&w, 300);
    wr_u16(&w, rdata.len);
    wr_bytes(&w, rdata.bytes, rdata.len);
    cr_assert(!w.bad);
    m->len += wr_len(&w);
    put_u16(m->wire + 6, (uint16_t)(get_u16(m->wire + 6) + 1));
}

static inline struct made_head head_of(uint16_t qtype)
{
    return (struct made_head){ZONE, ID, FLAG_QR | FLAG_AA, qtype, CLASS_IN};
}

/* An unsigned transfer of the zone. */
static inline struct xfr_in *start(uint16_t qtype, uint32_t serial)
{
    struct name_buf apex = name_from(ZONE);
    struct tsig_session none = {0};
    struct xfr_in_order order = {
        .zone = name_of(&apex), .id = ID, .qtype = qtype, .serial = serial};
    return xfr_in_new(&order, &none);
}

static inline enum xfr_in_next give(struct xfr_in *x, const struct made *m, struct diag *diag)
{
    /* exactly as long as it is, so that the sanitizer sees who reads on */
    uint8_t *bytes = memcpy(malloc(m->len), m->wire, m->len);
    *diag = (struct diag){0};
    enum xfr_in_next next = xfr_in_message(x, bytes, m->len, NOW, diag);
    free(bytes);
    return next;
}

#endif
