/* SPDX-License-Identifier: Apache-2.0
 * Values by kind. Every refusal has the same sentence: what the setting takes, and what was found
 * instead. */
#include "conf/value.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/digits.h"
#include "conf/fault.h"
#include "conf/listen.h"
#include "conf/prefixes.h"
#include "conf/replication.h"
#include "conf/updates.h"
#include "conf/when.h"
#include "conf/word.h"
#include "conf/zones.h"
#include "tsig/algorithm.h"

/* The C types behind the kinds are what the stores below say they are. */
_Static_assert(sizeof(enum log_level) == sizeof(int) && sizeof(enum log_form) == sizeof(int) &&
                   sizeof(enum conf_log_target) == sizeof(int) &&
                   sizeof(enum serial_policy) == sizeof(int) &&
                   sizeof(enum conf_protect) == sizeof(int) &&
                   sizeof(enum xfr_scope) == sizeof(int) && sizeof(enum conf_when) == sizeof(int) &&
                   sizeof(enum conf_zone_type) == sizeof(int),
               "words are stored as int");

enum { HOST_NAME_LEN_MAX = 255 };

static void say_wrong(struct fill *f, const struct setting *s, const struct item *n)
{
    char room[SETTING_EXPECTS_MAX];
    const char *expects = setting_expects(s, room);
    if (item_is_empty(n)) {
        fault_add(f->faults, n->at, "\"%s\" has no value; it takes %s", s->path, expects);
    } else if (n->kind != ITEM_TEXT) {
        fault_add(f->faults, n->at, "\"%s\" takes %s, not %s", s->path, expects, item_kind_text(n));
    } else if (s->kind == SETTING_SECRET) {
        fault_add(f->faults, n->at, "\"%s\" takes %s; what stands here is something else", s->path,
                  expects);
    } else {
        const struct word *set = word_set(s->kind);
        const char *meant = set ? word_suggest(set, n->text) : NULL;
        fault_add(f->faults, n->at, "\"%s\" takes %s, not \"%.*s\"%s%s%s", s->path, expects,
                  QUOTED(n->text), meant ? ", did you mean \"" : "", meant ? meant : "",
                  meant ? "\"?" : "");
    }
}

/* --- kinds: each stores and says true, or says false and stores nothing --- */

static bool read_count(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    (void)f;
    uint64_t v;
    if (!digits_u64(n->text, n->len, s->max, &v) || v < s->min)
        return false;
    *(uint32_t *)member = (uint32_t)v;
    return true;
}

static bool read_size(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    (void)f;
    uint64_t v;
    if (!digits_size(n->text, n->len, &v) || v < s->min || v > s->max)
        return false;
    *(uint64_t *)member = v;
    return true;
}

static bool read_duration(struct fill *f, const struct setting *s, const struct item *n,
                          void *member)
{
    (void)f;
    uint64_t v;
    if (!digits_duration_ms(n->text, n->len, &v) || v < s->min || v > s->max)
        return false;
    *(uint32_t *)member = (uint32_t)v;
    return true;
}

/* Seconds between two limits, with the units of a duration. */
static bool scan_period(const char *text, size_t len, const struct setting *s, uint32_t *out)
{
    uint64_t ms;
    if (!digits_duration_ms(text, len, &ms) || ms % 1000 || ms / 1000 < s->min ||
        ms / 1000 > s->max)
        return false;
    *out = (uint32_t)(ms / 1000);
    return true;
}

static bool read_period(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    (void)f;
    return scan_period(n->text, n->len, s, member);
}

static bool read_range(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    (void)f;
    const char *dots = strstr(n->text, "..");
    struct conf_range range;
    if (!dots || !scan_period(n->text, (size_t)(dots - n->text), s, &range.min) ||
        !scan_period(dots + 2, strlen(dots + 2), s, &range.max) || range.min > range.max ||
        range.max == 0)
        return false;
    *(struct conf_range *)member = range;
    return true;
}

