/* SPDX-License-Identifier: Apache-2.0
 * Serving signed requests: RFC 8945 s5.2 and s5.3.
 *
 * The order is the RFC's: key, MAC, time, truncation. Nothing of a request is signed over before
 * its MAC has been verified (s10.1): until then s->mac_len is 0 and the answer's TSIG is empty. */
#include "tsig/tsig.h"

#include <string.h>

#include "base/check.h"
#include "base/secret.h"
#include "tsig/record.h"

#define US_PER_S 1000000

/* --- sessions --- */

void tsig_session_done(struct tsig_session *s)
{
    if (!s->is_signed && !s->key)
        return; /* all zero already: most requests are not signed */
    tsig_key_release(s->key);
    mac_free(s->running);
    *s = (struct tsig_session){0};
}

void tsig_session_copy(struct tsig_session *out, const struct tsig_session *s)
{
    *out = *s;
    if (out->key)
        tsig_key_hold(out->key);
    if (out->running)
        out->running = mac_copy(s->running);
}

/* --- verifying a request --- */

static bool is_mac(const struct tsig_record *r, const uint8_t *mac)
{
    return secret_is_equal(mac, r->mac, r->mac_size);
}

/* Which of the key's secrets made the MAC: s5.2.2. */
static bool find_secret(struct tsig_session *s, const struct tsig_record *r,
                        const struct tsig_body *body, int64_t now_us)
{
    uint8_t mac[TSIG_MAC_MAX];
    for (uint8_t i = 0; i < s->key->secret_count; i++) {
        if (!tsig_secret_is_on(s->key, i, now_us))
            continue;
        tsig_mac_start(s->key->secret[i].mac, NULL, 0);
        tsig_mac_end(s->key->secret[i].mac, s->key, body, r, TSIG_VARIABLES, mac);
        if (is_mac(r, mac)) {
            s->secret = i;
            return true;
        }
    }
    return false;
}

static enum rcode refuse(struct tsig_session *s, uint16_t error)
{
    s->error = error;
    return NOTAUTH;
}

static bool is_in_time(const struct tsig_record *r, int64_t now_us)
{
    int64_t away = now_us / US_PER_S - (int64_t)r->time_s;
    return (away < 0 ? -away : away) <= r->fudge;
}

/* The MAC has verified: it may be signed over, and the answer is signed whatever comes. */
static enum rcode check_policy(struct tsig_session *s, const struct tsig_record *r, int64_t now_us)
{
    memcpy(s->mac, r->mac, r->mac_size);
    s->mac_len = (uint8_t)r->mac_size;
    s->mac_size = s->mac_len < s->key->mac_min ? s->key->mac_min : s->mac_len;
    if (!is_in_time(r, now_us)) /* s5.2.3 */
        return refuse(s, BADTIME);
    if (s->mac_len < s->key->mac_min) /* s5.2.4 */
        return refuse(s, BADTRUNC);
    s->key->last_used_us = now_us;
    return NOERROR;
}

static enum rcode malformed(struct tsig_session *s)
{
    tsig_session_done(s);
    return FORMERR;
}

static enum rcode verify(struct tsig_session *s, const struct keyring *ring,
                         const struct message *m, int64_t now_us)
{
    struct tsig_record r;
    struct tsig_body body;
    /* s5.2: what cannot be interpreted; s4.2: in requests the error MUST be zero */
    if (tsig_record_read(&r, m) != NOERROR || r.error != NOERROR)
        return malformed(s);
    s->is_signed = true;
    s->original_id = r.original_id;
    s->time_s = r.time_s;
    s->fudge = r.fudge;
    struct tsig_key *key = keyring_find(ring, r.name);
    if (!key || !name_is_equal(r.algorithm, tsig_algorithm_name(key->algorithm))) {
        /* s5.2.1; s10: one algorithm to a key name */
        name_copy(&s->name, r.name);
        name_copy(&s->algorithm, r.algorithm);
        return refuse(s, BADKEY);
    }
    /* s5.2.2.1 */
    if (r.mac_size > key->algorithm->mac_len || r.mac_size < tsig_algorithm_floor(key->algorithm))
        return malformed(s);
    s->key = tsig_key_hold(key);
    tsig_body_set(&body, m->wire, m->tsig_at, r.original_id, 1);
    if (find_secret(s, &r, &body, now_us))
        return check_policy(s, &r, now_us);
    name_copy(&s->name, r.name);
    name_copy(&s->algorithm, r.algorithm);
    return refuse(s, BADSIG);
}

