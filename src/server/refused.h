/* SPDX-License-Identifier: Apache-2.0
 * The last refusals, for `reevectl refused`: a ring of fixed size. */
#ifndef REEVE_SERVER_REFUSED_H
#define REEVE_SERVER_REFUSED_H

#include "base/err.h"
#include "request/address.h"
#include "request/request.h"

#define REFUSED_MAX 256

struct refusal {
    int64_t now_us;
    union address from;
    enum transport transport;
    struct name_buf key;  /* len 0: unsigned */
    struct name_buf zone; /* len 0: none of ours */
    struct name_buf name; /* of the record that decided it; len 0: none */
    uint16_t type;
    enum opcode opcode;
    uint16_t rcode;
    uint16_t error; /* of the TSIG */
    char reason[DIAG_TEXT_MAX];
};

struct refused {
    uint64_t count; /* ever */
    struct refusal ring[REFUSED_MAX];
};

/* The place of the next refusal, counted and to be filled whole. */
struct refusal *refused_next(struct refused *r);
/* The i-th newest, from 0; NULL: there are no more. */
const struct refusal *refused_at(const struct refused *r, unsigned i);

#endif
