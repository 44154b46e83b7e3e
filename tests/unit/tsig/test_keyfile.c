/* SPDX-License-Identifier: Apache-2.0
 * tsig/keyfile: what is read, what is refused with which sentence, and what is written. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/digits.h"
#include "tsig/keyfile.h"
#include "unit.h"

#define DECEMBER_US ((int64_t)1796083200 * 1000000) /* date -d 2026-12-01T00:00:00Z +%s */
/* 256 base64 characters are 192 bytes */
#define QUAD(x)     x x x x
#define LONG_64     QUAD("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")

static const struct parse_row {
    const char *text, *name, *algorithm;
    const char *secret[TSIG_SECRETS_MAX]; /* in base 16 */
    int64_t until_us[TSIG_SECRETS_MAX];
} parse_rows[] = {
    {"c2VjcmV0", "", "", {"736563726574"}, {0}},
    {"  c2VjcmV0\t\r\n\n", "", "", {"736563726574"}, {0}},
    {"# made by hand\n// too\n//\n//8= # the secret\n", "", "", {"FFFF"}, {0}},
    {"//8=", "", "", {"FFFF"}, {0}},
    {"AA==\nAQ== until 2026-12-01T00:00:00Z // the old one",
     "",
     "",
     {"00", "01"},
     {0, DECEMBER_US}},
    {"AA== until 2026-12-01T00:00:00Z\n#\nAQ==", "", "", {"00", "01"}, {DECEMBER_US, 0}},
    {"AA== until 1970-01-01T00:00:01Z", "", "", {"00"}, {1000000}},
    {"AA== until 2028-02-29T23:59:59Z", "", "", {"00"}, {(int64_t)1835481599 * 1000000}},
    /* knsupdate and kdig */
    {"hmac-sha512:Key.Example.:AA==", "Key.Example.", "hmac-sha512", {"00"}, {0}},
    {"hmac-md5.sig-alg.reg.int:key:AA==\n", "key.", "hmac-md5.sig-alg.reg.int", {"00"}, {0}},
    {"key.example:AA==", "key.example.", "", {"00"}, {0}},
    {"hmac-sha1:k:AA==\nhmac-sha1.:K.:AQ== until 2026-12-01T00:00:00Z\n",
     "K.",
     "hmac-sha1.",
     {"00", "01"},
     {0, DECEMBER_US}},
    {"k:AA==\nAQ==", "k.", "", {"00", "01"}, {0}},
    /* tsig-keygen -a hmac-sha256 key.example */
    {"key \"key.example\" {\n\talgorithm hmac-sha256;\n\tsecret \"c2VjcmV0\";\n};\n",
     "key.example.",
     "hmac-sha256",
     {"736563726574"},
     {0}},
    {"//old\n#\n/* key \n*/ key k{secret //\n\"//8=\"/**/;algorithm \"HMAC-SHA256-128.\";};#",
     "k.",
     "HMAC-SHA256-128.",
     {"FFFF"},
     {0}},
    {"KEY k { secret AA==; };", "k.", "", {"00"}, {0}},
};

Test(keyfile, reads_all_forms)
{
    for (size_t i = 0; i < ARRAY_LEN(parse_rows); i++) {
        const struct parse_row *row = &parse_rows[i];
        struct diag diag = {0};
        struct keyfile k;
        char text[NAME_TEXT_MAX];
        cr_assert_eq(keyfile_parse(row->text, strlen(row->text), NULL, &k, &diag), OK,
                     "row %zu: %s", i, diag.text);
        cr_expect_eq(k.name.len == 0, row->name[0] == '\0', "row %zu", i);
        if (k.name.len)
            cr_expect_str_eq(name_text(name_of(&k.name), text), row->name, "row %zu", i);
        cr_expect_str_eq(k.algorithm, row->algorithm, "row %zu", i);
        cr_expect_eq(k.count, row->secret[1] ? 2 : 1, "row %zu", i);
        for (unsigned s = 0; s < k.count; s++) {
            char hex[64];
            struct text t;
            text_init(&t, hex, sizeof(hex));
            base16_show(k.secret[s].bytes, k.secret[s].len, &t);
            cr_expect_str_eq(hex, row->secret[s], "row %zu", i);
            cr_expect_eq(k.secret[s].until_us, row->until_us[s], "row %zu", i);
        }
        keyfile_done(&k);
        cr_expect_eq(k.count, 0);
        keyfile_done(&k);
    }
}

