/* SPDX-License-Identifier: Apache-2.0
 * The verb check: what reeved --check does, in a helper thread of the running server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "server/check.h"
#include "server/control_int.h"
#include "server/server_int.h"

/* Text of faults kept of one check. */
#define CHECK_LINES_MAX 500
#define CHECK_TEXT_MAX  (256u << 10)

/* What the helper thread works on; all its own. */
struct check {
    struct control_call *call; /* NULL: nobody waits any more */
    struct task *task;         /* NULL: it is over */
    char *path;
    char *text; /* the lines */
    size_t len;
    uint64_t lines, lines_kept;
    unsigned zones, zones_bad;
    bool is_conf_bad, is_over;
};

/* Keeps whole lines up to the limit, counts all. */
static ssize_t check_write(void *cookie, const char *bytes, size_t len)
{
    struct check *k = cookie;
    for (size_t i = 0; i < len; i++) {
        if (k->lines < CHECK_LINES_MAX && k->len < CHECK_TEXT_MAX)
            k->text[k->len++] = bytes[i];
        k->lines += bytes[i] == '\n';
    }
    return (ssize_t)len;
}

static void check_run(struct task *t, void *arg)
{
    (void)t;
    struct check *k = arg;
    struct conf_faults *faults = mem_alloc_zero(sizeof(*faults));
    FILE *out = fopencookie(k, "w", (cookie_io_functions_t){.write = check_write});
    struct conf *conf = out ? conf_load(k->path, faults) : NULL;
    k->is_conf_bad = !conf;
    if (out)
        conf_faults_show(faults, k->path, out);
    if (conf) {
        k->zones = conf->zone_count;
        k->zones_bad = server_check_zones(conf, out);
    }
    if (out)
        fclose(out);
    conf_free(conf);
    free(faults);
}

static void check_done(void *arg)
{
    struct check *k = arg;
    k->is_over = true;
    control_resume(k->call);
}

static void check_free(void *arg)
{
    struct check *k = arg;
    k->task = NULL;
    if (k->call) /* its answer is still to be made: check_end() frees it */
        return;
    free(k->text);
    free(k->path);
    free(k);
}

static void check_end(struct control_call *call)
{
    struct check *k = call->state;
    k->call = NULL;
    if (k->task)
        task_cancel(k->task); /* check_free() follows when it has ended */
    else
        check_free(k);
}

static json_t *check_lines(const struct check *k)
{
    json_t *list = json_array();
    for (const char *at = k->text, *end = at + k->len; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop ? stop : end) - at);
        char *line = memcpy(mem_alloc(len + 1), at, len);
        line[len] = 0;
        json_t *row = json_object();
        control_put_text(row, "fault", line);
        json_array_append_new(list, row);
        free(line);
        at += len + 1;
    }
    return list;
}

static enum control_next check_step(struct control_call *call)
{
    const struct check *k = call->state;
    if (!k->is_over)
        return CONTROL_WAIT;
    bool is_good = !k->is_conf_bad && !k->zones_bad;
    json_t *fields = json_object();
    json_object_set_new(fields, "ok", json_boolean(is_good));
    if (!is_good)
        control_put_text(fields, "error",
                         k->is_conf_bad ? "the configuration has faults"
                                        : "there are zones that would not load");
    control_put_number(fields, "zones", k->zones);
    control_put_number(fields, "zones_bad", k->zones_bad);
    control_put_number(fields, "lines", k->lines);
    json_object_set_new(fields, "faults", check_lines(k));
    return control_finish(call, fields);
}

enum control_next control_check(struct control_call *call)
{
    struct check *k = mem_alloc_zero(sizeof(*k));
    struct diag diag = {0};
    const char *path = call->server->conf->path;
    k->call = call;
    k->path = memcpy(mem_alloc(strlen(path) + 1), path, strlen(path) + 1);
    k->text = mem_alloc(CHECK_TEXT_MAX);
    call->state = k;
    call->end = check_end;
    call->step = check_step;
    struct task_job job = {k, check_run, check_done, check_free};
    if (task_start(&call->server->controls.tasks, &job, &k->task, &diag) != OK)
        return control_fail(call, "%s", diag.text);
    return CONTROL_WAIT;
}
