/* SPDX-License-Identifier: Apache-2.0
 * What is shown of the servers that zones are shared with. */
#include <ctype.h>
#include <string.h>

#include "ctl/show_int.h"

#define NUMBER JSON_INTEGER_FORMAT
#define US     1000000

static void put(const json_t *row, const char *key, FILE *out)
{
    ctl_show_text(show_text_of(row, key), out);
}

/* "0.04 s" */
static void show_seconds(json_int_t us, FILE *out)
{
    fprintf(out, "%.*f s", us < 10000 ? 4 : 2, (double)us / US);
}

/* In so many seconds, or as long ago. */
static void show_away(const json_t *row, const char *key, json_int_t now_us, const char *before,
                      const char *after, FILE *out)
{
    json_int_t away = show_number_of(row, key) - now_us;
    if (!show_has(row, key))
        return;
    fputs(before, out);
    show_span((away < 0 ? -away : away) / US, out);
    fputs(after, out);
}

static void show_state(const json_t *row, FILE *out)
{
    const char *state = show_text_of(row, "state");
    bool is_bad =
        strcmp(state, "behind") == 0 || strcmp(state, "ahead") == 0 || strcmp(state, "failed") == 0;
    for (const char *s = state; *s; s++)
        fputc(is_bad ? toupper((unsigned char)*s) : *s, out);
    if (show_has(row, "behind"))
        fprintf(out, " %" NUMBER, show_number_of(row, "behind"));
}

static void show_secondary_row(const json_t *row, json_int_t now_us, FILE *out)
{
    fputs("  ", out);
    put(row, "name", out);
    fprintf(out, "%*s  ",
            strlen(show_text_of(row, "name")) < 8 ? (int)(8 - strlen(show_text_of(row, "name")))
                                                  : 0,
            "");
    put(row, "address", out);
    if (show_has(row, "serial"))
        fprintf(out, "  %" NUMBER "  ", show_number_of(row, "serial"));
    else
        fputs("  -  ", out);
    show_state(row, out);
    if (show_has(row, "transfer"))
        fputs("  takes it now", out);
    if (show_has(row, "lag_us")) {
        fputs("  lag ", out);
        show_seconds(show_number_of(row, "lag_us"), out);
    }
    if (show_has(row, "error")) {
        fputs("  last error: ", out);
        put(row, "error", out);
        show_away(row, "error_us", now_us, " ", " ago", out);
    }
    show_away(row, "next_us", now_us, ", next try in ", "", out);
    fputc('\n', out);
}

void show_secondaries(const json_t *line, json_int_t now_us, FILE *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(line, "secondaries"), i, row)
    {
        show_secondary_row(row, now_us, out);
    }
}

static void show_primary_row(const json_t *row, json_int_t now_us, FILE *out)
{
    size_t i;
    json_t *address;
    fputs("  from ", out);
    put(row, "name", out);
    json_array_foreach(json_object_get(row, "addresses"), i, address)
    {
        fputs(i ? ", " : "  ", out);
        ctl_show_text(json_string_value(address) ? json_string_value(address) : "", out);
    }
    if (show_has(row, "serial"))
        fprintf(out, "  %" NUMBER, show_number_of(row, "serial"));
    show_away(row, "heard_us", now_us, "  heard ", " ago", out);
    if (show_has(row, "error")) {
        fputs("  last error: ", out);
        put(row, "error", out);
        show_away(row, "failed_us", now_us, " ", " ago", out);
    }
    fputc('\n', out);
}

static void show_zone_peers(const json_t *zone, json_int_t now_us, FILE *out)
{
    size_t i;
    json_t *row;
    put(zone, "zone", out);
    if (show_has(zone, "serial"))
        fprintf(out, "  serial %" NUMBER, show_number_of(zone, "serial"));
    show_away(zone, "next_us", now_us, "  next look in ", "", out);
    fputc('\n', out);
    show_secondaries(zone, now_us, out);
    json_array_foreach(json_object_get(zone, "primaries"), i, row)
    {
        show_primary_row(row, now_us, out);
    }
}

void show_peers(const json_t *line, FILE *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(line, "zones"), i, row)
    {
        show_zone_peers(row, show_number_of(line, "now_us"), out);
    }
}

void show_notify(const json_t *line, FILE *out)
{
    put(line, "zone", out);
    fputs("  NOTIFY sent to ", out);
    show_count((json_int_t)json_array_size(json_object_get(line, "secondaries")), "server", out);
    fputc('\n', out);
}

void show_wait(const json_t *line, FILE *out)
{
    put(line, "zone", out);
    fprintf(out, "  serial %" NUMBER " is at all secondaries\n", show_number_of(line, "serial"));
}
