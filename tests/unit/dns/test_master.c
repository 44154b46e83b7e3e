/* SPDX-License-Identifier: Apache-2.0
 * dns/master: zone files to records. Expected records and refusals follow RFC 1035 s5.1 and RFC 2308 s4, and where those
 * are silent what named-compilezone 9.18 makes of the same text. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "dns/master.h"
#include "dns/print.h"

static const uint8_t example[] = "\7example";
static const struct master_options options = {{example, sizeof(example)}, CLASS_IN, 0};

/* All that a reader says, one line each: records as print_rr() has them, "! line:column" for faults, "? line:column" for
 * warnings, with the last component of the file's name before it when it is not the first. */
struct heard {
    char buf[1 << 16];
    struct text text;
    char sentences[1 << 14];
    struct text said;
    uint64_t count;
};

static enum err hear_record(void *arg, const struct rr *rr, const struct master_where *where)
{
    struct heard *h = arg;
    cr_assert(where->line >= 1 && where->column >= 1 && where->file);
    h->count++;
    print_rr(rr, &h->text);
    text_char(&h->text, '\n');
    return OK;
}

static void hear_fault(void *arg, enum master_severity severity, const struct master_where *where, const char *sentence)
{
    struct heard *h = arg;
    const char *slash = strrchr(where->file, '/');
    text_fmt(&h->text, "%c %s%s%u:%u\n", severity == MASTER_ERROR ? '!' : '?', slash ? slash + 1 : "", slash ? ":" : "",
             where->line, where->column);
    text_fmt(&h->said, "%s\n", sentence);
}

static void heard_init(struct heard *h)
{
    h->count = 0;
    text_init(&h->text, h->buf, sizeof(h->buf));
    text_init(&h->said, h->sentences, sizeof(h->sentences));
}

static struct master_sink sink_of(struct heard *h)
{
    return (struct master_sink){.arg = h, .record = hear_record, .fault = hear_fault};
}

static enum err read_bytes(const char *s, size_t len, struct heard *h, struct master_result *result)
{
    struct diag diag = {{0}};
    struct master_sink sink = sink_of(h);
    heard_init(h);
    enum err e = master_read_bytes("t", s, len, &options, &sink, result, &diag);
    cr_expect_eq(result->records, h->count);
    cr_expect_eq(e == OK, result->faults == 0);
    cr_expect_eq(e == OK, diag.text[0] == '\0');
    return e;
}

struct row {
    const char *input, *want;
};

static void expect_rows(const struct row *rows, size_t count, const char *before)
{
    static struct heard h;
    for (size_t i = 0; i < count; i++) {
        char input[4096];
        struct master_result result;
        snprintf(input, sizeof(input), "%s%s", before, rows[i].input);
        read_bytes(input, strlen(input), &h, &result);
        cr_expect_str_eq(h.buf, rows[i].want, "row %zu:\n%s\ngave:\n%s%s", i, rows[i].input, h.buf, h.sentences);
    }
}
#define EXPECT_ROWS(rows) expect_rows(rows, ARRAY_LEN(rows), "$TTL 60\n")

