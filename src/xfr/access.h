/* SPDX-License-Identifier: Apache-2.0
 * Who may have a zone: the rules of `secondaries` and `transfer`, one evaluator for live requests
 * and for `explain transfer`.
 *
 * The first rule that matches decides; without one the transfer is refused. A rule has an identity:
 * a key, a remote (its addresses, and its key if it has one), or it says that unsigned requests may
 * have it; `from` only narrows. */
#ifndef REEVE_XFR_ACCESS_H
#define REEVE_XFR_ACCESS_H

#include "base/text.h"
#include "request/prefix.h"
#include "request/remote.h"

enum xfr_scope {
    XFR_WHOLE,
    XFR_GRANTED /* only what the asking key may update; SOA first and last, always a full answer */
};

struct xfr_rule {
    const char *where;           /* "secondaries" or "transfer": the list that it stands in */
    unsigned index;              /* in that list */
    const struct remote *remote; /* NULL: the members below say who */
    struct name key;             /* in lower case; len 0: unsigned requests (`unsigned: yes`) */
    const struct prefix *from;   /* any of; none: from anywhere */
    unsigned from_count;
    bool is_deny;
    enum xfr_scope scope;
};

struct xfr_question {
    const struct tsig_key *key; /* verified; NULL: unsigned */
    const union address *from;
};

enum xfr_miss { XFR_MATCH, XFR_OTHER_KEY, XFR_OTHER_SOURCE };
/* How the rule stands to the question; a sentence about a miss goes to *why (may be NULL). */
enum xfr_miss xfr_rule_match(const struct xfr_rule *r, const struct xfr_question *question,
                             struct text *why);
/* The first rule that matches; NULL: none does. *closest (may be NULL): then the one that came
 * closest, NULL without rules. */
const struct xfr_rule *xfr_rule_find(const struct xfr_rule *rules, unsigned count,
                                     const struct xfr_question *question,
                                     const struct xfr_rule **closest);
/* "secondaries[0] ns1", "transfer[1] {key: k8s, scope: granted}". */
void xfr_rule_show(const struct xfr_rule *r, struct text *t);

#endif
