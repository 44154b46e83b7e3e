/* SPDX-License-Identifier: Apache-2.0
 * The secrets of DNS cookies (RFC 9018 s5): drawn at the start, a new one after a while, and the
 * one before it is accepted until the next. */
#include "base/random.h"
#include "server/server_int.h"

/* A cookie is good for an hour, so the secret before is long out of use when it goes. */
#define ROTATE_US (INT64_C(24) * 3600 * 1000000)

static void rotate(void *arg, struct timer *t)
{
    struct server *s = arg;
    s->self.cookie_secret[1] = s->self.cookie_secret[0];
    random_bytes(&s->self.cookie_secret[0], sizeof(s->self.cookie_secret[0]));
    s->self.cookie_count = 2;
    timer_set(&s->timers, t, s->now_us + ROTATE_US);
}

void cookies_configure(struct server *s)
{
    if (!s->conf->cookies) {
        s->self.cookie_count = 0;
        timer_stop(&s->timers, &s->cookie_timer);
        return;
    }
    if (s->self.cookie_count)
        return; /* in use, and to be kept */
    random_bytes(&s->self.cookie_secret[0], sizeof(s->self.cookie_secret[0]));
    s->self.cookie_count = 1;
    s->cookie_timer.fire = rotate;
    timer_set(&s->timers, &s->cookie_timer, s->now_us + ROTATE_US);
}
