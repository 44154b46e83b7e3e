/* SPDX-License-Identifier: Apache-2.0
 * Random lives of a zone that follows a primary: whatever has happened, in whatever order, it goes
 * on asking, nothing stays counted, and the zone is the primary's in the end. */
#include "../slow.h"
#include "primary.h"

#define STEPS 80

static uint64_t dice_state;

static unsigned dice(unsigned sides)
{
    dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((dice_state >> 33) % sides);
}

struct life {
    struct disk d;
    struct bed *b;
    uint32_t newest; /* the primary's */
    const char *zones;
};

static uint32_t ours(struct life *l)
{
    const struct store_entry *e = disk_zone(l->b, "z.example.")->entry;
    return e->zone ? e->zone->published->serial : 0;
}

/* A question is under way, something is being taken, or a time is known when the next one is. */
static void check(struct life *l)
{
    const struct secondary *sec = primary_secondary(l->b);
    cr_assert(sec->is_open);
    cr_assert_leq(primary.count, 1);
    cr_assert(primary.count || sec->taking || sec->incoming || sec->is_waiting ||
                  sec->refresh.wake_us < INT64_MAX,
              "it sleeps for ever");
    cr_assert(sec->refresh.wake_us == INT64_MAX ||
                  server_next_us(l->b->server) <= sec->refresh.wake_us,
              "nobody wakes it");
    cr_assert(primary.count == 0 ||
              l->b->server->calls.under_way[CALLS_UDP] + l->b->server->calls.under_way[CALLS_TCP] ==
                  1);
    cr_assert(sec->taking || sec->incoming || l->b->server->secondaries.incoming_kept == 0,
              "memory stays counted: %llu",
              (unsigned long long)l->b->server->secondaries.incoming_kept);
}

static void put_whole(struct primary_answer *a, uint32_t serial)
{
    char text[100];
    primary_soa(a, serial);
    primary_rr(a, "z.example. 300 NS ns.z.example.");
    for (unsigned i = 0; i < 2; i++) {
        snprintf(text, sizeof(text), "h%u.z.example. 300 A 192.0.2.%u", i, serial % 256);
        primary_rr(a, text);
    }
}

/* Enough for a helper to read it, or not. */
static void put_many(struct primary_answer *a)
{
    char text[100];
    for (unsigned i = 0, n = dice(2) * 500; i < n; i++) {
        snprintf(text, sizeof(text), "n%u.z.example. 300 A 192.0.2.1", i);
        primary_rr(a, text);
    }
}

static void answer_well(struct life *l)
{
    struct call *c = primary_call();
    struct primary_answer *a = primary_answer(c);
    if (primary_asked() == TYPE_SOA) {
        primary_soa(a, l->newest);
        primary_send(c, a);
        return;
    }
    put_whole(a, l->newest);
    put_many(a);
    primary_soa(a, l->newest);
    primary_send(c, a);
}

static void answer_steps(struct life *l)
{
    uint32_t steps = l->newest - ours(l);
    if (primary_asked() == TYPE_IXFR && steps > 0 && steps < 200)
        primary_sends_steps(ours(l) - (dice(8) == 0), steps); /* or of another version */
    else
        answer_well(l);
}

static void answer_error(struct life *l)
{
    static const enum rcode rcodes[] = {FORMERR, SERVFAIL, NOTIMP, REFUSED, NOTAUTH};
    struct call *c = primary_call();
    struct primary_answer *a = primary_answer(c);
    (void)l;
    a->wire[3] = (uint8_t)rcodes[dice(ARRAY_LEN(rcodes))];
    primary_send(c, a);
}

/* What is cut in the middle, or has not what it should. */
static void answer_badly(struct life *l)
{
    struct call *c = primary_call();
    struct primary_answer *a = primary_answer(c);
    unsigned how = dice(4);
    if (how == 0) /* of the past, or a SOA alone */
        primary_soa(a, primary_asked() == TYPE_SOA ? ours(l) - 1 : l->newest);
    else if (how == 1) { /* without NS */
        primary_soa(a, l->newest);
        primary_rr(a, "h0.z.example. 300 A 192.0.2.1");
        primary_soa(a, l->newest);
    } else {
        put_whole(a, l->newest);
        put_many(a);
    }
    primary_send(c, a);
    if (primary.count && how != 1)
        primary_cut(primary_call(), "connection reset");
}

