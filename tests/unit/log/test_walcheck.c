/* SPDX-License-Identifier: Apache-2.0
 * A write-ahead log that SQLite wrote, whole and in ways that it can be damaged: three commits, of
 * frames 1 and 2, 3, and 4. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "log/journal_int.h"
#include "unit.h"

enum { FRAME_LEN = PAGE_LEN + 24, LOG_LEN_MAX = 32 + 8 * FRAME_LEN };

static uint8_t wal[LOG_LEN_MAX];
static size_t wal_len;

static void load(void)
{
    int fd = open(TEST_DATA "/../fuzz/corpus/walcheck/three-commits", O_RDONLY);
    cr_assert_geq(fd, 0);
    wal_len = (size_t)read(fd, wal, sizeof(wal));
    cr_assert_eq(wal_len, 32 + 4 * FRAME_LEN);
    close(fd);
}

TestSuite(walcheck, .init = load);

Test(walcheck, tells_damage_from_a_torn_end)
{
    static const struct row {
        size_t at, cut; /* the byte changed, bytes cut from the end; 0: none */
        enum wal_state state;
        uint64_t good, frames, commits_cut;
    } rows[] = {
        {0, 0, WAL_WHOLE, 4, 4, 0},
        {0, FRAME_LEN, WAL_WHOLE, 3, 3, 0},                   /* as if it ended there */
        {0, 3 * FRAME_LEN, WAL_TORN, 0, 1, 0},                /* no commit left */
        {0, 1, WAL_WHOLE, 3, 3, 0},                           /* within the last frame */
        {32 + 3 * FRAME_LEN + 1000, 0, WAL_TORN, 3, 4, 1},    /* in the last transaction */
        {32 + 2 * FRAME_LEN + 1000, 0, WAL_DAMAGED, 2, 4, 2}, /* one follows */
        {32 + 1000, 0, WAL_DAMAGED, 0, 4, 3},                 /* two follow */
        {32 + 2 * FRAME_LEN + 8, 0, WAL_DAMAGED, 2, 4, 2},    /* a salt */
        {32 + 3 * FRAME_LEN + 12, 0, WAL_TORN, 3, 4, 1},      /* a salt of the last */
        {40, 0, WAL_DAMAGED, 0, 4, 3},                        /* a salt of the first */
        {20, 0, WAL_DAMAGED, 0, 4, 1},                        /* the header */
        {3, 0, WAL_DAMAGED, 0, 4, 1},                         /* its magic */
        {0, 4 * FRAME_LEN, WAL_WHOLE, 0, 0, 0},               /* nothing but a header */
        {0, 4 * FRAME_LEN + 1, WAL_TORN, 0, 0, 0},            /* less */
        {0, 4 * FRAME_LEN + 32, WAL_WHOLE, 0, 0, 0},          /* empty */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct wal_report r;
        load();
        if (row->at || row->cut == 0)
            wal[row->at] ^= (uint8_t)(row->at ? 0x40 : 0);
        walcheck_bytes(wal, wal_len - row->cut, &r);
        cr_expect(r.state == row->state && r.good == row->good && r.frames == row->frames &&
                      r.commits_cut == row->commits_cut,
                  "row %zu: state %d, %llu good of %llu, %llu commits cut", i, (int)r.state,
                  (unsigned long long)r.good, (unsigned long long)r.frames,
                  (unsigned long long)r.commits_cut);
    }
}

Test(walcheck, a_log_that_is_not_there_is_whole)
{
    struct wal_report r;
    struct diag diag;
    cr_expect_eq(walcheck_file("/nonexistent/reeve.db-wal", &r, &diag), OK);
    cr_expect_eq(r.state, WAL_WHOLE);
    cr_expect_eq(walcheck_file("/", &r, &diag), ERR_SYSTEM);
}
