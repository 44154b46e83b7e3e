/* SPDX-License-Identifier: Apache-2.0
 * Names: measuring, comparing, joining. Text forms are in name_text.c. */
#include "dns/name.h"

#include "base/check.h"

const struct name NAME_ROOT = {(const uint8_t *)"", 1};

/* clang-format off */
#define HALF(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define ROW(n)  HALF(n), HALF(n + 8)
const uint8_t name_fold[256] = {
    ROW(0x00), ROW(0x10), ROW(0x20), ROW(0x30),
    '@', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '[', '\\', ']', '^', '_',
    ROW(0x60), ROW(0x70), ROW(0x80), ROW(0x90), ROW(0xa0),
    ROW(0xb0), ROW(0xc0), ROW(0xd0), ROW(0xe0), ROW(0xf0),
};
#undef ROW
#undef HALF
/* clang-format on */

size_t name_span(const uint8_t *p, size_t avail)
{
    size_t at = 0;
    if (avail > NAME_LEN_MAX)
        avail = NAME_LEN_MAX;
    while (at < avail) {
        uint8_t label = p[at];
        if (label == 0)
            return at + 1;
        if (label > LABEL_LEN_MAX)
            return 0;
        at += label + 1u;
    }
    return 0;
}

struct name rd_name(struct rd *r)
{
    size_t n = r->bad ? 0 : name_span(r->at, rd_left(r));
    if (n == 0) {
        r->bad = true;
        return NAME_ROOT;
    }
    struct name name = {r->at, (uint8_t)n};
    r->at += n;
    return name;
}

unsigned name_labels(struct name n)
{
    unsigned count = 0;
    for (const uint8_t *p = n.wire; *p; p += *p + 1)
        count++;
    return count;
}

struct name name_suffix(struct name n, unsigned count)
{
    const uint8_t *p = n.wire;
    while (count--) {
        ASSERT(*p);
        p += *p + 1;
    }
    return (struct name){p, (uint8_t)(n.len - (p - n.wire))};
}

/* Length bytes are 0..63 and never letters, so folding the whole name compares label by label. */
static bool fold_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (a[i] != b[i] && name_fold[a[i]] != name_fold[b[i]])
            return false;
    return true;
}

bool name_is_equal(struct name a, struct name b)
{
    return a.len == b.len &&
           (memcmp(a.wire, b.wire, a.len) == 0 || fold_equal(a.wire, b.wire, a.len));
}

bool name_ends_with(struct name n, struct name top)
{
    ASSERT(n.len >= top.len);
    size_t at = 0, want = (size_t)(n.len - top.len);
    if (memcmp(n.wire + want, top.wire, top.len) != 0 &&
        !fold_equal(n.wire + want, top.wire, top.len))
        return false;
    while (at < want) /* equal bytes are an ending only where a label of n begins */
        at += n.wire[at] + 1u;
    return at == want;
}

/* Where each label of n starts, leftmost first. */
static unsigned label_starts(struct name n, uint8_t starts[NAME_LABELS_MAX])
{
    unsigned count = 0;
    for (unsigned at = 0; n.wire[at]; at += n.wire[at] + 1u)
        starts[count++] = (uint8_t)at;
    return count;
}

static int label_compare(const uint8_t *a, const uint8_t *b)
{
    unsigned alen = a[0], blen = b[0], len = alen < blen ? alen : blen;
    for (unsigned i = 1; i <= len; i++) {
        int d = name_fold[a[i]] - name_fold[b[i]];
        if (d)
            return d;
    }
    return (int)alen - (int)blen;
}

int name_compare(struct name a, struct name b)
{
    uint8_t as[NAME_LABELS_MAX], bs[NAME_LABELS_MAX];
    unsigned an = label_starts(a, as), bn = label_starts(b, bs);
    while (an && bn) {
        int d = label_compare(a.wire + as[--an], b.wire + bs[--bn]);
        if (d)
            return d;
    }
    return (int)an - (int)bn;
}

unsigned name_common(struct name a, struct name b)
{
    uint8_t as[NAME_LABELS_MAX], bs[NAME_LABELS_MAX];
    unsigned an = label_starts(a, as), bn = label_starts(b, bs), count = 0;
    while (an && bn && label_compare(a.wire + as[--an], b.wire + bs[--bn]) == 0)
        count++;
    return count;
}

void name_lower(struct name n, uint8_t *out)
{
    for (unsigned i = 0; i < n.len; i++)
        out[i] = name_fold[n.wire[i]];
}

bool name_join(struct name prefix, struct name suffix, struct name_buf *out)
{
    unsigned head = prefix.len - 1u;
    if (head + suffix.len > NAME_LEN_MAX)
        return false;
    memcpy(out->wire, prefix.wire, head);
    memcpy(out->wire + head, suffix.wire, suffix.len);
    out->len = (uint8_t)(head + suffix.len);
    return true;
}

bool name_replace(struct name n, struct name from, struct name to, struct name_buf *out)
{
    ASSERT(n.len >= from.len);
    unsigned head = (unsigned)n.len - from.len;
    if (head + to.len > NAME_LEN_MAX)
        return false;
    memcpy(out->wire, n.wire, head);
    memcpy(out->wire + head, to.wire, to.len);
    out->len = (uint8_t)(head + to.len);
    return true;
}

bool name_wildcard_of(struct name n, struct name_buf *out)
{
    static const uint8_t star[] = {1, '*', 0};
    return name_join((struct name){star, sizeof(star)}, n, out);
}