static bool read_rate(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    (void)f;
    uint64_t v;
    if (n->len < 3 || strcmp(n->text + n->len - 2, "/s") != 0 ||
        !digits_u64(n->text, n->len - 2, s->max, &v) || v < s->min)
        return false;
    *(uint32_t *)member = (uint32_t)v;
    return true;
}

static bool read_percent(struct fill *f, const struct setting *s, const struct item *n,
                         void *member)
{
    (void)f;
    uint64_t v = 0;
    bool is_off = strcmp(n->text, "off") == 0;
    if (!is_off && (n->len < 2 || n->text[n->len - 1] != '%' ||
                    !digits_u64(n->text, n->len - 1, s->max, &v) || v < s->min))
        return false;
    *(uint32_t *)member = (uint32_t)v;
    return true;
}

static bool read_time(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    (void)f, (void)s;
    return when_scan(n->text, member);
}

static bool read_yes_no(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    (void)f;
    const struct word *w = word_find(word_set(s->kind), n->text);
    if (w)
        *(bool *)member = w->value;
    return w != NULL;
}

static bool read_word(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    (void)f;
    const struct word *w = word_find(word_set(s->kind), n->text);
    if (w)
        memcpy(member, &w->value, sizeof(w->value));
    return w != NULL;
}

static bool read_algorithm(struct fill *f, const struct setting *s, const struct item *n,
                           void *member)
{
    (void)s;
    uint8_t mac_min;
    if (n->len >= TSIG_ALGORITHM_TEXT_MAX || !tsig_algorithm_scan(n->text, n->len, &mac_min))
        return false;
    *(const char **)member = fill_string(f, n);
    return true;
}

/* C0, DEL, C1, the two Unicode line ends and what YAML cannot hold (U+FEFF, U+FFFE, U+FFFF), as
 * UTF-8. */
static bool is_control(const unsigned char *c)
{
    return c[0] < 0x20 || c[0] == 0x7F || (c[0] == 0xC2 && c[1] >= 0x80 && c[1] <= 0x9F) ||
           (c[0] == 0xE2 && c[1] == 0x80 && (c[2] == 0xA8 || c[2] == 0xA9)) ||
           (c[0] == 0xEF && c[1] == 0xBB && c[2] == 0xBF) ||
           (c[0] == 0xEF && c[1] == 0xBF && c[2] >= 0xBE);
}

bool value_has_control(const char *text)
{
    for (const char *c = text; *c; c++)
        if (is_control((const unsigned char *)c))
            return true;
    return false;
}

static bool is_text(const struct setting *s, const struct item *n)
{
    return n->len >= s->min && n->len <= s->max && !value_has_control(n->text);
}

static bool read_host(struct fill *f, const struct item *n, void *member)
{
    char name[HOST_NAME_LEN_MAX + 1] = "";
    if (gethostname(name, sizeof(name) - 1) != 0 || !*name) {
        fault_add(f->faults, n->at, "this machine has no host name");
        return true;
    }
    *(const char **)member = arena_string(&f->conf->arena, name, strlen(name));
    return true;
}

static bool read_name(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    if (!is_text(s, n))
        return false;
    *(const char **)member = fill_string(f, n);
    return true;
}

static bool read_text(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    if (!is_text(s, n))
        return false;
    if (s->kind == SETTING_HOST_TEXT && strcmp(n->text, "hostname") == 0)
        return read_host(f, n, member);
    *(const char **)member = strcmp(n->text, "off") == 0 ? NULL : fill_string(f, n);
    return true;
}

#define CREDENTIALS "${CREDENTIALS_DIRECTORY}"

/* What comes before a path as written, for which *text moves behind what it replaces: the directory
 * of the configuration file, wherever the server was started, or that of systemd's credentials.
 * NULL with a fault: it cannot be known. */
