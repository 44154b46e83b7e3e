/* SPDX-License-Identifier: Apache-2.0
 * Files with the secrets of DNS cookies: 32 hex digits on a line (128 bits, as every server that
 * follows RFC 9018 takes them). The first is what cookies are made with; the second is accepted as
 * well, before it is used or after (s5). Blank lines, and what stands behind a "#", say nothing. */
#ifndef REEVE_EDNS_COOKIEFILE_H
#define REEVE_EDNS_COOKIEFILE_H

#include "base/err.h"
#include "base/secretfile.h"
#include "request/request.h"

#define COOKIEFILE_LEN_MAX 4096

/* Reads a file that is kept as secretfile_read() wants it; what that says, or ERR_SYNTAX. *out
 * has at least one secret, and none after a failure. *changed_us: when the file was written (wall
 * clock). */
enum err cookiefile_read(const char *path, struct cookie_secrets *out, int64_t *changed_us,
                         struct diag *diag);
/* As secretfile_write() does it. */
enum err cookiefile_write(const char *path, const struct cookie_secrets *secrets,
                          enum secretfile_write how, struct diag *diag);

#endif
