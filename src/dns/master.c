/* SPDX-License-Identifier: Apache-2.0
 * Zone files: entries and records. Directives are in master_directive.c, windows in master_file.c.
 *
 * An entry is read to its end before it has any effect but on the owner, so that one that a
 * window's end has cut is simply read again. A fault is kept in the reader (where, why) until the
 * rest of its entry has been skipped: only then is it known that the entry was whole, or that the
 * real fault is a parenthesis that is never closed. */
#include "dns/master.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/digits.h"
#include "dns/master_int.h"

/* Bytes of a token that a sentence shows. */
#define SHOWN_MAX 40

/* --- faults --- */

static struct master_where where_of(const struct master *m, const struct token *at)
{
    return (struct master_where){m->file->name, at->line, at->column};
}

enum entry master_fault_at(struct master *m, const struct token *at)
{
    m->where = where_of(m, at);
    return ENTRY_FAULT;
}

enum entry master_fault(struct master *m, const struct token *at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(m->why.text, sizeof(m->why.text), fmt, ap);
    va_end(ap);
    return master_fault_at(m, at);
}

/* A token for a sentence: printable, not too long. */
static void show_token(const struct token *t, char out[SHOWN_MAX + 8])
{
    uint32_t n = t->len < SHOWN_MAX ? t->len : SHOWN_MAX;
    char *p = out;
    *p++ = '"';
    for (uint32_t i = 0; i < n; i++)
        *p++ = t->s[i] >= ' ' && t->s[i] < 0x7f ? t->s[i] : '?';
    snprintf(p, 7, "%s\"", n < t->len ? "..." : "");
}

enum entry master_unexpected(struct master *m, const struct token *at, const char *expected)
{
    char shown[SHOWN_MAX + 8];
    switch (at->kind) {
    case TOKEN_BAD:
        return master_fault(m, at, "%s", at->why);
    case TOKEN_END:
    case TOKEN_EOF:
        return master_fault(m, at, "expected %s, found the end of the entry", expected);
    case TOKEN_WORD:
    case TOKEN_QUOTED:
        break;
    }
    show_token(at, shown);
    return master_fault(m, at, "expected %s, found %s%s", expected,
                        at->kind == TOKEN_QUOTED ? "quoted " : "", shown);
}

void master_warn(struct master *m, const struct token *at, const char *fmt, ...)
{
    if (++m->result->warnings > MASTER_WARNINGS_MAX || !m->sink->fault)
        return;
    struct diag why;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why.text, sizeof(why.text), fmt, ap);
    va_end(ap);
    struct master_where where = where_of(m, at);
    m->sink->fault(m->sink->arg, MASTER_WARNING, &where, why.text);
}

/* Hands the fault on. Not OK: it was the last one that is reported. Sentences quote the file and go
 * to terminals and logs: bytes that these act on are taken out. */
static enum err report(struct master *m)
{
    for (char *p = m->why.text; *p; p++)
        if ((uint8_t)*p < ' ' || *p == 0x7f)
            *p = '?';
    if (m->result->faults++ == 0)
        err_say(m->diag, ERR_SYNTAX, "%s:%u:%u: %s", m->where.file, m->where.line, m->where.column,
                m->why.text);
    if (m->sink->fault)
        m->sink->fault(m->sink->arg, MASTER_ERROR, &m->where, m->why.text);
    return m->result->faults < MASTER_FAULTS_MAX ? OK : ERR_SYNTAX;
}

/* --- fields --- */

bool master_scan_ttl(const struct token *t, uint32_t *out, bool *cut)
{
    uint32_t ttl;
    if (t->kind != TOKEN_WORD || t->s[0] < '0' || t->s[0] > '9' ||
        !digits_period(t->s, t->len, &ttl))
        return false;
    *cut = ttl > TTL_MAX;
    *out = *cut ? 0 : ttl;
    return true;
}

static enum entry check_type(struct master *m, const struct master_fields *f,
                             const struct token *at)
{
    char text[16];
    if (!rrtype_is_data(f->type) || rrtype_is(f->type, RRTYPE_NOZONE))
        return master_fault(m, at, "type %s cannot stand in a zone file",
                            rrtype_text(f->type, text));
    if (f->class != m->options->class) {
        char other[16];
        return master_fault(m, at, "record of class %s in a zone of class %s",
                            class_text(f->class, other), class_text(m->options->class, text));
    }
    return ENTRY_READ;
}

/* The class that most records have, without a search. */
static inline bool is_class_in(const struct token *t)
{
    return t->len == 2 && (t->s[0] | 0x20) == 'i' && (t->s[1] | 0x20) == 'n';
}

