/* SPDX-License-Identifier: Apache-2.0
 * What a zone says of other servers: where it comes from, who may have it, who is told. */
#ifndef REEVE_CONF_REPLICATION_H
#define REEVE_CONF_REPLICATION_H

#include "conf/fill.h"

/* `transfer` and `wait-secondaries` as written, into the struct conf_zone whose members they are.
 * See value.c. */
bool replication_read_transfer(struct fill *f, const struct setting *s, const struct item *n,
                               void *member);
bool replication_read_wait(struct fill *f, const struct setting *s, const struct item *n,
                           void *member);
/* A zone whose map is read: is it primary or secondary, and may the rest of it stand beside that?
 */
void replication_check(struct fill *f, struct conf_zone *z);
/* Its remotes and rules from what was written, once all remotes and keys are known. */
void replication_build(struct fill *f, struct conf_zone *z);

#endif
