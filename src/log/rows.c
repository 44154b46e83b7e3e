/* SPDX-License-Identifier: Apache-2.0
 * Rows of the tables and their checksums: what is written here with a sum is read here and held
 * against it.
 *
 * A sum is SipHash with a fixed key over all other columns, lengths included, each value hashed
 * with the sum so far. It finds damage, not forgery: who can write the file can write sums. */
#include "log/journal_int.h"

#include <string.h>

#include "base/attr.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/wire.h"

static const char *const kind_texts[] = {
#define X(name, text) [name] = text,
    CHANGE_KIND_LIST(X)
#undef X
};

const char *change_kind_text(enum change_kind kind)
{
    ASSERT((unsigned)kind < ARRAY_LEN(kind_texts));
    return kind_texts[kind];
}

/* --- sums --- */

uint64_t row_sum(uint64_t sum, const void *bytes, size_t len)
{
    const struct hash_key key = {sum ^ 0x5265657665206c6f, len ^ 0x6720726f77207631};
    return hash_bytes(&key, bytes, len);
}

static uint64_t zone_sum(const struct zone_row *z, const char *name)
{
    uint8_t room[64];
    struct wr w = wr_over(room, sizeof(room));
    wr_u64(&w, z->id);
    wr_u32(&w, z->flags);
    wr_u64(&w, (uint64_t)z->removed_us);
    wr_u64(&w, z->snapshot);
    wr_u64(&w, z->snapshot_seq);
    wr_u32(&w, z->snapshot_parts);
    wr_u32(&w, z->snapshot_serial);
    return row_sum(row_sum('z', room, wr_len(&w)), name, strlen(name));
}

static uint64_t source_sum(uint64_t zone, const struct journal_source *s)
{
    uint64_t sum = row_sum('s', &zone, sizeof(zone));
    return row_sum(row_sum(sum, s->identity, strlen(s->identity)), s->base, s->base_len);
}

static uint64_t checked_sum(const struct journal_checked *k)
{
    uint8_t room[20];
    struct wr w = wr_over(room, sizeof(room));
    wr_u64(&w, k->zone);
    wr_u64(&w, (uint64_t)k->checked_us);
    wr_u32(&w, k->expire_s);
    ASSERT(!w.bad);
    return row_sum('k', room, wr_len(&w));
}

/* A text of a change as it is stored. */
static size_t text_span(const char *text)
{
    return text ? strnlen(text, CHANGE_TEXT_MAX) : 0;
}

static uint64_t change_sum(const struct change *c)
{
    const char *const texts[] = {c->actor, c->peer, c->rule};
    uint8_t room[3 * CHANGE_TEXT_MAX + 100];
    struct wr w = wr_over(room, sizeof(room));
    wr_u64(&w, c->zone);
    wr_u64(&w, c->seq);
    wr_u32(&w, c->serial_from);
    wr_u32(&w, c->serial_to);
    wr_u64(&w, (uint64_t)c->time_us);
    wr_u8(&w, (uint8_t)c->kind);
    wr_u64(&w, c->added_at);
    wr_u32(&w, c->removed_count);
    wr_u32(&w, c->added_count);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        size_t len = text_span(texts[i]);
        wr_u16(&w, (uint16_t)len);
        wr_bytes(&w, texts[i], len);
    }
    ASSERT(!w.bad);
    return row_sum(row_sum('c', room, wr_len(&w)), c->diff, c->diff_len);
}

static uint64_t part_sum(uint64_t snapshot, uint32_t part, const uint8_t *bytes, size_t len)
{
    const uint64_t head[] = {snapshot, part};
    return row_sum(row_sum('p', head, sizeof(head)), bytes, len);
}

/* --- binding and columns --- */

static void bind_u64(sqlite3_stmt *s, int at, uint64_t v)
{
    sqlite3_bind_int64(s, at, (int64_t)v);
}

static uint64_t column_u64(sqlite3_stmt *s, int at)
{
    return (uint64_t)sqlite3_column_int64(s, at);
}

static uint32_t column_u32(sqlite3_stmt *s, int at)
{
    return (uint32_t)sqlite3_column_int64(s, at);
}

/* The caller's bytes stay until the statement has run; an empty blob is one. */
static void bind_bytes(sqlite3_stmt *s, int at, const uint8_t *bytes, size_t len)
{
    sqlite3_bind_blob64(s, at, len ? (const void *)bytes : "", len, SQLITE_STATIC);
}

static const char *column_text(sqlite3_stmt *s, int at)
{
    const char *text = (const char *)sqlite3_column_text(s, at);
    return text ? text : "";
}

static struct bytes column_bytes(sqlite3_stmt *s, int at)
{
    const uint8_t *bytes = sqlite3_column_blob(s, at);
    return (struct bytes){bytes ? bytes : (const uint8_t *)"", (size_t)sqlite3_column_bytes(s, at)};
}

/* --- zone --- */

const char *zone_row_text(const struct zone_row *row, char buf[NAME_TEXT_MAX])
{
    return name_text(name_of(&row->name), buf);
}

