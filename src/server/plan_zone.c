/* SPDX-License-Identifier: Apache-2.0
 * What differs between two configurations of one zone. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "server/plan.h"
#include "update/grant.h"

/* One rule as text; what is longer is compared up to there. */
#define GRANT_TEXT_MAX 16384

/* The next thing to say. */
static struct text *next(struct text *t)
{
    if (text_len(t))
        text_add(t, ", ");
    return t;
}

/* --- rules --- */

static char **grants_show(const struct conf_zone *z)
{
    static const size_t one = sizeof(char *);
    char **all = mem_alloc_zero((z->grant_count + 1) * one);
    char *room = mem_alloc(GRANT_TEXT_MAX);
    for (unsigned i = 0; i < z->grant_count; i++) {
        struct text t;
        text_init(&t, room, GRANT_TEXT_MAX);
        grant_show(&z->grants[i], z->name, &t);
        all[i] = mem_string(room);
    }
    free(room);
    return all;
}

static void grants_free(char **all)
{
    for (char **at = all; *at; at++)
        free(*at);
    free(all);
}

/* What of these is not among those; each of those counts once. */
static unsigned say_missing(char **these, char **those, const char *what, struct text *t)
{
    unsigned said = 0, those_count = 0;
    while (those[those_count])
        those_count++;
    bool *taken = mem_alloc_zero(those_count + 1);
    for (unsigned i = 0; these[i]; i++) {
        unsigned j = 0;
        while (j < those_count && (taken[j] || strcmp(these[i], those[j]) != 0))
            j++;
        taken[j] = j < those_count;
        if (j < those_count)
            continue;
        text_fmt(next(t), "updates[%u] %s", i, what);
        said++;
    }
    free(taken);
    return said;
}

static void grants_compare(const struct conf_zone *old, const struct conf_zone *new, struct text *t)
{
    char **was = grants_show(old), **is = grants_show(new);
    unsigned i = 0;
    while (was[i] && is[i] && strcmp(was[i], is[i]) == 0)
        i++;
    if (was[i] || is[i]) {
        unsigned said = say_missing(is, was, "added", t);
        said += say_missing(was, is, "removed", t);
        if (!said)
            text_add(next(t), "updates in another order");
    }
    grants_free(was);
    grants_free(is);
}

/* --- soa --- */

static bool names_differ(const struct conf_soa *a, const struct conf_soa *b)
{
    bool differ = a->ns_count != b->ns_count ||
                  !name_is_same(name_of(&a->mname), name_of(&b->mname)) ||
                  !name_is_same(name_of(&a->rname), name_of(&b->rname));
    for (unsigned i = 0; !differ && i < a->ns_count; i++)
        differ = !name_is_same(name_of(&a->ns[i]), name_of(&b->ns[i]));
    return differ;
}

static bool soas_differ(const struct conf_soa *a, const struct conf_soa *b)
{
    return a->refresh != b->refresh || a->retry != b->retry || a->expire != b->expire ||
           a->minimum != b->minimum || a->ttl != b->ttl || names_differ(a, b);
}

/* --- all --- */

static void source_compare(const struct conf_zone *old, const struct conf_zone *new, struct text *t)
{
    if (old->file && new->file && strcmp(old->file, new->file) != 0)
        text_fmt(next(t), "file %s -> %s", old->file, new->file);
    else if (old->file && !new->file)
        text_add(next(t), "soa instead of a file");
    else if (!old->file && new->file)
        text_fmt(next(t), "file %s instead of soa", new->file);
    else if (old->soa && new->soa && soas_differ(old->soa, new->soa))
        text_add(next(t), "soa");
}

bool plan_zone_differs(const struct conf_zone *old, const struct conf_zone *new, struct text *t)
{
    static const char *const serials[] = {
#define X(name, text) [name] = text,
        SERIAL_POLICY_LIST(X)
#undef X
    };
    static const char *const protects[] = {
#define X(name, text) [name] = text,
        CONF_PROTECT_LIST(X)
#undef X
    };
    source_compare(old, new, t);
    grants_compare(old, new, t);
    if (old->serial != new->serial)
        text_fmt(next(t), "serial %s -> %s", serials[old->serial], serials[new->serial]);
    if (old->protect != new->protect)
        text_fmt(next(t), "protect %s -> %s", protects[old->protect], protects[new->protect]);
    if (old->is_strict != new->is_strict)
        text_fmt(next(t), "strict: %s", new->is_strict ? "yes" : "no");
    if (old->has_history != new->has_history)
        text_fmt(next(t), "changes are %s", new->has_history ? "kept" : "not kept any more");
    return text_len(t) > 0 || t->bad;
}
