/* SPDX-License-Identifier: Apache-2.0
 * Merges: random ones against lists of records merged naively, and by hand what the list does not
 * know: serials, the SOA, what conflicts say. */
#include "zone/base.h"
#include "zone/merge.h"
#include "zone_util.h"
#include "../slow.h"

/* --- against a naive model --- */

enum { RUNS = 400, FILE_RECORDS = 60 };

static uint16_t type_of(const struct record *r)
{
    return (uint16_t)(record_order(r) / 2);
}

static bool same_name(const struct record *a, const struct record *b)
{
    return name_is_equal(name_of(&a->owner), name_of(&b->owner));
}

static int set_count(const struct model *m, const struct record *like)
{
    int count = 0;
    for (int i = 0; i < m->count; i++)
        count += same_rrset(&m->r[i], like);
    return count;
}

static bool set_is_equal(const struct model *a, const struct model *b, const struct record *like)
{
    if (set_count(a, like) != set_count(b, like))
        return false;
    for (int i = 0; i < a->count; i++)
        if (same_rrset(&a->r[i], like)) {
            int at = model_find(b, &a->r[i]);
            if (at < 0 || b->r[at].ttl != a->r[i].ttl)
                return false;
        }
    return true;
}

/* CNAME and other data. */
static bool excludes(const struct record *a, const struct record *b)
{
    return same_name(a, b) && !rrtype_is(a->type, RRTYPE_BESIDE_CNAME) &&
           !rrtype_is(b->type, RRTYPE_BESIDE_CNAME) &&
           (a->type == TYPE_CNAME) != (b->type == TYPE_CNAME);
}

/* What a file or an UPDATE may add. */
static void add(struct model *m, const struct record *r)
{
    if (m->count == RECORDS_MAX || model_find(m, r) >= 0)
        return;
    for (int i = 0; i < m->count; i++)
        if (excludes(&m->r[i], r))
            return;
    m->r[m->count] = *r;
    for (int i = 0; i < m->count; i++)
        if (same_rrset(&m->r[i], r))
            m->r[m->count].ttl = m->r[i].ttl;
    m->count++;
}

static void remove_set(struct model *m, struct record like)
{
    int kept = 0;
    for (int i = 0; i < m->count; i++)
        if (!same_rrset(&m->r[i], &like))
            m->r[kept++] = m->r[i];
    m->count = kept;
}

static void change(struct model *m, uint64_t *seed, struct name apex, uint32_t times)
{
    for (uint32_t n = rnd(seed, times + 1); n > 0; n--) {
        struct record r = record_random(seed, apex);
        if (m->count && rnd(seed, 2)) { /* where something is */
            struct record old = m->r[rnd(seed, (uint32_t)m->count)];
            r.owner = old.owner;
            if (rnd(seed, 2))
                remove_set(m, old);
        }
        if (rnd(seed, 3))
            add(m, &r);
    }
}

static void add_all(struct txn *t, const struct model *m)
{
    for (int i = 0; i < m->count; i++) {
        struct rr rr = record_rr(&m->r[i]);
        cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    }
}

static struct zone *zone_of(const struct model *m, struct name apex)
{
    struct zone *z = zone_new(apex, CLASS_IN);
    struct txn *t = txn_begin(z, TXN_BUILD);
    add_all(t, m);
    zone_publish(z, txn_seal(&t, NULL));
    return z;
}

struct case_of {
    struct model base, theirs, planned, ours; /* planned: ours when the plan was made */
};

/* Both models' RRsets, each once, as the records that stand first. */
static void each_set(const struct case_of *c,
                     void (*step)(const struct case_of *, const struct record *, void *), void *arg)
{
    static struct model seen;
    const struct model *all[] = {&c->base, &c->theirs, &c->ours};
    seen.count = 0;
    for (size_t k = 0; k < ARRAY_LEN(all); k++)
        for (int i = 0; i < all[k]->count; i++) {
            const struct record *r = &all[k]->r[i];
            if (set_count(&seen, r))
                continue;
            seen.r[seen.count++] = *r;
            step(c, r, arg);
        }
}

static bool file_says(const struct case_of *c, const struct record *key)
{
    bool is_known = set_count(&c->theirs, key) || set_count(&c->planned, key);
    return is_known && !set_is_equal(&c->base, &c->theirs, key);
}

