/* SPDX-License-Identifier: Apache-2.0
 * Names inside the block of a zone. */
#include "conf/names.h"

#include <string.h>

#include "conf/fault.h"

/* "ns1.example.com" in the zone example.com is ns1.example.com.example.com., and hardly meant. */
static void warn_of_dot(struct fill *f, const struct conf_zone *z, const struct conf_text *written,
                        struct name name)
{
    struct name_buf bare;
    struct name zone = z->name;
    if (name_is_root(zone) ||
        name_scan(written->text, strlen(written->text), NAME_ROOT, &bare, NULL) != OK ||
        name_is_equal(name_of(&bare), name) || !name_is_under(name_of(&bare), zone))
        return;
    fault_warn(f->faults, written->at,
               "\"%.*s\" is taken under zone \"%.*s\", did you mean \"%.*s.\" with a final dot?",
               QUOTED(written->text), QUOTED(z->text), QUOTED(written->text));
}

bool names_read(struct fill *f, const struct conf_zone *z, const struct conf_text *written,
                struct name_buf *out)
{
    struct diag diag = {0};
    if (strcmp(written->text, "apex") == 0) {
        name_copy(out, z->name);
        return true;
    }
    if (name_scan(written->text, strlen(written->text), z->name, out, &diag) != OK) {
        fault_add(f->faults, written->at, "\"%.*s\" is not a name: %s", QUOTED(written->text),
                  diag.text);
        return false;
    }
    warn_of_dot(f, z, written, name_of(out));
    return true;
}

bool names_read_inside(struct fill *f, const struct conf_zone *z, const struct conf_text *written,
                       struct name_buf *out)
{
    if (!names_read(f, z, written, out))
        return false;
    if (name_is_under(name_of(out), z->name))
        return true;
    fault_add(f->faults, written->at, "\"%.*s\" is not in zone \"%.*s\"", QUOTED(written->text),
              QUOTED(z->text));
    return false;
}

bool names_is_any(const struct conf_text *written)
{
    return strcmp(written->text, "any") == 0 || strcmp(written->text, "*") == 0;
}
