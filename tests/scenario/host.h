/* SPDX-License-Identifier: Apache-2.0
 * A server in this process for one scenario: its zones and its state in a directory of its own, no
 * sockets, and a clock that only the scenario moves. */
#ifndef REEVE_SCENARIO_HOST_H
#define REEVE_SCENARIO_HOST_H

#include "script.h"
#include "server/server.h"

struct host;

/* All zones are loaded (or have failed to) when it returns. NULL: diag says why. */
struct host *host_new(const struct script *script, struct diag *diag);
/* Stops the server and removes its directory. NULL is fine. */
void host_free(struct host *h);

/* One message in, its answer out. Both lie in memory of their exact size, so that a sanitizer
 * sees every step beyond. */
struct host_exchange {
    const struct script_step *step;
    enum script_transport transport;
    uint8_t *answer; /* host_exchange_done() frees it */
    size_t len;      /* 0: none */
    uint8_t
        *more; /* a transfer: the messages behind the first one, each with its length before it */
    size_t more_len;
    bool is_ready;       /* more of the transfer can be had */
    struct later *later; /* not NULL: the answer is still to come */
};
/* Hands the messages over in one turn; count <= SERVER_BATCH_MAX. */
void host_ask(struct host *h, struct host_exchange *x, unsigned count);
void host_exchange_done(struct host_exchange *x, unsigned count);

/* Does a step that has no answer. ERR_INVALID, ERR_SYSTEM: it could not be done. */
enum err host_do(struct host *h, const struct script_step *step, struct diag *diag);

#endif
