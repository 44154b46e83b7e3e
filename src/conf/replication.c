/* SPDX-License-Identifier: Apache-2.0
 * Replication of zones. What contradicts itself is said where it stands; what has no meaning beside
 * the rest is refused only where it says something, so that every default may be written. */
#include "conf/replication.h"

#include <string.h>

#include "base/check.h"
#include "conf/fault.h"
#include "conf/keys.h"
#include "conf/prefixes.h"
#include "conf/remotes.h"

/* --- reading --- */

static void read_rule(struct fill *f, const struct item *n, struct conf_transfer *t)
{
    *t = (struct conf_transfer){.at = n->at};
    if (n->kind == ITEM_MAP)
        fill_map(f, n, "zones.*.transfer.*", t);
    else if (n->kind == ITEM_TEXT && n->len > 0)
        t->remote = (struct conf_text){fill_string(f, n), n->at};
    else
        fault_add(f->faults, n->at,
                  "a rule is the name of a remote or a map like {key: web1}, not %s",
                  n->kind == ITEM_TEXT ? "nothing" : item_kind_text(n));
}

bool replication_read_transfer(struct fill *f, const struct setting *s, const struct item *n,
                               void *member)
{
    if (n->kind != ITEM_LIST || n->count > s->max)
        return false;
    struct conf_zone *z = (struct conf_zone *)(void *)((char *)member - s->member);
    struct conf_transfer *all = fill_alloc(f, n, n->count * sizeof(*all));
    if (!all)
        return true;
    z->written.transfer = all;
    z->written.transfer_count = 0; /* the key may be there twice, which is a fault already */
    for (const struct item *item = n->first; item; item = item->next) {
        unsigned before = f->faults->errors;
        read_rule(f, item, &all[z->written.transfer_count]);
        z->written.transfer_count += f->faults->errors == before;
    }
    return true;
}

bool replication_read_wait(struct fill *f, const struct setting *s, const struct item *n,
                           void *member)
{
    struct conf_zone *z = (struct conf_zone *)(void *)((char *)member - s->member);
    fill_entry_presets(f, s->path, z);
    fill_map(f, n, s->path, z);
    return true;
}

/* --- primary or secondary --- */

/* A key of a zone that says something, and what it cannot stand beside. */
struct said {
    const char *key;
    struct conf_at at;
    bool is_said;
};

static void check_secondary(struct fill *f, const struct conf_zone *z)
{
    const struct said said[] = {
        {"file", z->file_at, z->file != NULL},
        {"soa", z->ats.soa, z->soa != NULL},
        {"updates", z->ats.updates, z->ats.updates.line != 0},
        {"wait-secondaries", z->ats.wait, z->ats.wait.line != 0},
        {"serial", z->ats.serial, z->serial != SERIAL_INCREMENT},
        {"strict", z->ats.is_strict, z->is_strict},
        {"protect", z->ats.protect, z->protect != CONF_PROTECT_FILE},
    };
    for (const struct said *s = said; s < said + ARRAY_LEN(said); s++)
        if (s->is_said)
            fault_add(f->faults, s->at,
                      "\"%s\" cannot stand beside \"primaries\", where the zone comes from and is "
                      "changed",
                      s->key);
}

static void check_primary(struct fill *f, const struct conf_zone *z)
{
    if (z->forwards_updates)
        fault_add(f->faults, z->ats.forwards_updates,
                  "\"forward-updates\" needs \"primaries\", to which they would be sent");
    if (z->shrink_percent && !z->file)
        fault_add(
            f->faults, z->ats.shrink_percent,
            "\"shrink-limit\" needs \"file\" or \"primaries\", from which the zone would come");
}

static void check_history(struct fill *f, struct conf_zone *z)
{
    const char *needed_by = z->soa                         ? "soa"
                            : z->grant_count > 0           ? "updates"
                            : z->written.primaries.at.line ? "primaries"
                                                           : NULL;
    if (z->ats.has_history.line == 0)
        z->has_history =
            needed_by || z->written.secondaries.count > 0 || z->written.transfer_count > 0;
    else if (needed_by && !z->has_history)
        fault_add(f->faults, z->ats.has_history, "a zone with \"%s\" cannot be without history",
                  needed_by);
}

