/* SPDX-License-Identifier: Apache-2.0
 * A lock that is taken in the order of asking: a mutex would let a helper with many pieces of work
 * keep the thread out. */
#include "log/journal_int.h"

void gate_init(struct gate *g)
{
    *g = (struct gate){0};
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->turn, NULL);
}

void gate_done(struct gate *g)
{
    pthread_cond_destroy(&g->turn);
    pthread_mutex_destroy(&g->lock);
}

void gate_enter(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    uint64_t mine = g->next++;
    while (g->serving != mine)
        pthread_cond_wait(&g->turn, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

void gate_leave(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->serving++;
    if (g->serving != g->next)
        pthread_cond_broadcast(&g->turn);
    pthread_mutex_unlock(&g->lock);
}
