/* SPDX-License-Identifier: Apache-2.0
 * Loading zone files: what is refused, what is warned of, and where it is said to be. Severities
 * are those of named-checkzone 9.18 and kzonecheck 3.2 on the same zones; errors are what either of
 * them refuses. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zone/load.h"
#include "zone_util.h"

#define SOA "$TTL 300\n@ SOA ns.example. h.example. 1 2 3 4 5\n"
#define TOP SOA "@ NS ns.example.\nns A 192.0.2.1\n"

struct said {
    unsigned errors, warnings;
    char text[16384];
};

static void on_line(void *arg, enum master_severity severity, const char *line,
                    const char *sentence)
{
    struct said *s = arg;
    cr_assert(sentence > line && !memcmp(sentence - 2, ": ", 2), "%s", line);
    *(severity == MASTER_ERROR ? &s->errors : &s->warnings) += 1;
    size_t len = strlen(s->text);
    const char *slash = strrchr(line, '/');
    snprintf(s->text + len, sizeof(s->text) - len, "%s\n", slash ? slash + 1 : line);
}

static struct zone *load(const char *text, uint32_t records_max, struct said *said,
                         struct diag *diag)
{
    char path[] = "/tmp/reeve-load-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct name_buf name = name_from("example.");
    struct load_limits limits = {records_max};
    struct load_sink sink = {said, on_line, .has_places = true};
    struct load_result result;
    *said = (struct said){0};
    *diag = (struct diag){0};
    struct zone *z = load_zone_file(name_of(&name), path, &limits, &sink, &result, diag);
    unlink(path);
    cr_assert_eq(result.errors, said->errors);
    cr_assert_eq(result.warnings < 100 ? (unsigned)result.warnings : 100, said->warnings);
    cr_assert_eq(z == NULL, said->errors > 0);
    return z;
}

static const struct row {
    const char *what, *text;
    unsigned errors, warnings;
    const char *says;
} rows[] = {
    {"a plain zone", TOP, 0, 0, ""},
    {"no SOA", "$TTL 300\n@ NS ns\nns A 192.0.2.1\n", 1, 0, "example.: no SOA at the apex"},
    {"no NS", SOA, 1, 0, "example.: no NS at the apex"},
    {"two SOAs", TOP "@ SOA ns.example. h.example. 2 2 3 4 5\n", 1, 0, "2 SOA records"},
    {"SOA below", TOP "a SOA ns.example. h.example. 2 2 3 4 5\n", 1, 0,
     "a.example.: SOA that is not at the apex"},
    {"CNAME and other data", TOP "a CNAME b.net.\na A 192.0.2.3\n", 1, 0,
     ":5:3: a.example.: CNAME and other data"},
    {"CNAME at the apex", TOP "@ CNAME b.net.\n", 1, 0, "example.: CNAME and other data"},
    {"two CNAMEs", TOP "a CNAME b\na CNAME c\n", 1, 0, "a.example.: 2 CNAME records"},
    {"CNAME with DNSSEC types", TOP "a CNAME b.net.\na NSEC b CNAME\n", 0, 0, ""},
    {"CNAME with KEY", TOP "a CNAME b.net.\na KEY 512 3 8 AwEAAQ==\n", 0, 0, ""},
    {"below a DNAME", TOP "a DNAME b.net.\nx.a A 192.0.2.3\n", 1, 0,
     ":6:5: x.a.example.: stands below a DNAME"},
    {"two DNAMEs", TOP "a DNAME b.net.\na DNAME c.net.\n", 1, 0, "a.example.: 2 DNAME records"},
    {"NS beside DNAME", TOP "a DNAME b.net.\na NS ns\n", 1, 0, "a.example.: NS beside a DNAME"},
    {"DNAME at the apex", SOA "@ NS ns.example.net.\n@ DNAME b.net.\n", 0, 0, ""},
    {"NS at a wildcard", TOP "*.a NS ns\n", 1, 0, "*.a.example.: NS at a wildcard"},
    {"out of the zone", TOP "x.net. A 192.0.2.1\n", 0, 1, ":5:8: x.net. A is out of the zone"},
    {"TTLs differ", TOP "a 300 A 192.0.2.1\na 400 A 192.0.2.2\n", 0, 1,
     ":6:7: a.example. A has another TTL"},
    {"twice the same", TOP "a MX 1 ns\nA MX 1 NS\n", 0, 1, ":6:3: A.example. MX stands here twice"},
    {"no glue", TOP "a NS ns.a\n", 0, 1,
     ":5:3: a.example.: NS target \"ns.a.example.\" has no glue"},
    {"no sibling glue", TOP "a NS ns.b\nb NS ns.b\n", 0, 2,
     "a.example.: NS target \"ns.b.example.\" is in another delegation"},
    {"NS target does not exist", TOP "a NS nowhere\n", 0, 1,
     "a.example.: NS target \"nowhere.example.\" has no address"},
    {"apex NS target does not exist", SOA "@ NS nowhere\n", 1, 0,
     "example.: NS target \"nowhere.example.\" has no address"},
    {"NS target is a CNAME", TOP "a NS c\nc CNAME ns\n", 0, 1,
     "a.example.: NS target \"c.example.\" is a CNAME"},
    {"apex NS target is a CNAME", TOP "@ NS c\nc CNAME ns\n", 1, 0,
     "example.: NS target \"c.example.\" is a CNAME"},
    {"MX target is a CNAME", TOP "a MX 10 c\nc CNAME ns\n", 0, 1,
     "a.example.: MX target \"c.example.\" is a CNAME"},
    {"MX target does not exist", TOP "a MX 10 c\n", 0, 1,
     "MX target \"c.example.\" has no address"},
    {"MX of RFC 7505", TOP "a MX 0 .\n", 0, 0, ""},
    {"MX is an address", TOP "a MX 10 192.0.2.5.\n", 0, 1,
     "MX target \"192.0.2.5.\" is an address"},
    {"MX by wildcard", TOP "a MX 10 x.w\n*.w A 192.0.2.9\n", 0, 0, ""},
    {"SRV target is a CNAME", TOP "_a._tcp SRV 1 1 1 c\nc CNAME ns\n", 0, 1,
     "SRV target \"c.example.\" is a CNAME"},
    {"SRV target does not exist", TOP "_a._tcp SRV 1 1 1 c\n", 0, 1,
     "SRV target \"c.example.\" has no address"},
    {"DS without NS",
     TOP "a DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000\n", 0, 1,
     "DS without NS"},
    {"DS at the apex",
     TOP "@ DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000\n", 1, 0,
     "example.: DS at the apex"},
    {"NSEC3 at no hash", TOP "abz NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX\n", 1,
     0, "abz.example.: NSEC3 whose owner is not a hash"},
    {"NSEC3 at the apex", TOP "@ NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX\n", 1, 0,
     "example.: NSEC3 whose owner is not a hash"},
    {"NSEC3 at a hash",
     TOP
     "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX\n"
     "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom CNAME ns\n",
     0, 0, ""},
    {"all below nested DNAMEs", TOP "a DNAME b.net.\nb.a DNAME c.net.\nc.a A 192.0.2.1\n", 2, 0,
     "c.a.example.: stands below"},
    {"glue is data of the child", TOP "a NS ns.a\nns.a A 192.0.2.1\nns.a AAAA 2001:db8::1\n", 0, 0,
     ""},
};

Test(load, says_what_named_checkzone_and_kzonecheck_say)
{
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct said said;
        struct diag diag;
        struct zone *z = load(rows[i].text, 0, &said, &diag);
        cr_expect_eq(said.errors, rows[i].errors, "%s: %u errors\n%s", rows[i].what, said.errors,
                     said.text);
        cr_expect_eq(said.warnings, rows[i].warnings, "%s: %u warnings\n%s", rows[i].what,
                     said.warnings, said.text);
        cr_expect(strstr(said.text, rows[i].says), "%s: wanted \"%s\", said\n%s", rows[i].what,
                  rows[i].says, said.text);
        zone_free(z);
    }
}

Test(load, keeps_the_first_ttl_of_an_rrset)
{
    struct said said;
    struct diag diag;
    struct zone *z = load(TOP "a 300 A 192.0.2.1\na 400 A 192.0.2.2\n", 0, &said, &diag);
    struct name_buf a = name_from("a.example.");
    struct rrset set;
    cr_assert(node_find(lookup_exact(z->published, name_of(&a)), TYPE_A, &set));
    cr_expect_eq(set.ttl, 300);
    cr_expect_eq(set.count, 2);
    zone_free(z);
}

Test(load, stops_at_the_limit_of_records)
{
    struct said said;
    struct diag diag;
    cr_assert_null(load(TOP "a A 192.0.2.1\n", 3, &said, &diag));
    struct zone *z = load(TOP "a A 192.0.2.1\n", 4, &said, &diag);
    cr_assert_not_null(z);
    zone_free(z);
}

/* RFC 1035 s2.3.4: 63 bytes a label, 255 bytes a name; 127 labels fit. Bytes are bytes, escaped or
 * not (s5.1). */
