/* SPDX-License-Identifier: Apache-2.0
 * dns/master: zone files to records. Expected records and refusals follow RFC 1035 s5.1 and RFC
 * 2308 s4, and where those are silent what named-compilezone 9.18 makes of the same text. */
#include <stdio.h>
#include <string.h>

#include "heard.h"
#include "unit.h"

static struct heard heard;

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
    for (size_t i = 0; i < count; i++) {
        char input[4096];
        struct master_result result;
        snprintf(input, sizeof(input), "%s%s", before, rows[i].input);
        read_bytes(input, strlen(input), &heard, &result);
        cr_expect_str_eq(heard.buf, rows[i].want, "row %zu:\n%s\ngave:\n%s%s", i, rows[i].input,
                         heard.buf, heard.sentences);
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
    {"IN IN A 192.0.2.1\nA A 192.0.2.2\n",
     "IN.example. 60 IN A 192.0.2.1\nA.example. 60 IN A 192.0.2.2\n"},
    {"3600 A 192.0.2.1\n60 70 A 192.0.2.2\n",
     "3600.example. 60 IN A 192.0.2.1\n60.example. 70 IN A 192.0.2.2\n"},
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
    {"a A 192.0.2.1\n (\nA 192.0.2.2 )\n",
     "a.example. 60 IN A 192.0.2.1\na.example. 60 IN A 192.0.2.2\n"},
    {"a\\.b A 192.0.2.1\n\\097\\@ A 192.0.2.2\n",
     "a\\.b.example. 60 IN A 192.0.2.1\na\\@.example. 60 IN A 192.0.2.2\n"},
    {"* A 192.0.2.1\n\\* A 192.0.2.2\n",
     "*.example. 60 IN A 192.0.2.1\n*.example. 60 IN A 192.0.2.2\n"},
    {" A 192.0.2.1\na A 192.0.2.2\n A 192.0.2.3\n",
     "! 2:2\na.example. 60 IN A 192.0.2.2\na.example. 60 IN A 192.0.2.3\n"},
    {"a..b A 192.0.2.1\na\\ A 192.0.2.1\na\\256 A 192.0.2.1\n\"\" A 192.0.2.1\n",
     "! 2:1\n! 3:6\n! 4:1\n! 5:1\n"},
    {"a12345678901234567890123456789012345678901234567890123456789012x A 192.0.2.1\n", "! 2:1\n"},
};

Test(master, reads_owner_names)
{
    EXPECT_ROWS(owner_rows);
}

static const struct row directive_rows[] = {
    {"$TTL 1h\na A 192.0.2.1\n$ttl 0 ; x\na A 192.0.2.2\n",
     "a.example. 3600 IN A 192.0.2.1\na.example. 0 IN A 192.0.2.2\n"},
    {"$TTL (\n 77 )\na A 192.0.2.1\n", "a.example. 77 IN A 192.0.2.1\n"},
    {"$TTL 2147483648\na A 192.0.2.1\n", "? 2:6\na.example. 0 IN A 192.0.2.1\n"},
    {"$TTL\n$TTL x\n$TTL 1 2\na A 192.0.2.1\n",
     "! 2:5\n! 3:6\n! 4:8\na.example. 60 IN A 192.0.2.1\n"},
    {"$ORIGIN b\na NS c\n$ORIGIN d.b.example.\n@ NS e\n$origin .\na NS b\n",
     "a.b.example. 60 IN NS c.b.example.\nd.b.example. 60 IN NS e.d.b.example.\na. 60 IN NS b.\n"},
    {"a A 192.0.2.1\n$ORIGIN b\n A 192.0.2.2\n A 192.0.2.3\n",
     "a.example. 60 IN A 192.0.2.1\n? 4:2\na.example. 60 IN A 192.0.2.2\na.example. 60 IN A "
     "192.0.2.3\n"},
    {"$ORIGIN\n$ORIGIN a..b\n$ORIGIN a b\n@ A 192.0.2.1\n",
     "! 2:8\n! 3:9\n! 4:11\nexample. 60 IN A 192.0.2.1\n"},
    {"$FOO a b\n$ a\n$TTLx 5\na A 192.0.2.1\n",
     "! 2:1\n! 3:1\n! 4:1\na.example. 60 IN A 192.0.2.1\n"},
    {"a A 192.0.2.1\n $TTL 5\n", "a.example. 60 IN A 192.0.2.1\n! 3:2\n"},
    {"$INCLUDE\n$INCLUDE \"\"\n$INCLUDE /nonexistent/x a b\n$INCLUDE /nonexistent/x\n$INCLUDE "
     "/nonexistent/x a..b\n",
     "! 2:9\n! 3:10\n! 4:27\n! 5:10\n! 6:25\n"},
    {"$INCLUDE /dev/null\n$INCLUDE /\n", "! 2:10\n! 3:10\n"},
};

Test(master, follows_directives)
{
    EXPECT_ROWS(directive_rows);
}

