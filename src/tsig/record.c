/* SPDX-License-Identifier: Apache-2.0
 * The TSIG record and the bytes that are signed. */
#include "tsig/record.h"

#include <string.h>

#include "base/check.h"

/* Key name, class, TTL, algorithm, time, fudge, error, other length. */
#define VARIABLES_MAX (2 * NAME_LEN_MAX + 2 + 4 + TSIG_TIME_LEN + 2 + 2 + 2)

enum rcode tsig_record_read(struct tsig_record *r, const struct message *m)
{
    size_t at = m->tsig_at;
    ASSERT(at != 0);
    /* the name may be compressed, also within this record's owner only (RFC 1035 s4.1.4) */
    if (!message_name(m->wire, m->len, &at, &r->name_buf))
        return FORMERR;
    r->name = name_of(&r->name_buf);
    struct rd frame = rd_over(m->wire + at, m->len - at);
    uint16_t type = rd_u16(&frame), class = rd_u16(&frame);
    uint32_t ttl = rd_u32(&frame);
    struct rd rdata = rd_sub(&frame, rd_u16(&frame));
    ASSERT(!frame.bad && type == TYPE_TSIG); /* message_read() has seen it */
    r->algorithm = rd_name(&rdata);          /* s4.2: not compressed */
    r->time_s = rd_u48(&rdata);
    r->fudge = rd_u16(&rdata);
    r->mac_size = rd_u16(&rdata);
    r->mac = rd_bytes(&rdata, r->mac_size);
    r->original_id = rd_u16(&rdata);
    r->error = rd_u16(&rdata);
    r->other_len = rd_u16(&rdata);
    r->other = rd_bytes(&rdata, r->other_len);
    /* s4.2: class and TTL MUST be these */
    bool is_sound = !rdata.bad && rd_left(&rdata) == 0 && class == CLASS_ANY && ttl == 0;
    return is_sound ? NOERROR : FORMERR;
}

void tsig_record_write(const struct tsig_record *r, struct wr *w)
{
    wr_bytes(w, r->name.wire, r->name.len);
    wr_u16(w, TYPE_TSIG);
    wr_u16(w, CLASS_ANY);
    wr_u32(w, 0);
    wr_u16(w, (uint16_t)(r->algorithm.len + TSIG_FIXED_LEN + r->mac_size + r->other_len));
    wr_bytes(w, r->algorithm.wire, r->algorithm.len);
    wr_u48(w, r->time_s);
    wr_u16(w, r->fudge);
    wr_u16(w, r->mac_size);
    wr_bytes(w, r->mac, r->mac_size);
    wr_u16(w, r->original_id);
    wr_u16(w, r->error);
    wr_u16(w, r->other_len);
    wr_bytes(w, r->other, r->other_len);
}

void tsig_body_set(struct tsig_body *body, const uint8_t *wire, size_t len, uint16_t original_id,
                   uint16_t extra)
{
    ASSERT(len >= DNS_HEADER_LEN && get_u16(wire + 10) >= extra);
    memcpy(body->header, wire, DNS_HEADER_LEN);
    put_u16(body->header, original_id);
    put_u16(body->header + 10, (uint16_t)(get_u16(wire + 10) - extra));
    body->rest = wire + DNS_HEADER_LEN;
    body->rest_len = len - DNS_HEADER_LEN;
}

void tsig_mac_start(struct mac *mac, const uint8_t *before, uint8_t len)
{
    uint8_t size[2];
    mac_start(mac);
    if (len == 0)
        return;
    put_u16(size, len);
    mac_add(mac, size, sizeof(size));
    mac_add(mac, before, len);
}

/* Table 2 of s4.3.3, less the other data; both names in canonical form. */
static void put_variables(struct wr *w, const struct tsig_key *key, const struct tsig_record *r)
{
    struct name algorithm = tsig_algorithm_name(key->algorithm);
    wr_bytes(w, key->name.wire, key->name.len);
    wr_u16(w, CLASS_ANY);
    wr_u32(w, 0);
    wr_bytes(w, algorithm.wire, algorithm.len);
    wr_u48(w, r->time_s);
    wr_u16(w, r->fudge);
    wr_u16(w, r->error);
    wr_u16(w, r->other_len);
}

void tsig_mac_end(struct mac *mac, const struct tsig_key *key, const struct tsig_body *body,
                  const struct tsig_record *r, enum tsig_cover cover, uint8_t out[TSIG_MAC_MAX])
{
    uint8_t bytes[VARIABLES_MAX];
    struct wr w = wr_over(bytes, sizeof(bytes));
    mac_add(mac, body->header, sizeof(body->header));
    mac_add(mac, body->rest, body->rest_len);
    if (cover == TSIG_TIMERS) {
        wr_u48(&w, r->time_s);
        wr_u16(&w, r->fudge);
    } else {
        put_variables(&w, key, r);
    }
    ASSERT(!w.bad);
    mac_add(mac, bytes, wr_len(&w));
    if (cover == TSIG_VARIABLES)
        mac_add(mac, r->other, r->other_len);
    mac_end(mac, out, key->algorithm->mac_len);
}
