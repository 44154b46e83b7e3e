/* SPDX-License-Identifier: Apache-2.0
 * Comparing answers. */
#include "verdict.h"

#include "base/attr.h"
#include "base/wire.h"
#include "dns/message.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FLAG_Z              0x0040
#define OPTION_NSID         3
#define OPTION_EDE          15
#define OPTION_EXPIRE       9
#define OPTION_LEASE        2
#define VERDICT_RECORDS_MAX 4096
#define VERDICT_RDATA_MAX   (1u << 20) /* a message of 64 kB with its names decompressed */
#define VERDICT_ARENA_MAX   (64u << 20)

/* One comparison. */
struct verdict {
    const struct verdict_input *in;
    const struct script_step *step;
    struct message msg;
    FILE *out;
    bool is_fine;
    struct arena arena;
    uint8_t rdata[VERDICT_RDATA_MAX];
    struct wr rdata_at;
};

static void ATTR_PRINTF(2, 3) differ(struct verdict *v, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("  ", v->out);
    vfprintf(v->out, fmt, args);
    fputc('\n', v->out);
    va_end(args);
    v->is_fine = false;
}

/* --- header, question, size --- */

static const char *flags_text(unsigned flags, char buf[32])
{
    snprintf(buf, 32, "%s%s%s%s%s", flags & FLAG_AA ? " aa" : "", flags & FLAG_TC ? " tc" : "",
             flags & FLAG_RA ? " ra" : "", flags & FLAG_Z ? " z" : "",
             flags & FLAG_AD ? " ad" : "");
    return buf[0] ? buf : " none";
}

static void check_header(struct verdict *v)
{
    uint16_t asked_id = get_u16(v->step->wire), asked = get_u16(v->step->wire + 2);
    uint16_t opcode = FLAG_OPCODE_MASK & asked, flags = v->msg.flags;
    char want[32], got[32];
    if (v->msg.id != asked_id)
        differ(v, "id %u expected, got %u", asked_id, v->msg.id);
    if (!(flags & FLAG_QR) || (flags & FLAG_OPCODE_MASK) != opcode)
        differ(v, "QR and opcode %u expected, got flags %04x", opcode >> 11, flags);
    if (opcode == OPCODE_QUERY && ((flags ^ asked) & FLAG_RD))
        differ(v, "RD as asked expected, got flags %04x", flags);
    if ((flags ^ v->step->flags) & v->step->flags_compared)
        differ(v, "flags%s expected, got%s", flags_text(v->step->flags, want),
               flags_text(flags & v->step->flags_compared, got));
}

static void check_question(struct verdict *v)
{
    const struct script_step *step = v->step;
    bool may_lack = step->no_question || (get_u16(step->wire + 2) & FLAG_OPCODE_MASK) != 0;
    if (may_lack && v->msg.count[SECTION_QUESTION] == 0)
        return;
    if (step->no_question)
        differ(v, "no question expected, got %u", v->msg.count[SECTION_QUESTION]);
    else if (step->is_query && (v->msg.count[SECTION_QUESTION] != 1 ||
                                v->in->len < DNS_HEADER_LEN + step->question_len ||
                                memcmp(v->in->wire + DNS_HEADER_LEN, step->wire + DNS_HEADER_LEN,
                                       step->question_len) != 0))
        differ(v, "the question, byte for byte, expected in the answer");
}

static void check_size(struct verdict *v)
{
    const struct script_step *step = v->step;
    size_t limit = DNS_MESSAGE_MAX;
    if (step->size_max)
        limit = step->size_max;
    else if (v->in->transport == SCRIPT_UDP) {
        limit = step->is_query && !step->has_opt ? 512 : v->in->udp_size;
        if (step->is_query && step->has_opt && step->opt_size < limit)
            limit = step->opt_size < 512 ? 512 : step->opt_size;
    }
    if (v->in->len > limit)
        differ(v, "at most %zu bytes expected, got %zu", limit, v->in->len);
}

/* --- OPT --- */

/* Client subnet, cookie, keepalive, ZONEVERSION: answered only if they were sent, bit by code. */
#define OPTIONS_BOTH_WAYS (1ull << 8 | 1ull << 10 | 1ull << 11 | 1ull << 19)

static bool may_come(const struct script_step *step, uint16_t code)
{
    for (const struct script_option *o = step->options; o; o = o->next)
        if (o->code == code)
            return true; /* or has been told of already */
    return code < 64 &&
           ((step->is_query ? step->options_sent : UINT64_MAX) & OPTIONS_BOTH_WAYS) >> code & 1;
}

static void show_bytes(struct verdict *v, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        fprintf(v->out, "%02x", bytes[i]);
}

