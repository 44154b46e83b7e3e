/* SPDX-License-Identifier: Apache-2.0
 * Addresses to listen on: ADDRESS, ADDRESS@PORT, or a map that says the same. Numbers only; no name
 * is looked up. */
#ifndef REEVE_CONF_LISTEN_H
#define REEVE_CONF_LISTEN_H

#include "conf/fill.h"

/* The value of `listen`: one entry or a list. */
void listen_read(struct fill *f, const struct setting *s, const struct item *n);
/* One address into *out; a fault in any case but success, so it always says true: see value.c. */
bool listen_read_address(struct fill *f, const struct item *n, struct conf_listen *out);

/* An IPv4 or IPv6 address, the latter with %INTERFACE where it is link-local. False leaves *out
 * alone. */
bool listen_scan(const char *text, struct conf_listen *out);

#endif
