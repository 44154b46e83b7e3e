/* SPDX-License-Identifier: Apache-2.0
 * What the server asks others, in this process: kept instead of sent, so that a scenario can look
 * at it, and answer it or not. */
#ifndef REEVE_SCENARIO_SENT_H
#define REEVE_SCENARIO_SENT_H

#include "script.h"
#include "server/call.h"
#include "server/server.h"

/* One message. */
struct sent_message {
    struct list link;
    struct call *call; /* NULL: nothing is waited for any more */
    struct peer to;
    int64_t sent_us;
    int64_t until_us; /* when the call is over if nothing comes; INT64_MAX: it is paused */
    bool is_seen;     /* some step has expected it */
    size_t len;
    uint8_t bytes[];
};

struct sent {
    struct list messages; /* in the order they were sent */
};

void sent_init(struct sent *s);
/* Forgets all. */
void sent_done(struct sent *s);

/* server_hooks: */
void sent_dial(struct sent *s, struct call *c, int64_t now_us);
void sent_pause(struct sent *s, struct call *c, int64_t now_us);
void sent_hang_up(struct sent *s, struct call *c);

/* When the first call is over; INT64_MAX: none is waited for. */
int64_t sent_next_us(const struct sent *s);
/* Tells the server of calls that are over. */
void sent_time(struct sent *s, struct server *server, int64_t now_us);

/* Does STEP_SENT: looks at the oldest message that no step has expected, and gives what is to come
 * back. ERR_INVALID with a sentence: it is not what the step says. */
enum err sent_check(struct sent *s, struct server *server, const struct script *script,
                    const struct script_step *step, int64_t now_us, struct diag *diag);

#endif
