/* SPDX-License-Identifier: Apache-2.0
 * The verb refused: the newest refusals, the last one last, with what would help. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "conf/suggest.h"
#include "server/control_explain.h"
#include "server/control_int.h"
#include "server/keyrule.h"
#include "server/server_int.h"

#define REFUSED_SHOWN    20 /* unless asked otherwise */
/* Rows in one slice, and keys compared for one: some 0.3 ms in all. */
#define REFUSED_SLICE    8
#define REFUSED_KEYS_MAX 1000

/* Refusals are numbered from the first one ever. */
struct refused_walk {
    uint64_t at, end;
};

static void refused_end(struct control_call *call)
{
    free(call->state);
}

void control_key_hint(const struct server *s, struct name name, char out[CONTROL_HINT_MAX])
{
    char word[NAME_TEXT_MAX], candidate[NAME_TEXT_MAX], best[NAME_TEXT_MAX];
    const struct tsig_key *key = keyring_find(s->keyring, name);
    out[0] = '\0';
    keyrule_key_text(name, word);
    if (key) {
        snprintf(out, CONTROL_HINT_MAX, "%s is of %s here", word, tsig_key_algorithm(key));
        return;
    }
    struct suggest suggest = suggest_for(word);
    for (unsigned i = 0; i < REFUSED_KEYS_MAX && (key = keyring_at(s->keyring, i)); i++) {
        unsigned before = suggest.best_distance;
        keyrule_key_text(tsig_key_name(key), candidate);
        suggest_offer(&suggest, candidate, strlen(candidate));
        if (suggest.best_distance < before)
            memcpy(best, candidate, sizeof(best));
    }
    if (suggest.best)
        snprintf(out, CONTROL_HINT_MAX, "did you mean %s?", best);
}

static void put_name(json_t *row, const char *field, const struct name_buf *name)
{
    if (name->len)
        control_put_name(row, field, name_of(name));
}

static json_t *refused_row(const struct server *s, const struct refusal *r)
{
    char text[NAME_TEXT_MAX];
    struct address_text from;
    json_t *row = json_object();
    control_put_number(row, "time_us", (uint64_t)r->now_us);
    address_show(&r->from, &from);
    *strrchr(from.text, '@') = '\0'; /* its port says nothing */
    control_put_text(row, "from", from.text);
    control_put_text(row, "transport", r->transport == TRANSPORT_UDP ? "udp" : "tcp");
    control_put_text(row, "opcode", r->opcode == OPCODE_UPDATE ? "update" : "query");
    if (r->key.len)
        control_put_text(row, "key", keyrule_key_text(name_of(&r->key), text));
    put_name(row, "zone", &r->zone);
    put_name(row, "name", &r->name);
    if (r->name.len)
        control_put_text(row, "type", rrtype_text(r->type, text));
    control_put_text(row, "rcode", rcode_text(r->rcode, text));
    control_put_text(row, "reason", r->reason);
    if (r->error != BADKEY)
        return row;
    char hint[CONTROL_HINT_MAX];
    control_key_hint(s, name_of(&r->key), hint);
    if (hint[0])
        control_put_text(row, "hint", hint);
    return row;
}

static enum control_next refused_step(struct control_call *call)
{
    struct refused_walk *w = call->state;
    const struct refused *ring = &call->server->refused;
    json_t *list = json_array(), *fields = json_object();
    for (unsigned rows = 0; w->at < w->end && rows < REFUSED_SLICE; w->at++, rows++) {
        uint64_t newest = ring->count - 1 - w->at;
        const struct refusal *r = newest < REFUSED_MAX ? refused_at(ring, (unsigned)newest) : NULL;
        if (r) /* newer ones may have come over it meanwhile */
            json_array_append_new(list, refused_row(call->server, r));
    }
    json_object_set_new(fields, "refused", list);
    if (w->at < w->end)
        return control_more(call, fields);
    control_put_number(fields, "ever", ring->count);
    return control_answer(call, fields);
}

enum control_next control_refused(struct control_call *call)
{
    const struct refused *ring = &call->server->refused;
    uint32_t last = REFUSED_SHOWN;
    (void)control_number(call, "last", &last);
    if (last > REFUSED_MAX)
        last = REFUSED_MAX;
    struct refused_walk *w = mem_alloc_zero(sizeof(*w));
    w->end = ring->count;
    w->at = ring->count > last ? ring->count - last : 0;
    call->state = w;
    call->end = refused_end;
    call->step = refused_step;
    return refused_step(call);
}
