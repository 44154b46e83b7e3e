/* SPDX-License-Identifier: Apache-2.0
 * Zones. Two keys may be different texts and the same name ("Example.com", "example.com."), so
 * duplicates are looked for among the names, once they are sorted. */
#include "conf/zones.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/fault.h"

static bool read_name(struct fill *f, const struct item *key, struct conf_zone *z)
{
    struct diag diag = {0};
    z->at = key->at;
    if (key->len == 0 || strcmp(key->text, "@") == 0)
        fault_add(f->faults, key->at, "\"%s\" is not the name of a zone", key->text);
    else if (name_scan(key->text, key->len, NAME_ROOT, &z->name, &diag) != OK)
        fault_add(f->faults, key->at, "\"%.*s\" is not the name of a zone: %s", QUOTED(key->text),
                  diag.text);
    else
        z->text = fill_string(f, key);
    return z->text != NULL;
}

static void read_settings(struct fill *f, const struct item *key, struct conf_zone *z)
{
    const struct item *value = key->next;
    if (value->kind == ITEM_TEXT && !item_is_empty(value)) {
        fault_add(f->faults, value->at,
                  "zone \"%.*s\": templates are not supported yet, and \"%.*s\" would name one",
                  QUOTED(key->text), QUOTED(value->text));
        return;
    }
    unsigned before = f->faults->count;
    fill_map(f, value, "zones.*", z);
    if (!z->file && f->faults->count == before)
        fault_add(f->faults, key->at,
                  "zone \"%.*s\" has no \"file\"; zones without one are not supported yet",
                  QUOTED(key->text));
}

static int compare_zones(const void *pa, const void *pb)
{
    const struct conf_zone *a = pa, *b = pb;
    int order = name_compare(name_of(&a->name), name_of(&b->name));
    if (order)
        return order;
    if (a->at.line != b->at.line)
        return a->at.line < b->at.line ? -1 : 1;
    return a->at.column < b->at.column ? -1 : a->at.column > b->at.column;
}

static void check_twice(struct fill *f, const struct conf *c)
{
    const struct conf_zone *first = c->zones;
    for (const struct conf_zone *z = c->zones + 1; z < c->zones + c->zone_count; z++)
        if (!name_is_equal(name_of(&z->name), name_of(&first->name)))
            first = z;
        else
            fault_add(f->faults, z->at, "zone \"%.*s\" is given twice, first at line %u, column %u",
                      QUOTED(z->text), first->at.line, first->at.column);
}

void zones_read(struct fill *f, const struct item *n)
{
    if (!fill_is_map(f, n, "zones") || n->count == 0)
        return;
    struct conf *c = f->conf;
    c->zone_count = 0;
    c->zones = fill_alloc(f, n, n->count / 2 * sizeof(struct conf_zone));
    if (!c->zones)
        return;
    for (const struct item *key = n->first; key; key = key->next->next) {
        struct conf_zone *z = &c->zones[c->zone_count];
        memset(z, 0, sizeof(*z));
        bool is_named = read_name(f, key, z);
        read_settings(f, key, z);
        c->zone_count += is_named;
    }
    if (c->zone_count == 0)
        return;
    qsort(c->zones, c->zone_count, sizeof(struct conf_zone), compare_zones);
    check_twice(f, c);
}
