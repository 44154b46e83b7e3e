/* SPDX-License-Identifier: Apache-2.0
 * Reading the query file. */
#include "queries.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LEN_MAX 320

static const struct {
    const char *name;
    uint16_t code;
} types[] = {
    {"A", 1},     {"NS", 2},      {"CNAME", 5},  {"SOA", 6},   {"PTR", 12},
    {"MX", 15},   {"TXT", 16},    {"AAAA", 28},  {"SRV", 33},  {"DS", 43},
    {"NSEC", 47}, {"DNSKEY", 48}, {"HTTPS", 65}, {"ANY", 255}, {"CAA", 257},
};

static uint16_t type_find(const char *text)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, text) == 0)
            return types[i].code;
    return 0;
}

/* The name in wire form at p; its length, or 0 if it is not a host name. */
static size_t name_scan(const char *text, uint8_t *p)
{
    size_t len = 0;
    while (*text != '\0' && strcmp(text, ".") != 0) {
        size_t label = strcspn(text, ".");
        if (label == 0 || label > 63 || len + label + 2 > 255)
            return 0;
        p[len++] = (uint8_t)label;
        memcpy(p + len, text, label);
        len += label;
        text += label;
        text += *text == '.';
    }
    p[len++] = 0;
    return len;
}

/* One line as a datagram; its length, or 0 if the line cannot be read. */
static size_t line_scan(char *line, uint8_t *p)
{
    char *rest = line, *name = strsep(&rest, " \t"), *type = strsep(&rest, " \t");
    uint16_t code = type ? type_find(type) : 0;
    if (code == 0 || (rest && strcmp(rest, "do") != 0))
        return 0;
    static const uint8_t header[12] = {[5] = 1, [11] = 1}; /* QDCOUNT, ARCOUNT */
    memcpy(p, header, sizeof header);
    size_t len = name_scan(name, p + 12);
    if (len == 0)
        return 0;
    len += 12;
    const uint8_t tail[] = {(uint8_t)(code >> 8),
                            (uint8_t)code,
                            0,
                            1, /* type, class IN */
                            0,
                            0,
                            41,
                            QUERIES_PAYLOAD >> 8,
                            QUERIES_PAYLOAD & 0xff,
                            0,
                            0,
                            rest ? 0x80 : 0,
                            0,
                            0,
                            0}; /* RFC 6891 s6.1.3: DO is the flags' highest bit */
    memcpy(p + len, tail, sizeof tail);
    return len + sizeof tail;
}

static uint32_t lines_count(FILE *f)
{
    uint32_t count = 0;
    int c;
    while ((c = getc_unlocked(f)) != EOF)
        count += c == '\n';
    rewind(f);
    return count;
}

void queries_open(struct queries *q, const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f)
        err(1, "%s", path);
    uint32_t lines = lines_count(f);
    size_t room = 0, end = 0;
    char line[LINE_LEN_MAX];
    *q = (struct queries){.at = malloc((lines + 1) * sizeof *q->at)};
    while (q->at && fgets(line, sizeof line, f) && q->count < lines) {
        if (end + QUERY_LEN_MAX > room) {
            room = room * 2 + 65536;
            q->bytes = realloc(q->bytes, room);
        }
        line[strcspn(line, "\n")] = '\0';
        size_t len = q->bytes ? line_scan(line, q->bytes + end) : 0;
        if (len == 0)
            errx(1, "%s:%u: expected \"name type [do]\"", path, q->count + 1);
        q->at[q->count++] = (uint32_t)end;
        end += len;
    }
    if (q->count == 0 || end > UINT32_MAX)
        errx(1, "%s: no queries, or more than 4 GB of them", path);
    q->at[q->count] = (uint32_t)end;
    fclose(f);
}

void queries_close(struct queries *q)
{
    free(q->bytes);
    free(q->at);
    *q = (struct queries){0};
}
