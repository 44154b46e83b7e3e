/* SPDX-License-Identifier: Apache-2.0
 * HIP (RFC 8005 s5): two lengths before an algorithm, a host identity tag and a public key; the
 * text has the algorithm, the tag in base 16 and the key in base 64. The rendezvous servers after
 * them are a field of their own. */
#include "base/digits.h"
#include "dns/kind.h"

const char *kind_hip_span(struct rd *r)
{
    uint8_t tag_len = rd_u8(r);
    rd_u8(r);
    uint16_t key_len = rd_u16(r);
    if (!rd_bytes(r, (size_t)tag_len + key_len))
        return "rdata ends within the tag or the key";
    return tag_len && key_len ? NULL : "host identity tag or public key is empty";
}

enum err kind_hip_scan(struct scan *s)
{
    static const char expected_tag[] = "a host identity tag in hexadecimal",
                      expected_key[] = "a public key in base 64";
    uint64_t algorithm = 0;
    enum err e = kind_number(s, UINT8_MAX, "a public key algorithm's number", &algorithm);
    uint8_t *head = wr_room(s->out, 4);
    if (e == OK)
        e = kind_word(s, expected_tag);
    if (e != OK || !head)
        return e;
    uint8_t *tag = s->out->at;
    if (!base16_scan(s->tok.s, s->tok.len, s->out) || s->out->at - tag > UINT8_MAX)
        return kind_fail(s, expected_tag);
    if ((e = kind_word(s, expected_key)) != OK)
        return e;
    uint8_t *key = s->out->at;
    if (!base64_scan(s->tok.s, s->tok.len, s->out) || s->out->at - key > UINT16_MAX)
        return kind_fail(s, expected_key);
    head[0] = (uint8_t)(key - tag);
    head[1] = (uint8_t)algorithm;
    put_u16(head + 2, (uint16_t)(s->out->at - key));
    return OK;
}

void kind_hip_show(struct rd *r, struct text *t)
{
    uint8_t tag_len = rd_u8(r), algorithm = rd_u8(r);
    uint16_t key_len = rd_u16(r);
    text_u32(t, algorithm);
    text_char(t, ' ');
    base16_show(rd_bytes(r, tag_len), tag_len, t);
    text_char(t, ' ');
    base64_show(rd_bytes(r, key_len), key_len, t);
}
