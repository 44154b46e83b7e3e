/* SPDX-License-Identifier: Apache-2.0
 * Rdata of every type: the samples of tests/data/rdata.txt and rdata_bad.txt, and what follows from
 * them. */
#include "samples.h"

#include "dns/rr.h"

/* Enough for every sample. */
static char shown[RDATA_TEXT_MAX(1024)];

static const char *show(uint16_t type, struct rdata rd)
{
    struct text t;
    text_init(&t, shown, sizeof(shown));
    rdata_show(type, rd, &t);
    cr_assert(!t.bad);
    return shown;
}

static bool is_same(struct rdata a, struct rdata b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

/* Text to bytes; fails the test when it is not read. */
static struct rdata scan(uint16_t type, const char *text, uint8_t *buf, const char *label)
{
    struct wr w = wr_over(buf, RDATA_LEN_MAX);
    struct diag diag = {0};
    cr_assert_eq(sample_scan(type, text, &w, &diag), OK, "%s %s: %s", label, text, diag.text);
    return (struct rdata){buf, (uint16_t)wr_len(&w)};
}

Test(rdata, text_becomes_the_samples_wire)
{
    struct sample s = {0};
    uint8_t buf[RDATA_LEN_MAX];
    FILE *f = sample_open("rdata.txt");
    while (sample_read(f, &s, 4)) {
        struct rdata want = sample_wire(s.field[2]);
        struct rdata got = scan(sample_type(s.field[0]), s.field[1], buf, s.field[0]);
        cr_expect(is_same(got, want), "line %u: %s %s", s.number, s.field[0], s.field[1]);
        free((void *)want.bytes);
    }
    fclose(f);
}

Test(rdata, wire_becomes_the_samples_text)
{
    struct sample s = {0};
    FILE *f = sample_open("rdata.txt");
    while (sample_read(f, &s, 4)) {
        struct rdata rd = sample_wire(s.field[2]);
        const char *why = "";
        cr_expect(rdata_check(sample_type(s.field[0]), rd, &why), "line %u: %s", s.number, why);
        cr_expect_str_eq(show(sample_type(s.field[0]), rd), s.field[3], "line %u: %s", s.number,
                         s.field[0]);
        free((void *)rd.bytes);
    }
    fclose(f);
}

Test(rdata, shown_text_becomes_the_same_wire)
{
    struct sample s = {0};
    uint8_t buf[RDATA_LEN_MAX];
    FILE *f = sample_open("rdata.txt");
    while (sample_read(f, &s, 4)) {
        struct rdata rd = sample_wire(s.field[2]);
        uint16_t type = sample_type(s.field[0]);
        cr_expect(is_same(scan(type, show(type, rd), buf, s.field[0]), rd), "line %u: %s", s.number,
                  s.field[0]);
        free((void *)rd.bytes);
    }
    fclose(f);
}

Test(rdata, generic_form_is_read_for_every_type)
{
    struct sample s = {0};
    uint8_t buf[RDATA_LEN_MAX];
    static char generic[SAMPLE_LINE * 2];
    FILE *f = sample_open("rdata.txt");
    while (sample_read(f, &s, 4)) {
        struct rdata rd = sample_wire(s.field[2]);
        struct text t;
        text_init(&t, generic, sizeof(generic));
        rdata_show_generic(rd, &t);
        cr_expect(is_same(scan(sample_type(s.field[0]), generic, buf, s.field[0]), rd), "line %u",
                  s.number);
        free((void *)rd.bytes);
    }
    fclose(f);
}

Test(rdata, every_row_of_the_table_has_a_sample)
{
    static bool seen[65536];
    struct sample s = {0};
    FILE *f = sample_open("rdata.txt");
    while (sample_read(f, &s, 4))
        seen[sample_type(s.field[0])] = true;
    fclose(f);
    for (unsigned i = 0; rrtype_row(i); i++)
        cr_expect(seen[rrtype_row(i)->code], "no sample of %s", rrtype_row(i)->mnemonic);
}

/* Wire that must be refused, by rdata_check(), in a message, and as RFC 3597 text. */
static void expect_bad_wire(const struct sample *s)
{
    uint16_t type = sample_type(s->field[0]);
    struct rdata rd = sample_wire(s->field[1] + (s->field[1][1] ? 2 : 1));
    uint8_t buf[1024];
    char generic[2048];
    const char *why = NULL;
    cr_expect(!rdata_check(type, rd, &why), "line %u: %s is accepted", s->number, s->field[0]);
    cr_expect_not_null(why, "line %u", s->number);
    struct rd message = rd_over(rd.bytes, rd.len);
    struct wr w = wr_over(buf, sizeof(buf));
    why = NULL;
    cr_expect(!rdata_from_wire(type, &message, rd.len, &w, &why), "line %u: %s", s->number,
              s->field[0]);
    cr_expect_not_null(why, "line %u", s->number);
    cr_expect_eq(wr_len(&w), 0, "line %u", s->number);
    struct text t;
    text_init(&t, generic, sizeof(generic));
    rdata_show_generic(rd, &t);
    struct diag diag = {0};
    cr_expect_neq(sample_scan(type, generic, &w, &diag), OK, "line %u: %s", s->number, generic);
    free((void *)rd.bytes);
}

Test(rdata, bad_samples_are_refused_with_a_sentence)
{
    struct sample s = {0};
    FILE *f = sample_open("rdata_bad.txt");
    while (sample_read(f, &s, 3)) {
        uint8_t buf[1024];
        struct wr w = wr_over(buf, sizeof(buf));
        struct diag diag = {0};
        if (s.field[1][0] == '=' && (s.field[1][1] == ' ' || s.field[1][1] == '\0')) {
            expect_bad_wire(&s);
            continue;
        }
        enum err e = sample_scan(sample_type(s.field[0]), s.field[1], &w, &diag);
        cr_expect_eq(e, ERR_SYNTAX, "line %u: %s %s is accepted", s.number, s.field[0], s.field[1]);
        cr_expect_neq(diag.text[0], '\0', "line %u: nothing said", s.number);
        cr_expect_eq(wr_len(&w), 0, "line %u: something was left behind", s.number);
    }
    fclose(f);
}

/* --- robustness --- */

/* All that may be done with rdata that was accepted. */
static void use(uint16_t type, struct rdata rd, struct rdata other)
{
    uint8_t canonical[SAMPLE_LINE];
    show(type, rd);
    rdata_canonical(type, rd, canonical);
    struct rdata folded = {canonical, rd.len};
    cr_assert(rdata_check(type, folded, NULL));
    cr_assert_eq(rdata_compare(type, rd, folded), 0);
    int forth = rdata_compare(type, rd, other), back = rdata_compare(type, other, rd);
    cr_assert((forth < 0) == (back > 0) && (forth == 0) == (back == 0));
    for (unsigned i = 0; i <= rrtype_info(type)->name_count; i++)
        rdata_name(type, rd, i);
}

/* Accepted or not, nothing is read beyond len bytes: they are the end of an allocation. Returns
 * whether accepted. */
static bool try_wire(uint16_t type, const uint8_t *bytes, size_t len, struct rdata other)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (len)
        memcpy(copy, bytes, len);
    struct rdata rd = {copy, (uint16_t)len};
    bool ok = rdata_check(type, rd, NULL);
    if (ok)
        use(type, rd, other);
    uint8_t out[SAMPLE_LINE];
    struct rd message = rd_over(copy, len);
    struct wr w = wr_over(out, sizeof(out));
    const char *why;
    if (rdata_from_wire(type, &message, (uint16_t)len, &w, &why))
        use(type, (struct rdata){out, (uint16_t)wr_len(&w)}, other);
    else
        cr_assert_eq(wr_len(&w), 0);
    free(copy);
    return ok;
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

Test(rdata, truncated_and_mutated_wire_is_refused_or_usable)
{
    struct sample s = {0};
    uint32_t random = 20240229;
    unsigned accepted = 0, refused = 0;
    FILE *f = sample_open("rdata.txt");
    while (sample_read(f, &s, 4)) {
        uint16_t type = sample_type(s.field[0]);
        struct rdata rd = sample_wire(s.field[2]);
        uint8_t mutant[SAMPLE_LINE];
        for (size_t len = 0; len <= rd.len; len++)
            try_wire(type, rd.bytes, len, rd) ? accepted++ : refused++;
        for (unsigned i = 0; rd.len && i < 300; i++) {
            memcpy(mutant, rd.bytes, rd.len);
            for (unsigned n = 1 + next_random(&random) % 3; n; n--)
                mutant[next_random(&random) % rd.len] = (uint8_t)next_random(&random);
            size_t len = next_random(&random) % 4 ? rd.len : next_random(&random) % rd.len;
            try_wire(type, mutant, len, rd) ? accepted++ : refused++;
        }
        free((void *)rd.bytes);
    }
    fclose(f);
    cr_expect_gt(accepted, 1000); /* else nothing was tried */
    cr_expect_gt(refused, 1000);
}

Test(rdata, accepted_mutants_survive_text)
{
    struct sample s = {0};
    uint32_t random = 8976;
    uint8_t mutant[SAMPLE_LINE], first[RDATA_LEN_MAX], second[RDATA_LEN_MAX];
    FILE *f = sample_open("rdata.txt");
    while (sample_read(f, &s, 4)) {
        uint16_t type = sample_type(s.field[0]);
        struct rdata rd = sample_wire(s.field[2]);
        for (unsigned i = 0; rd.len && i < 200; i++) {
            memcpy(mutant, rd.bytes, rd.len);
            mutant[next_random(&random) % rd.len] = (uint8_t)next_random(&random);
            struct rdata changed = {mutant, rd.len};
            if (!rdata_check(type, changed, NULL))
                continue;
            /* Some wire has a shorter equal (zero bytes of WKS): text to wire to text to wire is
             * what stays. */
            struct rdata a = scan(type, show(type, changed), first, s.field[0]);
            struct rdata b = scan(type, show(type, a), second, s.field[0]);
            cr_expect(is_same(a, b), "line %u: %s", s.number, shown);
            if (type != TYPE_WKS && type != TYPE_LOC)
                cr_expect(is_same(a, changed), "line %u: %s %s", s.number, s.field[0], shown);
        }
        free((void *)rd.bytes);
    }
    fclose(f);
}

/* --- room --- */

Test(rdata, a_lack_of_room_is_a_limit_and_leaves_nothing)
{
    struct sample s = {0};
    FILE *f = sample_open("rdata.txt");
    while (sample_read(f, &s, 4)) {
        size_t len = strlen(s.field[2]) / 2;
        for (size_t room = 0; room < len; room++) {
            uint8_t *buf = malloc(room ? room : 1);
            struct wr w = wr_over(buf, room);
            struct diag diag = {0};
            cr_expect_eq(sample_scan(sample_type(s.field[0]), s.field[1], &w, &diag), ERR_LIMIT,
                         "line %u, %zu: %s", s.number, room, diag.text);
            cr_expect_eq(wr_len(&w), 0);
            free(buf);
        }
    }
    fclose(f);
}

Test(rdata, text_that_does_not_fit_is_bad_and_not_overrun)
{
    struct sample s = {0};
    FILE *f = sample_open("rdata.txt");
    while (sample_read(f, &s, 4)) {
        struct rdata rd = sample_wire(s.field[2]);
        size_t need = strlen(s.field[3]) + 1;
        for (size_t room = 1; room < need; room++) {
            char *buf = malloc(room);
            struct text t;
            text_init(&t, buf, room);
            rdata_show(sample_type(s.field[0]), rd, &t);
            cr_expect(t.bad, "line %u", s.number);
            cr_expect_lt(strlen(buf), room);
            free(buf);
        }
        free((void *)rd.bytes);
    }
    fclose(f);
}

Test(rdata, text_room_is_enough_for_full_bitmaps)
{
    static uint8_t wire[1 + 256 * 34];
    uint8_t *p = wire + 1;
    for (unsigned window = 0; window < 256; window++, p += 34) {
        p[0] = (uint8_t)window;
        p[1] = 32;
        memset(p + 2, 0xff, 32);
    }
    struct rdata rd = {wire, sizeof(wire)};
    const size_t cap = RDATA_TEXT_MAX(sizeof(wire));
    char *buf = malloc(cap);
    struct text t;
    text_init(&t, buf, cap);
    rdata_show(TYPE_NSEC, rd, &t);
    cr_expect(!t.bad);
    free(buf);
}

/* --- names: compression, folding, order --- */

/* Behind the header, at 12, stands "Host.example.", and the rdata begins at 26. */
static struct rd message_with(const uint8_t *rdata, size_t len, uint8_t buf[512])
{
    static const uint8_t before[] = "headerheader\4Host\7example";
    memcpy(buf, before, sizeof(before));
    memcpy(buf + sizeof(before), rdata, len);
    struct rd r = rd_over(buf, sizeof(before) + len);
    r.at += sizeof(before);
    return r;
}

struct compressed {
    uint16_t type;
    const char *wire;     /* with pointers to 12 or 17 */
    const char *expanded; /* NULL: malformed */
};

/* RFC 3597 s4: these types may hold compressed names; in all others a pointer is malformed. */
static const struct compressed compressed[] = {
    {TYPE_NS, "C011", "076578616D706C6500"},
    {TYPE_NS, "036E7331C00C", "036E733104486F7374076578616D706C6500"},
    {TYPE_MX, "000AC00C", "000A04486F7374076578616D706C6500"},
    {TYPE_SOA, "C00C0161C0110000000100000002000000030000000400000005",
     "04486F7374076578616D706C65000161076578616D706C65000000000100000002000000030000000400000005"},
    {TYPE_MINFO, "C00CC011", "04486F7374076578616D706C6500076578616D706C6500"},
    {TYPE_RP, "C00CC011", "04486F7374076578616D706C6500076578616D706C6500"},
    {TYPE_SRV, "000000000035C00C", "00000000003504486F7374076578616D706C6500"},
    {TYPE_NAPTR, "00010002000000C00C", "0001000200000004486F7374076578616D706C6500"},
    {TYPE_NXT, "C01140", "076578616D706C650040"},
    {TYPE_SIG, "000105030001518000000000000000000a00C011FF",
     "000105030001518000000000000000000A00076578616D706C6500FF"},
    {TYPE_NS, "C01100", NULL}, /* a byte behind the pointer */
    {TYPE_NS, "C0", NULL},     /* half a pointer */
    {TYPE_NS, "C01A", NULL},   /* to itself */
    {TYPE_NS, "C000", NULL},   /* into the header */
    {TYPE_NS, "C01C", NULL},   /* forward */
    {TYPE_MX, "000AC0", NULL},
    {TYPE_KX, "000AC00C", NULL},
    {TYPE_DNAME, "C00C", NULL},
    {TYPE_RRSIG, "000105030001518000000000000000000A00C011FF", NULL},
    {TYPE_NSEC, "C00C000140", NULL},
    {TYPE_SVCB, "0001C00C", NULL},
    {TYPE_LP, "000AC00C", NULL},
    {TYPE_NSAP_PTR, "C00C", NULL},
    {TYPE_TALINK, "C00CC011", NULL},
    {TYPE_A6, "80C00C", NULL},
};

Test(rdata, names_are_decompressed_where_rfc_3597_says_so)
{
    for (size_t i = 0; i < ARRAY_LEN(compressed); i++) {
        const struct compressed *row = &compressed[i];
        struct rdata rd = sample_wire(row->wire);
        uint8_t buf[512], out[512];
        struct rd message = message_with(rd.bytes, rd.len, buf);
        struct wr w = wr_over(out, sizeof(out));
        const char *why = NULL;
        bool ok = rdata_from_wire(row->type, &message, rd.len, &w, &why);
        cr_expect_eq(ok, row->expanded != NULL, "row %zu: %s", i, why ? why : "accepted");
        if (ok && row->expanded) {
            struct rdata want = sample_wire(row->expanded);
            cr_expect(is_same((struct rdata){out, (uint16_t)wr_len(&w)}, want), "row %zu", i);
            cr_expect(message.at == message.end, "row %zu: the cursor is not behind the rdata", i);
            free((void *)want.bytes);
        }
        free((void *)rd.bytes);
    }
}

Test(rdata, a_name_does_not_reach_beyond_its_rdata)
{
    uint8_t buf[512], out[512];
    struct rd message = message_with((const uint8_t *)"\1a\0", 3, buf);
    struct wr w = wr_over(out, sizeof(out));
    const char *why = NULL;
    cr_expect(!rdata_from_wire(TYPE_NS, &message, 2, &w, &why));
    message = message_with((const uint8_t *)"\1a\0", 3, buf);
    cr_expect(!rdata_from_wire(TYPE_NS, &message, 4, &w, &why), "rdlen beyond the message");
}

struct folding {
    uint16_t type;
    const char *wire, *canonical;
};

/* RFC 4034 s6.2 as RFC 6840 s5.1 corrects it. */
static const struct folding foldings[] = {
    {TYPE_NS, "024E5300", "026E7300"},
    {TYPE_SOA,
     "014100014200"
     "0000000100000002000000030000000400000005",
     "016100016200"
     "0000000100000002000000030000000400000005"},
    {TYPE_SRV,
     "41424344"
     "4546"
     "014100",
     "414243444546"
     "016100"},
    {TYPE_NAPTR,
     "41424142"
     "0141"
     "0142"
     "00"
     "014300",
     "41424142"
     "0141"
     "0142"
     "00"
     "016300"},
    {TYPE_KX, "4142014100", "4142016100"},
    {TYPE_DNAME, "014100", "016100"},
    {TYPE_A6, "80014100", "80016100"},
    {TYPE_RRSIG,
     "414205034142434441424344414243444142"
     "014100"
     "41",
     "414205034142434441424344414243444142"
     "016100"
     "41"},
    {TYPE_NSEC, "014100000140", "014100000140"},
    {TYPE_HIP, "010200014142014100", "010200014142014100"},
    {TYPE_SVCB, "4142014100", "4142014100"},
    {TYPE_LP, "4142014100", "4142014100"},
    {TYPE_TXT, "024142", "024142"},
    {TYPE_NSAP_PTR, "014100", "014100"},
    {731, "014100", "014100"},
};

Test(rdata, canonical_form_folds_the_listed_types_only)
{
    for (size_t i = 0; i < ARRAY_LEN(foldings); i++) {
        struct rdata rd = sample_wire(foldings[i].wire), want = sample_wire(foldings[i].canonical);
        uint8_t out[256];
        cr_assert(rdata_check(foldings[i].type, rd, NULL), "row %zu", i);
        rdata_canonical(foldings[i].type, rd, out);
        cr_expect(is_same((struct rdata){out, rd.len}, want), "row %zu", i);
        cr_expect_eq(rdata_compare(foldings[i].type, rd, want), 0, "row %zu", i);
        rdata_canonical(foldings[i].type, rd, (uint8_t *)rd.bytes);
        cr_expect(is_same(rd, want), "row %zu, in place", i);
        free((void *)rd.bytes);
        free((void *)want.bytes);
    }
}

struct order {
    uint16_t type;
    const char *smaller, *larger;
};

/* RFC 4034 s6.3: left-justified bytes, and the absence of a byte before a zero byte. */
static const struct order orders[] = {
    {TYPE_A, "01020304", "01020305"},
    {TYPE_A, "01020304", "FF000000"},
    {TYPE_TXT, "0161", "01610162"},
    {TYPE_TXT, "0162", "020000"},
    {TYPE_NS, "016100", "014200"}, /* a < b, whatever the case */
    {TYPE_NS, "014100", "016200"},
    {TYPE_NS, "00", "014100"}, /* bytes, not canonical name order */
    {TYPE_NS, "017A00", "02414100"},
    {TYPE_MX, "0001017A00", "0002016100"},
    {TYPE_MX, "0001014100", "0001016200"},
    {TYPE_RRSIG,
     "00010503000151800000000000000000"
     "0000"
     "014100"
     "41",
     "00010503000151800000000000000000"
     "0000"
     "016100"
     "4141"},
    {TYPE_NSEC, "014200000140", "016100000140"}, /* not folded */
    {731, "", "00"},
};

Test(rdata, records_are_ordered_by_their_canonical_bytes)
{
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        struct rdata a = sample_wire(orders[i].smaller), b = sample_wire(orders[i].larger);
        cr_expect_lt(rdata_compare(orders[i].type, a, b), 0, "row %zu", i);
        cr_expect_gt(rdata_compare(orders[i].type, b, a), 0, "row %zu", i);
        cr_expect_eq(rdata_compare(orders[i].type, a, a), 0, "row %zu", i);
        free((void *)a.bytes);
        free((void *)b.bytes);
    }
}

