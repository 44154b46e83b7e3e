/* SPDX-License-Identifier: Apache-2.0
 * From settings to what a request asks of them. */
#include <stdio.h>
#include <string.h>

#include "server/server_int.h"

static void copy_text(char *out, size_t cap, const char *text)
{
    snprintf(out, cap, "%s", text ? text : "");
}

void self_from_conf(struct self *self, const struct conf *conf)
{
    copy_text(self->identity, sizeof(self->identity), conf->identity);
    copy_text(self->version, sizeof(self->version), conf->version);
    self->nsid_len = (uint8_t)strlen(self->identity);
    memcpy(self->nsid, self->identity, self->nsid_len);
    self->udp_size_max = (uint16_t)conf->udp_size;
    self->edns_size = (uint16_t)conf->edns_size;
    self->minimal_responses = conf->minimal_responses;
    self->nsec3_iterations_max = (uint16_t)conf->nsec3_iterations;
    self->chain_max = (uint16_t)conf->cname_chain;
}