static void take(const struct case_of *c, const struct record *key, void *arg)
{
    struct model *out = arg;
    const struct model *from = file_says(c, key) ? &c->theirs : &c->ours;
    for (int i = 0; i < from->count; i++)
        if (same_rrset(&from->r[i], key))
            out->r[out->count++] = from->r[i];
}

/* A CNAME that the file's author set stands alone, and what he set has no CNAME beside it. */
static void make_alone(const struct case_of *c, const struct record *key, void *arg)
{
    struct model *out = arg;
    if (!set_count(&c->theirs, key) || !file_says(c, key) ||
        rrtype_is(key->type, RRTYPE_BESIDE_CNAME))
        return;
    for (int i = 0; i < out->count; i++) {
        struct record other = out->r[i];
        uint16_t type = type_of(&other);
        if (!same_name(&other, key) || rrtype_is(type, RRTYPE_BESIDE_CNAME) ||
            set_count(&c->theirs, &other) || (type == TYPE_CNAME) == (key->type == TYPE_CNAME))
            continue;
        remove_set(out, other);
        i = -1;
    }
}

struct counted {
    const struct model *merged;
    struct merge_result result;
};

static void count(const struct case_of *c, const struct record *key, void *arg)
{
    struct counted *n = arg;
    if (set_is_equal(n->merged, &c->ours, key))
        return;
    *(set_count(n->merged, key) ? &n->result.set : &n->result.removed) += 1;
    n->result.conflicts +=
        !set_is_equal(&c->ours, &c->base, key) && !set_is_equal(&c->ours, &c->theirs, key);
}

static void expect_no_cname_beside_others(const struct model *m)
{
    for (int i = 0; i < m->count; i++)
        for (int k = 0; k < i; k++)
            cr_assert_not(excludes(&m->r[i], &m->r[k]));
}

/* Conflicts are told with what is live before the change and what the file has. */
static void on_conflict(void *arg, const struct merge_conflict *c)
{
    (void)arg;
    cr_assert_gt(c->theirs.count + c->ours.count, 0);
    cr_assert(c->theirs.count == 0 || c->theirs.type == c->type);
    cr_assert(c->ours.count == 0 || c->ours.type == c->type);
    cr_assert_eq(c->covered != 0, c->type == TYPE_RRSIG);
}

static void run(uint64_t seed)
{
    static struct case_of c;
    static struct model merged;
    struct name_buf apex = name_from("zone.example.");
    c.base.count = merged.count = 0;
    change(&c.base, &seed, name_of(&apex), FILE_RECORDS);
    c.theirs = c.planned = c.base;
    change(&c.theirs, &seed, name_of(&apex), 20);
    change(&c.planned, &seed, name_of(&apex), 20);
    c.ours = c.planned;
    struct zone *base_zone = zone_of(&c.base, name_of(&apex)),
                *theirs = zone_of(&c.theirs, name_of(&apex)),
                *ours = zone_of(&c.planned, name_of(&apex));
    struct base *base = base_make(base_zone->published);
    zone_free(base_zone);
    struct merge *m = merge_plan(base, theirs->published, ours->published);
    base_release(base);

    const struct version *pinned = version_pin(ours->published);
    if (rnd(&seed, 2)) { /* updates while the plan was made */
        change(&c.ours, &seed, name_of(&apex), 10);
        struct txn *t = txn_begin(ours, TXN_CHANGE);
        for (int i = 0; i < c.planned.count; i++)
            txn_remove_name(t, name_of(&c.planned.r[i].owner));
        add_all(t, &c.ours);
        zone_publish(ours, txn_seal(&t, NULL));
    }
    struct counted want = {.merged = &merged};
    each_set(&c, take, &merged);
    each_set(&c, make_alone, &merged);
    each_set(&c, count, &want);
    expect_no_cname_beside_others(&merged);

    struct merge_sink sink = {NULL, rnd(&seed, 2) ? on_conflict : NULL};
    struct merge_result got = {0};
    struct txn *t = txn_begin(ours, TXN_CHANGE);
    size_t budget = 1 + rnd(&seed, 5), steps = 1;
    while (!merge_apply_some(m, t, budget, SERIAL_INCREMENT, 0, &sink, &got))
        steps++;
    cr_assert_leq(steps, merge_count(m) / budget + 1);
    zone_publish(ours, txn_seal(&t, NULL));
    expect_equal(ours->published, &merged);
    expect_equal(pinned, &c.planned);
    cr_assert_eq(got.set, want.result.set);
    cr_assert_eq(got.removed, want.result.removed);
    cr_assert_eq(got.conflicts, want.result.conflicts);
    version_unpin(pinned);
    merge_free(m);
    zone_free(theirs);
    zone_free(ours);
}

