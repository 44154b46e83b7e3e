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

/* The words of a kind (LEVEL, SERIAL...); YES_NO has some too. NULL for other kinds. */
const struct word *word_set(enum setting_kind kind);
/* The first word for the value, which has one. */
const char *word_text(enum setting_kind kind, int value);
/* Case is ignored; NULL if it is none of them. */
const struct word *word_find(const struct word *set, const char *text);
/* "error, warning, notice, info or debug" */
void word_show_all(const struct word *set, struct text *t);
/* The word most like the text, or NULL. */
const char *word_suggest(const struct word *set, const char *text);

#endif
