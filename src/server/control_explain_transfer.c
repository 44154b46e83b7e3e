/* SPDX-License-Identifier: Apache-2.0
 * The verb explain transfer: whether somebody may have a zone, and what each rule says to it. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "server/control_explain.h"
#include "server/server_int.h"

/* Rules told of; more are only counted. */
#define EXPLAIN_RULES_MAX 256
/* Text of one rule. */
#define EXPLAIN_TEXT_MAX  2048

struct verdict {
    enum rcode rcode;
    const struct xfr_rule *decides; /* NULL: none */
    const char *reason;             /* NULL: it may be had */
};

/* "yes", "denies", "no: other key", "not reached" */
static json_t *rule_row(const struct xfr_rule *r, const struct xfr_question *who, bool is_reached)
{
    char text[EXPLAIN_TEXT_MAX], why[EXPLAIN_TEXT_MAX];
    struct text rule, no;
    json_t *row = json_object();
    text_init(&rule, text, sizeof(text));
    xfr_rule_show(r, &rule);
    text_init(&no, why, sizeof(why));
    text_add(&no, "no: ");
    enum xfr_miss miss = xfr_rule_match(r, who, &no);
    control_put_text(row, "rule", text);
    control_put_text(row, "verdict",
                     !is_reached             ? "not reached"
                     : miss != XFR_MATCH     ? why
                     : r->is_deny            ? "denies"
                     : r->scope == XFR_WHOLE ? "yes"
                                             : "yes, but only what the key may update");
    return row;
}

static void put_rules(json_t *fields, const struct conf_zone *conf, const struct xfr_question *who,
                      const struct xfr_rule *decides)
{
    json_t *list = json_array();
    bool is_reached = true;
    for (unsigned i = 0; i < conf->transfer_count && i < EXPLAIN_RULES_MAX; i++) {
        json_array_append_new(list, rule_row(&conf->transfer[i], who, is_reached));
        is_reached = is_reached && &conf->transfer[i] != decides;
    }
    json_object_set_new(fields, "rules", list);
    control_put_number(fields, "rule_count", conf->transfer_count);
}

static void judge(const struct store_entry *e, const struct xfr_question *who, struct verdict *v)
{
    const struct conf_zone *conf = zone_owner(e)->conf;
    v->decides = xfr_rule_find(conf->transfer, conf->transfer_count, who, NULL);
    v->rcode = REFUSED;
    if (conf->transfer_count == 0)
        v->reason = "nobody may have it: no secondaries, no transfer";
    else if (!v->decides)
        v->reason = "no rule left";
    else if (v->decides->is_deny)
        v->reason = "a rule denies it";
    else if (!e->zone || e->zone->published->soa.count == 0 || e->is_expired) {
        v->rcode = SERVFAIL;
        v->reason = e->is_expired ? "the zone is expired" : "the zone is not loaded";
    } else {
        v->rcode = NOERROR;
    }
}

/* The verdict in full came before. */
static enum control_next fail_refused(struct control_call *call)
{
    return control_fail(call, "REFUSED");
}

static enum control_next fail_servfail(struct control_call *call)
{
    return control_fail(call, "SERVFAIL");
}

static enum control_next fail_notauth(struct control_call *call)
{
    return control_fail(call, "NOTAUTH");
}

static enum control_next tell(struct control_call *call, json_t *fields, const struct verdict *v)
{
    char text[16];
    control_put_text(fields, "rcode", rcode_text(v->rcode, text));
    if (v->reason)
        control_put_text(fields, "reason", v->reason);
    if (v->rcode == NOERROR)
        return control_answer(call, fields);
    call->step = v->rcode == REFUSED    ? fail_refused
                 : v->rcode == SERVFAIL ? fail_servfail
                                        : fail_notauth;
    return control_more(call, fields);
}

/* False: *next is the answer. */
static bool find_key(struct control_call *call, const struct tsig_key **key,
                     enum control_next *next)
{
    const char *text = control_text(call, "key");
    char hint[CONTROL_HINT_MAX], reason[CONTROL_HINT_MAX + 64];
    struct name_buf name;
    *key = NULL;
    if (!text || strcmp(text, "-") == 0)
        return true;
    if (!control_name(call, text, &name, next))
        return false;
    *key = keyring_find(call->server->keyring, name_of(&name));
    if (*key)
        return true;
    control_key_hint(call->server, name_of(&name), hint);
    snprintf(reason, sizeof(reason), "BADKEY: no such key%s%s%s", hint[0] ? " (" : "", hint,
             hint[0] ? ")" : "");
    *next = tell(call, json_object(), &(struct verdict){NOTAUTH, NULL, reason});
    return false;
}

enum control_next control_explain_transfer(struct control_call *call)
{
    enum control_next next;
    union address from;
    const struct tsig_key *key;
    struct verdict v = {0};
    const struct store_entry *e = control_zone_of(call, &next);
    if (!e || !control_from(call, &from, &next))
        return next;
    if (from.any.sa_family == AF_UNSPEC)
        return control_fail_usage(call, "from where? --from ADDRESS");
    if (!find_key(call, &key, &next))
        return next;
    struct xfr_question who = {key, &from};
    json_t *fields = json_object();
    judge(e, &who, &v);
    control_put_name(fields, "zone", name_of(&e->name));
    put_rules(fields, zone_owner(e)->conf, &who, v.decides);
    return tell(call, fields, &v);
}
