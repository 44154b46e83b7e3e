/* SPDX-License-Identifier: Apache-2.0
 * The daemon's main: options, configuration, reactor, run. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "reactor/loop.h"
#include "reactor/systemd.h"
#include "reactor/process.h"
#include "server/check.h"

enum { EXIT_OK = 0, EXIT_FAULT = 1, EXIT_USAGE = 2 };

enum action {
    ACTION_RUN,
    ACTION_CHECK,
    ACTION_EFFECTIVE,
    ACTION_SETTINGS,
    ACTION_VERSION,
    ACTION_HELP
};

struct options {
    enum action action;
    enum process_dumps dumps;
    const char *conf_path;
};

static const char help[] =
    "usage: reeved -c FILE              serve, in the foreground\n"
    "       reeved --check -c FILE      check the configuration and every zone: one line per "
    "fault\n"
    "       reeved --effective -c FILE  print every setting with its value and where it is from\n"
    "       reeved --settings           print every setting with its default and what it is for\n"
    "       reeved --version\n"
    "       reeved --help\n"
    "\n"
    "  -c, --conf FILE   the configuration\n"
    "  --core-dumps      let a crash leave a core dump; it holds what is in memory, keys too\n"
    "\n"
    "SIGHUP reads the configuration and the zones again, SIGTERM stops, SIGUSR1 logs the "
    "counters.\n"
    "exit: 0 stopped as asked, or no fault; 1 fault, or not able to serve; 2 usage\n";

static const struct option long_options[] = {
    {"conf", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
    {"effective", no_argument, NULL, 'e'},  {"settings", no_argument, NULL, 's'},
    {"version", no_argument, NULL, 'V'},    {"help", no_argument, NULL, 'h'},
    {"core-dumps", no_argument, NULL, 'd'}, {NULL, 0, NULL, 0},
};

/* Each action asked for is the only one. */
static bool action_set(struct options *o, enum action action)
{
    bool is_first = o->action == ACTION_RUN;
    o->action = action;
    return is_first;
}

static bool option_take(struct options *o, int letter)
{
    switch (letter) {
    case 'c':
        o->conf_path = optarg;
        return true;
    case 'd':
        o->dumps = PROCESS_DUMPS_ON;
        return true;
    case 'k':
        return action_set(o, ACTION_CHECK);
    case 'e':
        return action_set(o, ACTION_EFFECTIVE);
    case 's':
        return action_set(o, ACTION_SETTINGS);
    case 'V':
        return action_set(o, ACTION_VERSION);
    case 'h':
        return action_set(o, ACTION_HELP);
    default:
        return false; /* getopt has said why */
    }
}

static bool options_read(struct options *o, int argc, char **argv)
{
    *o = (struct options){.action = ACTION_RUN, .dumps = PROCESS_DUMPS_OFF};
    for (int letter; (letter = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1;)
        if (!option_take(o, letter))
            return false;
    if (optind < argc) {
        fprintf(stderr, "reeved: what is \"%s\"?\n", argv[optind]);
        return false;
    }
    bool needs_conf =
        o->action == ACTION_RUN || o->action == ACTION_CHECK || o->action == ACTION_EFFECTIVE;
    if (needs_conf && !o->conf_path)
        fprintf(stderr, "reeved: -c FILE is missing\n");
    return !needs_conf || o->conf_path;
}

/* Faults and warnings are printed; NULL: there were faults. */
static struct conf *conf_read(const char *path, FILE *out)
{
    struct conf_faults *faults = mem_alloc_zero(sizeof(*faults));
    struct conf *conf = conf_load(path, faults);
    conf_faults_show(faults, path, out);
    free(faults);
    return conf;
}

static int check(const char *path)
{
    struct conf *conf = conf_read(path, stdout);
    if (!conf)
        return EXIT_FAULT;
    unsigned bad = server_check_zones(conf, stdout);
    conf_free(conf);
    return bad ? EXIT_FAULT : EXIT_OK;
}

static int effective(const char *path)
{
    struct conf *conf = conf_read(path, stderr);
    if (!conf)
        return EXIT_FAULT;
    conf_effective(conf, stdout);
    conf_free(conf);
    return EXIT_OK;
}

static int version(void)
{
    printf("reeved %s\ncompiler: %s\nlibraries: ", REEVE_VERSION, __VERSION__);
    loop_libraries_show(stdout);
    printf(", %s\n", REEVE_LIBRARIES);
    return EXIT_OK;
}

static int run(const struct options *o)
{
    struct diag diag = {0};
    struct loop *loop;
    process_secure(o->dumps);
    enum err secure = secret_setup(&diag);
    struct conf *conf = conf_read(o->conf_path, stderr);
    if (!conf)
        return EXIT_FAULT;
    systemd_log_setup(conf);
    log_notice("starting", {"version", REEVE_VERSION}, {"file", o->conf_path});
    if (secure != OK)
        log_warn("secrets of keys are not in locked memory", {"reason", diag.text});
    if (loop_new(conf, &loop, &diag) != OK) {
        log_error("not started", {"reason", diag.text});
        return EXIT_FAULT;
    }
    int code = loop_run(loop);
    loop_free(loop);
    return code;
}

/* The build assumes it (meson.build); without it the first lookup would end in SIGILL. */
static bool processor_is_fit(void)
{
#ifdef __x86_64__
    return __builtin_cpu_supports("popcnt");
#else
    return true;
#endif
}

int main(int argc, char **argv)
{
    struct options o;
    if (!processor_is_fit()) {
        fprintf(stderr, "reeved: this processor has no POPCNT instruction (x86-64-v2), which this "
                        "build needs\n");
        return EXIT_FAILURE;
    }
    if (!options_read(&o, argc, argv)) {
        fprintf(stderr, "usage: reeved -c FILE; see reeved --help\n");
        return EXIT_USAGE;
    }
    switch (o.action) {
    case ACTION_CHECK:
        return check(o.conf_path);
    case ACTION_EFFECTIVE:
        return effective(o.conf_path);
    case ACTION_SETTINGS:
        conf_document(stdout);
        return EXIT_OK;
    case ACTION_VERSION:
        return version();
    case ACTION_HELP:
        fputs(help, stdout);
        return EXIT_OK;
    case ACTION_RUN:
        break;
    }
    return run(&o);
}
