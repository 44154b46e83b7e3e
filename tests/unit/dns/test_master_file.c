/* SPDX-License-Identifier: Apache-2.0
 * dns/master_file: zone files on disk, included files, and the windows that files are read through.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "heard.h"
#include "../slow.h"
#include "unit.h"

static struct heard heard;

static char dir[] = "/tmp/reeve-master-XXXXXX";

static void make_dir(void)
{
    cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -r %s", dir);
    cr_assert_eq(system(command), 0);
}

static char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void put_file(const char *name, const char *s)
{
    FILE *f = fopen(path_of(name), "w");
    cr_assert_not_null(f);
    cr_assert_geq(fputs(s, f), 0);
    cr_assert_eq(fclose(f), 0);
}

static enum err read_file(const char *name, struct heard *h, struct master_result *result,
                          struct diag *diag)
{
    struct master_sink sink = sink_of(h);
    heard_init(h);
    return master_read_file(path_of(name), &options, &sink, result, diag);
}

TestSuite(master_file, .init = make_dir, .fini = remove_dir);

Test(master_file, include_has_its_own_origin_and_gives_the_old_one_back)
{
    struct master_result result;
    static const char z[] = "$TTL 60\na A 192.0.2.1\n$INCLUDE d/one\n A 192.0.2.3\nb A 192.0.2.4\n"
                            "$INCLUDE \"d/two\" sub ; x\nc A 192.0.2.7\n";
    static const char one[] = " A 192.0.2.2\n$ORIGIN x\ny NS z\n$INCLUDE two w\n$TTL 70\n";
    static const char two[] = "v NS u"; /* without a final line end */
    mkdir(path_of("d"), 0700);
    put_file("z", z);
    put_file("d/one", one);
    put_file("d/two", two);
    cr_expect_eq(read_file("z", &heard, &result, NULL), OK, "%s", heard.sentences);
    cr_expect_str_eq(heard.buf,
                     "a.example. 60 IN A 192.0.2.1\na.example. 60 IN A "
                     "192.0.2.2\ny.x.example. 60 IN NS z.x.example.\n"
                     "v.w.x.example. 60 IN NS u.w.x.example.\na.example. 70 IN A 192.0.2.3\n"
                     "b.example. 70 IN A 192.0.2.4\nv.sub.example. 70 IN NS u.sub.example.\n"
                     "c.example. 70 IN A 192.0.2.7\n");
    cr_expect_eq(result.bytes, strlen(z) + strlen(one) + 2 * strlen(two));
}

Test(master_file, faults_name_the_included_file)
{
    struct master_result result;
    struct diag diag;
    put_file("z", "$TTL 60\n$INCLUDE one\na B\n");
    put_file("one", "\nb A x\nc B\n");
    cr_expect_eq(read_file("z", &heard, &result, &diag), ERR_SYNTAX);
    cr_expect_str_eq(heard.buf, "! one:2:5\n! one:3:3\n! z:3:3\n");
    cr_expect_not_null(strstr(diag.text, "/one:2:5: "), "%s", diag.text);
}

Test(master_file, include_refuses_loops)
{
    struct master_result result;
    put_file("z", "$TTL 60\n$INCLUDE one\na A 192.0.2.1\n");
    put_file("one", "$INCLUDE ./z\n$INCLUDE one\nb A 192.0.2.2\n");
    cr_expect_eq(read_file("z", &heard, &result, NULL), ERR_SYNTAX);
    cr_expect_str_eq(
        heard.buf,
        "! one:1:10\n! one:2:10\nb.example. 60 IN A 192.0.2.2\na.example. 60 IN A 192.0.2.1\n");
    cr_expect_not_null(strstr(heard.sentences, "includes itself"), "%s", heard.sentences);
}

Test(master_file, include_has_a_depth_limit)
{
    struct master_result result;
    for (unsigned i = 0; i <= MASTER_INCLUDE_DEPTH_MAX + 1; i++) {
        char name[16], text[32];
        snprintf(name, sizeof(name), "f%u", i);
        snprintf(text, sizeof(text), "$TTL 60\n$INCLUDE f%u\n", i + 1);
        put_file(name, i <= MASTER_INCLUDE_DEPTH_MAX ? text : "a A 192.0.2.1\n");
    }
    cr_expect_eq(read_file("f1", &heard, &result, NULL), OK, "%s",
                 heard.sentences); /* f2 to f17: 16 deep */
    cr_expect_eq(heard.count, 1);
    cr_expect_eq(read_file("f0", &heard, &result, NULL), ERR_SYNTAX);
    cr_expect_str_eq(heard.buf, "! f16:2:10\n");
}

Test(master_file, include_has_a_total_limit)
{
    struct master_result result;
    put_file("z", "$INCLUDE a\n$INCLUDE a\n$INCLUDE a\n$INCLUDE a\n$INCLUDE a\n$INCLUDE "
                  "a\n$INCLUDE a\n$INCLUDE a\n"
                  "$INCLUDE a\n$INCLUDE a\n$INCLUDE a\n");
    char name[2] = "a";
    for (; name[0] < 'd'; name[0]++) {
        char text[200] = "";
        for (unsigned i = 0; i < 10; i++)
            sprintf(text + strlen(text), "$INCLUDE %c\n", name[0] + 1);
        put_file(name, text);
    }
    put_file("d", ""); /* 11 + 110 + 1100 + 11000 includes */
    cr_expect_eq(read_file("z", &heard, &result, NULL), ERR_SYNTAX);
    cr_expect_not_null(strstr(heard.sentences, "10000 files"), "%s", heard.sentences);
}

