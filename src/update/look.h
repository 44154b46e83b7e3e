/* SPDX-License-Identifier: Apache-2.0
 * Looking at a name that lies open in a txn (txn_look()): what is there, by binary search. */
#ifndef REEVE_UPDATE_LOOK_H
#define REEVE_UPDATE_LOOK_H

#include "zone/edit.h"

/* Entries [from, to); empty where from == to. */
struct look_range {
    uint32_t from, to;
};

/* The RRset of that type, which is not RRSIG. */
struct look_range look_rrset(const struct edit *e, uint16_t type);
/* Some record of that type, RRSIG as well. */
bool look_has(const struct edit *e, uint16_t type);
/* Something that a CNAME may not stand beside: neither CNAME nor made by signing. */
bool look_has_other_data(const struct edit *e);
/* The equal record (rdata_compare() == 0), or NULL. */
const struct edit_entry *look_record(const struct edit *e, uint16_t type, struct rdata rdata);
/* A WKS record for the same address and protocol that is another record, or NULL. */
const struct edit_entry *look_service(const struct edit *e, struct rdata wks);
/* The record there takes the place of the other one of its type: s3.4.2.2 for CNAME and DNAME,
 * s1.1.5 for a WKS of the same address and protocol. A SOA is no such record: it has no other way
 * to change than this. False where both are equal. */
bool look_replaces(const struct rr *added, struct rdata old);
/* Some record of that type may: look_replaces() is worth asking. */
bool look_may_replace(uint16_t type);
/* What txn_look() is to be asked for where the record lies: NSEC3 and its RRSIGs lie apart. */
uint16_t look_type(const struct rr *rr);

#endif