Test(load, takes_every_name_that_dns_can_have)
{
    enum { LABELS = 124 }; /* above "example." */
    char text[2000] = TOP, *at = text + strlen(text);
    for (int i = 0; i < LABELS - 1; i++)
        at += sprintf(at, "%s%c", i ? "." : "", 'a' + i % 26);
    at += sprintf(at, " A 192.0.2.1\n");
    for (int i = 0; i < 3; i++)
        at += sprintf(at, "%063d.", i);
    at += sprintf(at, "%053d TXT x\n", 3);
    at += sprintf(at, "a\\000b\\.c\\\\\\255 A 192.0.2.2\n\\@ A 192.0.2.3\n\\* A 192.0.2.4\n");
    struct said said;
    struct diag diag;
    struct zone *z = load(text, 0, &said, &diag);
    cr_assert_not_null(z, "%s", said.text);
    static const struct {
        const char *name;
        enum lookup_kind kind;
    } found[] = {
        {"a\\000b\\.c\\\\\\255.example.", LOOKUP_NODE},
        {"A\\000B\\.C\\\\\\255.example.", LOOKUP_NODE},
        {"a\\000b.example.", LOOKUP_WILDCARD},
        {"@.example.", LOOKUP_NODE},
        {"*.example.", LOOKUP_NODE},
        {"x.*.example.", LOOKUP_ABSENT},
        {"c.d.e.example.", LOOKUP_WILDCARD},
    };
    for (unsigned i = 0; i < ARRAY_LEN(found); i++) {
        struct lookup l;
        struct name_buf n = name_from(found[i].name);
        lookup_find(z->published, name_of(&n), &l);
        cr_expect_eq(l.kind, found[i].kind, "%s: %d", found[i].name, l.kind);
    }
    /* the longest name, its parent, and a name beside it that has no room for a wildcard above
     * it */
    struct walk w;
    walk_start(&w, z->published);
    unsigned longest = 0, deepest = 0;
    for (const struct node *n; (n = walk_next(&w));) {
        longest = n->owner_len > longest ? n->owner_len : longest;
        deepest = name_labels(node_owner(n)) > deepest ? name_labels(node_owner(n)) : deepest;
        struct lookup l;
        lookup_find(z->published, node_owner(n), &l);
        cr_expect_eq(l.kind, LOOKUP_NODE);
        cr_expect_eq(l.node, n);
        if (n->owner_len == z->name.len)
            continue;
        lookup_find(z->published, name_parent(node_owner(n)), &l);
        cr_expect(l.kind == LOOKUP_EMPTY || l.kind == LOOKUP_NODE);
    }
    cr_expect_eq(longest, NAME_LEN_MAX);
    cr_expect_eq(deepest, LABELS);
    zone_free(z);
}

