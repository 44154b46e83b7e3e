/* SPDX-License-Identifier: Apache-2.0
 * The store: all zones that we serve, found by longest match (RFC 1034 s4.3.2 step 2).
 *
 * Holds entries, not zones: an entry stays while its zone is loaded anew or has no data yet. Used
 * by the reactor's thread only. */
#ifndef REEVE_ZONE_STORE_H
#define REEVE_ZONE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/hash.h"
#include "zone/zone.h"

struct store_entry {
    struct name_buf name;
    struct zone *zone;  /* NULL: configured but never loaded: SERVFAIL */
    void *owner;        /* server/'s record of this zone */
    bool is_expired;    /* a secondary whose data is too old (RFC 1034 s4.3.5): SERVFAIL */
    int64_t expires_us; /* wall clock: when a secondary's data will be; INT64_MAX: never */
};

struct store {
    struct hash_key key;
    struct store_entry **slots; /* open addressing */
    size_t cap, count;
    unsigned labels_count[128]; /* entries by number of labels: which depths are worth a look */
};

void store_init(struct store *s, struct hash_key key);
/* Frees the table and the entries, not their zones. */
void store_done(struct store *s);

/* The entry for exactly that name; NULL: none. */
struct store_entry *store_get(const struct store *s, struct name name);
/* The entry with the longest name that n is at or under; NULL: none. */
struct store_entry *store_find(const struct store *s, struct name n);
/* The same, but only names strictly above n: who is asked for DS (RFC 4035 s3.1.4.1). */
struct store_entry *store_find_above(const struct store *s, struct name n);

/* A new entry without zone; the name is not there yet. */
struct store_entry *store_add(struct store *s, struct name name);
/* Takes the entry out and frees it (not its zone). */
void store_remove(struct store *s, struct store_entry *e);

#define STORE_EACH(e, store)                              \
    for (size_t e##_i = 0; e##_i < (store)->cap; e##_i++) \
        for (struct store_entry *e = (store)->slots[e##_i]; e; e = NULL)

#endif