/* One that the scenario speaks of. */
static void check_option(struct verdict *v, const struct script_option *o, struct rd options)
{
    unsigned count = 0;
    bool is_same = true;
    while (rd_left(&options) && !options.bad) {
        uint16_t code = rd_u16(&options), len = rd_u16(&options);
        const uint8_t *data = rd_bytes(&options, len);
        if (!data || code != o->code)
            continue;
        count++;
        is_same = (o->is_prefix ? len >= o->len : len == o->len) &&
                  (o->len == 0 || memcmp(data, o->bytes, o->len) == 0);
        if (is_same || o->is_absent)
            continue;
        fputs("    option is ", v->out);
        show_bytes(v, data, len);
        fputc('\n', v->out);
    }
    if (o->is_absent && count)
        differ(v, "no option %u expected", o->code);
    if (!o->is_absent && (count != 1 || !is_same))
        differ(v, "option %u as it is written expected, there are %u", o->code, count);
}

/* RFC 9664 s4. */
static void check_lease(struct verdict *v, const uint8_t *data, uint16_t len)
{
    uint32_t got = len >= 4 ? get_u32(data) : 0, key = len == 8 ? get_u32(data + 4) : 0;
    const struct script_step *step = v->step;
    if (len != step->lease_len || got != step->lease_s || key != step->key_lease_s)
        differ(v, "lease %u %u in %u bytes expected, got %u %u in %u", step->lease_s,
               step->key_lease_s, step->lease_len, got, key, len);
}

/* RFC 8914 s2: two bytes, then a text in UTF-8; ours are ASCII. */
static void check_ede(struct verdict *v, const uint8_t *data, uint16_t len)
{
    unsigned got = len >= 2 ? get_u16(data) : UINT_MAX;
    if (len < 2 || (v->step->has_ede && got != v->step->ede))
        differ(v, "extended error %u expected, got %u in %u bytes", v->step->ede, got, len);
    for (unsigned i = 2; i < len; i++)
        if (data[i] < 0x20 || data[i] > 0x7e)
            differ(v, "byte %u of an extended error's text is %u", i - 2, data[i]);
}

static void check_options(struct verdict *v, struct rd options)
{
    unsigned nsids = 0, expires = 0, leases = 0, edes = 0;
    for (const struct script_option *o = v->step->options; o; o = o->next)
        check_option(v, o, options);
    while (rd_left(&options) && !options.bad) {
        uint16_t code = rd_u16(&options), len = rd_u16(&options);
        const uint8_t *data = rd_bytes(&options, len);
        if (!data)
            break;
        if (code == OPTION_NSID) {
            const char *want = v->step->nsid;
            if (!want || strlen(want) != len || memcmp(want, data, len) != 0)
                differ(v, "NSID \"%s\" expected, got \"%.*s\"", want ? want : "(none)", (int)len,
                       (const char *)data);
            nsids++;
        } else if (code == OPTION_EXPIRE) { /* RFC 7314 s3: four bytes */
            uint32_t got = len == 4 ? get_u32(data) : 0;
            if (!v->step->has_expire || len != 4 || got != v->step->expire)
                differ(v, "EXPIRE %u expected, got %u in %u bytes", v->step->expire, got, len);
            expires++;
        } else if (code == OPTION_LEASE) {
            check_lease(v, data, len);
            leases++;
        } else if (code == OPTION_EDE) { /* RFC 8914 s2: unasked */
            check_ede(v, data, len);
            edes++;
        } else if (!may_come(v->step, code)) {
            differ(v, "option %u was not asked for", code);
        }
    }
    if (options.bad)
        differ(v, "options are malformed");
    if (nsids != (v->step->nsid != NULL))
        differ(v, "%u NSID options", nsids);
    if (expires != v->step->has_expire)
        differ(v, "%u EXPIRE options", expires);
    if (leases != (v->step->lease_len > 0))
        differ(v, "%u lease options", leases);
    if (edes < v->step->has_ede || edes > !v->step->has_no_ede)
        differ(v, "%u extended errors", edes);
}

/* Gives back the upper bits of the response code. */
static unsigned check_opt(struct verdict *v)
{
    const struct script_step *step = v->step;
    bool is_wanted = step->opt == OPT_PRESENT || (step->opt == OPT_AS_ASKED && step->has_opt);
    bool is_free = !step->is_query && step->opt == OPT_AS_ASKED;
    if (v->msg.opt_at == 0) {
        if ((is_wanted && !is_free) || step->nsid || step->announces || step->has_expire ||
            step->lease_len || step->has_ede || step->options)
            differ(v, "OPT expected, got none");
        return 0;
    }
    if (!is_wanted && !is_free)
        differ(v, "no OPT expected, got one");
    struct rd r = rd_over(v->in->wire, v->in->len);
    rd_bytes(&r, v->msg.opt_at + 3);
    unsigned size = rd_u16(&r), rcode = rd_u8(&r), version = rd_u8(&r), flags = rd_u16(&r);
    check_options(v, rd_sub(&r, rd_u16(&r)));
    if (step->announces && size != step->announces)
        differ(v, "a size of %u in OPT expected, got %u", step->announces, size);
    if (version != 0)
        differ(v, "EDNS version 0 expected, got %u", version);
    unsigned want = step->is_query ? step->opt_flags & 0x8000u : flags & 0x8000u;
    if (flags != want)
        differ(v, "EDNS flags %04x expected, got %04x", want, flags);
    return rcode << 4;
}