static const struct row generate_rows[] = {
    {"$GENERATE 1-2 a$ A 192.0.2.$\n",
     "a1.example. 60 IN A 192.0.2.1\na2.example. 60 IN A 192.0.2.2\n"},
    {"$GENERATE 1-5/4 a${1,3,x} 5 IN A 192.0.2.$ ; x\n",
     "a002.example. 5 IN A 192.0.2.1\na006.example. 5 IN A 192.0.2.5\n"},
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
    {"$GENERATE\n$GENERATE 1-2\n$GENERATE 1-2 a\n$GENERATE 1-2 a A\n",
     "! 2:10\n! 3:14\n! 4:16\n! 5:18\n"},
    {"$GENERATE 1-2 a${ A 192.0.2.1\n$GENERATE 1-2 a A 192.0.2.${1\n", "! 2:15\n! 3:19\n"},
    {"$GENERATE 254-257 a$ A 192.0.2.$\nb A 192.0.2.1\n",
     "a254.example. 60 IN A 192.0.2.254\na255.example. 60 IN A 192.0.2.255\n! 2:24\nb.example. 60 "
     "IN A 192.0.2.1\n"},
    {"$GENERATE 1-2 a$ A 192.0.2.$ x\n", "! 2:20\n"},
    {"$GENERATE 1-2 a$ A (\nb A 192.0.2.1\n", "! 2:20\nb.example. 60 IN A 192.0.2.1\n"},
    {"$GENERATE 1-2 a$ A \"( 192.0.2.$\"\n", "! 2:20\n"},
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
     "a.example. 5 IN A 192.0.2.1\n? 2:3\nb.example. 5 IN A 192.0.2.2\nc.example. 7 IN A "
     "192.0.2.3\n"
     "d.example. 9 IN A 192.0.2.4\ne.example. 7 IN A 192.0.2.5\n"},
    {"a 5 A 192.0.2.1\nb A 192.0.2.2\nc 6 A 192.0.2.3\nd A 192.0.2.4\n",
     "a.example. 5 IN A 192.0.2.1\n? 2:3\nb.example. 5 IN A 192.0.2.2\nc.example. 6 IN A "
     "192.0.2.3\n"
     "d.example. 6 IN A 192.0.2.4\n"},
    {"@ SOA a b 1 2 3 4 5\na 9 A 192.0.2.1\nb A 192.0.2.2\n",
     "? 1:3\nexample. 5 IN SOA a.example. b.example. 1 2 3 4 5\na.example. 9 IN A "
     "192.0.2.1\nb.example. 5 IN A 192.0.2.2\n"},
    {"$GENERATE 1-1 a A 192.0.2.1\nb A 192.0.2.2\n", "! 1:17\n! 2:3\n"},
    {"$GENERATE 1-1 a 5 A 192.0.2.1\nb A 192.0.2.2\n",
     "a.example. 5 IN A 192.0.2.1\n? 2:3\nb.example. 5 IN A 192.0.2.2\n"},
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
    static const char input[] = "$TTL 60\na TXT x\0y\nb\0 A 192.0.2.1\nc A 192.0.2.1\n";
    struct master_result result;
    cr_expect_eq(read_bytes(input, sizeof(input) - 1, &heard, &result), ERR_SYNTAX);
    cr_expect_str_eq(heard.buf, "! 2:8\n! 3:2\nc.example. 60 IN A 192.0.2.1\n");
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
    {"a..\033[2J A x\n", "\"a..?[2J\""},
    {"a 01234567890123456789012345678901234567890123456789\n", "789...\""},
};

Test(master, says_what_was_found_and_what_was_expected)
{
    for (size_t i = 0; i < ARRAY_LEN(sentence_rows); i++) {
        struct master_result result;
        read_bytes(sentence_rows[i].input, strlen(sentence_rows[i].input), &heard, &result);
        cr_expect_not_null(strstr(heard.sentences, sentence_rows[i].want),
                           "row %zu: \"%s\" says \"%s\"", i, sentence_rows[i].input,
                           heard.sentences);
    }
}

Test(master, puts_the_first_fault_into_the_diag)
{
    struct master_result result;
    struct diag diag = {{0}};
    static const char input[] = "\na FOO\nb FOO\n";
    struct master_sink sink = sink_of(&heard);
    heard_init(&heard);
    cr_expect_eq(
        master_read_bytes("zone.db", input, sizeof(input) - 1, &options, &sink, &result, &diag),
        ERR_SYNTAX);
    cr_expect_eq(strncmp(diag.text, "zone.db:2:3: ", 13), 0, "%s", diag.text);
    cr_expect_eq(result.faults, 2);
}

Test(master, stops_after_the_last_fault_it_reports)
{
    static char input[(MASTER_FAULTS_MAX + 20) * 4 + 1];
    struct master_result result;
    for (unsigned i = 0; i < MASTER_FAULTS_MAX + 20; i++)
        memcpy(input + (size_t)i * 4, "a B\n", 4);
    cr_expect_eq(read_bytes(input, sizeof(input) - 1, &heard, &result), ERR_SYNTAX);
    cr_expect_eq(result.faults, MASTER_FAULTS_MAX);
    cr_expect_not_null(strstr(heard.buf, "! 100:3\n"));
    cr_expect_null(strstr(heard.buf, "! 101:3\n"));
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
    cr_expect_eq(master_read_bytes("t", input, sizeof(input) - 1, &options, &sink, &result, NULL),
                 ERR_CANCELED);
    cr_expect_eq(count, 2);
}

Test(master, stops_at_the_limit_of_records)
{
    struct master_options few = options;
    struct master_result result;
    struct diag diag = {{0}};
    struct master_sink sink = sink_of(&heard);
    static const char input[] = "$TTL 60\n$GENERATE 1-9 a$ A 192.0.2.$\n";
    few.records_max = 9;
    heard_init(&heard);
    cr_expect_eq(master_read_bytes("t", input, sizeof(input) - 1, &few, &sink, &result, &diag), OK);
    few.records_max = 8;
    heard_init(&heard);
    cr_expect_eq(master_read_bytes("t", input, sizeof(input) - 1, &few, &sink, &result, &diag),
                 ERR_LIMIT);
    cr_expect_eq(heard.count, 8);
    cr_expect_not_null(strstr(diag.text, "8 records"), "%s", diag.text);
}