static const struct row field_rows[] = {
    {"a A 192.0.2.1\n", "a.example. 60 IN A 192.0.2.1\n"},
    {"a 5 IN A 192.0.2.1\n", "a.example. 5 IN A 192.0.2.1\n"},
    {"a IN 5 A 192.0.2.1\n", "a.example. 5 IN A 192.0.2.1\n"},
    {"a in 5 a 192.0.2.1\n", "a.example. 5 IN A 192.0.2.1\n"},
    {"a IN A 192.0.2.1", "a.example. 60 IN A 192.0.2.1\n"},
    {"a CLASS1 TYPE1 \\# 4 C0000201\n", "a.example. 60 IN A 192.0.2.1\n"},
    {"a TYPE65280 \\# 2 ABCD\n", "a.example. 60 IN TYPE65280 \\# 2 ABCD\n"},
    {"a 1h30m A 192.0.2.1\n", "a.example. 5400 IN A 192.0.2.1\n"},
    {"a 2147483647 A 192.0.2.1\n", "a.example. 2147483647 IN A 192.0.2.1\n"},
    {"a 2147483648 A 192.0.2.1\n", "? 2:14\na.example. 0 IN A 192.0.2.1\n"}, /* RFC 2181 s8 */
    {"a 4294967296 A 192.0.2.1\n", "! 2:3\n"},
    {"a 1x A 192.0.2.1\n", "! 2:3\n"},
    {"a 1h30 A 192.0.2.1\n", "! 2:3\n"},
    {"a -1 A 192.0.2.1\n", "! 2:3\n"},
    {"a h A 192.0.2.1\n", "! 2:3\n"},
    {"a IN IN A 192.0.2.1\n", "! 2:6\n"},
    {"a 5 6 A 192.0.2.1\n", "! 2:5\n"},
    {"a 5 IN 6 A 192.0.2.1\n", "! 2:8\n"},
    {"a CH A 192.0.2.1\n", "! 2:6\n"},
    {"a CLASS65536 A 192.0.2.1\n", "! 2:3\n"},
    {"a \"A\" 192.0.2.1\n", "! 2:3\n"},
    {"a FOO 192.0.2.1\n", "! 2:3\n"},
    {"a\n", "! 2:2\n"},
    {"a 5 IN\n", "! 2:7\n"},
    {"a", "! 2:2\n"},
    {"a A\n", "! 2:4\n"},
    {"a A 192.0.2.1 192.0.2.2\n", "! 2:15\n"},
    {"a A 192.0.2\n", "! 2:5\n"},
    {"a MX 10\n b A 192.0.2.1\n", "! 2:8\n! 3:2\n"},
    /* owners that look like something else */
    {"IN IN A 192.0.2.1\nA A 192.0.2.2\n", "IN.example. 60 IN A 192.0.2.1\nA.example. 60 IN A 192.0.2.2\n"},
    {"3600 A 192.0.2.1\n60 70 A 192.0.2.2\n", "3600.example. 60 IN A 192.0.2.1\n60.example. 70 IN A 192.0.2.2\n"},
    {"TYPE1 CLASS1 A 192.0.2.1\n", "TYPE1.example. 60 IN A 192.0.2.1\n"},
    {"\\$TTL A 192.0.2.1\n", "\\$TTL.example. 60 IN A 192.0.2.1\n"},
    {"\"b\" A 192.0.2.1\n", "b.example. 60 IN A 192.0.2.1\n"},
    /* types that are no data (RFC 6895 s3.1), and NULL (RFC 1035 s3.3.10) */
    {"a OPT \\# 0\n", "! 2:3\n"},
    {"a TYPE41 \\# 0\n", "! 2:3\n"},
    {"a AXFR \\# 0\n", "! 2:3\n"},
    {"a ANY \\# 0\n", "! 2:3\n"},
    {"a TYPE255 \\# 0\n", "! 2:3\n"},
    {"a TSIG \\# 0\n", "! 2:3\n"},
    {"a TYPE0 \\# 0\n", "! 2:3\n"},
    {"a NULL \\# 0\n", "! 2:3\n"},
};

Test(master, reads_the_fields_of_records)
{
    EXPECT_ROWS(field_rows);
}

static const struct row owner_rows[] = {
    {"@ A 192.0.2.1\n. A 192.0.2.2\nx.y. A 192.0.2.3\n",
     "example. 60 IN A 192.0.2.1\n. 60 IN A 192.0.2.2\nx.y. 60 IN A 192.0.2.3\n"},
    {"a A 192.0.2.1\n A 192.0.2.2\n\tA 192.0.2.3\n",
     "a.example. 60 IN A 192.0.2.1\na.example. 60 IN A 192.0.2.2\na.example. 60 IN A 192.0.2.3\n"},
    {"a A 192.0.2.1\n (\nA 192.0.2.2 )\n", "a.example. 60 IN A 192.0.2.1\na.example. 60 IN A 192.0.2.2\n"},
    {"a\\.b A 192.0.2.1\n\\097\\@ A 192.0.2.2\n", "a\\.b.example. 60 IN A 192.0.2.1\na\\@.example. 60 IN A 192.0.2.2\n"},
    {"* A 192.0.2.1\n\\* A 192.0.2.2\n", "*.example. 60 IN A 192.0.2.1\n*.example. 60 IN A 192.0.2.2\n"},
    {" A 192.0.2.1\na A 192.0.2.2\n A 192.0.2.3\n", "! 2:2\na.example. 60 IN A 192.0.2.2\na.example. 60 IN A 192.0.2.3\n"},
    {"a..b A 192.0.2.1\na\\ A 192.0.2.1\na\\256 A 192.0.2.1\n\"\" A 192.0.2.1\n", "! 2:1\n! 3:6\n! 4:1\n! 5:1\n"},
    {"a12345678901234567890123456789012345678901234567890123456789012x A 192.0.2.1\n", "! 2:1\n"},
};