static const struct fault_row {
    const char *text, *says;
} fault_rows[] = {
    {"", "there is no secret in it"},
    {"\n# only this\n", "there is no secret in it"},
    {"\nnot-base64!", "line 2: the secret is not base64"},
    {"!", "line 1: the secret is not base64"},
    {"//comment", "line 1: the secret is not base64"},
    {"AAA", "line 1: the secret is not base64"},
    {"k:", "line 1: the secret is not base64"},
    {"AA==\nAA==\n\nAA==", "line 4: there are more than two secrets"},
    {LONG_64 LONG_64 LONG_64, "line 1: the secret is too long"},
    {"AA== AA==", "line 1: wants a secret, and behind it nothing or `until TIME`"},
    {"AA== until", "line 1: wants a secret"},
    {"AA== since 2026-12-01T00:00:00Z", "line 1: wants a secret"},
    {"AA== until 2026-12-01T00:00:00Z more", "line 1: wants a secret"},
    {"AA== until 2026-12-01", "line 1: the time is not like"},
    {"AA== until 2026-12-01T00:00:00z", "line 1: the time is not like"},
    {"AA== until 2026-12-01 00:00:00Z", "line 1: wants a secret"},
    {"AA== until 2027-02-29T00:00:00Z", "line 1: the time is not like"},
    {"AA== until 2026-13-01T00:00:00Z", "line 1: the time is not like"},
    {"AA== until 2026-00-01T00:00:00Z", "line 1: the time is not like"},
    {"AA== until 2026-12-01T24:00:00Z", "line 1: the time is not like"},
    {"AA== until 2026-12-01T00:60:00Z", "line 1: the time is not like"},
    {"AA== until 2026-12-01T00:00:60Z", "line 1: the time is not like"},
    {"AA== until 1969-12-31T23:59:59Z", "line 1: the time is not like"},
    {"AA== until 202a-12-01T00:00:00Z", "line 1: the time is not like"},
    {"a:hmac-sha256:k:AA==", "line 1: wants SECRET, NAME:SECRET or ALGORITHM:NAME:SECRET"},
    {"a:b:c:d:e", "line 1: wants SECRET, NAME:SECRET or ALGORITHM:NAME:SECRET"},
    {"hmac-sha3:k:AA==", "line 1: unknown algorithm"},
    {"hmac-sha256:k..k:AA==", "line 1: the key's name is not a domain name"},
    {":AA==", "line 1: the key's name is not a domain name"},
    {"k:AA==\nl:AA==", "line 2: names another key than the line before"},
    {"hmac-sha1:k:AA==\nhmac-sha256:k:AA==", "line 2: names another algorithm than before"},
    {"key", "line 1: the key's name is not a domain name"},
    {"key k", "line 1: wants \"{\""},
    {"key k {", "line 1: wants `algorithm` or `secret`"},
    {"key k { };", "there is no secret in it"},
    {"key \"k { secret \"AA==\"; };", "line 1: wants \"{\""},
    {"key \"k", "line 1: the key's name is not a domain name"},
    {"key k {\n secret \"AA==\" };", "line 2: wants \";\""},
    {"key k { secret \"AA==\"; }", "line 1: wants \";\""},
    {"key k { secret \"A\"; };", "line 1: the secret is not base64"},
    {"key k { secret AA==; secret AA==; };", "line 1: a key has one secret here"},
    {"key k { algorithm hmac-sha3; secret AA==; };", "line 1: unknown algorithm"},
    {"key k { algorithm hmac-sha1; algorithm hmac-sha256; secret AA==; };",
     "line 1: names another algorithm"},
    {"key k { size 5; };", "line 1: wants `algorithm` or `secret`"},
    {"key k { secret AA==; };\n\nkey l { secret AA==; };", "line 3: there is more than one key"},
    {"key k /* does not end", "line 1: wants \"{\""},
};

Test(keyfile, says_what_is_wrong_and_where)
{
    for (size_t i = 0; i < ARRAY_LEN(fault_rows); i++) {
        const struct fault_row *row = &fault_rows[i];
        struct diag diag = {0};
        struct keyfile k;
        cr_expect_eq(keyfile_parse(row->text, strlen(row->text), NULL, &k, &diag), ERR_SYNTAX,
                     "row %zu", i);
        cr_expect(strncmp(diag.text, row->says, strlen(row->says)) == 0, "row %zu: %s", i,
                  diag.text);
        cr_expect(!k.room && k.count == 0, "row %zu", i);
    }
}

