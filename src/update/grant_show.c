/* SPDX-License-Identifier: Apache-2.0
 * Grants in words: as the configuration has them, and why one does not match. */
#include "base/check.h"
#include "update/grant_int.h"

/* Names and types shown of a list; more are only said to be there. */
#define SHOWN_MAX 8

/* A word of YAML inside a flow map; what could be taken for something else is quoted. */
static void show_word(const char *word, struct text *t)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "._-/";
    if (word[0] && word[0] != '-' && strspn(word, plain) == strlen(word)) {
        text_add(t, word);
        return;
    }
    text_char(t, '"');
    for (; *word; word++) {
        if (*word == '"' || *word == '\\')
            text_char(t, '\\');
        text_char(t, *word);
    }
    text_char(t, '"');
}

/* Inside the zone without the zone's name, elsewhere with a final dot. */
static void show_name(struct name n, struct name zone, struct text *t)
{
    char word[NAME_TEXT_MAX];
    name_text(n, word);
    if (name_is_equal(n, zone))
        text_add(t, "apex");
    else if (name_is_under(n, zone) && !name_is_root(zone)) {
        struct name_buf relative = {.len = (uint8_t)(n.len - zone.len + 1)};
        memcpy(relative.wire, n.wire, relative.len - 1u);
        relative.wire[relative.len - 1] = 0;
        name_text(name_of(&relative), word);
        word[strlen(word) - 1] = 0;
        show_word(word, t);
    } else
        show_word(word, t);
}

static void show_key(struct name key, struct text *t)
{
    char word[NAME_TEXT_MAX];
    name_text(key, word);
    if (!name_is_root(key))
        word[strlen(word) - 1] = 0;
    show_word(word, t);
}

static void show_prefixes(const char *name, const struct prefix *list, unsigned count,
                          struct text *t)
{
    if (count == 0)
        return;
    text_fmt(t, ", %s: [", name);
    for (unsigned i = 0; i < count; i++) {
        char word[64];
        struct text w;
        text_init(&w, word, sizeof(word));
        prefix_show(&list[i], &w);
        if (i > 0)
            text_add(t, ", ");
        show_word(word, t);
    }
    text_char(t, ']');
}

static void show_types(const uint16_t *types, unsigned count, struct text *t)
{
    for (unsigned i = 0; i < count; i++) {
        char type[16];
        if (i > 0)
            text_add(t, ", ");
        text_add(t, rrtype_text(types[i], type));
    }
}

/* clang-format off */
static const struct {
    const char *setting;
    bool has_names;
} where_rows[] = {
    [GRANT_NAME]       = {"name",              true},
    [GRANT_UNDER]      = {"under",             true},
    [GRANT_SELF]       = {"self",              false},
    [GRANT_BELOW_SELF] = {"below-self",        false},
    [GRANT_ACME]       = {"acme",              true},
    [GRANT_DHCP]       = {"dhcp",              false},
    [GRANT_REVERSE]    = {"reverse-of-source", false},
    [GRANT_ALL]        = {"all",               false},
};
/* clang-format on */

static void show_where(const struct grant *g, struct name zone, struct text *t)
{
    text_fmt(t, ", %s: ", where_rows[g->where].setting);
    if (!where_rows[g->where].has_names) {
        text_add(t, "yes");
        return;
    }
    text_char(t, '[');
    if (g->is_any_name)
        text_add(t, "any");
    for (unsigned i = 0; i < g->name_count; i++) {
        if (i > 0)
            text_add(t, ", ");
        show_name(name_of(&g->names[i]), zone, t);
    }
    text_char(t, ']');
}

static void show_number(const char *setting, uint32_t value, struct text *t)
{
    if (value)
        text_fmt(t, ", %s: %u", setting, value);
}

static void show_range(const char *setting, struct grant_range range, struct text *t)
{
    if (range.max)
        text_fmt(t, ", %s: %us..%us", setting, range.min, range.max);
}

static void show_limits(const struct grant *g, struct text *t)
{
    show_number("max-records", g->records_max, t);
    show_number("max-per-name", g->per_name_max, t);
    if (g->ttl_min || g->ttl_max)
        text_fmt(t, ", ttl: %u..%u", g->ttl_min, g->ttl_max ? g->ttl_max : TTL_MAX);
    if (g->lease_s)
        text_fmt(t, ", lease: %us", grant_lease_s(g));
    show_range("lease-range", g->lease, t);
    show_range("key-lease-range", g->key_lease, t);
    if (g->rate)
        text_fmt(t, ", rate: %u/s", g->rate);
    show_prefixes("within", g->within, g->within_count, t);
}