struct names {
    const char *type, *text;
    const char *name[3]; /* up to NULL */
};

static const struct names names[] = {
    {"NS", "a.b.", {"a.b."}},
    {"MX", "10 a.b.", {"a.b."}},
    {"SRV", "1 2 3 a.", {"a."}},
    {"SOA", "a. b. 1 2 3 4 5", {"a.", "b."}},
    {"RP", "a. b.", {"a.", "b."}},
    {"PX", "1 a. b.", {"a.", "b."}},
    {"NAPTR", "1 2 a b \"\" c.", {"c."}},
    {"RRSIG", "A 5 3 86400 20030322173103 20030220173103 2642 example. AAAA", {"example."}},
    {"NSEC", "a. A", {"a."}},
    {"SVCB", "1 a. port=53", {"a."}},
    {"A6", "64 ::1 a.", {"a."}},
    {"TXT", "a", {NULL}},
    {"A", "192.0.2.1", {NULL}},
    {"IPSECKEY", "1 3 2 a. AAAA", {NULL}},
};

Test(rdata, names_are_found_by_number)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        uint8_t buf[RDATA_LEN_MAX];
        char text[NAME_TEXT_MAX];
        uint16_t type = sample_type(names[i].type);
        struct rdata rd = scan(type, names[i].text, buf, names[i].type);
        unsigned n = 0;
        for (; names[i].name[n]; n++) {
            struct name name = rdata_name(type, rd, n);
            cr_assert_neq(name.len, 0, "%s", names[i].type);
            cr_expect_str_eq(name_text(name, text), names[i].name[n]);
        }
        cr_expect_eq(rdata_name(type, rd, n).len, 0, "%s", names[i].type);
        cr_expect_eq(rrtype_info(type)->name_count, n, "%s", names[i].type);
    }
}

