/* SPDX-License-Identifier: Apache-2.0
 * Verbs about what is kept on disk: backup, journal check. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "server/control_work.h"
#include "server/keystore.h"
#include "server/server_int.h"

/* Faults told of one by one; the rest is counted. */
#define FAULTS_MAX 1000

/* --- backup ---
 *
 * All of the state directory that a server needs to go on from the copy: the change log, the keys
 * that `reevectl key` keeps, and the secrets of DNS cookies. */

struct backup {
    struct work work;
    struct journal *journal; /* NULL: no zone has needed one */
    char *state_dir, *dir;
    struct keystore_copied keys;
    bool has_cookies;
    uint64_t bytes;
    enum err result;
    struct diag diag;
};

static struct backup *backup_of(struct work *w)
{
    return container_of(w, struct backup, work);
}

static void backup_free(struct work *w)
{
    struct backup *b = backup_of(w);
    free(b->state_dir);
    free(b->dir);
    free(b);
}

static enum err database_copy(struct backup *b)
{
    char path[PATH_MAX];
    struct stat st;
    enum err e = journal_backup(b->journal, b->dir, &b->diag);
    if (e == OK && (size_t)snprintf(path, sizeof(path), "%s/reeve.db", b->dir) < sizeof(path) &&
        stat(path, &st) == 0)
        b->bytes = (uint64_t)st.st_size;
    return e;
}

/* One after the other, and of a failure nothing is left but what was there before. */
static void backup_run(struct work *w)
{
    struct backup *b = backup_of(w);
    bool is_new = mkdir(b->dir, 0750) == 0;
    if (!is_new && errno != EEXIST) {
        b->result = err_say(&b->diag, ERR_IO, "%s cannot be made: %s", b->dir, strerror(errno));
        return;
    }
    b->result = keystore_copy(b->state_dir, b->dir, &b->keys, &b->diag);
    if (b->result == OK) {
        b->result = cookies_copy(b->state_dir, b->dir, &b->has_cookies, &b->diag);
        if (b->result == OK && b->journal)
            b->result = database_copy(b);
        if (b->result != OK)
            keystore_copy_undo(b->dir, &b->keys);
    }
    if (b->result != OK && b->has_cookies)
        cookies_copy_undo(b->dir);
    if (b->result != OK && is_new)
        rmdir(b->dir);
}

static enum control_next backup_step(struct control_call *call, struct work *w)
{
    const struct backup *b = backup_of(w);
    if (b->result != OK) {
        log_error("backup failed", {"dir", b->dir}, {"reason", b->diag.text});
        return control_fail(call, "%s", b->diag.text);
    }
    log_notice("backup made", {"dir", b->dir}, {"keys", LOG_U64(b->keys.count)}, {"by", call->who});
    json_t *fields = json_object();
    control_put_text(fields, "dir", b->dir);
    control_put_number(fields, "bytes", b->bytes);
    control_put_number(fields, "keys", b->keys.count);
    json_object_set_new(fields, "has_cookies", json_boolean(b->has_cookies));
    json_object_set_new(fields, "has_journal", json_boolean(b->journal));
    return control_answer(call, fields);
}

enum control_next control_backup(struct control_call *call)
{
    static const struct work_kind kind = {backup_run, backup_step, backup_free};
    struct backup *b = mem_alloc_zero(sizeof(*b));
    b->journal = state_journal(call->server->state);
    b->state_dir = mem_string(call->server->conf->state_dir);
    b->dir = mem_string(control_text(call, "dir"));
    return work_start(call, &b->work, &kind);
}

/* --- journal check --- */

struct check {
    struct work work;
    struct journal *journal;
    struct journal_check found;
    char *faults[FAULTS_MAX];
    unsigned count, shown;
    enum err result;
    struct diag diag;
};

static struct check *check_of(struct work *w)
{
    return container_of(w, struct check, work);
}

static void check_free(struct work *w)
{
    struct check *k = check_of(w);
    for (unsigned i = 0; i < k->count; i++)
        free(k->faults[i]);
    free(k);
}

static void on_fault(void *arg, const char *sentence)
{
    struct check *k = arg;
    if (k->count < FAULTS_MAX)
        k->faults[k->count++] = mem_string(sentence);
}

static void check_run(struct work *w)
{
    struct check *k = check_of(w);
    k->result = journal_check(k->journal, on_fault, k, &k->found, &k->diag);
}

static json_t *some_faults(struct check *k)
{
    json_t *list = json_array();
    for (unsigned rows = 0; k->shown < k->count && rows < CONTROL_SLICE_ROWS; rows++) {
        json_t *row = json_object();
        control_put_text(row, "fault", k->faults[k->shown++]);
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *check_fields(const struct check *k)
{
    json_t *fields = json_object();
    char text[64];
    json_object_set_new(fields, "ok", json_boolean(k->found.faults == 0));
    control_put_number(fields, "zones", k->found.zones);
    control_put_number(fields, "changes", k->found.changes);
    control_put_number(fields, "leases", k->found.leases);
    control_put_number(fields, "parts", k->found.parts);
    control_put_number(fields, "bytes", k->found.bytes);
    control_put_number(fields, "journal_faults", k->found.faults);
    snprintf(text, sizeof(text), "%llu fault%s in the change log",
             (unsigned long long)k->found.faults, k->found.faults == 1 ? "" : "s");
    if (k->found.faults)
        control_put_text(fields, "error", text);
    return fields;
}

/* Called for each slice of the faults. */
static enum control_next check_slice(struct control_call *call, struct check *k)
{
    json_t *list = some_faults(k);
    if (k->shown < k->count) {
        json_t *fields = json_object();
        json_object_set_new(fields, "faults", list);
        return control_more(call, fields);
    }
    json_t *fields = check_fields(k);
    control_put_number(fields, "lines", json_array_size(list) + k->found.faults - k->count);
    json_object_set_new(fields, "faults", list);
    return control_finish(call, fields);
}

static enum control_next check_step(struct control_call *call, struct work *w)
{
    struct check *k = check_of(w);
    if (k->result != OK)
        return control_fail(call, "the change log cannot be read: %s", k->diag.text);
    return check_slice(call, k);
}

enum control_next control_journalcheck(struct control_call *call)
{
    static const struct work_kind kind = {check_run, check_step, check_free};
    struct journal *j = state_journal(call->server->state);
    if (!j)
        return control_fail(call, "there is no change log: no zone has needed one");
    struct check *k = mem_alloc_zero(sizeof(*k));
    k->journal = j;
    return work_start(call, &k->work, &kind);
}
