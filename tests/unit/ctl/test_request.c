/* SPDX-License-Identifier: Apache-2.0
 * Words of a command line become the request that they mean, or a sentence. */
#include <stdlib.h>
#include <string.h>

#include "ctl/request.h"
#include "unit.h"

enum { WORDS_MAX = 8 };

static enum err read_words(const char *const *words, struct ctl_request *r, struct diag *diag)
{
    static char program[] = "reevectl";
    char *argv[WORDS_MAX + 2] = {program};
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    return ctl_request_read(argc, argv, r, diag);
}

Test(request, is_what_the_words_mean)
{
    static const struct row {
        const char *words[WORDS_MAX];
        const char *json;
    } rows[] = {
        {{"status"}, "{\"verb\":\"status\"}"},
        {{"--json", "status"}, "{\"verb\":\"status\"}"},
        {{"zone", "example.com"}, "{\"zone\":\"example.com\",\"verb\":\"zone\"}"},
        {{"zonestatus", "--json", "x"}, "{\"zone\":\"x\",\"verb\":\"zone\"}"},
        {{"reload"}, "{\"verb\":\"reload\"}"},
        {{"reload", "a", "b"}, "{\"zones\":[\"a\",\"b\"],\"verb\":\"reload\"}"},
        {{"zone", "--", "-x"}, "{\"zone\":\"-x\",\"verb\":\"zone\"}"},
        {{"export", "-o", "f", "a"}, "{\"zone\":\"a\",\"verb\":\"export\"}"},
        {{"export", "a", "--output", "f"}, "{\"zone\":\"a\",\"verb\":\"export\"}"},
        {{"backup", "/a/b"}, "{\"dir\":\"/a/b\",\"verb\":\"backup\"}"},
        {{"key", "new", "k", "--for", "acme www"},
         "{\"key\":\"k\",\"for\":\"acme www\",\"verb\":\"key new\"}"},
        {{"log-level"}, "{\"verb\":\"log-level\"}"},
        {{"log-level", "debug"}, "{\"level\":\"debug\",\"verb\":\"log-level\"}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ctl_request r;
        struct diag diag = {0};
        cr_assert_eq(read_words(rows[i].words, &r, &diag), OK, "row %zu: %s", i, diag.text);
        char *json = json_dumps(r.json, JSON_COMPACT);
        cr_expect_str_eq(json, rows[i].json, "row %zu", i);
        cr_expect_not(r.is_help || r.is_version);
        cr_expect(!strstr(rows[i].json, "export") || strcmp(r.file, "f") == 0);
        free(json);
        ctl_request_done(&r);
    }
}

Test(request, with_wrong_words_is_a_sentence)
{
    static const struct row {
        const char *words[WORDS_MAX];
        const char *says;
    } rows[] = {
        {{"nonsense"}, "nonsense"},       {{"zone"}, "needs ZONE"},
        {{"zone", "a", "b"}, "\"b\""},    {{"status", "x"}, "\"x\""},
        {{"status", "--loud"}, "--loud"}, {{"export", "a", "-o"}, "-o needs"},
        {{"export", "-x", "a"}, "-x"},    {{"export", "a", "--zone", "b"}, "--zone"},
        {{"--socket"}, "--socket"},       {{"-x", "status"}, "-x"},
        {{"zone", "\xff"}, "UTF-8"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ctl_request r;
        struct diag diag = {0};
        cr_expect_eq(read_words(rows[i].words, &r, &diag), ERR_SYNTAX, "row %zu", i);
        cr_expect_not_null(strstr(diag.text, rows[i].says), "row %zu: %s", i, diag.text);
    }
}

Test(request, may_be_for_help_or_for_the_version)
{
    static const char *const words[][WORDS_MAX] = {
        {0}, {"help"}, {"--help"}, {"zone", "-h"}, {"help", "zone"}, {"--socket", "x"}};
    struct ctl_request r;
    struct diag diag = {0};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        cr_assert_eq(read_words(words[i], &r, &diag), OK, "row %zu: %s", i, diag.text);
        cr_expect(r.is_help, "row %zu", i);
        ctl_request_done(&r);
    }
    static const char *const version[WORDS_MAX] = {"--version"};
    cr_assert_eq(read_words(version, &r, &diag), OK);
    cr_expect(r.is_version && !r.is_help);
    ctl_request_done(&r);
}
