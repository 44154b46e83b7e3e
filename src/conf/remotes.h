/* SPDX-License-Identifier: Apache-2.0
 * Remotes: other servers, that zones refer to by name. */
#ifndef REEVE_CONF_REMOTES_H
#define REEVE_CONF_REMOTES_H

#include "conf/fill.h"

void remotes_read(struct fill *f, const struct item *n);
/* Their addresses and keys, once all keys are known. */
void remotes_build(struct fill *f);
/* The remote that is meant; NULL with a fault. */
const struct remote *remotes_refer(struct fill *f, const struct conf_text *written);

#endif
