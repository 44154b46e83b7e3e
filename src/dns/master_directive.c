/* SPDX-License-Identifier: Apache-2.0
 * Zone files: the entries that begin with "$" (RFC 1035 s5.1, RFC 2308 s4, BIND's $GENERATE). */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "dns/generate.h"
#include "dns/master_int.h"

/* Longest path, as in Linux's PATH_MAX. */
#define PATH_LEN_MAX 4096

static enum entry read_origin(struct master *m)
{
    struct master_file *f = m->file;
    struct token t = lex_next(&f->lex);
    struct name_buf origin;
    if (t.kind != TOKEN_WORD)
        return master_unexpected(m, &t, "a domain name");
    if (name_scan(t.s, t.len, name_of(&f->origin), &origin, &m->why) != OK)
        return master_fault_at(m, &t);
    enum entry got = master_read_end(m);
    if (got != ENTRY_READ)
        return got;
    f->origin = origin;
    f->origin_changed = true;
    return ENTRY_READ;
}

static enum entry read_ttl(struct master *m)
{
    struct token t = lex_next(&m->file->lex);
    uint32_t ttl;
    bool cut;
    if (!master_scan_ttl(&t, &ttl, &cut))
        return master_unexpected(m, &t, "a TTL in seconds or as 1w2d3h4m5s");
    enum entry got = master_read_end(m);
    if (got != ENTRY_READ)
        return got;
    if (cut)
        master_warn(m, &t, "TTL above %u taken as 0", TTL_MAX);
    m->has_ttl_default = true;
    m->ttl_default = ttl;
    return ENTRY_READ;
}

/* --- $INCLUDE --- */

/* A relative path counts from the including file's directory; that of bytes is the current
 * directory. */
static bool show_path(const struct master_file *f, const struct token *t, struct text *out)
{
    const char *slash = f->fd >= 0 && t->s[0] != '/' ? strrchr(f->name, '/') : NULL;
    if (slash)
        text_bytes(out, f->name, (size_t)(slash - f->name) + 1);
    text_bytes(out, t->s, t->len);
    return !out->bad;
}

/* The file that is being read further out and is the same as `file`; NULL if there is none. */
static const struct master_file *find_loop(const struct master_file *file)
{
    for (const struct master_file *f = file->parent; f; f = f->parent)
        if (f->fd >= 0 && f->device == file->device && f->inode == file->inode)
            return f;
    return NULL;
}

static enum entry read_included(struct master *m, struct master_file *file)
{
    struct master_file *outer = m->file;
    m->file = file;
    m->depth++;
    enum err e = master_read_entries(m);
    m->depth--;
    m->file = outer;
    m->result->bytes += file->bytes;
    if (e == OK)
        return ENTRY_READ;
    m->stop = e;
    return ENTRY_STOP;
}

static enum entry include(struct master *m, const struct token *path, const struct name_buf *origin)
{
    char buf[PATH_LEN_MAX];
    struct text text;
    struct master_file *file, *outer = m->file;
    text_init(&text, buf, sizeof(buf));
    if (m->depth == MASTER_INCLUDE_DEPTH_MAX)
        return master_fault(m, path, "more than %d files include one another",
                            MASTER_INCLUDE_DEPTH_MAX);
    if (m->includes++ == MASTER_INCLUDES_MAX)
        return master_fault(m, path, "more than %d files are included", MASTER_INCLUDES_MAX);
    if (!show_path(outer, path, &text))
        return master_fault(m, path, "path longer than %d bytes", PATH_LEN_MAX - 1);
    if (master_file_open(buf, &file, &m->why) != OK)
        return master_fault_at(m, path);
    if (m->sink->file)
        m->sink->file(m->sink->arg, &file->source);
    file->parent = outer;
    file->origin = origin ? *origin : outer->origin;
    file->owner = outer->owner;
    file->has_owner = outer->has_owner;
    file->origin_changed = outer->origin_changed || origin;
    enum entry got = find_loop(file) ? master_fault(m, path, "\"%s\" includes itself", buf)
                                     : read_included(m, file);
    master_file_close(file);
    return got;
}

static enum entry read_include(struct master *m)
{
    struct lex *x = &m->file->lex;
    struct token path = lex_next(x);
    struct name_buf origin;
    if ((path.kind != TOKEN_WORD && path.kind != TOKEN_QUOTED) || path.len == 0)
        return master_unexpected(m, &path, "a file name");
    struct token t = lex_peek(x);
    bool has_origin = t.kind == TOKEN_WORD;
    if (has_origin) {
        if (name_scan(t.s, t.len, name_of(&m->file->origin), &origin, &m->why) != OK)
            return master_fault_at(m, &t);
        lex_next(x);
    }
    enum entry got = master_read_end(m);
    return got == ENTRY_READ ? include(m, &path, has_origin ? &origin : NULL) : got;
}

/* --- $GENERATE --- */

struct generate {
    struct generate_range range;
    struct token owner;
    struct master_fields fields;
    struct token type;
    struct token at; /* the record data */
    char rdata[GENERATE_TEXT_MAX];
    size_t rdata_len;
};

/* A quoted text that is all the record data is its text without the quotes, as in BIND: \" is a
 * quote in it. */
static void add_unquoted(struct text *out, const struct token *t)
{
    for (uint32_t i = 0; i < t->len; i++) {
        if (t->s[i] == '\\' && i + 1 < t->len) {
            if (t->s[++i] != '"')
                text_char(out, '\\');
        }
        text_char(out, t->s[i]);
    }
}

