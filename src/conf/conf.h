/* SPDX-License-Identifier: Apache-2.0
 * The configuration: one YAML file, strict, checked as a whole, then plain typed values that never
 * change.
 *
 * conf_load() gives a complete struct conf or NULL and every fault it found; besides the file it
 * reads the files of secrets and touches nothing else: no socket, no zone file, no log. A zone file
 * that is missing is not a fault here (that zone answers SERVFAIL), so that one zone never stops
 * the others. The struct belongs to the caller
 * until conf_free(); every pointer in it lives as long as it does, and it may be read from any
 * thread. Loading may be done in any thread too, and with very many zones (a million: some two
 * seconds) the reactor's is not the one for it.
 *
 * The settings are the rows of settings.tbl.h, and each row is a member here, by the name in the
 * row's column "member": conf->udp_size, conf->tcp_idle_ms, conf->log_level. Defaults are filled
 * in. */
#ifndef REEVE_CONF_CONF_H
#define REEVE_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/log.h"
#include "dns/name.h"
#include "request/prefix.h"
#include "tsig/tsig.h"
#include "update/grant.h"
#include "xfr/access.h"
#include "zone/serial.h"

#define CONF_FILE_LEN_MAX   (64u << 20) /* a file of a million zones; a larger one is refused */
#define CONF_DEPTH_MAX      16          /* nested maps and lists; the design needs 7 */
#define CONF_FAULTS_MAX     100
#define CONF_FAULT_TEXT_MAX 300
#define CONF_PORT_DEFAULT   53

/* A place in the file, counted from 1, columns in characters; line 0 is "nowhere in the file: a
 * default". */
struct conf_at {
    uint32_t line, column;
};
/* -1: a comes before b, 0: they are the same, 1: behind it. */
static inline int conf_at_compare(struct conf_at a, struct conf_at b)
{
    return a.line != b.line ? (a.line < b.line ? -1 : 1)
                            : (a.column > b.column) - (a.column < b.column);
}

/* --- faults --- */

struct conf_fault {
    struct conf_at at;
    bool is_warning;                /* the configuration is taken all the same */
    char text[CONF_FAULT_TEXT_MAX]; /* one line, printable; cut when it does not fit */
};

/* All that was found, ordered by place. About 30 kB. */
struct conf_faults {
    unsigned count;    /* entries of list in use */
    unsigned left_out; /* faults and warnings beyond CONF_FAULTS_MAX */
    unsigned errors;   /* how many in all are not warnings: 0, or there is no configuration */
    struct conf_fault list[CONF_FAULTS_MAX];
};

/* One line per fault, `path:line:column: text`, with "warning: " before the text of a warning, and
 * a last line if some were left out. */
void conf_faults_show(const struct conf_faults *faults, const char *path, FILE *out);

/* --- the configuration --- */

#define CONF_LOG_TARGET_LIST(X)  \
    X(CONF_LOG_STDERR, "stderr") \
    X(CONF_LOG_JOURNAL, "journal")

enum conf_log_target {
#define X(name, text) name,
    CONF_LOG_TARGET_LIST(X)
#undef X
};

struct conf_listen {
    struct sockaddr_storage address; /* sockaddr_in or sockaddr_in6, port set, all else zero */
    socklen_t address_len;
    const char *text; /* as written: "127.0.0.1@5300" */
    struct conf_at at;
};

struct conf_listens {
    struct conf_listen *items; /* no two with the same address and port */
    unsigned count;            /* at least 1 */
};

/* A text of the file and its place; NULL: not written. */
struct conf_text {
    const char *text;
    struct conf_at at;
};

/* A list of them, or one that stands for a list of one. */
struct conf_texts {
    struct conf_text *items;
    unsigned count;
    struct conf_at at;
};

/* A list of prefixes, and what it was made of. */
struct conf_prefixes {
    const struct prefix *items;
    unsigned count;
    struct conf_texts written;
};

struct conf_range {
    uint32_t min, max;
};

/* clang-format off */
/*    name                   text */
#define CONF_PROTECT_LIST(X)                                                                       \
    X(CONF_PROTECT_FILE,     "file")                                                               \
    X(CONF_PROTECT_NONE,     "none")
#define CONF_WHEN_LIST(X)                                                                          \
    X(CONF_NEVER,            "no")                                                                 \
    X(CONF_UNDER_LOAD,       "load")                                                               \
    X(CONF_ALWAYS,           "yes")