static const struct want_row {
    const char *text, *name, *algorithm, *says;
} want_rows[] = {
    {"hmac-sha256:key.example:AA==", "KEY.example.", "HMAC-SHA256", NULL},
    {"AA==", "k.", "hmac-sha1", NULL},
    {"hmac-sha256:k:AA==", NULL, "hmac-sha256-192", NULL},
    {"hmac-sha256:k:AA==", NULL, NULL, NULL},
    {"\nk:AA==", "l.", NULL, "line 2: names another key than \"l.\""},
    {"hmac-sha256:k:AA==", NULL, "hmac-sha1", "line 1: the algorithm is not hmac-sha1"},
    {"key \"k\" {\n\talgorithm hmac-sha256;\n\tsecret \"AA==\";\n};", NULL, "hmac-sha512",
     "line 2: the algorithm is not hmac-sha512"},
};

Test(keyfile, is_of_the_key_that_is_expected)
{
    for (size_t i = 0; i < ARRAY_LEN(want_rows); i++) {
        const struct want_row *row = &want_rows[i];
        struct diag diag = {0};
        struct name_buf name = {0};
        struct keyfile k;
        if (row->name)
            cr_assert_eq(name_scan(row->name, strlen(row->name), NAME_ROOT, &name, NULL), OK);
        struct keyfile_want want = {name_of(&name), row->algorithm};
        enum err e = keyfile_parse(row->text, strlen(row->text), &want, &k, &diag);
        cr_expect_eq(e, row->says ? ERR_INVALID : OK, "row %zu: %s", i, diag.text);
        cr_expect_str_eq(diag.text, row->says ? row->says : "", "row %zu", i);
        keyfile_done(&k);
    }
}

/* --- on disk --- */

static char folder[] = "/tmp/reeve-keyfile.XXXXXX";
static char path[128];

static void start(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/k.key", folder);
}

static unsigned entries(void)
{
    unsigned count = 0;
    DIR *d = opendir(folder);
    while (readdir(d))
        count++;
    closedir(d);
    return count - 2;
}

static void finish(void)
{
    struct dirent *entry;
    char at[512];
    DIR *d = opendir(folder);
    while ((entry = readdir(d))) {
        snprintf(at, sizeof(at), "%s/%s", folder, entry->d_name);
        unlink(at);
    }
    closedir(d);
    rmdir(folder);
}

static void put(const char *text, size_t len, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    cr_assert(fd >= 0 && write(fd, text, len) == (ssize_t)len && fchmod(fd, mode) == 0);
    close(fd);
}

static enum err read_it(struct diag *diag)
{
    struct keyfile k;
    *diag = (struct diag){0};
    enum err e = keyfile_read(path, NULL, &k, diag);
    cr_expect_eq(k.count, e == OK ? 1 : 0);
    cr_expect(e == OK || strncmp(diag->text, path, strlen(path)) == 0, "%s", diag->text);
    keyfile_done(&k);
    return e;
}

static const struct mode_row {
    mode_t mode;
    enum err err;
} mode_rows[] = {
    {0600, OK},          {0400, OK},          {0640, OK},          {0440, OK},
    {0644, ERR_INVALID}, {0604, ERR_INVALID}, {0602, ERR_INVALID}, {0601, ERR_INVALID},
    {0620, ERR_INVALID}, {0660, ERR_INVALID}, {0666, ERR_INVALID},
};

Test(keyfile, that_others_can_read_or_write_is_refused, .init = start, .fini = finish)
{
    struct diag diag;
    for (size_t i = 0; i < ARRAY_LEN(mode_rows); i++) {
        put("AA==\n", 5, mode_rows[i].mode);
        cr_expect_eq(read_it(&diag), mode_rows[i].err, "%04o: %s", mode_rows[i].mode, diag.text);
        cr_expect(mode_rows[i].err == OK || strstr(diag.text, "lets others read or write"));
    }
}

Test(keyfile, of_another_user_is_refused, .init = start, .fini = finish)
{
    struct diag diag;
    put("AA==\n", 5, 0600);
    if (geteuid() != 0)
        cr_skip_test("only root can give a file away");
    cr_assert_eq(chown(path, 65534, 65534), 0);
    cr_expect_eq(read_it(&diag), ERR_INVALID);
    cr_expect(strstr(diag.text, "belongs to user 65534"), "%s", diag.text);
}

