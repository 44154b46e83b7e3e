/* SPDX-License-Identifier: Apache-2.0
 * Checking the zones of a configuration. */
#include "server/check.h"

#include "zone/load.h"

static void on_line(void *arg, enum master_severity severity, const char *line,
                    const char *sentence)
{
    fprintf(arg, "%.*s%s%s\n", (int)(sentence - line), line,
            severity == MASTER_WARNING ? "warning: " : "", sentence);
}

unsigned server_check_zones(const struct conf *conf, FILE *out)
{
    unsigned failed = 0;
    struct load_limits limits = {.records_max = conf->zone_records_max};
    struct load_sink sink = {.arg = out, .line = on_line, .has_places = true};
    for (unsigned i = 0; i < conf->zone_count; i++) {
        const struct conf_zone *z = &conf->zones[i];
        if (!z->file) /* its content is in the state directory */
            continue;
        struct load_result result;
        struct diag diag = {0};
        struct zone *zone = load_zone_file(z->name, z->file, &limits, &sink, &result, &diag);
        failed += !zone;
        zone_free(zone);
    }
    return failed;
}
