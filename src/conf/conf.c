/* SPDX-License-Identifier: Apache-2.0
 * The configuration file: read whole, made a tree, checked whole, kept as values. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/secret.h"
#include "conf/fault.h"
#include "conf/fill.h"
#include "conf/item.h"
#include "conf/keys.h"
#include "conf/options.h"
#include "conf/remotes.h"
#include "conf/zones.h"

enum {
    BLOCK_LEN = 16 << 10,
    READ_FIRST = 64 << 10,
};
/* For the tree, and for the values: a million zones need 250 and 470 MB. A large file made of
 * nothing but brackets reaches it and is refused. */
#define MEMORY_MAX ((size_t)768 << 20)

static struct conf *new_conf(const char *path)
{
    struct conf *c = mem_alloc_zero(sizeof(*c));
    arena_init(&c->arena, BLOCK_LEN, MEMORY_MAX);
    c->path = arena_string(&c->arena, path, strlen(path));
    c->keyring = keyring_new();
    return c;
}

void conf_free(struct conf *c)
{
    if (!c)
        return;
    keyring_free(c->keyring);
    arena_done(&c->arena);
    secret_wipe(&c->cookie_secrets, sizeof(c->cookie_secrets));
    free(c);
}

/* What the document says, then what takes all of it to be known. The tree may hold secrets. */
static void take(struct fill *f, const char *bytes, size_t len)
{
    struct arena tree;
    arena_init(&tree, BLOCK_LEN, MEMORY_MAX);
    const struct item *root = item_read(bytes, len, &tree, f->faults);
    if (root) {
        fill_map(f, root, "", NULL);
        options_build(f);
        keys_build(f);
        remotes_build(f);
        zones_build(f);
    }
    arena_wipe(&tree);
    arena_done(&tree);
}

struct conf *conf_load_bytes(const char *bytes, size_t len, const char *path,
                             struct conf_faults *faults)
{
    fault_reset(faults);
    if (len > CONF_FILE_LEN_MAX) {
        fault_add(faults, (struct conf_at){1, 1}, "larger than %u bytes", CONF_FILE_LEN_MAX);
        return NULL;
    }
    struct conf *c = new_conf(path);
    const char *slash = strrchr(c->path, '/');
    struct fill fill = {c, faults, slash ? (size_t)(slash - c->path) + 1 : 0};
    fill_presets(&fill);
    take(&fill, bytes, len);
    fault_sort(faults);
    if (faults->errors == 0)
        return c;
    conf_free(c);
    return NULL;
}

/* A configuration around one rule, in which the key is known and no file is looked at. */
#define GRANT_CONF                \
    "keys: {%s: {secret: off}}\n" \
    "zones: {zone.invalid.: {soa: {ns: [ns.invalid.]}, updates: [\n%s\n]}}\n"

enum err conf_check_grant(const char *text, const char *key, struct diag *diag)
{
    struct conf_faults *faults = mem_alloc_zero(sizeof(*faults));
    struct arena tree;
    size_t cap = sizeof(GRANT_CONF) + strlen(text) + strlen(key);
    char *bytes = mem_alloc(cap);
    int len = snprintf(bytes, cap, GRANT_CONF, key, text);
    struct fill f = {new_conf("grant"), faults, 0};
    enum err e = OK;
    arena_init(&tree, BLOCK_LEN, MEMORY_MAX);
    fill_presets(&f);
    const struct item *root = item_read(bytes, (size_t)len, &tree, faults);
    if (root) {
        fill_map(&f, root, "", NULL);
        zones_build(&f);
    }
    for (unsigned i = faults->count; i-- > 0;)
        if (!faults->list[i].is_warning)
            e = err_say(diag, ERR_INVALID, "%s", faults->list[i].text);
    conf_free(f.conf);
    arena_done(&tree);
    free(bytes);
    free(faults);
    return e;
}

struct bytes {
    char *at;
    size_t len, cap;
};

static void bytes_done(struct bytes *b)
{
    if (b->at)
        explicit_bzero(b->at, b->cap);
    free(b->at);
}

/* Room for more; the old is wiped, which mem_grow() would not. */
static void bytes_grow(struct bytes *b)
{
    struct bytes more = {.len = b->len, .cap = b->cap ? 2 * b->cap : READ_FIRST};
    more.at = mem_alloc(more.cap);
    if (b->len)
        memcpy(more.at, b->at, b->len);
    bytes_done(b);
    *b = more;
}

/* All of the file, and more than is allowed by less than a block, so that conf_load_bytes() sees
 * what is too large. */
static bool read_all(int fd, struct bytes *b)
{
    for (;;) {
        if (b->len == b->cap)
            bytes_grow(b);
        ssize_t n = read(fd, b->at + b->len, b->cap - b->len);
        if (n > 0)
            b->len += (size_t)n;
        if (n == 0 || b->len > CONF_FILE_LEN_MAX)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

struct conf *conf_load(const char *path, struct conf_faults *faults)
{
    fault_reset(faults);
    struct bytes bytes = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct conf *c = NULL;
    if (fd < 0 || !read_all(fd, &bytes))
        fault_add(faults, (struct conf_at){1, 1}, "cannot be read: %s", strerror(errno));
    else
        c = conf_load_bytes(bytes.at, bytes.len, path, faults);
    if (fd >= 0)
        close(fd);
    bytes_done(&bytes);
    return c;
}
