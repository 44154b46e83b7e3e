/* SPDX-License-Identifier: Apache-2.0
 * The write-ahead log as it lies on the disk (layout: SQLite's fileformat2, section 4).
 *
 * A header (magic, version, page size, checkpoint number, two salts, two checksums), then frames:
 * page number, size of the database after a commit (0: no commit), the salts, two checksums that go
 * on from the frame before, and the page. SQLite takes frames up to the first whose salts or
 * checksums are not right, and of those the ones up to the last commit. What stands behind is
 * either of an older round of the log (other salts), or the transaction that was being written, or
 * acknowledged ones behind a damaged frame. The latter two differ: every commit is synced before
 * the next one begins, so a power failure can leave one incomplete transaction, never two. */
#include "log/journal_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/wire.h"

enum {
    HEADER_LEN = 32,
    FRAME_HEADER_LEN = 24,
    MAGIC_LITTLE = 0x377F0682, /* checksums over little-endian words; | 1: big-endian */
};

struct wal_sum {
    uint32_t a, b;
};

static uint32_t word(const uint8_t *p, bool is_big)
{
    uint32_t v = get_u32(p);
    return is_big ? v : __builtin_bswap32(v);
}

static struct wal_sum sum_over(struct wal_sum s, const uint8_t *p, size_t len, bool is_big)
{
    for (size_t i = 0; i < len; i += 8) {
        s.a += word(p + i, is_big) + s.b;
        s.b += word(p + i + 4, is_big) + s.a;
    }
    return s;
}

static bool sum_is(struct wal_sum s, const uint8_t *p)
{
    return s.a == get_u32(p) && s.b == get_u32(p + 4);
}

struct wal {
    const uint8_t *frames;
    size_t count; /* whole frames that the file has room for */
    size_t frame_len;
    bool is_big;
    const uint8_t *salts; /* 8 bytes */
};

static const uint8_t *frame_at(const struct wal *w, size_t i)
{
    return w->frames + i * w->frame_len;
}

static bool has_salts(const struct wal *w, size_t i)
{
    return memcmp(frame_at(w, i) + 8, w->salts, 8) == 0;
}

/* Of this round, damaged or not: an older round has other values in both salts. */
static bool is_ours(const struct wal *w, size_t i)
{
    const uint8_t *salts = frame_at(w, i) + 8;
    return memcmp(salts, w->salts, 4) == 0 || memcmp(salts + 4, w->salts + 4, 4) == 0;
}

static bool is_commit(const struct wal *w, size_t i)
{
    return get_u32(frame_at(w, i) + 4) != 0;
}

/* Frames with good salts and checksums, from the first one on. */
static size_t good_frames(const struct wal *w, struct wal_sum s)
{
    size_t i = 0;
    for (; i < w->count; i++) {
        const uint8_t *f = frame_at(w, i);
        s = sum_over(s, f, 8, w->is_big);
        s = sum_over(s, f + FRAME_HEADER_LEN, w->frame_len - FRAME_HEADER_LEN, w->is_big);
        if (get_u32(f) == 0 || !has_salts(w, i) || !sum_is(s, f + 16))
            break;
    }
    return i;
}

static void judge(const struct wal *w, size_t good, struct wal_report *out)
{
    size_t last = good, commits = 0, rest = 0;
    while (last > 0 && !is_commit(w, last - 1))
        last--;
    for (size_t i = good; i < w->count; i++)
        if (is_ours(w, i)) {
            rest = i + 1 - good;
            commits += is_commit(w, i);
        }
    /* the first of these commits may be of the incomplete transaction; the bad frame's own mark
     * is not to be trusted, so with frames beyond a commit there were at least two transactions */
    bool goes_on = false;
    for (size_t i = good, seen = 0; i < good + rest; i++) {
        goes_on |= seen > 0 && is_ours(w, i);
        seen += is_ours(w, i) && is_commit(w, i);
    }
    out->good = last;
    out->frames = good + rest;
    out->commits_cut = goes_on ? (commits ? commits : 1) : commits;
    out->state = goes_on ? WAL_DAMAGED : rest || last != good ? WAL_TORN : WAL_WHOLE;
}

/* Without its header nothing of a log can be used. One that was being begun has no frames behind a
 * bad header: it is synced before they are written. */
static void judge_headless(size_t len, size_t frame_len, struct wal_report *out)
{
    size_t frames = len > HEADER_LEN ? (len - HEADER_LEN) / frame_len : 0;
    *out = (struct wal_report){
        .state = frames ? WAL_DAMAGED : WAL_TORN, .frames = frames, .commits_cut = frames ? 1 : 0};
}

void walcheck_bytes(const uint8_t *bytes, size_t len, struct wal_report *out)
{
    *out = (struct wal_report){.state = len ? WAL_TORN : WAL_WHOLE};
    if (len < HEADER_LEN)
        return;
    uint32_t magic = get_u32(bytes);
    struct wal w = {
        .frames = bytes + HEADER_LEN,
        .frame_len = FRAME_HEADER_LEN + PAGE_LEN,
        .is_big = magic & 1,
        .salts = bytes + 16,
    };
    w.count = (len - HEADER_LEN) / w.frame_len;
    struct wal_sum s = sum_over((struct wal_sum){0}, bytes, 24, w.is_big);
    if ((magic | 1) != (MAGIC_LITTLE | 1) || get_u32(bytes + 8) != PAGE_LEN ||
        !sum_is(s, bytes + 24)) {
        judge_headless(len, w.frame_len, out);
        return;
    }
    judge(&w, good_frames(&w, s), out);
}

enum err walcheck_file(const char *path, struct wal_report *out, struct diag *diag)
{
    *out = (struct wal_report){.state = WAL_WHOLE};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT
                   ? OK
                   : err_say(diag, ERR_SYSTEM, "%s cannot be read: %s", path, strerror(errno));
    struct stat st;
    enum err e = fstat(fd, &st) == 0 ? OK : ERR_SYSTEM;
    size_t len = e == OK ? (size_t)st.st_size : 0;
    void *map = len ? mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (map == MAP_FAILED)
        e = ERR_SYSTEM;
    if (e != OK)
        err_say(diag, e, "%s cannot be read: %s", path, strerror(errno));
    else if (len)
        walcheck_bytes(map, len, out);
    if (map && map != MAP_FAILED)
        munmap(map, len);
    close(fd);
    return e;
}
