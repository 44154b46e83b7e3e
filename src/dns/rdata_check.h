/* SPDX-License-Identifier: Apache-2.0
 * The column `check` of rrtype.tbl.h: what the fields of some types must satisfy together. Private
 * to dns/. */
#ifndef REEVE_DNS_RDATA_CHECK_H
#define REEVE_DNS_RDATA_CHECK_H

#include "base/attr.h"
#include "dns/rdata.h"

/* Each gets rdata whose fields are valid one by one, and says what is wrong as a static string, or
 * NULL. */
typedef const char *rdata_check_fn(struct rdata rd);

rdata_check_fn check_x25, check_key, check_gpos, check_naptr, check_ds, check_sshfp, check_cds,
    check_cdnskey;
rdata_check_fn check_nsec3, check_zonemd, check_uri, check_cla;

#endif
