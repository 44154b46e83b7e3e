/* SPDX-License-Identifier: Apache-2.0
 * Load generator of dynamic updates (RFC 2136): keeps a number of them in flight over one UDP
 * socket to 127.0.0.1, each signed (hmac-sha256), and counts what is acknowledged.
 *
 *   add      one A record at a name that no other update of the run uses; the names are spread over
 *            the alphabet, so that neighbours in time are not neighbours in the zone
 *   delete   takes away what `add` with the same numbers added
 *   replace  what an ACME client does: at one of --names names, delete the TXT records and add one
 *
 * Updates are numbered from --first; the number decides the name. An update without an answer is
 * sent again, the same bytes, after --timeout ms, TRIES times in all, and then given up; its time
 * counts from the first sending. After --count updates or --seconds no new one starts, and those on
 * their way are waited for. With --queries there are queries at a fixed rate beside it, --idle
 * seconds before the updates and while they run.
 *
 * The result is one line of JSON on stdout. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "background.h"
#include "histogram.h"
#include "parts.h"
#include "signer.h"

#define OUTSTANDING_MAX 1024
#define BATCH           64
#define MESSAGE_LEN_MAX 512
#define BODY_LEN_MAX    (MESSAGE_LEN_MAX - SIGNER_TSIG_LEN_MAX)
#define ANSWER_LEN_MAX  1232
#define ZONE_LEN_MAX    128
#define TRIES           3
#define SWEEP_NS        1000000ULL   /* how often the slots are searched for what is overdue */
#define DRAIN_NS        100000000ULL /* for the last answers to queries */

enum mode { MODE_ADD, MODE_DELETE, MODE_REPLACE, MODES };

static const char *const mode_names[MODES] = {"add", "delete", "replace"};

enum { OPCODE_UPDATE = 5, TYPE_A = 1, TYPE_SOA = 6, TYPE_TXT = 16, CLASS_IN = 1 };
enum { CLASS_NONE = 254, CLASS_ANY = 255, TTL_S = 60, RCODES = 16 };

struct options {
    uint16_t port;
    const char *zone, *key, *queries;
    enum mode mode;
    uint32_t outstanding; /* a power of two */
    uint64_t first, count, names, rate, timeout_ms;
    double seconds, idle_s;
    bool verify;
};

struct slot {
    uint64_t since_ns, sent_ns; /* of the first and of the last sending */
    uint32_t len;
    uint16_t id;
    uint8_t tries;
    bool busy;
    uint8_t mac[SIGNER_MAC_LEN];
    uint8_t bytes[MESSAGE_LEN_MAX];
};

struct load {
    struct options options;
    struct signer signer;
    struct background background;
    int fd;
    uint8_t zone[ZONE_LEN_MAX]; /* the zone section */
    size_t zone_len;
    struct slot slots[OUTSTANDING_MAX];
    uint16_t free[OUTSTANDING_MAX]; /* a stack of slot numbers */
    uint32_t free_count;
    uint64_t random, start_ns, end_ns, swept_ns, sent;
    uint64_t answered, timeouts, given_up, stray, bad_mac, rcode[RCODES];
    struct histogram times;
    struct mmsghdr out[BATCH], in[BATCH];
    struct iovec out_part[BATCH], in_part[BATCH];
    uint8_t in_bytes[BATCH][ANSWER_LEN_MAX];
};

/* "-u" at the end: no name of the benchmark's zones has that. */
#define OWNER_LETTERS 8
#define OWNER_TAIL    "-u"
#define ACME_LABEL    "\017_acme-challenge"
#define ACME_LETTERS  43 /* a SHA-256 in base64url */

/* Eight letters with which names of the big zone begin too, different for every number below 2^32:
 * multiplying with an odd number only reorders them. A pointer to the zone's name (RFC 1035 s4.1.4)
 * ends the name. */
static uint8_t *owner_put(uint8_t *p, enum mode mode, uint64_t number)
{
    uint32_t mixed = (uint32_t)number * 2654435761U;
    if (mode == MODE_REPLACE)
        p = bytes_put(p, ACME_LABEL, sizeof ACME_LABEL - 1);
    *p++ = OWNER_LETTERS + sizeof OWNER_TAIL - 1;
    for (int i = OWNER_LETTERS - 1; i >= 0; i--)
        *p++ = (uint8_t) "bcdefghiklmnprst"[mixed >> 4 * i & 15];
    p = bytes_put(p, OWNER_TAIL, sizeof OWNER_TAIL - 1);
    return u16_put(p, 0xc000 | 12);
}

