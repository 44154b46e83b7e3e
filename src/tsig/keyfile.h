/* SPDX-License-Identifier: Apache-2.0
 * Files that hold the secret of one key.
 *
 * Three forms are read:
 *
 *   nKyXn8zGTWxz...=                            the secret in base64, alone
 *   hmac-sha256:key.example.:nKyXn8zGTWxz...=   as knsupdate and kdig take it (NAME:SECRET too)
 *   key "key.example." { algorithm hmac-sha256; secret "nKyXn8zGTWxz...="; };       as BIND has it
 *
 * In the first two a second line is the other secret of a rotation, and each line may end with
 * `until 2026-12-01T00:00:00Z`: the secret is accepted before that time. Comments begin with "#" or
 * "//" where a word could begin; in the first two forms "//" needs a blank or the end of the line
 * behind it, because base64 may begin like that. BIND's form knows C's comments as well.
 *
 * Nothing that a file says gets into a diag, because it may be the secret in the wrong place.
 * Secrets lie in secret memory (base/secret.h) from the first byte read on. These functions block:
 * they are for start, helpers and reevectl. */
#ifndef REEVE_TSIG_KEYFILE_H
#define REEVE_TSIG_KEYFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secretfile.h"
#include "dns/name.h"
#include "tsig/algorithm.h"
#include "tsig/tsig.h"

#define KEYFILE_LEN_MAX 8192 /* a file with comments; one from tsig-keygen has some 100 bytes */

struct keyfile {
    struct name_buf name;                    /* len 0: it names no key */
    char algorithm[TSIG_ALGORITHM_TEXT_MAX]; /* empty: it names none */
    unsigned count;                          /* of secrets, the newest first */
    struct tsig_secret secret[TSIG_SECRETS_MAX];
    uint8_t *room; /* what the secrets point into; the keyfile's own */
};

/* What the caller knows of the key already; a file that names anything else is refused. */
struct keyfile_want {
    struct name name;      /* len 0: whatever it is */
    const char *algorithm; /* NULL: whatever it is */
};

/* Reads a file that is kept as secretfile_read() wants it. want may be NULL. What that says, and
 * ERR_INVALID: it names another key or algorithm; ERR_LIMIT: longer than KEYFILE_LEN_MAX;
 * ERR_SYNTAX. diag begins with the path and has the line's number where there is one. *out is all
 * zero after a failure. */
enum err keyfile_read(const char *path, const struct keyfile_want *want, struct keyfile *out,
                      struct diag *diag);
/* The same for a text in memory; diag begins with the line. */
enum err keyfile_parse(const char *text, size_t len, const struct keyfile_want *want,
                       struct keyfile *out, struct diag *diag);
/* Wipes the secrets. All zero is fine. */
void keyfile_done(struct keyfile *k);

/* A new key with one random secret, as long as the algorithm's MAC (RFC 8945 s8). ERR_INVALID:
 * unknown algorithm. */
enum err keyfile_generate(struct keyfile *out, struct name name, const char *algorithm,
                          struct diag *diag);
/* A new random secret in front; the one that was the newest is accepted until then, an older one is
 * gone. k->algorithm is set. */
void keyfile_rotate(struct keyfile *k, int64_t until_us);

/* --- keys that are kept in a folder, a file each --- */

/* A file is called NAME.key, and NAME.key.revoked once its key is not to be accepted any more. NAME
 * is the key's name as text without its final dot, and "/" in it as \\047; in lower case where we
 * write it. */
#define KEYFILE_SUFFIX         ".key"
#define KEYFILE_SUFFIX_REVOKED ".key.revoked"
#define KEYFILE_NAME_MAX       256

/* ERR_LIMIT: the name is longer than that of a file may be; ERR_INVALID: the root. */
enum err keyfile_name_show(struct name key, const char *suffix, char out[KEYFILE_NAME_MAX],
                           struct diag *diag);
/* KEYFILE_ODD: it looks like one of them, but is not named after a key; diag says why. */
enum keyfile_kind { KEYFILE_OTHER, KEYFILE_KEPT, KEYFILE_REVOKED, KEYFILE_ODD };
enum keyfile_kind keyfile_name_scan(const char *file, struct name_buf *out, struct diag *diag);

/* Writes it in the second form (in the first if it has no name; what has a name has an algorithm),
 * which knsupdate -k reads as well, as secretfile_write() does. */
enum err keyfile_write(const char *path, const struct keyfile *k, enum secretfile_write how,
                       struct diag *diag);

#endif
