/* SPDX-License-Identifier: Apache-2.0
 * A request as bytes. */
#include "server/control_frame.h"

#include <stdbool.h>
#include <string.h>

struct scan {
    unsigned depth, depth_max, items;
    bool in_string, is_escaped;
};

/* Only strings and brackets are told apart; whether it is JSON is the parser's question. */
static void scan_byte(struct scan *s, char c)
{
    if (s->in_string) {
        bool ends = c == '"' && !s->is_escaped;
        s->is_escaped = c == '\\' && !s->is_escaped;
        s->in_string = !ends;
        return;
    }
    s->in_string = c == '"';
    s->items += c == ',' || c == '[' || c == '{';
    if (c == '[' || c == '{')
        s->depth++;
    else if ((c == ']' || c == '}') && s->depth)
        s->depth--;
    if (s->depth > s->depth_max)
        s->depth_max = s->depth;
}

static enum err check_flat(const char *line, size_t len, struct diag *diag)
{
    struct scan s = {0};
    for (size_t i = 0; i < len; i++)
        scan_byte(&s, line[i]);
    if (s.depth_max > CONTROL_DEPTH_MAX)
        return err_say(diag, ERR_LIMIT, "nested deeper than a request is");
    if (s.items > CONTROL_ITEMS_MAX)
        return err_say(diag, ERR_LIMIT, "more than %d values in one request", CONTROL_ITEMS_MAX);
    return OK;
}

enum err control_frame_read(const char *line, size_t len, json_t **out, struct diag *diag)
{
    json_error_t error;
    enum err e = check_flat(line, len, diag);
    if (e != OK)
        return e;
    json_t *value = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
    if (!value)
        return err_say(diag, ERR_SYNTAX, "not JSON, at byte %d", error.position);
    if (!json_is_object(value)) {
        json_decref(value);
        return err_say(diag, ERR_SYNTAX, "not a JSON object");
    }
    *out = value;
    return OK;
}
