/* SPDX-License-Identifier: Apache-2.0
 * Response rate limiting through the whole pipeline: which answers are one kind, who is limited,
 * what goes out instead. */
#include "flood.h"

#include "base/digits.h"
#include "talk.h"

static const char zone[] = "www A 192.0.2.1\n"
                           "mail A 192.0.2.2\n"
                           "here.empty A 192.0.2.3\n"
                           "*.wild A 192.0.2.4\n"
                           "there.*.hollow A 192.0.2.5\n"
                           "sub NS ns.sub\n"
                           "ns.sub A 192.0.2.6\n"
                           "sub DS 12345 13 2 "
                           "0000000000000000000000000000000000000000000000000000000000000000\n"
                           "other NS ns.sub\n"
                           "moved DNAME target.example.net.\n"
                           "alias CNAME nowhere\n";

static struct bed *limited(const char *settings)
{
    struct bed *b = bed_new();
    char text[300];
    snprintf(text, sizeof(text), ", rate-limit: {%s}", settings);
    bed_file(b, "z", BED_TOP "%s", 1, zone);
    bed_start(b, text, "  example: {file: z}\n  broken: {file: none}\n");
    bed_settle(b);
    return b;
}

#define FIVE "responses: 5, slip: 0"

/* Ten questions of two names in turn: if the answers count together only five come. */
static const struct row {
    const char *one, *other;
    uint16_t one_type, other_type;
    unsigned answered;
} rows[] = {
    {"www.example", "www.example", TYPE_A, TYPE_A, 5},
    {"www.example", "WWW.Example", TYPE_A, TYPE_A, 5},
    {"www.example", "www.example", TYPE_A, TYPE_MX, 5},
    {"www.example", "mail.example", TYPE_A, TYPE_A, 10},
    {"empty.example", "empty.example", TYPE_A, TYPE_TXT, 5},
    {"a.example", "b.c.example", TYPE_A, TYPE_TXT, 5},
    {"a.wild.example", "b.c.wild.example", TYPE_A, TYPE_TXT, 5},
    {"a.hollow.example", "b.hollow.example", TYPE_A, TYPE_A, 5},
    {"a.sub.example", "sub.example", TYPE_A, TYPE_NS, 5},
    {"a.sub.example", "a.other.example", TYPE_A, TYPE_A, 10},
    {"a.sub.example", "sub.example", TYPE_A, TYPE_DS, 10},
    {"a.moved.example", "b.c.moved.example", TYPE_A, TYPE_MX, 5},
    {"alias.example", "nowhere.example", TYPE_A, TYPE_A, 10},
    {"www.example", "a.example", TYPE_A, TYPE_A, 10},
    {"www.test", "a.example", TYPE_A, TYPE_A, 10},
    {"www.test", "www.broken", TYPE_A, TYPE_A, 5},     /* REFUSED, SERVFAIL */
    {"www.test", "www.example", TYPE_A, TYPE_TKEY, 5}, /* REFUSED, NOTIMP */
};

Test(rrl, answers_of_one_kind_count_together)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bed *b = limited(FIVE);
        const struct row *r = &rows[i];
        unsigned answered = 0;
        for (unsigned k = 0; k < 5; k++) {
            answered += flood_answered(b, "192.0.2.1", r->one, r->one_type, 1);
            answered += flood_answered(b, "192.0.2.1", r->other, r->other_type, 1);
        }
        cr_expect_eq(answered, r->answered, "%s and %s: %u", r->one, r->other, answered);
        bed_free(b);
    }
}

/* A name of that length in letters; `last` is its last character. */
static const char *name_of_length(char room[64], unsigned len, char first, char last)
{
    for (unsigned i = 0; i < len; i++)
        room[i] = (char)((unsigned)first + i % 26);
    room[len - 1] = last;
    snprintf(room + len, 64 - len, ".example");
    return room;
}

/* RFC 4343: letters count in either case, what stands in ASCII where their other case would be
 * does not. */
