/* SPDX-License-Identifier: Apache-2.0
 * Names in presentation form (RFC 1035 s5.1, RFC 4343 s2). */
#include "base/check.h"
#include "dns/name.h"

/* The labels of s in out, without a root label unless s ends with a dot. */
static enum err scan_labels(const char *s, size_t len, struct name_buf *out, bool *absolute,
                            struct diag *diag)
{
    const char *at = s, *end = s + len;
    uint8_t *label = out->wire, *w = label + 1, *limit = out->wire + NAME_LEN_MAX;
    *absolute = false;
    out->len = 0;
    while (at < end) {
        if (UNLIKELY(w == limit))
            return err_say(diag, ERR_SYNTAX, "name longer than %d bytes", NAME_LEN_MAX);
        if (LIKELY(*at != '.' && *at != '\\')) {
            *w++ = (uint8_t)*at++;
            continue;
        }
        if (*at == '\\') {
            if (!text_scan_byte(&at, end, w++))
                return err_say(diag, ERR_SYNTAX, "bad escape in name \"%.*s\"", (int)len, s);
            continue;
        }
        if (w == label + 1)
            return err_say(diag, ERR_SYNTAX, "empty label in name \"%.*s\"", (int)len, s);
        if (w - label - 1 > LABEL_LEN_MAX)
            return err_say(diag, ERR_SYNTAX, "label longer than %d bytes", LABEL_LEN_MAX);
        *label = (uint8_t)(w - label - 1);
        label = w++;
        *absolute = ++at == end;
    }
    if (w - label - 1 > LABEL_LEN_MAX)
        return err_say(diag, ERR_SYNTAX, "label longer than %d bytes", LABEL_LEN_MAX);
    *label = (uint8_t)(w - label - 1); /* 0, the root label, behind a final dot */
    out->len = (uint8_t)(w - out->wire);
    return OK;
}

enum err name_scan(const char *s, size_t len, struct name origin, struct name_buf *out,
                   struct diag *diag)
{
    if (len == 0)
        return err_say(diag, ERR_SYNTAX, "empty name");
    if (len == 1 && (s[0] == '.' || s[0] == '@')) {
        if (s[0] == '@' && origin.len == 0)
            return err_say(diag, ERR_SYNTAX, "\"@\" without an origin");
        name_copy(out, s[0] == '@' ? origin : NAME_ROOT);
        return OK;
    }
    struct name_buf scanned;
    bool absolute;
    enum err e = scan_labels(s, len, &scanned, &absolute, diag);
    if (UNLIKELY(e != OK))
        return e;
    if (!absolute) {
        if (origin.len == 0)
            return err_say(diag, ERR_SYNTAX,
                           "name \"%.*s\" does not end with a dot and there is no origin", (int)len,
                           s);
        if (scanned.len + origin.len > NAME_LEN_MAX)
            return err_say(diag, ERR_SYNTAX, "name longer than %d bytes", NAME_LEN_MAX);
        memcpy(scanned.wire + scanned.len, origin.wire, origin.len);
        scanned.len = (uint8_t)(scanned.len + origin.len);
    }
    name_copy(out, name_of(&scanned));
    return OK;
}

/* What has a meaning in zone files, besides the blank. */
static bool is_special(uint8_t c)
{
    return c == '.' || c == '\\' || c == '"' || c == ';' || c == '(' || c == ')' || c == '@' ||
           c == '$';
}

void name_show(struct name n, struct text *t)
{
    if (name_is_root(n)) {
        text_char(t, '.');
        return;
    }
    for (const uint8_t *p = n.wire; *p; p += *p + 1) {
        const uint8_t *at = p + 1, *end = at + *p;
        while (at < end) {
            const uint8_t *run = at;
            while (at<end && * at> ' ' && *at < 0x7f && !is_special(*at))
                at++;
            text_bytes(t, (const char *)run, (size_t)(at - run));
            if (at == end)
                break;
            if (is_special(*at)) {
                text_char(t, '\\');
                text_char(t, (char)*at++);
            } else {
                text_escaped(t, *at++);
            }
        }
        text_char(t, '.');
    }
}

const char *name_text(struct name n, char buf[NAME_TEXT_MAX])
{
    struct text t;
    text_init(&t, buf, NAME_TEXT_MAX);
    name_show(n, &t);
    ASSERT(!t.bad);
    return buf;
}
