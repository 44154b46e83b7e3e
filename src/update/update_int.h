/* SPDX-License-Identifier: Apache-2.0
 * What the steps of an UPDATE share. Each step gives the rcode with which the update ends, NOERROR
 * to go on; what it says about a failure is in the report already. */
#ifndef REEVE_UPDATE_UPDATE_INT_H
#define REEVE_UPDATE_UPDATE_INT_H

#include "base/attr.h"
#include "update/update.h"
#include "zone/zone.h"

struct update;
struct item;

enum clause_class { CLASS_IS_ZONE, CLASS_IS_ANY, CLASS_IS_NONE };
enum clause_type { TYPE_IS_DATA, TYPE_IS_ANY };
enum clause_form { RDATA_EMPTY = 1, RDATA_VALID = 2, TTL_ZERO = 4 };

/* One row of RFC 2136 s3.2.4 or s3.4.2.6. */
struct clause {
    const char *name;
    enum clause_class class;
    enum clause_type type;
    unsigned form; /* of enum clause_form; violated: FORMERR */
    enum rcode (*run)(struct update *u, struct item *item);
};

/* A record of the message. */
struct item {
    struct rr rr;
    bool is_malformed;           /* its rdata is not that of its type */
    bool is_done;                /* an addition that changed the zone */
    bool was_there;              /* an addition: the record was there before it */
    int rule;                    /* of the grant that allows it; -1 */
    const struct clause *clause; /* NULL: none fits */
};

struct items {
    struct item *at;
    unsigned count;
};

/* Reader of one section and where its rdata goes. */
struct reading {
    struct rr_reader reader;
    struct wr room;
};

/* The leases that the client is granted, in seconds; 0: it has not asked. */
struct granted {
    uint32_t lease_s, key_lease_s;
};

struct update {
    struct request *q;
    const struct update_rules *rules;
    const struct update_actor *actor;
    struct txn *txn;
    struct update_report *report;
    const struct zone *zone;
    struct name apex;
    struct items prereqs, ops;

    size_t step; /* the one at hand, and how far it is: */
    bool is_begun;
    unsigned at;            /* the next of its records */
    struct reading reading; /* of its section */
    struct item **sorted;   /* records of rrset-equals, see prereq.c */
    size_t sorted_count, heap, compared;
    bool *is_used;           /* grants that allow something of it */
    bool by_record;          /* some grant looks at addresses */
    const struct item *last; /* that was held against the limits */
    struct quota *quota;     /* NULL: there is no max-records to be looked at */
    struct granted granted;
    struct update_lease *leases; /* NULL: none are in play */
    uint64_t spent;              /* of the slice, beside what the table in update.c has */
};

/* --- update.c --- */

/* Puts down why the update ends, about that item (may be NULL), and gives back rcode. The sentence
 * has the item's name and type in front. */
enum rcode update_say(struct update *u, enum rcode rcode, const struct item *item, const char *fmt,
                      ...) ATTR_PRINTF(4, 5);
/* So many more records of the zone are looked at for the item. Not NOERROR: too many for one
 * update. */
enum rcode update_work(struct update *u, const struct item *item, uint64_t records);
/* Memory of the request; NULL: there is none left, and that is in the report. */
void *update_alloc(struct update *u, size_t len);
/* The operator's own updates know no grants, no protection and no limits. */
static inline bool update_is_peers(const struct update *u)
{
    return u->actor->peer != NULL;
}
static inline bool update_at_apex(const struct update *u, struct name owner)
{
    return owner.len == u->apex.len;
}

/* --- items.c --- */

/* Before the records of a section are read, one by one and in order. */
enum rcode prereqs_start(struct update *u);
enum rcode ops_start(struct update *u);
enum rcode prereq_read(struct update *u, struct item *item);
enum rcode op_read(struct update *u, struct item *item);
/* The clause of the table that class and type select, or NULL. */
const struct clause *clause_find(const struct update *u, const struct clause *table, size_t count,
                                 const struct rr *rr);
/* What is wrong with the form of an item that has a clause: a sentence, or NULL. */
const char *clause_fault(const struct clause *c, const struct item *item);

/* --- the steps, see the table in update.c --- */

enum rcode prereq_check(struct update *u, struct item *item);
enum rcode prereqs_collect(struct update *u);
enum rcode prereq_collect(struct update *u, struct item *item);
enum rcode prereq_sort(struct update *u, struct item *item);
enum rcode prereq_compare(struct update *u, struct item *item);
const struct clause *op_clause(const struct update *u, const struct rr *rr);
/* NOERROR, NOTZONE or FORMERR: s3.4.1.3 for one item, with the sentence to *why. */
enum rcode op_fault(const struct update *u, const struct item *item, const char **why);
bool op_is_delete_name(const struct item *item);
bool op_is_add(const struct item *item);
enum rcode ops_permit(struct update *u);
enum rcode op_permit(struct update *u, struct item *item);
enum rcode ops_take_rates(struct update *u);
enum rcode op_prescan(struct update *u, struct item *item);
enum rcode op_run(struct update *u, struct item *item);
enum rcode op_limit(struct update *u, struct item *item);
enum rcode ops_limit(struct update *u);
/* quota.c: max-records of all grants. */
enum rcode quota_start(struct update *u);
enum rcode quota_look(struct update *u, struct item *item);
enum rcode quota_check(struct update *u);
/* leasing.c: which records get which lease. */
enum rcode ops_lease(struct update *u);
enum rcode op_lease(struct update *u, struct item *item);
/* The zone file's own, which updates do not change. */
bool op_is_protected(const struct update *u, struct name owner, uint16_t type);
/* The question that a grant is asked about an owner and type. */
struct grant_question update_question(const struct update *u, enum grant_op op, struct name owner,
                                      uint16_t type);

#endif