Test(rrl, names_of_all_lengths_are_told_apart)
{
    static const char lasts[] = "az[{@`";
    char text[20000] = "", lower[64], upper[64];
    size_t len = 0;
    for (unsigned n = 2; n <= 30; n++)
        for (const char *last = lasts; *last; last++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s. A 192.0.2.1\n",
                                    name_of_length(lower, n, 'a', *last));
    struct bed *b = bed_new();
    bed_file(b, "z", BED_TOP "%s", 1, text);
    bed_start(b, ", rate-limit: {responses: 3, slip: 0}", "  example: {file: z}\n");
    bed_settle(b);
    for (unsigned n = 2; n <= 30; n++)
        for (const char *last = lasts; *last; last++) {
            char other = *last == 'a' ? 'A' : *last == 'z' ? 'Z' : *last;
            unsigned answered =
                flood_answered(b, "192.0.2.1", name_of_length(lower, n, 'a', *last), TYPE_A, 2);
            answered +=
                flood_answered(b, "192.0.2.1", name_of_length(upper, n, 'A', other), TYPE_A, 2);
            cr_expect_eq(answered, 3, "%s %s: %u", lower, upper, answered);
        }
    bed_free(b);
}

Test(rrl, is_off_unless_asked_for)
{
    struct bed *b = limited("slip: 0");
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.example", TYPE_A, 1000), 1000);
    cr_expect_eq(server_counters(b->server)->rrl_limited, 0);
    bed_free(b);
}

Test(rrl, each_class_has_its_rate)
{
    struct bed *b = limited("responses: 5, nxdomain: 4, referrals: 3, errors: 2, slip: 0");
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.example", TYPE_A, 20), 5);
    cr_expect_eq(flood_answered(b, "192.0.2.1", "no.example", TYPE_A, 20), 4);
    cr_expect_eq(flood_answered(b, "192.0.2.1", "a.sub.example", TYPE_A, 20), 3);
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.test", TYPE_A, 20), 2);
    const struct counters *c = server_counters(b->server);
    cr_expect_eq(c->rrl_limited, 15 + 16 + 17 + 18);
    cr_expect_eq(c->rrl_nxdomain, 16);
    cr_expect_eq(c->rrl_referrals, 17);
    cr_expect_eq(c->rrl_errors, 18);
    cr_expect_eq(c->rrl_slipped, 0);
    cr_expect_eq(c->answers, 14);
    bed_free(b);
}

Test(rrl, one_class_alone_may_be_limited)
{
    struct bed *b = limited("nxdomain: 4, slip: 0");
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.example", TYPE_A, 20), 20);
    cr_expect_eq(flood_answered(b, "192.0.2.1", "no.example", TYPE_A, 20), 4);
    bed_free(b);
}

Test(rrl, all_answers_of_a_network_may_be_limited)
{
    struct bed *b = limited("all: 8, slip: 0");
    unsigned answered = 0;
    for (unsigned i = 0; i < 10; i++)
        for (size_t k = 0; k < ARRAY_LEN(rows); k++)
            answered += flood_answered(b, "192.0.2.1", rows[k].one, TYPE_A, 1);
    cr_expect_eq(answered, 8);
    cr_expect_eq(flood_answered(b, "192.0.3.1", "www.example", TYPE_A, 8), 8);
    bed_free(b);
}

struct networks {
    const char *a, *b;
    bool is_one;
};

