/* SPDX-License-Identifier: Apache-2.0
 * A YAML document as a tree of text, lists and maps, each with its place in the file.
 *
 * Every scalar is text, whatever it looks like: what it means is decided by where it stands.
 * Refused, so that a file means what it shows and cannot grow while it is read: anchors, aliases,
 * tags, second documents, keys that are not text, NUL characters, more than CONF_DEPTH_MAX levels.
 * Duplicate keys are seen by who knows what keys mean there. */
#ifndef REEVE_CONF_ITEM_H
#define REEVE_CONF_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "conf/conf.h"

enum item_kind { ITEM_TEXT, ITEM_LIST, ITEM_MAP };

struct item {
    enum item_kind kind;
    bool is_quoted; /* text only: not a plain scalar */
    struct conf_at at;
    uint32_t count;   /* children; a map has two for each entry: key (always text), value */
    uint32_t len;     /* of the text, NUL not counted */
    const char *text; /* "" for lists and maps */
    struct item *first, *next;
};

/* "key:" with nothing after it. */
static inline bool item_is_empty(const struct item *n)
{
    return n->kind == ITEM_TEXT && !n->is_quoted && n->len == 0;
}

/* The document in bytes; an empty one is an empty text. The tree lives in the arena. NULL with a
 * fault if there is no tree; faults may have been added even if there is one. */
const struct item *item_read(const char *bytes, size_t len, struct arena *arena,
                             struct conf_faults *faults);

/* "text", "a list" or "a map", for messages. */
const char *item_kind_text(const struct item *n);

#endif
