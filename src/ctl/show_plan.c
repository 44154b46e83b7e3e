/* SPDX-License-Identifier: Apache-2.0
 * What a reload would do. */
#include <string.h>

#include "ctl/show_int.h"

/* " by k8s": whose change the file undoes; a key by its name alone. */
static void show_who(const json_t *conflict, FILE *out)
{
    static const char key[] = "key ";
    if (!show_has(conflict, "actor"))
        return;
    const char *actor = show_text_of(conflict, "actor");
    if (strncmp(actor, key, sizeof(key) - 1) == 0)
        actor += sizeof(key) - 1;
    fputs(" by ", out);
    ctl_show_text(actor, out);
}

static void show_conflicts(const json_t *row, FILE *out)
{
    const json_t *list = json_object_get(row, "conflict_list"), *c;
    size_t i;
    json_array_foreach(list, i, c)
    {
        fputs("\n            conflict at ", out);
        ctl_show_text(show_text_of(c, "name"), out);
        fprintf(out, " %s (file ", show_text_of(c, "type"));
        ctl_show_text(show_text_of(c, "file"), out);
        fputs(", update ", out);
        ctl_show_text(show_text_of(c, "update"), out);
        show_who(c, out);
        fputs("): file wins", out);
    }
    json_int_t more = show_number_of(row, "conflicts") - (json_int_t)json_array_size(list);
    if (more > 0)
        fprintf(out, "\n            and %" JSON_INTEGER_FORMAT " more conflicts", more);
}

static void show_records(const json_t *row, FILE *out)
{
    fprintf(out, ": +%" JSON_INTEGER_FORMAT " -%" JSON_INTEGER_FORMAT " from its file",
            show_number_of(row, "added"), show_number_of(row, "removed"));
    if (show_number_of(row, "serial_from") != show_number_of(row, "serial_to"))
        fprintf(out, ", serial %" JSON_INTEGER_FORMAT " -> %" JSON_INTEGER_FORMAT,
                show_number_of(row, "serial_from"), show_number_of(row, "serial_to"));
    show_conflicts(row, out);
}

static void show_faults_of(const json_t *row, FILE *out)
{
    const json_t *fault;
    size_t i;
    json_array_foreach(json_object_get(row, "faults"), i, fault)
    {
        fputs("\n            ", out);
        ctl_show_text(show_text_of(fault, "fault"), out);
    }
}

static void show_row(const json_t *row, FILE *out)
{
    bool is_failed = strcmp(show_text_of(row, "op"), "!") == 0;
    bool is_held = json_is_true(json_object_get(row, "held")); /* `what` says so */
    fprintf(out, "%-10s%s ", show_text_of(row, "group"), show_text_of(row, "op"));
    ctl_show_text(show_text_of(row, "name"), out);
    if (show_has(row, "added"))
        show_records(row, out);
    if (show_has(row, "what")) {
        fputs(is_held ? " " : is_failed ? " would not load: " : " (", out);
        ctl_show_text(show_text_of(row, "what"), out);
        fputs(is_failed ? "" : ")", out);
    }
    show_faults_of(row, out);
    fputc('\n', out);
}

void show_plan(const json_t *line, FILE *out)
{
    const json_t *row;
    size_t i;
    json_array_foreach(json_object_get(line, "plan"), i, row)
    {
        show_row(row, out);
    }
    if (!show_has(line, "rows"))
        return;
    if (show_number_of(line, "left_out"))
        fprintf(out, "and %" JSON_INTEGER_FORMAT " more\n", show_number_of(line, "left_out"));
    fputs(show_number_of(line, "rows") ? "nothing applied\n" : "nothing to do\n", out);
}