/* Faults in great number are told up to a limit, and the load ends. */
Test(load, ends_after_a_hundred_errors)
{
    struct said said;
    struct diag diag;
    cr_assert_null(load(TOP "$GENERATE 1-70000 a TXT $\n", 0, &said, &diag));
    cr_expect_eq(said.errors, 100);
    cr_expect(strstr(said.text, "more records than one name can have"), "%s", said.text);
}

/* named 9.18 refuses an RRset of more than 65535 bytes; what is smaller and yet no message can have
 * it is warned of. */
Test(load, refuses_what_no_message_can_hold)
{
    enum { CAP = 400000 };
    char *text = malloc(CAP);
    struct said said;
    struct diag diag;
    int at = sprintf(text, TOP);
    for (unsigned i = 0; i < 300; i++)
        at += sprintf(text + at, "a TXT %0250u\n", i);
    cr_assert_null(load(text, 0, &said, &diag));
    cr_expect(strstr(said.text, "a.example.: TXT RRset of 75900 bytes"), "%s", said.text);
    cr_expect_eq(said.errors, 1);
    at = sprintf(text, TOP "a TYPE65400 \\# 65515 ");
    memset(text + at, 'a', 2 * 65515);
    strcpy(text + at + 2 * 65515, "\n");
    cr_assert_null(load(text, 0, &said, &diag),
                   "one record: 12 + 11 + 10 + 65515 bytes with header and owner");
    at = sprintf(text, TOP "a TYPE65400 \\# 64985 ");
    memset(text + at, 'a', 2 * 64985);
    strcpy(text + at + 2 * 64985, "\n");
    cr_assert_null(load(text, 0, &said, &diag),
                   "65535 - 12 - 11 - 4 - 12 bytes hold it, but not with OPT and TSIG in 512");
    at = sprintf(text, TOP "a TYPE65400 \\# 64984 ");
    memset(text + at, 'a', 2 * 64984);
    strcpy(text + at + 2 * 64984, "\n");
    struct zone *large = load(text, 0, &said, &diag);
    cr_assert_not_null(large, "%s", diag.text);
    zone_free(large);
    struct zone *z = load(TOP "$GENERATE 1-250 a A 10.0.0.$\n", 0, &said, &diag);
    cr_expect_eq(said.warnings, 0);
    zone_free(z);
    at = sprintf(text, TOP);
    for (unsigned i = 0; i < 5000; i++)
        at += sprintf(text + at, "a A 10.0.%u.%u\n", i / 256, i % 256);
    cr_expect_null(load(text, 0, &said, &diag), "5000 * (12 + 4) bytes with their owners");
    cr_expect(strstr(said.text, "a.example.: A RRset of 30000 bytes in 5000 records does not fit"),
              "%s", said.text);
    free(text);
}

