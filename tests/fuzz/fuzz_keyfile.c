/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a key file: refused with a sentence, or a key that a keyring takes. */
#include "base/check.h"
#include "tsig/keyfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keyfile k;
    struct diag diag = {0};
    static const struct keyfile_want want = {{(const uint8_t *)"\1k", 3}, "hmac-sha256"};
    if (size > KEYFILE_LEN_MAX)
        return 0;
    enum err e = keyfile_parse((const char *)data, size, NULL, &k, &diag);
    ASSERT((e == OK) == (diag.text[0] == '\0') && (e == OK) == (k.count > 0));
    if (e == OK) {
        struct keyring *ring = keyring_new();
        struct name name = k.name.len ? name_of(&k.name) : NAME_ROOT;
        e = keyring_add(ring, name, k.algorithm[0] ? k.algorithm : "hmac-sha256", k.secret, k.count,
                        &diag);
        ASSERT(e == OK);
        keyring_free(ring);
    }
    keyfile_done(&k);
    if (keyfile_parse((const char *)data, size, &want, &k, &diag) == OK)
        ASSERT(k.name.len == 0 || name_is_equal(name_of(&k.name), want.name));
    keyfile_done(&k);
    return 0;
}
