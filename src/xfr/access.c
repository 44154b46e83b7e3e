/* SPDX-License-Identifier: Apache-2.0
 * Who may have a zone. */
#include "xfr/access.h"

#include "request/address.h"

static void say_key(struct name key, struct text *why)
{
    if (!why)
        return;
    text_add(why, key.len ? "other key" : "for unsigned requests only");
}

static bool key_fits(struct name wanted, const struct tsig_key *key)
{
    if (!key)
        return wanted.len == 0;
    return wanted.len && name_is_equal(wanted, tsig_key_name(key));
}

static bool source_fits(const struct xfr_rule *r, const union address *from)
{
    if (r->remote && !remote_has_address(r->remote, from))
        return false;
    for (unsigned i = 0; i < r->from_count; i++)
        if (prefix_has(&r->from[i], from))
            return true;
    return r->from_count == 0;
}

enum xfr_miss xfr_rule_match(const struct xfr_rule *r, const struct xfr_question *question,
                             struct text *why)
{
    struct name key = r->remote ? name_of(&r->remote->key) : r->key;
    if (!key_fits(key, question->key)) {
        say_key(key, why);
        return XFR_OTHER_KEY;
    }
    if (!source_fits(r, question->from)) {
        if (why)
            text_add(why, "other address");
        return XFR_OTHER_SOURCE;
    }
    return XFR_MATCH;
}

const struct xfr_rule *xfr_rule_find(const struct xfr_rule *rules, unsigned count,
                                     const struct xfr_question *question,
                                     const struct xfr_rule **closest)
{
    enum xfr_miss best = XFR_MATCH;
    if (closest)
        *closest = NULL;
    for (unsigned i = 0; i < count; i++) {
        enum xfr_miss miss = xfr_rule_match(&rules[i], question, NULL);
        if (miss == XFR_MATCH)
            return &rules[i];
        /* the order of the enum is from far to near, but for the match */
        if (closest && (!*closest || miss > best)) {
            *closest = &rules[i];
            best = miss;
        }
    }
    return NULL;
}

static void show_map(const struct xfr_rule *r, struct text *t)
{
    text_add(t, "{");
    if (r->key.len) {
        text_add(t, "key: ");
        name_show(r->key, t);
        t->at--; /* keys are written without the final dot */
    } else {
        text_add(t, "unsigned: yes");
    }
    for (unsigned i = 0; i < r->from_count; i++) {
        text_add(t, i ? ", " : ", from: [");
        prefix_show(&r->from[i], t);
    }
    text_add(t, r->from_count ? "]" : "");
    text_add(t, r->scope == XFR_GRANTED ? ", scope: granted" : "");
    text_add(t, r->is_deny ? ", deny: yes}" : "}");
}

void xfr_rule_show(const struct xfr_rule *r, struct text *t)
{
    text_fmt(t, "%s[%u] ", r->where, r->index);
    if (r->remote)
        text_add(t, r->remote->text);
    else
        show_map(r, t);
}