static uint8_t *record_put(uint8_t *p, unsigned type, unsigned class, const uint8_t *rdata,
                           unsigned len)
{
    p = u16_put(u16_put(p, type), class);
    p = u16_put(u16_put(p, 0), class == CLASS_IN ? TTL_S : 0);
    p = u16_put(p, len);
    return len ? bytes_put(p, rdata, len) : p;
}

static uint8_t *address_put(uint8_t *p, enum mode mode, uint64_t number)
{
    const uint8_t rdata[4] = {198, 18, (uint8_t)(number >> 8), (uint8_t)number};
    return record_put(owner_put(p, mode, number), TYPE_A, mode == MODE_ADD ? CLASS_IN : CLASS_NONE,
                      rdata, sizeof rdata);
}

static uint8_t *challenge_put(uint8_t *p, struct load *l, uint64_t number)
{
    uint8_t rdata[1 + ACME_LETTERS] = {ACME_LETTERS};
    for (int i = 0; i < ACME_LETTERS; i++)
        rdata[1 + i] = (uint8_t)('a' + random_next(&l->random) % 26);
    number %= l->options.names;
    p = record_put(owner_put(p, MODE_REPLACE, number), TYPE_TXT, CLASS_ANY, NULL, 0);
    return record_put(owner_put(p, MODE_REPLACE, number), TYPE_TXT, CLASS_IN, rdata, sizeof rdata);
}

/* The next update into slot `at`, signed. */
static void update_make(struct load *l, uint16_t at)
{
    struct slot *s = &l->slots[at];
    enum mode mode = l->options.mode;
    uint64_t number = l->options.first + l->sent;
    s->id = (uint16_t)((random_next(&l->random) & ~(uint64_t)(l->options.outstanding - 1)) | at);
    uint8_t *p = u16_put(u16_put(s->bytes, s->id), OPCODE_UPDATE << 11);
    p = u16_put(u16_put(p, 1), 0);
    p = u16_put(u16_put(p, mode == MODE_REPLACE ? 2 : 1), 0);
    p = bytes_put(p, l->zone, l->zone_len);
    p = mode == MODE_REPLACE ? challenge_put(p, l, number) : address_put(p, mode, number);
    s->len = (uint32_t)signer_sign(&l->signer, s->bytes, (size_t)(p - s->bytes),
                                   (uint64_t)time(NULL), s->mac);
}

static void is_gone(const struct load *l)
{
    errx(1, "port %u: nobody answers there", l->options.port);
}

/* The slots in out[0..count) go out. */
static void batch_send(struct load *l, uint32_t count)
{
    for (uint32_t sent = 0; sent < count;) {
        int n = sendmmsg(l->fd, l->out + sent, count - sent, 0);
        if (n < 0 && errno == ECONNREFUSED)
            is_gone(l);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            err(1, "send");
        sent += n > 0 ? (uint32_t)n : 0;
    }
}

static void slot_put(struct load *l, uint32_t i, struct slot *s, uint64_t now)
{
    s->sent_ns = now;
    s->tries++;
    l->out_part[i] = (struct iovec){s->bytes, s->len};
}

static bool may_start(const struct load *l, uint64_t now)
{
    const struct options *o = &l->options;
    return (o->count == 0 || l->sent < o->count) &&
           now - l->start_ns < (uint64_t)(o->seconds * 1e9);
}

static void updates_send(struct load *l)
{
    uint32_t count = 0;
    for (; count < BATCH && l->free_count > 0; count++) {
        uint64_t now = now_ns();
        if (!may_start(l, now))
            break;
        uint16_t at = l->free[--l->free_count];
        update_make(l, at);
        l->slots[at].since_ns = now;
        l->slots[at].busy = true;
        l->slots[at].tries = 0;
        slot_put(l, count, &l->slots[at], now);
        l->sent++;
    }
    if (count > 0)
        batch_send(l, count);
}

static void slot_release(struct load *l, struct slot *s)
{
    s->busy = false;
    l->free[l->free_count++] = (uint16_t)(s - l->slots);
}