/* No mnemonic is a number or the other's, so each word is tried as what may still come. */
enum entry master_read_fields(struct master *m, struct token *t, struct master_fields *out)
{
    struct lex *x = &m->file->lex;
    struct master_fields f = {.class = m->options->class};
    for (;; lex_read(x, t)) {
        if (UNLIKELY(t->kind != TOKEN_WORD))
            break;
        if (!f.has_ttl && master_scan_ttl(t, &f.ttl, &f.ttl_cut)) {
            f.has_ttl = true;
        } else if (!f.has_class && is_class_in(t)) {
            f.class = CLASS_IN;
            f.has_class = true;
        } else if (rrtype_scan(t->s, t->len, &f.type)) {
            *out = f;
            return check_type(m, &f, t);
        } else if (!f.has_class && class_scan(t->s, t->len, &f.class)) {
            f.has_class = true;
        } else {
            break;
        }
    }
    return master_unexpected(m, t,
                             f.has_ttl && f.has_class ? "an RR type"
                             : f.has_ttl              ? "a class or an RR type"
                             : f.has_class            ? "a TTL or an RR type"
                                                      : "a TTL, a class or an RR type");
}

enum entry master_read_end(struct master *m)
{
    struct lex *x = &m->file->lex;
    if (LIKELY(lex_take_end(x)))
        return ENTRY_READ;
    struct token t = lex_peek(x);
    return master_unexpected(m, &t, "the end of the entry");
}

/* --- records --- */

/* RFC 2308 s4 before RFC 1035 s5.1; without either, what BIND does. */
static enum entry find_ttl(struct master *m, const struct master_fields *f, const struct token *at,
                           size_t rdata_len, uint32_t *out)
{
    if (f->has_ttl) {
        m->has_ttl_last = true;
        *out = m->ttl_last = f->ttl;
        if (UNLIKELY(f->ttl_cut))
            master_warn(m, at, "TTL above %u taken as 0", TTL_MAX);
    } else if (m->has_ttl_default) {
        *out = m->ttl_default;
    } else if (m->has_ttl_last) {
        if (!m->warned_ttl_last)
            master_warn(
                m, at,
                "no TTL and no $TTL before: taken from the record before, here and from now on");
        m->warned_ttl_last = true;
        *out = m->ttl_last;
    } else if (f->type == TYPE_SOA) {
        uint32_t minimum = soa_of((struct rdata){m->rdata, (uint16_t)rdata_len}).minimum;
        m->has_ttl_default = true;
        *out = m->ttl_default = minimum > TTL_MAX ? 0 : minimum;
        master_warn(
            m, at, "no TTL and no $TTL before: taken from the SOA's minimum, here and from now on");
    } else {
        return master_fault(m, at, "no TTL, no $TTL before and no record before to take it from");
    }
    return ENTRY_READ;
}

static enum entry stop(struct master *m, enum err e)
{
    m->stop = e;
    return ENTRY_STOP;
}

enum entry master_deliver(struct master *m, struct name owner, const struct master_fields *fields,
                          const struct token *at, size_t rdata_len)
{
    struct rr rr = {.owner = owner,
                    .type = fields->type,
                    .class = fields->class,
                    .rdata = {m->rdata, (uint16_t)rdata_len}};
    enum entry got = find_ttl(m, fields, at, rdata_len, &rr.ttl);
    if (UNLIKELY(got != ENTRY_READ))
        return got;
    struct master_where where = where_of(m, at);
    uint32_t max = m->options->records_max;
    if (UNLIKELY(max && m->result->records == max))
        return stop(m, err_say(m->diag, ERR_LIMIT, "%s:%u: more than %u records", where.file,
                               where.line, max));
    m->result->records++;
    enum err e = m->sink->record(m->sink->arg, &rr, &where);
    return LIKELY(e == OK) ? ENTRY_READ : stop(m, e);
}

/* The owner field: a name, or blanks for the owner of the record before. *t is the token after it
 * then. */
static enum entry read_owner(struct master *m, struct token *t)
{
    struct master_file *f = m->file;
    if (!t->leading_blank) {
        if (UNLIKELY(name_scan(t->s, t->len, name_of(&f->origin), &f->owner, &m->why) != OK))
            return master_fault_at(m, t);
        f->has_owner = true;
        f->origin_changed = false;
        lex_read(&f->lex, t);
        return ENTRY_READ;
    }
    if (!f->has_owner)
        return master_fault(
            m, t,
            "the line begins with a blank, but there is no record before to take the owner from");
    return ENTRY_READ;
}

static void warn_inherited(struct master *m, const struct token *at)
{
    char text[NAME_TEXT_MAX];
    m->file->origin_changed = false;
    master_warn(
        m, at,
        "the line begins with a blank and gets the owner %s from before the change of the origin",
        name_text(name_of(&m->file->owner), text));
}