/* --- text --- */

Test(rdata, relative_names_get_the_origin)
{
    static const char entry[] = "x ns1 host\\.master 1 2 3 4 5\n";
    static const struct name origin = {(const uint8_t *)"\7example", 9};
    uint8_t buf[512];
    struct lex lex;
    lex_init(&lex, entry, sizeof(entry) - 1);
    lex_next(&lex);
    struct wr w = wr_over(buf, sizeof(buf));
    cr_assert_eq(rdata_scan(TYPE_SOA, &lex, origin, &w, NULL), OK);
    struct rdata rd = {buf, (uint16_t)wr_len(&w)};
    cr_expect_str_eq(show(TYPE_SOA, rd), "ns1.example. host\\.master.example. 1 2 3 4 5");
    struct soa soa = soa_of(rd);
    cr_expect_eq(soa.minimum, 5);
}

Test(rdata, records_may_span_lines_in_parentheses)
{
    static const char text[] = "256 3 8 ( AwEA ; comment\n AaDJ\td0K\n OMYGCEF0/ )";
    uint8_t buf[RDATA_LEN_MAX];
    struct rdata rd = scan(TYPE_DNSKEY, text, buf, "DNSKEY");
    cr_expect_str_eq(show(TYPE_DNSKEY, rd), "256 3 8 AwEAAaDJd0KOMYGCEF0/");
}

