/* SPDX-License-Identifier: Apache-2.0
 * From settings to what a request asks of them. */
#include <stdio.h>
#include <string.h>

#include "server/server_int.h"

static void copy_text(char *out, size_t cap, const char *text)
{
    snprintf(out, cap, "%s", text ? text : "");
}

/* RFC 7828 s3.1: in units of 100 ms. */
static uint16_t keepalive_of(int64_t idle_us)
{
    int64_t units = idle_us / 100000;
    return units < UINT16_MAX ? (uint16_t)units : UINT16_MAX;
}

void server_keepalive_set(struct server *s, int64_t idle_us)
{
    s->self.keepalive = keepalive_of(idle_us);
}

void self_from_conf(struct self *self, const struct conf *conf)
{
    copy_text(self->identity, sizeof(self->identity), conf->identity);
    copy_text(self->version, sizeof(self->version), conf->version);
    self->nsid_len = (uint8_t)strlen(self->identity);
    memcpy(self->nsid, self->identity, self->nsid_len);
    self->keepalive = keepalive_of((int64_t)conf->tcp_idle_ms * 1000);
    self->echoes_subnet = conf->echo_subnet;
    self->report_agent = conf->report_agent;
    self->udp_size_max = (uint16_t)conf->udp_size;
    self->edns_size = (uint16_t)conf->edns_size;
    self->minimal_responses = conf->minimal_responses;
    self->nsec3_iterations_max = (uint16_t)conf->nsec3_iterations;
    self->chain_max = (uint16_t)conf->cname_chain;
}
