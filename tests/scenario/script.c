/* SPDX-License-Identifier: Apache-2.0
 * Reading scenarios: statements and expectations. */
#include "script.h"

#include "ask.h"
#include "change.h"
#include "base/attr.h"
#include "base/digits.h"
#include "base/wire.h"
#include "expect.h"
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
    struct script_remote **last_remote;
    struct script_setting **last_setting, **last_key;
    struct script_step **last_step;
};

/* --- expectations --- */

static uint64_t rcode_bit(struct word word)
{
    for (unsigned rcode = 0; rcode < SCRIPT_RCODE_LATER; rcode++) {
        char buf[16];
        if (word_is(word, rcode_text(rcode, buf)))
            return UINT64_C(1) << rcode;
    }
    return word_is(word, "dropped") ? UINT64_C(1) << SCRIPT_RCODE_DROPPED
           : word_is(word, "later") ? UINT64_C(1) << SCRIPT_RCODE_LATER
                                    : 0;
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

static bool is_statement(struct word word);

#define OPTION_LEN_MAX 1024

static struct script_option *add_option(struct reader *r, struct script_step *step)
{
    struct script_option *o = arena_alloc(&r->script->arena, sizeof(*o));
    *o = (struct script_option){.code = (uint16_t)word_number(&r->w, UINT16_MAX),
                                .next = step->options};
    step->options = o;
    return o;
}

static void read_option_bytes(struct reader *r, struct script_option *o)
{
    uint8_t bytes[OPTION_LEN_MAX];
    struct wr w = wr_over(bytes, sizeof(bytes));
    struct word word = word_next(&r->w);
    o->is_prefix = word.len > 3 && memcmp(word.s + word.len - 3, "...", 3) == 0;
    size_t len = word.len - (o->is_prefix ? 3 : 0);
    if (!word_is(word, "-") && !base16_scan(word.s, len, &w))
        word_fault(&r->w, "'%.*s' is not an even number of hex digits", (int)len, word.s);
    o->len = wr_len(&w);
    o->bytes = arena_copy(&r->script->arena, bytes, o->len);
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
    else if (word_is(word, "expire")) {
        step->has_expire = true;
        step->expire = word_number(&r->w, UINT32_MAX);
    } else if (word_is(word, "lease")) {
        step->lease_len = 4;
        step->lease_s = word_number(&r->w, UINT32_MAX);
    } else if (word_is(word, "key-lease")) {
        step->lease_len = 8;
        step->key_lease_s = word_number(&r->w, UINT32_MAX);
    } else if (word_is(word, "option")) {
        read_option_bytes(r, add_option(r, step));
    } else if (word_is(word, "no-option")) {
        add_option(r, step)->is_absent = true;
    } else if (word_is(word, "no-ede")) {
        step->has_no_ede = true;
    } else if (word_is(word, "ede")) {
        step->has_ede = true;
        step->ede = (uint16_t)word_number(&r->w, UINT16_MAX);
    } else if (word_is(word, "nsid")) {
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
        section->mode = word_take(&r->w, "has")        ? MODE_HAS
                        : word_take(&r->w, "within")   ? MODE_WITHIN
                        : word_take(&r->w, "one-of")   ? MODE_ONE_OF
                        : word_take(&r->w, "in-order") ? MODE_ORDER
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

/* The zone of that name, added if it is not there. */
static struct script_zone *zone_of(struct reader *r, struct word name)
{
    for (struct script_zone *z = r->script->zones; z; z = z->next)
        if (word_is(name, z->name))
            return z;
    struct script_zone *zone = arena_alloc(&r->script->arena, sizeof(*zone));
    *zone = (struct script_zone){.name = arena_string(&r->script->arena, name.s, name.len)};
    *r->last_zone = zone;
    r->last_zone = &zone->next;
    return zone;
}

/* The zone file: an empty line for every line above the block, $TTL on the line of the {, then
 * the block without its indentation. */
static const char *zone_text(struct reader *r, size_t *len)
{
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
    *len = (size_t)(p - text);
    return text;
}

static void read_zone(struct reader *r)
{
    struct word name = word_next(&r->w);
    r->origin = record_name(&r->w, &r->script->arena, name, (struct name){0});
    struct script_zone *zone = zone_of(r, name);
    zone->text = zone_text(r, &zone->text_len);
}

/* A line "key value" into the list. */
static void read_setting(struct reader *r, const char *s, const char *eol,
                         struct script_setting ***last)
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
    **last = setting;
    *last = &setting->next;
}

static void read_settings(struct reader *r, struct script_setting ***last)
{
    struct word block = word_block(&r->w);
    const char *end = block.s + block.len;
    for (const char *s = block.s, *eol; s < end; s = eol + 1) {
        eol = memchr(s, '\n', (size_t)(end - s));
        if (!eol)
            eol = end;
        read_setting(r, s, eol, last);
    }
}

static void read_config(struct reader *r)
{
    read_settings(r, &r->last_setting);
}

static void read_options(struct reader *r)
{
    struct script_zone *zone = zone_of(r, word_next(&r->w));
    struct script_setting **last = &zone->options;
    while (*last)
        last = &(*last)->next;
    read_settings(r, &last);
}

static void read_key(struct reader *r)
{
    struct script_setting *key = arena_alloc(&r->script->arena, sizeof(*key));
    struct word name = word_next(&r->w), secret = word_next(&r->w);
    *key = (struct script_setting){arena_string(&r->script->arena, name.s, name.len),
                                   arena_string(&r->script->arena, secret.s, secret.len), NULL};
    *r->last_key = key;
    r->last_key = &key->next;
}

static void read_remote(struct reader *r)
{
    struct script_remote *remote = arena_alloc(&r->script->arena, sizeof(*remote));
    struct word name = word_next(&r->w);
    *remote = (struct script_remote){.name = arena_string(&r->script->arena, name.s, name.len)};
    *r->last_remote = remote;
    r->last_remote = &remote->next;
    struct script_setting **last = &remote->settings;
    read_settings(r, &last);
}

/* --- statements with effects --- */

static struct script_step *add_effect(struct reader *r, enum script_kind kind)
{
    struct script_step *step = add_step(r);
    step->kind = kind;
    r->script->is_stateful = true;
    return step;
}

static void read_update(struct reader *r)
{
    struct script_step *step = add_effect(r, STEP_ASK);
    uint16_t ident = (uint16_t)(r->script->step_count * 7919u + 1u);
    change_scan(&r->w, &r->script->arena, ident, step);
    read_expect(r, step);
}

static void read_file_statement(struct reader *r)
{
    struct script_step *step = add_effect(r, STEP_FILE);
    step->zone = zone_of(r, word_next(&r->w));
    step->text = zone_text(r, &step->text_len);
}

static void read_reload(struct reader *r)
{
    add_effect(r, STEP_RELOAD);
}

static void read_restart(struct reader *r)
{
    add_effect(r, STEP_RESTART);
}

static void read_crash(struct reader *r)
{
    add_effect(r, STEP_CRASH);
}

static void read_after(struct reader *r)
{
    struct script_step *step = add_effect(r, STEP_AFTER);
    struct word time = word_next(&r->w);
    if (!digits_duration_ms(time.s, time.len, &step->after_ms))
        word_fault(&r->w, "a time expected, read '%.*s'", (int)time.len, time.s);
}

static void read_expect_behind(struct reader *r)
{
    if (word_take(&r->w, "answer")) {
        read_rcodes(r, add_effect(r, STEP_ANSWER));
        return;
    }
    struct script_step *step = add_effect(r, STEP_SENT);
    expect_scan(&r->w, &r->script->arena, r->origin, &step->sent);
}

static void read_fail(struct reader *r)
{
    static const struct {
        const char *text;
        enum script_fault fault;
    } rows[] = {{"nothing", DISK_WORKS},
                {"write", DISK_WRITE},
                {"sync", DISK_SYNC},
                {"read", DISK_READ},
                {"full", DISK_FULL}};
    struct script_step *step = add_effect(r, STEP_FAIL);
    struct word what = word_next(&r->w);
    size_t i = 0;
    while (i < ARRAY_LEN(rows) && !word_is(what, rows[i].text))
        i++;
    if (i == ARRAY_LEN(rows)) {
        word_fault(&r->w, "write, sync, read, full or nothing expected, read '%.*s'", (int)what.len,
                   what.s);
        return;
    }
    step->fault = rows[i].fault;
    step->fault_count = step->fault == DISK_WORKS || step->fault == DISK_FULL ? 0
                        : word_take(&r->w, "once")                            ? 1
                                                   : word_number(&r->w, UINT16_MAX);
}

static const struct {
    const char *word;
    bool before_steps;
    void (*read)(struct reader *);
} statements[] = {
    {"zone", true, read_zone},      {"options", true, read_options},
    {"config", true, read_config},  {"key", true, read_key},
    {"remote", true, read_remote},  {"origin", false, read_origin},
    {"query", false, read_query},   {"message", false, read_message},
    {"update", false, read_update}, {"file", false, read_file_statement},
    {"reload", false, read_reload}, {"restart", false, read_restart},
    {"crash", false, read_crash},   {"after", false, read_after},
    {"fail", false, read_fail},     {"expect", false, read_expect_behind},
};

static bool is_statement(struct word word)
{
    for (size_t i = 0; i < ARRAY_LEN(statements); i++)
        if (word_is(word, statements[i].word))
            return true;
    return word.len == 0;
}

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
    r.last_remote = &out->remotes;
    r.last_setting = &out->settings;
    r.last_key = &out->keys;
    r.last_step = &out->steps;
    while (!r.w.bad && word_peek(&r.w).len)
        read_statement(&r);
    if (!r.w.bad && !out->steps)
        word_fault(&r.w, "no query, message or update");
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
