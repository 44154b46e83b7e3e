/* SPDX-License-Identifier: Apache-2.0
 * The service manager and its journal. */
#include "reactor/systemd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>
#define SD_JOURNAL_SUPPRESS_LOCATION /* our file and line say nothing about the event */
#include <systemd/sd-journal.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

int systemd_sockets(int *first)
{
    *first = SD_LISTEN_FDS_START;
    int count = sd_listen_fds(1);
    return count > 0 ? count : 0;
}

void systemd_ready(const char *status)
{
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void systemd_reloading(const char *status)
{
    /* Type=notify-reload wants to know that this is not an old message: sd_notify(3) */
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=%s", clock_mono_us(),
                     status);
}

void systemd_stopping(const char *status)
{
    (void)sd_notifyf(0, "STOPPING=1\nSTATUS=%s", status);
}

void systemd_status(const char *status)
{
    (void)sd_notifyf(0, "STATUS=%s", status);
}

void systemd_extend(uint64_t usec)
{
    (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64, usec);
}

uint64_t systemd_watchdog_us(void)
{
    uint64_t usec = 0;
    return sd_watchdog_enabled(0, &usec) > 0 ? usec : 0;
}

void systemd_ping(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

static bool has_stderr(void)
{
    /* "device:inode" of the stream, systemd.exec(5); it is inherited even by those whose stderr
     * goes elsewhere */
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char own[64];
    if (!stream || fstat(STDERR_FILENO, &st) < 0)
        return false;
    snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, own) == 0;
}

/* One field as the journal wants it: PREFIXKEY=value, the key in capitals. It is cut when there is
 * no room. */
static struct iovec field(struct text *t, const char *prefix, const char *key, const char *value)
{
    char *start = t->at;
    text_add(t, prefix);
    for (; *key; key++)
        text_char(t, *key == '-'                    ? '_'
                     : (*key >= 'a' && *key <= 'z') ? (char)(*key - 'a' + 'A')
                                                    : *key);
    text_char(t, '=');
    size_t left = (size_t)(t->end - t->at), len = strlen(value);
    text_bytes(t, value, len < left ? len : left);
    return (struct iovec){start, (size_t)(t->at - start)};
}

/* A log_sink_fn. */
static void to_journal(enum log_level level, const char *message, const struct log_field *fields,
                       int count)
{
    char buf[2 * LOG_LINE_MAX];
    struct text t;
    struct iovec part[LOG_FIELDS_MAX + 3];
    int n = 0;
    text_init(&t, buf, sizeof(buf));
    part[n++] = field(&t, "", "priority", (const char[]){(char)('0' + level), '\0'});
    part[n++] = field(&t, "", "syslog-identifier", "reeved");
    part[n++] = field(&t, "", "message", message);
    ASSERT(count <= LOG_FIELDS_MAX);
    for (int i = 0; i < count; i++) {
        part[n] = field(&t, "REEVE_", fields[i].key, fields[i].value);
        n += !t.bad; /* a field without its "=" would spoil the entry */
    }
    (void)sd_journal_sendv(part, n);
}

void systemd_log_setup(const struct conf *conf)
{
    log_setup(conf->log_level, conf->log_form, has_stderr(),
              conf->log_to == CONF_LOG_JOURNAL ? to_journal : NULL);
}
