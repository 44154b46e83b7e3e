/* SPDX-License-Identifier: Apache-2.0
 * Comparing configurations: settings, keys, remotes, zones. They stand in the same order on both
 * sides, so one walk through both meets all of them. */
#include "server/plan.h"

#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "conf/setting.h"
#include "server/control_int.h"
#include "server/keyrule.h"

#define WHAT_TEXT_MAX 1000

static const char *const group_texts[] = {
#define X(name, text) [name] = text,
    PLAN_GROUP_LIST(X)
#undef X
};

json_t *plan_row(struct plan *p, enum plan_group group, const char *op, const char *name)
{
    if (json_array_size(p->rows[group]) >= PLAN_ROWS_MAX) {
        p->left_out++;
        return NULL;
    }
    json_t *row = json_object();
    control_put_text(row, "group", group_texts[group]);
    control_put_text(row, "op", op);
    control_put_text(row, "name", name);
    json_array_append_new(p->rows[group], row);
    return row;
}

static void row_say(struct plan *p, enum plan_group group, const char *op, const char *name,
                    const char *what)
{
    json_t *row = plan_row(p, group, op, name);
    if (row && what[0])
        control_put_text(row, "what", what);
}

/* --- settings --- */

static bool listens_differ(const struct conf *old, const struct conf *new)
{
    bool differ = old->listen.count != new->listen.count;
    for (unsigned i = 0; !differ && i < old->listen.count; i++)
        differ = strcmp(old->listen.items[i].text, new->listen.items[i].text) != 0;
    return differ;
}

static void settings_compare(struct plan *p)
{
    char what[WHAT_TEXT_MAX];
    for (unsigned i = 0; i < CONF_SETTING_COUNT; i++) {
        const char *old = p->old->origins[i].text, *new = p->new->origins[i].text;
        const struct setting *s = &setting_rows[i];
        if (s->kind == SETTING_LISTEN) {
            if (listens_differ(p->old, p->new))
                row_say(p, PLAN_SETTINGS, "~", s->path, "other addresses");
        } else if (strcmp(old ? old : "", new ? new : "") != 0) {
            snprintf(what, sizeof(what), "%.400s -> %.400s", old && *old ? old : "none",
                     new &&*new ? new : "none");
            row_say(p, PLAN_SETTINGS, "~", s->path, what);
        }
    }
}

/* --- keys --- */

static bool is_in_force(const struct conf_key *key)
{
    return key && !key->is_off && !key->is_revoked;
}

static bool texts_differ(const char *a, const char *b)
{
    return (a != NULL) != (b != NULL) || (a && strcmp(a, b) != 0);
}

static void key_compare(struct plan *p, const struct conf_key *old, const struct conf_key *new)
{
    char name[NAME_TEXT_MAX];
    ASSERT(old || new);
    bool was = is_in_force(old), is = is_in_force(new);
    keyrule_key_text(name_of(old ? &old->name : &new->name), name);
    if (was && !is)
        row_say(p, PLAN_KEYS, "-", name, new ? (new->is_revoked ? "revoked" : "off") : "");
    else if (is && !was)
        row_say(p, PLAN_KEYS, "+", name, new->algorithm);
    else if (is && was && (old->at.line == 0) != (new->at.line == 0))
        row_say(p, PLAN_KEYS, "~", name, new->at.line ? "given in the configuration" : "kept");
    else if (is && was && texts_differ(old->secret_file, new->secret_file))
        row_say(p, PLAN_KEYS, "~", name, "its secret is elsewhere");
}

static const struct name NO_NAME = {0};

/* What is next of two lists in canonical order, NO_NAME: there is no more. < 0 only old has it, > 0
 * only new, 0 both. */
static int next_order(struct name old, struct name new)
{
    if (!old.len)
        return 1;
    return new.len ? name_compare(old, new) : -1;
}

static void keys_compare(struct plan *p)
{
    unsigned i = 0, k = 0;
    while (i < p->old->key_count || k < p->new->key_count) {
        const struct conf_key *old = i < p->old->key_count ? &p->old->keys[i] : NULL;
        const struct conf_key *new = k < p->new->key_count ? &p->new->keys[k] : NULL;
        int order =
            next_order(old ? name_of(&old->name) : NO_NAME, new ? name_of(&new->name) : NO_NAME);
        key_compare(p, order <= 0 ? old : NULL, order >= 0 ? new : NULL);
        i += order <= 0;
        k += order >= 0;
    }
}

/* --- remotes --- */

static void remote_compare(struct plan *p, const struct conf_remote *old,
                           const struct conf_remote *new)
{
    char what[WHAT_TEXT_MAX];
    struct text t;
    ASSERT(old || new);
    text_init(&t, what, sizeof(what));
    if (!new) {
        row_say(p, PLAN_REMOTES, "-", old->text, "");
    } else if (!old) {
        plan_list_show(&new->address, &t);
        row_say(p, PLAN_REMOTES, "+", new->text, what);
    } else if (plan_remote_differs(old, new, &t)) {
        row_say(p, PLAN_REMOTES, "~", new->text, what);
    }
}

