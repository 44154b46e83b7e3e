/* SPDX-License-Identifier: Apache-2.0
 * A request as bytes: one flat JSON object. */
#ifndef REEVE_SERVER_CONTROL_FRAME_H
#define REEVE_SERVER_CONTROL_FRAME_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

/* An object, and lists in it. Checked before the parser sees it, which goes down a call for each.
 */
#define CONTROL_DEPTH_MAX 2
/* Values in all: each costs the parser an allocation. */
#define CONTROL_ITEMS_MAX 4096

/* OK: *out is an object without duplicate keys, the caller's. Otherwise a sentence. */
enum err control_frame_read(const char *line, size_t len, json_t **out, struct diag *diag);

#endif
