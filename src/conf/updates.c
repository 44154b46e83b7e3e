/* SPDX-License-Identifier: Apache-2.0
 * Grants from their text. Identity and place are each one of several keys, exactly one: tables. */
#include "conf/updates.h"

#include <string.h>

#include "base/check.h"
#include "conf/fault.h"
#include "conf/keys.h"
#include "conf/names.h"
#include "conf/prefixes.h"
#include "conf/suggest.h"
#include "dns/rrtype.h"

/* --- reading --- */

bool updates_read(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    if (n->kind != ITEM_LIST || n->count > s->max)
        return false;
    struct conf_zone *z = (struct conf_zone *)(void *)((char *)member - s->member);
    struct conf_update *all = fill_alloc(f, n, n->count * sizeof(struct conf_update));
    if (!all)
        return true;
    z->updates = all;
    z->grant_count = 0; /* the key may be there twice, which is a fault already */
    for (const struct item *item = n->first; item; item = item->next) {
        unsigned before = f->faults->errors;
        struct conf_update *u = &all[z->grant_count];
        *u = (struct conf_update){.at = item->at};
        if (item->kind == ITEM_MAP)
            fill_map(f, item, "zones.*.updates.*", u);
        else
            fault_add(f->faults, item->at, "a rule is a map like {key: web1, name: [www]}, not %s",
                      item_kind_text(item));
        z->grant_count += f->faults->errors == before; /* nothing more to say of a faulty one */
    }
    return true;
}

/* --- one of several --- */

/* A key of the map, of which a rule has exactly one; `no` is as good as absent. */
struct choice {
    const char *key;
    size_t at;   /* offset of its struct conf_at */
    size_t flag; /* offset of its bool, if is_flag */
    bool is_flag;
    enum grant_where where;
    size_t list; /* offset of its struct conf_texts, unless is_flag */
};

#define FLAG(key, member, where)                                                                   \
    {                                                                                              \
        key, offsetof(struct conf_update, ats.member), offsetof(struct conf_update, member), true, \
            where, 0                                                                               \
    }
#define LIST(key, member, where)                                       \
    {                                                                  \
        key, offsetof(struct conf_update, member.at), 0, false, where, \
            offsetof(struct conf_update, member)                       \
    }

static const struct choice identities[] = {
    {"key", offsetof(struct conf_update, key.at), 0, false, 0, 0},
    FLAG("unsigned", is_unsigned, 0),
};
static const struct choice places[] = {
    LIST("name", name, GRANT_NAME),
    LIST("under", under, GRANT_UNDER),
    LIST("acme", acme, GRANT_ACME),
    FLAG("self", is_self, GRANT_SELF),
    FLAG("below-self", is_below_self, GRANT_BELOW_SELF),
    FLAG("dhcp", is_dhcp, GRANT_DHCP),
    FLAG("reverse-of-source", is_reverse, GRANT_REVERSE),
    FLAG("all", is_all, GRANT_ALL),
};

static const struct conf_at *place_of(const struct conf_update *u, const struct choice *c)
{
    return (const struct conf_at *)(const void *)((const char *)u + c->at);
}

static bool is_chosen(const struct conf_update *u, const struct choice *c)
{
    return place_of(u, c)->line != 0 && (!c->is_flag || *((const bool *)u + c->flag));
}

/* The one that is chosen, or NULL with a fault. */
static const struct choice *choose(struct fill *f, const struct conf_update *u,
                                   const struct choice *choices, size_t count, const char *needs)
{
    const struct choice *first = NULL;
    for (const struct choice *c = choices; c < choices + count; c++) {
        if (!is_chosen(u, c))
            continue;
        if (first) {
            fault_add(f->faults, *place_of(u, c), "\"%s\" cannot stand beside \"%s\" in one rule",
                      c->key, first->key);
            return NULL;
        }
        first = c;
    }
    if (!first)
        fault_add(f->faults, u->at, "the rule says nothing about %s", needs);
    return first;
}

/* --- lists --- */

static void *list_alloc(struct fill *f, const struct conf_texts *list, size_t each)
{
    return fill_alloc(f, &(struct item){.at = list->at}, list->count * each);
}

static void build_names(struct fill *f, const struct conf_zone *z, const struct conf_texts *list,
                        struct grant *g)
{
    struct name_buf *names = list_alloc(f, list, sizeof(*names));
    if (!names)
        return;
    g->names = names;
    for (unsigned i = 0; i < list->count; i++)
        if (names_is_any(&list->items[i]))
            g->is_any_name = true;
        else
            g->name_count += names_read_inside(f, z, &list->items[i], &names[g->name_count]);
    if (g->is_any_name && g->where != GRANT_ACME) { /* every name: the zone's and all below it */
        g->is_any_name = false;
        g->where = GRANT_UNDER;
        name_copy(&names[0], z->name);
        g->name_count = 1;
    }
}

static void say_no_type(struct fill *f, const struct conf_text *t)
{
    struct suggest near = suggest_for(t->text);
    const struct rrtype_info *row;
    for (unsigned i = 0; (row = rrtype_row(i)); i++)
        if (rrtype_is_data(row->code))
            suggest_offer(&near, row->mnemonic, strlen(row->mnemonic));
    fault_add(f->faults, t->at, "\"%.*s\" is not a type of records%s%.*s%s", QUOTED(t->text),
              near.best ? ", did you mean \"" : "", (int)near.best_len, near.best ? near.best : "",
              near.best ? "\"?" : "");
}

