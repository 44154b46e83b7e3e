/* SPDX-License-Identifier: Apache-2.0
 * Collecting faults of the configuration, with their places, while the rest is still looked at. */
#ifndef REEVE_CONF_FAULT_H
#define REEVE_CONF_FAULT_H

#include <stdbool.h>

#include "base/attr.h"
#include "conf/conf.h"

/* Texts from the file are quoted in messages up to so many bytes: "%.*s" with QUOTED(s). */
#define FAULT_QUOTE_MAX 80
#define QUOTED(s)       FAULT_QUOTE_MAX, (s)

/* Adds one, made printable and cut to fit; past CONF_FAULTS_MAX it is only counted. */
void fault_add(struct conf_faults *faults, struct conf_at at, const char *fmt, ...)
    ATTR_PRINTF(3, 4);
/* The same for what does not stop the configuration from being taken. */
void fault_warn(struct conf_faults *faults, struct conf_at at, const char *fmt, ...)
    ATTR_PRINTF(3, 4);
/* Forgets all. */
void fault_reset(struct conf_faults *faults);
/* No fault would be kept any more: what is costly to say may be left unsaid. */
bool fault_is_full(const struct conf_faults *faults);
/* In the order of their places; equal places stay as they came. */
void fault_sort(struct conf_faults *faults);

#endif
