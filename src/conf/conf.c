/* SPDX-License-Identifier: Apache-2.0
 * The configuration file: read whole, made a tree, checked whole, kept as values. */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "conf/fault.h"
#include "conf/fill.h"
#include "conf/item.h"

enum {
    BLOCK_LEN = 16 << 10,
    READ_STEP = 64 << 10,
};
/* For the tree, and for the values: a million zones need 250 and 430 MB. A large file made of
 * nothing but brackets reaches it and is refused. */
#define MEMORY_MAX ((size_t)512 << 20)

static struct conf *new_conf(const char *path)
{
    struct conf *c = mem_alloc_zero(sizeof(*c));
    arena_init(&c->arena, BLOCK_LEN, MEMORY_MAX);
    c->path = arena_string(&c->arena, path, strlen(path));
    return c;
}

void conf_free(struct conf *c)
{
    if (!c)
        return;
    arena_done(&c->arena);
    free(c);
}

struct conf *conf_load_bytes(const char *bytes, size_t len, const char *path,
                             struct conf_faults *faults)
{
    faults->count = faults->left_out = 0;
    if (len > CONF_FILE_LEN_MAX) {
        fault_add(faults, (struct conf_at){1, 1}, "larger than %u bytes", CONF_FILE_LEN_MAX);
        return NULL;
    }
    struct conf *c = new_conf(path);
    const char *slash = strrchr(c->path, '/');
    struct fill fill = {c, faults, slash ? (size_t)(slash - c->path) + 1 : 0};
    fill_presets(&fill);

    struct arena tree;
    arena_init(&tree, BLOCK_LEN, MEMORY_MAX);
    const struct item *root = item_read(bytes, len, &tree, faults);
    if (root)
        fill_map(&fill, root, "", NULL);
    arena_done(&tree);

    fault_sort(faults);
    if (faults->count == 0)
        return c;
    conf_free(c);
    return NULL;
}

/* All of the file, and one step more than is allowed at most, so that conf_load_bytes() sees what
 * is too large. */
static char *read_all(int fd, size_t *len)
{
    char *bytes = NULL;
    *len = 0;
    for (;;) {
        bytes = mem_grow(bytes, *len + READ_STEP);
        ssize_t n = read(fd, bytes + *len, READ_STEP);
        if (n > 0)
            *len += (size_t)n;
        if (n == 0 || *len > CONF_FILE_LEN_MAX)
            return bytes;
        if (n < 0 && errno != EINTR) {
            free(bytes);
            return NULL;
        }
    }
}

struct conf *conf_load(const char *path, struct conf_faults *faults)
{
    faults->count = faults->left_out = 0;
    size_t len;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *bytes = fd < 0 ? NULL : read_all(fd, &len);
    if (!bytes)
        fault_add(faults, (struct conf_at){1, 1}, "cannot be read: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    struct conf *c = bytes ? conf_load_bytes(bytes, len, path, faults) : NULL;
    free(bytes);
    return c;
}
