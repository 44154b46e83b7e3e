/* SPDX-License-Identifier: Apache-2.0
 * For the tests of server/: a client of the control socket. */
#ifndef TALK_H
#define TALK_H

#include "bed.h"
#include "server/control.h"

/* A client of the control socket without the socket. */
struct talk {
    struct control_client *client;
    char *out;
    size_t len;
    bool is_woken;
};

static inline void talk_on_reply(void *arg, const char *bytes, size_t len)
{
    struct talk *t = arg;
    t->out = mem_grow(t->out, t->len + len + 1);
    memcpy(t->out + t->len, bytes, len);
    t->len += len;
    t->out[t->len] = 0;
}

static inline void talk_on_wake(void *arg)
{
    ((struct talk *)arg)->is_woken = true;
}

static inline void talk_open(struct talk *t, struct bed *b)
{
    struct control_peer peer = {.uid = 1000};
    struct control_port port = {t, talk_on_reply, talk_on_wake};
    *t = (struct talk){0};
    t->client = control_new(b->server, &peer, &port);
}

static inline void talk_close(struct talk *t)
{
    control_free(t->client);
    free(t->out);
}

static inline enum control_next talk_begin(struct talk *t, const char *line)
{
    t->len = 0;
    t->is_woken = false;
    return control_begin(t->client, line, strlen(line));
}

/* Goes on with what said `next`, for that many steps at most. */
static inline enum control_next talk_go(struct bed *b, struct talk *t, enum control_next next,
                                        unsigned steps)
{
    while (next != CONTROL_DONE && steps-- > 0) {
        while (next == CONTROL_WAIT && !t->is_woken) {
            cr_assert(bed_wait(b));
            server_collect(b->server, b->now_us);
            server_turn(b->server);
        }
        t->is_woken = false;
        next = control_step(t->client);
    }
    return next;
}

/* The last line of an answer that is whole. */
static inline json_t *talk_answer(struct talk *t)
{
    cr_assert_gt(t->len, 0);
    cr_assert_eq(t->out[t->len - 1], '\n');
    t->out[t->len - 1] = 0;
    char *last = strrchr(t->out, '\n');
    json_t *answer = json_loads(last ? last + 1 : t->out, 0, NULL);
    cr_assert(json_is_boolean(json_object_get(answer, "ok")), "%s", t->out);
    return answer;
}

/* Until it is answered; the last line. */
static inline json_t *talk_ask(struct bed *b, struct talk *t, const char *line)
{
    cr_assert_eq(talk_go(b, t, talk_begin(t, line), UINT32_MAX), CONTROL_DONE);
    return talk_answer(t);
}

static inline bool talk_is_ok(struct bed *b, struct talk *t, const char *line)
{
    json_t *answer = talk_ask(b, t, line);
    bool ok = json_is_true(json_object_get(answer, "ok"));
    json_decref(answer);
    return ok;
}

#endif