Test(master, reads_owner_names)
{
    EXPECT_ROWS(owner_rows);
}

static const struct row directive_rows[] = {
    {"$TTL 1h\na A 192.0.2.1\n$ttl 0 ; x\na A 192.0.2.2\n", "a.example. 3600 IN A 192.0.2.1\na.example. 0 IN A 192.0.2.2\n"},
    {"$TTL (\n 77 )\na A 192.0.2.1\n", "a.example. 77 IN A 192.0.2.1\n"},
    {"$TTL 2147483648\na A 192.0.2.1\n", "? 2:6\na.example. 0 IN A 192.0.2.1\n"},
    {"$TTL\n$TTL x\n$TTL 1 2\na A 192.0.2.1\n", "! 2:5\n! 3:6\n! 4:8\na.example. 60 IN A 192.0.2.1\n"},
    {"$ORIGIN b\na NS c\n$ORIGIN d.b.example.\n@ NS e\n$origin .\na NS b\n",
     "a.b.example. 60 IN NS c.b.example.\nd.b.example. 60 IN NS e.d.b.example.\na. 60 IN NS b.\n"},
    {"a A 192.0.2.1\n$ORIGIN b\n A 192.0.2.2\n A 192.0.2.3\n",
     "a.example. 60 IN A 192.0.2.1\n? 4:2\na.example. 60 IN A 192.0.2.2\na.example. 60 IN A 192.0.2.3\n"},
    {"$ORIGIN\n$ORIGIN a..b\n$ORIGIN a b\n@ A 192.0.2.1\n", "! 2:8\n! 3:9\n! 4:11\nexample. 60 IN A 192.0.2.1\n"},
    {"$FOO a b\n$ a\n$TTLx 5\na A 192.0.2.1\n", "! 2:1\n! 3:1\n! 4:1\na.example. 60 IN A 192.0.2.1\n"},
    {"a A 192.0.2.1\n $TTL 5\n", "a.example. 60 IN A 192.0.2.1\n! 3:2\n"},
    {"$INCLUDE\n$INCLUDE \"\"\n$INCLUDE /nonexistent/x a b\n$INCLUDE /nonexistent/x\n$INCLUDE /nonexistent/x a..b\n",
     "! 2:9\n! 3:10\n! 4:27\n! 5:10\n! 6:25\n"},
    {"$INCLUDE /dev/null\n$INCLUDE /\n", "! 2:10\n! 3:10\n"},
};

Test(master, follows_directives)
{
    EXPECT_ROWS(directive_rows);
}

static const struct row generate_rows[] = {
    {"$GENERATE 1-2 a$ A 192.0.2.$\n", "a1.example. 60 IN A 192.0.2.1\na2.example. 60 IN A 192.0.2.2\n"},
    {"$GENERATE 1-5/4 a${1,3,x} 5 IN A 192.0.2.$ ; x\n", "a002.example. 5 IN A 192.0.2.1\na006.example. 5 IN A 192.0.2.5\n"},
    {"$GENERATE 1-1 a IN 5 A 192.0.2.$\n", "a.example. 5 IN A 192.0.2.1\n"},
    {"$GENERATE 1-1 a$ MX \"1$ m$\"\n", "a1.example. 60 IN MX 11 m1.example.\n"},
    {"$GENERATE 1-1 a$ MX 1$ m$\n", "a1.example. 60 IN MX 11 m1.example.\n"},
    {"$GENERATE 1-1 a$ ( MX\n1$ ; x\nm$ )\n", "a1.example. 60 IN MX 11 m1.example.\n"},
    {"$GENERATE 1-1 a TXT \"b \\\"c $\\\"\"\n", "a.example. 60 IN TXT \"b\" \"c 1\"\n"},
    {"$GENERATE 1-1 a TXT \"b c\" \"$\"\n", "a.example. 60 IN TXT \"b c\" \"1\"\n"},
    {"$GENERATE 1-1 a TYPE65280 \"\\# 1 0$\"\n", "a.example. 60 IN TYPE65280 \\# 1 01\n"},
    {"b A 192.0.2.1\n$GENERATE 1-1 a A 192.0.2.$\n A 192.0.2.2\n",
     "b.example. 60 IN A 192.0.2.1\na.example. 60 IN A 192.0.2.1\nb.example. 60 IN A 192.0.2.2\n"},
    {"$ORIGIN b\n$GENERATE 1-1 $ PTR $\n", "1.b.example. 60 IN PTR 1.b.example.\n"},
    {"$GENERATE 2-1 a$ A 192.0.2.$\nb A 192.0.2.1\n", "! 2:11\nb.example. 60 IN A 192.0.2.1\n"},
    {"$GENERATE\n$GENERATE 1-2\n$GENERATE 1-2 a\n$GENERATE 1-2 a A\n", "! 2:10\n! 3:14\n! 4:16\n! 5:18\n"},
    {"$GENERATE 1-2 a${ A 192.0.2.1\n$GENERATE 1-2 a A 192.0.2.${1\n", "! 2:15\n! 3:19\n"},
    {"$GENERATE 254-257 a$ A 192.0.2.$\nb A 192.0.2.1\n",
     "a254.example. 60 IN A 192.0.2.254\na255.example. 60 IN A 192.0.2.255\n! 2:24\nb.example. 60 IN A 192.0.2.1\n"},
    {"$GENERATE 1-2 a$ A 192.0.2.$ x\n", "! 2:20\n"},
    {"$GENERATE 1-2 a$ A (\nb A 192.0.2.1\n", "! 2:20\nb.example. 60 IN A 192.0.2.1\n"},
    {"$GENERATE 1-2 a$ A \"( 192.0.2.$\"\n", "! 2:21\n"},
    {"$GENERATE 1-2 a$ OPT x\n$GENERATE 1-2 a$ CH A 192.0.2.1\n", "! 2:18\n! 3:21\n"},
    {"$GENERATE 0-1000000 a$ A 192.0.2.1\n", "! 2:11\n"},
};