enum rcode tsig_verify(struct tsig_session *s, const struct keyring *ring, const struct message *m,
                       int64_t now_us)
{
    tsig_session_done(s);
    return m->tsig_at ? verify(s, ring, m, now_us) : NOERROR;
}

/* --- signing --- */

/* s5.3.2: over a MAC that did not verify nothing is signed. */
static bool is_signing(const struct tsig_session *s)
{
    return s->is_signed && s->error != BADKEY && s->error != BADSIG;
}

size_t tsig_room(const struct tsig_session *s)
{
    if (!s->is_signed)
        return 0;
    size_t frame = TSIG_FRAME_LEN + TSIG_FIXED_LEN;
    if (!is_signing(s))
        return frame + s->name.len + s->algorithm.len;
    return frame + s->key->name.len + s->key->algorithm->name_len + s->mac_size +
           (s->error == BADTIME ? TSIG_TIME_LEN : 0u);
}

/* All fields but the MAC. */
static void fill(struct tsig_record *r, const struct tsig_session *s, uint64_t now_s,
                 uint8_t other[TSIG_TIME_LEN])
{
    *r = (struct tsig_record){.time_s = now_s, .fudge = TSIG_FUDGE_S};
    r->original_id = s->original_id;
    r->error = s->error;
    r->name = is_signing(s) ? name_of(&s->key->name) : name_of(&s->name);
    r->algorithm = is_signing(s) ? tsig_algorithm_name(s->key->algorithm) : name_of(&s->algorithm);
    if (s->error == BADTIME) {
        /* s5.2.3: the client's time and fudge, so that it can verify this; ours in other data */
        struct wr w = wr_over(other, TSIG_TIME_LEN);
        wr_u48(&w, now_s);
        r->time_s = s->time_s;
        r->fudge = s->fudge;
        r->other = other;
        r->other_len = TSIG_TIME_LEN;
    }
}

/* Computes the MAC and keeps it: the next message is signed over it. */
static void sign(struct tsig_session *s, struct tsig_record *r, const uint8_t *wire, size_t len)
{
    struct tsig_body body;
    uint8_t mac[TSIG_MAC_MAX];
    struct mac *state = s->key->secret[s->secret].mac;
    tsig_body_set(&body, wire, len, r->original_id, 0);
    tsig_mac_start(state, s->mac, s->mac_len);
    tsig_mac_end(state, s->key, &body, r, s->is_chained ? TSIG_TIMERS : TSIG_VARIABLES, mac);
    memcpy(s->mac, mac, s->mac_size);
    s->mac_len = s->mac_size;
    s->is_chained = s->role == TSIG_ANSWERS;
    r->mac = s->mac;
    r->mac_size = s->mac_size;
}

void tsig_sign(struct tsig_session *s, uint8_t *wire, size_t *len, int64_t now_us)
{
    uint8_t other[TSIG_TIME_LEN];
    struct tsig_record r;
    if (!s->is_signed)
        return;
    if (s->role == TSIG_ASKS) {
        s->mac_len = 0; /* also if it is sent, and signed, once more */
        s->original_id = get_u16(wire);
        s->time_s = (uint64_t)(now_us / US_PER_S);
    }
    fill(&r, s, (uint64_t)(now_us / US_PER_S), other);
    if (is_signing(s))
        sign(s, &r, wire, *len);
    struct wr w = wr_over(wire + *len, tsig_room(s));
    tsig_record_write(&r, &w);
    ASSERT(!w.bad);
    *len += wr_len(&w);
    put_u16(wire + 10, (uint16_t)(get_u16(wire + 10) + 1));
}