#define CONF_SCOPE_LIST(X)                                                                         \
    X(XFR_WHOLE,             "whole")                                                              \
    X(XFR_GRANTED,           "granted")
#define CONF_ZONE_TYPE_LIST(X)                                                                     \
    X(CONF_PRIMARY,          "primary")                                                            \
    X(CONF_SECONDARY,        "secondary")
/* clang-format on */

#define X(name, text) name,
enum conf_protect { CONF_PROTECT_LIST(X) };
enum conf_when { CONF_WHEN_LIST(X) };
enum conf_zone_type { CONF_ZONE_TYPE_LIST(X) };
#undef X

/* One of `keys`, or of those that `reevectl key` keeps: what was written about it. Its secrets are
 * in the keyring and nowhere else. */
struct conf_key {
    struct name_buf name;  /* absolute, case as written */
    const char *text;      /* the key of the map as written, or the path of the kept file */
    bool is_off;           /* `secret: off`: it can be referred to, nothing can be signed with it */
    bool is_revoked;       /* the same, because its file is kept as a revoked one */
    struct conf_at at;     /* of the key; line 0: it is kept in the state directory */
    const char *algorithm; /* as written, or of the file, or the default */
    const char *secret, *previous; /* NULL once the configuration is read */
    const char *secret_file, *previous_file;
    int64_t previous_until_us; /* 0: not written */
    struct {
        struct conf_at algorithm, secret, secret_file, previous, previous_file, previous_until;
    } ats;
};

/* `soa:` of a zone that has no file: what the zone is made from. */
struct conf_soa {
    struct name_buf mname, rname; /* default: the first of ns, "hostmaster" below the zone */
    const struct name_buf *ns;
    unsigned ns_count; /* at least 1 */
    uint32_t refresh, retry, expire, minimum, ttl;
    struct {
        struct conf_texts ns;
        struct conf_text mname, rname;
        struct conf_at refresh, retry, expire, minimum, ttl;
    } written;
};

/* One entry of `updates` as written; the struct grant beside it is made from it. */
struct conf_update {
    struct conf_at at;
    struct conf_text key;
    struct conf_texts from, name, under, acme, types, ops, within;
    bool is_unsigned, is_deny, is_self, is_below_self, is_dhcp, is_reverse, is_all;
    uint32_t records_max, per_name_max, rate, lease_s;
    struct conf_range ttl, lease, key_lease;
    struct {
        struct conf_at is_unsigned, is_deny, is_self, is_below_self, is_dhcp, is_reverse, is_all,
            records_max, per_name_max, rate, ttl, lease_s, lease, key_lease;
    } ats;
};

/* One of `remotes`; the struct remote beside it is made from it. */
struct conf_remote {
    struct conf_at at;
    const char *text; /* the key of the map as written */
    struct conf_texts address;
    struct conf_text key, source;
};

/* One entry of `transfer` as written: a map, or the name of a remote. */
struct conf_transfer {
    struct conf_at at;
    struct conf_text remote; /* NULL: a map */
    struct conf_text key;
    struct conf_texts from;
    bool is_unsigned, is_deny;
    enum xfr_scope scope;
    struct {
        struct conf_at is_unsigned, is_deny, scope;
    } ats;
};

struct conf_zone {
    struct name name; /* absolute, case as written */
    const char *text; /* the key as written */
    /* ready for open(): absolute, or joined to the configuration file's directory; NULL: soa */
    const char *file;
    struct conf_soa *soa; /* NULL: file */
    struct grant *grants; /* `updates`, in order; their rate states are this configuration's */
    struct conf_update *updates; /* the same as written */
    unsigned grant_count;
    enum conf_zone_type type;
    /* replication: a secondary has primaries, and neither file nor soa nor updates */
    const struct remote *const *primaries;
    const struct remote *const *secondaries; /* they are told of news: `secondaries`, `notify` */
    unsigned primary_count, secondary_count;
    const struct xfr_rule *transfer; /* who may have it: `secondaries` first, then `transfer` */
    unsigned transfer_count;
    bool forwards_updates;        /* `forward-updates`: of a secondary */
    uint32_t wait_count, wait_ms; /* `wait-secondaries`; count 0: off */
    uint32_t shrink_percent;      /* `shrink-limit`: of its records that may go at once; 0: off */
    struct {
        struct conf_texts primaries, secondaries, notify;
        struct conf_transfer *transfer;
        unsigned transfer_count;
        struct conf_at transfer_at;
    } written;
    enum serial_policy serial;
    enum conf_protect protect;
    bool is_strict;
    /* its changes are kept in the change log: it has `updates`, `soa`, `primaries`, `secondaries`
     * or `transfer`, or says so */
    bool has_history;
    struct conf_at at;      /* of the key */
    struct conf_at file_at; /* of the value of `file` */
    struct {
        struct conf_at type, soa, updates, serial, is_strict, protect, has_history,
            forwards_updates, wait, wait_count, wait_ms, shrink_percent;
    } ats;
};

