/* SPDX-License-Identifier: Apache-2.0
 * Export of what a zone was at a serial, and of what updates have made of it.
 *
 * What it was is built in the task: a copy of the version that is served, with the net of what has
 * changed since undone. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "dns/print.h"
#include "server/history.h"
#include "zone/image.h"
#include "zone/lookup.h"
#include "zone/serial.h"

struct export_reading {
    struct history h;
    uint32_t at;
    bool is_dynamic;
    struct zone *was;
    char *text;
    size_t cap;
    struct text t;
    uint64_t records;
};

static struct export_reading *export_of(struct history *h)
{
    return container_of(h, struct export_reading, h);
}

static void export_clear(struct history *h)
{
    zone_free(export_of(h)->was);
    free(export_of(h)->text);
}

static bool text_flush(struct export_reading *x)
{
    json_t *fields = json_object();
    control_put_text(fields, "text", x->text);
    text_init(&x->t, x->text, x->cap);
    return history_line(&x->h, fields);
}

static bool record_print(struct export_reading *x, const struct rr *rr)
{
    size_t need = PRINT_RR_MAX(rr->rdata.len) + 2;
    if (text_len(&x->t) >= CONTROL_SLICE_LEN && !text_flush(x))
        return false;
    if (x->cap < CONTROL_SLICE_LEN + need) {
        size_t len = text_len(&x->t);
        x->cap = CONTROL_SLICE_LEN + need;
        x->text = mem_grow(x->text, x->cap);
        x->t = (struct text){x->text, x->text + len, x->text + x->cap - 1, false};
    }
    print_rr(rr, &x->t);
    text_char(&x->t, '\n');
    ASSERT(!x->t.bad);
    x->records++;
    return true;
}

static bool is_as_in_file(const struct export_reading *x, struct name owner, struct rrset s)
{
    uint64_t digest;
    return x->is_dynamic && base_find(x->h.base, owner, rrset_id(s), &digest) &&
           digest == base_digest(x->h.base, s);
}

static bool set_print(struct export_reading *x, struct name owner, struct rrset s)
{
    if (is_as_in_file(x, owner, s))
        return history_goes_on(&x->h);
    for (struct rdata r = rrset_first(s); r.bytes; r = rrset_next(s, r)) {
        struct rr rr = {owner, s.type, CLASS_IN, s.ttl, r};
        if (!record_print(x, &rr))
            return false;
    }
    return true;
}

/* The SOA first, then all in canonical order. */
static void version_print(struct export_reading *x, const struct version *v)
{
    struct walk *w = mem_alloc(sizeof(*w));
    bool goes_on = v->soa.count == 0 || set_print(x, node_owner(v->apex), v->soa);
    walk_start(w, v);
    for (const struct node *n; goes_on && (n = walk_next(w));)
        for (struct rrset s = node_first(n); goes_on && s.count; s = node_next(n, s))
            goes_on = (n == v->apex && s.type == TYPE_SOA) || set_print(x, node_owner(n), s);
    free(w);
    if (goes_on && text_len(&x->t) > 0)
        (void)text_flush(x);
    x->h.last = json_object();
    control_put_number(x->h.last, "serial", v->serial);
    control_put_number(x->h.last, "records", x->records);
}

/* A zone of our own with what the version has. */
static enum err version_copy(struct export_reading *x, struct txn **t)
{
    struct image_writer *w = mem_alloc(sizeof(*w));
    size_t len;
    enum err e = OK;
    x->was = zone_new(name_of(&x->h.zone), CLASS_IN);
    *t = txn_begin(x->was, TXN_BUILD);
    image_writer_start(w, x->h.version);
    for (uint8_t *chunk; e == OK && (chunk = image_next(w, &len)); free(chunk))
        e = history_goes_on(&x->h) ? image_load(*t, chunk, len, &x->h.diag) : ERR_CANCELED;
    free(w);
    return e;
}

/* The copy becomes what it was before the net. */
static bool version_undo(struct export_reading *x, struct net *n)
{
    struct txn *t;
    struct diff_bytes back;
    enum err e = version_copy(x, &t);
    net_settle(n, NET_BACK);
    uint8_t *bytes = net_write(n, &back);
    if (e == OK)
        e = txn_apply(t, &back, &x->h.diag);
    free(bytes);
    if (!history_check(&x->h, e)) {
        txn_abort(&t);
        return false;
    }
    txn_set_serial(t, x->at);
    zone_publish(x->was, txn_seal(&t, NULL));
    return true;
}

static void export_at_run(struct history *h)
{
    struct export_reading *x = export_of(h);
    struct journal *j = history_journal(h);
    uint64_t seq = 0;
    if (!j || !history_check(h, history_find(h, j, x->at, &seq)))
        return;
    struct net *n = history_net(h, j, seq, h->seq);
    if (n && version_undo(x, n))
        version_print(x, x->was->published);
    net_free(n);
}

static void export_dynamic_run(struct history *h)
{
    version_print(export_of(h), h->version);
}

enum control_next history_export(struct control_call *call)
{
    enum control_next next;
    uint32_t at = 0;
    bool has_serial = control_number(call, "at", &at);
    if (has_serial && control_is_set(call, "dynamic"))
        return control_fail_usage(call, "--at and --dynamic do not go together");
    struct export_reading *x = history_new(call, sizeof(*x), HISTORY_KEPT, &next);
    if (!x)
        return next;
    x->h.clear = export_clear;
    x->h.run = has_serial ? export_at_run : export_dynamic_run;
    x->is_dynamic = !has_serial;
    x->at = at;
    x->cap = CONTROL_SLICE_LEN + PRINT_RR_MAX(512);
    x->text = mem_alloc(x->cap);
    text_init(&x->t, x->text, x->cap);
    if (x->is_dynamic && !x->h.base)
        return control_fail(call, "what the zone file was like is not known");
    return history_start(&x->h);
}