/* The entry whose first token is *t. */
static enum entry read_record(struct master *m, struct token *t)
{
    struct master_file *f = m->file;
    bool inherited = t->leading_blank;
    struct master_fields fields = {0};
    enum entry got = read_owner(m, t);
    if (UNLIKELY(got != ENTRY_READ))
        return got;
    got = master_read_fields(m, t, &fields);
    if (UNLIKELY(got != ENTRY_READ))
        return got;
    struct wr w = wr_over(m->rdata, sizeof(m->rdata));
    if (UNLIKELY(rdata_scan(fields.type, &f->lex, name_of(&f->origin), &w, &m->why) != OK)) {
        *t = lex_peek(&f->lex);
        return t->kind == TOKEN_BAD ? master_unexpected(m, t, "") : master_fault_at(m, t);
    }
    got = master_read_end(m);
    if (UNLIKELY(got != ENTRY_READ))
        return got;
    if (UNLIKELY(inherited && f->origin_changed))
        warn_inherited(m, t);
    return master_deliver(m, name_of(&f->owner), &fields, t, wr_len(&w));
}

/* --- entries --- */

static enum entry read_entry(struct master *m)
{
    struct token t;
    lex_read(&m->file->lex, &t);
    switch (t.kind) {
    case TOKEN_WORD:
        if (UNLIKELY(t.s[0] == '$' && !t.leading_blank))
            return master_read_directive(m, &t);
        return read_record(m, &t);
    case TOKEN_QUOTED:
        return read_record(m, &t);
    case TOKEN_EOF:
        return ENTRY_LAST;
    case TOKEN_END:
    case TOKEN_BAD:
        break;
    }
    return master_unexpected(m, &t, "");
}

/* The window holds as much as an entry may have and not its end: a parenthesis that is never
 * closed, or a line without end. */
static enum err leave_too_long(struct master *m)
{
    struct lex *x = &m->file->lex;
    struct token t;
    lex_restart(x, x->entry_at, (size_t)(x->end - x->entry_at));
    x->more = false;
    lex_peek(x);
    if (lex_skip_entry(x, &t) == LEX_UNCLOSED) {
        x->more = true;
        master_fault(m, &t, "this parenthesis is not closed within %u bytes", MASTER_ENTRY_MAX);
        return report(m);
    }
    x->more = true;
    t = (struct token){.line = x->entry_line, .column = 1};
    master_fault(m, &t, "line longer than %u bytes", MASTER_ENTRY_MAX);
    enum err e = report(m);
    return e == OK ? master_file_skip_line(m->file, m->diag) : e;
}

static enum err read_on(struct master *m)
{
    enum err e = master_file_more(m->file, m->diag);
    return e == ERR_LIMIT ? leave_too_long(m) : e;
}

static enum err leave_fault(struct master *m)
{
    struct lex *x = &m->file->lex;
    struct token paren;
    bool unclosed = !x->starved && lex_skip_entry(x, &paren) == LEX_UNCLOSED;
    if (x->starved)
        return read_on(m);
    if (unclosed)
        master_fault(m, &paren, "%s", paren.why);
    return report(m);
}

enum err master_read_entries(struct master *m)
{
    for (;;) {
        enum entry got = read_entry(m);
        if (LIKELY(got == ENTRY_READ))
            continue;
        if (got == ENTRY_LAST)
            return OK;
        enum err e = got == ENTRY_STOP ? m->stop : leave_fault(m);
        if (e != OK)
            return e;
    }
}

/* On the heap: its room for rdata is too much for a thread's stack. */
static struct master *master_new(const struct master_options *options,
                                 const struct master_sink *sink, struct master_file *file)
{
    struct master *m = mem_alloc_zero(sizeof(*m));
    m->options = options;
    m->sink = sink;
    m->file = file;
    name_copy(&file->origin, options->origin);
    return m;
}

/* Takes the file over. */
static enum err read_file(struct master_file *file, const struct master_options *options,
                          const struct master_sink *sink, struct master_result *result,
                          struct diag *diag)
{
    struct master *m = master_new(options, sink, file);
    m->result = result;
    m->diag = diag;
    enum err e = master_read_entries(m);
    result->bytes += file->bytes;
    free(m);
    master_file_close(file);
    return e == OK && result->faults ? ERR_SYNTAX : e;
}

enum err master_read_file(const char *path, const struct master_options *options,
                          const struct master_sink *sink, struct master_result *result,
                          struct diag *diag)
{
    struct master_file *file;
    *result = (struct master_result){0};
    enum err e = master_file_open(path, &file, diag);
    if (e != OK)
        return e;
    if (sink->file)
        sink->file(sink->arg, &file->source);
    return read_file(file, options, sink, result, diag);
}

enum err master_read_bytes(const char *name, const char *s, size_t len,
                           const struct master_options *options, const struct master_sink *sink,
                           struct master_result *result, struct diag *diag)
{
    *result = (struct master_result){0};
    return read_file(master_file_of_bytes(name, s, len), options, sink, result, diag);
}
