/* SPDX-License-Identifier: Apache-2.0
 * masterdump ORIGIN FILE: the records of a zone file as lines on stdout, its faults and warnings on
 * stderr.
 *
 * Exits 0 when there was no fault, 1 otherwise. masterdump -q only counts records and says how long
 * the CPU took and how much the resident memory grew at most. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dns/master.h"
#include "dns/print.h"

static enum err show_record(void *arg, const struct rr *rr, const struct master_where *where)
{
    static char line[PRINT_RR_MAX(RDATA_LEN_MAX)];
    struct text t;
    (void)where;
    text_init(&t, line, sizeof(line));
    print_rr(rr, &t);
    if (t.bad)
        abort();
    fprintf(arg, "%s\n", line);
    return OK;
}

static enum err count_record(void *arg, const struct rr *rr, const struct master_where *where)
{
    (void)where;
    *(uint64_t *)arg += rr->rdata.len;
    return OK;
}

static void show_fault(void *arg, enum master_severity severity, const struct master_where *where,
                       const char *sentence)
{
    (void)arg;
    fprintf(stderr, "%s:%u:%u: %s: %s\n", where->file, where->line, where->column,
            severity == MASTER_ERROR ? "error" : "warning", sentence);
}

/* The largest resident memory of this program so far. */
static long peak_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (f)
        fclose(f);
    return kib;
}

int main(int argc, char **argv)
{
    bool quiet = argc > 1 && strcmp(argv[1], "-q") == 0;
    struct name_buf origin;
    struct diag diag = {{0}};
    struct master_result result;
    uint64_t bytes = 0;
    argv += quiet;
    if (argc - quiet != 3) {
        fprintf(stderr, "usage: masterdump [-q] ORIGIN FILE\n");
        return 2;
    }
    if (name_scan(argv[1], strlen(argv[1]), NAME_ROOT, &origin, &diag) != OK) {
        fprintf(stderr, "%s\n", diag.text);
        return 2;
    }
    struct master_options options = {.origin = name_of(&origin), .class = CLASS_IN};
    struct master_sink sink = {.arg = quiet ? (void *)&bytes : (void *)stdout,
                               .record = quiet ? count_record : show_record,
                               .fault = show_fault};
    long before_kib = peak_kib();
    enum err e = master_read_file(argv[2], &options, &sink, &result, &diag);
    if (quiet)
        printf("%llu records, %llu bytes of rdata, %.3f s, %ld KiB\n",
               (unsigned long long)result.records, (unsigned long long)bytes,
               (double)clock() / CLOCKS_PER_SEC, peak_kib() - before_kib);
    if (e != OK)
        fprintf(stderr, "%s\n", diag.text);
    return e != OK;
}