void replication_check(struct fill *f, struct conf_zone *z)
{
    enum conf_zone_type type = z->written.primaries.at.line ? CONF_SECONDARY : CONF_PRIMARY;
    if (z->ats.type.line && z->type != type)
        fault_add(f->faults, z->ats.type,
                  type == CONF_PRIMARY ? "\"secondary\" needs \"primaries\""
                                       : "a zone with \"primaries\" is secondary, not primary");
    else if (type == CONF_SECONDARY)
        check_secondary(f, z);
    else
        check_primary(f, z);
    z->type = type;
    check_history(f, z);
}

/* --- building --- */

static void *alloc_at(struct fill *f, struct conf_at at, size_t len)
{
    return fill_alloc(f, &(struct item){.at = at}, len);
}

static bool has(const struct remote *const *all, unsigned count, const struct remote *r)
{
    for (unsigned i = 0; i < count; i++)
        if (all[i] == r)
            return true;
    return false;
}

/* Puts the remotes of the list behind the count that are there. */
static unsigned add_remotes(struct fill *f, const struct conf_texts *list,
                            const struct remote **all, unsigned count)
{
    for (unsigned i = 0; i < list->count; i++) {
        const struct conf_text *t = &list->items[i];
        const struct remote *r = remotes_refer(f, t);
        if (r && has(all, count, r))
            fault_add(f->faults, t->at, "remote \"%.*s\" is given twice", QUOTED(t->text));
        else if (r)
            all[count++] = r;
    }
    return count;
}

static void build_primaries(struct fill *f, struct conf_zone *z)
{
    const struct conf_texts *list = &z->written.primaries;
    const struct remote **all = alloc_at(f, list->at, list->count * sizeof(struct remote *));
    if (all)
        z->primary_count = add_remotes(f, list, all, 0);
    z->primaries = all;
}

static void build_secondaries(struct fill *f, struct conf_zone *z)
{
    const struct conf_texts *list = &z->written.secondaries, *notify = &z->written.notify;
    const struct remote **all = alloc_at(f, list->at.line ? list->at : notify->at,
                                         (list->count + notify->count) * sizeof(struct remote *));
    if (!all)
        return;
    z->secondary_count = add_remotes(f, list, all, 0);
    z->secondary_count = add_remotes(f, notify, all, z->secondary_count);
    z->secondaries = all;
}

/* The key that is meant, in lower case, as long as the configuration lives. */
static struct name build_key(struct fill *f, const struct conf_text *written)
{
    struct name_buf name;
    if (!keys_refer(f, written, &name))
        return (struct name){0};
    uint8_t *wire = alloc_at(f, written->at, name.len);
    if (!wire)
        return (struct name){0};
    name_lower(name_of(&name), wire);
    return (struct name){wire, name.len};
}

/* A rule of `transfer` that is a map. */
static void build_rule(struct fill *f, const struct conf_zone *z, const struct conf_transfer *t,
                       struct xfr_rule *r)
{
    r->is_deny = t->is_deny;
    r->scope = t->scope;
    r->from = prefixes_build(f, &t->from, &r->from_count);
    if (t->key.text && t->is_unsigned)
        fault_add(f->faults, t->ats.is_unsigned,
                  "\"unsigned\" cannot stand beside \"key\" in one rule");
    else if (!t->key.text && !t->is_unsigned)
        fault_add(f->faults, t->at,
                  "the rule says nothing about who may have it: it needs \"key\", or \"unsigned: "
                  "yes\" for everybody");
    else if (t->key.text)
        r->key = build_key(f, &t->key);
    if (t->scope == XFR_GRANTED && (t->is_unsigned || t->is_deny))
        fault_add(f->faults, t->ats.scope, "\"scope: granted\" cannot stand beside \"%s\"",
                  t->is_deny ? "deny" : "unsigned");
    else if (t->scope == XFR_GRANTED && z->grant_count == 0)
        fault_add(f->faults, t->ats.scope,
                  "\"scope: granted\" needs \"updates\", which would grant something");
}

