/* SPDX-License-Identifier: Apache-2.0
 * A transfer from a primary, and what comes in between in each of its phases: a reload, other
 * primaries, a zone that goes and comes back, an end in order, a kill. Whatever it is, the zone is
 * the old one or the new one, whole, and the new one in the end. */
#include "primary.h"

/* More than is read at once: a helper reads it. */
#define HOSTS  100
#define OTHERS "  z.example: {primaries: [p2, p1]}\n"
#define NONE   "  y.example: {soa: {ns: [a]}}\n"

/* One turn of the loop, once something has happened. */
static void turn(struct bed *b)
{
    cr_assert(bed_wait(b), "nobody wakes the reactor");
    (void)server_collect(b->server, b->now_us);
    server_turn(b->server);
}

static void put_zone(struct primary_answer *a, uint32_t serial)
{
    char text[100];
    primary_soa(a, serial);
    primary_rr(a, "z.example. 300 NS ns.z.example.");
    primary_rr(a, "ns.z.example. 300 A 192.0.2.53");
    for (unsigned i = 0; i < HOSTS; i++) {
        snprintf(text, sizeof(text), "h%u.z.example. 300 A 192.0.2.%u", i, serial);
        primary_rr(a, text);
    }
}

static void send_zone(uint32_t serial)
{
    struct primary_answer *a = primary_answer(primary_call());
    put_zone(a, serial);
    primary_soa(a, serial);
    primary_send(primary_call(), a);
}

static void send_part(uint32_t serial)
{
    struct primary_answer *a = primary_answer(primary_call());
    put_zone(a, serial);
    primary_send(primary_call(), a);
}

/* --- the phases --- */

enum phase {
    ASKING,     /* for the serial */
    WAITING,    /* IXFR is asked */
    COMING,     /* a part is here, and read */
    READING,    /* all is here, a helper reads it */
    COMPARING,  /* a helper works out the difference */
    COMMITTING, /* it is with the log */
    DURABLE,    /* the log has it, and nobody knows yet */
    PUBLISHED,
    PHASES
};

static const char *const phase_texts[] = {"asking",    "waiting",    "coming",  "reading",
                                          "comparing", "committing", "durable", "published"};

static void until_durable(struct bed *b)
{
    uint64_t id = disk_zone(b, "z.example.")->log_id, seq;
    for (unsigned i = 0;; i++) {
        if (journal_find_serial(state_journal(b->server->state), id, 2, &seq, NULL) == OK)
            return;
        cr_assert_lt(i, BED_WAIT_S * 100u, "the log does not take it");
        disk_look_up(b);
    }
}

static void go_to(struct bed *b, enum phase phase)
{
    primary_look(b);
    if (phase == ASKING)
        return;
    primary_says(2);
    if (phase == WAITING)
        return;
    if (phase == COMING) {
        send_part(2);
        turn(b);
        return;
    }
    send_zone(2);
    if (phase == READING)
        return;
    while (!primary_secondary(b)->taking)
        turn(b);
    if (phase == COMPARING)
        return;
    while (!b->server->commit.is_busy)
        turn(b);
    if (phase == DURABLE)
        until_durable(b);
    if (phase == PUBLISHED)
        primary_rest(b);
}

/* --- what comes in between --- */

enum event { SAME, OTHER_PRIMARIES, GONE_AND_BACK, END, KILL, EVENTS };

static const char *const event_texts[] = {"reload", "other primaries", "gone and back", "end",
                                          "kill"};

static void reload(struct bed *b, const char *zones)
{
    struct diag diag = {0};
    struct conf *conf = bed_conf(b, PRIMARY_REMOTES, zones);
    cr_assert_eq(server_reload(b->server, conf, b->now_us, &diag), OK, "%s", diag.text);
}

static void copy_file(const char *from, const char *to, const char *name)
{
    char path[200];
    uint8_t bytes[65536];
    snprintf(path, sizeof(path), "%s/%s", from, name);
    FILE *in = fopen(path, "rb");
    snprintf(path, sizeof(path), "%s/%s", to, name);
    FILE *out = fopen(path, "wb");
    cr_assert(in && out, "%s", name);
    for (size_t n; (n = fread(bytes, 1, sizeof(bytes), in)) > 0;)
        cr_assert_eq(fwrite(bytes, 1, n, out), n);
    fclose(in);
    cr_assert_eq(fclose(out), 0);
}