static void remotes_compare(struct plan *p)
{
    unsigned i = 0, k = 0;
    while (i < p->old->remote_count || k < p->new->remote_count) {
        const struct conf_remote *old =
            i < p->old->remote_count ? &p->old->written_remotes[i] : NULL;
        const struct conf_remote *new =
            k < p->new->remote_count ? &p->new->written_remotes[k] : NULL;
        int order = !old ? 1 : !new ? -1 : strcmp(old->text, new->text);
        remote_compare(p, order <= 0 ? old : NULL, order >= 0 ? new : NULL);
        i += order <= 0;
        k += order >= 0;
    }
}

/* --- zones --- */

/* The change log has data of the zone, of when it was configured before. */
static bool is_in_log(const struct plan *p, const struct conf_zone *z)
{
    struct journal *j = state_journal(p->state);
    struct journal_zone log = {0};
    struct diag diag;
    bool is_there =
        z->has_history && j && journal_zone_get(j, z->name, &log, &diag) == OK && log.snapshot != 0;
    journal_zone_done(&log);
    return is_there;
}

static void secondary_added(struct plan *p, const struct conf_zone *z)
{
    char what[WHAT_TEXT_MAX], name[NAME_TEXT_MAX];
    struct text t;
    text_init(&t, what, sizeof(what));
    text_add(&t, is_in_log(p, z) ? "secondary, as the change log has it until it is transferred, "
                                 : "secondary, to be transferred, ");
    text_add(&t, "primaries ");
    plan_list_show(&z->written.primaries, &t);
    row_say(p, PLAN_ZONES, "+", name_text(z->name, name), what);
}

static void primary_added(struct plan *p, const struct conf_zone *z)
{
    static const struct plan_live none = {0};
    char what[WHAT_TEXT_MAX], name[NAME_TEXT_MAX];
    uint64_t records = plan_file(p, z, &none);
    snprintf(what, sizeof(what), "primary, %llu record%s%s", (unsigned long long)records,
             records == 1 ? "" : "s",
             is_in_log(p, z)  ? ", merged with what the change log has of it"
             : z->has_history ? ", changes are kept"
                              : "");
    row_say(p, PLAN_ZONES, "+", name_text(z->name, name), what);
}

static void zone_added(struct plan *p, const struct conf_zone *z)
{
    if (z->type == CONF_SECONDARY)
        secondary_added(p, z);
    else
        primary_added(p, z);
}

/* Its file; one that has no data so far, as that could not be read, comes whole. */
static void file_compare(struct plan *p, const struct conf_zone *z, const struct plan_live *live)
{
    char what[WHAT_TEXT_MAX], name[NAME_TEXT_MAX];
    uint64_t records = plan_file(p, z, live);
    if (records == 0)
        return;
    snprintf(what, sizeof(what), "%llu record%s, where there were none",
             (unsigned long long)records, records == 1 ? "" : "s");
    row_say(p, PLAN_RECORDS, "+", name_text(z->name, name), what);
}

static void zone_compare(struct plan *p, const struct conf_zone *old, const struct conf_zone *new)
{
    char what[WHAT_TEXT_MAX], name[NAME_TEXT_MAX];
    struct text t;
    ASSERT(old || new);
    if (!new) {
        row_say(p, PLAN_ZONES, "-", name_text(old->name, name),
                old->has_history ? "its history is kept" : "");
        return;
    }
    if (!old) {
        zone_added(p, new);
        return;
    }
    text_init(&t, what, sizeof(what));
    if (plan_zone_differs(old, new, &t))
        row_say(p, PLAN_ZONES, "~", name_text(new->name, name), what);
    if (new->type == CONF_PRIMARY)
        file_compare(p, new, &p->live[old - p->old->zones]);
}

static void zones_compare(struct plan *p)
{
    unsigned i = 0, k = 0;
    while ((i < p->old->zone_count || k < p->new->zone_count) && !atomic_load(p->is_canceled)) {
        const struct conf_zone *old = i < p->old->zone_count ? &p->old->zones[i] : NULL;
        const struct conf_zone *new = k < p->new->zone_count ? &p->new->zones[k] : NULL;
        int order = next_order(old ? old->name : NO_NAME, new ? new->name : NO_NAME);
        zone_compare(p, order <= 0 ? old : NULL, order >= 0 ? new : NULL);
        i += order <= 0;
        k += order >= 0;
    }
}

void plan_run(struct plan *p)
{
    for (unsigned i = 0; i < PLAN_GROUPS; i++)
        p->rows[i] = json_array();
    settings_compare(p);
    keys_compare(p);
    remotes_compare(p);
    zones_compare(p);
}
