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
