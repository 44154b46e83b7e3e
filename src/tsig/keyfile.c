/* SPDX-License-Identifier: Apache-2.0
 * Key files on disk. */
#include "tsig/keyfile.h"

#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/digits.h"
#include "base/random.h"
#include "base/secret.h"

#define US_PER_S 1000000
/* two lines of algorithm, name, base64 and time */
#define FILE_TEXT_MAX   \
    (TSIG_SECRETS_MAX * \
     (TSIG_ALGORITHM_TEXT_MAX + NAME_TEXT_MAX + TSIG_SECRET_LEN_MAX * 4 / 3 + 64))

/* --- reading --- */

enum err keyfile_read(const char *path, const struct keyfile_want *want, struct keyfile *out,
                      struct diag *diag)
{
    struct secretfile file;
    *out = (struct keyfile){0};
    enum err e = secretfile_read(path, KEYFILE_LEN_MAX, &file, diag);
    if (e != OK)
        return e;
    e = keyfile_parse(file.text, file.len, want, out, diag);
    secretfile_done(&file);
    return e == OK ? OK : err_note(diag, e, "%s", path);
}

/* --- making secrets --- */

static void put_random(struct keyfile *k, size_t len)
{
    random_bytes(k->room, len);
    k->secret[0] = (struct tsig_secret){k->room, len, 0};
}

enum err keyfile_generate(struct keyfile *out, struct name name, const char *algorithm,
                          struct diag *diag)
{
    uint8_t mac_min;
    const struct tsig_algorithm *a = tsig_algorithm_scan(algorithm, strlen(algorithm), &mac_min);
    *out = (struct keyfile){0};
    if (!a || strlen(algorithm) >= sizeof(out->algorithm))
        return err_say(diag, ERR_INVALID, "unknown algorithm \"%.64s\"", algorithm);
    name_copy(&out->name, name);
    memcpy(out->algorithm, algorithm, strlen(algorithm) + 1);
    out->room = secret_alloc(TSIG_SECRETS_MAX * TSIG_SECRET_LEN_MAX);
    put_random(out, a->mac_len);
    out->count = 1;
    return OK;
}

void keyfile_rotate(struct keyfile *k, int64_t until_us)
{
    uint8_t mac_min;
    const struct tsig_algorithm *a =
        tsig_algorithm_scan(k->algorithm, strlen(k->algorithm), &mac_min);
    ASSERT(a && k->count > 0);
    uint8_t *second = k->room + TSIG_SECRET_LEN_MAX;
    struct tsig_secret old = {second, k->secret[0].len, until_us};
    memmove(second, k->secret[0].bytes, old.len);
    put_random(k, a->mac_len);
    k->secret[1] = old;
    k->count = 2;
}

/* --- writing --- */

static void show_time(int64_t us, struct text *t)
{
    struct tm tm;
    time_t s = (time_t)((us + US_PER_S - 1) / US_PER_S); /* never ends earlier than it should */
    gmtime_r(&s, &tm);
    text_fmt(t, " until %04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void show_file(const struct keyfile *k, struct text *t)
{
    for (unsigned i = 0; i < k->count; i++) {
        if (k->name.len) {
            text_fmt(t, "%s:", k->algorithm);
            name_show(name_of(&k->name), t);
            text_char(t, ':');
        }
        base64_show(k->secret[i].bytes, k->secret[i].len, t);
        if (k->secret[i].until_us)
            show_time(k->secret[i].until_us, t);
        text_char(t, '\n');
    }
    ASSERT(!t->bad);
}

enum err keyfile_write(const char *path, const struct keyfile *k, enum secretfile_write how,
                       struct diag *diag)
{
    ASSERT(k->count > 0 && (k->name.len == 0 || k->algorithm[0]));
    char *room = secret_alloc(FILE_TEXT_MAX);
    struct text t;
    text_init(&t, room, FILE_TEXT_MAX);
    show_file(k, &t);
    enum err e = secretfile_write(path, room, text_len(&t), how, diag);
    secret_free(room, FILE_TEXT_MAX);
    return e;
}

/* --- the names of kept files --- */

enum err keyfile_name_show(struct name key, const char *suffix, char out[KEYFILE_NAME_MAX],
                           struct diag *diag)
{
    char name[NAME_TEXT_MAX];
    struct name_buf lower = {.len = key.len};
    struct text t;
    if (name_is_root(key))
        return err_say(diag, ERR_INVALID, "\".\" is not the name of a key");
    name_lower(key, lower.wire);
    name_text(name_of(&lower), name);
    name[strlen(name) - 1] = '\0'; /* the final dot */
    text_init(&t, out, KEYFILE_NAME_MAX);
    for (const char *s = name; *s; s++)
        if (*s == '/')
            text_escaped(&t, '/');
        else
            text_char(&t, *s);
    text_add(&t, suffix);
    return t.bad ? err_say(diag, ERR_LIMIT, "the name is too long for that of a file") : OK;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

enum keyfile_kind keyfile_name_scan(const char *file, struct name_buf *out, struct diag *diag)
{
    bool is_revoked = ends_with(file, KEYFILE_SUFFIX_REVOKED);
    if (file[0] == '.' || (!is_revoked && !ends_with(file, KEYFILE_SUFFIX)))
        return KEYFILE_OTHER;
    size_t len = strlen(file) - strlen(is_revoked ? KEYFILE_SUFFIX_REVOKED : KEYFILE_SUFFIX);
    if (len == 0 || name_scan(file, len, NAME_ROOT, out, diag) != OK)
        return KEYFILE_ODD;
    return is_revoked ? KEYFILE_REVOKED : KEYFILE_KEPT;
}
