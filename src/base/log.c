/* SPDX-License-Identifier: Apache-2.0
 * The log sink: levels, logfmt and json, escaping, rate of a class of events. */
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

_Static_assert(LOG_LINE_MAX <= PIPE_BUF, "a line must reach a pipe in one piece");

/* Bytes that wait for the thread that is writing. */
#define QUEUE_MAX (64 << 10)

/* Atomic one by one: a helper thread that logs during a reload may see the new level with the old
 * form, which harms nothing; it never sees half a value. */
static struct {
    _Atomic(enum log_level) level;
    _Atomic(enum log_form) form;
    atomic_bool priorities;
    _Atomic(log_sink_fn) sink;
    _Atomic(uint64_t) lost;     /* lines in all */
    pthread_mutex_t lock;       /* of what follows, and of the file */
    uint64_t lost_said;         /* lines that a later one has told of */
    bool is_stuck;              /* the last line was lost */
    pthread_mutex_t queue_lock; /* of what follows; held for a copy only */
    char queue[2][QUEUE_MAX];   /* whole lines; the one is filled while the other is written */
    size_t queue_len;           /* of the one that is filled */
    unsigned filled;
} log_state = {.level = LOG_INFO_LEVEL,
               .form = LOG_LOGFMT,
               .lock = PTHREAD_MUTEX_INITIALIZER,
               .queue_lock = PTHREAD_MUTEX_INITIALIZER};

/* How long a line may wait for a reader that is slow; while one does not read at all, no line
 * waits. */
#define WAIT_MS 1

void log_setup(enum log_level level, enum log_form form, bool priorities, log_sink_fn sink)
{
    ASSERT(level >= LOG_ERROR_LEVEL && level <= LOG_DEBUG_LEVEL);
    atomic_store(&log_state.level, level);
    atomic_store(&log_state.form, form);
    atomic_store(&log_state.priorities, priorities);
    atomic_store(&log_state.sink, sink);
}

void log_set_level(enum log_level level)
{
    ASSERT(level >= LOG_ERROR_LEVEL && level <= LOG_DEBUG_LEVEL);
    atomic_store(&log_state.level, level);
}

bool log_is_on(enum log_level level)
{
    return level <= atomic_load_explicit(&log_state.level, memory_order_relaxed);
}

/* --- escaping --- */

/* Bytes of the well-formed UTF-8 character at s (RFC 3629 s4) and its code point; 0 if there is
 * none. */
static unsigned utf8_span(const unsigned char *s, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned n = s[0] < 0x80       ? 1
                 : s[0] >> 5 == 6  ? 2
                 : s[0] >> 4 == 14 ? 3
                 : s[0] >> 3 == 30 ? 4
                                   : 0;
    if (n <= 1) {
        *code = s[0];
        return n;
    }
    uint32_t c = s[0] & (0x7Fu >> n);
    for (unsigned i = 1; i < n; i++) { /* a NUL is no continuation, so this stops at the end */
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3F);
    }
    *code = c;
    return c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) ? 0 : n;
}

/* What a terminal or a viewer might obey instead of show: C0 and C1 controls, direction marks, line
 * separators. */
