/* SPDX-License-Identifier: Apache-2.0
 * Lists of addresses and prefixes. */
#include "conf/prefixes.h"

#include <string.h>

#include "conf/fault.h"

const struct prefix *prefixes_build(struct fill *f, const struct conf_texts *list, unsigned *count)
{
    struct prefix *all = fill_alloc(f, &(struct item){.at = list->at}, list->count * sizeof(*all));
    for (unsigned i = 0; all && i < list->count; i++) {
        const struct conf_text *t = &list->items[i];
        if (prefix_scan(t->text, strlen(t->text), &all[*count]))
            ++*count;
        else
            fault_add(
                f->faults, t->at,
                "\"%.*s\" is not an address, or a prefix like 10.0.0.0/8 or 2001:db8::/32 with "
                "no bits behind its length",
                QUOTED(t->text));
    }
    return all;
}
