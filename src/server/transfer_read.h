/* SPDX-License-Identifier: Apache-2.0
 * The steps of a zone's history that are not in memory any more: found and read by a helper, in
 * windows of bounded size, for one transfer.
 *
 * The first reading also decides whether the differences are worth sending: not if the serial is
 * unknown, nor if it went back since then or was had twice for that, nor if they are larger than
 * the zone (RFC 1995 s5), nor if one of them alone is more than we like to have in memory. Far
 * behind, or where they are larger than the zone, it tries to make one step of them all; where that
 * does not shorten them, they come in windows, or not at all. */
#ifndef REEVE_SERVER_TRANSFER_READ_H
#define REEVE_SERVER_TRANSFER_READ_H

#include "server/helpers.h"
#include "server/state.h"
#include "xfr/serials.h"
#include "xfr/step.h"

/* Bytes of steps read at once; the last one may go beyond. */
#define TRANSFER_WINDOW_BYTES   (512u << 10)
/* One step that is larger is not read into memory for each who asks: the whole zone costs none. */
#define TRANSFER_STEP_MAX       (32u << 20)
/* From so many steps or bytes on, or more bytes than the zone has, one step in their place is
 * tried... */
#define TRANSFER_CONDENSE_STEPS 4096
#define TRANSFER_CONDENSE_BYTES (1u << 20)
/* ...of no more bytes than that in all, some 150,000 updates of a record, which are read within a
 * second or two; in pieces of so many, between which others have their turn, each of which takes
 * some times that in memory. Kept if it has at most 1/that of the bytes of all, or of a piece,
 * since it has to wait in memory for its client, all of it; in place of the zone, if it is no
 * larger than that. */
#define TRANSFER_CONDENSE_ALL   (32u << 20)
#define TRANSFER_CONDENSE_MAX   (8u << 20)
#define TRANSFER_CONDENSE_SHARE 2
/* So many bytes of steps that are in memory are condensed at once, in a tenth of a millisecond: a
 * small zone is not to wait for what helpers read for others. */
#define TRANSFER_CONDENSE_HERE  (16u << 10)

/* Of the steps from the client's serial to ours, and of the zone. */
struct transfer_size {
    uint64_t steps, bytes, largest; /* largest: bytes of one of them */
    uint64_t zone_bytes;
};

/* What is made of them. */
enum transfer_form {
    TRANSFER_AS_MADE,
    TRANSFER_CONDENSED, /* one step in their place is tried */
    TRANSFER_WHOLE      /* they are larger than the zone, and no shorter form is looked for */
};
enum transfer_form transfer_form_of(const struct transfer_size *size);

enum transfer_read_end {
    TRANSFER_READ_MORE,    /* here are steps, others follow */
    TRANSFER_READ_LAST,    /* here are the last steps */
    TRANSFER_READ_AGAIN,   /* nothing yet: to be started again, with what is in `steps` */
    TRANSFER_READ_USELESS, /* the first reading: no answer is to be made of steps; diag says why */
    TRANSFER_READ_FAILED   /* diag says why */
};

struct transfer_read {
    struct job job;
    void (*over)(void *owner, struct transfer_read *r); /* on the reactor's thread */
    void (*drop)(struct transfer_read *r);              /* instead, when the helpers end */

    /* what is wanted */
    struct state *state;
    const atomic_bool *is_ending;
    atomic_bool is_unwanted; /* may be set while it is under way: it ends soon, with anything */
    struct name_buf zone;
    uint64_t log_id, until;     /* the change that led to serial_to */
    uint32_t serial, serial_to; /* serial: reached so far, at first the client's */
    uint64_t zone_bytes;        /* more of differences are useless */
    uint64_t unreadable;        /* a change that was found to be so: nothing over it is of use */
    struct xfr_steps held; /* all of them, from memory: only a condensed step is wanted; USELESS
                              where neither is sent */
    bool wants_trace;      /* the first reading: which serials the zone has had twice */
    unsigned backs;        /* struct server_zone's, when that was asked */

    /* what came of it; steps are the reader's until it takes them */
    enum transfer_read_end end;
    struct xfr_steps steps;
    bool is_condensed;
    bool is_traced;       /* it is known, as far as the history goes: */
    struct serials twice; /* those before the serial went back last; none: it never did */
    struct diag diag;

    /* its own */
    bool is_found, is_folding; /* is_folding: `steps` is one, of all that was read so far */
    uint64_t seq;              /* of the last change read */
    uint64_t window;
    struct transfer_size size;
    uint64_t seq_first; /* the client's, */
    uint32_t serial_first;
};

/* Has the next window read. */
void transfer_read_start(struct transfer_read *r, struct helpers *helpers);
/* The same at once, with what is in `held`; over() is not called. */
void transfer_read_here(struct transfer_read *r);
/* Releases steps that nobody has taken. Not while one is under way. */
void transfer_read_done(struct transfer_read *r);

#endif
