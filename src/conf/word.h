/* SPDX-License-Identifier: Apache-2.0
 * Settings that are one of a few words. */
#ifndef REEVE_CONF_WORD_H
#define REEVE_CONF_WORD_H

#include "base/text.h"
#include "conf/setting.h"

struct word {
    const char *text; /* NULL ends a set */
    int value;
};

/* The words of a kind (LEVEL, FORM, TARGET); YES_NO has one too. NULL for other kinds. */
const struct word *word_set(enum setting_kind kind);
/* Case is ignored; NULL if it is none of them. */
const struct word *word_find(const struct word *set, const char *text);
/* "error, warning, notice, info or debug" */
void word_show_all(const struct word *set, struct text *t);
/* The word most like the text, or NULL. */
const char *word_suggest(const struct word *set, const char *text);

#endif
