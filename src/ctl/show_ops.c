/* SPDX-License-Identifier: Apache-2.0
 * Answers of the verbs that change zones, and of those that say why, for people. */
#include <inttypes.h>
#include <string.h>

#include "ctl/show_int.h"

#define NUMBER JSON_INTEGER_FORMAT

/* Whole lines as the server made them: printable ASCII; anything else is escaped. */
static void show_lines(const char *text, FILE *out)
{
    for (const char *s = text; *s; s++)
        if (*s == '\n' || (*s >= 0x20 && *s < 0x7F))
            fputc(*s, out);
        else
            fprintf(out, "\\%03u", (unsigned)(unsigned char)*s);
}

static void put(const json_t *object, const char *key, FILE *out)
{
    ctl_show_text(show_text_of(object, key), out);
}

static bool is_set(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* --- update, freeze, thaw --- */

void show_update(const json_t *line, FILE *out)
{
    show_lines(show_text_of(line, "diff"), out);
    if (!show_has(line, "serial"))
        return;
    if (!is_set(line, "changed")) {
        put(line, "zone", out);
        fputs("  nothing changes", out);
    } else if (is_set(line, "dry_run")) {
        fprintf(out, "would commit serial %" NUMBER ":", show_number_of(line, "serial"));
    } else {
        put(line, "zone", out);
        fprintf(out, "  serial %" NUMBER " ", show_number_of(line, "serial"));
    }
    if (is_set(line, "changed"))
        fprintf(out, " +%" NUMBER " -%" NUMBER " records", show_number_of(line, "added"),
                show_number_of(line, "removed"));
    if (show_number_of(line, "ignored")) {
        fputs(", ", out);
        show_count(show_number_of(line, "ignored"), "operation", out);
        fputs(" ignored as RFC 2136 s3.4.2 has it", out);
    }
    fputc('\n', out);
}

static void show_frozen(const json_t *line, FILE *out)
{
    put(line, "zone", out);
    fputs(is_set(line, "frozen") ? "  frozen, updates of clients are refused\n" : "  thawed\n",
          out);
}

void show_freeze(const json_t *line, FILE *out)
{
    show_frozen(line, out);
}

void show_thaw(const json_t *line, FILE *out)
{
    show_frozen(line, out);
}

/* --- explain --- */

static size_t longest(const json_t *list, const char *key, size_t most)
{
    size_t i, max = 0;
    json_t *row;
    json_array_foreach(list, i, row)
    {
        size_t len = strlen(show_text_of(row, key));
        max = len > max && len <= most ? len : max;
    }
    return max;
}

/* Rules longer than that do not push the verdicts of the others to the right. */
#define RULE_WIDTH 56

/* list: where they stand, if their text does not say so. */
static void show_rules(const json_t *line, const char *list, FILE *out)
{
    size_t i, width = longest(json_object_get(line, "rules"), "rule", RULE_WIDTH);
    json_t *row;
    json_array_foreach(json_object_get(line, "rules"), i, row)
    {
        size_t len = strlen(show_text_of(row, "rule"));
        if (list)
            fprintf(out, "  %s[%zu] ", list, i);
        else
            fputs("  ", out);
        put(row, "rule", out);
        fprintf(out, "%*s  ", len < width ? (int)(width - len) : 0, "");
        put(row, "verdict", out);
        fputc('\n', out);
    }
    show_left_out(show_number_of(line, "rule_count"), json_object_get(line, "rules"), "  ", out);
}

/* For how long what is added would be kept. */
static void show_lease(const json_t *line, FILE *out)
{
    if (!show_has(line, "lease_s"))
        return;
    if (show_number_of(line, "lease_s")) {
        fputs("  lease ", out);
        show_span(show_number_of(line, "lease_s"), out);
    } else {
        fputs("  permanent", out);
    }
    fputs(" unless one is asked for: ", out);
    show_span(show_number_of(line, "lease_min_s"), out);
    fputs(" to ", out);
    show_span(show_number_of(line, "lease_max_s"), out);
    fputc('\n', out);
}

void show_explain_update(const json_t *line, FILE *out)
{
    if (!show_has(line, "rcode"))
        return;
    put(line, "rcode", out);
    if (show_has(line, "name")) {
        fputs("  ", out);
        put(line, "name", out);
        fputc(' ', out);
        put(line, "type", out);
    }
    fputc('\n', out);
    show_rules(line, "updates", out);
    if (show_has(line, "reason")) {
        fputs("  ", out);
        put(line, "reason", out);
        if (show_has(line, "ede"))
            fprintf(out, " (EDE %" NUMBER ")", show_number_of(line, "ede"));
        fputc('\n', out);
    } else {
        fputs(is_set(line, "changed") ? "  the zone would change\n" : "  nothing would change\n",
              out);
    }
    show_lease(line, out);
    if (show_number_of(line, "ignored")) {
        fputs("  ", out);
        show_count(show_number_of(line, "ignored"), "operation", out);
        fputs(" ignored as RFC 2136 s3.4.2 has it\n", out);
    }
}

void show_explain_transfer(const json_t *line, FILE *out)
{
    if (!show_has(line, "rcode"))
        return;
    put(line, "rcode", out);
    if (show_has(line, "zone")) {
        fputs("  ", out);
        put(line, "zone", out);
    }
    fputc('\n', out);
    show_rules(line, NULL, out);
    if (show_has(line, "reason")) {
        fputs("  ", out);
        put(line, "reason", out);
        fputc('\n', out);
    }
}

static void show_section(const json_t *line, const char *section, FILE *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(line, section), i, row)
    {
        const char *text = json_string_value(row);
        fprintf(out, "  %-10s  ", i == 0 ? section : "");
        ctl_show_text(text ? text : "", out);
        fputc('\n', out);
    }
}