Test(merge, agrees_with_lists_of_records)
{
    for (uint64_t i = 0; i < cases(RUNS, RUNS / 3); i++)
        run(0x9e3779b97f4a7c15 * (i + 1));
}

/* --- by hand --- */

#define SOA(serial, rest) "$TTL 300\n@ SOA ns h " serial " " rest "\n@ NS ns\n"
#define FIELDS            "2 3 4 5"

/* base NULL: there was no file. Serials of the result are for SERIAL_INCREMENT. */
static const struct row {
    const char *what, *base, *theirs, *ours, *result, *conflicts;
    size_t count;
} rows[] = {
    {"nothing new", SOA("1", FIELDS), SOA("1", FIELDS), SOA("5", FIELDS) "a A 192.0.2.1\n",
     SOA("5", FIELDS) "a A 192.0.2.1\n", "", 0},
    {"the serial alone, behind", SOA("1", FIELDS), SOA("4", FIELDS), SOA("5", FIELDS),
     SOA("5", FIELDS), "", 1},
    {"the serial alone, the same", SOA("1", FIELDS), SOA("5", FIELDS), SOA("5", FIELDS),
     SOA("5", FIELDS), "", 1},
    {"the serial alone, ahead", SOA("1", FIELDS), SOA("6", FIELDS), SOA("5", FIELDS),
     SOA("6", FIELDS), "", 1},
    {"the serial, ahead around zero (RFC 1982)", SOA("1", FIELDS), SOA("3", FIELDS),
     SOA("4294967290", FIELDS), SOA("3", FIELDS), "", 1},
    {"the serial, half way round is not ahead (RFC 1982 s3.2)", SOA("1", FIELDS),
     SOA("2147483653", FIELDS), SOA("5", FIELDS), SOA("5", FIELDS), "", 1},
    {"a record, with the serial ahead", SOA("1", FIELDS), SOA("7", FIELDS) "a A 192.0.2.1\n",
     SOA("5", FIELDS), SOA("7", FIELDS) "a A 192.0.2.1\n", "", 2},
    {"a record, with the serial forgotten", SOA("1", FIELDS), SOA("1", FIELDS) "a A 192.0.2.1\n",
     SOA("5", FIELDS), SOA("6", FIELDS) "a A 192.0.2.1\n", "", 1},
    {"a serial that the file had before is not taken", SOA("9", FIELDS),
     SOA("9", FIELDS) "a A 192.0.2.1\n", SOA("5", FIELDS), SOA("6", FIELDS) "a A 192.0.2.1\n", "",
     1},
    {"a record that is live already", SOA("1", FIELDS), SOA("1", FIELDS) "a A 192.0.2.1\n",
     SOA("5", FIELDS) "a A 192.0.2.1\n", SOA("5", FIELDS) "a A 192.0.2.1\n", "", 1},
    {"SOA fields", SOA("1", FIELDS), SOA("1", "2 3 4 6"), SOA("5", FIELDS), SOA("6", "2 3 4 6"), "",
     1},
    {"SOA fields that updates changed stay", SOA("1", FIELDS), SOA("2", FIELDS),
     SOA("5", "9 3 4 5"), SOA("5", "9 3 4 5"), "", 1},
    {"SOA fields on both sides", SOA("1", FIELDS), SOA("2", "2 3 4 6"), SOA("5", "9 3 4 5"),
     SOA("6", "2 3 4 6"), "example. SOA 1 1\n", 1},
    {"SOA fields alike on both sides", SOA("1", FIELDS), SOA("2", "2 3 4 6"), SOA("5", "2 3 4 6"),
     SOA("5", "2 3 4 6"), "", 1},
    {"dynamic records stay", SOA("1", FIELDS) "a A 192.0.2.1\n",
     SOA("2", FIELDS) "a A 192.0.2.1\nb A 192.0.2.2\n",
     SOA("5", FIELDS) "a A 192.0.2.1\na TXT x\nc A 192.0.2.3\n",
     SOA("6", FIELDS) "a A 192.0.2.1\na TXT x\nb A 192.0.2.2\nc A 192.0.2.3\n", "", 2},
    {"both changed an RRset", SOA("1", FIELDS) "a A 192.0.2.1\n",
     SOA("1", FIELDS) "a A 192.0.2.2\n", SOA("5", FIELDS) "a A 192.0.2.3\na A 192.0.2.4\n",
     SOA("6", FIELDS) "a A 192.0.2.2\n", "a.example. A 1 2\n", 1},
    {"updates removed what the file changed", SOA("1", FIELDS) "a A 192.0.2.1\n",
     SOA("1", FIELDS) "a A 192.0.2.2\n", SOA("5", FIELDS), SOA("6", FIELDS) "a A 192.0.2.2\n",
     "a.example. A 1 0\n", 1},
    {"the file removed what updates changed", SOA("1", FIELDS) "a A 192.0.2.1\n", SOA("1", FIELDS),
     SOA("5", FIELDS) "a A 192.0.2.2\n", SOA("6", FIELDS), "a.example. A 0 1\n", 1},
    {"both removed it", SOA("1", FIELDS) "a A 192.0.2.1\n", SOA("1", FIELDS), SOA("5", FIELDS),
     SOA("5", FIELDS), "", 0},
    {"a TTL in the file", SOA("1", FIELDS) "a A 192.0.2.1\n", SOA("1", FIELDS) "a 60 A 192.0.2.1\n",
     SOA("5", FIELDS) "a A 192.0.2.1\n", SOA("6", FIELDS) "a 60 A 192.0.2.1\n", "", 1},
    {"case alone is no change", SOA("1", FIELDS) "a MX 1 b\n", SOA("1", FIELDS) "A MX 1 B\n",
     SOA("5", FIELDS) "a MX 1 b\n", SOA("5", FIELDS) "a MX 1 b\n", "", 0},
    {"CNAME in the file, other data live", SOA("1", FIELDS), SOA("1", FIELDS) "a CNAME b\n",
     SOA("5", FIELDS) "a A 192.0.2.1\na TXT x\n", SOA("6", FIELDS) "a CNAME b\n",
     "a.example. A 0 1\na.example. TXT 0 1\n", 1},
    {"CNAME for what the file had", SOA("1", FIELDS) "a A 192.0.2.1\n",
     SOA("1", FIELDS) "a CNAME b\n", SOA("5", FIELDS) "a A 192.0.2.1\n",
     SOA("6", FIELDS) "a CNAME b\n", "", 2},
    {"other data in the file, CNAME live", SOA("1", FIELDS), SOA("1", FIELDS) "a A 192.0.2.1\n",
     SOA("5", FIELDS) "a CNAME b\n", SOA("6", FIELDS) "a A 192.0.2.1\n", "a.example. CNAME 0 1\n",
     1},
    {"a CNAME made live for an address that the file keeps", SOA("1", FIELDS) "a A 192.0.2.1\n",
     SOA("1", FIELDS) "a A 192.0.2.1\n", SOA("5", FIELDS) "a CNAME b\n",
     SOA("5", FIELDS) "a CNAME b\n", "", 0},
    {"no file before", NULL, SOA("1", FIELDS) "a A 192.0.2.1\n",
     SOA("5", "9 3 4 5") "a A 192.0.2.2\nb A 192.0.2.3\n",
     SOA("6", FIELDS) "a A 192.0.2.1\nb A 192.0.2.3\n", "a.example. A 1 1\nexample. SOA 1 1\n", 3},
};

