/* SPDX-License-Identifier: Apache-2.0
 * reeved --check on zones: a line for each fault, and how many zones would not load. */
#include "bed.h"
#include "server/check.h"

static unsigned check(const struct conf *conf, char *out, size_t cap)
{
    FILE *f = fmemopen(out, cap, "w");
    unsigned failed = server_check_zones(conf, f);
    fclose(f);
    return failed;
}

Test(check, prints_each_fault_with_its_place_and_counts_the_zones)
{
    struct bed *b = bed_new();
    char out[4096] = "";
    bed_file(b, "good", BED_TOP, 1);
    bed_file(b, "warned", BED_TOP "a MX 1 nowhere\n", 1);
    bed_file(b, "bad", BED_TOP "a A 192.0.2\n  b B\n", 1);
    struct conf *conf = bed_conf(b, "",
                                 "  good.example: {file: good}\n  warned.example: {file: warned}\n"
                                 "  bad.example: {file: bad}\n  gone.example: {file: gone}\n");
    cr_expect_eq(check(conf, out, sizeof(out)), 2);
    conf_free(conf);
    cr_expect_null(strstr(out, "good"));
    cr_expect_not_null(strstr(out, "/bad:4:5: "), "%s", out);
    cr_expect_not_null(strstr(out, "/bad:5:3: "), "%s", out);
    cr_expect_not_null(strstr(out, "warning: "), "%s", out);
    cr_expect_not_null(strstr(out, "/warned:4:3: warning: a.warned.example.: MX target "
                                   "\"nowhere.warned.example.\" has no address"),
                       "%s", out);
    cr_expect_not_null(strstr(out, "/gone: "), "%s", out);
    cr_expect_not_null(strstr(out, "No such file"), "%s", out);
    bed_free(b);
}
