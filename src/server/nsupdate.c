/* SPDX-License-Identifier: Apache-2.0
 * nsupdate's commands, one row each, over the tokens of master files. */
#include "server/nsupdate.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/check.h"
#include "base/digits.h"
#include "base/wire.h"
#include "dns/codes.h"
#include "dns/lex.h"
#include "dns/message.h"
#include "dns/rr.h"

#define NO_TTL        UINT32_MAX
#define RR_FRAME_LEN  10 /* type, class, TTL, rdlength */
#define QUESTION_TAIL 4
/* Commands between two looks at whether anybody still waits. */
#define LOOK_EACH     1024

struct reading {
    struct lex lex;
    struct nsupdate *out;
    struct name zone;
    struct name_buf origin; /* len 0: none was set */
    uint32_t ttl;           /* of additions that say none; NO_TTL: none was set */
    bool is_sent, is_over;  /* there was a send, a quit */
    size_t bytes;           /* of all parts */
    struct nsupdate_part prereqs;
    struct token command;
    uint8_t rdata[RDATA_LEN_MAX];
};

/* A command; what its records look like is in the row too. */
struct command {
    const char *word;
    enum group { GROUP_UPDATE, GROUP_PREREQ, GROUP_OTHER } group;
    uint16_t class; /* of the record that the command's short form makes */
    enum err (*run)(struct reading *r, const struct command *c, struct diag *diag);
};

/* --- records into messages --- */

static void part_open(const struct reading *r, struct nsupdate_part *p)
{
    p->cap = (uint32_t)(DNS_HEADER_LEN + r->zone.len + QUESTION_TAIL) + NSUPDATE_PART_BYTES;
    p->wire = mem_alloc_zero(p->cap);
    memcpy(p->wire + DNS_HEADER_LEN, r->zone.wire, r->zone.len);
    p->len = DNS_HEADER_LEN + r->zone.len;
    put_u16(p->wire + p->len, TYPE_SOA);
    put_u16(p->wire + p->len + 2, CLASS_IN);
    p->len += QUESTION_TAIL;
}

static void part_close(struct nsupdate_part *p)
{
    put_u16(p->wire + 2, OPCODE_UPDATE << 11);
    put_u16(p->wire + 4, 1);
    put_u16(p->wire + 6, p->prereqs);
    put_u16(p->wire + 8, p->updates);
}

static enum err full(struct diag *diag)
{
    return err_say(diag, ERR_LIMIT, "more than %zu MiB of records", NSUPDATE_BYTES_MAX >> 20);
}

/* Room for `len` bytes more of the part; NULL: a message has no room for them. */
static uint8_t *part_room(struct reading *r, struct nsupdate_part *p, size_t len)
{
    if (p->len + len > DNS_MESSAGE_MAX)
        return NULL;
    if (p->len + len > p->cap) {
        p->cap = DNS_MESSAGE_MAX;
        p->wire = mem_grow(p->wire, p->cap);
    }
    uint8_t *at = p->wire + p->len;
    p->len += (uint32_t)len;
    r->bytes += len;
    return at;
}

/* The part that the next update goes to. */
static struct nsupdate_part *part_next(struct reading *r, size_t len)
{
    struct nsupdate *n = r->out;
    struct nsupdate_part *last = n->count ? &n->part[n->count - 1] : NULL;
    if (last && last->updates < NSUPDATE_PART_RECORDS && last->len + len <= NSUPDATE_PART_BYTES)
        return last;
    if (n->count == n->cap) {
        n->cap = n->cap ? 2 * n->cap : 4;
        n->part = mem_grow(n->part, n->cap * sizeof(*n->part));
    }
    ASSERT(n->part && n->count < n->cap);
    n->part[n->count] = (struct nsupdate_part){0};
    part_open(r, &n->part[n->count]);
    r->bytes += n->part[n->count].cap;
    return &n->part[n->count++];
}

