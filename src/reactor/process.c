/* SPDX-License-Identifier: Apache-2.0
 * The process: its user, its privileges, its descriptors. */
#include "reactor/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#endif
/* The leak check at exit traces its own process, which needs to be dumpable. */
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

static void dumps_off(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    if (!IS_SANITIZED)
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* The lowest free number is what open() gives. */
static void streams_fill(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_NOCTTY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* SIG_BLOCK or SIG_UNBLOCK for those that the loop handles. */
static void signals_mask(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(how, &set, NULL);
}

void process_hear_signals(void)
{
    signals_mask(SIG_UNBLOCK);
}

void process_secure(enum process_dumps dumps)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    streams_fill();
    (void)umask(027);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    signals_mask(SIG_BLOCK);
    if (dumps == PROCESS_DUMPS_OFF)
        dumps_off();
    else
        (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* The reactor's slice: what a usual turn takes. */
#define PROMPT_SLICE_NS 100000

/* struct sched_attr of the kernel, as sched_setattr(2) has it; its header and <sched.h> do not go
 * together. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

enum err process_be_prompt(bool is_realtime, struct diag *diag)
{
    const struct sched_param first = {.sched_priority = 1};
    struct attributes attr = {.size = sizeof(attr)};
    if (is_realtime) {
        if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &first) == 0)
            return OK;
        err_say(diag, ERR_SYSTEM, "%s", strerror(errno));
    }
    if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) == 0 && attr.policy == SCHED_OTHER) {
        attr.runtime = PROMPT_SLICE_NS;
        (void)syscall(SYS_sched_setattr, 0, &attr, 0);
    }
    return is_realtime ? ERR_SYSTEM : OK;
}

uint64_t process_descriptors(uint64_t want)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return want;
    if (r.rlim_cur >= want)
        return r.rlim_cur;
    struct rlimit more = {want, r.rlim_max > want ? r.rlim_max : want};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        return want;
    more = (struct rlimit){r.rlim_max, r.rlim_max}; /* beyond it only with privileges */
    return setrlimit(RLIMIT_NOFILE, &more) == 0 ? r.rlim_max : r.rlim_cur;
}

/* Real, effective and saved ids are the user's, and root's cannot be had again. */
static bool is_cut_off(uid_t uid, gid_t gid)
{
    uid_t ru, eu, su;
    gid_t rg, eg, sg;
    if (getresuid(&ru, &eu, &su) < 0 || getresgid(&rg, &eg, &sg) < 0)
        return false;
    if (ru != uid || eu != uid || su != uid || rg != gid || eg != gid || sg != gid)
        return false;
    return setuid(0) < 0 && setgid(0) < 0;
}

static enum err become(const struct passwd *pw, struct diag *diag)
{
    int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); /* a change of user resets it */
    if (initgroups(pw->pw_name, pw->pw_gid) < 0 ||
        setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
        setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
        return err_say(diag, ERR_SYSTEM, "user %s: %s", pw->pw_name, strerror(errno));
    if (!is_cut_off(pw->pw_uid, pw->pw_gid))
        return err_say(diag, ERR_SYSTEM, "user %s: root's privileges are not gone", pw->pw_name);
    (void)prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0);
    return OK;
}

enum err process_become(const char *user, struct diag *diag)
{
    errno = 0;
    const struct passwd *pw = getpwnam(user);
    if (!pw)
        return err_say(diag, ERR_ABSENT, "user %s: %s", user,
                       errno ? strerror(errno) : "no such user");
    if (pw->pw_uid == geteuid())
        return OK;
    if (geteuid() != 0)
        return err_say(diag, ERR_SYSTEM, "user %s: only root can become another user", user);
    return become(pw, diag);
}
