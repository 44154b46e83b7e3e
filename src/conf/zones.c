/* SPDX-License-Identifier: Apache-2.0
 * Zones. Two keys may be different texts and the same name ("Example.com", "example.com."), so
 * duplicates are looked for among the names, once they are sorted. */
#include "conf/zones.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/fault.h"
#include "conf/names.h"
#include "conf/replication.h"
#include "conf/updates.h"

static struct name name_keep(struct fill *f, const struct item *key, struct name name)
{
    uint8_t *wire = fill_alloc(f, key, name.len);
    if (!wire)
        return NAME_ROOT;
    memcpy(wire, name.wire, name.len);
    return (struct name){wire, name.len};
}

static bool read_name(struct fill *f, const struct item *key, struct conf_zone *z)
{
    struct diag diag = {0};
    struct name_buf name;
    z->at = key->at;
    if (key->len == 0 || strcmp(key->text, "@") == 0)
        fault_add(f->faults, key->at, "\"%s\" is not the name of a zone", key->text);
    else if (name_scan(key->text, key->len, NAME_ROOT, &name, &diag) != OK)
        fault_add(f->faults, key->at, "\"%.*s\" is not the name of a zone: %s", QUOTED(key->text),
                  diag.text);
    else if ((z->text = fill_string(f, key)) != NULL)
        z->name = name_keep(f, key, name_of(&name));
    return z->text != NULL;
}

/* What makes the zone: exactly one of three. Of those beside `primaries` see replication.c, and
 * nothing more is to be said of one that calls itself secondary and has none. */
static void check_origin(struct fill *f, const struct item *key, const struct conf_zone *z)
{
    if (z->written.primaries.at.line || (z->ats.type.line && z->type == CONF_SECONDARY))
        return;
    if (!z->file && !z->soa)
        fault_add(f->faults, key->at,
                  "zone \"%.*s\" has neither \"file\" nor \"soa\" nor \"primaries\", from which it "
                  "would come",
                  QUOTED(key->text));
    else if (z->file && z->soa)
        fault_add(f->faults, z->ats.soa, "\"soa\" cannot stand beside \"file\", which has a SOA");
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
    unsigned before = f->faults->errors;
    fill_map(f, value, "zones.*", z);
    if (f->faults->errors > before)
        return;
    check_origin(f, key, z);
    replication_check(f, z);
}

static int compare_zones(const void *pa, const void *pb)
{
    const struct conf_zone *a = pa, *b = pb;
    int order = name_compare(a->name, b->name);
    return order ? order : conf_at_compare(a->at, b->at);
}

static void check_twice(struct fill *f, const struct conf *c)
{
    const struct conf_zone *first = c->zones;
    for (const struct conf_zone *z = c->zones + 1; z < c->zones + c->zone_count; z++)
        if (!name_is_equal(z->name, first->name))
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
    struct conf_zone preset = {0}; /* once for all: there may be a million */
    fill_entry_presets(f, "zones.*", &preset);
    for (const struct item *key = n->first; key; key = key->next->next) {
        struct conf_zone *z = &c->zones[c->zone_count];
        *z = preset;
        bool is_named = read_name(f, key, z);
        read_settings(f, key, z);
        c->zone_count += is_named;
    }
    if (c->zone_count == 0)
        return;
    qsort(c->zones, c->zone_count, sizeof(struct conf_zone), compare_zones);
    check_twice(f, c);
}

/* --- soa --- */

bool zones_read_soa(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    struct conf_soa *soa = fill_alloc(f, n, sizeof(*soa));
    if (!soa)
        return true;
    *soa = (struct conf_soa){0};
    fill_entry_presets(f, s->path, soa);
    unsigned before = f->faults->errors;
    fill_map(f, n, s->path, soa);
    if (soa->written.ns.count == 0 && f->faults->errors == before)
        fault_add(f->faults, n->at, "\"soa\" needs \"ns\", the zone's name servers");
    *(struct conf_soa **)member = soa;
    return true;
}

static void build_soa(struct fill *f, const struct conf_zone *z, struct conf_soa *soa)
{
    const struct conf_texts *list = &soa->written.ns;
    struct name_buf *ns = fill_alloc(f, &(struct item){.at = list->at}, list->count * sizeof(*ns));
    if (!ns)
        return;
    for (unsigned i = 0; i < list->count; i++)
        soa->ns_count += names_read(f, z, &list->items[i], &ns[soa->ns_count]);
    soa->ns = ns;
    if (soa->written.mname.text)
        names_read(f, z, &soa->written.mname, &soa->mname);
    else if (soa->ns_count)
        soa->mname = ns[0];
    static const struct name hostmaster = {(const uint8_t *)"\012hostmaster", 12};
    if (soa->written.rname.text)
        names_read(f, z, &soa->written.rname, &soa->rname);
    else if (!name_join(hostmaster, z->name, &soa->rname))
        fault_add(f->faults, z->ats.soa, "\"soa\" needs \"rname\": hostmaster.%.*s is too long",
                  QUOTED(z->text));
}

void zones_build(struct fill *f)
{
    struct conf *c = f->conf;
    for (unsigned i = 0; i < c->zone_count; i++) {
        struct conf_zone *z = &c->zones[i];
        if (z->soa)
            build_soa(f, z, z->soa);
        updates_build(f, z);
        replication_build(f, z);
    }
}
