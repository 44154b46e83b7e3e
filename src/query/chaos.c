/* SPDX-License-Identifier: Apache-2.0
 * The four names in class CH that operators know, answered as BIND and RFC 4892 s2 have it: one TXT
 * string with TTL 0. */
#include "query/chaos.h"

#include <stddef.h>
#include <string.h>

#include "base/attr.h"

#define TXT_STRING_MAX 255

/*  name in wire form, where its text stands in struct self */
static const struct {
    const char *name;
    uint8_t len;
    size_t text_at;
} rows[] = {
    {"\7version\4bind", 14, offsetof(struct self, version)},
    {"\7version\6server", 16, offsetof(struct self, version)},
    {"\10hostname\4bind", 15, offsetof(struct self, identity)},
    {"\2id\6server", 11, offsetof(struct self, identity)},
};

/* The text for a name; "": none. */
static const char *find_text(const struct self *self, struct name qname)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (name_is_equal(qname, (struct name){(const uint8_t *)rows[i].name, rows[i].len}))
            return (const char *)self + rows[i].text_at;
    return "";
}

bool chaos_has(const struct request *q)
{
    uint16_t qtype = q->msg.qtype;
    return (qtype == TYPE_TXT || qtype == TYPE_ANY) && *find_text(q->self, q->msg.qname);
}

void chaos_answer(struct request *q)
{
    const char *text = find_text(q->self, q->msg.qname);
    uint8_t rdata[1 + TXT_STRING_MAX];
    rdata[0] = (uint8_t)strnlen(text, TXT_STRING_MAX);
    memcpy(rdata + 1, text, rdata[0]);
    struct rr rr = {.owner = q->msg.qname,
                    .type = TYPE_TXT,
                    .class = CLASS_CH,
                    .ttl = 0,
                    .rdata = {rdata, (uint16_t)(rdata[0] + 1)}};
    q->answer_flags |= FLAG_AA;
    if (!build_rr(q->answer, SECTION_ANSWER, &rr))
        q->answer_flags |= FLAG_TC;
}
