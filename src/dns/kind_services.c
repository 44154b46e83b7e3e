/* SPDX-License-Identifier: Apache-2.0
 * WKS (RFC 1035 s3.4.2): a protocol, and a bitmap of its ports. Names are read and numbers are
 * shown. */
#include <string.h>

#include "base/digits.h"
#include "dns/kind.h"

#define PORT_BYTES 8192 /* of 65536 ports */

enum err kind_protocol_scan(struct scan *s)
{
    static const char expected[] = "tcp, udp or a protocol's number";
    static const struct mnemonic rows[] = {{"icmp", 1}, {"igmp", 2}, {"ggp", 3},  {"tcp", 6},
                                           {"egp", 8},  {"pup", 12}, {"udp", 17}, {NULL, 0}};
    uint64_t v;
    enum err e = kind_word(s, expected);
    if (e != OK)
        return e;
    const struct mnemonic *row = kind_mnemonic_find(rows, s->tok.s, s->tok.len);
    if (row)
        v = row->value;
    else if (!digits_u64(s->tok.s, s->tok.len, UINT8_MAX, &v))
        return kind_fail(s, expected);
    wr_u8(s->out, (uint8_t)v);
    return OK;
}

/* The services of RFC 1010 that have one port for TCP and UDP, and their common names. */
static const struct mnemonic services[] = {
    {"rje", 5},
    {"echo", 7},
    {"discard", 9},
    {"users", 11},
    {"systat", 11},
    {"daytime", 13},
    {"netstat", 15},
    {"quote", 17},
    {"qotd", 17},
    {"chargen", 19},
    {"ftp-data", 20},
    {"ftp", 21},
    {"ssh", 22},
    {"telnet", 23},
    {"smtp", 25},
    {"nsw-fe", 27},
    {"msg-icp", 29},
    {"msg-auth", 31},
    {"dsp", 33},
    {"time", 37},
    {"rlp", 39},
    {"graphics", 41},
    {"nameserver", 42},
    {"nicname", 43},
    {"whois", 43},
    {"mpm-flags", 44},
    {"mpm", 45},
    {"mpm-snd", 46},
    {"ni-ftp", 47},
    {"login", 49},
    {"tacacs", 49},
    {"la-maint", 51},
    {"domain", 53},
    {"isi-gl", 55},
    {"ni-mail", 61},
    {"via-ftp", 63},
    {"tacacs-ds", 65},
    {"bootps", 67},
    {"bootpc", 68},
    {"tftp", 69},
    {"gopher", 70},
    {"netrjs-1", 71},
    {"netrjs-2", 72},
    {"netrjs-3", 73},
    {"netrjs-4", 74},
    {"finger", 79},
    {"http", 80},
    {"hosts2-ns", 81},
    {"mit-ml-dev", 83},
    {"su-mit-tg", 89},
    {"mit-dov", 91},
    {"kerberos", 88},
    {"dcp", 93},
    {"supdup", 95},
    {"hostname", 101},
    {"hostnames", 101},
    {"iso-tsap", 102},
    {"x400", 103},
    {"x400-snd", 104},
    {"csnet-ns", 105},
    {"pop", 109},
    {"pop2", 109},
    {"pop3", 110},
    {"sunrpc", 111},
    {"auth", 113},
    {"sftp", 115},
    {"uucp-path", 117},
    {"nntp", 119},
    {"erpc", 121},
    {"ntp", 123},
    {"locus-map", 125},
    {"locus-con", 127},
    {"pwdgen", 129},
    {"cisco-fna", 130},
    {"profile", 136},
    {"netbios-ns", 137},
    {"netbios-dgm", 138},
    {"netbios-ssn", 139},
    {"imap", 143},
    {"imap2", 143},
    {"snmp", 161},
    {"snmp-trap", 162},
    {"bgp", 179},
    {"irc", 194},
    {"ldap", 389},
    {"https", 443},
    {"imaps", 993},
    {"pop3s", 995},
    {NULL, 0},
};

const char *kind_services_span(struct rd *r)
{
    if (rd_left(r) > PORT_BYTES)
        return "port bitmap is longer than 8192 bytes";
    r->at = r->end;
    return NULL;
}

enum err kind_services_scan(struct scan *s)
{
    static const char expected[] = "a service's name or a port";
    uint8_t bits[PORT_BYTES] = {0};
    size_t len = 0;
    while (kind_next(s) == TOKEN_WORD) {
        uint64_t port;
        const struct mnemonic *row = kind_mnemonic_find(services, s->tok.s, s->tok.len);
        if (row)
            port = row->value;
        else if (!digits_u64(s->tok.s, s->tok.len, UINT16_MAX, &port))
            return kind_fail(s, expected);
        bits[port / 8] |= (uint8_t)(0x80 >> port % 8);
        if (len < port / 8 + 1)
            len = port / 8 + 1;
    }
    wr_bytes(s->out, bits, len);
    return kind_end(s, expected);
}

void kind_services_show(struct rd *r, struct text *t)
{
    const uint8_t *bits = r->at;
    size_t len = rd_left(r);
    bool blank = false;
    for (unsigned port = 0; port < len * 8; port++) {
        if (!(bits[port / 8] & 0x80 >> port % 8))
            continue;
        if (blank)
            text_char(t, ' ');
        text_u32(t, port);
        blank = true;
    }
    r->at = r->end;
}
