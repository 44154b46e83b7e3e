/* SPDX-License-Identifier: Apache-2.0
 * What a key is made of, for the files of tsig/ only; others use tsig/tsig.h. */
#ifndef REEVE_TSIG_KEY_H
#define REEVE_TSIG_KEY_H

#include "tsig/algorithm.h"
#include "tsig/mac.h"
#include "tsig/tsig.h"

struct tsig_key {
    unsigned references;
    const struct tsig_algorithm *algorithm;
    char algorithm_text[TSIG_ALGORITHM_TEXT_MAX]; /* with the bits that mac_min stands for, if not
                                                     the least */
    uint8_t mac_min;                              /* shorter ones are BADTRUNC */
    uint8_t secret_count;
    struct {
        struct mac *mac;
        int64_t until_us; /* 0: never ends */
    } secret[TSIG_SECRETS_MAX];
    int64_t last_used_us;
    uint64_t fingerprint; /* of algorithm and secrets */
    struct name_buf name; /* lower case */
};

static inline bool tsig_secret_is_on(const struct tsig_key *key, unsigned i, int64_t now_us)
{
    return key->secret[i].until_us == 0 || now_us < key->secret[i].until_us;
}

#endif