Test(master, follows_generate)
{
    EXPECT_ROWS(generate_rows);
}

static const struct row ttl_rows[] = {
    {"a A 192.0.2.1\n", "! 1:3\n"},
    {"a 5 A 192.0.2.1\nb A 192.0.2.2\n$TTL 7\nc A 192.0.2.3\nd 9 A 192.0.2.4\ne A 192.0.2.5\n",
     "a.example. 5 IN A 192.0.2.1\n? 2:3\nb.example. 5 IN A 192.0.2.2\nc.example. 7 IN A 192.0.2.3\n"
     "d.example. 9 IN A 192.0.2.4\ne.example. 7 IN A 192.0.2.5\n"},
    {"a 5 A 192.0.2.1\nb A 192.0.2.2\nc 6 A 192.0.2.3\nd A 192.0.2.4\n",
     "a.example. 5 IN A 192.0.2.1\n? 2:3\nb.example. 5 IN A 192.0.2.2\nc.example. 6 IN A 192.0.2.3\n"
     "d.example. 6 IN A 192.0.2.4\n"},
    {"@ SOA a b 1 2 3 4 5\na 9 A 192.0.2.1\nb A 192.0.2.2\n",
     "? 1:3\nexample. 5 IN SOA a.example. b.example. 1 2 3 4 5\na.example. 9 IN A 192.0.2.1\nb.example. 5 IN A 192.0.2.2\n"},
    {"$GENERATE 1-1 a A 192.0.2.1\nb A 192.0.2.2\n", "! 1:17\n! 2:3\n"},
    {"$GENERATE 1-1 a 5 A 192.0.2.1\nb A 192.0.2.2\n", "a.example. 5 IN A 192.0.2.1\n? 2:3\nb.example. 5 IN A 192.0.2.2\n"},
};

Test(master, finds_a_ttl_as_rfc2308_and_rfc1035_say)
{
    expect_rows(ttl_rows, ARRAY_LEN(ttl_rows), "");
}

static const struct row recovery_rows[] = {
    {"a A (\n x\n y )\nb A 192.0.2.1\n", "! 3:2\nb.example. 60 IN A 192.0.2.1\n"},
    {"a A ( 192.0.2.1\nb A 192.0.2.2\n\nc A ( 192.0.2.3 )\n",
     "! 2:5\nb.example. 60 IN A 192.0.2.2\nc.example. 60 IN A 192.0.2.3\n"},
    {"a A 192.0.2.1 )\nb A 192.0.2.2\n", "! 2:15\nb.example. 60 IN A 192.0.2.2\n"},
    {"a TXT \"x\nb A 192.0.2.2\n", "! 2:7\nb.example. 60 IN A 192.0.2.2\n"},
    {"a TXT ( \"x\ny )\nb A 192.0.2.2\n", "! 2:9\nb.example. 60 IN A 192.0.2.2\n"},
    {"a TXT \"x", "! 2:7\n"},
    {") a\nb A 192.0.2.2\n", "! 2:1\nb.example. 60 IN A 192.0.2.2\n"},
};

