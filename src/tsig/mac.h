/* SPDX-License-Identifier: Apache-2.0
 * Keyed hashes by the cryptographic library: set up once per secret, then used again and again.
 *
 * A `struct mac` holds the state after the key; mac_start() goes back to it, for a quarter of what
 * a set-up costs. One computation at a time; a stream that stays open between messages has a copy.
 */
#ifndef REEVE_TSIG_MAC_H
#define REEVE_TSIG_MAC_H

#include <stddef.h>
#include <stdint.h>

struct mac;
struct mac_provider;

/* NULL: the library offers no HMAC here. */
struct mac_provider *mac_provider_new(void);
/* NULL is fine; what was set up with it stays. */
void mac_provider_free(struct mac_provider *provider);

/* NULL: the library does not offer that digest. The bytes are copied. */
struct mac *mac_new(struct mac_provider *provider, const char *digest, const uint8_t *secret,
                    size_t len);
struct mac *mac_copy(const struct mac *mac);
/* Wipes it. NULL is fine. */
void mac_free(struct mac *mac);

void mac_start(struct mac *mac);
void mac_add(struct mac *mac, const void *bytes, size_t len);
/* Writes the whole MAC, of mac_len bytes as the algorithm's row says. */
void mac_end(struct mac *mac, uint8_t *out, size_t mac_len);

#endif
