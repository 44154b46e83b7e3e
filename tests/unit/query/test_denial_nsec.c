/* SPDX-License-Identifier: Apache-2.0
 * Answers from the signed zone of RFC 4035 appendix A: the examples of appendix B, and the cases
 * that it leaves out. */
#include "base/attr.h"
#include "world.h"
#include "unit.h"

#define SOA     "ns example. 3600 SOA ns1.example. bugs.x.w.example. 1081539377 3600 300 3600000 3600\n"
#define SOA_SIG "ns example. 3600 RRSIG SOA 5 1\n"
#define NS                                                                                        \
    "ns example. 3600 NS ns1.example.\nns example. 3600 NS ns2.example.\nns example. 3600 RRSIG " \
    "NS 5 1\n"
#define NS_ADDRESSES                                                       \
    "ad ns1.example. 3600 A 192.0.2.1\nad ns1.example. 3600 RRSIG A 5 2\n" \
    "ad ns2.example. 3600 A 192.0.2.2\nad ns2.example. 3600 RRSIG A 5 2\n"

/* B.1 and B.6 show NS in authority and addresses: ASK_FULL. In B.6 the RFC leaves out the addresses
 * of the NS, which B.1 has. */
static const struct world_row appendix_b[] = {
    {"B.1 answer", "x.w.example. MX", ASK_DO | ASK_FULL,
     "NOERROR aa\n"
     "an x.w.example. 3600 MX 1 xx.example.\nan x.w.example. 3600 RRSIG MX 5 3\n" NS
     "ad xx.example. 3600 A 192.0.2.10\nad xx.example. 3600 RRSIG A 5 2\n"
     "ad xx.example. 3600 AAAA 2001:db8::f00:baaa\nad xx.example. 3600 RRSIG AAAA 5 "
     "2\n" NS_ADDRESSES},
    {"B.2 name error", "ml.example. A", ASK_DO,
     "NXDOMAIN aa\n" SOA SOA_SIG
     "ns b.example. 3600 NSEC ns1.example. NS RRSIG NSEC\nns b.example. 3600 RRSIG NSEC 5 2\n"
     "ns example. 3600 NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY\nns example. 3600 RRSIG NSEC 5 "
     "1\n"},
    {"B.3 no data", "ns1.example. MX", ASK_DO,
     "NOERROR aa\n" SOA SOA_SIG
     "ns ns1.example. 3600 NSEC ns2.example. A RRSIG NSEC\nns ns1.example. 3600 RRSIG NSEC 5 2\n"},
    {"B.4 referral to a signed zone", "mc.a.example. MX", ASK_DO,
     "NOERROR\n"
     "ns a.example. 3600 NS ns1.a.example.\nns a.example. 3600 NS ns2.a.example.\n"
     "ns a.example. 3600 DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B\n"
     "ns a.example. 3600 RRSIG DS 5 2\n"
     "ad ns1.a.example. 3600 A 192.0.2.5\nad ns2.a.example. 3600 A 192.0.2.6\n"},
    {"B.5 referral to an unsigned zone", "mc.b.example. MX", ASK_DO,
     "NOERROR\n"
     "ns b.example. 3600 NS ns1.b.example.\nns b.example. 3600 NS ns2.b.example.\n"
     "ns b.example. 3600 NSEC ns1.example. NS RRSIG NSEC\nns b.example. 3600 RRSIG NSEC 5 2\n"
     "ad ns1.b.example. 3600 A 192.0.2.7\nad ns2.b.example. 3600 A 192.0.2.8\n"},
    {"B.6 wildcard expansion", "a.z.w.example. MX", ASK_DO | ASK_FULL,
     "NOERROR aa\n"
     "an a.z.w.example. 3600 MX 1 ai.example.\nan a.z.w.example. 3600 RRSIG MX 5 2\n" NS
     "ns x.y.w.example. 3600 NSEC xx.example. MX RRSIG NSEC\nns x.y.w.example. 3600 RRSIG NSEC 5 "
     "4\n"
     "ad ai.example. 3600 A 192.0.2.9\nad ai.example. 3600 RRSIG A 5 2\n"
     "ad ai.example. 3600 AAAA 2001:db8::f00:baa9\nad ai.example. 3600 RRSIG AAAA 5 "
     "2\n" NS_ADDRESSES},
    {"B.7 wildcard no data", "a.z.w.example. AAAA", ASK_DO,
     "NOERROR aa\n" SOA SOA_SIG "ns x.y.w.example. 3600 NSEC xx.example. MX RRSIG NSEC\nns "
     "x.y.w.example. 3600 RRSIG NSEC 5 4\n"
     "ns *.w.example. 3600 NSEC x.w.example. MX RRSIG NSEC\nns *.w.example. 3600 RRSIG NSEC 5 2\n"},
    {"B.8 DS at the child", "example. DS", ASK_DO,
     "NOERROR aa\n" SOA SOA_SIG "ns example. 3600 NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY\nns "
     "example. 3600 RRSIG NSEC 5 1\n"},
};

