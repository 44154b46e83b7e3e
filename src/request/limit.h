/* SPDX-License-Identifier: Apache-2.0
 * How many of something (connections, messages that wait) each client has: a table from client to
 * count that holds only clients with at least one.
 *
 * A client is an IPv4 address or an IPv6 /64, since one host has all the addresses of a /64 to
 * choose from. The table is keyed, so that nobody can pick addresses that collide. It has at most
 * as many entries as there are things counted. */
#ifndef REEVE_REQUEST_LIMIT_H
#define REEVE_REQUEST_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "request/request.h"

struct limit_slot {
    uint64_t prefix;
    uint32_t family;
    uint32_t count; /* 0: the slot is free */
};

struct limit {
    struct hash_key key;
    struct limit_slot *slots;
    size_t cap;  /* a power of two */
    size_t used; /* clients with a count */
};

void limit_init(struct limit *l, struct hash_key key);
void limit_done(struct limit *l);
/* Counts n (at least 1) more for the client; false, and nothing counted, when that would be more
 * than max. */
bool limit_take_many(struct limit *l, const union address *client, uint32_t n, uint32_t max);
/* Takes back n of what was counted. */
void limit_give_many(struct limit *l, const union address *client, uint32_t n);
/* The same for one. */
static inline bool limit_take(struct limit *l, const union address *client, uint32_t max)
{
    return limit_take_many(l, client, 1, max);
}
static inline void limit_give(struct limit *l, const union address *client)
{
    limit_give_many(l, client, 1);
}
uint32_t limit_count(const struct limit *l, const union address *client);

#endif
