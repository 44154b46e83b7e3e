/* SPDX-License-Identifier: Apache-2.0
 * The net of many changes: what differs in the end, with what was done and undone in between left
 * out.
 *
 * Diffs are added in the order they were made (or in any other: records only count up and down).
 * Memory follows the net, not what was added: what cancels out goes as it comes. Names in rdata
 * that differ in case only are a difference, as in struct diff, so that a net can be applied, and
 * undone, byte for byte. A SOA of which nothing but the serial has moved is none. */
#ifndef REEVE_ZONE_NET_H
#define REEVE_ZONE_NET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "dns/rr.h"
#include "zone/txn.h"

struct net;

struct net *net_new(struct name zone, uint16_t class);
/* NULL is fine. */
void net_free(struct net *n);

/* tag: the caller's, of this change; net_get() gives that of the last one that decided a record.
 * ERR_INVALID: the bytes are malformed; the net is good for net_free() only. */
enum err net_add(struct net *n, const struct diff_bytes *d, uint32_t tag, struct diag *diag);
/* RRsets that this change touches are left out of the net, whatever else is done to them. */
enum err net_leave_out(struct net *n, const struct diff_bytes *d, struct diag *diag);
/* What leads from one version to another, which may be of another zone of that name. */
void net_add_versions(struct net *n, const struct version *from, const struct version *to);
enum net_direction { NET_FORTH, NET_BACK }; /* BACK: what undoes it, removed and added exchanged */
/* Makes it ready to be read, in that direction; nothing is added after it. Records stand in
 * canonical order of their owners; of each RRset those removed come first. */
void net_settle(struct net *n, enum net_direction direction);

enum net_way { NET_REMOVED, NET_ADDED };

size_t net_count(const struct net *n);
/* RRsets of which there would be something, if they were not left out. */
size_t net_left_out(const struct net *n);
/* The i-th record; a view that lives as long as the net. tag may be NULL. */
enum net_way net_get(const struct net *n, size_t i, struct rr *out, uint32_t *tag);
/* As a diff for txn_apply(), malloc'd. */
uint8_t *net_write(const struct net *n, struct diff_bytes *out);

#endif