/* What one setting was made of: for --effective and for messages. */
struct conf_origin {
    const char *text; /* as written or the table's default; NULL for a list */
    struct conf_at at;
};

/* The settings by number, CONF_SET_<member>: the index into conf->origins. */
enum conf_setting {
#define SETTING(path, member, kind, preset, min, max, what) CONF_SET_##member,
#include "conf/settings.tbl.h"
#undef SETTING
    CONF_SETTING_COUNT
};

#define CONF_TYPE_YES_NO    bool
#define CONF_TYPE_COUNT     uint32_t
#define CONF_TYPE_SIZE      uint64_t
#define CONF_TYPE_DURATION  uint32_t
#define CONF_TYPE_TEXT      const char *
#define CONF_TYPE_HOST_TEXT const char *
#define CONF_TYPE_PATH      const char *
#define CONF_TYPE_FILE      const char *
#define CONF_TYPE_SOCKET    const char *
#define CONF_TYPE_DOMAIN    struct name_buf
#define CONF_TYPE_PERIOD    uint32_t
#define CONF_TYPE_PREFIXES  struct conf_prefixes
#define CONF_TYPE_RATE      uint32_t
#define CONF_TYPE_LISTEN    struct conf_listens
#define CONF_TYPE_LEVEL     enum log_level
#define CONF_TYPE_FORM      enum log_form
#define CONF_TYPE_TARGET    enum conf_log_target
#define CONF_TYPE_WHEN      enum conf_when

struct conf {
    const char *path; /* of the file, as given to conf_load() */
#define SETTING(path, member, kind, preset, min, max, what) CONF_TYPE_##kind member;
#include "conf/settings.tbl.h"
#undef SETTING
    struct keyring *keyring; /* `keys`, and those that `reevectl key` keeps in the state directory;
                                never NULL. server/ may take it out and leave NULL */
    struct cookie_secrets cookie_secrets; /* of cookie_secret_file; none: `off` */
    struct conf_key *keys; /* the same in canonical order of their names, each name once; and those
                              with `secret: off`, which are not in the keyring */
    unsigned key_count;
    struct remote *remotes;              /* one for each of written_remotes */
    struct conf_remote *written_remotes; /* in the order of their names, each name once */
    unsigned remote_count;
    struct conf_zone *zones; /* in canonical order of their names, each name once */
    unsigned zone_count;
    struct conf_origin origins[CONF_SETTING_COUNT];
    struct arena arena; /* holds all that the pointers above point to */
};

/* The file at path, or NULL with at least one fault that is not a warning. faults is filled anew;
 * it cannot be NULL. Secrets that stand in the file are wiped from memory once the keyring has
 * them. */
struct conf *conf_load(const char *path, struct conf_faults *faults);
/* The same for bytes in memory, which are the caller's to wipe; path is what messages and relative
 * files are based on and is not opened. */
struct conf *conf_load_bytes(const char *bytes, size_t len, const char *path,
                             struct conf_faults *faults);
/* NULL is fine. */
void conf_free(struct conf *c);

/* Whether the text may stand in `updates` of a zone; `key` is the key that it names, in the same
 * writing. OK, or ERR_INVALID with the sentence of the first fault. */
enum err conf_check_grant(const char *text, const char *key, struct diag *diag);

/* Prints every setting with its value and, as a comment, its origin: `default` or
 * `file:line:column`. What is printed is a configuration file of the same meaning, wherever it is
 * put: paths are made absolute. The one exception are secrets: those that stand in the file itself
 * are printed as `off`, with which nothing can be signed. */
void conf_effective(const struct conf *c, FILE *out);
/* Prints every setting with its default, its range and one line of explanation, as commented YAML;
 * what entries of maps and lists may have is in comments at its end. */
void conf_document(FILE *out);

#endif