/* A rule of `transfer` that is a remote, which no other there is; rules end before r. */
static void refer(struct fill *f, const struct conf_text *written, const struct xfr_rule *rules,
                  struct xfr_rule *r)
{
    r->remote = remotes_refer(f, written);
    for (const struct xfr_rule *o = r; r->remote && o-- > rules;)
        if (o->remote == r->remote && strcmp(o->where, r->where) == 0) {
            fault_add(f->faults, written->at, "remote \"%.*s\" is given twice",
                      QUOTED(written->text));
            return;
        }
}

static void build_transfer(struct fill *f, struct conf_zone *z)
{
    const struct conf_texts *list = &z->written.secondaries;
    struct xfr_rule *rules = alloc_at(f, list->at.line ? list->at : z->written.transfer_at,
                                      (list->count + z->written.transfer_count) * sizeof(*rules));
    unsigned count = 0;
    if (!rules)
        return;
    /* faults were found when they were made secondaries, the first of which they are */
    for (unsigned i = 0; i < list->count && i < z->secondary_count; i++)
        rules[count++] =
            (struct xfr_rule){.where = "secondaries", .index = i, .remote = z->secondaries[i]};
    for (unsigned i = 0; i < z->written.transfer_count; i++) {
        const struct conf_transfer *t = &z->written.transfer[i];
        struct xfr_rule *r = &rules[count++];
        *r = (struct xfr_rule){.where = "transfer", .index = i};
        if (t->remote.text)
            refer(f, &t->remote, rules, r);
        else
            build_rule(f, z, t, r);
    }
    z->transfer = rules;
    z->transfer_count = count;
}

static void check_wait(struct fill *f, const struct conf_zone *z)
{
    if (z->ats.wait.line && z->wait_count > z->secondary_count)
        fault_add(f->faults, z->ats.wait_count.line ? z->ats.wait_count : z->ats.wait,
                  "\"wait-secondaries\" waits for %u of %u secondaries", z->wait_count,
                  z->secondary_count);
}

/* --- lists that are the same --- */

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same_list(const struct conf_texts *a, const struct conf_texts *b)
{
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (!is_same_text(a->items[i].text, b->items[i].text))
            return false;
    return true;
}

/* What `granted` means depends on the zone's `updates`. */
static bool is_same_rule(const struct conf_transfer *a, const struct conf_transfer *b)
{
    return is_same_text(a->remote.text, b->remote.text) && is_same_text(a->key.text, b->key.text) &&
           is_same_list(&a->from, &b->from) && a->is_unsigned == b->is_unsigned &&
           a->is_deny == b->is_deny && a->scope == XFR_WHOLE && b->scope == XFR_WHOLE;
}

static bool is_same(const struct conf_zone *a, const struct conf_zone *b)
{
    if (!is_same_list(&a->written.primaries, &b->written.primaries) ||
        !is_same_list(&a->written.secondaries, &b->written.secondaries) ||
        !is_same_list(&a->written.notify, &b->written.notify) ||
        a->written.transfer_count != b->written.transfer_count)
        return false;
    for (unsigned i = 0; i < a->written.transfer_count; i++)
        if (!is_same_rule(&a->written.transfer[i], &b->written.transfer[i]))
            return false;
    return true;
}

/* Of many thousand zones most say the same as their neighbour: they share what is made of it. */
static bool take_neighbours(struct fill *f, struct conf_zone *z)
{
    const struct conf_zone *o = z - 1;
    if (z == f->conf->zones || f->faults->errors > 0 || !is_same(o, z))
        return false;
    z->primaries = o->primaries;
    z->primary_count = o->primary_count;
    z->secondaries = o->secondaries;
    z->secondary_count = o->secondary_count;
    z->transfer = o->transfer;
    z->transfer_count = o->transfer_count;
    return true;
}

void replication_build(struct fill *f, struct conf_zone *z)
{
    unsigned before = f->faults->errors;
    if (take_neighbours(f, z)) {
        check_wait(f, z);
        return;
    }
    if (z->written.primaries.count)
        build_primaries(f, z);
    if (z->written.secondaries.count || z->written.notify.count)
        build_secondaries(f, z);
    if (z->written.secondaries.count || z->written.transfer_count)
        build_transfer(f, z);
    if (f->faults->errors == before)
        check_wait(f, z);
}
