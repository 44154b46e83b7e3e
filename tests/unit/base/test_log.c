/* SPDX-License-Identifier: Apache-2.0
 * The log sink: what a line looks like, that no value can forge one, levels, threads, the rate of a
 * class. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "unit.h"

/* 2026-08-01T12:34:56.000789Z: `date -u -d 2026-08-01T12:34:56Z +%s` is 1785587696. */
#define SOME_TIME 1785587696000789

static char room[LOG_LINE_MAX];

static const char *shown(enum log_form form, bool priorities, const char *message,
                         const struct log_field *fields, int count)
{
    struct text t;
    text_init(&t, room, sizeof(room));
    log_line_show(
        &(struct log_line){LOG_WARN_LEVEL, form, priorities, SOME_TIME, message, fields, count},
        &t);
    return room;
}

Test(log, logfmt_has_time_level_message_and_fields)
{
    const struct log_field fields[] = {{"zone", "example.com."}, {"none", NULL}, {"records", "12"}};
    cr_expect_str_eq(shown(LOG_LOGFMT, false, "zone loaded", fields, 3),
                     "time=2026-08-01T12:34:56.000789Z level=warning msg=\"zone loaded\" "
                     "zone=example.com. records=12\n");
    cr_expect_str_eq(shown(LOG_LOGFMT, true, "zone loaded", fields, 3),
                     "<4>level=warning msg=\"zone loaded\" zone=example.com. records=12\n");
    cr_expect_str_eq(shown(LOG_LOGFMT, true, "started", NULL, 0),
                     "<4>level=warning msg=\"started\"\n");
}

Test(log, json_is_one_object)
{
    const struct log_field fields[] = {{"zone", "example.com."}, {"none", NULL}, {"records", "12"}};
    cr_expect_str_eq(
        shown(LOG_JSON, false, "zone loaded", fields, 3),
        "{\"time\":\"2026-08-01T12:34:56.000789Z\",\"level\":\"warning\",\"msg\":\"zone loaded\","
        "\"zone\":\"example.com.\",\"records\":\"12\"}\n");
    cr_expect_str_eq(shown(LOG_JSON, true, "started", NULL, 0),
                     "<4>{\"time\":\"2026-08-01T12:34:56.000789Z\",\"level\":\"warning\",\"msg\":"
                     "\"started\"}\n");
}

Test(log, no_value_can_forge_a_line_or_reach_the_terminal)
{
    static const struct row {
        const char *value, *logfmt, *json;
    } rows[] = {
        {"plain-word_1.2/3:4@5", "plain-word_1.2/3:4@5", "\"plain-word_1.2/3:4@5\""},
        {"", "\"\"", "\"\""},
        {"two words", "\"two words\"", "\"two words\""},
        {"a=b", "\"a=b\"", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\"", "\"say \\\"hi\\\"\""},
        {"back\\slash", "\"back\\\\slash\"", "\"back\\\\slash\""},
        {"x\nlevel=error msg=forged", "\"x\\nlevel=error msg=forged\"",
         "\"x\\nlevel=error msg=forged\""},
        {"\r\t\b", "\"\\r\\t\\u0008\"", "\"\\r\\t\\u0008\""},
        {"\033[2J", "\"\\u001b[2J\"", "\"\\u001b[2J\""},
        {"\177", "\"\\u007f\"", "\"\\u007f\""},
        {"\xC2\x9B"
         "2J",
         "\"\\u009b2J\"", "\"\\u009b2J\""}, /* CSI in one character */
        {"\xE2\x80\xAE"
         "evil",
         "\"\\u202eevil\"", "\"\\u202eevil\""},         /* right to left override */
        {"\xE2\x80\xA8", "\"\\u2028\"", "\"\\u2028\""}, /* line separator */
        {"\xF3\xA0\x80\xA1", "\"\\udb40\\udc21\"",
         "\"\\udb40\\udc21\""}, /* a tag character, U+E0021 */
        {"\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80", "\"\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80\"",
         "\"\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80\""},
        {"\xFF", "\"\\ufffd\"", "\"\\ufffd\""},
        {"\xC0\x8A", "\"\\ufffd\\ufffd\"", "\"\\ufffd\\ufffd\""}, /* overlong newline */
        {"\xED\xA0\x80", "\"\\ufffd\\ufffd\\ufffd\"",
         "\"\\ufffd\\ufffd\\ufffd\""}, /* a surrogate */
        {"\xF4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"",
         "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
        {"\xE2\x82", "\"\\ufffd\\ufffd\"", "\"\\ufffd\\ufffd\""}, /* cut short */
        {"\xC3\"", "\"\\ufffd\\\"\"", "\"\\ufffd\\\"\""},         /* cut by a quote */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct log_field f = {"v", rows[i].value};
        char expected[300];
        snprintf(expected, sizeof(expected), "<4>level=warning msg=\"m\" v=%s\n", rows[i].logfmt);
        cr_expect_str_eq(shown(LOG_LOGFMT, true, "m", &f, 1), expected);
        snprintf(expected, sizeof(expected), "\"msg\":\"m\",\"v\":%s}\n", rows[i].json);
        cr_expect_not_null(strstr(shown(LOG_JSON, false, "m", &f, 1), expected), "%s in %s",
                           expected, room);
    }
}

Test(log, the_message_is_escaped_too)
{
    cr_expect_str_eq(shown(LOG_LOGFMT, true, "a\"b\nc", NULL, 0),
                     "<4>level=warning msg=\"a\\\"b\\nc\"\n");
}

/* Quotes pair up and nothing but the last byte is a newline. */
static void line_is_whole(const char *line)
{
    size_t len = strlen(line), quotes = 0;
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '\\')
            i++;
        else if (line[i] == '"')
            quotes++;
    }
    cr_expect_eq(quotes % 2, 0);
    cr_expect_eq(strchr(line, '\n'), line + len - 1);
}

