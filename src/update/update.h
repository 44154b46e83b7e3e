/* SPDX-License-Identifier: Apache-2.0
 * Opcode UPDATE (RFC 2136 s3): from a request to changes in a txn, or to an rcode and no change.
 *
 * What is asked is checked in the RFC's order: prerequisites (s3.2), permission (s3.3), all updates
 * for their form (s3.4.1), then they are done (s3.4.2). Anything but NOERROR means that the caller
 * aborts the txn. Zone section, authentication, commit and answer are server/'s. The same code runs
 * for `explain` and for dry runs. */
#ifndef REEVE_UPDATE_UPDATE_H
#define REEVE_UPDATE_UPDATE_H

#include "request/request.h"
#include "update/grant.h"
#include "zone/serial.h"
#include "zone/txn.h"

struct base; /* zone/base.h */

/* What one UPDATE may ask of a zone; named settings below server.limits, 0 is no limit. */
struct update_limits {
    uint32_t rrset_records;   /* records of one RRset after it */
    uint32_t name_records;    /* records of one name after it */
    uint32_t zone_records;    /* records of the zone after it */
    uint32_t message_records; /* records in prerequisite and update section */
};

/* The rules of one zone, shared by all its updates. */
struct update_rules {
    const struct grant *grants; /* in the order of the configuration */
    unsigned grant_count;
    const struct base
        *protect; /* names in it are the zone file's own (protect: file); NULL: none */
    enum serial_policy serial;
    bool is_strict; /* what s3.4.2 ignores is refused instead */
    struct update_limits limits;
};

/* Who asks. */
struct update_actor {
    const struct tsig_key *key; /* verified; NULL: unsigned */
    const struct peer *peer;    /* NULL: the operator through the control socket: everything is
                                   granted */
};

/* What came of it, for the answer, the log and the change's row. */
struct update_report {
    enum rcode rcode;
    /* not NOERROR: why, in words ("www.example.com. A: not granted, closest rule updates[0]") */
    char reason[DIAG_TEXT_MAX];
    /* the record that decided it: first offending name and type; len 0: none */
    struct name_buf name;
    uint16_t type;
    int rule; /* refused: index of the grant that came closest, granted: the first used; -1 */
    uint32_t ignored;   /* operations that s3.4.2 silently ignores */
    bool is_serial_set; /* the update moved the SOA itself */
};

/* Runs q->msg, an UPDATE whose zone section names txn's zone and whose structure message_read() has
 * accepted. Memory comes from q->arena. The serial is moved (update_rules.serial) if something
 * changed and the update did not move it itself. Gives report->rcode. */
enum rcode update_run(struct request *q, const struct update_rules *rules,
                      const struct update_actor *actor, struct txn *txn,
                      struct update_report *report);

#endif