Test(keyfile, that_is_no_file_is_refused, .init = start, .fini = finish)
{
    struct diag diag;
    cr_expect_eq(read_it(&diag), ERR_ABSENT);
    cr_expect(strstr(diag.text, "No such file"), "%s", diag.text);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_eq(read_it(&diag), ERR_INVALID); /* and does not wait for a writer */
    cr_expect(strstr(diag.text, "not a regular file"), "%s", diag.text);
    unlink(path);
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_expect_eq(read_it(&diag), ERR_INVALID);
    rmdir(path);
}

Test(keyfile, has_a_longest_length, .init = start, .fini = finish)
{
    static char text[KEYFILE_LEN_MAX + 1] = "AA==\n#";
    struct diag diag;
    memset(text + 6, 'x', sizeof(text) - 6);
    put(text, KEYFILE_LEN_MAX, 0600);
    cr_expect_eq(read_it(&diag), OK, "%s", diag.text);
    put(text, KEYFILE_LEN_MAX + 1, 0600);
    cr_expect_eq(read_it(&diag), ERR_LIMIT);
    put("\n?", 2, 0600);
    cr_expect_eq(read_it(&diag), ERR_SYNTAX);
    cr_expect(strstr(diag.text, "k.key: line 2: the secret is not base64"), "%s", diag.text);
}

/* Kubernetes and systemd hand out secrets as links */
Test(keyfile, may_be_reached_by_a_link, .init = start, .fini = finish)
{
    struct diag diag = {0};
    struct keyfile k;
    struct stat st;
    char at[160];
    snprintf(at, sizeof(at), "%s/link", folder);
    put("AA==\n", 5, 0600);
    cr_assert_eq(symlink("k.key", at), 0);
    cr_assert_eq(keyfile_read(at, NULL, &k, &diag), OK, "%s", diag.text);
    /* written through it: the link stays */
    cr_assert_eq(keyfile_write(at, &k, SECRETFILE_REPLACE, &diag), OK, "%s", diag.text);
    keyfile_done(&k);
    cr_expect(lstat(at, &st) == 0 && S_ISLNK(st.st_mode));
    cr_expect_eq(read_it(&diag), OK);
    cr_expect_eq(entries(), 2);
}

static void generate(struct keyfile *k, const char *algorithm)
{
    struct name_buf name;
    struct diag diag = {0};
    cr_assert_eq(name_scan("Web1.Example.", 13, NAME_ROOT, &name, NULL), OK);
    cr_assert_eq(keyfile_generate(k, name_of(&name), algorithm, &diag), OK, "%s", diag.text);
}

/* RFC 8945 s8: as long as the MAC */
Test(keyfile, generates_secrets_of_the_right_length)
{
    static const struct {
        const char *algorithm;
        size_t len;
    } rows[] = {{"hmac-md5", 16},        {"hmac-sha1", 20},   {"hmac-sha224", 28},
                {"hmac-sha256-128", 32}, {"hmac-sha384", 48}, {"hmac-sha512.", 64}};
    struct keyfile k, other;
    struct diag diag = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        generate(&k, rows[i].algorithm);
        generate(&other, rows[i].algorithm);
        cr_expect_eq(k.secret[0].len, rows[i].len);
        cr_expect(memcmp(k.secret[0].bytes, other.secret[0].bytes, rows[i].len) != 0);
        keyfile_done(&k);
        keyfile_done(&other);
    }
    cr_expect_eq(keyfile_generate(&k, NAME_ROOT, "hmac-sha3", &diag), ERR_INVALID);
    cr_expect(strstr(diag.text, "unknown algorithm"));
    cr_expect_eq(
        keyfile_generate(&k, NAME_ROOT, "hmac-sha256-000000000000000000000000000256", &diag),
        ERR_INVALID);
}

