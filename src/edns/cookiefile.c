/* SPDX-License-Identifier: Apache-2.0
 * Secrets of cookies on disk. */
#include "edns/cookiefile.h"

#include <string.h>

#include "base/check.h"
#include "base/digits.h"
#include "base/secret.h"

#define SECRET_LEN sizeof(struct hash_key)
/* the head, and the digits of each */
#define TEXT_MAX   (256 + COOKIE_SECRETS_MAX * (2 * SECRET_LEN + 1))

/* SipHash reads its key as two little-endian numbers, which a struct hash_key is in memory. */
_Static_assert(SECRET_LEN == 16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "a secret is 128 bits as they stand in the file");

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* One line: a secret or nothing. */
static enum err take_line(const char *line, size_t len, struct cookie_secrets *out,
                          struct diag *diag)
{
    const char *comment = memchr(line, '#', len);
    if (comment)
        len = (size_t)(comment - line);
    while (len && is_blank(line[len - 1]))
        len--;
    for (; len && is_blank(*line); len--)
        line++;
    if (len == 0)
        return OK;
    if (out->count == COOKIE_SECRETS_MAX)
        return err_say(diag, ERR_SYNTAX, "more than %d secrets", COOKIE_SECRETS_MAX);
    struct wr w = wr_over((uint8_t *)&out->at[out->count], SECRET_LEN);
    if (len != 2 * SECRET_LEN || !base16_scan(line, len, &w))
        return err_say(diag, ERR_SYNTAX, "a secret is 32 hex digits; this is something else");
    out->count++;
    return OK;
}

static enum err take_all(const struct secretfile *file, struct cookie_secrets *out,
                         struct diag *diag)
{
    const char *at = file->text, *end = at + file->len;
    for (unsigned number = 1; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop ? stop : end) - at);
        enum err e = take_line(at, len, out, diag);
        if (e != OK)
            return err_note(diag, e, "line %u", number);
        at += len + 1;
    }
    return out->count ? OK : err_say(diag, ERR_SYNTAX, "no secret in it");
}

enum err cookiefile_read(const char *path, struct cookie_secrets *out, int64_t *changed_us,
                         struct diag *diag)
{
    struct secretfile file;
    *out = (struct cookie_secrets){0};
    enum err e = secretfile_read(path, COOKIEFILE_LEN_MAX, &file, diag);
    if (e != OK)
        return e;
    e = take_all(&file, out, diag);
    *changed_us = file.changed_us;
    secretfile_done(&file);
    if (e == OK)
        return OK;
    secret_wipe(out, sizeof(*out));
    return err_note(diag, e, "%s", path);
}

enum err cookiefile_write(const char *path, const struct cookie_secrets *secrets,
                          enum secretfile_write how, struct diag *diag)
{
    char *room = secret_alloc(TEXT_MAX);
    struct text t;
    ASSERT(secrets->count > 0 && secrets->count <= COOKIE_SECRETS_MAX);
    text_init(&t, room, TEXT_MAX);
    text_add(&t,
             "# secrets of DNS cookies (RFC 9018): the first is used, what the second has made is "
             "accepted\n");
    for (unsigned i = 0; i < secrets->count; i++) {
        base16_show((const uint8_t *)&secrets->at[i], SECRET_LEN, &t);
        text_char(&t, '\n');
    }
    ASSERT(!t.bad);
    enum err e = secretfile_write(path, room, text_len(&t), how, diag);
    secret_free(room, TEXT_MAX);
    return e;
}
