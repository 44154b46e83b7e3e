/* SPDX-License-Identifier: Apache-2.0
 * Keys. Their secrets go from the tree of the document, or from their files, straight into the
 * keyring; what is left of them on the way is wiped. */
#include "conf/keys.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/digits.h"
#include "base/secret.h"
#include "conf/fault.h"
#include "conf/suggest.h"
#include "conf/word.h"
#include "tsig/keyfile.h"

#define KEPT_DIR          "keys"

#define ALGORITHM_DEFAULT "hmac-sha256"

enum {
    KEPT_MAX = 100000,    /* files in the directory */
    SECRET_LEN_MAX = 768, /* bytes of what the table allows as text */
};

/* --- the map --- */

static bool read_name(struct fill *f, const struct item *key, struct conf_key *k)
{
    struct diag diag = {0};
    k->at = key->at;
    if (key->len == 0 || strcmp(key->text, "@") == 0 || strcmp(key->text, ".") == 0)
        fault_add(f->faults, key->at, "\"%s\" is not the name of a key", key->text);
    else if (name_scan(key->text, key->len, NAME_ROOT, &k->name, &diag) != OK)
        fault_add(f->faults, key->at, "\"%.*s\" is not the name of a key: %s", QUOTED(key->text),
                  diag.text);
    else
        k->text = fill_string(f, key);
    return k->text != NULL;
}

static void check_settings(struct fill *f, const struct conf_key *k)
{
    bool has_secret = k->ats.secret.line, has_file = k->ats.secret_file.line;
    bool has_previous = k->ats.previous.line, has_previous_file = k->ats.previous_file.line;
    if (!has_secret && !has_file)
        fault_add(f->faults, k->at, "key \"%.*s\" has neither \"secret-file\" nor \"secret\"",
                  QUOTED(k->text));
    if (has_secret && has_file)
        fault_add(f->faults, k->ats.secret, "\"secret\" cannot stand beside \"secret-file\"");
    if (has_previous && has_previous_file)
        fault_add(f->faults, k->ats.previous, "\"previous\" cannot stand beside \"previous-file\"");
    if (k->ats.previous_until.line && !has_previous && !has_previous_file)
        fault_add(f->faults, k->ats.previous_until,
                  "\"previous-until\" needs \"previous\" or \"previous-file\"");
}

void keys_read(struct fill *f, const struct item *n)
{
    if (!fill_is_map(f, n, "keys") || n->count == 0)
        return;
    struct conf *c = f->conf;
    c->key_count = 0;
    c->keys = fill_alloc(f, n, n->count / 2 * sizeof(struct conf_key));
    if (!c->keys)
        return;
    for (const struct item *key = n->first; key; key = key->next->next) {
        struct conf_key *k = &c->keys[c->key_count];
        *k = (struct conf_key){0};
        fill_entry_presets(f, "keys.*", k);
        bool is_named = read_name(f, key, k);
        unsigned before = f->faults->errors;
        fill_map(f, key->next, "keys.*", k);
        if (is_named && f->faults->errors == before)
            check_settings(f, k);
        c->key_count += is_named;
    }
}

/* --- those that are kept --- */

/* Where a fault about the state directory is: where it is named, or at the top. */
static struct conf_at place_of_state(const struct conf *c)
{
    struct conf_at at = c->origins[CONF_SET_state_dir].at;
    return at.line ? at : (struct conf_at){1, 1};
}

/* The name and path of a key that is kept in the file, or was; false if it is another file, perhaps
 * with a fault: what is it doing there? */
static bool take_kept(struct fill *f, const char *dir, const char *file, struct conf_key *k)
{
    struct diag diag = {0};
    struct conf_at at = place_of_state(f->conf);
    *k = (struct conf_key){0};
    enum keyfile_kind kind = keyfile_name_scan(file, &k->name, &diag);
    if (kind == KEYFILE_ODD)
        fault_add(f->faults, at, "%.*s/%.*s: its name is not that of a key", QUOTED(dir),
                  QUOTED(file));
    if (kind != KEYFILE_KEPT && kind != KEYFILE_REVOKED)
        return false;
    k->is_revoked = kind == KEYFILE_REVOKED;
    size_t path_len = strlen(dir) + strlen(file) + 2;
    char *path = fill_alloc(f, &(struct item){.at = at}, path_len);
    if (path)
        snprintf(path, path_len, "%s/%s", dir, file);
    k->text = k->secret_file = path;
    return path != NULL;
}

/* Keys that the process cannot see are not known, which is no reason to refuse the rest: a
 * configuration may be checked by somebody who is not the server. */
static DIR *open_kept(struct fill *f, const char *path)
{
    DIR *dir = opendir(path);
    if (!dir && errno == EACCES)
        fault_warn(f->faults, place_of_state(f->conf), "the keys in %.*s are not known: %s",
                   QUOTED(path), strerror(errno));
    else if (!dir && errno != ENOENT)
        fault_add(f->faults, place_of_state(f->conf), "%.*s: %s", QUOTED(path), strerror(errno));
    return dir;
}

