/* SPDX-License-Identifier: Apache-2.0
 * Text in parts: each is cut at a line end, or where a character ends. */
#include "ctl/send.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "ctl/verb.h"

/* How much of bytes[0..len) to send now: up to the last line end, or all but a character that is
 * cut; UTF-8 has four bytes a character at most. */
static size_t cut(const char *bytes, size_t len)
{
    const char *line_end = memrchr(bytes, '\n', len);
    if (line_end)
        return (size_t)(line_end - bytes) + 1;
    size_t at = len;
    while (at > 0 && len - at < 3 && ((uint8_t)bytes[at - 1] & 0xC0) == 0x80)
        at--;
    return at > 0 && ((uint8_t)bytes[at - 1] & 0xC0) == 0xC0 ? at - 1 : len;
}

static enum err part_send(struct ctl_line *l, const char *bytes, size_t len, uint64_t line,
                          struct diag *diag)
{
    json_t *text = memchr(bytes, 0, len) ? NULL : json_stringn(bytes, len);
    if (!text)
        return err_say(diag, ERR_SYNTAX,
                       "not UTF-8 text, in or behind line %llu; other bytes are written \\DDD",
                       (unsigned long long)line);
    json_t *part = json_object();
    json_object_set_new(part, "part", text);
    enum err e = ctl_line_send(l, part, diag);
    json_decref(part);
    return e;
}

static uint64_t lines_in(const char *bytes, size_t len)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < len; i++)
        lines += bytes[i] == '\n';
    return lines;
}

enum err ctl_send_text(struct ctl_line *l, FILE *in, struct diag *diag)
{
    char bytes[CONTROL_PART_MAX];
    size_t have = 0;
    uint64_t line = 1;
    enum err e = OK;
    for (bool is_end = false; e == OK && !is_end;) {
        have += fread(bytes + have, 1, sizeof(bytes) - have, in);
        is_end = have < sizeof(bytes);
        if (ferror(in))
            return err_say(diag, ERR_IO, "cannot be read: %s", strerror(errno));
        size_t now = is_end ? have : cut(bytes, have);
        if (now > 0)
            e = part_send(l, bytes, now, line, diag);
        line += lines_in(bytes, now);
        memmove(bytes, bytes + now, have - now);
        have -= now;
    }
    return e;
}
