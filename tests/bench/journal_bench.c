/* SPDX-License-Identifier: Apache-2.0
 * What a durable commit of the change log costs, beside a bare append and fdatasync on the same
 * disk: journal_bench DIRECTORY [SECONDS]. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "dns/rrtype.h"
#include "log/journal.h"

enum { DIFF_LEN = 200, ROWS_MAX = 64, HOSTS = 100000 };

static int wake_fd;

static void on_wake(void *arg)
{
    uint64_t one = 1;
    (void)arg;
    if (write(wake_fd, &one, sizeof(one)) < 0)
        abort();
}

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, int64_t *took, size_t count, unsigned rows, double cpu)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += took[i];
    qsort(took, count, sizeof(*took), by_value);
    printf("%-22s %8.0f commits/s %9.0f rows/s  p50 %lld us  p99 %lld us  cpu %.1f us/row\n", what,
           (double)count * 1e6 / (double)sum, (double)count * rows * 1e6 / (double)sum,
           (long long)took[count / 2], (long long)took[count * 99 / 100],
           cpu / (double)count / rows);
}

static void bare(const char *dir, int64_t run_us, int64_t *took, size_t cap)
{
    char path[300], bytes[DIFF_LEN] = {0};
    snprintf(path, sizeof(path), "%s/bare", dir);
    int fd = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
    double cpu = cpu_us();
    int64_t end = clock_mono_us() + run_us;
    size_t n = 0;
    while (n < cap && clock_mono_us() < end) {
        int64_t start = clock_mono_us();
        if (write(fd, bytes, sizeof(bytes)) < 0 || fdatasync(fd) != 0)
            abort();
        took[n++] = clock_mono_us() - start;
    }
    report("append and fdatasync", took, n, 1, cpu_us() - cpu);
    close(fd);
    unlink(path);
}

/* What goes into a commit. */
enum kind { PLAIN, LEASED, RENEWED };
static const char *const kind_texts[] = {"change log", "with a lease", "lease renewed"};

struct run {
    struct journal *j;
    uint64_t zone, seq, leases;
    int64_t us;
};

/* The lease of one of HOSTS hosts' addresses, here and there in the table. */
static void lease_make(struct run *r, unsigned slot, struct change *c)
{
    static struct journal_lease leases[ROWS_MAX];
    static struct {
        uint8_t owner[20], rdata[4];
    } bytes[ROWS_MAX];
    unsigned host = (unsigned)(r->leases++ * 61813 % HOSTS);
    snprintf((char *)bytes[slot].owner, sizeof(bytes[slot].owner), "\010host%04x\005bench",
             host & 0xffff);
    memcpy(bytes[slot].rdata, &host, 4);
    leases[slot] = (struct journal_lease){
        {bytes[slot].owner, 16}, TYPE_A, {bytes[slot].rdata, 4}, clock_wall_us(), 3600};
    c->leases = &leases[slot];
    c->lease_count = 1;
}

static struct change change_make(struct run *r, unsigned slot, enum kind kind)
{
    static const uint8_t diff[DIFF_LEN];
    struct change c = {.zone = r->zone, .has_no_row = true};
    if (kind != RENEWED) {
        r->seq++;
        c = (struct change){.zone = r->zone,
                            .serial_from = (uint32_t)r->seq,
                            .serial_to = (uint32_t)r->seq + 1,
                            .actor = "key bench",
                            .peer = "192.0.2.7@4711 udp",
                            .rule = "updates[0]",
                            .diff = diff,
                            .diff_len = DIFF_LEN};
    }
    c.seq = r->seq;
    if (kind != PLAIN)
        lease_make(r, slot, &c);
    return c;
}

static void commits(struct run *r, enum kind kind, unsigned rows, int64_t *took, size_t cap)
{
    static struct change changes[ROWS_MAX];
    struct journal_batch batch = {.changes = changes, .count = rows};
    double cpu = cpu_us();
    int64_t end = clock_mono_us() + r->us;
    size_t n = 0;
    while (n < cap && clock_mono_us() < end) {
        for (unsigned i = 0; i < rows; i++)
            changes[i] = change_make(r, i, kind);
        uint64_t count;
        int64_t start = clock_mono_us();
        journal_commit(r->j, &batch);
        if (read(wake_fd, &count, sizeof(count)) < 0 || !journal_collect(r->j) ||
            batch.result != OK)
            abort();
        took[n++] = clock_mono_us() - start;
    }
    char what[40];
    snprintf(what, sizeof(what), "%s, %u row%s", kind_texts[kind], rows, rows == 1 ? "" : "s");
    report(what, took, n, rows, cpu_us() - cpu);
}

int main(int argc, char **argv)
{
    enum { CAP = 1000000 };
    if (argc < 2)
        return fprintf(stderr, "journal_bench DIRECTORY [SECONDS]\n"), 2;
    int64_t run_us = (argc > 2 ? strtol(argv[2], NULL, 10) : 2) * 1000000;
    int64_t *took = malloc(CAP * sizeof(*took));
    const struct journal_options options = {.dir = argv[1], .history_bytes = 64u << 20};
    struct journal *j;
    struct journal_zone z;
    struct diag diag;
    wake_fd = eventfd(0, EFD_CLOEXEC);
    const struct name name = {(const uint8_t *)"\005bench", 7};
    if (journal_open(&options, on_wake, NULL, &j, &diag) != OK ||
        journal_zone_make(j, name, &z, &diag) != OK)
        return fprintf(stderr, "%s\n", diag.text), 1;
    struct run r = {.j = j, .zone = z.id, .seq = z.seq_last, .us = run_us};
    bare(argv[1], run_us, took, CAP);
    for (enum kind kind = PLAIN; kind <= RENEWED; kind++) {
        commits(&r, kind, 1, took, CAP);
        commits(&r, kind, 64, took, CAP);
    }
    bare(argv[1], run_us, took, CAP);
    journal_zone_done(&z);
    journal_close(j);
    free(took);
    return 0;
}
