/* SPDX-License-Identifier: Apache-2.0
 * Transaction signatures (RFC 8945): keys, and verifying and signing with them.
 *
 * A key has a name, an algorithm and one or two secrets (two while a rotation is under way; what
 * either of them signed is accepted, and an answer is signed with the one that the request was).
 * Keys belong to keyrings and to whoever holds a reference; the reactor's thread only, except that
 * a keyring may be built in a helper before the reactor has it. Secrets lie in the secure heap
 * (base/secret.h) until the keyed states are made from them and are never shown.
 *
 * A session is one signed exchange: what the request was signed with, and what the answer, or each
 * message of a stream of answers, is to be signed over. A session that is all zero is that of an
 * unsigned request. The two steps below are all that the rest of the server knows of
 * authentication, so that other providers (GSS-TSIG, SIG(0)) can stand behind them.
 *
 * Policy where the RFC leaves it open: every truncation of s5.2.2.1 is accepted, unless the key's
 * algorithm says how many bits there must be at least ("hmac-sha256-192"); fewer are BADTRUNC. An
 * answer's MAC is as long as the request's (s7: not shorter), and never below that least length.
 * The newest time signed per key is not kept (s5.2.3 would have older ones refused): several
 * clients of one key, or datagrams that overtake each other, are normal here. Error and other data
 * of a request: the first must be zero, the second may be anything and is covered by the MAC. */
#ifndef REEVE_TSIG_TSIG_H
#define REEVE_TSIG_TSIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "dns/codes.h"
#include "dns/message.h"
#include "dns/name.h"

#define TSIG_MAC_MAX        64 /* of HMAC-SHA512 */
#define TSIG_SECRETS_MAX    2
/* longer than any hash's block, up to which length helps (RFC 2104 s3) */
#define TSIG_SECRET_LEN_MAX 512
#define TSIG_FUDGE_S        300 /* what our own signatures allow (RFC 8945 s10) */
#define TSIG_UNSIGNED_MAX   99  /* messages without a TSIG between two that have one (s5.3.1) */

struct tsig_key;
struct keyring;

/* --- keys --- */

/* The name in lower case, as it is signed. */
struct name tsig_key_name(const struct tsig_key *key);
/* "hmac-sha256". */
const char *tsig_key_algorithm(const struct tsig_key *key);
/* Wall clock of the last message that verified with it; 0: none since the start. */
int64_t tsig_key_last_used_us(const struct tsig_key *key);
/* How many secrets it has, and until when each is accepted (0: for ever). */
unsigned tsig_key_secrets(const struct tsig_key *key, int64_t until_us[TSIG_SECRETS_MAX]);
/* The same algorithm, and the same secrets until the same times; names may differ. Two computations
 * of a MAC for each secret. */
bool tsig_key_is_same(const struct tsig_key *a, const struct tsig_key *b);
/* A key of its own with the same name and secrets, which another thread may use while the first is
 * used here. Its uses are its own. */
struct tsig_key *tsig_key_copy(const struct tsig_key *key);
struct tsig_key *tsig_key_hold(struct tsig_key *key);
/* The last reference wipes it. NULL is fine. */
void tsig_key_release(struct tsig_key *key);

/* --- keyrings --- */

struct keyring *keyring_new(void);
/* NULL is fine. */
void keyring_free(struct keyring *ring);
/* A key of that name, which is not there yet (ERR_EXISTS), with its secrets: the first is the one
 * that we sign requests of our own with; copies all. algorithm: "hmac-sha256" and so on, in either
 * case, with or without a final dot, with the least bits of a MAC or not. ERR_INVALID: unknown
 * algorithm, an empty or overlong secret, or none or too many of them; ERR_SYSTEM: the
 * cryptographic library does not offer the algorithm (MD5 in FIPS mode, say). The caller wipes
 * what `secrets` point to. After a failure the ring is as it was. */
struct tsig_secret {
    const uint8_t *bytes;
    size_t len;
    int64_t until_us; /* wall clock when it stops being accepted; 0: never */
};
enum err keyring_add(struct keyring *ring, struct name name, const char *algorithm,
                     const struct tsig_secret *secrets, unsigned count, struct diag *diag);
/* NULL: none. ring NULL: an empty one. */
struct tsig_key *keyring_find(const struct keyring *ring, struct name name);
/* The i-th key in canonical order of the names; NULL behind the last. */
struct tsig_key *keyring_at(const struct keyring *ring, unsigned i);
/* Takes the key of that name out; who holds it keeps it. False: there is none. */
bool keyring_remove(struct keyring *ring, struct name name);
/* Of the algorithm and the secrets of the key of that name, made when it was added: another one
 * says that what did not verify before may do so now. Not to be shown. 0: there is no such key, or
 * no name. */
