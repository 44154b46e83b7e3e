/* SPDX-License-Identifier: Apache-2.0
 * Zone files: any bytes are read without harm, and what is read prints to text that reads as the
 * same record.
 *
 * $INCLUDE is taken out: the input must not choose files of the machine. */
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "dns/master.h"
#include "dns/print.h"

#define RECORDS_MAX 200
/* Reading a line takes as long as a small input: the first records have to do. */
#define AGAIN_MAX   10

struct again {
    const struct rr *want;
    unsigned count;
};

static enum err expect_same(void *arg, const struct rr *rr, const struct master_where *where)
{
    struct again *again = arg;
    const struct rr *want = again->want;
    (void)where;
    ASSERT(name_is_same(rr->owner, want->owner) && rr->type == want->type && rr->ttl == want->ttl);
    ASSERT(rr->rdata.len == want->rdata.len &&
           memcmp(rr->rdata.bytes, want->rdata.bytes, rr->rdata.len) == 0);
    again->count++;
    return OK;
}

static enum err read_again(void *arg, const struct rr *rr, const struct master_where *where)
{
    static char line[PRINT_RR_MAX(RDATA_LEN_MAX)];
    struct text t;
    struct again again = {.want = rr};
    struct master_options options = {.origin = NAME_ROOT, .class = rr->class};
    struct master_sink sink = {.arg = &again, .record = expect_same};
    struct master_result result;
    unsigned *count = arg;
    ASSERT(where->line >= 1 && where->column >= 1);
    ASSERT(rdata_check(rr->type, rr->rdata, NULL));
    if (++*count > AGAIN_MAX)
        return OK;
    text_init(&t, line, sizeof(line));
    print_rr(rr, &t);
    ASSERT(!t.bad);
    ASSERT(master_read_bytes("line", line, text_len(&t), &options, &sink, &result, NULL) == OK);
    ASSERT(again.count == 1);
    return OK;
}

static void expect_sentence(void *arg, enum master_severity severity,
                            const struct master_where *where, const char *sentence)
{
    (void)arg;
    (void)severity;
    ASSERT(where->line >= 1 && where->column >= 1);
    ASSERT(sentence[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t example[] = "\7example";
    struct master_options options = {{example, sizeof(example)}, CLASS_IN, RECORDS_MAX};
    unsigned count = 0;
    struct master_sink sink = {.arg = &count, .record = read_again, .fault = expect_sentence};
    struct master_result result;
    struct diag diag;
    for (size_t i = 0; i + 8 <= size; i++)
        if (strncasecmp((const char *)data + i, "$INCLUDE", 8) == 0)
            return 0;
    enum err e =
        master_read_bytes("input", (const char *)data, size, &options, &sink, &result, &diag);
    ASSERT(e == OK ? result.faults == 0 : e == ERR_LIMIT || (e == ERR_SYNTAX && result.faults > 0));
    ASSERT(result.records <= RECORDS_MAX && result.faults <= MASTER_FAULTS_MAX);
    return 0;
}