Test(master, goes_on_with_the_next_entry_after_a_fault)
{
    expect_rows(recovery_rows, ARRAY_LEN(recovery_rows), "$TTL 60\n");
}

Test(master, reads_crlf_and_a_byte_order_mark)
{
    static const struct row rows[] = {
        {"\xef\xbb\xbf$TTL 60\r\na A (\r\n192.0.2.1)\r\n\r\n TXT x\r\n",
         "a.example. 60 IN A 192.0.2.1\na.example. 60 IN TXT \"x\"\n"},
        {"$TTL 60\n\xef\xbb\xbf"
         "a A 192.0.2.1\n",
         "\\239\\187\\191a.example. 60 IN A 192.0.2.1\n"},
    };
    expect_rows(rows, ARRAY_LEN(rows), "");
}

Test(master, refuses_nul_bytes)
{
    static struct heard h;
    static const char input[] = "$TTL 60\na TXT x\0y\nb\0 A 192.0.2.1\nc A 192.0.2.1\n";
    struct master_result result;
    cr_expect_eq(read_bytes(input, sizeof(input) - 1, &h, &result), ERR_SYNTAX);
    cr_expect_str_eq(h.buf, "! 2:8\n! 3:2\nc.example. 60 IN A 192.0.2.1\n");
}

/* Words that the sentence must have: what was found, what was expected. */
static const struct row sentence_rows[] = {
    {"a FOO b\n", "\"FOO\""},
    {"a FOO b\n", "expected a TTL, a class or an RR type"},
    {"a 5 IN FOO b\n", "expected an RR type"},
    {"a 5\n", "end of the entry"},
    {"a \"A\" b\n", "quoted \"A\""},
    {"a CH A 192.0.2.1\n", "class CH"},
    {"a OPT x\n", "type OPT"},
    {" A 192.0.2.1\n", "begins with a blank"},
    {"$FOO\n", "\"$FOO\""},
    {"$FOO\n", "$INCLUDE"},
    {"$TTL x\n", "expected a TTL"},
    {"$GENERATE 1 a A b\n", "start-stop"},
    {"$GENERATE 1-2 a$. A 192.0.2.${0,1,z}\n", "${0,1,z}"},
    {"$GENERATE 255-256 a$. 5 A 192.0.2.$\n", "for 256"},
    {"$GENERATE 1-2 a..$ A 192.0.2.$\n", "for 1"},
    {"$INCLUDE /nonexistent/x\n", "/nonexistent/x"},
    {"$INCLUDE /nonexistent/x\n", "No such file"},
    {"$INCLUDE /dev/null\n", "regular file"},
    {"a A ( 192.0.2.1\n", "never closed"},
    {"a TXT \"x\n", "quote"},
    {"a A 192.0.2.1 )\n", "closes none"},
    {"a A 192.0.2.1 b\n", "\"b\""},
    {"a\001\033[2J FOO b\n", "expected"},
    {"a \033[2J\n", "\"?[2J\""}, /* nothing that a terminal acts on */
    {"a 01234567890123456789012345678901234567890123456789\n", "789...\""},
};

Test(master, says_what_was_found_and_what_was_expected)
{
    static struct heard h;
    for (size_t i = 0; i < ARRAY_LEN(sentence_rows); i++) {
        struct master_result result;
        read_bytes(sentence_rows[i].input, strlen(sentence_rows[i].input), &h, &result);
        cr_expect_not_null(strstr(h.sentences, sentence_rows[i].want), "row %zu: \"%s\" says \"%s\"", i,
                           sentence_rows[i].input, h.sentences);
    }
}

Test(master, puts_the_first_fault_into_the_diag)
{
    static struct heard h;
    struct master_result result;
    struct diag diag = {{0}};
    static const char input[] = "\na FOO\nb FOO\n";
    struct master_sink sink = sink_of(&h);
    heard_init(&h);
    cr_expect_eq(master_read_bytes("zone.db", input, sizeof(input) - 1, &options, &sink, &result, &diag), ERR_SYNTAX);
    cr_expect_eq(strncmp(diag.text, "zone.db:2:3: ", 13), 0, "%s", diag.text);
    cr_expect_eq(result.faults, 2);
}

