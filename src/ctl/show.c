/* SPDX-License-Identifier: Apache-2.0
 * Answers for people: one function a verb. */
#include "ctl/show.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/attr.h"
#include "ctl/show_int.h"

/* --- texts and numbers --- */

/* What a terminal obeys instead of showing: C1 controls, and marks of direction and of lines. */
static bool is_obeyed(uint32_t c)
{
    return (c >= 0x80 && c <= 0x9F) || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x61C ||
           c == 0xFEFF;
}

/* Bytes of the UTF-8 character at s, and its code point; 0: there is none. Texts of an answer are
 * well formed, words of the command line need not be. */
static unsigned utf8_span(const unsigned char *s, uint32_t *code)
{
    unsigned n = *s < 0x80 ? 1 : *s < 0xC2 ? 0 : *s < 0xE0 ? 2 : *s < 0xF0 ? 3 : *s < 0xF5 ? 4 : 0;
    *code = n <= 1 ? *s : *s & (0x7Fu >> n);
    for (unsigned i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80) /* a NUL too */
            return 0;
        *code = *code << 6 | (s[i] & 0x3Fu);
    }
    return n;
}

void ctl_show_text(const char *text, FILE *out)
{
    uint32_t code;
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        unsigned n = utf8_span(s, &code);
        if (n == 0 || code < 0x20 || code == 0x7F)
            fprintf(out, "\\x%02X", *s);
        else if (is_obeyed(code))
            fprintf(out, "\\u%04" PRIX32, code);
        else
            fwrite(s, 1, n, out);
        s += n ? n : 1;
    }
}

const char *show_text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

json_int_t show_number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

bool show_has(const json_t *object, const char *key)
{
    return json_object_get(object, key) != NULL;
}

void show_span(json_int_t s, FILE *out)
{
    if (s >= 86400)
        fprintf(out, "%" JSON_INTEGER_FORMAT "d %" JSON_INTEGER_FORMAT "h", s / 86400,
                s / 3600 % 24);
    else if (s >= 3600)
        fprintf(out, "%" JSON_INTEGER_FORMAT "h %" JSON_INTEGER_FORMAT "m", s / 3600, s / 60 % 60);
    else if (s >= 60)
        fprintf(out, "%" JSON_INTEGER_FORMAT "m %" JSON_INTEGER_FORMAT "s", s / 60, s % 60);
    else
        fprintf(out, "%" JSON_INTEGER_FORMAT "s", s);
}

void show_time(json_int_t us, FILE *out)
{
    char text[32] = "";
    time_t s = (time_t)(us / 1000000);
    struct tm tm;
    if (gmtime_r(&s, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm))
        fputs(text, out);
}

void show_count(json_int_t n, const char *what, FILE *out)
{
    fprintf(out, "%" JSON_INTEGER_FORMAT " %s%s", n, what, n == 1 ? "" : "s");
}

void show_left_out(json_int_t total, const json_t *list, const char *indent, FILE *out)
{
    json_int_t shown = (json_int_t)json_array_size(list);
    if (total > shown)
        fprintf(out, "%sand %" JSON_INTEGER_FORMAT " more\n", indent, total - shown);
}

/* --- the verbs --- */

static void show_failures(const json_t *line, FILE *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(line, "failures"), i, row)
    {
        fputs("  ", out);
        ctl_show_text(show_text_of(row, "zone"), out);
        fprintf(out, "  %s: ", show_text_of(row, "serving"));
        ctl_show_text(show_text_of(row, "reason"), out);
        fputc('\n', out);
    }
    show_left_out(show_number_of(line, "not_loaded"), json_object_get(line, "failures"), "  ", out);
}

static void show_zone_counts(const json_t *line, FILE *out)
{
    show_count(show_number_of(line, "zones"), "zone", out);
    if (show_number_of(line, "loading"))
        fprintf(out, ", %" JSON_INTEGER_FORMAT " loading", show_number_of(line, "loading"));
    if (show_number_of(line, "not_loaded"))
        fprintf(out, ", %" JSON_INTEGER_FORMAT " not loaded", show_number_of(line, "not_loaded"));
    if (show_number_of(line, "not_transferred"))
        fprintf(out, ", %" JSON_INTEGER_FORMAT " not transferred yet",
                show_number_of(line, "not_transferred"));
    if (show_number_of(line, "expired"))
        fprintf(out, ", %" JSON_INTEGER_FORMAT " expired", show_number_of(line, "expired"));
    if (show_number_of(line, "held"))
        fprintf(out, ", %" JSON_INTEGER_FORMAT " held back", show_number_of(line, "held"));
    fputs(", ", out);
    show_count(show_number_of(line, "records"), "record", out);
}

