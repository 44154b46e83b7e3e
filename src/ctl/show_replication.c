/* SPDX-License-Identifier: Apache-2.0
 * What is shown of zones that follow primaries. */
#include <string.h>

#include "ctl/show_int.h"

static void put_when(const json_t *line, const char *key, const char *what, FILE *out)
{
    if (!show_has(line, key))
        return;
    fprintf(out, "  %-9s ", what);
    show_time(show_number_of(line, key), out);
    fputc('\n', out);
}

static void show_primary(const json_t *row, FILE *out)
{
    size_t i;
    json_t *address;
    fputs("  primary   ", out);
    ctl_show_text(show_text_of(row, "name"), out);
    json_array_foreach(json_object_get(row, "addresses"), i, address)
    {
        fputs(i ? ", " : "  ", out);
        ctl_show_text(json_string_value(address) ? json_string_value(address) : "", out);
    }
    if (show_has(row, "serial"))
        fprintf(out, "  serial %" JSON_INTEGER_FORMAT, show_number_of(row, "serial"));
    if (show_has(row, "heard_us")) {
        fputs(" at ", out);
        show_time(show_number_of(row, "heard_us"), out);
    }
    fputc('\n', out);
    if (!show_has(row, "error"))
        return;
    fputs("            failed ", out);
    show_time(show_number_of(row, "failed_us"), out);
    fputs(": ", out);
    ctl_show_text(show_text_of(row, "error"), out);
    fputc('\n', out);
}

static void show_held(const json_t *held, FILE *out)
{
    if (!held)
        return;
    fprintf(out,
            "  held      serial %" JSON_INTEGER_FORMAT " would lose %" JSON_INTEGER_FORMAT
            " of %" JSON_INTEGER_FORMAT " records: transfer --force takes it\n",
            show_number_of(held, "serial"), show_number_of(held, "lost"),
            show_number_of(held, "of"));
}

void show_secondary(const json_t *line, FILE *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(line, "primaries"), i, row) show_primary(row, out);
    if (show_has(line, "doing")) {
        fputs("  now       ", out);
        ctl_show_text(show_text_of(line, "doing"), out);
        fputc('\n', out);
    }
    put_when(line, "checked_us", "checked", out);
    put_when(line, "next_us", "next", out);
    put_when(line, show_has(line, "expired_us") ? "expired_us" : "expires_us",
             show_has(line, "expired_us") ? "expired" : "expires", out);
    show_held(json_object_get(line, "held"), out);
}

static void show_asked(const json_t *line, FILE *out)
{
    ctl_show_text(show_text_of(line, "zone"), out);
    fputs("  ", out);
    ctl_show_text(show_has(line, "doing") ? show_text_of(line, "doing") : "done", out);
    fputc('\n', out);
}

void show_refresh(const json_t *line, FILE *out)
{
    show_asked(line, out);
}

void show_transfer(const json_t *line, FILE *out)
{
    show_asked(line, out);
}
