/* SPDX-License-Identifier: Apache-2.0
 * Answers from the signed zone of RFC 5155 appendix A, an opt-out zone with 12 iterations: the
 * examples of appendix B, and the cases that it leaves out. */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "world.h"
#include "unit.h"

#define SOA                                                                                     \
    "ns example. 3600 SOA ns1.example. bugs.x.w.example. 1 3600 300 3600000 3600\nns example. " \
    "3600 RRSIG SOA 7 1\n"
#define NS                                                                                        \
    "ns example. 3600 NS ns1.example.\nns example. 3600 NS ns2.example.\nns example. 3600 RRSIG " \
    "NS 7 1\n"
#define NSEC3(owner, next, types)                                                    \
    "ns " owner ".example. 3600 NSEC3 1 1 12 AABBCCDD " next " " types "\nns " owner \
    ".example. 3600 RRSIG NSEC3 7 2\n"

/* one for each record of the chain that is used; the comment says whose hash the owner is */
#define NSEC3_APEX /* example */                                                  \
    NSEC3("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "2T7B4G4VSA5SMI47K61MV5BV1A22BOJR", \
          "NS SOA MX RRSIG DNSKEY NSEC3PARAM")
#define NSEC3_NS1 \
    NSEC3("2t7b4g4vsa5smi47k61mv5bv1a22bojr", "2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S", "A RRSIG")
#define NSEC3_A /* a.example */ \
    NSEC3("35mthgpgcu1qg68fab165klnsnk3dpvl", "B4UM86EGHHDS6NEA196SMVMLO4ORS995", "NS DS RRSIG")
#define NSEC3_X_W \
    NSEC3("b4um86eghhds6nea196smvmlo4ors995", "GJEQE526PLBF1G8MKLP59ENFD789NJGI", "MX RRSIG")
#define NSEC3_NS2 \
    NSEC3("q04jkcevqvmu85r014c7dkba38o0ji5r", "R53BQ7CC2UVMUBFU5OCMM6PERS9TK9EN", "A RRSIG")
#define NSEC3_WILD_W /* *.w.example */ \
    NSEC3("r53bq7cc2uvmubfu5ocmm6pers9tk9en", "T644EBQK9BIBCNA874GIVR6JOJ62MLHV", "MX RRSIG")
/* w.example and y.w.example are empty non-terminals: no types */
#define NSEC3_W                                                                \
    "ns k8udemvp1j2f7eg6jebps17vp3n8i58h.example. 3600 NSEC3 1 1 12 AABBCCDD " \
    "KOHAR7MBB8DC2CE8A9QVL8HON4K53UHI\n"                                       \
    "ns k8udemvp1j2f7eg6jebps17vp3n8i58h.example. 3600 RRSIG NSEC3 7 2\n"
#define NSEC3_Y_W                                                              \
    "ns ji6neoaepv8b5o6k4ev33abha8ht9fgc.example. 3600 NSEC3 1 1 12 AABBCCDD " \
    "K8UDEMVP1J2F7EG6JEBPS17VP3N8I58H\n"                                       \
    "ns ji6neoaepv8b5o6k4ev33abha8ht9fgc.example. 3600 RRSIG NSEC3 7 2\n"

static const struct world_row appendix_b[] = {
    {"B.1 name error", "a.c.x.w.example. A", ASK_DO,
     "NXDOMAIN aa\n" SOA NSEC3_APEX NSEC3_X_W NSEC3_A},
    {"B.2 no data", "ns1.example. MX", ASK_DO, "NOERROR aa\n" SOA NSEC3_NS1},
    {"B.2.1 empty non-terminal", "y.w.example. A", ASK_DO, "NOERROR aa\n" SOA NSEC3_Y_W},
    {"B.3 referral to an opt-out unsigned zone", "mc.c.example. MX", ASK_DO,
     "NOERROR\nns c.example. 3600 NS ns1.c.example.\nns c.example. 3600 NS ns2.c.example.\n" NSEC3_A
         NSEC3_APEX "ad ns1.c.example. 3600 A 192.0.2.7\nad ns2.c.example. 3600 A 192.0.2.8\n"},
    /* the RFC leaves out the addresses of the NS, as RFC 4035 B.1 shows them */
    {"B.4 wildcard expansion", "a.z.w.example. MX", ASK_DO | ASK_FULL,
     "NOERROR aa\nan a.z.w.example. 3600 MX 1 ai.example.\nan a.z.w.example. 3600 RRSIG MX 7 2\n" NS
         NSEC3_NS2 "ad ai.example. 3600 A 192.0.2.9\nad ai.example. 3600 RRSIG A 7 2\n"
     "ad ai.example. 3600 AAAA 2001:db8::f00:baa9\nad ai.example. 3600 RRSIG AAAA 7 2\n"
     "ad ns1.example. 3600 A 192.0.2.1\nad ns1.example. 3600 RRSIG A 7 2\n"
     "ad ns2.example. 3600 A 192.0.2.2\nad ns2.example. 3600 RRSIG A 7 2\n"},
    {"B.5 wildcard no data", "a.z.w.example. AAAA", ASK_DO,
     "NOERROR aa\n" SOA NSEC3_W NSEC3_NS2 NSEC3_WILD_W},
    {"B.6 DS at the child", "example. DS", ASK_DO, "NOERROR aa\n" SOA NSEC3_APEX},
};

static const struct world_row others[] = {
    /* s7.2.4: no match, so the closest provable encloser and an opt-out record over the next closer
       name */
    {"no DS in an opt-out span", "c.example. DS", ASK_DO, "NOERROR aa\n" SOA NSEC3_A NSEC3_APEX},
    {"DS at a signed delegation", "a.example. DS", ASK_DO,
     "NOERROR aa\nan a.example. 3600 DS 58470 5 1 3079F1593EBAD6DC121E202A8B766A6A4837206C\n"
     "an a.example. 3600 RRSIG DS 7 2\n"},
    {"referral to a signed zone", "mc.a.example. A", ASK_DO,
     "NOERROR\nns a.example. 3600 NS ns1.a.example.\nns a.example. 3600 NS ns2.a.example.\n"
     "ns a.example. 3600 DS 58470 5 1 3079F1593EBAD6DC121E202A8B766A6A4837206C\nns a.example. 3600 "
     "RRSIG DS 7 2\n"
     "ad ns1.a.example. 3600 A 192.0.2.5\nad ns2.a.example. 3600 A 192.0.2.6\n"},
    {"nothing of it without DO", "a.c.x.w.example. A", ASK_EDNS,
     "NXDOMAIN aa\nns example. 3600 SOA ns1.example. bugs.x.w.example. 1 3600 300 3600000 3600\n"},
};

static struct world *open_world(void)
{
    struct world *w = world_new();
    world_add_file(w, "example.", "query/rfc5155.zone");
    return w;
}

Test(denial_nsec3, answers_as_in_rfc_5155_appendix_b)
{
    struct world *w = open_world();
    world_check(w, appendix_b, ARRAY_LEN(appendix_b));
    world_free(w);
}

Test(denial_nsec3, answers_the_cases_that_appendix_b_leaves_out)
{
    struct world *w = open_world();
    world_check(w, others, ARRAY_LEN(others));
    world_free(w);
}

/* RFC 5155 s7.2.8. The zone has an A at the owner of ns1.example's NSEC3, to show the difference.
 */
Test(denial_nsec3, says_that_the_owner_of_an_nsec3_does_not_exist)
{
    struct world *w = open_world();
    const char *got = world_ask(w, "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3", ASK_PLAIN);
    cr_expect_eq(strncmp(got, "NXDOMAIN aa\n", 12), 0, "%s", got);
    cr_expect_str_eq(
        world_ask(w, "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. A", ASK_PLAIN),
        "NOERROR aa\nan 2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. 3600 A 192.0.2.127\n");
    world_free(w);
}

/* The code of the extended error in the last answer's OPT (RFC 8914 s2), which is its last record
 * and has no other option; -1: none. */
static int error_of(const struct world *w)
{
    static struct message m;
    cr_assert(message_read_header(&m, w->wire, w->wire_len));
    cr_assert_eq(message_read(&m), NOERROR);
    struct rd r = rd_over(w->wire + m.opt_at + 9, w->wire_len - m.opt_at - 9);
    if (!m.opt_at || rd_u16(&r) == 0)
        return -1;
    cr_assert_eq(rd_u16(&r), 15);
    rd_u16(&r);
    int code = rd_u16(&r);
    cr_assert(!r.bad);
    return code;
}

/* RFC 8914 s3: errors are left out before data, which TC says; their text before them. The answer
 * with everything takes `len`. */
Test(denial_nsec3, says_that_the_proof_is_left_out_where_there_is_room_for_it)
{
    struct world *w = open_world();
    const size_t text = strlen("more than 11 NSEC3 iterations"), option = 6;
    w->self.nsec3_iterations_max = 11;
    (void)world_ask(w, "a.c.x.w.example. A", ASK_DO);
    cr_expect_eq(error_of(w), 27);
    size_t len = w->wire_len;
    for (size_t size = len + 2; size >= len - text - option; size--) {
        bool has_text = size >= len, has_error = size >= len - text;
        w->self.udp_size_max = (uint16_t)size;
        (void)world_ask_sized(w, "a.c.x.w.example. A", ASK_DO, (uint16_t)size);
        cr_expect_eq(error_of(w), has_error ? 27 : -1, "%zu", size);
        cr_expect_eq(w->wire_len, len - (has_text ? 0 : text) - (has_error ? 0 : option), "%zu",
                     size);
        cr_expect_eq(!(w->wire[2] & FLAG_TC >> 8), has_error, "%zu", size);
    }
    (void)world_ask(w, "a.c.x.w.example. A", ASK_EDNS);
    cr_expect_eq(error_of(w), -1, "no proof is wanted");
    (void)world_ask(w, "ns1.example. A", ASK_DO);
    cr_expect_eq(error_of(w), -1, "none is needed");
    w->self.nsec3_iterations_max = 12;
    (void)world_ask(w, "a.c.x.w.example. A", ASK_DO);
    cr_expect_eq(error_of(w), -1, "it is there");
    world_free(w);
}

Test(denial_nsec3, leaves_the_proof_out_above_the_limit_of_iterations)
{
    static const struct world_row rows[] = {
        {"name error", "a.c.x.w.example. A", ASK_DO, "NXDOMAIN aa\n" SOA},
        {"referral", "mc.c.example. MX", ASK_DO,
         "NOERROR\nns c.example. 3600 NS ns1.c.example.\nns c.example. 3600 NS ns2.c.example.\n"
         "ad ns1.c.example. 3600 A 192.0.2.7\nad ns2.c.example. 3600 A 192.0.2.8\n"},
        {"wildcard", "a.z.w.example. MX", ASK_DO,
         "NOERROR aa\nan a.z.w.example. 3600 MX 1 ai.example.\nan a.z.w.example. 3600 RRSIG MX 7 "
         "2\n"},
    };
    struct world *w = open_world();
    w->self.nsec3_iterations_max = 11;
    world_check(w, rows, ARRAY_LEN(rows));
    cr_expect_eq(w->count.nsec3_over_limit, 3);
    w->self.nsec3_iterations_max = 12;
    world_check(w, appendix_b, ARRAY_LEN(appendix_b));
    cr_expect_eq(w->count.nsec3_over_limit, 3);
    world_free(w);
}

/* RFC 5155 s7.2: closest encloser, next closer name and wildcard are three hashes; with opt-out one
 * more for each name on the way up to an encloser that has an NSEC3. What the zone itself makes is
 * remembered. */
Test(denial_nsec3, hashes_few_names_for_an_answer)
{
    struct world *w = open_world();
    for (size_t i = 0; i < ARRAY_LEN(appendix_b); i++) {
        uint64_t before = w->digest.computed;
        memset(w->digest.memo, 0, sizeof(w->digest.memo));
        (void)world_ask(w, appendix_b[i].question, appendix_b[i].ask);
        cr_expect_leq(w->digest.computed - before, 3, "%s", appendix_b[i].name);
    }
    uint64_t before = w->digest.computed;
    for (unsigned i = 0; i < 100; i++) {
        char question[64];
        snprintf(question, sizeof(question), "a.b.c.d.e.f.g%u.w.example. A", i);
        (void)world_ask(w, question, ASK_DO);
    }
    cr_expect_leq(w->digest.computed - before, 100 + 2, "one that nobody has asked for before");
    before = w->digest.computed;
    (void)world_ask(w, "a.c.x.w.example. A", ASK_EDNS);
    (void)world_ask(w, "a.c.x.w.example. A", ASK_PLAIN);
    w->self.nsec3_iterations_max = 11;
    (void)world_ask(w, "a.c.x.w.example. A", ASK_DO);
    cr_expect_eq(w->digest.computed, before, "no proof, no hash");
    world_free(w);
}

/* 0p9m... is the hash of example. with these parameters (RFC 5155 appendix A), and the only one. */
static const char deep_zone[] =
    "$TTL 3600\n"
    "@ SOA ns.test. h.test. 1 2 3 4 5\n"
    "@ RRSIG SOA 7 1 3600 20350101000000 20250101000000 1 example. c2ln\n"
    "@ NS ns.test.\n"
    "@ NSEC3PARAM 1 0 12 aabbccdd\n"
    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 1 12 aabbccdd 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NS "
    "SOA RRSIG NSEC3PARAM\n";

/* RFC 5155 s7.1: empty non-terminals above nothing but an insecure delegation have no NSEC3 in an
 * opt-out zone. The proof is the apex, and what covers the name below it, however deep. */
Test(denial_nsec3, hashes_few_names_above_a_deep_delegation)
{
    struct world *w = world_new();
    char text[2048] = "", deep[300] = "", question[400];
    for (unsigned labels = 1; labels <= 120; labels++)
        snprintf(deep + strlen(deep), sizeof(deep) - strlen(deep), labels > 1 ? ".%c" : "%c",
                 'a' + (int)(labels % 26));
    snprintf(text, sizeof(text), "%s%s NS ns.test.\n", deep_zone, deep);
    world_add(w, "example.", text);
    const char *name = deep;
    for (unsigned labels = 120; labels > 0; labels--, name += 2) {
        uint64_t before = w->digest.computed;
        memset(w->digest.memo, 0, sizeof(w->digest.memo));
        snprintf(question, sizeof(question), "%s.example. MX", name);
        const char *got = world_ask(w, question, ASK_DO);
        cr_expect_leq(w->digest.computed - before, 16, "%u labels", labels);
        cr_expect_not_null(strstr(got, "ns 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. 3600 NSEC3"),
                           "%s", got);
    }
    world_free(w);
}