static void answer_take(struct load *l, const uint8_t *p, uint32_t len, uint64_t now)
{
    struct slot *s = &l->slots[(p[0] << 8 | p[1]) & (int)(l->options.outstanding - 1)];
    if (len < 12 || !s->busy || s->id != (p[0] << 8 | p[1]) ||
        (p[2] & 0xf8) != (0x80 | OPCODE_UPDATE << 3)) {
        l->stray++;
        return;
    }
    if (l->options.verify && !signer_is_signed(&l->signer, p, len, s->mac))
        l->bad_mac++;
    l->answered++;
    l->rcode[p[3] & 15]++;
    l->end_ns = now;
    histogram_add(&l->times, now - s->since_ns);
    slot_release(l, s);
}

static void updates_receive(struct load *l)
{
    int count = recvmmsg(l->fd, l->in, BATCH, MSG_DONTWAIT, NULL);
    if (count < 0 && errno == ECONNREFUSED)
        is_gone(l);
    uint64_t now = now_ns();
    for (int i = 0; i < count; i++)
        answer_take(l, l->in_bytes[i], l->in[i].msg_len, now);
}

static void updates_repeat(struct load *l, uint64_t now)
{
    if (now - l->swept_ns < SWEEP_NS)
        return;
    l->swept_ns = now;
    uint32_t count = 0;
    for (uint32_t i = 0; i < l->options.outstanding && count < BATCH; i++) {
        struct slot *s = &l->slots[i];
        if (!s->busy || now < s->sent_ns + l->options.timeout_ms * 1000000)
            continue;
        l->timeouts++;
        if (s->tries < TRIES) {
            slot_put(l, count++, s, now);
        } else {
            l->given_up++;
            slot_release(l, s);
        }
    }
    if (count > 0)
        batch_send(l, count);
}

/* Nothing sleeps: a sleeper would have to be woken up by the server, at the server's
 * expense. */
static void load_run(struct load *l)
{
    uint64_t now = now_ns(), until = now + (uint64_t)(l->options.idle_s * 1e9);
    for (; now < until; now = now_ns()) {
        background_turn(&l->background, now);
    }
    printf("{\"idle\": ");
    background_show(&l->background);
    l->start_ns = l->end_ns = l->swept_ns = now_ns();
    for (now = l->start_ns; may_start(l, now) || l->free_count < l->options.outstanding;
         now = now_ns()) {
        background_turn(&l->background, now);
        updates_send(l);
        updates_receive(l);
        updates_repeat(l, now);
    }
    if (l->options.queries)
        for (until = now + DRAIN_NS; now < until; now = now_ns())
            background_turn(&l->background, now);
    printf(", \"during\": ");
    background_show(&l->background);
}

static void load_show(const struct load *l)
{
    printf(", \"seconds\": %.6f, \"sent\": %lu, \"answered\": %lu, \"acked\": %lu, \"timeouts\": "
           "%lu, \"given_up\": %lu, \"stray\": %lu, \"bad_mac\": %lu, \"rcode\": {",
           (double)(l->end_ns - l->start_ns) / 1e9, l->sent, l->answered, l->rcode[0], l->timeouts,
           l->given_up, l->stray, l->bad_mac);
    const char *comma = "";
    for (int i = 0; i < RCODES; i++)
        if (l->rcode[i]) {
            printf("%s\"%d\": %lu", comma, i, l->rcode[i]);
            comma = ", ";
        }
    static const struct {
        const char *name;
        double part;
    } parts[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    printf("}, \"us\": {");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        printf("\"%s\": %.1f, ", parts[i].name,
               (double)histogram_get(&l->times, parts[i].part) / 1e3);
    printf("\"max\": %.1f}}\n", (double)l->times.max / 1e3);
}

/* The zone section, s2.3: name, SOA, IN. */
static void zone_scan(struct load *l, const char *text)
{
    uint8_t *p = l->zone;
    if (strlen(text) + 8 > ZONE_LEN_MAX)
        errx(2, "the zone's name is too long");
    for (size_t len; (len = strcspn(text, ".")) > 0; text += len + (text[len] == '.')) {
        *p++ = (uint8_t)len;
        p = bytes_put(p, text, len);
    }
    *p++ = 0;
    p = u16_put(u16_put(p, TYPE_SOA), CLASS_IN);
    l->zone_len = (size_t)(p - l->zone);
}

static void load_open(struct load *l)
{
    const struct options *o = &l->options;
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(o->port)};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l->fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&server, sizeof server) < 0)
        err(1, "port %u", o->port);
    if (getrandom(&l->random, sizeof l->random, 0) != sizeof l->random)
        err(1, "random bytes");
    l->random |= 1;
    zone_scan(l, o->zone);
    signer_open(&l->signer, o->key);
    background_open(&l->background, o->port, o->queries, o->rate);
    for (uint32_t i = 0; i < o->outstanding; i++)
        l->free[l->free_count++] = (uint16_t)i;
    for (uint32_t i = 0; i < BATCH; i++) {
        l->out[i].msg_hdr = (struct msghdr){.msg_iov = &l->out_part[i], .msg_iovlen = 1};
        l->in_part[i] = (struct iovec){l->in_bytes[i], ANSWER_LEN_MAX};
        l->in[i].msg_hdr = (struct msghdr){.msg_iov = &l->in_part[i], .msg_iovlen = 1};
    }
}