Test(keyfile, is_written_read_and_rotated, .init = start, .fini = finish)
{
    struct keyfile k, back;
    struct diag diag = {0};
    struct stat st;
    uint8_t first[32], second[32];
    umask(0);
    generate(&k, "hmac-sha256");
    memcpy(first, k.secret[0].bytes, 32);
    cr_assert_eq(keyfile_write(path, &k, SECRETFILE_NEW, &diag), OK, "%s", diag.text);
    cr_expect(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    cr_assert_eq(chmod(path, 0640), 0);
    keyfile_rotate(&k, DECEMBER_US - 5); /* written as the whole second behind it */
    memcpy(second, k.secret[0].bytes, 32);
    cr_assert_eq(keyfile_write(path, &k, SECRETFILE_REPLACE, &diag), OK, "%s", diag.text);
    cr_expect(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640);
    cr_assert_eq(keyfile_read(path, NULL, &back, &diag), OK, "%s", diag.text);
    cr_expect(name_is_equal(name_of(&back.name), name_of(&k.name)));
    cr_expect_str_eq(back.algorithm, "hmac-sha256");
    cr_assert_eq(back.count, 2);
    cr_expect_arr_eq(back.secret[0].bytes, second, 32);
    cr_expect_arr_eq(back.secret[1].bytes, first, 32);
    cr_expect_eq(back.secret[0].until_us, 0);
    cr_expect_eq(back.secret[1].until_us, DECEMBER_US);
    keyfile_rotate(&back, 1); /* the first one is gone */
    cr_expect_eq(back.count, 2);
    cr_expect_arr_eq(back.secret[1].bytes, second, 32);
    cr_expect(memcmp(back.secret[0].bytes, second, 32) != 0);
    keyfile_done(&back);
    keyfile_done(&k);
    cr_expect_eq(entries(), 1);
}

Test(keyfile, keeps_the_owner_of_what_it_replaces, .init = start, .fini = finish)
{
    struct keyfile k;
    struct diag diag = {0};
    struct stat st;
    if (geteuid() != 0)
        cr_skip_test("only root can give a file away");
    generate(&k, "hmac-sha256");
    put("AA==\n", 5, 0640);
    cr_assert_eq(chown(path, 65533, 65534), 0);
    cr_expect_eq(keyfile_write(path, &k, SECRETFILE_REPLACE, &diag), OK, "%s", diag.text);
    keyfile_done(&k);
    cr_assert_eq(stat(path, &st), 0);
    cr_expect(st.st_uid == 65533 && st.st_gid == 65534 && (st.st_mode & 07777) == 0640);
}

Test(keyfile, that_cannot_be_written_leaves_the_old_one, .init = start, .fini = finish)
{
    struct keyfile k;
    struct diag diag = {0};
    struct rlimit limit;
    static char at[5000];
    generate(&k, "hmac-sha256");
    put("AA==\n", 5, 0600);
    cr_expect_eq(keyfile_write(path, &k, SECRETFILE_NEW, &diag), ERR_EXISTS);
    cr_expect(strstr(diag.text, "k.key: File exists"), "%s", diag.text);
    snprintf(at, sizeof(at), "%s/no/k.key", folder);
    cr_expect_eq(keyfile_write(at, &k, SECRETFILE_NEW, &diag), ERR_IO);
    memset(at, 'x', sizeof(at) - 1);
    cr_expect_eq(keyfile_write(at, &k, SECRETFILE_NEW, &diag), ERR_IO);
    /* a disk without room */
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){4, limit.rlim_max}), 0);
    cr_expect_eq(keyfile_write(path, &k, SECRETFILE_REPLACE, &diag), ERR_IO);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    keyfile_done(&k);
    cr_expect_eq(read_it(&diag), OK);
    cr_expect_eq(entries(), 1);
}

Test(keyfile, whose_owner_cannot_be_kept_is_not_replaced, .init = start, .fini = finish)
{
    struct keyfile k;
    struct diag diag = {0};
    if (geteuid() != 0)
        cr_skip_test("only root can become somebody else");
    generate(&k, "hmac-sha256");
    put("AA==\n", 5, 0640);
    cr_assert(chmod(folder, 0777) == 0 && seteuid(65534) == 0);
    cr_expect_eq(keyfile_write(path, &k, SECRETFILE_REPLACE, &diag), ERR_IO);
    cr_assert_eq(seteuid(0), 0);
    cr_expect(strstr(diag.text, "k.key: Operation not permitted"), "%s", diag.text);
    keyfile_done(&k);
    cr_expect_eq(read_it(&diag), OK, "%s", diag.text);
    cr_expect_eq(entries(), 1);
}

