/* SPDX-License-Identifier: Apache-2.0
 * Names in presentation form (RFC 1035 s5.1, RFC 4343 s2). */
#include <stdio.h>

#include "base/check.h"
#include "dns/name.h"

/* One character of a label, escapes resolved; false at a malformed escape. */
static bool scan_byte(const char **at, const char *end, uint8_t *out)
{
    const char *p = *at;
    if (*p != '\\') {
        *out = (uint8_t)*p;
        *at = p + 1;
        return true;
    }
    if (++p == end)
        return false;
    if (*p < '0' || *p > '9') {
        *out = (uint8_t)*p;
        *at = p + 1;
        return true;
    }
    unsigned value = 0;
    for (int i = 0; i < 3; i++, p++) {
        if (p == end || *p < '0' || *p > '9')
            return false;
        value = value * 10 + (unsigned)(*p - '0');
    }
    if (value > 255)
        return false;
    *out = (uint8_t)value;
    *at = p;
    return true;
}

static enum err scan_labels(const char *s, size_t len, struct name_buf *out, bool *absolute,
                            struct diag *diag)
{
    const char *at = s, *end = s + len;
    unsigned label = 0, used = 1; /* where the label's length byte is, bytes in use */
    *absolute = false;
    while (at < end) {
        if (*at == '.') {
            if (used == label + 1)
                return err_say(diag, ERR_SYNTAX, "empty label in name \"%.*s\"", (int)len, s);
            out->wire[label] = (uint8_t)(used - label - 1);
            label = used++;
            *absolute = ++at == end;
            if (used > NAME_LEN_MAX)
                return err_say(diag, ERR_SYNTAX, "name longer than %d bytes", NAME_LEN_MAX);
            continue;
        }
        uint8_t byte;
        if (!scan_byte(&at, end, &byte))
            return err_say(diag, ERR_SYNTAX, "bad escape in name \"%.*s\"", (int)len, s);
        if (used - label - 1 == LABEL_LEN_MAX)
            return err_say(diag, ERR_SYNTAX, "label longer than %d bytes", LABEL_LEN_MAX);
        if (used == NAME_LEN_MAX)
            return err_say(diag, ERR_SYNTAX, "name longer than %d bytes", NAME_LEN_MAX);
        out->wire[used++] = byte;
    }
    if (*absolute) {
        out->wire[label] = 0;
        out->len = (uint8_t)used;
        return OK;
    }
    out->wire[label] = (uint8_t)(used - label - 1);
    out->len = (uint8_t)used; /* without a root label: the origin follows */
    return OK;
}

/* What nearly every name in a zone file is: labels of proper length without escapes. The text is copied once and its dots
 * become lengths. Says false and leaves the rest to scan_name(). */
static inline bool scan_plain(const char *s, size_t len, struct name origin, struct name_buf *out)
{
    uint8_t wire[NAME_LEN_MAX + 1];
    size_t label = 0;
    if (len + 1 + origin.len > NAME_LEN_MAX)
        return false;
    memcpy(wire + 1, s, len);
    wire[len + 1] = '.';
    for (size_t i = 1; i <= len + 1; i++) {
        if (wire[i] == '\\')
            return false;
        if (wire[i] != '.')
            continue;
        size_t label_len = i - label - 1;
        if (label_len - 1 >= LABEL_LEN_MAX) {
            /* The dot put there follows the final dot: that label is the root. */
            if (label_len != 0 || i != len + 1 || label == 0)
                return false;
            wire[label] = 0;
            out->len = (uint8_t)i;
            memcpy(out->wire, wire, i);
            return true;
        }
        wire[label] = (uint8_t)label_len;
        label = i;
    }
    if (origin.len == 0)
        return false;
    memcpy(wire + len + 1, origin.wire, origin.len);
    out->len = (uint8_t)(len + 1 + origin.len);
    memcpy(out->wire, wire, out->len);
    return true;
}

static enum err scan_name(const char *s, size_t len, struct name origin, struct name_buf *out, struct diag *diag)
{
    if (len == 0)
        return err_say(diag, ERR_SYNTAX, "empty name");
    if (len == 1 && s[0] == '.') {
        name_copy(out, NAME_ROOT);
        return OK;
    }
    if (len == 1 && s[0] == '@') {
        if (origin.len == 0)
            return err_say(diag, ERR_SYNTAX, "\"@\" without an origin");
        name_copy(out, origin);
        return OK;
    }
    struct name_buf scanned;
    scanned.len = 0;
    bool absolute;
    enum err e = scan_labels(s, len, &scanned, &absolute, diag);
    if (e != OK)
        return e;
    if (!absolute) {
        if (origin.len == 0)
            return err_say(diag, ERR_SYNTAX, "name \"%.*s\" does not end with a dot and there is no origin",
                           (int)len, s);
        if (scanned.len + origin.len > NAME_LEN_MAX)
            return err_say(diag, ERR_SYNTAX, "name longer than %d bytes", NAME_LEN_MAX);
        memcpy(scanned.wire + scanned.len, origin.wire, origin.len);
        scanned.len = (uint8_t)(scanned.len + origin.len);
    }
    name_copy(out, name_of(&scanned));
    return OK;
}

enum err name_scan(const char *s, size_t len, struct name origin, struct name_buf *out,
                   struct diag *diag)
{
    if (LIKELY(!(len == 1 && s[0] == '@') && scan_plain(s, len, origin, out)))
        return OK;
    return scan_name(s, len, origin, out, diag);
}

/* What has a meaning in zone files, besides the blank. */
static bool is_special(uint8_t c)
{
    return c == '.' || c == '\\' || c == '"' || c == ';' || c == '(' || c == ')' || c == '@' || c == '$';
}

void name_show(struct name n, struct text *t)
{
    if (name_is_root(n)) {
        text_char(t, '.');
        return;
    }
    for (const uint8_t *p = n.wire; *p; p += *p + 1) {
        for (unsigned i = 1; i <= *p; i++) {
            uint8_t c = p[i];
            if (c <= ' ' || c >= 0x7f) {
                text_char(t, '\\');
                text_char(t, (char)('0' + c / 100));
                text_char(t, (char)('0' + c / 10 % 10));
                text_char(t, (char)('0' + c % 10));
                continue;
            }
            if (is_special(c))
                text_char(t, '\\');
            text_char(t, (char)c);
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