static void note_conflict(void *arg, const struct merge_conflict *c)
{
    char *text = arg, owner[NAME_TEXT_MAX], type[16];
    size_t len = strlen(text);
    snprintf(text + len, 1024 - len, "%s %s %u %u\n", name_text(c->owner, owner),
             rrtype_text(c->type, type), c->theirs.count, c->ours.count);
}

static void expect_row(const struct row *row)
{
    struct zone *base_zone = row->base ? zone_from_text("example.", row->base) : NULL,
                *theirs = zone_from_text("example.", row->theirs),
                *ours = zone_from_text("example.", row->ours),
                *want = zone_from_text("example.", row->result);
    struct base *base = base_zone ? base_make(base_zone->published) : NULL;
    struct merge *m = merge_plan(base, theirs->published, ours->published);
    char conflicts[1024] = "";
    struct merge_sink sink = {conflicts, note_conflict};
    struct merge_result result = {0};
    struct txn *t = txn_begin(ours, TXN_CHANGE);
    cr_expect_eq(merge_count(m), row->count, "%s: %zu", row->what, merge_count(m));
    cr_expect(merge_apply_some(m, t, 100, SERIAL_INCREMENT, 0, &sink, &result));
    cr_expect(merge_apply_some(m, t, 100, SERIAL_INCREMENT, 0, &sink, &result), "once is all");
    cr_expect_eq(txn_is_touched(t), strcmp(row->ours, row->result) != 0, "%s", row->what);
    zone_publish(ours, txn_seal(&t, NULL));
    cr_expect_str_eq(conflicts, row->conflicts, "%s: %s", row->what, conflicts);
    cr_expect_eq(ours->published->serial, want->published->serial, "%s: serial %u", row->what,
                 ours->published->serial);
    expect_same_bytes(ours->published, want->published);
    merge_free(m);
    base_release(base);
    zone_free(base_zone);
    zone_free(theirs);
    zone_free(ours);
    zone_free(want);
}

