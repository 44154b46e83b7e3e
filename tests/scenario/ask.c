/* SPDX-License-Identifier: Apache-2.0
 * Queries and raw messages. */
#include "ask.h"

#include "base/attr.h"
#include "base/digits.h"
#include "base/wire.h"
#include "record.h"

#include <string.h>

#define ASK_OPT_SIZE      1232
#define ASK_OPT_HEAD_LEN  11
#define ASK_OPTIONS_MAX   2048
#define ASK_MESSAGE_MAX   65535
#define ASK_SOA_RDATA_LEN 22
#define ASK_SOA_LEN       (12 + ASK_SOA_RDATA_LEN)

/* A query while its words are read. */
struct draft {
    struct name qname;
    uint16_t ident, flags, qtype, qclass;
    uint8_t version;
    bool has_serial;
    uint32_t serial; /* IXFR: of the SOA in authority */
    uint8_t options[ASK_OPTIONS_MAX];
    struct wr option; /* over options */
};

uint16_t ask_flag(struct word word)
{
    static const struct {
        const char *text;
        uint16_t flag;
    } rows[] = {{"aa", FLAG_AA}, {"tc", FLAG_TC}, {"rd", FLAG_RD}, {"ra", FLAG_RA},
                {"z", 0x0040},   {"ad", FLAG_AD}, {"cd", FLAG_CD}, {"qr", FLAG_QR}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (word_is(word, rows[i].text))
            return rows[i].flag;
    return 0;
}

static void hex(struct words *w, struct word word, struct wr *out)
{
    if (!word_is(word, "-") && !base16_scan(word.s, word.len, out))
        word_fault(w, "'%.*s' is not an even number of hex digits", (int)word.len, word.s);
}

static void option(struct words *w, struct draft *d, uint16_t code, struct word data)
{
    wr_u16(&d->option, code);
    uint8_t *len = wr_room(&d->option, 2);
    uint8_t *start = d->option.at;
    if (data.len)
        hex(w, data, &d->option);
    if (d->option.bad)
        word_fault(w, "options of more than %d bytes", ASK_OPTIONS_MAX);
    else
        put_u16(len, (uint16_t)(d->option.at - start));
}

/* The words that ask for an OPT record. */
static bool edns_word(struct words *w, struct word word, struct draft *d, struct script_step *step)
{
    if (word_is(word, "do"))
        step->opt_flags |= 0x8000;
    else if (word_is(word, "edns"))
        step->opt_size = (uint16_t)word_number(w, UINT16_MAX);
    else if (word_is(word, "edns-version"))
        d->version = (uint8_t)word_number(w, UINT8_MAX);
    else if (word_is(word, "nsid"))
        option(w, d, 3, (struct word){0});
    else if (word_is(word, "option")) {
        uint16_t code = (uint16_t)word_number(w, UINT16_MAX);
        option(w, d, code, word_next(w));
        step->options_sent |= code < 64 ? 1ull << code : 0;
    } else if (word_is(word, "edns-flags")) {
        struct word digits = word_next(w);
        for (size_t i = 0; i < digits.len; i++) {
            const char *all = "0123456789abcdef", *digit = memchr(all, digits.s[i], 16);
            if (!digit || digits.len > 4) {
                word_fault(w, "'%.*s' are not hex digits", (int)digits.len, digits.s);
                break;
            }
            step->opt_flags |= (uint16_t)((unsigned)(digit - all) << 4 * (digits.len - 1 - i));
        }
    } else {
        return false;
    }
    step->has_opt = true;
    return true;
}

/* Words about who asks, and for what of the zone's history. */
static bool transfer_word(struct words *w, struct arena *a, struct word word, struct draft *d,
                          struct script_step *step)
{
    if (word_is(word, "serial")) {
        d->has_serial = true;
        d->serial = word_number(w, UINT32_MAX);
    } else if (word_is(word, "key")) {
        word = word_next(w);
        step->key = arena_string(a, word.s, word.len);
    } else {
        return false;
    }
    return true;
}

static bool plain_word(struct words *w, struct word word, struct draft *d, struct script_step *step)
{
    if (ask_flag(word))
        d->flags |= ask_flag(word);
    else if (word_is(word, "udp"))
        step->transports = SCRIPT_UDP;
    else if (word_is(word, "tcp"))
        step->transports = SCRIPT_TCP;
    else if (word_is(word, "opcode"))
        d->flags |= (uint16_t)(word_number(w, 15) << 11);
    else if (word_is(word, "id"))
        d->ident = (uint16_t)word_number(w, UINT16_MAX);
    else
        return record_class(word, &d->qclass);
    return true;
}

/* RFC 1995 s3: the SOA of the client's version, of which only the serial counts. */
static void write_soa(const struct draft *d, struct wr *out)
{
    wr_u16(out, 0xc000 | DNS_HEADER_LEN); /* the question's name */
    wr_u16(out, TYPE_SOA);
    wr_u16(out, d->qclass);
    wr_u32(out, 0);
    wr_u16(out, ASK_SOA_RDATA_LEN);
    wr_u16(out, 0); /* both names are the root */
    wr_u32(out, d->serial);
    for (unsigned i = 0; i < 4; i++)
        wr_u32(out, 0);
}

static void write_query(const struct draft *d, struct arena *a, struct script_step *step)
{
    size_t options = wr_len(&d->option);
    size_t len = DNS_HEADER_LEN + d->qname.len + 4u + (d->has_serial ? ASK_SOA_LEN : 0) +
                 (step->has_opt ? ASK_OPT_HEAD_LEN + options : 0);
    uint8_t *wire = arena_alloc(a, len);
    struct wr out = wr_over(wire, len);
    wr_u16(&out, d->ident);
    wr_u16(&out, d->flags);
    wr_u16(&out, 1);
    wr_u16(&out, 0);
    wr_u16(&out, d->has_serial);
    wr_u16(&out, step->has_opt);
    wr_bytes(&out, d->qname.wire, d->qname.len);
    wr_u16(&out, d->qtype);
    wr_u16(&out, d->qclass);
    if (d->has_serial)
        write_soa(d, &out);
    if (step->has_opt) {
        wr_u8(&out, 0);
        wr_u16(&out, TYPE_OPT);
        wr_u16(&out, step->opt_size);
        wr_u8(&out, 0);
        wr_u8(&out, d->version);
        wr_u16(&out, step->opt_flags);
        wr_u16(&out, (uint16_t)options);
        wr_bytes(&out, d->options, options);
    }
    step->wire = wire;
    step->wire_len = wr_len(&out);
    step->question_len = d->qname.len + 4u;
}

void ask_query(struct words *w, struct arena *a, struct name origin, uint16_t ident,
               struct script_step *step)
{
    struct draft d = {.ident = ident, .qclass = CLASS_IN};
    d.option = wr_over(d.options, sizeof(d.options));
    step->is_query = true;
    step->opt_size = ASK_OPT_SIZE;
    d.qname = record_name(w, a, word_next(w), origin);
    struct word word = word_next(w);
    if (!rrtype_scan(word.s, word.len, &d.qtype))
        word_fault(w, "a type expected, read '%.*s'", (int)word.len, word.s);
    for (word = word_next(w); !w->bad && !word_is(word, "expect"); word = word_next(w))
        if (!plain_word(w, word, &d, step) && !edns_word(w, word, &d, step) &&
            !transfer_word(w, a, word, &d, step))
            word_fault(w, "unknown word '%.*s' in a query", (int)word.len, word.s);
    if (!w->bad)
        write_query(&d, a, step);
}

void ask_message(struct words *w, struct arena *a, struct script_step *step)
{
    struct word block = word_block(w);
    struct words inner = words_over(w->path, block.s, block.len, w->diag);
    uint8_t wire[ASK_MESSAGE_MAX];
    struct wr out = wr_over(wire, sizeof(wire));
    for (struct word word = word_next(&inner); word.len && !w->bad; word = word_next(&inner)) {
        if (word.s[0] != '"') {
            hex(w, word, &out);
            continue;
        }
        wr_u8(&out, (uint8_t)(word.len - 2));
        wr_bytes(&out, word.s + 1, word.len - 2);
    }
    if (out.bad)
        word_fault(w, "message too long");
    step->wire = arena_copy(a, wire, wr_len(&out));
    step->wire_len = wr_len(&out);
    for (struct word word = word_next(w); !w->bad && !word_is(word, "expect");
         word = word_next(w)) {
        if (word_is(word, "udp"))
            step->transports = SCRIPT_UDP;
        else if (word_is(word, "tcp"))
            step->transports = SCRIPT_TCP;
        else
            word_fault(w, "unknown word '%.*s' in a message", (int)word.len, word.s);
    }
}
