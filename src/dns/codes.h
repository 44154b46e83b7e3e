/* SPDX-License-Identifier: Apache-2.0
 * The numbers of the protocol: opcodes, response codes, classes, header flags. RR types are in
 * dns/rrtype.h. */
#ifndef REEVE_DNS_CODES_H
#define REEVE_DNS_CODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* clang-format off */
/*        name       value   text (IANA) */
#define RCODE_LIST(X)                                                                              \
    X(NOERROR,   0,  "NOERROR")                                                                    \
    X(FORMERR,   1,  "FORMERR")                                                                    \
    X(SERVFAIL,  2,  "SERVFAIL")                                                                   \
    X(NXDOMAIN,  3,  "NXDOMAIN")                                                                   \
    X(NOTIMP,    4,  "NOTIMP")                                                                     \
    X(REFUSED,   5,  "REFUSED")                                                                    \
    X(YXDOMAIN,  6,  "YXDOMAIN")                                                                   \
    X(YXRRSET,   7,  "YXRRSET")                                                                    \
    X(NXRRSET,   8,  "NXRRSET")                                                                    \
    X(NOTAUTH,   9,  "NOTAUTH")                                                                    \
    X(NOTZONE,   10, "NOTZONE")                                                                    \
    X(BADVERS,   16, "BADVERS")                                                                    \
    X(BADKEY,    17, "BADKEY")                                                                     \
    X(BADTIME,   18, "BADTIME")                                                                    \
    X(BADTRUNC,  22, "BADTRUNC")                                                                   \
    X(BADCOOKIE, 23, "BADCOOKIE")
/* clang-format on */

/* clang-format off */
enum rcode {
#define X(name, value, text) name = value,
    RCODE_LIST(X)
#undef X
    BADSIG = 16 /* the TSIG error, RFC 8945 s5.3.2; BADVERS in an OPT */
};
/* clang-format on */

enum opcode {
    OPCODE_QUERY = 0,
    OPCODE_IQUERY = 1,
    OPCODE_STATUS = 2,
    OPCODE_NOTIFY = 4,
    OPCODE_UPDATE = 5,
    OPCODE_DSO = 6
};

enum dns_class { CLASS_IN = 1, CLASS_CH = 3, CLASS_HS = 4, CLASS_NONE = 254, CLASS_ANY = 255 };

/* Bits of the second header word; opcode and rcode are its fields. */
enum header_flag {
    FLAG_QR = 0x8000,
    FLAG_AA = 0x0400,
    FLAG_TC = 0x0200,
    FLAG_RD = 0x0100,
    FLAG_RA = 0x0080,
    FLAG_AD = 0x0020,
    FLAG_CD = 0x0010,
    FLAG_OPCODE_MASK = 0x7800,
    FLAG_RCODE_MASK = 0x000f
};

enum section {
    SECTION_QUESTION,
    SECTION_ANSWER,
    SECTION_AUTHORITY,
    SECTION_ADDITIONAL,
    SECTION_COUNT
};

#define DNS_HEADER_LEN  12
#define DNS_MESSAGE_MAX 65535
/* RFC 2181 s8: a TTL has 31 bits; larger ones are read as 0. */
#define TTL_MAX         0x7fffffffu

/* "NXDOMAIN", or "RCODE77" in the caller's 16 bytes. */
const char *rcode_text(unsigned rcode, char buf[16]);
/* "IN", or "CLASS77" (RFC 3597 s5) in the caller's 16 bytes. */
const char *class_text(uint16_t class, char buf[16]);
/* Mnemonic in either case, or CLASSnnn; false if it is neither. */
bool class_scan(const char *s, size_t len, uint16_t *out);

#endif
