/* SPDX-License-Identifier: Apache-2.0
 * Timers as a binary heap that knows where each of them is. */
#include "base/timer.h"

#include <stdlib.h>

#include "base/arena.h"

#define CAP_FIRST 64

static void put(struct timers *all, size_t i, struct timer *t)
{
    all->heap[i] = t;
    t->place = i + 1;
}

static void sift_up(struct timers *all, size_t i)
{
    struct timer *t = all->heap[i];
    while (i > 0 && all->heap[(i - 1) / 2]->at_us > t->at_us) {
        put(all, i, all->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(all, i, t);
}

static void sift_down(struct timers *all, size_t i)
{
    struct timer *t = all->heap[i];
    for (size_t child; (child = 2 * i + 1) < all->count; i = child) {
        if (child + 1 < all->count && all->heap[child + 1]->at_us < all->heap[child]->at_us)
            child++;
        if (all->heap[child]->at_us >= t->at_us)
            break;
        put(all, i, all->heap[child]);
    }
    put(all, i, t);
}

static void move(struct timers *all, size_t i)
{
    sift_up(all, i);
    sift_down(all, all->heap[i]->place - 1);
}

void timers_done(struct timers *all)
{
    for (size_t i = 0; i < all->count; i++)
        all->heap[i]->place = 0;
    free(all->heap);
    *all = (struct timers){0};
}

static void add(struct timers *all, struct timer *t)
{
    if (all->count == all->cap) {
        all->cap = all->cap ? 2 * all->cap : CAP_FIRST;
        all->heap = mem_grow(all->heap, all->cap * sizeof(struct timer *));
    }
    put(all, all->count++, t);
}

void timer_set(struct timers *all, struct timer *t, int64_t at_us)
{
    if (at_us == INT64_MAX) {
        timer_stop(all, t);
        return;
    }
    t->at_us = at_us;
    if (!t->place)
        add(all, t);
    move(all, t->place - 1);
}

void timer_stop(struct timers *all, struct timer *t)
{
    if (!t->place)
        return;
    size_t i = t->place - 1;
    t->place = 0;
    struct timer *last = all->heap[--all->count];
    if (last == t)
        return;
    put(all, i, last);
    move(all, i);
}

int64_t timers_next(const struct timers *all)
{
    return all->count ? all->heap[0]->at_us : INT64_MAX;
}

void timers_shift(struct timers *all, int64_t by_us)
{
    for (size_t i = 0; i < all->count; i++)
        all->heap[i]->at_us += by_us;
}

bool timers_run(struct timers *all, int64_t now_us, unsigned budget, void *arg)
{
    while (timers_next(all) <= now_us) {
        if (budget-- == 0)
            return false;
        struct timer *t = all->heap[0];
        timer_stop(all, t);
        t->fire(arg, t);
    }
    return true;
}