uint64_t keyring_fingerprint(const struct keyring *ring, struct name name);
/* Use times of the keys in `old` that have a namesake here go on in it. old may be NULL. */
void keyring_inherit(struct keyring *ring, const struct keyring *old);

/* --- exchanges --- */

enum tsig_role {
    TSIG_ANSWERS, /* tsig_verify() has seen the request, tsig_sign() signs what answers it */
    TSIG_ASKS     /* tsig_sign() signs the request, tsig_verify_answer() sees what answers it */
};

struct tsig_session {
    struct tsig_key *key; /* held; NULL: the request is unsigned, or its key is unknown */
    bool is_signed;       /* there was a TSIG record */
    bool is_chained;      /* a message of this stream was signed before: RFC 8945 s5.3.1 */
    uint8_t role;         /* enum tsig_role */
    uint8_t secret;       /* which of the key's */
    uint8_t mac_len;      /* of `mac`; 0: the answer is not signed over one */
    uint8_t mac_size;     /* bytes that the MACs of answers have: as many as the request's */
    uint16_t error;       /* NOERROR, BADSIG, BADKEY, BADTIME, BADTRUNC */
    uint16_t original_id;
    uint64_t time_s; /* time signed of the request; a BADTIME answer repeats it (s5.2.3) */
    uint16_t fudge;
    uint8_t unsigned_run;   /* asking: messages without a TSIG since the last that had one */
    uint64_t server_time_s; /* asking: the other side's clock, from a BADTIME answer; else 0 */
    void *running; /* asking: what has been digested of those messages; the session's own */
    uint8_t mac[TSIG_MAC_MAX]; /* of the message before: request's, then the stream's last one */
    struct name_buf name;      /* key and algorithm as they came, for answers that are not signed */
    struct name_buf algorithm;
};

/* Verifies the request m (message_read() said NOERROR) as RFC 8945 s5.2 has it: key, MAC with
 * truncation, then time. NOERROR: unsigned, or verified with s->key; FORMERR: the record is
 * malformed (the answer has no TSIG then); NOTAUTH: s->error says which error the answer's TSIG
 * has. In each case *s is set; what it held before, all zero or an earlier session, was released.
 * s->key is held also after BADSIG, BADTIME and BADTRUNC, for the log; only NOERROR proves it. */
enum rcode tsig_verify(struct tsig_session *s, const struct keyring *ring, const struct message *m,
                       int64_t now_us);
/* The request is signed, rightly and in time, with s->key. */
static inline bool tsig_is_verified(const struct tsig_session *s)
{
    return s->key && s->error == NOERROR;
}
/* Bytes that the TSIG record of an answer takes at most; 0 for an unsigned session. */
size_t tsig_room(const struct tsig_session *s);
/* Appends the TSIG record to the finished message (header and counts written) of *len bytes, with
 * tsig_room() bytes behind it, and counts it in ARCOUNT: signed over the request's MAC (s5.3), with
 * further messages of a stream chained to the one before (s5.3.1); unsigned where s5.3.2 says so
 * (BADKEY, BADSIG, and what FORMERR allows). An unsigned session appends nothing. */
void tsig_sign(struct tsig_session *s, uint8_t *wire, size_t *len, int64_t now_us);
/* The session of a message that outlives its batch: the key stays held. */
void tsig_session_copy(struct tsig_session *out, const struct tsig_session *s);
void tsig_session_done(struct tsig_session *s);

/* Asking others (transfers, tests): signs a request (tsig_sign()), and verifies the answers to it,
 * one by one. *s is all zero or an earlier session. */
void tsig_session_start(struct tsig_session *s, struct tsig_key *key);
/* The next message of the answer (message_read() said NOERROR). NOERROR: verified, or one without
 * TSIG between signed ones, at most TSIG_UNSIGNED_MAX in a row: such a message counts only when
 * one behind it verifies, so at the end of the stream s->unsigned_run must be 0. FORMERR: the
 * record is malformed, or missing where there must be one. NOTAUTH with s->error: it did not
 * verify, or the other side says that the request did not. BADTIME and BADTRUNC from there are
 * signed; BADKEY and BADSIG are not, so that anybody may have sent them: s5.4 has the asker go on
 * waiting. After anything but NOERROR the session still waits for the same message; a stream's
 * connection must be closed (s5.3.1). */
enum rcode tsig_verify_answer(struct tsig_session *s, const struct message *m, int64_t now_us);

#endif
