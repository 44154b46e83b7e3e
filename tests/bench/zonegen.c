/* SPDX-License-Identifier: Apache-2.0
 * Writes the zone `tld.` of the benchmark, as a registry would publish it, and queries for it.
 *
 * N delegations with two NS each, sorted in canonical order, one record per line with absolute
 * owner, TTL and class. The NS names are drawn from a pool of hosters, few of which serve most
 * names (Zipf); one name in VANITY_EVERY has its own name servers below itself with glue,
 * DS_PERCENT of the names have a DS. About three records per delegation. The same arguments give
 * the same bytes. `--edits K` makes the next version of the zone: the serial one higher and K
 * delegations, spread over the zone, moved to other hosters. */
#include <err.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_SIZE       24
#define NAMES_PER_HOSTER 17
#define HOSTERS_MIN      4
#define VANITY_EVERY     5
#define AAAA_PERCENT     30
#define DS_PERCENT       40
#define SERIAL           2026000001u
#define SEED             0x5eed5eed5eed5eedULL

enum purpose { P_LABEL, P_HOSTER, P_EDIT, P_GLUE, P_DS, P_FOREIGN, P_ORDER, P_ABSENT };

struct label {
    char text[LABEL_SIZE];
};

struct tld {
    struct label *names; /* sorted */
    uint8_t *is_hoster;
    uint64_t count, hosters, hoster_step, edits, records;
    FILE *out;
};

/* splitmix64 of (what for, which one): every choice depends on its own number only, so that an edit
 * of one delegation changes nothing else. */
