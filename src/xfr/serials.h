/* SPDX-License-Identifier: Apache-2.0
 * A set of serials in little space: it has every one that was added, and perhaps some between them.
 *
 * Serials that went up one by one are one range. Where there are too many ranges, the two that have
 * the least between them become one. Ranges may go around the end of the numbers (RFC 1982). */
#ifndef REEVE_XFR_SERIALS_H
#define REEVE_XFR_SERIALS_H

#include <stdbool.h>
#include <stdint.h>

#define SERIALS_RANGES 8

struct serial_range {
    uint32_t from, to; /* inclusive */
};

/* All zero is empty. */
struct serials {
    unsigned count;
    struct serial_range range[SERIALS_RANGES];
};

/* Those from `from` on, upwards, to `to`; alone, if they are the same. */
void serials_add(struct serials *s, uint32_t from, uint32_t to);
void serials_add_all(struct serials *s, const struct serials *others);
bool serials_has(const struct serials *s, uint32_t serial);

#endif
