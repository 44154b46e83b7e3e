/* SPDX-License-Identifier: Apache-2.0
 * Verbs that change keys: key new, key rotate, key revoke.
 *
 * First a thread looks whether the configuration would be taken as it stands now, and changes the
 * key's file; then the configuration is read again as by `reload`, and the answer comes when that
 * is over. A revoked key is refused from the moment its file is aside, whatever becomes of the
 * reload. The secret is in the answer of the verb that made it, and nowhere else. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/digits.h"
#include "base/secret.h"
#include "server/control_work.h"
#include "server/keyrule.h"
#include "server/keystore.h"
#include "server/server_int.h"

#define ALGORITHM_DEFAULT  "hmac-sha256"
#define OVERLAP_DEFAULT_MS UINT64_C(604800000)
#define OVERLAP_MS_MAX     UINT64_C(315360000000) /* ten years */

/* One change of one key. */
struct key_change {
    struct work work;
    const char *done; /* what the log says of it */
    struct name_buf name;
    char *conf_path, *algorithm;
    char *wanted;         /* what a new key is for; NULL: not said */
    char path[PATH_MAX];  /* of the key's file */
    char aside[PATH_MAX]; /* of a revoked one */
    int64_t until_us;     /* the secret before this one; 0: there is none */
    bool is_forced;       /* what is older than that goes */
    char rule[KEYRULE_TEXT_MAX];

    enum err result;
    struct diag diag;
    struct conf_faults *faults; /* of the configuration */
    struct keyfile file;
};

static struct key_change *change_of(struct work *w)
{
    return container_of(w, struct key_change, work);
}

static void change_free(struct work *w)
{
    struct key_change *k = change_of(w);
    keyfile_done(&k->file);
    free(k->conf_path);
    free(k->algorithm);
    free(k->wanted);
    free(k->faults);
    free(k);
}

/* --- in the thread --- */

/* What would be read next; NULL: there are faults. */
static struct conf *conf_now(struct key_change *k)
{
    struct conf *conf = conf_load(k->conf_path, k->faults);
    if (!conf)
        k->result = err_say(&k->diag, ERR_SYNTAX,
                            "the configuration would not be taken, nothing was changed");
    return conf;
}

static const struct conf_key *key_find(const struct conf *conf, struct name name)
{
    for (unsigned i = 0; i < conf->key_count; i++)
        if (name_is_equal(name_of(&conf->keys[i].name), name))
            return &conf->keys[i];
    return NULL;
}

/* Where it is from, for a sentence: "FILE:LINE", or the kept file. */
static void place_show(const struct conf *conf, const struct conf_key *key, char room[PATH_MAX])
{
    if (key->at.line)
        snprintf(room, PATH_MAX, "%s:%u", conf->path, key->at.line);
    else
        snprintf(room, PATH_MAX, "%s", key->text);
}

static enum err new_make(struct key_change *k, const struct conf *conf)
{
    struct name name = name_of(&k->name);
    const struct conf_key *there = key_find(conf, name);
    char place[PATH_MAX];
    if (there && !there->is_revoked) {
        place_show(conf, there, place);
        return err_say(&k->diag, ERR_EXISTS, "there is a key of that name: %.400s", place);
    }
    enum err e = k->wanted ? keyrule_show(k->wanted, name, k->rule, &k->diag) : OK;
    return e == OK ? keystore_new(conf->state_dir, name, k->algorithm, k->path, &k->file, &k->diag)
                   : e;
}

static void new_run(struct work *w)
{
    struct key_change *k = change_of(w);
    struct conf *conf = conf_now(k);
    if (conf)
        k->result = new_make(k, conf);
    conf_free(conf);
}

static void rotate_run(struct work *w)
{
    struct key_change *k = change_of(w);
    struct conf *conf = conf_now(k);
    struct keystore_rotation r = {.path = k->path,
                                  .name = name_of(&k->name),
                                  .algorithm = k->algorithm,
                                  .now_us = clock_wall_us(),
                                  .until_us = k->until_us,
                                  .is_forced = k->is_forced};
    if (conf)
        k->result = keystore_rotate(&r, &k->file, &k->diag);
    conf_free(conf);
}

