/* SPDX-License-Identifier: Apache-2.0
 * See given.h. */
#include "given.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zone/load.h"

struct zone *given_zone(int argc, char **argv, const char *usage)
{
    struct load_limits limits = {0};
    struct load_sink sink = {0};
    struct load_result result;
    struct diag diag = {0};
    struct name_buf apex;
    if (argc < 3 || name_scan(argv[1], strlen(argv[1]), NAME_ROOT, &apex, &diag) != OK) {
        fprintf(stderr, "usage: %s\n", usage);
        exit(2);
    }
    struct zone *z = load_zone_file(name_of(&apex), argv[2], &limits, &sink, &result, &diag);
    if (!z) {
        fprintf(stderr, "%s\n", diag.text);
        exit(1);
    }
    return z;
}
