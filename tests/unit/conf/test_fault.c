/* SPDX-License-Identifier: Apache-2.0
 * Collecting and showing faults. */
#include "conf/fault.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct conf_faults faults;

static void show_is(const char *expected)
{
    char *shown = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&shown, &len);
    conf_faults_show(&faults, "f.yaml", out);
    fclose(out);
    cr_expect_str_eq(shown, expected);
    free(shown);
}

Test(fault, shows_file_line_column_in_order_of_place)
{
    fault_add(&faults, (struct conf_at){7, 1}, "c");
    fault_add(&faults, (struct conf_at){2, 9}, "b %d", 1);
    fault_add(&faults, (struct conf_at){2, 3}, "a");
    fault_add(&faults, (struct conf_at){2, 9}, "b %d", 2);
    fault_sort(&faults);
    show_is("f.yaml:2:3: a\nf.yaml:2:9: b 1\nf.yaml:2:9: b 2\nf.yaml:7:1: c\n");
}

Test(fault, is_one_printable_line_whatever_it_quotes)
{
    fault_add(&faults, (struct conf_at){1, 1}, "\"%s\"", "a\nb\033[31m\177\xC2\x9B 31m \xC3\xBC");
    show_is("f.yaml:1:1: \"a?b?[31m??? 31m \xC3\xBC\"\n");
}

Test(fault, is_cut_to_fit)
{
    char text[1000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    fault_add(&faults, (struct conf_at){1, 1}, "%s", text);
    cr_expect_eq(strlen(faults.list[0].text), CONF_FAULT_TEXT_MAX - 1);
}

Test(fault, counts_what_it_does_not_keep)
{
    for (unsigned i = 0; i < CONF_FAULTS_MAX + 5; i++)
        fault_add(&faults, (struct conf_at){i + 1, 1}, "x");
    cr_expect_eq(faults.count, CONF_FAULTS_MAX);
    cr_expect_eq(faults.left_out, 5);
    cr_expect(fault_is_full(&faults));
}

Test(fault, warnings_are_shown_as_such_and_do_not_count_as_errors)
{
    fault_reset(&faults);
    fault_warn(&faults, (struct conf_at){2, 1}, "doubtful %s", "\x1b");
    cr_expect_eq(faults.errors, 0);
    fault_add(&faults, (struct conf_at){1, 1}, "wrong");
    cr_expect_eq(faults.errors, 1);
    for (unsigned i = faults.count; i < CONF_FAULTS_MAX; i++)
        fault_warn(&faults, (struct conf_at){3, 1}, "and more");
    fault_warn(&faults, (struct conf_at){4, 1}, "too much");
    fault_add(&faults, (struct conf_at){4, 1}, "too much");
    cr_expect_eq(faults.errors, 2, "counted, shown or not");
    cr_expect_eq(faults.left_out, 2);
    fault_sort(&faults);
    char *shown = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&shown, &len);
    conf_faults_show(&faults, "f", out);
    fclose(out);
    static const char begin[] =
        "f:1:1: wrong\nf:2:1: warning: doubtful ?\nf:3:1: warning: and more";
    cr_expect_eq(strncmp(shown, begin, strlen(begin)), 0, "%s", shown);
    free(shown);
    fault_reset(&faults);
    cr_expect_eq(faults.count + faults.left_out + faults.errors, 0);
}