Test(rrl, a_network_is_a_24_or_a_56)
{
    static const struct networks pairs[] = {
        {"192.0.2.1", "192.0.2.255", true},
        {"192.0.2.1", "192.0.3.1", false},
        {"2001:db8:1:ff00::1", "2001:db8:1:ffff:ffff:ffff:ffff:ffff", true},
        {"2001:db8:1:ff00::1", "2001:db8:1:fe00::1", false},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
        {"::", "0.0.0.0", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct bed *b = limited(FIVE);
        cr_expect_eq(flood_answered(b, pairs[i].a, "www.example", TYPE_A, 9), 5);
        cr_expect_eq(flood_answered(b, pairs[i].b, "www.example", TYPE_A, 9),
                     pairs[i].is_one ? 0 : 5, "%s %s", pairs[i].a, pairs[i].b);
        bed_free(b);
    }
}

Test(rrl, networks_may_be_smaller)
{
    struct bed *b = limited(FIVE ", ipv4-prefix: 32, ipv6-prefix: 64");
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.example", TYPE_A, 9), 5);
    cr_expect_eq(flood_answered(b, "192.0.2.2", "www.example", TYPE_A, 9), 5);
    cr_expect_eq(flood_answered(b, "2001:db8:0:1::1", "www.example", TYPE_A, 9), 5);
    cr_expect_eq(flood_answered(b, "2001:db8:0:2::1", "www.example", TYPE_A, 9), 5);
    cr_expect_eq(flood_answered(b, "2001:db8:0:2::2", "www.example", TYPE_A, 9), 0);
    bed_free(b);
}

Test(rrl, every_second_one_goes_out_truncated_and_empty)
{
    struct bed *b = limited("responses: 5, slip: 2");
    unsigned truncated = 0, none = 0;
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.example", TYPE_A, 5), 5);
    for (unsigned i = 0; i < 100; i++) {
        size_t len = flood_query(b, "192.0.2.1", "www.example", TYPE_A);
        none += len == 0;
        if (len == 0)
            continue;
        cr_assert(flood_is_truncated(b));
        cr_assert_eq(bed_rcode(b), NOERROR);
        cr_assert_eq(len, DNS_HEADER_LEN + 13 + 4, "the question and nothing else");
        cr_assert_eq(get_u16(b->out + 6) + get_u16(b->out + 8) + get_u16(b->out + 10), 0);
        truncated++;
    }
    cr_expect_eq(truncated, 50);
    cr_expect_eq(none, 50);
    cr_expect_eq(server_counters(b->server)->rrl_slipped, 50);
    bed_free(b);
}

Test(rrl, of_errors_the_error_itself_slips)
{
    struct bed *b = limited("responses: 5, slip: 3");
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.test", TYPE_A, 5 + 30), 5 + 10);
    cr_expect_eq(bed_rcode(b), REFUSED);
    bed_free(b);
}

Test(rrl, tcp_is_not_limited)
{
    struct bed *b = limited(FIVE);
    uint8_t wire[512];
    size_t len = bed_query(wire, "www.example", TYPE_A);
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.example", TYPE_A, 20), 5);
    for (unsigned i = 0; i < 20; i++)
        cr_assert_gt(flood_ask(b, "192.0.2.1", TRANSPORT_TCP, wire, len), 0);
    bed_free(b);
}

/* IXFR over UDP from whoever may have the zone is answered by up to a whole datagram. */
Test(rrl, ixfr_is_an_answer_like_others)
{
    struct bed *b = bed_new();
    uint8_t wire[512];
    bed_file(b, "z", BED_TOP "%s", 7, zone);
    bed_start(b, ", rate-limit: {responses: 5, slip: 2}",
              "  example: {file: z, transfer: [{unsigned: yes}]}\n");
    bed_settle(b);
    size_t len = bed_query(wire, "example", TYPE_IXFR);
    put_u16(wire + 8, 1);
    memcpy(wire + len, "\xc0\x0c\0\6\0\1\0\0\0\0\0\x16\0\0\0\0\0\7", 18); /* serial 7 */
    memset(wire + len + 18, 0, 16);
    unsigned full = 0, truncated = 0;
    for (unsigned i = 0; i < 5 + 20; i++) {
        flood_ask(b, "192.0.2.1", TRANSPORT_UDP, wire, len + 34);
        truncated += flood_is_truncated(b);
        full += b->out_len && !flood_is_truncated(b);
    }
    cr_expect_eq(full, 5);
    cr_expect_eq(truncated, 10);
    cr_expect_eq(server_counters(b->server)->rrl_limited, 20);
    cr_expect_gt(flood_ask(b, "192.0.2.1", TRANSPORT_TCP, wire, len + 34), 0);
    cr_expect_gt(flood_ask(b, "192.0.9.1", TRANSPORT_UDP, wire, len + 34), 0);
    cr_expect_eq(server_counters(b->server)->ixfr_current, 5 + 2, "what is held back is not made");
    bed_free(b);
}

Test(rrl, networks_may_be_exempt)
{
    struct bed *b = limited(FIVE ", exempt: [192.0.2.0/28, '2001:db8::/32']");
    cr_expect_eq(flood_answered(b, "192.0.2.15", "www.example", TYPE_A, 20), 20);
    cr_expect_eq(flood_answered(b, "2001:db8::1", "www.example", TYPE_A, 20), 20);
    cr_expect_eq(flood_answered(b, "192.0.2.16", "www.example", TYPE_A, 20), 5);
    cr_expect_eq(flood_answered(b, "127.0.0.1", "www.example", TYPE_A, 20), 5,
                 "this machine is not by itself");
    bed_free(b);
}

/* RFC 7873 s5.2.3: who sends our cookie is where it says. */
Test(rrl, who_has_our_cookie_is_not_limited)
{
    struct bed *b = limited("responses: 5, slip: 2");
    uint8_t wire[512];
    struct wr w = wr_over(wire, sizeof(wire));
    wr_room(&w, bed_query(wire, "www.example", TYPE_A));
    put_u16(wire + 10, 1);
    wr_bytes(&w, (const uint8_t *)"\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x08", 15);
    wr_bytes(&w, (const uint8_t *)"client..", 8);
    size_t len = wr_len(&w), rest = 0;
    for (unsigned i = 0; i < 7; i++) /* the seventh has slipped, and brings the cookie, too */
        rest = flood_ask(b, "192.0.2.1", TRANSPORT_UDP, wire, len);
    cr_assert(flood_is_truncated(b));
    cr_assert_geq(rest, 24);
    cr_assert_arr_eq(b->out + rest - 24, "client..", 8);
    put_u16(wire + len - 14, 4 + 24); /* the same with all of it */
    put_u16(wire + len - 10, 24);
    wr_bytes(&w, b->out + rest - 16, 16);
    len = wr_len(&w);
    for (unsigned i = 0; i < 20; i++) {
        cr_assert_gt(flood_ask(b, "192.0.2.1", TRANSPORT_UDP, wire, len), 0);
        cr_assert_not(flood_is_truncated(b));
    }
    wire[len - 1] ^= 1;
    unsigned answered = 0;
    for (unsigned i = 0; i < 20; i++)
        answered += flood_ask(b, "192.0.2.1", TRANSPORT_UDP, wire, len) && !flood_is_truncated(b);
    cr_expect_eq(answered, 0, "a forged one is none");
    bed_free(b);
}

/* The same of what is no query, or is refused before it is looked at: the client is where it says
 * all the same. */
Test(rrl, who_has_our_cookie_is_not_limited_whatever_it_sends)
{
    static const uint8_t flags[] = {OPCODE_NOTIFY << 3, OPCODE_UPDATE << 3, 15 << 3};
    static const enum rcode rcodes[] = {REFUSED, REFUSED, NOTIMP};
    static const char opt[] = "\0\0\x29\x04\xd0\0\0\0\0\0\x1c\0\x0a\0\x18";
    struct bed *b = limited("responses: 5, slip: 0");
    uint8_t wire[512];
    size_t len = bed_query(wire, "example", TYPE_SOA);
    put_u16(wire + 10, 1);
    memcpy(wire + len, opt, 15);
    put_u16(wire + len + 9, 12); /* first the client's part, over TCP */
    put_u16(wire + len + 13, 8);
    memcpy(wire + len + 15, "client..", 8);
    size_t got = flood_ask(b, "192.0.2.1", TRANSPORT_TCP, wire, len + 23);
    cr_assert_gt(got, 24);
    memcpy(wire + len, opt, 15);
    memcpy(wire + len + 15, b->out + got - 24, 24);
    uint64_t good = server_counters(b->server)->cookies_good;
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        wire[2] = flags[i];
        unsigned answered = 0;
        for (unsigned n = 0; n < 20; n++)
            answered += flood_ask(b, "192.0.2.1", TRANSPORT_UDP, wire, len + 39) > 0 &&
                        bed_rcode(b) == rcodes[i];
        cr_expect_eq(answered, 20, "opcode %u: %u", flags[i] >> 3, answered);
    }
    cr_expect_eq(server_counters(b->server)->cookies_good, good + 60);
    wire[len + 38] ^= 1;
    unsigned answered = 0;
    for (unsigned n = 0; n < 20; n++)
        answered += flood_ask(b, "192.0.2.1", TRANSPORT_UDP, wire, len + 39) > 0;
    cr_expect_eq(answered, 5, "a forged one is none");
    bed_free(b);
}

