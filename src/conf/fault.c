/* SPDX-License-Identifier: Apache-2.0
 * Faults of the configuration. */
#include "conf/fault.h"

#include <stdarg.h>
#include <string.h>

/* A fault may quote anything from the file; what a terminal would obey becomes "?": C0, DEL, and C1
 * as UTF-8 (C2 80-9F). */
static void make_printable(char *text)
{
    for (unsigned char *s = (unsigned char *)text; *s; s++)
        if (*s < 0x20 || *s == 0x7F)
            *s = '?';
        else if (s[0] == 0xC2 && s[1] >= 0x80 && s[1] <= 0x9F)
            s[0] = s[1] = '?';
}

bool fault_is_full(const struct conf_faults *faults)
{
    return faults->count == CONF_FAULTS_MAX;
}

void fault_reset(struct conf_faults *faults)
{
    faults->count = faults->left_out = faults->errors = 0;
}

/* The next free one, or NULL. */
static struct conf_fault *take(struct conf_faults *faults, struct conf_at at)
{
    if (fault_is_full(faults)) {
        faults->left_out++;
        return NULL;
    }
    struct conf_fault *f = &faults->list[faults->count++];
    *f = (struct conf_fault){.at = at};
    return f;
}

void fault_add(struct conf_faults *faults, struct conf_at at, const char *fmt, ...)
{
    struct conf_fault *f = take(faults, at);
    faults->errors++;
    if (!f)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
    make_printable(f->text);
}

void fault_warn(struct conf_faults *faults, struct conf_at at, const char *fmt, ...)
{
    struct conf_fault *f = take(faults, at);
    if (!f)
        return;
    f->is_warning = true;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
    make_printable(f->text);
}

void fault_sort(struct conf_faults *faults)
{
    for (unsigned i = 1; i < faults->count; i++) { /* at most 100, nearly in order already */
        struct conf_fault f = faults->list[i];
        unsigned k = i;
        for (; k > 0 && conf_at_compare(faults->list[k - 1].at, f.at) > 0; k--)
            faults->list[k] = faults->list[k - 1];
        faults->list[k] = f;
    }
}

void conf_faults_show(const struct conf_faults *faults, const char *path, FILE *out)
{
    for (unsigned i = 0; i < faults->count; i++) {
        const struct conf_fault *f = &faults->list[i];
        fprintf(out, "%s:%u:%u: %s%s\n", path, f->at.line, f->at.column,
                f->is_warning ? "warning: " : "", f->text);
    }
    if (faults->left_out) {
        struct conf_at at = faults->list[faults->count - 1].at;
        fprintf(out, "%s:%u:%u: %u more faults are not shown\n", path, at.line, at.column,
                faults->left_out);
    }
}