Test(rdata, the_offending_token_can_be_told)
{
    static const char entry[] = "x 10 mail.example. extra\nnext";
    uint8_t buf[512];
    struct lex lex;
    lex_init(&lex, entry, sizeof(entry) - 1);
    lex_next(&lex);
    struct wr w = wr_over(buf, sizeof(buf));
    struct diag diag = {0};
    cr_assert_eq(rdata_scan(TYPE_MX, &lex, (struct name){0}, &w, &diag), ERR_SYNTAX);
    cr_expect_eq(lex_peek(&lex).column, 20);
    cr_expect(strstr(diag.text, "extra") != NULL, "%s", diag.text);
    lex_init(&lex, entry, sizeof(entry) - 1);
    lex_next(&lex);
    cr_assert_eq(rdata_scan(TYPE_A, &lex, (struct name){0}, &w, &diag), ERR_SYNTAX);
    cr_expect_eq(lex_peek(&lex).column, 3);
}

Test(rdata, scanned_rdata_is_appended)
{
    uint8_t buf[64] = {0xaa};
    struct wr w = wr_over(buf, sizeof(buf));
    w.at++;
    struct diag diag;
    cr_assert_eq(sample_scan(TYPE_A6, "128 a.", &w, &diag), OK);
    cr_expect_eq(wr_len(&w), 5);
    cr_expect_eq(buf[0], 0xaa);
    cr_assert_eq(sample_scan(TYPE_IPSECKEY, "1 1 2 192.0.2.1", &w, &diag), OK);
    cr_expect_eq(wr_len(&w), 12);
}
