/* SPDX-License-Identifier: Apache-2.0
 * The verb key list: the keys, who made them, and which zones grant them something.
 *
 * First a walk through all zones' rules, in slices, that counts; then the rows. A reload in between
 * begins it anew. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "server/control_int.h"
#include "server/keyrule.h"
#include "server/server_int.h"

/* Zones looked at in one step; and rules, so that a zone with many does not make it long. */
#define ZONES_SLICE   4096
#define RULES_SLICE   8192
/* Zones named with one key; the rest is counted. */
#define KEY_ZONES_MAX 20

struct key_uses {
    unsigned zones, last; /* last: number of the zone counted last, and 1 */
    json_t *names;
};

struct keylist {
    const struct conf *conf; /* compared only, until it is seen to be in force */
    uint64_t reload;
    unsigned zone, key; /* next ones */
    unsigned count;
    struct key_uses *uses; /* as many as conf has keys */
};

static void uses_free(struct keylist *l)
{
    for (unsigned i = 0; i < l->count; i++)
        json_decref(l->uses[i].names);
    free(l->uses);
}

static void keylist_free(struct control_call *call)
{
    uses_free(call->state);
    free(call->state);
}

static void begin(struct keylist *l, const struct server *s)
{
    uses_free(l);
    *l = (struct keylist){.conf = s->conf, .reload = s->reload, .count = s->conf->key_count};
    l->uses = mem_alloc_zero((l->count + 1) * sizeof(*l->uses));
}

static int place_of(const struct conf *conf, struct name key)
{
    unsigned low = 0, high = conf->key_count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        int order = name_compare(name_of(&conf->keys[middle].name), key);
        if (order == 0)
            return (int)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

static void use_note(struct keylist *l, const struct conf_zone *z, const struct grant *g)
{
    char text[NAME_TEXT_MAX];
    int at = g->is_unsigned ? -1 : place_of(l->conf, name_of(&g->key));
    if (at < 0 || l->uses[at].last == l->zone + 1)
        return;
    struct key_uses *u = &l->uses[at];
    u->last = l->zone + 1;
    if (!u->names)
        u->names = json_array();
    if (u->zones++ < KEY_ZONES_MAX)
        json_array_append_new(u->names, json_string(name_text(z->name, text)));
}

/* True: all zones are counted. */
static bool count_some(struct keylist *l)
{
    unsigned zones = 0, rules = 0;
    for (; l->zone < l->conf->zone_count && zones < ZONES_SLICE && rules < RULES_SLICE;
         l->zone++, zones++) {
        const struct conf_zone *z = &l->conf->zones[l->zone];
        for (unsigned i = 0; i < z->grant_count; i++)
            use_note(l, z, &z->grants[i]);
        rules += z->grant_count;
    }
    return l->zone == l->conf->zone_count;
}

static const char *origin_of(const struct conf_key *key)
{
    return key->at.line ? "configuration" : key->is_revoked ? "revoked" : "kept";
}

static void put_secrets(json_t *row, const struct tsig_key *key)
{
    int64_t until_us[TSIG_SECRETS_MAX];
    unsigned count = tsig_key_secrets(key, until_us);
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list, json_integer((json_int_t)until_us[i]));
    json_object_set_new(row, "secrets_until_us", list);
    if (tsig_key_last_used_us(key))
        control_put_number(row, "last_used_us", (uint64_t)tsig_key_last_used_us(key));
}

static json_t *key_row(const struct server *s, const struct conf_key *conf_key,
                       const struct key_uses *uses)
{
    char text[NAME_TEXT_MAX];
    json_t *row = json_object();
    const struct tsig_key *key = keyring_find(s->keyring, name_of(&conf_key->name));
    control_put_text(row, "key", keyrule_key_text(name_of(&conf_key->name), text));
    control_put_text(row, "algorithm", key ? tsig_key_algorithm(key) : conf_key->algorithm);
    control_put_text(row, "origin", origin_of(conf_key));
    control_put_text(row, "file", conf_key->at.line ? s->conf->path : conf_key->text);
    if (conf_key->at.line)
        control_put_number(row, "line", conf_key->at.line);
    if (key)
        put_secrets(row, key);
    control_put_number(row, "zones", uses->zones);
    if (uses->names)
        json_object_set(row, "zone_names", uses->names);
    return row;
}

static enum control_next keylist_step(struct control_call *call)
{
    struct keylist *l = call->state;
    const struct server *s = call->server;
    if (l->conf != s->conf || l->reload != s->reload) {
        if (l->key > 0)
            return control_fail(call, "the configuration was read again meanwhile");
        begin(l, s);
    }
    if (!count_some(l))
        return CONTROL_MORE;
    json_t *list = json_array(), *fields = json_object();
    for (unsigned rows = 0; l->key < l->count && rows < CONTROL_SLICE_ROWS; l->key++, rows++)
        json_array_append_new(list, key_row(s, &s->conf->keys[l->key], &l->uses[l->key]));
    json_object_set_new(fields, "keys", list);
    return l->key < l->count ? control_more(call, fields) : control_answer(call, fields);
}

enum control_next control_keylist(struct control_call *call)
{
    struct keylist *l = mem_alloc_zero(sizeof(*l));
    begin(l, call->server);
    call->state = l;
    call->end = keylist_free;
    call->step = keylist_step;
    return keylist_step(call);
}
