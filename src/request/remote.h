/* SPDX-License-Identifier: Apache-2.0
 * Another server, as `remotes` of the configuration has it: a primary of ours or a secondary. */
#ifndef REEVE_REQUEST_REMOTE_H
#define REEVE_REQUEST_REMOTE_H

#include "request/request.h"

struct remote {
    const char *text;               /* its name, as written */
    const union address *addresses; /* in the order they are tried */
    unsigned address_count;         /* at least 1 */
    union address source;           /* where we ask from; family AF_UNSPEC: the system chooses */
    struct name_buf key;            /* in lower case, as in the keyring; len 0: unsigned */
};

/* Is that address, whatever the port, one of the remote's? */
bool remote_has_address(const struct remote *r, const union address *a);

#endif
