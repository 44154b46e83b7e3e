/* SPDX-License-Identifier: Apache-2.0
 * Domain names in uncompressed wire form (RFC 1035 s3.1): labels of 1..63 bytes, the root label
 * last, 255 bytes in all.
 *
 * `struct name` is a view: it owns nothing and lives as long as the bytes it points to; it is
 * passed by value. Every view that leaves this file is well formed, so the functions that take one
 * do not check again. `struct name_buf` is room for one name. Bytes are kept as they came: case is
 * preserved, IDNA is not touched. Comparison folds ASCII letters only (RFC 4343). */
#ifndef REEVE_DNS_NAME_H
#define REEVE_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/wire.h"

#define NAME_LEN_MAX    255
#define LABEL_LEN_MAX   63
#define NAME_LABELS_MAX 127                    /* without the root label */
#define NAME_TEXT_MAX   (NAME_LEN_MAX * 4 + 1) /* every byte as \DDD, and a NUL */

struct name {
    const uint8_t *wire;
    uint8_t len; /* with the root label; 0 only in a view that means "no name" */
};

struct name_buf {
    uint8_t len;
    uint8_t wire[NAME_LEN_MAX];
};

extern const struct name NAME_ROOT;
extern const uint8_t name_fold[256]; /* a byte with A-Z folded to a-z */

static inline struct name name_of(const struct name_buf *b)
{
    return (struct name){b->wire, b->len};
}

static inline void name_copy(struct name_buf *out, struct name n)
{
    out->len = n.len;
    memcpy(out->wire, n.wire, n.len);
}

static inline bool name_is_root(struct name n)
{
    return n.len == 1;
}

/* Length of the well-formed uncompressed name at the start of p[0..avail), or 0. */
size_t name_span(const uint8_t *p, size_t avail);
/* The uncompressed name at the cursor; bad (and the root) if there is none. */
struct name rd_name(struct rd *r);

/* Labels without the root label: the root has 0. */
unsigned name_labels(struct name n);
/* The name without its first `count` labels; count <= name_labels(n). */
struct name name_suffix(struct name n, unsigned count);
/* Same as name_suffix(n, 1); n is not the root. */
static inline struct name name_parent(struct name n)
{
    uint8_t step = (uint8_t)(n.wire[0] + 1);
    return (struct name){n.wire + step, (uint8_t)(n.len - step)};
}
static inline bool name_is_wildcard(struct name n)
{
    return n.wire[0] == 1 && n.wire[1] == '*';
}

bool name_is_equal(struct name a, struct name b);
/* Equal bytes, case included. */
static inline bool name_is_same(struct name a, struct name b)
{
    return a.len == b.len && memcmp(a.wire, b.wire, a.len) == 0;
}
/* For name_is_under(): n is not shorter than top. */
bool name_ends_with(struct name n, struct name top);
/* n is `top` or below it. */
static inline bool name_is_under(struct name n, struct name top)
{
    return n.len >= top.len && (top.len == 1 || name_ends_with(n, top));
}
/* Canonical order (RFC 4034 s6.1): <0, 0, >0. */
int name_compare(struct name a, struct name b);
/* Labels that a and b have in common, counted from the root. */
unsigned name_common(struct name a, struct name b);

/* Writes n in lower case to out (n.len bytes; may be n.wire itself). */
void name_lower(struct name n, uint8_t *out);
/* prefix's labels before the root, then suffix: false if longer than 255. out may not overlap
 * either. */
bool name_join(struct name prefix, struct name suffix, struct name_buf *out);
/* n with its ending `from` (n is under it) replaced by `to`: what DNAME does (RFC 6672 s2.2). False
 * if longer than 255. */
bool name_replace(struct name n, struct name from, struct name to, struct name_buf *out);
/* "*." before n; false if longer than 255. */
bool name_wildcard_of(struct name n, struct name_buf *out);

/* Presentation form to wire (RFC 1035 s5.1): \X and \DDD escapes, "@" is the origin, a name without
 * a final dot gets the origin appended. origin.len == 0: such a name is an error. ERR_SYNTAX with a
 * sentence, *out unchanged. */
enum err name_scan(const char *s, size_t len, struct name origin, struct name_buf *out,
                   struct diag *diag);
/* Absolute presentation form with final dot; what is not printable ASCII or is special in zone
 * files is escaped. */
void name_show(struct name n, struct text *t);
/* The same as a C string in the caller's room. */
const char *name_text(struct name n, char buf[NAME_TEXT_MAX]);

#endif