static enum err put(struct reading *r, enum group group, const struct rr *rr, struct diag *diag)
{
    size_t len = (size_t)rr->owner.len + RR_FRAME_LEN + rr->rdata.len;
    bool is_prereq = group == GROUP_PREREQ;
    if (r->bytes + len > NSUPDATE_BYTES_MAX)
        return full(diag);
    struct nsupdate_part *p = is_prereq ? &r->prereqs : part_next(r, len);
    if (!p->wire)
        part_open(r, p);
    uint8_t *room = part_room(r, p, len);
    if (!room)
        return err_say(diag, ERR_LIMIT,
                       is_prereq ? "the prerequisites do not fit one message"
                                 : "the record does not fit a message");
    struct wr w = wr_over(room, len);
    wr_bytes(&w, rr->owner.wire, rr->owner.len);
    wr_u16(&w, rr->type);
    wr_u16(&w, rr->class);
    wr_u32(&w, rr->ttl);
    wr_u16(&w, rr->rdata.len);
    wr_bytes(&w, rr->rdata.bytes, rr->rdata.len);
    ASSERT(!w.bad);
    p->prereqs = (uint16_t)(p->prereqs + is_prereq);
    p->updates = (uint16_t)(p->updates + !is_prereq);
    r->out->prereqs += is_prereq;
    r->out->updates += !is_prereq;
    return OK;
}

/* --- words --- */

static bool is_word(const struct token *t, const char *word)
{
    return t->kind == TOKEN_WORD && t->len == strlen(word) && strncasecmp(t->s, word, t->len) == 0;
}

static bool has_more(struct reading *r)
{
    enum token_kind kind = lex_look(&r->lex)->kind;
    return kind == TOKEN_WORD || kind == TOKEN_QUOTED || kind == TOKEN_BAD;
}

static enum err word_take(struct reading *r, const char *what, struct token *out, struct diag *diag)
{
    *out = lex_next(&r->lex);
    if (out->kind == TOKEN_WORD)
        return OK;
    if (out->kind == TOKEN_BAD)
        return err_say(diag, ERR_SYNTAX, "%s", out->why);
    return err_say(diag, ERR_SYNTAX, "expected %s, found %s", what,
                   out->kind == TOKEN_QUOTED ? "a quoted text" : "the end of the line");
}

static struct name origin_of(const struct reading *r, struct name otherwise)
{
    return r->origin.len ? name_of(&r->origin) : otherwise;
}

/* An owner: see the header. */
static enum err owner_take(struct reading *r, struct name_buf *out, struct diag *diag)
{
    struct token t;
    enum err e = word_take(r, "a name", &t, diag);
    if (e != OK)
        return e;
    bool is_absolute = name_scan(t.s, t.len, (struct name){0}, out, NULL) == OK;
    if (is_absolute)
        return OK;
    if (!r->origin.len && name_scan(t.s, t.len, NAME_ROOT, out, NULL) == OK &&
        name_is_under(name_of(out), r->zone) && !is_word(&t, "@"))
        return OK;
    return name_scan(t.s, t.len, origin_of(r, r->zone), out, diag);
}

static enum err no_records_of(uint16_t type, struct diag *diag)
{
    char text[16];
    return err_say(diag, ERR_SYNTAX, "no zone has records of the type %s", rrtype_text(type, text));
}

/* IN may stand before the type, anything else is one: of records in a zone, or ANY. */
static enum err type_take(struct reading *r, uint16_t *out, struct diag *diag)
{
    struct token t;
    enum err e = word_take(r, "an RR type", &t, diag);
    if (e == OK && is_word(&t, "IN"))
        e = word_take(r, "an RR type", &t, diag);
    if (e == OK && !rrtype_scan(t.s, t.len, out))
        return err_say(diag, ERR_SYNTAX, "expected an RR type, found \"%.*s\"", (int)t.len, t.s);
    if (e == OK && *out != TYPE_ANY && !rrtype_is_data(*out))
        return no_records_of(*out, diag);
    return e;
}

