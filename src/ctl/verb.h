/* SPDX-License-Identifier: Apache-2.0
 * What client and server of the control socket have in common: the verbs with their arguments, and
 * the size of what goes over the line.
 *
 * The protocol: a request is one line with one flat JSON object: {"verb": "zone", "zone":
 * "example.com"}. The answer is one line or several; each is one object; all but the last have
 * "more": true, the last has "ok": true, or "ok": false with "error": a sentence (and "usage": true
 * when the request itself was wrong). Requests of one client are answered in order. A long text (an
 * update) may go ahead of its request in lines {"part": "..."}, which are not answered. */
#ifndef REEVE_CTL_VERB_H
#define REEVE_CTL_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of one request's line, without the newline: what is parsed in one go takes less than a
 * millisecond. */
#define CONTROL_LINE_MAX    65536
/* Bytes of text in one {"part": ...}: every byte may need six in JSON. */
#define CONTROL_PART_MAX    10000
#define CONTROL_SOCKET_PATH "/run/reeve/control.sock"

enum verb_kind {
    VERB_TEXT,
    VERB_NAME,   /* a domain name; absolute, with or without final dot */
    VERB_NAMES,  /* a list of them */
    VERB_NUMBER, /* 0..2^32-1 */
    VERB_PATH,   /* of a file or folder, for the server: the client makes it absolute */
    VERB_YES,    /* an option without value; true */
    VERB_FILE,   /* the client's business: not sent */
    /* a file, or else standard input, whose text the client sends ahead */
    VERB_INPUT
};

enum verb_place {
    VERB_MUST,  /* by position, has to be there */
    VERB_MAYBE, /* by position, may be left out */
    VERB_REST,  /* all positions that are left, may be none */
    VERB_OPTION /* --name VALUE, and -l VALUE where it has a letter */
};

struct verb_arg {
    const char *name; /* in JSON and after "--"; NULL: no argument */
    char letter;      /* 0: none */
    enum verb_kind kind;
    enum verb_place place;
    const char *what; /* what help shows as the value */
};

#define VERB_ARGS_MAX 8

struct verb {
    const char *name;
    unsigned wait_s;
    const char *what;
    struct verb_arg args[VERB_ARGS_MAX + 1]; /* ended by one without a name */
};

enum verb_id {
#define VERB(id, ...) VERB_##id,
#include "ctl/verb.tbl.h"
#undef VERB
    VERB_COUNT
};

extern const struct verb verb_table[VERB_COUNT];

/* By name; aliases are the client's to resolve. VERB_COUNT: there is none. */
enum verb_id verb_find(const char *name);
/* The name that the alias stands for, or itself. */
const char *verb_alias(const char *name);
/* NULL: the verb has no such argument. */
const struct verb_arg *verb_arg_find(const struct verb *v, const char *name);
const struct verb_arg *verb_arg_of_letter(const struct verb *v, char letter);

#endif