/* --- sections --- */

struct set {
    const struct rr *rr;
    unsigned count;
};

static void read_records(struct verdict *v, const struct message *m, enum section s,
                         struct rr *list, struct set *set)
{
    struct rr_reader reader = rr_reader_of(m, s);
    struct rr rr;
    enum rr_read result;
    while ((result = rr_read(&reader, &v->rdata_at, &rr)) == RR_READ_OK) {
        if (rr.type == TYPE_OPT || set->count == VERDICT_RECORDS_MAX)
            continue;
        rr.owner.wire = arena_copy(&v->arena, rr.owner.wire, rr.owner.len);
        list[set->count++] = rr;
    }
    if (result == RR_READ_BAD)
        differ(v, "record %u of section %d is malformed", set->count, (int)s);
}

/* RFC 5936 s2.2: what every message of a row has. False: it cannot be read. */
static bool check_further(struct verdict *v, struct message *m, struct rd frame)
{
    size_t len = rd_left(&frame);
    if (!message_read_header(m, rd_bytes(&frame, len), len) || message_read(m) != NOERROR) {
        differ(v, "a further message of %zu bytes is malformed", len);
        return false;
    }
    if (m->id != v->msg.id || m->flags != v->msg.flags || m->count[SECTION_QUESTION] > 1 ||
        m->count[SECTION_ANSWER] == 0 || m->count[SECTION_AUTHORITY] != 0)
        differ(v, "a further message has id %u, flags %04x, counts %u %u %u", m->id, m->flags,
               m->count[SECTION_QUESTION], m->count[SECTION_ANSWER], m->count[SECTION_AUTHORITY]);
    return true;
}

/* The answer section goes on in further messages. */
static struct set read_section(struct verdict *v, enum section s)
{
    struct rr *list = arena_alloc(&v->arena, sizeof(*list) * VERDICT_RECORDS_MAX);
    struct set set = {list, 0};
    bool has_more = s == SECTION_ANSWER && v->in->more_len > 0;
    struct rd more = has_more ? rd_over(v->in->more, v->in->more_len) : rd_over("", 0);
    struct message m;
    read_records(v, &v->msg, s, list, &set);
    while (rd_left(&more))
        if (check_further(v, &m, rd_sub(&more, rd_u16(&more))))
            read_records(v, &m, s, list, &set);
    return set;
}

static const char *rdata_text(struct verdict *v, const struct rr *rr)
{
    size_t cap = RDATA_TEXT_MAX(rr->rdata.len);
    char *buf = arena_alloc(&v->arena, cap);
    struct text t;
    text_init(&t, buf, cap);
    rdata_show(rr->type, rr->rdata, &t);
    return buf;
}

static bool has_words(struct verdict *v, const struct rr *rr, const char *words)
{
    const char *text = rdata_text(v, rr);
    size_t len = strlen(words);
    return strncasecmp(text, words, len) == 0 && (text[len] == ' ' || text[len] == 0);
}

static bool agree(struct verdict *v, const struct script_record *want, const struct rr *got)
{
    return want->type == got->type && want->class == got->class && want->ttl == got->ttl &&
           name_is_equal(want->owner, got->owner) &&
           (want->words ? has_words(v, got, want->words)
                        : rdata_compare(want->type, want->rdata, got->rdata) == 0);
}

static bool is_in(struct verdict *v, const struct script_record *want, struct set got)
{
    for (unsigned i = 0; i < got.count; i++)
        if (agree(v, want, &got.rr[i]))
            return true;
    return false;
}

static bool is_wanted(struct verdict *v, const struct rr *got, const struct script_record *list)
{
    for (; list; list = list->next)
        if (agree(v, list, got))
            return true;
    return false;
}

/* Some record of the RRset is there. */
static bool has_rrset(const struct script_record *want, struct set got)
{
    for (unsigned i = 0; i < got.count; i++)
        if (got.rr[i].type == want->type && name_is_equal(got.rr[i].owner, want->owner))
            return true;
    return false;
}

/* RRsets in it, without those of RRSIG. */
static unsigned rrset_count(struct set got)
{
    unsigned count = 0;
    for (unsigned i = 0; i < got.count; i++) {
        bool is_new = got.rr[i].type != TYPE_RRSIG;
        for (unsigned j = 0; is_new && j < i; j++)
            is_new = got.rr[j].type != got.rr[i].type ||
                     !name_is_equal(got.rr[j].owner, got.rr[i].owner);
        count += is_new;
    }
    return count;
}

