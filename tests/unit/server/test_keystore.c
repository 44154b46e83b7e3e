/* SPDX-License-Identifier: Apache-2.0
 * The folder of keys: what its files become, and that a failure leaves them as they were. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "server/keystore.h"
#include "unit.h"

#define LATER_US ((int64_t)1796083200 * 1000000)
#define NOW_US   ((int64_t)1767225600 * 1000000) /* 2026-01-01T00:00:00Z */

static char dir[64], state[96];

static void setup(void)
{
    strcpy(dir, "/tmp/reeve-keystore-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    snprintf(state, sizeof(state), "%s/state", dir);
}

static void teardown(void)
{
    char command[96];
    snprintf(command, sizeof(command), "rm -r %s", dir);
    cr_expect_eq(system(command), 0);
}

TestSuite(keystore, .init = setup, .fini = teardown);

static struct name name_from(struct name_buf *buf, const char *text)
{
    cr_assert_eq(name_scan(text, strlen(text), NAME_ROOT, buf, NULL), OK);
    return name_of(buf);
}

static const char *path_of(const char *rest)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", dir, rest);
    return path;
}

static mode_t mode_of(const char *rest)
{
    struct stat st;
    cr_assert_eq(stat(path_of(rest), &st), 0, "%s", rest);
    return st.st_mode & 07777;
}

static bool is_there(const char *rest)
{
    return access(path_of(rest), F_OK) == 0;
}

static void make(const char *name, char path[PATH_MAX])
{
    struct name_buf buf;
    struct keyfile file;
    struct diag diag = {0};
    cr_assert_eq(keystore_new(state, name_from(&buf, name), "hmac-sha256", path, &file, &diag), OK,
                 "%s", diag.text);
    keyfile_done(&file);
}

static void put(const char *rest, const char *text, size_t len)
{
    int fd = open(path_of(rest), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, len), (ssize_t)len);
    close(fd);
}

Test(keystore, makes_what_the_configuration_reads)
{
    char path[PATH_MAX];
    struct name_buf buf;
    struct keyfile made, read;
    struct diag diag = {0};
    cr_assert_eq(keystore_new(state, name_from(&buf, "Web.1"), "hmac-sha512", path, &made, &diag),
                 OK, "%s", diag.text);
    cr_expect_str_eq(path, path_of("state/keys/web.1.key"));
    cr_expect_eq(mode_of("state"), 0750);
    cr_expect_eq(mode_of("state/keys"), 0700);
    cr_expect_eq(mode_of("state/keys/web.1.key"), 0600);
    cr_assert_eq(keyfile_read(path, NULL, &read, &diag), OK, "%s", diag.text);
    cr_expect_str_eq(read.algorithm, "hmac-sha512");
    cr_assert_eq(read.secret[0].len, 64);
    cr_expect_arr_eq(read.secret[0].bytes, made.secret[0].bytes, 64);
    keyfile_done(&made);
    keyfile_done(&read);
}

/* --- what a power failure leaves --- */

static char synced[1024]; /* the folders, each followed by a space */

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
    char link[64], path[256];
    struct stat st;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    if (len > 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        size_t at = strlen(synced);
        snprintf(synced + at, sizeof(synced) - at, "%.*s ", (int)len, path);
    }
    return __real_fsync(fd);
}

Test(keystore, a_key_that_was_made_is_there_after_a_power_failure)
{
    char path[PATH_MAX], want[256];
    synced[0] = '\0';
    make("first", path);
    snprintf(want, sizeof(want), "%s %s/keys ", state, state); /* the folder, then what is in it */
    cr_expect_str_eq(synced, want);
}

Test(keystore, makes_no_key_twice_and_none_where_it_cannot)
{
    char path[PATH_MAX];
    struct name_buf buf;
    struct keyfile file;
    struct diag diag = {0};
    make("k", path);
    struct name k = name_from(&buf, "K");
    cr_expect_eq(keystore_new(state, k, "hmac-sha256", path, &file, &diag), ERR_EXISTS);
    cr_expect_eq(file.count, 0);
    cr_expect_eq(keystore_new(state, k, "hmac-sha255", path, &file, &diag), ERR_INVALID);
    cr_expect_eq(keystore_new(path_of("no/where"), k, "hmac-sha256", path, &file, &diag), ERR_IO);
    put("file", "", 0);
    cr_expect_eq(keystore_new(path_of("file"), k, "hmac-sha256", path, &file, &diag), ERR_IO);
    cr_expect_eq(keystore_new(state, NAME_ROOT, "hmac-sha256", path, &file, &diag), ERR_INVALID);
}

Test(keystore, rotates_a_file_of_any_form)
{
    static const char *const forms[] = {
        "c2VjcmV0\n",
        "hmac-sha256:k.:c2VjcmV0\nhmac-sha256:k.:b2xkZXI= until 2026-01-01T00:00:00Z\n",
        "key k { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\n",
    };
    struct name_buf buf;
    char path[PATH_MAX];
    make("k", path);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct keystore_rotation r = {.path = path,
                                      .name = name_from(&buf, "k"),
                                      .algorithm = "hmac-sha256",
                                      .now_us = NOW_US,
                                      .until_us = LATER_US};
        struct keyfile made, read;
        struct diag diag = {0};
        put("state/keys/k.key", forms[i], strlen(forms[i]));
        cr_assert_eq(keystore_rotate(&r, &made, &diag), OK, "%s", diag.text);
        cr_assert_eq(keyfile_read(path, NULL, &read, &diag), OK, "%s", diag.text);
        cr_expect_eq(read.count, 2);
        cr_expect_eq(read.secret[0].len, 32);
        cr_expect_arr_eq(read.secret[0].bytes, made.secret[0].bytes, 32);
        cr_expect_eq(read.secret[1].len, 6);
        cr_expect_arr_eq(read.secret[1].bytes, "secret", 6);
        cr_expect_eq(read.secret[1].until_us, LATER_US);
        keyfile_done(&made);
        keyfile_done(&read);
    }
}

