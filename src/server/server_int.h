/* SPDX-License-Identifier: Apache-2.0
 * The server's state, for the files of server/ only. */
#ifndef REEVE_SERVER_SERVER_INT_H
#define REEVE_SERVER_SERVER_INT_H

#include "base/digest.h"
#include "base/log.h"
#include "server/control_int.h"
#include "server/loader.h"
#include "server/server.h"
#include "zone/store.h"

/* What the server knows of one zone beside its data; store_entry.owner points here. */
struct server_zone {
    struct store_entry *entry;
    /* of the load under way: a result with another one was for a zone since removed */
    uint64_t ticket;
    uint64_t reload; /* number of the last reload that found it in the configuration */
    uint64_t file;   /* hash of the path that the load under way was given */
    bool is_loading;
    bool is_wanted_again; /* asked for again while it loads: one more load when this one is done */
    bool is_stale;        /* the configuration names another file since */
    char *failure;        /* why the last load failed; NULL: it did not */
    int64_t loaded_us;    /* wall clock of the last load's end */
};

struct server {
    struct conf *conf;
    struct self self;
    struct counters count;
    struct store store;
    struct loader *loader;
    uint64_t last_ticket;
    uint64_t reload;    /* number of the newest one */
    unsigned reload_at; /* the next of conf->zones that it takes in hand */
    bool is_reloading;
    struct controls controls;

    /* one batch */
    struct request request[SERVER_BATCH_MAX];
    struct build build;
    struct arena arena;
    struct digest digest;
    struct log_rate refused_rate;
};

/* self.c: what the configuration says of this server. */
void self_from_conf(struct self *self, const struct conf *conf);

/* zones.c */
/* Begins to make the zones those of s->conf, and is done with it if they are few; else
 * zones_collect() goes on. */
void zones_reload(struct server *s);
/* Reads one zone's file again, if the configuration has it. */
void zones_load(struct server *s, struct name name);
/* The zone's settings; NULL: the configuration is without it. */
const struct conf_zone *zones_configured(const struct server *s, struct name name);
void zones_free(struct server *s);
bool zones_collect(struct server *s);

#endif