Test(log, long_values_are_cut_and_the_line_stays_whole)
{
    static const char *const fill[] = {"x",           " ", "\"", "\n", "\xFF", "\xF3\xA0\x80\xA1",
                                       "\xE2\x82\xAC"};
    for (size_t i = 0; i < ARRAY_LEN(fill); i++)
        for (size_t len = LOG_LINE_MAX - 150; len < LOG_LINE_MAX + 150; len++) {
            static char value[LOG_LINE_MAX * 2];
            size_t at = 0;
            while (at + strlen(fill[i]) <= len) {
                memcpy(value + at, fill[i], strlen(fill[i]));
                at += strlen(fill[i]);
            }
            value[at] = '\0';
            const struct log_field fields[] = {{"a", value}, {"after", "it"}};
            line_is_whole(shown(LOG_LOGFMT, true, "m", fields, 2));
            line_is_whole(shown(LOG_LOGFMT, false, value, fields, 2));
            line_is_whole(shown(LOG_JSON, false, "m", fields, 2));
            cr_expect_str_eq(room + strlen(room) - 2, "}\n");
            line_is_whole(shown(LOG_JSON, true, value, fields, 2));
        }
    cr_expect_not_null(strstr(room, "..."), "the last one does not fit");
    cr_expect_null(strstr(room, "after"), "nothing comes after a cut");
}

/* --- the sink --- */

static int stderr_to_pipe(void)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    return ends[0];
}

static const char *read_some(int fd)
{
    ssize_t n = read(fd, room, sizeof(room) - 1);
    cr_assert_geq(n, 0);
    room[n] = '\0';
    return room;
}

Test(log, events_below_the_level_are_dropped)
{
    int fd = stderr_to_pipe();
    log_setup(LOG_NOTICE_LEVEL, LOG_LOGFMT, true, NULL);
    cr_expect(log_is_on(LOG_ERROR_LEVEL) && log_is_on(LOG_NOTICE_LEVEL));
    cr_expect_not(log_is_on(LOG_INFO_LEVEL) || log_is_on(LOG_DEBUG_LEVEL));
    struct log_num n;
    log_info("dropped", {"a", "b"});
    log_notice("kept", {"n", log_u64(&n, UINT64_MAX)}, {"none", NULL});
    cr_expect_str_eq(read_some(fd), "<5>level=notice msg=\"kept\" n=18446744073709551615\n");
}

Test(log, stderr_lines_have_the_time_unless_there_are_priorities)
{
    int fd = stderr_to_pipe();
    errno = ENOENT;
    log_error("failed", {"a", "b"});
    cr_expect_eq(errno, ENOENT);
    int year = 0;
    cr_expect_eq(sscanf(read_some(fd), "time=%d-", &year), 1);
    cr_expect_geq(year, 2024);
    cr_expect_not_null(strstr(room, "Z level=error msg=\"failed\" a=b\n"));
}

static char sunk[200];

static void sink(enum log_level level, const char *message, const struct log_field *fields,
                 int count)
{
    int at = snprintf(sunk, sizeof(sunk), "%d %s", (int)level, message);
    for (int i = 0; i < count; i++)
        at += snprintf(sunk + at, sizeof(sunk) - (size_t)at, " %s=%s", fields[i].key,
                       fields[i].value);
}

Test(log, a_sink_gets_the_fields_that_are_there_unescaped)
{
    log_setup(LOG_INFO_LEVEL, LOG_LOGFMT, false, sink);
    log_warn("zone loaded", {"a", "x y"}, {"none", NULL}, {"b", "\n"});
    cr_expect_str_eq(sunk, "4 zone loaded a=x y b=\n");
    strcpy(sunk, "untouched");
    log_debug("dropped", {"a", "b"});
    cr_expect_str_eq(sunk, "untouched");
}

enum { THREADS = 4, LINES = 200, VALUE_LEN = 2000 };

