/* SPDX-License-Identifier: Apache-2.0
 * Rdata from text: two bytes choose the type, the rest is its presentation form. What is taken is
 * valid, and its text and its RFC 3597 form both read as the same bytes. */
#include <string.h>

#include "base/check.h"
#include "dns/lex.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"

static uint8_t first[RDATA_LEN_MAX], second[RDATA_LEN_MAX];
static char shown[RDATA_TEXT_MAX(RDATA_LEN_MAX)];
static const uint8_t example[] = "\7example";

static enum err scan(uint16_t type, const char *s, size_t len, struct wr *out)
{
    struct lex x;
    struct diag diag = {{0}};
    lex_init(&x, s, len);
    enum err e = rdata_scan(type, &x, (struct name){example, sizeof(example)}, out, &diag);
    ASSERT(e == OK || diag.text[0] != '\0');
    return e;
}

static void expect_same(uint16_t type, const struct text *t, const struct wr *want)
{
    struct wr w = wr_over(second, sizeof(second));
    ASSERT(!t->bad);
    ASSERT(scan(type, t->start, text_len(t), &w) == OK);
    ASSERT(wr_len(&w) == wr_len(want) && memcmp(second, first, wr_len(&w)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    uint16_t type = (uint16_t)(data[0] << 8 | data[1]);
    struct wr w = wr_over(first, sizeof(first));
    struct text t;
    if (!rrtype_is_data(type) || scan(type, (const char *)data + 2, size - 2, &w) != OK)
        return 0;
    struct rdata rd = {first, (uint16_t)wr_len(&w)};
    ASSERT(rdata_check(type, rd, NULL));
    text_init(&t, shown, sizeof(shown));
    rdata_show(type, rd, &t);
    if (text_len(&t)) /* an APL without items has no text, and a text alone no entry to end */
        expect_same(type, &t, &w);
    text_init(&t, shown, sizeof(shown));
    rdata_show_generic(rd, &t);
    expect_same(type, &t, &w);
    return 0;
}
