/* SPDX-License-Identifier: Apache-2.0
 * Keyed hashes: EVP_MAC behind two names of ours.
 *
 * The structs are the library's, under names that other files may know. Once a key is set, what may
 * fail is only the taking of memory, which aborts everywhere. */
#include "tsig/mac.h"

#include "base/check.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

static EVP_MAC_CTX *context(const struct mac *mac)
{
    return (EVP_MAC_CTX *)(uintptr_t)mac;
}

struct mac_provider *mac_provider_new(void)
{
    return (struct mac_provider *)EVP_MAC_fetch(NULL, "HMAC", NULL);
}

void mac_provider_free(struct mac_provider *provider)
{
    EVP_MAC_free((EVP_MAC *)provider);
}

struct mac *mac_new(struct mac_provider *provider, const char *digest, const uint8_t *secret,
                    size_t len)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *made = EVP_MAC_CTX_new((EVP_MAC *)provider);
    if (made && EVP_MAC_init(made, secret, len, params) == 1)
        return (struct mac *)made;
    EVP_MAC_CTX_free(made);
    return NULL;
}

struct mac *mac_copy(const struct mac *mac)
{
    EVP_MAC_CTX *copy = EVP_MAC_CTX_dup(context(mac));
    ASSERT(copy);
    return (struct mac *)copy;
}

void mac_free(struct mac *mac)
{
    EVP_MAC_CTX_free(context(mac));
}

void mac_start(struct mac *mac)
{
    int ok = EVP_MAC_init(context(mac), NULL, 0, NULL);
    ASSERT(ok == 1);
}

void mac_add(struct mac *mac, const void *bytes, size_t len)
{
    int ok = len == 0 || EVP_MAC_update(context(mac), bytes, len) == 1;
    ASSERT(ok);
}

void mac_end(struct mac *mac, uint8_t *out, size_t mac_len)
{
    size_t written = 0;
    int ok = EVP_MAC_final(context(mac), out, &written, mac_len);
    ASSERT(ok == 1 && written == mac_len);
}
