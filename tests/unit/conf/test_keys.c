/* SPDX-License-Identifier: Apache-2.0
 * Keys: given in the file, in files of their own, and kept in the state directory. */
#include "conf/keys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "unit.h"

static struct conf_faults faults;
static char dir[64];

static void make_dir(void)
{
    char keys[80];
    strcpy(dir, "/tmp/reeve-keys-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    cr_assert_eq(mkdir(keys, 0700), 0);
}

/* What the tests made there. */
static void remove_dir(void)
{
    static const char *const files[] = {"one.key",
                                        "two.key",
                                        "keys/kept.key",
                                        "keys/a.b.key",
                                        "keys/.hidden.key",
                                        "keys/note.txt",
                                        "keys/a..b.key",
                                        "keys/bad.key",
                                        "keys/kept.key.revoked",
                                        "keys/old.key.revoked"};
    char path[200];
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/keys", dir);
    cr_expect_eq(rmdir(path), 0);
    cr_expect_eq(rmdir(dir), 0);
}

static void make_file(const char *name, const char *text, mode_t mode)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

/* The file lies in the directory of the test, which is its state directory too. */
static struct conf *load(const char *yaml)
{
    char path[100], whole[2000];
    snprintf(path, sizeof(path), "%s/reeved.yaml", dir[0] ? dir : "/nowhere");
    int len = snprintf(whole, sizeof(whole), "%s\nserver: {state-dir: .}\n", yaml);
    return conf_load_bytes(whole, (size_t)len, path, &faults);
}

static struct tsig_key *find(const struct conf *c, const char *text)
{
    struct name_buf name;
    cr_assert_eq(name_scan(text, strlen(text), NAME_ROOT, &name, NULL), OK);
    return keyring_find(c->keyring, name_of(&name));
}

Test(keys, are_absolute_with_and_without_final_dot)
{
    struct conf *c = load("keys: {Web1: {secret: c2VjcmV0LXNlY3JldA==},\n"
                          "       web2.example.: {secret: c2VjcmV0, algorithm: HMAC-SHA512},\n"
                          "       'off': {secret: off}}\n");
    cr_assert_not_null(c, "%s", faults.list[0].text);
    cr_expect_eq(faults.count, 0);
    cr_assert_eq(c->key_count, 3);
    struct tsig_key *web1 = find(c, "web1."), *web2 = find(c, "WEB2.example.");
    cr_assert(web1 && web2);
    cr_expect_str_eq(tsig_key_algorithm(web1), "hmac-sha256");
    cr_expect_str_eq(tsig_key_algorithm(web2), "hmac-sha512");
    cr_expect_null(find(c, "off."), "known by name only");
    cr_expect_null(keyring_at(c->keyring, 2));
    for (unsigned i = 0; i < c->key_count; i++)
        cr_expect(!c->keys[i].secret && !c->keys[i].previous, "secrets are in the keyring only");
    conf_free(c);
}

Test(keys, come_from_files_as_well, .init = make_dir, .fini = remove_dir)
{
    make_file("one.key", "c2VjcmV0LXNlY3JldA==\n", 0600);
    make_file("two.key", "b2xkLW9sZC1vbGQ=\n", 0600);
    setenv("CREDENTIALS_DIRECTORY", dir, 1);
    struct conf *c = load("keys:\n"
                          "  a: {secret-file: one.key}\n"
                          "  b: {secret-file: '${CREDENTIALS_DIRECTORY}/one.key',\n"
                          "      previous-file: two.key, previous-until: 2026-11-30}\n"
                          "  c: {secret-file: one.key, previous: b2xk}\n"
                          "  d: {secret: bmV3LW5ldw==, previous: off}\n");
    cr_assert_not_null(c, "%s", faults.list[0].text);
    cr_expect(find(c, "a.") && find(c, "b.") && find(c, "c.") && find(c, "d."));
    char path[100];
    snprintf(path, sizeof(path), "%s/one.key", dir);
    cr_expect_str_eq(c->keys[0].secret_file, path);
    cr_expect_str_eq(c->keys[1].secret_file, path);
    conf_free(c);
}

Test(keys, have_the_algorithm_that_their_file_says, .init = make_dir, .fini = remove_dir)
{
    static const struct row {
        const char *file, *yaml, *algorithm; /* NULL: a fault */
    } rows[] = {
        {"hmac-sha512:one:c2VjcmV0LXNlY3JldA==\n", "keys: {one: {secret-file: one.key}}",
         "hmac-sha512"},
        {"hmac-sha512:one:c2VjcmV0LXNlY3JldA==\n",
         "keys: {one: {secret-file: one.key, algorithm: hmac-sha512}}", "hmac-sha512"},
        {"c2VjcmV0LXNlY3JldA==\n", "keys: {one: {secret-file: one.key, algorithm: hmac-sha1}}",
         "hmac-sha1"},
        {"c2VjcmV0LXNlY3JldA==\n",
         "keys: {one: {secret-file: one.key, algorithm: "
         "hmac-sha256-192}}",
         "hmac-sha256-192"},
        {"c2VjcmV0LXNlY3JldA==\n", "keys: {one: {secret-file: one.key}}", "hmac-sha256"},
        {"hmac-sha512:one:c2VjcmV0LXNlY3JldA==\n",
         "keys: {one: {secret-file: one.key, algorithm: hmac-sha256}}", NULL},
        {"hmac-sha512:two:c2VjcmV0LXNlY3JldA==\n", "keys: {one: {secret-file: one.key}}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        make_file("one.key", rows[i].file, 0600);
        struct conf *c = load(rows[i].yaml);
        cr_assert_eq(c != NULL, rows[i].algorithm != NULL, "%s %s", rows[i].file, rows[i].yaml);
        if (!c) {
            cr_expect_eq(faults.count, 1);
            continue;
        }
        cr_expect_str_eq(tsig_key_algorithm(find(c, "one")), rows[i].algorithm);
        cr_expect_str_eq(c->keys[0].algorithm, rows[i].algorithm);
        conf_free(c);
    }
}

Test(keys, have_two_secrets_at_most, .init = make_dir, .fini = remove_dir)
{
    static const struct row {
        const char *yaml;
        bool is_fine;
    } rows[] = {
        {"keys: {a: {secret-file: one.key}}", true},
        {"keys: {a: {secret-file: two.key, previous-file: two.key}}", true},
        {"keys: {a: {secret-file: one.key, previous: b2xk}}", false},
        {"keys: {a: {secret-file: one.key, previous-file: two.key}}", false},
        {"keys: {a: {secret: bmV3, previous-file: one.key}}", false},
    };
    make_file("one.key", "bmV3LW5ldw==\nb2xkLW9sZA== until 2026-12-01T00:00:00Z\n", 0600);
    make_file("two.key", "b2xkZXItb2xkZXI=\n", 0600);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct conf *c = load(rows[i].yaml);
        cr_expect_eq(c != NULL, rows[i].is_fine, "%s: %s", rows[i].yaml, faults.list[0].text);
        if (!c)
            cr_expect_str_eq(faults.list[0].text, "a key has at most 2 secrets");
        conf_free(c);
    }
}

Test(keys, that_somebody_else_keeps_are_a_warning, .init = make_dir, .fini = remove_dir)
{
    char path[100];
    snprintf(path, sizeof(path), "%s/keys", dir);
    cr_assert_eq(chmod(path, 0700), 0);
    cr_assert_eq(chmod(dir, 0755), 0);
    bool is_root = geteuid() == 0;
    if (is_root)
        cr_assert_eq(seteuid(65534), 0);
    else
        cr_assert_eq(chmod(path, 0), 0);
    struct conf *c = load("keys: {a: {secret: c2VjcmV0}}");
    if (is_root)
        cr_assert_eq(seteuid(0), 0);
    cr_assert_not_null(c, "%s", faults.list[0].text);
    cr_expect_eq(faults.count, 1);
    cr_expect(faults.list[0].is_warning &&
              strstr(faults.list[0].text, "/keys are not known: Permission denied"));
    conf_free(c);
}

Test(keys, say_what_is_wrong_and_where)
{
    static const struct row {
        const char *yaml;
        unsigned line, column;
        const char *text; /* begins so */
    } rows[] = {
        {"keys: x", 1, 7, "\"keys\" takes a map, not text"},
        {"keys: {a: c2VjcmV0}", 1, 11, "\"keys.*\" takes a map, not text"},
        {"keys: {a: {}}", 1, 8, "key \"a\" has neither \"secret-file\" nor \"secret\""},
        {"keys: {a: {algorithm: hmac-sha256}}", 1, 8, "key \"a\" has neither"},
        {"keys: {a: {secret: c2VjcmV0, secret-file: x}}", 1, 20,
         "\"secret\" cannot stand beside \"secret-file\""},
        {"keys: {a: {secret: c2VjcmV0, previous: b2xk, previous-file: x}}", 1, 40,
         "\"previous\" cannot stand beside \"previous-file\""},
        {"keys: {a: {secret: c2VjcmV0, previous-until: 2026-11-30}}", 1, 46,
         "\"previous-until\" needs \"previous\" or \"previous-file\""},
        {"keys: {a: {secret: c2VjcmV0, previous: b2xk, previous-until: tomorrow}}", 1, 62,
         "\"keys.*.previous-until\" takes a time like 2026-11-30 or 2026-11-30T12:00:00Z, not "
         "\"tomorrow\""},
        {"keys: {a: {secret: 'c2Vj cmV0'}}", 1, 20, "the secret is not base64"},
        {"keys: {a: {secret: '****'}}", 1, 20, "the secret is not base64"},
        {"keys: {a: {secret: c2VjcmV0, previous: c2V}}", 1, 40, "the secret is not base64"},
        {"keys: {a: {secret: ''}}", 1, 20,
         "\"keys.*.secret\" takes base64 of 1 to 1024 bytes, or off; what stands here is "
         "something"},
        {"keys: {a: {secret: }}", 1, 20, "\"keys.*.secret\" has no value"},
        {"keys: {a: {secret: [c2VjcmV0]}}", 1, 20, "\"keys.*.secret\" takes base64 of 1 to 1024 "},
        {"keys: {a: {secret: c2VjcmV0, algorithm: hmac-sha265}}", 1, 41,
         "\"keys.*.algorithm\" takes hmac-md5, hmac-sha1, hmac-sha224, hmac-sha256, hmac-sha384 or "
         "hmac-sha512, not \"hmac-sha265\", did you mean \"hmac-sha256\"?"},
        {"keys:\n  a: {secret: c2VjcmV0}\n  A.: {secret: c2VjcmV0}", 3, 3,
         "key \"A.\" is given twice, first at line 2, column 3"},
        {"keys: {'': {secret: c2VjcmV0}}", 1, 8, "\"\" is not the name of a key"},
        {"keys: {'@': {secret: c2VjcmV0}}", 1, 8, "\"@\" is not the name of a key"},
        {"keys: {.: {secret: c2VjcmV0}}", 1, 8, "\".\" is not the name of a key"},
        {"keys: {a..b: {secret: c2VjcmV0}}", 1, 8, "\"a..b\" is not the name of a key: "},
        {"keys: {a: {secret-file: '${HOME}/x'}}", 1, 25,
         "\"${HOME}/x\": a path may begin with ${CREDENTIALS_DIRECTORY}, and with no other"},
        {"keys: {a: {secert: c2VjcmV0}}", 1, 12,
         "unknown setting \"secert\" in \"keys.*\", did you mean \"secret\"?"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        cr_expect_null(load(r->yaml), "%s", r->yaml);
        const struct conf_fault *f = &faults.list[0];
        cr_expect_eq(faults.count, 1, "%s: %u faults, %s", r->yaml, faults.count,
                     faults.list[1].text);
        cr_expect(f->at.line == r->line && f->at.column == r->column, "%s: at %u:%u", r->yaml,
                  f->at.line, f->at.column);
        cr_expect(strncmp(f->text, r->text, strlen(r->text)) == 0, "%s: %s", r->yaml, f->text);
        cr_expect_null(strstr(f->text, "c2Vj"), "%s", f->text);
    }
}

Test(keys, of_systemd_need_its_directory)
{
    unsetenv("CREDENTIALS_DIRECTORY");
    cr_expect_null(load("keys: {a: {secret-file: '${CREDENTIALS_DIRECTORY}/a'}}"));
    cr_expect_eq(faults.count, 1);
    cr_expect_str_eq(faults.list[0].text,
                     "\"${CREDENTIALS_DIRECTORY}/a\": CREDENTIALS_DIRECTORY is not set");
}

Test(keys, in_files_that_are_refused_are_faults, .init = make_dir, .fini = remove_dir)
{
    make_file("one.key", "c2VjcmV0LXNlY3JldA==\n", 0644);
    static const struct row {
        const char *yaml;
        unsigned column;
    } rows[] = {
        {"keys: {a: {secret-file: one.key}}", 25},
        {"keys: {a: {secret-file: absent.key}}", 25},
        {"keys: {a: {secret: c2VjcmV0, previous-file: one.key}}", 45},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect_null(load(rows[i].yaml), "%s", rows[i].yaml);
        cr_expect_eq(faults.count, 1, "%s", rows[i].yaml);
        cr_expect(faults.list[0].at.line == 1 && faults.list[0].at.column == rows[i].column, "%s",
                  rows[i].yaml);
        cr_expect_not_null(strstr(faults.list[0].text, ".key"), "%s", faults.list[0].text);
    }
}

Test(keys, that_are_kept_are_known_too, .init = make_dir, .fini = remove_dir)
{
    make_file("keys/kept.key", "c2VjcmV0LXNlY3JldA==\n", 0600);
    make_file("keys/a.b.key", "c2VjcmV0LXNlY3JldA==\n", 0600);
    make_file("keys/.hidden.key", "?", 0644);
    make_file("keys/note.txt", "?", 0644);
    struct conf *c = load("keys: {given: {secret: c2VjcmV0}}\n"
                          "zones: {x.example: {file: x, updates: [{key: kept, all: yes}]}}");
    cr_assert_not_null(c, "%s", faults.list[0].text);
    cr_expect_eq(faults.count, 0);
    cr_assert_eq(c->key_count, 3);
    cr_expect(find(c, "kept.") && find(c, "a.b.") && find(c, "given."));
    cr_expect_null(keyring_at(c->keyring, 3));
    conf_free(c);
    cr_expect_null(load("zones: {x.example: {file: x, updates: [{key: kpet, all: yes}]}}"));
    cr_expect_str_eq(faults.list[0].text, "there is no key \"kpet\", did you mean \"kept\"?");
}

Test(keys, that_are_kept_and_broken_are_faults, .init = make_dir, .fini = remove_dir)
{
    char place[200];
    static const struct row {
        const char *file, *text;
        mode_t mode;
        const char *yaml, *fault;
    } rows[] = {
        {"keys/bad.key", "****\n", 0600, "", "bad.key"},
        {"keys/bad.key", "c2VjcmV0LXNlY3JldA==\n", 0644, "", "bad.key"},
        {"keys/a..b.key", "c2VjcmV0LXNlY3JldA==\n", 0600, "",
         "/a..b.key: its name is not that of a key"},
        {"keys/kept.key", "c2VjcmV0LXNlY3JldA==\n", 0600, "keys: {KEPT.: {secret: c2VjcmV0}}",
         "key \"KEPT.\" is kept in "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        make_file(rows[i].file, rows[i].text, rows[i].mode);
        cr_expect_null(load(rows[i].yaml), "%s", rows[i].file);
        cr_expect_eq(faults.count, 1);
        cr_expect_not_null(strstr(faults.list[0].text, rows[i].fault), "%s", faults.list[0].text);
        snprintf(place, sizeof(place), "%s/%s", dir, rows[i].file);
        cr_expect_eq(unlink(place), 0);
    }
}

Test(keys, where_the_directory_is_none_are_a_fault, .init = make_dir, .fini = remove_dir)
{
    char path[100], yaml[200];
    make_file("one.key", "", 0600);
    snprintf(path, sizeof(path), "%s/reeved.yaml", dir);
    int len = snprintf(yaml, sizeof(yaml), "server: {state-dir: one.key}");
    cr_expect_null(conf_load_bytes(yaml, (size_t)len, path, &faults));
    cr_expect_not_null(strstr(faults.list[0].text, "one.key/keys: Not a directory"), "%s",
                       faults.list[0].text);
    cr_expect_eq(faults.list[0].at.column, 21);
    len = snprintf(yaml, sizeof(yaml), "server: {state-dir: absent}");
    struct conf *c = conf_load_bytes(yaml, (size_t)len, path, &faults);
    cr_expect_not_null(c, "nothing is kept yet");
    conf_free(c);
}

/* --- revoked --- */

Test(keys, revoked_can_be_referred_to_and_are_in_no_keyring)
{
    make_dir();
    make_file("keys/old.key.revoked", "b2xk", 0600);
    make_file("keys/kept.key.revoked", "b2xk", 0600);
    make_file("keys/kept.key", "bmV3", 0600);
    struct conf *c = load("zones: {z: {soa: {ns: [a.]}, updates: [{key: old, all: yes},\n"
                          "  {key: kept, all: yes}]}}\n");
    cr_assert_not_null(c, "%s", faults.list[0].text);
    cr_expect_eq(faults.count, 1);
    cr_expect(faults.list[0].is_warning);
    cr_expect_str_eq(faults.list[0].text, "key \"old\" is revoked: nothing is accepted with it");
    cr_assert_eq(c->key_count, 2);
    cr_expect(!c->keys[0].is_revoked && c->keys[1].is_revoked);
    cr_expect_not_null(find(c, "kept."));
    cr_expect_null(find(c, "old."));
    cr_expect_eq(c->zones[0].grant_count, 2);
    conf_free(c);
    remove_dir();
}

Test(keys, revoked_give_way_to_the_configuration_and_are_no_suggestion)
{
    make_dir();
    make_file("keys/old.key.revoked", "b2xk", 0600);
    struct conf *c = load("keys: {old: {secret: bmV3}}\n");
    cr_assert_not_null(c, "%s", faults.list[0].text);
    cr_expect_eq(c->key_count, 1);
    cr_expect_not_null(find(c, "old."));
    conf_free(c);
    cr_expect_null(load("zones: {z: {soa: {ns: [a.]}, updates: [{key: olt, all: yes}]}}\n"));
    cr_expect_str_eq(faults.list[0].text, "there is no key \"olt\"");
    remove_dir();
}

Test(keys, a_revoked_file_needs_the_name_of_a_key)
{
    make_dir();
    make_file("keys/a..b.key", "b2xk", 0600);
    cr_expect_null(load(""));
    remove_dir();
}

/* --- a rule alone --- */

Test(keys, a_rule_alone_is_judged_as_in_a_zone)
{
    static const struct row {
        const char *rule, *key, *says; /* says NULL: good */
    } rows[] = {
        {"{key: k, acme: [www, apex]}", "k", NULL},
        {"{key: 'a b', all: yes}", "'a b'", NULL},
        {"{key: k, self: yes, types: [TXT]}", "k", NULL},
        {"{key: k}", "k", "where it holds"},
        {"{key: j, all: yes}", "k", "there is no key \"j\""},
        {"{key: k, all: yes, types: [TEXT]}", "k", "did you mean \"TXT\"?"},
        {"{key: k, name: [a..b]}", "k", "a..b"},
        {"{key: k", "k", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct diag diag = {0};
        cr_expect_eq(conf_check_grant(rows[i].rule, rows[i].key, &diag),
                     rows[i].says ? ERR_INVALID : OK, "%s: %s", rows[i].rule, diag.text);
        if (rows[i].says)
            cr_expect_not_null(strstr(diag.text, rows[i].says), "%s: %s", rows[i].rule, diag.text);
    }
}