/* Warnings before it must not hide an error: the zone is not served. */
Test(load, refuses_a_zone_whose_error_comes_after_many_warnings)
{
    struct said said;
    struct diag diag;
    cr_assert_null(
        load(TOP "$GENERATE 1-150 a$ MX 1 nowhere\nz CNAME ns\nz A 192.0.2.1\n", 0, &said, &diag));
    cr_expect_eq(said.errors, 1);
    cr_expect(strstr(diag.text, "z.example.: CNAME and other data"), "%s", diag.text);
}

Test(load, says_a_hundred_warnings_and_counts_the_rest)
{
    char path[] = "/tmp/reeve-load-XXXXXX";
    int fd = mkstemp(path);
    static const char text[] = TOP "$GENERATE 1-1000 a A 192.0.2.7\n";
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct name_buf name = name_from("example.");
    struct load_limits limits = {0};
    struct said said = {0};
    struct load_sink sink = {&said, on_line};
    struct load_result result;
    struct diag diag = {0};
    struct zone *z = load_zone_file(name_of(&name), path, &limits, &sink, &result, &diag);
    unlink(path);
    cr_assert_not_null(z);
    cr_expect_eq(said.warnings, 100);
    cr_expect_eq(result.warnings, 999);
    zone_free(z);
}

Test(load, can_be_cancelled)
{
    char path[] = "/tmp/reeve-load-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_eq(write(fd, TOP, strlen(TOP)), (ssize_t)strlen(TOP));
    close(fd);
    struct name_buf name = name_from("example.");
    atomic_bool is_canceled = true;
    struct load_limits limits = {.is_canceled = &is_canceled};
    struct said said = {0};
    struct load_sink sink = {&said, on_line};
    struct load_result result;
    struct diag diag = {0};
    cr_assert_null(load_zone_file(name_of(&name), path, &limits, &sink, &result, &diag));
    cr_expect_eq(said.errors, 0, "nobody wants to know");
    cr_expect(strstr(diag.text, "cancelled"), "%s", diag.text);
    is_canceled = false;
    struct zone *z = load_zone_file(name_of(&name), path, &limits, &sink, &result, &diag);
    cr_expect_not_null(z);
    zone_free(z);
    unlink(path);
}

