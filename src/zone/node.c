/* SPDX-License-Identifier: Apache-2.0
 * Finding RRsets in a node. Names have few RRsets, so a walk over their heads beats any index. */
#include "zone/node.h"

#include "base/check.h"

uint16_t rrset_covered(struct rrset s)
{
    ASSERT(s.type == TYPE_RRSIG && s.count > 0);
    return get_u16(s.data + 2);
}

bool node_find(const struct node *n, uint16_t type, struct rrset *out)
{
    for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
        if (s.type == type && type != TYPE_RRSIG) {
            *out = s;
            return true;
        }
    return false;
}

bool node_find_sigs(const struct node *n, uint16_t covered, struct rrset *out)
{
    for (struct rrset s = node_first(n); s.count; s = node_next(n, s))
        if (s.type == TYPE_RRSIG && rrset_covered(s) == covered) {
            *out = s;
            return true;
        }
    return false;
}

bool node_find_both(const struct node *n, uint16_t type, struct rrset *set, struct rrset *sigs)
{
    if (!node_find(n, type, set))
        return false;
    struct rrset next = node_next(n, *set);
    if (next.count && next.type == TYPE_RRSIG && rrset_covered(next) == type)
        *sigs = next;
    else
        *sigs = (struct rrset){0};
    return true;
}

struct rrset_id rrset_id(struct rrset s)
{
    return (struct rrset_id){s.type, s.type == TYPE_RRSIG ? rrset_covered(s) : 0};
}

struct rrset node_get(const struct node *n, struct rrset_id id)
{
    struct rrset s = n ? node_first(n) : (struct rrset){0};
    while (s.count && rrset_order(rrset_id(s)) != rrset_order(id))
        s = node_next(n, s);
    return s;
}

uint8_t node_has_bit(uint16_t type)
{
    switch (type) {
    case TYPE_NS:
        return NODE_HAS_NS;
    case TYPE_DNAME:
        return NODE_HAS_DNAME;
    case TYPE_CNAME:
        return NODE_HAS_CNAME;
    case TYPE_SOA:
        return NODE_HAS_SOA;
    case TYPE_NSEC:
        return NODE_HAS_NSEC;
    case TYPE_RRSIG:
        return NODE_HAS_RRSIG;
    case TYPE_DS:
        return NODE_HAS_DS;
    case TYPE_NSEC3:
        return NODE_HAS_NSEC3;
    default:
        return 0;
    }
}