enum err zone_row_read(sqlite3_stmt *s, struct zone_row *out, struct diag *diag)
{
    struct zone_row z = {
        .id = column_u64(s, 0),
        .flags = column_u32(s, 2),
        .removed_us = sqlite3_column_int64(s, 3),
        .snapshot = column_u64(s, 4),
        .snapshot_seq = column_u64(s, 5),
        .snapshot_parts = column_u32(s, 6),
        .snapshot_serial = column_u32(s, 7),
    };
    const char *name = column_text(s, 1);
    const struct name none = {0};
    if (column_u64(s, 8) != zone_sum(&z, name) ||
        name_scan(name, strlen(name), none, &z.name, NULL) != OK)
        return err_say(diag, ERR_INVALID, "the row of zone number %llu is damaged",
                       (unsigned long long)z.id);
    *out = z;
    return OK;
}

/* One above the last. Rows are never deleted, so an id is never used twice. */
static enum err zone_id_new(struct sql *c, uint64_t *out, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_ZONE_LAST);
    enum err e = sql_row(c, s, diag, "zone");
    if (e == OK)
        *out = column_u64(s, 0) + 1;
    sqlite3_reset(s);
    return e;
}

enum err zone_row_put(struct sql *c, struct zone_row *row, struct diag *diag)
{
    char text[NAME_TEXT_MAX];
    enum err e = row->id ? OK : zone_id_new(c, &row->id, diag);
    if (e != OK)
        return e;
    sqlite3_stmt *s = sql_stmt(c, STMT_ZONE_PUT);
    bind_u64(s, 1, row->id);
    sqlite3_bind_text(s, 2, zone_row_text(row, text), -1, SQLITE_STATIC);
    bind_u64(s, 3, row->flags);
    sqlite3_bind_int64(s, 4, row->removed_us);
    bind_u64(s, 5, row->snapshot);
    bind_u64(s, 6, row->snapshot_seq);
    bind_u64(s, 7, row->snapshot_parts);
    bind_u64(s, 8, row->snapshot_serial);
    bind_u64(s, 9, zone_sum(row, text));
    return sql_run(c, s, diag, "zone");
}

static enum err zone_row_get(struct sql *c, sqlite3_stmt *s, struct zone_row *out,
                             struct diag *diag)
{
    enum err e = sql_row(c, s, diag, "zone");
    if (e != OK)
        return e;
    e = zone_row_read(s, out, diag);
    sqlite3_reset(s);
    return e;
}

enum err zone_row_by_id(struct sql *c, uint64_t id, struct zone_row *out, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_ZONE_BY_ID);
    bind_u64(s, 1, id);
    return zone_row_get(c, s, out, diag);
}

enum err zone_row_after(struct sql *c, uint64_t after, struct zone_row *out, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_ZONE_AFTER);
    bind_u64(s, 1, after);
    return zone_row_get(c, s, out, diag);
}

enum err zone_row_by_name(struct sql *c, struct name name, struct zone_row *out, struct diag *diag)
{
    char text[NAME_TEXT_MAX];
    struct name_buf lower = {.len = name.len};
    name_lower(name, lower.wire);
    sqlite3_stmt *s = sql_stmt(c, STMT_ZONE_BY_NAME);
    sqlite3_bind_text(s, 1, name_text(name_of(&lower), text), -1, SQLITE_STATIC);
    enum err e = zone_row_get(c, s, out, diag);
    sqlite3_clear_bindings(s);
    return e;
}

/* --- source --- */

enum err source_get(struct sql *c, uint64_t zone, struct journal_source *out, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_SOURCE_GET);
    bind_u64(s, 1, zone);
    enum err e = sql_row(c, s, diag, "source");
    if (e != OK)
        return e;
    struct bytes base = column_bytes(s, 1);
    *out = (struct journal_source){column_text(s, 0), base.at, base.len};
    if (source_sum(zone, out) == column_u64(s, 2))
        return OK;
    sqlite3_reset(s);
    return err_say(diag, ERR_INVALID, "what was noted of the zone file is damaged");
}

enum err source_put(struct sql *c, uint64_t zone, const struct journal_source *source,
                    struct diag *diag)
{
    if (source->base_len > ROW_BYTES_MAX)
        return err_say(diag, ERR_LIMIT, "the base of %zu bytes is too large", source->base_len);
    sqlite3_stmt *s = sql_stmt(c, STMT_SOURCE_PUT);
    bind_u64(s, 1, zone);
    sqlite3_bind_text(s, 2, source->identity, -1, SQLITE_STATIC);
    bind_u64(s, 3, source_sum(zone, source));
    bind_bytes(s, 4, source->base, source->base_len);
    return sql_run(c, s, diag, "source");
}

/* --- checked --- */

enum err checked_get(struct sql *c, uint64_t zone, struct journal_checked *out, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_CHECKED_GET);
    bind_u64(s, 1, zone);
    enum err e = sql_row(c, s, diag, "last check");
    if (e != OK)
        return e;
    struct journal_checked k = {zone, sqlite3_column_int64(s, 0), column_u32(s, 1)};
    bool is_good = checked_sum(&k) == column_u64(s, 2);
    sqlite3_reset(s);
    if (!is_good)
        return err_say(diag, ERR_INVALID, "when the zone was last checked is damaged");
    *out = k;
    return OK;
}

