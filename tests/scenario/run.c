/* SPDX-License-Identifier: Apache-2.0
 * Runs scenarios in this process: scenario [-v|-w] FILE.rv|DIR... (-v shows the server's log).
 * Every step is asked alone and then in one batch with others; a scenario whose steps have effects
 * is played once. Ends with "N passed, N failed", N
 * being expectations. With -w every expectation must be wrong, or the file no scenario: a test
 * of this program. */
#include "base/attr.h"
#include "base/log.h"
#include "host.h"
#include "script.h"
#include "verdict.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define UDP_SIZE_DEFAULT 1232

struct tally {
    bool want_wrong;
    unsigned passed, failed;
};

static void count(struct tally *tally, bool is_fine)
{
    if (is_fine != tally->want_wrong)
        tally->passed++;
    else
        tally->failed++;
}

static void no_log(enum log_level level, const char *message, const struct log_field *fields,
                   int count)
{
    (void)level;
    (void)message;
    (void)fields;
    (void)count;
}

static void judge(const struct script *script, const struct host_exchange *x, const char *how,
                  struct tally *tally)
{
    struct verdict_input in = {x->step,
                               x->transport,
                               x->answer,
                               x->len,
                               x->more,
                               x->more_len,
                               strtoul(script_setting(script, "udp-size", "0"), NULL, 10)};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (in.udp_size == 0)
        in.udp_size = UDP_SIZE_DEFAULT;
    bool is_later = x->step->rcodes >> SCRIPT_RCODE_LATER & 1, is_fine = false;
    if (is_later || x->later)
        fprintf(out, x->later ? "  there is no answer yet\n" : "  there is an answer already\n");
    is_fine = is_later || x->later ? is_later && x->later : verdict_is_fine(&in, out);
    fclose(out);
    count(tally, is_fine);
    if (is_fine == tally->want_wrong)
        printf("%s:%u: over %s, %s:\n%s", script->path, x->step->line,
               x->transport == SCRIPT_UDP ? "UDP" : "TCP", how,
               is_fine ? "  not noticed to be wrong\n" : text);
    free(text);
}

static void flush(struct host *h, const struct script *script, struct host_exchange *x,
                  unsigned count, struct tally *tally)
{
    host_ask(h, x, count);
    for (unsigned i = 0; i < count; i++)
        judge(script, &x[i], count == 1 ? "alone" : "in a batch", tally);
    host_exchange_done(x, count);
}

/* All steps, batch_max at a time. */
static void play(struct host *h, const struct script *script, unsigned batch_max,
                 struct tally *tally)
{
    struct host_exchange x[SERVER_BATCH_MAX];
    unsigned count = 0;
    for (const struct script_step *step = script->steps; step; step = step->next) {
        for (unsigned transport = SCRIPT_UDP; transport <= SCRIPT_TCP; transport <<= 1) {
            if (!(step->transports & transport))
                continue;
            x[count++] =
                (struct host_exchange){.step = step, .transport = (enum script_transport)transport};
            if (count == batch_max) {
                flush(h, script, x, count, tally);
                count = 0;
            }
        }
    }
    if (count)
        flush(h, script, x, count, tally);
}

/* A step with effects, or a question over each of its transports; false: the rest makes no sense.
 */
static bool play_step(struct host *h, const struct script *script, const struct script_step *step,
                      struct tally *tally)
{
    struct diag diag = {0};
    if (step->kind != STEP_ASK) {
        bool is_expectation = step->kind == STEP_SENT || step->kind == STEP_ANSWER;
        if (host_do(h, step, &diag) == OK) {
            tally->passed += is_expectation;
            return true;
        }
        printf("%s:%u: %s\n", script->path, step->line, diag.text);
        tally->failed++;
        return false;
    }
    for (unsigned transport = SCRIPT_UDP; transport <= SCRIPT_TCP; transport <<= 1) {
        struct host_exchange x = {.step = step, .transport = (enum script_transport)transport};
        if (step->transports & transport)
            flush(h, script, &x, 1, tally);
    }
    return true;
}

static void play_once(struct host *h, const struct script *script, struct tally *tally)
{
    for (const struct script_step *step = script->steps; step; step = step->next)
        if (!play_step(h, script, step, tally))
            return;
}

static void run_file(const char *path, struct tally *tally)
{
    struct script script;
    struct diag diag = {0};
    if (script_read(path, &script, &diag) != OK) {
        printf("%s\n", diag.text);
        count(tally, false);
        return;
    }
    struct host *h = host_new(&script, &diag);
    if (h && script.is_stateful) {
        play_once(h, &script, tally);
    } else if (h) {
        play(h, &script, 1, tally);
        play(h, &script, SERVER_BATCH_MAX, tally);
    } else {
        printf("%s\n", diag.text);
        tally->failed++;
    }
    host_free(h);
    script_done(&script);
}

static int is_scenario(const struct dirent *e)
{
    size_t len = strlen(e->d_name);
    return len > 3 && strcmp(e->d_name + len - 3, ".rv") == 0;
}

static void run_path(const char *path, struct tally *tally)
{
    struct stat st;
    struct dirent **names = NULL;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        run_file(path, tally);
        return;
    }
    int count = scandir(path, &names, is_scenario, alphasort);
    if (count <= 0) {
        printf("%s: no scenario\n", path);
        tally->failed++;
    }
    for (int i = 0; i < count; i++) {
        char file[4096];
        snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
        run_file(file, tally);
        free(names[i]);
    }
    free(names);
}

int main(int argc, char **argv)
{
    struct tally tally = {0};
    int first = 1;
    log_setup(LOG_ERROR_LEVEL, LOG_LOGFMT, false, no_log);
    for (; first < argc && argv[first][0] == '-'; first++) {
        if (strcmp(argv[first], "-v") == 0)
            log_setup(LOG_DEBUG_LEVEL, LOG_LOGFMT, false, NULL);
        else if (strcmp(argv[first], "-w") == 0)
            tally.want_wrong = true;
    }
    for (int i = first; i < argc; i++)
        run_path(argv[i], &tally);
    printf("%u passed, %u failed\n", tally.passed, tally.failed);
    return tally.failed != 0 || tally.passed == 0;
}
