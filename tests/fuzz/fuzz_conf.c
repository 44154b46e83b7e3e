/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a configuration: faults or values, and values print as a configuration of the same
 * meaning. */
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "request/address.h"

static struct conf_faults faults;

static void check_faults(void)
{
    ASSERT(faults.count <= CONF_FAULTS_MAX);
    for (unsigned i = 0; i < faults.count; i++) {
        ASSERT(faults.list[i].at.line > 0 && faults.list[i].at.column > 0);
        for (const char *s = faults.list[i].text; *s; s++)
            ASSERT((unsigned char)*s >= 0x20 && *s != 0x7F);
    }
}

static char *print(const struct conf *c, size_t *len)
{
    char *printed = NULL;
    FILE *out = open_memstream(&printed, len);
    ASSERT(out);
    conf_effective(c, out);
    fclose(out);
    return printed;
}

static void check_same_grant(const struct grant *a, const struct grant *b)
{
    ASSERT(a->is_deny == b->is_deny && a->is_unsigned == b->is_unsigned && a->where == b->where &&
           a->is_any_name == b->is_any_name && a->ops == b->ops);
    ASSERT(a->key.len == b->key.len && memcmp(a->key.wire, b->key.wire, a->key.len) == 0);
    ASSERT(a->self.len == b->self.len && memcmp(a->self.wire, b->self.wire, a->self.len) == 0);
    ASSERT(a->name_count == b->name_count && a->type_count == b->type_count &&
           a->from_count == b->from_count && a->within_count == b->within_count);
    for (unsigned i = 0; i < a->name_count; i++)
        ASSERT(name_is_same(name_of(&a->names[i]), name_of(&b->names[i])));
    ASSERT(a->records_max == b->records_max && a->per_name_max == b->per_name_max &&
           a->ttl_min == b->ttl_min && a->ttl_max == b->ttl_max && a->rate == b->rate);
}

static void check_same_remotes(const struct conf *a, const struct conf *b)
{
    ASSERT(a->remote_count == b->remote_count);
    for (unsigned i = 0; i < a->remote_count; i++) {
        const struct remote *ra = &a->remotes[i], *rb = &b->remotes[i];
        ASSERT(strcmp(ra->text, rb->text) == 0 && ra->key.len == rb->key.len);
        ASSERT(ra->source.any.sa_family == rb->source.any.sa_family);
        ASSERT(ra->address_count == rb->address_count && ra->address_count > 0);
        for (unsigned k = 0; k < ra->address_count; k++)
            ASSERT(address_is_same(&ra->addresses[k], &rb->addresses[k]));
    }
}

static void check_same_replication(const struct conf_zone *a, const struct conf_zone *b)
{
    ASSERT((a->type == CONF_SECONDARY) == (a->primary_count > 0));
    ASSERT((a->type == CONF_PRIMARY) == (a->file || a->soa));
    ASSERT(a->type == b->type && a->primary_count == b->primary_count &&
           a->secondary_count == b->secondary_count && a->transfer_count == b->transfer_count);
    ASSERT(a->forwards_updates == b->forwards_updates && a->wait_count == b->wait_count &&
           a->wait_ms == b->wait_ms && a->shrink_percent == b->shrink_percent);
    for (unsigned i = 0; i < a->primary_count; i++)
        ASSERT(strcmp(a->primaries[i]->text, b->primaries[i]->text) == 0);
    for (unsigned i = 0; i < a->secondary_count; i++)
        ASSERT(strcmp(a->secondaries[i]->text, b->secondaries[i]->text) == 0);
    for (unsigned i = 0; i < a->transfer_count; i++) {
        const struct xfr_rule *ra = &a->transfer[i], *rb = &b->transfer[i];
        ASSERT(!ra->remote == !rb->remote && ra->index == rb->index &&
               strcmp(ra->where, rb->where) == 0);
        ASSERT(ra->key.len == rb->key.len && ra->from_count == rb->from_count &&
               ra->is_deny == rb->is_deny && ra->scope == rb->scope);
    }
}

static void check_same(const struct conf *a, const struct conf *b)
{
    ASSERT(a->listen.count == b->listen.count && a->zone_count == b->zone_count);
    for (unsigned i = 0; i < CONF_SETTING_COUNT; i++)
        ASSERT(i == CONF_SET_listen || i == CONF_SET_state_dir || i == CONF_SET_control_socket ||
               strcmp(a->origins[i].text, b->origins[i].text) == 0);
    for (unsigned i = 0; i < a->listen.count; i++)
        ASSERT(memcmp(&a->listen.items[i].address, &b->listen.items[i].address,
                      a->listen.items[i].address_len) == 0);
    for (unsigned i = 0; i < a->zone_count; i++) {
        ASSERT(name_is_same(a->zones[i].name, b->zones[i].name));
        ASSERT(!a->zones[i].file == !b->zones[i].file);
        ASSERT(!a->zones[i].file || strcmp(a->zones[i].file, b->zones[i].file) == 0);
        ASSERT(!a->zones[i].soa == !b->zones[i].soa);
        check_same_replication(&a->zones[i], &b->zones[i]);
        ASSERT(a->zones[i].has_history == b->zones[i].has_history);
        ASSERT(a->zones[i].grant_count == b->zones[i].grant_count);
        for (unsigned k = 0; k < a->zones[i].grant_count; k++)
            check_same_grant(&a->zones[i].grants[k], &b->zones[i].grants[k]);
    }
    check_same_remotes(a, b);
    ASSERT(a->key_count == b->key_count);
    for (unsigned i = 0; i < a->key_count; i++)
        ASSERT(name_is_same(name_of(&a->keys[i].name), name_of(&b->keys[i].name)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct conf *a = conf_load_bytes((const char *)data, len, "/fuzz/reeved.yaml", &faults);
    check_faults();
    ASSERT(!a == (faults.errors > 0));
    if (!a)
        return 0;
    size_t printed_len;
    char *printed = print(a, &printed_len);
    struct conf *b = conf_load_bytes(printed, printed_len, "/fuzz/again.yaml", &faults);
    if (!b)
        conf_faults_show(&faults, printed, stderr);
    ASSERT(b);
    check_same(a, b);
    free(printed);
    conf_free(a);
    conf_free(b);
    return 0;
}
