/* SPDX-License-Identifier: Apache-2.0
 * Field kinds: what a field of some RR type's rdata is on the wire and in text. Private to dns/.
 *
 * A kind is a row of kind.tbl.h: how far a valid field reaches (span), text to wire (scan), wire to
 * text (show). All three get the whole rdata and stand at the field, so that a kind may look back
 * at fields before it. */
#ifndef REEVE_DNS_KIND_H
#define REEVE_DNS_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "base/wire.h"
#include "dns/lex.h"
#include "dns/name.h"

/* What rdata_scan() works with; a kind's scan reads tokens and appends to out. */
struct scan {
    struct lex *lex;
    struct token tok; /* the token read last */
    struct name origin;
    struct wr *out;
    uint8_t *start; /* the first byte of this rdata, in out */
    struct diag *diag;
};

/* Steps over the field at r->at, or says why it is none (a static string); r->start is the rdata's
 * first byte. */
typedef const char *kind_span_fn(struct rd *r);
/* Reads the field's tokens. A failure was said with kind_fail() or kind_say(). A lack of room in
 * out is noticed by the caller. */
typedef enum err kind_scan_fn(struct scan *s);
/* Writes the valid field at r->at and steps over it; writes nothing for a field that is absent. */
typedef void kind_show_fn(struct rd *r, struct text *t);

enum kind_flag {
    KIND_IS_NAME = 1 << 0,
    KIND_COMPRESS = 1 << 1,   /* may be compressed on output (RFC 3597 s4) */
    KIND_DECOMPRESS = 1 << 2, /* may be compressed on input */
    KIND_FOLD = 1 << 3        /* lower case in the canonical form (RFC 4034 s6.2, RFC 6840 s5.1) */
};

struct kind {
    uint8_t bytes; /* fixed length, or 0 */
    uint8_t flags;
    kind_span_fn *span; /* NULL when bytes is not 0 */
    kind_scan_fn *scan;
    kind_show_fn *show;
};

/* Indexed by the ids of kind.tbl.h, which rrtype.c gives as fields of types. */
extern const struct kind kinds[];

static inline const char *kind_span(const struct kind *k, struct rd *r)
{
    if (k->bytes)
        return rd_bytes(r, k->bytes) ? NULL : "rdata ends within a field";
    return k->span(r);
}

/* --- for the scan functions --- */

static inline enum token_kind kind_next(struct scan *s)
{
    lex_read(s->lex, &s->tok);
    return s->tok.kind;
}

/* The token read last will be read again. */
static inline void kind_back(struct scan *s)
{
    s->lex->peek = s->tok;
    s->lex->have_peek = true;
}

/* "expected <expected>, found <token>"; the token read last is put back, so that its place can be
 * told. */
enum err kind_fail(struct scan *s, const char *expected) ATTR_COLD;
/* A whole sentence of the kind's own; the token is put back as well. */
enum err kind_say(struct scan *s, const char *sentence) ATTR_COLD;
/* Reads a word (not quoted). */
enum err kind_word(struct scan *s, const char *expected);
/* Reads a word or a quoted text. */
enum err kind_string(struct scan *s, const char *expected);
/* After a loop over tokens: OK when the token that ended it is the end of the record, which is put
 * back. */
enum err kind_end(struct scan *s, const char *expected);
/* Reads a word that is a decimal number. */
enum err kind_number(struct scan *s, uint64_t max, const char *expected, uint64_t *out);
bool kind_word_is(const struct scan *s, const char *word);

/* Names of numbers, ended by a NULL name; several names of one number are fine, the first is shown.
 */
struct mnemonic {
    const char *name;
    uint16_t value;
};
/* In any case; NULL: none. */
const struct mnemonic *kind_mnemonic_find(const struct mnemonic *rows, const char *s, size_t len);
const char *kind_mnemonic_text(const struct mnemonic *rows, unsigned value);

/* Decodes the token's escapes into out; false: a bad escape or more than max bytes. */
bool kind_put_text(struct scan *s, size_t max);
/* Appends printable bytes as they are and others as \DDD; with a backslash before those in
 * `special`. */
