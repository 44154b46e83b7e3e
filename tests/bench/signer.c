/* SPDX-License-Identifier: Apache-2.0
 * The digest of RFC 8945 s4.3 over EVP_MAC. */
#include "signer.h"

#include <err.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "parts.h"

#define HEADER_LEN     12
#define ARCOUNT_AT     10
#define TYPE_TSIG      250
#define CLASS_ANY      255
#define FUDGE_S        300 /* s10: recommended */
#define SECRET_LEN_MAX 256

static const uint8_t algorithm[] = "\013hmac-sha256";

/* Name of the key as wire; it has plain labels. */
static size_t name_scan(const char *text, size_t text_len, uint8_t *out)
{
    size_t len = 0, label_at = 0;
    if (text_len == 0 || text_len + 2 > SIGNER_NAME_MAX)
        errx(2, "a key's name has 1 to %d characters", SIGNER_NAME_MAX - 2);
    out[len++] = 0;
    for (size_t i = 0; i < text_len; i++) {
        if (text[i] == '.') {
            label_at = len;
            out[len++] = 0;
        } else {
            out[label_at]++;
            out[len++] = (uint8_t)text[i];
        }
    }
    if (out[label_at] != 0)
        out[len++] = 0;
    return len;
}

static size_t secret_scan(const char *text, uint8_t *out)
{
    size_t len = strlen(text);
    if (len == 0 || len % 4 != 0 || len / 4 * 3 > SECRET_LEN_MAX)
        errx(2, "the secret is not base64");
    int decoded = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
    for (size_t i = len; decoded > 0 && i-- > len - 2 && text[i] == '=';)
        decoded--;
    if (decoded <= 0)
        errx(2, "the secret is not base64");
    return (size_t)decoded;
}

void signer_open(struct signer *s, const char *key)
{
    const char *colon = strchr(key, ':');
    if (!colon)
        errx(2, "a key is NAME:BASE64");
    uint8_t secret[SECRET_LEN_MAX];
    size_t secret_len = secret_scan(colon + 1, secret);
    s->name_len = name_scan(key, (size_t)(colon - key), s->name);
    s->method = EVP_MAC_fetch(NULL, "HMAC", NULL);
    s->context = s->method ? EVP_MAC_CTX_new(s->method) : NULL;
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    if (!s->context || !EVP_MAC_init(s->context, secret, secret_len, params))
        errx(1, "no HMAC with SHA-256");
}

void signer_close(struct signer *s)
{
    EVP_MAC_CTX_free(s->context);
    EVP_MAC_free(s->method);
    *s = (struct signer){0};
}

/* What the MAC covers behind the message, s4.3.3: the record without its MAC. */
struct variables {
    const uint8_t *time;  /* 6 bytes, and 2 of fudge */
    const uint8_t *error; /* 2 bytes, 2 of the other data's length, the other data */
    size_t error_len;
};

static void hmac_start(struct signer *s)
{
    if (!EVP_MAC_init(s->context, NULL, 0, NULL)) /* the same key again */
        errx(1, "HMAC");
}

static void hmac_add(struct signer *s, const uint8_t *p, size_t len)
{
    if (!EVP_MAC_update(s->context, p, len))
        errx(1, "HMAC");
}

static void hmac_end(struct signer *s, struct variables v, uint8_t mac[SIGNER_MAC_LEN])
{
    static const uint8_t class_ttl[] = {0, CLASS_ANY, 0, 0, 0, 0};
    hmac_add(s, s->name, s->name_len);
    hmac_add(s, class_ttl, sizeof class_ttl);
    hmac_add(s, algorithm, sizeof algorithm);
    hmac_add(s, v.time, 8);
    hmac_add(s, v.error, v.error_len);
    size_t len = 0;
    if (!EVP_MAC_final(s->context, mac, &len, SIGNER_MAC_LEN) || len != SIGNER_MAC_LEN)
        errx(1, "HMAC");
}

