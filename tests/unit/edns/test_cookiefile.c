/* SPDX-License-Identifier: Apache-2.0
 * Files of cookie secrets: what is one, what is not, and that nothing of it is told. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "edns/cookiefile.h"
#include "unit.h"

#define ONE "e5e973e5a6b2a43f48e7dc849e37bfcf"
#define TWO "445536bcd2513298075a5d379663c962"

static char dir[] = "/tmp/reeve-cookiefile-XXXXXX", path[sizeof(dir) + 8];

static void start(void)
{
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/secret", dir);
}

static void finish(void)
{
    unlink(path);
    rmdir(dir);
}

static void put(const char *text, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

static enum err read_it(struct cookie_secrets *out, struct diag *diag)
{
    int64_t changed_us;
    *diag = (struct diag){0};
    return cookiefile_read(path, out, &changed_us, diag);
}

static const struct row {
    const char *text;
    enum err result;
    unsigned count;
} rows[] = {
    {ONE "\n", OK, 1},
    {ONE, OK, 1},
    {"# of all servers of 192.0.2.53\n\n  " ONE "  # since May\r\n" TWO "\n\n", OK, 2},
    {"E5E973E5A6B2A43F48E7DC849E37BFCF\n", OK, 1},
    {"", ERR_SYNTAX, 0},
    {"# nothing\n", ERR_SYNTAX, 0},
    {"e5e973e5a6b2a43f48e7dc849e37bf\n", ERR_SYNTAX, 0},
    {ONE "00\n", ERR_SYNTAX, 0},
    {"0x" ONE "\n", ERR_SYNTAX, 0},
    {"g5e973e5a6b2a43f48e7dc849e37bfcf\n", ERR_SYNTAX, 0},
    {ONE " " TWO "\n", ERR_SYNTAX, 0},
    {ONE "\n" TWO "\n" ONE "\n", ERR_SYNTAX, 0},
};

Test(cookiefile, has_one_secret_or_two, .init = start, .fini = finish)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cookie_secrets secrets;
        struct diag diag;
        put(rows[i].text, 0600);
        cr_expect_eq(read_it(&secrets, &diag), rows[i].result, "row %zu: %s", i, diag.text);
        cr_expect_eq(secrets.count, rows[i].count, "row %zu", i);
        cr_expect(!strstr(diag.text, "e5e9") && !strstr(diag.text, "g5e9"), "%s", diag.text);
        if (rows[i].count) /* as it stands in the file */
            cr_expect_arr_eq(&secrets.at[0],
                             "\xe5\xe9\x73\xe5\xa6\xb2\xa4\x3f\x48\xe7\xdc\x84\x9e\x37\xbf\xcf",
                             16);
    }
}

Test(cookiefile, is_refused_where_others_read_it, .init = start, .fini = finish)
{
    struct cookie_secrets secrets;
    struct diag diag;
    put(ONE, 0644);
    cr_expect_eq(read_it(&secrets, &diag), ERR_INVALID);
    put(ONE, 0640);
    cr_expect_eq(read_it(&secrets, &diag), OK);
    unlink(path);
    cr_expect_eq(read_it(&secrets, &diag), ERR_ABSENT);
}

Test(cookiefile, is_read_as_it_was_written, .init = start, .fini = finish)
{
    struct cookie_secrets out, in = {2, {{1, 2}, {UINT64_MAX, 3}}};
    struct diag diag;
    struct stat st;
    cr_assert_eq(cookiefile_write(path, &in, SECRETFILE_REPLACE, &diag), OK, "%s", diag.text);
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_mode & 07777, 0600);
    cr_assert_eq(read_it(&out, &diag), OK, "%s", diag.text);
    cr_expect_eq(out.count, 2);
    cr_expect_arr_eq(out.at, in.at, sizeof(in.at));
    in.count = 1;
    cr_assert_eq(cookiefile_write(path, &in, SECRETFILE_REPLACE, &diag), OK, "%s", diag.text);
    cr_assert_eq(read_it(&out, &diag), OK, "%s", diag.text);
    cr_expect_eq(out.count, 1);
    cr_expect_eq(cookiefile_write("/nowhere/at/all", &in, SECRETFILE_REPLACE, &diag), ERR_IO);
}
