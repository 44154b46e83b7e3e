/* SPDX-License-Identifier: Apache-2.0
 * base/text: bounded text with a sticky failure, and escapes (RFC 1035 s5.1). */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/text.h"
#include "unit.h"

Test(text, grows_and_stays_terminated)
{
    char buf[32];
    struct text t;
    text_init(&t, buf, sizeof(buf));
    cr_expect_str_eq(buf, "");
    text_char(&t, 'a');
    text_add(&t, "bc");
    text_bytes(&t, "defg", 2);
    text_fmt(&t, "%d-%s", 7, "x");
    text_u32(&t, 0);
    text_u32(&t, 4294967295u);
    text_escaped(&t, 7);
    text_escaped(&t, 255);
    cr_expect_str_eq(buf, "abcde7-x04294967295\\007\\255");
    cr_expect_eq(text_len(&t), strlen(buf));
    cr_expect(!t.bad);
}

Test(text, what_does_not_fit_is_left_out_and_all_after_it)
{
    char buf[4];
    struct text t;
    text_init(&t, buf, sizeof(buf));
    text_add(&t, "abc");
    cr_expect(!t.bad);
    text_char(&t, 'd');
    cr_expect(t.bad);
    cr_expect_str_eq(buf, "abc");
    text_init(&t, buf, sizeof(buf));
    text_fmt(&t, "%s", "abcd");
    cr_expect(t.bad);
    cr_expect_str_eq(buf, "");
    text_add(&t, "x");
    text_fmt(&t, "x");
    cr_expect_str_eq(buf, "");
    text_init(&t, buf, 1);
    text_bytes(&t, "", 0);
    cr_expect(!t.bad);
    text_escaped(&t, 0);
    cr_expect(t.bad);
}

Test(text, no_room_for_the_end_is_a_bug, .signal = SIGABRT)
{
    char buf[1];
    struct text t;
    text_init(&t, buf, 0);
}

struct escape_row {
    const char *text;
    int byte; /* -1: malformed */
    size_t used;
};

static const struct escape_row escapes[] = {
    {"ab", 'a', 1},     {"\\ab", 'a', 2},  {"\\.", '.', 2},  {"\\\\", '\\', 2}, {"\\000", 0, 4},
    {"\\0655", 'A', 4}, {"\\255", 255, 4}, {"\\256", -1, 0}, {"\\999", -1, 0},  {"\\", -1, 0},
    {"\\1", -1, 0},     {"\\12", -1, 0},   {"\\12x", -1, 0}, {"\377", 255, 1},  {"\\\377", 255, 2},
};

Test(text, escapes_are_read_one_character_at_a_time)
{
    for (size_t i = 0; i < ARRAY_LEN(escapes); i++) {
        size_t len = strlen(escapes[i].text);
        char *exact = malloc(len); /* so that a read beyond it is noticed */
        memcpy(exact, escapes[i].text, len);
        const char *at = exact;
        uint8_t byte = 0xaa;
        cr_expect_eq(text_scan_byte(&at, exact + len, &byte), escapes[i].byte >= 0, "%s",
                     escapes[i].text);
        cr_expect_eq((size_t)(at - exact), escapes[i].used, "%s", escapes[i].text);
        cr_expect_eq(byte, escapes[i].byte >= 0 ? escapes[i].byte : 0xaa, "%s", escapes[i].text);
        free(exact);
    }
}