static uint64_t draw(enum purpose purpose, uint64_t i)
{
    uint64_t z = SEED + ((uint64_t)purpose << 56) + i * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* Syllables, now and then a hyphen or digits: labels share prefixes as real ones do. */
static void label_make(enum purpose purpose, uint64_t i, struct label *out)
{
    static const char *const syllables[32] = {"ba", "be", "ca",   "co", "de", "di", "el", "en",
                                              "er", "fi", "go",   "ha", "in", "ka", "la", "le",
                                              "lo", "ma", "me",   "mi", "no", "on", "pa", "ra",
                                              "re", "sa", "shop", "st", "ta", "te", "ti", "web"};
    uint64_t bits = draw(purpose, i), more = draw(purpose, ~i);
    size_t len = 0, parts = 3 + (more & 3);
    for (size_t part = 0; part < parts; part++, bits >>= 5) {
        const char *s = syllables[bits & 31];
        len += (size_t)snprintf(out->text + len, LABEL_SIZE - len, "%s", s);
        if (part == 1 && (more >> 8) % 12 == 0)
            out->text[len++] = '-';
    }
    if ((more >> 16) % 10 == 0)
        snprintf(out->text + len, LABEL_SIZE - len, "%u", (unsigned)(more >> 24) % 1000);
}

static int label_compare(const void *a, const void *b)
{
    return strcmp(((const struct label *)a)->text, ((const struct label *)b)->text);
}

static void *allocate(uint64_t count, size_t size)
{
    void *p = calloc(count, size);
    if (!p)
        err(1, "memory");
    return p;
}

/* The first `count` different labels that are drawn, sorted. "nic" is the registry's own. */
static void names_make(struct tld *t)
{
    uint64_t drawn = 0, have = 0, room = t->count + t->count / 4 + 16;
    t->names = allocate(room, sizeof *t->names);
    while (have < t->count) {
        for (; have < room; drawn++) {
            label_make(P_LABEL, drawn, &t->names[have]);
            have += strcmp(t->names[have].text, "nic") != 0;
        }
        qsort(t->names, have, sizeof *t->names, label_compare);
        uint64_t kept = 0;
        for (uint64_t i = 0; i < have; i++)
            if (kept == 0 || label_compare(&t->names[kept - 1], &t->names[i]) != 0)
                t->names[kept++] = t->names[i];
        have = kept;
    }
    for (uint64_t i = 0; i < t->count;
         i++) /* what is too much goes evenly, so that no letter is missing */
        t->names[i] = t->names[i * have / t->count];
}

/* 0 to hosters - 1, rank r about as often as 1 / (r + 1): two to a uniformly drawn power is that.
 */
static uint64_t hoster_draw(const struct tld *t, uint64_t i, enum purpose purpose)
{
    uint64_t bits = draw(purpose, i), octaves = 64 - (uint64_t)__builtin_clzll(t->hosters),
             low = 1ULL << bits % octaves;
    uint64_t rank = low + (bits >> 16) % low - 1;
    return rank < t->hosters ? rank : rank % t->hosters;
}

/* A step that shares no factor with the count: walking by it meets everything once, in an order
 * without locality. */
static uint64_t step_find(uint64_t count)
{
    uint64_t step = count * 5 / 8 | 1;
    for (;; step += 2) {
        uint64_t a = count, b = step;
        while (b) {
            uint64_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1)
            return step;
    }
}

/* Which name is the domain of a hoster inside the zone: large and small hosters are spread over the
 * alphabet. */
static uint64_t hoster_name(const struct tld *t, uint64_t hoster)
{
    return hoster * t->hoster_step % t->hosters * t->count / t->hosters;
}

static void ns_put(struct tld *t, const char *owner, const char *host, const char *zone)
{
    for (int i = 1; i <= 2; i++)
        fprintf(t->out, "%s.tld.\t3600\tIN\tNS\tns%d.%s.%s.\n", owner, i, host, zone);
    t->records += 2;
}

static void glue_put(struct tld *t, const char *owner, uint64_t i)
{
    for (unsigned host = 1; host <= 2; host++) {
        uint64_t bits = draw(P_GLUE, 2 * i + host);
        fprintf(t->out, "ns%u.%s.tld.\t3600\tIN\tA\t198.%u.%u.%u\n", host, owner,
                18 + (unsigned)(bits >> 48 & 1), (unsigned)(bits >> 16 & 255),
                (unsigned)(bits >> 8 & 255));
        t->records++;
        if (bits % 100 >= AAAA_PERCENT)
            continue;
        fprintf(t->out, "ns%u.%s.tld.\t3600\tIN\tAAAA\t2001:db8:%x:%x::%u\n", host, owner,
                (unsigned)(bits >> 32 & 0xffff), (unsigned)(bits >> 16 & 0xffff), host);
        t->records++;
    }
}

static void ds_put(struct tld *t, const char *owner, uint64_t i)
{
    if (draw(P_DS, i * 8) % 100 >= DS_PERCENT)
        return;
    fprintf(t->out, "%s.tld.\t3600\tIN\tDS\t%u 13 2 ", owner,
            (unsigned)(draw(P_DS, i * 8 + 1) & 0xffff));
    for (unsigned word = 2; word < 6; word++)
        fprintf(t->out, "%016lX", draw(P_DS, i * 8 + word));
    fputc('\n', t->out);
    t->records++;
}

static bool is_edited(const struct tld *t, uint64_t i)
{
    uint64_t step = t->edits ? t->count / t->edits : 0;
    return step > 0 && i % step == step / 2;
}

static void delegation_put(struct tld *t, uint64_t i)
{
    const char *owner = t->names[i].text;
    bool own = t->is_hoster[i] || draw(P_GLUE, ~i) % VANITY_EVERY == 0;
    uint64_t hoster = hoster_draw(t, i, is_edited(t, i) ? P_EDIT : P_HOSTER);
    struct label foreign = {0};
    if (own) {
        ns_put(t, owner, owner, "tld");
    } else if (hoster % 2 == 0) {
        ns_put(t, owner, t->names[hoster_name(t, hoster)].text, "tld");
    } else {
        label_make(P_FOREIGN, hoster, &foreign);
        ns_put(t, owner, foreign.text, hoster % 4 == 1 ? "net" : "example");
    }
    ds_put(t, owner, i);
    if (own)
        glue_put(t, owner, i);
}

static void zone_write(struct tld *t)
{
    fprintf(t->out,
            "tld.\t86400\tIN\tSOA\ta.nic.tld. hostmaster.nic.tld. %u 1800 900 604800 3600\n",
            SERIAL + (t->edits > 0));
    fputs("tld.\t86400\tIN\tNS\ta.nic.tld.\ntld.\t86400\tIN\tNS\tb.nic.tld.\n"
          "a.nic.tld.\t86400\tIN\tA\t192.0.2.1\na.nic.tld.\t86400\tIN\tAAAA\t2001:db8::1\n"
          "b.nic.tld.\t86400\tIN\tA\t192.0.2.2\nb.nic.tld.\t86400\tIN\tAAAA\t2001:db8::2\n",
          t->out);
    t->records = 7;
    for (uint64_t h = 0; h < t->hosters; h += 2)
        t->is_hoster[hoster_name(t, h)] = 1;
    for (uint64_t i = 0; i < t->count; i++)
        delegation_put(t, i);
}

static void absent_put(struct tld *t, uint64_t *tries)
{
    struct label l;
    do {
        memset(&l, 0, sizeof l);
        label_make(P_ABSENT, (*tries)++, &l);
    } while (bsearch(&l, t->names, t->count, sizeof l, label_compare));
    fprintf(t->out, "%s.tld A\n", l.text);
}

/* Half of the referrals are asked by a name below the cut. With `absent`, every second query is for
 * a name that is not there. */
static void queries_write(struct tld *t, bool absent)
{
    uint64_t step = step_find(t->count), at = draw(P_ORDER, 0) % t->count, tries = 0;
    for (uint64_t i = 0; i < t->count; i++) {
        if (absent && i % 2 == 1)
            absent_put(t, &tries);
        else
            fprintf(t->out, "%s%s.tld A\n", draw(P_ORDER, i) & 1 ? "www." : "", t->names[at].text);
        at = (at + step) % t->count;
    }
}

static void file_open(struct tld *t, const char *path)
{
    t->out = fopen(path, "w");
    if (!t->out)
        err(1, "%s", path);
    setvbuf(t->out, NULL, _IOFBF, 1 << 20);
}

static void file_close(struct tld *t, const char *path)
{
    if (fclose(t->out) != 0)
        err(1, "%s", path);
}

int main(int argc, char **argv)
{
    static const struct option names[] = {{"size", 1, NULL, 's'},   {"edits", 1, NULL, 'e'},
                                          {"zone", 1, NULL, 'z'},   {"referrals", 1, NULL, 'r'},
                                          {"absent", 1, NULL, 'a'}, {NULL, 0, NULL, 0}};
    struct tld t = {.count = 1000000};
    const char *zone = NULL, *referrals = NULL, *absent = NULL;
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;)
        switch (c) {
        case 's':
            t.count = strtoull(optarg, NULL, 10);
            break;
        case 'e':
            t.edits = strtoull(optarg, NULL, 10);
            break;
        case 'z':
            zone = optarg;
            break;
        case 'r':
            referrals = optarg;
            break;
        case 'a':
            absent = optarg;
            break;
        default:
            errx(2,
                 "usage: zonegen [--size N] [--edits K] [--zone F] [--referrals F] [--absent F]");
        }
    if (t.count < 100 || t.count > 10000000) /* beyond, the syllables run out */
        errx(2, "100 to 10,000,000 delegations");
    t.hosters = t.count / NAMES_PER_HOSTER > HOSTERS_MIN ? t.count / NAMES_PER_HOSTER : HOSTERS_MIN;
    t.hoster_step = step_find(t.hosters);
    t.is_hoster = allocate(t.count, 1);
    names_make(&t);
    if (zone) {
        file_open(&t, zone);
        zone_write(&t);
        file_close(&t, zone);
        printf("%lu\n", t.records);
    }
    if (referrals) {
        file_open(&t, referrals);
        queries_write(&t, false);
        file_close(&t, referrals);
    }
    if (absent) {
        file_open(&t, absent);
        queries_write(&t, true);
        file_close(&t, absent);
    }
    free(t.names);
    free(t.is_hoster);
    return 0;
}
