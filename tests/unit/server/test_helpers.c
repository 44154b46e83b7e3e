/* SPDX-License-Identifier: Apache-2.0
 * The helpers: every task given comes back once, in the end all memory is back, whenever the end
 * comes. */
#include <sched.h>

#include "bed.h"
#include "server/opening.h"

enum fate { FATE_GIVEN, FATE_RUN, FATE_DONE, FATE_DROPPED };

struct work {
    struct job job;
    struct bed *bed;
    const atomic_bool *is_ending; /* not NULL: runs until it is set */
    _Atomic enum fate fate;
    unsigned number;
    int policy; /* of the thread that it ran in */
};

/* What done() has been called for, in order. */
struct owner {
    unsigned count, number[64];
};

static void work_run(struct job *t)
{
    struct work *w = container_of(t, struct work, job);
    cr_assert_eq(w->fate, FATE_GIVEN);
    while (w->is_ending && !atomic_load(w->is_ending))
        sched_yield();
    w->policy = sched_getscheduler(0);
    w->fate = FATE_RUN;
}

static void work_done(void *owner, struct job *t)
{
    struct work *w = container_of(t, struct work, job);
    struct owner *o = owner;
    cr_assert_eq(w->fate, FATE_RUN, "done after run, once");
    w->fate = FATE_DONE;
    o->number[o->count++] = w->number;
}

static void work_drop(struct job *t)
{
    struct work *w = container_of(t, struct work, job);
    cr_assert_neq(w->fate, FATE_DONE);
    cr_assert_neq(w->fate, FATE_DROPPED);
    w->fate = FATE_DROPPED;
}

static const struct job_kind kind = {work_run, work_done, work_drop};

static void collect(struct bed *b, struct helpers *h, struct owner *o)
{
    while (!helpers_collect(h, o))
        cr_assert(bed_wait(b));
}

Test(helpers, give_each_task_back_once)
{
    enum { TASKS = 40 };
    struct bed *b = bed_new();
    struct helpers *h = helpers_new(3, bed_wake, b);
    struct work work[TASKS] = {0};
    struct owner owner = {0};
    cr_assert_not_null(h);
    for (unsigned i = 0; i < TASKS; i++) {
        work[i].number = i;
        helpers_give(h, &work[i].job, &kind, PACE_AWAITED);
    }
    for (unsigned left = TASKS; left > 0; left--) {
        cr_assert_eq(helpers_pending(h), left);
        collect(b, h, &owner);
    }
    cr_expect_not(helpers_collect(h, &owner));
    for (unsigned i = 0; i < TASKS; i++)
        cr_expect_eq(work[i].fate, FATE_DONE, "task %u", i);
    helpers_free(h);
    bed_free(b);
}

Test(helpers, begin_tasks_in_order_but_for_those_that_go_first)
{
    struct bed *b = bed_new();
    struct helpers *h = helpers_new(1, bed_wake, b);
    atomic_bool go = false;
    struct work work[4] = {{.is_ending = &go}, {.number = 1}, {.number = 2}, {.number = 3}};
    struct owner owner = {0};
    helpers_give(h, &work[0].job, &kind, PACE_AWAITED);
    helpers_give(h, &work[1].job, &kind, PACE_BEHIND);
    helpers_give(h, &work[2].job, &kind, PACE_AWAITED);
    cr_expect_eq(helpers_pending(h), 3);
    helpers_give(h, &work[3].job, &kind, PACE_FIRST);
    cr_expect_eq(helpers_pending(h), 3, "nobody waits for memory to be given back");
    atomic_store(&go, true);
    while (owner.count < 4)
        collect(b, h, &owner);
    /* the thread may have taken the first one late, after the one that goes first was given */
    unsigned at_1 = 0, at_2 = 0, at_3 = 0;
    for (unsigned i = 0; i < 4; i++) {
        at_1 = owner.number[i] == 1 ? i : at_1;
        at_2 = owner.number[i] == 2 ? i : at_2;
        at_3 = owner.number[i] == 3 ? i : at_3;
    }
    cr_expect_lt(at_1, at_2);
    cr_expect_lt(at_3, at_1);
    helpers_free(h);
    bed_free(b);
}

/* Loads whose last good version answers meanwhile run where nobody else wants to; from then on the
 * thread does, so that what a primary waits for is none of its business. */
