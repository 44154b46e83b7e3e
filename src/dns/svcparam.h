/* SPDX-License-Identifier: Apache-2.0
 * The keys of SVCB's parameters (RFC 9460 s14.3.2) that have a form of their own. Private to dns/.
 *
 * A value's text is decoded twice: escapes of RFC 1035 first, and in lists a comma or backslash may
 * have a backslash before it that is left over from that (appendix A.1). */
#ifndef REEVE_DNS_SVCPARAM_H
#define REEVE_DNS_SVCPARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "base/wire.h"

enum svc_key {
    SVC_MANDATORY = 0,
    SVC_ALPN = 1,
    SVC_NO_DEFAULT_ALPN = 2,
    SVC_PORT = 3,
    SVC_IPV4HINT = 4,
    SVC_ECH = 5,
    SVC_IPV6HINT = 6,
    SVC_DOHPATH = 7,
    SVC_OHTTP = 8,
    SVC_GROUPS = 9,
    SVC_INVALID = 65535 /* s14.3.2 */
};

/* The text of a value, escapes still in it. */
struct svcvalue {
    const char *at, *end;
};

/* One row per key that has a form of its own; other keys have any bytes as value. */
struct svcparam {
    uint16_t key;
    const char *name;
    const char *(*check)(struct rd *v);               /* NULL, or what is wrong */
    bool (*scan)(struct svcvalue *v, struct wr *out); /* false: not of the key's form */
    void (*show)(struct rd *v, struct text *t);       /* "=" included */
};

/* NULL: the key has none. */
const struct svcparam *svcparam_find(unsigned key);
/* A name of the table, or keyNNNNN without leading zeros (s2.1), where *generic is set and the
 * value is any bytes. */
bool svcparam_scan_key(const char *s, size_t len, uint16_t *out, bool *generic);
void svcparam_show_key(unsigned key, struct text *t);
/* A value of any bytes. */
bool svcparam_scan_raw(struct svcvalue *v, struct wr *out);
void svcparam_show_raw(struct rd *v, struct text *t);

#endif
