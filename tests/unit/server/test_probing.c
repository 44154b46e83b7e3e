/* SPDX-License-Identifier: Apache-2.0
 * A secondary's look at its primary's SOA: how it is asked, and what is made of the answer; and
 * whose NOTIFY leads to one. */
#include "primary.h"

#define KEYED                                                                               \
    "}\nkeys: {k: {secret: c2VjcmV0c2VjcmV0c2VjcmV0}, other: {secret: b3RoZXJvdGhlcg==}}\n" \
    "remotes: {p1: {address: 192.0.2.1@53, key: k}"

static void cut_all(void)
{
    while (primary.count)
        primary_cut(primary_call(), "no answer");
}

/* RFC 1035 s4.2.1, RFC 2181 s9: what is cut is not looked at, and all of it is had over TCP. */
Test(probing, what_is_cut_is_asked_for_over_tcp)
{
    struct disk d = primary_served(PRIMARY_Z);
    primary_look(d.bed);
    cr_assert_eq(primary_call()->to.transport, TRANSPORT_UDP);
    struct primary_answer *a = primary_answer(primary_call());
    a->wire[2] |= FLAG_TC >> 8;
    primary_soa(a, 9);
    primary_send(primary_call(), a);
    cr_assert_eq(primary_asked(), TYPE_SOA);
    cr_expect_eq(primary_call()->to.transport, TRANSPORT_TCP);
    primary_says(1);
    cr_expect_eq(primary.count, 0);
    cr_expect_eq(d.bed->server->count.primaries_failed, 0);
    disk_free(&d);
}

/* RFC 1982 s3.2: serials that are 2^31 apart have no order; neither is newer. */
Test(probing, a_serial_without_order_is_not_newer_and_is_told_of)
{
    struct disk d = primary_served(PRIMARY_Z);
    primary_look(d.bed);
    primary_says(1u + (1u << 31));
    cr_expect_eq(primary.count, 0);
    cr_expect_not_null(strstr(primary_secondary(d.bed)->primaries[0].error, "behind ours"));
    disk_free(&d);
}

/* RFC 7314 s4: the option says for how long the data is good yet. */
Test(probing, the_expire_option_bounds_the_datas_life)
{
    static const uint8_t opt[] = {0, 0, TYPE_OPT, 4, 0xd0, 0, 0, 0, 0, 0,
                                  8, 0, 9,        0, 4,    0, 0, 1, 0};
    struct disk d = primary_served(PRIMARY_Z);
    struct bed *b = d.bed;
    int64_t end_us = b->now_us + (PRIMARY_EXPIRE - 100) * INT64_C(1000000);
    while (b->now_us < end_us) {
        cut_all();
        primary_pass(b, 1000000);
    }
    cut_all();
    primary_look(b);
    struct primary_answer *a = primary_answer(primary_call());
    primary_soa(a, 1);
    wr_bytes(&a->w, opt, sizeof(opt));
    put_u16(a->wire + 10, 1);
    primary_send(primary_call(), a);
    cr_expect_eq(disk_zone(b, "z.example.")->entry->expires_us - b->now_us, 256 * INT64_C(1000000));
    disk_free(&d);
}

/* RFC 8945 s5.4: what is not signed may be forged. Where nothing better comes it says more than
 * that nothing came. */
Test(probing, remembers_an_answer_that_was_none)
{
    struct disk d = primary_disk_with(KEYED, PRIMARY_Z);
    struct bed *b = d.bed;
    cut_all();
    struct secondary *sec = primary_secondary(b);
    sec->refresh.has_data = true; /* that it has to look for news */
    secondary_step(b->server, sec, &(struct refresh_event){.kind = REFRESH_ASKED});
    cr_assert_eq(primary_asked(), TYPE_SOA);
    struct message m;
    uint8_t bytes[XFR_ASK_MAX];
    primary_question(primary_call(), &m);
    memcpy(bytes, m.wire, m.tsig_at);
    bytes[2] |= FLAG_QR >> 8;
    put_u16(bytes + 10, (uint16_t)(get_u16(bytes + 10) - 1));
    server_call_message(b->server, primary_call(), bytes, m.tsig_at);
    cr_assert_eq(primary.count, 1, "the true one may still come");
    cut_all();
    cr_expect_str_eq(sec->primaries[0].error, "the answer is not signed");
    disk_free(&d);
}

/* --- whose NOTIFY is heeded --- */

/* From the primary's address, signed with that key; NULL: unsigned. */
static unsigned notify_signed(struct bed *b, const char *key)
{
    uint8_t wire[1024], out[DNS_MESSAGE_MAX];
    struct tsig_session session = {0};
    size_t len = bed_query(wire, "z.example.", TYPE_SOA);
    wire[2] = OPCODE_NOTIFY << 3 | 0x04;
    if (key) {
        struct name_buf name;
        cr_assert_eq(name_scan(key, strlen(key), NAME_ROOT, &name, NULL), OK);
        tsig_session_start(&session, keyring_find(b->server->keyring, name_of(&name)));
        tsig_sign(&session, wire, &len, b->now_us);
        tsig_session_done(&session);
    }
    struct exchange x = {.in = wire, .in_len = len, .out = out};
    x.peer.address.v4.sin_family = AF_INET;
    x.peer.address.v4.sin_port = htons(4711);
    x.peer.address.v4.sin_addr.s_addr = htonl(0xc0000201);
    server_handle(b->server, &x, 1, b->now_us);
    cr_assert_geq(x.out_len, DNS_HEADER_LEN);
    return out[3] & FLAG_RCODE_MASK;
}

/* Any other key of ours is no primary's. */
Test(probing, notify_is_to_be_signed_with_the_primarys_key)
{
    struct disk d = primary_disk_with(KEYED, PRIMARY_Z);
    struct bed *b = d.bed;
    cut_all();
    cr_expect_eq(notify_signed(b, NULL), REFUSED);
    cr_expect_eq(notify_signed(b, "other."), REFUSED);
    cr_expect_eq(b->server->count.notifies_in_refused, 2);
    cr_expect_eq(notify_signed(b, "k."), NOERROR);
    primary_pass(b, 5000000); /* the least time after a failure */
    cr_expect_eq(primary_asked(), TYPE_AXFR);
    disk_free(&d);
}
