/* SPDX-License-Identifier: Apache-2.0
 * Extended DNS errors (RFC 8914): why an answer is what it is, as a code and a short text. Who
 * decides something says it with edns_say(); the first word stands. */
#include "edns/edns.h"

#include <stdio.h>
#include <string.h>

#define CODE_LEN 2

void edns_say(struct request *q, enum ede code, const char *text)
{
    if (q->edns.has_error)
        return;
    q->edns.has_error = true;
    q->edns.error = (uint16_t)code;
    snprintf(q->error_text, sizeof(q->error_text), "%s", text ? text : "");
}

static uint16_t error_size(const struct request *q)
{
    return q->edns.has_error ? (uint16_t)(CODE_LEN + strlen(q->error_text)) : EDNS_ABSENT;
}

static void error_write(const struct request *q, struct wr *w)
{
    wr_u16(w, q->edns.error);
    wr_bytes(w, (const uint8_t *)q->error_text, strlen(q->error_text));
}

/* In a query it means nothing, and is ignored. */
const struct edns_option edns_error = {
    .code = 15,
    .name = "error",
    .repeat = EDNS_REPEAT_FIRST,
    .size = error_size,
    .write = error_write,
};
