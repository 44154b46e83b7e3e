/* SPDX-License-Identifier: Apache-2.0
 * Names inside the block of a zone: relative to it unless they end with a dot; `apex` and `@` are
 * the zone itself. */
#ifndef REEVE_CONF_NAMES_H
#define REEVE_CONF_NAMES_H

#include "conf/fill.h"

/* The name that is meant, inside the zone or not; a warning if it looks as if a final dot were
 * forgotten. False with a fault. */
bool names_read(struct fill *f, const struct conf_zone *z, const struct conf_text *written,
                struct name_buf *out);
/* The same for a name that must be in the zone. */
bool names_read_inside(struct fill *f, const struct conf_zone *z, const struct conf_text *written,
                       struct name_buf *out);
/* `any` or `*`: every name. */
bool names_is_any(const struct conf_text *written);

#endif
