/* SPDX-License-Identifier: Apache-2.0
 * The server's life: made from a configuration, fed by the reactor, changed by reloads. */
#include "server/server.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/random.h"
#include "server/server_int.h"

/* Memory of one request: the first block serves all but UPDATEs of full size. */
#define REQUEST_ARENA_BLOCK 65536
#define REQUEST_ARENA_MAX   (4u << 20)

struct server *server_new(struct conf *conf, server_wake_fn wake, void *wake_arg)
{
    struct server *s = mem_alloc_zero(sizeof(*s));
    struct hash_key key;
    random_bytes(&key, sizeof(key));
    s->conf = conf;
    self_from_conf(&s->self, conf);
    store_init(&s->store, key);
    controls_init(&s->controls, wake, wake_arg);
    arena_init(&s->arena, REQUEST_ARENA_BLOCK, REQUEST_ARENA_MAX);
    s->loader = loader_new(conf->load_threads, wake, wake_arg);
    if (!s->loader || !digest_init(&s->digest)) {
        server_free(s);
        return NULL;
    }
    return s;
}

void server_free(struct server *s)
{
    if (!s)
        return;
    controls_done(&s->controls);
    loader_free(s->loader);
    zones_free(s);
    digest_done(&s->digest);
    arena_done(&s->arena);
    conf_free(s->conf);
    free(s);
}

void server_start(struct server *s)
{
    zones_reload(s);
    while (s->is_reloading) /* nobody waits yet, and a zone of ours is not to be REFUSED */
        (void)zones_collect(s);
}

bool server_collect(struct server *s)
{
    bool is_complete = zones_collect(s);
    controls_collect(&s->controls);
    return is_complete;
}

enum err server_reload(struct server *s, struct conf *conf, struct diag *diag)
{
    (void)diag; /* nothing in here can fail yet */
    if (conf->load_threads != s->conf->load_threads)
        log_notice("takes effect at the next start", {"setting", "server.limits.load-threads"});
    self_from_conf(&s->self, conf);
    conf_free(s->conf);
    s->conf = conf;
    zones_reload(s);
    s->count.reloads++;
    return OK;
}

const struct conf *server_conf(const struct server *s)
{
    return s->conf;
}

struct counters *server_counters(struct server *s)
{
    return &s->count;
}
