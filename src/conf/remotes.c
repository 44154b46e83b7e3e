/* SPDX-License-Identifier: Apache-2.0
 * Remotes. Their names are texts like any other, and not names of DNS: case counts. */
#include "conf/remotes.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "conf/fault.h"
#include "conf/keys.h"
#include "conf/listen.h"
#include "conf/suggest.h"
#include "conf/value.h"
#include "request/address.h"

enum { NAME_MAX_LEN = 255 };

/* --- the map --- */

static bool read_name(struct fill *f, const struct item *key, struct conf_remote *r)
{
    r->at = key->at;
    if (key->len == 0 || key->len > NAME_MAX_LEN || value_has_control(key->text))
        fault_add(f->faults, key->at,
                  "\"%.*s\" is not the name of a remote: 1 to %d bytes without control characters",
                  QUOTED(key->text), NAME_MAX_LEN);
    else
        r->text = fill_string(f, key);
    return r->text != NULL;
}

static void read_settings(struct fill *f, const struct item *key, struct conf_remote *r)
{
    unsigned before = f->faults->errors;
    fill_map(f, key->next, "remotes.*", r);
    if (r->address.at.line == 0 && f->faults->errors == before)
        fault_add(f->faults, key->at, "remote \"%.*s\" needs \"address\"", QUOTED(key->text));
}

static int compare_remotes(const void *pa, const void *pb)
{
    const struct conf_remote *a = pa, *b = pb;
    int order = strcmp(a->text, b->text);
    return order ? order : conf_at_compare(a->at, b->at);
}

static void check_twice(struct fill *f, const struct conf *c)
{
    const struct conf_remote *all = c->written_remotes, *first = all;
    for (const struct conf_remote *r = all + 1; r < all + c->remote_count; r++)
        if (strcmp(r->text, first->text) != 0)
            first = r;
        else
            fault_add(f->faults, r->at,
                      "remote \"%.*s\" is given twice, first at line %u, column %u",
                      QUOTED(r->text), first->at.line, first->at.column);
}

void remotes_read(struct fill *f, const struct item *n)
{
    if (!fill_is_map(f, n, "remotes") || n->count == 0)
        return;
    struct conf *c = f->conf;
    struct conf_remote *all = fill_alloc(f, n, n->count / 2 * sizeof(*all));
    if (!all)
        return;
    c->written_remotes = all;
    c->remote_count = 0; /* the key may be there twice, which is a fault already */
    for (const struct item *key = n->first; key; key = key->next->next) {
        struct conf_remote *r = &all[c->remote_count];
        *r = (struct conf_remote){0};
        bool is_named = read_name(f, key, r);
        read_settings(f, key, r);
        c->remote_count += is_named;
    }
    if (c->remote_count == 0)
        return;
    qsort(all, c->remote_count, sizeof(*all), compare_remotes);
    check_twice(f, c);
}

/* --- addresses --- */

static bool read_address(struct fill *f, const struct conf_text *written, union address *out)
{
    struct conf_listen listen = {0};
    listen_read_address(f,
                        &(struct item){.kind = ITEM_TEXT,
                                       .at = written->at,
                                       .text = written->text,
                                       .len = (uint32_t)strlen(written->text)},
                        &listen);
    return listen.text && address_read(&listen.address, out);
}

static bool is_twice(const union address *all, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (address_is_same(&all[i], &all[count]))
            return true;
    return false;
}

static void build_addresses(struct fill *f, const struct conf_texts *list, struct remote *r)
{
    union address *all = fill_alloc(f, &(struct item){.at = list->at}, list->count * sizeof(*all));
    for (unsigned i = 0; all && i < list->count; i++) {
        const struct conf_text *t = &list->items[i];
        union address *a = &all[r->address_count];
        if (!read_address(f, t, a))
            continue;
        if (address_is_wildcard(a))
            fault_add(f->faults, t->at, "\"%.*s\" is no address of a server", QUOTED(t->text));
        else if (is_twice(all, r->address_count))
            fault_add(f->faults, t->at, "address \"%.*s\" is given twice", QUOTED(t->text));
        else
            r->address_count++;
    }
    r->addresses = all;
}

/* Without a port the system draws one, for every question anew. */
static void build_source(struct fill *f, const struct conf_remote *w, struct remote *r)
{
    if (!read_address(f, &w->source, &r->source))
        return;
    if (!strchr(w->source.text, '@'))
        r->source.v4.sin_port = 0; /* IPv6 has it at the same place */
    for (unsigned i = 0; i < r->address_count; i++)
        if (r->addresses[i].any.sa_family != r->source.any.sa_family) {
            fault_add(f->faults, w->source.at,
                      "\"%.*s\" as the source of remote \"%.*s\" is of another family than an "
                      "address of it",
                      QUOTED(w->source.text), QUOTED(w->text));
            return;
        }
}

static void build(struct fill *f, const struct conf_remote *w, struct remote *r)
{
    *r = (struct remote){.text = w->text, .source.any.sa_family = AF_UNSPEC};
    build_addresses(f, &w->address, r);
    if (w->key.text && keys_refer(f, &w->key, &r->key))
        name_lower(name_of(&r->key), r->key.wire);
    if (w->source.text)
        build_source(f, w, r);
}

void remotes_build(struct fill *f)
{
    struct conf *c = f->conf;
    if (c->remote_count == 0)
        return;
    c->remotes = fill_alloc(f, &(struct item){.at = c->written_remotes[0].at},
                            c->remote_count * sizeof(*c->remotes));
    for (unsigned i = 0; c->remotes && i < c->remote_count; i++)
        build(f, &c->written_remotes[i], &c->remotes[i]);
}

/* --- references --- */

static void say_unknown(struct fill *f, const struct conf_text *written)
{
    struct suggest near = suggest_for(written->text);
    const struct conf *c = f->conf;
    for (unsigned i = 0; c->remotes && i < c->remote_count && !fault_is_full(f->faults); i++)
        suggest_offer(&near, c->remotes[i].text, strlen(c->remotes[i].text));
    fault_add(f->faults, written->at, "there is no remote \"%.*s\"%s%.*s%s", QUOTED(written->text),
              near.best ? ", did you mean \"" : "", (int)near.best_len, near.best ? near.best : "",
              near.best ? "\"?" : "");
}

static int compare_text(const void *text, const void *remote)
{
    return strcmp(text, ((const struct remote *)remote)->text);
}

const struct remote *remotes_refer(struct fill *f, const struct conf_text *written)
{
    const struct conf *c = f->conf;
    const struct remote *r = c->remotes ? bsearch(written->text, c->remotes, c->remote_count,
                                                  sizeof(*c->remotes), compare_text)
                                        : NULL;
    if (!r)
        say_unknown(f, written);
    return r;
}