enum err checked_put(struct sql *c, const struct journal_checked *checked, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_CHECKED_PUT);
    bind_u64(s, 1, checked->zone);
    sqlite3_bind_int64(s, 2, checked->checked_us);
    bind_u64(s, 3, checked->expire_s);
    bind_u64(s, 4, checked_sum(checked));
    return sql_run(c, s, diag, "last check");
}

/* --- change --- */

static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
    sqlite3_bind_text64(s, at, text ? text : "", text_span(text), SQLITE_STATIC, SQLITE_UTF8);
}

enum err change_put(struct sql *c, const struct change *change, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_CHANGE_PUT);
    bind_u64(s, 1, change->zone);
    bind_u64(s, 2, change->seq);
    bind_u64(s, 3, change->serial_from);
    bind_u64(s, 4, change->serial_to);
    sqlite3_bind_int64(s, 5, change->time_us);
    sqlite3_bind_text(s, 6, change_kind_text(change->kind), -1, SQLITE_STATIC);
    bind_text(s, 7, change->actor);
    bind_text(s, 8, change->peer);
    bind_text(s, 9, change->rule);
    bind_u64(s, 10, change->added_at);
    bind_u64(s, 11, change->removed_count);
    bind_u64(s, 12, change->added_count);
    bind_u64(s, 13, change_sum(change));
    bind_bytes(s, 14, change->diff, change->diff_len);
    return sql_run(c, s, diag, "change");
}

static bool kind_scan(const char *text, enum change_kind *out)
{
    for (size_t i = 0; i < ARRAY_LEN(kind_texts); i++)
        if (strcmp(kind_texts[i], text) == 0) {
            *out = (enum change_kind)i;
            return true;
        }
    return false;
}

enum err change_read(sqlite3_stmt *s, uint64_t zone, struct change *out, struct diag *diag)
{
    struct bytes diff = column_bytes(s, 12);
    struct change c = {
        .zone = zone,
        .seq = column_u64(s, 0),
        .serial_from = column_u32(s, 1),
        .serial_to = column_u32(s, 2),
        .time_us = sqlite3_column_int64(s, 3),
        .actor = column_text(s, 5),
        .peer = column_text(s, 6),
        .rule = column_text(s, 7),
        .added_at = column_u64(s, 8),
        .removed_count = column_u32(s, 9),
        .added_count = column_u32(s, 10),
        .diff = diff.at,
        .diff_len = diff.len,
    };
    if (!kind_scan(column_text(s, 4), &c.kind) || c.added_at > c.diff_len ||
        change_sum(&c) != column_u64(s, 11))
        return err_say(diag, ERR_INVALID, "change %llu of the zone is damaged",
                       (unsigned long long)c.seq);
    *out = c;
    return OK;
}

enum err head_find(struct sql *c, const struct zone_row *zone, struct head *out, struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_CHANGE_HEAD);
    bind_u64(s, 1, zone->id);
    enum err e = sql_row(c, s, diag, "newest change");
    if (e == OK) {
        *out = (struct head){column_u64(s, 0), column_u32(s, 1), true};
        sqlite3_reset(s);
    }
    /* all may be trimmed, and the snapshot stands for them */
    if (e == ERR_ABSENT || (e == OK && out->seq < zone->snapshot_seq)) {
        *out = (struct head){zone->snapshot_seq, zone->snapshot_serial, zone->snapshot != 0};
        return OK;
    }
    return e;
}

/* --- snapshot parts --- */

enum err part_put(struct sql *c, uint64_t snapshot, uint32_t part, const uint8_t *bytes, size_t len,
                  struct diag *diag)
{
    if (len > ROW_BYTES_MAX)
        return err_say(diag, ERR_LIMIT, "a part of %zu bytes is too large", len);
    sqlite3_stmt *s = sql_stmt(c, STMT_PART_PUT);
    bind_u64(s, 1, snapshot);
    bind_u64(s, 2, part);
    bind_u64(s, 3, part_sum(snapshot, part, bytes, len));
    bind_bytes(s, 4, bytes, len);
    return sql_run(c, s, diag, "snapshot");
}

enum err part_get(struct sql *c, uint64_t snapshot, uint32_t part, struct bytes *out,
                  struct diag *diag)
{
    sqlite3_stmt *s = sql_stmt(c, STMT_PART_GET);
    bind_u64(s, 1, snapshot);
    bind_u64(s, 2, part);
    enum err e = sql_row(c, s, diag, "snapshot part");
    if (e != OK)
        return e;
    *out = column_bytes(s, 1);
    if (part_sum(snapshot, part, out->at, out->len) == column_u64(s, 0))
        return OK;
    sqlite3_reset(s);
    return err_say(diag, ERR_INVALID, "part %u of snapshot %llu is damaged", part,
                   (unsigned long long)snapshot);
}