static void build_types(struct fill *f, const struct conf_texts *list, struct grant *g)
{
    uint16_t *types = list_alloc(f, list, sizeof(*types));
    for (unsigned i = 0; types && i < list->count; i++) {
        const struct conf_text *t = &list->items[i];
        if (rrtype_scan(t->text, strlen(t->text), &types[g->type_count]) &&
            rrtype_is_data(types[g->type_count]))
            g->type_count++;
        else
            say_no_type(f, t);
    }
    g->types = types;
}

static unsigned build_ops(struct fill *f, const struct conf_texts *list)
{
    unsigned ops = 0;
    for (unsigned i = 0; i < list->count; i++) {
        const struct conf_text *t = &list->items[i];
        if (strcmp(t->text, "add") == 0)
            ops |= GRANT_ADD;
        else if (strcmp(t->text, "delete") == 0)
            ops |= GRANT_DELETE;
        else
            fault_add(f->faults, t->at, "\"%.*s\" is neither \"add\" nor \"delete\"",
                      QUOTED(t->text));
    }
    return list->at.line ? ops : GRANT_ADD | GRANT_DELETE;
}

/* --- who --- */

/* self: a key in the zone is itself; else its name is taken under the zone, unless it was written
 * with a final dot. */
static void build_self(struct fill *f, const struct conf_zone *z, const struct conf_update *u,
                       struct grant *g)
{
    struct name zone = z->name, key = name_of(&g->key);
    if (name_is_under(key, zone))
        g->self = g->key;
    else if (u->key.text[strlen(u->key.text) - 1] == '.')
        fault_add(f->faults, u->key.at, "key \"%.*s\" has no name in zone \"%.*s\"",
                  QUOTED(u->key.text), QUOTED(z->text));
    else if (!name_join(key, zone, &g->self))
        fault_add(f->faults, u->key.at, "the name of key \"%.*s\" is too long below the zone",
                  QUOTED(u->key.text));
}

static void build_key(struct fill *f, const struct conf_zone *z, const struct conf_update *u,
                      struct grant *g)
{
    if (!keys_refer(f, &u->key, &g->key))
        return;
    name_lower(name_of(&g->key), g->key.wire);
    if (g->where == GRANT_SELF || g->where == GRANT_BELOW_SELF)
        build_self(f, z, u, g);
}

/* --- all --- */

static void build_lease(struct fill *f, const struct conf_update *u, struct grant *g)
{
    g->lease_s = u->ats.lease_s.line && u->lease_s == 0 ? GRANT_LEASE_NONE : u->lease_s;
    g->lease = (struct grant_range){u->lease.min, u->lease.max};
    g->key_lease = (struct grant_range){u->key_lease.min, u->key_lease.max};
    uint32_t lease_s = grant_lease_s(g);
    struct grant_range range = grant_lease(g);
    if (lease_s && (lease_s < range.min || lease_s > range.max))
        fault_add(f->faults, u->ats.lease, "\"lease-range\" leaves out the rule's lease of %us",
                  lease_s);
}

static void build_limits(struct fill *f, const struct conf_update *u, struct grant *g)
{
    struct item here = {.at = u->at};
    build_lease(f, u, g);
    g->records_max = u->records_max;
    g->per_name_max = u->per_name_max;
    g->ttl_min = u->ttl.min;
    g->ttl_max = u->ttl.max;
    g->rate = u->rate;
    g->within = prefixes_build(f, &u->within, &g->within_count);
    if (g->rate && (g->state = fill_alloc(f, &here, sizeof(*g->state))))
        *g->state = (struct grant_rate){0};
    if (g->records_max && (g->counted = fill_alloc(f, &here, sizeof(*g->counted))))
        *g->counted = (struct grant_count){0};
}

static void build_label(struct fill *f, const struct conf_zone *z, const struct conf_update *u,
                        struct grant *g)
{
    char label[GRANT_LABEL_MAX];
    struct text t;
    text_init(&t, label, sizeof(label));
    grant_show_label(g, z->name, &t);
    char *copy = fill_alloc(f, &(struct item){.at = u->at}, text_len(&t) + 1);
    if (copy)
        g->label = memcpy(copy, label, text_len(&t) + 1);
}

static void build(struct fill *f, const struct conf_zone *z, const struct conf_update *u,
                  struct grant *g)
{
    const struct choice *who =
        choose(f, u, identities, ARRAY_LEN(identities),
               "who may do it: it needs \"key\", or \"unsigned: yes\" for everybody");
    const struct choice *where = choose(
        f, u, places, ARRAY_LEN(places),
        "where it holds: name, under, acme, self, below-self, dhcp, reverse-of-source or all");
    if (!who || !where)
        return;
    *g =
        (struct grant){.is_deny = u->is_deny, .is_unsigned = u->is_unsigned, .where = where->where};
    if (!where->is_flag)
        build_names(f, z, (const struct conf_texts *)(const void *)((const char *)u + where->list),
                    g);
    if (!u->is_unsigned)
        build_key(f, z, u, g);
    g->from = prefixes_build(f, &u->from, &g->from_count);
    if (u->types.at.line)
        build_types(f, &u->types, g);
    g->ops = build_ops(f, &u->ops);
    build_limits(f, u, g);
    build_label(f, z, u, g);
    if (u->is_unsigned && (g->where == GRANT_SELF || g->where == GRANT_BELOW_SELF))
        fault_add(f->faults, u->ats.is_unsigned,
                  "an unsigned update has no key whose name \"self\" could be");
}

void updates_build(struct fill *f, struct conf_zone *z)
{
    if (z->grant_count == 0)
        return;
    z->grants =
        fill_alloc(f, &(struct item){.at = z->ats.updates}, z->grant_count * sizeof(struct grant));
    for (unsigned i = 0; z->grants && i < z->grant_count; i++)
        build(f, z, &z->updates[i], &z->grants[i]);
}
