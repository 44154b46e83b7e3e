/* SPDX-License-Identifier: Apache-2.0
 * Reading scenarios: statements and expectations. */
#include "script.h"

#include "ask.h"
#include "base/attr.h"
#include "record.h"
#include "word.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_FILE_MAX  (1u << 20)
#define SCRIPT_ARENA_MAX (256u << 20)
#define COMPARED_FLAGS   (FLAG_AA | FLAG_TC | FLAG_RA | 0x0040 | FLAG_AD)

struct reader {
    struct words w;
    struct script *script;
    struct name origin;
    struct script_zone **last_zone;
    struct script_setting **last_setting;
    struct script_step **last_step;
};

/* --- expectations --- */

static uint64_t rcode_bit(struct word word)
{
    for (unsigned rcode = 0; rcode < SCRIPT_RCODE_DROPPED; rcode++) {
        char buf[16];
        if (word_is(word, rcode_text(rcode, buf)))
            return UINT64_C(1) << rcode;
    }
    return word_is(word, "dropped") ? UINT64_C(1) << SCRIPT_RCODE_DROPPED : 0;
}

static void read_rcodes(struct reader *r, struct script_step *step)
{
    struct word word = word_next(&r->w);
    const char *end = word.s + word.len;
    for (const char *s = word.s, *bar; s <= end; s = bar + 1) {
        bar = memchr(s, '|', (size_t)(end - s));
        if (!bar)
            bar = end;
        struct word one = {s, (size_t)(bar - s)};
        uint64_t bit = rcode_bit(one);
        if (!bit) {
            word_fault(&r->w, "unknown response code '%.*s'", (int)one.len, one.s);
            return;
        }
        step->rcodes |= bit;
    }
}

static bool is_statement(struct word word)
{
    return word.len == 0 || word_is(word, "query") || word_is(word, "message") ||
           word_is(word, "zone") || word_is(word, "config") || word_is(word, "origin");
}

static void read_expect_word(struct reader *r, struct script_step *step, struct word word)
{
    if (ask_flag(word) & COMPARED_FLAGS)
        step->flags |= ask_flag(word);
    else if (word_is(word, "aa?"))
        step->flags_compared &= (uint16_t)~FLAG_AA;
    else if (word_is(word, "opt"))
        step->opt = OPT_PRESENT;
    else if (word_is(word, "no-opt"))
        step->opt = OPT_ABSENT;
    else if (word_is(word, "no-question"))
        step->no_question = true;
    else if (word_is(word, "size"))
        step->size_max = word_number(&r->w, UINT16_MAX);
    else if (word_is(word, "announces"))
        step->announces = word_number(&r->w, UINT16_MAX);
    else if (word_is(word, "nsid")) {
        struct word text = word_next(&r->w);
        if (text.len < 2 || text.s[0] != '"')
            word_fault(&r->w, "a quoted text expected, read '%.*s'", (int)text.len, text.s);
        else
            step->nsid = arena_string(&r->script->arena, text.s + 1, text.len - 2);
    } else {
        word_fault(&r->w, "unknown word '%.*s' in an expectation", (int)word.len, word.s);
    }
}

static void read_section(struct reader *r, struct script_step *step, struct word word)
{
    static const char *const names[SECTION_COUNT] = {"", "answer", "authority", "additional"};
    for (unsigned s = SECTION_ANSWER; s < SECTION_COUNT; s++) {
        if (!word_is(word, names[s]))
            continue;
        struct script_section *section = &step->section[s];
        section->mode = word_take(&r->w, "has")      ? MODE_HAS
                        : word_take(&r->w, "within") ? MODE_WITHIN
                        : word_take(&r->w, "one-of") ? MODE_ONE_OF
                                                     : MODE_EXACT;
        section->records = record_list(&r->w, &r->script->arena, word_block(&r->w), r->origin);
        return;
    }
    word_fault(&r->w, "a section or } expected, read '%.*s'", (int)word.len, word.s);
}

static void read_expect(struct reader *r, struct script_step *step)
{
    read_rcodes(r, step);
    while (!r->w.bad && !is_statement(word_peek(&r->w))) {
        struct word word = word_next(&r->w);
        if (!word_is(word, "{")) {
            read_expect_word(r, step, word);
            continue;
        }
        for (word = word_next(&r->w); !r->w.bad && !word_is(word, "}"); word = word_next(&r->w))
            read_section(r, step, word);
        return;
    }
}

/* --- statements --- */

static struct script_step *add_step(struct reader *r)
{
    struct script_step *step = arena_alloc(&r->script->arena, sizeof(*step));
    *step = (struct script_step){.line = words_line(&r->w), .transports = SCRIPT_UDP | SCRIPT_TCP};
    step->flags_compared = COMPARED_FLAGS;
    *r->last_step = step;
    r->last_step = &step->next;
    r->script->step_count++;
    return step;
}

static void read_query(struct reader *r)
{
    struct script_step *step = add_step(r);
    uint16_t ident = (uint16_t)(r->script->step_count * 7919u + 1u); /* a prime: all ids differ */
    ask_query(&r->w, &r->script->arena, r->origin, ident, step);
    read_expect(r, step);
}

static void read_message(struct reader *r)
{
    struct script_step *step = add_step(r);
    ask_message(&r->w, &r->script->arena, step);
    read_expect(r, step);
}

static void read_origin(struct reader *r)
{
    r->origin = record_name(&r->w, &r->script->arena, word_next(&r->w), (struct name){0});
}