static void answer(struct life *l)
{
    static void (*const ways[])(struct life *) = {answer_well,  answer_well,  answer_steps,
                                                  answer_steps, answer_error, answer_badly};
    unsigned way = dice(ARRAY_LEN(ways) + 1);
    if (primary.count == 0)
        return;
    if (way == ARRAY_LEN(ways))
        primary_cut(primary_call(), "no answer");
    else
        ways[way](l);
}

static void tell(struct life *l, enum refresh_event_kind kind)
{
    struct refresh_event e = {.kind = kind, .from = dice(3), .from_address = dice(2)};
    e.has_serial = dice(2);
    e.serial = l->newest + dice(2);
    l->b->server->now_us = l->b->now_us;
    secondary_step(l->b->server, primary_secondary(l->b), &e);
}

static void reconfigure(struct life *l)
{
    static const char *const zones[] = {"  z.example: {primaries: [p1]}\n",
                                        "  z.example: {primaries: [p2, p1]}\n",
                                        "  z.example: {primaries: [p1, p2]}\n"};
    struct diag diag = {0};
    l->zones = zones[dice(ARRAY_LEN(zones))];
    struct conf *conf = bed_conf(l->b, PRIMARY_REMOTES, l->zones);
    cr_assert_eq(server_reload(l->b->server, conf, l->b->now_us, &diag), OK, "%s", diag.text);
}

/* Until what has come is read, and taken; `dialed`: questions before it came. */
static void until_read(struct life *l, unsigned dialed)
{
    while (primary_secondary(l->b)->incoming && primary.dialed == dialed) {
        cr_assert(bed_wait(l->b), "a transfer is being read and nobody wakes the reactor");
        (void)server_collect(l->b->server, l->b->now_us);
        server_turn(l->b->server);
    }
    primary_rest(l->b);
}

static void happen(struct life *l)
{
    switch (dice(12)) {
    case 0:
        tell(l, REFRESH_NOTIFIED);
        break;
    case 1:
        tell(l, dice(2) ? REFRESH_ASKED : REFRESH_FORCED);
        break;
    case 2:
        reconfigure(l);
        break;
    case 3:
        l->b->now_us -= dice(3) * 1000000000LL; /* the clock is set back */
        break;
    case 4:
        l->newest += 1 + dice(3);
        break;
    case 5:
    case 6:
        primary_pass(l->b, (int64_t)dice(200) * 1000000);
        break;
    default:
        answer(l);
    }
    if (dice(2)) { /* else something else comes in between */
        primary_rest(l->b);
        if (primary_secondary(l->b)->call.state == CALL_OVER)
            until_read(l, primary.dialed);
    }
}

/* All is well from now on. */
static void come_to_rest(struct life *l)
{
    primary_rest(l->b);
    for (unsigned i = 0; i < 300; i++) {
        const struct refresh *r = &primary_secondary(l->b)->refresh;
        if (primary.count) {
            unsigned dialed = primary.dialed;
            answer_well(l);
            until_read(l, dialed);
        } else if (ours(l) == l->newest && !r->is_expired && r->failures == 0) {
            return;
        } else if (primary_secondary(l->b)->incoming) { /* cut, and still being read */
            until_read(l, primary.dialed);
        } else {
            int64_t us = r->wake_us == INT64_MAX ? 60000000 : r->wake_us - l->b->now_us;
            check(l);
            primary_pass(l->b, us > 0 ? us : 0);
        }
    }
    cr_assert_fail("serial %u is not reached, ours is %u: %s", l->newest, ours(l),
                   primary_secondary(l->b)->primaries[0].error);
}

static void live(uint64_t seed)
{
    struct life l = {.d = disk_new(), .newest = 0xfffffff0u, .zones = PRIMARY_Z};
    dice_state = seed * 0x9e3779b97f4a7c15u;
    l.b = l.d.bed;
    primary_start(l.b, PRIMARY_Z);
    disk_rest(l.b);
    primary_pass(l.b, 0);
    for (unsigned i = 0; i < STEPS; i++) {
        happen(&l);
        check(&l);
    }
    come_to_rest(&l);
    check(&l);
    cr_assert_eq(bed_serial(l.b, "z.example."), l.newest);
    cr_assert_eq(primary_host(l.b, "h0.z.example."), l.newest % 256);
    primary_pass(l.b, 2000000); /* what was expired is noted to be good within a second */
    primary_restart(l.b, l.zones);
    cr_assert_eq(bed_serial(l.b, "z.example."), l.newest, "after a restart");
    disk_free(&l.d);
}

Test(secondary_lives, end_in_the_zone_that_the_primary_has)
{
    for (uint64_t seed = 1; seed <= cases(60, 20); seed++)
        live(seed);
}
