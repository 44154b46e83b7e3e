/* SPDX-License-Identifier: Apache-2.0
 * A version as bytes, for snapshots: the nodes' blocks one behind the other, in chunks.
 *
 * What image_load() takes need not be trusted: every node is checked before it is used. Written and
 * read in helper threads, from a pinned version and into a zone that nobody else has. */
#ifndef REEVE_ZONE_IMAGE_H
#define REEVE_ZONE_IMAGE_H

#include "base/err.h"
#include "zone/lookup.h"
#include "zone/txn.h"
#include "zone/version.h"

/* Bytes of a chunk, about: whole nodes, at least one. */
#define IMAGE_CHUNK_LEN 262144

struct image_writer {
    struct walk walk;
    const struct node *held; /* did not fit the chunk before */
};
void image_writer_start(struct image_writer *w, const struct version *v);
/* The next chunk, malloc'd; NULL at the end. */
uint8_t *image_next(struct image_writer *w, size_t *len);

/* Puts a chunk's nodes into the zone under construction (TXN_BUILD), whose owners they are not yet.
 * ERR_INVALID: malformed. */
enum err image_load(struct txn *build, const uint8_t *bytes, size_t len, struct diag *diag);

#endif