static bool is_obeyed(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD || c == 0x61C ||
           (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
           (c >= 0xE0000 && c <= 0xE007F);
}

/* \uXXXX as JSON has it, which logfmt readers know as well; beyond the first plane as a surrogate
 * pair. */
static void show_code(struct text *t, uint32_t c)
{
    if (c > 0xFFFF) {
        text_fmt(t, "\\u%04x", 0xD800 + ((c - 0x10000) >> 10));
        c = 0xDC00 + ((c - 0x10000) & 0x3FF);
    }
    text_fmt(t, "\\u%04x", c);
}

static void show_escaped(struct text *t, uint32_t c)
{
    switch (c) {
    case '\n':
        text_add(t, "\\n");
        break;
    case '\r':
        text_add(t, "\\r");
        break;
    case '\t':
        text_add(t, "\\t");
        break;
    case '"':
    case '\\':
        text_char(t, '\\');
        text_char(t, (char)c);
        break;
    default:
        show_code(t, c);
    }
}

enum {
    ESCAPE_MAX = 12, /* a surrogate pair */
    CLOSING_MAX = 8, /* ..."} and a newline */
};

static bool has_room(const struct text *t, size_t n)
{
    return (size_t)(t->end - t->at) >= n + CLOSING_MAX;
}

/* The value in quotes. False: it was cut, and nothing but the closing fits any more. */
static bool show_quoted(struct text *t, const char *value)
{
    const unsigned char *s = (const unsigned char *)value;
    bool whole = true;
    text_char(t, '"');
    while (*s) {
        if (!has_room(t, ESCAPE_MAX)) {
            text_add(t, "...");
            whole = false;
            break;
        }
        uint32_t code;
        unsigned n = utf8_span(s, &code);
        if (n == 0)
            show_code(t, 0xFFFD); /* not a character: JSON has no way to say which byte it was */
        else if (is_obeyed(code) || code == '"' || code == '\\')
            show_escaped(t, code);
        else
            text_bytes(t, (const char *)s, n);
        s += n ? n : 1;
    }
    text_char(t, '"');
    return whole;
}

/* logfmt takes a word as it is; what is not plainly a word is quoted. */
static bool is_word(const char *value)
{
    for (const char *s = value; *s; s++)
        if (*s <= ' ' || *s >= 0x7F || *s == '"' || *s == '=' || *s == '\\')
            return false;
    return *value != '\0';
}

/* --- the line --- */

static const char *level_text(enum log_level level)
{
    static const char *const texts[] = {
#define X(name, priority, text) [name] = text,
        LOG_LEVEL_LIST(X)
#undef X
    };
    ASSERT((unsigned)level < ARRAY_LEN(texts) && texts[level]);
    return texts[level];
}

/* RFC 3339 in UTC with microseconds. */
static void show_time(struct text *t, int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    text_fmt(t, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
             tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(wall_us % 1000000));
}

static bool show_logfmt_field(struct text *t, const struct log_field *f)
{
    text_char(t, ' ');
    text_add(t, f->key);
    text_char(t, '=');
    if (!is_word(f->value) || !has_room(t, strlen(f->value)))
        return show_quoted(t, f->value);
    text_add(t, f->value);
    return true;
}

static bool show_json_field(struct text *t, const struct log_field *f)
{
    text_add(t, ",\"");
    text_add(t, f->key);
    text_add(t, "\":");
    return show_quoted(t, f->value);
}

static bool show_head(struct text *t, const struct log_line *l)
{
    if (l->priorities)
        text_fmt(t, "<%d>", (int)l->level);
    if (l->form == LOG_JSON) {
        text_add(t, "{\"time\":\"");
        show_time(t, l->wall_us);
        text_fmt(t, "\",\"level\":\"%s\",\"msg\":", level_text(l->level));
        return show_quoted(t, l->message);
    }
    if (!l->priorities) {
        text_add(t, "time=");
        show_time(t, l->wall_us);
        text_char(t, ' ');
    }
    text_fmt(t, "level=%s msg=", level_text(l->level));
    return show_quoted(t, l->message);
}

void log_line_show(const struct log_line *line, struct text *t)
{
    ASSERT(t->end - t->at >= LOG_LINE_MAX - 1);
    bool whole = show_head(t, line);
    for (int i = 0; whole && i < line->count; i++) {
        const struct log_field *f = &line->fields[i];
        if (!f->value)
            continue;
        if (!has_room(t, strlen(f->key) + ESCAPE_MAX))
            break;
        whole = line->form == LOG_JSON ? show_json_field(t, f) : show_logfmt_field(t, f);
    }
    text_add(t, line->form == LOG_JSON ? "}\n" : "\n");
    ASSERT(!t->bad);
}

/* False: it would have to wait, or cannot be written. A pipe that polls as writable takes PIPE_BUF
 * bytes at once, a socket is asked not to wait, and files do not wait for readers. */
static bool write_now(const char *bytes, size_t len)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&p, 1, log_state.is_stuck ? 0 : WAIT_MS) != 1)
        return false;
    ssize_t n = send(STDERR_FILENO, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == ENOTSOCK)
        n = write(STDERR_FILENO, bytes, len);
    return n == (ssize_t)len;
}

static void line_show(enum log_level level, const char *message, const struct log_field *fields,
                      int count, struct text *t)
{
    log_line_show(&(struct log_line){.level = level,
                                     .form = atomic_load(&log_state.form),
                                     .priorities = atomic_load(&log_state.priorities),
                                     .wall_us = clock_wall_us(),
                                     .message = message,
                                     .fields = fields,
                                     .count = count},
                  t);
}