/* Two secrets are accepted at a time: the older one is not to go without a word. */
Test(keystore, does_not_end_an_overlap_unless_it_is_told_to)
{
    static const struct {
        const char *old; /* the second line */
        enum err e;
        const char *why;
    } rows[] = {
        {"b2xkZXI= until 2026-01-01T00:00:00Z", OK, NULL},
        {"b2xkZXI= until 2026-01-01T00:00:01Z", ERR_EXISTS, "until 2026-01-01T00:00:01Z"},
        {"b2xkZXI=", ERR_EXISTS, "for good"},
    };
    struct name_buf buf;
    char path[PATH_MAX];
    make("k", path);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct keystore_rotation r = {.path = path,
                                      .name = name_from(&buf, "k"),
                                      .algorithm = "hmac-sha256",
                                      .now_us = NOW_US,
                                      .until_us = LATER_US};
        struct keyfile file;
        struct diag diag = {0};
        char text[200];
        int len = snprintf(text, sizeof(text), "hmac-sha256:k.:c2VjcmV0\nhmac-sha256:k.:%s\n",
                           rows[i].old);
        put("state/keys/k.key", text, (size_t)len);
        cr_expect_eq(keystore_rotate(&r, &file, &diag), rows[i].e, "%s", rows[i].old);
        if (rows[i].e != OK) {
            cr_expect_not_null(strstr(diag.text, rows[i].why), "%s", diag.text);
            cr_expect_eq(file.count, 0);
            cr_assert_eq(keyfile_read(path, NULL, &file, &diag), OK);
            cr_expect_arr_eq(file.secret[0].bytes, "secret", 6, "the file is as it was");
            keyfile_done(&file);
            r.is_forced = true;
            cr_assert_eq(keystore_rotate(&r, &file, &diag), OK, "%s", diag.text);
        }
        cr_expect_arr_eq(file.secret[1].bytes, "secret", 6);
        keyfile_done(&file);
    }
}

Test(keystore, rotates_nothing_that_is_another_key)
{
    struct name_buf buf;
    struct keyfile file;
    struct diag diag = {0};
    char path[PATH_MAX];
    make("k", path);
    struct keystore_rotation other = {
        .path = path, .name = name_from(&buf, "j"), .algorithm = "hmac-sha256"};
    cr_expect_eq(keystore_rotate(&other, &file, &diag), ERR_INVALID);
    other.path = path_of("nothing");
    cr_expect_eq(keystore_rotate(&other, &file, &diag), ERR_ABSENT);
}

Test(keystore, puts_a_revoked_key_aside)
{
    char path[PATH_MAX], aside[PATH_MAX];
    struct diag diag = {0};
    for (int i = 0; i < 2; i++) { /* the second in place of the first */
        make("k", path);
        cr_expect_eq(keystore_revoke(path, aside, &diag), OK, "%s", diag.text);
        cr_expect_str_eq(aside, path_of("state/keys/k.key.revoked"));
        cr_expect_not(is_there("state/keys/k.key"));
        cr_expect_eq(mode_of("state/keys/k.key.revoked"), 0600);
    }
    cr_expect_eq(keystore_revoke(path, aside, &diag), ERR_ABSENT);
}

Test(keystore, copies_keys_and_nothing_else)
{
    char path[PATH_MAX], aside[PATH_MAX];
    struct diag diag = {0};
    struct keystore_copied made;
    cr_assert_eq(mkdir(path_of("copy"), 0755), 0);
    cr_expect_eq(keystore_copy(state, path_of("copy"), &made, &diag), OK, "there are none");
    cr_expect_eq(made.count, 0);
    cr_expect_not(is_there("copy/keys"));
    make("a", path);
    make("b", path);
    cr_assert_eq(keystore_revoke(path, aside, &diag), OK);
    put("state/keys/note.txt", "x", 1);
    cr_expect_eq(keystore_copy(state, path_of("copy"), &made, &diag), OK, "%s", diag.text);
    cr_expect_eq(made.count, 2);
    cr_expect_eq(mode_of("copy/keys"), 0700);
    cr_expect_eq(mode_of("copy/keys/a.key"), 0600);
    cr_expect(is_there("copy/keys/b.key.revoked"));
    cr_expect_not(is_there("copy/keys/note.txt"));
    struct keyfile read;
    cr_expect_eq(keyfile_read(path_of("copy/keys/a.key"), NULL, &read, &diag), OK);
    keyfile_done(&read);
    cr_expect_eq(keystore_copy(state, path_of("copy"), &made, &diag), ERR_IO, "they are there");
    keystore_copy_undo(path_of("copy"), &made);
    cr_expect(is_there("copy/keys/a.key"), "an earlier one has made it");
}

Test(keystore, a_copy_that_fails_says_of_what)
{
    static char large[KEYFILE_LEN_MAX + 1];
    char path[PATH_MAX];
    struct diag diag = {0};
    struct keystore_copied made;
    make("a", path);
    memset(large, '#', sizeof(large));
    put("state/keys/a.key", large, sizeof(large));
    cr_expect_eq(keystore_copy(state, dir, &made, &diag), ERR_LIMIT);
    cr_expect_not_null(strstr(diag.text, "a.key: has more than"), "%s", diag.text);
    cr_expect_eq(keystore_copy(state, path_of("nowhere"), &made, &diag), ERR_IO);
}