Test(rrl, comes_back_when_a_flood_stops)
{
    struct bed *b = limited("responses: 5, slip: 0, window: 4");
    for (unsigned i = 0; i < 1000; i++, b->now_us += 10000) /* ten seconds, 100 in each */
        (void)flood_query(b, "192.0.2.1", "www.example", TYPE_A);
    cr_expect_eq(server_counters(b->server)->answers, 5);
    b->now_us += 4000000;
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.example", TYPE_A, 1), 1);
    bed_free(b);
}

Test(rrl, is_switched_by_a_reload_and_stays_as_it_is_by_another)
{
    struct bed *b = limited(FIVE);
    const char *zones = "  example: {file: z}\n";
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.example", TYPE_A, 20), 5);
    bed_reload(b, ", rate-limit: {" FIVE ", exempt: 10.0.0.0/8}", zones);
    bed_settle(b);
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.example", TYPE_A, 20), 0);
    cr_expect_eq(flood_answered(b, "10.0.0.1", "www.example", TYPE_A, 20), 20);
    bed_reload(b, "", zones);
    bed_settle(b);
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.example", TYPE_A, 20), 20);
    bed_reload(b, ", rate-limit: {" FIVE ", table-size: 4096}", zones);
    bed_settle(b);
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.example", TYPE_A, 20), 5);
    bed_free(b);
}

