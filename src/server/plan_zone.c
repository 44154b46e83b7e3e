/* SPDX-License-Identifier: Apache-2.0
 * What differs between two configurations of one zone, or of one remote. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "conf/setting.h"
#include "server/plan.h"
#include "update/grant.h"

/* One rule as text; what is longer is compared up to there. */
#define RULE_TEXT_MAX 16384

/* The next thing to say. */
static struct text *next(struct text *t)
{
    if (text_len(t))
        text_add(t, ", ");
    return t;
}

/* --- lists --- */

/* "[a, b]", or "none". */
void plan_list_show(const struct conf_texts *list, struct text *t)
{
    if (list->count == 0) {
        text_add(t, "none");
        return;
    }
    for (unsigned i = 0; i < list->count; i++) {
        text_add(t, i ? ", " : "[");
        text_add(t, list->items[i].text);
    }
    text_char(t, ']');
}

static bool lists_differ(const struct conf_texts *a, const struct conf_texts *b)
{
    bool differ = a->count != b->count;
    for (unsigned i = 0; !differ && i < a->count; i++)
        differ = strcmp(a->items[i].text, b->items[i].text) != 0;
    return differ;
}

static void lists_compare(const char *what, const struct conf_texts *old,
                          const struct conf_texts *new, struct text *t)
{
    if (!lists_differ(old, new))
        return;
    text_fmt(next(t), "%s ", what);
    plan_list_show(old, t);
    text_add(t, " -> ");
    plan_list_show(new, t);
}

/* --- rules --- */

static char **grants_show(const struct conf_zone *z)
{
    static const size_t one = sizeof(char *);
    char **all = mem_alloc_zero((z->grant_count + 1) * one);
    char *room = mem_alloc(RULE_TEXT_MAX);
    for (unsigned i = 0; i < z->grant_count; i++) {
        struct text t;
        text_init(&t, room, RULE_TEXT_MAX);
        grant_show(&z->grants[i], z->name, &t);
        all[i] = mem_string(room);
    }
    free(room);
    return all;
}

/* Those of `transfer`; `secondaries` are compared as the list that they are. */
static char **transfer_show(const struct conf_zone *z)
{
    static const size_t one = sizeof(char *);
    char **all = mem_alloc_zero((z->transfer_count + 1) * one);
    char *room = mem_alloc(RULE_TEXT_MAX);
    unsigned count = 0;
    for (unsigned i = 0; i < z->transfer_count; i++) {
        struct xfr_rule r = z->transfer[i];
        struct text t;
        if (strcmp(r.where, "transfer") != 0)
            continue;
        r.index = 0; /* where it stands is no part of what it says */
        text_init(&t, room, RULE_TEXT_MAX);
        xfr_rule_show(&r, &t);
        all[count++] = mem_string(room);
    }
    free(room);
    return all;
}

static void rules_free(char **all)
{
    for (char **at = all; *at; at++)
        free(*at);
    free(all);
}

struct said {
    const char *list, *what;
};

/* What of these is not among those; each of those counts once. */
static unsigned say_missing(char **these, char **those, struct said said_of, struct text *t)
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
        text_fmt(next(t), "%s[%u] %s", said_of.list, i, said_of.what);
        said++;
    }
    free(taken);
    return said;
}