/* --- asking --- */

void tsig_session_start(struct tsig_session *s, struct tsig_key *key)
{
    tsig_session_done(s);
    s->key = tsig_key_hold(key);
    s->is_signed = true;
    s->role = TSIG_ASKS;
    s->mac_size = key->algorithm->mac_len;
}

/* s5.2.2 for an answer. On success the stream goes on from this MAC. */
static bool is_next(struct tsig_session *s, const struct tsig_record *r, const struct message *m)
{
    struct tsig_body body;
    uint8_t mac[TSIG_MAC_MAX];
    struct mac *copy = s->running ? mac_copy(s->running) : NULL;
    struct mac *state = copy ? copy : s->key->secret[s->secret].mac;
    tsig_body_set(&body, m->wire, m->tsig_at, r->original_id, 1);
    if (!copy)
        tsig_mac_start(state, s->mac, s->mac_len);
    tsig_mac_end(state, s->key, &body, r, s->is_chained ? TSIG_TIMERS : TSIG_VARIABLES, mac);
    mac_free(copy);
    return is_mac(r, mac);
}

/* s5.3.1: what stands between two signed messages is digested with the second. */
static enum rcode pass_unsigned(struct tsig_session *s, const struct message *m)
{
    if (!s->is_chained || s->unsigned_run == TSIG_UNSIGNED_MAX)
        return FORMERR;
    if (!s->running) {
        s->running = mac_copy(s->key->secret[s->secret].mac);
        tsig_mac_start(s->running, s->mac, s->mac_len);
    }
    mac_add(s->running, m->wire, m->len);
    s->unsigned_run++;
    return NOERROR;
}

static void go_on_from(struct tsig_session *s, const struct tsig_record *r, int64_t now_us)
{
    memcpy(s->mac, r->mac, r->mac_size);
    s->mac_len = (uint8_t)r->mac_size;
    s->is_chained = true;
    s->unsigned_run = 0;
    mac_free(s->running);
    s->running = NULL;
    s->key->last_used_us = now_us;
}

/* s5.4.3: a BADTIME answer has our own time, and theirs in other data. */
static void note_server_time(struct tsig_session *s, const struct tsig_record *r)
{
    struct rd other = rd_over(r->other, r->other_len);
    s->server_time_s = r->error == BADTIME ? rd_u48(&other) : 0;
}

enum rcode tsig_verify_answer(struct tsig_session *s, const struct message *m, int64_t now_us)
{
    struct tsig_record r;
    ASSERT(s->role == TSIG_ASKS && s->key && s->mac_len);
    s->error = NOERROR;
    if (!m->tsig_at)
        return pass_unsigned(s, m);
    if (tsig_record_read(&r, m) != NOERROR)
        return FORMERR;
    const struct tsig_algorithm *a = s->key->algorithm;
    if (!name_is_equal(r.name, name_of(&s->key->name)) ||
        !name_is_equal(r.algorithm, tsig_algorithm_name(a)))
        return refuse(s, BADKEY);
    if (r.mac_size == 0 && (r.error == BADKEY || r.error == BADSIG))
        return refuse(s, r.error); /* s5.3.2: such an answer is not signed */
    if (r.mac_size > a->mac_len || r.mac_size < tsig_algorithm_floor(a))
        return FORMERR;
    if (!is_next(s, &r, m))
        return refuse(s, BADSIG);
    note_server_time(s, &r);
    if (r.error != NOERROR)
        return refuse(s, r.error);
    if (!is_in_time(&r, now_us))
        return refuse(s, BADTIME);
    if (r.mac_size < s->key->mac_min)
        return refuse(s, BADTRUNC);
    go_on_from(s, &r, now_us);
    return NOERROR;
}