static void usage(void)
{
    errx(2, "usage: update --port PORT --zone NAME --key NAME:BASE64 [--mode add|delete|replace] "
            "[--outstanding N] [--first N] [--count N] [--seconds S] [--names N] [--timeout MS] "
            "[--queries FILE [--rate N] [--idle S]] [--verify]");
}

static enum mode mode_scan(const char *text)
{
    for (enum mode m = 0; m < MODES; m++)
        if (strcmp(text, mode_names[m]) == 0)
            return m;
    usage();
    return MODES;
}

static void option_set(struct options *o, int which, const char *text)
{
    switch (which) {
    case 'p':
        o->port = (uint16_t)strtoul(text, NULL, 10);
        break;
    case 'z':
        o->zone = text;
        break;
    case 'k':
        o->key = text;
        break;
    case 'm':
        o->mode = mode_scan(text);
        break;
    case 'o':
        o->outstanding = (uint32_t)strtoul(text, NULL, 10);
        break;
    case 'f':
        o->first = strtoull(text, NULL, 10);
        break;
    case 'c':
        o->count = strtoull(text, NULL, 10);
        break;
    case 's':
        o->seconds = strtod(text, NULL);
        break;
    case 'n':
        o->names = strtoull(text, NULL, 10);
        break;
    case 't':
        o->timeout_ms = strtoull(text, NULL, 10);
        break;
    case 'q':
        o->queries = text;
        break;
    case 'r':
        o->rate = strtoull(text, NULL, 10);
        break;
    case 'i':
        o->idle_s = strtod(text, NULL);
        break;
    case 'v':
        o->verify = true;
        break;
    default:
        usage();
    }
}

static void options_scan(struct options *o, int argc, char **argv)
{
    static const struct option names[] = {
        {"port", 1, NULL, 'p'},        {"zone", 1, NULL, 'z'},    {"key", 1, NULL, 'k'},
        {"mode", 1, NULL, 'm'},        {"first", 1, NULL, 'f'},   {"count", 1, NULL, 'c'},
        {"outstanding", 1, NULL, 'o'}, {"seconds", 1, NULL, 's'}, {"names", 1, NULL, 'n'},
        {"timeout", 1, NULL, 't'},     {"queries", 1, NULL, 'q'}, {"rate", 1, NULL, 'r'},
        {"idle", 1, NULL, 'i'},        {"verify", 0, NULL, 'v'},  {NULL, 0, NULL, 0}};
    *o = (struct options){
        .seconds = 10, .outstanding = 64, .names = 1000, .rate = 1000, .timeout_ms = 3000};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;)
        option_set(o, c, optarg);
    uint32_t n = o->outstanding;
    if (optind != argc || !o->port || !o->zone || !o->key || n == 0 || (n & (n - 1)) ||
        n > OUTSTANDING_MAX || o->names == 0 || o->timeout_ms == 0 || o->rate == 0 ||
        o->rate > BACKGROUND_SLOTS)
        usage();
}

int main(int argc, char **argv)
{
    struct load *l = calloc(1, sizeof *l);
    if (!l)
        err(1, "memory");
    options_scan(&l->options, argc, argv);
    load_open(l);
    load_run(l);
    load_show(l);
    background_close(&l->background);
    signer_close(&l->signer);
    close(l->fd);
    free(l);
    return 0;
}