/* --- the log --- */

static unsigned lines;
static char fields_seen[400];

static void sink(enum log_level level, const char *message, const struct log_field *fields,
                 int count)
{
    if (level != LOG_INFO_LEVEL || strcmp(message, "rate limited") != 0)
        return;
    lines++;
    fields_seen[0] = '\0';
    for (int i = 0; i < count; i++) {
        size_t len = strlen(fields_seen);
        snprintf(fields_seen + len, sizeof(fields_seen) - len, "%s=%s ", fields[i].key,
                 fields[i].value);
    }
}

Test(rrl, a_line_says_who_begins_to_be_limited_and_what_for)
{
    struct bed *b = limited(FIVE);
    log_setup(LOG_INFO_LEVEL, LOG_LOGFMT, false, sink);
    (void)flood_answered(b, "192.0.2.77", "no.example", TYPE_A, 500);
    cr_expect_eq(lines, 1, "and not for each");
    cr_expect_str_eq(fields_seen,
                     "network=192.0.2.0/24 class=nxdomain zone=example. name=no.example. ");
    (void)flood_answered(b, "2001:db8::1", "www.test", TYPE_A, 500);
    cr_expect_eq(lines, 2);
    cr_expect_str_eq(fields_seen, "network=2001:db8::/56 class=errors name=www.test. ");
    for (unsigned i = 0; i < 255; i++) {
        char from[32];
        snprintf(from, sizeof(from), "198.51.%u.1", i);
        (void)flood_answered(b, from, "www.example", TYPE_A, 9);
    }
    cr_expect_leq(lines, 10, "nor for each of very many networks in one second");
    bed_free(b);
}

