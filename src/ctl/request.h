/* SPDX-License-Identifier: Apache-2.0
 * The words of reevectl's command line as a request. */
#ifndef REEVE_CTL_REQUEST_H
#define REEVE_CTL_REQUEST_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "ctl/verb.h"

struct ctl_request {
    enum verb_id verb;
    json_t *json;       /* what is sent */
    const char *file;   /* the value of the argument that is the client's business; NULL: none */
    bool has_input;     /* a text goes ahead of it */
    const char *input;  /* the file that has it; NULL or "-": standard input */
    const char *socket; /* --socket; NULL: not given */
    bool is_json;       /* --json */
    bool is_help;       /* --help, help, or no word at all: nothing is asked */
    bool is_version;    /* --version */
};

/* ERR_SYNTAX with a sentence: wrong usage. `socket` and `file` point into argv. */
enum err ctl_request_read(int argc, char **argv, struct ctl_request *out, struct diag *diag);
void ctl_request_done(struct ctl_request *r);

#endif
