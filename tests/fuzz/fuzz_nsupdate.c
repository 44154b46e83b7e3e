/* SPDX-License-Identifier: Apache-2.0
 * Any text as nsupdate's commands: refused with a sentence, or well-formed messages that have every
 * record. */
#include "base/check.h"
#include "dns/message.h"
#include "server/nsupdate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_section(const struct message *m, enum section s)
{
    static uint8_t room[RDATA_LEN_MAX];
    struct rr_reader reader = rr_reader_of(m, s);
    for (unsigned i = 0; i < m->count[s]; i++) {
        struct wr w = wr_over(room, sizeof(room));
        struct rr rr;
        enum rr_read result = rr_read(&reader, &w, &rr);
        ASSERT(result == RR_READ_OK);
    }
}

static void check_part(const struct nsupdate_part *p, bool is_first)
{
    struct message m;
    ASSERT(p->len <= DNS_MESSAGE_MAX && message_read_header(&m, p->wire, p->len));
    enum rcode rcode = message_read(&m);
    ASSERT(rcode == NOERROR && m.count[SECTION_ANSWER] == p->prereqs &&
           m.count[SECTION_AUTHORITY] == p->updates && (is_first || p->prereqs == 0));
    check_section(&m, SECTION_ANSWER);
    check_section(&m, SECTION_AUTHORITY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nsupdate n;
    struct diag diag = {0};
    struct nsupdate_options options = {.zone = {(const uint8_t *)"\7example", 9}};
    enum err e = nsupdate_read((const char *)data, size, &options, &n, &diag);
    ASSERT((e == OK) == (diag.text[0] == '\0'));
    uint64_t prereqs = 0, updates = 0;
    for (unsigned i = 0; e == OK && i < n.count; i++) {
        check_part(&n.part[i], i == 0);
        prereqs += n.part[i].prereqs;
        updates += n.part[i].updates;
    }
    ASSERT(e != OK || (prereqs == n.prereqs && updates == n.updates));
    nsupdate_done(&n);
    return 0;
}
