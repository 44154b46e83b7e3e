/* SPDX-License-Identifier: Apache-2.0
 * Reading the records of an update: names that cannot be read, compressed ones, and the end of
 * memory. */
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "bed.h"

static const char zone[] = "@ 300 SOA ns h 10 3600 900 1209600 300\n@ 300 NS ns\n";

/* Runs an update whose one operation is the bytes behind the zone section, at offset 25. */
static enum rcode run(struct bed *b, const uint8_t *record, size_t len, uint16_t count)
{
    static const uint8_t head[] = {
        0, 1, OPCODE_UPDATE << 3, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e',
        0, 0, TYPE_SOA,           0, 1};
    memcpy(b->wire, head, sizeof(head));
    put_u16(b->wire + 8, count);
    memcpy(b->wire + sizeof(head), record, len);
    cr_assert(message_read_header(&b->q.msg, b->wire, sizeof(head) + len));
    cr_assert_eq(message_read(&b->q.msg), NOERROR);
    struct txn *t = txn_begin(b->zone, TXN_CHANGE);
    enum rcode rcode = update_run(&b->q, &b->rules, &b->actor, t, &b->report);
    if (rcode == NOERROR)
        zone_publish(b->zone, txn_seal(&t, NULL));
    txn_abort(&t);
    return rcode;
}

Test(items, names_are_decompressed)
{
    struct bed *b = bed_new(zone);
    /* www.example. MX 1 mail.www.example., both by pointers */
    static const uint8_t record[] = {3, 'w', 'w', 'w', 0xc0, 12,   0, TYPE_MX, 0,
                                     1, 0,   0,   0,   60,   0,    9, 0,       1,
                                     4, 'm', 'a', 'i', 'l',  0xc0, 25};
    cr_assert_eq(run(b, record, sizeof(record), 1), NOERROR, "%s", b->report.reason);
    cr_expect(strstr(bed_dump(b), "www.example. 60 MX 1 mail.www.example.\n"), "%s", bed_dump(b));
    bed_free(b);
}

Test(items, an_owner_that_cannot_be_read_is_formerr)
{
    struct bed *b = bed_new(zone);
    /* pointers to themselves, forward, to the middle of nowhere */
    static const uint8_t targets[] = {25, 40, 200};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        uint8_t record[] = {0xc0, targets[i], 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, 1, 2, 3, 4};
        cr_expect_eq(run(b, record, sizeof(record), 1), FORMERR);
        cr_expect_str_eq(b->report.reason, "malformed owner name");
    }
    bed_free(b);
}

Test(items, a_ttl_of_32_bits_is_0)
{
    /* RFC 2181 s8 */
    struct bed *b = bed_new(zone);
    static const uint8_t record[] = {1, 'a', 0xc0, 12, 0, TYPE_A, 0, 1, 0x80,
                                     0, 0,   60,   0,  4, 1,      2, 3, 4};
    cr_assert_eq(run(b, record, sizeof(record), 1), NOERROR);
    cr_expect(strstr(bed_dump(b), "a.example. 0 A 1.2.3.4\n"), "%s", bed_dump(b));
    bed_free(b);
}

Test(items, that_do_not_fit_the_memory_of_a_request_are_servfail)
{
    struct bed *b = bed_new(zone);
    enum { EACH = 16, COUNT = 3000 };
    uint8_t *records = mem_alloc_zero(EACH * COUNT);
    static const uint8_t record[EACH] = {1, 'a', 0xc0, 12, 0, TYPE_A, 0, 1,
                                         0, 0,   0,    60, 0, 2,      1, 2};
    for (int i = 0; i < COUNT; i++)
        memcpy(records + i * EACH, record, EACH);
    size_t limit = b->arena.limit;
    b->arena.limit = 65536;
    cr_expect_eq(run(b, records, EACH * COUNT, COUNT), SERVFAIL);
    cr_expect_eq(b->count.arena_full, 1);
    arena_reset(&b->arena);
    b->arena.limit = limit;
    cr_expect_eq(run(b, records, EACH * COUNT, COUNT), FORMERR, "and else it is an A of two bytes");
    cr_expect_eq(b->count.arena_full, 1);
    free(records);
    bed_free(b);
}