/* Without a name the secrets stand alone; a path without a folder is in the current one. */
Test(keyfile, without_a_name_is_a_secret_alone, .init = start, .fini = finish)
{
    struct keyfile k;
    struct diag diag = {0};
    char text[64] = "";
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(keyfile_parse("c2VjcmV0", 8, NULL, &k, &diag), OK);
    cr_assert_eq(keyfile_write("k.key", &k, SECRETFILE_REPLACE, &diag), OK, "%s", diag.text);
    keyfile_done(&k);
    FILE *f = fopen("k.key", "r");
    cr_assert(f && fgets(text, sizeof(text), f) && !fgets(text + 32, 32, f));
    fclose(f);
    cr_expect_str_eq(text, "c2VjcmV0\n");
}

/* --- the names of kept files --- */

static const struct name_row {
    const char *key, *file; /* without its suffix */
} name_rows[] = {
    {"web1.", "web1"},
    {"WEB1.Example.", "web1.example"},
    {"a/b.", "a\\047b"},
    {"../x.", NULL},
    {"\\.\\./etc.", "\\.\\.\\047etc"},
    {"a\\000b.", "a\\000b"},
    {"*.", "*"},
    {"k.key.", "k.key"},
    {"k.key.revoked.", "k.key.revoked"},
};

Test(keyfile, file_names_lead_back_to_their_key)
{
    static const char *const suffixes[] = {KEYFILE_SUFFIX, KEYFILE_SUFFIX_REVOKED};
    static const enum keyfile_kind kinds[] = {KEYFILE_KEPT, KEYFILE_REVOKED};
    for (size_t i = 0; i < ARRAY_LEN(name_rows); i++) {
        const struct name_row *row = &name_rows[i];
        struct name_buf name, back;
        char file[KEYFILE_NAME_MAX], wanted[KEYFILE_NAME_MAX];
        if (name_scan(row->key, strlen(row->key), NAME_ROOT, &name, NULL) != OK) {
            cr_expect_null(row->file, "%s", row->key);
            continue;
        }
        for (size_t k = 0; k < ARRAY_LEN(suffixes); k++) {
            cr_assert_eq(keyfile_name_show(name_of(&name), suffixes[k], file, NULL), OK);
            snprintf(wanted, sizeof(wanted), "%s%s", row->file, suffixes[k]);
            cr_expect_str_eq(file, wanted);
            cr_expect_eq(keyfile_name_scan(file, &back, NULL), kinds[k], "%s", file);
            cr_expect(name_is_equal(name_of(&name), name_of(&back)), "%s", file);
        }
    }
}

Test(keyfile, names_that_are_no_file_names_are_refused)
{
    char file[KEYFILE_NAME_MAX], text[NAME_TEXT_MAX];
    struct name_buf name;
    struct diag diag = {0};
    cr_expect_eq(keyfile_name_show(NAME_ROOT, KEYFILE_SUFFIX, file, &diag), ERR_INVALID);
    memset(text, 'a', 250);
    for (size_t i = 60; i < 250; i += 61)
        text[i] = '.';
    for (size_t len = 245; len <= 250; len++) { /* 255 is what a folder takes */
        cr_assert_eq(name_scan(text, len, NAME_ROOT, &name, NULL), OK);
        cr_expect_eq(keyfile_name_show(name_of(&name), KEYFILE_SUFFIX, file, &diag), OK, "%zu",
                     len);
    }
    cr_expect_eq(keyfile_name_show(name_of(&name), KEYFILE_SUFFIX_REVOKED, file, &diag), ERR_LIMIT);
}

Test(keyfile, other_files_are_told_from_badly_named_ones)
{
    static const struct row {
        const char *file;
        enum keyfile_kind kind;
    } rows[] = {
        {"note.txt", KEYFILE_OTHER},        {".key", KEYFILE_OTHER},
        {".k.key", KEYFILE_OTHER},          {"key", KEYFILE_OTHER},
        {"k.key.AbCdEf", KEYFILE_OTHER},    {"k.revoked", KEYFILE_OTHER},
        {"a..b.key", KEYFILE_ODD},          {"a..b.key.revoked", KEYFILE_ODD},
        {"\\9.key", KEYFILE_ODD},           {"k.key", KEYFILE_KEPT},
        {"k.key.revoked", KEYFILE_REVOKED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct name_buf name;
        struct diag diag = {0};
        cr_expect_eq(keyfile_name_scan(rows[i].file, &name, &diag), rows[i].kind, "%s",
                     rows[i].file);
        cr_expect_eq(diag.text[0] != 0, rows[i].kind == KEYFILE_ODD, "%s", rows[i].file);
    }
}
