/* SPDX-License-Identifier: Apache-2.0
 * Names of the protocol's numbers. */
#include "dns/codes.h"

#include <stdio.h>
#include <strings.h>

#include "base/attr.h"
#include "base/digits.h"

const char *rcode_text(unsigned rcode, char buf[16])
{
    switch (rcode) {
#define X(name, value, text) \
    case value:              \
        return text;
        RCODE_LIST(X)
#undef X
    default:
        snprintf(buf, 16, "RCODE%u", rcode & 0xffff);
        return buf;
    }
}

const char *class_text(uint16_t class, char buf[16])
{
    switch (class) {
    case CLASS_IN:
        return "IN";
    case CLASS_CH:
        return "CH";
    case CLASS_HS:
        return "HS";
    case CLASS_NONE:
        return "NONE";
    case CLASS_ANY:
        return "ANY";
    default:
        snprintf(buf, 16, "CLASS%u", class);
        return buf;
    }
}

bool class_scan(const char *s, size_t len, uint16_t *out)
{
    static const struct {
        const char *text;
        uint8_t len;
        uint16_t class;
    } names[] = {
        {"IN", 2, CLASS_IN},     {"CH", 2, CLASS_CH},   {"HS", 2, CLASS_HS},
        {"NONE", 4, CLASS_NONE}, {"ANY", 3, CLASS_ANY},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (len == names[i].len && strncasecmp(s, names[i].text, len) == 0) {
            *out = names[i].class;
            return true;
        }
    uint64_t number;
    if (len <= 5 || strncasecmp(s, "CLASS", 5) != 0 ||
        !digits_u64(s + 5, len - 5, UINT16_MAX, &number))
        return false;
    *out = (uint16_t)number;
    return true;
}