Test(master_file, refuses_what_is_no_regular_file)
{
    struct master_result result;
    struct diag diag;
    cr_assert_eq(mkfifo(path_of("fifo"), 0600), 0);
    cr_expect_eq(read_file("fifo", &heard, &result, &diag),
                 ERR_IO); /* and does not wait for a writer */
    cr_expect_not_null(strstr(diag.text, "not a regular file"), "%s", diag.text);
    cr_expect_eq(read_file(".", &heard, &result, &diag), ERR_IO);
    cr_expect_not_null(strstr(diag.text, "not a regular file"), "%s", diag.text);
    cr_expect_eq(read_file("absent", &heard, &result, &diag), ERR_IO);
    cr_expect_not_null(strstr(diag.text, "No such file"), "%s", diag.text);
    put_file("z", "$TTL 60\n$INCLUDE fifo\na A 192.0.2.1\n");
    cr_expect_eq(read_file("z", &heard, &result, &diag), ERR_SYNTAX);
    cr_expect_str_eq(heard.buf, "! z:2:10\na.example. 60 IN A 192.0.2.1\n");
}

Test(master_file, reads_an_empty_file)
{
    struct master_result result;
    put_file("z", "");
    cr_expect_eq(read_file("z", &heard, &result, NULL), OK);
    cr_expect_eq(result.records, 0);
}

/* --- windows --- */

/* A sum over all records, so that two readings of megabytes can be compared. */
struct sum {
    uint64_t count, hash;
    char *line; /* room for one record */
};

#define LINE_CAP PRINT_RR_MAX(RDATA_LEN_MAX)

static enum err add_record(void *arg, const struct rr *rr, const struct master_where *where)
{
    struct sum *sum = arg;
    struct text t;
    text_init(&t, sum->line, LINE_CAP);
    print_rr(rr, &t);
    text_fmt(&t, " %u:%u", where->line, where->column);
    sum->count++;
    for (const char *p = sum->line; *p; p++)
        sum->hash = (sum->hash ^ (uint8_t)*p) * 0x100000001b3u;
    return OK;
}

/* Entries of many sizes and shapes, up to several windows long. */
static char *make_zone(unsigned entries, size_t *len)
{
    char *s;
    FILE *f = open_memstream(&s, len);
    unsigned random = 12345;
    fputs("$TTL 60\r\n", f);
    for (unsigned i = 0; i < entries; i++) {
        random = random * 1103515245u + 12345u;
        unsigned kind = random >> 16 & 1023;
        if (kind < 400)
            fprintf(f, "a%u A 192.0.2.%u ; comment %u\n", i, i & 255, kind);
        else if (kind < 700)
            fprintf(f, "  ( ; x\r\n TXT \"a b\" (\n %0*u )\n;\n ) ; y\n\n", (int)(kind % 200 + 1),
                    1u);
        else if (kind < 900)
            fprintf(f, "%u.b MX %u c\\.d\r\n", i, i);
        else if (kind < 1022)
            fprintf(f, "; %*s\n", (int)kind, "x");
        else if (kind < 1023)
            fprintf(f, "c TXT ( ; %*s\n \"%0*u\" )\n", 700000, "y", 255, 7u);
        else
            fprintf(f, ";%*s\n", 600000, "");
    }
    fclose(f);
    return s;
}

Test(master_file, reads_through_windows_what_it_reads_in_one_piece, .timeout = 60)
{
    size_t len;
    const unsigned entries = cases(20000, 6000);
    char *s = make_zone(entries, &len);
    char *line = malloc(LINE_CAP);
    struct sum whole = {.line = line}, windows = {.line = line};
    struct master_result whole_result, result;
    struct master_sink sink = {.arg = &whole, .record = add_record};
    cr_expect_eq(master_read_bytes("t", s, len, &options, &sink, &whole_result, NULL), OK);
    FILE *f = fopen(path_of("z"), "w");
    cr_assert_eq(fwrite(s, 1, len, f), len);
    cr_assert_eq(fclose(f), 0);
    sink.arg = &windows;
    cr_expect_eq(master_read_file(path_of("z"), &options, &sink, &result, NULL), OK);
    cr_expect_gt(whole.count, entries * 2 / 3);
    cr_expect_eq(windows.count, whole.count);
    cr_expect_eq(windows.hash, whole.hash);
    cr_expect_eq(result.bytes, len);
    free(line);
    free(s);
}

static void put_blanks(FILE *f, size_t count)
{
    while (count--)
        fputc(' ', f);
}

Test(master_file, leaves_an_entry_that_is_too_long, .timeout = 60)
{
    struct master_result result;
    FILE *f = fopen(path_of("z"), "w");
    fputs("$TTL 60\na A 192.0.2.1\n", f);
    put_blanks(f, MASTER_ENTRY_MAX * 3);
    fputs("A x\nb A 192.0.2.2\nc A ( 192.0.2.3\nd A 192.0.2.4\n", f);
    put_blanks(f, 100);
    for (unsigned i = 0; i < MASTER_ENTRY_MAX / 10; i++)
        fputs("\n      TXT x", f);
    fputs("\ne A 192.0.2.5\n", f);
    cr_assert_eq(fclose(f), 0);
    cr_expect_eq(read_file("z", &heard, &result, NULL), ERR_SYNTAX);
    cr_expect_eq(result.faults, 2);
    cr_expect_not_null(strstr(
        heard.buf, "a.example. 60 IN A 192.0.2.1\n! z:3:1\nb.example. 60 IN A 192.0.2.2\n! z:5:5\n"
                   "d.example. 60 IN A 192.0.2.4\n"));
    cr_expect_not_null(strstr(heard.sentences, "line longer than"), "%s", heard.sentences);
    cr_expect_not_null(strstr(heard.sentences, "not closed within"), "%s", heard.sentences);
    cr_expect_eq(result.records, 4 + MASTER_ENTRY_MAX / 10);
}
