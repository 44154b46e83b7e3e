/* SPDX-License-Identifier: Apache-2.0
 * Failures: codes and sentences. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

const char *err_text(enum err e)
{
    static const char *const texts[] = {
#define X(name, text) [name] = text,
        ERR_LIST(X)
#undef X
    };
    ASSERT((unsigned)e < ARRAY_LEN(texts));
    return texts[e];
}

enum err err_say(struct diag *diag, enum err e, const char *fmt, ...)
{
    ASSERT(e != OK);
    if (diag) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(diag->text, sizeof(diag->text), fmt, ap);
        va_end(ap);
    }
    return e;
}

enum err err_note(struct diag *diag, enum err e, const char *fmt, ...)
{
    ASSERT(e != OK);
    if (!diag)
        return e;
    char context[DIAG_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(context, sizeof(context), fmt, ap);
    va_end(ap);
    char rest[DIAG_TEXT_MAX];
    memcpy(rest, diag->text, sizeof(rest));
    int n = snprintf(diag->text, sizeof(diag->text), "%s: ", context);
    size_t at = (size_t)n < sizeof(diag->text) ? (size_t)n : sizeof(diag->text) - 1;
    snprintf(diag->text + at, sizeof(diag->text) - at, "%s", rest[0] ? rest : err_text(e));
    return e;
}
