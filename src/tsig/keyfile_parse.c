/* SPDX-License-Identifier: Apache-2.0
 * What stands in a key file. */
#include "tsig/keyfile.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/attr.h"
#include "base/digits.h"
#include "base/secret.h"

#define WORDS_MAX 4 /* one more than a line may have */
#define PARTS_MAX 4 /* one more than ALGORITHM:NAME:SECRET */

struct piece {
    const char *at;
    size_t len;
};

struct reader {
    const char *at, *end;
    unsigned line;
    const struct keyfile_want *want;
    struct keyfile *out;
    struct diag *diag;
};

static enum err wrong(const struct reader *r, enum err e, const char *what)
{
    return err_say(r->diag, e, "line %u: %s", r->line, what);
}

static bool is_word(struct piece p, const char *word)
{
    return strlen(word) == p.len && strncasecmp(p.at, word, p.len) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* --- what all forms have --- */

static enum err take_name(struct reader *r, struct piece p)
{
    struct name_buf name;
    struct name before = name_of(&r->out->name);
    if (p.len == 0 || name_scan(p.at, p.len, NAME_ROOT, &name, NULL) != OK)
        return wrong(r, ERR_SYNTAX, "the key's name is not a domain name");
    if (r->want && r->want->name.len && !name_is_equal(r->want->name, name_of(&name))) {
        char text[NAME_TEXT_MAX];
        return err_say(r->diag, ERR_INVALID, "line %u: names another key than \"%.200s\"", r->line,
                       name_text(r->want->name, text));
    }
    if (before.len && !name_is_equal(before, name_of(&name)))
        return wrong(r, ERR_SYNTAX, "names another key than the line before");
    r->out->name = name;
    return OK;
}

static enum err take_algorithm(struct reader *r, struct piece p)
{
    uint8_t mac_min, other;
    const struct tsig_algorithm *a = tsig_algorithm_scan(p.at, p.len, &mac_min);
    if (!a || p.len >= sizeof(r->out->algorithm))
        return wrong(r, ERR_SYNTAX, "unknown algorithm");
    const char *want = r->want ? r->want->algorithm : NULL;
    if (want && tsig_algorithm_scan(want, strlen(want), &other) != a)
        return err_say(r->diag, ERR_INVALID, "line %u: the algorithm is not %.64s", r->line, want);
    const char *before = r->out->algorithm;
    if (*before && tsig_algorithm_scan(before, strlen(before), &other) != a)
        return wrong(r, ERR_SYNTAX, "names another algorithm than before");
    memcpy(r->out->algorithm, p.at, p.len);
    r->out->algorithm[p.len] = '\0';
    return OK;
}

static enum err take_secret(struct reader *r, struct piece p, int64_t until_us)
{
    struct keyfile *k = r->out;
    if (k->count == TSIG_SECRETS_MAX)
        return wrong(r, ERR_SYNTAX, "there are more than two secrets");
    if (!k->room)
        k->room = secret_alloc(TSIG_SECRETS_MAX * TSIG_SECRET_LEN_MAX);
    struct wr w = wr_over(k->room + k->count * TSIG_SECRET_LEN_MAX, TSIG_SECRET_LEN_MAX);
    if (p.len > (TSIG_SECRET_LEN_MAX + 2) / 3 * 4)
        return wrong(r, ERR_SYNTAX, "the secret is too long");
    if (p.len == 0 || !base64_scan(p.at, p.len, &w) || wr_len(&w) == 0)
        return wrong(r, ERR_SYNTAX, "the secret is not base64");
    k->secret[k->count++] = (struct tsig_secret){w.start, wr_len(&w), until_us};
    return OK;
}

/* --- one secret to a line --- */

/* YYYY-MM-DDTHH:MM:SSZ, which is a time that there is. */
static bool scan_time(struct piece p, int64_t *out_us)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    static const uint8_t at[] = {0, 5, 8, 11, 14, 17}, len[] = {4, 2, 2, 2, 2, 2};
    uint64_t v[ARRAY_LEN(at)];
    if (p.len != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < p.len; i++)
        if (form[i] != '0' && p.at[i] != form[i])
            return false;
    for (size_t i = 0; i < ARRAY_LEN(at); i++)
        if (!digits_u64(p.at + at[i], len[i], 9999, &v[i]))
            return false;
    struct tm tm = {.tm_year = (int)v[0] - 1900, .tm_mon = (int)v[1] - 1, .tm_mday = (int)v[2]};
    tm.tm_hour = (int)v[3];
    tm.tm_min = (int)v[4];
    tm.tm_sec = (int)v[5];
    struct tm same = tm;
    time_t t = timegm(&same); /* what is out of range was moved */
    *out_us = (int64_t)t * 1000000;
    return v[0] >= 1970 && same.tm_mon == tm.tm_mon && same.tm_mday == tm.tm_mday &&
           same.tm_hour == tm.tm_hour && same.tm_min == tm.tm_min && same.tm_sec == tm.tm_sec;
}

static bool is_comment(const char *at, const char *end)
{
    return *at == '#' ||
           (end - at >= 2 && at[0] == '/' && at[1] == '/' && (end - at == 2 || is_blank(at[2])));
}

/* The words of the next line, at most WORDS_MAX; false: no more lines. */
static bool next_line(struct reader *r, struct piece words[WORDS_MAX], unsigned *count)
{
    if (r->at == r->end)
        return false;
    r->line++;
    *count = 0;
    const char *end = memchr(r->at, '\n', (size_t)(r->end - r->at));
    const char *at = r->at, *stop = end ? end : r->end;
    r->at = end ? end + 1 : r->end;
    while (*count < WORDS_MAX) {
        while (at < stop && is_blank(*at))
            at++;
        if (at == stop || is_comment(at, stop))
            break;
        struct piece word = {at, 0};
        while (at < stop && !is_blank(*at))
            at++;
        word.len = (size_t)(at - word.at);
        words[(*count)++] = word;
    }
    return true;
}