static void add_token(struct text *out, const struct token *t)
{
    if (text_len(out))
        text_char(out, ' ');
    if (t->kind == TOKEN_QUOTED)
        text_char(out, '"');
    text_bytes(out, t->s, t->len);
    if (t->kind == TOKEN_QUOTED)
        text_char(out, '"');
}

/* The record data as one text: BIND wants one word or one quoted text there; several are what other
 * servers read. */
static enum entry read_generate_rdata(struct master *m, struct generate *g)
{
    struct lex *x = &m->file->lex;
    struct token t = g->at = lex_next(x);
    struct text out;
    text_init(&out, g->rdata, sizeof(g->rdata));
    if (t.kind == TOKEN_QUOTED && lex_peek(x).kind == TOKEN_END) {
        add_unquoted(&out, &t);
        t = lex_next(x);
    }
    for (; t.kind == TOKEN_WORD || t.kind == TOKEN_QUOTED; t = lex_next(x))
        add_token(&out, &t);
    if (t.kind != TOKEN_END)
        return master_unexpected(m, &t, "record data");
    if (out.bad)
        return master_fault(m, &g->at, "record data longer than %d bytes", GENERATE_TEXT_MAX - 1);
    g->rdata_len = text_len(&out);
    return ENTRY_READ;
}

static enum err generate_owner(struct master *m, const struct generate *g, uint32_t value,
                               struct name_buf *out)
{
    char buf[GENERATE_TEXT_MAX];
    struct text text;
    text_init(&text, buf, sizeof(buf));
    enum err e = generate_expand(g->owner.s, g->owner.len, value, &text, &m->why);
    if (e != OK)
        return e;
    return name_scan(buf, text_len(&text), name_of(&m->file->origin), out, &m->why);
}

static enum err generate_rdata(struct master *m, const struct generate *g, uint32_t value,
                               struct wr *out)
{
    char buf[GENERATE_TEXT_MAX];
    struct text text;
    struct lex x;
    text_init(&text, buf, sizeof(buf));
    enum err e = generate_expand(g->rdata, g->rdata_len, value, &text, &m->why);
    if (e != OK)
        return e;
    lex_init(&x, buf, text_len(&text));
    e = rdata_scan(g->fields.type, &x, name_of(&m->file->origin), out, &m->why);
    if (e != OK)
        return e;
    struct token t = lex_peek(&x);
    if (t.kind == TOKEN_WORD || t.kind == TOKEN_QUOTED)
        return err_say(&m->why, ERR_SYNTAX, "expected the end of the entry, found \"%.*s\"",
                       (int)t.len, t.s);
    return t.kind == TOKEN_BAD ? err_say(&m->why, ERR_SYNTAX, "%s", t.why) : OK;
}

static enum entry generate_one(struct master *m, const struct generate *g, uint32_t value)
{
    struct name_buf owner;
    struct wr w = wr_over(m->rdata, sizeof(m->rdata));
    if (generate_owner(m, g, value, &owner) != OK) {
        err_note(&m->why, ERR_SYNTAX, "the owner for %u", value);
        return master_fault_at(m, &g->owner);
    }
    if (generate_rdata(m, g, value, &w) != OK) {
        err_note(&m->why, ERR_SYNTAX, "the record data for %u", value);
        return master_fault_at(m, &g->at);
    }
    if (m->generated++ == MASTER_GENERATED_MAX)
        return master_fault(m, &g->owner, "more than %u records from all $GENERATE",
                            MASTER_GENERATED_MAX);
    return master_deliver(m, name_of(&owner), &g->fields, &g->type, wr_len(&w));
}

static enum entry generate_all(struct master *m, const struct generate *g)
{
    enum entry got = ENTRY_READ;
    uint32_t count = generate_count(g->range), value = g->range.start;
    for (; count && got == ENTRY_READ; count--, value += g->range.step)
        got = generate_one(m, g, value);
    return got;
}

static enum entry read_generate(struct master *m)
{
    struct lex *x = &m->file->lex;
    struct token range = lex_next(x);
    struct generate g;
    if (range.kind != TOKEN_WORD || !generate_scan_range(range.s, range.len, &g.range))
        return master_unexpected(m, &range, "a range: start-stop or start-stop/step");
    if (generate_count(g.range) > MASTER_GENERATE_MAX)
        return master_fault(m, &range, "$GENERATE of more than %d records", MASTER_GENERATE_MAX);
    g.owner = lex_next(x);
    if (g.owner.kind != TOKEN_WORD && g.owner.kind != TOKEN_QUOTED)
        return master_unexpected(m, &g.owner, "an owner name with $ in it");
    g.type = lex_next(x);
    enum entry got = master_read_fields(m, &g.type, &g.fields);
    if (got == ENTRY_READ)
        got = read_generate_rdata(m, &g);
    return got == ENTRY_READ ? generate_all(m, &g) : got;
}

/* --- all --- */

enum entry master_read_directive(struct master *m, const struct token *first)
{
    static const struct {
        const char *name;
        enum entry (*read)(struct master *m);
    } directives[] = {
        {"$ORIGIN", read_origin},
        {"$TTL", read_ttl},
        {"$INCLUDE", read_include},
        {"$GENERATE", read_generate},
    };
    for (size_t i = 0; i < ARRAY_LEN(directives); i++)
        if (first->len == strlen(directives[i].name) &&
            strncasecmp(first->s, directives[i].name, first->len) == 0)
            return directives[i].read(m);
    return master_unexpected(m, first, "$ORIGIN, $TTL, $INCLUDE or $GENERATE");
}