Test(helpers, read_transfers_in_threads_that_never_step_back)
{
    struct bed *b = bed_new();
    struct helpers *h = helpers_new(1, bed_wake, b);
    struct work behind = {.number = 1}, take = {.number = 2};
    struct owner owner = {0};
    helpers_give(h, &behind.job, &kind, PACE_BEHIND);
    collect(b, h, &owner);
    cr_expect_eq(behind.policy, SCHED_IDLE);
    helpers_give(h, &take.job, &kind, PACE_TAKE);
    cr_expect_eq(helpers_pending(h), 0, "who waits for loads does not wait for it");
    collect(b, h, &owner);
    cr_expect_eq(take.fate, FATE_DONE);
    cr_expect_eq(take.policy, SCHED_OTHER);
    helpers_free(h);
    bed_free(b);
}

Test(helpers, can_end_with_tasks_waiting_under_way_and_not_collected)
{
    enum { TASKS = 20 };
    struct bed *b = bed_new();
    for (unsigned round = 0; round < 20; round++) {
        struct helpers *h = helpers_new(2, bed_wake, b);
        struct work work[TASKS] = {0};
        b->wakes = 0;
        for (unsigned i = 0; i < TASKS; i++) {
            work[i].is_ending = i >= 2 ? helpers_is_ending(h) : NULL;
            helpers_give(h, &work[i].job, &kind, PACE_AWAITED);
        }
        if (round % 2)
            bed_wait_wakes(b, 1);
        helpers_free(h);
        for (unsigned i = 0; i < TASKS; i++)
            cr_assert_eq(work[i].fate, FATE_DROPPED, "task %u", i);
    }
    helpers_free(NULL);
    bed_free(b);
}

Test(helpers, need_nobody_to_wake)
{
    struct helpers *h = helpers_new(1, NULL, NULL);
    struct work work = {0};
    struct owner owner = {0};
    struct timespec end = bed_deadline(), now;
    helpers_give(h, &work.job, &kind, PACE_AWAITED);
    do
        clock_gettime(CLOCK_REALTIME, &now);
    while (!helpers_collect(h, &owner) && now.tv_sec < end.tv_sec);
    cr_assert_eq(helpers_pending(h), 0);
    cr_assert_eq(work.fate, FATE_DONE);
    helpers_free(h);
}

/* What a file of so many RRsets was, as base_write() has it. */
static uint8_t *file_bytes(uint32_t rows, size_t *len)
{
    *len = 26 + (size_t)rows * 20;
    uint8_t *bytes = mem_alloc_zero(*len);
    struct wr w = wr_over(bytes, *len);
    wr_u8(&w, 1); /* the format */
    w.at += 17;
    wr_u32(&w, 1); /* the serial */
    wr_u32(&w, rows);
    for (uint32_t i = 0; i < rows; i++) {
        w.at += 8;
        wr_u32(&w, i);
        w.at += 8;
    }
    return bytes;
}

static const struct base *file_base(uint32_t rows)
{
    struct base *base = NULL;
    size_t len;
    struct diag diag;
    uint8_t *bytes = file_bytes(rows, &len);
    cr_assert_eq(base_read(bytes, len, &base, &diag), OK, "%s", diag.text);
    free(bytes);
    return base;
}

/* What an opening may have left of a zone's file, and what else lets go of it. */
Test(helpers, free_what_the_file_of_a_large_zone_was)
{
    enum { OLD, NEW, OLD_BYTES, NEW_BYTES, ALONE, KINDS, SMALL = 16000, LARGE = 60000 };
    struct bed *b = bed_new();
    struct helpers *h = helpers_new(1, bed_wake, b);
    for (unsigned i = 0; i < 2 * KINDS; i++) {
        struct opening *o = mem_alloc_zero(sizeof(*o));
        unsigned what = i / 2, rows = i % 2 ? LARGE : SMALL;
        const struct base **base = what == OLD ? &o->base : &o->new_base;
        if (what == OLD || what == NEW)
            *base = file_base(rows);
        if (what == OLD_BYTES)
            o->log.base = file_bytes(rows, &o->log.base_len);
        if (what == NEW_BYTES)
            o->base_bytes = file_bytes(rows, &o->base_len);
        if (what == ALONE)
            base_drop(h, file_base(rows));
        opening_drop(h, o);
        if (rows == LARGE)
            collect(b, h, NULL);
        cr_expect_not(helpers_collect(h, NULL), "%u of %u rows", what, rows);
    }
    helpers_free(h);
    bed_free(b);
}
