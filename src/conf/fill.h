/* SPDX-License-Identifier: Apache-2.0
 * From the tree of a document to struct conf, guided by the table of settings; every fault is
 * added, none stops the rest. */
#ifndef REEVE_CONF_FILL_H
#define REEVE_CONF_FILL_H

#include <stddef.h>

#include "conf/conf.h"
#include "conf/item.h"
#include "conf/setting.h"

struct fill {
    struct conf *conf;
    struct conf_faults *faults;
    size_t dir_len; /* of conf->path up to its last "/", that counted; relative files start there */
};

/* Reads the map n whose keys are settings below `path` ("" is the whole file). Entries go into
 * `entry`, the struct that the table names for them; NULL where there are none. */
void fill_map(struct fill *f, const struct item *n, const char *path, void *entry);
/* All settings get their defaults. */
void fill_presets(struct fill *f);
/* The same for what one entry of the map at `path` may have. */
void fill_entry_presets(struct fill *f, const char *path, void *entry);
/* n is a map or nothing at all; else false with a fault about `path`. */
bool fill_is_map(struct fill *f, const struct item *n, const char *path);

/* A copy that lives as long as the configuration; NULL with a fault when it has become too large.
 */
const char *fill_string(struct fill *f, const struct item *n);
/* The same for memory, not cleared. */
void *fill_alloc(struct fill *f, const struct item *n, size_t len);

#endif