/* Keys that are kept, behind the given ones: malloc'd, all of them together. */
static struct conf_key *add_kept(struct fill *f, struct conf_key *keys, unsigned *count)
{
    const char *state = f->conf->state_dir;
    size_t path_len = strlen(state) + sizeof("/" KEPT_DIR);
    char *path = mem_alloc(path_len);
    snprintf(path, path_len, "%s/" KEPT_DIR, state);
    DIR *dir = open_kept(f, path);
    unsigned room = *count, given = *count;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (*count - given >= KEPT_MAX)
            break;
        if (*count == room)
            keys = mem_grow(keys, (room = 2 * room + 8) * sizeof(*keys));
        *count += take_kept(f, path, entry->d_name, &keys[*count]);
    }
    if (dir)
        closedir(dir);
    free(path);
    return keys;
}

/* --- all of them in order --- */

static int compare_keys(const void *pa, const void *pb)
{
    const struct conf_key *a = pa, *b = pb;
    int order = name_compare(name_of(&a->name), name_of(&b->name));
    if (order)
        return order;
    if (a->is_revoked != b->is_revoked) /* after what is in force */
        return a->is_revoked ? 1 : -1;
    return conf_at_compare(a->at, b->at); /* what is kept comes first */
}

static void check_twice(struct fill *f, const struct conf *c)
{
    const struct conf_key *first = c->keys;
    for (const struct conf_key *k = c->keys + 1; k < c->keys + c->key_count; k++)
        if (!name_is_equal(name_of(&k->name), name_of(&first->name)))
            first = k;
        else if (first->at.line)
            fault_add(f->faults, k->at, "key \"%.*s\" is given twice, first at line %u, column %u",
                      QUOTED(k->text), first->at.line, first->at.column);
        else
            fault_add(f->faults, k->at.line ? k->at : place_of_state(c),
                      "key \"%.*s\" is kept in %.*s too", QUOTED(k->text), QUOTED(first->text));
}

/* A key that was revoked is forgotten where there is another of its name. all is sorted. */
static unsigned drop_replaced(struct conf_key *all, unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++)
        if (!all[i].is_revoked || kept == 0 ||
            !name_is_equal(name_of(&all[i].name), name_of(&all[kept - 1].name)))
            all[kept++] = all[i];
    return kept;
}

static void collect(struct fill *f)
{
    struct conf *c = f->conf;
    unsigned count = c->key_count;
    struct conf_key *all = mem_alloc((count + 1) * sizeof(*all));
    if (count)
        memcpy(all, c->keys, count * sizeof(*all));
    all = add_kept(f, all, &count);
    c->key_count = 0;
    if (count) {
        qsort(all, count, sizeof(*all), compare_keys);
        count = drop_replaced(all, count);
        c->keys = fill_alloc(f, &(struct item){.at = {1, 1}}, count * sizeof(*all));
        if (c->keys) {
            memcpy(c->keys, all, count * sizeof(*all));
            c->key_count = count;
            check_twice(f, c);
        }
    }
    free(all);
}

/* --- secrets --- */

/* What a key is made of; in secure memory. */
struct secrets {
    struct keyfile file, previous_file;
    uint8_t bytes[TSIG_SECRETS_MAX][SECRET_LEN_MAX];
    struct tsig_secret list[TSIG_SECRETS_MAX];
    unsigned count;
};

static bool is_off(const char *secret)
{
    return secret && strcmp(secret, "off") == 0;
}

static struct conf_at place_of(const struct fill *f, struct conf_at at)
{
    return at.line ? at : place_of_state(f->conf);
}

static bool add_secret(struct fill *f, struct secrets *s, struct tsig_secret secret,
                       struct conf_at at)
{
    if (s->count == TSIG_SECRETS_MAX) {
        fault_add(f->faults, place_of(f, at), "a key has at most %u secrets", TSIG_SECRETS_MAX);
        return false;
    }
    s->list[s->count++] = secret;
    return true;
}

static bool take_text(struct fill *f, struct secrets *s, const char *text, int64_t until_us,
                      struct conf_at at)
{
    if (s->count == TSIG_SECRETS_MAX)
        return add_secret(f, s, (struct tsig_secret){0}, at);
    struct wr w = wr_over(s->bytes[s->count], SECRET_LEN_MAX);
    if (base64_scan(text, strlen(text), &w) && wr_len(&w) > 0)
        return add_secret(f, s, (struct tsig_secret){w.start, wr_len(&w), until_us}, at);
    fault_add(f->faults, at, "the secret is not base64");
    return false;
}