void grant_show(const struct grant *g, struct name zone, struct text *t)
{
    text_add(t, g->is_unsigned ? "{unsigned: yes" : "{key: ");
    if (!g->is_unsigned)
        show_key(name_of(&g->key), t);
    show_prefixes("from", g->from, g->from_count, t);
    show_where(g, zone, t);
    if (g->types) {
        text_add(t, ", types: [");
        show_types(g->types, g->type_count, t);
        text_char(t, ']');
    }
    if (g->ops == GRANT_ADD || g->ops == GRANT_DELETE)
        text_fmt(t, ", ops: [%s]", g->ops == GRANT_ADD ? "add" : "delete");
    show_limits(g, t);
    text_add(t, g->is_deny ? ", deny: yes}" : "}");
}

/* Names that fit, with room for the words behind them. */
#define LABEL_NAMES_LEN (GRANT_LABEL_MAX - 24)

void grant_show_label(const struct grant *g, struct name zone, struct text *t)
{
    text_add(t, where_rows[g->where].setting);
    if (g->is_any_name)
        text_add(t, " any");
    for (unsigned i = 0; i < g->name_count; i++) {
        char word[NAME_TEXT_MAX + 8];
        struct text w;
        text_init(&w, word, sizeof(word));
        show_name(name_of(&g->names[i]), zone, &w);
        if (w.bad || text_len(t) + text_len(&w) > LABEL_NAMES_LEN) {
            text_fmt(t, " and %u more", g->name_count - i);
            return;
        }
        text_char(t, ' ');
        text_add(t, word);
    }
}

/* --- why not --- */

static void show_listed(const struct grant *g, struct text *t)
{
    for (unsigned i = 0; i < g->name_count && i < SHOWN_MAX; i++) {
        struct name n = name_of(&g->names[i]);
        if (i > 0)
            text_add(t, ", ");
        if (g->where == GRANT_ACME) {
            text_add(t, &GRANT_CHALLENGE[1]);
            text_char(t, '.');
            n = grant_challenge_base(n);
        }
        if (g->where != GRANT_ACME || !name_is_root(n))
            name_show(n, t);
        if (g->where == GRANT_UNDER)
            text_add(t, " and below");
    }
    if (g->name_count > SHOWN_MAX)
        text_fmt(t, " and %u more", g->name_count - SHOWN_MAX);
}

static void show_places(const struct grant *g, struct text *t)
{
    switch (g->where) {
    case GRANT_NAME:
    case GRANT_UNDER:
        show_listed(g, t);
        break;
    case GRANT_ACME:
        if (g->is_any_name)
            text_add(t, "_acme-challenge of any name");
        show_listed(g, t);
        break;
    case GRANT_SELF:
    case GRANT_BELOW_SELF:
        text_add(t, g->where == GRANT_SELF ? "" : "names below ");
        if (g->self.len)
            name_show(name_of(&g->self), t);
        else
            text_add(t, "the key's name");
        break;
    case GRANT_REVERSE:
        text_add(t, "the name of the sender's address");
        break;
    case GRANT_DHCP:
    case GRANT_ALL:
        text_add(t, "any name");
        break;
    }
}

/* "grants only TXT at _acme-challenge.www.example.com." */
static void show_reach(const struct grant *g, struct text *t)
{
    const uint16_t *types;
    unsigned count;
    grant_preset_types(g, &types, &count);
    text_add(t, "grants only ");
    if (g->types)
        show_types(g->types, g->type_count < SHOWN_MAX ? g->type_count : SHOWN_MAX, t);
    else if (types)
        show_types(types, count, t);
    else
        text_add(t, "the default types");
    text_add(t, " at ");
    show_places(g, t);
}

static void show_outside(const struct grant *g, const struct grant_question *q, struct text *t)
{
    uint32_t max = grant_ttl_max(g);
    if (q->op == GRANT_ADD && (q->ttl < g->ttl_min || (max && q->ttl > max)))
        text_fmt(t, "TTL %u is not in %u..%u", q->ttl, g->ttl_min, max ? max : TTL_MAX);
    else
        text_add(t, "the address is not within what is granted");
}

void grant_show_miss(const struct grant *g, const struct grant_question *q, enum grant_miss miss,
                     struct text *why)
{
    switch (miss) {
    case GRANT_OTHER_KEY:
        text_add(why, g->is_unsigned ? "for unsigned updates" : "other key");
        break;
    case GRANT_OTHER_SOURCE:
        text_add(why, "from another address");
        break;
    case GRANT_OTHER_NAME:
    case GRANT_OTHER_TYPE:
        show_reach(g, why);
        break;
    case GRANT_OTHER_OP:
        text_add(why, g->ops == GRANT_ADD ? "grants only add" : "grants only delete");
        break;
    case GRANT_OUT_OF_LIMITS:
        show_outside(g, q, why);
        break;
    case GRANT_MATCH:
        break;
    }
}