static void show_journal(const json_t *line, FILE *out)
{
    bool is_well = json_is_true(json_object_get(line, "journal_well"));
    fprintf(out, "\n  change log     %s since ", is_well ? "well" : "FAILS");
    show_time(show_number_of(line, "journal_since_us"), out);
    fputs(", ", out);
    show_bytes(show_number_of(line, "journal_bytes"), out);
    if (show_number_of(line, "commit_took_us"))
        fprintf(out, ", last commit in %" JSON_INTEGER_FORMAT " us",
                show_number_of(line, "commit_took_us"));
    if (!is_well) {
        fputs(": ", out);
        ctl_show_text(show_text_of(line, "journal_fault"), out);
    }
}

static void show_updates(const json_t *line, FILE *out)
{
    fprintf(out, "\n  updates        %" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT " done",
            show_number_of(line, "updates"), show_number_of(line, "updates_done"));
    if (show_number_of(line, "updates_queued") + show_number_of(line, "commits_pending"))
        fprintf(out, ", %" JSON_INTEGER_FORMAT " queued, %" JSON_INTEGER_FORMAT " wait for the log",
                show_number_of(line, "updates_queued"), show_number_of(line, "commits_pending"));
    show_lease_counts(line, out);
    if (show_has(line, "journal_well"))
        show_journal(line, out);
    fprintf(out,
            "\n  refused        %" JSON_INTEGER_FORMAT ", and %" JSON_INTEGER_FORMAT
            " with a signature that is not right",
            show_number_of(line, "refused"), show_number_of(line, "tsig_failed"));
}

static void show_cookies(const json_t *line, FILE *out)
{
    fputs("\n  cookies        ", out);
    ctl_show_text(show_text_of(line, "cookies"), out);
    if (show_has(line, "cookies_since_us")) {
        fputs(" since ", out);
        show_time(show_number_of(line, "cookies_since_us"), out);
    }
    fprintf(out, ", %" JSON_INTEGER_FORMAT " good, %" JSON_INTEGER_FORMAT " not",
            show_number_of(line, "cookies_good"), show_number_of(line, "cookies_bad"));
}

static void show_rate_limits(const json_t *line, FILE *out)
{
    bool is_on = json_is_true(json_object_get(line, "rate_limits"));
    fprintf(out, "\n  rate limits    %s", is_on ? "on" : "off");
    if (is_on || show_number_of(line, "rate_limited"))
        fprintf(out,
                ", %" JSON_INTEGER_FORMAT " answers held back, %" JSON_INTEGER_FORMAT
                " of them sent truncated or as an error",
                show_number_of(line, "rate_limited"), show_number_of(line, "rate_slipped"));
}

void show_status(const json_t *line, FILE *out)
{
    fprintf(out, "reeve %s  pid %" JSON_INTEGER_FORMAT "  up ", show_text_of(line, "version"),
            show_number_of(line, "pid"));
    show_span(show_number_of(line, "uptime_s"), out);
    fputs("\n  configuration  ", out);
    ctl_show_text(show_text_of(line, "configuration"), out);
    fputs("\n  zones          ", out);
    show_zone_counts(line, out);
    fprintf(out, "\n  queries        %" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT " answered",
            show_number_of(line, "queries"), show_number_of(line, "answers"));
    show_cookies(line, out);
    show_rate_limits(line, out);
    show_updates(line, out);
    fprintf(out, "\n  reloads        %" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT " refused\n",
            show_number_of(line, "reloads"), show_number_of(line, "reloads_failed"));
    show_failures(line, out);
}

void show_stats(const json_t *line, FILE *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(line, "counters"), i, row)
    {
        fprintf(out, "%-24s %12" JSON_INTEGER_FORMAT "  %s\n", show_text_of(row, "name"),
                show_number_of(row, "value"), show_text_of(row, "what"));
    }
}

void show_reload(const json_t *line, FILE *out)
{
    if (!show_has(line, "zones"))
        return;
    show_zone_counts(line, out);
    fputc('\n', out);
    show_failures(line, out);
}

void show_check(const json_t *line, FILE *out)
{
    show_count(show_number_of(line, "zones"), "zone", out);
    fputs(", no fault\n", out);
}

void show_stop(const json_t *line, FILE *out)
{
    (void)line;
    (void)out;
}

void show_loglevel(const json_t *line, FILE *out)
{
    fprintf(out, "%s\n", show_text_of(line, "level"));
}

void show_zones(const json_t *line, FILE *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(line, "zones"), i, row)
    {
        const char *name = show_text_of(row, "zone");
        ctl_show_text(name, out);
        fprintf(out, "%*s  %-9s", strlen(name) < 32 ? (int)(32 - strlen(name)) : 0, "",
                show_text_of(row, "type"));
        if (show_has(row, "serial"))
            fprintf(out, "  serial %-10" JSON_INTEGER_FORMAT "  ", show_number_of(row, "serial"));
        if (show_has(row, "records"))
            show_count(show_number_of(row, "records"), "record", out);
        if (strcmp(show_text_of(row, "state"), "serving") != 0)
            fprintf(out, "  %s", show_text_of(row, "state"));
        fputc('\n', out);
    }
}

