/* SPDX-License-Identifier: Apache-2.0
 * Reading `expect sent`. */
#include "expect.h"

#include "base/attr.h"
#include "record.h"

static uint16_t read_rcode(struct words *w)
{
    struct word word = word_next(w);
    for (uint16_t rcode = 0; rcode < SCRIPT_RCODE_LATER; rcode++) {
        char buf[16];
        if (word_is(word, rcode_text(rcode, buf)))
            return rcode;
    }
    word_fault(w, "unknown response code '%.*s'", (int)word.len, word.s);
    return 0;
}

static void read_answer(struct words *w, struct arena *a, struct name origin,
                        struct script_sent *out)
{
    out->reply = SENT_ANSWER;
    out->is_forged = word_take(w, "forged");
    out->is_unsigned = word_take(w, "unsigned");
    out->rcode = read_rcode(w);
    if (word_is(word_peek(w), "{"))
        out->records = record_list(w, a, word_block(w), origin);
}

static const char *read_kind(struct words *w)
{
    static const char *const kinds[] = {"notify", "soa", "ixfr", "axfr", "update"};
    struct word word = word_next(w);
    if (word_is(word, "nothing"))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (word_is(word, kinds[i]))
            return kinds[i];
    word_fault(w, "notify, soa, ixfr, axfr, update or nothing expected, read '%.*s'", (int)word.len,
               word.s);
    return NULL;
}

static void read_what(struct words *w, struct arena *a, struct name origin, struct script_sent *out)
{
    out->zone = word_take(w, "for") ? record_name(w, a, word_next(w), origin) : origin;
    if (word_take(w, "to")) {
        struct word name = word_next(w);
        out->to = arena_string(a, name.s, name.len);
    }
    if (out->kind && !out->to)
        word_fault(w, "to, and a remote, expected");
    out->transports = word_take(w, "udp") ? SCRIPT_UDP : word_take(w, "tcp") ? SCRIPT_TCP : 0;
    out->has_serial = word_take(w, "serial");
    if (out->has_serial)
        out->serial = word_number(w, UINT32_MAX);
}

void expect_scan(struct words *w, struct arena *a, struct name origin, struct script_sent *out)
{
    *out = (struct script_sent){0};
    if (!word_take(w, "sent"))
        word_fault(w, "sent or answer expected");
    out->kind = read_kind(w);
    read_what(w, a, origin, out);
    if (!out->kind)
        return;
    if (word_take(w, "answer"))
        read_answer(w, a, origin, out);
    else if (word_take(w, "fail"))
        out->reply = SENT_FAIL;
}
