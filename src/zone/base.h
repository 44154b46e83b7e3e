/* SPDX-License-Identifier: Apache-2.0
 * The base of a merge: the zone file as it was last loaded, as a digest of each of its RRsets.
 *
 * Immutable once made; references are counted, and may be taken and given back by any thread. The
 * SOA's digest leaves its serial out. Names and contents are hashed with a key of their own, drawn
 * when the base is made and kept with it. */
#ifndef REEVE_ZONE_BASE_H
#define REEVE_ZONE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "zone/version.h"

struct base;

/* The digests of a zone as its file has it. */
struct base *base_make(const struct version *file);
struct base *base_hold(const struct base *b);
/* NULL is fine. */
void base_release(const struct base *b);
/* To release the last hold of it takes long: not for the reactor's thread. */
bool base_is_large(const struct base *b);

/* As bytes, malloc'd, for the change log; and back. ERR_INVALID: malformed. */
uint8_t *base_write(const struct base *b, size_t *len);
enum err base_read(const uint8_t *bytes, size_t len, struct base **out, struct diag *diag);

/* The file has some RRset at the name; NULL has none. Cheap: asked for each name of an UPDATE. */
bool base_has_name(const struct base *b, struct name owner);
bool base_has_rrset(const struct base *b, struct name owner, uint16_t type);

/* --- for merges --- */

/* What of an RRset is compared: its records in canonical form and its TTL. */
uint64_t base_digest(const struct base *b, struct rrset s);
/* The digest of one name's RRset as the file had it; false: it had none. b may be NULL here and
 * below. */
bool base_find(const struct base *b, struct name owner, struct rrset_id id, uint64_t *digest);
/* The serial that the file had; false: it had no SOA. */
bool base_serial(const struct base *b, uint32_t *serial);

#endif