Test(merge, does_what_the_author_of_the_file_meant)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_row(&rows[i]);
    merge_free(NULL);
}

/* RFC 1982 and the operator's policy: the time where it is ahead. */
Test(merge, follows_the_serial_policy_where_the_file_does_not_say)
{
    struct zone *file = zone_from_text("example.", SOA("1", FIELDS)),
                *theirs = zone_from_text("example.", SOA("1", FIELDS) "a A 192.0.2.1\n"),
                *ours = zone_from_text("example.", SOA("5", FIELDS));
    struct base *base = base_make(file->published);
    struct merge *m = merge_plan(base, theirs->published, ours->published);
    struct merge_sink sink = {0};
    struct merge_result result = {0};
    struct txn *t = txn_begin(ours, TXN_CHANGE);
    cr_expect(
        merge_apply_some(m, t, 1, SERIAL_UNIXTIME, 1700000000 * INT64_C(1000000), &sink, &result));
    zone_publish(ours, txn_seal(&t, NULL));
    cr_expect_eq(ours->published->serial, 1700000000);
    merge_free(m);
    base_release(base);
    zone_free(file);
    zone_free(theirs);
    zone_free(ours);
}

static void add_many(struct txn *t, struct name owner, uint16_t type, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t bytes[4];
        put_u32(bytes, i);
        struct rr rr = {owner, type, CLASS_IN, 300, {bytes, 4}};
        cr_assert_eq(txn_add(t, &rr), TXN_DONE);
    }
}

/* A name that updates filled up to what a node can count: the file's RRset wins all the same. */
Test(merge, makes_room_for_the_file_in_a_full_name)
{
    struct zone *file = zone_from_text("example.", SOA("1", FIELDS)),
                *theirs = zone_from_text(
                    "example.", SOA("1", FIELDS) "a A 192.0.2.1\na A 192.0.2.2\na TXT x\n"),
                *ours = zone_from_text("example.", SOA("5", FIELDS));
    struct name_buf owner = name_from("a.example.");
    struct txn *t = txn_begin(ours, TXN_CHANGE);
    add_many(t, name_of(&owner), 65400, TXN_NAME_RECORDS_MAX - 1);
    zone_publish(ours, txn_seal(&t, NULL));
    struct base *base = base_make(file->published);
    struct merge *m = merge_plan(base, theirs->published, ours->published);
    char conflicts[1024] = "";
    struct merge_sink sink = {conflicts, note_conflict};
    struct merge_result result = {0};
    t = txn_begin(ours, TXN_CHANGE);
    cr_expect(merge_apply_some(m, t, 100, SERIAL_INCREMENT, 0, &sink, &result));
    zone_publish(ours, txn_seal(&t, NULL));
    cr_expect_str_eq(conflicts, "a.example. TYPE65400 0 65534\n");
    const struct node *n = lookup_exact(ours->published, name_of(&owner));
    const struct node *wanted = lookup_exact(theirs->published, name_of(&owner));
    cr_assert(n && n->size == wanted->size && memcmp(n, wanted, n->size) == 0);
    cr_expect_eq(ours->published->serial, 6);
    merge_free(m);
    base_release(base);
    zone_free(file);
    zone_free(theirs);
    zone_free(ours);
}