static void revoke_run(struct work *w)
{
    struct key_change *k = change_of(w);
    k->result = keystore_revoke(k->path, k->aside, &k->diag);
}

/* --- the answer --- */

static void put_secret(json_t *fields, const struct key_change *k)
{
    size_t cap = TSIG_SECRET_LEN_MAX * 4 / 3 + 8;
    char *room = secret_alloc(cap);
    struct text t;
    text_init(&t, room, cap);
    base64_show(k->file.secret[0].bytes, k->file.secret[0].len, &t);
    ASSERT(!t.bad);
    control_put_text(fields, "algorithm", k->file.algorithm);
    control_put_text(fields, "secret", room);
    secret_free(room, cap);
}

static json_t *outcome_fields(const struct key_change *k)
{
    char name[NAME_TEXT_MAX];
    json_t *fields = json_object();
    control_put_text(fields, "key", keyrule_key_text(name_of(&k->name), name));
    control_put_text(fields, "file", k->aside[0] ? k->aside : k->path);
    if (k->file.count)
        put_secret(fields, k);
    if (k->file.count > 1)
        control_put_number(fields, "previous_until_us", (uint64_t)k->until_us);
    if (k->rule[0])
        control_put_text(fields, "rule", k->rule);
    return fields;
}

static enum control_next answer_fault(struct control_call *call, const struct key_change *k,
                                      json_t *fields, const char *fault)
{
    char text[DIAG_TEXT_MAX];
    snprintf(text, sizeof(text), "%s in %.200s, but %.250s", k->done,
             k->aside[0] ? k->aside : k->path, fault);
    control_put_text(fields, "error", text);
    return control_finish(call, fields);
}

/* The reload is over: what was changed is in force, or will be with the next one. */
static enum control_next reloaded_step(struct control_call *call)
{
    const struct key_change *k = change_of(call->state);
    if (!call->outcome)
        return CONTROL_WAIT; /* woken for nothing */
    const char *error = json_string_value(json_object_get(call->outcome, "error"));
    json_t *fields = outcome_fields(k);
    json_object_update_missing(fields, call->outcome); /* warnings, or why not */
    if (!error && k->result == OK)
        return control_answer(call, fields);
    char fault[DIAG_TEXT_MAX];
    if (k->result != OK)
        snprintf(fault, sizeof(fault), "that may not outlast a power failure: %.200s",
                 k->diag.text);
    else
        snprintf(fault, sizeof(fault), "the configuration was not taken: %.200s", error);
    json_object_set_new(fields, "ok", json_false());
    return answer_fault(call, k, fields, fault);
}

static enum control_next reload_begin(struct control_call *call)
{
    const struct control_hooks *hooks = &call->server->controls.hooks;
    struct diag diag = {0};
    call->waits_reload = true;
    call->step = reloaded_step;
    if (hooks->reload(hooks->arg, call->who, &diag) == OK)
        return CONTROL_WAIT;
    call->waits_reload = false;
    return control_fail(call, "%s", diag.text);
}

static enum control_next failed(struct control_call *call, const struct key_change *k)
{
    if (k->faults->errors == 0)
        return k->result == ERR_INVALID ? control_fail_usage(call, "%s", k->diag.text)
                                        : control_fail(call, "%s", k->diag.text);
    json_t *fields = json_object();
    json_object_set_new(fields, "ok", json_false());
    control_put_text(fields, "error", k->diag.text);
    json_object_set_new(fields, "faults", control_faults(k->faults, k->conf_path));
    return control_finish(call, fields);
}

static enum control_next change_step(struct control_call *call, struct work *w)
{
    struct key_change *k = change_of(w);
    char name[NAME_TEXT_MAX];
    if (k->result != OK && !k->aside[0])
        return failed(call, k);
    log_notice(k->done, {"key", keyrule_key_text(name_of(&k->name), name)}, {"by", call->who},
               {"fault", k->result != OK ? k->diag.text : NULL});
    if (k->aside[0])
        (void)keyring_remove(call->server->keyring, name_of(&k->name));
    return reload_begin(call);
}

