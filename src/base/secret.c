/* SPDX-License-Identifier: Apache-2.0
 * Memory for secrets, by the cryptographic library. */
#include "base/secret.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/arena.h"

/* The library's smallest piece; a secret is seldom longer than 64 bytes. */
#define SECRET_PIECE_MIN 16

/* CRYPTO_secure_malloc_init(): made, or made but not protected as asked for. */
enum { HEAP_NONE = 0, HEAP_WHOLE = 1 };

enum err secret_setup(struct diag *diag)
{
    if (CRYPTO_secure_malloc_initialized())
        return err_say(diag, ERR_EXISTS, "the heap for secrets has been made before");
    int made = CRYPTO_secure_malloc_init(SECRET_HEAP_LEN, SECRET_PIECE_MIN);
    if (made == HEAP_WHOLE)
        return OK;
    if (made == HEAP_NONE)
        return err_say(diag, ERR_SYSTEM,
                       "no locked memory for secrets: they lie in ordinary memory");
    return err_say(diag, ERR_LIMIT,
                   "memory for secrets could not be locked: it may be swapped out (see the limit "
                   "of locked memory)");
}

bool secret_is_locked_up(const void *p)
{
    return CRYPTO_secure_allocated(p) == 1;
}

void *secret_alloc(size_t len)
{
    /* before secret_setup() the library takes ordinary memory by itself */
    void *p = OPENSSL_secure_malloc(len ? len : 1);
    return p ? p : mem_alloc(len); /* the heap is full */
}

void secret_free(void *p, size_t len)
{
    OPENSSL_secure_clear_free(p, len);
}

void secret_free_plain(void *p)
{
    if (p)
        OPENSSL_cleanse(p, malloc_usable_size(p));
    free(p);
}

void secret_wipe(void *p, size_t len)
{
    if (len)
        OPENSSL_cleanse(p, len);
}

bool secret_is_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
