/* SPDX-License-Identifier: Apache-2.0
 * The sample files of tests/data: lines of fields with " |" between, "#" begins a comment line. */
#ifndef TESTS_UNIT_DNS_SAMPLES_H
#define TESTS_UNIT_DNS_SAMPLES_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "dns/lex.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "unit.h"

#define SAMPLE_FIELDS 4
#define SAMPLE_LINE   8192

struct sample {
    char line[SAMPLE_LINE]; /* what `field` points into */
    const char *field[SAMPLE_FIELDS];
    unsigned number; /* of the line in the file */
};

/* The next sample with `fields` fields; false at the end of the file. */
static inline bool sample_read(FILE *f, struct sample *s, int fields)
{
    while (fgets(s->line, sizeof(s->line), f)) {
        s->number++;
        if (s->line[0] == '#' || s->line[0] == '\n')
            continue;
        char *at = s->line;
        at[strcspn(at, "\n")] = '\0';
        for (int i = 0; i < fields; i++) {
            char *end = i + 1 < fields ? strstr(at, " |") : at + strlen(at);
            cr_assert(end, "line %u: fewer than %d fields", s->number, fields);
            bool last = *end == '\0';
            while (end > at && end[-1] == ' ')
                end--;
            char *next = last ? end : strstr(end, " |") + 2;
            while (*at == ' ' && at < end)
                at++;
            *end = '\0';
            s->field[i] = at;
            at = next;
        }
        return true;
    }
    return false;
}

static inline FILE *sample_open(const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", TEST_DATA, name);
    FILE *f = fopen(path, "r");
    cr_assert(f, "cannot open %s", path);
    return f;
}

/* Hexadecimal text to bytes that are exactly as long as the allocation, so that a read beyond them
 * is noticed. */
static inline struct rdata sample_wire(const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *bytes = malloc(len ? len : 1);
    struct wr w = wr_over(bytes, len);
    cr_assert(base16_scan(hex, strlen(hex), &w), "not hexadecimal: %s", hex);
    return (struct rdata){bytes, (uint16_t)len};
}

static inline uint16_t sample_type(const char *mnemonic)
{
    uint16_t type = 0;
    cr_assert(rrtype_scan(mnemonic, strlen(mnemonic), &type), "unknown type %s", mnemonic);
    return type;
}

/* Reads text as the rdata of a record whose type has been read: into out, and what is wrong into
 * diag. */
static inline enum err sample_scan(uint16_t type, const char *text, struct wr *out,
                                   struct diag *diag)
{
    char entry[SAMPLE_LINE * 3];
    snprintf(entry, sizeof(entry), "x %s\n", text);
    struct lex lex;
    lex_init(&lex, entry, strlen(entry));
    lex_next(&lex);
    enum err e = rdata_scan(type, &lex, (struct name){0}, out, diag);
    if (e == OK)
        cr_assert(lex_next(&lex).kind == TOKEN_END, "%s: not read to the end", text);
    return e;
}

#endif
