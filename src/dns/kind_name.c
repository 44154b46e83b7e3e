/* SPDX-License-Identifier: Apache-2.0
 * Fields that are names. */
#include "dns/kind.h"

const char *kind_name_span(struct rd *r)
{
    size_t n = name_span(r->at, rd_left(r));
    if (UNLIKELY(n == 0))
        return "malformed or compressed name";
    r->at += n;
    return NULL;
}

/* The token in hand as a name. */
enum err kind_put_name(struct scan *s)
{
    struct name_buf name;
    enum err e = name_scan(s->tok.s, s->tok.len, s->origin, &name, s->diag);
    if (UNLIKELY(e != OK)) {
        kind_back(s);
        return e;
    }
    wr_bytes(s->out, name.wire, name.len);
    return OK;
}

enum err kind_name_scan(struct scan *s)
{
    enum err e = kind_word(s, "a name");
    return e == OK ? kind_put_name(s) : e;
}

void kind_name_show(struct rd *r, struct text *t)
{
    name_show(rd_name(r), t);
}

/* Any number of names, none too: HIP's rendezvous servers (RFC 8005 s5). */
const char *kind_names_span(struct rd *r)
{
    const char *why = NULL;
    while (!why && rd_left(r))
        why = kind_name_span(r);
    return why;
}

enum err kind_names_scan(struct scan *s)
{
    while (kind_next(s) == TOKEN_WORD) {
        enum err e = kind_put_name(s);
        if (e != OK)
            return e;
    }
    return kind_end(s, "a name");
}

void kind_names_show(struct rd *r, struct text *t)
{
    while (rd_left(r)) {
        name_show(rd_name(r), t);
        if (rd_left(r))
            text_char(t, ' ');
    }
}
