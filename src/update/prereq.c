/* SPDX-License-Identifier: Apache-2.0
 * The prerequisite section (RFC 2136 s2.4 and s3.2). */
#include "base/check.h"
#include "update/update_int.h"

/* Compared with the zone after all others: s3.2.3. */
static enum rcode rrset_equals(struct update *u, struct item *item)
{
    (void)u;
    (void)item;
    return NOERROR;
}

/* RRsets of the nodes that the name has. */
static enum rcode count_work(struct update *u, const struct item *item)
{
    const struct node *n = txn_find(u->txn, item->rr.owner),
                      *nsec3 = txn_find_nsec3(u->txn, item->rr.owner);
    return update_work(u, item, (n ? n->rrset_count : 0u) + (nsec3 ? nsec3->rrset_count : 0u));
}

static bool has_type(const struct node *n, uint16_t type)
{
    struct rrset s = n ? node_first(n) : (struct rrset){0};
    while (s.count && s.type != type)
        s = node_next(n, s);
    return s.count > 0;
}

/* NSEC3 and its RRSIGs have nodes of their own. */
static bool has_rrset(struct update *u, const struct rr *rr)
{
    return has_type(txn_find(u->txn, rr->owner), rr->type) ||
           has_type(txn_find_nsec3(u->txn, rr->owner), rr->type);
}

static bool has_name(struct update *u, struct name owner)
{
    return txn_find(u->txn, owner) || txn_find_nsec3(u->txn, owner);
}

static enum rcode name_in_use(struct update *u, struct item *item)
{
    if (has_name(u, item->rr.owner))
        return NOERROR;
    return update_say(u, NXDOMAIN, item, "prerequisite: the name is not in use");
}

static enum rcode name_unused(struct update *u, struct item *item)
{
    if (!has_name(u, item->rr.owner))
        return NOERROR;
    return update_say(u, YXDOMAIN, item, "prerequisite: the name is in use");
}

static enum rcode rrset_exists(struct update *u, struct item *item)
{
    if (has_rrset(u, &item->rr))
        return NOERROR;
    return update_say(u, NXRRSET, item, "prerequisite: there is no such RRset");
}

static enum rcode rrset_absent(struct update *u, struct item *item)
{
    if (!has_rrset(u, &item->rr))
        return NOERROR;
    return update_say(u, YXRRSET, item, "prerequisite: there is such an RRset");
}

/* clang-format off */
/*   name             class           type          form          run                RFC 2136 */
static const struct clause table[] = {
    {"name-in-use",   CLASS_IS_ANY,   TYPE_IS_ANY,  RDATA_EMPTY,  name_in_use},   /* s2.4.4 */
    {"rrset-exists",  CLASS_IS_ANY,   TYPE_IS_DATA, RDATA_EMPTY,  rrset_exists},  /* s2.4.1 */
    {"name-unused",   CLASS_IS_NONE,  TYPE_IS_ANY,  RDATA_EMPTY,  name_unused},   /* s2.4.5 */
    {"rrset-absent",  CLASS_IS_NONE,  TYPE_IS_DATA, RDATA_EMPTY,  rrset_absent},  /* s2.4.3 */
    {"rrset-equals",  CLASS_IS_ZONE,  TYPE_IS_DATA, RDATA_VALID,  rrset_equals},  /* s2.4.2 */
};
/* clang-format on */

/* s3.2.5, the first loop's body: TTL, then zone, then form. */
enum rcode prereq_check(struct update *u, struct item *item)
{
    if (item->rr.ttl != 0)
        return update_say(u, FORMERR, item, "prerequisite: the TTL is not 0");
    if (!name_is_under(item->rr.owner, u->apex))
        return update_say(u, NOTZONE, item, "prerequisite: the name is not in the zone");
    item->clause = clause_find(u, table, ARRAY_LEN(table), &item->rr);
    if (!item->clause)
        return update_say(u, FORMERR, item, "prerequisite: no such class and type");
    const char *fault = clause_fault(item->clause, item);
    if (fault)
        return update_say(u, FORMERR, item, "prerequisite: %s", fault);
    enum rcode rcode = count_work(u, item);
    return rcode == NOERROR ? item->clause->run(u, item) : rcode;
}