/* The zone file: an empty line for every line above the block, $TTL on the line of the {, then
 * the block without its indentation. */
static void read_zone(struct reader *r)
{
    struct script_zone *zone = arena_alloc(&r->script->arena, sizeof(*zone));
    struct word name = word_next(&r->w);
    r->origin = record_name(&r->w, &r->script->arena, name, (struct name){0});
    struct word block = word_block(&r->w);
    unsigned line = words_line_of(&r->w, block.s);
    char *text = arena_alloc(&r->script->arena, line + block.len + 32), *p = text;
    memset(p, '\n', line - 1);
    p += line - 1;
    p += sprintf(p, "$TTL %d", SCRIPT_TTL);
    size_t indent = 0;
    const char *end = block.s + block.len, *s = block.s;
    for (const char *q = s; q < end && (*q == ' ' || *q == '\n'); q++)
        indent = *q == '\n' ? 0 : indent + 1;
    while (s < end) {
        const char *eol = memchr(s, '\n', (size_t)(end - s));
        eol = eol ? eol + 1 : end;
        if (s != block.s)
            for (size_t i = 0; i < indent && s < eol && *s == ' '; i++)
                s++;
        memcpy(p, s, (size_t)(eol - s));
        p += eol - s;
        s = eol;
    }
    *p++ = '\n';
    *zone = (struct script_zone){.name = arena_string(&r->script->arena, name.s, name.len),
                                 .text = text};
    zone->text_len = (size_t)(p - text);
    *r->last_zone = zone;
    r->last_zone = &zone->next;
}

static void read_setting(struct reader *r, const char *s, const char *eol)
{
    while (s < eol && *s == ' ')
        s++;
    while (eol > s && eol[-1] == ' ')
        eol--;
    if (s == eol || *s == '#')
        return;
    const char *blank = memchr(s, ' ', (size_t)(eol - s));
    if (!blank) {
        word_fault_at(&r->w, words_line_of(&r->w, s), "setting '%.*s' without a value",
                      (int)(eol - s), s);
        return;
    }
    struct script_setting *setting = arena_alloc(&r->script->arena, sizeof(*setting));
    setting->key = arena_string(&r->script->arena, s, (size_t)(blank - s));
    while (*blank == ' ')
        blank++;
    setting->value = arena_string(&r->script->arena, blank, (size_t)(eol - blank));
    setting->next = NULL;
    *r->last_setting = setting;
    r->last_setting = &setting->next;
}

static void read_config(struct reader *r)
{
    struct word block = word_block(&r->w);
    const char *end = block.s + block.len;
    for (const char *s = block.s, *eol; s < end; s = eol + 1) {
        eol = memchr(s, '\n', (size_t)(end - s));
        if (!eol)
            eol = end;
        read_setting(r, s, eol);
    }
}

static const struct {
    const char *word;
    bool before_steps;
    void (*read)(struct reader *);
} statements[] = {
    {"zone", true, read_zone},    {"config", true, read_config},    {"origin", false, read_origin},
    {"query", false, read_query}, {"message", false, read_message},
};

static void read_statement(struct reader *r)
{
    struct word word = word_next(&r->w);
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        if (!word_is(word, statements[i].word))
            continue;
        if (statements[i].before_steps && r->script->steps)
            word_fault(&r->w, "%s must stand before the first query", statements[i].word);
        else
            statements[i].read(r);
        return;
    }
    word_fault(&r->w, "unknown word '%.*s'", (int)word.len, word.s);
}

/* --- the file --- */

static enum err read_file(const char *path, char **out, size_t *len, struct diag *diag)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_say(diag, ERR_IO, "%s: %s", path, strerror(errno));
    char *bytes = mem_alloc(SCRIPT_FILE_MAX);
    *len = fread(bytes, 1, SCRIPT_FILE_MAX, f);
    bool is_whole = *len < SCRIPT_FILE_MAX && !ferror(f);
    fclose(f);
    if (!is_whole) {
        free(bytes);
        return err_say(diag, ERR_LIMIT, "%s: unreadable, or %u bytes and more", path,
                       SCRIPT_FILE_MAX);
    }
    *out = bytes;
    return OK;
}

enum err script_read(const char *path, struct script *out, struct diag *diag)
{
    char *bytes = NULL;
    size_t len = 0;
    enum err e = read_file(path, &bytes, &len, diag);
    if (e != OK)
        return e;
    *out = (struct script){.path = path};
    arena_init(&out->arena, 1u << 16, SCRIPT_ARENA_MAX);
    struct reader r = {.w = words_over(path, bytes, len, diag), .script = out, .origin = NAME_ROOT};
    r.last_zone = &out->zones;
    r.last_setting = &out->settings;
    r.last_step = &out->steps;
    while (!r.w.bad && word_peek(&r.w).len)
        read_statement(&r);
    if (!r.w.bad && !out->steps)
        word_fault(&r.w, "no query and no message");
    free(bytes);
    if (!r.w.bad)
        return OK;
    script_done(out);
    return ERR_SYNTAX;
}

void script_done(struct script *s)
{
    arena_done(&s->arena);
    s->steps = NULL;
}

const char *script_setting(const struct script *s, const char *key, const char *preset)
{
    for (const struct script_setting *it = s->settings; it; it = it->next)
        if (strcmp(it->key, key) == 0)
            preset = it->value;
    return preset;
}
