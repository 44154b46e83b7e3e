/* SPDX-License-Identifier: Apache-2.0
 * Answers about history: log, diff, rollback, blame. */
#include <string.h>
#include <time.h>

#include "ctl/show_int.h"

/* 2026-11-21 09:14:03.112, UTC */
static void show_moment(json_int_t us, FILE *out)
{
    char text[32] = "";
    time_t s = (time_t)(us / 1000000);
    struct tm tm;
    if (gmtime_r(&s, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
        fprintf(out, "%s.%03d", text, (int)(us / 1000 % 1000));
}

/* A text of the row behind what stands before it; nothing where it is empty. */
static void show_part(const json_t *row, const char *key, const char *before, FILE *out)
{
    const char *text = show_text_of(row, key);
    if (!text[0])
        return;
    fputs(before, out);
    ctl_show_text(text, out);
}

static void show_record(const json_t *row, const char *indent, FILE *out)
{
    fprintf(out, "%s%s ", indent, show_text_of(row, "op")[0] == '+' ? "+" : "-");
    ctl_show_text(show_text_of(row, "owner"), out);
    fprintf(out, " %" JSON_INTEGER_FORMAT, show_number_of(row, "ttl"));
    show_part(row, "type", " ", out);
    show_part(row, "rdata", " ", out);
}

/* When, who, from where, and by which rule. */
static void show_origin(const json_t *row, FILE *out)
{
    const char *kind = show_text_of(row, "kind");
    show_moment(show_number_of(row, "time_us"), out);
    if (strcmp(kind, "update") == 0 || strcmp(kind, "file") == 0) {
        show_part(row, "actor", "  ", out);
        show_part(row, "peer", "  ", out);
        show_part(row, "rule", "  rule ", out);
        return;
    }
    show_part(row, "kind", "  ", out);
    show_part(row, "rule", " ", out);
    show_part(row, "actor", " by ", out);
    show_part(row, "peer", "  ", out);
}

static void show_counts(const json_t *row, FILE *out)
{
    json_int_t added = show_number_of(row, "added"), removed = show_number_of(row, "removed");
    if (added)
        fprintf(out, "  +%" JSON_INTEGER_FORMAT, added);
    if (removed)
        fprintf(out, "%s-%" JSON_INTEGER_FORMAT, added ? " " : "  ", removed);
}

void show_log(const json_t *line, FILE *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(line, "rows"), i, row)
    {
        if (show_has(row, "op")) {
            show_record(row, "  ", out);
        } else {
            fprintf(out, "%" JSON_INTEGER_FORMAT "  ", show_number_of(row, "serial"));
            show_origin(row, out);
            show_counts(row, out);
        }
        fputc('\n', out);
    }
}

void show_diff(const json_t *line, FILE *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(line, "rows"), i, row)
    {
        show_record(row, "", out);
        fputc('\n', out);
    }
    if (show_has(line, "to") &&
        show_number_of(line, "added") + show_number_of(line, "removed") == 0)
        fputs("no difference\n", out);
}

/* --- rollback --- */

static void show_rollback_head(const json_t *line, FILE *out)
{
    bool is_dry = json_is_true(json_object_get(line, "is_dry"));
    if (!show_number_of(line, "commits")) {
        fprintf(out, "nothing to undo: no commit after serial %" JSON_INTEGER_FORMAT "%s\n",
                show_number_of(line, "to"),
                show_number_of(line, "file_commits") ? " but of the zone file, which stays" : "");
        return;
    }
    if (show_has(line, "serial"))
        fprintf(out, "%s serial %" JSON_INTEGER_FORMAT " undoing ",
                is_dry ? "would commit" : "committed", show_number_of(line, "serial"));
    else
        fputs("nothing to undo: in all nothing has changed in ", out);
    show_count(show_number_of(line, "commits"), "commit", out);
    fprintf(out, ": +%" JSON_INTEGER_FORMAT " -%" JSON_INTEGER_FORMAT " records\n",
            show_number_of(line, "added"), show_number_of(line, "removed"));
    if (show_number_of(line, "file_rrsets")) {
        show_count(show_number_of(line, "file_rrsets"), "later file-owned RRset", out);
        fputs(show_number_of(line, "file_rrsets") == 1 ? " stays\n" : " stay\n", out);
    }
    if (show_has(line, "serial") && json_is_true(json_object_get(line, "has_leases")))
        fprintf(out, "leases of records that go %s, records that come back have none\n",
                is_dry ? "would end" : "ended");
}

/* Records of a dry run stand in a column each with the change that they come from. */
static void show_undone(const json_t *row, FILE *out)
{
    bool is_added = show_text_of(row, "op")[0] == '+';
    show_record(row, "  ", out);
    fprintf(out, "  (%s %" JSON_INTEGER_FORMAT, is_added ? "removed" : "added",
            show_number_of(row, "serial"));
    show_part(row, "actor", " by ", out);
    fputs(")\n", out);
}

void show_roll_back(const json_t *line, FILE *out)
{
    size_t i;
    json_t *row;
    if (show_has(line, "commits"))
        show_rollback_head(line, out);
    json_array_foreach(json_object_get(line, "rows"), i, row)
    {
        show_undone(row, out);
    }
}

/* --- blame --- */

void show_blame(const json_t *line, FILE *out)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(line, "rows"), i, row)
    {
        fprintf(out, "%-10s", show_text_of(row, "type"));
        show_part(row, "covered", " of ", out);
        if (show_has(row, "source")) {
            show_part(row, "source", "  ", out);
        } else {
            fprintf(out, "  %" JSON_INTEGER_FORMAT "  ", show_number_of(row, "serial"));
            show_origin(row, out);
            if (json_is_true(json_object_get(row, "is_removed")))
                fputs("  (removed)", out);
        }
        fputc('\n', out);
    }
}