static bool is_in_order(struct verdict *v, const struct script_record *want, struct set got)
{
    unsigned i = 0;
    while (want && i < got.count && agree(v, want, &got.rr[i])) {
        want = want->next;
        i++;
    }
    return !want && i == got.count;
}

static bool section_is_fine(struct verdict *v, const struct script_section *section, struct set got)
{
    unsigned wanted = 0, missing = 0, torn = 0, strange = 0;
    for (const struct script_record *want = section->records; want; want = want->next) {
        bool found = is_in(v, want, got);
        wanted++;
        missing += !found;
        torn += !found && has_rrset(want, got);
    }
    for (unsigned i = 0; i < got.count; i++)
        strange += !is_wanted(v, &got.rr[i], section->records);
    switch (section->mode) {
    case MODE_EXACT:
        return missing == 0 && strange == 0 && got.count == wanted;
    case MODE_HAS:
        return missing == 0;
    case MODE_WITHIN:
        return strange == 0 && torn == 0;
    case MODE_ONE_OF:
        return strange == 0 && torn == 0 && rrset_count(got) == 1;
    case MODE_ORDER:
        return is_in_order(v, section->records, got);
    default:
        return true;
    }
}

static void show_record(struct verdict *v, const struct rr *rr, const char *words)
{
    char owner[NAME_TEXT_MAX], type[16], class[16];
    fprintf(v->out, "      %s %u %s %s %s%s\n", name_text(rr->owner, owner), rr->ttl,
            class_text(rr->class, class), rrtype_text(rr->type, type),
            words ? words : rdata_text(v, rr), words ? " ..." : "");
}

static void check_section(struct verdict *v, enum section s)
{
    static const char *const names[] = {"", "answer", "authority", "additional"};
    static const char *const modes[] = {"", "", " has", " within", " one-of", " in-order"};
    const struct script_section *section = &v->step->section[s];
    struct set got = read_section(v, s);
    if (section_is_fine(v, section, got))
        return;
    differ(v, "%s%s expected", names[s], modes[section->mode]);
    for (const struct script_record *want = section->records; want; want = want->next)
        show_record(v, &(struct rr){want->owner, want->type, want->class, want->ttl, want->rdata},
                    want->words);
    fputs("    got\n", v->out);
    for (unsigned i = 0; i < got.count; i++)
        show_record(v, &got.rr[i], NULL);
}

/* --- all of it --- */

static void check_rcode(struct verdict *v, unsigned upper)
{
    unsigned rcode = upper | (v->msg.flags & FLAG_RCODE_MASK);
    char buf[16], wanted[512];
    struct text t;
    if (rcode < SCRIPT_RCODE_DROPPED && v->step->rcodes >> rcode & 1)
        return;
    text_init(&t, wanted, sizeof(wanted));
    for (unsigned i = 0; i < SCRIPT_RCODE_DROPPED; i++)
        if (v->step->rcodes >> i & 1)
            text_fmt(&t, "%s%s", text_len(&t) ? "|" : "", rcode_text(i, buf));
    differ(v, "%s expected, got %s", wanted, rcode_text(rcode, buf));
}

static void check_message(struct verdict *v)
{
    if (!message_read_header(&v->msg, v->in->wire, v->in->len)) {
        differ(v, "an answer of %zu bytes", v->in->len);
        return;
    }
    check_header(v);
    check_size(v);
    if (message_read(&v->msg) != NOERROR) {
        differ(v, "the answer is malformed");
        return;
    }
    check_question(v);
    check_rcode(v, check_opt(v));
    for (unsigned s = SECTION_ANSWER; s < SECTION_COUNT; s++)
        check_section(v, (enum section)s);
}

bool verdict_is_fine(const struct verdict_input *in, FILE *out)
{
    bool may_drop = in->step->rcodes >> SCRIPT_RCODE_DROPPED & 1;
    bool must_drop = in->step->rcodes == UINT64_C(1) << SCRIPT_RCODE_DROPPED;
    if (in->len == 0 || must_drop) {
        if (may_drop && in->len == 0)
            return true;
        fprintf(out, "  %s\n",
                in->len ? "no answer expected, got one" : "an answer expected, got none");
        return false;
    }
    struct verdict *v = mem_alloc(sizeof(*v));
    v->in = in;
    v->step = in->step;
    v->out = out;
    v->is_fine = true;
    v->rdata_at = wr_over(v->rdata, sizeof(v->rdata));
    arena_init(&v->arena, 1u << 16, VERDICT_ARENA_MAX);
    check_message(v);
    bool is_fine = v->is_fine;
    arena_done(&v->arena);
    free(v);
    return is_fine;
}
