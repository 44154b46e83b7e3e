/* SPDX-License-Identifier: Apache-2.0
 * What the kernel has dropped. */
#include "reactor/drops.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include "base/log.h"
#include "request/address.h"

static void say(struct listener *l, int64_t now_us)
{
    struct address_text text;
    if (l->drops_said_us && now_us >= l->drops_said_us && now_us - l->drops_said_us < DROPS_SAY_US)
        return;
    log_warn("datagrams dropped by the kernel, they came faster than they could be read",
             {"address", address_show(&l->address, &text)}, {"count", LOG_U64(l->drops_unsaid)});
    l->drops_said_us = now_us;
    l->drops_unsaid = 0;
}

static void look(struct listener *l, struct counters *count, int64_t now_us)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof(info);
    if (getsockopt(l->io.fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0)
        return;
    uint32_t more = info[SK_MEMINFO_DROPS] - l->drops; /* the kernel's number wraps around */
    l->drops += more;
    l->drops_unsaid += more;
    count->udp_dropped_kernel += more;
    if (l->drops_unsaid)
        say(l, now_us);
}

void drops_count(struct listen_set *set, struct counters *count, int64_t now_us)
{
    LIST_EACH(link, &set->all) {
        if (listen_of(link)->transport == TRANSPORT_UDP)
            look(listen_of(link), count, now_us);
    }
}
