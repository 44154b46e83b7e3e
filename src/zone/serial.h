/* SPDX-License-Identifier: Apache-2.0
 * The serial of a zone that changes: always forward in the arithmetic of RFC 1982. */
#ifndef REEVE_ZONE_SERIAL_H
#define REEVE_ZONE_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "zone/txn.h"

/* clang-format off */
/*    name               text */
#define SERIAL_POLICY_LIST(X)                                                                      \
    X(SERIAL_INCREMENT,  "increment")                                                              \
    X(SERIAL_UNIXTIME,   "unixtime")                                                               \
    X(SERIAL_DATESERIAL, "dateserial")
/* clang-format on */

enum serial_policy {
#define X(name, text) name,
    SERIAL_POLICY_LIST(X)
#undef X
};

/* What follows `current`: the next number; the time in seconds, or YYYYMMDD00 (UTC), where that is
 * ahead of current, else the next number. Never 0: some secondaries take it for "none". */
uint32_t serial_next(uint32_t current, enum serial_policy policy, int64_t now_us);

/* Two SOAs' rdata with nothing different but the serial. */
bool soa_is_alike(struct rdata a, struct rdata b);
/* The SOA at the apex gets that serial and keeps all else. The zone has a SOA. */
void txn_set_serial(struct txn *t, uint32_t serial);
/* The serial as the txn would leave it; 0 without a SOA. */
uint32_t txn_serial(struct txn *t);

#endif
