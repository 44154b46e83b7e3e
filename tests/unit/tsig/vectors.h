/* SPDX-License-Identifier: Apache-2.0
 * Lines of tests/data/tsig.txt (its maker says what the words mean), and keys made from them. */
#ifndef TESTS_UNIT_TSIG_VECTORS_H
#define TESTS_UNIT_TSIG_VECTORS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/digits.h"
#include "tsig/tsig.h"
#include "unit.h"

#define VECTOR_LINE  65536
#define VECTOR_WORDS 256
#define VECTOR_WIRE  1024

struct vector {
    char line[VECTOR_LINE];
    const char *word[VECTOR_WORDS];
    int words;
    unsigned number; /* of the line */
};

struct wire {
    uint8_t bytes[VECTOR_WIRE];
    size_t len;
    struct message m;
};

static inline FILE *vectors_open(void)
{
    FILE *f = fopen(TEST_DATA "/tsig.txt", "r");
    cr_assert(f, "no " TEST_DATA "/tsig.txt");
    return f;
}

/* The next line whose first word is `kind`. */
static inline bool vector_read(FILE *f, struct vector *v, const char *kind)
{
    while (fgets(v->line, sizeof(v->line), f)) {
        v->number++;
        v->words = 0;
        char *rest = v->line, *word;
        while ((word = strsep(&rest, " \n")))
            if (*word && v->words < VECTOR_WORDS)
                v->word[v->words++] = word;
        if (v->words && strcmp(v->word[0], kind) == 0)
            return true;
    }
    return false;
}

static inline void wire_from(struct wire *w, const char *hex)
{
    struct wr out = wr_over(w->bytes, sizeof(w->bytes));
    cr_assert(base16_scan(hex, strlen(hex), &out), "hex: %s", hex);
    w->len = wr_len(&out);
    cr_assert(message_read_header(&w->m, w->bytes, w->len));
    cr_assert_eq(message_read(&w->m), NOERROR, "%s", hex);
}

static inline struct name name_from(struct name_buf *buf, const char *text)
{
    cr_assert_eq(name_scan(text, strlen(text), NAME_ROOT, buf, NULL), OK, "%s", text);
    return name_of(buf);
}

static inline void add_key(struct keyring *ring, const char *name, const char *algorithm,
                           const char *base64)
{
    struct name_buf buf;
    uint8_t bytes[TSIG_SECRET_LEN_MAX];
    struct diag diag = {0};
    struct wr w = wr_over(bytes, sizeof(bytes));
    cr_assert(base64_scan(base64, strlen(base64), &w), "%s", base64);
    struct tsig_secret secret = {bytes, wr_len(&w), 0};
    cr_assert_eq(keyring_add(ring, name_from(&buf, name), algorithm, &secret, 1, &diag), OK, "%s",
                 diag.text);
}

/* A keyring with the key of the line (words 2 to 4). */
static inline struct keyring *vector_ring(const struct vector *v)
{
    struct keyring *ring = keyring_new();
    add_key(ring, "another.", "hmac-sha1", "AAAA");
    add_key(ring, v->word[2], v->word[3], v->word[4]);
    return ring;
}

static inline int64_t seconds(const char *text)
{
    return strtoll(text, NULL, 10) * 1000000;
}

static inline bool is_wire(const struct wire *w, const uint8_t *bytes, size_t len)
{
    return w->len == len && memcmp(w->bytes, bytes, len) == 0;
}

#endif
