/* SPDX-License-Identifier: Apache-2.0
 * The table of verbs is what client and server think it is. */
#include <string.h>

#include "ctl/verb.h"
#include "unit.h"

Test(verb, is_found_by_its_name_and_by_what_others_call_it)
{
    static const struct row {
        const char *word;
        enum verb_id id;
    } rows[] = {
        {"zone", VERB_zone},          {"zonestatus", VERB_zone}, {"reconfig", VERB_reload},
        {"sync", VERB_export},        {"write", VERB_export},    {"zone-flush", VERB_export},
        {"log-level", VERB_loglevel}, {"loglevel", VERB_COUNT},  {"", VERB_COUNT},
        {"Zone", VERB_COUNT},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(verb_find(verb_alias(rows[i].word)), rows[i].id, "\"%s\"", rows[i].word);
}

/* What the parser of the command line and of requests takes for granted. */
Test(verb, rows_are_sound)
{
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        const struct verb *v = &verb_table[i];
        bool is_optional_now = false;
        cr_expect_eq(verb_find(v->name), i, "%s is there once", v->name);
        cr_expect_str_eq(verb_alias(v->name), v->name);
        cr_expect_gt(v->wait_s, 0, "%s", v->name);
        for (const struct verb_arg *a = v->args; a->name; a++) {
            cr_expect_eq(verb_arg_find(v, a->name), a, "%s has %s once", v->name, a->name);
            cr_expect(!a->letter || verb_arg_of_letter(v, a->letter) == a);
            cr_expect(strcmp(a->name, "verb") != 0 && strcmp(a->name, "json") != 0 &&
                      strcmp(a->name, "socket") != 0);
            cr_expect(a->place != VERB_MUST || !is_optional_now, "%s: %s", v->name, a->name);
            cr_expect((a->place == VERB_REST) == (a->kind == VERB_NAMES));
            is_optional_now = is_optional_now || a->place == VERB_MAYBE || a->place == VERB_REST;
        }
        cr_expect_null(verb_arg_of_letter(v, 0));
    }
}
