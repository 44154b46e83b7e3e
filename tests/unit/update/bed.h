/* SPDX-License-Identifier: Apache-2.0
 * A zone to be updated, without a server: zones and updates from text, what is left as text. */
#ifndef REEVE_TESTS_UPDATE_BED_H
#define REEVE_TESTS_UPDATE_BED_H

#include "update/quota.h"
#include "zone/base.h"
#include "zone/zone.h"
#include "unit.h"

#define BED_ZONE   "example."
#define BED_NOW_US (INT64_C(1795644000) * 1000000)

struct bed {
    struct zone *zone;
    struct base *file; /* set by bed_protect() */
    struct arena arena;
    struct counters count;
    struct request q;
    struct keyring *ring;
    struct peer peer; /* 192.0.2.7 */
    struct update_rules rules;
    struct update_actor actor; /* the operator at first; bed_peer() makes it a peer */
    struct update_report report;
    bool keeps_back; /* what is sealed is not published: the change log has not spoken */
    uint8_t wire[DNS_MESSAGE_MAX];
    char text[1 << 16];
};

/* The zone example. from text in the syntax of zone files, its SOA and all. */
struct bed *bed_new(const char *zone);
void bed_free(struct bed *b);
/* The names and apex RRsets that are there now are the file's. */
void bed_protect(struct bed *b);
/* The actor is a peer that signs with the key of that name (NULL: does not sign), with these
 * grants. */
void bed_peer(struct bed *b, const char *key, const struct grant *grants, unsigned count);
struct name_buf bed_name(const char *text);

/* Runs an update of lines "p OWNER CLASS TTL TYPE [RDATA]" (prerequisite) and "u ..." (update);
 * owners are relative to the zone unless they end with a dot; "%0102" as RDATA is bytes as they
 * are. On NOERROR with changes it is published, else (or if only asked) aborted. Gives the rcode.
 */
enum rcode bed_update(struct bed *b, const char *lines);
/* What the server does with a change: the tip, and published. */
void bed_seal(struct bed *b, struct txn **t);
/* All records, a line each, in canonical order: "OWNER TTL TYPE RDATA". Until the next call. */
const char *bed_dump(struct bed *b);
/* What the dump of such a zone would be, malloc'd. */
char *bed_dump_of(const char *zone);

#endif
