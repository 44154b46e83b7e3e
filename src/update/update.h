/* SPDX-License-Identifier: Apache-2.0
 * Opcode UPDATE (RFC 2136 s3): from a request to changes in a txn, or to an rcode and no change.
 *
 * What is asked is checked in the RFC's order: prerequisites (s3.2), permission (s3.3), all updates
 * for their form (s3.4.1), then they are done (s3.4.2). Malformed rdata counts as a fault of form
 * of its record; an owner name that cannot be read is FORMERR before anything else. Anything but
 * NOERROR means that the caller aborts the txn. Zone section, authentication, commit and answer are
 * server/'s. The same code runs for `explain` and for dry runs.
 *
 * What is protected, ignored and limited shows only as the updates are done, so these refusals come
 * last. Limits look at what the whole update leaves: what was over a limit before and does not grow
 * is no breach.
 *
 * Cost: a few walks down the tree for each record of the message, and what there is at its name,
 * which is bounded for the whole message (limits.work), whatever the size of the zone, but for
 * max-records: what the grant covers is known, see quota.h, or is counted by a walk over
 * the zone. Zones with no more records than that are never counted.
 *
 * Leases (RFC 9664). Every record that an update adds, or would add if it were not there, gets the
 * lease that the client asks for, within what the grant has; who asks for none gets the grant's. An
 * addition with neither makes the record permanent, whatever lease it had: whoever wants a record
 * for a time only has to say so each time (s4.2). The lease that is granted is one for the whole
 * message, the shortest of all, since the answer can say but one (s7); KEY may have its own. The
 * SOA has none, and what the zone file has gets none where it is protected. A lease lets a record
 * go, so of a record that was there before, who may not delete it cannot make it end sooner. */
#ifndef REEVE_UPDATE_UPDATE_H
#define REEVE_UPDATE_UPDATE_H

#include "request/request.h"
#include "update/grant.h"
#include "update/lease.h"
#include "zone/serial.h"
#include "zone/txn.h"

struct base; /* zone/base.h */

/* What is looked at in a zone for an update is counted in records, which take some 10 ns each:
 * those of a name laid open to be changed, RRsets where only types matter. A name counts as
 * several. */
#define UPDATE_WORK_NAME       8

/* Bytes of memory that one UPDATE may make the zone take: a message that goes to and fro between
 * large names would write each of them again and again. */
#define UPDATE_BYTES_MAX       (256u << 20)
/* Names walked over to count what a grant without `counted` covers. */
#define UPDATE_COUNT_NAMES_MAX 100000

/* What one UPDATE may ask of a zone; named settings below server.limits, 0 is no limit. */
struct update_limits {
    uint32_t rrset_records;   /* records of one RRset after it */
    uint32_t name_records;    /* records of one name after it */
    uint32_t zone_records;    /* records of the zone after it */
    uint32_t message_records; /* records in prerequisite and update section */
    uint32_t work;            /* records of the zone that it has looked at */
};

/* The rules of one zone, shared by all its updates. */
struct update_rules {
    const struct grant *grants; /* in the order of the configuration */
    unsigned grant_count;
    /* names in it are the zone file's own (protect: file): they are not changed, nor hidden by a
     * new NS or DNAME above them; NULL: none */
    const struct base *protect;
    enum serial_policy serial;
    bool is_strict; /* what s3.4.2 ignores is refused instead */
    /* of the zone's records; NULL: none has one, and none that is not durable will */
    const struct lease_set *leases;
    const struct lease_set *coming; /* those that are not durable yet, which the tip has; or NULL */
    bool gives_leases;              /* some grant has one for who asks for none */
    struct update_limits limits;
};

/* Who asks. The operator is granted everything: grants, protection and limits are for peers. */
struct update_actor {
    const struct tsig_key *key; /* verified; NULL: unsigned */
    const struct peer *peer;    /* NULL: the operator through the control socket: everything is
                                   granted */
    /* only what would be is asked (explain): nothing is taken out of rates. An address of the
     * family AF_UNSPEC then means that it is not known. */
    bool is_asking;
    /* it goes on with another message in the same txn, which is not looked at as a whole before the
     * last: the serial is not moved yet, and whether anything is changed not said */
    bool goes_on;
};

/* What becomes of a record's lease. */
struct update_lease {
    struct name owner;
    uint16_t type;
    struct rdata rdata;
    uint32_t lease_s; /* from now on; 0: it is permanent */
};

/* What came of it, for the answer, the log and the change's row. */
struct update_report {
    enum rcode rcode;
    /* not NOERROR: why, in words ("www.example.com. A: not granted, closest rule updates[0]") */
    char reason[DIAG_TEXT_MAX];
    /* the record that decided it: first offending name and type; len 0: none */
    struct name_buf name;
    uint16_t type;
    enum grant_op op; /* refused by grants: what they were asked for; else 0 */
    int rule; /* refused: index of the grant that came closest, granted: the first used; -1 */
    uint32_t ignored;   /* operations that s3.4.2 silently ignores */
    uint64_t work;      /* records of the zone that were looked at */
    bool is_serial_set; /* the update moved the SOA itself */
    /* NOERROR: the txn differs from the tip, and its serial is ahead; if it does not, there is
     * nothing to commit but leases, and the caller aborts it */
    bool is_changed;
    /* NOERROR: in the order of the message; they live in q->arena. Permanent ones only where some
     * record of the zone may have a lease */
    const struct update_lease *leases;
    unsigned lease_count;
};

/* Runs q->msg, an UPDATE whose zone section names txn's zone and whose structure message_read() has
 * accepted. Memory comes from q->arena. The serial is moved (update_rules.serial) if something
 * changed and the update did not move it itself. The leases that q->edns asks for become those that
 * are granted. Gives report->rcode. */
enum rcode update_run(struct request *q, const struct update_rules *rules,
                      const struct update_actor *actor, struct txn *txn,
                      struct update_report *report);

/* The same in slices: of a message with thousands of records, or one that goes to and fro between
 * large names. */
struct update;
struct update_given {
    struct request *q;
    const struct update_rules *rules;
    const struct update_actor *actor;
    struct txn *txn;
    struct update_report *report;
};
/* Nothing is done yet. It lives in q->arena, as long as that is not reset; NULL: there is no
 * memory left. */
struct update *update_begin(const struct update_given *given);
/* Goes on for about so much work, in the unit of update_report.work. True: it is over, and the
 * verdict is in the report. The first call reads the message, which is not needed after it. From
 * call to call all that is given may have moved, with the same content; nobody else has changed
 * txn, the zone's tip, or the grants. */
bool update_some(struct update *u, const struct update_given *given, uint64_t budget);
/* Between two calls: the rules are others, and all begins anew, with another txn. */
void update_again(struct update *u, struct update_report *report);

#endif
