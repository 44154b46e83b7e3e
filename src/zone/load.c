/* SPDX-License-Identifier: Apache-2.0
 * Loading a zone file.
 *
 * What only the place in the file can tell is said here, record by record: out of zone, twice the
 * same, TTLs that differ. What the zone must be as a whole is zone/check's. */
#include "zone/load.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "zone/check.h"
#include "zone/places.h"
#include "zone/txn.h"

#define LINE_MAX_LEN (DIAG_TEXT_MAX + NAME_TEXT_MAX + 256)

struct load {
    struct zone *zone;
    struct txn *txn;
    const char *path;
    const struct load_limits *limits;
    const struct load_sink *sink;
    struct load_result *result;
    struct diag *diag;
    char *identity; /* lines; NULL: none yet */
    size_t identity_len;
    struct places places; /* of what is wrong with the zone as a whole */
};

/* line 0: of the file as a whole */
static void say(struct load *l, enum master_severity severity, const struct master_where *where,
                const char *sentence)
{
    char line[LINE_MAX_LEN + PATH_MAX], place[24] = "";
    if (where->line)
        snprintf(place, sizeof(place), ":%u:%u", where->line, where->column);
    int at = snprintf(line, sizeof(line), "%s%s: ", where->file, place);
    ASSERT(at > 0 && (size_t)at < sizeof(line));
    snprintf(line + at, sizeof(line) - (size_t)at, "%s", sentence);
    if (severity == MASTER_ERROR) {
        if (l->result->errors++ == 0)
            err_say(l->diag, ERR_INVALID, "%s", line);
    } else if (++l->result->warnings > LOAD_WARNINGS_MAX)
        return;
    if (l->sink->line)
        l->sink->line(l->sink->arg, severity, line, line + at);
}

static void on_fault(void *arg, enum master_severity severity, const struct master_where *where,
                     const char *sentence)
{
    say(arg, severity, where, sentence);
}

static void on_check(void *arg, enum master_severity severity, struct name owner, uint16_t type,
                     const char *sentence)
{
    struct load *l = arg;
    places_add(&l->places, severity, owner, type, sentence);
}

static void say_place(struct load *l, const struct place *p)
{
    struct master_where where = {p->file ? p->file : l->path, p->line, p->column};
    char sentence[LINE_MAX_LEN], text[NAME_TEXT_MAX];
    snprintf(sentence, sizeof(sentence), "%s: %s", name_text(name_of(&p->owner), text),
             p->sentence);
    say(l, p->severity, &where, sentence);
}

static void warn_record(struct load *l, const struct rr *rr, const struct master_where *where,
                        const char *what)
{
    char sentence[DIAG_TEXT_MAX + NAME_TEXT_MAX], owner[NAME_TEXT_MAX], type[16];
    snprintf(sentence, sizeof(sentence), "%s %s %s", name_text(rr->owner, owner),
             rrtype_text(rr->type, type), what);
    on_fault(l, MASTER_WARNING, where, sentence);
}

static enum err on_record(void *arg, const struct rr *rr, const struct master_where *where)
{
    struct load *l = arg;
    const atomic_bool *is_canceled = l->limits->is_canceled;
    if (is_canceled && atomic_load_explicit(is_canceled, memory_order_relaxed))
        return ERR_CANCELED;
    if (!name_is_under(rr->owner, name_of(&l->zone->name))) {
        /* as named-checkzone has it: what is not ours is left out, and said */
        warn_record(l, rr, where, "is out of the zone, ignored");
        return OK;
    }
    switch (txn_add(l->txn, rr)) {
    case TXN_DONE:
        break;
    case TXN_NOTHING:
        warn_record(l, rr, where, "stands here twice, ignored");
        break;
    case TXN_FULL:
        on_fault(l, MASTER_ERROR, where, "more records than one name can have");
        return l->result->errors < LOAD_ERRORS_MAX ? OK : ERR_LIMIT;
    case TXN_TTL:
        /* RFC 2181 s5.2: one TTL an RRset; the first one stands. RRSIGs have that of what they
         * cover. */
        if (rr->type != TYPE_RRSIG)
            warn_record(l, rr, where, "has another TTL than its RRset, the first one is taken");
        break;
    }
    return OK;
}

/* --- which files, and what they were like --- */

/* "path size time", the time in ns since 1970, or "unsettled" for what is never the same. */
#define SOURCE_LINE_MAX (PATH_MAX + 64)

static size_t source_line(const struct master_source *s, char *line)
{
    int len = snprintf(line, SOURCE_LINE_MAX, "%s %llu %lld\n", s->path,
                       (unsigned long long)s->size, (long long)s->mtime_ns);
    return len > 0 && len < SOURCE_LINE_MAX ? (size_t)len : 0;
}