Test(master, stops_after_the_last_fault_it_reports)
{
    static struct heard h;
    static char input[(MASTER_FAULTS_MAX + 20) * 4 + 1];
    struct master_result result;
    for (unsigned i = 0; i < MASTER_FAULTS_MAX + 20; i++)
        memcpy(input + (size_t)i * 4, "a B\n", 4);
    cr_expect_eq(read_bytes(input, sizeof(input) - 1, &h, &result), ERR_SYNTAX);
    cr_expect_eq(result.faults, MASTER_FAULTS_MAX);
    cr_expect_not_null(strstr(h.buf, "! 100:3\n"));
    cr_expect_null(strstr(h.buf, "! 101:3\n"));
}

static enum err refuse(void *arg, const struct rr *rr, const struct master_where *where)
{
    (void)rr;
    (void)where;
    return ++*(unsigned *)arg == 2 ? ERR_CANCELED : OK;
}

Test(master, stops_when_the_sink_says_so)
{
    unsigned count = 0;
    struct master_result result;
    struct master_sink sink = {.arg = &count, .record = refuse};
    static const char input[] = "$TTL 60\n$GENERATE 1-9 a$ A 192.0.2.$\n";
    cr_expect_eq(master_read_bytes("t", input, sizeof(input) - 1, &options, &sink, &result, NULL), ERR_CANCELED);
    cr_expect_eq(count, 2);
}

Test(master, stops_at_the_limit_of_records)
{
    static struct heard h;
    struct master_options few = options;
    struct master_result result;
    struct diag diag = {{0}};
    struct master_sink sink = sink_of(&h);
    static const char input[] = "$TTL 60\n$GENERATE 1-9 a$ A 192.0.2.$\n";
    few.records_max = 9;
    heard_init(&h);
    cr_expect_eq(master_read_bytes("t", input, sizeof(input) - 1, &few, &sink, &result, &diag), OK);
    few.records_max = 8;
    heard_init(&h);
    cr_expect_eq(master_read_bytes("t", input, sizeof(input) - 1, &few, &sink, &result, &diag), ERR_LIMIT);
    cr_expect_eq(h.count, 8);
    cr_expect_not_null(strstr(diag.text, "8 records"), "%s", diag.text);
}

/* --- files --- */

static char dir[] = "/tmp/reeve-master-XXXXXX";

static void make_dir(void)
{
    cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -r %s", dir);
    cr_assert_eq(system(command), 0);
}

static char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void put_file(const char *name, const char *s)
{
    FILE *f = fopen(path_of(name), "w");
    cr_assert_not_null(f);
    cr_assert_geq(fputs(s, f), 0);
    cr_assert_eq(fclose(f), 0);
}

static enum err read_file(const char *name, struct heard *h, struct master_result *result, struct diag *diag)
{
    struct master_sink sink = sink_of(h);
    heard_init(h);
    return master_read_file(path_of(name), &options, &sink, result, diag);
}

TestSuite(master_file, .init = make_dir, .fini = remove_dir);

Test(master_file, include_has_its_own_origin_and_gives_the_old_one_back)
{
    static struct heard h;
    struct master_result result;
    static const char z[] = "$TTL 60\na A 192.0.2.1\n$INCLUDE d/one\n A 192.0.2.3\nb A 192.0.2.4\n"
                            "$INCLUDE \"d/two\" sub ; x\nc A 192.0.2.7\n";
    static const char one[] = " A 192.0.2.2\n$ORIGIN x\ny NS z\n$INCLUDE two w\n$TTL 70\n";
    static const char two[] = "v NS u"; /* without a final line end */
    mkdir(path_of("d"), 0700);
    put_file("z", z);
    put_file("d/one", one);
    put_file("d/two", two);
    cr_expect_eq(read_file("z", &h, &result, NULL), OK, "%s", h.sentences);
    cr_expect_str_eq(h.buf, "a.example. 60 IN A 192.0.2.1\na.example. 60 IN A 192.0.2.2\ny.x.example. 60 IN NS z.x.example.\n"
                            "v.w.x.example. 60 IN NS u.w.x.example.\na.example. 70 IN A 192.0.2.3\n"
                            "b.example. 70 IN A 192.0.2.4\nv.sub.example. 70 IN NS u.sub.example.\n"
                            "c.example. 70 IN A 192.0.2.7\n");
    cr_expect_eq(result.bytes, strlen(z) + strlen(one) + 2 * strlen(two));
}

