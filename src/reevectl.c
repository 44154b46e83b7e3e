/* SPDX-License-Identifier: Apache-2.0
 * The operator's client: one request to a running server over its control socket. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "ctl/line.h"
#include "ctl/request.h"
#include "ctl/send.h"
#include "ctl/show.h"

enum { EXIT_OK = 0, EXIT_NO = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3 };

static int complain(int code, const char *what)
{
    fputs("reevectl: ", stderr);
    ctl_show_text(what, stderr);
    fputc('\n', stderr);
    return code;
}

/* Where the answer goes: stdout, or a file that appears only when it is whole. */
struct sink {
    FILE *out;
    const char *path; /* NULL: stdout */
    char *beside;     /* what is written until then */
};

static bool sink_open(struct sink *s, const char *path)
{
    *s = (struct sink){.out = stdout, .path = path};
    if (!path)
        return true;
    size_t cap = strlen(path) + 16;
    s->beside = mem_alloc(cap);
    snprintf(s->beside, cap, "%s.%ld", path, (long)getpid());
    s->out = fopen(s->beside, "wxe");
    return s->out != NULL;
}

/* False: errno says why, and there is no file. */
static bool sink_close(struct sink *s, int code)
{
    bool is_good = s->out && fflush(s->out) == 0 && !ferror(s->out);
    if (s->path && s->out) {
        is_good = is_good && fsync(fileno(s->out)) == 0;
        is_good = fclose(s->out) == 0 && is_good;
        bool is_kept = is_good && code == EXIT_OK;
        if (is_kept)
            is_good = rename(s->beside, s->path) == 0;
        if (!is_kept || !is_good)
            (void)unlink(s->beside);
    }
    free(s->beside);
    return is_good;
}

/* The exit code that an answer's last line means. */
static int verdict(const json_t *line)
{
    if (json_is_true(json_object_get(line, "ok")))
        return EXIT_OK;
    const char *error = json_string_value(json_object_get(line, "error"));
    return complain(json_is_true(json_object_get(line, "usage")) ? EXIT_USAGE : EXIT_NO,
                    error ? error : "the server says no");
}

static void line_show(const struct ctl_request *r, const json_t *line, FILE *out)
{
    if (r->is_json) {
        (void)json_dumpf(line, out, JSON_COMPACT | JSON_ENSURE_ASCII);
        fputc('\n', out);
    } else {
        ctl_show(r->verb, line, out);
    }
}

/* Under systemd the server may have a /tmp of its own, which goes with it. EXIT_*. */
static int backup_look(const json_t *line)
{
    const char *dir = json_string_value(json_object_get(line, "dir"));
    struct diag diag = {0};
    if (!dir || access(dir, F_OK) == 0 || errno != ENOENT)
        return EXIT_OK;
    err_say(
        &diag, ERR_ABSENT,
        "%s is where only the server sees it (PrivateTmp): name a folder in its state directory",
        dir);
    return complain(EXIT_NO, diag.text);
}

/* All lines of the answer; EXIT_*. */
static int answer_take(const struct ctl_request *r, struct ctl_line *l, FILE *out)
{
    struct diag diag = {0};
    for (;;) {
        json_t *line;
        if (ctl_line_read(l, &line, &diag) != OK)
            return complain(EXIT_UNREACHABLE, diag.text);
        bool has_more = json_is_true(json_object_get(line, "more"));
        line_show(r, line, out);
        int code = has_more ? EXIT_OK : verdict(line);
        if (!has_more && code == EXIT_OK && r->verb == VERB_backup)
            code = backup_look(line);
        json_decref(line);
        if (!has_more)
            return code;
    }
}

/* The text that goes ahead of the request; EXIT_*. */
static int text_send(const struct ctl_request *r, struct ctl_line *l)
{
    struct diag diag = {0};
    bool is_stdin = !r->input || strcmp(r->input, "-") == 0;
    const char *name = is_stdin ? "standard input" : r->input;
    FILE *in = is_stdin ? stdin : fopen(r->input, "re");
    if (!in) {
        err_say(&diag, ERR_IO, "%s: %s", name, strerror(errno));
        return complain(EXIT_USAGE, diag.text);
    }
    enum err e = ctl_send_text(l, in, &diag);
    if (!is_stdin)
        fclose(in);
    if (e == ERR_SYNTAX || e == ERR_IO)
        err_note(&diag, e, "%s", name);
    if (e == OK)
        return EXIT_OK;
    return complain(e == ERR_SYSTEM ? EXIT_UNREACHABLE : EXIT_USAGE, diag.text);
}

static int exchange(const struct ctl_request *r, struct ctl_line *l, FILE *out)
{
    struct diag diag = {0};
    int sent = r->has_input ? text_send(r, l) : EXIT_OK;
    if (sent != EXIT_OK)
        return sent;
    if (ctl_line_send(l, r->json, &diag) != OK)
        return complain(EXIT_UNREACHABLE, diag.text);
    int code = answer_take(r, l, out);
    /* a server that stops is gone when its connections are */
    if (code == EXIT_OK && r->verb == VERB_stop && ctl_line_wait_end(l, &diag) != OK)
        return complain(EXIT_UNREACHABLE, diag.text);
    return code;
}

static const char *socket_path(const struct ctl_request *r)
{
    const char *path = r->socket ? r->socket : getenv("REEVE_SOCKET");
    return path && *path ? path : CONTROL_SOCKET_PATH;
}

static int run(const struct ctl_request *r)
{
    struct diag diag = {0};
    struct ctl_line l;
    struct sink sink;
    if (ctl_line_open(socket_path(r), verb_table[r->verb].wait_s, &l, &diag) != OK)
        return complain(EXIT_UNREACHABLE, diag.text);
    int code = EXIT_NO;
    if (sink_open(&sink, r->file))
        code = exchange(r, &l, sink.out);
    ctl_line_close(&l);
    if (!sink_close(&sink, code)) {
        err_say(&diag, ERR_IO, "%s: not written: %s", r->file ? r->file : "output",
                strerror(errno));
        return complain(code ? code : EXIT_NO, diag.text);
    }
    return code;
}

int main(int argc, char **argv)
{
    struct ctl_request r;
    struct diag diag = {0};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    if (ctl_request_read(argc, argv, &r, &diag) != OK) {
        complain(EXIT_USAGE, diag.text);
        fputs("see reevectl help\n", stderr);
        return EXIT_USAGE;
    }
    int code = EXIT_OK;
    if (r.is_version)
        printf("reevectl %s\n", REEVE_VERSION);
    else if (r.is_help)
        ctl_show_help(stdout);
    else
        code = run(&r);
    ctl_request_done(&r);
    return code;
}