void show_zone(const json_t *line, FILE *out)
{
    ctl_show_text(show_text_of(line, "zone"), out);
    fprintf(out, "  %s", show_text_of(line, "type"));
    if (show_has(line, "serial")) {
        fprintf(out, "  serial %" JSON_INTEGER_FORMAT "  %s  ", show_number_of(line, "serial"),
                json_is_true(json_object_get(line, "signed")) ? "signed" : "unsigned");
        show_count(show_number_of(line, "records"), "record", out);
        fputs(", ", out);
        show_count(show_number_of(line, "names"), "name", out);
    }
    fprintf(out, "  %s\n", show_text_of(line, "state"));
    if (show_has(line, "file")) {
        fputs("  file      ", out);
        ctl_show_text(show_text_of(line, "file"), out);
        if (show_has(line, "loaded_us")) {
            fputs(show_has(line, "failure") ? "  failed " : "  loaded ", out);
            show_time(show_number_of(line, "loaded_us"), out);
        }
        if (show_has(line, "is_file_same"))
            fputs(json_is_true(json_object_get(line, "is_file_same"))
                      ? ", unchanged"
                      : ", may have changed since: see plan",
                  out);
        fputc('\n', out);
    }
    if (show_has(line, "failure")) {
        fputs("  failure   ", out);
        ctl_show_text(show_text_of(line, "failure"), out);
        fputc('\n', out);
    }
    show_secondary(line, out);
    show_about(line, out);
    show_secondaries(line, show_number_of(line, "now_us"), out);
    if (show_number_of(line, "grants")) {
        fputs("  updates   ", out);
        show_count(show_number_of(line, "grants"), "rule", out);
        fprintf(out, ", serial: %s\n", show_text_of(line, "serial_policy"));
    }
    if (show_has(line, "frozen"))
        fputs("  frozen    updates are refused until it is thawed\n", out);
}

/* Lines of a zone file: printable ASCII as the server makes it; anything else is escaped. */
void show_export(const json_t *line, FILE *out)
{
    for (const char *s = show_text_of(line, "text"); *s; s++)
        if (*s == '\n' || (*s >= 0x20 && *s < 0x7F))
            fputc(*s, out);
        else
            fprintf(out, "\\%03u", (unsigned)(unsigned char)*s);
}

typedef void (*show_fn)(const json_t *line, FILE *out);

static const show_fn shows[VERB_COUNT] = {
#define VERB(id, ...) [VERB_##id] = show_##id,
#include "ctl/verb.tbl.h"
#undef VERB
};

/* Faults of the configuration or of zone files, whatever was asked. */
static void show_faults(const json_t *line, FILE *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(line, "faults"), i, row)
    {
        ctl_show_text(show_text_of(row, "fault"), out);
        fputc('\n', out);
    }
    show_left_out(show_number_of(line, "lines"), json_object_get(line, "faults"), "", out);
}

/* What became of each zone that was named. */
static void show_reloaded(const json_t *line, FILE *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(line, "reloaded"), i, row)
    {
        ctl_show_text(show_text_of(row, "zone"), out);
        if (show_has(row, "serial"))
            fprintf(out, "  serial %" JSON_INTEGER_FORMAT, show_number_of(row, "serial"));
        else
            fputs("  not loaded: ", out);
        ctl_show_text(show_text_of(row, "reason"), out);
        fputc('\n', out);
    }
}

void ctl_show(enum verb_id verb, const json_t *line, FILE *out)
{
    show_faults(line, out);
    show_reloaded(line, out);
    if (!json_is_false(json_object_get(line, "ok")))
        shows[verb](line, out);
}

/* --- help --- */

static void show_usage(const struct verb *v, FILE *out)
{
    fprintf(out, "  %s", v->name);
    for (const struct verb_arg *a = v->args; a->name; a++) {
        if (a->place == VERB_MUST)
            fprintf(out, " %s", a->what);
        else if (a->place == VERB_MAYBE)
            fprintf(out, " [%s]", a->what);
        else if (a->place == VERB_REST)
            fprintf(out, " [%s...]", a->what);
        else if (a->kind == VERB_YES && a->letter)
            fprintf(out, " [-%c]", a->letter);
        else if (a->kind == VERB_YES)
            fprintf(out, " [--%s]", a->name);
        else if (a->letter)
            fprintf(out, " [-%c %s]", a->letter, a->what);
        else
            fprintf(out, " [--%s %s]", a->name, a->what);
    }
    fprintf(out, "\n      %s\n", v->what);
}

void ctl_show_help(FILE *out)
{
    fputs("usage: reevectl [--socket PATH] [--json] VERB ...\n\n", out);
    for (size_t i = 0; i < ARRAY_LEN(verb_table); i++)
        show_usage(&verb_table[i], out);
    fputs(
        "\n  --socket PATH   the server's control socket; else $REEVE_SOCKET, else "
        "" CONTROL_SOCKET_PATH "\n"
        "  --json          the answer as the server gives it: one JSON object a line\n"
        "\nexit: 0 done; 1 refused, or the answer is no; 2 usage; 3 the server cannot be reached\n",
        out);
}