/* [[ALGORITHM:]NAME:]SECRET */
static enum err take_word(struct reader *r, struct piece word, int64_t until_us)
{
    struct piece part[PARTS_MAX];
    unsigned count = 0;
    const char *at = word.at, *end = word.at + word.len;
    for (; count < PARTS_MAX; count++) {
        const char *colon = memchr(at, ':', (size_t)(end - at));
        part[count] = (struct piece){at, (size_t)((colon ? colon : end) - at)};
        if (!colon)
            break;
        at = colon + 1;
    }
    if (count + 1 >= PARTS_MAX)
        return wrong(r, ERR_SYNTAX, "wants SECRET, NAME:SECRET or ALGORITHM:NAME:SECRET");
    enum err e = OK;
    if (count == 2)
        e = take_algorithm(r, part[0]);
    if (e == OK && count >= 1)
        e = take_name(r, part[count - 1]);
    return e == OK ? take_secret(r, part[count], until_us) : e;
}

static enum err read_lines(struct reader *r)
{
    struct piece word[WORDS_MAX];
    unsigned count;
    while (next_line(r, word, &count)) {
        int64_t until_us = 0;
        if (count == 0)
            continue;
        if (count != 1 && (count != 3 || !is_word(word[1], "until")))
            return wrong(r, ERR_SYNTAX, "wants a secret, and behind it nothing or `until TIME`");
        if (count == 3 && !scan_time(word[2], &until_us))
            return wrong(r, ERR_SYNTAX, "the time is not like 2026-12-01T00:00:00Z");
        enum err e = take_word(r, word[0], until_us);
        if (e != OK)
            return e;
    }
    return OK;
}

/* --- BIND's block --- */

static void skip_blanks_and_comments(struct reader *r)
{
    while (r->at < r->end) {
        size_t left = (size_t)(r->end - r->at);
        const char *stop = NULL;
        if (*r->at == '#' || (left >= 2 && memcmp(r->at, "//", 2) == 0)) {
            stop = memchr(r->at, '\n', left);
            r->at = stop ? stop : r->end;
        } else if (left >= 2 && memcmp(r->at, "/*", 2) == 0) {
            stop = memmem(r->at + 2, left - 2, "*/", 2);
            for (const char *end = stop ? stop + 2 : r->end; r->at < end; r->at++)
                r->line += *r->at == '\n';
        } else if (is_blank(*r->at) || *r->at == '\n') {
            r->line += *r->at++ == '\n';
        } else {
            return;
        }
    }
}

/* A word, what stands in quotes, or one of { } ; with `len` 0 at the end, and for quotes that do
 * not end. */
static struct piece next_token(struct reader *r)
{
    skip_blanks_and_comments(r);
    struct piece p = {r->at, 0};
    if (r->at == r->end)
        return p;
    if (*r->at == '"') {
        const char *stop = memchr(r->at + 1, '"', (size_t)(r->end - r->at - 1));
        r->at = stop ? stop + 1 : r->end;
        return stop ? (struct piece){p.at + 1, (size_t)(stop - p.at - 1)} : p;
    }
    if (!memchr("{};", *r->at, 3))
        while (r->at + 1 < r->end && !is_blank(r->at[1]) && !memchr("{};\"\n", r->at[1], 5))
            r->at++;
    r->at++;
    p.len = (size_t)(r->at - p.at);
    return p;
}

static enum err expect(struct reader *r, const char *mark)
{
    if (is_word(next_token(r), mark))
        return OK;
    return err_say(r->diag, ERR_SYNTAX, "line %u: wants \"%s\"", r->line, mark);
}

static enum err read_statement(struct reader *r, struct piece keyword)
{
    enum err e;
    struct piece value = next_token(r);
    if (is_word(keyword, "algorithm"))
        e = take_algorithm(r, value);
    else if (!is_word(keyword, "secret"))
        e = wrong(r, ERR_SYNTAX, "wants `algorithm` or `secret`");
    else if (r->out->count)
        e = wrong(r, ERR_SYNTAX, "a key has one secret here");
    else
        e = take_secret(r, value, 0);
    return e == OK ? expect(r, ";") : e;
}

static enum err read_block(struct reader *r)
{
    r->line = 1;
    enum err e = expect(r, "key");
    if (e == OK)
        e = take_name(r, next_token(r));
    if (e == OK)
        e = expect(r, "{");
    while (e == OK) {
        struct piece keyword = next_token(r);
        if (is_word(keyword, "}"))
            break;
        e = read_statement(r, keyword);
    }
    if (e == OK)
        e = expect(r, ";");
    skip_blanks_and_comments(r);
    if (e == OK && r->at < r->end)
        e = wrong(r, ERR_SYNTAX, "there is more than one key");
    return e;
}

/* Whether the first word is `key`, which is no base64. */
static bool is_block(struct reader r)
{
    return is_word(next_token(&r), "key");
}

enum err keyfile_parse(const char *text, size_t len, const struct keyfile_want *want,
                       struct keyfile *out, struct diag *diag)
{
    *out = (struct keyfile){0};
    struct reader r = {text, text + len, 0, want, out, diag};
    enum err e = is_block(r) ? read_block(&r) : read_lines(&r);
    if (e == OK && out->count == 0)
        e = err_say(diag, ERR_SYNTAX, "there is no secret in it");
    if (e != OK)
        keyfile_done(out);
    return e;
}

void keyfile_done(struct keyfile *k)
{
    secret_free(k->room, TSIG_SECRETS_MAX * TSIG_SECRET_LEN_MAX);
    *k = (struct keyfile){0};
}
