/* SPDX-License-Identifier: Apache-2.0
 * The kinds of rdata fields, one row each.
 *
 * Included with KIND defined; no include guard. bytes: the length where it is fixed, and then nothing but that is
 * checked; else 0, and span decides. flags: enum kind_flag without its prefix. */
/* clang-format off */

/*   id             bytes  flags                               span                 scan                  show */
KIND(U8,            1,     0,                                  NULL,                kind_u8_scan,         kind_u8_show)
KIND(U16,           2,     0,                                  NULL,                kind_u16_scan,        kind_u16_show)
KIND(U32,           4,     0,                                  NULL,                kind_u32_scan,        kind_u32_show)
KIND(PERIOD,        4,     0,                                  NULL,                kind_period_scan,     kind_u32_show)
KIND(TIME,          4,     0,                                  NULL,                kind_time_scan,       kind_time_show)
KIND(NODE64,        8,     0,                                  NULL,                kind_node64_scan,     kind_node64_show)
KIND(TYPE,          2,     0,                                  NULL,                kind_type_scan,       kind_type_show)
KIND(ALG,           1,     0,                                  NULL,                kind_alg_scan,        kind_u8_show)
KIND(CERT_ALG,      1,     0,                                  NULL,                kind_alg_scan,        kind_cert_alg_show)
KIND(DIGEST_TYPE,   1,     0,                                  NULL,                kind_digest_type_scan, kind_u8_show)
KIND(CERT_TYPE,     2,     0,                                  NULL,                kind_cert_type_scan,  kind_cert_type_show)
KIND(SCHEME,        1,     0,                                  NULL,                kind_scheme_scan,     kind_scheme_show)
KIND(PROTOCOL,      1,     0,                                  NULL,                kind_protocol_scan,   kind_u8_show)
KIND(KEY_FLAGS,     2,     0,                                  NULL,                kind_key_flags_scan,  kind_u16_show)
KIND(KEY_PROTOCOL,  1,     0,                                  NULL,                kind_key_protocol_scan, kind_u8_show)

KIND(NAME_C,        0,     IS_NAME|COMPRESS|DECOMPRESS|FOLD,   kind_name_span,      kind_name_scan,       kind_name_show)
KIND(NAME_D,        0,     IS_NAME|DECOMPRESS|FOLD,            kind_name_span,      kind_name_scan,       kind_name_show)
KIND(NAME_L,        0,     IS_NAME|FOLD,                       kind_name_span,      kind_name_scan,       kind_name_show)
KIND(NAME,          0,     IS_NAME,                            kind_name_span,      kind_name_scan,       kind_name_show)
KIND(NAMES,         0,     0,                                  kind_names_span,     kind_names_scan,      kind_names_show)

KIND(STRING,        0,     0,                                  kind_string_span,    kind_string_scan,     kind_string_show)
KIND(STRING_OPT,    0,     0,                                  kind_string_opt_span, kind_string_opt_scan, kind_strings_show)
KIND(STRINGS,       0,     0,                                  kind_strings_span,   kind_strings_scan,    kind_strings_show)
KIND(TAG,           0,     0,                                  kind_tag_span,       kind_tag_scan,        kind_tag_show)
KIND(QREST,         0,     0,                                  kind_blob_span,      kind_qrest_scan,      kind_qrest_show)
KIND(QREST_OPT,     0,     0,                                  kind_blob_span,      kind_qrest_opt_scan,  kind_qrest_opt_show)
KIND(TOKEN,         0,     0,                                  kind_token_span,     kind_token_scan,      kind_token_show)
KIND(QUANTITY,      0,     0,                                  kind_quantity_span,  kind_quantity_scan,   kind_quantity_show)

KIND(HEX,           0,     0,                                  kind_some_span,      kind_hex_scan,        kind_hex_show)
KIND(HEX_DELETE,    0,     0,                                  kind_some_span,      kind_hex_delete_scan, kind_hex_show)
KIND(BASE64,        0,     0,                                  kind_some_span,      kind_base64_scan,     kind_base64_show)
KIND(BASE64_OPT,    0,     0,                                  kind_blob_span,      kind_base64_opt_scan, kind_base64_show)
KIND(BASE64_DELETE, 0,     0,                                  kind_some_span,      kind_base64_delete_scan, kind_base64_show)
KIND(BASE64_DASH,   0,     0,                                  kind_blob_span,      kind_base64_dash_scan, kind_base64_dash_show)
KIND(BLOB,          0,     0,                                  kind_blob_span,      kind_blob_scan,       kind_blob_show)
KIND(SALT,          0,     0,                                  kind_salt_span,      kind_salt_scan,       kind_salt_show)
KIND(HASH32,        0,     0,                                  kind_hash32_span,    kind_hash32_scan,     kind_hash32_show)

KIND(IP4,           4,     0,                                  NULL,                kind_ip4_scan,        kind_ip4_show)
KIND(IP6,           16,    0,                                  NULL,                kind_ip6_scan,        kind_ip6_show)
KIND(EUI48,         6,     0,                                  NULL,                kind_eui48_scan,      kind_eui48_show)
KIND(EUI64,         8,     0,                                  NULL,                kind_eui64_scan,      kind_eui64_show)
KIND(LOCATOR64,     8,     0,                                  NULL,                kind_locator64_scan,  kind_locator64_show)
KIND(NSAP,          0,     0,                                  kind_some_span,      kind_nsap_scan,       kind_nsap_show)
KIND(ATMA,          0,     0,                                  kind_atma_span,      kind_atma_scan,       kind_atma_show)
KIND(A6_PREFIX,     0,     0,                                  kind_a6_prefix_span, kind_a6_prefix_scan,  kind_u8_show)
KIND(A6_SUFFIX,     0,     0,                                  kind_a6_suffix_span, kind_a6_suffix_scan,  kind_a6_suffix_show)
KIND(A6_NAME,       0,     IS_NAME|FOLD,                       kind_a6_name_span,   kind_a6_name_scan,    kind_a6_name_show)

KIND(BITMAP,        0,     0,                                  kind_bitmap_span,    kind_bitmap_scan,     kind_bitmap_show)
KIND(BITMAP_OPT,    0,     0,                                  kind_bitmap_opt_span, kind_bitmap_opt_scan, kind_bitmap_show)
KIND(BITMAP_NXT,    0,     0,                                  kind_bitmap_nxt_span, kind_bitmap_nxt_scan, kind_bitmap_nxt_show)
KIND(SERVICES,      0,     0,                                  kind_services_span,  kind_services_scan,   kind_services_show)

KIND(GATEWAY,       0,     0,                                  kind_gateway_span,   kind_gateway_scan,    kind_gateway_show)
KIND(RELAY_TYPE,    1,     0,                                  NULL,                kind_relay_type_scan, kind_relay_type_show)
KIND(RELAY,         0,     0,                                  kind_relay_span,     kind_relay_scan,      kind_relay_show)
KIND(HIP,           0,     0,                                  kind_hip_span,       kind_hip_scan,        kind_hip_show)
KIND(LOC,           0,     0,                                  kind_loc_span,       kind_loc_scan,        kind_loc_show)
KIND(APL,           0,     0,                                  kind_apl_span,       kind_apl_scan,        kind_apl_show)
KIND(SVCPARAMS,     0,     0,                                  kind_svcparams_span, kind_svcparams_scan,  kind_svcparams_show)
/* clang-format on */