/* Both lists are taken. */
static void rules_compare(const char *list, char **was, char **is, struct text *t)
{
    unsigned i = 0;
    while (was[i] && is[i] && strcmp(was[i], is[i]) == 0)
        i++;
    if (was[i] || is[i]) {
        unsigned said = say_missing(is, was, (struct said){list, "added"}, t);
        said += say_missing(was, is, (struct said){list, "removed"}, t);
        if (!said)
            text_fmt(next(t), "%s in another order", list);
    }
    rules_free(was);
    rules_free(is);
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

/* --- where it comes from --- */

static const char *source_word(const struct conf_zone *z)
{
    return z->type == CONF_SECONDARY ? "primaries" : z->file ? "a file" : "soa";
}

static void source_compare(const struct conf_zone *old, const struct conf_zone *new, struct text *t)
{
    const char *was = source_word(old), *is = source_word(new);
    if (was != is) {
        text_add(next(t), new->file ? "file " : is);
        text_add(t, new->file ? new->file : "");
        if (new->type == CONF_SECONDARY) {
            text_char(t, ' ');
            plan_list_show(&new->written.primaries, t);
        }
        text_fmt(t, " instead of %s", was);
    } else if (old->file && strcmp(old->file, new->file) != 0) {
        text_fmt(next(t), "file %s -> %s", old->file, new->file);
    } else if (old->soa && soas_differ(old->soa, new->soa)) {
        text_add(next(t), "soa");
    } else {
        lists_compare("primaries", &old->written.primaries, &new->written.primaries, t);
    }
}

/* --- replication --- */

static void wait_show(const struct conf_zone *z, struct text *t)
{
    if (z->wait_count == 0) {
        text_add(t, "off");
        return;
    }
    text_fmt(t, "%u for ", z->wait_count);
    setting_show_number(setting_find("zones.*.wait-secondaries.timeout"), z->wait_ms, t);
}

static void percent_show(uint32_t percent, struct text *t)
{
    if (percent)
        text_fmt(t, "%u%%", percent);
    else
        text_add(t, "off");
}

static void replication_compare(const struct conf_zone *old, const struct conf_zone *new,
                                struct text *t)
{
    lists_compare("secondaries", &old->written.secondaries, &new->written.secondaries, t);
    lists_compare("notify", &old->written.notify, &new->written.notify, t);
    rules_compare("transfer", transfer_show(old), transfer_show(new), t);
    if (old->wait_count != new->wait_count || (new->wait_count && old->wait_ms != new->wait_ms)) {
        text_add(next(t), "wait-secondaries ");
        wait_show(old, t);
        text_add(t, " -> ");
        wait_show(new, t);
    }
    if (old->forwards_updates != new->forwards_updates)
        text_fmt(next(t), "forward-updates: %s", new->forwards_updates ? "yes" : "no");
    if (old->shrink_percent != new->shrink_percent) {
        text_add(next(t), "shrink-limit ");
        percent_show(old->shrink_percent, t);
        text_add(t, " -> ");
        percent_show(new->shrink_percent, t);
    }
}

/* --- remotes --- */

static void text_compare(const char *what, const char *old, const char *new, struct text *t)
{
    if (strcmp(old ? old : "", new ? new : "") != 0)
        text_fmt(next(t), "%s %s -> %s", what, old ? old : "none", new ? new : "none");
}

bool plan_remote_differs(const struct conf_remote *old, const struct conf_remote *new,
                         struct text *t)
{
    lists_compare("address", &old->address, &new->address, t);
    text_compare("key", old->key.text, new->key.text, t);
    text_compare("source", old->source.text, new->source.text, t);
    return text_len(t) > 0 || t->bad;
}

/* --- all --- */

/* How it is changed: a secondary is not. */
static void manner_compare(const struct conf_zone *old, const struct conf_zone *new, struct text *t)
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
    if (old->serial != new->serial)
        text_fmt(next(t), "serial %s -> %s", serials[old->serial], serials[new->serial]);
    if (old->protect != new->protect)
        text_fmt(next(t), "protect %s -> %s", protects[old->protect], protects[new->protect]);
    if (old->is_strict != new->is_strict)
        text_fmt(next(t), "strict: %s", new->is_strict ? "yes" : "no");
}

bool plan_zone_differs(const struct conf_zone *old, const struct conf_zone *new, struct text *t)
{
    source_compare(old, new, t);
    rules_compare("updates", grants_show(old), grants_show(new), t);
    replication_compare(old, new, t);
    if (old->has_history != new->has_history)
        text_fmt(next(t), "changes are %s", new->has_history ? "kept" : "not kept any more");
    if (new->type == CONF_PRIMARY)
        manner_compare(old, new, t);
    return text_len(t) > 0 || t->bad;
}
