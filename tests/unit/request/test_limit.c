/* SPDX-License-Identifier: Apache-2.0
 * Connections per client: who counts as one client, and the table against a naive one under random
 * use. */
#include <arpa/inet.h>
#include <signal.h>
#include <string.h>

#include "request/limit.h"
#include "unit.h"

static union address v4(const char *text, uint16_t port)
{
    union address a;
    memset(&a, 0, sizeof(a));
    a.v4.sin_family = AF_INET;
    a.v4.sin_port = htons(port);
    cr_assert_eq(inet_pton(AF_INET, text, &a.v4.sin_addr), 1);
    return a;
}

static union address v6(const char *text, uint16_t port)
{
    union address a;
    memset(&a, 0, sizeof(a));
    a.v6.sin6_family = AF_INET6;
    a.v6.sin6_port = htons(port);
    cr_assert_eq(inet_pton(AF_INET6, text, &a.v6.sin6_addr), 1);
    return a;
}

static const struct hash_key key = {1, 2};

Test(limit, the_last_allowed_is_allowed_and_the_next_is_not)
{
    struct limit l;
    union address a = v4("192.0.2.1", 1000);
    limit_init(&l, key);
    for (int i = 0; i < 3; i++)
        cr_assert(limit_take(&l, &a, 3));
    cr_assert_not(limit_take(&l, &a, 3));
    cr_assert_eq(limit_count(&l, &a), 3, "what is refused is not counted");
    limit_give(&l, &a);
    cr_assert(limit_take(&l, &a, 3));
    limit_done(&l);
}

struct pair {
    union address a, b;
    bool is_one;
};

Test(limit, who_is_one_client)
{
    const struct pair rows[] = {
        {v4("192.0.2.1", 1), v4("192.0.2.1", 2), true},
        {v4("192.0.2.1", 1), v4("192.0.2.2", 1), false},
        {v6("2001:db8::1", 1), v6("2001:db8::1", 2), true},
        {v6("2001:db8::1", 1), v6("2001:db8::ffff:ffff:ffff:ffff", 1), true},
        {v6("2001:db8::1", 1), v6("2001:db8:0:1::1", 1), false},
        {v6("::1", 1), v4("0.0.0.0", 1), false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct limit l;
        limit_init(&l, key);
        cr_assert(limit_take(&l, &rows[i].a, 1));
        cr_assert_eq(limit_take(&l, &rows[i].b, 1), !rows[i].is_one, "row %zu", i);
        limit_done(&l);
    }
}

Test(limit, giving_back_what_was_not_taken_is_our_bug, .signal = SIGABRT)
{
    struct limit l;
    union address a = v4("192.0.2.1", 1);
    limit_init(&l, key);
    limit_give(&l, &a);
}

#define CLIENTS 3000

Test(limit, agrees_with_a_plain_array_under_random_use)
{
    static uint32_t model[CLIENTS];
    struct limit l;
    uint64_t state = 88172645463325252u;
    size_t used = 0;
    limit_init(&l, key);
    for (int step = 0; step < 400000; step++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        uint32_t client = (uint32_t)(state >> 32) % CLIENTS;
        union address a = v4("198.51.0.0", 53);
        a.v4.sin_addr.s_addr = htonl(ntohl(a.v4.sin_addr.s_addr) + client);
        /* first half: mostly more, so that the table grows; second: mostly fewer, so that it
         * empties */
        bool want_more = (state & 7) < (step < 200000 ? 5 : 3);
        if (want_more) {
            bool taken = limit_take(&l, &a, 4);
            cr_assert_eq(taken, model[client] < 4, "step %d", step);
            used += taken && !model[client];
            model[client] += taken;
        } else if (model[client]) {
            limit_give(&l, &a);
            used -= !--model[client];
        }
        cr_assert_eq(limit_count(&l, &a), model[client], "step %d", step);
        cr_assert_eq(l.used, used, "step %d", step);
    }
    for (uint32_t client = 0; client < CLIENTS; client++) {
        union address a = v4("198.51.0.0", 53);
        a.v4.sin_addr.s_addr = htonl(ntohl(a.v4.sin_addr.s_addr) + client);
        cr_assert_eq(limit_count(&l, &a), model[client]);
        while (model[client]--)
            limit_give(&l, &a);
    }
    cr_assert_eq(l.used, 0);
    limit_done(&l);
}