/* --- what the operator is told --- */

/* NULL: there is no such member. */
static const struct told_row {
    const char *from, *name, *type, *class, *of, *network, *exempt;
    json_int_t rate;
} told_rows[] = {
    {"192.0.2.1", "www.example", "A", "answers", "www.example.", "192.0.2.0/24", NULL, 5},
    {"192.0.2.1", "a.wild.example", "A", "answers", "*.wild.example.", "192.0.2.0/24", NULL, 5},
    {"192.0.2.1", "a.b.example", "A", "nxdomain", "example.", "192.0.2.0/24", NULL, 4},
    {"2001:db8::1", "a.sub.example", "A", "referrals", "sub.example.", "2001:db8::/56", NULL, 5},
    {"192.0.2.1", "www.test", "A", "errors", NULL, "192.0.2.0/24", NULL, 5},
    {"192.0.2.1", "www.broken", "A", "errors", NULL, "192.0.2.0/24", NULL, 5},
    {"198.51.100.7", "www.example", "A", "answers", "www.example.", NULL, "198.51.100.0/28", 5},
};

static json_t *explain(struct bed *b, struct talk *t, const struct told_row *r)
{
    char line[256];
    snprintf(line, sizeof(line),
             "{\"verb\":\"explain query\",\"name\":\"%s\",\"type\":\"%s\",\"from\":\"%s\"}",
             r->name, r->type, r->from);
    return talk_ask(b, t, line);
}

static void expect_member(json_t *answer, const char *key, const char *want, const char *row)
{
    const char *got = json_string_value(json_object_get(answer, key));
    cr_expect_str_eq(got ? got : "none", want ? want : "none", "%s: %s", row, key);
}

Test(rrl, the_operator_is_told_what_limits_an_answer)
{
    struct bed *b = limited("responses: 5, nxdomain: 4, all: 9, exempt: 198.51.100.0/28");
    struct talk t;
    talk_open(&t, b);
    for (size_t i = 0; i < ARRAY_LEN(told_rows); i++) {
        const struct told_row *r = &told_rows[i];
        json_t *answer = explain(b, &t, r);
        expect_member(answer, "rate_class", r->class, r->name);
        expect_member(answer, "rate_name", r->of, r->name);
        expect_member(answer, "rate_network", r->network, r->name);
        expect_member(answer, "rate_exempt", r->exempt, r->name);
        cr_expect_eq(json_integer_value(json_object_get(answer, "rate_per_second")), r->rate);
        cr_expect_eq(json_integer_value(json_object_get(answer, "rate_all_per_second")), 9);
        json_decref(answer);
    }
    cr_expect_eq(flood_answered(b, "192.0.2.1", "www.example", TYPE_A, 20), 5,
                 "to be told of it is no answer");
    talk_close(&t);
    bed_free(b);
}

Test(rrl, without_limits_nothing_is_said_of_them)
{
    struct bed *b = limited("slip: 0");
    struct talk t;
    talk_open(&t, b);
    json_t *answer = explain(b, &t, &told_rows[0]);
    expect_member(answer, "rate_class", NULL, "off");
    json_decref(answer);
    talk_close(&t);
    bed_free(b);
}

Test(rrl, status_says_what_was_held_back)
{
    struct bed *b = limited("responses: 5, slip: 2");
    struct talk t;
    talk_open(&t, b);
    (void)flood_answered(b, "192.0.2.1", "www.example", TYPE_A, 15);
    json_t *answer = talk_ask(b, &t, "{\"verb\":\"status\"}");
    cr_expect(json_is_true(json_object_get(answer, "rate_limits")));
    cr_expect_eq(json_integer_value(json_object_get(answer, "rate_limited")), 10);
    cr_expect_eq(json_integer_value(json_object_get(answer, "rate_slipped")), 5);
    json_decref(answer);
    talk_close(&t);
    bed_free(b);
}
