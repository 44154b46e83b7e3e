/* SPDX-License-Identifier: Apache-2.0
 * Keys: the map of them, those that are kept in the state directory, and the keyring of both.
 *
 * `reevectl key` keeps keys as STATE-DIR/keys/NAME.key, named and written as tsig/keyfile.h says.
 * One that was revoked can still be referred to, so that what is granted to it is no fault. */
#ifndef REEVE_CONF_KEYS_H
#define REEVE_CONF_KEYS_H

#include "conf/fill.h"

void keys_read(struct fill *f, const struct item *n);
/* Once all is read: looks for the kept ones, and fills the keyring. The secrets may be wiped after
 * it. */
void keys_build(struct fill *f);
/* The name of the key that is meant, in *out; false with a fault if there is none such. */
bool keys_refer(struct fill *f, const struct conf_text *written, struct name_buf *out);

#endif
