/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a configuration: faults or values, and values print as a configuration of the same
 * meaning. */
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static struct conf_faults faults;

static void check_faults(void)
{
    ASSERT(faults.count > 0 && faults.count <= CONF_FAULTS_MAX);
    for (unsigned i = 0; i < faults.count; i++) {
        ASSERT(faults.list[i].at.line > 0 && faults.list[i].at.column > 0);
        for (const char *s = faults.list[i].text; *s; s++)
            ASSERT((unsigned char)*s >= 0x20 && *s != 0x7F);
    }
}

static char *print(const struct conf *c, size_t *len)
{
    char *printed = NULL;
    FILE *out = open_memstream(&printed, len);
    ASSERT(out);
    conf_effective(c, out);
    fclose(out);
    return printed;
}

static void check_same(const struct conf *a, const struct conf *b)
{
    ASSERT(a->listen.count == b->listen.count && a->zone_count == b->zone_count);
    for (unsigned i = 0; i < CONF_SETTING_COUNT; i++)
        ASSERT(i == CONF_SET_listen || i == CONF_SET_state_dir ||
               strcmp(a->origins[i].text, b->origins[i].text) == 0);
    for (unsigned i = 0; i < a->listen.count; i++)
        ASSERT(memcmp(&a->listen.items[i].address, &b->listen.items[i].address,
                      a->listen.items[i].address_len) == 0);
    for (unsigned i = 0; i < a->zone_count; i++) {
        ASSERT(name_is_same(name_of(&a->zones[i].name), name_of(&b->zones[i].name)));
        ASSERT(strcmp(a->zones[i].file, b->zones[i].file) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct conf *a = conf_load_bytes((const char *)data, len, "/fuzz/reeved.yaml", &faults);
    if (!a) {
        check_faults();
        return 0;
    }
    ASSERT(faults.count == 0);
    size_t printed_len;
    char *printed = print(a, &printed_len);
    struct conf *b = conf_load_bytes(printed, printed_len, "/fuzz/again.yaml", &faults);
    if (!b)
        conf_faults_show(&faults, printed, stderr);
    ASSERT(b);
    check_same(a, b);
    free(printed);
    conf_free(a);
    conf_free(b);
    return 0;
}
