/* SPDX-License-Identifier: Apache-2.0
 * The verbs, and finding them. */
#include "ctl/verb.h"

#include <string.h>

#include "base/attr.h"

const struct verb verb_table[VERB_COUNT] = {
#define VERB(id, name, wait_s, what, ...) [VERB_##id] = {name, wait_s, what, {__VA_ARGS__}},
#include "ctl/verb.tbl.h"
#undef VERB
};

static const struct alias {
    const char *alias, *name;
} aliases[] = {
#define ALIAS(alias, name) {alias, name},
#include "ctl/verb.tbl.h"
#undef ALIAS
};

enum verb_id verb_find(const char *name)
{
    unsigned id = 0;
    while (id < VERB_COUNT && strcmp(verb_table[id].name, name) != 0)
        id++;
    return (enum verb_id)id;
}

const char *verb_alias(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
        if (strcmp(aliases[i].alias, name) == 0)
            return aliases[i].name;
    return name;
}

const struct verb_arg *verb_arg_find(const struct verb *v, const char *name)
{
    for (const struct verb_arg *a = v->args; a->name; a++)
        if (strcmp(a->name, name) == 0)
            return a;
    return NULL;
}

const struct verb_arg *verb_arg_of_letter(const struct verb *v, char letter)
{
    for (const struct verb_arg *a = v->args; a->name; a++)
        if (a->letter && a->letter == letter)
            return a;
    return NULL;
}