static const struct world_row others[] = {
    {"s3.1: no DNSSEC records without DO", "x.w.example. MX", ASK_PLAIN,
     "NOERROR aa\nan x.w.example. 3600 MX 1 xx.example.\n"},
    {"the same with EDNS", "ml.example. A", ASK_EDNS, "NXDOMAIN aa\n" SOA},
    {"unless asked for by type", "b.example. DS", ASK_PLAIN, "NOERROR aa\n" SOA},
    {"NSEC by type", "ns1.example. NSEC", ASK_PLAIN,
     "NOERROR aa\nan ns1.example. 3600 NSEC ns2.example. A RRSIG NSEC\n"},
    {"RRSIG by type", "ns1.example. RRSIG", ASK_TCP,
     "NOERROR aa\nan ns1.example. 3600 RRSIG A 5 2\nan ns1.example. 3600 RRSIG NSEC 5 2\n"},
    {"s3.1.4.1: DS at the cut", "a.example. DS", ASK_DO,
     "NOERROR aa\nan a.example. 3600 DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B\n"
     "an a.example. 3600 RRSIG DS 5 2\n"},
    {"no DS at the cut", "b.example. DS", ASK_DO,
     "NOERROR aa\n" SOA SOA_SIG
     "ns b.example. 3600 NSEC ns1.example. NS RRSIG NSEC\nns b.example. 3600 RRSIG NSEC 5 2\n"},
    {"DS below the cut is a referral", "mc.b.example. DS", ASK_DO,
     "NOERROR\n"
     "ns b.example. 3600 NS ns1.b.example.\nns b.example. 3600 NS ns2.b.example.\n"
     "ns b.example. 3600 NSEC ns1.example. NS RRSIG NSEC\nns b.example. 3600 RRSIG NSEC 5 2\n"
     "ad ns1.b.example. 3600 A 192.0.2.7\nad ns2.b.example. 3600 A 192.0.2.8\n"},
    /* s3.1.3.1 with an empty non-terminal: the NSEC before it, whose next name is below */
    {"empty non-terminal", "y.w.example. A", ASK_DO,
     "NOERROR aa\n" SOA SOA_SIG "ns x.w.example. 3600 NSEC x.y.w.example. MX RRSIG NSEC\nns "
     "x.w.example. 3600 RRSIG NSEC 5 3\n"},
    /* one NSEC covers both the name and the wildcard: sent once */
    {"name error with one NSEC", "a.xx.example. A", ASK_DO,
     "NXDOMAIN aa\n" SOA SOA_SIG "ns xx.example. 3600 NSEC example. A HINFO AAAA RRSIG NSEC\nns "
     "xx.example. 3600 RRSIG NSEC 5 2\n"},
    {"glue is not an answer", "ns1.a.example. A", ASK_PLAIN,
     "NOERROR\nns a.example. 3600 NS ns1.a.example.\nns a.example. 3600 NS ns2.a.example.\n"
     "ad ns1.a.example. 3600 A 192.0.2.5\nad ns2.a.example. 3600 A 192.0.2.6\n"},
    {"ANY over UDP is one RRset with its signature", "xx.example. ANY", ASK_DO,
     "NOERROR aa\nan xx.example. 3600 A 192.0.2.10\nan xx.example. 3600 RRSIG A 5 2\n"},
    {"ANY over TCP is all", "ns1.example. ANY", ASK_DO | ASK_TCP,
     "NOERROR aa\nan ns1.example. 3600 A 192.0.2.1\nan ns1.example. 3600 RRSIG A 5 2\n"
     "an ns1.example. 3600 NSEC ns2.example. A RRSIG NSEC\nan ns1.example. 3600 RRSIG NSEC 5 2\n"},
    {"ANY from a wildcard has its proof", "a.z.w.example. ANY", ASK_DO,
     "NOERROR aa\nan a.z.w.example. 3600 MX 1 ai.example.\nan a.z.w.example. 3600 RRSIG MX 5 2\n"
     "ns x.y.w.example. 3600 NSEC xx.example. MX RRSIG NSEC\nns x.y.w.example. 3600 RRSIG NSEC 5 "
     "4\n"},
};

static void check(const struct world_row *rows, size_t count)
{
    struct world *w = world_new();
    world_add_file(w, "example.", "query/rfc4035.zone");
    world_check(w, rows, count);
    world_free(w);
}

Test(denial_nsec, answers_as_in_rfc_4035_appendix_b)
{
    check(appendix_b, ARRAY_LEN(appendix_b));
}

Test(denial_nsec, answers_the_cases_that_appendix_b_leaves_out)
{
    check(others, ARRAY_LEN(others));
}
