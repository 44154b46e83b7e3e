/* SPDX-License-Identifier: Apache-2.0
 * Answers about keys. A secret is shown in the forms that clients want. */
#include <inttypes.h>
#include <string.h>

#include "ctl/show_int.h"

/* --- one key --- */

static void show_labeled(const char *label, const json_t *line, const char *key, FILE *out)
{
    fputs(label, out);
    ctl_show_text(show_text_of(line, key), out);
}

static void show_heading(const json_t *line, const char *what, FILE *out)
{
    show_labeled("key ", line, "key", out);
    fputs(what, out);
    show_labeled(" ", line, "file", out);
    fputc('\n', out);
}

static void show_secret(const json_t *line, FILE *out)
{
    show_labeled("\nThe secret is shown this once. nsupdate takes it as\n    -y ", line,
                 "algorithm", out);
    show_labeled(":", line, "key", out);
    show_labeled(":", line, "secret", out);
    show_labeled("\nBIND and its tools as\n    key \"", line, "key", out);
    show_labeled("\" { algorithm ", line, "algorithm", out);
    show_labeled("; secret \"", line, "secret", out);
    fputs("\"; };\n", out);
}

void show_keynew(const json_t *line, FILE *out)
{
    show_heading(line, " is in use and kept in", out);
    show_secret(line, out);
    if (show_has(line, "rule"))
        show_labeled("\nIt may change what its zone grants it:\n    updates: [", line, "rule", out);
    fputs(show_has(line, "rule") ? "]\n" : "", out);
}

void show_keyrotate(const json_t *line, FILE *out)
{
    show_heading(line, " has a new secret, kept in", out);
    fputs("the one before it is accepted until ", out);
    show_time(show_number_of(line, "previous_until_us"), out);
    fputc('\n', out);
    show_secret(line, out);
}

void show_keyrevoke(const json_t *line, FILE *out)
{
    show_heading(line, " is revoked; its secret is kept aside in", out);
}

/* --- all keys --- */

static void show_secrets(const json_t *row, FILE *out)
{
    const json_t *list = json_object_get(row, "secrets_until_us");
    size_t count = json_array_size(list), i;
    const json_t *until;
    if (!list) {
        fputs("no secret", out);
        return;
    }
    show_count((json_int_t)count, "secret", out);
    json_array_foreach(list, i, until)
    {
        if (!json_integer_value(until))
            continue;
        fputs(count == 1 ? ", until " : i == 0 ? ", the first until " : ", the second until ", out);
        show_time(json_integer_value(until), out);
    }
}

static void show_zones_of(const json_t *row, FILE *out)
{
    const json_t *list = json_object_get(row, "zone_names");
    json_int_t total = show_number_of(row, "zones");
    size_t i;
    const json_t *name;
    if (!total)
        fputs("no zone", out);
    json_array_foreach(list, i, name)
    {
        fputs(i ? " " : "", out);
        ctl_show_text(json_is_string(name) ? json_string_value(name) : "", out);
    }
    if (total > (json_int_t)json_array_size(list))
        fprintf(out, " and %" JSON_INTEGER_FORMAT " more",
                total - (json_int_t)json_array_size(list));
}

static void show_key(const json_t *row, FILE *out)
{
    ctl_show_text(show_text_of(row, "key"), out);
    fprintf(out, "  %s  ", show_text_of(row, "algorithm"));
    show_secrets(row, out);
    fputs("\n  from    ", out);
    if (!show_has(row, "line"))
        fputs(strcmp(show_text_of(row, "origin"), "revoked") == 0 ? "revoked: " : "kept in ", out);
    ctl_show_text(show_text_of(row, "file"), out);
    if (show_has(row, "line"))
        fprintf(out, ":%" JSON_INTEGER_FORMAT, show_number_of(row, "line"));
    fputs("\n  used    ", out);
    if (show_has(row, "last_used_us"))
        show_time(show_number_of(row, "last_used_us"), out);
    else
        fputs("not since the start", out);
    fputs("\n  grants  ", out);
    show_zones_of(row, out);
    fputc('\n', out);
}

void show_keylist(const json_t *line, FILE *out)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(line, "keys"), i, row)
    {
        show_key(row, out);
    }
}
