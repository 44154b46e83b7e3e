/* SPDX-License-Identifier: Apache-2.0
 * EDNS options. */
#include "conf/options.h"

#include "conf/fault.h"
#include "edns/cookiefile.h"

void options_build(struct fill *f)
{
    struct conf *c = f->conf;
    struct diag diag = {0};
    int64_t changed_us;
    if (c->cookie_secret_file &&
        cookiefile_read(c->cookie_secret_file, &c->cookie_secrets, &changed_us, &diag) != OK)
        fault_add(f->faults, c->origins[CONF_SET_cookie_secret_file].at, "%s", diag.text);
}
