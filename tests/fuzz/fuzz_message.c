/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a message: refused, or read with all its records, built again, and the same when
 * read once more. */
#include "base/check.h"
#include "dns/build.h"
#include "dns/message.h"
#include "dns/print.h"

#include <stdlib.h>

#define RECORDS_MAX 512
#define STORAGE_MAX (2u << 20)

/* What was read of one message. */
struct reading {
    struct message msg;
    unsigned count; /* records below */
    bool is_whole;  /* all records could be read */
    struct rr rr[RECORDS_MAX];
    enum section section[RECORDS_MAX];
    struct name_buf owner[RECORDS_MAX];
    struct wr rdata;
    uint8_t storage[STORAGE_MAX];
};

static struct reading first, second;
static uint8_t built[DNS_MESSAGE_MAX];

/* Both ways to step over a name agree where both can. */
static void check_names(const uint8_t *wire, size_t len)
{
    for (size_t start = 0; start < len && start < 300; start++) {
        size_t at = start, end = message_name_end(wire, len, start);
        struct name_buf out;
        if (!message_name(wire, len, &at, &out))
            continue;
        ASSERT(at == end && at > start);
        ASSERT(name_span(out.wire, out.len) == out.len);
    }
}

static void check_record(const struct rr *rr)
{
    ASSERT(name_span(rr->owner.wire, rr->owner.len) == rr->owner.len);
    if (rr->rdata.len == 0)
        return;
    ASSERT(rdata_check(rr->type, rr->rdata, NULL));
    ASSERT(rdata_compare(rr->type, rr->rdata, rr->rdata) == 0);
    size_t cap = PRINT_RR_MAX(rr->rdata.len);
    char *buf = malloc(cap);
    struct text t;
    text_init(&t, buf, cap);
    print_rr(rr, &t);
    ASSERT(!t.bad);
    free(buf);
}

static bool read_all(struct reading *r, const uint8_t *wire, size_t len)
{
    r->count = 0;
    r->is_whole = true;
    r->rdata = wr_over(r->storage, sizeof(r->storage));
    if (!message_read_header(&r->msg, wire, len) || message_read(&r->msg) != NOERROR)
        return false;
    for (unsigned s = SECTION_ANSWER; s < SECTION_COUNT; s++) {
        struct rr_reader reader = rr_reader_of(&r->msg, (enum section)s);
        enum rr_read got = RR_READ_END;
        while (r->count < RECORDS_MAX &&
               (got = rr_read(&reader, &r->rdata, &r->rr[r->count])) == RR_READ_OK) {
            unsigned i = r->count++;
            name_copy(&r->owner[i], r->rr[i].owner);
            r->rr[i].owner = name_of(&r->owner[i]);
            r->section[i] = (enum section)s;
            check_record(&r->rr[i]);
        }
        r->is_whole &= got == RR_READ_END;
    }
    return true;
}

/* The records of r, OPT and TSIG left out, as far as they fit. */
static unsigned build_all(struct build *b, const struct reading *r, size_t limit)
{
    unsigned done = 0;
    build_init(b, built, limit);
    if (r->msg.qname.len && !build_question(b, r->msg.qname, r->msg.qtype, r->msg.qclass))
        return 0;
    for (unsigned i = 0; i < r->count; i++) {
        if (r->rr[i].type == TYPE_OPT || r->rr[i].type == TYPE_TSIG)
            continue;
        struct build_mark mark = build_mark(b);
        if (!build_rr(b, r->section[i], &r->rr[i]))
            break;
        if (i % 3 == 2) { /* undone and written again: the same bytes */
            size_t len = b->len;
            build_undo(b, mark);
            ASSERT(build_rr(b, r->section[i], &r->rr[i]) && b->len == len);
        }
        done++;
    }
    build_header(b, r->msg.id, r->msg.flags);
    ASSERT(b->len <= limit);
    return done;
}

static void check_same(const struct reading *a, const struct reading *b, unsigned count)
{
    unsigned i = 0;
    ASSERT(b->is_whole && b->count == count);
    ASSERT(a->msg.id == b->msg.id && a->msg.flags == b->msg.flags);
    ASSERT(a->msg.qname.len == b->msg.qname.len && a->msg.qtype == b->msg.qtype);
    for (unsigned k = 0; k < count; k++, i++) {
        while (a->rr[i].type == TYPE_OPT || a->rr[i].type == TYPE_TSIG)
            i++;
        ASSERT(a->section[i] == b->section[k] && a->rr[i].type == b->rr[k].type);
        ASSERT(a->rr[i].class == b->rr[k].class && a->rr[i].ttl == b->rr[k].ttl);
        ASSERT(name_is_equal(a->rr[i].owner, b->rr[k].owner));
        ASSERT(a->rr[i].rdata.len == b->rr[k].rdata.len);
        ASSERT(a->rr[i].rdata.len == 0 ||
               memcmp(a->rr[i].rdata.bytes, b->rr[k].rdata.bytes, a->rr[i].rdata.len) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct build b;
    check_names(data, len);
    if (!read_all(&first, data, len))
        return 0;
    size_t limit = first.msg.id & 1 ? DNS_MESSAGE_MAX : 512;
    unsigned done = build_all(&b, &first, limit);
    if (first.msg.qname.len && b.count[SECTION_QUESTION] == 0)
        return 0;
    ASSERT(read_all(&second, built, b.len));
    check_same(&first, &second, done);
    return 0;
}
