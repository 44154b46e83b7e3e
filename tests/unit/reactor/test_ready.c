/* SPDX-License-Identifier: Apache-2.0
 * What many listening sockets take of a turn, and in which order. */
#include "reactor/ready.h"
#include "unit.h"

#define PIECE  32
#define BUDGET 128
#define MAX    100

struct desk {
    struct ready ready;
    struct listen_set set;
    struct listener listener[MAX];
    unsigned held[MAX];  /* in the kernel's buffer */
    unsigned taken[MAX]; /* in this turn */
    unsigned looks;
};

static bool take(void *arg, struct listener *l, unsigned *budget)
{
    struct desk *d = arg;
    size_t i = (size_t)(l - d->listener);
    unsigned n = d->held[i] < PIECE ? d->held[i] : PIECE;
    d->looks++;
    d->held[i] -= n;
    d->taken[i] += n;
    *budget -= n < *budget ? n : *budget;
    return n == PIECE;
}

static void desk_start(struct desk *d, unsigned count, unsigned held)
{
    *d = (struct desk){0};
    list_init(&d->set.all);
    ready_init(&d->ready, BUDGET, take, d);
    for (unsigned i = 0; i < count; i++) {
        d->listener[i].transport = TRANSPORT_UDP;
        d->listener[i].io.active = 1; /* as if a loop watched it */
        list_init(&d->listener[i].turn);
        list_add_last(&d->set.all, &d->listener[i].link);
        d->held[i] = held;
    }
}

/* All of them have something, as the loop would say it, always in the same order; gives what was
 * taken. */
static unsigned turn(struct desk *d, unsigned count)
{
    unsigned sum = 0;
    ready_renew(&d->ready);
    for (unsigned i = 0; i < count; i++)
        d->taken[i] = 0;
    for (unsigned i = 0; i < count; i++)
        if (d->held[i])
            ready_serve(&d->ready, &d->listener[i]);
    for (unsigned i = 0; i < count; i++)
        sum += d->taken[i];
    return sum;
}

Test(ready, one_socket_has_the_whole_turn)
{
    struct desk d;
    desk_start(&d, 1, 1000);
    cr_expect_eq(turn(&d, 1), BUDGET);
    cr_expect_eq(turn(&d, 1), BUDGET);
    cr_expect_eq(d.held[0], 1000 - 2 * BUDGET);
}

Test(ready, a_turn_is_no_longer_for_a_hundred_sockets)
{
    struct desk d;
    desk_start(&d, MAX, 1000000);
    for (unsigned i = 0; i < 1000; i++)
        cr_assert_eq(turn(&d, MAX), BUDGET);
}

Test(ready, whoever_the_loop_names_first_all_have_the_same)
{
    struct desk d;
    desk_start(&d, MAX, 1000000);
    for (unsigned i = 0; i < 5 * MAX; i++)
        turn(&d, MAX);
    for (unsigned i = 0; i < MAX; i++) {
        unsigned taken = 1000000 - d.held[i]; /* 5 turns' worth each */
        cr_expect_geq(taken, 5 * BUDGET - PIECE, "socket %u: %u", i, taken);
        cr_expect_leq(taken, 5 * BUDGET + BUDGET, "socket %u: %u", i, taken);
    }
}

Test(ready, the_one_with_little_waits_for_one_piece_of_each_other)
{
    struct desk d;
    desk_start(&d, MAX, 1000000);
    d.held[MAX - 1] = 0;
    for (unsigned i = 0; i < 10; i++)
        turn(&d, MAX);
    d.held[MAX - 1] = 1;
    unsigned turns = 0;
    do
        turn(&d, MAX);
    while (++turns < MAX && d.held[MAX - 1]);
    cr_expect_leq(turns, MAX * PIECE / BUDGET + 1, "%u", turns);
}

Test(ready, all_are_looked_at_between_others_work)
{
    struct desk d;
    desk_start(&d, MAX, 1);
    d.listener[3].transport = TRANSPORT_TCP;
    d.listener[4].io.active = 0; /* accepting rests */
    ready_look(&d.ready, &d.set, TRANSPORT_UDP, BUDGET);
    for (unsigned i = 0; i < MAX; i++)
        cr_expect_eq(d.held[i], i == 3 || i == 4, "socket %u", i);
    cr_expect_eq(d.looks, MAX - 2);
}

Test(ready, looking_at_all_takes_no_more_than_it_may_and_nothing_of_the_turn)
{
    struct desk d;
    desk_start(&d, MAX, 1000);
    ready_look(&d.ready, &d.set, TRANSPORT_UDP, BUDGET);
    cr_expect_eq(d.looks, BUDGET / PIECE);
    cr_expect_eq(d.ready.spare, BUDGET);
    ready_look(&d.ready, &d.set, TRANSPORT_UDP, BUDGET);
    cr_expect_eq(d.held[2 * BUDGET / PIECE - 1], 1000 - PIECE, "and goes on with the next");
    cr_expect_eq(d.held[2 * BUDGET / PIECE], 1000);
}
