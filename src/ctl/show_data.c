/* SPDX-License-Identifier: Apache-2.0
 * Answers about what is kept on disk. */
#include "ctl/show_int.h"

/* 512 bytes, 1.5 KiB, 18.2 MiB */
void show_bytes(json_int_t bytes, FILE *out)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) {
        show_count(bytes, "byte", out);
        return;
    }
    json_int_t tenths = bytes / 1024 * 10 + bytes % 1024 * 10 / 1024;
    unsigned unit = 0;
    for (; tenths >= 10240 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
        tenths /= 1024;
    fprintf(out, "%" JSON_INTEGER_FORMAT ".%" JSON_INTEGER_FORMAT " %s", tenths / 10, tenths % 10,
            units[unit]);
}

void show_backup(const json_t *line, FILE *out)
{
    ctl_show_text(show_text_of(line, "dir"), out);
    fputs(": ", out);
    if (json_is_true(json_object_get(line, "has_journal"))) {
        fputs("the change log (", out);
        show_bytes(show_number_of(line, "bytes"), out);
        fputs("), ", out);
    }
    show_count(show_number_of(line, "keys"), "key", out);
    if (json_is_true(json_object_get(line, "has_cookies")))
        fputs(" and the secrets of DNS cookies", out);
    fputs("; the zone files and the configuration are yours to copy\n", out);
}

void show_journalcheck(const json_t *line, FILE *out)
{
    if (!show_has(line, "changes"))
        return;
    show_count(show_number_of(line, "zones"), "zone", out);
    fputs(", ", out);
    show_count(show_number_of(line, "changes"), "change", out);
    fputs(", ", out);
    if (show_number_of(line, "leases")) {
        show_count(show_number_of(line, "leases"), "lease", out);
        fputs(", ", out);
    }
    show_count(show_number_of(line, "parts"), "part", out);
    fputs(" of snapshots, ", out);
    show_bytes(show_number_of(line, "bytes"), out);
    fputs(": no fault\n", out);
}

static void show_history(const json_t *line, FILE *out)
{
    fputs("  history   ", out);
    if (show_has(line, "history_fault"))
        ctl_show_text(show_text_of(line, "history_fault"), out);
    else
        show_count(show_number_of(line, "history"), "commit", out);
    if (show_number_of(line, "history"))
        fprintf(out, " back to %" JSON_INTEGER_FORMAT, show_number_of(line, "history_from"));
    fputs(" (", out);
    show_bytes(show_number_of(line, "history_bytes"), out);
    fputs(" of ", out);
    show_bytes(show_number_of(line, "history_bytes_max"), out);
    fputs(")\n", out);
}

static void show_last_change(const json_t *change, FILE *out)
{
    fputs("  changed   ", out);
    show_time(show_number_of(change, "time_us"), out);
    fprintf(out, ", serial %" JSON_INTEGER_FORMAT ": %s by ", show_number_of(change, "serial"),
            show_text_of(change, "kind"));
    ctl_show_text(show_text_of(change, "actor"), out);
    if (*show_text_of(change, "peer")) {
        fputs(" from ", out);
        ctl_show_text(show_text_of(change, "peer"), out);
    }
    fputc('\n', out);
}

static void show_dynamic(const json_t *line, FILE *out)
{
    fputs("  dynamic   ", out);
    show_count(show_number_of(line, "dynamic"), "record", out);
    if (show_number_of(line, "changed")) {
        fputs(", ", out);
        show_count(show_number_of(line, "changed"), "RRset", out);
        fputs(" of the file changed", out);
    }
    show_zone_leases(line, out);
    fputc('\n', out);
}

void show_about(const json_t *line, FILE *out)
{
    if (!show_has(line, "history"))
        return;
    if (show_has(line, "dynamic"))
        show_dynamic(line, out);
    show_history(line, out);
    if (show_has(line, "last_change"))
        show_last_change(json_object_get(line, "last_change"), out);
}
