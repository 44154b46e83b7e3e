/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as lines of the control socket of a server with a small zone: each line is answered by
 * lines of JSON, the last of which says "ok", or is text that is not answered. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "server/control.h"
#include "server/server.h"

#define NOW_US INT64_C(1084000000000000)

static struct server *server;

struct talk {
    char *out;
    size_t len;
    bool is_woken;
};

static void on_reply(void *arg, const char *bytes, size_t len)
{
    struct talk *t = arg;
    t->out = mem_grow(t->out, t->len + len);
    memcpy(t->out + t->len, bytes, len);
    t->len += len;
}

static void on_wake(void *arg)
{
    ((struct talk *)arg)->is_woken = true;
}

static void log_nothing(enum log_level level, const char *message, const struct log_field *fields,
                        int count)
{
    (void)level;
    (void)message;
    (void)fields;
    (void)count;
}

static void server_make(void)
{
    static struct conf_faults faults;
    static const char text[] = "server: {listen: 127.0.0.1@5300}\nzones:\n"
                               "  example.: {file: types.example.zone}\n  b.: {file: nowhere}\n";
    log_setup(LOG_ERROR_LEVEL, LOG_LOGFMT, false, log_nothing);
    struct conf *conf =
        conf_load_bytes(text, sizeof(text) - 1, TEST_DATA "/../../zones/fuzz.yaml", &faults);
    ASSERT(conf);
    const struct server_hooks hooks = {0};
    struct diag diag;
    ASSERT(server_new(conf, &hooks, &server, &diag) == OK);
    ASSERT(server);
    server_start(server, NOW_US);
    while (!server_collect(server, NOW_US))
        ;
}

/* Every line of the answer is JSON; the last one and no other says "ok". */
static void check_answer(const struct talk *t)
{
    for (size_t at = 0; at < t->len;) {
        const char *stop = memchr(t->out + at, '\n', t->len - at);
        ASSERT(stop);
        size_t len = (size_t)(stop - (t->out + at));
        json_t *line = json_loadb(t->out + at, len, JSON_REJECT_DUPLICATES, NULL);
        at += len + 1;
        ASSERT(json_is_boolean(json_object_get(line, "ok")) == (at == t->len));
        ASSERT(json_is_true(json_object_get(line, "more")) == (at != t->len));
        json_decref(line);
    }
}

static void line_ask(struct control_client *c, struct talk *t, const char *line, size_t len)
{
    char *copy = mem_alloc(len + 1); /* of just its size */
    memcpy(copy, line, len);
    t->len = 0;
    enum control_next next = control_begin(c, copy, len);
    free(copy);
    while (next != CONTROL_DONE) {
        while (next == CONTROL_WAIT && !t->is_woken)
            (void)server_collect(server, NOW_US);
        t->is_woken = false;
        next = control_step(c);
    }
    check_answer(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct talk t = {0};
    struct control_peer peer = {0};
    struct control_port port = {&t, on_reply, on_wake};
    if (!server)
        server_make();
    struct control_client *c = control_new(server, &peer, &port);
    const char *at = (const char *)data, *end = at + size;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop ? stop : end) - at);
        line_ask(c, &t, at, len);
        at += len + (stop != NULL);
    }
    control_free(c);
    free(t.out);
    return 0;
}
