/* SPDX-License-Identifier: Apache-2.0
 * enum rrtype: the numbers of the RR types, made from the rows of rrtype.tbl.h. */
#ifndef REEVE_DNS_RRTYPE_ENUM_H
#define REEVE_DNS_RRTYPE_ENUM_H

enum rrtype {
#define RR(id, mnemonic, code, flags, check, ...) TYPE_##id = code,
#include "dns/rrtype.tbl.h"
#undef RR
};

#endif
