/* SPDX-License-Identifier: Apache-2.0
 * The verbs freeze and thaw: updates of clients are refused meanwhile, over restarts too.
 *
 * A zone is frozen at once and thawed when the change log has it: what was answered "frozen" is so
 * after a crash, and what was refused in between is refused rightly. */
#include <stdlib.h>

#include "base/arena.h"
#include "server/control_work.h"
#include "server/server_int.h"

enum freezing_to { ZONE_FROZEN, ZONE_THAWED };

struct freezing {
    struct work work;
    struct server *server;
    struct name_buf zone;
    uint64_t log_id;
    enum freezing_to to;
    bool was_frozen;
    /* the helper thread's */
    struct journal *journal;
    enum err result;
    struct diag diag;
};

static struct freezing *freezing_of(struct work *w)
{
    return container_of(w, struct freezing, work);
}

static void freezing_run(struct work *w)
{
    struct freezing *f = freezing_of(w);
    f->result = journal_zone_set_flags(f->journal, f->log_id,
                                       f->to == ZONE_FROZEN ? JOURNAL_ZONE_FROZEN : 0, &f->diag);
}

/* The zone is as the log has it, whoever still waits. */
static void freezing_free(struct work *w)
{
    struct freezing *f = freezing_of(w);
    const struct store_entry *e = store_get(&f->server->store, name_of(&f->zone));
    struct server_zone *z = e ? zone_owner(e) : NULL;
    if (z)
        z->is_freezing = false;
    if (z && z->is_kept && z->log_id == f->log_id)
        z->is_frozen = f->result == OK ? f->to == ZONE_FROZEN : f->was_frozen;
    free(f);
}

static enum control_next freezing_step(struct control_call *call, struct work *w)
{
    const struct freezing *f = freezing_of(w);
    if (f->result != OK)
        return control_fail(call, "not noted in the change log: %s", f->diag.text);
    json_t *fields = json_object();
    control_put_name(fields, "zone", name_of(&f->zone));
    json_object_set_new(fields, "frozen", json_boolean(f->to == ZONE_FROZEN));
    return control_answer(call, fields);
}

static const struct work_kind freezing_kind = {freezing_run, freezing_step, freezing_free};

static enum control_next begin(struct control_call *call, struct server_zone *z,
                               enum freezing_to to)
{
    char zone[NAME_TEXT_MAX];
    struct freezing *f = mem_alloc_zero(sizeof(*f));
    *f = (struct freezing){
        .server = call->server,
        .log_id = z->log_id,
        .to = to,
        .was_frozen = z->is_frozen,
        .journal = state_journal(call->server->state),
        .result = ERR_SYSTEM, /* if there is no thread for it */
    };
    name_copy(&f->zone, name_of(&z->entry->name));
    z->is_freezing = true;
    z->is_frozen = z->is_frozen || to == ZONE_FROZEN;
    log_notice(to == ZONE_FROZEN ? "zone frozen" : "zone thawed",
               {"zone", name_text(name_of(&f->zone), zone)}, {"by", call->who});
    return work_start(call, &f->work, &freezing_kind);
}

static enum control_next freezing(struct control_call *call, enum freezing_to to)
{
    enum control_next next;
    struct refusal_cause cause;
    const struct store_entry *e = control_zone_of(call, &next);
    if (!e)
        return next;
    struct server_zone *z = zone_owner(e);
    if (!update_gate(z, UPDATE_OF_OPERATOR, &cause))
        return control_fail(call, "%s", cause.reason);
    if (z->is_freezing)
        return control_fail(call, "another freeze or thaw of the zone is under way");
    return begin(call, z, to);
}

enum control_next control_freeze(struct control_call *call)
{
    return freezing(call, ZONE_FROZEN);
}

enum control_next control_thaw(struct control_call *call)
{
    return freezing(call, ZONE_THAWED);
}
