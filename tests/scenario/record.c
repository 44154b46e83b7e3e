/* SPDX-License-Identifier: Apache-2.0
 * Names and records. */
#include "record.h"

#include "base/attr.h"
#include "base/digits.h"
#include "dns/lex.h"

#include <string.h>

struct name record_name(struct words *w, struct arena *a, struct word text, struct name origin)
{
    struct name_buf buf = {.len = 1};
    struct diag diag = {0};
    if (name_scan(text.s, text.len, origin, &buf, &diag) != OK)
        word_fault_at(w, words_line_of(w, text.s), "'%.*s' is not a name: %s", (int)text.len,
                      text.s, diag.text);
    return (struct name){arena_copy(a, buf.wire, buf.len), buf.len};
}

bool record_class(struct word word, uint16_t *out)
{
    static const struct {
        const char *text;
        uint16_t class;
    } rows[] = {{"IN", CLASS_IN},
                {"CH", CLASS_CH},
                {"HS", CLASS_HS},
                {"NONE", CLASS_NONE},
                {"ANY", CLASS_ANY}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (word_is(word, rows[i].text)) {
            *out = rows[i].class;
            return true;
        }
    uint64_t value;
    if (word.len <= 5 || memcmp(word.s, "CLASS", 5) != 0 ||
        !digits_u64(word.s + 5, word.len - 5, UINT16_MAX, &value))
        return false;
    *out = (uint16_t)value;
    return true;
}

static bool ends_in_dots(struct word line)
{
    return line.len >= 4 && memcmp(line.s + line.len - 4, " ...", 4) == 0;
}

/* The words of rdata that is given in part, with one blank between them. */
static const char *join_words(struct words *w, struct arena *a, struct lex *lex, size_t room)
{
    char *text = arena_alloc(a, room + 1), *p = text;
    for (struct token t = lex_next(lex);
         t.kind == TOKEN_WORD && !(t.len == 3 && memcmp(t.s, "...", 3) == 0); t = lex_next(lex)) {
        if (p != text)
            *p++ = ' ';
        memcpy(p, t.s, t.len);
        p += t.len;
    }
    *p = 0;
    if (p == text)
        word_fault(w, "a word before ... expected");
    return text;
}

static void read_rdata(struct words *w, struct arena *a, struct lex *lex, struct name origin,
                       struct word line, struct script_record *r)
{
    uint8_t bytes[RDATA_LEN_MAX];
    struct wr out = wr_over(bytes, sizeof(bytes));
    struct diag diag = {0};
    if (ends_in_dots(line)) {
        r->words = join_words(w, a, lex, line.len);
    } else if (rdata_scan(r->type, lex, origin, &out, &diag) != OK) {
        word_fault_at(w, words_line_of(w, line.s), "%s", diag.text);
    } else {
        r->rdata = (struct rdata){arena_copy(a, bytes, wr_len(&out)), (uint16_t)wr_len(&out)};
    }
}

static struct script_record *read_line(struct words *w, struct arena *a, struct word line,
                                       struct name origin)
{
    unsigned number = words_line_of(w, line.s);
    struct script_record *r = arena_alloc(a, sizeof(*r));
    *r = (struct script_record){.class = CLASS_IN, .ttl = SCRIPT_TTL};
    struct lex lex;
    lex_init(&lex, line.s, line.len);
    struct token t = lex_next(&lex);
    r->owner = record_name(w, a, (struct word){t.s, t.len}, origin);
    t = lex_next(&lex);
    if (digits_period(t.s, t.len, &r->ttl))
        t = lex_next(&lex);
    if (record_class((struct word){t.s, t.len}, &r->class))
        t = lex_next(&lex);
    if (t.kind != TOKEN_WORD || !rrtype_scan(t.s, t.len, &r->type)) {
        word_fault_at(w, number, "a type expected, read '%.*s'", (int)t.len, t.s);
        return r;
    }
    read_rdata(w, a, &lex, origin, line, r);
    return r;
}

/* Without blanks at both ends and without a comment. */
static struct word trim(const char *s, const char *end)
{
    while (s < end && (*s == ' ' || *s == '\t'))
        s++;
    while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    return (struct word){s, s < end && *s == ';' ? 0 : (size_t)(end - s)};
}

struct script_record *record_list(struct words *w, struct arena *a, struct word block,
                                  struct name origin)
{
    struct script_record *first = NULL, **last = &first;
    const char *end = block.s + block.len;
    for (const char *s = block.s, *eol; s < end && !w->bad; s = eol + 1) {
        eol = memchr(s, '\n', (size_t)(end - s));
        if (!eol)
            eol = end;
        struct word line = trim(s, eol);
        if (line.len) {
            *last = read_line(w, a, line, origin);
            last = &(*last)->next;
        }
    }
    return first;
}
