/* SPDX-License-Identifier: Apache-2.0
 * Rdata: each operation is a walk over the type's fields. */
#include "dns/rdata.h"

#include "base/check.h"
#include "base/digits.h"
#include "dns/kind.h"
#include "dns/message.h"
#include "dns/rrtype.h"

static inline const struct kind *kind_at(const struct rrtype_info *info, unsigned i)
{
    return &kinds[info->fields[i]];
}

/* --- checking --- */

/* NULL, or what is wrong. */
static const char *check(const struct rrtype_info *info, struct rdata rd)
{
    struct rd r = rd_over(rd.bytes, rd.len);
    for (unsigned i = 0; i < info->field_count; i++) {
        const char *why = kind_span(kind_at(info, i), &r);
        if (UNLIKELY(why != NULL))
            return why;
    }
    if (UNLIKELY(rd_left(&r) != 0))
        return "rdata goes on behind its last field";
    return info->check ? info->check(rd) : NULL;
}

bool rdata_check(uint16_t type, struct rdata rd, const char **why)
{
    const char *wrong = check(rrtype_info(type), rd);
    if (wrong && why)
        *why = wrong;
    return wrong == NULL;
}

/* --- from messages --- */

/* The name at r->at, which may be compressed, written out. */
static const char *expand_name(const struct rd *message, struct rd *r, struct wr *out)
{
    struct name_buf name;
    size_t at = (size_t)(r->at - message->start);
    if (!message_name(message->start, (size_t)(message->end - message->start), &at, &name))
        return "malformed name";
    if (at > (size_t)(r->end - message->start))
        return "rdata ends within a name";
    r->at = message->start + at;
    wr_bytes(out, name.wire, name.len);
    return NULL;
}

static const char *expand(const struct rrtype_info *info, const struct rd *message, uint16_t rdlen,
                          struct wr *out)
{
    struct rd r = rd_over(message->at, rdlen);
    for (unsigned i = 0; i < info->field_count; i++) {
        const struct kind *k = kind_at(info, i);
        const uint8_t *field = r.at;
        const char *why =
            k->flags & KIND_DECOMPRESS ? expand_name(message, &r, out) : kind_span(k, &r);
        if (why)
            return why;
        if (!(k->flags & KIND_DECOMPRESS))
            wr_bytes(out, field, (size_t)(r.at - field));
    }
    return rd_left(&r) ? "rdata goes on behind its last field" : NULL;
}

static const char *from_wire(const struct rrtype_info *info, const struct rd *message,
                             uint16_t rdlen, struct wr *out)
{
    const char *why;
    if (rd_left(message) < rdlen)
        return "rdata ends behind the message";
    if (!info->decompress) {
        if ((why = check(info, (struct rdata){message->at, rdlen})))
            return why;
        wr_bytes(out, message->at, rdlen);
        return out->bad ? "no room" : NULL;
    }
    const uint8_t *start = out->at;
    if ((why = expand(info, message, rdlen, out)))
        return why;
    size_t len = (size_t)(out->at - start);
    if (out->bad || len > RDATA_LEN_MAX)
        return out->bad ? "no room" : "rdata is too long with its names written out";
    return info->check ? info->check((struct rdata){start, (uint16_t)len}) : NULL;
}

bool rdata_from_wire(uint16_t type, struct rd *message, uint16_t rdlen, struct wr *out,
                     const char **why)
{
    uint8_t *start = out->at;
    const char *wrong = message->bad ? "rdata ends behind the message"
                                     : from_wire(rrtype_info(type), message, rdlen, out);
    if (wrong) {
        out->at = start;
        if (why)
            *why = wrong;
        return false;
    }
    message->at += rdlen;
    return true;
}

/* --- names, canonical form --- */

/* Steps over a field of valid rdata. */
static inline void step(const struct kind *k, struct rd *r)
{
    const char *why = kind_span(k, r);
    ASSERT(why == NULL);
}

void rdata_canonical(uint16_t type, struct rdata rd, uint8_t *out)
{
    const struct rrtype_info *info = rrtype_info(type);
    if (out != rd.bytes && rd.len)
        memcpy(out, rd.bytes, rd.len);
    if (!info->fold)
        return;
    struct rd r = rd_over(out, rd.len);
    for (unsigned i = 0; i < info->field_count; i++) {
        uint8_t *field = out + (r.at - r.start);
        step(kind_at(info, i), &r);
        if (kind_at(info, i)->flags & KIND_FOLD)
            name_lower((struct name){field, (uint8_t)(r.at - field)}, field);
    }
}

static int compare_bytes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    size_t len = a_len < b_len ? a_len : b_len;
    int d = len ? memcmp(a, b, len) : 0;
    return d ? d : a_len < b_len ? -1 : a_len > b_len;
}

/* Length bytes of names are not letters, so that folding leaves them alone. */
static int compare_folded(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    size_t len = a_len < b_len ? a_len : b_len;
    for (size_t i = 0; i < len; i++)
        if (name_fold[a[i]] != name_fold[b[i]])
            return name_fold[a[i]] < name_fold[b[i]] ? -1 : 1;
    return a_len < b_len ? -1 : a_len > b_len;
}