/* What a kill leaves: the files as they are now. */
static void kill_it(struct bed *b)
{
    char kept[] = "/tmp/reeve-killed-XXXXXX", path[200];
    static const char *const files[] = {"reeve.db", "reeve.db-wal"};
    cr_assert_not_null(mkdtemp(kept));
    for (unsigned i = 0; i < ARRAY_LEN(files); i++)
        copy_file(b->dir, kept, files[i]);
    server_free(b->server);
    for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
        copy_file(kept, b->dir, files[i]);
        snprintf(path, sizeof(path), "%s/%s", kept, files[i]);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/reeve.db-shm", b->dir);
    unlink(path);
    rmdir(kept);
    b->waiting = 0;
    primary_start(b, PRIMARY_Z);
}

static void happen(struct bed *b, enum event event)
{
    switch (event) {
    case SAME:
        reload(b, PRIMARY_Z);
        break;
    case OTHER_PRIMARIES:
        reload(b, OTHERS);
        break;
    case GONE_AND_BACK:
        reload(b, NONE);
        disk_rest(b);
        reload(b, PRIMARY_Z);
        break;
    case END:
        server_free(b->server);
        primary_start(b, PRIMARY_Z);
        break;
    case KILL:
        kill_it(b);
        break;
    case EVENTS:
        break;
    }
    disk_rest(b);
    primary_rest(b);
}

/* --- what the zone is --- */

static void expect_whole(struct bed *b, const char *what)
{
    int64_t serial = bed_serial(b, "z.example.");
    cr_assert(serial == 1 || serial == 2, "%s: serial %lld", what, (long long)serial);
    cr_expect_eq(primary_host(b, "h0.z.example."), serial, "%s", what);
    cr_expect_eq(primary_host(b, "h99.z.example."), serial, "%s", what);
}

/* The primaries answer whatever is asked. */
static void until_new(struct bed *b, const char *what)
{
    for (unsigned i = 0; bed_serial(b, "z.example.") != 2; i++) {
        cr_assert_lt(i, 50, "%s: it is never asked for again", what);
        if (primary.count == 0) {
            primary_pass(b, 10000000);
        } else if (primary_asked() == TYPE_SOA) {
            primary_says(2);
        } else {
            send_zone(2);
            primary_until_over(b);
        }
    }
    expect_whole(b, what);
}

static void run(enum phase phase, enum event event)
{
    char what[100];
    snprintf(what, sizeof(what), "%s, %s", phase_texts[phase], event_texts[event]);
    struct disk d = disk_new();
    primary_start(d.bed, PRIMARY_Z);
    disk_rest(d.bed);
    primary_pass(d.bed, 0);
    send_zone(1);
    primary_until_over(d.bed);
    expect_whole(d.bed, what);
    go_to(d.bed, phase);
    happen(d.bed, event);
    expect_whole(d.bed, what);
    if (event >= END && phase >= DURABLE)
        cr_expect_eq(bed_serial(d.bed, "z.example."), 2, "%s: what the log has stays", what);
    primary_pass(d.bed, 0);
    until_new(d.bed, what);
    primary_restart(d.bed, PRIMARY_Z);
    expect_whole(d.bed, what);
    cr_expect_eq(bed_serial(d.bed, "z.example."), 2, "%s", what);
    disk_free(&d);
}

Test(secondary_phases, a_reload_in_any_phase_leaves_the_old_zone_or_the_new_one)
{
    for (enum phase p = ASKING; p < PHASES; p++)
        for (enum event e = SAME; e < END; e++)
            run(p, e);
}

Test(secondary_phases, an_end_or_a_kill_in_any_phase_leaves_the_old_zone_or_the_new_one)
{
    for (enum phase p = ASKING; p < PHASES; p++)
        for (enum event e = END; e < EVENTS; e++)
            run(p, e);
}
