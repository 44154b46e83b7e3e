/* SPDX-License-Identifier: Apache-2.0
 * Extended DNS errors (RFC 8914): why an answer is what it is, as a code and a short text. Who
 * decides something says it with edns_say(); the first word stands. */
#include "edns/edns.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"

#define CODE_LEN 2

/* What an rcode says by itself, to whom a text of ours may help. Others speak for themselves. */
static const struct why {
    enum ede code;
    const char *text;
} whys[] = {
    [SERVFAIL] = {EDE_NOT_READY, "not possible at present"},
    [NOTIMP] = {EDE_NOT_SUPPORTED, "not supported here"},
    [REFUSED] = {EDE_PROHIBITED, "not allowed here"},
    [NOTAUTH] = {EDE_NOT_AUTHORITATIVE, "no zone of ours"},
};

static const struct why *find_why(enum rcode rcode)
{
    return (unsigned)rcode < ARRAY_LEN(whys) && whys[rcode].text ? &whys[rcode] : NULL;
}

enum ede ede_of(enum rcode rcode)
{
    const struct why *why = find_why(rcode);
    return why ? why->code : EDE_OTHER;
}

void edns_say_why(struct request *q)
{
    const struct why *why = find_why(q->rcode);
    if (why)
        edns_say(q, why->code, why->text);
}

void edns_say(struct request *q, enum ede code, const char *text)
{
    if (!q->edns.is_present || q->edns.has_error)
        return;
    q->edns.has_error = true;
    q->edns.seen |=
        1u << EDNS_ROW_error; /* what is asked for and what is said are answered alike */
    q->edns.error = (uint16_t)code;
    snprintf(q->error_text, sizeof(q->error_text), "%s", text ? text : "");
}

static uint16_t error_size(const struct request *q)
{
    return q->edns.has_error ? (uint16_t)(CODE_LEN + strlen(q->error_text)) : EDNS_ABSENT;
}

/* s3: where room is short the text is what can be missed; the code is the message. */
static void error_shorten(struct request *q)
{
    q->error_text[0] = '\0';
}

static void error_write(const struct request *q, struct wr *w)
{
    wr_u16(w, q->edns.error);
    wr_bytes(w, (const uint8_t *)q->error_text, strlen(q->error_text));
}

/* RFC 8914 s2: in a query it means nothing, and is ignored. */
const struct edns_option edns_error = {
    .repeat = EDNS_REPEAT_FIRST,
    .size = error_size,
    .shorten = error_shorten,
    .write = error_write,
};