static const char *base_of(struct fill *f, const struct item *n, const char **text, size_t *len)
{
    *text = n->text;
    *len = n->text[0] == '/' ? 0 : f->dir_len;
    if (strncmp(n->text, "${", 2) != 0)
        return f->conf->path;
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    if (strncmp(n->text, CREDENTIALS, strlen(CREDENTIALS)) != 0)
        fault_add(f->faults, n->at,
                  "\"%.*s\": a path may begin with " CREDENTIALS ", and with no other variable",
                  QUOTED(n->text));
    else if (!dir || !*dir)
        fault_add(f->faults, n->at, "\"%.*s\": CREDENTIALS_DIRECTORY is not set", QUOTED(n->text));
    else {
        *text += strlen(CREDENTIALS);
        *len = strlen(dir);
        return dir;
    }
    return NULL;
}

static bool read_path(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    if (!is_text(s, n))
        return false;
    const char *text;
    size_t base_len;
    const char *base = base_of(f, n, &text, &base_len);
    char *path = base ? fill_alloc(f, n, base_len + strlen(text) + 1) : NULL;
    if (path) {
        memcpy(path, base, base_len);
        memcpy(path + base_len, text, strlen(text) + 1);
    }
    *(const char **)member = path;
    return true;
}

static bool read_file(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    *(const char **)member = NULL;
    return strcmp(n->text, "off") == 0 || read_path(f, s, n, member);
}

static bool read_domain(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    (void)f, (void)s;
    struct name_buf *name = member;
    if (strcmp(n->text, "off") == 0) {
        name->len = 0;
        return true;
    }
    return name_scan(n->text, n->len, NAME_ROOT, name, NULL) == OK && !name_is_root(name_of(name));
}

