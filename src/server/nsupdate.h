/* SPDX-License-Identifier: Apache-2.0
 * What nsupdate reads, as UPDATE messages (RFC 2136 s2): the operator's updates, and what `explain`
 * asks.
 *
 * One text is one transaction about one zone. Its prerequisites all go first, whatever stands
 * between them; `send` therefore sends nothing, and a prerequisite behind one is a fault. The
 * messages are to be run one after the other in one txn; each is short enough for one turn of the
 * reactor, but for records that are long in themselves.
 *
 * As in nsupdate: one command a line, `update` and `prereq` may be left out, ";" begins a comment,
 * names in rdata are absolute with or without a final dot. More than nsupdate: an owner without a
 * final dot that is not in the zone is relative to it; `origin` sets what both are relative to;
 * parentheses go on over lines. */
#ifndef REEVE_SERVER_NSUPDATE_H
#define REEVE_SERVER_NSUPDATE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "dns/name.h"

/* Where a message is closed and the next begun: about 0.2 ms of work, and four of them are done in
 * a turn. */
#define NSUPDATE_PART_RECORDS 128
#define NSUPDATE_PART_BYTES   16384
/* Bytes of all messages: a line of six bytes may become a record of 270. */
#define NSUPDATE_BYTES_MAX    ((size_t)256 << 20)

struct nsupdate_part {
    uint8_t *wire;
    uint32_t len, cap;
    uint16_t prereqs, updates; /* records in these sections */
};

struct nsupdate {
    struct nsupdate_part *part; /* the first has all prerequisites */
    unsigned count, cap;
    uint64_t prereqs, updates;
};

struct nsupdate_options {
    struct name zone;
    const atomic_bool *is_canceled; /* looked at now and then; NULL: never */
};

/* ERR_SYNTAX, ERR_LIMIT: a sentence with the line; ERR_CANCELED. *out is written in any case. */
enum err nsupdate_read(const char *text, size_t len, const struct nsupdate_options *options,
                       struct nsupdate *out, struct diag *diag);
void nsupdate_done(struct nsupdate *n);

#endif
