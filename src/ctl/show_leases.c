/* SPDX-License-Identifier: Apache-2.0
 * Answers about leases: leases, expire, and what zone and status say of them. */
#include "ctl/show_int.h"

#define NUMBER JSON_INTEGER_FORMAT

void show_leases(const json_t *line, FILE *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(line, "leases"), i, row)
    {
        ctl_show_text(show_text_of(row, "name"), out);
        fprintf(out, " %s ", show_text_of(row, "type"));
        ctl_show_text(show_text_of(row, "rdata"), out);
        fputs("  ", out);
        show_span(show_number_of(row, "remaining_s"), out);
        fputs(" of ", out);
        show_span(show_number_of(row, "lease_s"), out);
        fputc('\n', out);
    }
    if (show_has(line, "count") && show_number_of(line, "count") == 0)
        fputs("no leases\n", out);
}

void show_expire(const json_t *line, FILE *out)
{
    ctl_show_text(show_text_of(line, "name"), out);
    fputs("  ", out);
    show_count(show_number_of(line, "leases"), "lease", out);
    fputs(" ended, ", out);
    show_count(show_number_of(line, "removed"), "record", out);
    fprintf(out, " removed, serial %" NUMBER "\n", show_number_of(line, "serial"));
}

void show_zone_leases(const json_t *line, FILE *out)
{
    json_int_t left_us = show_number_of(line, "lease_next_us") - show_number_of(line, "now_us");
    if (!show_number_of(line, "leases"))
        return;
    fprintf(out, ", %" NUMBER " with a lease", show_number_of(line, "leases"));
    if (!show_has(line, "lease_next_us"))
        return;
    fputs(" (next expiry in ", out);
    show_span(left_us > 0 ? left_us / 1000000 : 0, out);
    fputc(')', out);
}

void show_lease_counts(const json_t *line, FILE *out)
{
    if (show_number_of(line, "leases") + show_number_of(line, "leases_expired"))
        fprintf(out, "\n  leases         %" NUMBER ", and %" NUMBER " records expired",
                show_number_of(line, "leases"), show_number_of(line, "leases_expired"));
}