static void show_lookup(const json_t *line, FILE *out)
{
    fputs("  lookup      ", out);
    put(line, "lookup", out);
    if (show_has(line, "node")) {
        fputs(", data of ", out);
        put(line, "node", out);
    }
    if (show_has(line, "encloser")) {
        fputs(", closest encloser ", out);
        put(line, "encloser", out);
    }
    fputc('\n', out);
}

static void show_rate_number(const json_t *line, const char *key, FILE *out)
{
    if (show_number_of(line, key))
        fprintf(out, " %" NUMBER "/s", show_number_of(line, key));
    else
        fputs(" without limit", out);
}

/* Over TCP, or with a cookie or key of ours, there are none. */
static void show_rate(const json_t *line, FILE *out)
{
    if (!show_has(line, "rate_class"))
        return;
    fputs("  rate limit  ", out);
    if (show_has(line, "rate_exempt")) {
        fputs("none, ", out);
        put(line, "rate_exempt", out);
        fputs(" is exempt\n", out);
        return;
    }
    put(line, "rate_class", out);
    if (show_has(line, "rate_name")) {
        fputs(" of ", out);
        put(line, "rate_name", out);
    }
    show_rate_number(line, "rate_per_second", out);
    fputs(", all", out);
    show_rate_number(line, "rate_all_per_second", out);
    fputs(", to ", out);
    put(line, "rate_network", out);
    fputs(" over UDP without a good cookie\n", out);
}

void show_explain_query(const json_t *line, FILE *out)
{
    put(line, "rcode", out);
    fputs("  ", out);
    put(line, "name", out);
    fputc(' ', out);
    put(line, "type", out);
    fprintf(out, "%s%s\n", *show_text_of(line, "flags") ? "  " : "", show_text_of(line, "flags"));
    if (show_has(line, "zone")) {
        fputs("  zone        ", out);
        put(line, "zone", out);
        if (show_has(line, "serial"))
            fprintf(out, "  serial %" NUMBER, show_number_of(line, "serial"));
        fputc('\n', out);
    }
    if (show_has(line, "lookup"))
        show_lookup(line, out);
    if (show_has(line, "reason")) {
        fputs("  reason      ", out);
        put(line, "reason", out);
        fputc('\n', out);
    }
    show_section(line, "answer", out);
    show_section(line, "authority", out);
    show_section(line, "additional", out);
    show_rate(line, out);
}

/* --- refused --- */

static void show_refusal(const json_t *row, FILE *out)
{
    bool is_named = !show_has(row, "zone") || strcmp(show_text_of(row, "opcode"), "query") == 0;
    show_time(show_number_of(row, "time_us"), out);
    fputs("  ", out);
    put(row, "from", out);
    fprintf(out, " %s  ", show_text_of(row, "transport"));
    if (show_has(row, "key")) {
        fputs("key ", out);
        put(row, "key", out);
        fputs("  ", out);
    }
    if (show_has(row, "zone")) {
        fputs("zone ", out);
        put(row, "zone", out);
        fputs("  ", out);
    }
    if (is_named && show_has(row, "name")) {
        fprintf(out, "%s ", show_text_of(row, "opcode"));
        put(row, "name", out);
        fprintf(out, " %s  ", show_text_of(row, "type"));
    }
    fprintf(out, "%s  ", show_text_of(row, "rcode"));
    put(row, "reason", out);
    if (show_has(row, "hint")) {
        fputs(" (", out);
        put(row, "hint", out);
        fputc(')', out);
    }
    fputc('\n', out);
}

void show_refused(const json_t *line, FILE *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(line, "refused"), i, row)
    {
        show_refusal(row, out);
    }
}