Test(master_file, faults_name_the_included_file)
{
    static struct heard h;
    struct master_result result;
    struct diag diag;
    put_file("z", "$TTL 60\n$INCLUDE one\na B\n");
    put_file("one", "\nb A x\nc B\n");
    cr_expect_eq(read_file("z", &h, &result, &diag), ERR_SYNTAX);
    cr_expect_str_eq(h.buf, "! one:2:5\n! one:3:3\n! z:3:3\n");
    cr_expect_not_null(strstr(diag.text, "/one:2:5: "), "%s", diag.text);
}

Test(master_file, include_refuses_loops)
{
    static struct heard h;
    struct master_result result;
    put_file("z", "$TTL 60\n$INCLUDE one\na A 192.0.2.1\n");
    put_file("one", "$INCLUDE ./z\n$INCLUDE one\nb A 192.0.2.2\n");
    cr_expect_eq(read_file("z", &h, &result, NULL), ERR_SYNTAX);
    cr_expect_str_eq(h.buf, "! one:1:10\n! one:2:10\nb.example. 60 IN A 192.0.2.2\na.example. 60 IN A 192.0.2.1\n");
    cr_expect_not_null(strstr(h.sentences, "includes itself"), "%s", h.sentences);
}

Test(master_file, include_has_a_depth_limit)
{
    static struct heard h;
    struct master_result result;
    for (unsigned i = 0; i <= MASTER_INCLUDE_DEPTH_MAX + 1; i++) {
        char name[16], text[32];
        snprintf(name, sizeof(name), "f%u", i);
        snprintf(text, sizeof(text), "$TTL 60\n$INCLUDE f%u\n", i + 1);
        put_file(name, i <= MASTER_INCLUDE_DEPTH_MAX ? text : "a A 192.0.2.1\n");
    }
    cr_expect_eq(read_file("f1", &h, &result, NULL), OK, "%s", h.sentences); /* f2 to f17: 16 deep */
    cr_expect_eq(h.count, 1);
    cr_expect_eq(read_file("f0", &h, &result, NULL), ERR_SYNTAX);
    cr_expect_str_eq(h.buf, "! f16:2:10\n");
}

Test(master_file, include_has_a_total_limit)
{
    static struct heard h;
    struct master_result result;
    put_file("z", "$INCLUDE a\n$INCLUDE a\n$INCLUDE a\n$INCLUDE a\n$INCLUDE a\n$INCLUDE a\n$INCLUDE a\n$INCLUDE a\n"
                  "$INCLUDE a\n$INCLUDE a\n$INCLUDE a\n");
    char name[2] = "a";
    for (; name[0] < 'd'; name[0]++) {
        char text[200] = "";
        for (unsigned i = 0; i < 10; i++)
            sprintf(text + strlen(text), "$INCLUDE %c\n", name[0] + 1);
        put_file(name, text);
    }
    put_file("d", ""); /* 11 + 110 + 1100 + 11000 includes */
    cr_expect_eq(read_file("z", &h, &result, NULL), ERR_SYNTAX);
    cr_expect_not_null(strstr(h.sentences, "10000 files"), "%s", h.sentences);
}

Test(master_file, refuses_what_is_no_regular_file)
{
    static struct heard h;
    struct master_result result;
    struct diag diag;
    cr_assert_eq(mkfifo(path_of("fifo"), 0600), 0);
    cr_expect_eq(read_file("fifo", &h, &result, &diag), ERR_IO); /* and does not wait for a writer */
    cr_expect_not_null(strstr(diag.text, "not a regular file"), "%s", diag.text);
    cr_expect_eq(read_file(".", &h, &result, &diag), ERR_IO);
    cr_expect_not_null(strstr(diag.text, "not a regular file"), "%s", diag.text);
    cr_expect_eq(read_file("absent", &h, &result, &diag), ERR_IO);
    cr_expect_not_null(strstr(diag.text, "No such file"), "%s", diag.text);
    put_file("z", "$TTL 60\n$INCLUDE fifo\na A 192.0.2.1\n");
    cr_expect_eq(read_file("z", &h, &result, &diag), ERR_SYNTAX);
    cr_expect_str_eq(h.buf, "! z:2:10\na.example. 60 IN A 192.0.2.1\n");
}

Test(master_file, reads_an_empty_file)
{
    static struct heard h;
    struct master_result result;
    put_file("z", "");
    cr_expect_eq(read_file("z", &h, &result, NULL), OK);
    cr_expect_eq(result.records, 0);
}

