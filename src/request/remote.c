/* SPDX-License-Identifier: Apache-2.0
 * Remotes. */
#include "request/remote.h"

#include "request/address.h"

bool remote_has_address(const struct remote *r, const union address *a)
{
    for (unsigned i = 0; i < r->address_count; i++)
        if (address_is_same_host(&r->addresses[i], a))
            return true;
    return false;
}
