/* SPDX-License-Identifier: Apache-2.0
 * What the tests of the zone file reader share: a sink that writes down all it is told. */
#ifndef REEVE_TESTS_HEARD_H
#define REEVE_TESTS_HEARD_H

#include <string.h>

#include "base/attr.h"
#include "dns/master.h"
#include "dns/print.h"
#include "unit.h"

static const uint8_t example[] = "\7example";
static const struct master_options options = {{example, sizeof(example)}, CLASS_IN, 0};

/* All that a reader says, one line each: records as print_rr() has them, "! line:column" for
 * faults, "? line:column" for warnings, with the last component of the file's name before it when
 * it is not the first. */
struct heard {
    char buf[1 << 16];
    struct text text;
    char sentences[1 << 14];
    struct text said;
    uint64_t count;
};

static inline enum err hear_record(void *arg, const struct rr *rr, const struct master_where *where)
{
    struct heard *h = arg;
    cr_assert(where->line >= 1 && where->column >= 1 && where->file);
    h->count++;
    print_rr(rr, &h->text);
    text_char(&h->text, '\n');
    return OK;
}

static inline void hear_fault(void *arg, enum master_severity severity,
                              const struct master_where *where, const char *sentence)
{
    struct heard *h = arg;
    const char *slash = strrchr(where->file, '/');
    text_fmt(&h->text, "%c %s%s%u:%u\n", severity == MASTER_ERROR ? '!' : '?',
             slash ? slash + 1 : "", slash ? ":" : "", where->line, where->column);
    text_fmt(&h->said, "%s\n", sentence);
}

static inline void heard_init(struct heard *h)
{
    h->count = 0;
    text_init(&h->text, h->buf, sizeof(h->buf));
    text_init(&h->said, h->sentences, sizeof(h->sentences));
}

static inline struct master_sink sink_of(struct heard *h)
{
    return (struct master_sink){.arg = h, .record = hear_record, .fault = hear_fault};
}

#endif
