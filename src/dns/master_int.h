/* SPDX-License-Identifier: Apache-2.0
 * What the parts of the zone file reader share; for dns/master*.c only. */
#ifndef REEVE_DNS_MASTER_INT_H
#define REEVE_DNS_MASTER_INT_H

#include "dns/lex.h"
#include "dns/master.h"

/* One input, in a window that always holds the entry being read. */
struct master_file {
    struct master_file *parent; /* the file that includes this one; NULL in the first */
    char *name;                 /* owned */
    int fd;                     /* -1: bytes of the caller */
    uint64_t device, inode;
    struct master_source source; /* path is name */
    char *window;                /* owned; NULL for bytes of the caller */
    size_t cap;
    uint64_t bytes; /* read so far */
    struct lex lex;
    /* What an included file gets a copy of. */
    struct name_buf origin, owner;
    bool has_owner;
    bool origin_changed; /* since the last owner was read */
};

/* Opens a regular file and reads its first window; anything else is refused without waiting for it.
 */
enum err master_file_open(const char *path, struct master_file **out, struct diag *diag);
struct master_file *master_file_of_bytes(const char *name, const char *s, size_t len);
void master_file_close(struct master_file *f);
/* After f->lex starved: moves the entry to the window's front, reads on, and restarts the entry.
 * ERR_LIMIT: it has MASTER_ENTRY_MAX bytes already. */
enum err master_file_more(struct master_file *f, struct diag *diag);
/* Drops everything up to the next line end: the way out of a line longer than MASTER_ENTRY_MAX. */
enum err master_file_skip_line(struct master_file *f, struct diag *diag);

struct master {
    const struct master_options *options;
    const struct master_sink *sink;
    struct master_result *result;
    struct diag *diag;
    struct master_file *file; /* the innermost */
    unsigned depth;           /* files around it */
    uint32_t includes, generated;
    bool has_ttl_default, has_ttl_last, warned_ttl_last;
    uint32_t ttl_default, ttl_last;
    enum err stop;             /* not OK: why reading ends */
    struct master_where where; /* of the fault that is not reported yet */
    struct diag why;           /* its sentence */
    uint8_t rdata[RDATA_LEN_MAX];
};

enum entry {
    ENTRY_READ,
    ENTRY_FAULT, /* where and why are set; the entry had no effect but on the owner */
    ENTRY_LAST,  /* the end of the file instead */
    ENTRY_STOP   /* m->stop is set */
};

/* The fields between owner and rdata (RFC 1035 s5.1). */
struct master_fields {
    uint16_t type, class;
    uint32_t ttl;
    bool has_class, has_ttl;
    bool ttl_cut; /* it was above TTL_MAX and is 0 now */
};

/* Sets where and why. The second keeps the sentence that is in m->why. The third says "expected
 * <what>, found <token>". */
enum entry master_fault(struct master *m, const struct token *at, const char *fmt, ...)
    ATTR_PRINTF(3, 4);
enum entry master_fault_at(struct master *m, const struct token *at);
enum entry master_unexpected(struct master *m, const struct token *at, const char *expected);
void master_warn(struct master *m, const struct token *at, const char *fmt, ...) ATTR_PRINTF(3, 4);

/* A period of at most 2^31-1 seconds; more is 0 and *cut (RFC 2181 s8). */
bool master_scan_ttl(const struct token *t, uint32_t *out, bool *cut);
/* From the token *t on, which is the type's afterwards. */
enum entry master_read_fields(struct master *m, struct token *t, struct master_fields *out);
/* Gives a record to the sink; its rdata is in m->rdata, its type at `at`. */
enum entry master_deliver(struct master *m, struct name owner, const struct master_fields *fields,
                          const struct token *at, size_t rdata_len);
/* Nothing but the end of the entry may follow. */
enum entry master_read_end(struct master *m);

/* An entry whose first token begins with "$". */
enum entry master_read_directive(struct master *m, const struct token *first);

/* Reads m->file to its end. */
enum err master_read_entries(struct master *m);

#endif