static bool ttl_take(struct reading *r, uint32_t *out)
{
    const struct token *t = lex_look(&r->lex);
    uint32_t ttl;
    if (t->kind != TOKEN_WORD || !digits_period(t->s, t->len, &ttl) || ttl > TTL_MAX)
        return false;
    (void)lex_next(&r->lex);
    *out = ttl;
    return true;
}

static enum err rdata_take(struct reading *r, struct rr *rr, struct diag *diag)
{
    struct wr w = wr_over(r->rdata, sizeof(r->rdata));
    if (rr->type == TYPE_ANY)
        return no_records_of(rr->type, diag);
    enum err e = rdata_scan(rr->type, &r->lex, origin_of(r, NAME_ROOT), &w, diag);
    rr->rdata = (struct rdata){r->rdata, (uint16_t)wr_len(&w)};
    return e;
}

/* --- commands --- */

/* nxdomain, yxdomain: RFC 2136 s2.4.4, s2.4.5 */
static enum err prereq_name(struct reading *r, const struct command *c, struct diag *diag)
{
    struct name_buf owner;
    enum err e = owner_take(r, &owner, diag);
    struct rr rr = {.owner = name_of(&owner), .type = TYPE_ANY, .class = c->class};
    return e == OK ? put(r, c->group, &rr, diag) : e;
}

/* nxrrset, and yxrrset without (s2.4.1) or with (s2.4.2) the records */
static enum err prereq_rrset(struct reading *r, const struct command *c, struct diag *diag)
{
    struct name_buf owner;
    struct rr rr = {.class = c->class};
    enum err e = owner_take(r, &owner, diag);
    if (e == OK)
        e = type_take(r, &rr.type, diag);
    rr.owner = name_of(&owner);
    if (e == OK && c->class == CLASS_ANY && has_more(r)) {
        rr.class = CLASS_IN;
        e = rdata_take(r, &rr, diag);
    }
    return e == OK ? put(r, c->group, &rr, diag) : e;
}

static enum err update_add(struct reading *r, const struct command *c, struct diag *diag)
{
    struct name_buf owner;
    struct rr rr = {.class = c->class, .ttl = r->ttl};
    enum err e = owner_take(r, &owner, diag);
    if (e == OK && !ttl_take(r, &rr.ttl) && r->ttl == NO_TTL)
        e = err_say(diag, ERR_SYNTAX, "expected a TTL, as no \"ttl\" says what it is else");
    if (e == OK)
        e = type_take(r, &rr.type, diag);
    if (e == OK)
        e = rdata_take(r, &rr, diag);
    rr.owner = name_of(&owner);
    return e == OK ? put(r, c->group, &rr, diag) : e;
}

/* A name (s2.5.3), an RRset of it (s2.5.2), or a record (s2.5.4). */
static enum err update_delete(struct reading *r, const struct command *c, struct diag *diag)
{
    struct name_buf owner;
    uint32_t ttl; /* is said, and means nothing */
    struct rr rr = {.class = c->class, .type = TYPE_ANY};
    enum err e = owner_take(r, &owner, diag);
    if (e == OK)
        (void)ttl_take(r, &ttl);
    if (e == OK && has_more(r))
        e = type_take(r, &rr.type, diag);
    rr.owner = name_of(&owner);
    if (e == OK && has_more(r)) {
        rr.class = CLASS_NONE;
        e = rdata_take(r, &rr, diag);
    }
    return e == OK ? put(r, c->group, &rr, diag) : e;
}

static enum err name_take(struct reading *r, struct name_buf *out, struct diag *diag)
{
    struct token t;
    enum err e = word_take(r, "a name", &t, diag);
    return e == OK ? name_scan(t.s, t.len, NAME_ROOT, out, diag) : e;
}

static enum err set_zone(struct reading *r, const struct command *c, struct diag *diag)
{
    (void)c;
    struct name_buf zone;
    char text[NAME_TEXT_MAX];
    enum err e = name_take(r, &zone, diag);
    if (e != OK || name_is_equal(name_of(&zone), r->zone))
        return e;
    return err_say(diag, ERR_SYNTAX, "this is about the zone %s", name_text(r->zone, text));
}