/* --- windows --- */

/* A sum over all records, so that two readings of megabytes can be compared. */
struct sum {
    uint64_t count, hash;
};

static enum err add_record(void *arg, const struct rr *rr, const struct master_where *where)
{
    static char line[PRINT_RR_MAX(RDATA_LEN_MAX)];
    struct sum *sum = arg;
    struct text t;
    text_init(&t, line, sizeof(line));
    print_rr(rr, &t);
    text_fmt(&t, " %u:%u", where->line, where->column);
    sum->count++;
    for (const char *p = line; *p; p++)
        sum->hash = (sum->hash ^ (uint8_t)*p) * 0x100000001b3u;
    return OK;
}

/* Entries of many sizes and shapes, up to several windows long. */
static char *make_zone(size_t *len)
{
    char *s;
    FILE *f = open_memstream(&s, len);
    unsigned random = 12345;
    fputs("$TTL 60\r\n", f);
    for (unsigned i = 0; i < 30000; i++) {
        random = random * 1103515245u + 12345u;
        unsigned kind = random >> 16 & 1023;
        if (kind < 400)
            fprintf(f, "a%u A 192.0.2.%u ; comment %u\n", i, i & 255, kind);
        else if (kind < 700)
            fprintf(f, "  ( ; x\r\n TXT \"a b\" (\n %0*u )\n;\n ) ; y\n\n", (int)(kind % 200 + 1), 1u);
        else if (kind < 900)
            fprintf(f, "%u.b MX %u c\\.d\r\n", i, i);
        else if (kind < 1022)
            fprintf(f, "; %*s\n", (int)kind, "x");
        else if (kind < 1023)
            fprintf(f, "c TXT ( ; %*s\n \"%0*u\" )\n", 700000, "y", 255, 7u);
        else
            fprintf(f, ";%*s\n", 600000, "");
    }
    fclose(f);
    return s;
}

Test(master_file, reads_through_windows_what_it_reads_in_one_piece, .timeout = 60)
{
    size_t len;
    char *s = make_zone(&len);
    struct sum whole = {0}, windows = {0};
    struct master_result whole_result, result;
    struct master_sink sink = {.arg = &whole, .record = add_record};
    cr_expect_eq(master_read_bytes("t", s, len, &options, &sink, &whole_result, NULL), OK);
    FILE *f = fopen(path_of("z"), "w");
    cr_assert_eq(fwrite(s, 1, len, f), len);
    cr_assert_eq(fclose(f), 0);
    sink.arg = &windows;
    cr_expect_eq(master_read_file(path_of("z"), &options, &sink, &result, NULL), OK);
    cr_expect_gt(whole.count, 20000);
    cr_expect_eq(windows.count, whole.count);
    cr_expect_eq(windows.hash, whole.hash);
    cr_expect_eq(result.bytes, len);
    free(s);
}

static void put_blanks(FILE *f, size_t count)
{
    while (count--)
        fputc(' ', f);
}

Test(master_file, leaves_an_entry_that_is_too_long, .timeout = 60)
{
    static struct heard h;
    struct master_result result;
    FILE *f = fopen(path_of("z"), "w");
    fputs("$TTL 60\na A 192.0.2.1\n", f);
    put_blanks(f, MASTER_ENTRY_MAX * 3);
    fputs("A x\nb A 192.0.2.2\nc A ( 192.0.2.3\nd A 192.0.2.4\n", f);
    put_blanks(f, 100);
    for (unsigned i = 0; i < MASTER_ENTRY_MAX / 10; i++)
        fputs("\n      TXT x", f);
    fputs("\ne A 192.0.2.5\n", f);
    cr_assert_eq(fclose(f), 0);
    cr_expect_eq(read_file("z", &h, &result, NULL), ERR_SYNTAX);
    cr_expect_eq(result.faults, 2);
    cr_expect_not_null(strstr(h.buf, "a.example. 60 IN A 192.0.2.1\n! z:3:1\nb.example. 60 IN A 192.0.2.2\n! z:5:5\n"
                                     "d.example. 60 IN A 192.0.2.4\n"));
    cr_expect_not_null(strstr(h.sentences, "line longer than"), "%s", h.sentences);
    cr_expect_not_null(strstr(h.sentences, "not closed within"), "%s", h.sentences);
    cr_expect_eq(result.records, 4 + MASTER_ENTRY_MAX / 10);
}
