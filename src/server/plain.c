/* SPDX-License-Identifier: Apache-2.0
 * Primaries that know no EDNS: by their address, for all zones that they have.
 *
 * RFC 6891 s7: such a one answers FORMERR to it (NOTIMP: RFC 2671 s5.3). It is asked without it for
 * an hour; it may be another program by then. Where there are more of them than are remembered,
 * some are found out again. */
#include "base/check.h"
#include "request/address.h"
#include "server/secondary.h"

#define PLAIN_US INT64_C(3600000000)

static struct plain_row *find(struct plain *p, const union address *at)
{
    for (unsigned i = 0; i < p->count; i++)
        if (address_is_same(&p->rows[i].at, at))
            return &p->rows[i];
    return NULL;
}

/* A clock that was set back does not make it longer. */
static bool is_good(const struct plain_row *r, int64_t now_us)
{
    int64_t left_us = r->until_us - now_us;
    return left_us > 0 && left_us <= PLAIN_US;
}

/* One that is over, or will be first. */
static struct plain_row *replaced(struct plain *p, int64_t now_us)
{
    struct plain_row *first = &p->rows[0];
    for (unsigned i = 0; i < p->count; i++) {
        struct plain_row *r = &p->rows[i];
        if (!is_good(r, now_us))
            return r;
        first = r->until_us < first->until_us ? r : first;
    }
    return p->count < PLAIN_MAX ? &p->rows[p->count++] : first;
}

bool plain_has(struct server *s, const union address *at)
{
    const struct plain_row *r = find(&s->secondaries.plain, at);
    return r && is_good(r, s->now_us);
}

bool plain_note(struct server *s, struct secondary *sec)
{
    struct plain *p = &s->secondaries.plain;
    const union address *to = secondary_address(sec);
    char zone[NAME_TEXT_MAX];
    struct address_text at;
    if (!sec->ask.wants_expire)
        return false;
    struct plain_row *r = find(p, to);
    r = r ? r : replaced(p, s->now_us);
    *r = (struct plain_row){*to, s->now_us + PLAIN_US};
    s->count.primaries_plain++;
    log_debug("primary knows no EDNS", {"zone", name_text(sec->ask.zone, zone)},
              {"primary", secondary_primary(sec)->text}, {"address", address_show(to, &at)});
    return true;
}
