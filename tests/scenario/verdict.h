/* SPDX-License-Identifier: Apache-2.0
 * Compares an answer with what a step expects. */
#ifndef REEVE_SCENARIO_VERDICT_H
#define REEVE_SCENARIO_VERDICT_H

#include <stdio.h>

#include "script.h"

/* An answer as it came. len 0: none came. */
struct verdict_input {
    const struct script_step *step;
    enum script_transport transport;
    const uint8_t *wire;
    size_t len;
    /* the messages behind the first one, each with its length in front as over TCP */
    const uint8_t *more;
    size_t more_len;
    size_t udp_size; /* the server's largest UDP answer */
};

/* True if all is as expected; else every difference was printed to out, a line or more for each. */
bool verdict_is_fine(const struct verdict_input *in, FILE *out);

#endif