static size_t unsettled_line(const struct master_source *s, char *line)
{
    int len = snprintf(line, SOURCE_LINE_MAX, "%s %llu unsettled\n", s->path,
                       (unsigned long long)s->size);
    return len > 0 && len < SOURCE_LINE_MAX ? (size_t)len : 0;
}

static void on_file(void *arg, const struct master_source *source)
{
    struct load *l = arg;
    char line[SOURCE_LINE_MAX];
    int64_t age_ns = clock_wall_us() * 1000 - source->mtime_ns;
    bool is_settled = age_ns > LOAD_SETTLED_NS || age_ns < -LOAD_SETTLED_NS;
    size_t len = is_settled ? source_line(source, line) : unsettled_line(source, line);
    l->identity = mem_grow(l->identity, l->identity_len + len + 1);
    memcpy(l->identity + l->identity_len, line, len);
    l->identity_len += len;
    l->identity[l->identity_len] = '\0';
}

/* Where the path of a line ends: before the last two fields; NULL: it has not that many. */
static const char *path_end(const char *line, const char *end)
{
    for (int fields = 2; fields > 0; fields--) {
        const char *blank = memrchr(line, ' ', (size_t)(end - line));
        if (!blank)
            return NULL;
        end = blank;
    }
    return end;
}

/* The line is what the file would be told of with now. */
static bool line_is_same(const char *line, const char *end)
{
    char path[PATH_MAX], now[SOURCE_LINE_MAX];
    const char *stop = path_end(line, end);
    struct stat st;
    if (!stop || (size_t)(stop - line) >= sizeof(path))
        return false;
    memcpy(path, line, (size_t)(stop - line));
    path[stop - line] = '\0';
    if (stat(path, &st) != 0)
        return false;
    struct master_source s = {path, (uint64_t)st.st_size,
                              st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec};
    size_t len = (size_t)(end + 1 - line);
    return source_line(&s, now) == len && memcmp(now, line, len) == 0;
}

bool load_source_is_same(const char *identity)
{
    const char *line = identity;
    for (const char *end; (end = strchr(line, '\n')); line = end + 1)
        if (!line_is_same(line, end))
            return false;
    return line != identity && *line == '\0';
}

static void tell_identity(struct load *l)
{
    if (!l->identity)
        l->identity = mem_alloc_zero(1);
    if (l->sink->identity)
        l->sink->identity(l->sink->arg, l->identity);
    else
        free(l->identity);
    l->identity = NULL;
}

/* --- reading --- */

static struct master_options options_of(const struct load *l)
{
    return (struct master_options){.origin = name_of(&l->zone->name),
                                   .class = CLASS_IN,
                                   .records_max = l->limits->records_max};
}

static bool read_file(struct load *l)
{
    struct master_options options = options_of(l);
    struct master_sink sink = {.arg = l, .record = on_record, .fault = on_fault, .file = on_file};
    struct master_result read = {0};
    struct diag diag = {0};
    enum err e = master_read_file(l->path, &options, &sink, &read, &diag);
    l->result->records = read.records;
    l->result->bytes = read.bytes;
    if (e == ERR_CANCELED) {
        l->result->errors++;
        err_say(l->diag, e, "%s: %s", l->path, err_text(e));
    } else if (e != OK && l->result->errors == 0) {
        say(l, MASTER_ERROR, &(struct master_where){.file = l->path},
            diag.text[0] ? diag.text : err_text(e));
    }
    return e == OK && l->result->errors == 0;
}

static void check_zone(struct load *l, const struct version *v)
{
    struct check_sink sink = {.arg = l, .fault = on_check};
    struct check_result found;
    struct load_result before = *l->result;
    struct master_options options = options_of(l);
    zone_check(v, &sink, &found);
    if (found.errors || l->sink->has_places)
        places_find(&l->places, l->path, &options);
    for (unsigned i = 0; i < l->places.count; i++)
        say_place(l, &l->places.place[i]);
    places_free(&l->places);
    l->result->errors = before.errors + found.errors; /* of these not all need have been said */
    l->result->warnings = before.warnings + found.warnings;
}

struct zone *load_zone_file(struct name name, const char *path, const struct load_limits *limits,
                            const struct load_sink *sink, struct load_result *result,
                            struct diag *diag)
{
    struct load l = {.path = path, .limits = limits, .sink = sink, .result = result, .diag = diag};
    *result = (struct load_result){0};
    l.zone = zone_new(name, CLASS_IN);
    l.txn = txn_begin(l.zone, TXN_BUILD);
    bool is_read = read_file(&l);
    tell_identity(&l);
    if (is_read) {
        struct version *v = txn_seal(&l.txn, NULL);
        zone_publish(l.zone, v);
        check_zone(&l, v);
        result->records = v->record_count;
    } else
        txn_abort(&l.txn);
    if (result->errors > 0) {
        zone_free(l.zone);
        return NULL;
    }
    return l.zone;
}