static void *write_lines(void *letter)
{
    char value[VALUE_LEN + 1];
    memset(value, *(char *)letter, VALUE_LEN);
    value[VALUE_LEN] = '\0';
    for (int i = 0; i < LINES; i++)
        log_error("m", {"v", value});
    return NULL;
}

static void *write_all(void *arg)
{
    (void)arg;
    char letters[THREADS] = {'a', 'b', 'c', 'd'};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, write_lines, &letters[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    close(STDERR_FILENO);
    return NULL;
}

Test(log, lines_of_threads_do_not_mix)
{
    FILE *in = fdopen(stderr_to_pipe(), "r");
    log_setup(LOG_INFO_LEVEL, LOG_LOGFMT, true, NULL);
    pthread_t writer;
    pthread_create(&writer, NULL, write_all, NULL);
    static const char head[] = "<3>level=error msg=\"m\" v=";
    char *line = NULL;
    size_t cap = 0;
    int count = 0;
    for (ssize_t n; (n = getline(&line, &cap, in)) > 0; count++) {
        if (strstr(line, "lines lost")) { /* this reader may be slow */
            count--;
            continue;
        }
        cr_assert_eq(n, (ssize_t)(strlen(head) + VALUE_LEN + 1), "line %d has %zd bytes", count, n);
        cr_assert_eq(strncmp(line, head, strlen(head)), 0);
        char letter[2] = {line[strlen(head)], '\0'};
        cr_assert_eq(strspn(line + strlen(head), letter), VALUE_LEN);
    }
    pthread_join(writer, NULL);
    cr_expect_eq((uint64_t)count + log_lost(), THREADS * LINES);
    cr_expect_gt(count, 0);
    free(line);
    fclose(in);
}

Test(log, does_not_wait_for_who_does_not_read, .timeout = 60)
{
    int fd = stderr_to_pipe();
    log_setup(LOG_INFO_LEVEL, LOG_LOGFMT, true, NULL);
    char value[1000];
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    while (log_lost() < 3) /* a blocking write would never come back */
        log_error("m", {"v", value});
    cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while (read(fd, room, sizeof(room)) > 0)
        ;
    log_error("after", {"a", "b"});
    ssize_t n = read(fd, room, sizeof(room) - 1);
    cr_assert_gt(n, 0);
    room[n] = '\0';
    cr_expect_not_null(strstr(room, "nobody read them in time\" count=3\n"), "%s", room);
    cr_expect_not_null(strstr(room, "msg=\"after\" a=b\n"));
}

/* poll() of the log sink keeps its thread for as long as is wanted. */
static atomic_bool is_kept, is_there;

int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    if (atomic_load(&is_kept)) {
        atomic_store(&is_there, true);
        while (atomic_load(&is_kept))
            sched_yield();
    }
    return __real_poll(fds, count, timeout);
}

static void *write_first(void *arg)
{
    log_error("first", {"a", "b"});
    return arg;
}

Test(log, does_not_wait_for_another_thread_that_is_put_aside_while_it_writes, .timeout = 60)
{
    int fd = stderr_to_pipe();
    log_setup(LOG_INFO_LEVEL, LOG_LOGFMT, true, NULL);
    pthread_t writer;
    atomic_store(&is_kept, true);
    pthread_create(&writer, NULL, write_first, NULL);
    while (!atomic_load(&is_there))
        sched_yield();
    log_error("second", {"a", "b"}); /* comes back, or this test never ends */
    log_error("third", {"a", "b"});
    atomic_store(&is_kept, false);
    pthread_join(writer, NULL);
    ssize_t n = read(fd, room, sizeof(room) - 1);
    cr_assert_gt(n, 0);
    room[n] = '\0';
    const char *first = strstr(room, "first"), *second = strstr(room, "second"),
               *third = strstr(room, "third");
    cr_expect(first && second && third && first < second && second < third, "%s", room);
    cr_expect_eq(log_lost(), 0);
}

/* --- rate --- */

Test(log, a_class_has_its_rate_and_says_what_was_held_back)
{
    struct log_rate rate = {0};
    uint64_t suppressed = 99;
    static const struct row {
        int64_t now_us;
        bool is_open;
        uint64_t suppressed; /* when open */
    } rows[] = {
        {5000000, true, 0},
        {5000001, true, 0},
        {5000002, false, 0},
        {5999999, false, 0},
        {6000000, true, 2},
        {6000001, true, 0},
        {6500000, false, 0},
        {9000000, true, 1},
        {9000000, true, 0},
        {9000000, false, 0},
        {8000000, true, 1} /* a clock that went back opens a new second */,
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        suppressed = 99;
        cr_expect_eq(log_rate_is_open(&rate, 2, rows[i].now_us, &suppressed), rows[i].is_open,
                     "row %zu", i);
        cr_expect_eq(suppressed, rows[i].is_open ? rows[i].suppressed : 99, "row %zu", i);
    }
    struct log_num n;
    cr_expect_null(log_suppressed(&n, 0));
    cr_expect_str_eq(log_suppressed(&n, 17), "17");
}