/* Comparing field by field is comparing the whole: no field but the last can be a prefix of another
 * value of the same field behind equal fields. */
int rdata_compare(uint16_t type, struct rdata a, struct rdata b)
{
    const struct rrtype_info *info = rrtype_info(type);
    if (!info->fold)
        return compare_bytes(a.bytes, a.len, b.bytes, b.len);
    struct rd ra = rd_over(a.bytes, a.len), rb = rd_over(b.bytes, b.len);
    for (unsigned i = 0; i < info->field_count; i++) {
        const struct kind *k = kind_at(info, i);
        const uint8_t *fa = ra.at, *fb = rb.at;
        step(k, &ra);
        step(k, &rb);
        int d = (k->flags & KIND_FOLD ? compare_folded : compare_bytes)(fa, (size_t)(ra.at - fa),
                                                                        fb, (size_t)(rb.at - fb));
        if (d)
            return d;
    }
    return 0;
}

struct name rdata_name(uint16_t type, struct rdata rd, unsigned i)
{
    const struct rrtype_info *info = rrtype_info(type);
    struct rd r = rd_over(rd.bytes, rd.len);
    if (i >= info->name_count)
        return (struct name){0};
    if (LIKELY(i == 0 && info->name_at >= 0)) {
        ASSERT(rd_bytes(&r, (size_t)info->name_at));
        return rd_name(&r);
    }
    for (unsigned field = 0; field < info->field_count; field++) {
        const uint8_t *at = r.at;
        step(kind_at(info, field), &r);
        if (kind_at(info, field)->flags & KIND_IS_NAME && i-- == 0)
            return (struct name){at, (uint8_t)(r.at - at)};
    }
    return (struct name){0};
}

/* --- from text --- */

/* What follows \# (RFC 3597 s5): the length and as many bytes in hex. */
static enum err scan_generic(struct scan *s)
{
    static const char expected[] = "the rdata's length from 0 to 65535 after \\#";
    uint64_t len = 0;
    enum err e = kind_number(s, RDATA_LEN_MAX, expected, &len);
    if (e == OK && len)
        e = kind_put_hex(s);
    if (e != OK || s->out->bad)
        return e;
    if ((size_t)(s->out->at - s->start) != len)
        return err_say(s->diag, ERR_SYNTAX, "expected %u bytes after \\#, found %zu", (unsigned)len,
                       (size_t)(s->out->at - s->start));
    return OK;
}

static enum err scan_fields(const struct rrtype_info *info, struct scan *s)
{
    const struct token *t = lex_look(s->lex);
    if (UNLIKELY(t->kind == TOKEN_WORD && t->len == 2 && memcmp(t->s, "\\#", 2) == 0)) {
        kind_next(s);
        return scan_generic(s);
    }
    for (unsigned i = 0; i < info->field_count; i++) {
        enum err e = kind_at(info, i)->scan(s);
        if (UNLIKELY(e != OK || s->out->bad))
            return e;
    }
    return OK;
}

static enum err scan(const struct rrtype_info *info, struct scan *s)
{
    enum err e = scan_fields(info, s);
    if (e != OK || s->out->bad)
        return s->out->bad ? err_say(s->diag, ERR_LIMIT, "rdata is too long") : e;
    if (UNLIKELY(lex_look(s->lex)->kind != TOKEN_END)) {
        kind_next(s);
        return kind_fail(s, "the end of the record");
    }
    size_t len = (size_t)(s->out->at - s->start);
    if (len > RDATA_LEN_MAX)
        return err_say(s->diag, ERR_SYNTAX, "rdata is longer than %d bytes", RDATA_LEN_MAX);
    const char *why = check(info, (struct rdata){s->start, (uint16_t)len});
    return why ? err_say(s->diag, ERR_SYNTAX, "%s", why) : OK;
}

enum err rdata_scan(uint16_t type, struct lex *lex, struct name origin, struct wr *out,
                    struct diag *diag)
{
    struct scan s;
    s.lex = lex;
    s.origin = origin;
    s.out = out;
    s.start = out->at;
    s.diag = diag;
    enum err e = scan(rrtype_info(type), &s);
    if (UNLIKELY(e != OK))
        out->at = s.start;
    return e;
}

/* --- to text --- */

void rdata_show(uint16_t type, struct rdata rd, struct text *t)
{
    const struct rrtype_info *info = rrtype_info(type);
    struct rd r = rd_over(rd.bytes, rd.len);
    for (unsigned i = 0; i < info->field_count; i++) {
        char *before = t->at;
        if (i)
            text_char(t, ' ');
        char *field = t->at;
        kind_at(info, i)->show(&r, t);
        ASSERT(!r.bad);
        if (t->at == field && i) { /* the field is absent */
            t->at = before;
            *t->at = '\0';
        }
    }
}

void rdata_show_generic(struct rdata rd, struct text *t)
{
    struct rd r = rd_over(rd.bytes, rd.len);
    kind_blob_show(&r, t);
}
