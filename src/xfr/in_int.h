/* SPDX-License-Identifier: Apache-2.0
 * The insides of an incoming transfer: in.c reads messages, in_record.c is the grammar of their
 * records. */
#ifndef REEVE_XFR_IN_INT_H
#define REEVE_XFR_IN_INT_H

#include "base/hash.h"
#include "xfr/in.h"
#include "zone/txn.h"

/* What the next record may be. */
enum xfr_in_state {
    XFR_IN_STATE_FIRST,   /* the newest SOA */
    XFR_IN_STATE_SECOND,  /* the record that tells a zone from differences */
    XFR_IN_STATE_WHOLE,   /* a record of the zone, or the closing SOA */
    XFR_IN_STATE_GATHER,  /* the same, kept to be added at the end, name by name */
    XFR_IN_STATE_REMOVED, /* a record removed, or the SOA that the added ones follow */
    XFR_IN_STATE_ADDED,   /* a record added, or the SOA of the next step, or the closing one */
    XFR_IN_STATE_ENDED    /* nothing more, whatever the end was like */
};

/* Records of a zone that are read before they are added, so that the tree can be warmed for them.
 */
#define XFR_IN_BATCH_MAX TXN_WARM_MAX

#define XFR_IN_SOA_MAX   (2 * NAME_LEN_MAX + 20)

struct xfr_in {
    struct xfr_in_order order; /* its name is in `apex` */
    struct name_buf apex;
    struct tsig_session tsig;
    enum xfr_in_state state;
    struct xfr_in_count count;
    unsigned empty_run; /* messages without an answer, in a row */
    enum rcode rcode;
    bool has_expire, has_more, wants_plain, is_too_large;
    uint32_t expire;

    /* the first record: what all of it leads to */
    uint8_t soa_bytes[XFR_IN_SOA_MAX];
    struct rdata soa;
    uint32_t soa_ttl, serial;

    struct zone *zone; /* being built; NULL: none */
    struct txn *txn;

    struct xfr_steps steps; /* those that are complete */
    struct hash_key key;    /* of names that are gathered: their order is nobody's choice */
    struct xfr_in_step {    /* the one that comes in, or what is gathered (added_count records) */
        uint8_t *bytes;
        size_t len, cap, added_at;
        uint32_t removed_count, added_count, serial_from, serial_to;
        bool is_newest; /* its new SOA is the first record's */
    } step;

    struct xfr_in_batch { /* not cleared: a piece of its own */
        unsigned count, owners;
        struct rr rr[XFR_IN_BATCH_MAX];
        struct name owner[XFR_IN_BATCH_MAX]; /* of those, in a row only once */
        struct name_buf name[XFR_IN_BATCH_MAX];
        uint8_t rdata[2 * RDATA_LEN_MAX]; /* of those, or of the one record in hand */
    } * batch;
};

/* The sentence, as in printf; gives XFR_IN_BAD. */
enum xfr_in_next xfr_in_breach(struct diag *diag, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* The next record, in stored form, with an owner in the zone and of a type and class that a zone
 * can have; a SOA's owner is the apex. XFR_IN_WHOLE and XFR_IN_STEPS: it was the closing one. */
enum xfr_in_next xfr_in_record(struct xfr_in *x, const struct rr *rr, struct diag *diag);

#endif
