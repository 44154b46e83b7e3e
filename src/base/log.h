/* SPDX-License-Identifier: Apache-2.0
 * The log sink: one line per event, made of a message and key=value fields.
 *
 * The one piece of global mutable state in Reeve. Where lines go (stderr with systemd priorities,
 * the journal with fields), how they look (logfmt, json) and from which level on they are kept is
 * set once by log_setup() and again on reload. Messages are lower case without a full stop; names
 * and texts from outside go into fields, which are quoted and escaped as the form needs it, so that
 * no peer can forge a line or move the cursor of a terminal. May be called from any thread; a line
 * is one write(2), by its own thread or by one that is writing already. Nobody waits for a reader
 * who does not read or for another thread, because the reactor never waits: a line that nobody
 * takes is lost, counted, and told of by the next one that gets through. The only code
 * below reactor/ that reads the clock: the time of a line is nobody's input. */
#ifndef REEVE_BASE_LOG_H
#define REEVE_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* clang-format off */
/*         name             priority  text         The values are syslog's priorities. */
#define LOG_LEVEL_LIST(X)                                                                          \
    X(LOG_ERROR_LEVEL,      3,        "error")                                                     \
    X(LOG_WARN_LEVEL,       4,        "warning")                                                   \
    X(LOG_NOTICE_LEVEL,     5,        "notice")                                                    \
    X(LOG_INFO_LEVEL,       6,        "info")                                                      \
    X(LOG_DEBUG_LEVEL,      7,        "debug")
/* clang-format on */

enum log_level {
#define X(name, priority, text) name = priority,
    LOG_LEVEL_LIST(X)
#undef X
};

/* clang-format off */
/*        name        text */
#define LOG_FORM_LIST(X)                                                                           \
    X(LOG_LOGFMT,     "logfmt")                                                                    \
    X(LOG_JSON,       "json")
/* clang-format on */

enum log_form {
#define X(name, text) name,
    LOG_FORM_LIST(X)
#undef X
};

/* The key is ours: lower-case letters, digits, "-" and "_". The value may hold anything. */
struct log_field {
    const char *key, *value;
};
/* Takes a finished event, from any thread; given by reactor/systemd.c for the journal. fields are n
 * pairs of NUL-ended strings, not escaped, none NULL. */
typedef void (*log_sink_fn)(enum log_level level, const char *message,
                            const struct log_field *fields, int count);

/* sink NULL: stderr, each line prefixed "<priority>" when `priorities` is set (under systemd).
 * Before the first call: info, logfmt, no priorities, stderr. */
void log_setup(enum log_level level, enum log_form form, bool priorities, log_sink_fn sink);
/* Only the level, until the next log_setup(). */
void log_set_level(enum log_level level);
bool log_is_on(enum log_level level);
/* Lines that stderr did not take in time, since the start. */
uint64_t log_lost(void);

/* log_info("zone loaded", {"zone", name}, {"records", LOG_U64(n)}); at most LOG_FIELDS_MAX fields,
 * a field whose value is NULL is left out. */
#define LOG_FIELDS_MAX 12
void log_event(enum log_level level, const char *message, const struct log_field *fields,
               int count);

#define LOG_EVENT(level, message, ...)                                 \
    log_event(level, message, (const struct log_field[]){__VA_ARGS__}, \
              (int)(sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)))
#define log_error(message, ...)  LOG_EVENT(LOG_ERROR_LEVEL, message, __VA_ARGS__)
#define log_warn(message, ...)   LOG_EVENT(LOG_WARN_LEVEL, message, __VA_ARGS__)
#define log_notice(message, ...) LOG_EVENT(LOG_NOTICE_LEVEL, message, __VA_ARGS__)
#define log_info(message, ...)   LOG_EVENT(LOG_INFO_LEVEL, message, __VA_ARGS__)
#define log_debug(message, ...)  LOG_EVENT(LOG_DEBUG_LEVEL, message, __VA_ARGS__)

/* A number as a field value, in storage of the caller's. */
struct log_num {
    char text[24];
};
const char *log_u64(struct log_num *storage, uint64_t v);
#define LOG_U64(v)   log_u64(&(struct log_num){""}, (v))

/* --- how a line looks: what log_event() writes to stderr, without clock and system call --- */

/* PIPE_BUF: a pipe takes so much in one piece, so lines of two threads never mix */
#define LOG_LINE_MAX 4096

struct log_line {
    enum log_level level;
    enum log_form form;
    bool priorities;
    int64_t wall_us;
    const char *message;
    const struct log_field *fields;
    int count;
};
/* Appends the line with its newline. logfmt: `time=... level=info msg="zone loaded"
 * zone=example.com.`, the time left out with priorities, where the journal has it; json: one
 * object. t has LOG_LINE_MAX bytes of room; a value that does not fit is cut and ends in "...",
 * fields after it are left out, the line stays well formed. */
void log_line_show(const struct log_line *line, struct text *t);

/* --- not letting a peer fill the disk --- */

/* One per class of event and thread, embedded by its owner; all zero is ready. */
struct log_rate {
    int64_t since_us;    /* start of the running second */
    uint32_t allowed;    /* events let through in it */
    uint64_t suppressed; /* events since the last one let through */
};
/* Whether an event may be logged now, at most per_second of them in a second by the caller's clock,
 * which may jump. When it may, *suppressed is how many were held back since the last one, to be
 * logged as a field: LOG_SUPPRESSED(n). */
bool log_rate_is_open(struct log_rate *rate, uint32_t per_second, int64_t now_us,
                      uint64_t *suppressed);
/* The number as a field value, or NULL (no field) for 0. */
const char *log_suppressed(struct log_num *storage, uint64_t suppressed);
#define LOG_SUPPRESSED(n) log_suppressed(&(struct log_num){""}, (n))

#endif
