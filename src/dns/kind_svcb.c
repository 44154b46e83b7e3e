/* SPDX-License-Identifier: Apache-2.0
 * The parameters of SVCB and HTTPS (RFC 9460 s2): key, length, value, in strictly ascending order
 * of the keys.
 *
 * In text they come in any order; each is written behind the others and then rotated to its place,
 * so that no second buffer is needed. */
#include <string.h>

#include "dns/kind.h"
#include "dns/svcparam.h"

#define PARAM_HEAD 4

/* --- all parameters --- */

struct head {
    uint16_t key, len;
};

static struct head next_head(struct rd *r)
{
    uint16_t key = rd_u16(r);
    return (struct head){key, rd_u16(r)};
}

/* s8: each key of the list is there; both are in ascending order. */
static const char *check_mandatory(struct rd list, struct rd all)
{
    struct head h = {0};
    while (rd_left(&list)) {
        uint16_t want = rd_u16(&list);
        while (h.key < want && rd_left(&all)) {
            h = next_head(&all);
            rd_bytes(&all, h.len);
        }
        if (h.key != want)
            return "a key of mandatory is not there";
    }
    return NULL;
}

const char *kind_svcparams_span(struct rd *r)
{
    int before = -1;
    bool has_alpn = false, has_no_default = false;
    struct rd mandatory = {0}, all = *r;
    while (rd_left(r)) {
        struct head h = next_head(r);
        struct rd v = rd_sub(r, h.len), value = v;
        if (r->bad)
            return "rdata ends within a parameter";
        if (h.key <= before)
            return "keys are not in ascending order";
        if (h.key == SVC_INVALID)
            return "key 65535 is not valid";
        const struct svcparam *p = svcparam_find(h.key);
        const char *why = p ? p->check(&v) : NULL;
        if (why)
            return why;
        before = h.key;
        has_alpn |= h.key == SVC_ALPN;
        has_no_default |= h.key == SVC_NO_DEFAULT_ALPN;
        if (h.key == SVC_MANDATORY)
            mandatory = value;
    }
    if (has_no_default && !has_alpn)
        return "no-default-alpn without alpn"; /* s7.1.1 */
    return check_mandatory(mandatory, all);
}

static void reverse(uint8_t *p, uint8_t *end)
{
    while (p < end) {
        uint8_t byte = *p;
        *p++ = *--end;
        *end = byte;
    }
}

/* Moves the parameter at `last`, which is behind all others, to its place. False: its key is there
 * already. */
static bool put_in_order(uint8_t *first, uint8_t *last, uint8_t *end)
{
    uint16_t key = get_u16(last);
    uint8_t *p = first;
    while (p < last && get_u16(p) < key)
        p += PARAM_HEAD + get_u16(p + 2);
    if (p == last)
        return true;
    if (get_u16(p) == key)
        return false;
    reverse(p, last);
    reverse(last, end);
    reverse(p, end);
    return true;
}

/* The token in hand: key, key=value or key="value". NULL, or what was expected. */
static const char *put_param(const struct token *tok, struct wr *out)
{
    const char *equals = memchr(tok->s, '=', tok->len), *end = tok->s + tok->len;
    struct svcvalue v = {equals ? equals + 1 : end, end};
    bool generic;
    uint16_t key;
    if (!svcparam_scan_key(tok->s, (size_t)((equals ? equals : end) - tok->s), &key, &generic))
        return "a service parameter like alpn=h2,h3 or key667=\"text\"";
    if (v.at < end && *v.at == '"') { /* what the lexer leaves on both ends */
        v.at++;
        v.end--;
    }
    wr_u16(out, key);
    uint8_t *len = wr_room(out, 2);
    if (!(generic ? svcparam_scan_raw : svcparam_find(key)->scan)(&v, out) || out->bad ||
        out->at - len - 2 > UINT16_MAX)
        return "a service parameter with a value of its key's form";
    put_u16(len, (uint16_t)(out->at - len - 2));
    return NULL;
}

enum err kind_svcparams_scan(struct scan *s)
{
    uint8_t *first = s->out->at;
    for (;;) {
        s->tok = lex_next_pair(s->lex);
        if (s->tok.kind != TOKEN_WORD)
            return kind_end(s, "a service parameter without quotes before its key");
        uint8_t *last = s->out->at;
        const char *expected = put_param(&s->tok, s->out);
        if (expected)
            return s->out->bad ? OK : kind_fail(s, expected);
        if (!put_in_order(first, last, s->out->at))
            return kind_fail(s, "each key once");
    }
}

void kind_svcparams_show(struct rd *r, struct text *t)
{
    while (rd_left(r)) {
        struct head h = next_head(r);
        struct rd v = rd_sub(r, h.len);
        const struct svcparam *p = svcparam_find(h.key);
        svcparam_show_key(h.key, t);
        (p ? p->show : svcparam_show_raw)(&v, t);
        if (rd_left(r))
            text_char(t, ' ');
    }
}
