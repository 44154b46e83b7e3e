/* SPDX-License-Identifier: Apache-2.0
 * Where in its file a name stands that something is wrong with.
 *
 * A zone keeps no lines of its file. What is found once it is whole is kept here until all of it is
 * there, and then the file is read again, as far as needed. */
#ifndef REEVE_ZONE_PLACES_H
#define REEVE_ZONE_PLACES_H

#include "dns/master.h"

struct place {
    enum master_severity severity;
    struct name_buf owner;
    uint16_t type;  /* the record it is about; 0: the owner's first */
    char *sentence; /* what is wrong */
    char *file;     /* NULL: not found */
    uint32_t line, column;
};

struct places {
    struct place *place; /* in the order they were added in */
    unsigned count;
};

void places_add(struct places *p, enum master_severity severity, struct name owner, uint16_t type,
                const char *sentence);
/* Reads the file once more, up to the last of them. What stands in it no longer is not found. */
void places_find(struct places *p, const char *path, const struct master_options *options);
void places_free(struct places *p);

#endif
