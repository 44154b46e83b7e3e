/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as what the change log keeps: a snapshot's chunk, the digests of a zone file, a change.
 * Refused, or good for use: what is written of it again is the same, and a change can be undone.
 * The first byte says which of the three it is. */
#include <stdlib.h>

#include "base/check.h"
#include "zone/base.h"
#include "zone/image.h"
#include "zone/zone.h"

static const uint8_t apex_wire[] = "\7example";
static const struct name apex = {apex_wire, sizeof(apex_wire)};

/* Both versions are the same, byte for byte. */
static void check_same(const struct version *a, const struct version *b)
{
    struct walk wa, wb;
    walk_start(&wa, a);
    walk_start(&wb, b);
    for (;;) {
        const struct node *na = walk_next(&wa), *nb = walk_next(&wb);
        ASSERT(!na == !nb);
        if (!na)
            return;
        ASSERT(na->size == nb->size && memcmp(na, nb, na->size) == 0);
    }
}

static void check_version(const struct version *v)
{
    struct walk w;
    uint64_t records = 0;
    struct base *b = base_make(v);
    walk_start(&w, v);
    for (const struct node *n; (n = walk_next(&w));) {
        struct name owner = node_owner(n);
        ASSERT(name_is_under(owner, apex) && base_has_name(b, owner));
        for (struct rrset s = node_first(n); s.count; s = node_next(n, s)) {
            ASSERT(base_has_rrset(b, owner, s.type));
            for (struct rdata r = rrset_first(s); r.bytes; r = rrset_next(s, r), records++)
                ASSERT(rdata_check(s.type, r, NULL));
        }
    }
    ASSERT(records == v->record_count);
    base_release(b);
}

/* The zone through an image of it. */
static struct zone *copy_of(const struct version *v)
{
    struct zone *z = zone_new(apex, CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    struct image_writer w;
    size_t len;
    image_writer_start(&w, v);
    for (uint8_t *chunk; (chunk = image_next(&w, &len)); free(chunk)) {
        enum err e = image_load(t, chunk, len, NULL);
        ASSERT(e == OK);
    }
    zone_publish(z, txn_seal(&t, NULL));
    return z;
}

static void try_image(const uint8_t *bytes, size_t len)
{
    struct zone *z = zone_new(apex, CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    struct diag diag;
    if (image_load(t, bytes, len, &diag) == OK) {
        zone_publish(z, txn_seal(&t, NULL));
        check_version(z->published);
        struct zone *copy = copy_of(z->published);
        check_same(z->published, copy->published);
        zone_free(copy);
    } else
        txn_abort(&t);
    zone_free(z);
}

static void try_base(const uint8_t *bytes, size_t len)
{
    struct base *b;
    struct diag diag;
    if (base_read(bytes, len, &b, &diag) != OK)
        return;
    size_t again_len;
    uint8_t *again = base_write(b, &again_len);
    ASSERT(again_len == len && memcmp(again, bytes, len) == 0);
    base_has_name(b, apex);
    base_has_rrset(b, apex, TYPE_SOA);
    free(again);
    base_release(b);
}

/* A zone with a SOA, addresses, a CNAME and an NSEC3. */
static struct zone *sample(void)
{
    static const struct {
        const char *label;
        uint16_t type, len;
        const char *rdata;
    } rows[] = {
        {"", TYPE_SOA, 22, "\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"},
        {"\1a", TYPE_A, 4, "\300\0\2\1"},
        {"\1a", TYPE_A, 4, "\300\0\2\2"},
        {"\1B", TYPE_CNAME, 5, "\1c\1D"},
        {"\1n", TYPE_NSEC3, 26, "\1\0\0\0\0\24aaaaaaaaaaaaaaaaaaaa"},
    };
    struct zone *z = zone_new(apex, CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct name_buf owner;
        uint8_t label[3] = {0};
        size_t label_len = strlen(rows[i].label);
        memcpy(label, rows[i].label, label_len);
        name_join((struct name){label, (uint8_t)(label_len + 1)}, apex, &owner);
        struct rr rr = {name_of(&owner),
                        rows[i].type,
                        CLASS_IN,
                        300,
                        {(const uint8_t *)rows[i].rdata, rows[i].len}};
        enum txn_effect effect = txn_add(t, &rr);
        ASSERT(effect == TXN_DONE);
    }
    zone_publish(z, txn_seal(&t, NULL));
    return z;
}

static void undo(struct zone *z, const struct diff *d)
{
    uint8_t *bytes = malloc(d->len + 1);
    size_t added = d->len - d->added_at;
    memcpy(bytes, d->bytes + d->added_at, added);
    memcpy(bytes + added, d->bytes, d->added_at);
    struct diff_bytes inverse = {bytes, d->len, added};
    struct diag diag;
    struct txn *t = txn_begin(z, TXN_CHANGE);
    enum err e = txn_apply(t, &inverse, &diag);
    ASSERT(e == OK);
    zone_publish(z, txn_seal(&t, NULL));
    free(bytes);
}

static void try_change(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return;
    struct zone *z = sample(), *before = copy_of(z->published);
    struct diff_bytes change = {bytes + 2, len - 2, get_u16(bytes)};
    struct diag diag;
    struct txn *t = txn_begin(z, TXN_CHANGE);
    if (txn_apply(t, &change, &diag) == OK) {
        struct diff d;
        zone_publish(z, txn_seal(&t, &d));
        check_version(z->published);
        undo(z, &d);
        diff_done(&d);
    } else
        txn_abort(&t);
    check_same(before->published, z->published);
    zone_free(before);
    zone_free(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static void (*const tries[])(const uint8_t *, size_t) = {try_image, try_base, try_change};
    if (len > 0 && data[0] < ARRAY_LEN(tries))
        tries[data[0]](data + 1, len - 1);
    return 0;
}