void kind_show_text(const uint8_t *p, size_t len, const char *special, struct text *t);
/* The same between quotes. */
void kind_show_quoted(const uint8_t *p, size_t len, struct text *t);
/* Reads base64 or hex to the end of the record, split over tokens anywhere; at least one token. */
enum err kind_put_base64(struct scan *s);
enum err kind_put_hex(struct scan *s);
enum err kind_put_name(struct scan *s);
bool kind_ip4_read(const char *s, size_t len, uint8_t out[4]);
bool kind_ip6_read(const char *s, size_t len, uint8_t out[16]);

/* --- kind_number.c --- */
kind_scan_fn kind_u8_scan, kind_u16_scan, kind_u32_scan, kind_period_scan, kind_time_scan,
    kind_node64_scan;
kind_scan_fn kind_type_scan, kind_alg_scan, kind_digest_type_scan, kind_cert_type_scan,
    kind_scheme_scan, kind_key_flags_scan, kind_key_protocol_scan;
kind_show_fn kind_u8_show, kind_u16_show, kind_u32_show, kind_time_show, kind_node64_show,
    kind_type_show;
kind_show_fn kind_cert_type_show, kind_cert_alg_show, kind_scheme_show;

/* --- kind_name.c --- */
kind_span_fn kind_name_span, kind_names_span;
kind_scan_fn kind_name_scan, kind_names_scan;
kind_show_fn kind_name_show, kind_names_show;

/* --- kind_text.c --- */
kind_span_fn kind_string_span, kind_string_opt_span, kind_strings_span, kind_tag_span,
    kind_token_span;
kind_span_fn kind_quantity_span;
kind_scan_fn kind_string_scan, kind_string_opt_scan, kind_strings_scan, kind_tag_scan,
    kind_qrest_scan;
kind_scan_fn kind_qrest_opt_scan, kind_token_scan, kind_quantity_scan;
kind_show_fn kind_string_show, kind_strings_show, kind_tag_show, kind_qrest_show,
    kind_qrest_opt_show;
kind_show_fn kind_token_show, kind_quantity_show;

/* --- kind_binary.c --- */
kind_span_fn kind_some_span, kind_blob_span, kind_salt_span, kind_hash32_span;
kind_scan_fn kind_hex_scan, kind_hex_delete_scan, kind_base64_scan, kind_base64_opt_scan,
    kind_base64_delete_scan;
kind_scan_fn kind_base64_dash_scan, kind_blob_scan, kind_salt_scan, kind_hash32_scan;
kind_show_fn kind_hex_show, kind_base64_show, kind_base64_dash_show, kind_blob_show, kind_salt_show,
    kind_hash32_show;

/* --- kind_address.c --- */
kind_span_fn kind_atma_span, kind_a6_prefix_span, kind_a6_suffix_span, kind_a6_name_span;
kind_scan_fn kind_ip4_scan, kind_ip6_scan, kind_eui48_scan, kind_eui64_scan, kind_locator64_scan,
    kind_nsap_scan;
kind_scan_fn kind_atma_scan, kind_a6_prefix_scan, kind_a6_suffix_scan, kind_a6_name_scan;
kind_show_fn kind_ip4_show, kind_ip6_show, kind_eui48_show, kind_eui64_show, kind_locator64_show,
    kind_nsap_show;
kind_show_fn kind_atma_show, kind_a6_suffix_show, kind_a6_name_show;

/* --- kind_bitmap.c, kind_services.c --- */
kind_span_fn kind_bitmap_span, kind_bitmap_opt_span, kind_bitmap_nxt_span, kind_services_span;
kind_scan_fn kind_bitmap_scan, kind_bitmap_opt_scan, kind_bitmap_nxt_scan, kind_services_scan,
    kind_protocol_scan;
kind_show_fn kind_bitmap_show, kind_bitmap_nxt_show, kind_services_show;

/* --- kind_gateway.c, kind_hip.c, kind_loc.c, kind_apl.c, kind_svcb.c --- */
kind_span_fn kind_gateway_span, kind_relay_span, kind_hip_span, kind_loc_span, kind_apl_span,
    kind_svcparams_span;
kind_scan_fn kind_gateway_scan, kind_relay_type_scan, kind_relay_scan, kind_hip_scan, kind_loc_scan,
    kind_apl_scan;
kind_scan_fn kind_svcparams_scan;
kind_show_fn kind_gateway_show, kind_relay_type_show, kind_relay_show, kind_hip_show, kind_loc_show,
    kind_apl_show;
kind_show_fn kind_svcparams_show;

#endif