static bool read_socket(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    const char *path = NULL;
    if (strcmp(n->text, "off") != 0 && !read_path(f, s, n, &path))
        return false;
    if (path && strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        fault_add(f->faults, n->at, "\"%.*s\" is too long for the path of a socket", QUOTED(path));
    *(const char **)member = path;
    return true;
}

/* Only whether it can be a secret; it is not copied, and taken when all is read (keys.c). */
static bool read_secret(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    (void)f;
    if (n->len < s->min || n->len > s->max)
        return false;
    *(const char **)member = n->text;
    return true;
}

static bool read_list(struct fill *f, const struct setting *s, const struct item *n, void *member)
{
    bool is_list = n->kind == ITEM_LIST;
    uint32_t count = is_list ? n->count : 1;
    if (n->kind == ITEM_MAP || count < s->min || count > s->max)
        return false;
    struct conf_texts all = {.items = fill_alloc(f, n, count * sizeof(struct conf_text)),
                             .at = n->at};
    if (!all.items)
        return true;
    for (const struct item *i = is_list ? n->first : n; i; i = is_list ? i->next : NULL)
        if (i->kind != ITEM_TEXT || i->len == 0)
            fault_add(f->faults, i->at, "an entry of \"%s\" is text, not %s", s->path,
                      i->kind == ITEM_TEXT ? "nothing" : item_kind_text(i));
        else if (value_has_control(i->text))
            fault_add(f->faults, i->at, "an entry of \"%s\" has control characters", s->path);
        else
            all.items[all.count++] = (struct conf_text){fill_string(f, i), i->at};
    *(struct conf_texts *)member = all;
    return true;
}

static bool read_prefixes(struct fill *f, const struct setting *s, const struct item *n,
                          void *member)
{
    struct conf_prefixes *out = member, all = {0};
    bool is_off = n->kind == ITEM_TEXT && strcmp(n->text, "off") == 0;
    if (!is_off && !read_list(f, s, n, &all.written))
        return false;
    if (all.written.count)
        all.items = prefixes_build(f, &all.written, &all.count);
    *out = all;
    return true;
}

static bool read_address(struct fill *f, const struct setting *s, const struct item *n,
                         void *member)
{
    return listen_read_address(f, n, (struct conf_listen *)(void *)((char *)member - s->member));
}

/* The reader of a kind. Unless it takes more, the item is a text. */
static const struct reader {
    bool (*read)(struct fill *f, const struct setting *s, const struct item *n, void *member);
    enum { TAKES_TEXT, TAKES_LISTS, TAKES_MAPS } takes;
} readers[] = {
    [SETTING_YES_NO] = {read_yes_no, TAKES_TEXT},
    [SETTING_COUNT] = {read_count, TAKES_TEXT},
    [SETTING_SIZE] = {read_size, TAKES_TEXT},
    [SETTING_DURATION] = {read_duration, TAKES_TEXT},
    [SETTING_TEXT] = {read_text, TAKES_TEXT},
    [SETTING_HOST_TEXT] = {read_text, TAKES_TEXT},
    [SETTING_PATH] = {read_path, TAKES_TEXT},
    [SETTING_LEVEL] = {read_word, TAKES_TEXT},
    [SETTING_FORM] = {read_word, TAKES_TEXT},
    [SETTING_TARGET] = {read_word, TAKES_TEXT},
    [SETTING_FILE] = {read_file, TAKES_TEXT},
    [SETTING_DOMAIN] = {read_domain, TAKES_TEXT},
    [SETTING_SOCKET] = {read_socket, TAKES_TEXT},
    [SETTING_PERIOD] = {read_period, TAKES_TEXT},
    [SETTING_PREFIXES] = {read_prefixes, TAKES_LISTS},
    [SETTING_ADDRESS] = {read_address, TAKES_TEXT},
    [SETTING_ALGORITHM] = {read_algorithm, TAKES_TEXT},
    [SETTING_SERIAL] = {read_word, TAKES_TEXT},
    [SETTING_PROTECT] = {read_word, TAKES_TEXT},
    [SETTING_ZONE_TYPE] = {read_word, TAKES_TEXT},
    [SETTING_NAME] = {read_name, TAKES_TEXT},
    [SETTING_SECRET] = {read_secret, TAKES_TEXT},
    [SETTING_TIME] = {read_time, TAKES_TEXT},
    [SETTING_LIST] = {read_list, TAKES_LISTS},
    [SETTING_RANGE] = {read_range, TAKES_TEXT},
    [SETTING_RATE] = {read_rate, TAKES_TEXT},
    [SETTING_PERCENT] = {read_percent, TAKES_TEXT},
    [SETTING_ENDPOINT] = {read_name, TAKES_TEXT},
    [SETTING_SCOPE] = {read_word, TAKES_TEXT},
    [SETTING_WHEN] = {read_word, TAKES_TEXT},
    [SETTING_SOA] = {zones_read_soa, TAKES_MAPS},
    [SETTING_WAIT] = {replication_read_wait, TAKES_MAPS},
    [SETTING_UPDATES] = {updates_read, TAKES_LISTS},
    [SETTING_TRANSFER] = {replication_read_transfer, TAKES_LISTS},
};

static bool fits(const struct setting *s, const struct item *n)
{
    switch (readers[s->kind].takes) {
    case TAKES_TEXT:
        return n->kind == ITEM_TEXT && !item_is_empty(n);
    case TAKES_LISTS:
        return !item_is_empty(n) && n->kind != ITEM_MAP;
    default:
        return n->kind == ITEM_MAP;
    }
}

void value_read(struct fill *f, const struct setting *s, const struct item *n, void *entry)
{
    bool is_global = setting_is_global(s);
    ASSERT(is_global || entry);
    char *base = is_global ? (char *)f->conf : entry;
    if (!fits(s, n) || !readers[s->kind].read(f, s, n, base + s->member)) {
        say_wrong(f, s, n);
    } else if (is_global) {
        bool is_path = setting_is_path(s);
        const char *path = is_path ? *(const char **)(void *)(base + s->member) : NULL;
        f->conf->origins[s - setting_rows] =
            (struct conf_origin){path ? path : fill_string(f, n), n->at};
    } else {
        *(struct conf_at *)(void *)(base + s->place) = n->at;
    }
}
