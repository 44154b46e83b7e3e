/* SPDX-License-Identifier: Apache-2.0
 * reeved --check: loads every zone of a configuration as the server would, and says what is
 * wrong. */
#ifndef REEVE_SERVER_CHECK_H
#define REEVE_SERVER_CHECK_H

#include <stdio.h>

#include "conf/conf.h"

/* One line per fault, `file:line:column: message` (warnings with "warning: " before the message),
 * to `out`. The number of zones that would not load. */
unsigned server_check_zones(const struct conf *conf, FILE *out);

#endif