/* A file of the key, or of its secret before; it may say which algorithm. */
static bool take_file(struct fill *f, struct conf_key *k, struct secrets *s, struct keyfile *file,
                      const char *path, struct conf_at at)
{
    struct diag diag = {0};
    struct keyfile_want want = {name_of(&k->name), k->algorithm};
    if (keyfile_read(path, &want, file, &diag) != OK) {
        fault_add(f->faults, place_of(f, at), "%s", diag.text);
        return false;
    }
    if (!k->algorithm && file->algorithm[0])
        k->algorithm = fill_string(f, &(struct item){.at = place_of(f, at),
                                                     .text = file->algorithm,
                                                     .len = (uint32_t)strlen(file->algorithm)});
    for (unsigned i = 0; i < file->count; i++)
        if (!add_secret(f, s, file->secret[i], at))
            return false;
    return true;
}

static bool take_previous(struct fill *f, struct conf_key *k, struct secrets *s)
{
    unsigned first = s->count;
    if (k->previous && !is_off(k->previous) &&
        !take_text(f, s, k->previous, k->previous_until_us, k->ats.previous))
        return false;
    if (k->previous_file &&
        !take_file(f, k, s, &s->previous_file, k->previous_file, k->ats.previous_file))
        return false;
    for (unsigned i = first; i < s->count; i++) /* the sooner of two ends */
        if (k->previous_until_us &&
            (!s->list[i].until_us || s->list[i].until_us > k->previous_until_us))
            s->list[i].until_us = k->previous_until_us;
    return true;
}

static bool take_current(struct fill *f, struct conf_key *k, struct secrets *s)
{
    return k->secret_file ? take_file(f, k, s, &s->file, k->secret_file, k->ats.secret_file)
                          : take_text(f, s, k->secret, 0, k->ats.secret);
}

static void build(struct fill *f, struct conf_key *k)
{
    struct diag diag = {0};
    struct secrets *s = secret_alloc(sizeof(*s));
    memset(s, 0, sizeof(*s));
    bool is_taken = take_current(f, k, s) && take_previous(f, k, s);
    if (!k->algorithm)
        k->algorithm = ALGORITHM_DEFAULT;
    if (is_taken && keyring_add(f->conf->keyring, name_of(&k->name), k->algorithm, s->list,
                                s->count, &diag) != OK)
        fault_add(f->faults, place_of(f, k->at), "key \"%.*s\": %s", QUOTED(k->text), diag.text);
    keyfile_done(&s->file);
    keyfile_done(&s->previous_file);
    secret_free(s, sizeof(*s));
}

void keys_build(struct fill *f)
{
    struct conf *c = f->conf;
    collect(f);
    /* What was refused above lacks something, or is there twice. */
    bool is_faultless = f->faults->errors == 0;
    for (unsigned i = 0; i < c->key_count; i++) {
        struct conf_key *k = &c->keys[i];
        k->is_off = is_off(k->secret);
        if (is_faultless && !k->is_off && !k->is_revoked)
            build(f, k);
        else if (!k->algorithm)
            k->algorithm = ALGORITHM_DEFAULT;
        k->secret = k->previous = NULL; /* in the tree, which is about to go */
    }
}

/* --- references --- */

static void say_unknown(struct fill *f, const struct conf_text *written)
{
    struct suggest near = suggest_for(written->text);
    const struct conf *c = f->conf;
    for (unsigned i = 0; i < c->key_count; i++) {
        const struct conf_key *k = &c->keys[i];
        if (k->at.line) {
            suggest_offer(&near, k->text, strlen(k->text));
        } else if (!k->is_revoked) {
            const char *file = strrchr(k->text, '/') + 1;
            suggest_offer(&near, file, strlen(file) - strlen(KEYFILE_SUFFIX));
        }
    }
    fault_add(f->faults, written->at, "there is no key \"%.*s\"%s%.*s%s", QUOTED(written->text),
              near.best ? ", did you mean \"" : "", (int)near.best_len, near.best ? near.best : "",
              near.best ? "\"?" : "");
}

bool keys_refer(struct fill *f, const struct conf_text *written, struct name_buf *out)
{
    struct conf_key like = {0};
    struct diag diag = {0};
    const struct conf *c = f->conf;
    if (name_scan(written->text, strlen(written->text), NAME_ROOT, &like.name, &diag) != OK) {
        fault_add(f->faults, written->at, "\"%.*s\" is not the name of a key: %s",
                  QUOTED(written->text), diag.text);
        return false;
    }
    for (unsigned low = 0, high = c->key_count; low < high;) {
        unsigned middle = low + (high - low) / 2;
        int order = name_compare(name_of(&like.name), name_of(&c->keys[middle].name));
        if (order == 0) {
            if (c->keys[middle].is_revoked)
                fault_warn(f->faults, written->at,
                           "key \"%.*s\" is revoked: nothing is accepted with it",
                           QUOTED(written->text));
            *out = like.name;
            return true;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    say_unknown(f, written);
    return false;
}