/* --- the verbs --- */

/* NULL: *next is the answer. */
static struct key_change *change_new(struct control_call *call, const char *done,
                                     enum control_next *next)
{
    struct name_buf name;
    if (!call->server->controls.hooks.reload) {
        *next = control_fail(call, "a reload is not possible here");
        return NULL;
    }
    if (!control_name(call, control_text(call, "key"), &name, next))
        return NULL;
    struct key_change *k = mem_alloc_zero(sizeof(*k));
    k->done = done;
    name_lower(name_of(&name), k->name.wire);
    k->name.len = name.len;
    k->conf_path = mem_string(call->server->conf->path);
    k->faults = mem_alloc_zero(sizeof(*k->faults));
    return k;
}

/* The kept key that is meant; NULL: *next is the answer. */
static const struct conf_key *kept_key(struct control_call *call, struct key_change *k,
                                       enum control_next *next)
{
    const struct conf *conf = call->server->conf;
    const struct conf_key *key = key_find(conf, name_of(&k->name));
    char name[NAME_TEXT_MAX], place[PATH_MAX];
    keyrule_key_text(name_of(&k->name), name);
    if (key && key->at.line == 0 && !key->is_revoked)
        return key;
    if (key)
        place_show(conf, key, place);
    if (!key)
        *next = control_fail(call, "there is no key \"%s\"", name);
    else if (key->is_revoked)
        *next = control_fail(call, "key \"%s\" is revoked: %.300s", name, place);
    else
        *next = control_fail(
            call, "key \"%s\" is one of the configuration: change it there, %.300s%s%.300s", name,
            place, key->secret_file ? ", and its secret in " : "",
            key->secret_file ? key->secret_file : "");
    return NULL;
}

enum control_next control_keynew(struct control_call *call)
{
    static const struct work_kind kind = {new_run, change_step, change_free};
    enum control_next next;
    const char *algorithm = control_text(call, "algorithm"), *wanted = control_text(call, "for");
    struct key_change *k = change_new(call, "key made", &next);
    if (!k)
        return next;
    k->algorithm = mem_string(algorithm ? algorithm : ALGORITHM_DEFAULT);
    k->wanted = wanted ? mem_string(wanted) : NULL;
    return work_start(call, &k->work, &kind);
}

enum control_next control_keyrotate(struct control_call *call)
{
    static const struct work_kind kind = {rotate_run, change_step, change_free};
    enum control_next next;
    uint64_t overlap_ms = OVERLAP_DEFAULT_MS;
    const char *overlap = control_text(call, "overlap");
    if (overlap &&
        (!digits_duration_ms(overlap, strlen(overlap), &overlap_ms) || overlap_ms > OVERLAP_MS_MAX))
        return control_fail_usage(call, "\"%.100s\" is not a time like 12h or 7d", overlap);
    struct key_change *k = change_new(call, "key rotated", &next);
    const struct conf_key *key = k ? kept_key(call, k, &next) : NULL;
    if (!key) {
        if (k)
            change_free(&k->work);
        return next;
    }
    snprintf(k->path, sizeof(k->path), "%s", key->secret_file);
    k->algorithm = mem_string(key->algorithm);
    k->until_us = clock_wall_us() + (int64_t)overlap_ms * 1000;
    k->is_forced = control_is_set(call, "force");
    return work_start(call, &k->work, &kind);
}

enum control_next control_keyrevoke(struct control_call *call)
{
    static const struct work_kind kind = {revoke_run, change_step, change_free};
    enum control_next next;
    struct key_change *k = change_new(call, "key revoked", &next);
    const struct conf_key *key = k ? kept_key(call, k, &next) : NULL;
    if (!key) {
        if (k)
            change_free(&k->work);
        return next;
    }
    snprintf(k->path, sizeof(k->path), "%s", key->secret_file);
    return work_start(call, &k->work, &kind);
}
