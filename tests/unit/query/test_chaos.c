/* SPDX-License-Identifier: Apache-2.0
 * What the server says of itself in class CH. */
#include <string.h>

#include "base/attr.h"
#include "world.h"
#include "unit.h"

static const struct world_row on[] = {
    {"version.bind", "version.bind. CH TXT", ASK_PLAIN,
     "NOERROR aa\nan version.bind. 0 CH TXT \"Reeve 7\"\n"},
    {"version.server", "version.server. CH TXT", ASK_PLAIN,
     "NOERROR aa\nan version.server. 0 CH TXT \"Reeve 7\"\n"},
    {"hostname.bind", "hostname.bind. CH TXT", ASK_PLAIN,
     "NOERROR aa\nan hostname.bind. 0 CH TXT \"ns1\"\n"},
    {"id.server", "id.server. CH TXT", ASK_PLAIN, "NOERROR aa\nan id.server. 0 CH TXT \"ns1\"\n"},
    {"case", "ID.Server. CH TXT", ASK_PLAIN, "NOERROR aa\nan ID.Server. 0 CH TXT \"ns1\"\n"},
    {"ANY", "id.server. CH ANY", ASK_PLAIN, "NOERROR aa\nan id.server. 0 CH TXT \"ns1\"\n"},
    {"another type", "id.server. CH A", ASK_PLAIN, "REFUSED\n"},
    {"another name", "authors.bind. CH TXT", ASK_PLAIN, "REFUSED\n"},
    {"not in IN", "version.bind. IN TXT", ASK_PLAIN, "REFUSED\n"},
};

static const struct world_row off[] = {
    {"version.bind", "version.bind. CH TXT", ASK_PLAIN, "REFUSED\n"},
    {"version.server", "version.server. CH TXT", ASK_PLAIN, "REFUSED\n"},
    {"hostname.bind", "hostname.bind. CH TXT", ASK_PLAIN, "REFUSED\n"},
    {"id.server", "id.server. CH TXT", ASK_PLAIN, "REFUSED\n"},
};

Test(chaos, says_what_is_configured_and_refuses_the_rest)
{
    struct world *w = world_new();
    world_check(w, off, ARRAY_LEN(off));
    strcpy(w->self.version, "Reeve 7");
    strcpy(w->self.identity, "ns1");
    world_check(w, on, ARRAY_LEN(on));
    world_free(w);
}