static enum err set_origin(struct reading *r, const struct command *c, struct diag *diag)
{
    (void)c;
    return name_take(r, &r->origin, diag);
}

static enum err set_ttl(struct reading *r, const struct command *c, struct diag *diag)
{
    (void)c;
    if (ttl_take(r, &r->ttl))
        return OK;
    return err_say(diag, ERR_SYNTAX, "expected a TTL of at most %u", TTL_MAX);
}

static enum err set_class(struct reading *r, const struct command *c, struct diag *diag)
{
    (void)c;
    struct token t;
    enum err e = word_take(r, "a class", &t, diag);
    if (e != OK || is_word(&t, "IN"))
        return e;
    return err_say(diag, ERR_SYNTAX, "the class is IN here, not \"%.*s\"", (int)t.len, t.s);
}

/* The rest of the line is not looked at. */
static void skip(struct reading *r)
{
    enum token_kind kind;
    while ((kind = lex_look(&r->lex)->kind) == TOKEN_WORD || kind == TOKEN_QUOTED)
        (void)lex_next(&r->lex);
}

static enum err ignore(struct reading *r, const struct command *c, struct diag *diag)
{
    (void)c;
    (void)diag;
    skip(r);
    return OK;
}

static enum err note_send(struct reading *r, const struct command *c, struct diag *diag)
{
    r->is_sent = r->out->updates > 0;
    return ignore(r, c, diag);
}

static enum err quit(struct reading *r, const struct command *c, struct diag *diag)
{
    r->is_over = true;
    return ignore(r, c, diag);
}

static enum err not_here(struct reading *r, const struct command *c, struct diag *diag)
{
    (void)r;
    return err_say(diag, ERR_SYNTAX,
                   "\"%s\" has no meaning here: the server is asked over its control socket",
                   c->word);
}

/* clang-format off */
/*   word          group         class       what it does */
static const struct command table[] = {
    {"add",        GROUP_UPDATE, CLASS_IN,   update_add},
    {"delete",     GROUP_UPDATE, CLASS_ANY,  update_delete},
    {"del",        GROUP_UPDATE, CLASS_ANY,  update_delete},
    {"nxdomain",   GROUP_PREREQ, CLASS_NONE, prereq_name},
    {"yxdomain",   GROUP_PREREQ, CLASS_ANY,  prereq_name},
    {"nxrrset",    GROUP_PREREQ, CLASS_NONE, prereq_rrset},
    {"yxrrset",    GROUP_PREREQ, CLASS_ANY,  prereq_rrset},
    {"zone",       GROUP_OTHER,  0,          set_zone},
    {"origin",     GROUP_OTHER,  0,          set_origin},
    {"ttl",        GROUP_OTHER,  0,          set_ttl},
    {"class",      GROUP_OTHER,  0,          set_class},
    {"send",       GROUP_OTHER,  0,          note_send},
    {"show",       GROUP_OTHER,  0,          ignore},
    {"answer",     GROUP_OTHER,  0,          ignore},
    {"debug",      GROUP_OTHER,  0,          ignore},
    {"quit",       GROUP_OTHER,  0,          quit},
    {"exit",       GROUP_OTHER,  0,          quit},
    {"server",     GROUP_OTHER,  0,          not_here},
    {"local",      GROUP_OTHER,  0,          not_here},
    {"key",        GROUP_OTHER,  0,          not_here},
    {"realm",      GROUP_OTHER,  0,          not_here},
    {"gsstsig",    GROUP_OTHER,  0,          not_here},
    {"oldgsstsig", GROUP_OTHER,  0,          not_here},
    {"lease",      GROUP_OTHER,  0,          not_here},
};
/* clang-format on */

static const struct command *find(const struct token *t)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (is_word(t, table[i].word))
            return &table[i];
    return NULL;
}

