/* SPDX-License-Identifier: Apache-2.0
 * A diff (zone/txn.h) as text, a slice at a time: "- www 300 A 192.0.2.1", "+ www 60 A 192.0.2.2",
 * owners relative to the zone, "@" its apex. A SOA of which only the serial moved is left out. */
#ifndef REEVE_SERVER_CONTROL_DIFF_H
#define REEVE_SERVER_CONTROL_DIFF_H

#include "base/wire.h"
#include "dns/name.h"
#include "zone/txn.h"

/* Views of the diff's bytes and the zone's name, which stay as long as it. */
struct control_diff {
    struct rd removed, added;
    struct name zone;
    char *text;
    size_t cap;
};

/* Does the diff move the serial of the SOA and nothing else of it? */
bool control_diff_is_serial_only(const struct diff *diff);
/* The bytes are valid, as those of a txn's diff are. */
void control_diff_init(struct control_diff *d, const struct diff *diff, struct name zone);
/* All zero counts as over. */
bool control_diff_is_over(const struct control_diff *d);
/* The next lines, about CONTROL_SLICE_LEN bytes of them; until the next call. */
const char *control_diff_some(struct control_diff *d);
void control_diff_done(struct control_diff *d);

#endif
