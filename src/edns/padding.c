/* SPDX-License-Identifier: Apache-2.0
 * Padding (RFC 7830): what is in it is never looked at (s3: any value is to be accepted). It is not
 * answered: s6 forbids that where the transport is not encrypted, and none is so far. */
#include "edns/edns.h"

const struct edns_option edns_padding = {.repeat = EDNS_REPEAT_FIRST};