/* Owner, type, then canonical order of the rdata, which is the order inside a node. */
static int item_compare(const struct item *ia, const struct item *ib)
{
    const struct rr *a = &ia->rr, *b = &ib->rr;
    int d = a->owner.wire == b->owner.wire ? 0 : name_compare(a->owner, b->owner);
    if (d == 0)
        d = (int)a->type - (int)b->type;
    return d ? d : rdata_compare(a->type, a->rdata, b->rdata);
}

static bool is_same_rrset(const struct item *a, const struct item *b)
{
    return a->rr.type == b->rr.type && name_is_equal(a->rr.owner, b->rr.owner);
}

/* Steps over the sorted records as far as the node has the very same of that type, each of which
 * may be there twice. RRSIGs are one RRset here: those of a node stand in the order of what they
 * cover, with which their rdata begins. */
static bool match_node(const struct node *n, struct item *const *item, size_t count, size_t *at)
{
    uint16_t type = item[0]->rr.type;
    size_t i = *at;
    for (struct rrset s = n ? node_first(n) : (struct rrset){0}; s.count; s = node_next(n, s)) {
        if (s.type != type)
            continue;
        for (struct rdata r = rrset_first(s); r.bytes; r = rrset_next(s, r)) {
            if (i == count || rdata_compare(type, item[i]->rr.rdata, r) != 0)
                return false;
            for (i++; i < count && item_compare(item[i - 1], item[i]) == 0; i++)
                ;
        }
    }
    *at = i;
    return true;
}

/* Records [0, count), sorted, all of one RRset. The RRSIGs over NSEC3 are the last ones but for
 * types that are not in use. */
static bool is_rrset_equal(struct update *u, struct item *const *item, size_t count)
{
    struct name owner = item[0]->rr.owner;
    size_t at = 0;
    return match_node(txn_find(u->txn, owner), item, count, &at) &&
           match_node(txn_find_nsec3(u->txn, owner), item, count, &at) && at == count;
}

/* s3.2.5, the second loop. The records are sorted by a heap, since it takes them one by one: in
 * sorted[0, heap) the largest is on top, behind that they stand in order. */

enum rcode prereqs_collect(struct update *u)
{
    u->sorted = update_alloc(u, u->prereqs.count * sizeof(struct item *) + 1);
    return u->sorted ? NOERROR : SERVFAIL;
}

enum rcode prereq_collect(struct update *u, struct item *item)
{
    struct item **heap = u->sorted;
    size_t i = u->heap;
    if (item->clause->run != rrset_equals)
        return NOERROR;
    for (; i > 0 && item_compare(heap[(i - 1) / 2], item) < 0; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = item;
    u->sorted_count = ++u->heap;
    return NOERROR;
}

/* One more stands in order. */
enum rcode prereq_sort(struct update *u, struct item *item)
{
    struct item **heap = u->sorted;
    size_t i = 0, child;
    (void)item;
    if (u->heap < 2)
        return NOERROR;
    struct item *largest = heap[0], *last = heap[--u->heap];
    for (; (child = 2 * i + 1) < u->heap; i = child) {
        if (child + 1 < u->heap && item_compare(heap[child], heap[child + 1]) < 0)
            child++;
        if (item_compare(heap[child], last) <= 0)
            break;
        heap[i] = heap[child];
    }
    heap[i] = last;
    heap[u->heap] = largest;
    return NOERROR;
}

/* The next RRset, if there is one. */
enum rcode prereq_compare(struct update *u, struct item *item)
{
    struct item **sorted = u->sorted + u->compared;
    size_t left = u->sorted_count - u->compared, count = 1;
    (void)item;
    if (left == 0)
        return NOERROR;
    while (count < left && is_same_rrset(sorted[0], sorted[count]))
        count++;
    u->compared += count;
    if (is_rrset_equal(u, sorted, count))
        return NOERROR;
    return update_say(u, NXRRSET, sorted[0], "prerequisite: the RRset is another");
}
