/* SPDX-License-Identifier: Apache-2.0
 * What matching and showing a grant share. */
#ifndef REEVE_UPDATE_GRANT_INT_H
#define REEVE_UPDATE_GRANT_INT_H

#include "update/grant.h"

#define GRANT_CHALLENGE "\17_acme-challenge" /* as it stands on the wire */

/* The types that come with acme and dhcp; NULL for the others. */
void grant_preset_types(const struct grant *g, const uint16_t **types, unsigned *count);
/* The name whose challenge is granted with a name of the list. */
struct name grant_challenge_base(struct name listed);
/* As written, or the preset's; 0: no limit. */
uint32_t grant_ttl_max(const struct grant *g);
/* The sentence about a miss. */
void grant_show_miss(const struct grant *g, const struct grant_question *q, enum grant_miss miss,
                     struct text *why);

#endif