/* The row of the command that begins with the token; `update` and `prereq` are stepped over. */
static enum err command_take(struct reading *r, const struct command **out, struct diag *diag)
{
    struct token t;
    enum err e = word_take(r, "a command", &t, diag);
    r->command = t;
    if (e != OK)
        return e;
    bool is_update = is_word(&t, "update"), is_prereq = is_word(&t, "prereq");
    if (is_update || is_prereq)
        e = word_take(r, is_update ? "add or delete" : "a prerequisite", &t, diag);
    if (e != OK)
        return e;
    const struct command *c = find(&t);
    if (!c || (is_update && c->group != GROUP_UPDATE) || (is_prereq && c->group != GROUP_PREREQ))
        return err_say(diag, ERR_SYNTAX, "no such %s: \"%.*s\"",
                       is_update   ? "update"
                       : is_prereq ? "prerequisite"
                                   : "command",
                       (int)(t.len < 64 ? t.len : 64), t.s);
    if (c->group == GROUP_PREREQ && r->is_sent)
        return err_say(diag, ERR_SYNTAX,
                       "a prerequisite behind \"send\": all of a text is one transaction");
    *out = c;
    return OK;
}

static enum err line_read(struct reading *r, struct diag *diag)
{
    const struct command *c = NULL;
    enum err e = command_take(r, &c, diag);
    if (e != OK)
        return e;
    ASSERT(c);
    e = c->run(r, c, diag);
    if (e != OK)
        return e;
    struct token t = lex_next(&r->lex);
    if (t.kind == TOKEN_END || t.kind == TOKEN_EOF)
        return OK;
    if (t.kind == TOKEN_BAD)
        return err_say(diag, ERR_SYNTAX, "%s", t.why);
    return err_say(diag, ERR_SYNTAX, "expected the end of the line, found \"%.*s\"",
                   (int)(t.len < 64 ? t.len : 64), t.s);
}

/* Prerequisites go before the first updates, in one message with them if they fit. */
static void join_prereqs(struct reading *r)
{
    struct nsupdate *n = r->out;
    struct nsupdate_part *p = &r->prereqs, *first = n->part;
    size_t head = DNS_HEADER_LEN + r->zone.len + (size_t)QUESTION_TAIL;
    if (!p->prereqs)
        return;
    uint8_t *room = n->count ? part_room(r, p, first->len - head) : NULL;
    if (room) {
        memcpy(room, first->wire + head, first->len - head);
        p->updates = first->updates;
        free(first->wire);
    } else {
        n->part = mem_grow(n->part, (n->count + 1u) * sizeof(*n->part));
        memmove(n->part + 1, n->part, n->count * sizeof(*n->part));
        n->cap = ++n->count;
    }
    n->part[0] = *p;
    *p = (struct nsupdate_part){0};
}

static enum err read_all(struct reading *r, const struct nsupdate_options *options,
                         struct diag *diag)
{
    for (unsigned i = 0; !r->is_over && lex_look(&r->lex)->kind != TOKEN_EOF; i++) {
        enum err e = line_read(r, diag);
        if (e != OK)
            return err_note(diag, e, "line %u", r->command.line);
        if (options->is_canceled && i % LOOK_EACH == 0 && atomic_load(options->is_canceled))
            return ERR_CANCELED;
    }
    return OK;
}

enum err nsupdate_read(const char *text, size_t len, const struct nsupdate_options *options,
                       struct nsupdate *out, struct diag *diag)
{
    struct reading *r = mem_alloc_zero(sizeof(*r));
    *out = (struct nsupdate){0};
    r->out = out;
    r->zone = options->zone;
    r->ttl = NO_TTL;
    lex_init(&r->lex, text, len);
    enum err e = read_all(r, options, diag);
    if (e == OK)
        join_prereqs(r);
    for (unsigned i = 0; i < out->count; i++)
        part_close(&out->part[i]);
    free(r->prereqs.wire);
    free(r);
    return e;
}

void nsupdate_done(struct nsupdate *n)
{
    for (unsigned i = 0; i < n->count; i++)
        free(n->part[i].wire);
    free(n->part);
    *n = (struct nsupdate){0};
}