size_t signer_sign(struct signer *s, uint8_t *message, size_t len, uint64_t now_s,
                   uint8_t mac[SIGNER_MAC_LEN])
{
    static const uint8_t no_error[4];
    uint8_t time[8];
    u16_put(u16_put(u16_put(time, (unsigned)(now_s >> 32)), (unsigned)(now_s >> 16)),
            (unsigned)now_s);
    u16_put(time + 6, FUDGE_S);
    hmac_start(s);
    hmac_add(s, message, len);
    hmac_end(s, (struct variables){time, no_error, sizeof no_error}, mac);

    uint8_t *p = bytes_put(message + len, s->name, s->name_len);
    p = u16_put(u16_put(p, TYPE_TSIG), CLASS_ANY);
    p = u16_put(u16_put(p, 0), 0); /* TTL */
    p = u16_put(p, sizeof algorithm + sizeof time + 2 + SIGNER_MAC_LEN + 2 + sizeof no_error);
    p = bytes_put(p, algorithm, sizeof algorithm);
    p = bytes_put(p, time, sizeof time);
    p = bytes_put(u16_put(p, SIGNER_MAC_LEN), mac, SIGNER_MAC_LEN);
    p = bytes_put(p, message, 2); /* the original ID */
    p = bytes_put(p, no_error, sizeof no_error);
    u16_put(message + ARCOUNT_AT, u16_get(message + ARCOUNT_AT) + 1);
    return (size_t)(p - message);
}

/* Behind the name at `at`; beyond `len` if it does not end before. */
static size_t name_skip(const uint8_t *p, size_t at, size_t len)
{
    while (at < len && p[at] != 0 && p[at] < 0xc0)
        at += 1U + p[at];
    return at < len && p[at] >= 0xc0 ? at + 2 : at + 1;
}

/* Where the last record starts; 0 if there is none or the answer is malformed. */
static size_t last_record(const uint8_t *p, size_t len)
{
    size_t at = HEADER_LEN, last = 0;
    if (len < HEADER_LEN)
        return 0;
    for (unsigned i = u16_get(p + 4); i > 0; i--)
        at = name_skip(p, at, len) + 4;
    unsigned records = u16_get(p + 6) + u16_get(p + 8) + u16_get(p + ARCOUNT_AT);
    for (; records > 0; records--) {
        last = at;
        at = name_skip(p, at, len);
        if (at + 10 > len)
            return 0;
        at += 10 + u16_get(p + at + 8);
    }
    return at == len ? last : 0;
}

bool signer_is_signed(struct signer *s, const uint8_t *answer, size_t len,
                      const uint8_t request_mac[SIGNER_MAC_LEN])
{
    size_t tsig = last_record(answer, len), at = name_skip(answer, tsig, len);
    if (tsig == 0 || u16_get(answer + at) != TYPE_TSIG)
        return false;
    size_t time = name_skip(answer, at + 10, len), mac = time + 10, end = mac + SIGNER_MAC_LEN;
    if (end + 6 > len || u16_get(answer + mac - 2) != SIGNER_MAC_LEN ||
        end + 6 + u16_get(answer + end + 4) != len)
        return false;
    uint8_t header[HEADER_LEN], prefix[2], wanted[SIGNER_MAC_LEN];
    memcpy(header, answer, HEADER_LEN);
    memcpy(header, answer + end, 2); /* s4.3.2: with the original ID, without the TSIG record */
    u16_put(header + ARCOUNT_AT, u16_get(header + ARCOUNT_AT) - 1);
    u16_put(prefix, SIGNER_MAC_LEN);
    hmac_start(s);
    hmac_add(s, prefix, sizeof prefix);
    hmac_add(s, request_mac, SIGNER_MAC_LEN);
    hmac_add(s, header, HEADER_LEN);
    hmac_add(s, answer + HEADER_LEN, tsig - HEADER_LEN);
    hmac_end(s, (struct variables){answer + time, answer + end + 2, len - end - 2}, wanted);
    return CRYPTO_memcmp(wanted, answer + mac, SIGNER_MAC_LEN) == 0;
}