/* Tells of the lines lost, once there is somebody to tell. */
static bool say_lost(void)
{
    uint64_t lost = atomic_load(&log_state.lost);
    if (lost == log_state.lost_said)
        return true;
    char room[LOG_LINE_MAX];
    struct text t;
    text_init(&t, room, sizeof(room));
    struct log_field field = {"count", LOG_U64(lost - log_state.lost_said)};
    line_show(LOG_WARN_LEVEL, "log lines lost, nobody read them in time", &field, 1, &t);
    if (!write_now(room, text_len(&t)))
        return false;
    log_state.lost_said = lost;
    return true;
}

static void queue_add(const char *bytes, size_t len)
{
    pthread_mutex_lock(&log_state.queue_lock);
    if (len <= QUEUE_MAX - log_state.queue_len) {
        memcpy(log_state.queue[log_state.filled] + log_state.queue_len, bytes, len);
        log_state.queue_len += len;
    } else {
        atomic_fetch_add(&log_state.lost, 1);
    }
    pthread_mutex_unlock(&log_state.queue_lock);
}

/* The lines that wait, for who holds the lock; the others fill the other half from here on. */
static const char *queue_take(size_t *len)
{
    pthread_mutex_lock(&log_state.queue_lock);
    const char *lines = log_state.queue[log_state.filled];
    *len = log_state.queue_len;
    log_state.filled ^= 1;
    log_state.queue_len = 0;
    pthread_mutex_unlock(&log_state.queue_lock);
    return lines;
}

static bool queue_is_empty(void)
{
    pthread_mutex_lock(&log_state.queue_lock);
    bool is_empty = log_state.queue_len == 0;
    pthread_mutex_unlock(&log_state.queue_lock);
    return is_empty;
}

static void write_queue(void)
{
    size_t len;
    const char *line = queue_take(&len);
    for (const char *end = line + len, *next; line < end; line = next) {
        next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
        log_state.is_stuck = !(say_lost() && write_now(line, (size_t)(next - line)));
        if (log_state.is_stuck)
            atomic_fetch_add(&log_state.lost, 1);
    }
}

/* Who finds another thread writing leaves the line to it: that one may have been put aside in the
 * midst of it, a helper behind all else that the machine does, and queries would wait for it. */
static void write_line(const char *bytes, size_t len)
{
    queue_add(bytes, len);
    while (!queue_is_empty() && pthread_mutex_trylock(&log_state.lock) == 0) {
        write_queue();
        pthread_mutex_unlock(&log_state.lock);
    }
}

uint64_t log_lost(void)
{
    return atomic_load(&log_state.lost);
}

void log_event(enum log_level level, const char *message, const struct log_field *fields, int count)
{
    ASSERT(count >= 0 && count <= LOG_FIELDS_MAX);
    if (!log_is_on(level))
        return;
    struct log_field kept[LOG_FIELDS_MAX];
    int n = 0;
    for (int i = 0; i < count; i++)
        if (fields[i].value)
            kept[n++] = fields[i];
    log_sink_fn sink = atomic_load(&log_state.sink);
    if (sink) {
        sink(level, message, kept, n);
        return;
    }
    int saved = errno; /* so that a caller may log first and look at errno afterwards */
    char room[LOG_LINE_MAX];
    struct text t;
    text_init(&t, room, sizeof(room));
    line_show(level, message, kept, n, &t);
    write_line(room, text_len(&t));
    errno = saved;
}

const char *log_u64(struct log_num *storage, uint64_t v)
{
    struct text t;
    text_init(&t, storage->text, sizeof(storage->text));
    text_fmt(&t, "%llu", (unsigned long long)v);
    return storage->text;
}

/* --- rate --- */

bool log_rate_is_open(struct log_rate *rate, uint32_t per_second, int64_t now_us,
                      uint64_t *suppressed)
{
    if (now_us - rate->since_us >= 1000000 || now_us < rate->since_us) {
        rate->since_us = now_us;
        rate->allowed = 0;
    }
    if (rate->allowed >= per_second) {
        rate->suppressed++;
        return false;
    }
    rate->allowed++;
    *suppressed = rate->suppressed;
    rate->suppressed = 0;
    return true;
}

const char *log_suppressed(struct log_num *storage, uint64_t suppressed)
{
    return suppressed ? log_u64(storage, suppressed) : NULL;
}
