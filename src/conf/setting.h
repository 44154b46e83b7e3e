/* SPDX-License-Identifier: Apache-2.0
 * The rows of settings.tbl.h as data: finding one by its path, saying what it takes, reading its
 * value from text. */
#ifndef REEVE_CONF_SETTING_H
#define REEVE_CONF_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "conf/conf.h"
#include "conf/item.h"

#define SETTING_PATH_MAX    256 /* of any path, unknown ones cut */
#define SETTING_EXPECTS_MAX 200

enum setting_kind {
    SETTING_YES_NO,
    SETTING_COUNT,
    SETTING_SIZE,
    SETTING_DURATION,
    SETTING_TEXT,
    SETTING_HOST_TEXT,
    SETTING_PATH,
    SETTING_LISTEN,
    SETTING_LEVEL,
    SETTING_FORM,
    SETTING_TARGET,
    SETTING_FILE,
    SETTING_DOMAIN,
    SETTING_SOCKET,
    SETTING_PERIOD,
    SETTING_PREFIXES,
    SETTING_WHEN,
    SETTING_ADDRESS,
    SETTING_ALGORITHM,
    SETTING_SERIAL,
    SETTING_PROTECT,
    SETTING_ZONE_TYPE,
    SETTING_NAME,
    SETTING_SECRET,
    SETTING_TIME,
    SETTING_LIST,
    SETTING_RANGE,
    SETTING_RATE,
    SETTING_PERCENT,
    SETTING_ENDPOINT,
    SETTING_SCOPE,
    SETTING_SOA,
    SETTING_WAIT,
    SETTING_UPDATES,
    SETTING_TRANSFER,
    SETTING_LATER, /* not supported yet */
};

struct setting {
    const char *path;
    enum setting_kind kind;
    const char
        *preset; /* the default as text; entries: NULL for none, "" if it depends on others */
    uint64_t min, max;
    const char *what;
    size_t member; /* offset in struct conf, or in the struct that one entry fills */
    size_t place;  /* offset of its struct conf_at; settings have theirs in conf->origins */
};

/* The rows: settings by number (enum conf_setting) first, then entries, then later ones. */
extern const struct setting setting_rows[];
extern const unsigned setting_row_count;

/* By the whole path, "zones.*.file"; NULL if there is no such row. */
const struct setting *setting_find(const char *path);
/* Some row is below the path: "server", "server.limits", "zones.*". */
bool setting_is_map(const char *path);
/* The row is one of enum conf_setting. */
bool setting_is_global(const struct setting *s);
/* Its value is a path, which stands for itself wherever the file is. */
static inline bool setting_is_path(const struct setting *s)
{
    return s->kind == SETTING_PATH || s->kind == SETTING_FILE || s->kind == SETTING_SOCKET;
}
/* The row is a key of the map at `path` itself, not of a map in it. */
bool setting_is_in(const struct setting *s, const char *path);

/* What the operator most likely meant by `key` in the map at `path` ("" is the top): a key of that
 * map, or the path of a setting elsewhere that ends so. NULL if nothing is near. The text is in the
 * caller's room. */
const char *setting_suggest(const char *path, const char *key, char room[SETTING_PATH_MAX]);

/* "a number from 512 to 4096". The text is in the caller's room. */
const char *setting_expects(const struct setting *s, char room[SETTING_EXPECTS_MAX]);

/* A number as it is written for the setting: "90d", "64M", "5". */
void setting_show_number(const struct setting *s, uint64_t v, struct text *t);

#endif
