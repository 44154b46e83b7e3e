/* SPDX-License-Identifier: Apache-2.0
 * TSIG with hmac-sha256 (RFC 8945) for a load generator: signs requests, checks answers.
 *
 * One key, set up once; a signature costs one HMAC and allocates nothing. All checks of the
 * caller's own arguments end the program: it is a tool. */
#ifndef BENCH_SIGNER_H
#define BENCH_SIGNER_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNER_MAC_LEN      32
#define SIGNER_NAME_MAX     64
/* What a signature adds to a message at most: owner, fixed part, algorithm, times, MAC. */
#define SIGNER_TSIG_LEN_MAX (SIGNER_NAME_MAX + 10 + 13 + 8 + 2 + SIGNER_MAC_LEN + 6)

struct signer {
    EVP_MAC *method;
    EVP_MAC_CTX *context;
    uint8_t name[SIGNER_NAME_MAX]; /* of the key, in wire form, lower case */
    size_t name_len;
};

/* `key` is NAME:BASE64. Prints what is wrong with it and exits if it cannot be used. */
void signer_open(struct signer *s, const char *key);
void signer_close(struct signer *s);
/* Appends a TSIG record to the `len` bytes of a message whose ARCOUNT does not count one yet. The
 * buffer has room for SIGNER_TSIG_LEN_MAX more bytes. Gives back the new length; `mac` gets what
 * the answer will be signed over. */
size_t signer_sign(struct signer *s, uint8_t *message, size_t len, uint64_t now_s,
                   uint8_t mac[SIGNER_MAC_LEN]);
/* Whether the last record of an answer is a TSIG whose MAC is right for a request that was signed
 * with `request_mac`. Times and error codes are not looked at. */
bool signer_is_signed(struct signer *s, const uint8_t *answer, size_t len,
                      const uint8_t request_mac[SIGNER_MAC_LEN]);

#endif
