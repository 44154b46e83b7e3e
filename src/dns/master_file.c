/* SPDX-License-Identifier: Apache-2.0
 * Files under the zone file reader.
 *
 * A file is read() in windows instead of mapped: an editor that truncates a mapped file would kill
 * the daemon with SIGBUS, and a private copy of the whole text would take as much memory as the
 * zone that is made from it. The lexer needs an entry in one piece, so it asks for more where a
 * window ends; the entry's beginning then moves to the front, the window grows if the entry takes
 * half of it, and the entry is read once more. That costs one entry per window. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "dns/master_int.h"

/* Stays in a second-level cache, and is read in 400 calls for 100 MB. */
#define WINDOW_LEN (256u << 10)

_Static_assert(MASTER_ENTRY_MAX % WINDOW_LEN == 0,
               "a window doubles until it has MASTER_ENTRY_MAX bytes");

static struct master_file *file_new(const char *name)
{
    struct master_file *f = mem_alloc_zero(sizeof(*f));
    size_t len = strlen(name) + 1;
    f->name = memcpy(mem_alloc(len), name, len);
    f->fd = -1;
    return f;
}

/* A byte order mark is no text: editors put it there and nobody means it. */
static void start_lex(struct master_file *f, const char *s, size_t len)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t skip = len >= 3 && memcmp(s, mark, 3) == 0 ? 3 : 0;
    lex_init(&f->lex, s + skip, len - skip);
}

struct master_file *master_file_of_bytes(const char *name, const char *s, size_t len)
{
    struct master_file *f = file_new(name);
    f->bytes = len;
    start_lex(f, s, len);
    return f;
}

void master_file_close(struct master_file *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    free(f->window);
    free(f->name);
    free(f);
}

/* Fills the window behind the `used` bytes it has. *out counts all of them; less than f->cap only
 * at the file's end. */
static enum err fill(struct master_file *f, size_t used, size_t *out, struct diag *diag)
{
    while (used < f->cap) {
        ssize_t n = read(f->fd, f->window + used, f->cap - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_say(diag, ERR_IO, "cannot read \"%s\": %s", f->name, strerror(errno));
        if (n == 0)
            break;
        used += (size_t)n;
        f->bytes += (uint64_t)n;
    }
    *out = used;
    return OK;
}

/* O_NONBLOCK: opening a FIFO or a device must not wait for its other end; what is not a regular
 * file is closed again. */
static enum err open_regular(struct master_file *f, off_t *size, struct diag *diag)
{
    f->fd = open(f->name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (f->fd < 0)
        return err_say(diag, ERR_IO, "cannot open \"%s\": %s", f->name, strerror(errno));
    struct stat st;
    if (fstat(f->fd, &st) != 0)
        return err_say(diag, ERR_IO, "cannot stat \"%s\": %s", f->name, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_say(diag, ERR_IO, "\"%s\" is not a regular file", f->name);
    f->device = st.st_dev;
    f->inode = st.st_ino;
    f->source =
        (struct master_source){f->name, (uint64_t)st.st_size,
                               st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec};
    *size = st.st_size;
    return OK;
}

static enum err open_and_fill(struct master_file *f, struct diag *diag)
{
    off_t size = 0;
    enum err e = open_regular(f, &size, diag);
    if (e != OK)
        return e;
    /* One byte more than a small file has, so that its end shows at once. */
    f->cap = size < (off_t)WINDOW_LEN ? (size_t)size + 1 : WINDOW_LEN;
    f->window = mem_alloc(f->cap);
    size_t len = 0;
    e = fill(f, 0, &len, diag);
    if (e != OK)
        return e;
    start_lex(f, f->window, len);
    f->lex.more = len == f->cap;
    return OK;
}

enum err master_file_open(const char *path, struct master_file **out, struct diag *diag)
{
    struct master_file *f = file_new(path);
    enum err e = open_and_fill(f, diag);
    if (e != OK) {
        master_file_close(f);
        return e;
    }
    *out = f;
    return OK;
}

enum err master_file_more(struct master_file *f, struct diag *diag)
{
    ASSERT(f->fd >= 0 && f->lex.more);
    size_t tail = (size_t)(f->lex.end - f->lex.entry_at);
    if (tail >= MASTER_ENTRY_MAX)
        return ERR_LIMIT;
    memmove(f->window, f->lex.entry_at, tail);
    if (tail >= f->cap / 2 && f->cap < MASTER_ENTRY_MAX) {
        f->cap = f->cap < WINDOW_LEN ? WINDOW_LEN : f->cap * 2;
        f->window = mem_grow(f->window, f->cap);
    }
    size_t len = tail;
    enum err e = fill(f, tail, &len, diag);
    if (e != OK)
        return e;
    lex_restart(&f->lex, f->window, len);
    f->lex.more = len == f->cap;
    return OK;
}

enum err master_file_skip_line(struct master_file *f, struct diag *diag)
{
    const char *at = f->lex.entry_at, *line_end;
    size_t len = (size_t)(f->lex.end - at);
    while (!(line_end = memchr(at, '\n', len)) && f->lex.more) {
        enum err e = fill(f, 0, &len, diag);
        if (e != OK)
            return e;
        f->lex.more = len == f->cap;
        at = f->window;
    }
    const char *next = line_end ? line_end + 1 : at + len;
    f->lex.entry_line++;
    lex_restart(&f->lex, next, (size_t)(at + len - next));
    return OK;
}
