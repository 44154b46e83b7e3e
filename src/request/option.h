/* SPDX-License-Identifier: Apache-2.0
 * The EDNS options that are known here, one row each: edns/ makes its table from the rows, struct
 * edns has a bit for each, and each has a counter.
 *
 * The order is that of the answer's OPT; where there is little room, what comes first is kept: what
 * the client has to know, and the error, stand before what can be done without. An option whose row
 * says ALWAYS is in answers though the request had none; the others answer one, or (error)
 * something that was decided. */
#ifndef REEVE_REQUEST_OPTION_H
#define REEVE_REQUEST_OPTION_H

/* clang-format off */
/*       name             code  in answers  its name in the RFC */
#define EDNS_OPTION_LIST(ROW, X)                                                                   \
    ROW(X, cookie,          10, ASKED,      "COOKIE, RFC 7873")                                    \
    ROW(X, lease,            2, ASKED,      "Update Lease, RFC 9664")                              \
    ROW(X, error,           15, ASKED,      "Extended DNS Error, RFC 8914")                        \
    ROW(X, keepalive,       11, ASKED,      "edns-tcp-keepalive, RFC 7828")                        \
    ROW(X, nsid,             3, ASKED,      "NSID, RFC 5001")                                      \
    ROW(X, expire,           9, ASKED,      "EXPIRE, RFC 7314")                                    \
    ROW(X, subnet,           8, ASKED,      "Client Subnet, RFC 7871")                             \
    ROW(X, zoneversion,     19, ASKED,      "ZONEVERSION, RFC 9660")                               \
    ROW(X, report,          18, ALWAYS,     "Report-Channel, RFC 9567")                            \
    ROW(X, padding,         12, ASKED,      "Padding, RFC 7830")
/* clang-format on */

/* The bit of each in struct edns. */
enum edns_row {
#define ROW(X, name, code, how, text) EDNS_ROW_##name,
    EDNS_OPTION_LIST(ROW, )
#undef ROW
        EDNS_ROW_COUNT
};

_Static_assert(EDNS_ROW_COUNT <= 32, "struct edns has one bit for each option");

#endif