Test(load, says_why_a_file_cannot_be_read)
{
    struct name_buf name = name_from("example.");
    struct load_limits limits = {0};
    struct said said = {0};
    struct load_sink sink = {&said, on_line};
    struct load_result result;
    struct diag diag = {0};
    cr_assert_null(
        load_zone_file(name_of(&name), "/nonexistent/zone", &limits, &sink, &result, &diag));
    cr_expect_eq(said.errors, 1);
    cr_expect(strstr(diag.text, "No such file"), "%s", diag.text);
    diag = (struct diag){0};
    cr_assert_null(load_zone_file(name_of(&name), "/tmp", &limits, &sink, &result, &diag));
    cr_expect(strstr(diag.text, "/tmp"), "%s", diag.text);
}

/* --- is it the same file still? --- */

static void on_identity(void *arg, char *identity)
{
    *(char **)arg = identity;
}

static void ignore_line(void *arg, enum master_severity severity, const char *line,
                        const char *sentence)
{
    (void)arg;
    (void)severity;
    (void)line;
    (void)sentence;
}

/* Reads the file and gives back its identity. */
static char *identity_of(const char *path)
{
    struct name_buf name = name_from("example.");
    struct load_limits limits = {0};
    char *identity = NULL;
    struct load_sink sink = {&identity, ignore_line, on_identity};
    struct load_result result;
    struct diag diag;
    zone_free(load_zone_file(name_of(&name), path, &limits, &sink, &result, &diag));
    cr_assert_not_null(identity);
    return identity;
}

static void write_file(const char *path, const char *text, int64_t mtime_s)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    struct timespec times[2] = {{mtime_s, 5}, {mtime_s, 5}};
    if (mtime_s)
        cr_assert_eq(futimens(fd, times), 0);
    close(fd);
}

Test(load, tells_a_changed_file_from_the_same)
{
    char dir[] = "/tmp/reeve load-XXXXXX", zone[64], part[64], text[256];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(zone, sizeof(zone), "%s/a b.zone", dir);
    snprintf(part, sizeof(part), "%s/part", dir);
    write_file(zone, TOP "$INCLUDE part\n", 1000000000);
    write_file(part, "a A 192.0.2.1\n", 1000000001);
    char *identity = identity_of(zone);
    snprintf(text, sizeof(text), "%s %zu 1000000000000000005\n%s 14 1000000001000000005\n", zone,
             strlen(TOP "$INCLUDE part\n"), part);
    cr_expect_str_eq(identity, text);
    cr_expect(load_source_is_same(identity));
    write_file(part, "a A 192.0.2.2\n", 1000000002);
    cr_expect_not(load_source_is_same(identity), "another time");
    write_file(part, "a A 192.0.2.22\n", 1000000001);
    cr_expect_not(load_source_is_same(identity), "another size");
    write_file(part, "a A 192.0.2.2\n", 1000000001);
    cr_expect(load_source_is_same(identity));
    unlink(part);
    cr_expect_not(load_source_is_same(identity), "not there");
    free(identity);

    write_file(part, "a A 192.0.2.1\n", 0);
    identity = identity_of(zone);
    cr_expect(strstr(identity, "unsettled"), "%s", identity);
    cr_expect_not(load_source_is_same(identity), "changed just before it was read");
    free(identity);
    unlink(part);
    identity = identity_of(zone);
    cr_expect(load_source_is_same(identity), "a file that is not fit has an identity too");
    free(identity);
    unlink(zone);
    identity = identity_of(zone);
    cr_expect_str_eq(identity, "", "what cannot be opened has none");
    free(identity);
    rmdir(dir);
}

Test(load, takes_no_malformed_identity_for_the_same)
{
    static const char *const identities[] = {
        "",          "\n", "/", "/ 1\n", "/ 1 2", "/ 1 2\n", " 1 2\n", "/dev/null 0 unsettled\n",
        "\n/ 1 2\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(identities); i++)
        cr_expect_not(load_source_is_same(identities[i]), "%zu", i);
    size_t len = 10000;
    char *text = memset(malloc(len + 6), 'x', len);
    memcpy(text + len, " 1 2\n", 6);
    cr_expect_not(load_source_is_same(text));
    free(text);
}
